//! Whether this host takes work: what `GET /readyz` answers.
//!
//! A load balancer asks it. A host that is about to stop says no first and serves on for a while, so that no request reaches it when it
//! is gone; and so does one whose worker cannot work, because the results it accepts would lie there.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::storage::StorageError;

/// How long the worker may be silent: it looks for work every second.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// Why a host takes no work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    /// It is about to stop.
    Stopping,
    /// The worker could not look for work the last time it tried.
    Storage(StorageError),
    /// The worker has not looked for work for a while: it hangs, or panics again and again.
    NoWorker,
}

/// What is known of the host's parts.
#[derive(Debug)]
pub(crate) struct Readiness {
    is_stopping: AtomicBool,
    worker: Mutex<LastLook>,
}

#[derive(Debug)]
struct LastLook {
    at: Instant,
    outcome: Result<(), StorageError>,
}

impl Readiness {
    /// Of a host that is starting; its worker has a while to look for work.
    pub(crate) fn new() -> Self {
        Self {
            is_stopping: AtomicBool::new(false),
            worker: Mutex::new(LastLook { at: Instant::now(), outcome: Ok(()) }),
        }
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// The worker has looked for work just now.
    pub(crate) fn worker_looked(&self, outcome: Result<(), StorageError>) {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = LastLook { at: Instant::now(), outcome };
    }

    pub(crate) fn check(&self) -> Result<(), NotReady> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), NotReady> {
        if self.is_stopping() {
            return Err(NotReady::Stopping);
        }
        let last = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(last.at) > LONGEST_SILENCE {
            return Err(NotReady::NoWorker);
        }
        last.outcome.clone().map_err(NotReady::Storage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_worker_a_failing_one_and_the_end_are_told() {
        let readiness = Readiness::new();
        let now = Instant::now();
        assert_eq!(readiness.check_at(now), Ok(()));
        assert_eq!(readiness.check_at(now + LONGEST_SILENCE * 2), Err(NotReady::NoWorker));
        readiness.worker_looked(Err(StorageError::Full));
        assert_eq!(readiness.check(), Err(NotReady::Storage(StorageError::Full)));
        readiness.worker_looked(Ok(()));
        assert_eq!(readiness.check(), Ok(()));
        readiness.stop();
        assert_eq!(readiness.check(), Err(NotReady::Stopping));
    }
}
