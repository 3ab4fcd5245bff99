//! The Connect page: `/v2/` and `/`.
//!
//! One static document, style sheet and script, which show the screens of a [`visit`], report what the user did and post the events
//! they are handed. Everything else is decided here.
//!
//! Invariants: no inline script or style, nothing from elsewhere; any page may frame it, as with the real one; nothing is cached.

pub mod action;
pub mod event;
pub mod launch;
pub mod redirect;
pub mod screen;
pub mod visit;

use axum::extract::State as Shared;
use axum::extract::rejection::JsonRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flinks_reconnect::connect::code;
use serde::Deserialize;
use serde_json::{Value, json};

use self::action::{Action, Audience};
use self::launch::Launch;
use self::screen::Screen;
use self::visit::{Turn, Visit, VisitId};
use crate::world::World;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/// The routes of the page.
pub(crate) fn routes() -> Router<World> {
    Router::new()
        .route("/", get(document))
        .route("/v2", get(document))
        .route("/v2/", get(document))
        .route("/v2/{*path}", get(document))
        .route("/_page/connect.css", get(style))
        .route("/_page/connect.js", get(script))
        .route("/_page/words.js", get(words))
        .route("/_page/open", post(open))
        .route("/_page/act", post(act))
}

async fn document() -> Response {
    file("text/html; charset=utf-8", include_str!("../../page/index.html"))
}

async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../page/connect.css"))
}

async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../page/connect.js"))
}

async fn words() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../page/words.js"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // The address holds a token and a session.
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}

/// The page has loaded.
#[derive(Deserialize)]
struct Opened {
    path: String,
    query: String,
    audience: Audience,
}

/// The user has done something.
#[derive(Deserialize)]
struct Acted {
    visit: VisitId,
    action: Action,
}

async fn open(Shared(world): Shared<World>, body: Result<Json<Opened>, JsonRejection>) -> Response {
    let Ok(Json(opened)) = body else { return misunderstood() };
    let launch = Launch::read(&opened.path, &opened.query);
    let frame = Visit::frame(&launch, opened.audience);
    let (visit, turn) = world.with(|state, now_ms| visit::open(state, now_ms, launch, opened.audience));
    let mut reply = turn_body(&turn);
    if let Some(object) = reply.as_object_mut() {
        object.insert("visit".to_owned(), visit.to_string().into());
        object.insert("frame".to_owned(), frame);
    }
    Json(reply).into_response()
}

async fn act(Shared(world): Shared<World>, body: Result<Json<Acted>, JsonRejection>) -> Response {
    let Ok(Json(acted)) = body else { return misunderstood() };
    let turn = world.with(|state, now_ms| visit::act(state, now_ms, acted.visit, acted.action));
    // The sandbox was reset, or restarted, under an open page.
    let lost = || Turn { screen: Screen::Expired { code: code::SESSION_NONEXISTENT.name }, events: Vec::new() };
    Json(turn_body(&turn.unwrap_or_else(lost))).into_response()
}

fn turn_body(turn: &Turn) -> Value {
    json!({ "screen": turn.screen, "events": turn.events })
}

fn misunderstood() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "not what this sandbox's page sends" }))).into_response()
}
