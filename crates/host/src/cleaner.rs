//! Deletes answers of Flinks whose time is over.
//!
//! Invariant: so many at a time, with a pause after each, so that nobody waits for the write lock.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::storage::Storage;

/// The longest pause between two looks; shorter where answers are kept for less.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The shortest, also where there is more to delete.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Deletes what is over until the host stops.
pub(crate) async fn run(storage: Arc<Storage>, data_kept: Duration, mut stopping: watch::Receiver<bool>) {
    let usual = if data_kept.is_zero() { LONGEST_PAUSE } else { data_kept.clamp(SHORTEST_PAUSE, LONGEST_PAUSE) };
    while !*stopping.borrow() {
        let pause = match storage.forget_answers().await {
            Ok(true) => SHORTEST_PAUSE,
            Ok(false) => usual,
            Err(error) => {
                tracing::error!(%error, "storage failed; answers of Flinks stay longer than DATA_KEPT_MS");
                usual
            }
        };
        // An error means that the host was dropped, which is an order to stop as well.
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
        }
    }
}
