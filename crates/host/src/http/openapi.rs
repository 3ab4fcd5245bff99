//! The contract as an OpenAPI document, derived from the types the handlers use.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, SecurityScheme},
};

use super::{connections, health, problem, reconnects, user, webhook};

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
        health::alive,
        health::ready,
        document,
    ),
    components(schemas(problem::ProblemBody)),
    modifiers(&Session)
)]
struct Document;

/// How the routes of a user know whose they are.
struct Session;

impl Modify for Session {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let cookie = ApiKeyValue::with_description(user::COOKIE, "The session of a signed-in user.");
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
