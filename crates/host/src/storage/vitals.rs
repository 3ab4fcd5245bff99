//! How many attempts and events wait, and for how long: what only the database knows.
//!
//! Invariant: each statement reads an index that holds only what waits, however much has ended.

use super::{Storage, StorageError, number, optional_number, text};
use crate::time::Time;

/// Attempts younger than so many milliseconds, and what they are called.
const AGES: [(i64, &str); 4] =
    [(60_000, "under_1m"), (5 * 60_000, "under_5m"), (15 * 60_000, "under_15m"), (60 * 60_000, "under_1h")];
/// All that are older.
const OLDEST: &str = "over_1h";

/// What waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    /// For each state and age, also where there is none.
    pub(crate) open: Vec<OpenAttempts>,
    /// How many events the application has not taken yet.
    pub(crate) events_waiting: i64,
    /// How old the oldest of them is.
    pub(crate) event_lag_ms: i64,
    /// How many events were given up.
    pub(crate) events_parked: i64,
}

/// How many attempts of one state are of one age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAttempts {
    pub(crate) state: &'static str,
    pub(crate) age: &'static str,
    pub(crate) attempts: i64,
}

impl Storage {
    /// Counts what waits now.
    pub(crate) async fn vitals(&self) -> Result<Vitals, StorageError> {
        // The bound of `due_at` holds for every attempt; with it SQLite reads the index, too.
        const OPEN: &str = "SELECT state, age, COUNT(*) AS attempts FROM (SELECT state, CAST(CASE WHEN created_at > $1 THEN 0 \
               WHEN created_at > $2 THEN 1 WHEN created_at > $3 THEN 2 WHEN created_at > $4 THEN 3 ELSE 4 END AS BIGINT) AS age \
             FROM attempts WHERE state IN ('open', 'accepted') AND due_at <= $5) waiting GROUP BY state, age";
        const EVENTS: &str =
            "SELECT COUNT(*) AS events, MIN(created_at) AS oldest FROM events WHERE state = 'waiting' AND due_at <= $1";
        const PARKED: &str = "SELECT COUNT(*) AS events FROM events WHERE state = 'parked' AND created_at <= $1";
        let mut reader = self.pool.acquire().await?;
        let now = self.now();
        let mut query = sqlx::query(OPEN);
        for (age, _) in AGES {
            query = query.bind(now.millis().saturating_sub(age));
        }
        let rows = query.bind(i64::MAX).fetch_all(&mut *reader).await?;
        let names: Vec<_> = AGES.iter().map(|(_, name)| *name).chain([OLDEST]).collect();
        let mut open = Vec::new();
        for state in ["open", "accepted"] {
            open.extend(names.iter().map(|age| OpenAttempts { state, age, attempts: 0 }));
        }
        for row in &rows {
            let (state, age) = (text(row, "state")?, usize::try_from(number(row, "age")?).ok());
            let age = age.and_then(|age| names.get(age).copied());
            if let Some(count) = open.iter_mut().find(|count| count.state == state && Some(count.age) == age) {
                count.attempts = number(row, "attempts")?;
            }
        }
        let waiting = sqlx::query(EVENTS).bind(i64::MAX).fetch_one(&mut *reader).await?;
        let parked = sqlx::query(PARKED).bind(i64::MAX).fetch_one(&mut *reader).await?;
        let oldest = optional_number(&waiting, "oldest")?.map(Time::from_millis);
        let lag = oldest.map_or(0, |oldest| i64::try_from(now.since(oldest).as_millis()).unwrap_or(i64::MAX));
        Ok(Vitals {
            open,
            events_waiting: number(&waiting, "events")?,
            event_lag_ms: lag,
            events_parked: number(&parked, "events")?,
        })
    }
}
