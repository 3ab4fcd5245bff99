//! The life of a reconnect.
//!
//! ```text
//!            accept                finish
//!   open ───────────────► accepted ──────► finished
//!    │ ▲                  ▲    │ fail
//!    │ (started)          │    └─────────► failed
//!    └─────► set-aside ───┘ accept
//! ```
//! *open*: may be resumed, and the reconciler asks Flinks about it. *set-aside*: its session is over, or another attempt was
//! faster; it is neither resumed nor asked about, but a result that is on its way is still taken. *accepted*: the result is
//! ours, its data is not yet. Every arrow is one `UPDATE` whose condition names the state it leaves, so of two that race one wins.
//!
//! Workers claim what is due for a while and renew the claim while they work ([`Storage::hold`]); what a dead host had claimed
//! becomes free by itself. What a worker writes back counts only while the claim is its own.

use std::time::Duration;

use flinks_connect::id::{AccountId, AttemptId, LoginId, RequestId, Tag};
use sqlx::any::AnyRow;

use super::{
    ConnectionId, Dialect, Storage, StorageError, UserId,
    connections::{replace_accounts, replace_selection, set_problem, set_trouble},
    number, optional_text, parsed, text,
};
use crate::{account::Account, moment::Moment};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    SetAside,
    Accepted,
    Finished,
    Failed,
}

impl State {
    const ALL: [Self; 5] = [Self::Open, Self::SetAside, Self::Accepted, Self::Finished, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SetAside => "set-aside",
            Self::Accepted => "accepted",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether a result has been taken; it happens once.
    pub(crate) fn is_used(self) -> bool {
        matches!(self, Self::Accepted | Self::Finished | Self::Failed)
    }
}

/// An attempt as a request meets it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) connection: ConnectionId,
    pub(crate) tag: Tag,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) state: State,
    pub(crate) expires_at: Moment,
    /// Of the delivery that was taken.
    pub(crate) fingerprint: Option<String>,
}

/// What an attempt begins with.
#[derive(Clone, Debug)]
pub(crate) enum Beginning {
    /// Flinks wants MFA in this session; look after it at the given time.
    Session(RequestId, Moment),
    /// The user goes through the full flow; there is no session to ask about.
    FullFlow,
    /// Flinks needed nobody: the session is authorised, its data is due.
    Authorised(RequestId),
}

/// An attempt to add.
#[derive(Clone, Debug)]
pub(crate) struct NewAttempt<'a> {
    pub(crate) id: &'a AttemptId,
    pub(crate) connection: &'a ConnectionId,
    pub(crate) user: &'a UserId,
    pub(crate) tag: &'a Tag,
    pub(crate) beginning: Beginning,
    pub(crate) now: Moment,
    pub(crate) expires_at: Moment,
}

/// A verified result to take.
#[derive(Clone, Debug)]
pub(crate) struct Acceptance<'a> {
    pub(crate) attempt: &'a AttemptId,
    /// Of the delivery; none when the host found the result itself.
    pub(crate) fingerprint: Option<&'a str>,
    /// The session to ask for data with.
    pub(crate) request_id: &'a RequestId,
    /// The accounts picked anew in the full flow; none keeps the stored ones.
    pub(crate) selection: Option<&'a [AccountId]>,
    pub(crate) now: Moment,
}

/// What became of an [`Acceptance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// Taken: the data will be fetched.
    Now,
    /// The same result had been taken before.
    Before,
    /// Another result had been taken before.
    Otherwise,
    /// The attempt is gone or expired.
    TooLate,
}

/// How far the data of an accepted attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataStep {
    /// Flinks has not been asked.
    Ask,
    /// Flinks has been asked and is working on it.
    Poll,
}

impl DataStep {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Poll => "poll",
        }
    }
}

/// What is to be done about a claimed attempt.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// Ask Flinks whether the user has finished.
    Reconcile(RequestId),
    /// Fetch the data.
    Fetch { request_id: RequestId, step: DataStep, accepted_at: Moment },
    /// Nothing more: the attempt has expired.
    Expire,
}

/// An attempt that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) attempt: AttemptId,
    pub(crate) connection: ConnectionId,
    pub(crate) login_id: LoginId,
    pub(crate) selection: Vec<AccountId>,
    pub(crate) work: Work,
    /// How often this work was done in vain.
    pub(crate) tries: u32,
}

/// Whose claims are meant: one running host.
#[derive(Clone, Debug)]
pub(crate) struct Owner(pub(crate) String);

const COLUMNS: &str = "id, connection_id, tag, request_id, state, expires_at, fingerprint";

impl Storage {
    pub(crate) async fn add_attempt(&self, new: &NewAttempt<'_>) -> Result<(), StorageError> {
        let (state, request_id, due_at, accepted_at) = match &new.beginning {
            Beginning::Session(request_id, due_at) => (State::Open, Some(request_id), *due_at, None),
            Beginning::FullFlow => (State::Open, None, new.expires_at, None),
            Beginning::Authorised(request_id) => (State::Accepted, Some(request_id), new.now, Some(new.now)),
        };
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO attempts \
               (id, connection_id, user_id, tag, request_id, state, created_at, expires_at, due_at, accepted_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new.id.as_str())
        .bind(new.connection.as_str())
        .bind(new.user.as_str())
        .bind(new.tag.as_str())
        .bind(request_id.map(RequestId::as_str))
        .bind(state.as_str())
        .bind(new.now.millis())
        .bind(new.expires_at.millis())
        .bind(due_at.millis())
        .bind(accepted_at.map(Moment::millis))
        .execute(&mut *write.transaction)
        .await?;
        write.commit().await
    }

    /// The user's attempt of that id; another user's is as unknown as one that never was.
    pub(crate) async fn attempt(&self, user: &UserId, id: &AttemptId) -> Result<Option<Attempt>, StorageError> {
        let row =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM attempts WHERE id = $1 AND user_id = $2")))
                .bind(id.as_str())
                .bind(user.as_str())
                .fetch_optional(&self.pool)
                .await?;
        row.as_ref().map(attempt).transpose()
    }

    /// The attempt and its user by the tag Flinks returned.
    pub(crate) async fn tagged(&self, tag: &Tag) -> Result<Option<(UserId, Attempt)>, StorageError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS}, user_id FROM attempts WHERE tag = $1")))
            .bind(tag.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(|row| Ok((UserId::new(text(row, "user_id")?), attempt(row)?))).transpose()
    }

    /// The latest attempt of a connection whose session may still be alive.
    pub(crate) async fn resumable(
        &self,
        connection: &ConnectionId,
        now: Moment,
    ) -> Result<Option<Attempt>, StorageError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM attempts WHERE connection_id = $1 AND state = 'open' AND request_id IS NOT NULL \
             AND expires_at > $2 ORDER BY created_at DESC, id LIMIT 1"
        )))
        .bind(connection.as_str())
        .bind(now.millis())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(attempt).transpose()
    }

    /// Whether a result has been taken whose data is not there yet.
    pub(crate) async fn is_fetching(&self, connection: &ConnectionId) -> Result<bool, StorageError> {
        let row =
            sqlx::query("SELECT COUNT(*) AS fetching FROM attempts WHERE connection_id = $1 AND state = 'accepted'")
                .bind(connection.as_str())
                .fetch_one(&self.pool)
                .await?;
        Ok(number(&row, "fetching")? > 0)
    }

    /// Takes a verified result, once. Committed when this returns.
    pub(crate) async fn accept(&self, acceptance: &Acceptance<'_>) -> Result<Accepted, StorageError> {
        let mut write = self.write().await?;
        let taken = sqlx::query(
            "UPDATE attempts SET state = 'accepted', fingerprint = $2, request_id = $3, accepted_at = $4, due_at = $4, \
               data_step = 'ask', tries = 0, claimed_by = NULL, claimed_until = 0 \
             WHERE id = $1 AND state IN ('open', 'set-aside') AND expires_at > $4",
        )
        .bind(acceptance.attempt.as_str())
        .bind(acceptance.fingerprint)
        .bind(acceptance.request_id.as_str())
        .bind(acceptance.now.millis())
        .execute(&mut *write.transaction)
        .await?;
        let row = sqlx::query("SELECT connection_id, state, fingerprint FROM attempts WHERE id = $1")
            .bind(acceptance.attempt.as_str())
            .fetch_optional(&mut *write.transaction)
            .await?;
        let Some(row) = row else { return Ok(Accepted::TooLate) };
        if taken.rows_affected() == 1 {
            let connection = ConnectionId::new(text(&row, "connection_id")?);
            sqlx::query("UPDATE attempts SET state = 'set-aside' WHERE connection_id = $1 AND state = 'open'")
                .bind(connection.as_str())
                .execute(&mut *write.transaction)
                .await?;
            if let Some(selection) = acceptance.selection {
                replace_selection(&mut write, &connection, selection).await?;
            }
            write.commit().await?;
            return Ok(Accepted::Now);
        }
        let state = parsed(&text(&row, "state")?, State::parse, "attempts.state")?;
        if !state.is_used() {
            return Ok(Accepted::TooLate);
        }
        match (optional_text(&row, "fingerprint")?, acceptance.fingerprint) {
            (Some(taken), Some(offered)) if taken != offered => Ok(Accepted::Otherwise),
            (None, Some(offered)) => {
                // The host was faster than the browser; from now on this delivery is the one to be repeated.
                sqlx::query("UPDATE attempts SET fingerprint = $2 WHERE id = $1 AND fingerprint IS NULL")
                    .bind(acceptance.attempt.as_str())
                    .bind(offered)
                    .execute(&mut *write.transaction)
                    .await?;
                write.commit().await?;
                Ok(Accepted::Before)
            }
            _ => Ok(Accepted::Before),
        }
    }

    /// Stops resuming and asking about an open attempt.
    pub(crate) async fn set_aside(&self, id: &AttemptId) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE attempts SET state = 'set-aside' WHERE id = $1 AND state = 'open'")
            .bind(id.as_str())
            .execute(&mut *write.transaction)
            .await?;
        write.commit().await
    }

    /// When the next attempt that nobody holds is due.
    pub(crate) async fn next_due(&self, now: Moment) -> Result<Option<Moment>, StorageError> {
        let row = sqlx::query(
            "SELECT due_at FROM attempts WHERE state IN ('open', 'accepted') AND claimed_until <= $1 \
             ORDER BY due_at LIMIT 1",
        )
        .bind(now.millis())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| number(&row, "due_at").map(Moment::from_millis)).transpose()
    }

    /// Takes up to `most` due attempts that nobody holds, for `lease`.
    pub(crate) async fn claim_due(
        &self,
        owner: &Owner,
        now: Moment,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<Claim>, StorageError> {
        const DUE: &str = "SELECT a.id, a.connection_id, a.request_id, a.state, a.created_at, a.expires_at, \
               a.accepted_at, a.data_step, a.tries, c.login_id \
             FROM attempts a JOIN connections c ON c.id = a.connection_id \
             WHERE a.state IN ('open', 'accepted') AND a.due_at <= $1 AND a.claimed_until <= $1 \
             ORDER BY a.due_at LIMIT $2";
        let due = match self.dialect {
            Dialect::Sqlite => DUE.to_owned(),
            // Hosts that share a Postgres take different rows at the same time instead of queueing for the same ones.
            Dialect::Postgres => format!("{DUE} FOR UPDATE OF a SKIP LOCKED"),
        };
        let mut write = self.write().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(due))
            .bind(now.millis())
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&mut *write.transaction)
            .await?;
        let mut claims = rows.iter().map(|row| claim(row, now)).collect::<Result<Vec<_>, _>>()?;
        for claim in &claims {
            sqlx::query("UPDATE attempts SET claimed_by = $2, claimed_until = $3 WHERE id = $1")
                .bind(claim.attempt.as_str())
                .bind(owner.0.as_str())
                .bind(now.plus(lease).millis())
                .execute(&mut *write.transaction)
                .await?;
        }
        write.commit().await?;
        for claim in &mut claims {
            claim.selection = self.selection(&claim.connection).await?;
        }
        Ok(claims)
    }

    /// Renews all of an owner's claims.
    pub(crate) async fn hold(&self, owner: &Owner, until: Moment) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE attempts SET claimed_until = $2 WHERE claimed_by = $1")
            .bind(owner.0.as_str())
            .bind(until.millis())
            .execute(&mut *write.transaction)
            .await?;
        write.commit().await
    }

    /// A SQLite file belongs to one host: what is claimed when it starts was claimed by its dead predecessor.
    pub(super) async fn release_own_claims(&self) -> Result<(), StorageError> {
        if self.dialect == Dialect::Sqlite {
            sqlx::query("UPDATE attempts SET claimed_by = NULL, claimed_until = 0 WHERE claimed_by IS NOT NULL")
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// Gives a claim back: its work is to be done again at `due_at`. A `trouble` is shown on the connection meanwhile.
    pub(crate) async fn postpone(
        &self,
        owner: &Owner,
        claim: &Claim,
        due_at: Moment,
        trouble: Option<&str>,
    ) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        let postponed = sqlx::query(
            "UPDATE attempts SET due_at = $3, tries = $4, claimed_by = NULL, claimed_until = 0 \
             WHERE id = $1 AND claimed_by = $2",
        )
        .bind(claim.attempt.as_str())
        .bind(owner.0.as_str())
        .bind(due_at.millis())
        .bind(i64::from(claim.tries.saturating_add(1)))
        .execute(&mut *write.transaction)
        .await?;
        if let (1, Some(code)) = (postponed.rows_affected(), trouble) {
            set_trouble(&mut write, &claim.connection, Some(code)).await?;
        }
        write.commit().await
    }

    /// Gives a fetch back with what it learned: the session to go on with, and whether Flinks is at work.
    pub(crate) async fn postpone_data(
        &self,
        owner: &Owner,
        claim: &Claim,
        request_id: &RequestId,
        step: DataStep,
        due_at: Moment,
    ) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        let postponed = sqlx::query(
            "UPDATE attempts SET request_id = $3, data_step = $4, due_at = $5, tries = 0, claimed_by = NULL, claimed_until = 0 \
             WHERE id = $1 AND claimed_by = $2 AND state = 'accepted'",
        )
        .bind(claim.attempt.as_str())
        .bind(owner.0.as_str())
        .bind(request_id.as_str())
        .bind(step.as_str())
        .bind(due_at.millis())
        .execute(&mut *write.transaction)
        .await?;
        if postponed.rows_affected() == 1 {
            set_trouble(&mut write, &claim.connection, None).await?;
        }
        write.commit().await
    }

    /// Stores the data of a claimed attempt and ends it; accounts, status and state in one go.
    pub(crate) async fn finish(
        &self,
        owner: &Owner,
        claim: &Claim,
        accounts: &[Account],
        refreshed_at: Moment,
        now: Moment,
    ) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        if end(&mut write, owner, claim, State::Finished).await? {
            replace_accounts(&mut write, &claim.connection, accounts, refreshed_at, now).await?;
        }
        write.commit().await
    }

    /// Ends a claimed attempt whose data cannot be had, and says why on its connection.
    pub(crate) async fn fail(&self, owner: &Owner, claim: &Claim, code: &str) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        if end(&mut write, owner, claim, State::Failed).await? {
            set_problem(&mut write, &claim.connection, code).await?;
        }
        write.commit().await
    }

    /// Forgets attempts that ended or expired before `before`; until then their keys are remembered.
    pub(crate) async fn forget_attempts(&self, before: Moment) -> Result<(), StorageError> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM attempts WHERE state IN ('set-aside', 'finished', 'failed') AND expires_at < $1")
            .bind(before.millis())
            .execute(&mut *write.transaction)
            .await?;
        write.commit().await
    }
}

/// Whether the claim was still the owner's and the data still outstanding.
async fn end(write: &mut super::Write<'_>, owner: &Owner, claim: &Claim, state: State) -> Result<bool, StorageError> {
    let ended = sqlx::query(
        "UPDATE attempts SET state = $3, claimed_by = NULL, claimed_until = 0 \
         WHERE id = $1 AND claimed_by = $2 AND state = 'accepted'",
    )
    .bind(claim.attempt.as_str())
    .bind(owner.0.as_str())
    .bind(state.as_str())
    .execute(&mut *write.transaction)
    .await?;
    Ok(ended.rows_affected() == 1)
}

fn attempt(row: &AnyRow) -> Result<Attempt, StorageError> {
    Ok(Attempt {
        id: parsed(&text(row, "id")?, AttemptId::parse, "attempts.id")?,
        connection: ConnectionId::new(text(row, "connection_id")?),
        tag: parsed(&text(row, "tag")?, Tag::parse, "attempts.tag")?,
        request_id: request_id(row)?,
        state: parsed(&text(row, "state")?, State::parse, "attempts.state")?,
        expires_at: Moment::from_millis(number(row, "expires_at")?),
        fingerprint: optional_text(row, "fingerprint")?,
    })
}

fn request_id(row: &AnyRow) -> Result<Option<RequestId>, StorageError> {
    optional_text(row, "request_id")?.map(|text| parsed(&text, RequestId::parse, "attempts.request_id")).transpose()
}

fn claim(row: &AnyRow, now: Moment) -> Result<Claim, StorageError> {
    let created_at = Moment::from_millis(number(row, "created_at")?);
    let state = parsed(&text(row, "state")?, State::parse, "attempts.state")?;
    let work = match (state, request_id(row)?) {
        (State::Accepted, Some(request_id)) => Work::Fetch {
            request_id,
            step: if text(row, "data_step")? == DataStep::Poll.as_str() { DataStep::Poll } else { DataStep::Ask },
            accepted_at: super::optional_number(row, "accepted_at")?.map_or(created_at, Moment::from_millis),
        },
        (State::Open, Some(request_id)) if number(row, "expires_at")? > now.millis() => Work::Reconcile(request_id),
        _ => Work::Expire,
    };
    Ok(Claim {
        attempt: parsed(&text(row, "id")?, AttemptId::parse, "attempts.id")?,
        connection: ConnectionId::new(text(row, "connection_id")?),
        login_id: parsed(&text(row, "login_id")?, LoginId::parse, "connections.login_id")?,
        selection: Vec::new(),
        work,
        tries: u32::try_from(number(row, "tries")?).unwrap_or(u32::MAX),
    })
}
