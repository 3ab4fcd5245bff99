//! Reading JavaScript values: messages of Connect's frame, objects of the page.
//!
//! Invariants: nothing here throws or panics on any value. Only own properties count, because a polluted `Object.prototype` must choose neither
//! a login nor where one goes. Of a message every text is read only up to its limit.

use js_sys::{Array, JSON, JsString, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Node};

use crate::session::{Posted, Properties, Property};
use flinks_connect::message::{Field, Fields, Form, MAX_FIELDS, MAX_JSON_LEN};

#[wasm_bindgen]
extern "C" {
    // The page's objects may be proxies, which throw; js-sys declares these three as if nothing could.
    #[wasm_bindgen(js_namespace = Object, js_name = hasOwn, catch)]
    fn has_own(object: &JsValue, name: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = keys, catch)]
    fn own_names(object: &JsValue) -> Result<Array, JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = entries, catch)]
    fn own_entries(object: &JsValue) -> Result<Array, JsValue>;
}

/// An own property as it is; undefined where there is none, and where a getter throws.
pub(super) fn own(object: &JsValue, name: &str) -> JsValue {
    if object.is_object() && has_own(object, name).unwrap_or(false) { read(object, name) } else { JsValue::UNDEFINED }
}

/// A property that the object need not have itself; undefined where there is none, and where a getter throws.
pub(super) fn read(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

// ---- messages ----

/// A message event that the gate let in.
pub(super) struct FrameMessage<'a>(pub(super) &'a MessageEvent);

impl Posted for FrameMessage<'_> {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        let data = self.0.data();
        let value = match data.dyn_ref::<JsString>() {
            Some(text) if length(text) > MAX_JSON_LEN => return None,
            Some(text) => JSON::parse(&String::from(text)).ok()?,
            None => data,
        };
        if value.is_undefined() { None } else { Some(Box::new(OwnFields::of(value))) }
    }
}

/// The own properties of a posted value; what is no object has none.
struct OwnFields {
    object: JsValue,
    /// Their names, as they are spelled.
    names: Vec<String>,
}

impl OwnFields {
    fn of(object: JsValue) -> Self {
        let names = if object.is_object() { own_names(&object).unwrap_or_default() } else { Array::new() };
        // By index: there may be millions.
        let count = names.length().min(u32::try_from(MAX_FIELDS).unwrap_or(u32::MAX));
        Self { names: (0..count).filter_map(|index| names.get(index).as_string()).collect(), object }
    }

    /// Hands over the values under `name`: as it is spelled, then in another case.
    fn own(&self, name: &str, take: &mut dyn FnMut(JsValue)) {
        take(own(&self.object, name));
        for known in &self.names {
            if known != name && known.eq_ignore_ascii_case(name) {
                take(own(&self.object, known));
            }
        }
    }
}

impl Fields for OwnFields {
    fn each(&self, name: &str, form: Form, max_len: usize, take: &mut dyn FnMut(Field)) {
        let mut add = |value: JsValue| match value.dyn_ref::<JsString>() {
            Some(text) if length(text) == 0 => {}
            Some(text) if length(text) <= max_len => take(Field::Text(text.into())),
            None if value.is_undefined() || value.is_null() => {}
            Some(_) | None => take(Field::Unusable),
        };
        self.own(name, &mut |value| match (form, value.dyn_ref::<Array>()) {
            (Form::List(max_items), Some(items)) => {
                // By index: a sparse array can claim four billion elements.
                let count = items.length().min(u32::try_from(max_items).unwrap_or(u32::MAX));
                for index in 0..count {
                    add(items.get(index));
                }
            }
            (Form::List(_) | Form::Text, _) => add(value),
        });
    }

    fn number(&self, name: &str) -> Option<f64> {
        let mut first = None;
        self.own(name, &mut |value| first = first.or(value.as_f64().filter(|number| number.is_finite())));
        first
    }
}

/// A text's length in UTF-16 units, without copying it.
fn length(text: &JsString) -> usize {
    usize::try_from(text.length()).unwrap_or(usize::MAX)
}

// ---- objects of the page ----

/// The enumerable own properties of an object of the page, each read once.
pub(super) struct Given(Vec<(String, JsValue)>);

impl Given {
    pub(super) fn read(object: &JsValue) -> Self {
        let names = if object.is_object() { own_names(object).unwrap_or_default() } else { Array::new() };
        let names = names.iter().filter_map(|name| name.as_string());
        Self(names.map(|name| (own(object, &name), name)).map(|(value, name)| (name, value)).collect())
    }

    /// The property as it is; undefined where there is none.
    pub(super) fn get(&self, name: &str) -> JsValue {
        self.0.iter().find(|(given, _)| given == name).map_or(JsValue::UNDEFINED, |(_, value)| value.clone())
    }

    /// The properties as the session reads them.
    pub(super) fn properties(&self) -> Properties {
        Properties(self.0.iter().map(|(name, value)| (name.clone(), property(value))).collect())
    }
}

/// A value by its kind.
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
    } else if is_element(value) {
        Property::Element
    } else if is_signal(value) {
        Property::Signal
    } else if let Some(items) = value.dyn_ref::<Array>() {
        items.iter().map(|item| item.as_string()).collect::<Option<_>>().map_or(Property::Other, Property::Texts)
    } else {
        pairs(value).map_or(Property::Other, Property::Pairs)
    }
}

// What comes of another window (a page in frames, a test) is no instance of this window's classes.

/// Whether it is an element, of whichever window.
fn is_element(value: &JsValue) -> bool {
    read(value, "nodeType") == f64::from(Node::ELEMENT_NODE)
}

/// Whether it is an `AbortSignal`, of whichever window.
fn is_signal(value: &JsValue) -> bool {
    read(value, "aborted").as_bool().is_some() && read(value, "addEventListener").is_function()
}

/// The names and values of a plain object of texts, numbers and booleans, each as text.
fn pairs(value: &JsValue) -> Option<Vec<String>> {
    if !value.is_object() {
        return None;
    }
    let mut pairs = Vec::new();
    for entry in own_entries(value).ok()?.iter() {
        let entry: Array = entry.unchecked_into();
        let (name, item) = (entry.get(0).as_string()?, entry.get(1));
        let text = if item.is_undefined() {
            // That is how JavaScript leaves a value out.
            continue;
        } else if let Some(is_on) = item.as_bool() {
            if is_on { "true" } else { "false" }.to_owned()
        } else if let Some(number) = item.as_f64() {
            js_sys::Number::from(number).to_string_with_radix(10).ok()?.into()
        } else {
            item.as_string()?
        };
        pairs.extend([name, text]);
    }
    Some(pairs)
}
