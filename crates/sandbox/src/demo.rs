//! The four stored logins every sandbox starts with.
//!
//! Invariants: their ids stand in [`flinks_connect::demo`], which the demo's host reads too. Each login belongs to Greatday at another bank, in
//! English, and a full flow with the same user, bank and language yields the same login again.

use flinks_connect::{
    demo,
    id::{AccountId, LoginId},
};
use uuid::Uuid;

use crate::bank::account::Kind;

/// The space of every identifier that is derived rather than drawn: same input, same id, in every sandbox.
pub(crate) const NAMESPACE: Uuid = Uuid::from_u128(0x5a9d_b0c0_f1a4_4c5e_9d2b_7e11_54ab_00c5);

/// The user all seeded logins belong to.
pub const DEMO_USERNAME: &str = "Greatday";

/// One stored login.
#[derive(Clone, Copy, Debug)]
pub struct DemoLogin {
    /// The demo's name for the connection.
    pub connection: &'static str,
    /// The login's id.
    pub login_id: &'static str,
    /// The bank's id.
    pub institution_id: u32,
    /// The bank's name.
    pub institution: &'static str,
    /// The ids of its accounts: chequing, savings, credit card, line of credit.
    pub account_ids: [&'static str; 4],
    /// What Flinks did about it last.
    pub history: History,
}

/// What happened to a seeded login before the sandbox started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nightly Refresh is on and failed last night at the questions.
    NightlyRefreshFailed,
    /// Refreshed four days ago.
    RefreshedLately,
    /// The last refresh failed: the bank no longer takes the stored answers.
    AnswersChanged,
}

/// The seeded logins, in the demo's order.
pub const DEMO_LOGINS: [DemoLogin; 4] = [
    DemoLogin::of(&demo::NIGHTLY, 14, History::NightlyRefreshFailed),
    DemoLogin::of(&demo::ON_DEMAND, 9001, History::RefreshedLately),
    DemoLogin::of(&demo::MFA_CHANGED, 9002, History::AnswersChanged),
    DemoLogin::of(&demo::SELECTED, 9003, History::RefreshedLately),
];

impl DemoLogin {
    const fn of(login: &demo::Login, institution_id: u32, history: History) -> Self {
        Self {
            connection: login.connection,
            login_id: login.login_id,
            institution_id,
            institution: login.institution,
            account_ids: login.account_ids,
            history,
        }
    }
}

/// The fixed id of a seeded login's account, `None` for every other login.
pub(crate) fn account_id(login: &LoginId, kind: Kind) -> Option<AccountId> {
    let demo = DEMO_LOGINS.iter().find(|demo| demo.login_id == login.as_str())?;
    demo.account_ids.get(kind.position() - 1).and_then(|id| AccountId::parse(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{account, institution};

    #[test]
    fn ids_are_the_agreed_ones() {
        for (index, demo) in DEMO_LOGINS.iter().enumerate() {
            let n = index + 1;
            assert_eq!(demo.login_id, format!("0d5a3c10-0001-4000-8000-{n:012}"));
            let accounts = account::of_login(&LoginId::parse(demo.login_id).unwrap());
            let ids: Vec<_> = accounts.iter().map(|account| account.id.as_str().to_owned()).collect();
            let expected: Vec<_> = (1..=4).map(|k| format!("acc00000-{n:04}-4000-8000-{k:012}")).collect();
            assert_eq!(ids, expected);
            assert_eq!(institution::by_id(demo.institution_id).unwrap().name, demo.institution);
        }
    }
}
