//! The host over HTTP.
//!
//! [`connections`] is what the page shows, [`reconnects`] the contract with the widget, [`webhook`] Flinks' own voice, [`demo`]
//! the demo page and its controls; [`visitor`] says who asks, [`same_origin`] from where, [`problem`] how it is refused.
//!
//! Invariants: every answer below `/api` is `no-store`; the log has method, route pattern, status and time of a request, never
//! its path, query or body; what was begun is carried to its end, also when whoever asked has gone.

mod body;
mod connections;
pub(crate) mod demo;
mod health;
mod openapi;
mod problem;
mod reconnects;
mod same_origin;
mod visitor;
mod webhook;

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};

use crate::{
    config::{DemoFiles, Secret},
    reconnect::Reconnects,
};
use problem::Problem;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) reconnects: Reconnects,
    pub(crate) webhook_secret: Option<Secret>,
    pub(crate) is_demo: bool,
}

/// All routes; the demo's only with its files.
pub(crate) fn router(site: Site, demo: Option<(DemoFiles, demo::SandboxControls)>) -> Router {
    let api = Router::new()
        .route("/api/connections", get(connections::list))
        .route("/api/connections/{id}/reconnect", post(reconnects::start))
        .route("/api/connections/{id}/accounts", get(connections::accounts))
        .route("/api/reconnects", post(reconnects::deliver))
        .route("/api/{*nothing}", get(no_route).post(no_route));
    let mut guarded = api;
    if let Some((_, controls)) = &demo {
        let network = demo::Network::default();
        guarded = guarded
            .merge(demo::controls(controls.clone(), network.clone()))
            .layer(from_fn_with_state(network, demo::Network::carry));
    }
    let guarded = guarded.layer(from_fn(same_origin::require));
    let mut all = guarded
        // Flinks' server sends no page's headers, and its signature is a better proof than any.
        .route("/api/flinks/webhook", post(webhook::receive))
        .route("/openapi.json", get(openapi::document))
        .route("/healthz", get(health::check))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(uncached));
    all = match demo {
        Some((files, _)) => all.fallback_service(
            demo::pages(&files, &site.reconnects.connect)
                .layer(from_fn_with_state(site.clone(), visitor::sign_demo_visitor_in)),
        ),
        None => all.fallback(no_route),
    };
    served(all).with_state(site)
}

/// Routes as the host serves them: every request is logged and worked on to its end, and a handler that panics is one answer of 500.
pub fn served<State: Clone + Send + Sync + 'static>(routes: Router<State>) -> Router<State> {
    routes.layer(from_fn(log)).layer(from_fn(to_its_end))
}

/// Without this the server drops a handler whose client has gone; with it a statement half-way, the database's connection, and with the last
/// connection a database in memory.
async fn to_its_end(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        // It panicked, and that was logged where it happened.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
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

async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // The pattern, not the path: a path has an id in it.
    let route = request.extensions().get::<MatchedPath>().map_or("(file)", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await.into_response();
    tracing::info!(%method, route, status = response.status().as_u16(), elapsed = ?started.elapsed(), "request");
    response
}
