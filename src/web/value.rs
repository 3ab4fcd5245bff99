//! Reading JavaScript values: hostile messages, the host's objects, URLs.
//!
//! Invariants: nothing here throws or panics on any value, and of a message only own properties are seen, each no longer than asked.

use js_sys::{Array, Function, JSON, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Element, Url};

use crate::connect::address::ParsedUrl;
use crate::connect::message::{Field, Fields, MAX_JSON_LEN};
use crate::session::{Properties, Property};

/// The own properties of a posted object.
pub(super) struct OwnFields(Object);

impl OwnFields {
    /// The object in `data`, or in its JSON text.
    pub(super) fn of(data: JsValue) -> Option<Self> {
        let value = match data.dyn_ref::<JsString>() {
            Some(text) if text.length() as usize <= MAX_JSON_LEN => JSON::parse(&String::from(text)).ok()?,
            Some(_) => return None,
            None => data,
        };
        value.dyn_into().ok().map(Self)
    }

    fn own(&self, name: &str) -> JsValue {
        let key = JsValue::from_str(name);
        // Not the object's own `hasOwnProperty`: the sender chooses that.
        if Object::has_own(&self.0, &key) {
            Reflect::get(&self.0, &key).unwrap_or(JsValue::UNDEFINED)
        } else {
            JsValue::UNDEFINED
        }
    }
}

impl Fields for OwnFields {
    fn text(&self, name: &str, max_len: usize) -> Field {
        let value = self.own(name);
        if value.is_null() || value.is_undefined() {
            return Field::Absent;
        }
        match short_text(&value, max_len) {
            Some(text) if text.is_empty() => Field::Absent,
            Some(text) => Field::Text(text),
            None => Field::Unusable,
        }
    }

    fn texts(&self, name: &str, max_items: usize, max_len: usize) -> Vec<String> {
        let value = self.own(name);
        match value.dyn_ref::<Array>() {
            // A sparse array can claim four billion elements.
            Some(array) => {
                let count = array.length().min(u32::try_from(max_items).unwrap_or(u32::MAX));
                (0..count).filter_map(|index| short_text(&array.get(index), max_len)).collect()
            }
            None => short_text(&value, max_len).into_iter().collect(),
        }
    }
}

/// A primitive string, measured before it is copied.
fn short_text(value: &JsValue, max_len: usize) -> Option<String> {
    value.dyn_ref::<JsString>().filter(|text| text.length() as usize <= max_len).map(String::from)
}

/// An object of the host's: its options, or its reply.
pub(super) struct HostObject<'a>(pub(super) &'a JsValue);

impl HostObject<'_> {
    /// The property as it is; a getter that throws is no property.
    pub(super) fn raw(&self, name: &str) -> JsValue {
        if self.0.is_object() {
            Reflect::get(self.0, &name.into()).unwrap_or(JsValue::UNDEFINED)
        } else {
            JsValue::UNDEFINED
        }
    }

    /// The property when it is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.raw(name).as_string()
    }

    /// The property when it is a function.
    pub(super) fn function(&self, name: &str) -> Option<Function> {
        self.raw(name).dyn_into().ok()
    }
}

impl Properties for HostObject<'_> {
    fn names(&self) -> Vec<String> {
        self.0
            .dyn_ref::<Object>()
            .map(|object| Object::keys(object).iter().filter_map(|key| key.as_string()).collect())
            .unwrap_or_default()
    }

    fn get(&self, name: &str) -> Property {
        property(&self.raw(name))
    }
}

fn property(value: &JsValue) -> Property {
    if value.is_undefined() {
        Property::Absent
    } else if value.is_null() {
        Property::Null
    } else if let Some(text) = value.as_string() {
        Property::Text(text)
    } else if let Some(number) = value.as_f64() {
        Property::Number(number)
    } else if value.is_function() {
        Property::Function
    } else if let Some(array) = value.dyn_ref::<Array>() {
        array.iter().map(|item| item.as_string()).collect::<Option<Vec<_>>>().map_or(Property::Other, Property::Texts)
    } else if value.is_instance_of::<Element>() {
        Property::Element
    } else if value.is_instance_of::<AbortSignal>() {
        Property::Signal
    } else if let Some(object) = value.dyn_ref::<Object>() {
        pairs(object).map_or(Property::Other, Property::Pairs)
    } else {
        Property::Other
    }
}

fn pairs(object: &Object) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for name in Object::keys(object).iter() {
        let value = Reflect::get(object, &name).ok()?;
        // `undefined` is how JavaScript leaves a value out.
        if value.is_undefined() {
            continue;
        }
        let is_plain = value.is_string() || value.as_f64().is_some() || value.as_bool().is_some();
        if !is_plain {
            return None;
        }
        pairs.push((name.as_string()?, js_text(&value)?));
    }
    Some(pairs)
}

/// A string, number or boolean as JavaScript writes it.
fn js_text(value: &JsValue) -> Option<String> {
    value.as_string().or_else(|| JSON::stringify(value).ok().map(String::from))
}

/// A URL by the browser's own parser, the one that will load it.
pub(super) fn parse_url(text: &str) -> Option<ParsedUrl> {
    let url = Url::new(text).ok()?;
    let query = url
        .search_params()
        .entries()
        .into_iter()
        .filter_map(|pair| {
            let pair: Array = pair.ok()?.dyn_into().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        })
        .collect();
    Some(ParsedUrl {
        href: url.href(),
        scheme: url.protocol(),
        host: url.hostname(),
        path: url.pathname(),
        origin: url.origin(),
        has_credentials: !(url.username().is_empty() && url.password().is_empty()),
        query,
    })
}
