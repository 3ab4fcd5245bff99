//! Any bytes as a message from Connect: the decoder answers for all of them, and what it answers is true.
//!
//! Bytes that are JSON are read as the shell reads a stringified message. All others are read as lines of `name value`, so that the fuzzer
//! reaches the decoder without having to find JSON's grammar first; a line without a value is a field that is no text.

#![no_main]

use flinks_connect::address::parse_url;
use flinks_connect::id::{LoginId, Tag};
use flinks_connect::message::{Field, Fields, MAX_JSON_LEN, MAX_TEXT_LEN, Message};
use flinks_connect::redirect::{Expected, MAX_ACCOUNTS, Redirect};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const TAG: &str = "opaque tag 1";
const LANDING: &str = "https://example.com/thank-you";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if utf16_len(&text) > MAX_JSON_LEN {
        return;
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => check(&Json(value)),
        _ => check(&Lines(&text)),
    }
});

fn check(fields: &dyn Fields) {
    if let Some(message) = Message::read(fields) {
        assert!(message.step.is_some() || message.code.is_some(), "a message of nothing");
        for text in [&message.step, &message.code, &message.institution].into_iter().flatten() {
            assert!(!text.is_empty() && utf16_len(text) <= MAX_TEXT_LEN, "a text beyond its limit");
        }
        assert_eq!(Message::read(fields), Some(message), "read twice, told differently");
    }
    let tag = Tag::parse(TAG);
    for (tag, redirect_url) in
        [(None, None), (tag.as_ref(), None), (None, Some(LANDING)), (tag.as_ref(), Some(LANDING))]
    {
        if let Ok(redirect) = Message::redirect(fields, parse_url, Expected { tag, redirect_url }) {
            check_redirect(&redirect, fields, tag);
        }
    }
}

fn check_redirect(redirect: &Redirect, fields: &dyn Fields, tag: Option<&Tag>) {
    assert!(is_id(redirect.login_id.as_str()));
    assert!(redirect.request_id.as_ref().is_none_or(|id| is_id(id.as_str())));
    assert!(redirect.accounts.len() <= MAX_ACCOUNTS);
    for (index, account) in redirect.accounts.iter().enumerate() {
        assert!(is_id(account.as_str()));
        assert!(!redirect.accounts.iter().skip(index + 1).any(|other| other == account), "an account twice");
    }
    assert!(tag.is_none() || redirect.tag.is_none() || redirect.tag.as_ref() == tag, "another session's tag");
    if let Field::Text(login) = fields.text("loginId", MAX_TEXT_LEN) {
        assert_eq!(login, redirect.login_id.as_str(), "the URL outvoted the field");
    }
    // Not by searching for the login: it may be a word that stands there anyhow.
    let another = LoginId::parse("another-login-0001").expect("a login");
    let of_another = Redirect { login_id: another, ..redirect.clone() };
    assert_eq!(format!("{redirect:?}"), format!("{of_another:?}"), "what is shown depends on the login");
}

/// The grammar of ids, spelled out once more.
fn is_id(text: &str) -> bool {
    (8..=128).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `name value` on each line; a list is a name on several lines.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn values(&self, name: &str) -> Vec<Option<&str>> {
        let of_name = |line| match str::split_once(line, ' ') {
            Some((found, value)) => (found == name).then_some(Some(value)),
            None => (line == name).then_some(None),
        };
        self.0.split('\n').filter_map(of_name).collect()
    }
}

impl Fields for Lines<'_> {
    fn text(&self, name: &str, max_len: usize) -> Field {
        match self.values(name).as_slice() {
            [] | [Some("")] => Field::Absent,
            [Some(text)] if utf16_len(text) <= max_len => Field::Text((*text).to_owned()),
            _ => Field::Unusable,
        }
    }

    fn texts(&self, name: &str, max_items: usize, max_len: usize) -> Vec<String> {
        let values = self.values(name);
        let texts = values.into_iter().take(max_items).flatten();
        texts.filter(|text| utf16_len(text) <= max_len).map(str::to_owned).collect()
    }

    fn number(&self, _: &str) -> Option<f64> {
        None
    }
}

struct Json(Value);

impl Fields for Json {
    fn text(&self, name: &str, max_len: usize) -> Field {
        match self.0.get(name) {
            None | Some(Value::Null) => Field::Absent,
            Some(Value::String(text)) if text.is_empty() => Field::Absent,
            Some(Value::String(text)) if utf16_len(text) <= max_len => Field::Text(text.clone()),
            Some(_) => Field::Unusable,
        }
    }

    fn texts(&self, name: &str, max_items: usize, max_len: usize) -> Vec<String> {
        let texts = match self.0.get(name) {
            Some(Value::Array(items)) => items.iter().take(max_items).filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        texts.into_iter().filter(|text| utf16_len(text) <= max_len).map(str::to_owned).collect()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }
}
