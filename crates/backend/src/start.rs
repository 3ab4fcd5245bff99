//! *start*: a user wants a connection back.
//!
//! One live sign-in at a time for each connection, whatever the number of clicks, tabs and servers: it is marked in the store
//! before it is sent. Who finds the mark waits for its outcome. Where the answer is lost the mark stays until the bank's time is
//! over, and then Flinks is asked what it has before another one is sent: a bank may send a code by SMS for each, or lock the
//! user out.
//!
//! Invariants: the bank is asked only because a user is there and clicked; an attempt is resumed with its own id and tag.

use flinks_connect::id::{AccountId, AttemptId, AuthorizeToken, RequestId, Tag};
use serde::{Deserialize, Serialize};

use crate::{
    acceptance::{Bearer, accept, supersede},
    code::Meaning,
    flinks::{Answer, Call, Sent, Trouble},
    inquiry::{Finding, Finished, Inquiry, is_later},
    record::{
        Attempt, Connection, DataStep, Language, Query, SignIn, Stage, State, Stored, TakenDelivery, Transactions,
    },
    refusal::Refusal,
    settings::{LATEST_SIGN_IN_MS, Now, Settings},
    step::{Change, Commit, Event, Outcome, Reply, SignInLimit, Step, Task, Then},
};

/// A request to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    user: String,
    connection: String,
    minted: Minted,
    page_token: PageToken,
    began_ms: i64,
    answer_by_ms: i64,
    /// The attempts that were there when the request came.
    seen: Option<Vec<AttemptId>>,
    waited_for: Option<AttemptId>,
    over_limit: bool,
    phase: Phase,
}

/// Random values for a new attempt, from the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Minted {
    /// 128 random bits or more.
    pub attempt: AttemptId,
    /// 128 others.
    pub tag: Tag,
}

/// Which token the page is to load Connect with. Flinks does not say which it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageToken {
    /// A fresh one.
    Fresh,
    /// The one the session began with, because Connect has refused a fresh one.
    Sessions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Phase {
    Look,
    Inquire { attempt: AttemptId, inquiry: Inquiry },
    Baseline { received: Option<Answer> },
    SignIn { attempt: AttemptId, received: Option<Answer> },
    PageToken { page: Page, received: Option<Answer> },
}

/// What the page is told once there is a token for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    attempt: AttemptId,
    kind: PageKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PageKind {
    Resume,
    Refresh,
    Connect,
}

/// What the page is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "with", rename_all = "camelCase")]
pub enum StartReply {
    /// Load this session into Connect.
    Challenge(Challenge),
    /// The full flow.
    Connect(Connect),
    /// Nobody is needed; data is on its way.
    UpToDate,
}

/// A session to load into Connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Where it comes from.
    pub mode: Mode,
    /// The attempt.
    pub attempt: AttemptId,
    /// The session.
    pub request_id: RequestId,
    /// For one load of Connect.
    pub token: AuthorizeToken,
    /// The accounts picked in the original session.
    pub selection: Vec<AccountId>,
    /// The attempt's tag.
    pub tag: Tag,
    /// The login's language.
    pub language: Option<Language>,
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The user had left it.
    Resume,
    /// A live sign-in has just begun it.
    Refresh,
}

/// Connect without a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connect {
    /// The attempt.
    pub attempt: AttemptId,
    /// For one load of Connect.
    pub token: AuthorizeToken,
    /// The attempt's tag.
    pub tag: Tag,
    /// The login's language: the same user in another language is another login.
    pub language: Option<Language>,
    /// Whether the connection was made with the Account Selector, so that it has to be shown again.
    pub selector: Selector,
}

/// Whether the Account Selector is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// It is.
    Shown,
    /// It is not.
    Left,
}

impl Start {
    /// A start of `connection` by `user`.
    #[must_use]
    pub fn new(
        settings: &Settings,
        now: Now,
        user: String,
        connection: String,
        minted: Minted,
        page_token: PageToken,
    ) -> Self {
        Self {
            user,
            connection,
            minted,
            page_token,
            began_ms: now.now_ms,
            answer_by_ms: now.now_ms + settings.start_answer_ms,
            seen: None,
            waited_for: None,
            over_limit: false,
            phase: Phase::Look,
        }
    }

    pub(crate) fn query(&self) -> Query {
        Query::Connection { user: self.user.clone(), id: self.connection.clone() }
    }

    pub(crate) fn hear(&mut self, answer: Answer) {
        match &mut self.phase {
            Phase::Inquire { inquiry, .. } => inquiry.hear(answer),
            Phase::Baseline { received } | Phase::SignIn { received, .. } | Phase::PageToken { received, .. } => {
                *received = Some(answer);
            }
            Phase::Look => {}
        }
    }

    pub(crate) fn refused(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::OverLimit => self.over_limit = true,
            // The session that was found finished is another attempt's result: there is nothing to resume.
            Outcome::ResultTaken => self.phase = Phase::Baseline { received: None },
            Outcome::Done | Outcome::Conflict => {}
        }
    }

    pub(crate) fn step(&self, settings: &Settings, now: Now, stored: Option<&Stored>) -> Step {
        let Some(stored) = stored else { return self.refuse(Refusal::NoConnection) };
        if self.over_limit {
            return self.refuse(Refusal::TooManySignIns);
        }
        match &self.phase {
            Phase::Look => self.look(now, stored),
            Phase::Inquire { attempt, inquiry } => self.inquire(settings, now, stored, attempt, inquiry),
            Phase::Baseline { received } => self.baseline(settings, now, stored, received.as_ref()),
            Phase::SignIn { attempt, received } => self.sign_in(settings, now, stored, attempt, received.as_ref()),
            Phase::PageToken { page, received } => self.page(stored, page, received.as_ref()),
        }
    }

    /// What is there already, before Flinks is asked about anything.
    fn look(&self, now: Now, stored: &Stored) -> Step {
        if self.seen.is_none() {
            let seen = stored.attempts.iter().map(|attempt| attempt.id.clone()).collect();
            let looking = Self { seen: Some(seen), ..self.clone() };
            return looking.look(now, stored);
        }
        if let Some(step) = self.settled_or_under_way(now, stored) {
            return step;
        }
        match resumable(stored, now) {
            Some(attempt) => {
                let phase = Phase::Inquire { attempt: attempt.id.clone(), inquiry: Inquiry::about(None) };
                self.go(phase, None, Then::Again)
            }
            None => self.go(Phase::Baseline { received: None }, None, Then::Again),
        }
    }

    fn settled_or_under_way(&self, now: Now, stored: &Stored) -> Option<Step> {
        let is_accepted = stored.attempts.iter().any(|attempt| attempt.state == State::Accepted);
        // Another request's sign-in brought its data while this request waited.
        if is_accepted || stored.connection.settled_at_ms.is_some_and(|settled_ms| settled_ms > self.began_ms) {
            return Some(self.reply(StartReply::UpToDate));
        }
        let Some(sign_in) = stored.connection.sign_in_at(now.now_ms) else {
            let begun = stored.attempts.iter().find(|attempt| self.is_begun_meanwhile(attempt));
            let waited_for = begun.map(|attempt| &attempt.id).or(self.waited_for.as_ref())?;
            return Some(self.after_waiting(now, stored, waited_for));
        };
        if now.now_ms >= self.answer_by_ms {
            return Some(self.refuse(Refusal::BankSlow));
        }
        let waiting = Self { waited_for: Some(sign_in.attempt.clone()), phase: Phase::Look, ..self.clone() };
        let until = sign_in.until_ms.min(self.answer_by_ms);
        Some(Step { commit: None, then: Then::Wait(until), task: Task::Start(waiting) })
    }

    /// Another request for the same connection was faster, and its sign-in is answered already.
    fn is_begun_meanwhile(&self, attempt: &Attempt) -> bool {
        attempt.id != self.minted.attempt && self.seen.as_ref().is_some_and(|seen| !seen.contains(&attempt.id))
    }

    /// The sign-in that this request waited for is answered: its outcome is this request's, too.
    fn after_waiting(&self, now: Now, stored: &Stored, waited_for: &AttemptId) -> Step {
        match stored.attempt(waited_for) {
            // The store was read while the other request marked its sign-in.
            Some(attempt)
                if attempt.state == State::Open
                    && attempt.stage == Stage::SigningIn
                    && now.now_ms < self.answer_by_ms =>
            {
                self.go(Phase::Look, None, Then::Wait(self.answer_by_ms))
            }
            Some(attempt) if attempt.state == State::Open && attempt.stage == Stage::Session => {
                // It may be a session whose bank is slow: Flinks is asked how it stands.
                let phase = Phase::Inquire { attempt: attempt.id.clone(), inquiry: Inquiry::about(None) };
                self.go(phase, None, Then::Again)
            }
            Some(attempt) if attempt.state == State::Open && attempt.stage == Stage::FullFlow => {
                self.load(attempt, PageKind::Connect, None)
            }
            Some(attempt) if attempt.state == State::Finished => self.reply(StartReply::UpToDate),
            // Its answer was lost, and the bank's time is over.
            Some(attempt) if attempt.state == State::Open => self.refuse(Refusal::BankSlow),
            // It failed. Were each of those who waited to sign in now, five clicks would be five sign-ins after all.
            _ => self.refuse(Refusal::SignInFailed),
        }
    }

    /// A session that the user had left.
    fn inquire(&self, settings: &Settings, now: Now, stored: &Stored, id: &AttemptId, inquiry: &Inquiry) -> Step {
        let connection = &stored.connection;
        let again = self.go(Phase::Look, None, Then::Again);
        let Some(attempt) = stored.attempt(id) else { return again };
        // A webhook or a delivery may have been faster than Flinks' answer.
        if attempt.state != State::Open || attempt.stage != Stage::Session {
            return again;
        }
        let next = |commit| self.go(Phase::Baseline { received: None }, Some(commit), Then::Again);
        match inquiry.finding(connection, attempt) {
            Finding::Ask(target, call) => {
                let phase = Phase::Inquire { attempt: id.clone(), inquiry: inquiry.asking(target) };
                self.go(phase, None, Then::Call(call))
            }
            Finding::Finished(finished) => {
                let commit = accept(settings, stored, attempt, finished, Bearer::Server, now);
                self.commit_and_reply(commit, StartReply::UpToDate)
            }
            Finding::Waiting => self.load(attempt, PageKind::Resume, None),
            Finding::Working => self.refuse(Refusal::BankSlow),
            Finding::Over | Finding::Refused(_) | Finding::Unsure(_) => {
                // Its user may still be in the full flow in some frame: its result is taken until it expires.
                let over = Attempt { stage: Stage::SessionOver, ..attempt.clone() };
                next(Commit::on(connection).with(Change::PutAttempt(over)))
            }
            Finding::OtherLogin => {
                let told = Event::login_changed(connection, attempt);
                next(Commit::on(connection).with(supersede(attempt)).telling(told))
            }
            Finding::Later(code) => self.refuse(Refusal::Later(code)),
            Finding::Trouble(trouble) => self.refuse(Refusal::Trouble(trouble)),
        }
    }

    /// How fresh Flinks' data is before the attempt; it also shows what an earlier attempt brought unnoticed.
    fn baseline(&self, settings: &Settings, now: Now, stored: &Stored, received: Option<&Answer>) -> Step {
        let connection = &stored.connection;
        if let Some(step) = self.settled_or_under_way(now, stored) {
            return step;
        }
        let last_refresh_ms = match received {
            None => {
                let call = Call::Cached { login_id: connection.login_id.clone() };
                return self.go(Phase::Baseline { received: None }, None, Then::Call(call));
            }
            Some(Answer::Failed { trouble, .. }) => return self.refuse(Refusal::Trouble(*trouble)),
            Some(Answer::Code { meaning: Meaning::Token | Meaning::Keys, .. }) => {
                return self.refuse(Refusal::Trouble(Trouble::KeysRefused));
            }
            Some(Answer::Authorized { login_id, request_id, last_refresh_ms }) if *login_id == connection.login_id => {
                let unnoticed = stored.attempts.iter().find(|attempt| {
                    attempt.state == State::Open
                        && attempt.is_waiting_at(now.now_ms)
                        && is_later(*last_refresh_ms, attempt)
                        && !attempt.picks_accounts(connection)
                });
                if let (Some(attempt), Some(cached)) = (unnoticed, request_id) {
                    let session = attempt.request_id.as_ref().unwrap_or(cached).clone();
                    let finished = Finished { session, data: cached.clone(), refreshed_at_ms: *last_refresh_ms };
                    let commit = accept(settings, stored, attempt, finished, Bearer::Server, now);
                    return self.commit_and_reply(commit, StartReply::UpToDate);
                }
                *last_refresh_ms
            }
            // A cached call repeats the failure of the last live one; that it has nothing newer is all we want to know.
            Some(_) => None,
        };
        let baseline_ms = last_refresh_ms.or(connection.refreshed_at_ms).unwrap_or(0);
        self.begin(settings, now, stored, baseline_ms)
    }

    /// Marks the sign-in, and sends it once the mark is stored.
    fn begin(&self, settings: &Settings, now: Now, stored: &Stored, baseline_ms: i64) -> Step {
        if now.now_ms > self.answer_by_ms.saturating_add(LATEST_SIGN_IN_MS) {
            return self.refuse(Refusal::BankSlow);
        }
        let connection = &stored.connection;
        let until_ms = now.now_ms + settings.sign_in_mark_ms();
        let attempt = Attempt {
            id: self.minted.attempt.clone(),
            tag: self.minted.tag.clone(),
            user: connection.user.clone(),
            connection: connection.id.clone(),
            state: State::Open,
            stage: Stage::SigningIn,
            request_id: None,
            token: None,
            baseline_ms,
            choice: Vec::new(),
            created_at_ms: now.now_ms,
            expires_at_ms: now.now_ms + settings.attempt_life_ms,
            due_at_ms: until_ms,
            tries: 0,
            accepted_at_ms: None,
            result: None,
            data_step: DataStep::Ask,
            transactions: Transactions::Wanted,
            delivery: TakenDelivery::None,
        };
        let sign_in = SignIn { attempt: attempt.id.clone(), until_ms };
        let call = Call::SignIn {
            login_id: connection.login_id.clone(),
            tag: attempt.tag.clone(),
            language: connection.language,
            by_ms: until_ms - settings.bank_ms,
        };
        let lost = stored.attempts.iter().filter(|one| one.state == State::Open && one.stage == Stage::SigningIn);
        let lost = lost.map(|one| Change::PutAttempt(Attempt { stage: Stage::SessionOver, ..one.clone() }));
        let mut commit = Commit::on(connection)
            .and(lost)
            .with(Change::AddAttempt(attempt))
            .with(Change::PutConnection(Connection { sign_in: Some(sign_in), ..connection.clone() }));
        commit.limit =
            Some(SignInLimit { user: connection.user.clone(), most: settings.sign_ins_per_user, now_ms: now.now_ms });
        let phase = Phase::SignIn { attempt: self.minted.attempt.clone(), received: None };
        self.go(phase, Some(commit), Then::Call(call))
    }

    /// What the bank said.
    fn sign_in(
        &self,
        settings: &Settings,
        now: Now,
        stored: &Stored,
        id: &AttemptId,
        received: Option<&Answer>,
    ) -> Step {
        let connection = &stored.connection;
        let Some(attempt) = stored.attempt(id) else { return self.refuse(Refusal::NoConnection) };
        // Nobody knows whether the call was sent: a driver that comes back to this point has lost the answer.
        let lost = Answer::failed(Trouble::Silent, Sent::Perhaps);
        let answered = answered(connection, id);
        if attempt.state.is_used() {
            let then = Then::Reply(Reply::Started(StartReply::UpToDate));
            return self.go(self.phase.clone(), answered.map(|change| Commit::on(connection).with(change)), then);
        }
        let commit = Commit::on(connection).and(answered);
        let in_session = |request_id: &RequestId, token: &Option<AuthorizeToken>| Attempt {
            stage: Stage::Session,
            request_id: Some(request_id.clone()),
            token: token.clone(),
            due_at_ms: settings.next_question(now, 0),
            ..attempt.clone()
        };
        match received.unwrap_or(&lost) {
            Answer::Authorized { login_id, request_id: Some(session), last_refresh_ms }
                if *login_id == connection.login_id =>
            {
                let (session, data) = (session.clone(), session.clone());
                let finished = Finished { session, data, refreshed_at_ms: *last_refresh_ms };
                let mut accepted = accept(settings, stored, attempt, finished, Bearer::Server, now);
                // The last one stands where both put the connection.
                accepted.changes.splice(0..0, commit.changes);
                self.commit_and_reply(accepted, StartReply::UpToDate)
            }
            Answer::Authorized { login_id, .. } if *login_id != connection.login_id => {
                self.end(commit.telling(Event::login_changed(connection, attempt)), attempt, Refusal::OtherLogin)
            }
            Answer::Token { .. } | Answer::Data { .. } | Answer::Nightly { .. } => {
                self.end(commit, attempt, Refusal::Trouble(Trouble::Unreadable))
            }
            Answer::Challenge { request_id: Some(session), token } => {
                let attempt = in_session(session, token);
                self.load(&attempt, PageKind::Refresh, Some(commit.with(Change::PutAttempt(attempt.clone()))))
            }
            Answer::Working { request_id: Some(session), token } => {
                let commit = commit.with(Change::PutAttempt(in_session(session, token)));
                self.go(self.phase.clone(), Some(commit), Then::Reply(Reply::Refused(Refusal::BankSlow)))
            }
            // Something is under way at the bank, or done, and we do not know which session it is: the mark stays, and what Flinks has of
            // the login tells. Without the mark each repetition of the page's would be one more sign-in.
            Answer::Authorized { .. }
            | Answer::Challenge { .. }
            | Answer::Working { .. }
            | Answer::Failed { sent: Sent::Perhaps, .. } => self.refuse(Refusal::BankSlow),
            Answer::Failed { trouble, sent: Sent::No } => self.end(commit, attempt, Refusal::Trouble(*trouble)),
            Answer::Code { meaning: Meaning::AskUser, .. } => {
                let due_at_ms = settings.next_question(now, 0);
                let attempt = Attempt { stage: Stage::FullFlow, due_at_ms, ..attempt.clone() };
                self.load(&attempt, PageKind::Connect, Some(commit.with(Change::PutAttempt(attempt.clone()))))
            }
            Answer::Code { meaning: Meaning::Token | Meaning::Keys, .. } => {
                self.end(commit, attempt, Refusal::Trouble(Trouble::KeysRefused))
            }
            Answer::Code { code, .. } => self.end(commit, attempt, Refusal::SignInRefused(code.clone())),
        }
    }

    /// The attempt came to nothing, and the next start begins another one.
    fn end(&self, commit: Commit, attempt: &Attempt, refusal: Refusal) -> Step {
        let commit = commit.with(supersede(attempt));
        self.go(self.phase.clone(), Some(commit), Then::Reply(Reply::Refused(refusal)))
    }

    /// The page loads Connect; first it needs a token.
    fn load(&self, attempt: &Attempt, kind: PageKind, commit: Option<Commit>) -> Step {
        let page = Page { attempt: attempt.id.clone(), kind };
        let then = match (self.page_token, &attempt.token) {
            (PageToken::Sessions, Some(_)) => Then::Again,
            _ => Then::Call(Call::Token),
        };
        self.go(Phase::PageToken { page, received: None }, commit, then)
    }

    fn page(&self, stored: &Stored, page: &Page, received: Option<&Answer>) -> Step {
        let connection = &stored.connection;
        let Some(attempt) = stored.attempt(&page.attempt) else { return self.refuse(Refusal::NoConnection) };
        if attempt.state.is_used() {
            return self.reply(StartReply::UpToDate);
        }
        let token = match (received, &attempt.token) {
            (Some(Answer::Token { token }), _) => token.clone(),
            (None, Some(token)) if self.page_token == PageToken::Sessions => token.clone(),
            (None, _) => return self.go(self.phase.clone(), None, Then::Call(Call::Token)),
            (Some(Answer::Failed { trouble, .. }), _) => return self.refuse(Refusal::Trouble(*trouble)),
            (Some(Answer::Code { code, meaning: Meaning::Later }), _) => {
                return self.refuse(Refusal::Later(code.clone()));
            }
            (Some(Answer::Code { .. }), _) => return self.refuse(Refusal::Trouble(Trouble::KeysRefused)),
            (Some(_), _) => return self.refuse(Refusal::Trouble(Trouble::Unreadable)),
        };
        let mode = match page.kind {
            PageKind::Resume => Mode::Resume,
            PageKind::Refresh => Mode::Refresh,
            PageKind::Connect => {
                let selector = if connection.selection.is_empty() { Selector::Left } else { Selector::Shown };
                return self.reply(StartReply::Connect(Connect {
                    attempt: attempt.id.clone(),
                    token,
                    tag: attempt.tag.clone(),
                    language: connection.language,
                    selector,
                }));
            }
        };
        match &attempt.request_id {
            Some(request_id) => self.reply(StartReply::Challenge(Challenge {
                mode,
                attempt: attempt.id.clone(),
                request_id: request_id.clone(),
                token,
                selection: connection.selection.clone(),
                tag: attempt.tag.clone(),
                language: connection.language,
            })),
            None => self.refuse(Refusal::BankSlow),
        }
    }

    fn go(&self, phase: Phase, commit: Option<Commit>, then: Then) -> Step {
        Step { commit, then, task: Task::Start(Self { phase, ..self.clone() }) }
    }

    fn reply(&self, reply: StartReply) -> Step {
        self.go(self.phase.clone(), None, Then::Reply(Reply::Started(reply)))
    }

    fn commit_and_reply(&self, commit: Commit, reply: StartReply) -> Step {
        self.go(self.phase.clone(), Some(commit), Then::Reply(Reply::Started(reply)))
    }

    fn refuse(&self, refusal: Refusal) -> Step {
        self.go(self.phase.clone(), None, Then::Reply(Reply::Refused(refusal)))
    }
}

/// The change that takes the mark of an answered sign-in away.
fn answered(connection: &Connection, attempt: &AttemptId) -> Option<Change> {
    let is_its_own = connection.sign_in.as_ref().is_some_and(|sign_in| sign_in.attempt == *attempt);
    is_its_own.then(|| Change::PutConnection(Connection { sign_in: None, ..connection.clone() }))
}

/// The newest attempt whose session may still be alive.
fn resumable(stored: &Stored, now: Now) -> Option<&Attempt> {
    let mut alive = stored.attempts.iter().filter(|attempt| {
        attempt.state == State::Open && attempt.stage == Stage::Session && attempt.is_waiting_at(now.now_ms)
    });
    alive.next()
}
