//! Refusals: status, stable code, and what to do.
//!
//! Which answers the widget repeats is decided here, by status: 409 (but `LOGIN_MISMATCH`), 429, 502 and 503 it does; 401, 404,
//! 410 and 422 it does not.
//!
//! Invariant: what a repetition cannot cure is never a status that the widget repeats.

use serde::{Deserialize, Serialize};

use crate::{code, flinks::Trouble, step::Failure};

/// Seconds to wait when Flinks does not say.
const SOON: i64 = 2;
/// Seconds to wait while the bank, or Flinks, is busy.
const LATER: i64 = 10;
/// Seconds to wait while only the operator can help.
const OPERATOR: i64 = 30;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", content = "with", rename_all = "camelCase")]
pub enum Refusal {
    /// The user has no such connection.
    NoConnection,
    /// The user has no such attempt.
    NoAttempt,
    /// The attempt's time is over.
    Expired,
    /// The login is not the connection's.
    OtherLogin,
    /// The tag is not the attempt's.
    OtherTag,
    /// Another result has been taken for this attempt.
    AttemptUsed,
    /// Neither the delivery nor the attempt names anything that Flinks could be asked about.
    NothingToVerify,
    /// Flinks does not say that the user has finished.
    NotFinished,
    /// The bank takes its time; ask again.
    BankSlow,
    /// The user has as many sign-ins under way as one user may.
    TooManySignIns,
    /// Flinks refused the session for good, with this code.
    Refused(String),
    /// Flinks or the bank cannot do it now, for this reason.
    Later(String),
    /// Flinks or the bank refused a live sign-in for now, for this reason. Only the user may have it repeated: a bank may lock a user out after
    /// several sign-ins.
    SignInRefused(String),
    /// This request waited for a live sign-in of another request, which failed; that request was told why. Only the user may have it repeated.
    SignInFailed,
    /// Flinks could not be asked.
    Trouble(Trouble),
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NoConnection | Self::NoAttempt => 404,
            Self::OtherLogin | Self::NotFinished => 409,
            Self::Expired => 410,
            Self::OtherTag | Self::AttemptUsed | Self::NothingToVerify | Self::Refused(_) => 422,
            Self::TooManySignIns => 429,
            Self::Trouble(Trouble::Unreadable) => 502,
            Self::BankSlow | Self::Later(_) | Self::SignInRefused(_) | Self::SignInFailed | Self::Trouble(_) => 503,
        }
    }

    /// The stable code: one of ours, or one of Flinks' that [`code::TABLE`] has.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoConnection => "NO_SUCH_CONNECTION",
            Self::NoAttempt => "NO_SUCH_ATTEMPT",
            Self::Expired => "ATTEMPT_EXPIRED",
            Self::OtherLogin => "LOGIN_MISMATCH",
            Self::OtherTag => "TAG_MISMATCH",
            Self::AttemptUsed => "ATTEMPT_USED",
            Self::NothingToVerify => "NOTHING_TO_VERIFY",
            Self::NotFinished => "NOT_FINISHED",
            Self::BankSlow => "BANK_SLOW",
            Self::TooManySignIns => "TOO_MANY_SIGN_INS",
            Self::SignInFailed => "SIGN_IN_FAILED",
            Self::Refused(code) | Self::Later(code) | Self::SignInRefused(code) => code::name(code),
            Self::Trouble(trouble) => trouble.code(),
        }
    }

    /// How many seconds the widget waits before it repeats the request by itself. `None`: it does not, because no repetition helps, or because
    /// only the user may have it repeated.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<i64> {
        match self {
            Self::Trouble(Trouble::Limit { after_ms }) if *after_ms > 0 => Some((after_ms / 1000).max(1)),
            Self::TooManySignIns | Self::Later(_) | Self::Trouble(Trouble::Limit { .. }) => Some(LATER),
            Self::Trouble(Trouble::KeysRefused) => Some(OPERATOR),
            Self::NotFinished | Self::BankSlow | Self::Trouble(_) => Some(SOON),
            _ => None,
        }
    }

    /// What was expected, what to do. Names nothing that was sent.
    #[must_use]
    pub fn detail(&self) -> &'static str {
        match self {
            Self::NoConnection => "Expected the id of one of the user's connections.",
            Self::NoAttempt => "Expected an attemptId that a start of this user answered. Start again.",
            Self::Expired => "The attempt is too old to take a result. Start again.",
            Self::OtherLogin => {
                "The login is not the one of this connection. Nothing was changed; reconnect with the same bank user."
            }
            Self::OtherTag => "Expected the tag this attempt was started with. Nothing was changed; start again.",
            Self::AttemptUsed => {
                "Another result was taken for this attempt. Repeat a delivery with the same bytes, or start again."
            }
            Self::NothingToVerify => {
                "Expected a loginId or a requestId: this attempt has no session of its own that Flinks could be asked about."
            }
            Self::NotFinished => {
                "Flinks does not say that the user has finished. Nothing was changed; try again, or answer the bank's questions."
            }
            Self::BankSlow => "The bank takes its time. The sign-in goes on; start again to go on with it.",
            Self::TooManySignIns => {
                "The user has as many sign-ins under way as one user may. Nothing was sent to Flinks; try again."
            }
            Self::Refused(_) => "Flinks has ended this session with that code. Nothing was changed; start again.",
            Self::SignInFailed => {
                "Another request's sign-in failed, and this one waited for it. Nothing was changed; try again."
            }
            Self::Later(_) | Self::SignInRefused(_) => {
                "Flinks or the bank cannot do it now. Nothing was changed; try again."
            }
            Self::Trouble(Trouble::Unreachable | Trouble::Silent) => {
                "Flinks does not answer. Nothing was changed; try again."
            }
            Self::Trouble(Trouble::Limit { .. }) => {
                "Flinks limits the rate of requests. Nothing was changed; try again."
            }
            Self::Trouble(Trouble::KeysRefused) => {
                "Flinks refuses this server's keys. Its operator has to check the secret key, the API key and the customer id."
            }
            Self::Trouble(Trouble::Unreadable) => {
                "Flinks' answer is not the documented shape. Nothing was changed; try again."
            }
            Self::Trouble(Trouble::Crowded) => {
                "Flinks is slow, and as much as may be asked of it is under way. Nothing was changed; try again."
            }
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self.status() {
            409 if *self == Self::OtherLogin => Failure::Lasting,
            409 | 429 | 502 | 503 => Failure::Passing,
            _ => Failure::Lasting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_says_when_but_for_a_sign_in_and_what_lasts_does_not() {
        for refusal in [
            Refusal::NoConnection,
            Refusal::NoAttempt,
            Refusal::Expired,
            Refusal::OtherLogin,
            Refusal::OtherTag,
            Refusal::AttemptUsed,
            Refusal::NothingToVerify,
            Refusal::NotFinished,
            Refusal::BankSlow,
            Refusal::TooManySignIns,
            Refusal::Refused("DISABLED_LOGIN".to_owned()),
            Refusal::Later("RETRY_LATER".to_owned()),
            Refusal::SignInRefused("RETRY_LATER".to_owned()),
            Refusal::SignInFailed,
            Refusal::Trouble(Trouble::Silent),
            Refusal::Trouble(Trouble::Limit { after_ms: 1 }),
            Refusal::Trouble(Trouble::KeysRefused),
            Refusal::Trouble(Trouble::Unreadable),
            Refusal::Trouble(Trouble::Crowded),
        ] {
            let passes = refusal.failure() == Failure::Passing;
            let is_repeated = passes && !matches!(refusal, Refusal::SignInRefused(_) | Refusal::SignInFailed);
            assert_eq!(refusal.retry_after_s().is_some(), is_repeated, "{refusal:?}");
        }
    }
}
