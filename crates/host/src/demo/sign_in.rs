//! Signs whoever opens the demo page in.
//!
//! Invariant: a cookie is random, `HttpOnly` and `SameSite=Lax`; only its fingerprint is stored.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::seeds;
use crate::{
    http::{
        App,
        problem::Problem,
        user::{COOKIE, signed_in},
    },
    random,
};

/// How long the user of the demo stays signed in.
const SESSION_LIFE: Duration = Duration::from_hours(24);

/// Signs whoever opens the demo page in as the demo user. A real application signs users in by itself.
pub(super) async fn whoever_opens_the_page(State(app): State<App>, request: Request, next: Next) -> Response {
    let opens_page = request.method() == Method::GET && matches!(request.uri().path(), "/" | "/index.html");
    let is_stranger = opens_page && matches!(signed_in(request.headers(), &app).await, Ok(None));
    let mut response = next.run(request).await;
    if is_stranger {
        match demo_cookie(&app).await {
            Ok(cookie) => {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Err(problem) => return problem.into_response(),
        }
    }
    response
}

async fn demo_cookie(app: &App) -> Result<HeaderValue, Problem> {
    let token = random::token().map_err(|_| Problem::no_randomness())?;
    let storage = &app.reconnects.storage;
    let now = storage.now();
    let fingerprint = random::fingerprint(token.as_bytes());
    storage.add_session(&fingerprint, &seeds::user(), now, now.plus(SESSION_LIFE)).await?;
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", SESSION_LIFE.as_secs());
    HeaderValue::try_from(cookie).map_err(|_| Problem::storage())
}
