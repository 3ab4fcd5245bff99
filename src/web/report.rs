//! What leaves for JavaScript: events, endings, deliveries. Each is a list: which report it is, then its values. `report.js` names them.

use serde::{Serialize, Serializer};
use wasm_bindgen::JsValue;

use crate::session::{Event, Outcome, Reconnected};
use flinks_connect::id::{RequestId, Tag};

// The reports; `report.js` has them in the same order.
const PHASE_CHANGE: u32 = 0;
const STEP: u32 = 1;
const FLINKS_CODE: u32 = 2;
const FULL_FLOW: u32 = 3;
const EXPIRING: u32 = 4;
const RETRYING: u32 = 5;
const FAILED: u32 = 6;
const UP_TO_DATE: u32 = 7;
const RECONNECTED: u32 = 8;

/// A JavaScript array to be. One type for all of them, because each type that serde writes costs code of its own.
struct Values<'a>(&'a [Value<'a>]);

enum Value<'a> {
    /// A word by its place in a list of `report.js`.
    Word(u32),
    Text(&'a str),
    /// What is missing is null.
    Maybe(Option<&'a str>),
    List(Values<'a>),
    Number(f64),
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
            Value::Word(place) => serializer.serialize_u32(*place),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Maybe(None) => serializer.serialize_none(),
        }
    }
}

fn report(values: &[Value<'_>]) -> JsValue {
    // Strings, numbers and lists: nothing to fail.
    Values(values).serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}

/// A result, which is also the body of its delivery: the same in every try.
pub(super) fn reconnected(reconnected: &Reconnected) -> JsValue {
    let mut account_ids = Vec::new();
    for id in &reconnected.account_ids {
        account_ids.push(Value::Text(id.as_str()));
    }
    report(&[
        Value::Word(RECONNECTED),
        Value::Text(reconnected.attempt_id.as_str()),
        Value::Word(reconnected.mode as u32),
        Value::Text(reconnected.login_id.as_str()),
        Value::Maybe(reconnected.request_id.as_ref().map(RequestId::as_str)),
        Value::Maybe(reconnected.institution.as_deref()),
        Value::List(Values(&account_ids)),
        Value::Maybe(reconnected.tag.as_ref().map(Tag::as_str)),
    ])
}

/// How a session ended.
pub(super) fn outcome(outcome: &Outcome) -> JsValue {
    match outcome {
        Outcome::UpToDate => report(&[Value::Word(UP_TO_DATE)]),
        Outcome::Reconnected(result) => reconnected(result),
        Outcome::Failed(failure) => report(&[
            Value::Word(FAILED),
            Value::Word(failure.code as u32),
            Value::Word(failure.load_problem as u32),
            Value::Maybe(failure.flinks_code),
            failure.http_status.map_or(Value::Maybe(None), |status| Value::Word(status.into())),
            Value::Word(failure.code.is_retryable().into()),
            Value::Word(failure.phase as u32),
        ]),
    }
}

/// What a session tells on its way.
#[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds are far below 2^53")]
pub(super) fn event(event: &Event) -> JsValue {
    report(&match event {
        Event::PhaseChange { phase, previous } => {
            [Value::Word(PHASE_CHANGE), Value::Word(*phase as u32), Value::Word(*previous as u32)]
        }
        Event::Step { step, institution } => {
            [Value::Word(STEP), Value::Text(step), Value::Maybe(institution.as_deref())]
        }
        Event::FlinksCode { flinks_code } => [Value::Word(FLINKS_CODE), Value::Text(flinks_code), Value::Maybe(None)],
        Event::FullFlow => [Value::Word(FULL_FLOW), Value::Maybe(None), Value::Maybe(None)],
        Event::Expiring { remaining_ms } => {
            [Value::Word(EXPIRING), Value::Number(*remaining_ms as f64), Value::Maybe(None)]
        }
        Event::Retrying { attempt, delay_ms } => {
            [Value::Word(RETRYING), Value::Word(*attempt), Value::Number(*delay_ms as f64)]
        }
    })
}
