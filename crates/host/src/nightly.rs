//! Connections that Nightly Refresh passes over want their user.
//!
//! Flinks tells nobody when it cannot refresh a login in the night; the list of such logins has to be asked for. Any number of
//! hosts may ask: what is noted already is looked up and not written again.
//!
//! Invariant: what Flinks says is compared with what happened here since it was asked (`flinks_backend::nightly`), so a user who has
//! just reconnected is not sent to reconnect again.

use std::time::Duration;

use flinks_backend::flinks::{Answer, Call};
use tokio::{sync::watch, time::sleep};

use crate::{flinks::Lane, random::doubled, reconnect::Reconnects, storage::StorageError};

/// The first pause after a question that failed.
const RETRY: Duration = Duration::from_secs(5);

/// Asks soon after the start and then every `interval`, until the host stops.
pub(crate) async fn run(reconnects: Reconnects, interval: Duration, mut stopping: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stopping.borrow() {
        let pause = match ask(&reconnects).await {
            Ok(()) => {
                failures = 0;
                interval
            }
            Err(fault) => {
                // The call itself has its line in the log; a database that fails has one here.
                if let Trouble::Storage(error) = fault {
                    tracing::error!(%error, "storage failed; the nightly refresh status was not noted");
                }
                failures += 1;
                doubled(RETRY.min(interval), failures - 1, interval)
            }
        };
        // An error means that the host was dropped, which is an order to stop as well.
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
        }
    }
}

enum Trouble {
    Flinks,
    Storage(StorageError),
}

impl From<StorageError> for Trouble {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

async fn ask(reconnects: &Reconnects) -> Result<(), Trouble> {
    let asked_at = reconnects.storage.now();
    let asked = reconnects.flinks.call(Lane::Work, &Call::Nightly, || reconnects.now().now_ms).await;
    let Answer::Nightly { listed } = asked.answer else { return Err(Trouble::Flinks) };
    let noted = reconnects.storage.note_nightly_failures(&listed, asked_at).await?;
    tracing::info!(listed = listed.len(), noted, "nightly refresh status");
    Ok(())
}
