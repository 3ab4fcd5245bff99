//! What the demo begins with: one user with four connections, each with its own reason to be repaired.
//!
//! Invariant: the login ids, and when they were refreshed, are those the sandbox knows from its start (`flinks_sandbox::DEMO_LOGINS`);
//! tests compare them.

use std::time::Duration;

use flinks_connect::id::{AccountId, LoginId};

use crate::storage::{
    ConnectionId, Storage, StorageError, UserId,
    connections::{NewConnection, Reason},
};

/// One connection of the demo.
struct Seed {
    id: &'static str,
    login_id: &'static str,
    institution: &'static str,
    reason: Reason,
    selection: &'static [&'static str],
    age: Duration,
}

const SEEDS: [Seed; 4] = [
    Seed {
        id: "nightly",
        login_id: "0d5a3c10-0001-4000-8000-000000000001",
        institution: "FlinksCapital",
        reason: Reason::NightlyRefreshFailed,
        selection: &[],
        age: Duration::from_hours(5 * 24),
    },
    Seed {
        id: "ondemand",
        login_id: "0d5a3c10-0001-4000-8000-000000000002",
        institution: "Maple Harbour Bank",
        reason: Reason::UpdateRequested,
        selection: &[],
        age: Duration::from_hours(4 * 24),
    },
    Seed {
        id: "mfachanged",
        login_id: "0d5a3c10-0001-4000-8000-000000000003",
        institution: "Northern Pines Credit Union",
        reason: Reason::MfaAnswersChanged,
        selection: &[],
        age: Duration::from_hours(12 * 24),
    },
    Seed {
        id: "selected",
        login_id: "0d5a3c10-0001-4000-8000-000000000004",
        institution: "Caisse des Trois Collines",
        reason: Reason::AccountsSelected,
        selection: &["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"],
        age: Duration::from_hours(4 * 24),
    },
];

/// The login ids the demo expects the sandbox to know, in the order of its connections.
#[must_use]
pub fn demo_login_ids() -> [&'static str; 4] {
    SEEDS.map(|seed| seed.login_id)
}

/// The demo's only user.
pub(super) fn user() -> UserId {
    UserId::new("demo")
}

/// Adds what is missing; what is there stays as it is.
pub(crate) async fn seed(storage: &Storage) -> Result<(), StorageError> {
    let user = user();
    storage.add_user(&user).await?;
    // By the day, as the sandbox has them.
    let today = storage.now().day();
    for (position, seed) in (0..).zip(&SEEDS) {
        let unfit = StorageError::Corrupt("the demo's own ids");
        let selection = seed.selection.iter().map(|id| AccountId::parse(id)).collect::<Option<Vec<_>>>();
        storage
            .add_connection(
                &user,
                &NewConnection {
                    id: ConnectionId::new(seed.id),
                    position,
                    institution: seed.institution,
                    login_id: LoginId::parse(seed.login_id).ok_or_else(|| unfit.clone())?,
                    reason: seed.reason,
                    refreshed_at: Some(today.minus(seed.age)),
                    selection: selection.ok_or(unfit)?,
                },
            )
            .await?;
    }
    Ok(())
}

/// Begins again.
pub(super) async fn reset(storage: &Storage) -> Result<(), StorageError> {
    storage.remove_connections_of(&user()).await?;
    seed(storage).await
}
