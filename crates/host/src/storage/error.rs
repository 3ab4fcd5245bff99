//! What can go wrong with the database, in words for whoever runs the host.
//!
//! Invariant: an error carries a kind and at most the database's own code: never a statement, a value, an address or a password.

use std::fmt;

/// What went wrong with the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorageError {
    /// The URL is neither SQLite nor Postgres, or cannot be read.
    Address,
    /// Nobody answers at the address, or the connection broke.
    Unreachable,
    /// It answers, but gave no connection in time.
    NoneFree,
    /// It takes no more connections.
    Full,
    /// The password is wrong, or missing.
    Password,
    /// The user is not known, or may not connect like this.
    NotAdmitted,
    /// It does not admit this user without TLS.
    WantsTls,
    /// The address demands TLS, and the server has none, or none that this machine trusts.
    NoTls,
    /// There is no database of that name.
    NoDatabase,
    /// The file cannot be opened, or its folder is missing.
    NoFile,
    /// The file is no SQLite database.
    NotADatabase,
    /// The file, or the database, cannot be written to.
    ReadOnly,
    /// Two transactions stood in each other's way and this one was rolled back: repeat it.
    Serialization,
    /// It refused a statement, with this code of its own.
    Refused(String),
    /// The tables could not be brought up to date.
    Migration,
    /// A stored value does not fit the schema; the text names table and column.
    Corrupt(&'static str),
}

impl fmt::Display for StorageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Address => "expected sqlite://FILE, sqlite::memory: or postgres://…",
            Self::Unreachable => {
                "nothing answers at this address; check host and port, and that the database is up and lets this machine through"
            }
            Self::NoneFree => "the database answers, but no connection was free in time; it or this host is overloaded",
            Self::Full => "the database takes no more connections; raise its max_connections, or run fewer hosts",
            Self::Password => "the database refuses the password; check user and password in the address",
            Self::NotAdmitted => {
                "the database does not admit this user from here; check the user name, and the server's pg_hba.conf"
            }
            Self::WantsTls => {
                "the database does not admit this user from here without TLS; put sslmode=require or stronger into the address, or correct \
                 the server's pg_hba.conf"
            }
            Self::NoTls => {
                "the address demands TLS, but the server offers none that this machine trusts; check sslmode and sslrootcert"
            }
            Self::NoDatabase => "the server has no database of that name; create it, or correct the name in the address",
            Self::NoFile => "the file cannot be opened; check that its folder exists and may be written to",
            Self::NotADatabase => "the file is no SQLite database; name another one",
            Self::ReadOnly => "the database is read-only; let this user write to it, and name no replica",
            Self::Serialization => "two transactions stood in each other's way, and this one was rolled back",
            Self::Refused(code) => return write!(formatter, "the database refused a statement with code {code}"),
            Self::Migration => {
                "the tables could not be brought up to date; expected an empty database or one of an earlier version of this host"
            }
            Self::Corrupt(column) => return write!(formatter, "unreadable value in {column}"),
        })
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_code(&error.code().unwrap_or_default(), error.message()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
                Self::Corrupt("a column of a result")
            }
            sqlx::Error::Configuration(_) => Self::Address,
            sqlx::Error::Tls(_) => Self::NoTls,
            sqlx::Error::PoolTimedOut => Self::NoneFree,
            _ => Self::Unreachable,
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StorageError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match error {
            Execute(error) | ExecuteMigration(error, _) => match error.into() {
                // A statement that a migration is made of: the tables are not those of an earlier version.
                Self::Refused(_) => Self::Migration,
                other => other,
            },
            _ => Self::Migration,
        }
    }
}

/// Postgres has codes of five characters, SQLite numbers (its result codes).
fn of_code(code: &str, message: &str) -> StorageError {
    match code {
        "28P01" => StorageError::Password,
        // One code for an unknown user, a wrong address and a connection without TLS. Where pg_hba.conf refuses, the text says whether
        // there was TLS: "no encryption", before Postgres 14 "SSL off". In another language it is the more general error.
        "28000" if message.contains("no encryption") || message.contains("SSL off") => StorageError::WantsTls,
        "28000" => StorageError::NotAdmitted,
        "3D000" => StorageError::NoDatabase,
        "53300" => StorageError::Full,
        "25006" | "8" | "264" | "520" | "776" | "1032" => StorageError::ReadOnly,
        "40001" | "40P01" => StorageError::Serialization,
        "14" => StorageError::NoFile,
        "26" => StorageError::NotADatabase,
        // The server is going down, is coming up, or ended the connection.
        "57P01" | "57P02" | "57P03" => StorageError::Unreachable,
        code if code.starts_with("08") => StorageError::Unreachable,
        code => StorageError::Refused(code.to_owned()),
    }
}
