//! *deliver*: a page brings a result.
//!
//! Invariants: `Accepted` means committed; the same attempt with other bytes is refused before anything else is judged; the
//! login is the one Flinks names, never the one the page names; what the page calls its mode decides nothing; a refusal changes nothing, but
//! the application is told of a login that Flinks says has changed.

use flinks_connect::id::{AccountId, AttemptId, LoginId, RequestId, Tag};
use serde::{Deserialize, Serialize};

use crate::{
    acceptance::{Bearer, accept},
    flinks::Answer,
    inquiry::{Finding, Inquiry},
    record::{Attempt, Query, State, Stored, TakenDelivery},
    refusal::Refusal,
    settings::{Now, Settings},
    step::{Change, Commit, Event, Outcome, Reply, Step, Task, Then},
};

/// A result as the page reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// For which attempt.
    pub attempt: AttemptId,
    /// The login, when REDIRECT named one.
    pub login_id: Option<LoginId>,
    /// The session, when the page knows one.
    pub request_id: Option<RequestId>,
    /// The accounts picked, or those of the original session.
    pub account_ids: Vec<AccountId>,
    /// The tag that Flinks returned, if it did.
    pub tag: Option<Tag>,
    /// Of the bytes it came in: equal for equal bytes, different for others.
    pub fingerprint: String,
}

/// A delivery to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deliver {
    user: String,
    delivery: Delivery,
    inquiry: Inquiry,
    result_taken: bool,
}

impl Deliver {
    /// A delivery of `user`'s page.
    #[must_use]
    pub fn new(user: String, delivery: Delivery) -> Self {
        let inquiry = Inquiry::about(delivery.request_id.clone());
        Self { user, delivery, inquiry, result_taken: false }
    }

    pub(crate) fn query(&self) -> Query {
        Query::Attempt { user: self.user.clone(), id: self.delivery.attempt.clone() }
    }

    pub(crate) fn hear(&mut self, answer: Answer) {
        self.inquiry.hear(answer);
    }

    pub(crate) fn refused(&mut self, outcome: Outcome) {
        self.result_taken |= outcome == Outcome::ResultTaken;
    }

    pub(crate) fn step(&self, settings: &Settings, now: Now, stored: Option<&Stored>) -> Step {
        let Some((stored, attempt)) = stored.and_then(|stored| Some((stored, stored.subject()?))) else {
            return self.refuse(Refusal::NoAttempt);
        };
        let connection = &stored.connection;
        let delivery = &self.delivery;
        match &attempt.delivery {
            TakenDelivery::Of(taken) if *taken == delivery.fingerprint => return self.end(None, Reply::Accepted),
            TakenDelivery::Of(_) => return self.refuse(Refusal::AttemptUsed),
            TakenDelivery::None => {}
        }
        let taken = TakenDelivery::Of(delivery.fingerprint.clone());
        // Flinks does not always return the tag; when it does, it has to be this attempt's.
        if delivery.tag.as_ref().is_some_and(|tag| *tag != attempt.tag) {
            return self.refuse(Refusal::OtherTag);
        }
        let names_other = delivery.login_id.as_ref().is_some_and(|login| *login != connection.login_id);
        // It is refused in any case. Where Flinks can say that it is true, the application is told as well.
        let is_verifiable = delivery.request_id.is_some() && !self.result_taken && attempt.is_waiting_at(now.now_ms);
        if names_other && !is_verifiable {
            return self.refuse(Refusal::OtherLogin);
        }
        if attempt.state.is_used() {
            // The server found this result itself and has verified it; from now on this delivery is the one to be repeated.
            let received = Attempt { delivery: taken, ..attempt.clone() };
            return self.end(Some(Commit::on(connection).with(Change::PutAttempt(received))), Reply::Accepted);
        }
        if self.result_taken {
            // One result for each session, whoever brought it: it is in, through another attempt.
            let done = Attempt { state: State::Superseded, delivery: taken, ..attempt.clone() };
            return self.end(Some(Commit::on(connection).with(Change::PutAttempt(done))), Reply::Accepted);
        }
        if delivery.login_id.is_none() && delivery.request_id.is_none() && attempt.request_id.is_none() {
            return self.refuse(Refusal::NothingToVerify);
        }
        if !attempt.is_waiting_at(now.now_ms) {
            return self.refuse(Refusal::Expired);
        }
        match self.inquiry.finding(connection, attempt) {
            Finding::Ask(target, call) => {
                let asking = Self { inquiry: self.inquiry.asking(target), ..self.clone() };
                Step { commit: None, then: Then::Call(call), task: Task::Deliver(asking) }
            }
            Finding::OtherLogin => {
                let told = Commit::on(connection).telling(Event::login_changed(connection, attempt));
                self.end(Some(told), Reply::Refused(Refusal::OtherLogin))
            }
            _ if names_other => self.refuse(Refusal::OtherLogin),
            Finding::Finished(finished) => {
                let bearer = Bearer::Browser { fingerprint: &delivery.fingerprint, accounts: &delivery.account_ids };
                self.end(Some(accept(settings, stored, attempt, finished, bearer, now)), Reply::Accepted)
            }
            Finding::Waiting | Finding::Working | Finding::Over => self.refuse(Refusal::NotFinished),
            Finding::Refused(code) => self.refuse(Refusal::Refused(code)),
            Finding::Later(code) | Finding::Unsure(code) => self.refuse(Refusal::Later(code)),
            Finding::Trouble(trouble) => self.refuse(Refusal::Trouble(trouble)),
        }
    }

    fn end(&self, commit: Option<Commit>, reply: Reply) -> Step {
        Step { commit, then: Then::Reply(reply), task: Task::Deliver(self.clone()) }
    }

    fn refuse(&self, refusal: Refusal) -> Step {
        self.end(None, Reply::Refused(refusal))
    }
}
