//! The work that goes on without a request: fetching data of accepted results, asking Flinks about open attempts.
//!
//! Invariants: what is to be done is in the database, so a host that starts carries on where another one died; at most
//! [`MOST_AT_ONCE`] steps run at a time, and each ends with its claim given back, finished or failed. A step that fails is
//! repeated later and later, with jitter, so that a Flinks that is down is not met by all hosts at once when it comes back; and
//! when Flinks limits the rate of requests, no new step begins for a while, however many are due.

use std::{sync::Arc, time::Duration};

use flinks_connect::{
    code::{self, FlinksCode, Severity},
    id::RequestId,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    flinks::{Data, Details, Fault},
    moment::Moment,
    random::doubled,
    reconnect::{Reconnects, Verdict},
    storage::{
        StorageError,
        attempts::{Acceptance, Claim, DataStep, Owner, Work},
    },
};

/// The most steps at a time: what Flinks and the database see of one host at once.
const MOST_AT_ONCE: usize = 8;
/// How long the worker sleeps at most: other hosts add work without ringing this one's bell.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// The first pause after a step that failed, and after Flinks limited the rate of requests.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two tries of a step that fails.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause between two questions about an open attempt.
const LONGEST_RECONCILE_PAUSE: Duration = Duration::from_mins(15);
/// How long an attempt is remembered after it expired: much longer than any browser repeats a delivery.
const MEMORY: Duration = Duration::from_hours(7 * 24);
/// How often forgotten attempts are removed.
const CLEANING: Duration = Duration::from_hours(1);

/// The problem of a connection whose data Flinks did not prepare in time.
const DATA_TIMEOUT: &str = "DATA_TIMEOUT";
/// The problem of a connection whose data turned out to be another login's.
const LOGIN_MISMATCH: &str = "LOGIN_MISMATCH";

/// Does due work until it is dropped.
pub(crate) async fn run(reconnects: Reconnects, owner: Owner) {
    let lease = reconnects.pace.claim_lease;
    let worker = Arc::new(Worker { reconnects, owner });
    let mut steps = JoinSet::new();
    let mut renewal = interval(lease / 3);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleaning = interval(CLEANING);
    let mut rest = Rest::default();
    loop {
        let most = if rest.remaining().is_some() { 0 } else { MOST_AT_ONCE.saturating_sub(steps.len()) };
        let nap = match worker.take_work(most).await {
            Ok(Taken { claims, nap }) => {
                for claim in claims {
                    let worker = Arc::clone(&worker);
                    steps.spawn(async move { worker.step(claim).await });
                }
                rest.remaining().map_or(nap, |rest| rest.min(LONGEST_NAP))
            }
            Err(error) => {
                tracing::error!(%error, "storage failed; no work can be taken");
                LONGEST_NAP
            }
        };
        tokio::select! {
            () = worker.reconnects.bell.notified() => {}
            () = sleep(nap) => {}
            Some(ended) = steps.join_next() => match ended {
                Ok(Heard::Limit(asked)) => rest.begin(asked),
                Ok(Heard::Flinks) => rest.end(),
                Ok(Heard::Nothing) | Err(_) => {}
            },
            _ = renewal.tick(), if !steps.is_empty() => {
                let until = Moment::now().plus(lease);
                if let Err(error) = worker.reconnects.storage.hold(&worker.owner, until).await {
                    tracing::error!(%error, "storage failed; claims may run out");
                }
            }
            _ = cleaning.tick() => {
                if let Err(error) = worker.reconnects.storage.forget_attempts(Moment::now().minus(MEMORY)).await {
                    tracing::error!(%error, "storage failed; old attempts stay");
                }
            }
        }
    }
}

/// What a step heard of Flinks.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// An answer.
    Flinks,
    /// That there were too many requests; with the pause Flinks asked for, when it did.
    Limit(Option<Duration>),
    /// Nothing.
    Nothing,
}

impl Heard {
    fn of<T>(outcome: &Result<T, Fault>) -> Self {
        match outcome {
            Ok(_) => Self::Flinks,
            Err(Fault::Busy(asked)) => Self::Limit(*asked),
            Err(_) => Self::Nothing,
        }
    }
}

/// The pause of the whole worker while Flinks limits the rate of requests; longer each time in a row.
#[derive(Default)]
struct Rest {
    times: u32,
    until: Option<Instant>,
}

impl Rest {
    fn remaining(&self) -> Option<Duration> {
        let remaining = self.until?.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then_some(remaining)
    }

    fn begin(&mut self, asked: Option<Duration>) {
        // Steps that were under way together count once.
        if self.remaining().is_none() {
            let pause = doubled(SHORTEST_PAUSE, self.times, LONGEST_PAUSE).max(asked.unwrap_or_default());
            self.times = self.times.saturating_add(1);
            self.until = Some(Instant::now() + pause);
            tracing::warn!(?pause, "Flinks limits the rate of requests; work rests");
        }
    }

    fn end(&mut self) {
        if self.remaining().is_none() {
            *self = Self::default();
        }
    }
}

/// Work to do now, and how long until there may be more.
struct Taken {
    claims: Vec<Claim>,
    nap: Duration,
}

struct Worker {
    reconnects: Reconnects,
    owner: Owner,
}

/// What a step found out.
enum Progress {
    /// Data of this login.
    Ready(Details),
    /// Go on in this session after the poll interval.
    Continue { request_id: RequestId, step: DataStep },
    /// Flinks or the bank cannot do it now, for this reason.
    Later(&'static str),
    /// It cannot be had.
    Hopeless(&'static str),
}

impl Worker {
    async fn take_work(&self, most: usize) -> Result<Taken, StorageError> {
        let storage = &self.reconnects.storage;
        if most == 0 {
            return Ok(Taken { claims: Vec::new(), nap: LONGEST_NAP });
        }
        let now = Moment::now();
        // Reading first: an idle host does not take the write lock.
        match storage.next_due(now).await? {
            Some(due) if due <= now => {
                let claims = storage.claim_due(&self.owner, now, self.reconnects.pace.claim_lease, most).await?;
                // There may be more than fitted.
                let nap = if claims.len() == most { Duration::ZERO } else { Duration::from_millis(50) };
                Ok(Taken { claims, nap })
            }
            Some(due) => Ok(Taken { claims: Vec::new(), nap: due.since(now).min(LONGEST_NAP) }),
            None => Ok(Taken { claims: Vec::new(), nap: LONGEST_NAP }),
        }
    }

    async fn step(&self, claim: Claim) -> Heard {
        let outcome = match &claim.work {
            Work::Expire => self.reconnects.storage.set_aside(&claim.attempt).await.map(|()| Heard::Nothing),
            Work::Reconcile(request_id) => self.reconcile(&claim, request_id).await,
            Work::Fetch { request_id, step, accepted_at } => self.fetch(&claim, request_id, *step, *accepted_at).await,
        };
        outcome.unwrap_or_else(|error| {
            // The claim runs out and the work is done again.
            tracing::error!(%error, "storage failed during a step");
            Heard::Nothing
        })
    }

    /// Asks about an attempt whose result the browser may have lost.
    async fn reconcile(&self, claim: &Claim, request_id: &RequestId) -> Result<Heard, StorageError> {
        let storage = &self.reconnects.storage;
        let verdict = self.reconnects.probe(&claim.login_id, request_id).await;
        let heard = Heard::of(&verdict);
        match verdict {
            Ok(Verdict::Finished(request_id)) => {
                let found = Acceptance {
                    attempt: &claim.attempt,
                    fingerprint: None,
                    request_id: &request_id,
                    selection: None,
                    now: Moment::now(),
                };
                self.reconnects.take(&found).await?;
            }
            Ok(Verdict::Over | Verdict::Refused(_)) => storage.set_aside(&claim.attempt).await?,
            Ok(Verdict::OtherLogin) => {
                storage.set_aside(&claim.attempt).await?;
                storage.note_problem(&claim.connection, LOGIN_MISMATCH).await?;
            }
            Ok(Verdict::Unfinished) | Err(_) => {
                let pause = doubled(self.reconnects.pace.reconcile_after, claim.tries, LONGEST_RECONCILE_PAUSE);
                storage.postpone(&self.owner, claim, Moment::now().plus(pause), None).await?;
            }
        }
        Ok(heard)
    }

    async fn fetch(
        &self,
        claim: &Claim,
        request_id: &RequestId,
        step: DataStep,
        accepted_at: Moment,
    ) -> Result<Heard, StorageError> {
        let storage = &self.reconnects.storage;
        let progress = self.progress(claim, request_id, step).await;
        let heard = Heard::of(&progress);
        let asked = if let Heard::Limit(asked) = heard { asked.unwrap_or_default() } else { Duration::ZERO };
        let now = Moment::now();
        let is_late = now.since(accepted_at) > self.reconnects.pace.data_deadline;
        match progress.unwrap_or_else(|fault| Progress::Later(fault.code())) {
            Progress::Ready(details) => self.store(claim, details, now).await?,
            Progress::Hopeless(code) => {
                tracing::warn!(code, "data cannot be fetched");
                storage.fail(&self.owner, claim, code).await?;
            }
            Progress::Continue { .. } if is_late => {
                tracing::warn!(code = DATA_TIMEOUT, "data cannot be fetched");
                storage.fail(&self.owner, claim, DATA_TIMEOUT).await?;
            }
            Progress::Later(code) if is_late => {
                tracing::warn!(code, "data could not be fetched in time");
                storage.fail(&self.owner, claim, code).await?;
            }
            Progress::Continue { request_id, step } => {
                let due_at = now.plus(self.reconnects.pace.poll_interval);
                storage.postpone_data(&self.owner, claim, &request_id, step, due_at).await?;
            }
            Progress::Later(code) => {
                tracing::info!(code, "data has to wait");
                let pause = doubled(SHORTEST_PAUSE, claim.tries, LONGEST_PAUSE).max(asked);
                storage.postpone(&self.owner, claim, now.plus(pause), Some(code)).await?;
            }
        }
        Ok(heard)
    }

    async fn store(&self, claim: &Claim, details: Details, now: Moment) -> Result<(), StorageError> {
        let storage = &self.reconnects.storage;
        if details.login_id.as_ref().is_some_and(|login| *login != claim.login_id) {
            tracing::error!("Flinks answered with another login's data; it was not stored");
            return storage.fail(&self.owner, claim, LOGIN_MISMATCH).await;
        }
        let refreshed_at = details.refreshed_at.unwrap_or(now);
        let mut accounts = details.accounts;
        if !claim.selection.is_empty() {
            // Flinks filters too; what the user did not pick is not stored even if it does not.
            accounts.retain(|account| claim.selection.iter().any(|id| account.is(id)));
        }
        storage.finish(&self.owner, claim, &accounts, refreshed_at, now).await?;
        tracing::info!(accounts = accounts.len(), "data stored");
        Ok(())
    }

    async fn progress(&self, claim: &Claim, request_id: &RequestId, step: DataStep) -> Result<Progress, Fault> {
        let flinks = &self.reconnects.flinks;
        let data = match step {
            DataStep::Ask => flinks.accounts(request_id, &claim.selection).await?,
            DataStep::Poll => flinks.pending_accounts(request_id).await?,
        };
        match data {
            Data::Ready(details) => Ok(Progress::Ready(details)),
            Data::Pending => Ok(Progress::Continue { request_id: request_id.clone(), step: DataStep::Poll }),
            Data::Refused(code) if code.severity == Severity::SessionOver => self.renewed(claim, code).await,
            Data::Refused(code) if code.severity == Severity::Passing && code.name != code::NO_TRANSACTION.name => {
                Ok(Progress::Later(code.name))
            }
            Data::Refused(code) => Ok(Progress::Hopeless(code.name)),
        }
    }

    /// The session is used up or over: the login's cached data is as fresh as the user has just made it.
    async fn renewed(&self, claim: &Claim, code: FlinksCode) -> Result<Progress, Fault> {
        Ok(match self.reconnects.look_up(&claim.login_id).await? {
            // Not at once, but after the poll interval: were the new session over as well, this would go round without end.
            Verdict::Finished(request_id) => Progress::Continue { request_id, step: DataStep::Ask },
            Verdict::Unfinished => Progress::Later(code.name),
            Verdict::OtherLogin => Progress::Hopeless(LOGIN_MISMATCH),
            Verdict::Over => Progress::Hopeless(code.name),
            Verdict::Refused(code) => Progress::Hopeless(code.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_worker_rests_longer_each_time_and_no_longer_than_it_must() {
        let mut rest = Rest::default();
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            rest.begin(None);
            let pause = rest.remaining().unwrap();
            rest.begin(None);
            assert!(rest.remaining().unwrap() <= pause, "steps that end together count once");
            assert!(pause * 2 >= last, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::advance(pause + Duration::from_millis(1)).await;
            assert!(rest.remaining().is_none());
        }
        assert!(last >= SHORTEST_PAUSE * 4 && last <= LONGEST_PAUSE, "{last:?}");
        rest.end();
        rest.begin(Some(Duration::from_secs(90)));
        assert_eq!(rest.remaining(), Some(Duration::from_secs(90)));
    }
}
