//! Who may use the API and the control interface: programs of this machine, and pages of the sandbox's own. Not the pages of others.
//!
//! A page of any site can send requests to loopback, and a site can give a name of its own the address 127.0.0.1 and so pass for
//! the sandbox. The first kind names its origin; the second calls the sandbox by a name that is none of this machine's.
//!
//! Invariants: whoever sends no `Origin`, no `Sec-Fetch-Site` and a local `Host` is a program, and is let in; what is refused changes
//! nothing and is answered 403 with a sentence.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::{Host, Url};

/// By which names the sandbox may be called, besides those that only this machine and its network have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Vec<String>>);

impl Names {
    /// These names.
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self(Arc::new(names))
    }

    /// Whether a `Host` is one that no stranger can have: an address, a name without a dot, one under `localhost`, `internal` or
    /// `test`, or one that was allowed.
    fn allow(&self, host: &str) -> bool {
        match Url::parse(&format!("http://{host}/")).ok().as_ref().and_then(Url::host) {
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = |suffix: &str| name.rsplit('.').next() == Some(suffix);
                !name.contains('.')
                    || ["localhost", "internal", "test"].into_iter().any(is_local)
                    || self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
            }
            None => false,
        }
    }
}

/// Whether a webhook to that address stays on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Lets programs of this machine in, and nobody else to the API and the control interface. The Connect page is for everybody.
pub(crate) async fn check(State(names): State<Names>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_guarded = path.starts_with("/_sandbox/") || path.starts_with("/v3/");
    match stranger(&names, request.headers()) {
        Some(reason) if is_guarded => (StatusCode::FORBIDDEN, Json(json!({ "error": reason }))).into_response(),
        _ => next.run(request).await,
    }
}

/// Why a request with these headers comes from a stranger; `None` when it does not.
fn stranger(names: &Names, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // A program may leave it out; a browser never does.
    let host = text(HOST.as_str()).unwrap_or("localhost");
    if !names.allow(host) {
        return Some("the sandbox is called by a name that is not this machine's; --allow-host NAME allows it");
    }
    if text(ORIGIN.as_str()).is_some_and(|origin| !is_own(origin, host)) {
        return Some(
            "a page of another origin may not use the sandbox's API and control interface; call it from the test itself",
        );
    }
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => None,
        Some(_) => Some("a page of another site may not use the sandbox's API and control interface"),
    }
}

fn is_own(origin: &str, host: &str) -> bool {
    let called = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    called.is_some_and(|called| called.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        stranger(&Names::new(vec!["sandbox.example".to_owned()]), &headers).is_some()
    }

    #[test]
    fn programs_are_let_in_by_every_name_of_this_machine() {
        for host in [
            "127.0.0.1:4202",
            "[::1]:4202",
            "localhost:4202",
            "LOCALHOST",
            "sandbox:4202",
            "host.docker.internal",
            "a.test",
            "10.0.0.7:80",
            "sandbox.example:4202",
        ] {
            assert!(!refused(&[("host", host)]), "{host}");
        }
        assert!(!refused(&[]));
        assert!(!refused(&[
            ("host", "127.0.0.1:4202"),
            ("origin", "http://127.0.0.1:4202"),
            ("sec-fetch-site", "same-origin")
        ]));
    }

    #[test]
    fn pages_of_others_and_names_of_others_are_not() {
        for host in ["attacker.example", "localhost.attacker.example", "127.0.0.1.nip.io", "", "a b"] {
            assert!(refused(&[("host", host)]), "{host}");
        }
        for origin in ["https://attacker.example", "null", "http://localhost:3000", "http://127.0.0.1:42020", "file://"]
        {
            assert!(refused(&[("host", "127.0.0.1:4202"), ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(refused(&[("host", "127.0.0.1:4202"), ("sec-fetch-site", site)]), "{site}");
        }
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        for url in [
            "http://127.0.0.1:1/hook",
            "https://localhost/",
            "http://[::1]:2/",
            "http://[::ffff:127.0.0.1]/",
            "http://app.localhost/",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://10.0.0.1/", "http://localhost.example/", "https://host.example/", "http://[2001:db8::1]/", "hook"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
