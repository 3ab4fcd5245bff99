//! The host over HTTP.
//!
//! [`connections`] is what the page shows, [`reconnects`] the contract with the widget, [`webhook`] Flinks' own way in, [`admin`] the application's; [`user`] says
//! who asks, [`same_origin`] from where, [`body`] how much is read, [`rate`] how often, [`id`] how ids are read, [`problem`] how it is refused, [`health`] and [`metrics`] how the host is.
//!
//! Invariants: every answer below `/api` is `no-store`; the log has method, route pattern, status and time of a request, never
//! its path, query or body; what was begun is carried to its end, also when whoever asked has gone; nothing that a client sends is
//! read without a bound of bytes, time and number.

pub(crate) mod admin;
pub(crate) mod body;
pub(crate) mod connections;
mod health;
mod id;
mod metrics;
mod openapi;
pub(crate) mod problem;
pub(crate) mod rate;
mod reconnects;
pub(crate) mod same_origin;
pub(crate) mod user;
mod webhook;

use std::{sync::Arc, time::Duration};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

use self::{
    body::BodyReader,
    problem::{Cause, Problem},
    rate::RateLimit,
    same_origin::Origins,
};
use crate::{
    config::{Secret, Users},
    detached::Detached,
    live::Live,
    log,
    readiness::Readiness,
    reconnect::Reconnects,
};

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) reconnects: Reconnects,
    pub(crate) webhook_secret: Live<Option<Secret>>,
    pub(crate) users: Users,
    pub(crate) origins: Origins,
    /// Connect URL parameters that every start reply has.
    pub(crate) connect_params: &'static [(&'static str, bool)],
    pub(crate) bodies: BodyReader,
    /// How often a user may start.
    pub(crate) starts: RateLimit,
    /// How often a user may deliver.
    pub(crate) deliveries: RateLimit,
    /// The most requests below `/api` that are under way at once; what is more is answered 503.
    pub(crate) most_requests: usize,
    pub(crate) detached: Detached,
    pub(crate) readiness: Arc<Readiness>,
}

/// What is served beside the host's own routes.
pub(crate) struct Extra {
    /// Routes for signed-in users, guarded like the host's own.
    pub(crate) guarded: Router<App>,
    /// The application's own routes, unless they have a port of their own.
    pub(crate) admin: Router<App>,
    /// Whatever no route is for.
    pub(crate) fallback: Router,
}

impl Default for Extra {
    fn default() -> Self {
        Self { guarded: Router::new(), admin: Router::new(), fallback: Router::new().fallback(no_route) }
    }
}

/// All routes.
pub(crate) fn router(app: App, extra: Extra) -> Router {
    let guarded = Router::new()
        .route("/api/connections", get(connections::list))
        .route("/api/connections/{id}/reconnect", post(reconnects::start))
        .route("/api/connections/{id}/accounts", get(connections::accounts))
        .route("/api/reconnects", post(reconnects::deliver))
        .route("/api/{*nothing}", get(no_route).post(no_route))
        .merge(extra.guarded)
        .layer(from_fn_with_state(app.origins.clone(), same_origin::require));
    let api = guarded
        // Flinks' server sends no page's headers, and its signature is a better proof than any; nor does the application's.
        .route("/api/flinks/webhook", post(webhook::receive))
        .merge(extra.admin);
    let all = bounded(api, &app)
        .route("/openapi.json", get(openapi::document))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    let cors = app.origins.cors();
    let served = served_with(uncached_answers(all).fallback_service(extra.fallback), app);
    // Outermost, so that pages can read every refusal.
    match cors {
        Some(cors) => served.layer(cors),
        None => served,
    }
}

/// The routes under `/admin` for a port of their own.
pub(crate) fn admin_router(app: App, admin: Router<App>) -> Router {
    served_with(uncached_answers(bounded(admin, &app).fallback(no_route)), app)
}

/// Answers 503 when too many requests are under way.
fn bounded(routes: Router<App>, app: &App) -> Router<App> {
    routes.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(async |_: BoxError| Problem::host_busy()))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(app.most_requests)),
    )
}

fn uncached_answers(routes: Router<App>) -> Router<App> {
    routes.method_not_allowed_fallback(wrong_method).layer(from_fn(uncached))
}

fn served_with(routes: Router<App>, app: App) -> Router {
    let (detached, readiness) = (app.detached.clone(), Arc::clone(&app.readiness));
    served_by(routes, detached).layer(from_fn_with_state(readiness, close_when_stopping)).with_state(app)
}

/// Routes as the host serves them: every request is logged and worked on to its end, and a handler that panics is one answer of 500.
pub fn served<State: Clone + Send + Sync + 'static>(routes: Router<State>) -> Router<State> {
    served_by(routes, Detached::default())
}

fn served_by<State: Clone + Send + Sync + 'static>(routes: Router<State>, detached: Detached) -> Router<State> {
    let host = Span::current();
    let log = TraceLayer::new_for_http()
        .make_span_with(move |request: &Request| {
            // The pattern, not the path: a path has an id in it.
            let route = request.extensions().get::<MatchedPath>().map_or("(file)", MatchedPath::as_str);
            tracing::info_span!(parent: &host, "request", id = log::fresh_correlator(), method = %request.method(), route)
        })
        .on_request(())
        .on_response(|response: &Response, elapsed: Duration, _: &Span| {
            if let Some(Cause(error)) = response.extensions().get() {
                tracing::error!(%error, "storage failed");
            }
            tracing::info!(status = response.status().as_u16(), ?elapsed, "answered");
        })
        .on_failure(());
    routes.layer(log).layer(from_fn_with_state(detached, to_its_end))
}

async fn to_its_end(State(detached): State<Detached>, request: Request, next: Next) -> Response {
    match detached.run(next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A host that is about to stop has its clients open no further request on a connection that it will close.
async fn close_when_stopping(State(readiness): State<Arc<Readiness>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if readiness.is_stopping() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn no_route() -> Problem {
    Problem::no_route()
}

async fn wrong_method() -> Problem {
    Problem::wrong_method()
}

async fn uncached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
