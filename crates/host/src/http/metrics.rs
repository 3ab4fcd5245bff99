//! `GET /metrics`.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};

use super::{
    App,
    problem::{Problem, ProblemBody},
};
use crate::metrics::MEDIA_TYPE;

/// Whether repairs work, in numbers for Prometheus. On `ADMIN_ADDR` it needs no key.
#[utoipa::path(get, path = "/metrics", tag = "operation", security(("admin" = [])), responses(
    (status = 200, body = String, content_type = "application/openmetrics-text", description = "OpenMetrics text"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let vitals = app.reconnects.storage.vitals().await?;
    let text = app.reconnects.metrics.text(&vitals).map_err(|_| Problem::storage())?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], text).into_response())
}
