//! Where Connect lives and what its address carries. A name or an address that leads elsewhere would make a stranger's page the one
//! that is believed.

#![allow(clippy::panic, clippy::expect_used, reason = "helpers of tests: a broken premise must stop the test")]

use std::collections::BTreeSet;

use flinks_connect::address::{AddressError, ConnectUrl, ParseUrl, ParsedUrl, parse_url};
use flinks_connect::id::{AuthorizeToken, RequestId, Tag};
use flinks_connect::parameters::{self, Language, Launch};
use proptest::prelude::*;

use crate::support;

const SUFFIX: &str = "-iframe.private.fin.ag";

/// Names that are instances.
const INSTANCES: &[&str] = &[
    "toolbox",
    "demo",
    "acme",
    "a",
    "0",
    "9",
    "a1",
    "1a",
    "a-b",
    "a--b",
    "a-b-c-d",
    "my-bank-2024",
    "acme-iframe",
    "iframe",
    "www",
    "localhost",
    "private",
    "fin",
    "com",
    "0x7f",
    "127",
    "1e10",
    "null",
    "undefined",
    "constructor",
    "javascript",
    "https",
    // 56 characters: with `-iframe` exactly one DNS label.
    "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst",
];

/// Names that are none, with what a lenient check would have made of them.
const IMPOSTORS: &[&str] = &[
    // empty, too long (a browser takes a label of 64)
    "",
    "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstu",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    // hyphens at an end
    "-",
    "--",
    "-toolbox",
    "toolbox-",
    "-a-",
    // the rest becomes fragment, query, path, port or host
    "evil.com/#",
    "evil.com#",
    "evil.test/?",
    "evil.test?",
    "evil.test/",
    "evil.test/x",
    "evil.test\\",
    "evil.test:443/",
    "toolbox:443",
    "toolbox/",
    "toolbox#",
    "toolbox?",
    "//evil.test/",
    "/",
    "#",
    "?",
    ":",
    "\\",
    // credentials
    "@evil.com",
    "evil.com@",
    "toolbox@evil.com/",
    "user:pass@evil.test/",
    "a:b@c",
    "toolbox-iframe.private.fin.ag@evil.test/",
    // another host or label
    "evil.com",
    "a.b",
    "other.toolbox",
    ".",
    "..",
    ".toolbox",
    "toolbox.",
    "toolbox-iframe.private.fin.ag",
    "toolbox-iframe.private.fin.ag.evil.test/",
    "https://toolbox",
    "https://evil.test/",
    "javascript:alert(1)",
    "[::1]",
    "127.0.0.1",
    // percent escapes that a host parser undoes
    "a%2eb",
    "a%2Eb",
    "toolbox%2Diframe",
    "%74oolbox",
    "a%00b",
    "a%2fb",
    "%",
    "%zz",
    "toolbox%",
    "a%23",
    "%40evil.com",
    // spaces and control characters that a URL parser strips or stumbles over
    " ",
    " toolbox",
    "toolbox ",
    "tool box",
    "tool\tbox",
    "tool\nbox",
    "\ttoolbox",
    "toolbox\n",
    "toolbox\r\n",
    "tool\u{0}box",
    "toolbox\u{7f}",
    // letters that are folded, dropped or turned into punycode
    "TOOLBOX",
    "Toolbox",
    "toolboX",
    "a\u{ad}b",
    "tool\u{200b}box",
    "tool\u{200d}box",
    "\u{feff}toolbox",
    "tool\u{202e}box",
    "ｔoolbox",
    "ｔｏｏｌｂｏｘ",
    "tооlbox",
    "toolbоx",
    "évil",
    "straße",
    "ﬁn",
    "①",
    "𝐭oolbox",
    "toolbox\u{301}",
    "日本",
    "😀",
    // dots that are no ASCII dots, hyphens that are none
    "evil。com/#",
    "evil．com",
    "evil｡com",
    "a․b",
    "tool‑box",
    "tool–box",
    "tool−box",
    "tool＿box",
    "toolbox／",
    "toolbox＃",
    "toolbox？",
    "＠evil",
    // other punctuation of URLs, templates and shells
    "tool_box",
    "tool+box",
    "tool&box",
    "tool=box",
    "tool;box",
    "tool,box",
    "tool*",
    "*",
    "tool!box",
    "tool'box",
    "tool\"box",
    "tool(box)",
    "tool[box]",
    "{instance}",
    "${instance}",
    "tool|box",
    "tool^box",
    "tool`box",
    "tool~box",
    "tool<box>",
    "tool$box",
    "../toolbox",
    "tool\\box",
];

#[test]
fn an_instance_name_is_one_plain_dns_label_and_leads_to_its_own_host() {
    for name in INSTANCES {
        let connect = ConnectUrl::of_instance(name, parse_url).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(connect.origin(), format!("https://{name}{SUFFIX}"));
        assert_eq!(connect.base(), format!("https://{name}{SUFFIX}/v2/"));
    }
}

#[test]
fn what_is_no_instance_name_is_refused_without_being_repeated() {
    for name in IMPOSTORS {
        assert_eq!(ConnectUrl::of_instance(name, parse_url), Err(AddressError::Instance), "{name:?}");
    }
    let rows = INSTANCES.len() + IMPOSTORS.len();
    println!("{rows} instance names");
    assert!(rows >= 150);
}

#[test]
fn the_grammar_refuses_by_itself_what_a_lenient_parser_would_let_through() {
    let lenient: ParseUrl = |address, _| {
        Some(ParsedUrl {
            place: address.to_owned(),
            is_bare: true,
            scheme: "https:".to_owned(),
            host: String::new(),
            origin: address.to_owned(),
            has_credentials: false,
            query: Vec::new(),
        })
    };
    for name in INSTANCES {
        assert!(ConnectUrl::of_instance(name, lenient).is_ok(), "{name}");
    }
    for name in IMPOSTORS {
        assert_eq!(ConnectUrl::of_instance(name, lenient), Err(AddressError::Instance), "{name:?}");
    }
}

#[test]
fn a_name_that_looks_like_punycode_leads_nowhere_else() {
    // The grammar lets these through; the parser may decode and refuse them, and a browser's may judge otherwise.
    for name in ["xn--", "xn--a", "xn--toolbox", "xn--tlbox-jua", "xn---", "xn--80ak6aa92e", "xn--0", "ab--cd"] {
        if let Ok(connect) = ConnectUrl::of_instance(name, parse_url) {
            assert_eq!(connect.origin(), format!("https://{name}{SUFFIX}"));
        }
    }
}

#[test]
fn a_parser_that_reads_the_name_otherwise_is_not_followed() {
    // What the frame loads and what its messages are compared with come from the same parse; a parse to elsewhere is refused.
    fn elsewhere(_: &str, _: Option<&str>) -> Option<ParsedUrl> {
        parse_url("https://evil.test/v2/", None)
    }
    fn nowhere(_: &str, _: Option<&str>) -> Option<ParsedUrl> {
        None
    }
    assert!(ConnectUrl::of_instance("toolbox", elsewhere).is_err());
    assert!(ConnectUrl::of_instance("toolbox", nowhere).is_err());
}

#[test]
fn an_address_of_connect_is_https_or_loopback_and_stands_bare() {
    let rows: &[(&str, Option<(&str, &str)>)] = &[
        (
            "https://toolbox-iframe.private.fin.ag/v2/",
            Some(("https://toolbox-iframe.private.fin.ag/v2/", "https://toolbox-iframe.private.fin.ag")),
        ),
        (
            "https://toolbox-iframe.private.fin.ag",
            Some(("https://toolbox-iframe.private.fin.ag/", "https://toolbox-iframe.private.fin.ag")),
        ),
        ("https://demo.flinks.com/v2", Some(("https://demo.flinks.com/v2", "https://demo.flinks.com"))),
        (
            "HTTPS://TOOLBOX-IFRAME.PRIVATE.FIN.AG/V2/",
            Some(("https://toolbox-iframe.private.fin.ag/V2/", "https://toolbox-iframe.private.fin.ag")),
        ),
        ("https://connect.example:443/v2/", Some(("https://connect.example/v2/", "https://connect.example"))),
        ("https://connect.example:8443/", Some(("https://connect.example:8443/", "https://connect.example:8443"))),
        // A trailing dot is another origin, and stays one.
        ("https://connect.example./", Some(("https://connect.example./", "https://connect.example."))),
        ("https://connect.example/a/../v2/", Some(("https://connect.example/v2/", "https://connect.example"))),
        ("https://connect.example/%3Fa", Some(("https://connect.example/%3Fa", "https://connect.example"))),
        // Without slashes two parsers can disagree about a text; here one parse gives both what is loaded and what is compared.
        ("https:connect.example/v2/", Some(("https://connect.example/v2/", "https://connect.example"))),
        ("https:\\\\connect.example\\v2/", Some(("https://connect.example/v2/", "https://connect.example"))),
        (" https://connect.example/\n", Some(("https://connect.example/", "https://connect.example"))),
        ("https://connect。example/", Some(("https://connect.example/", "https://connect.example"))),
        (
            "https://toolbox‑iframe.private.fin.ag/",
            Some(("https://xn--toolboxiframe-hm6g.private.fin.ag/", "https://xn--toolboxiframe-hm6g.private.fin.ag")),
        ),
        ("http://localhost/", Some(("http://localhost/", "http://localhost"))),
        ("http://localhost:4201/v2/", Some(("http://localhost:4201/v2/", "http://localhost:4201"))),
        ("http://LOCALHOST:80/", Some(("http://localhost/", "http://localhost"))),
        ("http://127.0.0.1:4201/v2/", Some(("http://127.0.0.1:4201/v2/", "http://127.0.0.1:4201"))),
        ("http://127.1/", Some(("http://127.0.0.1/", "http://127.0.0.1"))),
        ("http://0x7f.1/", Some(("http://127.0.0.1/", "http://127.0.0.1"))),
        ("http://2130706433/", Some(("http://127.0.0.1/", "http://127.0.0.1"))),
        ("http://127.255.255.254/", Some(("http://127.255.255.254/", "http://127.255.255.254"))),
        ("http://[::1]:4201/", Some(("http://[::1]:4201/", "http://[::1]:4201"))),
        ("http://[0:0::0001]/", Some(("http://[::1]/", "http://[::1]"))),
        // not https, not loopback
        ("http://connect.example/", None),
        ("http://toolbox-iframe.private.fin.ag/v2/", None),
        ("http://localhost.evil.test/", None),
        ("http://localhost./", None),
        ("http://notlocalhost/", None),
        ("http://127.0.0.1.evil.test/", None),
        ("http://128.0.0.1/", None),
        ("http://10.0.0.1/", None),
        ("http://192.168.1.1/", None),
        ("http://0.0.0.0/", None),
        ("http://[::]/", None),
        ("http://[::2]/", None),
        ("http://[::ffff:127.0.0.1]/", None),
        ("http://127.0.0.1@evil.test/", None),
        ("ftp://localhost/", None),
        ("ws://localhost/", None),
        ("file:///v2/", None),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)//localhost", None),
        ("data:text/html,<p>", None),
        ("blob:https://connect.example/1", None),
        ("about:blank", None),
        ("myapp://connect/", None),
        ("null", None),
        // more than a base
        ("https://connect.example/?", None),
        ("https://connect.example/?a=b", None),
        ("https://connect.example/#", None),
        ("https://connect.example/#a", None),
        ("https://connect.example/?#", None),
        ("https://evil.test/#.private.fin.ag", None),
        ("https://evil.test?-iframe.private.fin.ag", None),
        ("https://user@connect.example/", None),
        ("https://user:pass@connect.example/", None),
        ("https://:pass@connect.example/", None),
        ("https://toolbox-iframe.private.fin.ag@evil.test/", None),
        // no absolute URL
        ("", None),
        (" ", None),
        ("toolbox", None),
        ("connect.example/v2/", None),
        ("//connect.example/v2/", None),
        ("/v2/", None),
        ("https://", None),
        ("https:///", None),
        ("https://exa mple/", None),
        ("https://a%2fb/", None),
        ("https://a\u{0}b/", None),
        ("https://connect.example:99999/", None),
        ("https://[::1/", None),
    ];
    for (address, expected) in rows {
        match (ConnectUrl::at(address, parse_url), expected) {
            (Ok(connect), Some((base, origin))) => {
                assert_eq!((connect.base(), connect.origin()), (*base, *origin), "{address:?}");
            }
            (Err(error), None) => {
                assert!(error != AddressError::Instance && error.expected().starts_with("expected "), "{address:?}");
            }
            (got, _) => panic!("{address:?}: {got:?}"),
        }
    }
    println!("{} addresses", rows.len());
}

#[test]
fn an_empty_credential_is_none() {
    // The parser drops it: nothing is sent and nothing hides.
    let connect = ConnectUrl::at("https://@connect.example/", parse_url).expect("an address");
    assert_eq!(connect.base(), "https://connect.example/");
}

// ---- the frame's URL ----

fn launch(connect: &ConnectUrl) -> Launch<'_> {
    Launch {
        connect,
        request_id: None,
        authorize_token: None,
        accounts: None,
        language: Language::En,
        tag: None,
        others: &[],
    }
}

#[test]
fn a_launch_of_nothing_still_tells_the_language() {
    let connect = ConnectUrl::of_instance("toolbox", parse_url).expect("an instance");
    assert_eq!(launch(&connect).url(), "https://toolbox-iframe.private.fin.ag/v2/?language=en");
}

#[test]
fn the_frames_url_is_written_as_documented() {
    let connect = ConnectUrl::at("http://127.0.0.1:4201/v2/", parse_url).expect("an address");
    let others =
        [("redirectUrl".to_owned(), "https://a.example/?b=c&d#e".to_owned()), ("tag".to_owned(), "theirs".to_owned())];
    let url = Launch {
        request_id: RequestId::parse(support::REQUEST).as_ref(),
        authorize_token: AuthorizeToken::parse(support::TOKEN).as_ref(),
        accounts: Some(&[support::CHEQUING, support::SAVINGS].join(",")),
        language: Language::Fr,
        tag: Tag::parse("a&b=c d+e").as_ref(),
        others: &others,
        ..launch(&connect)
    }
    .url();
    let expected = format!(
        "http://127.0.0.1:4201/v2/?requestId={}&authorizeToken={}&resumeSelectedAccounts={}%2C{}&tag=a%26b%3Dc%20d%2Be\
         &redirectUrl=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d%23e&language=fr",
        support::REQUEST,
        support::TOKEN,
        support::CHEQUING,
        support::SAVINGS
    );
    assert_eq!(url, expected, "and the session's own tag wins");
}

#[test]
fn names_are_encoded_like_values() {
    let connect = ConnectUrl::of_instance("toolbox", parse_url).expect("an instance");
    let others = [("a&requestId".to_owned(), "b".to_owned())];
    let url = Launch { others: &others, ..launch(&connect) }.url();
    assert!(url.ends_with("/v2/?a%26requestId=b&language=en"), "{url}");
}

#[test]
fn the_names_the_widget_owns_are_not_among_those_a_host_may_set() {
    for name in parameters::RESERVED {
        assert!(!parameters::DOCUMENTED.iter().any(|documented| documented.eq_ignore_ascii_case(name)), "{name}");
    }
    let unique: BTreeSet<_> = parameters::DOCUMENTED.iter().collect();
    assert_eq!(unique.len(), parameters::DOCUMENTED.len());
}

/// So many cases unless the environment says otherwise.
fn cases(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{8,40}"
}

fn others() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![prop::sample::select(parameters::DOCUMENTED).prop_map(str::to_owned), "[A-Za-z0-9_]{1,12}"];
    // Any text at all, and texts made of what a query is made of.
    let value = prop_oneof![any::<String>(), "[?&=#%+;/:@ \\x00-\\x1fé😀a-z]{0,30}"];
    prop::collection::btree_map(name, value, 0..6).prop_map(|others| {
        let is_free = |name: &String| !parameters::RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
        others.into_iter().filter(|(name, _)| is_free(name)).collect()
    })
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn every_value_survives_the_frames_url(
        base in prop::sample::select(&["https://toolbox-iframe.private.fin.ag/v2/", "http://[::1]:4201/", "https://a.example/%3F/x"][..]),
        request_id in prop::option::of(id()),
        token in prop::option::of(id()),
        accounts in prop::collection::vec(id(), 0..5),
        is_french in any::<bool>(),
        tag in prop::option::of("[ -~]{1,40}"),
        others in others(),
    ) {
        let connect = ConnectUrl::at(base, parse_url).expect("an address");
        let joined = accounts.join(",");
        let url = Launch {
            connect: &connect,
            request_id: request_id.as_deref().and_then(RequestId::parse).as_ref(),
            authorize_token: token.as_deref().and_then(AuthorizeToken::parse).as_ref(),
            accounts: (!joined.is_empty()).then_some(&joined),
            language: if is_french { Language::Fr } else { Language::En },
            tag: tag.as_deref().and_then(Tag::parse).as_ref(),
            others: &others,
        }.url();

        let mut expected: Vec<(String, String)> = others.into_iter().filter(|(name, _)| !(name == "tag" && tag.is_some())).collect();
        let own = [
            ("requestId", request_id),
            ("authorizeToken", token),
            ("resumeSelectedAccounts", (!joined.is_empty()).then_some(joined.clone())),
            ("tag", tag),
            ("language", Some(if is_french { "fr" } else { "en" }.to_owned())),
        ];
        expected.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        expected.sort();

        let parsed = parse_url(&url, None).expect("the URL parses");
        let mut found = parsed.query.clone();
        found.sort();
        prop_assert_eq!(&found, &expected);
        let names: BTreeSet<_> = found.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(names.len(), found.len(), "a name twice");
        prop_assert_eq!(url.matches('?').count(), 1);
        prop_assert!(!url.contains('#') && url.is_ascii() && !url.contains(char::is_whitespace));
        prop_assert_eq!(parsed.origin.as_str(), connect.origin());
        prop_assert_eq!(parsed.place.as_str(), connect.base());
        let read_back = url::Url::parse(&url).expect("it parses");
        prop_assert_eq!(read_back.as_str(), &url, "the parser had nothing to put right");
    }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_name_is_an_instance_exactly_when_the_grammar_says_so(name in prop_oneof!["[a-z0-9-]{0,60}", "[a-zA-Z0-9.%/@#:_ -]{0,12}", any::<String>()]) {
        // The grammar of design §2.1, spelled out once more: `^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$`.
        let is_end = |character: Option<char>| character.is_some_and(|it| matches!(it, 'a'..='z' | '0'..='9'));
        let by_grammar = name.chars().count() <= 56
            && is_end(name.chars().next())
            && is_end(name.chars().last())
            && name.chars().all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'));
        match ConnectUrl::of_instance(&name, parse_url) {
            Ok(connect) => {
                prop_assert!(by_grammar);
                prop_assert_eq!(connect.origin(), format!("https://{name}{SUFFIX}"));
            }
            // A parser may refuse what looks like punycode.
            Err(_) => prop_assert!(!by_grammar || name.starts_with("xn--")),
        }
    }

    #[test]
    fn an_accepted_address_is_bare_and_safe(address in prop_oneof![
        any::<String>(),
        "(https?|ftp|file|HTTPS):[/\\\\]{0,3}([a-z]{0,3}(:[a-z]?)?@)?(localhost|127\\.0\\.0\\.[0-9]|\\[::1\\]|[a-z.]{1,8})(:[0-9]{1,5})?(/[a-z.%0-9]{0,6}){0,3}(\\?[a-z=]{0,3})?(#[a-z]{0,3})?",
    ]) {
        let Ok(connect) = ConnectUrl::at(&address, parse_url) else { return Ok(()) };
        let base = url::Url::parse(connect.base()).expect("a base parses");
        prop_assert_eq!(base.as_str(), connect.base());
        prop_assert_eq!(base.origin().ascii_serialization(), connect.origin());
        prop_assert!(base.query().is_none() && base.fragment().is_none() && base.username().is_empty() && base.password().is_none());
        let is_loopback = match base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        prop_assert!(base.scheme() == "https" || (base.scheme() == "http" && is_loopback));
    }
}
