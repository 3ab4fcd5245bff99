//! The four logins of the demo, which sandbox and host share: the sandbox stores them from its start, and the host has a connection for each.
//!
//! Invariant: the ids are fixed, because documentation and tests name them.

/// One login of the demo, at one bank.
#[derive(Clone, Copy, Debug)]
pub struct Login {
    /// The host's id of the connection.
    pub connection: &'static str,
    /// The login's id at Flinks.
    pub login_id: &'static str,
    /// The bank's name.
    pub institution: &'static str,
    /// The ids of its accounts: chequing, savings, credit card, line of credit.
    pub account_ids: [&'static str; 4],
}

/// Nightly Refresh failed last night.
pub const NIGHTLY: Login = Login {
    connection: "nightly",
    login_id: "0d5a3c10-0001-4000-8000-000000000001",
    institution: "FlinksCapital",
    account_ids: [
        "acc00000-0001-4000-8000-000000000001",
        "acc00000-0001-4000-8000-000000000002",
        "acc00000-0001-4000-8000-000000000003",
        "acc00000-0001-4000-8000-000000000004",
    ],
};

/// Transactions are wanted now.
pub const ON_DEMAND: Login = Login {
    connection: "ondemand",
    login_id: "0d5a3c10-0001-4000-8000-000000000002",
    institution: "Maple Harbour Bank",
    account_ids: [
        "acc00000-0002-4000-8000-000000000001",
        "acc00000-0002-4000-8000-000000000002",
        "acc00000-0002-4000-8000-000000000003",
        "acc00000-0002-4000-8000-000000000004",
    ],
};

/// The bank no longer takes the stored answers.
pub const MFA_CHANGED: Login = Login {
    connection: "mfachanged",
    login_id: "0d5a3c10-0001-4000-8000-000000000003",
    institution: "Northern Pines Credit Union",
    account_ids: [
        "acc00000-0003-4000-8000-000000000001",
        "acc00000-0003-4000-8000-000000000002",
        "acc00000-0003-4000-8000-000000000003",
        "acc00000-0003-4000-8000-000000000004",
    ],
};

/// Its user picked two of its accounts, the first and the third.
pub const SELECTED: Login = Login {
    connection: "selected",
    login_id: "0d5a3c10-0001-4000-8000-000000000004",
    institution: "Caisse des Trois Collines",
    account_ids: [
        "acc00000-0004-4000-8000-000000000001",
        "acc00000-0004-4000-8000-000000000002",
        "acc00000-0004-4000-8000-000000000003",
        "acc00000-0004-4000-8000-000000000004",
    ],
};
