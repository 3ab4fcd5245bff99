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

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use flinks_connect::code;
use serde::Deserialize;
use serde_json::{Value, json};

use self::action::{Action, Audience};
use self::launch::Launch;
use self::screen::Screen;
use self::visit::{Decision, Turn, Visit, VisitId};
use crate::faults::PageFault;
use crate::sent;
use crate::world::World;

const HTML: &str = "text/html; charset=utf-8";
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
        .route("/_page/oauth", get(oauth_document))
        .route("/_page/oauth.js", get(oauth_script))
        .route("/_page/decide", post(decide))
        .route("/_page/open", post(open))
        .route("/_page/act", post(act))
        // An address fits, and the page sends nothing longer.
        .layer(DefaultBodyLimit::max(sent::MAX_LEN))
}

async fn document(Shared(world): Shared<World>, uri: Uri) -> Response {
    let launch = Launch::read(uri.path(), uri.query().unwrap_or_default());
    let fault = launch.page_fault().unwrap_or_else(|| world.with(|state, _| state.faults.page));
    let mut response = file(HTML, include_str!("../../page/index.html"));
    match fault {
        PageFault::Http500 => {
            response = file(HTML, "<!doctype html><title>500</title><h1>500</h1><p>The sandbox was told to fail.</p>");
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        PageFault::FrameDenied => {
            response.headers_mut().insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        PageFault::None | PageFault::Silent | PageFault::NeverPosts => {}
    }
    response
}

/// The bank's own window. Which page it belongs to stands behind the `#`.
async fn oauth_document() -> Response {
    file(HTML, include_str!("../../page/oauth.html"))
}

async fn oauth_script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../page/oauth.js"))
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
    /// The page's own origin.
    #[serde(default)]
    origin: Option<String>,
}

/// The user has done something.
#[derive(Deserialize)]
struct Acted {
    visit: VisitId,
    action: Action,
}

/// The user has decided in the bank's own window.
#[derive(Deserialize)]
struct Decided {
    visit: VisitId,
    decision: Decision,
}

async fn decide(Shared(world): Shared<World>, body: Result<Json<Decided>, JsonRejection>) -> Response {
    let Ok(Json(decided)) = body else { return misunderstood() };
    match world.with(|state, now_ms| visit::decide(state, now_ms, decided.visit, decided.decision)) {
        Some((institution, url)) => Json(json!({ "institution": institution, "url": url })).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no page waits for this window" }))).into_response(),
    }
}

async fn open(Shared(world): Shared<World>, body: Result<Json<Opened>, JsonRejection>) -> Response {
    let Ok(Json(opened)) = body else { return misunderstood() };
    let launch = Launch::read(&opened.path, &opened.query).at(opened.origin.as_deref());
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
    let lost = || Turn {
        screen: Screen::Expired { code: code::SESSION_NONEXISTENT.name },
        events: Vec::new(),
        navigation: None,
        offline: None,
    };
    Json(turn_body(&turn.unwrap_or_else(lost))).into_response()
}

fn turn_body(turn: &Turn) -> Value {
    json!({ "screen": turn.screen, "events": turn.events, "navigation": turn.navigation, "offline": turn.offline })
}

fn misunderstood() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "not what this sandbox's page sends" }))).into_response()
}
