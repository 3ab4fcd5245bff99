//! Work that is carried to its end, also when whoever asked for it has gone.
//!
//! Without this the server drops a handler whose client has gone; with it a statement half-way, the database's connection, and with the
//! last connection a database in memory. A host that stops waits for what is under way.

use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// All detached work of a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detached(TaskTracker);

/// The work panicked; that was logged where it happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

impl Detached {
    /// Does `work` apart from its caller. Dropping this future does not end it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Panicked> {
        // Its lines in the log belong to its caller's.
        self.0.spawn(work.in_current_span()).await.map_err(|_| Panicked)
    }

    /// Returns when nothing is under way.
    pub(crate) async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
    }
}
