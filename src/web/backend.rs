//! Requests to the host's backend: by URL, or by a function of the page.
//!
//! Invariant: whatever goes wrong becomes an answer, and the answer comes later: functions of the page never run inside the session's work.

use js_sys::{Date, Function, JSON, Object};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, AbortSignal, Headers, Response, Window};

use super::inbox::{Happened, Inbox};
use super::promise::{Came, settled};
use super::report::{body, dictionary, object, reconnected};
use super::values::{Given, own, read};
use crate::session::{Delivery, HostAnswer, Keepalive, StartAfter, TRY_TIMEOUT_MS};

#[wasm_bindgen]
extern "C" {
    /// A window whose `fetch` may throw, because somebody else's script has replaced it; web-sys declares it as if nothing could.
    #[wasm_bindgen(extends = Window)]
    #[derive(Clone)]
    type FetchingWindow;
    #[wasm_bindgen(method, catch)]
    fn fetch(this: &FetchingWindow, url: &str, init: &Object) -> Result<JsValue, JsValue>;
}

/// How the backend answered, and what the page gets: its reply, as the result's `reply`, or what was thrown, as the error's `cause`.
pub(super) struct Answer {
    pub(super) judged: HostAnswer,
    pub(super) reply: JsValue,
}

/// The backend as the options describe it.
pub(super) struct Backend {
    start: Endpoint,
    deliver: Endpoint,
    transport: Transport,
    inbox: Inbox,
}

/// Where a request goes.
#[derive(Clone)]
enum Endpoint {
    Url(String),
    Function(Function),
    Missing,
}

/// Who waits for an answer.
type Report = Box<dyn FnOnce(Answer)>;

/// What every request by URL has in common.
#[derive(Clone)]
struct Transport {
    window: FetchingWindow,
    headers: Option<Function>,
    /// As given; undefined is the browser's own choice.
    credentials: JsValue,
}

/// A start call under way. Dropping it gives the call up.
pub(super) struct StartCall(AbortController);

impl Drop for StartCall {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Backend {
    /// From options that were validated.
    pub(super) fn new(options: &Given, window: Window, inbox: Inbox) -> Self {
        let transport = Transport {
            window: window.unchecked_into(),
            headers: options.get("headers").dyn_into().ok(),
            credentials: options.get("credentials"),
        };
        Self {
            start: Endpoint::from(options.get("start")),
            deliver: Endpoint::from(options.get("deliver")),
            transport,
            inbox,
        }
    }

    /// Begins a session.
    pub(super) fn start(&self, call: u32, after: StartAfter) -> Result<StartCall, JsValue> {
        let controller = AbortController::new()?;
        let signal = controller.signal();
        let inbox = self.inbox.clone();
        let report: Report = Box::new(move |answer| inbox.report(Happened::Started { call, answer }));
        match &self.start {
            Endpoint::Url(url) => {
                let body = match after {
                    StartAfter::Nothing => "{}",
                    StartAfter::TokenInvalid => r#"{"after":"TOKEN_INVALID"}"#,
                };
                let post =
                    Post { url: url.clone(), body: body.to_owned(), key: None, keepalive: Keepalive::Off, signal };
                self.transport.send(post, report);
            }
            Endpoint::Function(start) => {
                let start = start.clone();
                later(move || settled(start.call1(&JsValue::UNDEFINED, &signal), |came| answer(came, report)));
            }
            Endpoint::Missing => {}
        }
        Ok(StartCall(controller))
    }

    /// Sends a result.
    pub(super) fn deliver(&self, try_number: u32, delivery: &Delivery, keepalive: Keepalive) -> Result<(), JsValue> {
        let signal = AbortSignal::timeout_with_u32(TRY_TIMEOUT_MS);
        let inbox = self.inbox.clone();
        let report: Report = Box::new(move |answer| inbox.report(Happened::Delivered { try_number, answer }));
        match &self.deliver {
            Endpoint::Url(url) => {
                let key = Some(delivery.attempt_id.as_str().to_owned());
                let body = body(delivery)?;
                self.transport.send(Post { url: url.clone(), body, key, keepalive, signal }, report);
            }
            Endpoint::Function(deliver) => {
                let context = object(&[("attemptId", delivery.attempt_id.as_str().into()), ("signal", signal.into())]);
                let result = object(&reconnected(delivery, delivery.login_id.as_ref()));
                let deliver = deliver.clone();
                later(move || {
                    settled(deliver.call2(&JsValue::UNDEFINED, &result, &context), |came| answer(came, report));
                });
            }
            Endpoint::Missing => {}
        }
        Ok(())
    }
}

/// Does something when the session's work is done.
fn later(act: impl FnOnce() + 'static) {
    settled(Ok(JsValue::UNDEFINED), |_| act());
}

impl From<JsValue> for Endpoint {
    fn from(value: JsValue) -> Self {
        match value.as_string() {
            Some(url) => Self::Url(url),
            None => value.dyn_into().map_or(Self::Missing, Self::Function),
        }
    }
}

/// One request.
struct Post {
    url: String,
    body: String,
    /// The idempotency key of a delivery.
    key: Option<String>,
    keepalive: Keepalive,
    signal: AbortSignal,
}

impl Transport {
    /// Posts, with the headers that the page wants as of now: its tokens rotate.
    fn send(&self, post: Post, report: Report) {
        let transport = self.clone();
        later(move || {
            let headers =
                transport.headers.as_ref().map_or(Ok(JsValue::UNDEFINED), |ask| ask.call0(&JsValue::UNDEFINED));
            settled(headers, move |given| {
                settled(given.and_then(|given| transport.fetch(&post, &given)), |came| answer(came, report));
            });
        });
    }

    /// One request. Never follows a redirect (a 307 would send the body, `loginId` included, to wherever it points), is never cached and
    /// tells no referrer.
    fn fetch(&self, post: &Post, headers: &JsValue) -> Came {
        let headers =
            if headers.is_undefined() { Headers::new() } else { Headers::new_with_str_sequence_sequence(headers) }?;
        headers.set("Content-Type", "application/json")?;
        headers.set("Accept", "application/json")?;
        if let Some(key) = &post.key {
            // A string of structured fields (RFC 8941): the quotes belong to the value.
            headers.set("Idempotency-Key", &["\"", key, "\""].concat())?;
        }
        let init = dictionary(&[
            ("method", "POST".into()),
            ("headers", headers.into()),
            ("body", post.body.as_str().into()),
            ("signal", post.signal.clone().into()),
            ("redirect", "manual".into()),
            ("cache", "no-store".into()),
            ("referrerPolicy", "no-referrer".into()),
            ("keepalive", (post.keepalive == Keepalive::On).into()),
            ("credentials", self.credentials.clone()),
        ]);
        self.window.fetch(&post.url, &init)
    }
}

/// Reports what a request, or a function of the page, came to. A response is read first, whoever hands it over, and be it thrown.
fn answer(came: Came, report: Report) {
    let (Ok(value) | Err(value)) = &came;
    let Some(response) = response(value) else {
        return report(match came {
            Ok(reply) => {
                Answer { judged: HostAnswer::Ok, reply: if reply.is_undefined() { JsValue::NULL } else { reply } }
            }
            Err(error) => Answer::failed(error),
        });
    };
    settled(response.text().map(JsValue::from), move |text| {
        report(Answer::of_response(&response, &text.ok().and_then(|text| text.as_string()).unwrap_or_default()));
    });
}

/// A response, of this window or another.
fn response(value: &JsValue) -> Option<Response> {
    let is_response = read(value, "text").is_function() && read(value, "status").as_f64().is_some();
    is_response.then(|| value.clone().unchecked_into())
}

impl Answer {
    /// A response, and the JSON of its body: a backend may answer with nothing, or with text. A page is no answer of a backend's.
    fn of_response(response: &Response, text: &str) -> Self {
        let body = JSON::parse(text).unwrap_or(JsValue::NULL);
        let judged = if read(response, "type") == "opaqueredirect" {
            HostAnswer::Redirected
        } else if response.ok() {
            if is_page(response, text) { HostAnswer::Unreachable } else { HostAnswer::Ok }
        } else {
            let retry_after = response.headers().get("Retry-After").ok().flatten();
            HostAnswer::Refused {
                status: response.status(),
                code: own(&body, "code").as_string(),
                retry_after_ms: retry_after.and_then(|text| retry_after_ms(&text)),
            }
        };
        let reply = if judged == HostAnswer::Ok { body } else { JsValue::NULL };
        Self { judged, reply }
    }

    /// An error of the page's own transport: with a `status`, it is an answer; without, there was none.
    fn failed(error: JsValue) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        let judged = match own(&error, "status").as_f64() {
            Some(status) if (100.0..600.0).contains(&status) => HostAnswer::Refused {
                status: status as u16,
                code: own(&error, "code").as_string(),
                retry_after_ms: None,
            },
            _ => HostAnswer::Unreachable,
        };
        Self { judged, reply: error }
    }
}

/// Whether somebody else answered in the backend's place: an expired sign-in with the page to sign in, a service worker with an offline page.
fn is_page(response: &Response, text: &str) -> bool {
    let kind = response.headers().get("Content-Type").ok().flatten().unwrap_or_default();
    (kind.starts_with("text/html") || kind.starts_with("application/xhtml+xml"))
        && text.bytes().find(|byte| !byte.is_ascii_whitespace()) == Some(b'<')
}

/// Seconds or an HTTP date, as milliseconds from now. Anything else says nothing, and so does a date that has passed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and saturates")]
fn retry_after_ms(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that are no number are too many of them.
        return (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let wait_ms = if text.ends_with("GMT") { Date::parse(text) - Date::now() } else { f64::NAN };
    (wait_ms >= 0.0).then_some(wait_ms as u64)
}
