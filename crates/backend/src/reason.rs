//! Why a connection wants its user, or why an attempt ended without data: stable words for the application's programs.
//!
//! A connection's `problem` is a code for people who look into it, and Flinks adds codes. These words are few, and each calls for
//! something else to be done.
//!
//! Invariant: every problem has a word.

use serde::{Deserialize, Serialize};

use crate::{
    code::{self, About, Meaning},
    flinks::Trouble,
    work::{CHOICE_UNKNOWN, DATA_TIMEOUT, LOGIN_MISMATCH, NO_ACCOUNTS},
};

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Flinks lists the login as one that Nightly Refresh passes over.
    NightlyFailed,
    /// The bank or Flinks refuses the login.
    BankRefused,
    /// Another login came back.
    LoginChanged,
    /// None of the accounts came that the user picked.
    AccountsGone,
    /// The user picked accounts anew, and no browser said which.
    ChoiceUnknown,
    /// Flinks did not prepare the data in time.
    DataTimeout,
    /// The session was over before its data was fetched.
    SessionOver,
    /// The bank, or Flinks for it, could not do it for too long.
    BankUnavailable,
    /// Flinks could not be asked for too long.
    FlinksUnavailable,
    /// Flinks refuses the operator's keys.
    KeysRefused,
}

/// A reason, its word, and what it means and calls for.
pub type Row = (Reason, &'static str, &'static str);

/// Every reason.
pub const TABLE: &[Row] = &[
    (Reason::NightlyFailed, "nightly_failed", "Flinks could not refresh it in the night: ask the user to reconnect"),
    (
        Reason::BankRefused,
        "bank_refused",
        "the bank or Flinks refuses the login, as a changed password: ask the user to reconnect",
    ),
    (
        Reason::LoginChanged,
        "login_changed",
        "another login came back, as a changed user name or another language: put the connection with its new loginId, or ask the user for the old one",
    ),
    (
        Reason::AccountsGone,
        "accounts_gone",
        "none of the accounts came that the user picked: put the connection with other selectedAccounts, or ask the user to reconnect",
    ),
    (
        Reason::ChoiceUnknown,
        "choice_unknown",
        "the user picked accounts anew, and no browser said which: ask the user to reconnect",
    ),
    (Reason::DataTimeout, "data_timeout", "Flinks did not prepare the data in time: ask the user to reconnect later"),
    (
        Reason::SessionOver,
        "session_over",
        "the session was over before its data was fetched: ask the user to reconnect",
    ),
    (
        Reason::BankUnavailable,
        "bank_unavailable",
        "the bank, or Flinks for it, could not do it for too long: ask the user to reconnect later",
    ),
    (
        Reason::FlinksUnavailable,
        "flinks_unavailable",
        "Flinks could not be asked for too long: ask the user to reconnect later",
    ),
    (Reason::KeysRefused, "keys_refused", "Flinks refuses the keys: the operator has to put them right"),
];

impl Reason {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TABLE.iter().find(|(reason, ..)| *reason == self).map_or("bank_unavailable", |(_, word, _)| word)
    }

    /// The reason of a connection's problem: a code of Flinks', or one of ours.
    #[must_use]
    pub fn of(problem: &str) -> Self {
        match problem {
            LOGIN_MISMATCH => Self::LoginChanged,
            NO_ACCOUNTS => Self::AccountsGone,
            CHOICE_UNKNOWN => Self::ChoiceUnknown,
            DATA_TIMEOUT => Self::DataTimeout,
            _ if problem == Trouble::KeysRefused.code() => Self::KeysRefused,
            _ if [Trouble::Unreachable, Trouble::Limit { after_ms: 0 }, Trouble::Unreadable, Trouble::Crowded]
                .iter()
                .any(|trouble| trouble.code() == problem) =>
            {
                Self::FlinksUnavailable
            }
            // What a code of Flinks' means to a session and to a sign-in says what can be done about it.
            _ if code::name(problem) == code::UNKNOWN => Self::BankUnavailable,
            _ => match (
                code::meaning(About::Session, 401, problem, None),
                code::meaning(About::SignIn, 401, problem, None),
            ) {
                (Meaning::Over, _) => Self::SessionOver,
                (_, Meaning::AskUser) => Self::BankRefused,
                _ => Self::BankUnavailable,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json_and_each_stands_once() {
        for (reason, word, _) in TABLE {
            assert_eq!(serde_json::to_value(reason).unwrap(), *word);
            assert_eq!(reason.as_str(), *word);
            assert_eq!(TABLE.iter().filter(|(_, other, _)| other == word).count(), 1, "{word}");
        }
    }

    #[test]
    fn every_problem_has_its_word() {
        for (problem, word) in [
            ("LOGIN_MISMATCH", "login_changed"),
            ("NO_ACCOUNTS", "accounts_gone"),
            ("CHOICE_UNKNOWN", "choice_unknown"),
            ("DATA_TIMEOUT", "data_timeout"),
            ("FLINKS_KEYS_REFUSED", "keys_refused"),
            ("FLINKS_UNREACHABLE", "flinks_unavailable"),
            ("FLINKS_BUSY", "flinks_unavailable"),
            ("FLINKS_UNREADABLE", "flinks_unavailable"),
            ("HOST_BUSY", "flinks_unavailable"),
            ("INVALID_PASSWORD", "bank_refused"),
            ("DISABLED_LOGIN", "bank_refused"),
            ("UNAUTHORIZED", "bank_refused"),
            ("SESSION_NONEXISTENT", "session_over"),
            ("RETRY_LATER", "bank_unavailable"),
            ("AGGREGATION_ERROR", "bank_unavailable"),
            (code::UNKNOWN, "bank_unavailable"),
            ("", "bank_unavailable"),
        ] {
            assert_eq!(Reason::of(problem).as_str(), word, "{problem}");
        }
    }
}
