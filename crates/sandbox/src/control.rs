//! The sandbox's own interface, on both listeners: clock, faults, reset, log.
//!
//! Invariants: a wrong body changes nothing and is answered with 400 and a sentence.

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::clock::MAX_ADVANCE_MS;
use crate::faults::{Faults, Invalid};
use crate::log::Happening;
use crate::world::{Time, World};

/// The routes of the control interface.
pub(crate) fn routes() -> Router<World> {
    Router::new()
        .route("/healthz", get(health))
        .route("/_sandbox/clock", get(read_clock).post(advance))
        .route("/_sandbox/faults", get(read_faults).post(set_faults))
        .route("/_sandbox/reset", post(reset))
        .route("/_sandbox/log", get(log))
}

/// Body of `POST /_sandbox/clock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Leap {
    advance_ms: u64,
}

/// A request the sandbox does not understand.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

/// Pushes the clock.
pub(crate) fn leap(world: &World, by_ms: u64) -> Result<Time, Invalid> {
    let too_far = |_| Invalid(format!("advanceMs can come to {MAX_ADVANCE_MS} (a hundred years) in all"));
    let time = world.advance(by_ms).map_err(too_far)?;
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

fn record(world: &World, what: &'static str, body: Value) {
    world.with(|state, now_ms| state.log.write(now_ms, Happening::Controlled { what, body }));
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn read_clock(Shared(world): Shared<World>) -> Result<Json<Time>, Refused> {
    world.advance(0).map(Json).map_err(|_| Refused(String::new()))
}

async fn advance(Shared(world): Shared<World>, body: Bytes) -> Result<Json<Time>, Refused> {
    let leap_by: Leap = read(&body, r#"{"advanceMs": 480000}"#)?;
    leap(&world, leap_by.advance_ms).map(Json).map_err(|Invalid(text)| Refused(text))
}

async fn read_faults(Shared(world): Shared<World>) -> Json<Faults> {
    Json(world.with(|state, _| state.faults.clone()))
}

async fn set_faults(Shared(world): Shared<World>, body: Bytes) -> Result<Json<Faults>, Refused> {
    let faults: Faults = read(&body, r#"{"redirectShape": "classic"}"#)?;
    replace_faults(&world, &faults).map_err(|Invalid(text)| Refused(text))?;
    Ok(Json(faults))
}

async fn reset(Shared(world): Shared<World>) -> Json<Value> {
    world.reset();
    Json(json!({ "status": "ok" }))
}

async fn log(Shared(world): Shared<World>) -> Json<Value> {
    Json(json!({ "entries": world.with(|state, _| state.log.entries()) }))
}

/// serde also reads a struct from an array; a control interface should not.
fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Refused> {
    serde_json::from_slice::<Map<String, Value>>(body)
        .and_then(|object| serde_json::from_value(Value::Object(object)))
        .map_err(|error| Refused(format!("{error}; expected JSON as {example}")))
}
