//! The work that goes on without a request: fetching data of accepted results, asking Flinks about open attempts.
//!
//! Invariants: what is to be done is in the database, so a host that starts carries on where another one died; at most
//! [`MOST_AT_ONCE`] steps run at a time, each with a claim of its own; when Flinks limits the rate of requests, no new step begins for
//! a while, however many are due. A host that stops begins no step, and lets those that run finish.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use flinks_backend::{step::Task, work::Work};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tracing::Instrument as _;

use crate::{
    log::correlator,
    random::doubled,
    readiness::Readiness,
    reconnect::{Caller, Rate, Reconnects},
    storage::{
        StorageError,
        claims::{Claim, Renewal},
    },
};

/// The most steps at a time: what Flinks and the database see of one host at once.
const MOST_AT_ONCE: usize = 8;
/// How long the worker sleeps at most: other hosts add work without notifying this one.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The first pause after Flinks limited the rate of requests.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long an attempt is left alone when a value of it, or of its connection, cannot be read: a person has to correct it first.
const UNREADABLE_PAUSE: Duration = Duration::from_hours(1);
/// How long an attempt is remembered after it expired: much longer than any browser repeats a delivery.
const MEMORY: Duration = Duration::from_hours(7 * 24);
/// How often forgotten attempts are removed.
const CLEANING: Duration = Duration::from_hours(1);

/// The claims of the steps that run now. They are renewed together, and given back when the host stops before their steps do.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldClaims(Arc<Mutex<Vec<Claim>>>);

impl HeldClaims {
    fn hold(&self, claim: Claim) -> Held {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(claim.clone());
        Held { claims: self.clone(), claim }
    }

    pub(crate) fn all(&self) -> Vec<Claim> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn let_go(&self, claim: &Claim) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|held| held != claim);
    }
}

/// One of them. Dropping it ends its renewal, also when its step panics.
struct Held {
    claims: HeldClaims,
    claim: Claim,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.claims.let_go(&self.claim);
    }
}

/// Does due work until the host stops; then it returns as soon as the steps that run have ended.
pub(crate) async fn run(
    reconnects: Reconnects,
    held: HeldClaims,
    readiness: Arc<Readiness>,
    mut stopping: watch::Receiver<bool>,
) {
    let lease = reconnects.claim_lease;
    let worker = Arc::new(Worker { reconnects, held });
    let mut steps = JoinSet::new();
    let mut renewal = interval(lease / 3);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleaning = interval(CLEANING);
    let mut backoff = Backoff::default();
    loop {
        // An error means that the host was dropped, which is an order to stop as well.
        let is_stopping = stopping.has_changed().is_err() || *stopping.borrow_and_update();
        if is_stopping && steps.is_empty() {
            return;
        }
        let may_begin = !is_stopping && backoff.remaining().is_none();
        let most = if may_begin { MOST_AT_ONCE.saturating_sub(steps.len()) } else { 0 };
        let wait = match worker.take_work(most).await {
            Ok(Taken { claims, wait }) => {
                readiness.worker_looked(Ok(()));
                for claim in claims {
                    let worker = Arc::clone(&worker);
                    let span = tracing::info_span!("step", attempt = correlator(claim.attempt.as_str()));
                    steps.spawn(async move { worker.step(claim).await }.instrument(span));
                }
                backoff.remaining().map_or(wait, |remaining| remaining.min(LONGEST_WAIT))
            }
            Err(error) => {
                tracing::error!(%error, "storage failed; no work can be taken");
                readiness.worker_looked(Err(error));
                LONGEST_WAIT
            }
        };
        tokio::select! {
            () = worker.reconnects.work_available.notified() => {}
            () = sleep(wait) => {}
            _ = stopping.changed(), if !is_stopping => {}
            Some(ended) = steps.join_next() => match ended {
                Ok(Rate::Limited(asked)) => backoff.begin(asked),
                Ok(Rate::Free) => backoff.end(),
                Ok(Rate::Unknown) => {}
                // Its claim runs out, and it is done again.
                Err(_) => tracing::error!("a worker's step panicked"),
            },
            _ = renewal.tick(), if !steps.is_empty() => worker.renew().await,
            _ = cleaning.tick() => {
                let storage = &worker.reconnects.storage;
                if let Err(error) = storage.forget_attempts(storage.now().minus(MEMORY)).await {
                    tracing::error!(%error, "storage failed; old attempts stay");
                }
            }
        }
    }
}

/// The pause of the whole worker while Flinks limits the rate of requests; longer each time in a row.
#[derive(Default)]
struct Backoff {
    times: u32,
    until: Option<Instant>,
}

impl Backoff {
    fn remaining(&self) -> Option<Duration> {
        let remaining = self.until?.saturating_duration_since(Instant::now());
        (!remaining.is_zero()).then_some(remaining)
    }

    fn begin(&mut self, asked: Duration) {
        // Steps that were under way together count once.
        if self.remaining().is_none() {
            let pause = doubled(SHORTEST_PAUSE, self.times, LONGEST_PAUSE).max(asked);
            self.times = self.times.saturating_add(1);
            self.until = Some(Instant::now() + pause);
            tracing::warn!(?pause, "Flinks limits the rate of requests; work pauses");
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
    wait: Duration,
}

struct Worker {
    reconnects: Reconnects,
    held: HeldClaims,
}

impl Worker {
    async fn take_work(&self, most: usize) -> Result<Taken, StorageError> {
        let storage = &self.reconnects.storage;
        if most == 0 {
            return Ok(Taken { claims: Vec::new(), wait: LONGEST_WAIT });
        }
        // Reading first: an idle host does not take the write lock.
        let due = storage.next_due().await?;
        let now = storage.now();
        match due {
            Some(due) if due <= now => {
                let claims = storage.claim_due(self.reconnects.claim_lease, most).await?;
                // There may be more than fitted.
                let wait = if claims.len() == most { Duration::ZERO } else { Duration::from_millis(50) };
                Ok(Taken { claims, wait })
            }
            Some(due) => Ok(Taken { claims: Vec::new(), wait: due.since(now).min(LONGEST_WAIT) }),
            None => Ok(Taken { claims: Vec::new(), wait: LONGEST_WAIT }),
        }
    }

    /// One step about one attempt. Its claim is not renewed after it, however it ends.
    async fn step(&self, claim: Claim) -> Rate {
        let held = self.held.hold(claim);
        let task = Task::Work(Work::new(held.claim.attempt.clone()));
        let ended = self.reconnects.run(task, Caller::Worker(&held.claim)).await;
        let claim = held.claim.clone();
        drop(held);
        let (rate, pause) = match ended {
            Ok(ended) if ended.gave_claim_back => return ended.rate,
            Ok(ended) => (ended.rate, Duration::ZERO),
            Err(error) => {
                tracing::error!(%error, "storage failed during a step; it is repeated");
                let is_unreadable = matches!(error, StorageError::Corrupt(_));
                (Rate::Unknown, if is_unreadable { UNREADABLE_PAUSE } else { self.reconnects.claim_lease / 2 })
            }
        };
        if let Err(error) = self.reconnects.storage.give_back(&claim, pause).await {
            tracing::error!(%error, "storage failed; a claim has to run out");
        }
        rate
    }

    async fn renew(&self) {
        for claim in self.held.all() {
            match self.reconnects.storage.renew(&claim, self.reconnects.claim_lease).await {
                Ok(Renewal::Renewed) => {}
                // Its step goes on: what it stores is decided by the connection's version.
                Ok(Renewal::Lost) => self.held.let_go(&claim),
                Err(error) => tracing::error!(%error, "storage failed; a claim may run out"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_worker_pauses_longer_each_time_and_no_longer_than_it_must() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            backoff.begin(Duration::ZERO);
            let pause = backoff.remaining().unwrap();
            backoff.begin(Duration::ZERO);
            assert!(backoff.remaining().unwrap() <= pause, "steps that end together count once");
            assert!(pause * 2 >= last, "{pause:?} after {last:?}");
            last = pause;
            tokio::time::advance(pause + Duration::from_millis(1)).await;
            assert!(backoff.remaining().is_none());
        }
        assert!(last >= SHORTEST_PAUSE * 4 && last <= LONGEST_PAUSE, "{last:?}");
        backoff.end();
        backoff.begin(Duration::from_secs(90));
        assert_eq!(backoff.remaining(), Some(Duration::from_secs(90)));
    }
}
