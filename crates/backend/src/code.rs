//! What Flinks' codes mean to a *call*: endpoint × code.
//!
//! The widget has a table of its own (`flinks_connect::code::Severity`): there a code is about a session that a user looks at.
//! Here it is about the next step of a server. The two differ: a refused key ends no session, and a bank that refuses a sign-in
//! is a reason to ask the user, not to give up.
//!
//! Source: Flinks' authorize, error-code and account-linking pages. Rate limiting is 401 `TOO_MANY_REQUESTS`. `UNAUTHORIZED` has
//! two meanings, told apart by `Message`: where that speaks of a key or a token, it is about us and never about the user.
//!
//! Invariant: a code that is not in the table (Flinks adds some) ends nothing.

use serde::{Deserialize, Serialize};

/// A call, as far as the meaning of a code depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// `/Authorize {LoginId, MostRecentCached: false}`: a live sign-in at the bank.
    SignIn,
    /// `/Authorize {RequestId}`: how a session stands.
    Session,
    /// `/Authorize {LoginId, MostRecentCached: true}`: what Flinks has of a login.
    Cached,
    /// `/GetAccountsDetail` and `/GetAccountsDetailAsync`.
    Data,
    /// `/GenerateAuthorizeToken`.
    Token,
}

impl About {
    /// The calls that the table has a column for, in its order.
    pub const COLUMNS: [Self; 4] = [Self::SignIn, Self::Session, Self::Cached, Self::Data];
}

/// What a code means to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The bank, or Flinks, is still at work: ask again.
    Working,
    /// The user is through; the answer does not say with which login.
    Done,
    /// Nothing is decided: repeat the call later.
    Later,
    /// Too many calls: pause all of them.
    Limit,
    /// The user has something to put right in this session.
    Waiting,
    /// The session is over, or its data was fetched already.
    Over,
    /// The session ended with a refusal that no retry cures.
    Refused,
    /// Flinks has no newer data of this login: the last live sign-in failed.
    Stale,
    /// Only the user can help, in Connect's full flow.
    AskUser,
    /// There are no transactions: ask for the accounts without.
    NoTransactions,
    /// Our key is refused.
    Keys,
    /// The token is refused: try another one.
    Token,
}

impl Meaning {
    /// Its name, as in the documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Done => "done",
            Self::Later => "later",
            Self::Limit => "pause",
            Self::Waiting => "waiting",
            Self::Over => "over",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::AskUser => "ask the user",
            Self::NoTransactions => "without transactions",
            Self::Keys => "keys",
            Self::Token => "token",
        }
    }
}

use Meaning::{AskUser, Done, Later, Limit, NoTransactions, Over, Refused, Stale, Waiting, Working};

/// A code and its meaning to each of [`About::COLUMNS`].
pub type Row = (&'static str, [Meaning; 4]);

/// Every documented code that is not a success.
pub const TABLE: &[Row] = &[
    //                                     sign-in, session,  cached,   data
    ("OPERATION_PENDING", [Working, Working, Working, Working]),
    ("OPERATION_DISPATCHED", [Working, Working, Working, Working]),
    ("ALREADY_AUTHORIZED", [Later, Done, Later, Later]),
    ("SESSION_NONEXISTENT", [AskUser, Over, Stale, Over]),
    ("SESSION_EXPIRED", [AskUser, Over, Stale, Over]),
    ("INVALID_REQUEST", [AskUser, Over, Stale, Over]),
    ("INVALID_LOGIN", [AskUser, Waiting, AskUser, Later]),
    ("INVALID_USERNAME", [AskUser, Waiting, Stale, Later]),
    ("INVALID_PASSWORD", [AskUser, Waiting, Stale, Later]),
    ("INVALID_SECURITY_RESPONSE", [AskUser, Waiting, Stale, Later]),
    ("INVALID_SECURITY_RESPONSE_NO_RETRY", [AskUser, Refused, Stale, Later]),
    ("QUESTION_NOT_FOUND", [AskUser, Waiting, Stale, Later]),
    ("SECURITYRESPONSES_INCOMPLETE", [AskUser, Waiting, Stale, Later]),
    ("UNKNOWN_CHALLENGE_KEY", [AskUser, Waiting, Stale, Later]),
    ("ACCESS_DENIED", [AskUser, Refused, Stale, Later]),
    ("DISABLED_LOGIN", [AskUser, Refused, Stale, Later]),
    ("DISABLED_INSTITUTION", [AskUser, Refused, Stale, Later]),
    ("NEW_ACCOUNT", [AskUser, Refused, Stale, Later]),
    ("UNAUTHORIZED", [AskUser, Refused, Stale, Later]),
    ("METHOD_NOT_AVAILABLE", [AskUser, Later, Later, Later]),
    ("CARD_IN_USE", [Later, Later, Later, Later]),
    ("CONCURRENT_SESSION", [Later, Later, Later, Later]),
    ("RETRY_LATER", [Later, Later, Later, Later]),
    ("AGGREGATION_ERROR", [Later, Later, Later, Later]),
    ("NO_TRANSACTION", [Later, Later, Later, NoTransactions]),
    ("TOO_MANY_REQUESTS", [Limit, Limit, Limit, Limit]),
];

/// The name we use for a code that is not in the table: a new code of Flinks' must not look like an old one.
pub const UNKNOWN: &str = "UNKNOWN_FLINKS_CODE";

/// The name of a code as we store and answer it.
#[must_use]
pub fn name(code: &str) -> &'static str {
    TABLE.iter().find(|(name, _)| *name == code).map_or(UNKNOWN, |(name, _)| name)
}

/// What `code` means to a call. `message` is Flinks' `Message`.
#[must_use]
pub fn meaning(about: About, http_status: u16, code: &str, message: Option<&str>) -> Meaning {
    if code == "UNAUTHORIZED" {
        // "You must provide a valid auth key", "… a valid authorize token": the one word that differs decides.
        let message = message.unwrap_or_default().to_ascii_lowercase();
        if message.contains("token") {
            return Meaning::Token;
        }
        if message.contains("key") {
            return Meaning::Keys;
        }
    }
    let column = About::COLUMNS.iter().position(|one| *one == about);
    let row = TABLE.iter().find(|(name, _)| *name == code);
    match (column, row) {
        (Some(column), Some((_, meanings))) => meanings.get(column).copied().unwrap_or(Later),
        // Flinks sends whoever cannot be signed in to Connect, whatever the code.
        (Some(_), None) if about == About::SignIn && (400..500).contains(&http_status) => AskUser,
        // Minting a token needs nothing but the keys.
        (None, Some((_, [Limit, ..]))) => Limit,
        (None, _) if (400..500).contains(&http_status) => Meaning::Keys,
        (Some(_), None) | (None, _) => Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_that_is_no_success_has_a_row() {
        for code in flinks_connect::code::ALL {
            assert_eq!(matches!(code.name, "OK" | "CREATED"), name(code.name) == UNKNOWN, "{}", code.name);
        }
    }

    #[test]
    fn an_unauthorized_that_speaks_of_us_is_never_about_the_user() {
        for about in [About::SignIn, About::Session, About::Cached, About::Data] {
            let means = |message| meaning(about, 401, "UNAUTHORIZED", message);
            assert_eq!(means(Some("You must provide a valid auth key")), Meaning::Keys);
            assert_eq!(means(Some("You must provide a valid authorize token")), Meaning::Token);
            assert!(!matches!(means(None), Meaning::Keys | Meaning::Token));
        }
    }

    #[test]
    fn a_code_flinks_adds_ends_nothing() {
        assert_eq!(meaning(About::SignIn, 401, "BANK_MAINTENANCE", None), AskUser);
        for about in [About::Session, About::Cached, About::Data] {
            assert_eq!(meaning(about, 401, "BANK_MAINTENANCE", None), Later);
        }
        assert_eq!(meaning(About::Token, 401, "BANK_MAINTENANCE", None), Meaning::Keys);
        assert_eq!(name("BANK_MAINTENANCE"), UNKNOWN);
    }
}
