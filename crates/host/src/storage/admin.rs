//! What the application itself puts and deletes: users and their connections.
//!
//! Invariants: a connection's id belongs to one user in the whole database; only the application gives a connection another login, and the
//! attempts that began with the old one end with that.

use flinks_backend::record::{Language, State};
use flinks_connect::id::{AccountId, LoginId};

use super::{
    ConnectionId, Storage, StorageError, UserId, Write,
    connections::{replace_selection, selection},
    events::NewEvent,
    number, optional_number, optional_text, parsed, repeated, text,
};
use crate::time::Time;

/// The most attempts that are listed.
const MOST_LISTED: i64 = 100;

/// A connection as the application puts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManagedConnection {
    pub(crate) user: UserId,
    pub(crate) id: ConnectionId,
    pub(crate) login_id: LoginId,
    pub(crate) institution: String,
    pub(crate) language: Option<Language>,
    /// What the user picked in the Account Selector; empty means all.
    pub(crate) selection: Vec<AccountId>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is new.
    Added,
    /// It was there with other values.
    Changed,
    /// It was there as it is.
    Kept,
    /// There is one of that id, and it is another user's: nothing was changed.
    OfAnotherUser,
}

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) connections: u64,
    pub(crate) attempts: u64,
    pub(crate) accounts: u64,
    /// Answers of Flinks that were kept.
    pub(crate) answers: u64,
}

/// An attempt as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct AttemptRow {
    pub(crate) id: String,
    pub(crate) connection: String,
    pub(crate) state: &'static str,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Time,
    pub(crate) accepted_at: Option<Time>,
}

impl ConnectionId {
    /// 1 to 255 bytes without control characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| Self::new(text))
    }
}

impl Storage {
    /// Adds a connection and its user, or puts these values in the place of the old ones.
    pub(crate) async fn put_connection(&self, new: &ManagedConnection) -> Result<Put, StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let put = put(&mut write, new).await?;
            if put == Put::Added {
                let (user, login) = (new.user.as_str(), new.login_id.as_str());
                let event = NewEvent::of_connection("connection.added", user, new.id.as_str(), login, 0, None);
                self.add_event(&mut write, &event).await?;
            }
            if matches!(put, Put::Added | Put::Changed) {
                write.commit().await?;
            }
            Ok(put)
        })
        .await
    }

    /// A connection as it was put; another user's is as unknown as one that never was.
    pub(crate) async fn managed_connection(
        &self,
        user: &UserId,
        id: &ConnectionId,
    ) -> Result<Option<ManagedConnection>, StorageError> {
        let mut reader = self.pool.acquire().await?;
        let stored = read(&mut reader, id).await?;
        Ok(stored.filter(|stored| stored.user == *user))
    }

    /// Deletes a connection of this user with all that hangs on it.
    pub(crate) async fn delete_connection(&self, user: &UserId, id: &ConnectionId) -> Result<Deleted, StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let deleted = delete(&mut write, user, Some(id)).await?;
            write.commit().await?;
            Ok(deleted)
        })
        .await
    }

    /// Deletes a user with all that hangs on them.
    pub(crate) async fn delete_user(&self, user: &UserId) -> Result<Deleted, StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let deleted = delete(&mut write, user, None).await?;
            sqlx::query("DELETE FROM users WHERE id = $1").bind(user.as_str()).execute(&mut *write.transaction).await?;
            write.commit().await?;
            Ok(deleted)
        })
        .await
    }

    /// The newest attempts of a user.
    pub(crate) async fn attempts_of(&self, user: &UserId) -> Result<Vec<AttemptRow>, StorageError> {
        let rows = sqlx::query(
            "SELECT a.id, a.connection_id, a.state, a.created_at, a.expires_at, a.accepted_at \
             FROM connections c JOIN attempts a ON a.connection_id = c.id \
             WHERE c.user_id = $1 ORDER BY a.created_at DESC, a.id LIMIT $2",
        )
        .bind(user.as_str())
        .bind(MOST_LISTED)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let time = |column| number(row, column).map(Time::from_millis);
                let named = |text: &str| State::ALL.iter().find(|(name, _)| *name == text).map(|(_, state)| *state);
                Ok(AttemptRow {
                    id: text(row, "id")?,
                    connection: text(row, "connection_id")?,
                    state: match parsed(&text(row, "state")?, named, "attempts.state")? {
                        State::Open => "open",
                        State::Superseded => "superseded",
                        State::Accepted => "accepted",
                        State::Finished => "finished",
                        State::Failed => "failed",
                    },
                    created_at: time("created_at")?,
                    expires_at: time("expires_at")?,
                    accepted_at: optional_number(row, "accepted_at")?.map(Time::from_millis),
                })
            })
            .collect()
    }
}

async fn put(write: &mut Write<'_>, new: &ManagedConnection) -> Result<Put, StorageError> {
    sqlx::query("INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
        .bind(new.user.as_str())
        .execute(&mut *write.transaction)
        .await?;
    let added = sqlx::query(
        "INSERT INTO connections (id, user_id, position, institution, login_id, language, reason, status) \
         VALUES ($1, $2, (SELECT COALESCE(MAX(position), -1) + 1 FROM connections WHERE user_id = $2), $3, $4, $5, \
           'update-requested', 'up-to-date') ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(new.user.as_str())
    .bind(new.institution.as_str())
    .bind(new.login_id.as_str())
    .bind(new.language.map(Language::as_str))
    .execute(&mut *write.transaction)
    .await?;
    if added.rows_affected() == 1 {
        replace_selection(write, &new.id, &new.selection).await?;
        return Ok(Put::Added);
    }
    // Raising the version locks the row, and makes what was decided on the old values a conflict.
    sqlx::query("UPDATE connections SET version = version + 1 WHERE id = $1 AND user_id = $2")
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .execute(&mut *write.transaction)
        .await?;
    let old = match read(&mut write.transaction, &new.id).await? {
        Some(old) if old.user == new.user => old,
        Some(_) => return Ok(Put::OfAnotherUser),
        // It was deleted between the two statements.
        None => return Err(StorageError::Serialization),
    };
    if old == *new {
        return Ok(Put::Kept);
    }
    sqlx::query("UPDATE connections SET institution = $2, language = $3 WHERE id = $1")
        .bind(new.id.as_str())
        .bind(new.institution.as_str())
        .bind(new.language.map(Language::as_str))
        .execute(&mut *write.transaction)
        .await?;
    replace_selection(write, &new.id, &new.selection).await?;
    if old.login_id != new.login_id {
        begin_anew(write, new).await?;
    }
    Ok(Put::Changed)
}

/// Nothing of the old login is left.
async fn begin_anew(write: &mut Write<'_>, new: &ManagedConnection) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE connections SET login_id = $2, status = 'up-to-date', problem = NULL, refreshed_at = NULL, \
           settled_at = NULL, sign_in_attempt = NULL, sign_in_until = NULL WHERE id = $1",
    )
    .bind(new.id.as_str())
    .bind(new.login_id.as_str())
    .execute(&mut *write.transaction)
    .await?;
    for statement in [
        "DELETE FROM attempts WHERE connection_id = $1",
        "DELETE FROM accounts WHERE connection_id = $1",
        "DELETE FROM answers WHERE connection_id = $1",
    ] {
        sqlx::query(statement).bind(new.id.as_str()).execute(&mut *write.transaction).await?;
    }
    Ok(())
}

async fn read(reader: &mut sqlx::AnyConnection, id: &ConnectionId) -> Result<Option<ManagedConnection>, StorageError> {
    let row = sqlx::query("SELECT user_id, login_id, institution, language FROM connections WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *reader)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ManagedConnection {
        user: UserId::new(text(&row, "user_id")?),
        id: id.clone(),
        login_id: parsed(&text(&row, "login_id")?, LoginId::parse, "connections.login_id")?,
        institution: text(&row, "institution")?,
        language: optional_text(&row, "language")?
            .map(|text| parsed(&text, Language::parse, "connections.language"))
            .transpose()?,
        selection: selection(reader, id).await?,
    }))
}

/// Deletes one connection of a user, or all.
async fn delete(write: &mut Write<'_>, user: &UserId, id: Option<&ConnectionId>) -> Result<Deleted, StorageError> {
    // The connections' rows are locked first, as everywhere.
    sqlx::query("UPDATE connections SET version = version + 1 WHERE user_id = $1 AND ($2 IS NULL OR id = $2)")
        .bind(user.as_str())
        .bind(id.map(ConnectionId::as_str))
        .execute(&mut *write.transaction)
        .await?;
    let mut deleted = Deleted::default();
    for (statement, count) in [
        (
            "DELETE FROM attempts WHERE connection_id IN \
               (SELECT id FROM connections WHERE user_id = $1 AND ($2 IS NULL OR id = $2))",
            &mut deleted.attempts,
        ),
        (
            "DELETE FROM accounts WHERE connection_id IN \
               (SELECT id FROM connections WHERE user_id = $1 AND ($2 IS NULL OR id = $2))",
            &mut deleted.accounts,
        ),
        (
            "DELETE FROM answers WHERE connection_id IN \
               (SELECT id FROM connections WHERE user_id = $1 AND ($2 IS NULL OR id = $2))",
            &mut deleted.answers,
        ),
        ("DELETE FROM connections WHERE user_id = $1 AND ($2 IS NULL OR id = $2)", &mut deleted.connections),
    ] {
        let ended = sqlx::query(statement)
            .bind(user.as_str())
            .bind(id.map(ConnectionId::as_str))
            .execute(&mut *write.transaction)
            .await?;
        *count = ended.rows_affected();
    }
    Ok(deleted)
}
