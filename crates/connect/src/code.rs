//! Flinks' result codes: `FlinksCode` in API bodies, `flinksCode` (or `step`) in Connect's messages.
//!
//! Source: Flinks' error-code and handled-errors pages. Two traps: rate limiting is 401 `TOO_MANY_REQUESTS`, not 429; and a
//! code that Flinks adds later must not end anybody's session, so an unknown code is [`Severity::Passing`].

/// What a code means to a session that is open in Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Progress, or a fault Connect or the API caller gets over without the user.
    Passing,
    /// The user can put it right in the frame: Connect shows the form again.
    Correctable,
    /// The session at Flinks is over; a new one may work. Only these codes act on a session by themselves.
    SessionOver,
    /// The bank or Flinks refuses this login, and Connect itself tells the user. It ends nothing: the user may go on with another login or
    /// another bank; one who closes instead closes because of it.
    Refused,
}

/// One documented code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlinksCode {
    /// The name on the wire.
    pub name: &'static str,
    /// The HTTP status it comes with from the API.
    pub http_status: u16,
    /// What it means to an open session.
    pub severity: Severity,
}

macro_rules! codes {
    ($($constant:ident $status:literal $severity:ident),* $(,)?) => {
        $(#[doc = concat!("`", stringify!($constant), "`, HTTP ", stringify!($status))]
        pub const $constant: FlinksCode =
            FlinksCode { name: stringify!($constant), http_status: $status, severity: Severity::$severity };)*

        /// Every documented code.
        pub const ALL: &[FlinksCode] = &[$($constant),*];
    };
}

codes! {
    OK 200 Passing,
    CREATED 201 Passing,
    OPERATION_PENDING 202 Passing,
    OPERATION_DISPATCHED 202 Passing,
    CARD_IN_USE 400 Passing,
    SESSION_NONEXISTENT 400 SessionOver,
    ACCESS_DENIED 401 Refused,
    ALREADY_AUTHORIZED 401 Passing,
    CONCURRENT_SESSION 401 Passing,
    DISABLED_LOGIN 401 Refused,
    INVALID_LOGIN 401 Correctable,
    INVALID_PASSWORD 401 Correctable,
    INVALID_REQUEST 401 SessionOver,
    INVALID_SECURITY_RESPONSE 401 Correctable,
    INVALID_SECURITY_RESPONSE_NO_RETRY 401 Refused,
    INVALID_USERNAME 401 Correctable,
    NEW_ACCOUNT 401 Refused,
    QUESTION_NOT_FOUND 401 Correctable,
    RETRY_LATER 401 Passing,
    SECURITYRESPONSES_INCOMPLETE 401 Correctable,
    SESSION_EXPIRED 401 SessionOver,
    TOO_MANY_REQUESTS 401 Passing,
    UNAUTHORIZED 401 Refused,
    UNKNOWN_CHALLENGE_KEY 401 Correctable,
    METHOD_NOT_AVAILABLE 400 Passing,
    NO_TRANSACTION 400 Passing,
    DISABLED_INSTITUTION 405 Refused,
    AGGREGATION_ERROR 500 Passing,
}

/// The documented code of that name. A code that is not documented is [`Severity::Passing`].
#[must_use]
pub fn find(name: &str) -> Option<FlinksCode> {
    ALL.iter().find(|code| code.name == name).copied()
}
