//! What leaves for JavaScript: events, results, failures, deliveries. Their values stand here, their names in `report.js`, in the same order.

use serde::{Serialize, Serializer};
use wasm_bindgen::JsValue;

use super::page::named;
use crate::connect::id::{RequestId, Tag};
use crate::session::{Delivery, Event, Failure};

/// A JavaScript array to be. One type for all of them, because each type that serde writes costs code of its own.
struct Values<'a>(&'a [Value<'a>]);

enum Value<'a> {
    Text(&'a str),
    /// What is missing is null.
    Maybe(Option<&'a str>),
    List(Values<'a>),
    Number(Option<f64>),
    Flag(bool),
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) | Value::Maybe(Some(text)) => serializer.serialize_str(text),
            Value::List(list) => list.serialize(serializer),
            Value::Number(Some(number)) => serializer.serialize_f64(*number),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Maybe(None) | Value::Number(None) => serializer.serialize_none(),
        }
    }
}

fn object(kind: &str, values: &[Value<'_>]) -> JsValue {
    // Strings, numbers and lists: nothing to fail.
    let values = Values(values).serialize(&serde_wasm_bindgen::Serializer::json_compatible());
    named(kind, values.unwrap_or(JsValue::NULL))
}

/// The body of a delivery: the same in every try.
pub(super) fn delivery(delivery: &Delivery) -> JsValue {
    let mut account_ids = Vec::new();
    for id in &delivery.account_ids {
        account_ids.push(Value::Text(id.as_str()));
    }
    object(
        "delivery",
        &[
            Value::Text(delivery.attempt_id.as_str()),
            Value::Text(delivery.mode.as_str()),
            Value::Text(delivery.login_id.as_str()),
            Value::Maybe(delivery.request_id.as_ref().map(RequestId::as_str)),
            Value::Maybe(delivery.institution.as_deref()),
            Value::List(Values(&account_ids)),
            Value::Maybe(delivery.tag.as_ref().map(Tag::as_str)),
        ],
    )
}

/// What a `ReconnectError` is made of.
pub(super) fn failure(failure: &Failure) -> JsValue {
    object(
        "error",
        &[
            Value::Text(failure.code.as_str()),
            Value::Text(failure.load_problem.as_str()),
            Value::Maybe(failure.flinks_code.as_deref()),
            Value::Number(failure.http_status.map(f64::from)),
            Value::Flag(failure.code.is_retryable()),
            Value::Text(failure.phase.as_str()),
        ],
    )
}

/// An event's name and its detail.
#[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds are far below 2^53")]
pub(super) fn event(event: &Event) -> (&'static str, JsValue) {
    let (name, values) = match event {
        Event::PhaseChange { phase, previous } => {
            ("phasechange", [Value::Text(phase.as_str()), Value::Text(previous.as_str())])
        }
        Event::Step { step, institution } => ("step", [Value::Text(step), Value::Maybe(institution.as_deref())]),
        Event::FlinksCode { flinks_code } => ("flinkscode", [Value::Text(flinks_code), Value::Maybe(None)]),
        Event::FullFlow => ("fullflow", [Value::Maybe(None), Value::Maybe(None)]),
        Event::Expiring { remaining_ms } => {
            ("expiring", [Value::Number(Some(*remaining_ms as f64)), Value::Maybe(None)])
        }
        Event::Retrying { attempt, delay_ms } => {
            ("retrying", [Value::Number(Some(f64::from(*attempt))), Value::Number(Some(*delay_ms as f64))])
        }
    };
    (name, object(name, &values))
}
