//! Requests to the host's backend: by URL, or by a function of the page.
//!
//! Invariant: whatever goes wrong becomes an answer, and the answer comes later: functions of the page never run inside the session's work.

use js_sys::{Date, Function, JSON, Object, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, Headers, Response, Window};

use super::inbox::{Happened, Inbox};
use super::report::{body, dictionary, object, reconnected};
use super::values::{Given, own};
use crate::session::{Delivery, HostAnswer, StartAfter, TRY_TIMEOUT_MS};

#[wasm_bindgen]
extern "C" {
    /// A window whose `fetch` may throw, because somebody else's script has replaced it; web-sys declares it as if nothing could.
    #[wasm_bindgen(extends = Window)]
    #[derive(Clone)]
    type FetchingWindow;
    #[wasm_bindgen(method, catch)]
    fn fetch(this: &FetchingWindow, url: &str, init: &Object) -> Result<JsValue, JsValue>;
}

/// How the backend answered, and what the page gets as the result's `reply`.
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
        let body = match after {
            StartAfter::Nothing => "{}",
            StartAfter::TokenInvalid => r#"{"after":"TOKEN_INVALID"}"#,
        };
        let (endpoint, transport, inbox) = (self.start.clone(), self.transport.clone(), self.inbox.clone());
        spawn_local(async move {
            let answer = match endpoint {
                Endpoint::Url(url) => transport.post(&url, body, Posting::Plain, &signal).await,
                Endpoint::Function(start) => answer_of(start.call1(&JsValue::UNDEFINED, &signal)).await,
                Endpoint::Missing => Err(JsValue::UNDEFINED),
            };
            inbox.report(Happened::Started { call, answer: answer.unwrap_or_else(|error| Answer::failed(&error)) });
        });
        Ok(StartCall(controller))
    }

    /// Sends a result.
    pub(super) fn deliver(&self, try_number: u32, delivery: &Delivery) {
        let signal = AbortSignal::timeout_with_u32(TRY_TIMEOUT_MS);
        let delivery = Delivery::clone(delivery);
        let (endpoint, transport, inbox) = (self.deliver.clone(), self.transport.clone(), self.inbox.clone());
        spawn_local(async move {
            let attempt_id = delivery.attempt_id.as_str();
            let answer = match endpoint {
                Endpoint::Url(url) => transport.send(&url, &delivery, &signal).await,
                Endpoint::Function(deliver) => {
                    let context = object(&[("attemptId", attempt_id.into()), ("signal", signal.into())]);
                    let result = object(&reconnected(&delivery, delivery.login_id.as_ref()));
                    answer_of(deliver.call2(&JsValue::UNDEFINED, &result, &context)).await
                }
                Endpoint::Missing => Err(JsValue::UNDEFINED),
            };
            let answer = answer.unwrap_or_else(|error| Answer::failed(&error));
            inbox.report(Happened::Delivered { try_number, answer });
        });
    }
}

impl From<JsValue> for Endpoint {
    fn from(value: JsValue) -> Self {
        match value.as_string() {
            Some(url) => Self::Url(url),
            None => value.dyn_into().map_or(Self::Missing, Self::Function),
        }
    }
}

/// What a request is for.
#[derive(Clone, Copy)]
enum Posting<'a> {
    /// Not to be repeated by itself.
    Plain,
    /// A delivery, by its idempotency key.
    Delivery { key: &'a str, keepalive: Keepalive },
}

/// Whether a request outlives its page.
#[derive(Clone, Copy)]
enum Keepalive {
    On,
    Off,
}

impl Transport {
    /// Posts a delivery, so that it outlives the page where that is possible.
    async fn send(&self, url: &str, delivery: &Delivery, signal: &AbortSignal) -> Result<Answer, JsValue> {
        let (body, key) = (body(delivery)?, delivery.attempt_id.as_str());
        match self.post(url, &body, Posting::Delivery { key, keepalive: Keepalive::On }, signal).await {
            // The 64 KiB for keepalive requests are shared with everything on the page and may be used up.
            Err(_) if !signal.aborted() => {
                self.post(url, &body, Posting::Delivery { key, keepalive: Keepalive::Off }, signal).await
            }
            answer => answer,
        }
    }

    /// One request. Never follows a redirect (a 307 would send the body, `loginId` included, to wherever it points), is never cached and
    /// tells no referrer.
    async fn post(&self, url: &str, body: &str, posting: Posting<'_>, signal: &AbortSignal) -> Result<Answer, JsValue> {
        let headers = self.headers().await?;
        headers.set("Content-Type", "application/json")?;
        headers.set("Accept", "application/json")?;
        let mut is_kept_alive = false;
        if let Posting::Delivery { key, keepalive } = posting {
            // A string of structured fields (RFC 8941): the quotes belong to the value.
            headers.set("Idempotency-Key", &["\"", key, "\""].concat())?;
            is_kept_alive = matches!(keepalive, Keepalive::On);
        }
        let init = dictionary(&[
            ("method", "POST".into()),
            ("headers", headers.into()),
            ("body", body.into()),
            ("signal", signal.into()),
            ("redirect", "error".into()),
            ("cache", "no-store".into()),
            ("referrerPolicy", "no-referrer".into()),
            ("keepalive", is_kept_alive.into()),
            ("credentials", self.credentials.clone()),
        ]);
        let response: Response = settled(self.window.fetch(url, &init)).await?.unchecked_into();
        Ok(Answer::of_response(&response).await)
    }

    /// The headers that the page wants, as of now: its tokens rotate.
    async fn headers(&self) -> Result<Headers, JsValue> {
        match &self.headers {
            None => Headers::new(),
            Some(headers) => {
                let given = settled(headers.call0(&JsValue::UNDEFINED)).await?;
                if given.is_undefined() { Headers::new() } else { Headers::new_with_str_sequence_sequence(&given) }
            }
        }
    }
}

/// What somebody else's function returned, once it is known.
async fn settled(returned: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&returned?)).await
}

/// What a function of the page answered.
async fn answer_of(returned: Result<JsValue, JsValue>) -> Result<Answer, JsValue> {
    let reply = settled(returned).await?;
    Ok(Answer { judged: HostAnswer::Ok, reply: if reply.is_undefined() { JsValue::NULL } else { reply } })
}

impl Answer {
    /// A response, and the JSON of its body: a backend may answer with nothing, or with text. A page is no answer of a backend's.
    async fn of_response(response: &Response) -> Self {
        let text = match response.text() {
            Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()).unwrap_or_default(),
            Err(_) => String::new(),
        };
        let body = JSON::parse(&text).unwrap_or(JsValue::NULL);
        let judged = if response.ok() {
            if is_page(response, &text) { HostAnswer::Unreachable } else { HostAnswer::Ok }
        } else {
            let retry_after = response.headers().get("Retry-After").ok().flatten();
            HostAnswer::Refused {
                status: response.status(),
                code: own(&body, "code").as_string(),
                retry_after_ms: retry_after.and_then(|text| retry_after_ms(&text)),
            }
        };
        Self { judged, reply: body }
    }

    /// An error of the page's own transport: with a `status`, it is an answer; without, there was none.
    fn failed(error: &JsValue) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        let judged = match own(error, "status").as_f64() {
            Some(status) if (100.0..600.0).contains(&status) => HostAnswer::Refused {
                status: status as u16,
                code: own(error, "code").as_string(),
                retry_after_ms: None,
            },
            _ => HostAnswer::Unreachable,
        };
        Self { judged, reply: JsValue::NULL }
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
