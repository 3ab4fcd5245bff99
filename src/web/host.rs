//! Requests to the host's backend, by URL or by a function of the page's. Whatever goes wrong becomes a [`HostAnswer`].

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use web_sys::AbortController;

use super::page::{self, Endpoints};
use super::report;
use super::value::{HostObject, number, parse_url};
use crate::session::{Delivery, HostAnswer, StartReply, TRY_TIMEOUT_MS};

/// How to reach the host.
pub(super) struct Host(Endpoints);

impl Host {
    /// Takes the endpoints from options that were proved.
    pub(super) fn new(options: &JsValue) -> Self {
        Self(page::endpoints(options))
    }

    /// Begins a session; the controller aborts that. `then` hears of it once.
    pub(super) fn start(&self, then: impl FnOnce(Result<StartReply, HostAnswer>) + 'static) -> AbortController {
        self.0.start(&once(move |(answer, reply)| {
            then(match answer {
                HostAnswer::Ok => StartReply::read(&HostObject(&reply), parse_url).map_err(|_| HostAnswer::Ok),
                answer => Err(answer),
            });
        }))
    }

    /// Sends the result. `then` hears once how the host answered, and the JSON it answered with (or null).
    pub(super) fn deliver(&self, delivery: &Delivery, then: impl FnOnce((HostAnswer, JsValue)) + 'static) {
        self.0.deliver(&report::delivery(delivery), TRY_TIMEOUT_MS, &once(then));
    }
}

fn once(then: impl FnOnce((HostAnswer, JsValue)) + 'static) -> JsValue {
    Closure::once_into_js(move |said: Array| then(read(&said)))
}

/// `[isOk, reply, status, code, retryAfterMs]`
fn read(said: &Array) -> (HostAnswer, JsValue) {
    if said.get(0).is_truthy() {
        return (HostAnswer::Ok, said.get(1));
    }
    let (status, retry_after_ms) = (number(said, 2), number(said, 4));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, or saturates")]
    let answer = if (100.0..600.0).contains(&status) {
        HostAnswer::Refused {
            status: status as u16,
            code: said.get(3).as_string(),
            // A date that has passed says nothing, and neither does NaN.
            retry_after_ms: (retry_after_ms >= 0.0).then_some(retry_after_ms as u64),
        }
    } else {
        HostAnswer::Unreachable
    };
    (answer, JsValue::NULL)
}
