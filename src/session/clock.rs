//! One session time out of the browser's two clocks.
//!
//! The monotonic clock stops while most systems sleep; the wall clock does not, but can be set. So their totals since the beginning are
//! compared, not their steps: the larger of two steps, summed up, would run ahead of both clocks. The larger total counts as long as it can
//! be true: being early costs a question to the host, being late costs the user's answers.

/// The longest sleep that is believed, in milliseconds. A wall clock that is further ahead was set.
const MAX_SLEEP_MS: f64 = 30.0 * 24.0 * 3_600_000.0;

/// How far the clocks differ before one of them slept or was set, in milliseconds: well above their resolution.
const MAX_JITTER_MS: f64 = 1_000.0;

/// Folds both clocks into a session time that never runs backwards.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
pub struct Clock {
    /// What the monotonic clock shows when the session time is 0.
    monotonic_start_ms: f64,
    /// What the wall clock shows when the session time is 0.
    wall_start_ms: f64,
    now_ms: f64,
}

impl Clock {
    /// A clock that stands at 0 when the browser's clocks show these values, in milliseconds.
    #[must_use]
    pub fn new(monotonic_ms: f64, wall_ms: f64) -> Self {
        Self { monotonic_start_ms: monotonic_ms, wall_start_ms: wall_ms, now_ms: 0.0 }
    }

    /// The session time in milliseconds, given what the browser's clocks show now.
    pub fn read(&mut self, monotonic_ms: f64, wall_ms: f64) -> u64 {
        let by_monotonic_ms = monotonic_ms - self.monotonic_start_ms;
        let by_wall_ms = wall_ms - self.wall_start_ms;
        let ahead_ms = by_wall_ms - by_monotonic_ms;
        if (-MAX_JITTER_MS..=MAX_SLEEP_MS).contains(&ahead_ms) {
            if ahead_ms > MAX_JITTER_MS {
                // A sleep: the monotonic clock takes it over, so that the wall clock can be set later.
                self.monotonic_start_ms = monotonic_ms - by_wall_ms;
            }
            self.now_ms = self.now_ms.max(by_wall_ms);
        } else {
            // The wall clock was set: from here on it counts from the monotonic one.
            self.wall_start_ms = wall_ms - by_monotonic_ms;
        }
        self.now_ms = self.now_ms.max(by_monotonic_ms);
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
    fn a_wall_clock_set_years_ahead_is_not_believed_and_counts_from_there() {
        let year = 365.0 * 86_400_000.0;
        let mut clock = Clock::new(0.0, 0.0);
        assert_eq!(clock.read(1_000.0, year), 1_000);
        assert_eq!(clock.read(2_000.0, year + 1_000.0), 2_000);
        // A sleep of an hour after it.
        assert_eq!(clock.read(3_000.0, year + 3_602_000.0), 3_603_000);
    }

    #[test]
    fn a_sleep_of_sixty_hours_counts() {
        let mut clock = Clock::new(0.0, 0.0);
        assert_eq!(clock.read(1_000.0, 60.0 * 3_600_000.0), 60 * 3_600_000);
        // And the time goes on when the wall clock is put right after it.
        assert_eq!(clock.read(3_000.0, 1_000_000.0), 60 * 3_600_000 + 2_000);
    }

    #[test]
    fn clocks_of_different_resolution_do_not_add_up_their_steps() {
        let mut clock = Clock::new(0.0, 0.0);
        let mut now_ms = 0;
        // An hour, read every 7 ms; the wall clock goes on in steps of 16 ms.
        for tick in 0..514_286_u32 {
            let ms = f64::from(tick) * 7.0;
            now_ms = clock.read(ms, (ms / 16.0).floor() * 16.0);
        }
        assert!((3_599_995..=3_600_011).contains(&now_ms), "{now_ms}");
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut clock = Clock::new(1_000.0, 1_000.0);
        assert_eq!(clock.read(2_000.0, 2_000.0), 1_000);
        assert_eq!(clock.read(500.0, 500.0), 1_000);
    }
}
