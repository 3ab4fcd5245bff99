//! One sandbox shared by its two listeners: the state and the clock behind one lock.
//!
//! Invariants: nothing waits while it holds the lock; a handler that died does not take the sandbox with it; whoever waits for time or
//! work hears of both.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::clock::{Clock, TooFar};
use crate::state::{Settings, State};

/// A handle to the sandbox's state; clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct World {
    inner: Arc<Mutex<Inner>>,
    news: Arc<Notify>,
    /// Counts how often the clock was moved, for whoever waits for a time.
    moved: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    clock: Clock,
    /// How often everything began anew.
    resets: u64,
}

/// What is left until some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// In milliseconds.
    pub(crate) ms: u64,
    /// How often everything began anew so far. After a reset nobody waits any longer.
    pub(crate) resets: u64,
}

/// The clock after it was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Time {
    /// The sandbox's time.
    pub now_ms: u64,
    /// By how much it is ahead of real time.
    pub advanced_ms: u64,
}

impl World {
    /// A new world, on real time.
    #[must_use]
    pub(crate) fn new(settings: Settings) -> Self {
        let clock = Clock::start();
        let state = State::new(settings, clock.now_ms());
        Self::of(state, clock)
    }

    /// A world as it was.
    #[must_use]
    pub(crate) fn of(state: State, clock: Clock) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner { state, clock, resets: 0 })),
            news: Arc::default(),
            moved: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Works on the state at the sandbox's now.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State, u64) -> T) -> T {
        let (result, has_news) = self.locked(|inner| {
            let result = work(&mut inner.state, inner.clock.now_ms());
            (result, inner.state.outbox.take_news())
        });
        if has_news {
            self.news.notify_one();
        }
        result
    }

    /// Reads the state with the clock.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&State, Time) -> T) -> T {
        self.locked(|inner| work(&inner.state, inner.time()))
    }

    /// Waits until time was pushed or work was added; what happened since the last call counts.
    #[cfg(feature = "server")]
    pub(crate) async fn changed(&self) {
        self.news.notified().await;
    }

    /// How much is left until that time on the sandbox's clock, and how often everything began anew so far.
    pub(crate) fn left(&self, due_ms: u64) -> Left {
        self.locked(|inner| Left { ms: due_ms.saturating_sub(inner.clock.now_ms()), resets: inner.resets })
    }

    /// Hears of every push of the clock and every reset.
    #[cfg(feature = "server")]
    pub(crate) fn moves(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Pushes the clock.
    pub(crate) fn advance(&self, by_ms: u64) -> Result<Time, TooFar> {
        let time = self.locked(|inner| {
            inner.clock.advance(by_ms)?;
            Ok(inner.time())
        });
        self.tell_time();
        time
    }

    /// Back to the beginning, clock included.
    pub(crate) fn reset(&self) {
        self.locked(|inner| {
            inner.clock.reset();
            inner.state.reset(inner.clock.now_ms());
            inner.resets += 1;
        });
        self.tell_time();
    }

    fn tell_time(&self) {
        self.moved.send_modify(|count| *count += 1);
        self.news.notify_one();
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn time(&self) -> Time {
        Time { now_ms: self.clock.now_ms(), advanced_ms: self.clock.advanced_ms() }
    }
}
