//! What leaves for JavaScript: events, results, failures, deliveries. The field names are the public ones of `index.d.ts`.

use serde::{Serialize, Serializer};
use wasm_bindgen::JsValue;

use crate::connect::id::{AccountId, RequestId, Tag};
use crate::session::{Delivery, ErrorCode, Event, Failure, InvalidOption, Outcome, Phase};

/// A plain JavaScript object to be: names and values. One type for all of them, because each type that serde writes costs code of its own.
struct Record<'a>(&'a [(&'a str, Value<'a>)]);

enum Value<'a> {
    Text(&'a str),
    /// What is missing is null.
    Maybe(Option<&'a str>),
    Texts(&'a [AccountId]),
    Number(Option<f64>),
    Flag(bool),
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) | Value::Maybe(Some(text)) => serializer.serialize_str(text),
            Value::Texts(ids) => serializer.collect_seq(ids.iter().map(AccountId::as_str)),
            Value::Number(Some(number)) => serializer.serialize_f64(*number),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Maybe(None) | Value::Number(None) => serializer.serialize_none(),
        }
    }
}

fn object(record: &[(&str, Value<'_>)]) -> JsValue {
    // Strings, numbers and lists: nothing to fail.
    Record(record).serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}

/// The body of a delivery: the same in every try.
pub(super) fn delivery(delivery: &Delivery) -> JsValue {
    object(&[
        ("attemptId", Value::Text(delivery.attempt_id.as_str())),
        ("mode", Value::Text(delivery.mode.as_str())),
        ("loginId", Value::Text(delivery.login_id.as_str())),
        ("requestId", Value::Maybe(delivery.request_id.as_ref().map(RequestId::as_str))),
        ("institution", Value::Maybe(delivery.institution.as_deref())),
        ("accountIds", Value::Texts(&delivery.account_ids)),
        ("tag", Value::Maybe(delivery.tag.as_ref().map(Tag::as_str))),
    ])
}

/// What a `ReconnectError` is made of.
pub(super) fn failure(failure: &Failure) -> JsValue {
    object(&[
        ("code", Value::Text(failure.code.as_str())),
        ("message", Value::Text(&failure.message)),
        ("flinksCode", Value::Maybe(failure.flinks_code.as_deref())),
        ("httpStatus", Value::Number(failure.http_status.map(f64::from))),
        ("retryable", Value::Flag(failure.code.is_retryable())),
        ("phase", Value::Text(failure.phase.as_str())),
    ])
}

/// The same for options that were refused before there was a session.
pub(super) fn invalid_option(invalid: &InvalidOption) -> JsValue {
    let mut refusal = Failure::new(ErrorCode::InvalidOptions, Phase::Starting);
    refusal.message = invalid.message().into();
    failure(&refusal)
}

/// How the session ended: the kind of ending, and its detail.
pub(super) fn outcome(outcome: &Outcome) -> (&'static str, JsValue) {
    match outcome {
        Outcome::UpToDate => ("result", object(&[("status", Value::Text("upToDate"))])),
        Outcome::Reconnected(reconnected) => ("result", delivery(reconnected)),
        Outcome::Failed(failed) => ("error", failure(failed)),
    }
}

/// An event's name and its detail.
#[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds are far below 2^53")]
pub(super) fn event(event: &Event) -> (&'static str, JsValue) {
    match event {
        Event::PhaseChange { phase, previous } => (
            "phasechange",
            object(&[("phase", Value::Text(phase.as_str())), ("previous", Value::Text(previous.as_str()))]),
        ),
        Event::Step { step, institution } => {
            ("step", object(&[("step", Value::Text(step)), ("institution", Value::Maybe(institution.as_deref()))]))
        }
        Event::FlinksCode { flinks_code } => ("flinkscode", object(&[("flinksCode", Value::Text(flinks_code))])),
        Event::FullFlow => ("fullflow", object(&[])),
        Event::Expiring { remaining_ms } => {
            ("expiring", object(&[("remainingMs", Value::Number(Some(*remaining_ms as f64)))]))
        }
        Event::Retrying { attempt, delay_ms } => (
            "retrying",
            object(&[
                ("attempt", Value::Number(Some(f64::from(*attempt)))),
                ("delayMs", Value::Number(Some(*delay_ms as f64))),
            ]),
        ),
    }
}
