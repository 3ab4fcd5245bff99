//! What leaves for JavaScript: events, results, failures, deliveries. The field names are the public ones of `index.d.ts`.

use js_sys::Reflect;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::connect::id::{AccountId, RequestId, Tag};
use crate::session::{Delivery, Event, Failure, InvalidOption, Outcome};

/// A value as a plain JavaScript object; what is missing is null.
pub(super) fn value(of: &impl Serialize) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
    // Only structs of strings, numbers and lists are serialised here: nothing to fail.
    of.serialize(&serializer).unwrap_or(JsValue::NULL)
}

/// Adds a property to an object made here, which takes any.
pub(super) fn set(object: &JsValue, name: &str, property: &JsValue) {
    Reflect::set(object, &name.into(), property).ok();
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryBody<'a> {
    attempt_id: &'a str,
    mode: &'a str,
    login_id: &'a str,
    request_id: Option<&'a str>,
    institution: Option<&'a str>,
    account_ids: Vec<&'a str>,
    tag: Option<&'a str>,
}

/// The body of a delivery: the same in every try.
pub(super) fn delivery(delivery: &Delivery) -> JsValue {
    value(&DeliveryBody {
        attempt_id: delivery.attempt_id.as_str(),
        mode: delivery.mode.as_str(),
        login_id: delivery.login_id.as_str(),
        request_id: delivery.request_id.as_ref().map(RequestId::as_str),
        institution: delivery.institution.as_deref(),
        account_ids: delivery.account_ids.iter().map(AccountId::as_str).collect(),
        tag: delivery.tag.as_ref().map(Tag::as_str),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureFields<'a> {
    code: &'a str,
    message: &'a str,
    flinks_code: Option<&'a str>,
    http_status: Option<u16>,
    retryable: bool,
    phase: &'a str,
}

/// What a `ReconnectError` is made of.
pub(super) fn failure(failure: &Failure) -> JsValue {
    value(&FailureFields {
        code: failure.code.as_str(),
        message: &failure.message,
        flinks_code: failure.flinks_code.as_deref(),
        http_status: failure.http_status,
        retryable: failure.code.is_retryable(),
        phase: failure.phase.as_str(),
    })
}

/// The same for options that were refused before there was a session.
pub(super) fn invalid_option(invalid: &InvalidOption) -> JsValue {
    let mut refusal = Failure::new(crate::session::ErrorCode::InvalidOptions, crate::session::Phase::Starting);
    refusal.message = invalid.message().into();
    failure(&refusal)
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

/// How the session ended: the kind of ending, and its detail.
pub(super) fn outcome(outcome: &Outcome, reply: &JsValue) -> (&'static str, JsValue) {
    match outcome {
        Outcome::UpToDate => ("result", value(&Status { status: "upToDate" })),
        Outcome::Reconnected(reconnected) => {
            let detail = delivery(reconnected);
            set(&detail, "status", &"reconnected".into());
            set(&detail, "reply", reply);
            ("result", detail)
        }
        Outcome::Failed(failed) => ("error", failure(failed)),
    }
}

#[derive(Serialize)]
struct PhaseChange {
    phase: &'static str,
    previous: &'static str,
}

#[derive(Serialize)]
struct Step<'a> {
    step: &'a str,
    institution: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlinksCode<'a> {
    flinks_code: &'a str,
}

#[derive(Serialize)]
struct FullFlow {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Expiring {
    remaining_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Retrying {
    attempt: u32,
    delay_ms: f64,
}

/// An event's name and its detail.
#[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds are far below 2^53")]
pub(super) fn event(event: &Event) -> (&'static str, JsValue) {
    match event {
        Event::PhaseChange { phase, previous } => {
            ("phasechange", value(&PhaseChange { phase: phase.as_str(), previous: previous.as_str() }))
        }
        Event::Step { step, institution } => ("step", value(&Step { step, institution: institution.as_deref() })),
        Event::FlinksCode { flinks_code } => ("flinkscode", value(&FlinksCode { flinks_code })),
        Event::FullFlow => ("fullflow", value(&FullFlow {})),
        Event::Expiring { remaining_ms } => ("expiring", value(&Expiring { remaining_ms: *remaining_ms as f64 })),
        Event::Retrying { attempt, delay_ms } => {
            ("retrying", value(&Retrying { attempt: *attempt, delay_ms: *delay_ms as f64 }))
        }
    }
}
