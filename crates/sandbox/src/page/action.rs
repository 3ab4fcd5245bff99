//! What a page reports: that it has loaded, and what the user did.

use serde::{Deserialize, Serialize};

/// Who hears a page's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The page around the frame.
    Parent,
    /// The native app around the web view (`webview=true`).
    Native,
    /// Nobody: the page stands alone.
    Nobody,
}

/// What the user did.
#[derive(Clone, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Action {
    /// Agreed to share data.
    AcceptConsent,
    /// Refused to.
    DenyConsent,
    /// Picked a bank.
    PickInstitution {
        /// Its id.
        id: u32,
    },
    /// Went back to the bank list.
    Back,
    /// Sent user name and password.
    SubmitCredentials {
        /// The user name.
        username: String,
        /// The password.
        password: String,
    },
    /// Sent an answer.
    SubmitAnswer {
        /// The answer.
        answer: String,
    },
    /// Wants to try again.
    Retry,
    /// Picked accounts.
    PickAccounts {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Pressed the X.
    Close,
}

impl Action {
    /// Its name, as in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AcceptConsent => "accept-consent",
            Self::DenyConsent => "deny-consent",
            Self::PickInstitution { .. } => "pick-institution",
            Self::Back => "back",
            Self::SubmitCredentials { .. } => "submit-credentials",
            Self::SubmitAnswer { .. } => "submit-answer",
            Self::Retry => "retry",
            Self::PickAccounts { .. } => "pick-accounts",
            Self::Close => "close",
        }
    }
}
