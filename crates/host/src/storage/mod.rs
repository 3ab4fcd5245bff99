//! What the host remembers: users' sessions, connections with their accounts, attempts.
//!
//! One set of queries for SQLite and Postgres (`sqlx::Any`); the one place where they differ is how due attempts are claimed.
//! [`connections`] is what the pages show, [`attempts`] the life of a reconnect, [`sessions`] who is signed in.
//!
//! Invariants: nothing about a reconnect lives only in the process, so a host may die at any moment and any number of hosts may
//! share one Postgres. A write that decides something is one transaction, and its condition is part of its `UPDATE`. An error
//! carries a kind, never a statement, a value or an address.

pub(crate) mod attempts;
pub(crate) mod connections;
pub(crate) mod sessions;

use std::{fmt, time::Duration};

use sqlx::{
    Any, AnyPool, Row as _, Transaction,
    any::{AnyPoolOptions, AnyRow},
};
use tokio::sync::{Mutex, MutexGuard};

/// How long a query waits for a free connection before the request is refused with "try again".
const PATIENCE: Duration = Duration::from_secs(5);

/// A user of the application. Not a secret, but of no use in a log either.
#[derive(Clone, PartialEq, Eq)]
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

/// What went wrong with the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorageError {
    /// The URL is neither SQLite nor Postgres.
    Address,
    /// No connection, or none free in time.
    Unreachable,
    /// The database refused, with this code of its own.
    Refused(String),
    /// The tables could not be brought up to date.
    Migration,
    /// A stored value does not fit the schema; the text names table and column.
    Corrupt(&'static str),
}

impl fmt::Display for StorageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("expected sqlite://FILE, sqlite::memory: or postgres://…"),
            Self::Unreachable => {
                formatter.write_str("the database cannot be reached; check its address, and that it is up")
            }
            Self::Refused(code) => write!(formatter, "the database refused a statement with code {code}"),
            Self::Migration => formatter.write_str(
                "the tables could not be brought up to date; expected an empty database or one of an earlier version of this host",
            ),
            Self::Corrupt(column) => write!(formatter, "unreadable value in {column}"),
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self::Refused(error.code().unwrap_or_default().into_owned()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
                Self::Corrupt("a column of a result")
            }
            _ => Self::Unreachable,
        }
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
    /// SQLite has one writer at a time. Queueing here is fair and cheap; its own way is to sleep and try again.
    turn: Mutex<()>,
}

/// A transaction that will write. Dropped without [`Write::commit`], it leaves nothing behind.
struct Write<'storage> {
    transaction: Transaction<'static, Any>,
    _turn: Option<MutexGuard<'storage, ()>>,
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
            .after_connect(move |connection, _| {
                Box::pin(async move {
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
                })
            })
            .connect(&url)
            .await
            .map_err(|_| StorageError::Unreachable)?;
        sqlx::migrate!().run(&pool).await.map_err(|_| StorageError::Migration)?;
        let storage = Self { pool, dialect, turn: Mutex::new(()) };
        storage.release_own_claims().await?;
        Ok(storage)
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
                let turn = self.turn.lock().await;
                Write { transaction: self.pool.begin_with("BEGIN IMMEDIATE").await?, _turn: Some(turn) }
            }
            Dialect::Postgres => Write { transaction: self.pool.begin().await?, _turn: None },
        })
    }
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
