//! Any text as the `url` of a REDIRECT: what comes out of it is in its query, once, at a place that was asked for.

#![no_main]

use flinks_connect::address::{ParsedUrl, parse_url};
use flinks_connect::id::{LoginId, Tag};
use flinks_connect::message::{Field, Fields, MAX_URL_LEN};
use flinks_connect::redirect::{self, Expected, MAX_ACCOUNTS};
use libfuzzer_sys::fuzz_target;

const TAG: &str = "opaque tag 1";
const PLACES: [&str; 2] = ["https://example.com/thank-you", "myapp://callback"];

struct OnlyUrl<'a>(&'a str);

impl Fields for OnlyUrl<'_> {
    fn text(&self, name: &str, max_len: usize) -> Field {
        match name {
            redirect::URL if self.0.encode_utf16().count() > max_len => Field::Unusable,
            redirect::URL if !self.0.is_empty() => Field::Text(self.0.to_owned()),
            _ => Field::Absent,
        }
    }

    fn texts(&self, _: &str, _: usize, _: usize) -> Vec<String> {
        Vec::new()
    }

    fn number(&self, _: &str) -> Option<f64> {
        None
    }
}

fuzz_target!(|text: &str| {
    let tag = Tag::parse(TAG);
    for redirect_url in [None, Some(PLACES[0]), Some(PLACES[1])] {
        for tag in [None, tag.as_ref()] {
            let Ok(redirect) = redirect::read(&OnlyUrl(text), parse_url, Expected { tag, redirect_url }) else {
                continue;
            };
            assert!(text.encode_utf16().count() <= MAX_URL_LEN);
            let url = parse_url(text).expect("what no parser takes has no result");
            assert!(!url.has_credentials);
            match redirect_url {
                None => assert!(matches!(url.scheme.as_str(), "http:" | "https:")),
                Some(place) => assert_eq!(url.place, parse_url(place).expect("a place").place),
            }
            assert_eq!(values(&url, "loginId"), [redirect.login_id.as_str()]);
            assert_eq!(LoginId::parse(redirect.login_id.as_str()), Some(redirect.login_id.clone()));
            let tags = values(&url, "tag");
            assert!(tags.len() <= 1 && values(&url, "requestId").len() <= 1, "a mark twice");
            if let Some(expected) = tag {
                assert!(matches!(tags.as_slice(), [] | [""]) || tags == [expected.as_str()], "another session's tag");
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
    url.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}
