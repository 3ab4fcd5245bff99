//! Any text as the `url` of a REDIRECT: what comes out of it is in its query, once, at a place that was asked for.

#![no_main]

use flinks_connect::address::{ParsedUrl, parse_url};
use flinks_connect::id::{LoginId, Tag};
use flinks_connect::message::{Field, Fields, Form, MAX_URL_LEN};
use flinks_connect::redirect::{self, Expected, MAX_ACCOUNTS};
use libfuzzer_sys::fuzz_target;

const TAG: &str = "opaque tag 1";
/// Where the frame is.
const BASE: &str = "https://toolbox-iframe.private.fin.ag/v2/";
const PLACES: [&str; 2] = ["https://example.com/thank-you", "myapp://callback"];

struct OnlyUrl<'a>(&'a str);

impl Fields for OnlyUrl<'_> {
    fn each(&self, name: &str, _: Form, max_len: usize, take: &mut dyn FnMut(Field)) {
        match name {
            redirect::URL if self.0.encode_utf16().count() > max_len => take(Field::Unusable),
            redirect::URL if !self.0.is_empty() => take(Field::Text(self.0.to_owned())),
            _ => {}
        }
    }

    fn number(&self, _: &str) -> Option<f64> {
        None
    }
}

fuzz_target!(|text: &str| {
    let tag = Tag::parse(TAG);
    for redirect_url in [None, Some(PLACES[0]), Some(PLACES[1])] {
        for tag in [None, tag.as_ref()] {
            let Ok(redirect) = redirect::read(
                &OnlyUrl(text),
                parse_url,
                Expected { tag, redirect_url, ends_inside: false, base: BASE },
            ) else {
                continue;
            };
            let Some(login_id) = &redirect.login_id else {
                continue;
            };
            assert!(text.encode_utf16().count() <= MAX_URL_LEN);
            let url = parse_url(text, Some(BASE)).expect("what no parser takes names no login");
            assert!(!url.has_credentials);
            match redirect_url {
                None => assert!(matches!(url.scheme.as_str(), "http:" | "https:")),
                Some(place) => assert_eq!(url.place, parse_url(place, None).expect("a place").place),
            }
            let logins = values(&url, "loginId").into_iter().filter(|login| LoginId::parse(login).is_some());
            assert!(logins.clone().count() > 0 && logins.into_iter().all(|login| login == login_id.as_str()));
            if let Some(expected) = tag {
                let mut tags = values(&url, "tag").into_iter().filter(|tag| !tag.is_empty());
                assert!(tags.all(|tag| tag == expected.as_str()), "another session's tag");
            }
            assert!(redirect.accounts.len() <= MAX_ACCOUNTS);
            for account in &redirect.accounts {
                assert!(
                    url.query.iter().any(|(_, value)| value.contains(account.as_str())),
                    "an account out of nowhere"
                );
            }
        }
    }
});

fn values<'a>(url: &'a ParsedUrl, name: &str) -> Vec<&'a str> {
    url.query.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}
