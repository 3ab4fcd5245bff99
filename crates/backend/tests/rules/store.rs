//! A store in memory: versions, limits and one attempt per result, as a database has to keep them.

use std::collections::BTreeMap;

use flinks_backend::{
    record::{Attempt, Connection, Query, State, Stored},
    step::{Change, Commit, Event, Kept, Outcome},
};
use flinks_connect::id::AccountId;

/// Everything that is stored, and what happened to it.
#[derive(Default)]
pub struct Store {
    pub connections: BTreeMap<String, Connection>,
    pub accounts: BTreeMap<String, Vec<AccountId>>,
    pub attempts: Vec<Attempt>,
    pub events: Vec<Event>,
    /// Each change of an attempt's state, as attempt and new state.
    pub moves: Vec<(String, State)>,
}

impl Store {
    pub fn add(&mut self, connection: Connection) {
        self.connections.insert(connection.id.clone(), connection);
    }

    pub fn read(&self, query: &Query, now_ms: i64) -> Option<Stored> {
        let (id, subject) = match query {
            Query::Connection { user, id } => {
                let connection = self.connections.get(id).filter(|connection| connection.user == *user)?;
                (connection.id.clone(), None)
            }
            Query::Attempt { user, id } => self.found(|one| one.id == *id && one.user == *user)?,
            Query::Id { id } => self.found(|one| one.id == *id)?,
            Query::Tag { tag } => self.found(|one| one.tag == *tag)?,
            Query::Session { request_id } => self
                .found(|one| one.result.as_ref() == Some(request_id))
                .or_else(|| self.found(|one| one.request_id.as_ref() == Some(request_id)))?,
        };
        let mut attempts: Vec<_> = self
            .attempts
            .iter()
            .filter(|one| {
                let is_alive = match one.state {
                    State::Open | State::Accepted => true,
                    State::Superseded => one.expires_at_ms > now_ms,
                    State::Finished | State::Failed => false,
                };
                one.connection == id && (is_alive || Some(&one.id) == subject.as_ref())
            })
            .cloned()
            .collect();
        attempts.sort_by_key(|one| std::cmp::Reverse(one.created_at_ms));
        Some(Stored { connection: self.connections[&id].clone(), attempts, subject })
    }

    fn found(&self, is_it: impl Fn(&Attempt) -> bool) -> Option<(String, Option<flinks_connect::id::AttemptId>)> {
        let attempt = self.attempts.iter().rev().find(|one| is_it(one))?;
        Some((attempt.connection.clone(), Some(attempt.id.clone())))
    }

    /// All of it or nothing.
    pub fn commit(&mut self, commit: &Commit, in_hand: &[AccountId]) -> Outcome {
        let Some(connection) = self.connections.get(&commit.connection) else { return Outcome::Conflict };
        if connection.version != commit.version {
            return Outcome::Conflict;
        }
        if let Some(limit) = &commit.limit {
            let under_way = self.connections.values().filter(|one| {
                one.user == limit.user
                    && one.id != commit.connection
                    && one.sign_in.as_ref().is_some_and(|sign_in| sign_in.until_ms > limit.now_ms)
            });
            if under_way.count() >= usize::try_from(limit.most).unwrap() {
                return Outcome::OverLimit;
            }
        }
        for change in &commit.changes {
            if let Change::PutAttempt(attempt) = change
                && let Some(result) = &attempt.result
                && self.attempts.iter().any(|other| other.id != attempt.id && other.result.as_ref() == Some(result))
            {
                return Outcome::ResultTaken;
            }
        }
        for change in &commit.changes {
            self.apply(&commit.connection, change, in_hand);
        }
        self.connections.get_mut(&commit.connection).unwrap().version += 1;
        self.events.extend(commit.events.iter().cloned());
        Outcome::Done
    }

    fn apply(&mut self, id: &str, change: &Change, in_hand: &[AccountId]) {
        let connection = self.connections.get_mut(id).unwrap();
        match change {
            Change::AddAttempt(attempt) => {
                assert!(self.attempts.iter().all(|one| one.id != attempt.id && one.tag != attempt.tag));
                self.moves.push((attempt.id.as_str().to_owned(), attempt.state));
                self.attempts.push(attempt.clone());
            }
            Change::PutAttempt(attempt) => {
                let stored = self.attempts.iter_mut().find(|one| one.id == attempt.id).unwrap();
                assert_eq!((&stored.tag, &stored.user), (&attempt.tag, &attempt.user), "an attempt keeps its tag");
                if stored.state != attempt.state {
                    self.moves.push((attempt.id.as_str().to_owned(), attempt.state));
                }
                *stored = attempt.clone();
            }
            Change::PutConnection(put) => {
                assert_eq!(connection.login_id, put.login_id, "a login is never overwritten");
                connection.status = put.status;
                connection.problem.clone_from(&put.problem);
                connection.refreshed_at_ms = put.refreshed_at_ms;
                connection.settled_at_ms = put.settled_at_ms;
                connection.sign_in.clone_from(&put.sign_in);
            }
            Change::Select(accounts) => connection.selection.clone_from(accounts),
            Change::StoreAccounts(kept) => {
                let kept = in_hand.iter().filter(|id| match kept {
                    Kept::All => true,
                    Kept::Only(only) => only.contains(id),
                });
                let kept: Vec<_> = kept.cloned().collect();
                assert!(!kept.is_empty(), "success is never empty");
                self.accounts.insert(id.to_owned(), kept);
            }
        }
    }
}
