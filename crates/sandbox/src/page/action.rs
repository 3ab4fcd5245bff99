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
    /// Sent the answers to a round of challenges.
    SubmitAnswers {
        /// For each challenge, in their order, its texts.
        answers: Vec<Vec<String>>,
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
    /// Ticked or unticked the terms.
    Terms {
        /// Whether they are accepted.
        accepted: bool,
    },
    /// Followed the link to the terms.
    ReadTerms,
    /// Followed "Forgot your password?".
    ResetPassword,
    /// Opened the help about security questions.
    Help,
    /// Opened the help for when they do not work.
    Troubleshoot,
    /// Asked for the bank's window, and the browser opened it.
    PopupOpened,
    /// Asked for the bank's window, and the browser did not open it.
    PopupBlocked,
    /// Is about to leave this page for the bank's (`oauthWindowRedirect=true`).
    LeaveForBank,
    /// The page asks whether the bank's window has been answered.
    CheckPopup,
    /// The page has another size.
    Resize {
        /// Its width in CSS pixels.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// The browser has its network back; while it had none, the page posted what it had been handed for that.
    Online,
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
            Self::SubmitAnswers { .. } => "submit-answers",
            Self::Retry => "retry",
            Self::PickAccounts { .. } => "pick-accounts",
            Self::Close => "close",
            Self::Terms { .. } => "terms",
            Self::ReadTerms => "read-terms",
            Self::ResetPassword => "reset-password",
            Self::Help => "help",
            Self::Troubleshoot => "troubleshoot",
            Self::PopupOpened => "popup-opened",
            Self::PopupBlocked => "popup-blocked",
            Self::LeaveForBank => "leave-for-bank",
            Self::CheckPopup => "check-popup",
            Self::Resize { .. } => "resize",
            Self::Online => "online",
        }
    }
}
