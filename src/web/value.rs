//! Reading JavaScript values: hostile messages, the host's objects, URLs.
//!
//! Invariants: nothing here throws or panics on any value, and of a message only own properties are seen, each no longer than asked.

use js_sys::Array;
use wasm_bindgen::JsValue;

use super::page::{self, strings};
use crate::connect::address::ParsedUrl;
use crate::connect::message::{Field, Fields, MAX_JSON_LEN};
use crate::session::{Properties, Property};

/// The own properties of a posted object.
pub(super) struct OwnFields(JsValue);

impl OwnFields {
    /// The object in a message event's data, or in its JSON text.
    pub(super) fn of(event: &JsValue) -> Option<Self> {
        let object = page::fields(event, limit(MAX_JSON_LEN));
        (!object.is_undefined()).then_some(Self(object))
    }
}

impl Fields for OwnFields {
    fn text(&self, name: &str, max_len: usize) -> Field {
        let value = page::own_text(&self.0, name, limit(max_len));
        match value.as_string() {
            Some(text) => Field::Text(text),
            None if value.is_null() => Field::Unusable,
            None => Field::Absent,
        }
    }

    fn texts(&self, name: &str, max_items: usize, max_len: usize) -> Vec<String> {
        strings(&page::own_texts(&self.0, name, limit(max_items), limit(max_len)), 0)
    }
}

fn limit(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// An object of the host's: its options, or its reply.
pub(super) struct HostObject<'a>(pub(super) &'a JsValue);

impl Properties for HostObject<'_> {
    fn names(&self) -> Vec<String> {
        strings(&page::names(self.0), 0)
    }

    fn get(&self, name: &str) -> Property {
        let list = page::property(self.0, name);
        // `page.js` has the same numbers.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number below ten")]
        match number(&list, 0) as u8 {
            0 => Property::Absent,
            1 => Property::Null,
            2 => Property::Text(strings(&list, 1).pop().unwrap_or_default()),
            3 => Property::Number(number(&list, 1)),
            4 => Property::Texts(strings(&list, 1)),
            5 => Property::Pairs(pairs(strings(&list, 1))),
            6 => Property::Function,
            7 => Property::Element,
            8 => Property::Signal,
            _ => Property::Other,
        }
    }
}

/// The number at `index`; NaN for what is none.
pub(super) fn number(list: &Array, index: u32) -> f64 {
    list.get(index).as_f64().unwrap_or(f64::NAN)
}

/// Names and values that came in turn.
fn pairs(strings: Vec<String>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut strings = strings.into_iter();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        pairs.push((name, value));
    }
    pairs
}

/// A URL by the browser's own parser, the one that will load it.
pub(super) fn parse_url(text: &str) -> Option<ParsedUrl> {
    let mut parts = strings(&page::url_parts(text)?, 0);
    let query = pairs(parts.split_off(parts.len().min(6)));
    let [href, scheme, host, path, origin, credentials] = parts.try_into().ok()?;
    Some(ParsedUrl { href, scheme, host, path, origin, has_credentials: !credentials.is_empty(), query })
}
