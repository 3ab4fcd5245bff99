//! What the demo begins with: one user with four connections, each with its own reason to be repaired.
//!
//! Invariant: the ids stand in [`flinks_connect::demo`], which the sandbox reads too; when they were refreshed is as the sandbox has it, and
//! tests compare it.

use std::time::Duration;

use flinks_connect::{
    demo,
    id::{AccountId, LoginId},
};

use crate::storage::{
    ConnectionId, Storage, StorageError, UserId,
    connections::{NewConnection, Reason},
};

/// One connection of the demo.
struct Seed {
    login: demo::Login,
    reason: Reason,
    selection: &'static [&'static str],
    age: Duration,
}

const SEEDS: [Seed; 4] = [
    Seed {
        login: demo::NIGHTLY,
        reason: Reason::NightlyRefreshFailed,
        selection: &[],
        age: Duration::from_hours(5 * 24),
    },
    Seed { login: demo::ON_DEMAND, reason: Reason::UpdateRequested, selection: &[], age: Duration::from_hours(4 * 24) },
    Seed {
        login: demo::MFA_CHANGED,
        reason: Reason::MfaAnswersChanged,
        selection: &[],
        age: Duration::from_hours(12 * 24),
    },
    Seed {
        login: demo::SELECTED,
        reason: Reason::AccountsSelected,
        selection: &[demo::SELECTED.account_ids[0], demo::SELECTED.account_ids[2]],
        age: Duration::from_hours(4 * 24),
    },
];

/// The login ids the demo expects the sandbox to know, in the order of its connections.
#[must_use]
pub fn demo_login_ids() -> [&'static str; 4] {
    SEEDS.map(|seed| seed.login.login_id)
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
                    id: ConnectionId::new(seed.login.connection),
                    position,
                    institution: seed.login.institution,
                    login_id: LoginId::parse(seed.login.login_id).ok_or_else(|| unfit.clone())?,
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
