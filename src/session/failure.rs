//! Every way a session can fail.
//!
//! Codes are the contract, messages are not: they are worded in `www/sdk/error.ts`, as fixed text, so that none carries an id, a token or
//! a URL.

use super::delivery::HostAnswer;
use super::names::named_enum;
use super::options::BeginWith;
use super::output::Phase;

named_enum! {
    /// The `code` of a `ReconnectError`.
    pub enum ErrorCode {
        /// The options are wrong.
        InvalidOptions = "INVALID_OPTIONS",
        /// No DOM, or WebAssembly refused.
        Unsupported = "UNSUPPORTED",
        /// The start endpoint failed or answered nonsense.
        StartFailed = "START_FAILED",
        /// Connect never said anything.
        LoadTimeout = "LOAD_TIMEOUT",
        /// The session at Flinks died and could not be renewed.
        SessionExpired = "SESSION_EXPIRED",
        /// The authorize token was refused, or is too old to be tried.
        TokenInvalid = "TOKEN_INVALID",
        /// Connect left the MFA prompt for the full flow, and the host wants to stop then.
        FullFlow = "FULL_FLOW",
        /// The user closed after Flinks had refused their login.
        Flinks = "FLINKS",
        /// A success that does not belong to this session, or two different ones.
        Conflict = "CONFLICT",
        /// The host answered that the user is not signed in to it.
        SignedOut = "SIGNED_OUT",
        /// The host refused the result.
        Rejected = "REJECTED",
        /// The host says that another login was connected.
        LoginMismatch = "LOGIN_MISMATCH",
        /// The host could not be reached in time.
        Undelivered = "UNDELIVERED",
        /// Another tab holds the session.
        Busy = "BUSY",
        /// The user closed the session.
        Cancelled = "CANCELLED",
        /// The page closed the session.
        Closed = "CLOSED",
        /// Our bug.
        Internal = "INTERNAL",
    }
}

impl ErrorCode {
    /// Whether `retry()` on the same session can help. Only a start endpoint has another session or token to give. For [`Self::StartFailed`] it
    /// depends on the answer.
    #[must_use]
    pub fn is_retryable(self, begin_with: BeginWith) -> bool {
        match self {
            Self::LoadTimeout | Self::Undelivered | Self::Busy | Self::SignedOut => true,
            Self::SessionExpired | Self::TokenInvalid => begin_with == BeginWith::StartEndpoint,
            _ => false,
        }
    }
}

named_enum! {
    /// Why Connect did not load.
    #[derive(Default)]
    pub enum LoadProblem {
        /// Nobody said: it was silent for too long.
        #[default]
        Unknown = "unknown",
        /// The page's Content-Security-Policy forbids the frame.
        Policy = "policy",
        /// The page is cross-origin isolated, and browsers show Connect in no such page.
        Isolation = "isolation",
        /// The browser is offline.
        Offline = "offline",
        /// The frame was led to another origin, and spoke from there.
        Redirected = "redirected",
    }
}

/// How a session failed: what a `ReconnectError` is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which failure.
    pub code: ErrorCode,
    /// Why Connect did not load, for [`ErrorCode::LoadTimeout`].
    pub load_problem: LoadProblem,
    /// Flinks' own code, for [`ErrorCode::Flinks`], for [`ErrorCode::Cancelled`] where there was one, and for sessions and tokens that Flinks
    /// declared dead. Only documented codes.
    pub flinks_code: Option<&'static str>,
    /// The host's HTTP status, when a host endpoint refused.
    pub http_status: Option<u16>,
    /// The `code` of the host's answer, when it had one that is a word: errors are logged, and no id stands in them.
    pub host_code: Option<String>,
    /// The property of the start reply that is wrong, for [`ErrorCode::StartFailed`].
    pub property: Option<&'static str>,
    /// Whether `retry()` on the same session can help.
    pub is_retryable: bool,
    /// The phase in which it happened.
    pub phase: Phase,
}

impl Failure {
    /// The same, with the status and the code of the answer that caused it.
    pub(super) fn answered(mut self, answer: &HostAnswer) -> Self {
        if let HostAnswer::Refused { status, code, .. } = answer {
            self.http_status = Some(*status);
            self.host_code = code.clone().filter(|code| is_word(code));
        }
        self
    }
}

fn is_word(code: &str) -> bool {
    (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}
