//! Points in time.
//!
//! Invariant: milliseconds since 1970 in UTC, everywhere: in the database, in decisions, in JSON (as RFC 3339).

use std::time::Duration;

use jiff::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(i64);

impl Time {
    /// What this machine's clock says. Decisions take the time of [`crate::storage::Storage::now`], which all hosts share.
    pub(crate) fn of_machine() -> Self {
        Self(Timestamp::now().as_millisecond())
    }

    pub(crate) fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub(crate) fn millis(self) -> i64 {
        self.0
    }

    /// The beginning of its day, in UTC.
    pub(crate) fn day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_MS))
    }

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_millis(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(duration)))
    }

    /// How long from `earlier` to here; zero when it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Flinks' `LastRefresh`: UTC without saying so, and year 1 for "never".
    pub(crate) fn from_flinks(text: &str) -> Option<Self> {
        flinks_backend::flinks::timestamp_ms(text).map(Self)
    }

    /// As `2026-01-21T20:47:47.145Z`; `None` beyond the calendar.
    pub(crate) fn rfc3339(self) -> Option<String> {
        Timestamp::from_millisecond(self.0).ok().map(|timestamp| timestamp.to_string())
    }
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flinks_timestamps_are_utc_without_a_zone() {
        let time = Time::from_flinks("2026-01-21T20:47:47.145999").unwrap();
        assert_eq!(time.rfc3339().unwrap(), "2026-01-21T20:47:47.145Z");
        assert_eq!(Time::from_flinks("0001-01-01T00:00:00"), None);
        assert_eq!(Time::from_flinks("yesterday"), None);
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Time::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Time::from_millis(5).since(end), Duration::ZERO);
        assert_eq!(end.rfc3339(), None);
    }
}
