//! Any bytes as a message from Connect: the decoder answers for all of them, and what it answers is true.
//!
//! Bytes that are JSON are read as the shell reads a stringified message. All others are read as lines of `name value`, so that the fuzzer
//! reaches the decoder without having to find JSON's grammar first; a line without a value is a field that is no text.

#![no_main]

use flinks_connect::address::parse_url;
use flinks_connect::id::{LoginId, Tag};
use flinks_connect::message::{Field, Fields, Form, MAX_JSON_LEN, MAX_TEXT_LEN, Message};
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
        if let Ok(redirect) = Message::redirect(
            fields,
            parse_url,
            Expected { tag, redirect_url, ends_inside: false, base: "https://toolbox-iframe.private.fin.ag/v2/" },
        ) {
            check_redirect(&redirect, fields, tag);
        }
    }
}

fn check_redirect(redirect: &Redirect, fields: &dyn Fields, tag: Option<&Tag>) {
    assert!(redirect.login_id.as_ref().is_none_or(|id| is_id(id.as_str())));
    assert!(redirect.request_id.as_ref().is_none_or(|id| is_id(id.as_str())));
    assert!(redirect.accounts.len() <= MAX_ACCOUNTS);
    for (index, account) in redirect.accounts.iter().enumerate() {
        assert!(is_id(account.as_str()));
        assert!(!redirect.accounts.iter().skip(index + 1).any(|other| other == account), "an account twice");
    }
    assert!(tag.is_none() || redirect.tag.is_none() || redirect.tag.as_ref() == tag, "another session's tag");
    fields.each("loginId", Form::Text, MAX_TEXT_LEN, &mut |field| {
        if let Field::Text(login) = field
            && is_id(&login)
        {
            assert_eq!(redirect.login_id, LoginId::parse(&login), "the URL outvoted the field");
        }
    });
    // Not by searching for the login: it may be a word that stands there anyhow.
    let another = LoginId::parse("another-login-0001").expect("a login");
    let of_another = Redirect { login_id: redirect.login_id.as_ref().map(|_| another), ..redirect.clone() };
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
    fn lines(&self, name: &str) -> Vec<Option<&str>> {
        let of_name = |line| match str::split_once(line, ' ') {
            Some((found, value)) => found.eq_ignore_ascii_case(name).then_some(Some(value)),
            None => line.eq_ignore_ascii_case(name).then_some(None),
        };
        self.0.split('\n').filter_map(of_name).collect()
    }
}

impl Fields for Lines<'_> {
    fn each(&self, name: &str, form: Form, max_len: usize, take: &mut dyn FnMut(Field)) {
        let values = self.lines(name);
        let values = match form {
            Form::Text => values,
            Form::List(max_items) => values.into_iter().take(max_items).collect(),
        };
        let values = values.into_iter().filter(|value| *value != Some(""));
        values
            .map(|value| match value {
                Some(text) if utf16_len(text) <= max_len => Field::Text(text.to_owned()),
                _ => Field::Unusable,
            })
            .for_each(take);
    }

    fn number(&self, _: &str) -> Option<f64> {
        None
    }
}

struct Json(Value);

impl Json {
    /// The values of the properties of that name, in whatever case.
    fn own<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let properties = self.0.as_object().into_iter().flatten();
        properties.filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Fields for Json {
    fn each(&self, name: &str, form: Form, max_len: usize, take: &mut dyn FnMut(Field)) {
        let named = self.own(name).flat_map(|value| match (value, form) {
            (Value::Array(items), Form::List(max_items)) => items.iter().take(max_items).collect(),
            (value, _) => vec![value],
        });
        named
            .filter_map(|value| match value {
                Value::Null => None,
                Value::String(text) if text.is_empty() => None,
                Value::String(text) if utf16_len(text) <= max_len => Some(Field::Text(text.clone())),
                _ => Some(Field::Unusable),
            })
            .for_each(take);
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.own(name).find_map(Value::as_f64)
    }
}
