//! The application's own calls, under `/admin`: it adds the connections of its users, reads how they are, and deletes them.
//!
//! Invariants: without `ADMIN_KEY` none of these routes exists, and without its value none does anything; every change may be repeated and is
//! then answered alike; what belongs to one user is not found under another.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post, put},
};
use flinks_backend::{reason, record::Language};
use flinks_connect::{
    id::{AccountId, LoginId},
    redirect::MAX_ACCOUNTS,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    App, body,
    id::{IdText, wrong},
    metrics,
    problem::{Problem, ProblemBody},
    user::bearer,
};
use crate::{
    config::Secret,
    live::Live,
    metrics::Metrics,
    storage::{
        ConnectionId, UserId,
        admin::{AttemptRow, Deleted, ManagedConnection, Put},
        answers::KeptAnswer,
        connections::Status,
    },
    time::Time,
};

/// The most bytes of a bank's name.
const MAX_NAME_LEN: usize = 255;

/// A connection as the application knows it after the first, ordinary Connect flow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutBody {
    /// From REDIRECT, or from Flinks' answers.
    login_id: IdText,
    /// The bank's name, for people: at most 255 bytes.
    #[serde(default)]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    institution: Option<String>,
    /// The language it was made in.
    #[serde(default)]
    language: Option<LanguageName>,
    /// What the user picked in the Account Selector; none or empty means all.
    #[serde(default)]
    #[schema(max_items = 100)]
    selected_accounts: Option<Vec<IdText>>,
}

/// A user or a connection in a path: the application's own names for them, 1 to 255 bytes.
#[derive(ToSchema)]
#[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$")]
#[allow(dead_code, reason = "it describes what user_id and connection_id take")]
pub(crate) struct PathText(String);

/// A language of Connect.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LanguageName {
    /// English.
    En,
    /// French.
    Fr,
}

/// A connection and how it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedBody {
    id: String,
    user: String,
    login_id: String,
    institution: String,
    language: Option<LanguageName>,
    selected_accounts: Vec<String>,
    status: Status,
    /// Why it could not be refreshed, or why that takes long.
    problem: Option<String>,
    /// When Flinks refreshed the stored data, RFC 3339.
    last_refresh: Option<String>,
}

/// How much was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedBody {
    connections: u64,
    attempts: u64,
    accounts: u64,
    /// Answers of Flinks that were kept for `GET /admin/connections/{id}/data`.
    answers: u64,
}

/// The attempts of a user, newest first, at most a hundred.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptsBody {
    attempts: Vec<AttemptBody>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptBody {
    id: String,
    connection: String,
    /// `open`, `superseded`, `accepted`, `finished` or `failed`.
    state: &'static str,
    /// RFC 3339.
    created_at: Option<String>,
    /// RFC 3339.
    expires_at: Option<String>,
    /// When its result was taken, RFC 3339.
    accepted_at: Option<String>,
}

/// The oldest events that are posted no more, at most a hundred.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedBody {
    parked: Vec<ParkedEventBody>,
}

/// An event that the application did not take for a day, or answered 410.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedEventBody {
    /// Its `webhook-id`.
    id: String,
    /// How often it was posted.
    tries: i64,
    /// What was posted.
    #[schema(value_type = EventBody)]
    event: Value,
}

/// What is posted to `EVENTS_URL`, signed as Standard Webhooks 1.0 says.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what storage::events writes")]
pub(crate) struct EventBody {
    #[schema(rename = "type")]
    kind: EventType,
    /// When it happened, RFC 3339.
    timestamp: String,
    data: EventData,
}

/// What happened.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what storage::events writes")]
pub(crate) enum EventType {
    /// It was put for the first time.
    #[schema(rename = "connection.added")]
    Added,
    /// Fresh data is stored; with `FETCH=off` it is there to be fetched.
    #[schema(rename = "connection.refreshed")]
    Refreshed,
    /// Its user is wanted.
    #[schema(rename = "connection.needs_attention")]
    NeedsAttention,
    /// An attempt ended without data.
    #[schema(rename = "attempt.failed")]
    AttemptFailed,
}

/// To what.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it describes what storage::events writes")]
pub(crate) struct EventData {
    user: String,
    connection: String,
    /// Through which attempt.
    attempt: Option<String>,
    /// The connection's login.
    login_id: String,
    /// The accounts that were stored; with `FETCH=off` those that the user picked, as the page said.
    account_ids: Vec<String>,
    /// When Flinks refreshed the data, RFC 3339.
    refreshed_at: Option<String>,
    /// With `FETCH=off`, the session to ask Flinks for the data with.
    request_id: Option<String>,
    /// Why its user is wanted, or why there is no data.
    reason: Option<ReasonWord>,
}

/// A word of `flinks_backend::reason`, which has the table.
pub(crate) struct ReasonWord;

impl PartialSchema for ReasonWord {
    fn schema() -> RefOr<Schema> {
        let meanings: Vec<_> =
            reason::TABLE.iter().map(|(_, word, meaning)| format!("- `{word}`: {meaning}")).collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(reason::TABLE.iter().map(|(_, word, _)| *word)))
            .description(Some(meanings.join("\n")))
            .into()
    }
}

impl ToSchema for ReasonWord {}

/// Where the application's own routes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// With everything else.
    Shared,
    /// On a port that only the operator's network reaches.
    Own,
}

/// The routes, each behind the key; `/metrics` needs it only where strangers may ask.
pub(crate) fn routes(key: Live<Secret>, metrics: Metrics, port: Port) -> Router<App> {
    let counted = Router::new().route("/metrics", get(metrics::metrics));
    let (behind_key, open) = match port {
        Port::Shared => (counted, Router::new()),
        Port::Own => (Router::new(), counted),
    };
    behind_key
        .route(
            "/admin/users/{user}/connections/{id}",
            put(put_connection).get(read_connection).delete(delete_connection),
        )
        .route("/admin/connections/{id}/data", get(data))
        .route("/admin/users/{user}", delete(delete_user))
        .route("/admin/users/{user}/attempts", get(attempts))
        .route("/admin/events", get(parked_events))
        .route("/admin/events/{id}/again", post(repeat_event))
        .route_layer(from_fn_with_state((key, metrics), require_key))
        .merge(open)
}

async fn require_key(State((key, metrics)): State<(Live<Secret>, Metrics)>, request: Request, next: Next) -> Response {
    if bearer(request.headers()).is_some_and(|given| is_same(given, &key.get())) {
        next.run(request).await
    } else {
        metrics.admin_key_refused();
        tracing::warn!("a request of the application without the key was refused");
        Problem::no_admin().into_response()
    }
}

/// Takes as long for a key that is nearly right as for one that is not.
fn is_same(given: &str, key: &Secret) -> bool {
    let code = |text: &str| {
        Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).map(|mac| mac.chain_update(text.as_bytes()))
    };
    let (Ok(given), Ok(right)) = (code(given), code(key.expose())) else { return false };
    given.verify(&right.finalize().into_bytes()).is_ok()
}

/// Adds a connection, and its user where that is a new one; or puts these values in the place of the old ones. With another `loginId` the
/// connection begins anew: its accounts, its problem and the attempts under way are gone.
#[utoipa::path(put, path = "/admin/users/{user}/connections/{id}", tag = "admin", security(("admin" = [])),
    params(("user" = inline(PathText), Path, example = "anna"), ("id" = inline(PathText), Path, example = "bank-42")),
    request_body = PutBody, responses(
    (status = 200, body = ManagedBody, description = "it was there"),
    (status = 201, body = ManagedBody, description = "it was added"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 408, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "CONNECTION_TAKEN: it is another user's"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn put_connection(
    State(app): State<App>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ManagedBody>), Problem> {
    let (user, id) = (user_id(&user)?, connection_id(&id)?);
    let bytes = app.bodies.json(&headers, body).await?;
    let body = body::parse(&bytes, "{loginId, institution?, language?, selectedAccounts?}")?;
    let connection = managed(user, id, body)?;
    let status = match app.reconnects.storage.put_connection(&connection).await? {
        Put::Added => {
            app.reconnects.event_added.notify_one();
            StatusCode::CREATED
        }
        Put::Kept | Put::Changed => StatusCode::OK,
        Put::OfAnotherUser => return Err(Problem::connection_taken()),
    };
    let stored = read(&app, &connection.user, &connection.id).await?;
    Ok((status, Json(stored)))
}

/// A connection and how it is.
#[utoipa::path(get, path = "/admin/users/{user}/connections/{id}", tag = "admin", security(("admin" = [])),
    params(("user" = inline(PathText), Path), ("id" = inline(PathText), Path)), responses(
    (status = 200, body = ManagedBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn read_connection(
    State(app): State<App>,
    Path((user, id)): Path<(String, String)>,
) -> Result<Json<ManagedBody>, Problem> {
    Ok(Json(read(&app, &user_id(&user)?, &connection_id(&id)?).await?))
}

/// Flinks' whole last answer about a connection's data, as it came, for `DATA_KEPT_MS`. Accounts that the user did not pick are left out.
#[utoipa::path(get, path = "/admin/connections/{id}/data", tag = "admin", security(("admin" = [])),
    params(("id" = inline(PathText), Path)), responses(
    (status = 200, body = Object, description = "the answer of `GetAccountsDetail`"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "NO_DATA: none has come, or its time is over. NO_SUCH_CONNECTION"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn data(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    match app.reconnects.storage.answer(&connection_id(&id)?).await? {
        KeptAnswer::Body(body) => {
            Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
        }
        KeptAnswer::None => Err(Problem::no_data()),
        KeptAnswer::NoConnection => Err(Problem::no_connection()),
    }
}

/// Deletes a connection with its attempts, accounts and data. Flinks is told nothing.
#[utoipa::path(delete, path = "/admin/users/{user}/connections/{id}", tag = "admin", security(("admin" = [])),
    params(("user" = inline(PathText), Path), ("id" = inline(PathText), Path)), responses(
    (status = 200, body = DeletedBody, description = "it is gone, now or before"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn delete_connection(
    State(app): State<App>,
    Path((user, id)): Path<(String, String)>,
) -> Result<Json<DeletedBody>, Problem> {
    let deleted = app.reconnects.storage.delete_connection(&user_id(&user)?, &connection_id(&id)?).await?;
    Ok(Json(deleted.into()))
}

/// Deletes a user with everything that hangs on them. Flinks is told nothing.
#[utoipa::path(delete, path = "/admin/users/{user}", tag = "admin", security(("admin" = [])),
    params(("user" = inline(PathText), Path)), responses(
    (status = 200, body = DeletedBody, description = "they are gone, now or before"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn delete_user(
    State(app): State<App>,
    Path(user): Path<String>,
) -> Result<Json<DeletedBody>, Problem> {
    Ok(Json(app.reconnects.storage.delete_user(&user_id(&user)?).await?.into()))
}

/// The attempts of a user.
#[utoipa::path(get, path = "/admin/users/{user}/attempts", tag = "admin", security(("admin" = [])),
    params(("user" = inline(PathText), Path)), responses(
    (status = 200, body = AttemptsBody),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn attempts(State(app): State<App>, Path(user): Path<String>) -> Result<Json<AttemptsBody>, Problem> {
    let attempts = app.reconnects.storage.attempts_of(&user_id(&user)?).await?;
    Ok(Json(AttemptsBody { attempts: attempts.into_iter().map(AttemptBody::from).collect() }))
}

/// Events that the application has not taken.
#[utoipa::path(get, path = "/admin/events", tag = "admin", security(("admin" = [])), responses(
    (status = 200, body = ParkedBody),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn parked_events(State(app): State<App>) -> Result<Json<ParkedBody>, Problem> {
    let parked = app.reconnects.storage.parked_events().await?.into_iter();
    let parked = parked.map(|parked| ParkedEventBody { id: parked.id, tries: parked.tries, event: parked.body });
    Ok(Json(ParkedBody { parked: parked.collect() }))
}

/// Posts a parked event again, with the same `webhook-id`, for another day.
#[utoipa::path(post, path = "/admin/events/{id}/again", tag = "admin", security(("admin" = [])),
    params(("id" = String, Path)), responses(
    (status = 202, description = "it will be posted"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "NO_SUCH_EVENT: perhaps it was taken meanwhile"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn repeat_event(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    if !app.reconnects.storage.repeat_event(&id).await? {
        return Err(Problem::no_event());
    }
    app.reconnects.event_added.notify_one();
    Ok(StatusCode::ACCEPTED)
}

async fn read(app: &App, user: &UserId, id: &ConnectionId) -> Result<ManagedBody, Problem> {
    let storage = &app.reconnects.storage;
    let overviews = storage.connections_of(user, storage.now()).await?;
    let overview = overviews.into_iter().find(|overview| overview.id == *id).ok_or_else(Problem::no_connection)?;
    let stored = storage.managed_connection(user, id).await?.ok_or_else(Problem::no_connection)?;
    Ok(ManagedBody {
        id: id.as_str().to_owned(),
        user: user.as_str().to_owned(),
        login_id: stored.login_id.as_str().to_owned(),
        institution: stored.institution,
        language: stored.language.map(|language| match language {
            Language::En => LanguageName::En,
            Language::Fr => LanguageName::Fr,
        }),
        selected_accounts: stored.selection.iter().map(|id| id.as_str().to_owned()).collect(),
        status: overview.status,
        problem: overview.problem,
        last_refresh: overview.refreshed_at.and_then(Time::rfc3339),
    })
}

fn user_id(text: &str) -> Result<UserId, Problem> {
    UserId::parse(text).ok_or_else(|| wrong("the user in the path", "1 to 255 bytes without control characters"))
}

fn connection_id(text: &str) -> Result<ConnectionId, Problem> {
    ConnectionId::parse(text)
        .ok_or_else(|| wrong("the connection in the path", "1 to 255 bytes without control characters"))
}

fn managed(user: UserId, id: ConnectionId, body: PutBody) -> Result<ManagedConnection, Problem> {
    let institution = body.institution.unwrap_or_default();
    if institution.len() > MAX_NAME_LEN || institution.chars().any(char::is_control) {
        return Err(wrong("institution", "at most 255 bytes without control characters"));
    }
    let accounts = body.selected_accounts.unwrap_or_default();
    if accounts.len() > MAX_ACCOUNTS {
        return Err(wrong("selectedAccounts", "100 ids at most"));
    }
    let mut selection = Vec::new();
    for account in &accounts {
        let account = account.read("every one of selectedAccounts", AccountId::parse)?;
        if !selection.contains(&account) {
            selection.push(account);
        }
    }
    Ok(ManagedConnection {
        user,
        id,
        login_id: body.login_id.read("loginId", LoginId::parse)?,
        institution,
        language: body.language.map(|language| match language {
            LanguageName::En => Language::En,
            LanguageName::Fr => Language::Fr,
        }),
        selection,
    })
}

impl From<Deleted> for DeletedBody {
    fn from(deleted: Deleted) -> Self {
        let Deleted { connections, attempts, accounts, answers } = deleted;
        Self { connections, attempts, accounts, answers }
    }
}

impl From<AttemptRow> for AttemptBody {
    fn from(row: AttemptRow) -> Self {
        Self {
            id: row.id,
            connection: row.connection,
            state: row.state,
            created_at: row.created_at.rfc3339(),
            expires_at: row.expires_at.rfc3339(),
            accepted_at: row.accepted_at.and_then(Time::rfc3339),
        }
    }
}
