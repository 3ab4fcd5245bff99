//! Reading JavaScript values: hostile messages, the host's objects, URLs.
//!
//! Invariants: nothing here throws or panics on any value, and of a message only own properties are seen, each no longer than asked.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

use super::page;
use crate::session::{HostAnswer, Posted, Properties, Property};
use flinks_connect::address::ParsedUrl;
use flinks_connect::message::{Field, Fields, MAX_JSON_LEN};

/// A message event of Connect's frame: `gate.js` lets no other in.
pub(super) struct FrameMessage<'a>(pub(super) &'a JsValue);

impl Posted for FrameMessage<'_> {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        let value = page::fields(self.0, limit(MAX_JSON_LEN));
        if value.is_undefined() { None } else { Some(Box::new(OwnFields(value))) }
    }
}

/// The own properties of a posted value; what is no object has none.
struct OwnFields(JsValue);

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
        strings(&page::own_texts(&self.0, name, limit(max_items), limit(max_len)))
    }

    fn number(&self, name: &str) -> Option<f64> {
        page::own_number(&self.0, name).as_f64()
    }
}

fn limit(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// An object of the host's: its options, or its reply.
pub(super) fn properties(object: &JsValue) -> Properties {
    // A name, a kind and a content each.
    let list = page::properties(object);
    let mut properties = Vec::new();
    for index in (0..list.length()).step_by(3) {
        let content = list.get(index + 2);
        // `value.js` has the same numbers.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number below ten")]
        let property = match number(&list, index + 1) as u8 {
            0 => Property::Absent,
            1 => Property::Null,
            2 => Property::Text(content.as_string().unwrap_or_default()),
            3 => Property::Number(content.as_f64().unwrap_or(f64::NAN)),
            4 => Property::Texts(strings(content.unchecked_ref())),
            5 => Property::Pairs(strings(content.unchecked_ref())),
            6 => Property::Function,
            7 => Property::Element,
            8 => Property::Signal,
            _ => Property::Other,
        };
        properties.push((text(&list, index), property));
    }
    Properties(properties)
}

/// How the host answered: `[isOk, reply, status, code, retryAfterMs]`.
pub(super) fn answer(said: &Array) -> HostAnswer {
    if said.get(0).is_truthy() {
        return HostAnswer::Ok;
    }
    let (status, retry_after_ms) = (number(said, 2), number(said, 4));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, or saturates")]
    if (100.0..600.0).contains(&status) {
        HostAnswer::Refused {
            status: status as u16,
            code: said.get(3).as_string(),
            // A date that has passed says nothing, and neither does NaN.
            retry_after_ms: (retry_after_ms >= 0.0).then_some(retry_after_ms as u64),
        }
    } else {
        HostAnswer::Unreachable
    }
}

/// The number at `index`; NaN for what is none.
fn number(list: &Array, index: u32) -> f64 {
    list.get(index).as_f64().unwrap_or(f64::NAN)
}

/// The text at `index`; empty for what is none.
pub(super) fn text(list: &Array, index: u32) -> String {
    list.get(index).as_string().unwrap_or_default()
}

/// The strings in `list`.
fn strings(list: &Array) -> Vec<String> {
    let mut strings = Vec::new();
    for index in 0..list.length() {
        if let Some(string) = list.get(index).as_string() {
            strings.push(string);
        }
    }
    strings
}

/// A URL by the browser's own parser, the one that will load it.
pub(super) fn parse_url(address: &str) -> Option<ParsedUrl> {
    let parts = page::url_parts(address)?;
    let mut query = Vec::new();
    for index in (6..parts.length()).step_by(2) {
        query.push((text(&parts, index), text(&parts, index + 1)));
    }
    Some(ParsedUrl {
        place: text(&parts, 0),
        scheme: text(&parts, 1),
        host: text(&parts, 2),
        origin: text(&parts, 3),
        is_bare: text(&parts, 4).is_empty(),
        has_credentials: !text(&parts, 5).is_empty(),
        query,
    })
}
