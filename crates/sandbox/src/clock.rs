//! The sandbox's clock: real time that can be pushed forward.
//!
//! Invariants: one number, milliseconds since 1970 in UTC, is all the time the model knows; it is read here and handed to
//! the model as an argument. It never goes backwards, except by [`Clock::reset`], after which nothing older is left.

#[cfg(not(target_arch = "wasm32"))]
use self::machine::real_ms;
#[cfg(target_arch = "wasm32")]
pub use self::told::{real_ms, tell_real_ms};

/// One minute in milliseconds.
pub const MINUTE_MS: u64 = 60_000;
/// One day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// How far the clock can be pushed in all: a hundred years, so that no date leaves the calendar.
pub const MAX_ADVANCE_MS: u64 = 36_525 * DAY_MS;

/// A clock that starts at the real time, runs with it, and can be advanced.
#[derive(Debug, Default)]
pub struct Clock {
    advanced_ms: u64,
}

/// The clock was to be pushed past [`MAX_ADVANCE_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar;

impl Clock {
    /// A clock that shows the real time.
    #[must_use]
    pub fn start() -> Self {
        Self::default()
    }

    /// A clock that is ahead of the real time by so much, as one was before a restart.
    #[must_use]
    pub fn ahead(advanced_ms: u64) -> Self {
        Self { advanced_ms: advanced_ms.min(MAX_ADVANCE_MS) }
    }

    /// The sandbox's time.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        real_ms() + self.advanced_ms
    }

    /// By how much the clock was pushed so far.
    #[must_use]
    pub fn advanced_ms(&self) -> u64 {
        self.advanced_ms
    }

    /// Pushes the clock forward.
    pub fn advance(&mut self, by_ms: u64) -> Result<(), TooFar> {
        let advanced = self.advanced_ms.saturating_add(by_ms);
        if advanced > MAX_ADVANCE_MS {
            return Err(TooFar);
        }
        self.advanced_ms = advanced;
        Ok(())
    }

    /// Back to the real time.
    pub fn reset(&mut self) {
        *self = Self::start();
    }
}

/// Real time from the machine.
#[cfg(not(target_arch = "wasm32"))]
mod machine {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    /// Milliseconds since 1970. Read from the machine once and measured from there, so that it never goes backwards.
    pub(super) fn real_ms() -> u64 {
        static STARTED: LazyLock<(Instant, Duration)> =
            LazyLock::new(|| (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
        let (started, since_1970) = *STARTED;
        u64::try_from((since_1970 + started.elapsed()).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Real time as the program around the sandbox tells it: WebAssembly has no clock.
#[cfg(target_arch = "wasm32")]
mod told {
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    /// Milliseconds since 1970, as of the last time it was told.
    #[must_use]
    pub fn real_ms() -> u64 {
        NOW.get()
    }

    /// Tells the time. An earlier one than before changes nothing.
    pub fn tell_real_ms(ms: u64) {
        NOW.set(NOW.get().max(ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_with_real_time_and_takes_leaps() {
        let mut clock = Clock::start();
        let before = clock.now_ms();
        clock.advance(8 * MINUTE_MS).unwrap();
        assert!((8 * MINUTE_MS..9 * MINUTE_MS).contains(&(clock.now_ms() - before)));
    }

    #[test]
    fn a_leap_out_of_the_calendar_is_refused_and_changes_nothing() {
        let mut clock = Clock::start();
        assert_eq!(clock.advance(u64::MAX), Err(TooFar));
        assert_eq!(clock.advanced_ms(), 0);
    }
}
