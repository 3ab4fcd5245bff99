//! Every way a session can fail, and what is said about it.
//!
//! Codes are the contract, messages are not. No message carries an id, a token or a URL: all of them are fixed text, except that an
//! option's name stands in its own.

use super::output::Phase;
use std::borrow::Cow;

macro_rules! error_codes {
    ($($variant:ident $name:literal $message:literal),* $(,)?) => {
        /// The `code` of a `ReconnectError`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant),*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as the host reads it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),* }
            }
        }
    };
}

error_codes! {
    InvalidOptions "INVALID_OPTIONS" "The options are wrong.",
    Unsupported "UNSUPPORTED" "This environment cannot run the widget: it needs a DOM and WebAssembly. If a Content-Security-Policy is set, its script-src must contain 'wasm-unsafe-eval'.",
    StartFailed "START_FAILED" "The start endpoint failed, or its answer is not one of the documented replies.",
    LoadTimeout "LOAD_TIMEOUT" "Connect did not load in time. Usual causes: a Content-Security-Policy without frame-src for Connect's address; this site is not allow-listed for the Flinks instance; the user is offline; this page is cross-origin isolated (COEP).",
    SessionExpired "SESSION_EXPIRED" "The Flinks session expired. Start a new one.",
    TokenInvalid "TOKEN_INVALID" "Flinks refused the authorize token. Tokens work once, within 15 minutes: get a fresh one for every session.",
    FullFlow "FULL_FLOW" "Connect left the MFA prompt for the full flow, and fullFlow is \"stop\".",
    Flinks "FLINKS" "Flinks ended the session; flinksCode tells why.",
    Conflict "CONFLICT" "Connect reported a success that does not belong to this session, or two different ones. Nothing was accepted.",
    Rejected "REJECTED" "The host's backend refused the result; httpStatus tells how.",
    LoginMismatch "LOGIN_MISMATCH" "The user connected another login than the one being reconnected. The stored connection is unchanged.",
    Undelivered "UNDELIVERED" "The host's backend could not be reached in time. `retry()` sends the same result again.",
    Busy "BUSY" "Another tab holds this session. `retry()` takes it over.",
    Cancelled "CANCELLED" "The user closed the session.",
    Closed "CLOSED" "The page closed the session.",
    Internal "INTERNAL" "The widget failed. Please report it.",
}

impl ErrorCode {
    /// Whether `retry()` on the same session can help.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::LoadTimeout | Self::SessionExpired | Self::TokenInvalid | Self::Undelivered | Self::Busy)
    }
}

/// How a session failed: what a `ReconnectError` is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which failure.
    pub code: ErrorCode,
    /// For people who debug. Fixed text.
    pub message: Cow<'static, str>,
    /// Flinks' own code, for [`ErrorCode::Flinks`] and sessions Flinks declared over.
    pub flinks_code: Option<String>,
    /// The host's HTTP status, when a host endpoint refused.
    pub http_status: Option<u16>,
    /// The phase in which it happened.
    pub phase: Phase,
}

impl Failure {
    /// A failure of this kind in this phase.
    #[must_use]
    pub fn new(code: ErrorCode, phase: Phase) -> Self {
        Self { code, message: Cow::Borrowed(code.message()), flinks_code: None, http_status: None, phase }
    }

    /// The same with Flinks' code.
    #[must_use]
    pub fn with_flinks_code(mut self, flinks_code: Option<String>) -> Self {
        self.flinks_code = flinks_code;
        self
    }

    /// The same with the host's HTTP status.
    #[must_use]
    pub fn with_http_status(mut self, http_status: Option<u16>) -> Self {
        self.http_status = http_status;
        self
    }
}
