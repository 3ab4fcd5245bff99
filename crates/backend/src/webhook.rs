//! Flinks' webhook: a second way for a result to arrive.
//!
//! A browser may die with the result in its hands; Flinks then still posts the login's data, with the tag that `/Authorize` or
//! the page's address carried, and with the session. The data in it is not used: the attempt is accepted like any other.
//!
//! Invariants: the driver has verified the signature before it makes a task of a webhook; one result for each session, so a
//! webhook that comes again, or about a session that another attempt had, changes nothing; another login than the connection's is told
//! once, and its data never stored.

use flinks_connect::id::{LoginId, RequestId, Tag};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    acceptance::{Bearer, accept, supersede},
    flinks::timestamp_ms,
    inquiry::Finished,
    record::{Attempt, Query, Stage, State, Stored},
    settings::{Now, Settings},
    step::{Change, Commit, Done, Event, Outcome, Reply, Step, Task, Then},
    work::{LOGIN_MISMATCH, problem},
};

/// A webhook that says that a login's data is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    tag: Option<Tag>,
    request_id: Option<RequestId>,
    login_id: LoginId,
    last_refresh_ms: Option<i64>,
    by: By,
    result_taken: bool,
}

/// By what the attempt is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Tag,
    Session,
}

impl Webhook {
    /// Reads a webhook's body. `None` where it is not about a login's data, or names neither a tag nor a session: answer it 200,
    /// because Flinks repeats everything else.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if text("ResponseType") != Some("GetAccountsDetail") {
            return None;
        }
        let login = body.get("Login")?;
        let login_id = LoginId::parse(login.get("Id")?.as_str()?)?;
        let last_refresh_ms = login.get("LastRefresh").and_then(Value::as_str).and_then(timestamp_ms);
        let tag = text("Tag").and_then(Tag::parse);
        let request_id = text("RequestId").and_then(RequestId::parse);
        let by = match (&tag, &request_id) {
            (Some(_), _) => By::Tag,
            (None, Some(_)) => By::Session,
            (None, None) => return None,
        };
        Some(Self { tag, request_id, login_id, last_refresh_ms, by, result_taken: false })
    }

    pub(crate) fn query(&self) -> Query {
        match (self.by, &self.tag, &self.request_id) {
            (By::Tag, Some(tag), _) | (_, Some(tag), None) => Query::Tag { tag: tag.clone() },
            (_, _, Some(request_id)) => Query::Session { request_id: request_id.clone() },
            // `read` lets none of these through.
            (_, None, None) => Query::Connection { user: String::new(), id: String::new() },
        }
    }

    pub(crate) fn refused(&mut self, outcome: Outcome) {
        self.result_taken |= outcome == Outcome::ResultTaken;
    }

    pub(crate) fn step(&self, settings: &Settings, now: Now, stored: Option<&Stored>) -> Step {
        let Some((stored, attempt)) = stored.and_then(|stored| Some((stored, stored.subject()?))) else {
            // A tag that is not ours, or none of this installation's: the session may be known all the same.
            if self.by == By::Tag && self.request_id.is_some() {
                let by_session = Self { by: By::Session, ..self.clone() };
                return Step { commit: None, then: Then::Again, task: Task::Webhook(by_session) };
            }
            return self.end(None, Done::Nothing);
        };
        let connection = &stored.connection;
        if self.login_id != connection.login_id {
            // The attempt's own tag or session came back with another login. That is told once.
            let is_news = attempt.state == State::Open && attempt.is_waiting_at(now.now_ms);
            let told = is_news.then(|| {
                Commit::on(connection)
                    .with(supersede(attempt))
                    .with(problem(connection, LOGIN_MISMATCH))
                    .telling(Event::login_changed(connection, attempt))
            });
            return self.end(told, Done::OtherLogin);
        }
        if self.result_taken || !attempt.is_waiting_at(now.now_ms) {
            return self.end(None, Done::Nothing);
        }
        let Some(session) = self.request_id.as_ref().or(attempt.request_id.as_ref()) else {
            return self.end(None, Done::Nothing);
        };
        // The user did not come back to the attempt's own session: in the same frame there is a way to the full flow.
        let has_left = attempt.request_id.as_ref().is_some_and(|own| own != session);
        let flow = Attempt { stage: if has_left { Stage::FullFlow } else { attempt.stage }, ..attempt.clone() };
        if flow.picks_accounts(connection) {
            // Only the browser knows which accounts its user picked, and showing the old ones would show what the user may have
            // taken away. Its delivery is waited for; this says what it will be about.
            if attempt.request_id.as_ref() == Some(session) {
                return self.end(None, Done::Nothing);
            }
            // The token that is stored was the other session's.
            let known = Attempt { request_id: Some(session.clone()), token: None, ..flow };
            return self.end(Some(Commit::on(connection).with(Change::PutAttempt(known))), Done::Postponed);
        }
        let finished =
            Finished { session: session.clone(), data: session.clone(), refreshed_at_ms: self.last_refresh_ms };
        self.end(Some(accept(settings, stored, attempt, finished, Bearer::Server, now)), Done::Accepted)
    }

    fn end(&self, commit: Option<Commit>, done: Done) -> Step {
        Step { commit, then: Then::Reply(Reply::Done(done)), task: Task::Webhook(self.clone()) }
    }
}
