//! Flinks' whole last answer about a connection's data, which the application reads and which is then deleted.
//!
//! Invariants: it is stored in the transaction that stores the accounts, so an older answer never replaces a newer one; accounts that the
//! user did not pick are not in it; when its time is over nobody reads it any more, also before it is deleted.

use std::time::Duration;

use flinks_backend::step::Kept;
use sqlx::AssertSqlSafe;

use super::{ConnectionId, Storage, StorageError, Write, optional_text, repeated, text};
use crate::flinks::{Fetched, only_accounts};

/// The most answers that are deleted at a time.
const MOST_AT_ONCE: usize = 100;

/// What there is of a connection's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeptAnswer {
    /// There is no such connection.
    NoConnection,
    /// None has come, or its time is over.
    None,
    /// JSON, as Flinks sent it.
    Body(String),
}

impl Storage {
    /// The last answer about a connection, of whomever it is.
    pub(crate) async fn answer(&self, id: &ConnectionId) -> Result<KeptAnswer, StorageError> {
        let row = sqlx::query(
            "SELECT a.body FROM connections c LEFT JOIN answers a ON a.connection_id = c.id AND a.kept_until > $2 \
             WHERE c.id = $1",
        )
        .bind(id.as_str())
        .bind(self.now().millis())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(KeptAnswer::NoConnection) };
        Ok(optional_text(&row, "body")?.map_or(KeptAnswer::None, KeptAnswer::Body))
    }

    /// Puts an answer in the place of the old one; where none are kept, only the old one goes.
    pub(super) async fn replace_answer(
        &self,
        write: &mut Write<'_>,
        id: &str,
        fetched: &Fetched,
        kept: &Kept,
    ) -> Result<(), StorageError> {
        sqlx::query("DELETE FROM answers WHERE connection_id = $1").bind(id).execute(&mut *write.transaction).await?;
        if self.data_kept == Duration::ZERO {
            return Ok(());
        }
        let narrowed = match kept {
            Kept::All => None,
            Kept::Only(ids) => Some(only_accounts(&fetched.body, ids).ok_or(StorageError::Corrupt("answers.body"))?),
        };
        sqlx::query("INSERT INTO answers (connection_id, body, kept_until) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(narrowed.as_ref().unwrap_or(&fetched.body).as_str())
            .bind(self.now().plus(self.data_kept).millis())
            .execute(&mut *write.transaction)
            .await?;
        Ok(())
    }

    /// Deletes answers whose time is over, so many at most; whether there may be more.
    pub(crate) async fn forget_answers(&self) -> Result<bool, StorageError> {
        // Reading first: where there is nothing to delete the write lock is not taken.
        let over = format!(
            "SELECT connection_id FROM answers WHERE kept_until <= $1 ORDER BY kept_until LIMIT {MOST_AT_ONCE}"
        );
        let now = self.now().millis();
        let rows = sqlx::query(AssertSqlSafe(over)).bind(now).fetch_all(&self.pool).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let ids = rows.iter().map(|row| text(row, "connection_id")).collect::<Result<Vec<_>, _>>()?;
        repeated(|| async {
            let mut write = self.write().await?;
            for id in &ids {
                // It may have been replaced meanwhile.
                sqlx::query("DELETE FROM answers WHERE connection_id = $1 AND kept_until <= $2")
                    .bind(id.as_str())
                    .bind(now)
                    .execute(&mut *write.transaction)
                    .await?;
            }
            write.commit().await
        })
        .await?;
        Ok(rows.len() == MOST_AT_ONCE)
    }
}
