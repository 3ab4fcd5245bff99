//! What goes on without a request: asking about open attempts, fetching the data of accepted ones.
//!
//! Invariants: an open attempt, of whatever stage, is asked about until it is used or expired, and once more by its login before
//! it is given up; the questions grow further apart, because asking may keep a session alive; the bank is never asked; a call
//! that failed, a refused key and a refused token end nothing by themselves; success is never empty; older data never replaces newer.

use flinks_connect::id::{AccountId, AttemptId};
use serde::{Deserialize, Serialize};

use crate::{
    acceptance::{Bearer, accept, supersede},
    code::Meaning,
    flinks::{Answer, Call, Trouble},
    inquiry::{Finding, Inquiry, is_later},
    reason::Reason,
    record::{Attempt, Connection, DataStep, Query, Stage, State, Status, Stored, Transactions},
    settings::{LAST_QUESTION_MS, Now, Settings},
    step::{Change, Commit, Done, Event, EventKind, Kept, Outcome, Reply, Step, Task, Then},
};

/// The problem of a connection whose data Flinks did not prepare in time.
pub const DATA_TIMEOUT: &str = "DATA_TIMEOUT";
/// The problem of a connection whose data turned out to be another login's.
pub const LOGIN_MISMATCH: &str = "LOGIN_MISMATCH";
/// The problem of a connection of which no account came that its user wants.
pub const NO_ACCOUNTS: &str = "NO_ACCOUNTS";
/// The problem of a connection whose user picked accounts anew in a browser that never said which.
pub const CHOICE_UNKNOWN: &str = "CHOICE_UNKNOWN";

/// An attempt that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    attempt: AttemptId,
    phase: Phase,
    result_taken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Phase {
    Look,
    Inquire {
        inquiry: Inquiry,
    },
    Data {
        received: Option<Answer>,
    },
    /// The session is used up: what Flinks has of the login is as fresh as the user has just made it.
    Renew {
        because: String,
        received: Option<Answer>,
    },
}

impl Work {
    /// A look at what there is to do about an attempt.
    #[must_use]
    pub fn new(attempt: AttemptId) -> Self {
        Self { attempt, phase: Phase::Look, result_taken: false }
    }

    pub(crate) fn query(&self) -> Query {
        Query::Id { id: self.attempt.clone() }
    }

    pub(crate) fn hear(&mut self, answer: Answer) {
        match &mut self.phase {
            Phase::Inquire { inquiry } => inquiry.hear(answer),
            Phase::Data { received } | Phase::Renew { received, .. } => *received = Some(answer),
            Phase::Look => {}
        }
    }

    pub(crate) fn refused(&mut self, outcome: Outcome) {
        self.result_taken |= outcome == Outcome::ResultTaken;
    }

    pub(crate) fn step(&self, settings: &Settings, now: Now, stored: Option<&Stored>) -> Step {
        let Some((stored, attempt)) = stored.and_then(|stored| Some((stored, stored.subject()?))) else {
            return self.end(None, Done::Nothing);
        };
        match (attempt.state, &self.phase) {
            (State::Open, Phase::Look) => {
                let is_over = attempt.expires_at_ms <= now.now_ms || attempt.stage == Stage::SessionOver;
                let inquiry = if is_over { Inquiry::by_login() } else { Inquiry::about(None) };
                self.go(Phase::Inquire { inquiry }, None, Then::Again)
            }
            (State::Open, Phase::Inquire { inquiry }) => self.reconcile(settings, now, stored, attempt, inquiry),
            (State::Accepted, Phase::Look) => {
                let call = match attempt.data_step {
                    DataStep::Ask => data_call(&stored.connection, attempt),
                    DataStep::Poll => attempt.request_id.clone().map(|request_id| Call::Poll { request_id }),
                };
                match call {
                    Some(call) => self.go(Phase::Data { received: None }, None, Then::Call(call)),
                    None => self.renew(&stored.connection, "SESSION_NONEXISTENT"),
                }
            }
            (State::Accepted, Phase::Data { received: Some(answer) }) => {
                self.data(settings, now, stored, attempt, answer)
            }
            (State::Accepted, Phase::Renew { because, received: Some(answer) }) => {
                self.renewed(settings, now, stored, attempt, because, answer)
            }
            // Somebody else was faster.
            _ => self.end(None, Done::Nothing),
        }
    }

    fn reconcile(&self, settings: &Settings, now: Now, stored: &Stored, attempt: &Attempt, inquiry: &Inquiry) -> Step {
        let connection = &stored.connection;
        if self.result_taken {
            let commit = Commit::on(connection).with(supersede(attempt));
            return self.end(Some(commit), Done::Ended);
        }
        let is_last = attempt.expires_at_ms <= now.now_ms;
        let postpone = |stage: Stage| {
            let later = settings.next_question(now, attempt.tries);
            // The last question comes right when the attempt expires.
            let due_at_ms = if is_last { later } else { later.min(attempt.expires_at_ms) };
            let tries = attempt.tries.saturating_add(1);
            Commit::on(connection).with(Change::PutAttempt(Attempt { stage, due_at_ms, tries, ..attempt.clone() }))
        };
        let give_up = || Commit::on(connection).with(supersede(attempt));
        match inquiry.finding(connection, attempt) {
            Finding::Ask(target, call) => {
                self.go(Phase::Inquire { inquiry: inquiry.asking(target) }, None, Then::Call(call))
            }
            Finding::Finished(_) if attempt.picks_accounts(connection) && is_last => {
                // Its browser never said which accounts were picked, and nobody else knows.
                let commit = give_up().with(problem(connection, CHOICE_UNKNOWN)).telling(event(
                    EventKind::NeedsAttention,
                    connection,
                    attempt,
                    Some(CHOICE_UNKNOWN),
                ));
                self.end(Some(commit), Done::Ended)
            }
            Finding::Finished(_) if attempt.picks_accounts(connection) => {
                self.end(Some(postpone(attempt.stage)), Done::Postponed)
            }
            Finding::Finished(finished) => {
                let commit = accept(settings, stored, attempt, finished, Bearer::Server, now);
                self.end(Some(commit), Done::Accepted)
            }
            Finding::OtherLogin => {
                let commit = give_up().with(problem(connection, LOGIN_MISMATCH)).telling(event(
                    EventKind::NeedsAttention,
                    connection,
                    attempt,
                    Some(LOGIN_MISMATCH),
                ));
                self.end(Some(commit), Done::Ended)
            }
            Finding::Later(_) | Finding::Unsure(_) | Finding::Trouble(_)
                if now.now_ms < attempt.expires_at_ms.saturating_add(LAST_QUESTION_MS) =>
            {
                // Flinks said nothing, so nothing is given up.
                self.end(Some(postpone(attempt.stage)), Done::Postponed)
            }
            Finding::Waiting | Finding::Working if !is_last => self.end(Some(postpone(attempt.stage)), Done::Postponed),
            Finding::Over | Finding::Refused(_) if !is_last => {
                let stage = if attempt.stage == Stage::FullFlow { Stage::FullFlow } else { Stage::SessionOver };
                self.end(Some(postpone(stage)), Done::Postponed)
            }
            _ => self.end(Some(give_up()), Done::Ended),
        }
    }

    fn data(&self, settings: &Settings, now: Now, stored: &Stored, attempt: &Attempt, answer: &Answer) -> Step {
        let connection = &stored.connection;
        match answer {
            Answer::Data { login_id: Some(login_id), .. } if *login_id != connection.login_id => {
                self.fail(connection, attempt, LOGIN_MISMATCH)
            }
            Answer::Data { last_refresh_ms, accounts, .. } => {
                self.store(now, connection, attempt, *last_refresh_ms, accounts)
            }
            Answer::Working { .. } | Answer::Failed { trouble: Trouble::Silent, .. }
                if attempt.data_step == DataStep::Ask || matches!(answer, Answer::Working { .. }) =>
            {
                // The call goes on at Flinks; from here on it is asked about.
                let polling = Attempt { data_step: DataStep::Poll, ..attempt.clone() };
                self.go_on(settings, now, connection, polling)
            }
            Answer::Code { meaning: Meaning::Over, code } => self.renew(connection, code),
            Answer::Code { meaning: Meaning::NoTransactions, .. } if attempt.transactions == Transactions::Wanted => {
                let without =
                    Attempt { data_step: DataStep::Ask, transactions: Transactions::LeftOut, ..attempt.clone() };
                let commit = Commit::on(connection).with(Change::PutAttempt(without));
                self.go(Phase::Look, Some(commit), Then::Again)
            }
            Answer::Code { meaning: Meaning::Token | Meaning::Keys, .. } => {
                self.again_later(settings, now, connection, attempt, Trouble::KeysRefused.code(), 0)
            }
            Answer::Code { code, .. } => self.again_later(settings, now, connection, attempt, code, 0),
            Answer::Failed { trouble, .. } => {
                let asked_ms = if let Trouble::Limit { after_ms } = trouble { *after_ms } else { 0 };
                self.again_later(settings, now, connection, attempt, trouble.code(), asked_ms)
            }
            Answer::Authorized { .. }
            | Answer::Challenge { .. }
            | Answer::Working { .. }
            | Answer::Token { .. }
            | Answer::Nightly { .. } => {
                self.again_later(settings, now, connection, attempt, Trouble::Unreadable.code(), 0)
            }
        }
    }

    fn renew(&self, connection: &Connection, because: &str) -> Step {
        let phase = Phase::Renew { because: because.to_owned(), received: None };
        self.go(phase, None, Then::Call(Call::Cached { login_id: connection.login_id.clone() }))
    }

    fn renewed(
        &self,
        settings: &Settings,
        now: Now,
        stored: &Stored,
        attempt: &Attempt,
        because: &str,
        answer: &Answer,
    ) -> Step {
        let connection = &stored.connection;
        match answer {
            Answer::Authorized { login_id, .. } if *login_id != connection.login_id => {
                self.fail(connection, attempt, LOGIN_MISMATCH)
            }
            Answer::Authorized { request_id: Some(request_id), last_refresh_ms, .. }
                if is_later(*last_refresh_ms, attempt) || attempt.baseline_ms == 0 =>
            {
                // Not at once, but after the poll interval: were the new session over as well, this would go round without end.
                let renewed =
                    Attempt { request_id: Some(request_id.clone()), data_step: DataStep::Ask, ..attempt.clone() };
                self.go_on(settings, now, connection, renewed)
            }
            // The login is gone at Flinks.
            Answer::Code { code, meaning: Meaning::AskUser } => self.fail(connection, attempt, code),
            Answer::Code { meaning: Meaning::Token | Meaning::Keys, .. } => {
                self.again_later(settings, now, connection, attempt, Trouble::KeysRefused.code(), 0)
            }
            Answer::Failed { trouble, .. } => {
                let asked_ms = if let Trouble::Limit { after_ms } = trouble { *after_ms } else { 0 };
                self.again_later(settings, now, connection, attempt, trouble.code(), asked_ms)
            }
            _ => self.again_later(settings, now, connection, attempt, because, 0),
        }
    }

    /// Stores the data, and the user's choice if Flinks has each account of it.
    fn store(
        &self,
        now: Now,
        connection: &Connection,
        attempt: &Attempt,
        last_refresh_ms: Option<i64>,
        accounts: &[AccountId],
    ) -> Step {
        let is_choice = !attempt.choice.is_empty() && attempt.choice.iter().all(|id| accounts.contains(id));
        let wanted = if is_choice { &attempt.choice } else { &connection.selection };
        // Flinks filters too; what the user did not pick is not stored even if it does not.
        let (kept, ids): (_, Vec<AccountId>) = if wanted.is_empty() {
            (Kept::All, accounts.to_vec())
        } else {
            (Kept::Only(wanted.clone()), accounts.iter().filter(|id| wanted.contains(id)).cloned().collect())
        };
        if ids.is_empty() {
            return self.fail(connection, attempt, NO_ACCOUNTS);
        }
        let refreshed_at_ms = last_refresh_ms.unwrap_or(now.now_ms);
        let finished = Attempt { state: State::Finished, ..attempt.clone() };
        if let Some(stored_ms) = newer_in_store(connection, attempt, refreshed_at_ms) {
            let told = Event {
                account_ids: ids,
                refreshed_at_ms: Some(stored_ms),
                ..event(EventKind::Refreshed, connection, attempt, None)
            };
            let commit = Commit::on(connection).with(Change::PutAttempt(finished)).telling(told);
            return self.end(Some(commit), Done::Outdated);
        }
        let repaired = Connection {
            status: Status::UpToDate,
            problem: None,
            refreshed_at_ms: Some(refreshed_at_ms),
            settled_at_ms: Some(now.now_ms),
            ..connection.clone()
        };
        let told = Event {
            account_ids: ids,
            refreshed_at_ms: Some(refreshed_at_ms),
            ..event(EventKind::Refreshed, connection, attempt, None)
        };
        let commit = Commit::on(connection)
            .with(Change::PutAttempt(finished))
            .with(Change::PutConnection(repaired))
            .and(is_choice.then(|| Change::Select(attempt.choice.clone())))
            .with(Change::StoreAccounts(kept))
            .telling(told);
        self.end(Some(commit), Done::Stored)
    }

    /// Flinks answers and is at work: ask again after the poll interval.
    fn go_on(&self, settings: &Settings, now: Now, connection: &Connection, attempt: Attempt) -> Step {
        if is_late(now, &attempt, settings.data_deadline_ms) {
            return self.fail(connection, &attempt, DATA_TIMEOUT);
        }
        let due_at_ms = now.now_ms + settings.poll_ms;
        let commit = Commit::on(connection)
            .with(Change::PutAttempt(Attempt { due_at_ms, tries: 0, ..attempt }))
            .and(trouble(connection, None));
        self.end(Some(commit), Done::Postponed)
    }

    /// It cannot be had now: later and later.
    fn again_later(
        &self,
        settings: &Settings,
        now: Now,
        connection: &Connection,
        attempt: &Attempt,
        why: &str,
        asked_ms: i64,
    ) -> Step {
        let is_ours = why == Trouble::KeysRefused.code();
        let deadline_ms = if is_ours { Settings::keys_deadline_ms() } else { settings.data_deadline_ms };
        if is_late(now, attempt, deadline_ms) {
            return self.fail(connection, attempt, why);
        }
        let due_at_ms = Settings::next_try(now, attempt.tries, asked_ms);
        let tries = attempt.tries.saturating_add(1);
        let commit = Commit::on(connection)
            .with(Change::PutAttempt(Attempt { due_at_ms, tries, ..attempt.clone() }))
            .and(trouble(connection, Some(why)));
        self.end(Some(commit), Done::Postponed)
    }

    fn fail(&self, connection: &Connection, attempt: &Attempt, why: &str) -> Step {
        let failed = Attempt { state: State::Failed, ..attempt.clone() };
        let commit = Commit::on(connection)
            .with(Change::PutAttempt(failed))
            .with(problem(connection, why))
            .telling(event(EventKind::AttemptFailed, connection, attempt, Some(why)))
            .telling(event(EventKind::NeedsAttention, connection, attempt, Some(why)));
        self.end(Some(commit), Done::Ended)
    }

    fn go(&self, phase: Phase, commit: Option<Commit>, then: Then) -> Step {
        Step { commit, then, task: Task::Work(Self { phase, ..self.clone() }) }
    }

    fn end(&self, commit: Option<Commit>, done: Done) -> Step {
        self.go(self.phase.clone(), commit, Then::Reply(Reply::Done(done)))
    }
}

/// The age of the stored data, if it is newer than what this attempt has fetched: while its data was being prepared, another attempt's
/// came.
fn newer_in_store(connection: &Connection, attempt: &Attempt, refreshed_at_ms: i64) -> Option<i64> {
    let came_meanwhile = connection.settled_at_ms >= attempt.accepted_at_ms;
    connection.refreshed_at_ms.filter(|stored_ms| came_meanwhile && *stored_ms > refreshed_at_ms)
}

/// The first data call. A choice that Flinks has not confirmed is asked for beside the old selection, so that what it lacks shows.
fn data_call(connection: &Connection, attempt: &Attempt) -> Option<Call> {
    let mut accounts = connection.selection.clone();
    accounts.extend(attempt.choice.iter().filter(|id| !connection.selection.contains(id)).cloned());
    let request_id = attempt.request_id.clone()?;
    Some(Call::Data { request_id, accounts, transactions: attempt.transactions })
}

fn is_late(now: Now, attempt: &Attempt, deadline_ms: i64) -> bool {
    now.now_ms.saturating_sub(attempt.accepted_at_ms.unwrap_or(attempt.created_at_ms)) > deadline_ms
}

/// Shows or clears what delays the data; the status stays as it is.
fn trouble(connection: &Connection, why: Option<&str>) -> Option<Change> {
    let problem = why.map(str::to_owned);
    (connection.problem != problem).then(|| Change::PutConnection(Connection { problem, ..connection.clone() }))
}

/// The connection wants its user.
pub(crate) fn problem(connection: &Connection, why: &str) -> Change {
    let problem = Some(why.to_owned());
    Change::PutConnection(Connection { status: Status::NeedsAttention, problem, ..connection.clone() })
}

fn event(kind: EventKind, connection: &Connection, attempt: &Attempt, problem: Option<&str>) -> Event {
    Event { reason: problem.map(Reason::of), ..Event::of(kind, connection, attempt) }
}
