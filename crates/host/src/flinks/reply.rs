//! What the application shows of Flinks' bodies: accounts, and the list of Nightly Refresh.
//!
//! Invariants: every field is optional but the one asked for (Flinks' pages and real clients disagree on the rest); an id
//! leaves this module only by its grammar; what does not fit is `None`, never an error that quotes it.

use flinks_connect::id::LoginId;
use serde::Deserialize;

use crate::{
    account::{Account, Balance, LATEST_TRANSACTIONS, Transaction},
    time::Time,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoginBody {
    last_refresh: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetailsBody {
    login: Option<LoginBody>,
    accounts: Option<Vec<AccountBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountBody {
    id: Option<String>,
    title: Option<String>,
    account_number: Option<String>,
    last_four_digits: Option<String>,
    category: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    currency: Option<String>,
    balance: Option<BalanceBody>,
    transactions: Option<Vec<TransactionBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BalanceBody {
    available: Option<f64>,
    current: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactionBody {
    date: Option<String>,
    description: Option<String>,
    debit: Option<f64>,
    credit: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NightlyBody {
    ineligible_cards: Option<Vec<CardBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CardBody {
    login_id: Option<String>,
    last_refresh: Option<String>,
}

/// The accounts of a login.
#[derive(Debug)]
pub(crate) struct Details {
    /// How old they are, when the answer says so.
    pub(crate) refreshed_at: Option<Time>,
    /// The accounts.
    pub(crate) accounts: Vec<Account>,
}

/// A login that Nightly Refresh passes over.
#[derive(Debug)]
pub(crate) struct Ineligible {
    pub(crate) login_id: LoginId,
    /// The last refresh Flinks knows of, when the answer says so.
    pub(crate) last_refresh: Option<Time>,
}

/// The accounts in the body of an answer of `/GetAccountsDetail`.
pub(crate) fn read_details(bytes: &[u8]) -> Option<Details> {
    let body: DetailsBody = serde_json::from_slice(bytes).ok()?;
    let login = body.login.as_ref();
    Some(Details {
        refreshed_at: login.and_then(|login| login.last_refresh.as_deref()).and_then(Time::from_flinks),
        accounts: body.accounts?.into_iter().filter_map(account).collect(),
    })
}

/// A card without a login is nobody's. Without the list itself it is another answer than was asked for.
pub(super) fn ineligible(bytes: &[u8]) -> Option<Vec<Ineligible>> {
    let cards = serde_json::from_slice::<NightlyBody>(bytes).ok()?.ineligible_cards?;
    let ineligible = cards.into_iter().filter_map(|card| {
        let last_refresh = card.last_refresh.as_deref().and_then(Time::from_flinks);
        Some(Ineligible { login_id: LoginId::parse(&card.login_id?)?, last_refresh })
    });
    Some(ineligible.collect())
}

/// An account without an id cannot be told from another one.
fn account(body: AccountBody) -> Option<Account> {
    let last_four = body.last_four_digits.or_else(|| body.account_number.as_deref().map(last_four));
    let mut transactions: Vec<_> = body.transactions.unwrap_or_default().into_iter().map(transaction).collect();
    // ISO dates sort as text; the sort is stable, so one day's transactions keep Flinks' order.
    transactions.sort_by(|one, other| other.date.cmp(&one.date));
    transactions.truncate(LATEST_TRANSACTIONS);
    Some(Account {
        id: body.id?,
        title: body.title.unwrap_or_default(),
        last_four,
        category: body.category,
        kind: body.kind,
        currency: body.currency,
        balance: body.balance.map_or_else(Balance::default, |balance| Balance {
            available: balance.available,
            current: balance.current,
        }),
        transactions,
    })
}

fn last_four(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    digits.iter().skip(digits.len().saturating_sub(4)).collect()
}

fn transaction(body: TransactionBody) -> Transaction {
    Transaction {
        date: body.date.unwrap_or_default(),
        description: body.description.unwrap_or_default(),
        debit: body.debit,
        credit: body.credit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_flinks_is_nothing() {
        for bytes in [&b""[..], b"<html>", b"[]", b"null", b"{}"] {
            assert!(read_details(bytes).is_none() && ineligible(bytes).is_none());
        }
    }

    #[test]
    fn the_latest_ten_transactions_come_newest_first_and_the_holder_is_dropped() {
        let transactions: Vec<_> = (1..=12)
            .map(|day| serde_json::json!({"Date": format!("2026-01-{day:02}"), "Description": "x", "Debit": 1.5}))
            .collect();
        let bytes = serde_json::to_vec(&serde_json::json!({
            "Login": {"Id": "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31", "LastRefresh": "2026-01-21T20:47:47.145999"},
            "Accounts": [
                {"Id": "acc00000-0001-4000-8000-000000000001", "Title": "Chequing CAD", "AccountNumber": "00-12 3456",
                 "Type": "Chequing", "Holder": {"Name": "J. Doe"}, "Transactions": transactions, "Balance": null},
                {"Title": "no id"},
            ],
        }))
        .unwrap();
        let details = read_details(&bytes).unwrap();
        assert_eq!(details.accounts.len(), 1);
        let account = &details.accounts[0];
        assert_eq!(account.last_four.as_deref(), Some("3456"));
        assert_eq!(account.transactions.len(), 10);
        assert_eq!(account.transactions[0].date, "2026-01-12");
        assert!(!serde_json::to_string(account).unwrap().contains("Doe"));
        assert!(details.refreshed_at.is_some());
    }
}
