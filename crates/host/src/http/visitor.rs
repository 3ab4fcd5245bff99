//! Who sends a request. **This is the module to replace when you copy the host**: make [`FromRequestParts`] of [`Visitor`] ask
//! your own session store or verify your own token, and delete the rest.
//!
//! Invariants: handlers learn the user only from [`Visitor`]; a cookie is random, `HttpOnly` and `SameSite=Lax`; only its
//! fingerprint is stored.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Site, problem::Problem};
use crate::{demo, moment::Moment, random, storage::UserId};

/// The cookie's name.
pub(crate) const COOKIE: &str = "flinks_host_session";
/// How long a visitor of the demo stays signed in.
const SESSION_LIFE: Duration = Duration::from_hours(24);

/// The signed-in user of a request; without one, the request is answered 401.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(crate) UserId);

impl FromRequestParts<Site> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        signed_in(&parts.headers, site).await?.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

async fn signed_in(headers: &HeaderMap, site: &Site) -> Result<Option<UserId>, Problem> {
    let Some(token) = cookie(headers) else { return Ok(None) };
    let fingerprint = random::fingerprint(token.as_bytes());
    Ok(site.reconnects.storage.user_of_session(&fingerprint, Moment::now()).await?)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Signs whoever opens the demo page in as the demo user. A real application signs users in by itself.
pub(crate) async fn sign_demo_visitor_in(State(site): State<Site>, request: Request, next: Next) -> Response {
    let opens_page = request.method() == Method::GET && matches!(request.uri().path(), "/" | "/index.html");
    let is_stranger = opens_page && matches!(signed_in(request.headers(), &site).await, Ok(None));
    let mut response = next.run(request).await;
    if is_stranger {
        match demo_cookie(&site).await {
            Ok(cookie) => {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Err(problem) => return problem.into_response(),
        }
    }
    response
}

async fn demo_cookie(site: &Site) -> Result<HeaderValue, Problem> {
    let token = random::token().map_err(|_| Problem::no_randomness())?;
    let now = Moment::now();
    let fingerprint = random::fingerprint(token.as_bytes());
    site.reconnects.storage.add_session(&fingerprint, &demo::user(), now, now.plus(SESSION_LIFE)).await?;
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}", SESSION_LIFE.as_secs());
    HeaderValue::try_from(cookie).map_err(|_| Problem::storage())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; xflinks_host_session=no"));
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("c=d;flinks_host_session=yes ; e"));
        assert_eq!(cookie(&headers), Some("yes"));
    }
}
