//! How the host is: `GET /healthz` for whatever keeps it running, `GET /readyz` for whatever sends requests to it.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use tokio::time::timeout;

use super::{
    App,
    problem::{Problem, ProblemBody},
};
use crate::readiness::NotReady;

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether it runs. Neither the database nor Flinks is asked: restarting the host would mend neither.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "it runs")))]
pub(crate) async fn alive() -> StatusCode {
    StatusCode::OK
}

/// Whether it takes work: it is not about to stop, its database answers and its worker works. Flinks is not asked: another host would
/// not reach it either.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "it takes work"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json",
        description = "send requests to another one: STOPPING, STORAGE_UNAVAILABLE, NO_WORKER or NO_KEYS"),
))]
pub(crate) async fn ready(State(app): State<App>) -> Result<StatusCode, Problem> {
    app.readiness.check().map_err(|why| match why {
        NotReady::Stopping => Problem::stopping(),
        NotReady::Storage(error) => Problem::from(error),
        NotReady::NoWorker => Problem::no_worker(),
    })?;
    if app.users.keys().is_some_and(|keys| !keys.is_usable()) {
        return Err(Problem::no_keys());
    }
    match timeout(DATABASE_TIMEOUT, app.detached.run(async move { app.reconnects.storage.ping().await })).await {
        Ok(Ok(answered)) => Ok(answered.map(|()| StatusCode::OK)?),
        Ok(Err(_)) | Err(_) => Err(Problem::storage()),
    }
}
