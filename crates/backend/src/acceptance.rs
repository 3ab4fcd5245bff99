//! Taking a result, once, whoever brings it: browser, webhook, reconciler, or the user who starts again.
//!
//! Invariants: only a result that Flinks has confirmed comes here; it is committed before anybody is told; the attempts beside
//! it are superseded in the same commit. Where the application fetches the data, the attempt is finished with that.

use flinks_connect::id::AccountId;

use crate::{
    inquiry::Finished,
    record::{Attempt, Connection, DataStep, Stage, State, Status, Stored, TakenDelivery, Transactions},
    settings::{Fetch, Now, Settings},
    step::{Change, Commit, Event, EventKind},
};

/// Who brings a result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bearer<'a> {
    /// The server found it with Flinks.
    Server,
    /// A page delivered it.
    Browser {
        /// Of the delivery's bytes.
        fingerprint: &'a str,
        /// The accounts its user picked, as the page says.
        accounts: &'a [AccountId],
    },
}

/// The commit that takes a result for `attempt`.
pub(crate) fn accept(
    settings: &Settings,
    stored: &Stored,
    attempt: &Attempt,
    finished: Finished,
    bearer: Bearer<'_>,
    now: Now,
) -> Commit {
    let connection = &stored.connection;
    let (delivery, choice) = match bearer {
        Bearer::Server => (TakenDelivery::None, Vec::new()),
        Bearer::Browser { fingerprint, accounts } => {
            (TakenDelivery::Of(fingerprint.to_owned()), choice(connection, attempt, &finished, accounts))
        }
    };
    let accepted = Attempt {
        state: State::Accepted,
        request_id: Some(finished.data),
        result: Some(finished.session),
        accepted_at_ms: Some(now.now_ms),
        due_at_ms: now.now_ms,
        tries: 0,
        data_step: DataStep::Ask,
        transactions: Transactions::Wanted,
        delivery,
        choice,
        ..attempt.clone()
    };
    let refreshed_at_ms = finished.refreshed_at_ms;
    let commit = match settings.fetch {
        Fetch::On => Commit::on(connection).with(Change::PutAttempt(accepted)),
        Fetch::Off => leave_to_application(connection, accepted, refreshed_at_ms, now),
    };
    commit.and(supersede_others(stored, attempt))
}

/// The application fetches the data: nothing is left to do but to tell it.
fn leave_to_application(connection: &Connection, accepted: Attempt, refreshed_at_ms: Option<i64>, now: Now) -> Commit {
    let refreshed_at_ms = refreshed_at_ms.unwrap_or(now.now_ms).max(connection.refreshed_at_ms.unwrap_or(0));
    let told = Event {
        account_ids: if accepted.choice.is_empty() { connection.selection.clone() } else { accepted.choice.clone() },
        refreshed_at_ms: Some(refreshed_at_ms),
        request_id: accepted.request_id.clone(),
        ..Event::of(EventKind::Refreshed, connection, &accepted)
    };
    let repaired = Connection {
        status: Status::UpToDate,
        problem: None,
        refreshed_at_ms: Some(refreshed_at_ms),
        settled_at_ms: Some(now.now_ms),
        // The answer to the attempt's own sign-in is not waited for any longer.
        sign_in: connection.sign_in.clone().filter(|sign_in| sign_in.attempt != accepted.id),
        ..connection.clone()
    };
    Commit::on(connection)
        .with(Change::PutAttempt(Attempt { state: State::Finished, ..accepted }))
        .with(Change::PutConnection(repaired))
        .telling(told)
}

/// The user has got through with one attempt: the others are asked about no more. Their results are still taken.
fn supersede_others(stored: &Stored, taken: &Attempt) -> Vec<Change> {
    let others = stored.attempts.iter().filter(|other| other.state == State::Open && other.id != taken.id);
    others.map(supersede).collect()
}

pub(crate) fn supersede(attempt: &Attempt) -> Change {
    Change::PutAttempt(Attempt { state: State::Superseded, ..attempt.clone() })
}

/// Account ids of a delivery are the user's choice where there was one: the connection was made with the selector, and the user
/// went through the full flow instead of coming back to the attempt's own session. Whether Flinks has them is seen when the data
/// comes; until then nothing is narrowed by them.
fn choice(connection: &Connection, attempt: &Attempt, finished: &Finished, accounts: &[AccountId]) -> Vec<AccountId> {
    let came_back = attempt.stage != Stage::FullFlow && attempt.request_id.as_ref() == Some(&finished.session);
    if came_back || connection.selection.is_empty() {
        return Vec::new();
    }
    let mut choice = Vec::new();
    for id in accounts {
        if !choice.contains(id) {
            choice.push(id.clone());
        }
    }
    choice
}
