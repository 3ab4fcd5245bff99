//! The contract with the widget: start and deliver.
//!
//! Invariants: the work of a request goes on when its browser goes away, because a result that Flinks has confirmed must be
//! committed even if nobody hears of it; ids are read by their grammar before anything is done with them.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
};
use flinks_connect::{
    id::{AccountId, AttemptId, LoginId, RequestId, Tag},
    parameters::RESERVED,
    redirect::MAX_ACCOUNTS,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Site, body,
    problem::{Problem, ProblemBody},
    visitor::Visitor,
};
use crate::{
    random,
    reconnect::{Challenge, Delivery, Flow, FullFlow, Origin, Start},
    storage::ConnectionId,
};

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
    #[schema(pattern = "^[A-Za-z0-9._-]{8,128}$")]
    attempt_id: String,
    mode: DeliveryMode,
    #[schema(pattern = "^[A-Za-z0-9._-]{8,128}$")]
    login_id: String,
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9._-]{8,128}$")]
    request_id: Option<String>,
    /// For people; not used.
    #[serde(default)]
    #[allow(dead_code, reason = "part of the contract, read to be checked")]
    institution: Option<String>,
    /// By the same grammar as the other ids.
    #[serde(default)]
    #[schema(max_items = 100)]
    account_ids: Vec<String>,
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

/// Any object: start takes no options yet.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StartBody {}

/// Begins a session for a connection, or resumes the one its user left.
#[utoipa::path(post, path = "/api/connections/{id}/reconnect", tag = "reconnect", security(("session" = [])),
    params(("id" = String, Path, example = "nightly")), request_body = StartBody, responses(
    (status = 200, body = StartReply),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json", description = "Flinks refuses for good"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn start(
    State(site): State<Site>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<StartReply>, Problem> {
    let bytes = body::json_bytes(&headers, body, body::MAX_LEN).await?;
    let StartBody {} = body::read(&bytes, "a JSON object, as `{}`")?;
    let id = ConnectionId::new(id);
    let worker = site.clone();
    let start = detached(async move { worker.reconnects.start(&visitor.0, &id).await }).await??;
    Ok(Json(site.reply(start)))
}

/// Takes a result. 200 means it is committed; the same delivery again is answered the same.
#[utoipa::path(post, path = "/api/reconnects", tag = "reconnect", security(("session" = [])),
    params(("Idempotency-Key" = String, Header, description = "`\"<attemptId>\"`, with the quotes")),
    request_body = DeliveryBody, responses(
    (status = 200, body = DeliveryReply),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "no such attempt of this user"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json",
        description = "LOGIN_MISMATCH: nothing was changed. NOT_FINISHED: try again"),
    (status = 410, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json", description = "ATTEMPT_USED or TAG_MISMATCH"),
    (status = 502, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json", description = "try again after Retry-After"),
))]
pub(crate) async fn deliver(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DeliveryReply>, Problem> {
    let bytes = body::json_bytes(&headers, body, body::MAX_LEN).await?;
    let body: DeliveryBody = body::read(&bytes, "{attemptId, mode, loginId, requestId, institution, accountIds, tag}")?;
    let delivery = delivery(body, random::fingerprint(&bytes))?;
    check_key(&headers, &delivery.attempt)?;
    detached(async move { site.reconnects.deliver(&visitor.0, &delivery).await }).await??;
    Ok(Json(DeliveryReply { status: Accepted::Accepted }))
}

/// Runs `work` to its end even if the request is dropped meanwhile.
async fn detached<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|_| Problem::storage())
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
    const ID: &str = "8 to 128 characters of A-Z, a-z, 0-9, `.`, `_` and `-`";
    let wrong =
        |field: &str, expected: &str| Problem::malformed(format!("Expected {field} to be {expected}; it is not."));
    if body.account_ids.len() > MAX_ACCOUNTS {
        return Err(wrong("accountIds", "100 ids at most"));
    }
    let accounts = body
        .account_ids
        .iter()
        .map(|id| AccountId::parse(id).ok_or_else(|| wrong("every one of accountIds", ID)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Delivery {
        attempt: AttemptId::parse(&body.attempt_id).ok_or_else(|| wrong("attemptId", ID))?,
        login_id: LoginId::parse(&body.login_id).ok_or_else(|| wrong("loginId", ID))?,
        request_id: body
            .request_id
            .map(|id| RequestId::parse(&id).ok_or_else(|| wrong("requestId", ID)))
            .transpose()?,
        tag: body
            .tag
            .map(|tag| Tag::parse(&tag).ok_or_else(|| wrong("tag", "1 to 256 printable ASCII characters")))
            .transpose()?,
        flow: match body.mode {
            DeliveryMode::Resume | DeliveryMode::Refresh => Flow::Mfa,
            DeliveryMode::Connect => Flow::Full(accounts),
        },
        fingerprint,
    })
}

impl Site {
    fn reply(&self, start: Start) -> StartReply {
        let connect_url = self.reconnects.connect.base().to_owned();
        let mut params = BTreeMap::new();
        if self.is_demo {
            // Shows FlinksCapital, the sandbox's bank, on the bank list, to which any session may fall through.
            params.insert("demo", true);
        }
        match start {
            Start::Challenge(Challenge { origin, attempt, request_id, token, selection, tag }) => {
                StartReply::Challenge {
                    mode: match origin {
                        Origin::Resumed => ChallengeMode::Resume,
                        Origin::Refreshed => ChallengeMode::Refresh,
                    },
                    attempt_id: attempt.as_str().to_owned(),
                    request_id: request_id.as_str().to_owned(),
                    authorize_token: token.as_str().to_owned(),
                    resume_selected_accounts: selection.iter().map(|id| id.as_str().to_owned()).collect(),
                    tag: tag.as_str().to_owned(),
                    connect_url,
                    params,
                }
            }
            Start::FullFlow(FullFlow { attempt, token, tag, selects_accounts }) => {
                if selects_accounts {
                    params.extend([("accountSelectorEnable", true), ("accountSelectorMultiple", true)]);
                }
                debug_assert!(params.keys().all(|name| !RESERVED.contains(name)));
                StartReply::Connect {
                    attempt_id: attempt.as_str().to_owned(),
                    authorize_token: token.as_str().to_owned(),
                    tag: tag.as_str().to_owned(),
                    connect_url,
                    params,
                }
            }
            Start::UpToDate => StartReply::UpToDate,
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
