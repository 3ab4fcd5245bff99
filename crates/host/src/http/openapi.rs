//! The contract as an OpenAPI document, derived from the types the handlers use.

use axum::Json;
use utoipa::OpenApi;

use super::{connections, health, problem, reconnects, webhook};

/// `GET /openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "flinks-host",
        description = "The backend half of a Flinks reconnect: what the flinks-reconnect widget starts with and delivers to."
    ),
    paths(
        connections::list,
        connections::accounts,
        reconnects::start,
        reconnects::deliver,
        webhook::receive,
        health::check,
        document,
    ),
    components(schemas(problem::ProblemBody))
)]
struct Document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
