//! Addresses that look like another one, and what became of their origin.

/// What a mutation does to an origin. Written down by hand, so that two parsers that err alike do not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A spelling of the same origin.
    Same,
    /// Another origin, which must not be taken for the first.
    Other,
    /// No base address of a Connect.
    Refused,
}

/// One look-alike.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    pub(crate) fate: Fate,
}

/// Look-alikes of `https://{host}{path}`. The host has a hyphen, a dot and an `i`; the path begins with a slash.
pub(crate) fn mutants(host: &str, path: &str) -> Vec<Mutant> {
    use Fate::{Other, Refused, Same};
    let upper = host.to_uppercase();
    let (head, tail) = host.split_once('-').unwrap_or((host, ""));
    let swapped = |from: &str, to: &str| host.replacen(from, to, 1);
    let first = host.chars().next().map_or(0, u32::from);
    let wide =
        char::from_u32(first + 0xfee0).map_or(String::new(), |wide| host.replacen(&host[..1], &wide.to_string(), 1));
    let escaped = format!("%{first:02x}{}", &host[1..]);

    let rows = [
        // case
        ("case of the host", format!("https://{upper}{path}"), Same),
        ("case of the scheme", format!("HTTPS://{host}{path}"), Same),
        // trailing dot
        ("trailing dot", format!("https://{host}.{path}"), Other),
        ("two trailing dots", format!("https://{host}..{path}"), Other),
        ("leading dot", format!("https://.{host}{path}"), Other),
        // port
        ("the default port", format!("https://{host}:443{path}"), Same),
        ("the default port with zeros", format!("https://{host}:00443{path}"), Same),
        ("an empty port", format!("https://{host}:{path}"), Same),
        ("another port", format!("https://{host}:8443{path}"), Other),
        ("the port of http", format!("https://{host}:80{path}"), Other),
        ("a port too large", format!("https://{host}:65979{path}"), Refused),
        ("a port of letters", format!("https://{host}:https{path}"), Refused),
        // credentials
        ("a user", format!("https://user@{host}{path}"), Refused),
        ("a user and a password", format!("https://user:pass@{host}{path}"), Refused),
        ("an empty user", format!("https://@{host}{path}"), Same),
        ("the host as the user", format!("https://{host}@evil.test{path}"), Refused),
        ("the host as the password", format!("https://a:{host}@evil.test{path}"), Refused),
        // suffix
        ("a suffix", format!("https://{host}.evil.test{path}"), Other),
        ("a suffix without a dot", format!("https://{host}evil.test{path}"), Other),
        ("a longer last label", format!("https://{host}a{path}"), Other),
        ("a label less", format!("https://{}{path}", host.rsplit_once('.').map_or(host, |(rest, _)| rest)), Other),
        // prefix
        ("a prefix", format!("https://evil.test.{host}{path}"), Other),
        ("a prefix without a dot", format!("https://evil{host}{path}"), Other),
        ("another tenant", format!("https://other-{tail}{path}"), Other),
        ("the host as a path", format!("https://evil.test/{host}{path}"), Other),
        ("the host as a query", format!("https://evil.test?{host}{path}"), Refused),
        ("the host as a fragment", format!("https://evil.test#{host}{path}"), Refused),
        ("the host behind a backslash", format!("https://evil.test\\{host}{path}"), Other),
        // dots and letters of other alphabets
        ("an ideographic dot", format!("https://{}{path}", swapped(".", "。")), Same),
        ("a full-width dot", format!("https://{}{path}", swapped(".", "．")), Same),
        ("a half-width ideographic dot", format!("https://{}{path}", swapped(".", "｡")), Same),
        ("a one dot leader", format!("https://{}{path}", swapped(".", "․")), Refused),
        ("a full-width letter", format!("https://{wide}{path}"), Same),
        ("a Cyrillic letter", format!("https://{}{path}", swapped("i", "і")), Other),
        ("a non-breaking hyphen", format!("https://{}{path}", swapped("-", "‑")), Other),
        ("a minus sign", format!("https://{}{path}", swapped("-", "−")), Other),
        ("an en dash", format!("https://{}{path}", swapped("-", "–")), Other),
        ("a full-width hyphen", format!("https://{}{path}", swapped("-", "－")), Same),
        ("a soft hyphen added", format!("https://{head}\u{ad}-{tail}{path}"), Same),
        ("a soft hyphen instead", format!("https://{}{path}", swapped("-", "\u{ad}")), Other),
        ("a zero-width space", format!("https://{head}\u{200b}-{tail}{path}"), Same),
        // escapes
        ("an escaped letter", format!("https://{escaped}{path}"), Same),
        ("an escaped hyphen", format!("https://{}{path}", swapped("-", "%2D")), Same),
        ("an escaped dot", format!("https://{}{path}", swapped(".", "%2e")), Same),
        ("an escaped slash", format!("https://{host}%2f{path}"), Refused),
        ("an escaped nothing", format!("https://{host}%{path}"), Refused),
        ("an escaped NUL", format!("https://{host}%00{path}"), Refused),
        // white space
        ("a tab inside", format!("https://{head}\t-{tail}{path}"), Same),
        ("a line break inside", format!("https://{head}\r\n-{tail}{path}"), Same),
        ("a tab in the scheme", format!("ht\ttps://{host}{path}"), Same),
        ("spaces around", format!("  https://{host}{path}  "), Same),
        ("control characters around", format!("\u{1}https://{host}{path}\u{1f}\n"), Same),
        ("a space inside", format!("https://{head} -{tail}{path}"), Refused),
        ("a NUL inside", format!("https://{head}\0-{tail}{path}"), Refused),
        // slashes
        ("backslashes", format!("https:\\\\{host}{path}"), Same),
        ("a slash and a backslash", format!("https:/\\{host}{path}"), Same),
        ("one slash", format!("https:/{host}{path}"), Same),
        ("no slash", format!("https:{host}{path}"), Same),
        ("too many slashes", format!("https://///{host}{path}"), Same),
        ("no scheme", format!("//{host}{path}"), Refused),
        ("nothing but the host", format!("{host}{path}"), Refused),
        // schemes
        ("http", format!("http://{host}{path}"), Refused),
        ("ws", format!("ws://{host}{path}"), Refused),
        ("wss", format!("wss://{host}{path}"), Refused),
        ("ftp", format!("ftp://{host}{path}"), Refused),
        ("file", format!("file://{host}{path}"), Refused),
        ("blob", format!("blob:https://{host}{path}"), Refused),
        ("data", format!("data:text/html,https://{host}{path}"), Refused),
        ("javascript", format!("javascript://{host}{path}"), Refused),
        ("view-source", format!("view-source:https://{host}{path}"), Refused),
        ("an application's scheme", format!("https-x://{host}{path}"), Refused),
        ("two schemes", format!("https://https://{host}{path}"), Other),
        // more than a base
        ("a query", format!("https://{host}{path}?a=b"), Refused),
        ("an empty query", format!("https://{host}{path}?"), Refused),
        ("a fragment", format!("https://{host}{path}#a"), Refused),
        ("an empty fragment", format!("https://{host}{path}#"), Refused),
    ];
    rows.into_iter().map(|(name, address, fate)| Mutant { name, address, fate }).collect()
}
