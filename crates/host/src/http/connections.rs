//! What the page shows: `GET /api/connections` and `GET /api/connections/{id}/accounts`.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    App,
    problem::{Problem, ProblemBody},
    user::SignedInUser,
};
use crate::{
    account::Account,
    storage::{
        ConnectionId,
        connections::{Overview, Reason, Status},
    },
    time::Time,
};

/// The user's connections.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionsBody {
    connections: Vec<ConnectionBody>,
}

/// One connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionBody {
    id: String,
    institution: String,
    reason: Reason,
    status: Status,
    /// RFC 3339.
    last_refresh: Option<String>,
    /// How many accounts were picked in the Account Selector; 0 when it was not used.
    selected_accounts: u64,
    problem: Option<ConnectionProblem>,
}

/// Why a connection could not be refreshed, or why that takes long.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionProblem {
    /// A Flinks code, or `LOGIN_MISMATCH`, `DATA_TIMEOUT`, `NO_ACCOUNTS`, `CHOICE_UNKNOWN`, `FLINKS_UNREACHABLE`, `FLINKS_BUSY`, `FLINKS_KEYS_REFUSED`,
    /// `FLINKS_UNREADABLE`, `HOST_BUSY`.
    code: String,
}

/// The accounts of a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountsBody {
    /// How old they are, as RFC 3339; none when there are none yet.
    pub(crate) as_of: Option<String>,
    pub(crate) accounts: Vec<Account>,
}

impl From<Overview> for ConnectionBody {
    fn from(overview: Overview) -> Self {
        Self {
            id: overview.id.as_str().to_owned(),
            institution: overview.institution,
            reason: overview.reason,
            status: overview.status,
            last_refresh: overview.refreshed_at.and_then(Time::rfc3339),
            selected_accounts: overview.selected_accounts,
            problem: overview.problem.map(|code| ConnectionProblem { code }),
        }
    }
}

/// The user's connections and how they are.
#[utoipa::path(get, path = "/api/connections", tag = "connections", security(("token" = []), ("session" = [])), responses(
    (status = 200, body = ConnectionsBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn list(State(app): State<App>, user: SignedInUser) -> Result<Json<ConnectionsBody>, Problem> {
    let storage = &app.reconnects.storage;
    let overviews = storage.connections_of(&user.0, storage.now()).await?;
    Ok(Json(ConnectionsBody { connections: overviews.into_iter().map(ConnectionBody::from).collect() }))
}

/// The accounts of a connection as last fetched.
#[utoipa::path(get, path = "/api/connections/{id}/accounts", tag = "connections", security(("token" = []), ("session" = [])),
    params(("id" = String, Path, example = "nightly")), responses(
    (status = 200, body = AccountsBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn accounts(
    State(app): State<App>,
    user: SignedInUser,
    Path(id): Path<String>,
) -> Result<Json<AccountsBody>, Problem> {
    let holdings = app.reconnects.storage.holdings(&user.0, &ConnectionId::new(id)).await?;
    let holdings = holdings.ok_or_else(Problem::no_connection)?;
    Ok(Json(AccountsBody { as_of: holdings.as_of.and_then(Time::rfc3339), accounts: holdings.accounts }))
}
