//! The sandbox's own interface, on both listeners: clock, faults, stored data, webhooks, scenarios, reset, log. `openapi.json` describes it.
//!
//! Invariants: a wrong body changes nothing and is answered with 400 and a sentence; a key or secret never comes out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{FromRequest, Request, State as Shared};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flinks_connect::id::LoginId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use crate::api::reply;
use crate::clock::MAX_ADVANCE_MS;
use crate::faults::{Faults, Invalid};
use crate::log::Happening;
use crate::scenario::{self, Ready};
use crate::sent;
use crate::state::State;
use crate::state::webhook::Webhook;
use crate::visitor::Names;
use crate::world::{Time, World};

/// The routes of the control interface.
pub(crate) fn routes(places: Places) -> Router<World> {
    let set_scenario = async move |Shared(world): Shared<World>,
                                   headers: HeaderMap,
                                   Sent(body): Sent|
                -> Result<Json<Ready>, Refused> {
        let wanted: Wanted = read(&body, r#"{"name": "reconnect"}"#)?;
        let connect_url = places.connect_url_for(&headers);
        Ok(Json(set_up(&world, &connect_url, &wanted.name)?))
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/_sandbox/clock", get(read_clock).post(advance))
        .route("/_sandbox/faults", get(read_faults).post(set_faults))
        .route("/_sandbox/reset", post(reset))
        .route("/_sandbox/log", get(log))
        .route("/_sandbox/stored", post(stored))
        .route("/_sandbox/webhook", get(read_webhook).post(set_webhook))
        .route("/_sandbox/scenarios", get(scenarios))
        .route("/_sandbox/scenario", post(set_scenario))
        .route("/_sandbox/openapi.json", get(openapi))
}

/// Body of `POST /_sandbox/clock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Leap {
    advance_ms: u64,
}

/// Body of `POST /_sandbox/stored`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Whose {
    login_id: String,
}

/// Body of `POST /_sandbox/webhook`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    url: Option<String>,
    secret: Option<String>,
}

/// Body of `POST /_sandbox/scenario`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
}

/// Where the sandbox can be reached.
#[derive(Clone)]
pub(crate) struct Places {
    /// Where the Connect page listens.
    pub(crate) connect: SocketAddr,
    /// The Connect page as browsers reach it, when that is elsewhere.
    pub(crate) public_connect: Option<String>,
    /// By which names the sandbox may be called.
    pub(crate) names: Names,
}

impl Places {
    /// The Connect page from this machine.
    pub(crate) fn connect_url(&self) -> String {
        self.public_connect.clone().unwrap_or_else(|| format!("http://{}/v2/", reachable(self.connect)))
    }

    /// The Connect page for whoever sent a request with these headers: a sandbox that listens on every address (in a container, say)
    /// is reached by the name it was called by.
    fn connect_url_for(&self, headers: &HeaderMap) -> String {
        let called = headers.get(HOST).and_then(|host| host.to_str().ok());
        let called = called.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
        match called.as_ref().and_then(Url::host) {
            Some(host) if self.public_connect.is_none() && self.connect.ip().is_unspecified() => {
                format!("http://{host}:{}/v2/", self.connect.port())
            }
            _ => self.connect_url(),
        }
    }
}

/// Where this machine reaches a listener: one on every address by the loopback one.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What was sent, if it fits.
struct Sent(Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let too_long = || Refused::Misunderstood(format!("expected a body of at most {} bytes", sent::MAX_LEN));
        sent::read(request.into_body()).await.map(Self).ok_or_else(too_long)
    }
}

/// A request the sandbox does not carry out.
enum Refused {
    /// It does not understand it.
    Misunderstood(String),
    /// It may not do that, as it was started.
    Forbidden(String),
    /// It cannot do that any more.
    Impossible(String),
}

impl From<Invalid> for Refused {
    fn from(Invalid(text): Invalid) -> Self {
        Self::Misunderstood(text)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Misunderstood(text) => (StatusCode::BAD_REQUEST, text),
            Self::Forbidden(text) => (StatusCode::FORBIDDEN, text),
            Self::Impossible(text) => (StatusCode::CONFLICT, text),
        };
        (status, Json(json!({ "error": text }))).into_response()
    }
}

/// Pushes the clock.
pub(crate) fn leap(world: &World, by_ms: u64) -> Result<Time, Invalid> {
    let too_far = |_| Invalid(format!("advanceMs can come to {MAX_ADVANCE_MS} (a hundred years) in all"));
    let time = world.advance(by_ms).map_err(too_far)?;
    // What the leap has ended, and the nights in it, stand in the log before whatever comes next.
    world.with(State::expire);
    record(world, "clock", json!({ "advanceMs": by_ms }));
    Ok(time)
}

/// Replaces the faults.
pub(crate) fn replace_faults(world: &World, faults: &Faults) -> Result<(), Invalid> {
    faults.check()?;
    world.with(|state, _| state.faults = faults.clone());
    record(world, "faults", json!(faults));
    Ok(())
}

/// Sends webhooks elsewhere.
pub(crate) fn set_target(world: &World, target: Option<Webhook>) -> Result<(), Invalid> {
    target.as_ref().map_or(Ok(()), Webhook::check)?;
    let url = target.as_ref().map(|target| target.url.clone());
    world.with(|state, _| state.outbox.set_target(target));
    record(world, "webhook", json!({ "url": url }));
    Ok(())
}

/// Sets up a scenario, after a reset.
pub(crate) fn set_up(world: &World, connect_url: &str, name: &str) -> Result<Ready, Invalid> {
    let unknown = || Invalid("there is no scenario of that name; GET /_sandbox/scenarios lists them".to_owned());
    let scenario = scenario::find(name).ok_or_else(unknown)?;
    world.reset();
    record(world, "scenario", json!({ "name": name }));
    let faults = scenario.faults()?;
    let opened = world.with(|state, now_ms| {
        // What the bank asks belongs to the session that is open already; everything else goes wrong from now on.
        state.faults = Faults { challenges: faults.challenges, ..Faults::default() };
        let opened = scenario.open_session(state, now_ms);
        state.faults = faults;
        opened
    });
    if scenario.later_ms > 0 {
        leap(world, scenario.later_ms)?;
    }
    let token = world.with(|state, now_ms| state.tokens.mint(now_ms));
    Ok(scenario.ready(connect_url, opened.as_ref(), &token))
}

fn record(world: &World, what: &'static str, body: Value) {
    world.with(|state, now_ms| state.log.write(now_ms, Happening::Controlled { what, body }));
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn read_clock(Shared(world): Shared<World>) -> Json<Time> {
    Json(world.read(|_, time| time))
}

async fn advance(Shared(world): Shared<World>, Sent(body): Sent) -> Result<Json<Time>, Refused> {
    let leap_by: Leap = read(&body, r#"{"advanceMs": 480000}"#)?;
    let too_far = |Invalid(text)| match leap_by.advance_ms {
        0..=MAX_ADVANCE_MS => Refused::Impossible(text),
        _ => Refused::Misunderstood(text),
    };
    leap(&world, leap_by.advance_ms).map(Json).map_err(too_far)
}

async fn read_faults(Shared(world): Shared<World>) -> Json<Faults> {
    Json(world.with(|state, _| state.faults.clone()))
}

async fn set_faults(Shared(world): Shared<World>, Sent(body): Sent) -> Result<Json<Faults>, Refused> {
    let faults: Faults = read(&body, r#"{"redirectShape": "classic"}"#)?;
    replace_faults(&world, &faults)?;
    Ok(Json(faults))
}

async fn reset(Shared(world): Shared<World>) -> Json<Value> {
    world.reset();
    Json(json!({ "status": "ok" }))
}

/// The log, or the part of it that `since` and `limit` ask for.
async fn log(Shared(world): Shared<World>, uri: Uri) -> Result<Json<Value>, Refused> {
    let (mut since, mut limit) = (0_u32, u32::MAX);
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let wrong = |_| Refused::Misunderstood(format!("{name} must be a whole number, as ?since=120&limit=100"));
        match &*name {
            "since" => since = value.parse().map_err(wrong)?,
            "limit" => limit = value.parse().map_err(wrong)?,
            _ => return Err(Refused::Misunderstood("expected since and limit, as ?since=120&limit=100".to_owned())),
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Json(
        world.with(
            |state, _| json!({ "entries": state.log.since(since.into(), limit), "written": state.log.written() }),
        ),
    ))
}

/// What Flinks has stored of a login: no token, no session, no wait.
async fn stored(Shared(world): Shared<World>, Sent(body): Sent) -> Result<Json<Value>, Refused> {
    let whose: Whose = read(&body, r#"{"loginId": "0d5a3c10-0001-4000-8000-000000000001"}"#)?;
    let login_id = LoginId::parse(&whose.login_id);
    Ok(Json(world.with(|state, now_ms| reply::stored(state, now_ms, login_id.as_ref()))))
}

async fn read_webhook(Shared(world): Shared<World>) -> Json<Value> {
    Json(world.with(|state, _| {
        let url = state.outbox.target().map(|target| target.url.as_str());
        let waiting: Vec<_> = state
            .outbox
            .waiting()
            .iter()
            .map(|delivery| {
                json!({
                    "delivery": delivery.id,
                    "responseType": delivery.kind,
                    "requestId": delivery.request_id,
                    "tries": delivery.tries,
                    "dueMs": delivery.due_ms,
                })
            })
            .collect();
        json!({ "url": url, "waiting": waiting })
    }))
}

async fn set_webhook(shared: Shared<World>, Sent(body): Sent) -> Result<Json<Value>, Refused> {
    let example = r#"{"url": "http://127.0.0.1:4200/api/flinks/webhook", "secret": "…"}, or {"url": null}"#;
    let target: Target = read(&body, example)?;
    let webhook = match (target.url, target.secret) {
        (Some(url), Some(secret)) => Some(Webhook { url, secret }),
        (None, None) => None,
        _ => return Err(Refused::Misunderstood(format!("url and secret go together; expected JSON as {example}"))),
    };
    webhook.as_ref().map_or(Ok(()), Webhook::check)?;
    if let Some(webhook) = &webhook
        && !shared.0.with(|state, _| state.settings.lets_webhooks_go_to(&webhook.url))
    {
        let reason =
            "webhooks are posted to this machine only; start the sandbox with --webhook-anywhere to post elsewhere";
        return Err(Refused::Forbidden(reason.to_owned()));
    }
    set_target(&shared.0, webhook)?;
    Ok(read_webhook(shared).await)
}

async fn scenarios() -> Json<Value> {
    let entries: Vec<_> =
        scenario::ALL.iter().map(|entry| json!({ "name": entry.name, "about": entry.about })).collect();
    Json(json!({ "scenarios": entries }))
}

/// The description, with the scenarios there are.
async fn openapi() -> Response {
    let written = include_str!("openapi.json");
    let Ok(mut document) = serde_json::from_str::<Value>(written) else { return written.into_response() };
    if let Some(Value::Object(name)) = document.pointer_mut("/components/schemas/Wanted/properties/name") {
        name.insert("enum".to_owned(), scenario::ALL.iter().map(|scenario| scenario.name).collect());
    }
    Json(document).into_response()
}

/// serde also reads a struct from an array; a control interface should not.
fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Refused> {
    serde_json::from_slice::<Map<String, Value>>(body)
        .and_then(|object| serde_json::from_value(with_whole_numbers(Value::Object(object))))
        .map_err(|error| Refused::Misunderstood(format!("{error}; expected JSON as {example}")))
}

/// `480000.0` is an integer to JSON Schema, and to languages with one kind of number.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            Value::Object(object.into_iter().map(|(name, value)| (name, with_whole_numbers(value))).collect())
        }
        Value::Number(number) => whole(&number).map_or(Value::Number(number), Value::from),
        other => other,
    }
}

/// The number as an integer, if it is one within what a double holds exactly.
fn whole(number: &serde_json::Number) -> Option<u64> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|value| number.is_f64() && (0.0..=MAX_EXACT).contains(value))?;
    // Cannot lose anything: the fraction is zero and the range is checked.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (value.fract() == 0.0).then_some(value as u64)
}
