//! Authorize: opening a session, answering for it, asking how it stands.
//!
//! Invariants: a session is opened in one of three ways (a stored login live, a stored login cached, credentials) and moves on in
//! one (the right answer to the pending question). Asking never moves it.

use std::collections::BTreeMap;

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{LoginId, RequestId};
use flinks_connect::parameters::Language;

use super::State;
use super::login::{Identity, Login};
use super::session::{Background, Ending, Freshness, Phase, Saving, Session, Wants};
use crate::bank::institution::{self, Institution};
use crate::bank::question::{self, Question};
use crate::bank::user::{self, Behaviour};
use crate::faults::{OauthConsent, Questions};

/// How long a call of Authorize waits for a bank, as documented. Then the answer is a 202.
pub const BANK_LIMIT_MS: u64 = 210_000;

/// What an Authorize call asks for.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Fresh data of a stored login.
    Refresh(Refresh),
    /// The stored data of a stored login.
    Reuse {
        /// Which login.
        login: LoginId,
        /// The host's mark.
        tag: Option<String>,
    },
    /// A sign-in with credentials.
    SignIn(SignIn),
    /// Answers to a session's questions.
    Answer {
        /// Which session.
        session: RequestId,
        /// Answers by prompt; a challenge may have several.
        answers: BTreeMap<String, Vec<String>>,
    },
    /// How a session stands.
    Probe {
        /// Which session.
        session: RequestId,
    },
}

impl Wish {
    /// Whether it needs the bank at all, and whether the answer waits for it.
    #[must_use]
    pub fn bank_pace(&self) -> Option<Pace> {
        match self {
            Self::Refresh(Refresh { pace, .. }) | Self::SignIn(SignIn { pace, .. }) => Some(*pace),
            Self::Answer { .. } => Some(Pace::Wait),
            Self::Reuse { .. } | Self::Probe { .. } => None,
        }
    }
}

/// When Flinks took a call, and when the bank is done with it.
#[derive(Clone, Copy, Debug)]
struct Span {
    begun_ms: u64,
    done_ms: u64,
}

impl Span {
    fn is_over_limit(self) -> bool {
        self.done_ms - self.begun_ms > BANK_LIMIT_MS
    }

    /// What goes on until the bank is done; nothing, if it takes no time.
    fn work(self) -> Option<Background> {
        let work = Background { until_ms: self.done_ms, code: code::OPERATION_DISPATCHED };
        (self.done_ms > self.begun_ms).then_some(work)
    }
}

/// A live refresh of a stored login.
#[derive(Clone, Debug)]
pub struct Refresh {
    /// Which login.
    pub login: LoginId,
    /// Whether Connect may resume it.
    pub saving: Saving,
    /// The host's mark.
    pub tag: Option<String>,
    /// Whether the call waits for the bank.
    pub pace: Pace,
}

/// A sign-in with credentials.
#[derive(Clone)]
pub struct SignIn {
    /// Name or id of the bank.
    pub institution: String,
    /// The user name at the bank.
    pub username: String,
    /// The password at the bank.
    pub password: String,
    /// The language of the bank's questions.
    pub language: Language,
    /// Whether the login is stored.
    pub saving: Saving,
    /// The host's mark.
    pub tag: Option<String>,
    /// Whether Nightly Refresh is to be on.
    pub schedules_refresh: bool,
    /// Whether the call waits for the bank.
    pub pace: Pace,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SignIn").field("institution", &self.institution).finish_non_exhaustive()
    }
}

/// A sign-in in the bank's own window.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The bank.
    pub institution: &'static Institution,
    /// The page's language.
    pub language: Language,
    /// The host's mark.
    pub tag: Option<String>,
    /// Whether Nightly Refresh is to be on.
    pub schedules_refresh: bool,
}

/// Authorize waits for the bank; `AuthorizeAsync` answers 202 at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// `Authorize`.
    Wait,
    /// `AuthorizeAsync`.
    Background,
}

/// How a session stands after an Authorize call.
#[derive(Clone, Debug)]
pub enum Standing {
    /// 200: authorised.
    Authorized(Box<Session>),
    /// 203: the bank asks.
    Asking(Box<Session>),
    /// 202: work goes on in the background.
    Working(FlinksCode, Box<Session>),
    /// An error code.
    Refused(Refusal),
}

/// An error reply.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub code: FlinksCode,
    /// The session it is about, when there is one.
    pub session: Option<RequestId>,
    /// The bank it is about, when there is one.
    pub institution: Option<&'static str>,
}

impl Refusal {
    /// An error about no session.
    #[must_use]
    pub fn plain(code: FlinksCode) -> Self {
        Self { code, session: None, institution: None }
    }

    fn of(code: FlinksCode, session: &Session) -> Self {
        Self { code, session: Some(session.id.clone()), institution: Some(session.identity.institution.name) }
    }
}

impl Standing {
    /// The session it is about, when there is one.
    #[must_use]
    pub fn session(&self) -> Option<&RequestId> {
        match self {
            Self::Authorized(session) | Self::Asking(session) | Self::Working(_, session) => Some(&session.id),
            Self::Refused(refusal) => refusal.session.as_ref(),
        }
    }
}

impl State {
    /// Carries out an Authorize call whose token was accepted, at a bank that takes no time.
    pub fn authorize(&mut self, now_ms: u64, wish: Wish) -> Standing {
        self.authorize_slowly(now_ms, 0, wish)
    }

    /// The same at a bank that takes so long. All of it happens now, with the date it has when the bank is done; until then the session is
    /// at work. The standing is the one to answer with when the bank is done, or has taken [`BANK_LIMIT_MS`].
    pub fn authorize_slowly(&mut self, now_ms: u64, bank_ms: u64, wish: Wish) -> Standing {
        self.expire(now_ms);
        let bank = Span { begun_ms: now_ms, done_ms: now_ms + bank_ms };
        match wish {
            Wish::Refresh(refresh) => self.refresh(bank, refresh),
            Wish::Reuse { login, tag } => self.reuse(now_ms, &login, tag),
            Wish::SignIn(sign_in) => self.sign_in(bank, sign_in),
            Wish::Answer { session, answers } => self.answer(bank, &session, answers),
            Wish::Probe { session } => self.probe(now_ms, &session),
        }
    }

    fn refresh(&mut self, bank: Span, wish: Refresh) -> Standing {
        let now_ms = bank.done_ms;
        let Some(login) = self.logins.get_mut(&wish.login) else {
            return Standing::Refused(Refusal::plain(code::INVALID_LOGIN));
        };
        login.last_asked_ms = bank.begun_ms;
        let mut session = Session::live(login.identity.clone(), wish.saving, wish.tag, now_ms);
        let is_consent_over =
            session.identity.institution.is_oauth && self.faults.oauth_consent == OauthConsent::Refused;
        let refusal = self.faults.bank_refusal().or(is_consent_over.then_some(code::ACCESS_DENIED));
        if let Some(code) = refusal {
            login.last_failure = Some(code);
            return Standing::Refused(Refusal::of(code, &session));
        }
        let challenges = self.faults.challenges;
        let answered = match self.faults.bank_questions {
            Questions::Asked => challenges.rounds_saved_by(login.answered_ahead()),
            Questions::Skipped => challenges.rounds(),
        };
        session.answer_rounds(challenges, answered, now_ms);
        if session.identity.institution.is_oauth && self.faults.oauth_consent == OauthConsent::Asked {
            session.wants = Wants::Consent;
            session.phase = Phase::Asking { answered: 0, wrong_in_a_row: 0 };
        }
        self.open(bank, session, wish.pace)
    }

    /// A user whose bank vouches for them itself: no credentials, no questions.
    pub fn approved(&mut self, now_ms: u64, approval: Approval) -> Standing {
        let Some(user) = user::find(user::WITHOUT_QUESTIONS) else {
            return Standing::Refused(Refusal::plain(code::INVALID_LOGIN));
        };
        if let Some(code) = self.faults.bank_refusal() {
            return Standing::Refused(Refusal { code, session: None, institution: Some(approval.institution.name) });
        }
        let identity = Identity::of(approval.institution, user, approval.language);
        let mut session = Session::live(identity, Saving::Keep, approval.tag, now_ms);
        session.schedules_refresh = approval.schedules_refresh;
        self.open(Span { begun_ms: now_ms, done_ms: now_ms }, session, Pace::Wait)
    }

    /// The user has consented anew, at the bank of a session that waits for it. `None` when no session does.
    pub fn consented(&mut self, now_ms: u64, id: &RequestId) -> Option<Standing> {
        let session = self.sessions.get_mut(id)?;
        if session.wants != Wants::Consent || !matches!(session.phase, Phase::Asking { .. }) {
            return None;
        }
        if let Some(code) = self.faults.bank_refusal() {
            return Some(Standing::Refused(Refusal::of(code, session)));
        }
        session.phase = Phase::Authorized { since_ms: now_ms };
        let session = session.clone();
        self.verified(now_ms, &session);
        Some(stand(now_ms, &session))
    }

    fn reuse(&mut self, now_ms: u64, login: &LoginId, tag: Option<String>) -> Standing {
        let Some(login) = self.logins.get_mut(login) else {
            return Standing::Refused(Refusal::plain(code::INVALID_LOGIN));
        };
        login.last_asked_ms = now_ms;
        let as_of_ms = login.last_refresh_ms.unwrap_or(now_ms);
        let mut session = Session::cached(login.identity.clone(), as_of_ms, tag, now_ms);
        let failure = login.last_failure;
        let until_ms = as_of_ms + self.faults.aggregation_ms;
        if failure.is_none() && now_ms < until_ms {
            let work = Background { until_ms, code: code::OPERATION_PENDING };
            session.background = Some(work);
            self.sessions.insert(session.clone());
            return Standing::Working(work.code, Box::new(session));
        }
        let standing = match failure {
            // The failure of the last live attempt is repeated, yet the session is good for the stored data.
            Some(failure) => Standing::Refused(Refusal::of(failure, &session)),
            None => Standing::Authorized(Box::new(session.clone())),
        };
        self.sessions.insert(session);
        standing
    }

    fn sign_in(&mut self, span: Span, wish: SignIn) -> Standing {
        let Some(bank) = institution::find(&wish.institution) else {
            return Standing::Refused(Refusal::plain(code::INVALID_REQUEST));
        };
        let refuse = |code| {
            // A failed sign-in has an id as well; it is good for nothing.
            let session = Some(super::mint(RequestId::parse));
            Standing::Refused(Refusal { code, session, institution: Some(bank.name) })
        };
        let Some(user) = user::find(&wish.username) else { return refuse(code::INVALID_USERNAME) };
        if !user::accepts(user, &wish.password) {
            return refuse(code::INVALID_PASSWORD);
        }
        if let Behaviour::Refuses(code) = user.behaviour {
            return refuse(code);
        }
        if let Some(code) = self.faults.bank_refusal() {
            return refuse(code);
        }
        if bank.is_oauth {
            // It signs its users in itself and takes no credentials from anybody else.
            return refuse(code::INVALID_REQUEST);
        }
        let identity = Identity::of(bank, user, wish.language);
        let mut session = Session::live(identity, wish.saving, wish.tag, span.done_ms);
        session.answer_rounds(self.faults.challenges, 0, span.done_ms);
        session.schedules_refresh = wish.schedules_refresh;
        self.open(span, session, wish.pace)
    }

    fn open(&mut self, bank: Span, mut session: Session, pace: Pace) -> Standing {
        let until_ms = bank.done_ms + self.settings.processing_ms;
        let dawdles = matches!(session.identity.user.behaviour, Behaviour::Dawdles);
        session.background = match pace {
            Pace::Wait if dawdles => Some(Background { until_ms, code: code::OPERATION_DISPATCHED }),
            Pace::Wait => bank.work(),
            Pace::Background => Some(Background { until_ms, code: code::OPERATION_PENDING }),
        };
        if matches!(session.phase, Phase::Authorized { .. }) {
            self.verified(bank.done_ms, &session);
        }
        let waits_to_the_end = pace == Pace::Wait && !dawdles && !bank.is_over_limit();
        let standing = match session.background.map(|work| work.code) {
            // 202 even when nothing takes any time: the call that starts the work never brings its result.
            Some(code) if !waits_to_the_end => Standing::Working(code, Box::new(session.clone())),
            _ => stand(bank.done_ms, &session),
        };
        self.sessions.insert(session);
        standing
    }

    fn probe(&mut self, now_ms: u64, id: &RequestId) -> Standing {
        match self.sessions.get_mut(id) {
            None => Standing::Refused(Refusal::plain(code::SESSION_NONEXISTENT)),
            Some(session) => {
                session.touch(now_ms);
                match session.phase {
                    Phase::Authorized { since_ms } if now_ms < since_ms + self.faults.aggregation_ms => {
                        Standing::Refused(Refusal::of(code::ALREADY_AUTHORIZED, session))
                    }
                    _ => stand(now_ms, session),
                }
            }
        }
    }

    fn answer(&mut self, bank: Span, id: &RequestId, mut answers: BTreeMap<String, Vec<String>>) -> Standing {
        let now_ms = bank.done_ms;
        let Some(session) = self.sessions.get_mut(id) else {
            return Standing::Refused(Refusal::plain(code::SESSION_NONEXISTENT));
        };
        session.touch(now_ms);
        if matches!(session.phase, Phase::Authorized { .. }) {
            return Standing::Refused(Refusal::of(code::ALREADY_AUTHORIZED, session));
        }
        if let Some(code) = self.faults.bank_refusal() {
            return Standing::Refused(Refusal::of(code, session));
        }
        let is_empty = answers.is_empty();
        let mut answered_one = false;
        loop {
            let language = session.identity.language;
            let round = session.pending_round();
            // Each answer counts once: a bank that asks the same again wants another.
            let given: Vec<_> = round.iter().map(|question| answers.remove(question.prompt(language))).collect();
            if given.iter().all(Option::is_none) {
                break;
            }
            let given: Vec<_> = given.into_iter().map(Option::unwrap_or_default).collect();
            answered_one = true;
            match take_answers(session, round, &given, now_ms) {
                Verdict::Right => {}
                Verdict::Wrong(code) => {
                    let refusal = Refusal::of(code, session);
                    let login = session.identity.login_id.clone();
                    if code.name == code::INVALID_SECURITY_RESPONSE_NO_RETRY.name {
                        self.refused_at_questions(&login);
                    }
                    return Standing::Refused(refusal);
                }
            }
        }
        if matches!(session.phase, Phase::Asking { .. }) && !answered_one {
            let code = if is_empty { code::SECURITYRESPONSES_INCOMPLETE } else { code::UNKNOWN_CHALLENGE_KEY };
            return Standing::Refused(Refusal::of(code, session));
        }
        if let Some(work) = bank.work() {
            session.background = Some(work);
        }
        let session = session.clone();
        if answered_one && matches!(session.phase, Phase::Authorized { .. }) {
            self.verified(now_ms, &session);
        }
        stand(if bank.is_over_limit() { bank.begun_ms } else { now_ms }, &session)
    }

    /// Somebody got in: the login is stored or refreshed, if it may be kept.
    fn verified(&mut self, now_ms: u64, session: &Session) {
        if session.saving == Saving::Keep && session.freshness == Freshness::Live {
            self.logins.verified(&session.identity, now_ms);
            if session.schedules_refresh {
                self.schedule_refresh(&session.identity.login_id, Schedule::On);
            }
        }
    }

    fn refused_at_questions(&mut self, login: &LoginId) {
        if let Some(login) = self.logins.get_mut(login) {
            login.last_failure = Some(code::INVALID_SECURITY_RESPONSE_NO_RETRY);
        }
    }

    /// Switches Nightly Refresh; the login it was switched for, `None` when there is none.
    pub fn schedule_refresh(&mut self, login: &LoginId, schedule: Schedule) -> Option<&Login> {
        let login = self.logins.get_mut(login)?;
        login.is_scheduled_refresh = schedule == Schedule::On;
        Some(login)
    }

    /// Deletes a login with all its sessions.
    pub fn delete_login(&mut self, now_ms: u64, login: &LoginId) -> Result<(), FlinksCode> {
        self.expire(now_ms);
        if self.sessions.is_login_in_use(login, now_ms) {
            return Err(code::CARD_IN_USE);
        }
        self.logins.remove(login).ok_or(code::SESSION_NONEXISTENT)?;
        self.keep_silent_about(login);
        self.sessions.end_all_of(login);
        Ok(())
    }
}

/// Whether Nightly Refresh is to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// On.
    On,
    /// Off.
    Off,
}

enum Verdict {
    Right,
    Wrong(FlinksCode),
}

/// A round is answered as a whole, or not at all.
fn take_answers(session: &mut Session, round: &[Question], given: &[Vec<String>], now_ms: u64) -> Verdict {
    let (Phase::Asking { answered, wrong_in_a_row }, Wants::Answers(challenges)) = (&session.phase, session.wants)
    else {
        return Verdict::Right;
    };
    let (answered, wrong_in_a_row) = (*answered, *wrong_in_a_row);
    let is_blank = |texts: &Vec<String>| texts.iter().all(|text| text.trim().is_empty());
    if given.iter().any(is_blank) {
        return Verdict::Wrong(code::SECURITYRESPONSES_INCOMPLETE);
    }
    if !round.iter().zip(given).all(|(question, texts)| question.is_answered_by(texts)) {
        let wrong_in_a_row = wrong_in_a_row + 1;
        if wrong_in_a_row >= question::MAX_WRONG_ANSWERS {
            session.phase = Phase::Over(Ending::Refused);
            return Verdict::Wrong(code::INVALID_SECURITY_RESPONSE_NO_RETRY);
        }
        session.phase = Phase::Asking { answered, wrong_in_a_row };
        return Verdict::Wrong(code::INVALID_SECURITY_RESPONSE);
    }
    session.answer_rounds(challenges, answered + 1, now_ms);
    Verdict::Right
}

fn stand(now_ms: u64, session: &Session) -> Standing {
    if let (Some(code), false) = (session.busy_at(now_ms), matches!(session.phase, Phase::Over(_))) {
        return Standing::Working(code, Box::new(session.clone()));
    }
    match &session.phase {
        Phase::Asking { .. } => Standing::Asking(Box::new(session.clone())),
        Phase::Authorized { .. } => Standing::Authorized(Box::new(session.clone())),
        // Whatever ended it, Authorize knows it no more.
        Phase::Over(_) => Standing::Refused(Refusal::plain(code::SESSION_NONEXISTENT)),
    }
}
