//! The contract as an OpenAPI document, derived from the types the handlers use.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{admin, connections, health, metrics, problem, reconnects, user, webhook};

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
        admin::put_connection,
        admin::read_connection,
        admin::delete_connection,
        admin::delete_user,
        admin::data,
        admin::attempts,
        admin::parked_events,
        admin::repeat_event,
        health::alive,
        health::ready,
        metrics::metrics,
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
        let cookie = ApiKeyValue::with_description(user::COOKIE, "The session of a signed-in user; with --demo.");
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
            "A token of the application: `sub` is the user, `aud` is `flinks-host` unless configured otherwise.",
        ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let admin = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("ADMIN_KEY, of the application's server."));
        components.add_security_scheme("admin", SecurityScheme::Http(admin.build()));
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
