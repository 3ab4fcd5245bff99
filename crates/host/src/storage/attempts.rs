//! What the rules decide on and what they decided: reading a connection with its attempts, and committing a step.
//!
//! [`flinks_backend::record`] says what the values mean and which state follows which. A commit is one transaction: it raises the
//! connection's version if that is still the one the step was decided on, and writes everything or nothing. The connection's row
//! comes first in it, so that two commits of one connection never wait for each other in a circle.

use flinks_backend::{
    record::{Attempt, Connection, DataStep, Language, Query, SignIn, Stage, State, Status, Stored, Transactions},
    step::{Change, Commit, Kept, Outcome, SignInLimit},
};
use flinks_connect::id::{AccountId, AttemptId, AuthorizeToken, LoginId, RequestId, Tag};
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    ConnectionId, Dialect, Storage, StorageError, Write,
    claims::Claim,
    connections::{replace_accounts, replace_selection, selection},
    events::NewEvent,
    number, optional_number, optional_text, parsed, repeated, text,
};
use crate::{account::Account, flinks::Fetched, time::Time};

const ATTEMPT: &str = "id, tag, user_id, connection_id, state, stage, request_id, token, baseline, choice, created_at, \
     expires_at, due_at, tries, accepted_at, result, data_step, transactions, fingerprint";

/// Where an attempt was found.
struct Found {
    connection: String,
    subject: Option<AttemptId>,
}

impl Storage {
    /// What a step is decided on.
    pub(crate) async fn read(&self, query: &Query, now: Time) -> Result<Option<Stored>, StorageError> {
        // One connection for all of it: where many requests wait for one, each further turn costs as long as the first.
        let mut reader = self.pool.acquire().await?;
        let Some(found) = find(&mut reader, query).await? else { return Ok(None) };
        // The version is read first: what changes after it makes the commit a conflict.
        let row = sqlx::query(
            "SELECT id, user_id, version, login_id, language, status, problem, refreshed_at, settled_at, \
               sign_in_attempt, sign_in_until \
             FROM connections WHERE id = $1",
        )
        .bind(&found.connection)
        .fetch_optional(&mut *reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut connection = connection(&row)?;
        connection.selection = selection(&mut reader, &ConnectionId::new(found.connection.as_str())).await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {ATTEMPT} FROM attempts WHERE connection_id = $1 AND (state IN ('open', 'accepted') \
               OR (state = 'set-aside' AND expires_at > $2) OR id = $3) \
             ORDER BY created_at DESC, id"
        )))
        .bind(&found.connection)
        .bind(now.millis())
        .bind(found.subject.as_ref().map(AttemptId::as_str))
        .fetch_all(&mut *reader)
        .await?;
        let attempts = rows.iter().map(attempt).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Stored { connection, attempts, subject: found.subject }))
    }

    /// The version of a connection; none when there is no such connection.
    pub(crate) async fn version(&self, connection: &str) -> Result<Option<i64>, StorageError> {
        let row = sqlx::query("SELECT version FROM connections WHERE id = $1").bind(connection);
        row.fetch_optional(&self.pool).await?.map(|row| number(&row, "version")).transpose()
    }

    /// Stores a step, all of it or nothing. `fetched` is what came with the last data answer. `ending` is the claim of a worker whose step
    /// ends with this commit: where its attempt changes, it is given back in the same statement.
    pub(crate) async fn commit(
        &self,
        commit: &Commit,
        fetched: &Fetched,
        ending: Option<&Claim>,
    ) -> Result<Outcome, StorageError> {
        match self.try_to_commit(commit, fetched, ending).await {
            // Somebody else was in the way and nothing was stored, which is what a conflict is.
            Err(StorageError::Serialization) => Ok(Outcome::Conflict),
            ended => ended,
        }
    }

    async fn try_to_commit(
        &self,
        commit: &Commit,
        fetched: &Fetched,
        ending: Option<&Claim>,
    ) -> Result<Outcome, StorageError> {
        let mut write = self.write().await?;
        if let Some(limit) = &commit.limit
            && is_over(&mut write, self.dialect, limit, &commit.connection).await?
        {
            return Ok(Outcome::OverLimit);
        }
        let raised = sqlx::query("UPDATE connections SET version = version + 1 WHERE id = $1 AND version = $2")
            .bind(&commit.connection)
            .bind(commit.version)
            .execute(&mut *write.transaction)
            .await?;
        if raised.rows_affected() != 1 {
            return Ok(Outcome::Conflict);
        }
        for change in &commit.changes {
            match self.apply(&mut write, &commit.connection, change, fetched, ending).await {
                Ok(()) => {}
                Err(Refused::Gone) => return Ok(Outcome::Conflict),
                Err(Refused::Taken) => return Ok(Outcome::ResultTaken),
                Err(Refused::Storage(error)) => return Err(error),
            }
        }
        for (position, event) in (0_i64..).zip(&commit.events) {
            self.add_event(&mut write, &NewEvent::of_step(event, commit.version + 1, position)).await?;
        }
        write.commit().await?;
        Ok(Outcome::Done)
    }

    async fn apply(
        &self,
        write: &mut Write<'_>,
        id: &str,
        change: &Change,
        fetched: &Fetched,
        ending: Option<&Claim>,
    ) -> Result<(), Refused> {
        match change {
            Change::AddAttempt(attempt) => add_attempt(write, attempt).await,
            Change::PutAttempt(attempt) => put_attempt(write, attempt, ending).await,
            Change::PutConnection(connection) => put_connection(write, id, connection).await,
            Change::Select(selection) => Ok(replace_selection(write, &ConnectionId::new(id), selection).await?),
            Change::StoreAccounts(kept) => {
                let is_kept = |account: &&Account| match kept {
                    Kept::All => true,
                    Kept::Only(ids) => ids.iter().any(|id| account.is(id)),
                };
                let accounts: Vec<_> = fetched.accounts.iter().filter(is_kept).cloned().collect();
                replace_accounts(write, &ConnectionId::new(id), &accounts).await?;
                Ok(self.replace_answer(write, id, fetched, kept).await?)
            }
        }
    }

    /// Forgets attempts that ended or expired before `before`; until then their keys are remembered.
    pub(crate) async fn forget_attempts(&self, before: Time) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("DELETE FROM attempts WHERE state IN ('set-aside', 'finished', 'failed') AND expires_at < $1")
                .bind(before.millis())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }
}

async fn find(reader: &mut AnyConnection, query: &Query) -> Result<Option<Found>, StorageError> {
    let rows = match query {
        Query::Connection { user, id } => {
            let row = sqlx::query("SELECT id FROM connections WHERE id = $1 AND user_id = $2").bind(id).bind(user);
            let row = row.fetch_optional(&mut *reader).await?;
            return row.map(|row| Ok(Found { connection: text(&row, "id")?, subject: None })).transpose();
        }
        Query::Attempt { user, id } => {
            sqlx::query("SELECT id, connection_id FROM attempts WHERE id = $1 AND user_id = $2")
                .bind(id.as_str().to_owned())
                .bind(user.clone())
        }
        Query::Id { id } => {
            sqlx::query("SELECT id, connection_id FROM attempts WHERE id = $1").bind(id.as_str().to_owned())
        }
        Query::Tag { tag } => {
            sqlx::query("SELECT id, connection_id FROM attempts WHERE tag = $1").bind(tag.as_str().to_owned())
        }
        Query::Session { request_id } => return find_by_session(reader, request_id).await,
    };
    rows.fetch_optional(&mut *reader).await?.map(|row| found(&row)).transpose()
}

/// The attempt that was accepted with this session, or else the newest that has it.
async fn find_by_session(reader: &mut AnyConnection, session: &RequestId) -> Result<Option<Found>, StorageError> {
    let accepted = sqlx::query("SELECT id, connection_id FROM attempts WHERE result = $1")
        .bind(session.as_str())
        .fetch_optional(&mut *reader)
        .await?;
    if let Some(row) = accepted {
        return found(&row).map(Some);
    }
    let newest = sqlx::query(
        "SELECT id, connection_id FROM attempts WHERE request_id = $1 ORDER BY created_at DESC, id LIMIT 1",
    );
    newest.bind(session.as_str()).fetch_optional(&mut *reader).await?.map(|row| found(&row)).transpose()
}

/// Why a change is not stored.
enum Refused {
    /// What it changes is not there any more.
    Gone,
    /// Another attempt has this result.
    Taken,
    Storage(StorageError),
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// The one unique value that a commit can meet is an attempt's result.
fn refused(error: sqlx::Error) -> Refused {
    let is_taken = error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if is_taken { Refused::Taken } else { Refused::Storage(error.into()) }
}

/// Whether the user has as many sign-ins under way on other connections as the limit allows.
async fn is_over(
    write: &mut Write<'_>,
    dialect: Dialect,
    limit: &SignInLimit,
    but: &str,
) -> Result<bool, StorageError> {
    if dialect == Dialect::Postgres {
        // The user's row is locked, so that of two starts at once the second one counts the first. SQLite has one writer anyway.
        sqlx::query("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE")
            .bind(&limit.user)
            .fetch_optional(&mut *write.transaction)
            .await?;
    }
    let row = sqlx::query(
        "SELECT COUNT(*) AS under_way FROM connections WHERE user_id = $1 AND sign_in_until > $2 AND id <> $3",
    )
    .bind(&limit.user)
    .bind(limit.now_ms)
    .bind(but)
    .fetch_one(&mut *write.transaction)
    .await?;
    Ok(number(&row, "under_way")? >= i64::from(limit.most))
}

async fn add_attempt(write: &mut Write<'_>, attempt: &Attempt) -> Result<(), Refused> {
    sqlx::query(
        "INSERT INTO attempts (id, tag, user_id, connection_id, state, stage, request_id, token, baseline, choice, \
           created_at, expires_at, due_at, tries, accepted_at, result, data_step, transactions, fingerprint) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
    )
    .bind(attempt.id.as_str())
    .bind(attempt.tag.as_str())
    .bind(attempt.user.as_str())
    .bind(attempt.connection.as_str())
    .bind(name_of(State::ALL, attempt.state))
    .bind(name_of(Stage::ALL, attempt.stage))
    .bind(attempt.request_id.as_ref().map(RequestId::as_str))
    .bind(attempt.token.as_ref().map(AuthorizeToken::as_str))
    .bind(attempt.baseline_ms)
    .bind(choice(attempt)?)
    .bind(attempt.created_at_ms)
    .bind(attempt.expires_at_ms)
    .bind(attempt.due_at_ms)
    .bind(i64::from(attempt.tries))
    .bind(attempt.accepted_at_ms)
    .bind(attempt.result.as_ref().map(RequestId::as_str))
    .bind(name_of(DataStep::ALL, attempt.data_step))
    .bind(name_of(TRANSACTIONS, attempt.transactions))
    .bind(attempt.delivery.fingerprint())
    .execute(&mut *write.transaction)
    .await
    .map_err(refused)?;
    Ok(())
}

/// An attempt in another state wants another step, and at once: whoever has claimed it has it no more. Else only the claim is given back whose
/// step ends.
async fn put_attempt(write: &mut Write<'_>, attempt: &Attempt, ending: Option<&Claim>) -> Result<(), Refused> {
    let put = sqlx::query(
        "UPDATE attempts SET \
           claimed_by = CASE WHEN state = $2 AND claimed_by <> $14 THEN claimed_by END, \
           claimed_until = CASE WHEN state = $2 AND claimed_by <> $14 THEN claimed_until ELSE 0 END, \
           state = $2, stage = $3, request_id = $4, due_at = $5, token = $6, choice = $7, tries = $8, accepted_at = $9, \
           result = $10, data_step = $11, transactions = $12, fingerprint = $13 \
         WHERE id = $1",
    )
    .bind(attempt.id.as_str())
    .bind(name_of(State::ALL, attempt.state))
    .bind(name_of(Stage::ALL, attempt.stage))
    .bind(attempt.request_id.as_ref().map(RequestId::as_str))
    .bind(attempt.due_at_ms)
    .bind(attempt.token.as_ref().map(AuthorizeToken::as_str))
    .bind(choice(attempt)?)
    .bind(i64::from(attempt.tries))
    .bind(attempt.accepted_at_ms)
    .bind(attempt.result.as_ref().map(RequestId::as_str))
    .bind(name_of(DataStep::ALL, attempt.data_step))
    .bind(name_of(TRANSACTIONS, attempt.transactions))
    .bind(attempt.delivery.fingerprint())
    .bind(ending.map_or("", Claim::holder))
    .execute(&mut *write.transaction)
    .await
    .map_err(refused)?;
    if put.rows_affected() == 1 { Ok(()) } else { Err(Refused::Gone) }
}

async fn put_connection(write: &mut Write<'_>, id: &str, connection: &Connection) -> Result<(), Refused> {
    sqlx::query(
        "UPDATE connections SET status = $2, problem = $3, refreshed_at = $4, sign_in_attempt = $5, sign_in_until = $6 \
         WHERE id = $1",
    )
    .bind(id)
    .bind(name_of(STATUS, connection.status))
    .bind(connection.problem.as_deref())
    .bind(connection.refreshed_at_ms)
    .bind(connection.sign_in.as_ref().map(|sign_in| sign_in.attempt.as_str()))
    .bind(connection.sign_in.as_ref().map(|sign_in| sign_in.until_ms))
    .execute(&mut *write.transaction)
    .await
    .map_err(refused)?;
    // Apart, so that only data that was stored counts as stored.
    sqlx::query("UPDATE connections SET settled_at = $2 WHERE id = $1 AND COALESCE(settled_at, 0) <> COALESCE($2, 0)")
        .bind(id)
        .bind(connection.settled_at_ms)
        .execute(&mut *write.transaction)
        .await
        .map_err(refused)?;
    Ok(())
}

const STATUS: &[(&str, Status)] = &[("needs-attention", Status::NeedsAttention), ("up-to-date", Status::UpToDate)];
const TRANSACTIONS: &[(&str, Transactions)] = &[("wanted", Transactions::Wanted), ("left-out", Transactions::LeftOut)];

fn name_of<T: Copy + PartialEq>(all: &[(&'static str, T)], value: T) -> &'static str {
    all.iter().find(|(_, one)| *one == value).map_or("", |(name, _)| name)
}

fn named<T: Copy>(all: &[(&'static str, T)], row: &AnyRow, column: &'static str) -> Result<T, StorageError> {
    parsed(&text(row, column)?, |text| all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value), column)
}

fn choice(attempt: &Attempt) -> Result<String, StorageError> {
    serde_json::to_string(&attempt.choice).map_err(|_| StorageError::Corrupt("attempts.choice"))
}

fn found(row: &AnyRow) -> Result<Found, StorageError> {
    let subject = parsed(&text(row, "id")?, AttemptId::parse, "attempts.id")?;
    Ok(Found { connection: text(row, "connection_id")?, subject: Some(subject) })
}

fn connection(row: &AnyRow) -> Result<Connection, StorageError> {
    let sign_in = match (optional_text(row, "sign_in_attempt")?, optional_number(row, "sign_in_until")?) {
        (Some(attempt), Some(until_ms)) => {
            Some(SignIn { attempt: parsed(&attempt, AttemptId::parse, "connections.sign_in_attempt")?, until_ms })
        }
        _ => None,
    };
    Ok(Connection {
        id: text(row, "id")?,
        user: text(row, "user_id")?,
        version: number(row, "version")?,
        login_id: parsed(&text(row, "login_id")?, LoginId::parse, "connections.login_id")?,
        language: optional_text(row, "language")?
            .map(|text| parsed(&text, Language::parse, "connections.language"))
            .transpose()?,
        selection: Vec::new(),
        status: named(STATUS, row, "status")?,
        problem: optional_text(row, "problem")?,
        refreshed_at_ms: optional_number(row, "refreshed_at")?,
        settled_at_ms: optional_number(row, "settled_at")?,
        sign_in,
    })
}

fn attempt(row: &AnyRow) -> Result<Attempt, StorageError> {
    let session = |column| optional_text(row, column)?.map(|text| parsed(&text, RequestId::parse, column)).transpose();
    let token = optional_text(row, "token")?;
    Ok(Attempt {
        id: parsed(&text(row, "id")?, AttemptId::parse, "attempts.id")?,
        tag: parsed(&text(row, "tag")?, Tag::parse, "attempts.tag")?,
        user: text(row, "user_id")?,
        connection: text(row, "connection_id")?,
        state: named(State::ALL, row, "state")?,
        stage: named(Stage::ALL, row, "stage")?,
        request_id: session("request_id")?,
        token: token.map(|text| parsed(&text, AuthorizeToken::parse, "attempts.token")).transpose()?,
        baseline_ms: number(row, "baseline")?,
        choice: parsed(&text(row, "choice")?, |text| serde_json::from_str::<Vec<AccountId>>(text).ok(), "choice")?,
        created_at_ms: number(row, "created_at")?,
        expires_at_ms: number(row, "expires_at")?,
        due_at_ms: number(row, "due_at")?,
        tries: u32::try_from(number(row, "tries")?).unwrap_or(u32::MAX),
        accepted_at_ms: optional_number(row, "accepted_at")?,
        result: session("result")?,
        data_step: named(DataStep::ALL, row, "data_step")?,
        transactions: named(TRANSACTIONS, row, "transactions")?,
        delivery: optional_text(row, "fingerprint")?.into(),
    })
}
