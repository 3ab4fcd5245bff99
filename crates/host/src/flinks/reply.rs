//! What the application shows of Flinks' bodies: accounts.
//!
//! Invariants: what is only shown is read leniently, because Flinks' pages and real clients disagree on it: a field that is missing or of
//! another type than expected costs nothing but itself. What decides is read strictly: an id counts by its grammar only. What does not
//! fit is `None`, never an error that quotes it.

use std::collections::BTreeMap;

use flinks_connect::id::AccountId;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    account::{Account, Balance, LATEST_TRANSACTIONS, Transaction},
    time::Time,
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LoginBody {
    #[serde(deserialize_with = "lenient")]
    last_refresh: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetailsBody {
    #[serde(default, deserialize_with = "lenient")]
    login: Option<LoginBody>,
    /// What was asked for.
    accounts: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AccountBody {
    #[serde(deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(deserialize_with = "shown")]
    title: Option<String>,
    #[serde(deserialize_with = "shown")]
    account_number: Option<String>,
    #[serde(deserialize_with = "shown")]
    last_four_digits: Option<String>,
    #[serde(deserialize_with = "shown")]
    category: Option<String>,
    #[serde(rename = "Type", deserialize_with = "shown")]
    kind: Option<String>,
    #[serde(deserialize_with = "shown")]
    currency: Option<String>,
    #[serde(deserialize_with = "lenient")]
    balance: Option<BalanceBody>,
    #[serde(deserialize_with = "lenient")]
    transactions: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BalanceBody {
    #[serde(deserialize_with = "amount")]
    available: Option<f64>,
    #[serde(deserialize_with = "amount")]
    current: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TransactionBody {
    #[serde(deserialize_with = "shown")]
    date: Option<String>,
    #[serde(deserialize_with = "shown")]
    description: Option<String>,
    #[serde(deserialize_with = "amount")]
    debit: Option<f64>,
    #[serde(deserialize_with = "amount")]
    credit: Option<f64>,
}

/// A value of the expected type; anything else is as if it were missing.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A text for people, which some banks send as a number.
fn shown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// An amount, which some banks send as text.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|amount: &f64| amount.is_finite()),
        _ => None,
    })
}

/// Those of a list that can be read at all.
fn readable<T: DeserializeOwned>(values: Vec<Value>) -> impl Iterator<Item = T> {
    values.into_iter().filter_map(|value| serde_json::from_value(value).ok())
}

/// The accounts of a login.
#[derive(Debug)]
pub(crate) struct Details {
    /// How old they are, when the answer says so.
    pub(crate) refreshed_at: Option<Time>,
    /// The accounts.
    pub(crate) accounts: Vec<Account>,
}

/// The accounts in the body of an answer of `/GetAccountsDetail`.
pub(crate) fn read_details(bytes: &[u8]) -> Option<Details> {
    let body: DetailsBody = serde_json::from_slice(bytes).ok()?;
    let login = body.login.as_ref();
    Some(Details {
        refreshed_at: login.and_then(|login| login.last_refresh.as_deref()).and_then(Time::from_flinks),
        accounts: readable(body.accounts).filter_map(account).collect(),
    })
}

/// The body of an answer with only these of its accounts; every value that stays is as Flinks wrote it, to the last digit.
pub(crate) fn only_accounts(body: &str, wanted: &[AccountId]) -> Option<String> {
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(body).ok()?;
    let accounts: Vec<&RawValue> = serde_json::from_str(fields.get("Accounts")?.get()).ok()?;
    let is_wanted = |account: &&RawValue| {
        let id = serde_json::from_str::<AccountBody>(account.get()).ok().and_then(|account| account.id);
        id.is_some_and(|id| wanted.iter().any(|wanted| wanted.as_str() == id))
    };
    let count = accounts.len();
    let accounts: Vec<_> = accounts.into_iter().filter(is_wanted).collect();
    if accounts.len() == count {
        return Some(body.to_owned());
    }
    let accounts = to_raw_value(&accounts).ok()?;
    fields.insert("Accounts".to_owned(), accounts);
    serde_json::to_string(&fields).ok()
}

/// An account without an id cannot be told from another one.
fn account(body: AccountBody) -> Option<Account> {
    let last_four = body.last_four_digits.or_else(|| body.account_number.as_deref().map(last_four));
    let mut transactions: Vec<_> = readable(body.transactions.unwrap_or_default()).map(transaction).collect();
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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_flinks_is_nothing() {
        for bytes in [&b""[..], b"<html>", b"[]", b"null", b"{}"] {
            assert!(read_details(bytes).is_none());
        }
    }

    #[test]
    fn an_answer_is_narrowed_to_accounts_without_touching_a_digit() {
        let body = r#"{"Login":{"Id":"login-1234"}, "Accounts": [{"Id":"account-1","Balance":{"Current":100.10}}, {"Id":"account-2"}, {"Id":7}, 5],"X":12345678901234567890123}"#;
        let wanted = |ids: &[&str]| ids.iter().filter_map(|id| AccountId::parse(id)).collect::<Vec<_>>();
        assert_eq!(
            only_accounts(body, &wanted(&["account-1"])).unwrap(),
            r#"{"Accounts":[{"Id":"account-1","Balance":{"Current":100.10}}],"Login":{"Id":"login-1234"},"X":12345678901234567890123}"#
        );
        let whole = r#"{ "Accounts": [{"Id":"account-1"}] }"#;
        assert_eq!(only_accounts(whole, &wanted(&["account-1", "account-2"])).unwrap(), whole, "as it came");
        assert_eq!(only_accounts("{}", &[]), None);
    }

    #[test]
    fn an_oddly_typed_field_costs_nothing_but_itself() {
        let odd = [json!(null), 5.into(), true.into(), "x".into(), json!([1]), json!({"A": 1})];
        let good = json!({
            "Id": "acc00000-0001-4000-8000-000000000001", "Title": "Chequing CAD", "AccountNumber": "00-12 3456",
            "LastFourDigits": "3456", "Category": "Operations", "Type": "Chequing", "Currency": "CAD",
            "Balance": {"Available": 1.5, "Current": "2.5"},
            "Transactions": [{"Date": "2026-01-02", "Description": "Coffee", "Debit": 3.5, "Credit": null}],
        });
        let read = |account: &serde_json::Value| {
            let body = json!({"Login": {"LastRefresh": 5}, "Accounts": [account, 7, null, "x"]});
            read_details(&serde_json::to_vec(&body).unwrap()).unwrap().accounts
        };
        let whole = read(&good).remove(0);
        assert_eq!((whole.balance.available, whole.balance.current), (Some(1.5), Some(2.5)));
        assert_eq!(whole.transactions[0].debit, Some(3.5));
        for field in good.as_object().unwrap().keys().filter(|field| *field != "Id") {
            for value in &odd {
                let mut account = good.clone();
                account[field] = value.clone();
                let accounts = read(&account);
                assert_eq!(accounts.len(), 1, "{field}: {value}");
                assert_eq!(accounts[0].id, whole.id);
                assert!(field == "Title" || accounts[0].title == whole.title, "{field}: {value}");
                assert!(field == "Transactions" || accounts[0].transactions == whole.transactions, "{field}: {value}");
            }
        }
        // What tells an account from another one is no matter of taste.
        for value in &odd[..3] {
            let mut account = good.clone();
            account["Id"] = value.clone();
            assert!(read(&account).is_empty(), "{value}");
        }
    }

    #[test]
    fn the_latest_ten_transactions_come_newest_first_and_the_holder_is_dropped() {
        let transactions: Vec<_> = (1..=12)
            .map(|day| json!({"Date": format!("2026-01-{day:02}"), "Description": "x", "Debit": 1.5}))
            .collect();
        let bytes = serde_json::to_vec(&json!({
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
