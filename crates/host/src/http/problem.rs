//! Refusals, as `application/problem+json` (RFC 9457).
//!
//! Invariants: every refusal of the API is a [`Problem`] with a stable `code`; its text says what was expected and what to do,
//! and never repeats what was sent. Which answers the widget tries again is decided here, by status: 409, 502 and 503 it does.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flinks_connect::code::FlinksCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{flinks::Fault, reconnect::Refused, storage::StorageError};

/// Seconds to wait when Flinks does not say.
const SOON: u64 = 2;
/// Seconds to wait while the bank, or Flinks, is busy.
const LATER: u64 = 10;

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
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Self {
            status,
            body: ProblemBody { code, status: status.as_u16(), title, detail: detail.into() },
            retry_after: None,
        }
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

    pub(crate) fn cross_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "CROSS_ORIGIN",
            "Expected a request of this site's own pages; another site sent it. Call the API from its own origin.",
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

    fn flinks_code(status: StatusCode, code: FlinksCode, detail: &'static str) -> Self {
        Self::new(status, code.name, detail)
    }

    fn fault(fault: Fault) -> Self {
        let code = fault.code();
        match fault {
            Fault::Unreachable | Fault::Silent => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "Flinks does not answer. Nothing was changed; try again.",
            )
            .after(SOON),
            Fault::Busy(asked) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "Flinks limits the rate of requests. Nothing was changed; try again.",
            )
            .after(asked.map_or(LATER, |asked| asked.as_secs().max(1))),
            Fault::KeysRefused => Self::new(
                StatusCode::BAD_GATEWAY,
                code,
                "Flinks refuses this host's keys. Its operator has to check FLINKS_SECRET_KEY, FLINKS_API_KEY and FLINKS_CUSTOMER_ID.",
            ),
            Fault::Unreadable => Self::new(
                StatusCode::BAD_GATEWAY,
                code,
                "Flinks' answer is not the documented shape. Nothing was changed.",
            ),
            Fault::Crowded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "Flinks is slow, and as much as may be asked of it is under way. Nothing was changed; try again.",
            )
            .after(SOON),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoConnection => Self::new(
                StatusCode::NOT_FOUND,
                "NO_SUCH_CONNECTION",
                "Expected the id of one of the user's connections; see GET /api/connections.",
            ),
            Refused::NoAttempt => Self::new(
                StatusCode::NOT_FOUND,
                "NO_SUCH_ATTEMPT",
                "Expected an attemptId that a start of this user answered. Start again.",
            ),
            Refused::Expired => {
                Self::new(StatusCode::GONE, "ATTEMPT_EXPIRED", "The attempt is too old to take a result. Start again.")
            }
            Refused::OtherLogin => Self::new(
                StatusCode::CONFLICT,
                "LOGIN_MISMATCH",
                "The login is not the one of this connection. Nothing was changed; reconnect with the same bank user.",
            ),
            Refused::OtherTag => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "TAG_MISMATCH",
                "Expected the tag this attempt was started with. Nothing was changed; start again.",
            ),
            Refused::OtherResult => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "ATTEMPT_USED",
                "Another result was taken for this attempt. Repeat a delivery with the same bytes, or start again.",
            ),
            Refused::Unfinished => Self::new(
                StatusCode::CONFLICT,
                "NOT_FINISHED",
                "Flinks still waits for the user in this session. Nothing was changed; try again.",
            )
            .after(SOON),
            Refused::Code(code) => Self::flinks_code(
                StatusCode::BAD_GATEWAY,
                code,
                "Flinks refuses this connection; reconnecting does not help at the moment.",
            ),
            Refused::Later(code) => Self::flinks_code(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "Flinks or the bank cannot do it now. Nothing was changed; try again.",
            )
            .after(LATER),
            Refused::Fault(fault) => Self::fault(fault),
            Refused::Storage => Self::storage(),
            Refused::NoRandomness => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "NO_RANDOMNESS",
                "The operating system gives no random numbers; no attempt can be made.",
            ),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed");
        Self::storage()
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
        response
    }
}
