//! One open Connect page, from load to REDIRECT.
//!
//! Invariants: the page reports what the user did and gets the next screen with the events to post; an action that does not fit the
//! screen (a double click, a page left open) changes nothing and posts nothing; nothing is posted after REDIRECT, nor after an end
//! the user cannot repair. A reconnect never shows consent, bank list or credentials.

use std::collections::BTreeMap;

use flinks_connect::code::{self, FlinksCode, Severity};
use flinks_connect::id::{AccountId, RequestId};
use flinks_connect::{parameters, step};
use serde_json::{Value, json};

use super::action::{Action, Audience};
use super::event::{Event, Posted};
use super::launch::{DEMO_OUTBOUND, Launch, OAUTH_WINDOW_REDIRECT, TERMS_NO_CHECKBOX};
use super::redirect::{self, Navigation};
use super::screen::{Challenge, Choice, Remedy, Screen, Terms, Window};
use crate::bank::account;
use crate::bank::institution::{self, FLINKS_CAPITAL, Institution, OAUTH_BANK};
use crate::entropy;
use crate::faults::{ExpiredSession, PageFault, PageToken, RefusedLogin};
use crate::log::Happening;
use crate::state::State;
use crate::state::authorize::{Approval, Pace, SignIn, Standing, Wish};
use crate::state::session::{Ending, Phase, Saving, Session, Wants};
use crate::state::token::Purpose;

/// Names a page towards the sandbox.
pub type VisitId = uuid::Uuid;

/// What the page does next.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The screen to show.
    pub screen: Screen,
    /// The events to post, in this order.
    pub events: Vec<Posted>,
    /// Where to go once they are posted.
    pub navigation: Option<Navigation>,
    /// What to post when the browser loses its network: the page cannot ask then.
    pub offline: Option<Posted>,
}

/// Where the user is.
#[derive(Clone, Debug)]
enum Stage {
    Consent,
    Banks,
    Credentials(&'static Institution),
    CredentialsFailed(&'static Institution),
    Oauth(&'static Institution),
    OauthOpen(&'static Institution),
    OauthFailed(&'static Institution),
    Answering(RequestId),
    AnswerFailed(RequestId),
    Picking(RequestId),
    Ended,
}

impl Stage {
    fn session(&self) -> Option<&RequestId> {
        match self {
            Self::Answering(session) | Self::AnswerFailed(session) | Self::Picking(session) => Some(session),
            _ => None,
        }
    }

    fn bank(&self) -> Option<&'static Institution> {
        match self {
            Self::Credentials(bank)
            | Self::CredentialsFailed(bank)
            | Self::Oauth(bank)
            | Self::OauthOpen(bank)
            | Self::OauthFailed(bank) => Some(bank),
            _ => None,
        }
    }
}

/// One open page.
#[derive(Clone, Debug)]
pub struct Visit {
    launch: Launch,
    audience: Audience,
    stage: Stage,
    screen: Screen,
    /// Whether the box of the terms is ticked.
    accepts_terms: bool,
    /// The session that waits for consent in the bank's own window; none where that window makes a new connection.
    consenting: Option<RequestId>,
    /// What the user said in the bank's own window.
    decision: Option<Decision>,
    /// Whether nothing it posts may arrive.
    is_mute: bool,
    navigation: Option<Navigation>,
    last_seen_ms: u64,
}

/// What the user says in the bank's own window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Share my data.
    Approve,
    /// Do not.
    Decline,
}

/// Loads a page.
pub fn open(state: &mut State, now_ms: u64, launch: Launch, audience: Audience) -> (VisitId, Turn) {
    state.expire(now_ms);
    let audience = if launch.is_on(parameters::WEBVIEW) { Audience::Native } else { audience };
    let mut visit = Visit {
        launch,
        audience,
        stage: Stage::Ended,
        screen: Screen::Silent,
        accepts_terms: false,
        consenting: None,
        decision: None,
        is_mute: false,
        navigation: None,
        last_seen_ms: now_ms,
    };
    let events = visit.load(state, now_ms);
    let id: VisitId = entropy::uuid();
    let opened = Happening::PageOpened {
        visit: id.to_string(),
        path: visit.launch.path().to_owned(),
        parameters: visit.launch.parameters_without_secrets(),
        screen: visit.screen.name(),
    };
    state.log.write(now_ms, opened);
    (id, visit.finish_turn(state, now_ms, id, events))
}

/// Carries out what the user did; `None` when there is no such page (any more).
pub fn act(state: &mut State, now_ms: u64, id: VisitId, action: Action) -> Option<Turn> {
    state.expire(now_ms);
    let mut visit = state.take_visit(&id)?;
    visit.last_seen_ms = now_ms;
    if let Some(session) =
        visit.stage.session().or(visit.consenting.as_ref()).and_then(|session| state.sessions.get_mut(session))
    {
        session.touch(now_ms);
    }
    let name = action.name();
    let is_question = matches!(action, Action::CheckPopup);
    let before = visit.screen.name();
    if matches!(action, Action::Online) {
        visit.record(state, now_ms, id, visit.offline().as_slice());
    }
    let events = visit.carry_out(state, now_ms, action);
    // The page asks several times a second; only the last time is worth a line.
    if !is_question || before != visit.screen.name() {
        let done = Happening::PageAction { visit: id.to_string(), action: name, screen: visit.screen.name() };
        state.log.write(now_ms, done);
    }
    Some(visit.finish_turn(state, now_ms, id, events))
}

/// The user has decided in the bank's own window. Gives the bank and, when that window took the page's place, where it goes on;
/// `None` when no page waits for it.
pub fn decide(
    state: &mut State,
    now_ms: u64,
    id: VisitId,
    decision: Decision,
) -> Option<(&'static str, Option<String>)> {
    state.expire(now_ms);
    let mut visit = state.take_visit(&id)?;
    let Stage::OauthOpen(bank) = visit.stage else {
        state.keep_visit(id, visit);
        return None;
    };
    visit.last_seen_ms = now_ms;
    visit.decision = Some(decision);
    let action = match decision {
        Decision::Approve => "approve",
        Decision::Decline => "decline",
    };
    let url = if visit.launch.is_on(OAUTH_WINDOW_REDIRECT) {
        // Nobody is left to post to: the page was replaced.
        visit.is_mute = true;
        let events = visit.check_window(state, now_ms, bank);
        drop(events);
        visit.navigation.take().map(|navigation| navigation.url)
    } else {
        None
    };
    state.log.write(now_ms, Happening::PageAction { visit: id.to_string(), action, screen: visit.screen.name() });
    state.keep_visit(id, visit);
    Some((bank.name, url))
}

impl Visit {
    /// When the page last said anything.
    #[must_use]
    pub fn last_seen_ms(&self) -> u64 {
        self.last_seen_ms
    }

    fn finish_turn(mut self, state: &mut State, now_ms: u64, id: VisitId, mut events: Vec<Posted>) -> Turn {
        if self.is_mute {
            events.clear();
        }
        self.record(state, now_ms, id, &events);
        let turn =
            Turn { screen: self.screen.clone(), events, navigation: self.navigation.take(), offline: self.offline() };
        state.keep_visit(id, self);
        turn
    }

    /// Writes to the log what the page posts.
    fn record(&self, state: &mut State, now_ms: u64, id: VisitId, events: &[Posted]) {
        if self.audience == Audience::Nobody {
            return;
        }
        for posted in events {
            let visit = id.to_string();
            let event = Happening::EventPosted { visit, event: posted.data.clone(), delay_ms: posted.delay_ms };
            state.log.write(now_ms, event);
        }
    }

    /// What the page posts when the browser loses its network.
    fn offline(&self) -> Option<Posted> {
        let is_over = matches!(self.stage, Stage::Ended);
        (!is_over && !self.is_mute).then(|| self.post(Event::step(step::APP_OFFLINE)))
    }

    fn load(&mut self, state: &mut State, now_ms: u64) -> Vec<Posted> {
        match self.launch.page_fault().unwrap_or(state.faults.page) {
            PageFault::Silent => return Vec::new(),
            PageFault::NeverPosts => self.is_mute = true,
            // The document itself carries these.
            PageFault::None | PageFault::Http500 | PageFault::FrameDenied => {}
        }
        if let Some(bank) = self.launch.result_of() {
            self.stop(Screen::Success { institution: bank.name });
            return Vec::new();
        }
        let mut events = vec![self.post(Event::step(step::APP_MOUNTED))];
        let token = self.launch.token();
        let is_refused = token.is_some_and(|token| {
            let session = self.launch.request_id().and_then(RequestId::parse);
            let is_own = session.as_ref().is_some_and(|session| state.tokens.began_with(token, session));
            let is_taken = match (state.faults.page_token, session) {
                (PageToken::Own, Some(_)) => is_own,
                (PageToken::Any, _) if is_own => true,
                _ => state.tokens.spend(now_ms, token, Purpose::Begin).is_ok(),
            };
            !is_taken || state.faults.take_expired_page_token()
        });
        if is_refused {
            self.stop(Screen::Error { code: step::TOKEN_INVALID, remedy: Remedy::None });
            events.push(self.post(Event::step(step::TOKEN_INVALID)));
            return events;
        }
        let request_id = self.launch.request_id().map(str::to_owned);
        events.extend(match request_id {
            Some(id) => self.resume(state, now_ms, &id),
            None if self.launch.is_on(parameters::CONSENT_ENABLE) => self.ask_consent(),
            None => self.begin_full_flow(),
        });
        events
    }

    fn carry_out(&mut self, state: &mut State, now_ms: u64, action: Action) -> Vec<Posted> {
        match (self.stage.clone(), action) {
            (_, Action::Close) => self.close(state),
            (Stage::Ended, Action::Resize { .. } | Action::Online) => Vec::new(),
            (_, Action::Resize { width, height }) => {
                vec![self.post(Event::step(step::APP_RESIZE).with("width", width).with("height", height))]
            }
            (_, Action::Online) => vec![self.post(Event::step(step::APP_ONLINE))],
            (Stage::Consent, Action::AcceptConsent) => {
                let mut events = vec![self.post(Event::step(step::COMPONENT_ACCEPT_CONSENT))];
                events.extend(self.begin_full_flow());
                events
            }
            (Stage::Consent, Action::DenyConsent) => {
                self.stop(Screen::Error { code: step::COMPONENT_DENY_CONSENT, remedy: Remedy::None });
                vec![self.post(Event::step(step::COMPONENT_DENY_CONSENT))]
            }
            (Stage::Banks, Action::PickInstitution { id }) => {
                match self.listed().into_iter().find(|bank| bank.id == id) {
                    None => Vec::new(),
                    Some(bank) => {
                        let picked = Event::step(step::INSTITUTION_SELECTED).with("institution", bank.name);
                        let mut events = vec![self.post(picked)];
                        events.extend(self.ask_credentials(bank));
                        events
                    }
                }
            }
            (
                Stage::Credentials(_)
                | Stage::CredentialsFailed(_)
                | Stage::Oauth(_)
                | Stage::OauthOpen(_)
                | Stage::OauthFailed(_),
                Action::Back,
            ) => self.list_banks(),
            (Stage::Credentials(bank), Action::Terms { accepted }) => self.tick_terms(bank, accepted),
            (Stage::Credentials(_), Action::ReadTerms) if self.launch.terms_url().is_some() => {
                vec![self.post(Event::step(step::COMPONENT_CLICK_TERMS_URL))]
            }
            (Stage::Credentials(_), Action::ResetPassword) => {
                vec![self.post(Event::step(step::COMPONENT_CLICK_RESET_PASSWORD))]
            }
            (Stage::Answering(_), Action::Help) => vec![self.post(Event::step(step::COMPONENT_HELP2FA_INFO))],
            (Stage::Answering(_), Action::Troubleshoot) => {
                vec![self.post(Event::step(step::COMPONENT_HELP2FA_TROUBLESHOOTING))]
            }
            // Again, too: the user may have closed the window undecided.
            (Stage::Oauth(bank) | Stage::OauthOpen(bank), Action::PopupOpened) => {
                self.open_window(bank, Window::Open);
                vec![self.post(Event::step(step::POPUP_OPENED))]
            }
            (Stage::Oauth(bank), Action::PopupBlocked) => {
                self.screen = Screen::Oauth { institution: bank.name, window: Window::Blocked };
                vec![self.post(Event::step(step::POPUP_BLOCKED))]
            }
            (Stage::Oauth(bank), Action::LeaveForBank) if self.launch.is_on(OAUTH_WINDOW_REDIRECT) => {
                self.open_window(bank, Window::Replacing);
                Vec::new()
            }
            (Stage::OauthOpen(bank), Action::CheckPopup) => self.check_window(state, now_ms, bank),
            (Stage::OauthFailed(bank), Action::Retry) => {
                self.ask_in_window(bank);
                Vec::new()
            }
            (Stage::Credentials(bank), Action::SubmitCredentials { username, password }) => {
                self.sign_in(state, now_ms, bank, username, password)
            }
            (Stage::CredentialsFailed(bank), Action::Retry) => {
                self.show_credentials(bank);
                vec![self.post(Event::step(step::COMPONENT_LOAD_CREDENTIAL_RETRY))]
            }
            (Stage::Answering(session), Action::SubmitAnswers { answers }) => {
                self.answer(state, now_ms, &session, answers)
            }
            (Stage::AnswerFailed(session), Action::Retry) => self.ask_again(state, now_ms, &session),
            (Stage::Picking(session), Action::PickAccounts { ids }) => self.pick(state, now_ms, &session, &ids),
            // Late or doubled: the screen it belonged to is gone.
            _ => Vec::new(),
        }
    }

    // The ways in.

    fn resume(&mut self, state: &mut State, now_ms: u64, id: &str) -> Vec<Posted> {
        let Some(id) = RequestId::parse(id) else { return self.miss(state, code::SESSION_NONEXISTENT) };
        let accounts = self.launch.resumed_accounts();
        let tag = self.launch.tag().map(str::to_owned);
        match state.sessions.get_mut(&id) {
            // Connect can only resume what Flinks was asked to save.
            Some(session) if session.saving == Saving::Keep && !matches!(session.phase, Phase::Over(_)) => {
                session.touch(now_ms);
                session.background = None;
                if !accounts.is_empty() {
                    session.filter = Some(accounts);
                }
                if tag.is_some() {
                    session.tag = tag;
                }
            }
            _ => {}
        }
        match state.sessions.get(&id).cloned() {
            Some(Session { saving: Saving::Keep, phase: Phase::Over(ending), .. }) => {
                self.miss(state, ending_code(&ending))
            }
            Some(session) if session.saving == Saving::Keep => {
                let is_asking = matches!(session.phase, Phase::Asking { .. });
                let mut events =
                    if is_asking { redirect::forged(&self.launch, &state.faults, &session) } else { Vec::new() };
                events.extend(self.go_on(state, now_ms, &session));
                events
            }
            _ => self.miss(state, code::SESSION_NONEXISTENT),
        }
    }

    /// There is no such session to come back to.
    fn miss(&mut self, state: &State, code: FlinksCode) -> Vec<Posted> {
        match state.faults.expired_session {
            ExpiredSession::Code => self.end(code),
            ExpiredSession::BankList => self.begin_full_flow(),
            ExpiredSession::Silence => {
                self.stop(Screen::Silent);
                Vec::new()
            }
        }
    }

    fn ask_consent(&mut self) -> Vec<Posted> {
        self.stage = Stage::Consent;
        self.screen = Screen::Consent { customer: self.launch.customer_name().map(str::to_owned) };
        vec![self.post(Event::step(step::COMPONENT_LOAD_CONSENT))]
    }

    fn begin_full_flow(&mut self) -> Vec<Posted> {
        match self.launch.preselected() {
            Some(bank) => self.ask_credentials(bank),
            None => self.list_banks(),
        }
    }

    // The screens on the way.

    fn list_banks(&mut self) -> Vec<Posted> {
        self.stage = Stage::Banks;
        self.consenting = None;
        let search = self.launch.is_on(parameters::INSTITUTION_FILTER_ENABLE);
        self.screen = Screen::Banks { banks: self.listed(), search };
        vec![self.post(Event::step(step::COMPONENT_LOAD_INSTITUTION_SELECTOR).with("cached", false))]
    }

    fn listed(&self) -> Vec<&'static Institution> {
        let (is_demo, is_outbound) = (self.launch.is_on(parameters::DEMO), self.launch.is_on(DEMO_OUTBOUND));
        let is_listed = |bank: &&Institution| match **bank {
            FLINKS_CAPITAL => is_demo,
            OAUTH_BANK => is_outbound,
            _ => true,
        };
        institution::ALL.iter().filter(is_listed).collect()
    }

    fn ask_credentials(&mut self, bank: &'static Institution) -> Vec<Posted> {
        if bank.is_oauth {
            self.ask_in_window(bank);
            return Vec::new();
        }
        self.show_credentials(bank);
        vec![self.post(Event::step(step::COMPONENT_LOAD_CREDENTIAL).with("institution", bank.name))]
    }

    fn show_credentials(&mut self, bank: &'static Institution) {
        self.stage = Stage::Credentials(bank);
        let checkbox = !self.launch.is_on(TERMS_NO_CHECKBOX);
        let terms =
            self.launch.terms_url().map(|url| Terms { url: url.into(), checkbox, accepted: self.accepts_terms });
        self.screen = Screen::Credentials { institution: bank.name, terms };
    }

    fn tick_terms(&mut self, bank: &'static Institution, accepted: bool) -> Vec<Posted> {
        let has_box = self.launch.terms_url().is_some() && !self.launch.is_on(TERMS_NO_CHECKBOX);
        if !has_box || accepted == self.accepts_terms {
            return Vec::new();
        }
        self.accepts_terms = accepted;
        self.show_credentials(bank);
        let name = if accepted { step::COMPONENT_ACCEPT_TERMS } else { step::COMPONENT_DENY_TERMS };
        vec![self.post(Event::step(name))]
    }

    fn ask_in_window(&mut self, bank: &'static Institution) {
        self.stage = Stage::Oauth(bank);
        self.decision = None;
        self.screen = Screen::Oauth { institution: bank.name, window: Window::Closed };
    }

    fn open_window(&mut self, bank: &'static Institution, window: Window) {
        self.stage = Stage::OauthOpen(bank);
        self.screen = Screen::Oauth { institution: bank.name, window };
    }

    /// What became of the bank's own window.
    fn check_window(&mut self, state: &mut State, now_ms: u64, bank: &'static Institution) -> Vec<Posted> {
        let refused = match self.decision.take() {
            None => return Vec::new(),
            Some(Decision::Decline) => code::ACCESS_DENIED,
            Some(Decision::Approve) => {
                let mut events = vec![self.post(Event::step(step::COMPONENT_ACCEPT_PROVIDER_CONSENT))];
                let standing = match self.consenting.clone() {
                    None => state.approved(now_ms, self.approval(bank)),
                    Some(session) => {
                        let Some(standing) = state.consented(now_ms, &session) else {
                            // It is over, or has been consented to elsewhere.
                            events.extend(self.go_on_with(state, now_ms, &session));
                            return events;
                        };
                        standing
                    }
                };
                match standing {
                    Standing::Authorized(session) | Standing::Asking(session) | Standing::Working(_, session) => {
                        events.extend(self.go_on(state, now_ms, &session));
                        return events;
                    }
                    Standing::Refused(refusal) => refusal.code,
                }
            }
        };
        self.stage = Stage::OauthFailed(bank);
        self.screen = Screen::Error { code: refused.name, remedy: Remedy::Retry };
        vec![self.post(Event::code(refused))]
    }

    fn approval(&self, bank: &'static Institution) -> Approval {
        Approval {
            institution: bank,
            language: self.launch.language(),
            tag: self.launch.tag().map(str::to_owned),
            schedules_refresh: self.launch.is_on(parameters::SCHEDULE_REFRESH),
        }
    }

    /// Whatever a session needs next: an answer, a choice of accounts, or nothing more.
    fn go_on(&mut self, state: &mut State, now_ms: u64, session: &Session) -> Vec<Posted> {
        match &session.phase {
            Phase::Asking { .. } if session.wants == Wants::Consent => {
                self.consenting = Some(session.id.clone());
                self.ask_in_window(session.identity.institution);
                Vec::new()
            }
            Phase::Asking { .. } => {
                let Some(screen) = question_screen(session) else { return self.end(code::SESSION_NONEXISTENT) };
                self.stage = Stage::Answering(session.id.clone());
                self.screen = screen;
                let mut types: Vec<_> = session.pending_round().iter().map(|question| question.kind).collect();
                types.dedup();
                let asked = Event::step(step::COMPONENT_LOAD_MFA)
                    .with("mfaTypes", json!(types))
                    .with("institution", session.identity.institution.name);
                vec![self.post(asked)]
            }
            Phase::Authorized { .. } => {
                let picked = self.launch.resumed_accounts();
                if picked.is_empty() && self.launch.is_on(parameters::ACCOUNT_SELECTOR_ENABLE) {
                    self.offer_accounts(session)
                } else {
                    self.succeed(state, now_ms, session, &picked)
                }
            }
            Phase::Over(ending) => self.end(ending_code(ending)),
        }
    }

    fn offer_accounts(&mut self, session: &Session) -> Vec<Posted> {
        let accounts = account::of_login(&session.identity.login_id);
        let is_multiple = self.launch.is_on(parameters::ACCOUNT_SELECTOR_MULTIPLE);
        self.stage = Stage::Picking(session.id.clone());
        self.screen = Screen::Accounts {
            choice: if is_multiple { Choice::Several } else { Choice::One },
            accounts: accounts.iter().map(Into::into).collect(),
        };
        let offered = Event::step(step::COMPONENT_LOAD_ACCOUNT_SELECTION)
            .with("totalAccounts", accounts.len())
            .with("displayedAccounts", accounts.len());
        vec![self.post(offered)]
    }

    // What the user does.

    fn sign_in(
        &mut self,
        state: &mut State,
        now_ms: u64,
        bank: &'static Institution,
        username: String,
        password: String,
    ) -> Vec<Posted> {
        if matches!(&self.screen, Screen::Credentials { terms: Some(terms), .. } if terms.checkbox && !terms.accepted) {
            return Vec::new();
        }
        let mut events = vec![self.post(Event::step(step::SUBMIT_CREDENTIAL).with("institution", bank.name))];
        let wish = SignIn {
            institution: bank.name.to_owned(),
            username,
            password,
            language: self.launch.language(),
            saving: Saving::Keep,
            tag: self.launch.tag().map(str::to_owned),
            schedules_refresh: self.launch.is_on(parameters::SCHEDULE_REFRESH),
            pace: Pace::Wait,
        };
        match state.authorize(now_ms, Wish::SignIn(wish)) {
            Standing::Authorized(session) | Standing::Asking(session) => {
                events.extend(self.go_on(state, now_ms, &session));
            }
            // Flinks goes on in the background; the user has done all there is to do.
            Standing::Working(code, session) => {
                events.push(self.post(Event::code(code)));
                events.extend(self.go_on(state, now_ms, &session));
            }
            Standing::Refused(refusal) => {
                events.push(self.post(Event::code(refusal.code)));
                if refusal.code.severity == Severity::Refused {
                    events.extend(self.refuse(state, refusal.code));
                } else {
                    self.screen = Screen::Error { code: refusal.code.name, remedy: Remedy::Retry };
                    self.stage = Stage::CredentialsFailed(bank);
                }
            }
        }
        events
    }

    fn answer(&mut self, state: &mut State, now_ms: u64, id: &RequestId, answers: Vec<Vec<String>>) -> Vec<Posted> {
        let mut events = vec![self.post(Event::step(step::SUBMIT_MFA))];
        let prompts = state.sessions.get(id).map(pending_prompts).unwrap_or_default();
        let standing = (!prompts.is_empty()).then(|| {
            let answers: BTreeMap<_, _> = prompts.into_iter().map(str::to_owned).zip(answers).collect();
            state.authorize(now_ms, Wish::Answer { session: id.clone(), answers })
        });
        let from_the_bank = state.faults.bank_refusal().map(|code| code.name);
        let can_be_repaired = |code: FlinksCode| match code.severity {
            Severity::Correctable => true,
            Severity::Passing => from_the_bank == Some(code.name),
            Severity::SessionOver | Severity::Refused => false,
        };
        events.extend(match standing {
            Some(Standing::Refused(refusal)) if can_be_repaired(refusal.code) => {
                self.stage = Stage::AnswerFailed(id.clone());
                self.screen = Screen::Error { code: refusal.code.name, remedy: Remedy::Retry };
                vec![self.post(Event::code(refusal.code))]
            }
            Some(Standing::Refused(refusal)) if refusal.code.severity == Severity::Refused => {
                let mut events = vec![self.post(Event::code(refusal.code))];
                events.extend(self.refuse(state, refusal.code));
                events
            }
            // Answered, or no longer asked: the session itself says what comes next.
            _ => self.go_on_with(state, now_ms, id),
        });
        events
    }

    fn ask_again(&mut self, state: &mut State, now_ms: u64, id: &RequestId) -> Vec<Posted> {
        match state.sessions.get(id).and_then(question_screen) {
            Some(screen) => {
                self.stage = Stage::Answering(id.clone());
                self.screen = screen;
                vec![self.post(Event::step(step::COMPONENT_LOAD_MFA_RETRY))]
            }
            None => self.go_on_with(state, now_ms, id),
        }
    }

    fn pick(&mut self, state: &mut State, now_ms: u64, id: &RequestId, ids: &[String]) -> Vec<Posted> {
        let Some(session) = state.sessions.get_mut(id) else { return self.end(code::SESSION_NONEXISTENT) };
        if !matches!(session.phase, Phase::Authorized { .. }) {
            return self.go_on_with(state, now_ms, id);
        }
        let own = account::of_login(&session.identity.login_id);
        let picked: Vec<AccountId> =
            own.into_iter().map(|account| account.id).filter(|own| ids.iter().any(|id| id == own.as_str())).collect();
        let is_too_many = picked.len() > 1 && !self.launch.is_on(parameters::ACCOUNT_SELECTOR_MULTIPLE);
        if picked.is_empty() || picked.len() != ids.len() || is_too_many {
            return Vec::new();
        }
        // Documented for Reconnect only; after an ordinary sign-in the API returns all accounts unless `AccountsFilter` says otherwise.
        if self.launch.request_id().is_some() {
            session.filter = Some(picked.clone());
        }
        let session = session.clone();
        let list = picked.iter().map(AccountId::as_str).collect::<Vec<_>>().join(",");
        let mut events = vec![self.post(Event::step(step::ACCOUNT_SELECTED).with("accountId", list))];
        events.extend(self.succeed(state, now_ms, &session, &picked));
        events
    }

    fn close(&self, state: &State) -> Vec<Posted> {
        if !self.launch.is_on(parameters::CLOSE_ENABLE) {
            return Vec::new();
        }
        let event = Event::step(step::COMPONENT_CLOSE_SESSION);
        let of_session = || self.stage.session().and_then(|id| state.sessions.get(id));
        let bank = self.stage.bank().or_else(|| of_session().map(|session| session.identity.institution));
        vec![self.post(match bank {
            Some(bank) => event.with("institution", bank.name),
            None => event,
        })]
    }

    // The ends.

    /// The login is refused for good, and the code is posted.
    fn refuse(&mut self, state: &State, code: FlinksCode) -> Vec<Posted> {
        match state.faults.refused_login {
            RefusedLogin::Ends => {
                self.stop(Screen::Error { code: code.name, remedy: Remedy::None });
                Vec::new()
            }
            RefusedLogin::GoesOn => self.list_banks(),
        }
    }

    fn succeed(&mut self, state: &mut State, now_ms: u64, session: &Session, accounts: &[AccountId]) -> Vec<Posted> {
        state.announce(now_ms, &session.id);
        self.navigation = redirect::navigation(&self.launch, session, accounts, self.audience == Audience::Parent);
        self.stop(Screen::Success { institution: session.identity.institution.name });
        redirect::compose(&self.launch, &state.faults, session, accounts)
    }

    fn end(&mut self, code: FlinksCode) -> Vec<Posted> {
        self.stop(Screen::Expired { code: code.name });
        vec![self.post(Event::ending(code))]
    }

    fn stop(&mut self, screen: Screen) {
        self.stage = Stage::Ended;
        self.screen = screen;
    }

    fn go_on_with(&mut self, state: &mut State, now_ms: u64, id: &RequestId) -> Vec<Posted> {
        match state.sessions.get(id).cloned() {
            Some(session) => self.go_on(state, now_ms, &session),
            None => self.end(code::SESSION_NONEXISTENT),
        }
    }

    fn post(&self, event: Event) -> Posted {
        if self.launch.is_on(parameters::STRINGIFY) { event.text() } else { event.object() }
    }

    /// What the page needs besides the screen.
    #[must_use]
    pub fn frame(launch: &Launch, audience: Audience) -> Value {
        json!({
            "language": launch.language().as_str(),
            "replacesForOauth": launch.is_on(OAUTH_WINDOW_REDIRECT),
            "closable": launch.is_on(parameters::CLOSE_ENABLE),
            "audience": if launch.is_on(parameters::WEBVIEW) { Audience::Native } else { audience },
        })
    }
}

fn pending_prompts(session: &Session) -> Vec<&'static str> {
    session.pending_round().iter().map(|question| question.prompt(session.identity.language)).collect()
}

fn question_screen(session: &Session) -> Option<Screen> {
    let (Phase::Asking { answered, .. }, Wants::Answers(asked)) = (&session.phase, session.wants) else { return None };
    let language = session.identity.language;
    let challenges = session.pending_round().iter().map(|question| Challenge {
        kind: question.kind,
        prompt: question.prompt(language),
        choices: question.choices,
    });
    Some(Screen::Mfa {
        institution: session.identity.institution.name,
        challenges: challenges.collect(),
        language: language.as_str(),
        number: answered + 1,
        total: asked.rounds(),
    })
}

/// What the user is told about a session that is over.
fn ending_code(ending: &Ending) -> FlinksCode {
    match ending {
        Ending::IdleTooLong | Ending::NotFetched => code::SESSION_EXPIRED,
        Ending::Consumed | Ending::Refused | Ending::LoginDeleted => code::SESSION_NONEXISTENT,
    }
}
