//! How many calls Flinks sees of this host at once.
//!
//! Invariants: neither the calls under way nor those that wait can grow without end, however slow Flinks is; who waits is served
//! in order and not for ever; no kind of work can take another kind's places, so a bank that is slow for one user's sign-in costs
//! nobody's result.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// How long a call waits for its place.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many calls may wait for each that is under way.
const QUEUE: usize = 8;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A live sign-in: as long as the bank takes.
    SignIn,
    /// What else a start asks.
    Start,
    /// A delivery.
    Deliver,
    /// A worker's step.
    Work,
}

/// So many places for each lane.
#[derive(Debug)]
pub(super) struct CallLimiter {
    sign_ins: Places,
    starts: Places,
    deliveries: Places,
    work: Places,
}

impl CallLimiter {
    pub(super) fn new(most: usize) -> Self {
        let places = || Places::new(most);
        Self { sign_ins: places(), starts: places(), deliveries: places(), work: places() }
    }

    /// A place; `None` when too many wait already, or it did not come in time. Dropping it lets the next one in.
    pub(super) async fn place(&self, lane: Lane) -> Option<Place<'_>> {
        let places = match lane {
            Lane::SignIn => &self.sign_ins,
            Lane::Start => &self.starts,
            Lane::Deliver => &self.deliveries,
            Lane::Work => &self.work,
        };
        places.take().await
    }
}

#[derive(Debug)]
struct Places {
    under_way: Semaphore,
    with_queue: Semaphore,
}

impl Places {
    fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS / (QUEUE + 1));
        Self { under_way: Semaphore::new(most), with_queue: Semaphore::new(most * (QUEUE + 1)) }
    }

    async fn take(&self) -> Option<Place<'_>> {
        let queued = self.with_queue.try_acquire().ok()?;
        let under_way = timeout(PATIENCE, self.under_way.acquire()).await.ok()?.ok()?;
        Some(Place { _under_way: under_way, _queued: queued })
    }
}

/// The right to one call.
#[derive(Debug)]
pub(super) struct Place<'limiter> {
    _under_way: SemaphorePermit<'limiter>,
    _queued: SemaphorePermit<'limiter>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_call_so_many_wait_and_the_rest_is_turned_away() {
        let limiter = CallLimiter::new(1);
        let place = limiter.place(Lane::Start).await.unwrap();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(limiter.place(Lane::Start))).collect();
        for one in &mut waiting {
            assert!(timeout(Duration::ZERO, one).await.is_err(), "it waits");
        }
        assert!(limiter.place(Lane::Start).await.is_none(), "the queue is full");
        assert!(limiter.place(Lane::Deliver).await.is_some(), "another lane has places of its own");
        drop(place);
        let first = waiting.remove(0).await;
        assert!(first.is_some(), "the first who waited is the next");
    }

    #[tokio::test]
    async fn no_lane_takes_the_places_of_another() {
        let limiter = CallLimiter::new(1);
        let mut held = Vec::new();
        for lane in [Lane::SignIn, Lane::Start, Lane::Deliver, Lane::Work] {
            let place = timeout(Duration::ZERO, limiter.place(lane)).await;
            held.push(place.unwrap_or_else(|_| panic!("{lane:?} has no place of its own")));
        }
        assert!(held.iter().all(Option::is_some));
    }
}
