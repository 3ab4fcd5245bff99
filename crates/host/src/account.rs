//! Bank accounts as the application shows them.
//!
//! Invariant: only what the page shows is kept. Flinks also sends holders, addresses and full account numbers; data that is
//! never stored cannot leak.

use flinks_connect::id::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most transactions kept of one account.
pub(crate) const LATEST_TRANSACTIONS: usize = 10;

/// One account of a connection.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// Flinks' id of the account.
    pub(crate) id: String,
    /// As `Chequing CAD`.
    pub(crate) title: String,
    /// The last four digits of the account number.
    pub(crate) last_four: Option<String>,
    /// As `Operations`.
    pub(crate) category: Option<String>,
    /// As `Chequing`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// As `CAD`.
    pub(crate) currency: Option<String>,
    /// What is on it.
    pub(crate) balance: Balance,
    /// The latest ten, newest first.
    pub(crate) transactions: Vec<Transaction>,
}

impl Account {
    pub(crate) fn is(&self, id: &AccountId) -> bool {
        self.id == id.as_str()
    }
}

/// What is on an account.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// What can be spent.
    pub(crate) available: Option<f64>,
    /// What is booked.
    pub(crate) current: Option<f64>,
}

/// One booked transaction.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Transaction {
    /// As `2026-01-31`.
    pub(crate) date: String,
    /// The bank's text.
    pub(crate) description: String,
    /// What went out.
    pub(crate) debit: Option<f64>,
    /// What came in.
    pub(crate) credit: Option<f64>,
}
