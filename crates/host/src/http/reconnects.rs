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
    deliver::{Deliver, Delivery},
    record::Language,
    refusal::Refusal,
    start::{self, Challenge, Connect, Minted, Mode, PageToken, Selector, Start},
    step::{Reply, Task},
};
use flinks_connect::{
    id::{AccountId, AttemptId, LoginId, RequestId, Tag},
    parameters::RESERVED,
    redirect::MAX_ACCOUNTS,
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{
    App, body,
    id::{IdText, wrong},
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

/// What the widget reports.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryBody {
    /// As answered by start; also the `Idempotency-Key`.
    attempt_id: IdText,
    /// For people; it decides nothing.
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    mode: DeliveryMode,
    /// None where REDIRECT named none: Flinks then says which it is.
    #[serde(default)]
    login_id: Option<IdText>,
    #[serde(default)]
    request_id: Option<IdText>,
    /// For people; not used.
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    institution: Option<String>,
    #[serde(default)]
    #[schema(max_items = 100)]
    account_ids: Vec<IdText>,
    #[serde(default)]
    #[schema(pattern = "^[ -~]{1,256}$")]
    tag: Option<String>,
}

/// What the user went through.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeliveryMode {
    /// MFA in a session that had been left.
    Resume,
    /// MFA in a session of a refresh.
    Refresh,
    /// The full flow.
    Connect,
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

/// What a page may say when it starts.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StartBody {
    /// Why it starts again.
    #[serde(default)]
    after: Option<StartAfter>,
}

/// Why a page starts again.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum StartAfter {
    /// Connect refused the token: the other kind may be the one it wants.
    #[serde(rename = "TOKEN_INVALID")]
    TokenInvalid,
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
        description = "try again after Retry-After. BANK_SLOW: the sign-in goes on"),
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
    let StartBody { after } = body::parse(&bytes, "a JSON object, as `{}`")?;
    let page_token = if after.is_some() { PageToken::Sessions } else { PageToken::Fresh };
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
    let body: DeliveryBody =
        body::parse(&bytes, "{attemptId, mode, loginId, requestId, institution, accountIds, tag}")?;
    let delivery = delivery(body, random::fingerprint(&bytes))?;
    check_key(headers, &delivery.attempt)?;
    let deliver = Deliver::new(user.0.as_str().to_owned(), delivery);
    match app.reconnects.run(Task::Deliver(deliver), Caller::Deliver).await?.reply {
        Reply::Accepted => Ok(DeliveryReply { status: Accepted::Accepted }),
        other => Err(unexpected(other)),
    }
}

/// RFC 8941 string: the quotes belong to the value.
fn check_key(headers: &HeaderMap, attempt: &AttemptId) -> Result<(), Problem> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let unquoted = key.and_then(|key| key.trim().strip_prefix('"')?.strip_suffix('"'));
    match (key, unquoted) {
        (_, Some(key)) if key == attempt.as_str() => Ok(()),
        (None, _) => Err(Problem::malformed("Expected the header `Idempotency-Key: \"<attemptId>\"`; there is none.")),
        _ => Err(Problem::malformed(
            "Expected the header `Idempotency-Key` to be the body's attemptId in double quotes; it is not.",
        )),
    }
}

fn delivery(body: DeliveryBody, fingerprint: String) -> Result<Delivery, Problem> {
    if body.account_ids.len() > MAX_ACCOUNTS {
        return Err(wrong("accountIds", "100 ids at most"));
    }
    let accounts = body
        .account_ids
        .iter()
        .map(|id| id.read("every one of accountIds", AccountId::parse))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Delivery {
        account_ids: accounts,
        attempt: body.attempt_id.read("attemptId", AttemptId::parse)?,
        login_id: body.login_id.map(|id| id.read("loginId", LoginId::parse)).transpose()?,
        request_id: body.request_id.map(|id| id.read("requestId", RequestId::parse)).transpose()?,
        tag: body
            .tag
            .map(|tag| Tag::parse(&tag).ok_or_else(|| wrong("tag", "1 to 256 printable ASCII characters")))
            .transpose()?,
        fingerprint,
    })
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_key_is_the_quoted_attempt() {
        let attempt = AttemptId::parse("abcdefgh").unwrap();
        for (key, fits) in [
            (Some("\"abcdefgh\""), true),
            (Some("abcdefgh"), false),
            (Some("\"abcdefgi\""), false),
            (Some("\""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(key) = key {
                headers.insert("idempotency-key", HeaderValue::from_static(key));
            }
            assert_eq!(check_key(&headers, &attempt).is_ok(), fits, "{key:?}");
        }
    }
}
