//! What a page posts to the page around it.
//!
//! Invariants: the page posts what it is handed and composes nothing, so the log holds exactly what was posted.

use flinks_connect::code::FlinksCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    fields: Map<String, Value>,
}

impl Event {
    /// A user's step.
    #[must_use]
    pub fn step(name: &str) -> Self {
        Self { fields: Map::new() }.with("step", name)
    }

    /// A code of the bank's or the API's.
    #[must_use]
    pub fn code(code: FlinksCode) -> Self {
        Self { fields: Map::new() }.with("flinksCode", code.name)
    }

    /// A code that ends the page; it comes under both names, because integrators read either.
    #[must_use]
    pub fn ending(code: FlinksCode) -> Self {
        Self::step(code.name).with("flinksCode", code.name)
    }

    /// One more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// As an object.
    #[must_use]
    pub fn object(self) -> Posted {
        Posted { data: Value::Object(self.fields), delay_ms: 0 }
    }

    /// As JSON text.
    #[must_use]
    pub fn text(self) -> Posted {
        Posted { data: Value::String(Value::Object(self.fields).to_string()), delay_ms: 0 }
    }
}

/// One event as it is posted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    /// The message: an object, or JSON text.
    pub data: Value,
    /// How late it is posted, in real milliseconds.
    pub delay_ms: u64,
}
