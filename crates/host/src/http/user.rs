//! Who sends a request: by a token of the application, or with `--demo` by the demo's cookie. If you copy the host, this is the module to
//! replace: make [`FromRequestParts`] of [`SignedInUser`] ask your own session store.
//!
//! Invariants: handlers learn the user only from [`SignedInUser`]; of a cookie only the fingerprint is stored; where there are tokens no
//! cookie counts.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{App, problem::Problem};
use crate::{config::Users, identity::TokenRefusal, random, storage::UserId};

/// The cookie's name.
pub(crate) const COOKIE: &str = "flinks_host_session";

/// The user of a request, who is signed in; without one, the request is answered 401.
#[derive(Clone, Debug)]
pub(crate) struct SignedInUser(pub(crate) UserId);

impl FromRequestParts<App> for SignedInUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match &app.users {
            Users::Cookie => signed_in(&parts.headers, app).await?.map(Self).ok_or_else(Problem::unauthenticated),
            Users::Token(verifier) => {
                let user = match bearer(&parts.headers) {
                    Some(token) => verifier.user(token, app.reconnects.storage.now()).await,
                    None => Err(TokenRefusal::Missing),
                };
                user.map(Self).map_err(|refusal| {
                    app.reconnects.metrics.token_refused(refusal.word());
                    refusal.into()
                })
            }
        }
    }
}

/// What stands after `Bearer` in the only `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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
    fn a_bearer_token_stands_in_one_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc"));
        assert_eq!(bearer(&headers), Some("abc"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer def"));
        assert_eq!(bearer(&headers), None, "two of them");
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert_eq!(bearer(&headers), None);
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; xflinks_host_session=no"));
        assert_eq!(cookie(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("c=d;flinks_host_session=yes ; e"));
        assert_eq!(cookie(&headers), Some("yes"));
    }
}
