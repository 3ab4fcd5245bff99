//! Refusals, as `application/problem+json` (RFC 9457).
//!
//! Invariants: every refusal of the API is a [`Problem`] with a stable `code`; its text says what was expected and what to do,
//! and never repeats what was sent. The rules say which refusals there are about reconnects (`flinks_backend::refusal`); those about HTTP
//! itself stand here.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flinks_backend::{body::Malformed, refusal::Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    identity::{Claim, TokenRefusal},
    storage::StorageError,
};

/// Seconds to wait for the database.
const SOON: u64 = 2;

/// The body of a refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// Stable, for programs: as `LOGIN_MISMATCH`.
    #[schema(example = "LOGIN_MISMATCH")]
    code: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong, in general.
    title: &'static str,
    /// What was expected, and what to do.
    detail: String,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    body: ProblemBody,
    retry_after: Option<u64>,
    cause: Option<StorageError>,
}

/// What the log says of a refusal beside its status; an extension of the response.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) StorageError);

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Self {
            status,
            body: ProblemBody { code, status: status.as_u16(), title, detail: detail.into() },
            retry_after: None,
            cause: None,
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.body.code
    }

    fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            "Expected the session cookie of a signed-in user, and there is none that is valid. Sign in again.",
        )
    }

    pub(crate) fn no_admin() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            "Expected the header `Authorization: Bearer <ADMIN_KEY>`, once, with the key of this host.",
        )
    }

    pub(crate) fn connection_taken() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "CONNECTION_TAKEN",
            "Expected a connection id that no other user has. Nothing was changed; choose another id.",
        )
    }

    pub(crate) fn no_data() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NO_DATA",
            "There is no answer of Flinks: none has come, or DATA_KEPT_MS is over, or none are kept. Repair the connection again.",
        )
    }

    pub(crate) fn no_event() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NO_SUCH_EVENT",
            "Expected the id of an event that was not taken yet; see GET /admin/events.",
        )
    }

    pub(crate) fn no_keys() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "NO_KEYS",
            "The keys at AUTH_JWKS_URL cannot be fetched, so no token can be verified. Nothing was changed; try again.",
        )
        .after(SOON)
    }

    pub(crate) fn cross_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "CROSS_ORIGIN",
            "Expected a request of this site's own pages; another site sent it. Name the page's origin in ALLOWED_ORIGINS; where a proxy changes Host, set PUBLIC_ORIGIN to what the browser shows.",
        )
    }

    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this address; see /openapi.json.")
    }

    pub(crate) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Expected another method; see /openapi.json.")
    }

    pub(crate) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "Expected `Content-Type: application/json`.",
        )
    }

    pub(crate) fn too_large(most: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", format!("Expected a body of at most {most} bytes."))
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "TOO_SLOW",
            "Expected the whole body sooner. Nothing was changed; send it again.",
        )
    }

    pub(crate) fn host_busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "HOST_BUSY",
            "This host has as many requests under way as it may. Nothing was changed; try again.",
        )
        .after(SOON)
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TOO_MANY_REQUESTS",
            "The user has sent as many requests as one user may in a minute. Nothing was changed; try again.",
        )
        .after(wait.as_secs() + 1)
    }

    pub(crate) fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "STOPPING",
            "This host is about to stop; send requests to another one.",
        )
    }

    pub(crate) fn no_worker() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "NO_WORKER",
            "What goes on without a request does not go on; the host's log says why. Send requests to another host.",
        )
    }

    pub(crate) fn malformed(expected: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED", expected)
    }

    pub(crate) fn unsigned() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "BAD_SIGNATURE",
            "Expected `flinks-authenticity-key` to sign this body with FLINKS_WEBHOOK_SECRET.",
        )
    }

    pub(crate) fn storage() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "STORAGE_UNAVAILABLE",
            "The database does not answer. Nothing was changed; try again.",
        )
        .after(SOON)
    }

    /// Another one of the user's connections, or none.
    pub(crate) fn no_connection() -> Self {
        Self::from(Refusal::NoConnection)
    }

    pub(crate) fn no_randomness() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "NO_RANDOMNESS",
            "The operating system gives no random numbers; no attempt can be made.",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Self::new(status, refusal.code(), refusal.detail());
        match refusal.retry_after_s().and_then(|seconds| u64::try_from(seconds).ok()) {
            Some(seconds) => problem.after(seconds),
            None => problem,
        }
    }
}

impl From<Malformed> for Problem {
    fn from(Malformed(expected): Malformed) -> Self {
        Self::malformed(expected)
    }
}

impl From<TokenRefusal> for Problem {
    fn from(refusal: TokenRefusal) -> Self {
        let expected = match refusal {
            TokenRefusal::NoKeys => return Self::no_keys(),
            TokenRefusal::Missing => "the header `Authorization: Bearer <token>`, once",
            TokenRefusal::Algorithm => {
                "a JWT with an alg that fits the configured key: HS256 with AUTH_JWT_SECRET, else RS256, ES256 or EdDSA"
            }
            TokenRefusal::UnknownKey => "a token whose kid is published at AUTH_JWKS_URL",
            TokenRefusal::Signature => "a token that the configured key signed",
            TokenRefusal::Claim(Claim::Audience) => "a token whose aud is AUTH_AUDIENCE",
            TokenRefusal::Claim(Claim::Expiry) => {
                "a token whose exp is a number of seconds, not past, and no further away than AUTH_MAX_LIFETIME_MS"
            }
            TokenRefusal::Claim(Claim::Issuer) => "a token whose iss is AUTH_ISSUER",
            TokenRefusal::Claim(Claim::NotBefore) => "a token whose nbf is a number of seconds, and past",
            TokenRefusal::Claim(Claim::Subject) => "a token whose sub is the user's id: 1 to 255 bytes of text",
        };
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", format!("Expected {expected}. Sign in again."))
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self { cause: Some(error), ..Self::storage() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(error) = self.cause {
            response.extensions_mut().insert(Cause(error));
        }
        response
    }
}
