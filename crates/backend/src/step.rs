//! What a decision is: one value that a driver carries out.
//!
//! A driver loops: read what [`Task::query`] names, ask [`Task::step`] for a [`Step`], store its [`Commit`], and then do what
//! [`Then`] says. When the store says that the version has changed meanwhile ([`Outcome::Conflict`]), it reads and steps again
//! *with the task as it was*: what the task has heard from Flinks is kept, the decision is made anew. So a step may be repeated
//! any number of times, by any number of drivers, and is stored once.
//!
//! Three kinds of failure, and what a driver does: see [`Failure`].

use flinks_connect::id::{AccountId, AttemptId, LoginId, RequestId};
use serde::{Deserialize, Serialize};

use crate::{
    deliver::Deliver,
    flinks::{Answer, Call},
    nightly::Nightly,
    reason::Reason,
    record::{Attempt, Connection, Query, Stored},
    refusal::Refusal,
    settings::{Now, Settings},
    start::{Start, StartReply},
    webhook::Webhook,
    work::Work,
};

/// Something to decide, and how far that is. Plain data: a driver may keep it as JSON between two calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "camelCase")]
pub enum Task {
    /// A user wants a connection back.
    Start(Start),
    /// A page brings a result.
    Deliver(Deliver),
    /// Flinks brings a result.
    Webhook(Webhook),
    /// An attempt is due.
    Work(Work),
    /// Nightly Refresh passes a connection over.
    Nightly(Nightly),
}

impl Task {
    /// What to read before the next step.
    #[must_use]
    pub fn query(&self) -> Query {
        match self {
            Self::Start(task) => task.query(),
            Self::Deliver(task) => task.query(),
            Self::Webhook(task) => task.query(),
            Self::Work(task) => task.query(),
            Self::Nightly(task) => task.query(),
        }
    }

    /// Decides, on what is stored and what has been heard. Changes nothing by itself.
    #[must_use]
    pub fn step(&self, settings: &Settings, now: Now, stored: Option<&Stored>) -> Step {
        match self {
            Self::Start(task) => task.step(settings, now, stored),
            Self::Deliver(task) => task.step(settings, now, stored),
            Self::Webhook(task) => task.step(settings, now, stored),
            Self::Work(task) => task.step(settings, now, stored),
            Self::Nightly(task) => task.step(now, stored),
        }
    }

    /// Takes the answer to the call that the last step wanted.
    pub fn hear(&mut self, answer: Answer) {
        match self {
            Self::Start(task) => task.hear(answer),
            Self::Deliver(task) => task.hear(answer),
            Self::Webhook(_) | Self::Nightly(_) => {}
            Self::Work(task) => task.hear(answer),
        }
    }

    /// Takes the store's refusal of the last step's commit, before the next step.
    pub fn refused(&mut self, outcome: Outcome) {
        match self {
            Self::Start(task) => task.refused(outcome),
            Self::Deliver(task) => task.refused(outcome),
            Self::Webhook(task) => task.refused(outcome),
            Self::Work(task) => task.refused(outcome),
            Self::Nightly(_) => {}
        }
    }
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What to store first, all of it or nothing.
    pub commit: Option<Commit>,
    /// What to do once that is stored.
    pub then: Then,
    /// The task from then on.
    pub task: Task,
}

impl Step {
    /// When a worker has something to do because of this step.
    #[must_use]
    pub fn wakes_at_ms(&self) -> Option<i64> {
        let commit = self.commit.as_ref()?;
        let due = commit.changes.iter().filter_map(|change| match change {
            Change::AddAttempt(attempt) | Change::PutAttempt(attempt) if is_worked_on(attempt) => {
                Some(attempt.due_at_ms)
            }
            _ => None,
        });
        due.min()
    }
}

fn is_worked_on(attempt: &Attempt) -> bool {
    use crate::record::State;
    matches!(attempt.state, State::Open | State::Accepted)
}

/// What a driver does after storing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "then", content = "with", rename_all = "camelCase")]
pub enum Then {
    /// Read and step again.
    Again,
    /// Call Flinks, give the answer to [`Task::hear`], read and step again.
    Call(Call),
    /// Wait until the connection's version changes, at most until then; read and step again.
    Wait(i64),
    /// Answer; the task is over.
    Reply(Reply),
}

/// How a task ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "with", rename_all = "camelCase")]
pub enum Reply {
    /// A start is answered.
    Started(StartReply),
    /// A result is committed, now or before.
    Accepted,
    /// A request is refused.
    Refused(Refusal),
    /// A webhook or a worker's step is done.
    Done(Done),
}

/// What a step that nobody waits for came to. For logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// There was nothing to do.
    Nothing,
    /// A result was accepted.
    Accepted,
    /// It will be looked at again.
    Postponed,
    /// Data was stored.
    Stored,
    /// Data came, and newer data was there already.
    Outdated,
    /// The attempt has ended without a result or without data.
    Ended,
    /// What a webhook says contradicts what is stored.
    OtherLogin,
    /// A connection wants its user from now on.
    Noted,
}

/// Changes to store together, if the connection still has the version they were decided on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// Which connection.
    pub connection: String,
    /// The version it was decided on; the store raises it by one.
    pub version: i64,
    /// What changes.
    pub changes: Vec<Change>,
    /// What to tell the application, recorded in the same transaction.
    pub events: Vec<Event>,
    /// A limit that has to hold as well.
    pub limit: Option<SignInLimit>,
}

impl Commit {
    pub(crate) fn on(connection: &Connection) -> Self {
        Self {
            connection: connection.id.clone(),
            version: connection.version,
            changes: Vec::new(),
            events: Vec::new(),
            limit: None,
        }
    }

    pub(crate) fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    pub(crate) fn and(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    pub(crate) fn telling(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }
}

/// So many sign-ins of one user at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInLimit {
    /// Whose.
    pub user: String,
    /// So many of the user's connections may have a [`crate::record::SignIn`], the new one included …
    pub most: u32,
    /// … that is not over by then.
    pub now_ms: i64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", content = "to", rename_all = "camelCase")]
pub enum Change {
    /// A new attempt.
    AddAttempt(Attempt),
    /// An attempt as it is from now on; whoever has claimed it has it no more where `state` changes. Id, tag, user, connection,
    /// `baseline_ms` and the times it began and expires never change.
    PutAttempt(Attempt),
    /// A connection's `status`, `problem`, `refreshed_at_ms`, `settled_at_ms` and `sign_in`; nothing else of it.
    PutConnection(Connection),
    /// The accounts a connection is narrowed to.
    Select(Vec<AccountId>),
    /// Put the accounts of the last data answer in the place of the connection's old ones: these of them, or all.
    StoreAccounts(Kept),
}

/// Which of the accounts that came are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// All.
    All,
    /// Only these.
    Only(Vec<AccountId>),
}

/// What became of a [`Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Stored.
    Done,
    /// The connection has another version by now: nothing was stored.
    Conflict,
    /// The user has as many sign-ins under way as the limit allows: nothing was stored.
    OverLimit,
    /// Another attempt has been accepted with this `result`: nothing was stored.
    ResultTaken,
}

/// Something the application wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Whose connection.
    pub user: String,
    /// Which.
    pub connection: String,
    /// Through which attempt.
    pub attempt: Option<AttemptId>,
    /// The connection's login.
    pub login_id: LoginId,
    /// The accounts that were stored. Where the application fetches: those that the user picked, as the page or the connection says; empty
    /// means all.
    pub account_ids: Vec<AccountId>,
    /// How fresh they are, by Flinks' clock.
    pub refreshed_at_ms: Option<i64>,
    /// The session to ask Flinks for the data with, where the application fetches.
    pub request_id: Option<RequestId>,
    /// Why.
    pub reason: Option<Reason>,
}

impl Event {
    /// An event about a connection and an attempt of it, that says nothing more.
    pub(crate) fn of(kind: EventKind, connection: &Connection, attempt: &Attempt) -> Self {
        Self {
            kind,
            user: connection.user.clone(),
            connection: connection.id.clone(),
            attempt: Some(attempt.id.clone()),
            login_id: connection.login_id.clone(),
            account_ids: Vec::new(),
            refreshed_at_ms: None,
            request_id: None,
            reason: None,
        }
    }

    /// Another login than the connection's has come back, as Flinks says.
    pub(crate) fn login_changed(connection: &Connection, attempt: &Attempt) -> Self {
        let reason = Some(Reason::LoginChanged);
        Self { reason, ..Self::of(EventKind::NeedsAttention, connection, attempt) }
    }
}

/// What kinds of events there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// Fresh data is stored, or where the application fetches, is there to be fetched.
    #[serde(rename = "connection.refreshed")]
    Refreshed,
    /// Its user is wanted.
    #[serde(rename = "connection.needs_attention")]
    NeedsAttention,
    /// An attempt ended without data.
    #[serde(rename = "attempt.failed")]
    AttemptFailed,
}

/// What kind of failure a refusal is, for a driver and for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Nothing was decided: the same request may succeed later.
    Passing,
    /// It is decided: the same request is answered the same.
    Lasting,
    /// The store failed, so nobody knows whether it was stored: read, and step again.
    Unknown,
}
