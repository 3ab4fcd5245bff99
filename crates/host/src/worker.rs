//! The work that goes on without a request: fetching data of accepted results, asking Flinks about open attempts.
//!
//! Invariants: what is to be done is in the database, so a host that starts carries on where another one died; at most
//! [`MOST_AT_ONCE`] steps run at a time, and each ends with its claim given back, finished or failed. A step that fails is
//! repeated later and later, with jitter, so that a Flinks that is down is not met by all hosts at once when it comes back.

use std::{sync::Arc, time::Duration};

use flinks_reconnect::connect::{
    code::{self, FlinksCode, Severity},
    id::RequestId,
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    flinks::{Data, Details, Fault},
    moment::Moment,
    random,
    reconnect::{Reconnects, Verdict},
    storage::{
        StorageError,
        attempts::{Acceptance, Claim, DataStep, Owner, Work},
    },
};

/// The most steps at a time: what Flinks and the database see of one host at once.
const MOST_AT_ONCE: usize = 8;
/// How long a claim lasts when it is not renewed, so how long the work of a dead host waits for another one.
const LEASE: Duration = Duration::from_secs(10);
/// How often claims are renewed.
const RENEWAL: Duration = Duration::from_secs(3);
/// How long the worker sleeps at most: other hosts add work without ringing this one's bell.
const LONGEST_NAP: Duration = Duration::from_secs(1);
/// Flinks prepares data for at most this long.
const DATA_DEADLINE: Duration = Duration::from_mins(30);
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
    let worker = Arc::new(Worker { reconnects, owner });
    let mut steps = JoinSet::new();
    let mut renewal = interval(RENEWAL);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleaning = interval(CLEANING);
    loop {
        let nap = match worker.take_work(MOST_AT_ONCE.saturating_sub(steps.len())).await {
            Ok(Taken { claims, nap }) => {
                for claim in claims {
                    let worker = Arc::clone(&worker);
                    steps.spawn(async move { worker.step(claim).await });
                }
                nap
            }
            Err(error) => {
                tracing::error!(%error, "storage failed; no work can be taken");
                LONGEST_NAP
            }
        };
        tokio::select! {
            () = worker.reconnects.bell.notified() => {}
            () = sleep(nap) => {}
            Some(_) = steps.join_next() => {}
            _ = renewal.tick(), if !steps.is_empty() => {
                let until = Moment::now().plus(LEASE);
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
    /// Go on in this session at the given time.
    Continue { request_id: RequestId, step: DataStep, due_at: Moment },
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
                let claims = storage.claim_due(&self.owner, now, LEASE, most).await?;
                // There may be more than fitted.
                let nap = if claims.len() == most { Duration::ZERO } else { Duration::from_millis(50) };
                Ok(Taken { claims, nap })
            }
            Some(due) => Ok(Taken { claims: Vec::new(), nap: due.since(now).min(LONGEST_NAP) }),
            None => Ok(Taken { claims: Vec::new(), nap: LONGEST_NAP }),
        }
    }

    async fn step(&self, claim: Claim) {
        let outcome = match &claim.work {
            Work::Expire => self.reconnects.storage.set_aside(&claim.attempt).await,
            Work::Reconcile(request_id) => self.reconcile(&claim, request_id).await,
            Work::Fetch { request_id, step, accepted_at } => self.fetch(&claim, request_id, *step, *accepted_at).await,
        };
        if let Err(error) = outcome {
            // The claim runs out and the work is done again.
            tracing::error!(%error, "storage failed during a step");
        }
    }

    /// Asks about an attempt whose result the browser may have lost.
    async fn reconcile(&self, claim: &Claim, request_id: &RequestId) -> Result<(), StorageError> {
        let storage = &self.reconnects.storage;
        match self.reconnects.probe(&claim.login_id, request_id).await {
            Ok(Verdict::Finished(request_id)) => {
                let found = Acceptance {
                    attempt: &claim.attempt,
                    fingerprint: None,
                    request_id: &request_id,
                    selection: None,
                    now: Moment::now(),
                };
                self.reconnects.take(&found).await.map(|_| ())
            }
            Ok(Verdict::Over | Verdict::Refused(_)) => storage.set_aside(&claim.attempt).await,
            Ok(Verdict::OtherLogin) => {
                storage.set_aside(&claim.attempt).await?;
                storage.note_problem(&claim.connection, LOGIN_MISMATCH).await
            }
            Ok(Verdict::Unfinished) | Err(_) => {
                let pause = doubled(self.reconnects.pace.reconcile_after, claim.tries, LONGEST_RECONCILE_PAUSE);
                let tries = claim.tries.saturating_add(1);
                storage.postpone(&self.owner, &claim.attempt, Moment::now().plus(pause), tries).await
            }
        }
    }

    async fn fetch(
        &self,
        claim: &Claim,
        request_id: &RequestId,
        step: DataStep,
        accepted_at: Moment,
    ) -> Result<(), StorageError> {
        let storage = &self.reconnects.storage;
        let now = Moment::now();
        match self.progress(claim, request_id, step).await {
            Ok(Progress::Ready(details)) => {
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
                storage.finish(&self.owner, claim, &accounts, refreshed_at).await?;
                tracing::info!(accounts = accounts.len(), "data stored");
                Ok(())
            }
            Ok(Progress::Hopeless(code)) => {
                tracing::warn!(code, "data cannot be fetched");
                storage.fail(&self.owner, claim, code).await
            }
            Ok(Progress::Continue { .. }) | Err(_) if now.since(accepted_at) > DATA_DEADLINE => {
                tracing::warn!(code = DATA_TIMEOUT, "data cannot be fetched");
                storage.fail(&self.owner, claim, DATA_TIMEOUT).await
            }
            Ok(Progress::Continue { request_id, step, due_at }) => {
                storage.postpone_data(&self.owner, &claim.attempt, &request_id, step, due_at).await
            }
            Err(fault) => {
                let backed_off = doubled(Duration::from_millis(500), claim.tries, LONGEST_PAUSE);
                let pause = match fault {
                    Fault::Busy(Some(asked)) => backed_off.max(asked),
                    _ => backed_off,
                };
                let tries = claim.tries.saturating_add(1);
                storage.postpone(&self.owner, &claim.attempt, now.plus(pause), tries).await
            }
        }
    }

    async fn progress(&self, claim: &Claim, request_id: &RequestId, step: DataStep) -> Result<Progress, Fault> {
        let flinks = &self.reconnects.flinks;
        let data = match step {
            DataStep::Ask => flinks.accounts(request_id, &claim.selection).await?,
            DataStep::Poll => flinks.pending_accounts(request_id).await?,
        };
        match data {
            Data::Ready(details) => Ok(Progress::Ready(details)),
            Data::Pending => Ok(Progress::Continue {
                request_id: request_id.clone(),
                step: DataStep::Poll,
                due_at: Moment::now().plus(self.reconnects.pace.poll_interval),
            }),
            Data::Refused(code) if code.severity == Severity::SessionOver => self.renewed(claim, code).await,
            Data::Refused(code) if code.severity == Severity::Passing && code.name != code::NO_TRANSACTION.name => {
                tracing::info!(code = code.name, "Flinks asks to come back later for data");
                Err(Fault::Busy(None))
            }
            Data::Refused(code) => Ok(Progress::Hopeless(code.name)),
        }
    }

    /// The session is used up or over: the login's cached data is as fresh as the user has just made it.
    async fn renewed(&self, claim: &Claim, code: FlinksCode) -> Result<Progress, Fault> {
        Ok(match self.reconnects.look_up(&claim.login_id).await? {
            Verdict::Finished(request_id) => Progress::Continue {
                request_id,
                step: DataStep::Ask,
                // Not at once: were the new session over as well, this would go round without end.
                due_at: Moment::now().plus(self.reconnects.pace.poll_interval),
            },
            Verdict::Unfinished => return Err(Fault::Busy(None)),
            Verdict::OtherLogin => Progress::Hopeless(LOGIN_MISMATCH),
            Verdict::Over => Progress::Hopeless(code.name),
            Verdict::Refused(code) => Progress::Hopeless(code.name),
        })
    }
}

/// `base` doubled `times` times, at most `cap`, of which a random half is left out.
fn doubled(base: Duration, times: u32, cap: Duration) -> Duration {
    let longest = base.saturating_mul(2_u32.saturating_pow(times.min(16))).min(cap);
    longest.mul_f64(0.5 + random::fraction() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_cap_and_are_never_zero() {
        let base = Duration::from_millis(500);
        for times in [0, 1, 5, 16, u32::MAX] {
            let pause = doubled(base, times, LONGEST_PAUSE);
            assert!(pause >= base / 2 && pause <= LONGEST_PAUSE, "{pause:?}");
        }
        assert!(doubled(base, 20, LONGEST_PAUSE) >= LONGEST_PAUSE / 2);
    }
}
