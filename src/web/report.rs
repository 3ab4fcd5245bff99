//! What leaves for JavaScript: events, results, failures, what is delivered. Objects with named fields.

use js_sys::{Array, JSON, Object};
use wasm_bindgen::{JsCast, JsValue};

use super::facade::Facade;
use crate::session::{ErrorCode, Event, Failure, InvalidOption, Outcome, Reconnected};
use flinks_connect::id::{LoginId, RequestId, Tag};

/// An object of these fields. Not by assignment: a page that extends `Object.prototype` would get the values into its own setters.
pub(super) fn object(fields: &[(&str, JsValue)]) -> Object {
    let entries: Array = fields.iter().map(|(name, value)| Array::of2(&JsValue::from_str(name), value)).collect();
    // Pairs are what it takes: nothing to fail.
    Object::from_entries(&entries).unwrap_or_default()
}

/// The same for a function of the browser's that reads its options from it: what a page has put on `Object.prototype` is none of them.
pub(super) fn dictionary(fields: &[(&str, JsValue)]) -> Object {
    without_prototype(&object(fields))
}

/// The object, without what it inherits. Nobody else has seen it yet: nothing to fail.
fn without_prototype(object: &Object) -> Object {
    Object::set_prototype_of(object, JsValue::NULL.unchecked_ref())
}

/// A delivery's body. Nothing in it has a prototype: old libraries have put a `toJSON` on every array and object.
pub(super) fn body(result: &Reconnected) -> Result<String, JsValue> {
    let fields = reconnected(result, result.login_id.as_ref());
    for (_, value) in &fields {
        if let Some(list) = value.dyn_ref::<Array>() {
            without_prototype(list);
        }
    }
    JSON::stringify(&dictionary(&fields)).map(String::from)
}

/// A result with the login that is known of it by now; with its own, the body of its delivery: the same in every try.
pub(super) fn reconnected(result: &Reconnected, login_id: Option<&LoginId>) -> [(&'static str, JsValue); 7] {
    let account_ids: Array = result.account_ids.iter().map(|id| JsValue::from_str(id.as_str())).collect();
    [
        ("attemptId", result.attempt_id.as_str().into()),
        ("mode", result.mode.as_str().into()),
        ("loginId", text_or_null(login_id.map(LoginId::as_str))),
        ("requestId", text_or_null(result.request_id.as_ref().map(RequestId::as_str))),
        ("institution", text_or_null(result.institution.as_deref())),
        ("accountIds", account_ids.into()),
        ("tag", text_or_null(result.tag.as_ref().map(Tag::as_str))),
    ]
}

/// Settles the result; `reply` is what the backend answered, or why there was no answer.
pub(super) fn settle(facade: &Facade, outcome: &Outcome, reply: &JsValue) {
    match outcome {
        Outcome::UpToDate => facade.succeed(&object(&[("status", "upToDate".into())])),
        Outcome::Reconnected { result, late_login } => {
            let mut fields = vec![("status", "reconnected".into())];
            fields.extend(reconnected(result, late_login.as_ref().or(result.login_id.as_ref())));
            fields.push(("reply", reply.clone()));
            facade.succeed(&object(&fields));
        }
        Outcome::Failed(failure) => facade.fail(&self::failure(failure, reply)),
    }
}

fn failure(failure: &Failure, cause: &JsValue) -> Object {
    object(&[
        ("code", failure.code.as_str().into()),
        ("loadProblem", failure.load_problem.as_str().into()),
        ("flinksCode", text_or_null(failure.flinks_code)),
        ("httpStatus", failure.http_status.map_or(JsValue::NULL, JsValue::from)),
        ("hostCode", text_or_null(failure.host_code.as_deref())),
        ("property", text_or_null(failure.property)),
        ("cause", if failure.code == ErrorCode::StartFailed { cause.clone() } else { JsValue::NULL }),
        ("retryable", failure.is_retryable.into()),
        ("phase", failure.phase.as_str().into()),
    ])
}

/// What `reconnect()` throws for a wrong option.
pub(super) fn refused_option(InvalidOption(name): &InvalidOption) -> JsValue {
    object(&[("code", "INVALID_OPTIONS".into()), ("option", name.as_str().into())]).into()
}

/// What `reconnect()` throws where the browser lacks what a session needs.
pub(super) fn unsupported() -> JsValue {
    object(&[("code", "UNSUPPORTED".into())]).into()
}

/// Tells the page's listeners. `cause` is why the backend did not answer.
#[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds are far below 2^53")]
pub(super) fn emit(facade: &Facade, event: &Event, cause: &JsValue) {
    let detail = match event {
        Event::PhaseChange { phase, previous } => {
            object(&[("phase", phase.as_str().into()), ("previous", previous.as_str().into())])
        }
        Event::Step { step, institution } => {
            object(&[("step", step.into()), ("institution", text_or_null(institution.as_deref()))])
        }
        Event::FlinksCode { flinks_code } => object(&[("flinksCode", flinks_code.into())]),
        Event::FullFlow => object(&[]),
        Event::Expiring { remaining_ms } => object(&[("remainingMs", (*remaining_ms as f64).into())]),
        Event::Retrying { attempt, delay_ms } => {
            object(&[("attempt", (*attempt).into()), ("delayMs", (*delay_ms as f64).into())])
        }
        Event::AttemptFailed(failure) => self::failure(failure, cause),
    };
    facade.emit(event.name(), &detail);
}

fn text_or_null(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from_str)
}
