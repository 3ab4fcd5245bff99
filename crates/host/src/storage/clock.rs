//! What time it is for every host that shares the database.
//!
//! Hosts on one Postgres compare times that another machine wrote: until when a claim lasts, until when a sign-in keeps others away. So
//! they all use the database's clock. A host reads it when it starts and again with each look for work, and counts on from there with
//! its own monotonic clock; what its wall clock says does not matter. A SQLite file belongs to one machine, and has that machine's time.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

use super::Time;

/// A clock for decisions and for what is stored.
#[derive(Debug)]
pub(super) enum Clock {
    /// This machine's.
    Machine,
    /// The database's.
    Database {
        /// A fixed point on this machine's monotonic clock …
        origin: Instant,
        /// … and what the database's clock said then, in milliseconds since 1970.
        origin_ms: AtomicI64,
    },
}

impl Clock {
    /// A clock of the database, which has to be [set](Self::set) before it is read.
    pub(super) fn of_database() -> Self {
        Self::Database { origin: Instant::now(), origin_ms: AtomicI64::new(0) }
    }

    /// Takes over what the database's clock said, in milliseconds since 1970, somewhere between `asked` and now.
    pub(super) fn set(&self, asked: Instant, database_ms: i64) {
        if let Self::Database { origin, origin_ms } = self {
            let answered = Instant::now();
            let then = asked + answered.duration_since(asked) / 2;
            origin_ms.store(database_ms - millis(*origin, then), Ordering::Relaxed);
        }
    }

    pub(super) fn now(&self) -> Time {
        match self {
            Self::Machine => Time::of_machine(),
            Self::Database { origin, origin_ms } => {
                Time::from_millis(origin_ms.load(Ordering::Relaxed) + millis(*origin, Instant::now()))
            }
        }
    }
}

fn millis(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_databases_time_goes_on_between_two_readings() {
        let clock = Clock::of_database();
        let asked = Instant::now();
        clock.set(asked, 1_000_000);
        let first = clock.now();
        assert!(first.millis() >= 1_000_000 && first.since(Time::from_millis(1_000_000)) < Duration::from_secs(5));
        assert!(clock.now() >= first);
        clock.set(Instant::now(), 500);
        assert!(clock.now() < first, "the database knows better");
    }
}
