//! The work that goes on without a request: fetching data of accepted results, asking Flinks about open attempts.
//!
//! Invariants: what is to be done is in the database, so a host that starts carries on where another one died; at most
//! [`MOST_AT_ONCE`] steps run at a time; when Flinks limits the rate of requests, no new step begins for a while, however many
//! are due.

use std::{sync::Arc, time::Duration};

use flinks_backend::{step::Task, work::Work};
use flinks_connect::id::AttemptId;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    flinks::Lane,
    moment::Moment,
    random::doubled,
    reconnect::{Reconnects, Weather},
    storage::{StorageError, attempts::Owner},
};

/// The most steps at a time: what Flinks and the database see of one host at once.
const MOST_AT_ONCE: usize = 8;
/// How long the worker sleeps at most: other hosts add work without notifying this one.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The first pause after Flinks limited the rate of requests.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long an attempt is remembered after it expired: much longer than any browser repeats a delivery.
const MEMORY: Duration = Duration::from_hours(7 * 24);
/// How often forgotten attempts are removed.
const CLEANING: Duration = Duration::from_hours(1);

/// Does due work until it is dropped.
pub(crate) async fn run(reconnects: Reconnects, owner: Owner) {
    let lease = reconnects.claim_lease;
    let worker = Arc::new(Worker { reconnects, owner });
    let mut steps = JoinSet::new();
    let mut renewal = interval(lease / 3);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cleaning = interval(CLEANING);
    let mut backoff = Backoff::default();
    loop {
        let most = if backoff.remaining().is_some() { 0 } else { MOST_AT_ONCE.saturating_sub(steps.len()) };
        let wait = match worker.take_work(most).await {
            Ok(Taken { claims, wait }) => {
                for claim in claims {
                    let worker = Arc::clone(&worker);
                    steps.spawn(async move { worker.step(claim).await });
                }
                backoff.remaining().map_or(wait, |remaining| remaining.min(LONGEST_WAIT))
            }
            Err(error) => {
                tracing::error!(%error, "storage failed; no work can be taken");
                LONGEST_WAIT
            }
        };
        tokio::select! {
            () = worker.reconnects.work_available.notified() => {}
            () = sleep(wait) => {}
            Some(ended) = steps.join_next() => match ended {
                Ok(Weather::Limited(asked)) => backoff.begin(asked),
                Ok(Weather::Fair) => backoff.end(),
                Ok(Weather::Unknown) | Err(_) => {}
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
    claims: Vec<AttemptId>,
    wait: Duration,
}

struct Worker {
    reconnects: Reconnects,
    owner: Owner,
}

impl Worker {
    async fn take_work(&self, most: usize) -> Result<Taken, StorageError> {
        let storage = &self.reconnects.storage;
        if most == 0 {
            return Ok(Taken { claims: Vec::new(), wait: LONGEST_WAIT });
        }
        let now = Moment::now();
        // Reading first: an idle host does not take the write lock.
        match storage.next_due(now).await? {
            Some(due) if due <= now => {
                let claims = storage.claim_due(&self.owner, now, self.reconnects.claim_lease, most).await?;
                // There may be more than fitted.
                let wait = if claims.len() == most { Duration::ZERO } else { Duration::from_millis(50) };
                Ok(Taken { claims, wait })
            }
            Some(due) => Ok(Taken { claims: Vec::new(), wait: due.since(now).min(LONGEST_WAIT) }),
            None => Ok(Taken { claims: Vec::new(), wait: LONGEST_WAIT }),
        }
    }

    async fn step(&self, attempt: AttemptId) -> Weather {
        match self.reconnects.run(Task::Work(Work::new(attempt)), Lane::Work).await {
            Ok(ended) => ended.heard,
            Err(error) => {
                // The claim runs out and the work is done again.
                tracing::error!(%error, "storage failed during a step");
                Weather::Unknown
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
