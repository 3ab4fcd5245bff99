//! Flinks' webhook: a second way for a result to arrive.
//!
//! Invariants: nothing of a body is interpreted before its signature is verified, and until then its bytes count against what all
//! bodies may have together; what is signed is answered 200 even if it is of no
//! use, because Flinks would send it again ten times; a body has the login's whole data in it, so nothing of it is logged.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flinks_backend::{
    step::{Done, Reply, Task},
    webhook::Webhook,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{
    App,
    body::ReadBody,
    problem::{Problem, ProblemBody},
};
use crate::{config::Secret, reconnect::Caller};

/// The most bytes of a webhook: the accounts of a login with their transactions.
const MAX_LEN: usize = 16 * 1024 * 1024;

/// Takes Flinks' notice that a login's data is ready.
#[utoipa::path(post, path = "/api/flinks/webhook", tag = "flinks",
    params(("flinks-authenticity-key" = String, Header, description = "base64 of HMAC-SHA256 over the raw body")),
    request_body(content = Value, content_type = "application/json", description = "as `GetAccountsDetail` answers, with `ResponseType`"),
    responses(
    (status = 200, description = "taken, or of no use"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 408, body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn receive(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<StatusCode, Problem> {
    let taken = take(&app, &headers, body).await;
    let metrics = &app.reconnects.metrics;
    match &taken {
        Ok(Some(Done::OtherLogin)) => metrics.webhook("other_login"),
        Ok(Some(Done::Accepted)) => metrics.webhook("accepted"),
        Ok(_) => metrics.webhook("unused"),
        Err(problem) if problem.code() == Problem::unsigned().code() => metrics.webhook("unsigned"),
        // Flinks sends it again.
        Err(_) => {}
    }
    taken.map(|_| StatusCode::OK)
}

/// What came of a webhook; none where there is nothing of ours in it.
async fn take(app: &App, headers: &HeaderMap, body: Body) -> Result<Option<Done>, Problem> {
    let secret = app.webhook_secret.get().ok_or_else(Problem::unsigned)?;
    // Without a signature nothing is read at all.
    let signature = signature(headers).ok_or_else(Problem::unsigned)?;
    let body = app.bodies.read(body, MAX_LEN).await?;
    if !is_signed(&body, &signature, &secret) {
        tracing::warn!("a webhook without a valid signature was refused");
        return Err(Problem::unsigned());
    }
    let Some(webhook) = Webhook::read(&body.into_bytes()) else { return Ok(None) };
    match app.reconnects.run(Task::Webhook(webhook), Caller::Deliver).await?.reply {
        Reply::Done(done) => Ok(Some(done)),
        Reply::Started(_) | Reply::Accepted | Reply::Refused(_) => Ok(None),
    }
}

/// The bytes of a SHA-256 code.
fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    let signature = STANDARD.decode(headers.get("flinks-authenticity-key")?.as_bytes()).ok()?;
    (signature.len() == Sha256::output_size()).then_some(signature)
}

/// Compares in constant time.
fn is_signed(body: &ReadBody, signature: &[u8], secret: &Secret) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    for piece in body.pieces() {
        mac.update(piece);
    }
    mac.verify_slice(signature).is_ok()
}
