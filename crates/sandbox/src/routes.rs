//! What each of the sandbox's two addresses answers, whoever listens there.

use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::{Json, Router};
use flinks_connect::code;
use serde_json::Value;

use crate::api::reply::Reply;
use crate::control::{self, Places};
use crate::world::World;
use crate::{api, page, visitor};

/// The Connect page, with the control interface.
pub(crate) fn connect(world: &World, places: Places) -> Router {
    let names = places.names.clone();
    let routes = page::routes().merge(control::routes(places)).with_state(world.clone());
    routes.layer(from_fn_with_state(names, visitor::check))
}

/// The API, with the control interface.
pub(crate) fn api(world: &World, places: Places) -> Router {
    let names = places.names.clone();
    let routes = api::routes().merge(control::routes(places)).fallback(nowhere).with_state(world.clone());
    routes.layer(from_fn_with_state(names, visitor::check))
}

/// What is no endpoint is answered as Flinks would, not as a web server.
async fn nowhere() -> (StatusCode, Json<Value>) {
    let reply = Reply::error(code::METHOD_NOT_AVAILABLE);
    (StatusCode::BAD_REQUEST, Json(reply.body))
}
