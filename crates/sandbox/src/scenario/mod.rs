//! Named scenarios: situations an integration has to get through, each set up by one call.
//!
//! A scenario is data: the faults, the session that is open and how old it is, the page's address, and what then happens, move by
//! move. The same data is the text of SCENARIOS.md, the answer of `POST /_sandbox/scenario`, and the script of the test that plays
//! every one of them over HTTP.
//!
//! Invariants: names are unique; setting one up begins with a reset, so the same name always makes the same situation.

mod all;
mod words;

use flinks_connect::id::{AuthorizeToken, LoginId, RequestId};
use serde::Serialize;

pub use self::all::ALL;
pub use self::words::{as_markdown, as_text};
use crate::bank::question::{self, Challenges};
use crate::bank::user;
use crate::demo::{DEMO_LOGINS, DEMO_USERNAME};
use crate::faults::{Faults, Invalid};
use crate::state::State;
use crate::state::authorize::{Pace, Refresh, Wish};
use crate::state::session::Saving;

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The session that is open already.
    pub open: Open,
    /// How much later it is then, in milliseconds.
    pub later_ms: u64,
    /// The page to load: path and query. `{session}` and `{token}` stand for what the sandbox minted.
    pub page: Option<&'static str>,
    /// What happens then.
    pub play: &'static [Move],
    faults: &'static str,
}

/// The session that is open when a scenario begins. Numbers are places in [`DEMO_LOGINS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// None.
    Nothing,
    /// A live refresh whose questions are unanswered.
    Asking(usize),
    /// The same, opened with `Save: false`.
    Unsaved(usize),
    /// A live refresh whose first question is answered.
    Halfway(usize),
    /// A live refresh with every question answered.
    Answered(usize),
}

/// A call of the host's. `session` is the one that is open, or that the last Authorize call opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GenerateAuthorizeToken`.
    Token,
    /// `GenerateAuthorizeToken` with a `Content-Length` of 0.
    TokenWithLength,
    /// `GenerateAuthorizeToken` with another key.
    TokenWithWrongKey,
    /// A live `Authorize` of a stored login.
    Live(usize),
    /// The same with the token of the call before.
    LiveWithSpentToken(usize),
    /// A live `Authorize` of a stored login with this `Tag`.
    LiveTagged(usize, &'static str),
    /// A live `Authorize` of the login that the bank with OAuth has vouched for.
    LiveOauth,
    /// A live `Authorize` of a login nobody stored.
    LiveUnknown,
    /// A cached `Authorize` of a stored login.
    Cached(usize),
    /// `AuthorizeAsync` of a stored login.
    LiveAsync(usize),
    /// `Authorize` with credentials: bank, user, password.
    SignIn(&'static str, &'static str, &'static str),
    /// `Authorize` with an answer to that question (from zero).
    Respond(usize, &'static str),
    /// `Authorize` with the right answer to that round (from zero) of these challenges.
    RespondTo(Challenges, usize),
    /// `Authorize` with an answer under a prompt that was not asked.
    RespondElsewhere,
    /// `Authorize` with the session alone, and a fresh token.
    Probe,
    /// The same with the token of the call before.
    ProbeWithOwnToken,
    /// `Authorize` with the session and no answer: `SecurityResponses: {}`.
    ProbeWithoutAnswers,
    /// `GetAccountsSummary`.
    Summary,
    /// `GetAccountsDetail`.
    Detail,
    /// `GetAccountsDetail` with `AccountsFilter` of that account of that login.
    DetailOf(usize, usize),
    /// `GetAccountsDetail` with another key.
    DetailWithWrongKey,
    /// `GetAccountsDetailAsync`.
    DetailAsync,
    /// `GetStatements`.
    Statements,
    /// `GetStatementsAsync`.
    StatementsAsync,
    /// `SetScheduledRefresh`.
    Schedule(usize, bool),
    /// `GetNightlyRefreshStatus`.
    Nightly,
    /// `DeleteCard`.
    Delete(usize),
    /// `AnswerMFAQuestions` with all the right answers.
    AnswerAhead(usize),
    /// `Institutions`.
    Institutions,
    /// `Authorize` with a body that is no JSON.
    Malformed,
    /// `Authorize` by GET.
    WrongMethod,
    /// An endpoint that does not exist.
    Nowhere,
}

/// What is special about a REDIRECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// The ids are in `url` only.
    OnlyUrl,
    /// There is no `url`.
    OnlyFields,
    /// Fields and `url` agree.
    Both,
    /// It is JSON text.
    Text,
    /// Its ids are in a `url` that is relative to Connect's address.
    Relative,
    /// Its ids are in a `url` at Connect's own result page.
    AtResult,
    /// Its keys are in another case.
    Cased,
    /// It names no login.
    NoLogin,
    /// It names another session.
    OtherSession,
    /// It carries another tag.
    OtherTag,
    /// Field and `url` agree on another login.
    OtherLogin,
    /// Field and `url` name different logins.
    Contradiction,
    /// It comes so many milliseconds late.
    Late(u64),
    /// It names these accounts of that login.
    Accounts(usize, &'static [usize]),
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The host calls and is answered with this status and code (none when it succeeds).
    Call(Ask, u16, &'static str),
    /// The host calls, and no usable answer arrives.
    Broken(Ask),
    /// The host calls, the clock is pushed by so many milliseconds, and the answer has this status and code.
    Late(Ask, u64, u16, &'static str),
    /// The host calls, and gives up before there is an answer.
    Abandoned(Ask),
    /// The last answer says this at this place (a JSON pointer).
    Says(&'static str, &'static str),
    /// The last answer holds so many accounts.
    Holds(usize),
    /// The last answer lists so many logins that Nightly Refresh passes over.
    Lists(usize),
    /// So much time passes, in milliseconds.
    Pass(u64),
    /// The page is loaded.
    Load,
    /// The page is loaded with the session that the last Authorize call opened, and the token of that call.
    Resume,
    /// The document itself answers with this status, and forbids framing or not.
    Document(u16, bool),
    /// The user agrees to share data, or does not.
    Consent(bool),
    /// The user picks a bank.
    Bank(u32),
    /// The user signs in.
    SignIn(&'static str, &'static str),
    /// The user answers the question.
    Answer(&'static str),
    /// The user answers that round (from zero) of these challenges, and rightly.
    AnswerRound(Challenges, usize),
    /// The user answers all three questions, and rightly.
    AnswerAll,
    /// The user picks these accounts of that login.
    Accounts(usize, &'static [usize]),
    /// The user tries again.
    Retry,
    /// The user presses the X.
    Close,
    /// The user ticks the terms, or unticks them.
    Terms(bool),
    /// The user follows a link or opens the help: an action by its name.
    Follow(&'static str),
    /// The browser loses its network and gets it back.
    Network,
    /// The frame gets this width and height.
    Resize(u32, u32),
    /// The browser opens the bank's window, or blocks it.
    Popup(bool),
    /// The user approves in the bank's window, or declines.
    Decide(bool),
    /// These events were posted since the page was loaded, and no others.
    Posts(&'static [&'static str]),
    /// The page shows this screen.
    Shows(&'static str),
    /// The page shows an end with this code.
    Fails(&'static str),
    /// The last REDIRECT is so.
    Redirect(Trait),
    /// The page goes on to an address that begins so.
    GoesTo(&'static str),
    /// The host's webhook receiver fails so many times.
    Deaf(u8),
    /// The host's webhook receiver has got these, correctly signed, and no others.
    Hears(&'static [&'static str]),
    /// So many tries of a webhook have failed.
    Failed(u8),
}

/// What a scenario was set up with.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The page to load, when a page is part of it. Its token is unused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_url: Option<String>,
    /// The session that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_id: Option<String>,
    /// An unused authorize token.
    pub authorize_token: String,
    /// What happens then, sentence by sentence.
    pub then: Vec<String>,
}

impl Scenario {
    pub(crate) const fn new(name: &'static str, about: &'static str, play: &'static [Move]) -> Self {
        Self { name, about, open: Open::Nothing, later_ms: 0, page: None, play, faults: "{}" }
    }

    pub(crate) const fn with(mut self, faults: &'static str) -> Self {
        self.faults = faults;
        self
    }

    pub(crate) const fn open(mut self, open: Open) -> Self {
        self.open = open;
        self
    }

    pub(crate) const fn later(mut self, later_ms: u64) -> Self {
        self.later_ms = later_ms;
        self
    }

    pub(crate) const fn page(mut self, page: &'static str) -> Self {
        self.page = Some(page);
        self
    }

    /// Its faults as the control interface takes them.
    #[must_use]
    pub fn faults_json(&self) -> &'static str {
        self.faults
    }

    /// Its faults.
    pub fn faults(&self) -> Result<Faults, Invalid> {
        let faults: Faults = serde_json::from_str(self.faults).map_err(|error| Invalid(error.to_string()))?;
        faults.check()?;
        Ok(faults)
    }

    /// Opens the session it begins with.
    pub(crate) fn open_session(&self, state: &mut State, now_ms: u64) -> Option<(LoginId, RequestId)> {
        let (place, saving, answers) = match self.open {
            Open::Nothing => return None,
            Open::Asking(place) => (place, Saving::Keep, 0),
            Open::Unsaved(place) => (place, Saving::Discard, 0),
            Open::Halfway(place) => (place, Saving::Keep, 1),
            Open::Answered(place) => (place, Saving::Keep, question::ALL.len()),
        };
        let login = LoginId::parse(DEMO_LOGINS.get(place)?.login_id)?;
        let refresh = Refresh { login: login.clone(), saving, tag: None, pace: Pace::Wait };
        let session = state.authorize(now_ms, Wish::Refresh(refresh)).session()?.clone();
        for (prompt, answer) in question::RIGHT.iter().take(answers) {
            let answers = [((*prompt).to_owned(), vec![(*answer).to_owned()])].into();
            state.authorize(now_ms, Wish::Answer { session: session.clone(), answers });
        }
        Some((login, session))
    }

    /// What whoever set it up gets to know.
    pub(crate) fn ready(
        &self,
        connect_url: &str,
        open: Option<&(LoginId, RequestId)>,
        token: &AuthorizeToken,
    ) -> Ready {
        let session = open.map(|(_, session)| session.as_str());
        let origin = connect_url.trim_end_matches("/v2/");
        let fill = |page: &str| {
            format!(
                "{origin}{}",
                page.replace("{session}", session.unwrap_or_default()).replace("{token}", token.as_str())
            )
        };
        Ready {
            name: self.name,
            about: self.about,
            connect_url: self.page.map(fill),
            request_id: session.map(str::to_owned),
            login_id: open.map(|(login, _)| login.as_str().to_owned()),
            authorize_token: token.as_str().to_owned(),
            then: self.play.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The scenario of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}

/// Who signs in, in every text.
pub(crate) const USER: (&str, &str) = (DEMO_USERNAME, user::PASSWORD);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_scenario_can_be_set_up() {
        let mut names: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.len() >= 60, "{}", ALL.len());
        for scenario in ALL {
            assert!(scenario.faults().is_ok(), "{}: {:?}", scenario.name, scenario.faults());
            assert!(!scenario.play.is_empty() && scenario.about.ends_with('.'), "{}", scenario.name);
            let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(scenario.name.bytes().all(is_name), "{}", scenario.name);
        }
    }
}
