//! Which worker's step looks after an attempt.
//!
//! A step claims one attempt for a while (the lease), renews the claim while it works, and gives it back when it ends. Nobody renews the
//! claim of a step that has failed or died: it runs out, and another step takes it, of this host or of another one. A claim spares Flinks
//! the same question twice; what is stored is decided by the connection's version alone.
//!
//! Invariants: a claim has a random value of its own, and only who knows it can renew the claim or give it back, so a step that comes
//! late cannot touch the claim of the one that runs now. An attempt that has ended has no claim.

use std::time::{Duration, Instant};

use flinks_backend::step::{Change, Commit};
use flinks_connect::id::AttemptId;
use sqlx::AssertSqlSafe;

use super::{DATABASE_NOW, Dialect, Storage, StorageError, number, optional_number, repeated, text};
use crate::{random, time::Time};

/// How long an attempt that cannot be read is left alone before the log speaks of it again.
const UNREADABLE_PAUSE: Duration = Duration::from_hours(1);

/// One step's right to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) attempt: AttemptId,
    /// As many random bits as an attempt's id has.
    holder: String,
}

impl Claim {
    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Whether it is given back with this commit, as the last of its step.
    pub(crate) fn ends_with(&self, commit: &Commit) -> bool {
        commit.changes.iter().any(|change| matches!(change, Change::PutAttempt(attempt) if attempt.id == self.attempt))
    }
}

/// Whether a claim still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// It does, for another lease.
    Renewed,
    /// It ran out and somebody else has the attempt, or the attempt has changed so that its step is of no use.
    Lost,
}

impl Storage {
    /// When the next attempt that nobody has claimed is due. On Postgres it reads the database's clock on the way.
    pub(crate) async fn next_due(&self) -> Result<Option<Time>, StorageError> {
        const NEXT: &str = "(SELECT due_at FROM attempts WHERE state IN ('open', 'accepted') AND claimed_until <= $1 \
             ORDER BY due_at LIMIT 1) AS due_at";
        let query = match self.dialect {
            Dialect::Sqlite => format!("SELECT 0 AS now, {NEXT}"),
            Dialect::Postgres => format!("SELECT {DATABASE_NOW} AS now, {NEXT}"),
        };
        let asked = Instant::now();
        let row = sqlx::query(AssertSqlSafe(query)).bind(self.now().millis()).fetch_one(&self.pool).await?;
        self.clock.set(asked, number(&row, "now")?);
        Ok(optional_number(&row, "due_at")?.map(Time::from_millis))
    }

    /// Claims up to `most` due attempts that nobody has claimed, each for `lease`.
    pub(crate) async fn claim_due(&self, lease: Duration, most: usize) -> Result<Vec<Claim>, StorageError> {
        repeated(|| self.try_to_claim(lease, most)).await
    }

    async fn try_to_claim(&self, lease: Duration, most: usize) -> Result<Vec<Claim>, StorageError> {
        const DUE: &str = "SELECT id FROM attempts \
             WHERE state IN ('open', 'accepted') AND due_at <= $1 AND claimed_until <= $1 ORDER BY due_at LIMIT $2";
        let due = match self.dialect {
            Dialect::Sqlite => DUE.to_owned(),
            // Hosts that share a Postgres take different rows at the same time instead of queueing for the same ones.
            Dialect::Postgres => format!("{DUE} FOR UPDATE SKIP LOCKED"),
        };
        let now = self.now();
        let mut write = self.write().await?;
        let rows = sqlx::query(AssertSqlSafe(due))
            .bind(now.millis())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *write.transaction)
            .await?;
        let mut claims = Vec::new();
        for row in &rows {
            let id = text(row, "id")?;
            let claim = match (AttemptId::parse(&id), random::token()) {
                (Some(attempt), Ok(holder)) => Some(Claim { attempt, holder }),
                // Without randomness nothing is claimed now.
                (Some(_), Err(_)) => continue,
                (None, _) => {
                    tracing::error!("an attempt's id is unreadable; correct or delete the row of the table attempts");
                    None
                }
            };
            let until = if claim.is_some() { now.plus(lease) } else { now.plus(UNREADABLE_PAUSE) };
            sqlx::query("UPDATE attempts SET claimed_by = $2, claimed_until = $3 WHERE id = $1")
                .bind(id)
                .bind(claim.as_ref().map(|claim| claim.holder.as_str()))
                .bind(until.millis())
                .execute(&mut *write.transaction)
                .await?;
            claims.extend(claim);
        }
        write.commit().await?;
        Ok(claims)
    }

    /// Makes a claim last for another `lease`.
    pub(crate) async fn renew(&self, claim: &Claim, lease: Duration) -> Result<Renewal, StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let renewed = sqlx::query("UPDATE attempts SET claimed_until = $3 WHERE id = $1 AND claimed_by = $2")
                .bind(claim.attempt.as_str())
                .bind(claim.holder.as_str())
                .bind(self.now().plus(lease).millis())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await?;
            Ok(if renewed.rows_affected() == 1 { Renewal::Renewed } else { Renewal::Lost })
        })
        .await
    }

    /// Lets others claim the attempt after `pause`, if this claim still stands.
    pub(crate) async fn give_back(&self, claim: &Claim, pause: Duration) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("UPDATE attempts SET claimed_by = NULL, claimed_until = $3 WHERE id = $1 AND claimed_by = $2")
                .bind(claim.attempt.as_str())
                .bind(claim.holder())
                .bind(self.now().plus(pause).millis())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }

    /// A SQLite file belongs to one host: what is claimed when it starts was claimed by its dead predecessor.
    pub(super) async fn release_own_claims(&self) -> Result<(), StorageError> {
        if self.dialect == Dialect::Sqlite {
            sqlx::query("UPDATE attempts SET claimed_by = NULL, claimed_until = 0 WHERE claimed_by IS NOT NULL")
                .execute(&self.pool)
                .await?;
            sqlx::query("UPDATE events SET claimed_by = NULL, claimed_until = 0 WHERE claimed_by IS NOT NULL")
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flinks_backend::{
        record::{Attempt, Query, State},
        step::Outcome,
    };

    use super::*;
    use crate::flinks::Fetched;

    const HOUR: Duration = Duration::from_hours(1);

    async fn storage_with_an_attempt() -> Storage {
        let storage = Storage::open("sqlite::memory:").await.unwrap();
        for statement in [
            "INSERT INTO users VALUES ('user')",
            "INSERT INTO connections (id, user_id, position, institution, login_id, reason, status) \
             VALUES ('bank', 'user', 0, 'Bank', 'login-of-the-user', 'update-requested', 'needs-attention')",
            "INSERT INTO attempts (id, connection_id, user_id, tag, state, created_at, expires_at, due_at) \
             VALUES ('attempt-1', 'bank', 'user', 'tag', 'accepted', 0, 4000000000000, 0)",
        ] {
            sqlx::query(statement).execute(&storage.pool).await.unwrap();
        }
        storage
    }

    async fn claim(storage: &Storage, lease: Duration) -> Option<Claim> {
        storage.claim_due(lease, 8).await.unwrap().pop()
    }

    /// Stores the attempt with a change, as a step of this claim that ends with it.
    async fn put(storage: &Storage, claim: &Claim, change: impl FnOnce(Attempt) -> Attempt) {
        let query = Query::Id { id: claim.attempt.clone() };
        let stored = storage.read(&query, storage.now()).await.unwrap().unwrap();
        let commit = Commit {
            connection: stored.connection.id,
            version: stored.connection.version,
            changes: vec![Change::PutAttempt(change(stored.attempts[0].clone()))],
            events: Vec::new(),
            limit: None,
        };
        assert_eq!(storage.commit(&commit, &Fetched::default(), Some(claim)).await.unwrap(), Outcome::Done);
    }

    #[tokio::test]
    async fn a_late_step_cannot_touch_the_claim_of_the_one_that_runs() {
        let storage = storage_with_an_attempt().await;
        let late = claim(&storage, Duration::ZERO).await.unwrap();
        let running = claim(&storage, HOUR).await.unwrap();
        assert_eq!(storage.renew(&late, HOUR).await.unwrap(), Renewal::Lost);
        storage.give_back(&late, Duration::ZERO).await.unwrap();
        put(&storage, &late, |attempt| Attempt { due_at_ms: 1, ..attempt }).await;
        assert_eq!(claim(&storage, HOUR).await, None, "it is still claimed");
        assert_eq!(storage.renew(&running, HOUR).await.unwrap(), Renewal::Renewed);
    }

    #[tokio::test]
    async fn a_claim_is_given_back_with_the_last_commit_or_by_itself_or_runs_out() {
        let storage = storage_with_an_attempt().await;
        let first = claim(&storage, HOUR).await.unwrap();
        put(&storage, &first, |attempt| Attempt { due_at_ms: 1, ..attempt }).await;
        let second = claim(&storage, HOUR).await.unwrap();
        storage.give_back(&second, HOUR).await.unwrap();
        assert_eq!(claim(&storage, HOUR).await, None, "a failed step is not repeated at once");
        storage.give_back(&second, Duration::ZERO).await.unwrap();
        assert_eq!(claim(&storage, HOUR).await, None, "it was given back before");
        sqlx::query("UPDATE attempts SET claimed_until = 0").execute(&storage.pool).await.unwrap();
        assert!(claim(&storage, Duration::ZERO).await.is_some());
        assert!(claim(&storage, HOUR).await.is_some(), "the one before has run out");
    }

    #[tokio::test]
    async fn an_attempt_in_another_state_is_claimed_by_nobody() {
        let storage = storage_with_an_attempt().await;
        let late = claim(&storage, Duration::ZERO).await.unwrap();
        let running = claim(&storage, HOUR).await.unwrap();
        put(&storage, &late, |attempt| Attempt { state: State::Finished, ..attempt }).await;
        assert_eq!(storage.renew(&running, HOUR).await.unwrap(), Renewal::Lost);
        let claimed =
            sqlx::query("SELECT COUNT(*) AS claimed FROM attempts WHERE claimed_by IS NOT NULL OR claimed_until > 0");
        assert_eq!(number(&claimed.fetch_one(&storage.pool).await.unwrap(), "claimed").unwrap(), 0);
    }
}
