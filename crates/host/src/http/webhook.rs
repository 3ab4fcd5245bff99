//! Flinks' webhook: a second way for a result to arrive.
//!
//! A browser may die with the result in its hands; Flinks then still posts the login's data here, with the tag of the attempt.
//! The data itself is not read: the attempt is accepted like any other and its data fetched by the worker.
//!
//! Invariants: nothing of a body is read before its signature is verified; what is signed is answered 200 even if it is of no
//! use, because Flinks would send it again ten times.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flinks_connect::id::{LoginId, RequestId, Tag};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::{
    Site, body,
    problem::{Problem, ProblemBody},
};
use crate::{
    config::Secret,
    moment::Moment,
    storage::{StorageError, attempts::Acceptance},
};

/// The most bytes of a webhook: the accounts of a login with their transactions.
const MAX_LEN: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notice {
    response_type: Option<String>,
    request_id: Option<String>,
    login: Option<NoticeLogin>,
    tag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoticeLogin {
    id: Option<String>,
}

/// Takes Flinks' word that a login's data is ready.
#[utoipa::path(post, path = "/api/flinks/webhook", tag = "flinks",
    params(("flinks-authenticity-key" = String, Header, description = "base64 of HMAC-SHA256 over the raw body")),
    request_body(content = Value, content_type = "application/json", description = "as `GetAccountsDetail` answers, with `ResponseType`"),
    responses(
    (status = 200, description = "heard"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn receive(State(site): State<Site>, headers: HeaderMap, body: Body) -> Result<StatusCode, Problem> {
    let secret = site.webhook_secret.as_ref().ok_or_else(Problem::unsigned)?;
    let bytes = body::bytes(body, MAX_LEN).await?;
    if !is_signed(&headers, &bytes, secret) {
        tracing::warn!("a webhook without a valid signature was refused");
        return Err(Problem::unsigned());
    }
    if let Ok(notice) = serde_json::from_slice::<Notice>(&bytes) {
        hear(&site, &notice).await?;
    }
    Ok(StatusCode::OK)
}

/// Compares in constant time.
fn is_signed(headers: &HeaderMap, bytes: &[u8], secret: &Secret) -> bool {
    let signature = headers.get("flinks-authenticity-key").and_then(|value| STANDARD.decode(value.as_bytes()).ok());
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok();
    let (Some(signature), Some(mac)) = (signature, mac) else { return false };
    mac.chain_update(bytes).verify_slice(&signature).is_ok()
}

async fn hear(site: &Site, notice: &Notice) -> Result<(), StorageError> {
    let storage = &site.reconnects.storage;
    let tag = notice.tag.as_deref().and_then(Tag::parse);
    let login_id = notice.login.as_ref().and_then(|login| login.id.as_deref()).and_then(LoginId::parse);
    let (Some("GetAccountsDetail"), Some(tag), Some(login_id)) = (notice.response_type.as_deref(), tag, login_id)
    else {
        return Ok(());
    };
    let Some((user, attempt)) = storage.tagged(&tag).await? else { return Ok(()) };
    let Some(connection) = storage.connection(&user, &attempt.connection).await? else { return Ok(()) };
    if connection.login_id != login_id {
        tracing::warn!("a webhook names another login than the connection's; nothing was changed");
        return Ok(());
    }
    let request_id = notice.request_id.as_deref().and_then(RequestId::parse).or(attempt.request_id);
    if let Some(request_id) = request_id {
        let acceptance = Acceptance {
            attempt: &attempt.id,
            fingerprint: None,
            request_id: &request_id,
            selection: None,
            now: Moment::now(),
        };
        site.reconnects.take(&acceptance).await?;
    }
    Ok(())
}
