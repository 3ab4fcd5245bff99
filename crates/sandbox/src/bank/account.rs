//! The four accounts of a login.

use flinks_connect::id::{AccountId, LoginId};
use uuid::Uuid;

use crate::demo;

/// What kind of account it is, and with it how money moves on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Salary comes in, life goes out.
    Chequing,
    /// Takes what is left of each month.
    Savings,
    /// Bought on credit, paid at the end of the month.
    CreditCard,
    /// A line of credit: drawn on and paid back.
    LineOfCredit,
}

impl Kind {
    /// The accounts of every login, in their order.
    pub const ALL: [Self; 4] = [Self::Chequing, Self::Savings, Self::CreditCard, Self::LineOfCredit];

    /// `Title`: what the bank calls the account.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Chequing => "Everyday Chequing",
            Self::Savings => "High Interest Savings",
            Self::CreditCard => "Cash Back Credit Card",
            Self::LineOfCredit => "Personal Line of Credit",
        }
    }

    /// `Category`: how Flinks groups it.
    #[must_use]
    pub fn category(self) -> &'static str {
        match self {
            Self::Chequing | Self::Savings => "Operations",
            Self::CreditCard | Self::LineOfCredit => "Credits",
        }
    }

    /// `Type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chequing => "Chequing",
            Self::Savings => "Savings",
            Self::CreditCard => "CreditCard",
            Self::LineOfCredit => "LineOfCredit",
        }
    }

    /// What may be owed at most, in cents; `None` for accounts that are not credit.
    #[must_use]
    pub fn limit_cents(self) -> Option<i64> {
        match self {
            Self::Chequing | Self::Savings => None,
            Self::CreditCard => Some(500_000),
            Self::LineOfCredit => Some(1_500_000),
        }
    }

    /// One to four, as in the ids of the seeded accounts.
    #[must_use]
    pub fn position(self) -> usize {
        match self {
            Self::Chequing => 1,
            Self::Savings => 2,
            Self::CreditCard => 3,
            Self::LineOfCredit => 4,
        }
    }
}

/// One account of one login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `Accounts[].Id`.
    pub id: AccountId,
    /// What kind of account it is.
    pub kind: Kind,
    /// `AccountNumber`: seven digits.
    pub number: String,
    /// `TransitNumber`: five digits.
    pub transit: String,
}

impl Account {
    /// The last four digits, as people know their accounts.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.number.get(self.number.len().saturating_sub(4)..).unwrap_or(&self.number)
    }
}

/// The accounts of a login: always the same four for the same login.
#[must_use]
pub fn of_login(login: &LoginId) -> Vec<Account> {
    Kind::ALL
        .iter()
        .filter_map(|&kind| {
            let digits = derive(login, kind, "number").as_u128();
            Some(Account {
                id: demo::account_id(login, kind)
                    .or_else(|| AccountId::parse(&derive(login, kind, "id").to_string()))?,
                kind,
                number: format!("{:07}", digits % 10_000_000),
                transit: format!("{:05}", derive(login, Kind::Chequing, "transit").as_u128() % 100_000),
            })
        })
        .collect()
}

fn derive(login: &LoginId, kind: Kind, what: &str) -> Uuid {
    Uuid::new_v5(&demo::NAMESPACE, format!("{}/{}/{what}", login.as_str(), kind.name()).as_bytes())
}
