//! Requests to the host's backend, by URL or by a function of the page's.
//!
//! Invariants: a request never follows a redirect (a 307 would send the body, `loginId` included, to wherever it points), is never
//! cached and tells no referrer; whatever goes wrong becomes a [`HostAnswer`].

use js_sys::{Function, JSON, Promise, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, ReferrerPolicy, RequestCache, RequestCredentials, RequestInit, RequestRedirect, Response,
    Window,
};

use super::report;
use super::value::{HostObject, parse_url};
use crate::session::{Delivery, Endpoint, HostAnswer, Options, StartReply, TRY_TIMEOUT_MS};

/// How to reach the host.
pub(super) struct Host {
    window: Window,
    start: Option<Target>,
    deliver: Option<Target>,
    headers: Option<Function>,
    credentials: RequestCredentials,
}

#[derive(Clone)]
enum Target {
    Url(String),
    Function(Function),
}

/// What the page gets beside the delivery when it delivers itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryContext<'a> {
    attempt_id: &'a str,
}

impl Host {
    /// Takes the endpoints from options that were proved.
    pub(super) fn new(window: Window, given: &HostObject<'_>, options: &Options) -> Self {
        let target = |name: &str, endpoint: Option<&Endpoint>| match endpoint? {
            Endpoint::Url(url) => Some(Target::Url(url.clone())),
            Endpoint::Function => given.function(name).map(Target::Function),
        };
        let start = match &options.launcher {
            crate::session::Launcher::Start(endpoint) => Some(endpoint),
            crate::session::Launcher::Interrupted { .. } => None,
        };
        Self {
            start: target("start", start),
            deliver: target("deliver", options.deliver.as_ref()),
            headers: given.function("headers"),
            credentials: given
                .text("credentials")
                .and_then(|text| RequestCredentials::from_js_value(&text.into()))
                .unwrap_or(RequestCredentials::SameOrigin),
            window,
        }
    }

    /// Begins a session; `signal` aborts it.
    pub(super) async fn start(&self, signal: AbortSignal) -> Result<StartReply, HostAnswer> {
        let reply = match &self.start {
            Some(Target::Url(url)) => {
                let response =
                    self.post(url, "{}", None, &signal, Keepalive::No).await.map_err(|_| HostAnswer::Unreachable)?;
                let body = json(&response).await;
                if !response.ok() {
                    return Err(refused(&response, &body));
                }
                body
            }
            Some(Target::Function(function)) => {
                settled(function.call1(&JsValue::UNDEFINED, &signal)).await.map_err(|error| thrown(&error))?
            }
            None => return Err(HostAnswer::Unreachable),
        };
        StartReply::read(&HostObject(&reply), parse_url).map_err(|_| HostAnswer::Ok)
    }

    /// Sends the result: how the host answered, and the JSON it answered with (or null).
    pub(super) async fn deliver(&self, delivery: &Delivery) -> (HostAnswer, JsValue) {
        let body = report::delivery(delivery);
        let signal = AbortSignal::timeout_with_u32(TRY_TIMEOUT_MS);
        match &self.deliver {
            Some(Target::Url(url)) => {
                let Ok(text) = JSON::stringify(&body).map(String::from) else {
                    return (HostAnswer::Unreachable, JsValue::NULL);
                };
                let key = Some(delivery.attempt_id.as_str());
                let mut response = self.post(url, &text, key, &signal, Keepalive::Yes).await;
                if response.is_err() && !signal.aborted() {
                    // The 64 KiB for keepalive requests are shared with everything on the page and may be used up.
                    response = self.post(url, &text, key, &signal, Keepalive::No).await;
                }
                let Ok(response) = response else { return (HostAnswer::Unreachable, JsValue::NULL) };
                let reply = json(&response).await;
                if response.ok() { (HostAnswer::Ok, reply) } else { (refused(&response, &reply), JsValue::NULL) }
            }
            Some(Target::Function(function)) => {
                let context = report::value(&DeliveryContext { attempt_id: delivery.attempt_id.as_str() });
                // An object made a line above takes a property.
                Reflect::set(&context, &"signal".into(), &signal).ok();
                match settled(function.call2(&JsValue::UNDEFINED, &body, &context)).await {
                    Ok(reply) => (HostAnswer::Ok, if reply.is_undefined() { JsValue::NULL } else { reply }),
                    Err(error) => (thrown(&error), JsValue::NULL),
                }
            }
            None => (HostAnswer::Unreachable, JsValue::NULL),
        }
    }

    async fn post(
        &self,
        url: &str,
        body: &str,
        key: Option<&str>,
        signal: &AbortSignal,
        keepalive: Keepalive,
    ) -> Result<Response, JsValue> {
        let given = match &self.headers {
            Some(headers) => settled(headers.call0(&JsValue::UNDEFINED)).await?,
            None => JsValue::UNDEFINED,
        };
        // The page's init is whatever the Headers constructor takes.
        let headers: Headers =
            Reflect::construct(&headers_constructor(&self.window)?, &js_sys::Array::of1(&given))?.dyn_into()?;
        headers.set("Content-Type", "application/json")?;
        headers.set("Accept", "application/json")?;
        if let Some(key) = key {
            // A string of structured fields (RFC 8941): the quotes belong to the value.
            headers.set("Idempotency-Key", &["\"", key, "\""].concat())?;
        }
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_headers_headers(&headers);
        init.set_body(&body.into());
        init.set_credentials(self.credentials);
        init.set_redirect(RequestRedirect::Error);
        init.set_cache(RequestCache::NoStore);
        init.set_referrer_policy(ReferrerPolicy::NoReferrer);
        init.set_signal(Some(signal));
        if matches!(keepalive, Keepalive::Yes) {
            Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE)?;
        }
        JsFuture::from(self.window.fetch_with_str_and_init(url, &init)).await?.dyn_into()
    }
}

/// Whether the request outlives the page.
enum Keepalive {
    Yes,
    No,
}

fn headers_constructor(window: &Window) -> Result<Function, JsValue> {
    Reflect::get(window, &"Headers".into())?.dyn_into()
}

/// Awaits what a function of the page's returned, promise or not.
async fn settled(returned: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&returned?)).await
}

/// The JSON of a body, or null: a host may answer with nothing, or with a page.
async fn json(response: &Response) -> JsValue {
    match response.text() {
        Ok(text) => match JsFuture::from(text).await.ok().and_then(|text| text.as_string()) {
            Some(text) => JSON::parse(&text).unwrap_or(JsValue::NULL),
            None => JsValue::NULL,
        },
        Err(_) => JsValue::NULL,
    }
}

fn refused(response: &Response, body: &JsValue) -> HostAnswer {
    HostAnswer::Refused {
        status: response.status(),
        code: HostObject(body).text("code"),
        retry_after_ms: response.headers().get("Retry-After").ok().flatten().and_then(|text| retry_after_ms(&text)),
    }
}

/// An error of the page's own transport: with a `status`, it is an answer; without, there was none.
fn thrown(error: &JsValue) -> HostAnswer {
    let error = HostObject(error);
    match error.raw("status").as_f64() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Some(status) if (100.0..600.0).contains(&status) => {
            HostAnswer::Refused { status: status as u16, code: error.text("code"), retry_after_ms: None }
        }
        _ => HostAnswer::Unreachable,
    }
}

/// Seconds or an HTTP date, as milliseconds from now. Anything else says nothing.
fn retry_after_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let from_now = js_sys::Date::parse(text) - js_sys::Date::now();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; NaN is no number of milliseconds"
    )]
    (text.ends_with("GMT") && from_now > 0.0).then_some(from_now as u64)
}
