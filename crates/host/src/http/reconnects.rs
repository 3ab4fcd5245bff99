//! The contract with the widget: start and deliver, as HTTP.
//!
//! Invariants: the work of a request goes on when its browser goes away (`super::to_its_end`), because a result that Flinks has confirmed
//! must be committed even if nobody learns of it; ids are read by their grammar before anything is done with them.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
};
use flinks_backend::{
    body::{self, DeliveryBody, StartBody},
    deliver::Deliver,
    record::Language,
    refusal::Refusal,
    start::{self, Challenge, Connect, Minted, Mode, Selector, Start},
    step::{Reply, Task},
};
use flinks_connect::{
    id::{AttemptId, Tag},
    parameters::RESERVED,
};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{
    App,
    problem::{Problem, ProblemBody},
    user::SignedInUser,
};
use crate::{random, reconnect::Caller};

/// What the widget is to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "camelCase")]
pub(crate) enum StartReply {
    /// Load this session into Connect.
    #[serde(rename_all = "camelCase")]
    Challenge {
        mode: ChallengeMode,
        attempt_id: String,
        request_id: String,
        authorize_token: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        resume_selected_accounts: Vec<String>,
        tag: String,
        /// The login's language, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<&'static str>,
        connect_url: String,
        /// Further Connect URL parameters.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        params: BTreeMap<&'static str, bool>,
    },
    /// There is nothing to resume: the full flow.
    #[serde(rename_all = "camelCase")]
    Connect {
        attempt_id: String,
        authorize_token: String,
        tag: String,
        /// The login's language, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<&'static str>,
        connect_url: String,
        /// Further Connect URL parameters.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        params: BTreeMap<&'static str, bool>,
    },
    /// Nobody is needed; data is on its way.
    UpToDate,
}

/// Where the session to load comes from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChallengeMode {
    /// The user had left it.
    Resume,
    /// A refresh has just begun it.
    Refresh,
}

/// That a result was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryReply {
    status: Accepted,
}

/// The only word of a [`DeliveryReply`].
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Accepted {
    /// Committed; data is being fetched.
    Accepted,
}

/// Begins a session for a connection, or resumes the one its user left.
#[utoipa::path(post, path = "/api/connections/{id}/reconnect", tag = "reconnect", security(("token" = []), ("session" = [])),
    params(("id" = String, Path, example = "nightly")), request_body = StartBody, responses(
    (status = 200, body = StartReply),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 408, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "LOGIN_MISMATCH"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "TOO_MANY_SIGN_INS: as many sign-ins of the user are under way as may be. TOO_MANY_REQUESTS: as many starts of the user were sent in a minute"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json", description = "Flinks' answer is unreadable"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json",
        description = "try again after Retry-After. BANK_SLOW: the sign-in goes on. Without Retry-After a live sign-in was refused (Flinks' code, or SIGN_IN_FAILED for a request that waited for it): only the user may have it repeated"),
))]
pub(crate) async fn start(
    State(app): State<App>,
    user: SignedInUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<StartReply>, Problem> {
    let answer = answer_start(&app, user, id, &headers, body).await;
    app.reconnects.metrics.started(match &answer {
        Ok(StartReply::Challenge { mode: ChallengeMode::Resume, .. }) => "resume",
        Ok(StartReply::Challenge { mode: ChallengeMode::Refresh, .. }) => "refresh",
        Ok(StartReply::Connect { .. }) => "connect",
        Ok(StartReply::UpToDate) => "up_to_date",
        Err(problem) => problem.code(),
    });
    answer.map(Json)
}

async fn answer_start(
    app: &App,
    user: SignedInUser,
    id: String,
    headers: &HeaderMap,
    body: Body,
) -> Result<StartReply, Problem> {
    app.starts.admit(&user.0)?;
    let bytes = app.bodies.json(headers, body).await?;
    let page_token = body::page_token(&bytes)?;
    let reconnects = app.reconnects.clone();
    let answer_by = Duration::from_millis(u64::try_from(reconnects.settings.start_answer_ms).unwrap_or(0));
    let user = user.0.as_str().to_owned();
    let start = Start::new(&reconnects.settings, reconnects.now(), user, id, minted()?, page_token);
    let work = async move { reconnects.run(Task::Start(start), Caller::Start).await };
    // The bank may take longer than a proxy lets a request: the sign-in goes on, and the next start goes on with it.
    match timeout(answer_by, app.detached.run(work)).await {
        Ok(ended) => match ended.map_err(|_| Problem::storage())??.reply {
            Reply::Started(reply) => Ok(app.reply(reply)),
            other => Err(unexpected(other)),
        },
        Err(_) => Err(Refusal::BankSlow.into()),
    }
}

/// Random values for a new attempt.
fn minted() -> Result<Minted, Problem> {
    // Forty hexadecimal digits fit both grammars; were it otherwise, nothing safe could be minted.
    let token = || random::token().map_err(|_| Problem::no_randomness());
    let attempt = AttemptId::parse(&token()?).ok_or_else(Problem::no_randomness)?;
    let tag = Tag::parse(&token()?).ok_or_else(Problem::no_randomness)?;
    Ok(Minted { attempt, tag })
}

fn unexpected(reply: Reply) -> Problem {
    match reply {
        Reply::Refused(refusal) => refusal.into(),
        Reply::Started(_) | Reply::Accepted | Reply::Done(_) => Problem::storage(),
    }
}

/// Takes a result. 200 means it is committed; the same delivery again is answered the same.
#[utoipa::path(post, path = "/api/reconnects", tag = "reconnect", security(("token" = []), ("session" = [])),
    params(("Idempotency-Key" = String, Header, description = "`\"<attemptId>\"`, with the quotes")),
    request_body = DeliveryBody, responses(
    (status = 200, body = DeliveryReply),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "no such attempt of this user"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json",
        description = "LOGIN_MISMATCH: nothing was changed. NOT_FINISHED: try again"),
    (status = 408, body = ProblemBody, content_type = "application/problem+json"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "no retry helps: ATTEMPT_USED, TAG_MISMATCH, NOTHING_TO_VERIFY, or Flinks' own code"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "TOO_MANY_REQUESTS: as many deliveries of the user were sent in a minute as may be"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn deliver(
    State(app): State<App>,
    user: SignedInUser,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DeliveryReply>, Problem> {
    let answer = answer_delivery(&app, user, &headers, body).await;
    app.reconnects.metrics.delivered(answer.as_ref().map_or_else(Problem::code, |_| "accepted"));
    answer.map(Json)
}

async fn answer_delivery(
    app: &App,
    user: SignedInUser,
    headers: &HeaderMap,
    body: Body,
) -> Result<DeliveryReply, Problem> {
    app.deliveries.admit(&user.0)?;
    let bytes = app.bodies.json(headers, body).await?;
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
    let delivery = body::delivery(&bytes, key, random::fingerprint(&bytes))?;
    let deliver = Deliver::new(user.0.as_str().to_owned(), delivery);
    match app.reconnects.run(Task::Deliver(deliver), Caller::Deliver).await?.reply {
        Reply::Accepted => Ok(DeliveryReply { status: Accepted::Accepted }),
        other => Err(unexpected(other)),
    }
}

impl App {
    fn reply(&self, reply: start::StartReply) -> StartReply {
        let connect_url = self.reconnects.connect.base().to_owned();
        let mut params: BTreeMap<_, _> = self.connect_params.iter().copied().collect();
        match reply {
            start::StartReply::Challenge(challenge) => {
                let Challenge { mode, attempt, request_id, token, selection, tag, language } = challenge;
                StartReply::Challenge {
                    mode: match mode {
                        Mode::Resume => ChallengeMode::Resume,
                        Mode::Refresh => ChallengeMode::Refresh,
                    },
                    attempt_id: attempt.as_str().to_owned(),
                    request_id: request_id.as_str().to_owned(),
                    authorize_token: token.as_str().to_owned(),
                    resume_selected_accounts: selection.iter().map(|id| id.as_str().to_owned()).collect(),
                    tag: tag.as_str().to_owned(),
                    language: language.map(Language::as_str),
                    connect_url,
                    params,
                }
            }
            start::StartReply::Connect(Connect { attempt, token, tag, language, selector }) => {
                if selector == Selector::Shown {
                    params.extend([("accountSelectorEnable", true), ("accountSelectorMultiple", true)]);
                }
                debug_assert!(params.keys().all(|name| !RESERVED.contains(name)));
                StartReply::Connect {
                    attempt_id: attempt.as_str().to_owned(),
                    authorize_token: token.as_str().to_owned(),
                    tag: tag.as_str().to_owned(),
                    language: language.map(Language::as_str),
                    connect_url,
                    params,
                }
            }
            start::StartReply::UpToDate => StartReply::UpToDate,
        }
    }
}
