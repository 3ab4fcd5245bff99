//! Flinks' webhook: a second way for a result to arrive.
//!
//! Invariants: nothing of a body is read before its signature is verified; what is signed is answered 200 even if it is of no
//! use, because Flinks would send it again ten times; a body has the login's whole data in it, so nothing of it is logged.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flinks_backend::{step::Task, webhook::Webhook};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{
    Site, body,
    problem::{Problem, ProblemBody},
};
use crate::{config::Secret, flinks::Lane};

/// The most bytes of a webhook: the accounts of a login with their transactions.
const MAX_LEN: usize = 16 * 1024 * 1024;

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
    if let Some(webhook) = Webhook::read(&bytes) {
        site.reconnects.run(Task::Webhook(webhook), Lane::Deliver).await?;
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
