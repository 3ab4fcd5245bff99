//! Who sends a request. **This is the module to replace when you copy the host**: make [`FromRequestParts`] of [`SignedInUser`] ask
//! your own session store or verify your own token, and delete the rest.
//!
//! Invariants: handlers learn the user only from [`SignedInUser`]; of a cookie only the fingerprint is stored.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{App, problem::Problem};
use crate::{random, storage::UserId};

/// The cookie's name.
pub(crate) const COOKIE: &str = "flinks_host_session";

/// The user of a request, who is signed in; without one, the request is answered 401.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser(pub(crate) UserId);

impl FromRequestParts<App> for SignedInUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        signed_in(&parts.headers, app).await?.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

pub(crate) async fn signed_in(headers: &HeaderMap, app: &App) -> Result<Option<UserId>, Problem> {
    let Some(token) = cookie(headers) else { return Ok(None) };
    let fingerprint = random::fingerprint(token.as_bytes());
    let storage = &app.reconnects.storage;
    Ok(storage.user_of_session(&fingerprint, storage.now()).await?)
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
