//! Who is signed in.
//!
//! Invariant: the cookie's value is never stored, only its fingerprint.

use super::{Storage, StorageError, UserId, repeated, text};
use crate::time::Time;

impl Storage {
    pub(crate) async fn add_user(&self, user: &UserId) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
                .bind(user.as_str())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }

    /// Signs `user` in until `expires_at`; sessions that are over go away on the way.
    pub(crate) async fn add_session(
        &self,
        fingerprint: &str,
        user: &UserId,
        now: Time,
        expires_at: Time,
    ) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
                .bind(now.millis())
                .execute(&mut *write.transaction)
                .await?;
            sqlx::query("INSERT INTO sessions (fingerprint, user_id, expires_at) VALUES ($1, $2, $3)")
                .bind(fingerprint)
                .bind(user.as_str())
                .bind(expires_at.millis())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }

    pub(crate) async fn user_of_session(&self, fingerprint: &str, now: Time) -> Result<Option<UserId>, StorageError> {
        let row = sqlx::query("SELECT user_id FROM sessions WHERE fingerprint = $1 AND expires_at > $2")
            .bind(fingerprint)
            .bind(now.millis())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| text(&row, "user_id").map(UserId::new)).transpose()
    }
}
