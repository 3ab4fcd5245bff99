//! One session time out of the browser's two clocks.
//!
//! The monotonic clock stops while most systems sleep; the wall clock does not, but can be stepped. Being early costs a question to the
//! host, being late costs the user's answers, so the larger advance counts as long as it can be true.

/// The furthest the wall clock may run ahead of the monotonic one before it counts as stepped, in milliseconds.
const MAX_SLEEP_MS: f64 = 24.0 * 3_600_000.0;

/// Folds both clocks into a session time that never runs backwards.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
pub struct Clock {
    monotonic_ms: f64,
    wall_ms: f64,
    now_ms: f64,
}

impl Clock {
    /// A clock that stands at 0 when the browser's clocks show these values, in milliseconds.
    #[must_use]
    pub fn new(monotonic_ms: f64, wall_ms: f64) -> Self {
        Self { monotonic_ms, wall_ms, now_ms: 0.0 }
    }

    /// The session time in milliseconds, given what the browser's clocks show now.
    pub fn read(&mut self, monotonic_ms: f64, wall_ms: f64) -> u64 {
        let monotonic = (monotonic_ms - self.monotonic_ms).max(0.0);
        let wall = wall_ms - self.wall_ms;
        self.now_ms += if wall > monotonic && wall <= monotonic + MAX_SLEEP_MS { wall } else { monotonic };
        self.monotonic_ms = monotonic_ms;
        self.wall_ms = wall_ms;
        // Fractions are below a timer's resolution; negative or huge values saturate.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now_ms = self.now_ms as u64;
        now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn both_clocks_agree() {
        let mut clock = Clock::new(5_000.0, 1_000_000.0);
        assert_eq!(clock.read(5_250.0, 1_000_250.0), 250);
    }

    #[test]
    fn sleep_counts_although_the_monotonic_clock_stood_still() {
        let mut clock = Clock::new(0.0, 0.0);
        assert_eq!(clock.read(1_000.0, 600_000.0), 600_000);
    }

    #[test]
    fn a_wall_clock_set_back_changes_nothing() {
        let mut clock = Clock::new(0.0, 10_000_000.0);
        assert_eq!(clock.read(1_000.0, 6_400_000.0), 1_000);
        assert_eq!(clock.read(2_000.0, 6_401_000.0), 2_000);
    }

    #[test]
    fn a_wall_clock_set_days_ahead_is_not_believed() {
        let mut clock = Clock::new(0.0, 0.0);
        assert_eq!(clock.read(1_000.0, 3.0 * 86_400_000.0), 1_000);
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut clock = Clock::new(1_000.0, 1_000.0);
        assert_eq!(clock.read(2_000.0, 2_000.0), 1_000);
        assert_eq!(clock.read(500.0, 500.0), 1_000);
    }
}
