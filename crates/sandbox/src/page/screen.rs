//! What a page shows. The page knows the words and the look; what is shown is decided here.

use serde::Serialize;

use crate::bank::account::Account;
use crate::bank::institution::Institution;
use crate::bank::question::Kind;

/// One screen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Screen {
    /// Asks whether data may be shared.
    Consent {
        /// Who wants it.
        customer: Option<String>,
    },
    /// The bank list.
    Banks {
        /// The banks on it.
        banks: Vec<&'static Institution>,
        /// Whether there is a search box.
        search: bool,
    },
    /// User name and password.
    Credentials {
        /// The bank's name.
        institution: &'static str,
        /// The terms to be accepted, if there are any.
        #[serde(skip_serializing_if = "Option::is_none")]
        terms: Option<Terms>,
    },
    /// The bank asks in a window of its own.
    Oauth {
        /// The bank's name.
        institution: &'static str,
        /// How far it is.
        window: Window,
    },
    /// One round of challenges.
    Mfa {
        /// The bank's name.
        institution: &'static str,
        /// The challenges.
        challenges: Vec<Challenge>,
        /// Their language, which is the login's.
        language: &'static str,
        /// Which round it is, from one.
        number: usize,
        /// How many there are.
        total: usize,
    },
    /// The account selector.
    Accounts {
        /// How many may be picked.
        choice: Choice,
        /// What there is to pick.
        accounts: Vec<Choosable>,
    },
    /// Success.
    Success {
        /// The bank's name.
        institution: &'static str,
    },
    /// The session has ended.
    Expired {
        /// Why.
        code: &'static str,
    },
    /// Something failed.
    Error {
        /// What.
        code: &'static str,
        /// Whether the user can do anything about it here.
        remedy: Remedy,
    },
    /// Nothing at all.
    Silent,
}

/// One challenge on the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// Its type, as in the API.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is asked.
    pub prompt: &'static str,
    /// What there is to choose from, if anything.
    pub choices: &'static [&'static str],
}

/// The terms on the credential form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// Where they can be read: `http` or `https`.
    pub url: String,
    /// Whether there is a box to tick.
    pub checkbox: bool,
    /// Whether it is ticked.
    pub accepted: bool,
}

/// How far the bank's own window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// It has to be opened.
    Closed,
    /// The browser did not open it.
    Blocked,
    /// It is open.
    Open,
    /// It takes the place of this page.
    Replacing,
}

/// How many accounts may be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Exactly one.
    One,
    /// One or more.
    Several,
}

/// What the user can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Try again.
    Retry,
    /// Nothing.
    None,
}

/// One account in the selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choosable {
    id: String,
    title: &'static str,
    last_four: String,
}

impl From<&Account> for Choosable {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.as_str().to_owned(),
            title: account.kind.title(),
            last_four: account.last_four().to_owned(),
        }
    }
}

impl Screen {
    /// Its name, as in the page's `data-screen`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consent { .. } => "consent",
            Self::Banks { .. } => "banks",
            Self::Credentials { .. } => "credentials",
            Self::Oauth { .. } => "oauth",
            Self::Mfa { .. } => "mfa",
            Self::Accounts { .. } => "accounts",
            Self::Success { .. } => "success",
            Self::Expired { .. } => "expired",
            Self::Error { .. } => "error",
            Self::Silent => "silent",
        }
    }
}
