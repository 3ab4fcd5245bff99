//! Has the user of an attempt finished? Flinks is asked, in this order:
//!
//! 1. the attempt's own session, first with the token it began with, then with a fresh one: neither refusal is a verdict;
//! 2. the session that a delivery names, if it is another one;
//! 3. what Flinks has of the login.
//!
//! The second and the third count only when their `LastRefresh` is later than the one Flinks gave before the attempt began
//! (Flinks' clock against Flinks' clock): any older session of the login answers 200 as well.
//!
//! Invariants: what a browser says is only where to look; an attempt whose own session still waits is finished only by a session
//! that is younger than the attempt; a call that failed is no verdict.

use flinks_connect::id::{LoginId, RequestId};
use serde::{Deserialize, Serialize};

use crate::{
    code::Meaning,
    flinks::{Answer, Call, Trouble, With},
    record::{Attempt, Connection},
};

/// Where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inquiry {
    /// The session a delivery names.
    named: Option<RequestId>,
    /// Sessions are not asked any more.
    by_login_only: bool,
    own: Option<Standing>,
    own_token_refused: bool,
    other: Option<Standing>,
    cached: Option<Cached>,
    asking: Option<Target>,
}

/// Whom a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The attempt's own session, with the token it began with.
    OwnWithItsToken,
    /// The attempt's own session.
    Own,
    /// The session a delivery names.
    Named,
    /// The login.
    Login,
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Standing {
    Authorized {
        login_id: LoginId,
        request_id: Option<RequestId>,
        last_refresh_ms: Option<i64>,
    },
    /// Authorised, but the answer does not say with which login.
    Done,
    Waiting,
    Working,
    Over,
    Refused {
        code: String,
    },
    Later {
        code: String,
    },
    Trouble {
        trouble: Trouble,
    },
}

/// What Flinks has of the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cached", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Cached {
    Has { login_id: LoginId, request_id: Option<RequestId>, last_refresh_ms: Option<i64> },
    Working,
    Stale,
    Later { code: String },
    Trouble { trouble: Trouble },
}

/// What to do next, or the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Ask this first.
    Ask(Target, Call),
    /// The user has finished.
    Finished(Finished),
    /// The user has not answered.
    Waiting,
    /// The bank is still at work.
    Working,
    /// The session is over, and nothing newer is there.
    Over,
    /// The session ended with a refusal that no retry cures.
    Refused(String),
    /// Finished, but with another login.
    OtherLogin,
    /// Flinks cannot say now how the session stands.
    Later(String),
    /// The session is over, and whether there is anything newer Flinks cannot say: a cached call repeats the failure of the last
    /// live one, also one that passes.
    Unsure(String),
    /// Flinks could not be asked.
    Trouble(Trouble),
}

/// A result that Flinks has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    /// The session it is of.
    pub(crate) session: RequestId,
    /// The session to ask for data with.
    pub(crate) data: RequestId,
    /// Flinks' `LastRefresh` of the login, where its answer says so.
    pub(crate) refreshed_at_ms: Option<i64>,
}

impl Inquiry {
    pub(crate) fn about(named: Option<RequestId>) -> Self {
        Self { named, ..Self::default() }
    }

    /// Only what Flinks has of the login: the attempt's session is over.
    pub(crate) fn by_login() -> Self {
        Self { by_login_only: true, ..Self::default() }
    }

    pub(crate) fn finding(&self, connection: &Connection, attempt: &Attempt) -> Finding {
        let own = attempt.request_id.as_ref().filter(|_| !self.by_login_only);
        let named = self.named.as_ref().filter(|named| Some(*named) != own);
        let mut own_is_done = None;
        if let Some(session) = own {
            match &self.own {
                None => return self.ask_own(session, attempt),
                Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => {
                    return Finding::OtherLogin;
                }
                Some(Standing::Authorized { request_id, last_refresh_ms, .. }) => {
                    return of_session(session, request_id.as_ref(), *last_refresh_ms);
                }
                Some(Standing::Done) => own_is_done = Some(session),
                Some(standing @ (Standing::Waiting | Standing::Working)) => {
                    return self.younger(named, standing, connection, attempt);
                }
                Some(Standing::Later { code }) => return Finding::Later(code.clone()),
                Some(Standing::Trouble { trouble }) => return Finding::Trouble(*trouble),
                Some(Standing::Over | Standing::Refused { .. }) => {}
            }
        }
        if let (Some(session), None) = (named, own_is_done) {
            match &self.other {
                None => return ask(session),
                Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => {
                    return Finding::OtherLogin;
                }
                Some(Standing::Authorized { request_id, last_refresh_ms, .. })
                    if is_later(*last_refresh_ms, attempt) =>
                {
                    return of_session(session, request_id.as_ref(), *last_refresh_ms);
                }
                Some(Standing::Waiting) => return Finding::Waiting,
                Some(Standing::Working) => return Finding::Working,
                Some(Standing::Later { code }) => return Finding::Later(code.clone()),
                Some(Standing::Trouble { trouble }) => return Finding::Trouble(*trouble),
                // An older session of this login, or one that does not say whose it is: the login's own data has to show it.
                Some(Standing::Authorized { .. } | Standing::Done | Standing::Over | Standing::Refused { .. }) => {}
            }
        }
        let Some(cached) = &self.cached else {
            return Finding::Ask(Target::Login, Call::Cached { login_id: connection.login_id.clone() });
        };
        let session = attempt.request_id.as_ref().or(named);
        match (cached, own_is_done) {
            (Cached::Has { login_id, .. }, _) if *login_id != connection.login_id => Finding::OtherLogin,
            (Cached::Has { request_id: Some(cached), last_refresh_ms, .. }, _)
                if is_later(*last_refresh_ms, attempt) =>
            {
                let session = session.unwrap_or(cached).clone();
                Finding::Finished(Finished { session, data: cached.clone(), refreshed_at_ms: *last_refresh_ms })
            }
            // Our own call began this session with the connection's login, and Flinks says that it is authorised: the data is
            // still being aggregated.
            (Cached::Has { .. } | Cached::Working | Cached::Stale, Some(own)) => {
                Finding::Finished(Finished { session: own.clone(), data: own.clone(), refreshed_at_ms: None })
            }
            (Cached::Later { code }, _) => Finding::Unsure(code.clone()),
            (Cached::Trouble { trouble }, _) => Finding::Trouble(*trouble),
            (Cached::Working, None) => Finding::Working,
            (Cached::Has { .. } | Cached::Stale, None) => match (&self.own, &self.other) {
                (_, Some(Standing::Refused { code })) | (Some(Standing::Refused { code }), None) => {
                    Finding::Refused(code.clone())
                }
                _ => Finding::Over,
            },
        }
    }

    /// The attempt's own session waits. The user may have left it for the full flow in the same frame: then the delivery names a
    /// session that brought data later than the attempt began.
    fn younger(
        &self,
        named: Option<&RequestId>,
        own: &Standing,
        connection: &Connection,
        attempt: &Attempt,
    ) -> Finding {
        let waiting = if *own == Standing::Working { Finding::Working } else { Finding::Waiting };
        let Some(named) = named else { return waiting };
        match &self.other {
            None => ask(named),
            Some(Standing::Authorized { login_id, .. }) if *login_id != connection.login_id => Finding::OtherLogin,
            Some(Standing::Authorized { request_id, last_refresh_ms, .. }) if is_later(*last_refresh_ms, attempt) => {
                of_session(named, request_id.as_ref(), *last_refresh_ms)
            }
            Some(Standing::Trouble { trouble }) => Finding::Trouble(*trouble),
            Some(_) => waiting,
        }
    }

    fn ask_own(&self, session: &RequestId, attempt: &Attempt) -> Finding {
        let request_id = session.clone();
        match &attempt.token {
            Some(token) if !self.own_token_refused => {
                Finding::Ask(Target::OwnWithItsToken, Call::Session { request_id, with: With::Own(token.clone()) })
            }
            _ => Finding::Ask(Target::Own, Call::Session { request_id, with: With::Fresh }),
        }
    }

    /// The same, with a question on its way.
    pub(crate) fn asking(&self, target: Target) -> Self {
        Self { asking: Some(target), ..self.clone() }
    }

    /// Takes the answer to that question.
    pub(crate) fn hear(&mut self, answer: Answer) {
        match self.asking.take() {
            Some(Target::OwnWithItsToken) if is_token_refused(&answer) => self.own_token_refused = true,
            Some(Target::OwnWithItsToken | Target::Own) => self.own = Some(standing(answer)),
            Some(Target::Named) => self.other = Some(standing(answer)),
            Some(Target::Login) => self.cached = Some(cached(answer)),
            None => {}
        }
    }
}

fn ask(session: &RequestId) -> Finding {
    Finding::Ask(Target::Named, Call::Session { request_id: session.clone(), with: With::Fresh })
}

/// Of two names of one session, the answer's is the one to ask for data with.
fn of_session(session: &RequestId, answered: Option<&RequestId>, refreshed_at_ms: Option<i64>) -> Finding {
    let data = answered.unwrap_or(session).clone();
    Finding::Finished(Finished { session: session.clone(), data, refreshed_at_ms })
}

/// Whether data of that age is the attempt's.
pub(crate) fn is_later(last_refresh_ms: Option<i64>, attempt: &Attempt) -> bool {
    last_refresh_ms.is_some_and(|last_refresh| last_refresh > attempt.baseline_ms)
}

fn is_token_refused(answer: &Answer) -> bool {
    match answer {
        Answer::Code { code, meaning } => *meaning == Meaning::Token || code == "UNAUTHORIZED",
        Answer::Failed { trouble, .. } => *trouble == Trouble::KeysRefused,
        _ => false,
    }
}

fn standing(answer: Answer) -> Standing {
    match answer {
        Answer::Authorized { login_id, request_id, last_refresh_ms } => {
            Standing::Authorized { login_id, request_id, last_refresh_ms }
        }
        Answer::Challenge { .. } => Standing::Waiting,
        Answer::Working { .. } => Standing::Working,
        Answer::Code { code, meaning } => match meaning {
            Meaning::Done => Standing::Done,
            Meaning::Waiting => Standing::Waiting,
            Meaning::Over => Standing::Over,
            Meaning::Refused => Standing::Refused { code },
            Meaning::Token | Meaning::Keys => Standing::Trouble { trouble: Trouble::KeysRefused },
            _ => Standing::Later { code },
        },
        Answer::Failed { trouble, .. } => Standing::Trouble { trouble },
        Answer::Token { .. } | Answer::Data { .. } | Answer::Nightly { .. } => {
            Standing::Trouble { trouble: Trouble::Unreadable }
        }
    }
}

fn cached(answer: Answer) -> Cached {
    match answer {
        Answer::Authorized { login_id, request_id, last_refresh_ms } => {
            Cached::Has { login_id, request_id, last_refresh_ms }
        }
        Answer::Challenge { .. } => Cached::Stale,
        Answer::Working { .. } => Cached::Working,
        Answer::Code { code, meaning } => match meaning {
            Meaning::Token | Meaning::Keys => Cached::Trouble { trouble: Trouble::KeysRefused },
            Meaning::Later => Cached::Later { code },
            _ => Cached::Stale,
        },
        Answer::Failed { trouble, .. } => Cached::Trouble { trouble },
        Answer::Token { .. } | Answer::Data { .. } | Answer::Nightly { .. } => {
            Cached::Trouble { trouble: Trouble::Unreadable }
        }
    }
}
