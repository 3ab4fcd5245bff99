//! How many calls Flinks sees of this host at once.
//!
//! Invariant: neither the calls under way nor those that wait can grow without end, however slow Flinks is; who waits is served
//! in order and not for ever.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many calls may wait for each that is under way.
const QUEUE: usize = 8;

/// A door that so many may pass at once.
#[derive(Debug)]
pub(super) struct Gate {
    inside: Semaphore,
    before: Semaphore,
}

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS / (QUEUE + 1));
        Self { inside: Semaphore::new(most), before: Semaphore::new(most * (QUEUE + 1)) }
    }

    /// A turn; `None` when too many wait already, or it did not come in time. Dropping it lets the next one in.
    pub(super) async fn pass(&self) -> Option<Turn<'_>> {
        let place = self.before.try_acquire().ok()?;
        let turn = timeout(PATIENCE, self.inside.acquire()).await.ok()?.ok()?;
        Some(Turn { _turn: turn, _place: place })
    }
}

/// The right to one call.
#[derive(Debug)]
pub(super) struct Turn<'gate> {
    _turn: SemaphorePermit<'gate>,
    _place: SemaphorePermit<'gate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_pass_so_many_wait_and_the_rest_is_turned_away() {
        let gate = Gate::new(1);
        let turn = gate.pass().await.unwrap();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(gate.pass())).collect();
        for one in &mut waiting {
            assert!(timeout(Duration::ZERO, one).await.is_err(), "it waits");
        }
        assert!(gate.pass().await.is_none(), "the queue is full");
        drop(turn);
        let first = waiting.remove(0).await;
        assert!(first.is_some(), "the first who waited is the next");
    }
}
