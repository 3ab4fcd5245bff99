//! Connections that Nightly Refresh passes over want their user.
//!
//! Flinks tells nobody when it cannot refresh a login in the night; the list of such logins has to be asked for
//! ([`Call::Nightly`](crate::flinks::Call::Nightly)). Any number of drivers may ask.
//!
//! Invariant: what Flinks says is compared with what happened here since it was asked, so a user who is at it, or has just
//! reconnected, is not sent to reconnect again.

use flinks_connect::id::LoginId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    flinks::timestamp_ms,
    reason::Reason,
    record::{Connection, Query, Stage, State, Status, Stored},
    settings::Now,
    step::{Change, Commit, Done, Event, EventKind, Reply, Step, Task, Then},
};

/// The problem of a connection that Nightly Refresh passes over.
pub const NIGHTLY_FAILED: &str = "NIGHTLY_FAILED";

/// A login that Nightly Refresh passes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Which.
    pub login_id: LoginId,
    /// The last refresh Flinks knows of, when the answer says so.
    pub last_refresh_ms: Option<i64>,
}

impl Listed {
    /// Reads a card of `IneligibleCards`. One without a login is nobody's.
    pub(crate) fn read(card: &Value) -> Option<Self> {
        let text = |name: &str| card.get(name).and_then(Value::as_str);
        let login_id = LoginId::parse(text("LoginId")?)?;
        Some(Self { login_id, last_refresh_ms: text("LastRefresh").and_then(timestamp_ms) })
    }

    /// Whether this is news about a connection of the login: its data is not younger than what Flinks speaks of, and was stored
    /// before Flinks was asked.
    #[must_use]
    pub fn is_news(&self, refreshed_at_ms: Option<i64>, settled_at_ms: Option<i64>, asked_ms: i64) -> bool {
        refreshed_at_ms.unwrap_or(0) <= self.last_refresh_ms.unwrap_or(i64::MAX)
            && settled_at_ms.unwrap_or(0) < asked_ms
    }
}

/// A connection whose login is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nightly {
    user: String,
    connection: String,
    listed: Listed,
    asked_ms: i64,
}

impl Nightly {
    /// What there is to decide about these connections, after Flinks was asked at `asked_ms`.
    #[must_use]
    pub fn of(listed: &[Listed], connections: &[Connection], asked_ms: i64) -> Vec<Self> {
        let concerned = |connection: &&Connection| connection.status == Status::UpToDate;
        let task = |connection: &Connection| {
            let is_about = |one: &&Listed| {
                one.login_id == connection.login_id
                    && one.is_news(connection.refreshed_at_ms, connection.settled_at_ms, asked_ms)
            };
            let listed = listed.iter().find(is_about)?.clone();
            Some(Self { user: connection.user.clone(), connection: connection.id.clone(), listed, asked_ms })
        };
        connections.iter().filter(concerned).filter_map(task).collect()
    }

    pub(crate) fn query(&self) -> Query {
        Query::Connection { user: self.user.clone(), id: self.connection.clone() }
    }

    pub(crate) fn step(&self, now: Now, stored: Option<&Stored>) -> Step {
        let commit = stored.filter(|stored| self.wants_user(now, stored)).map(|Stored { connection, .. }| {
            let problem = Some(NIGHTLY_FAILED.to_owned());
            let event = Event {
                kind: EventKind::NeedsAttention,
                user: connection.user.clone(),
                connection: connection.id.clone(),
                attempt: None,
                request_id: None,
                login_id: connection.login_id.clone(),
                account_ids: Vec::new(),
                refreshed_at_ms: None,
                reason: Some(Reason::NightlyFailed),
            };
            let wanting = Connection { status: Status::NeedsAttention, problem, ..connection.clone() };
            Commit::on(connection).with(Change::PutConnection(wanting)).telling(event)
        });
        let done = if commit.is_some() { Done::Noted } else { Done::Nothing };
        Step { commit, then: Then::Reply(Reply::Done(done)), task: Task::Nightly(self.clone()) }
    }

    fn wants_user(&self, now: Now, Stored { connection, attempts, .. }: &Stored) -> bool {
        let is_under_way = attempts.iter().any(|attempt| match attempt.state {
            State::Accepted => true,
            State::Open => {
                matches!(attempt.stage, Stage::SigningIn | Stage::Session) && attempt.expires_at_ms > now.now_ms
            }
            State::Superseded | State::Finished | State::Failed => false,
        });
        connection.status == Status::UpToDate
            && !is_under_way
            && self.listed.is_news(connection.refreshed_at_ms, connection.settled_at_ms, self.asked_ms)
    }
}
