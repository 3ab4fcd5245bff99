//! Bank connections and their accounts.
//!
//! Invariant: a connection's `login_id` is written by the application only (`super::admin`): no reconnect can swap it. What a connection's status is follows from its stored status and its attempts; it is computed here only.

use flinks_backend::{nightly::Listed, reason::Reason as WhyTold};
use flinks_connect::id::{AccountId, LoginId};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use utoipa::ToSchema;

use super::{
    ConnectionId, Storage, StorageError, UserId, Write, events::NewEvent, number, optional_number, optional_text,
    parsed, repeated, text,
};
use crate::{account::Account, time::Time};

/// Why a connection wants its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// Flinks could not refresh it in the night.
    NightlyRefreshFailed,
    /// Transactions are wanted now.
    UpdateRequested,
    /// The answers the bank accepts have changed.
    MfaAnswersChanged,
    /// It was made with the Account Selector.
    AccountsSelected,
}

impl Reason {
    const ALL: [Self; 4] =
        [Self::NightlyRefreshFailed, Self::UpdateRequested, Self::MfaAnswersChanged, Self::AccountsSelected];

    fn as_str(self) -> &'static str {
        match self {
            Self::NightlyRefreshFailed => "nightly-refresh-failed",
            Self::UpdateRequested => "update-requested",
            Self::MfaAnswersChanged => "mfa-answers-changed",
            Self::AccountsSelected => "accounts-selected",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    /// Its user has to reconnect it.
    NeedsAttention,
    /// A session can be resumed, or its data is being fetched.
    InProgress,
    /// Nothing to do.
    UpToDate,
}

/// What a connection's row on the page needs.
#[derive(Clone, Debug)]
pub(crate) struct Overview {
    pub(crate) id: ConnectionId,
    pub(crate) institution: String,
    pub(crate) reason: Reason,
    pub(crate) status: Status,
    pub(crate) refreshed_at: Option<Time>,
    pub(crate) selected_accounts: u64,
    pub(crate) problem: Option<String>,
}

/// The accounts of a connection, and how old they are.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    pub(crate) as_of: Option<Time>,
    pub(crate) accounts: Vec<Account>,
}

/// A connection to add: what an application knows after the first, ordinary Connect flow.
#[derive(Clone, Debug)]
pub(crate) struct NewConnection<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) position: i64,
    pub(crate) institution: &'a str,
    pub(crate) login_id: LoginId,
    pub(crate) reason: Reason,
    pub(crate) refreshed_at: Option<Time>,
    pub(crate) selection: Vec<AccountId>,
}

impl Storage {
    /// Adds a connection that needs attention; one of that id that is already there stays as it is.
    pub(crate) async fn add_connection(&self, user: &UserId, new: &NewConnection<'_>) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let added = sqlx::query(
                "INSERT INTO connections (id, user_id, position, institution, login_id, reason, status, refreshed_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'needs-attention', $7) ON CONFLICT (id) DO NOTHING",
            )
            .bind(new.id.as_str())
            .bind(user.as_str())
            .bind(new.position)
            .bind(new.institution)
            .bind(new.login_id.as_str())
            .bind(new.reason.as_str())
            .bind(new.refreshed_at.map(Time::millis))
            .execute(&mut *write.transaction)
            .await?;
            if added.rows_affected() == 1 {
                replace_selection(&mut write, &new.id, &new.selection).await?;
            }
            write.commit().await
        })
        .await
    }

    /// Forgets a user's connections and all that hangs on them.
    pub(crate) async fn remove_connections_of(&self, user: &UserId) -> Result<(), StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            sqlx::query("DELETE FROM connections WHERE user_id = $1")
                .bind(user.as_str())
                .execute(&mut *write.transaction)
                .await?;
            write.commit().await
        })
        .await
    }

    pub(crate) async fn connections_of(&self, user: &UserId, now: Time) -> Result<Vec<Overview>, StorageError> {
        let rows = sqlx::query(
            "SELECT c.id, c.institution, c.reason, c.status, c.problem, c.refreshed_at, \
               (SELECT COUNT(*) FROM selected_accounts s WHERE s.connection_id = c.id) AS selected, \
               (SELECT COUNT(*) FROM attempts a WHERE a.connection_id = c.id AND (a.state = 'accepted' OR \
                 (a.state = 'open' AND a.stage IN ('signing-in', 'session') AND a.expires_at > $2))) AS live \
             FROM connections c WHERE c.user_id = $1 ORDER BY c.position, c.id",
        )
        .bind(user.as_str())
        .bind(now.millis())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let stored = text(row, "status")?;
                let status = if number(row, "live")? > 0 {
                    Status::InProgress
                } else if stored == "up-to-date" {
                    Status::UpToDate
                } else {
                    Status::NeedsAttention
                };
                Ok(Overview {
                    id: ConnectionId::new(text(row, "id")?),
                    institution: text(row, "institution")?,
                    reason: parsed(&text(row, "reason")?, Reason::parse, "connections.reason")?,
                    status,
                    refreshed_at: optional_number(row, "refreshed_at")?.map(Time::from_millis),
                    selected_accounts: u64::try_from(number(row, "selected")?).unwrap_or(0),
                    problem: optional_text(row, "problem")?,
                })
            })
            .collect()
    }

    pub(crate) async fn holdings(&self, user: &UserId, id: &ConnectionId) -> Result<Option<Holdings>, StorageError> {
        let connection = sqlx::query("SELECT refreshed_at FROM connections WHERE id = $1 AND user_id = $2")
            .bind(id.as_str())
            .bind(user.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let Some(connection) = connection else { return Ok(None) };
        let rows = sqlx::query("SELECT detail FROM accounts WHERE connection_id = $1 ORDER BY position")
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await?;
        let accounts = rows
            .iter()
            .map(|row| parsed(&text(row, "detail")?, |json| serde_json::from_str(json).ok(), "accounts.detail"))
            .collect::<Result<Vec<Account>, _>>()?;
        let as_of = optional_number(&connection, "refreshed_at")?.map(Time::from_millis);
        Ok(Some(Holdings { as_of: as_of.filter(|_| !accounts.is_empty()), accounts }))
    }

    /// Notes which logins Nightly Refresh passes over, as Flinks said when it was asked at `asked_at`. A connection on which something is
    /// under way, or that was refreshed since, is left alone; so nothing is written when nothing changes. How many changed.
    pub(crate) async fn note_nightly_failures(&self, listed: &[Listed], asked_at: Time) -> Result<usize, StorageError> {
        let mut noted = 0;
        for some in listed.chunks(LOGINS_AT_ONCE) {
            for candidate in self.up_to_date(some, asked_at).await? {
                let is_news = |one: &Listed| {
                    one.login_id == candidate.login_id
                        && one.is_news(candidate.refreshed_at_ms, candidate.settled_at_ms, asked_at.millis())
                };
                if some.iter().any(is_news) {
                    noted += usize::from(self.want_user(&candidate).await?);
                }
            }
        }
        Ok(noted)
    }

    /// The connections of these logins that are up to date and on which nothing is under way.
    async fn up_to_date(&self, logins: &[Listed], now: Time) -> Result<Vec<Candidate>, StorageError> {
        let places: Vec<_> = (2..LOGINS_AT_ONCE + 2).map(|place| format!("${place}")).collect();
        let text_of_query = format!(
            "SELECT id, user_id, login_id, version, refreshed_at, settled_at FROM connections \
             WHERE login_id IN ({}) AND status = 'up-to-date' \
               AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.connection_id = connections.id AND (a.state = 'accepted' OR \
                 (a.state = 'open' AND a.stage IN ('signing-in', 'session') AND a.expires_at > $1)))",
            places.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text_of_query)).bind(now.millis());
        for place in 0..LOGINS_AT_ONCE {
            query = query.bind(logins.get(place).map(|login| login.login_id.as_str()));
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Candidate {
                    id: text(row, "id")?,
                    user: text(row, "user_id")?,
                    version: number(row, "version")?,
                    login_id: parsed(&text(row, "login_id")?, LoginId::parse, "connections.login_id")?,
                    refreshed_at_ms: optional_number(row, "refreshed_at")?,
                    settled_at_ms: optional_number(row, "settled_at")?,
                })
            })
            .collect()
    }

    /// Whether the connection now wants its user: it was not changed since the candidate was read.
    async fn want_user(&self, candidate: &Candidate) -> Result<bool, StorageError> {
        repeated(|| async {
            let mut write = self.write().await?;
            let changed = sqlx::query(
                "UPDATE connections SET status = 'needs-attention', reason = $3, version = version + 1 \
                 WHERE id = $1 AND version = $2",
            )
            .bind(candidate.id.as_str())
            .bind(candidate.version)
            .bind(Reason::NightlyRefreshFailed.as_str())
            .execute(&mut *write.transaction)
            .await?;
            if changed.rows_affected() == 1 {
                let (login, version) = (candidate.login_id.as_str(), candidate.version + 1);
                let (kind, reason) = ("connection.needs_attention", Some(WhyTold::NightlyFailed));
                let event = NewEvent::of_connection(kind, &candidate.user, &candidate.id, login, version, reason);
                self.add_event(&mut write, &event).await?;
            }
            write.commit().await?;
            Ok(changed.rows_affected() == 1)
        })
        .await
    }
}

/// How many logins are looked up with one statement.
const LOGINS_AT_ONCE: usize = 50;

/// A connection that Nightly Refresh may have passed over.
struct Candidate {
    id: String,
    user: String,
    version: i64,
    login_id: LoginId,
    /// Flinks' time of the stored data, when there is some.
    refreshed_at_ms: Option<i64>,
    /// When it was stored.
    settled_at_ms: Option<i64>,
}

/// The accounts that the user picked; empty means all.
pub(super) async fn selection(reader: &mut AnyConnection, id: &ConnectionId) -> Result<Vec<AccountId>, StorageError> {
    let rows = sqlx::query("SELECT account_id FROM selected_accounts WHERE connection_id = $1 ORDER BY position")
        .bind(id.as_str())
        .fetch_all(&mut *reader)
        .await?;
    rows.iter().map(|row| parsed(&text(row, "account_id")?, AccountId::parse, "selected_accounts.account_id")).collect()
}

pub(super) async fn replace_selection(
    write: &mut Write<'_>,
    id: &ConnectionId,
    selection: &[AccountId],
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM selected_accounts WHERE connection_id = $1")
        .bind(id.as_str())
        .execute(&mut *write.transaction)
        .await?;
    for (position, account) in (0_i64..).zip(selection) {
        sqlx::query(
            "INSERT INTO selected_accounts (connection_id, account_id, position) VALUES ($1, $2, $3) \
             ON CONFLICT (connection_id, account_id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(account.as_str())
        .bind(position)
        .execute(&mut *write.transaction)
        .await?;
    }
    Ok(())
}

/// Puts fresh accounts in the place of the old ones.
pub(super) async fn replace_accounts(
    write: &mut Write<'_>,
    id: &ConnectionId,
    accounts: &[Account],
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM accounts WHERE connection_id = $1")
        .bind(id.as_str())
        .execute(&mut *write.transaction)
        .await?;
    for (position, account) in (0_i64..).zip(accounts) {
        let detail = serde_json::to_string(account).map_err(|_| StorageError::Corrupt("accounts.detail"))?;
        sqlx::query(
            "INSERT INTO accounts (connection_id, account_id, position, detail) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (connection_id, account_id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(account.id.as_str())
        .bind(position)
        .bind(detail)
        .execute(&mut *write.transaction)
        .await?;
    }
    Ok(())
}
