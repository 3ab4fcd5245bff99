//! `GET /healthz`, for whatever keeps the host running.

use axum::{extract::State, http::StatusCode};

use super::{
    Site,
    problem::{Problem, ProblemBody},
};

/// Whether the host can work: it runs, and its database answers. Flinks is not asked: restarting the host would not mend it.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses(
    (status = 200, description = "it runs and its database answers"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn check(State(site): State<Site>) -> Result<StatusCode, Problem> {
    site.reconnects.storage.ping().await?;
    Ok(StatusCode::OK)
}
