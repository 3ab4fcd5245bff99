//! What the host remembers: users' sessions, connections with their accounts, attempts.
//!
//! One set of queries for SQLite and Postgres (`sqlx::Any`); they differ where rows are locked and where the time is read.
//! [`connections`] is what the pages show, [`attempts`] the life of a reconnect, [`claims`] which worker looks after it, [`sessions`] who
//! is signed in, [`admin`] what the application itself puts and deletes, [`events`] what it is told, [`answers`] the data it may read; [`vitals`] what waits, for metrics. [`clock`] says what time it is, [`error`] what went wrong.
//!
//! Invariants: nothing about a reconnect lives only in the process, so a host may die at any time and any number of hosts may
//! share one Postgres. A write that decides something is one transaction, and its condition is part of its `UPDATE`. Whoever changes a
//! connection and its attempts locks the connection first, so no two transactions wait for each other in a circle; what the database
//! could not serialise all the same is repeated.

pub(crate) mod admin;
pub(crate) mod answers;
pub(crate) mod attempts;
pub(crate) mod claims;
mod clock;
pub(crate) mod connections;
mod error;
pub(crate) mod events;
pub(crate) mod sessions;
pub(crate) mod vitals;

use std::{
    fmt,
    time::{Duration, Instant},
};

use sqlx::{
    Any, AnyConnection, AnyPool, Connection as _, Row as _, Transaction,
    any::{AnyPoolOptions, AnyRow},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::sleep,
};

pub(crate) use self::error::StorageError;
use self::{clock::Clock, events::EventLog};
use crate::{random::doubled, time::Time};

/// How long a query waits for a free connection before the request is refused with "try again".
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a write is repeated that the database could not serialise.
const MOST_REPEATS: u32 = 8;
/// The first pause before it is repeated.
const REPEAT_PAUSE: Duration = Duration::from_millis(5);
/// The longest.
const LONGEST_REPEAT_PAUSE: Duration = Duration::from_millis(200);

/// A user of the application. Not a secret, but of no use in a log either.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct UserId(String);

impl UserId {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserId(***)")
    }
}

/// A connection of the application, by the application's own name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionId(String);

impl ConnectionId {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Sqlite,
    Postgres,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Storage {
    pool: AnyPool,
    dialect: Dialect,
    clock: Clock,
    /// SQLite has one writer at a time. Queueing here is fair and cheap; its own way is to sleep and try again.
    writer: Mutex<()>,
    events: EventLog,
    /// How long the application may read Flinks' last answers; zero keeps none.
    data_kept: Duration,
}

/// A transaction that will write. Dropped without [`Write::commit`], it leaves nothing behind.
struct Write<'storage> {
    transaction: Transaction<'static, Any>,
    _writer: Option<MutexGuard<'storage, ()>>,
}

impl Write<'_> {
    async fn commit(self) -> Result<(), StorageError> {
        Ok(self.transaction.commit().await?)
    }
}

impl Storage {
    /// Opens the database, creating the file and the tables when they are not there yet.
    pub(crate) async fn open(url: &str) -> Result<Self, StorageError> {
        sqlx::any::install_default_drivers();
        let (dialect, connections, url) = if url.starts_with("sqlite:") {
            // A database in memory is gone with its connection, so there is exactly one.
            let connections = if url.contains(":memory:") { 1 } else { 4 };
            (Dialect::Sqlite, connections, sqlite_url(url))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            (Dialect::Postgres, 8, url.to_owned())
        } else {
            return Err(StorageError::Address);
        };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| Box::pin(prepare(dialect, connection)))
            .connect(&url)
            .await;
        let pool = match pool {
            Ok(pool) => pool,
            // The pool tries until the time is over and forgets why it failed; one more try says it.
            Err(sqlx::Error::PoolTimedOut) => {
                let mut connection = AnyConnection::connect(&url).await?;
                prepare(dialect, &mut connection).await?;
                return Err(StorageError::NoneFree);
            }
            Err(error) => return Err(error.into()),
        };
        sqlx::migrate!().run(&pool).await?;
        let clock = match dialect {
            Dialect::Sqlite => Clock::Machine,
            Dialect::Postgres => Clock::of_database(),
        };
        let storage =
            Self { pool, dialect, clock, writer: Mutex::new(()), events: EventLog::Off, data_kept: Duration::ZERO };
        storage.read_clock().await?;
        storage.release_own_claims().await?;
        Ok(storage)
    }

    /// Writes events from now on.
    pub(crate) fn keeping_events(self) -> Self {
        Self { events: EventLog::Kept, ..self }
    }

    /// Keeps Flinks' answers for so long from now on.
    pub(crate) fn keeping_data(self, data_kept: Duration) -> Self {
        Self { data_kept, ..self }
    }

    /// The time that all hosts on this database share.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    async fn read_clock(&self) -> Result<(), StorageError> {
        if self.dialect == Dialect::Postgres {
            let asked = Instant::now();
            let row =
                sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {DATABASE_NOW} AS now"))).fetch_one(&self.pool).await?;
            self.clock.set(asked, number(&row, "now")?);
        }
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    async fn write(&self) -> Result<Write<'_>, StorageError> {
        Ok(match self.dialect {
            // Taking the write lock at once: upgrading a read to a write later can fail however long one waits.
            Dialect::Sqlite => {
                let writer = self.writer.lock().await;
                Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?, _writer: Some(writer) }
            }
            Dialect::Postgres => Write { transaction: self.pool.begin().await?, _writer: None },
        })
    }
}

/// Makes a new connection ready.
async fn prepare(dialect: Dialect, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    if dialect == Dialect::Sqlite {
        // `synchronous = FULL`: accepted means on the disk, not only in the page cache.
        for pragma in [
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA busy_timeout = 5000",
        ] {
            sqlx::query(pragma).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Postgres' clock, in milliseconds since 1970.
const DATABASE_NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Does `work` again while the database could not serialise it, a bounded number of times. Nothing of a failed time is stored.
async fn repeated<T, Work>(work: impl Fn() -> Work) -> Result<T, StorageError>
where
    Work: Future<Output = Result<T, StorageError>>,
{
    for times in 0..MOST_REPEATS {
        match work().await {
            Err(StorageError::Serialization) => sleep(doubled(REPEAT_PAUSE, times, LONGEST_REPEAT_PAUSE)).await,
            ended => return ended,
        }
    }
    work().await
}

/// The file is created unless the URL says otherwise.
fn sqlite_url(url: &str) -> String {
    if url.contains(":memory:") || url.contains("mode=") {
        url.to_owned()
    } else {
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}mode=rwc")
    }
}

fn text(row: &AnyRow, column: &'static str) -> Result<String, StorageError> {
    row.try_get(column).map_err(|_| StorageError::Corrupt(column))
}

fn optional_text(row: &AnyRow, column: &'static str) -> Result<Option<String>, StorageError> {
    row.try_get(column).map_err(|_| StorageError::Corrupt(column))
}

fn number(row: &AnyRow, column: &'static str) -> Result<i64, StorageError> {
    row.try_get(column).map_err(|_| StorageError::Corrupt(column))
}

fn optional_number(row: &AnyRow, column: &'static str) -> Result<Option<i64>, StorageError> {
    row.try_get(column).map_err(|_| StorageError::Corrupt(column))
}

/// A stored text read as what it stands for; the column is named when it does not.
fn parsed<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>, column: &'static str) -> Result<T, StorageError> {
    parse(text).ok_or(StorageError::Corrupt(column))
}
