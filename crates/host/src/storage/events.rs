//! Events that the application has not taken yet.
//!
//! Invariants: an event is written in the transaction of what it tells; of one connection only the event with the lowest number is posted, so
//! the order is kept by any number of hosts; a claim runs out, so an event whose host died is posted again.

use std::time::Duration;

use flinks_backend::{reason::Reason, step::Event};
use flinks_connect::id::{AccountId, AttemptId, RequestId};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{Dialect, Storage, StorageError, Write, number, repeated, text};
use crate::{random, time::Time};

/// For how long an event is tried before it is parked.
const TRIED_FOR: Duration = Duration::from_hours(24);
/// Numbers for the events of one version of a connection.
const NUMBERS_PER_VERSION: i64 = 10;
/// The most parked events that are listed.
const MOST_LISTED: i64 = 100;

/// Whether events are written at all: without a receiver they would only pile up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventLog {
    /// The application wants them.
    Kept,
    /// It does not.
    Off,
}

/// An event to post.
#[derive(Clone, Debug)]
pub(crate) struct PendingEvent {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) tries: u32,
    pub(crate) tried_until: Time,
    claim: String,
}

/// What becomes of an event that the application did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is posted again then.
    At(Time),
    /// It is posted no more, unless somebody says so; the connection's later events go on.
    Parked,
}

/// A parked event as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct ParkedEvent {
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) tries: i64,
}

/// What is posted.
pub(super) struct NewEvent<'a> {
    pub(super) connection: &'a str,
    /// The version that the connection has with this transaction.
    pub(super) version: i64,
    /// Which of the transaction's events it is.
    pub(super) position: i64,
    pub(super) kind: Value,
    pub(super) data: Value,
}

impl<'a> NewEvent<'a> {
    pub(super) fn of_step(event: &'a Event, version: i64, position: i64) -> Self {
        Self {
            connection: &event.connection,
            version,
            position,
            kind: serde_json::to_value(event.kind).unwrap_or(Value::Null),
            data: json!({
                "user": event.user,
                "connection": event.connection,
                "attempt": event.attempt.as_ref().map(AttemptId::as_str),
                "loginId": event.login_id.as_str(),
                "accountIds": event.account_ids.iter().map(AccountId::as_str).collect::<Vec<_>>(),
                "refreshedAt": event.refreshed_at_ms.and_then(|millis| Time::from_millis(millis).rfc3339()),
                "requestId": event.request_id.as_ref().map(RequestId::as_str),
                "reason": event.reason,
            }),
        }
    }

    /// An event that no step of the rules tells.
    pub(super) fn of_connection(
        kind: &str,
        user: &str,
        connection: &'a str,
        login_id: &str,
        version: i64,
        reason: Option<Reason>,
    ) -> Self {
        let data = json!({
            "user": user, "connection": connection, "attempt": null, "loginId": login_id, "accountIds": [],
            "refreshedAt": null, "requestId": null, "reason": reason,
        });
        Self { connection, version, position: 0, kind: json!(kind), data }
    }
}

impl Storage {
    /// Writes an event, if the application wants any.
    pub(super) async fn add_event(&self, write: &mut Write<'_>, event: &NewEvent<'_>) -> Result<(), StorageError> {
        if self.events == EventLog::Off {
            return Ok(());
        }
        let now = self.now();
        let id = random::token().map_err(|_| StorageError::Corrupt("the operating system's randomness"))?;
        let body = json!({"type": event.kind, "timestamp": now.rfc3339(), "data": event.data});
        sqlx::query(
            "INSERT INTO events (id, connection_id, number, body, created_at, due_at, tried_until) \
             VALUES ($1, $2, $3, $4, $5, $5, $6)",
        )
        .bind(format!("evt_{id}"))
        .bind(event.connection)
        .bind(event.version * NUMBERS_PER_VERSION + event.position)
        .bind(body.to_string())
        .bind(now.millis())
        .bind(now.plus(TRIED_FOR).millis())
        .execute(&mut *write.transaction)
        .await?;
        Ok(())
    }

    /// Claims up to `most` events that are due for `lease`, each the first one of its connection.
    pub(crate) async fn claim_events(&self, most: usize, lease: Duration) -> Result<Vec<PendingEvent>, StorageError> {
        const DUE: &str = "SELECT id, body, tries, tried_until FROM events e \
             WHERE state = 'waiting' AND due_at <= $1 AND claimed_until <= $1 AND NOT EXISTS \
               (SELECT 1 FROM events f WHERE f.connection_id = e.connection_id AND f.number < e.number AND f.state = 'waiting') \
             ORDER BY due_at LIMIT $2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        // Reading first: an idle host does not take the write lock.
        let some = sqlx::query(DUE).bind(self.now().millis()).bind(1_i64).fetch_optional(&self.pool).await?;
        if some.is_none() {
            return Ok(Vec::new());
        }
        let due = match self.dialect {
            Dialect::Sqlite => DUE.to_owned(),
            Dialect::Postgres => format!("{DUE} FOR UPDATE SKIP LOCKED"),
        };
        repeated(|| async {
            let now = self.now();
            let mut write = self.write().await?;
            let rows = sqlx::query(AssertSqlSafe(due.clone()))
                .bind(now.millis())
                .bind(most)
                .fetch_all(&mut *write.transaction)
                .await?;
            let mut events = Vec::new();
            for row in &rows {
                let Ok(claim) = random::token() else { continue };
                let event = PendingEvent {
                    id: text(row, "id")?,
                    body: text(row, "body")?,
                    tries: u32::try_from(number(row, "tries")?).unwrap_or(u32::MAX),
                    tried_until: Time::from_millis(number(row, "tried_until")?),
                    claim,
                };
                sqlx::query("UPDATE events SET claimed_by = $2, claimed_until = $3 WHERE id = $1")
                    .bind(event.id.as_str())
                    .bind(event.claim.as_str())
                    .bind(now.plus(lease).millis())
                    .execute(&mut *write.transaction)
                    .await?;
                events.push(event);
            }
            write.commit().await?;
            Ok(events)
        })
        .await
    }

    /// The application has it.
    pub(crate) async fn forget_event(&self, event: &PendingEvent) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("DELETE FROM events WHERE id = $1 AND claimed_by = $2")
                .bind(event.id.as_str())
                .bind(event.claim.as_str())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }

    /// The application has not taken it.
    pub(crate) async fn postpone_event(&self, event: &PendingEvent, next: Next) -> Result<(), StorageError> {
        let (state, due_at) = match next {
            Next::At(time) => ("waiting", time),
            Next::Parked => ("parked", self.now()),
        };
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query(
                "UPDATE events SET state = $3, due_at = $4, tries = tries + 1, claimed_by = NULL, claimed_until = 0 \
                 WHERE id = $1 AND claimed_by = $2",
            )
            .bind(event.id.as_str())
            .bind(event.claim.as_str())
            .bind(state)
            .bind(due_at.millis())
            .execute(&mut *write.transaction)
            .await?;
            write.commit().await
        })
        .await
    }

    /// The oldest events that are posted no more.
    pub(crate) async fn parked_events(&self) -> Result<Vec<ParkedEvent>, StorageError> {
        let rows =
            sqlx::query("SELECT id, body, tries FROM events WHERE state = 'parked' ORDER BY created_at, id LIMIT $1")
                .bind(MOST_LISTED)
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|row| {
                let body =
                    serde_json::from_str(&text(row, "body")?).map_err(|_| StorageError::Corrupt("events.body"))?;
                Ok(ParkedEvent { id: text(row, "id")?, body, tries: number(row, "tries")? })
            })
            .collect()
    }

    /// Posts a parked event again, for another day. Whether there is such an event; one that waits anyway is one.
    pub(crate) async fn repeat_event(&self, id: &str) -> Result<bool, StorageError> {
        repeated(|| async {
            let now = self.now();
            let mut write = self.write().await?;
            let found = sqlx::query(
                "UPDATE events SET due_at = CASE WHEN state = 'parked' THEN $2 ELSE due_at END, \
                   tries = CASE WHEN state = 'parked' THEN 0 ELSE tries END, \
                   tried_until = CASE WHEN state = 'parked' THEN $3 ELSE tried_until END, state = 'waiting' WHERE id = $1",
            )
            .bind(id)
            .bind(now.millis())
            .bind(now.plus(TRIED_FOR).millis())
            .execute(&mut *write.transaction)
            .await?;
            write.commit().await?;
            Ok(found.rows_affected() == 1)
        })
        .await
    }
}
