//! The steps Connect reports: the `step` field of its messages.
//!
//! Source: Flinks' event-listener and OAuth pages, its own demo, and integrators' code, as the mark beside each name tells. A
//! name that is not listed passes through to the host as it came; Flinks adds names.

/// What a step means to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Connect loaded: the frame is alive.
    Mounted,
    /// The prompt a reconnect is for: a question waits for its answer.
    Mfa,
    /// The bank list or the credential form: Connect has left the reconnect for the full flow.
    FullFlow,
    /// Another screen.
    Screen,
    /// A bank opened its own window.
    Window,
    /// The user sent answers: closing now would lose them.
    Submitted,
    /// The user sent credentials: closing now would lose them.
    SignedIn,
    /// The user pressed Connect's own X. Connect does nothing more; the session stays resumable.
    Closed,
    /// The user refused consent. (Refused terms are an unticked box, not an end.)
    Denied,
    /// The frame would like another height.
    Resized,
    /// The frame has no network.
    Offline,
    /// The browser blocked the window a bank wanted to open.
    PopupBlocked,
    /// The authorize token was refused.
    TokenInvalid,
    /// Success: the connection is stored.
    Redirect,
    /// Nothing that changes the session.
    Passing,
}

/// One documented step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The name on the wire.
    pub name: &'static str,
    /// What it means to a session.
    pub meaning: Meaning,
}

macro_rules! steps {
    (telling: $($telling:ident $meaning:ident),*; passing: $($passing:ident),* $(;)?) => {
        $(#[doc = concat!("`", stringify!($telling), "`")]
        pub const $telling: &str = stringify!($telling);)*
        $(#[doc = concat!("`", stringify!($passing), "`")]
        pub const $passing: &str = stringify!($passing);)*

        /// The steps that mean something to a session. Of the documented ones only these are in the widget: the others pass, as unknown ones do.
        const TELLING: &[Step] = &[$(Step { name: $telling, meaning: Meaning::$meaning }),*];

        /// Every documented step.
        pub const ALL: &[Step] = &[
            $(Step { name: $telling, meaning: Meaning::$meaning },)*
            $(Step { name: $passing, meaning: Meaning::Passing },)*
        ];
    };
}

steps! {
    telling:
    APP_MOUNTED Mounted,
    APP_OFFLINE Offline,
    APP_RESIZE Resized,
    COMPONENT_LOAD_CONSENT Screen,
    COMPONENT_DENY_CONSENT Denied,
    COMPONENT_LOAD_INSTITUTION_SELECTOR FullFlow,
    COMPONENT_LOAD_CREDENTIAL FullFlow,
    SUBMIT_CREDENTIAL SignedIn,
    COMPONENT_LOAD_CREDENTIAL_RETRY Screen,
    COMPONENT_LOAD_MFA Mfa,
    SUBMIT_MFA Submitted,
    COMPONENT_LOAD_MFA_RETRY Mfa,
    COMPONENT_LOAD_ACCOUNT_SELECTION Screen,
    POPUP_OPENED Window,
    POPUP_BLOCKED PopupBlocked,
    TOKEN_INVALID TokenInvalid,
    COMPONENT_CLOSE_SESSION Closed,
    REDIRECT Redirect;
    passing:
    APP_ONLINE,
    COMPONENT_ACCEPT_CONSENT,
    COMPONENT_ACCEPT_PROVIDER_CONSENT,
    COMPONENT_ACCEPT_TERMS,
    COMPONENT_DENY_TERMS,
    COMPONENT_CLICK_TERMS_URL,
    COMPONENT_CLICK_RESET_PASSWORD,
    INSTITUTION_SELECTED,
    COMPONENT_HELP2FA_INFO,
    COMPONENT_HELP2FA_TROUBLESHOOTING,
    ENHANCED_MFA_HAS_QUESTIONS,
    ENHANCED_MFA_NO_QUESTIONS,
    ACCOUNT_SELECTED;
}

/// What `name` means to a session. A name we do not know ends nothing, but its beginning can tell that there is another screen, or that
/// something was submitted.
#[must_use]
pub fn meaning(name: &str) -> Meaning {
    match TELLING.iter().find(|step| step.name == name) {
        Some(step) => step.meaning,
        None if name.starts_with("COMPONENT_LOAD_") => Meaning::Screen,
        None if name.starts_with("SUBMIT_") => Meaning::Submitted,
        None => Meaning::Passing,
    }
}
