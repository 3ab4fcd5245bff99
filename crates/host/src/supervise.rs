//! Work without a request goes on, also when it panics.

use std::time::Duration;

use tokio::{task::JoinSet, time::sleep};
use tracing::Instrument as _;

use crate::random::doubled;

/// The first pause before work that panicked begins again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Runs what `begin` makes until it returns; when it panics, it is made anew after a pause that grows. Dropping this ends it.
/// Its lines in the log belong to the caller's.
pub(crate) fn supervise<Work>(name: &'static str, begin: impl FnMut() -> Work) -> impl Future<Output = ()>
where
    Work: Future<Output = ()> + Send + 'static,
{
    run(name, begin).in_current_span()
}

async fn run<Work>(name: &'static str, mut begin: impl FnMut() -> Work)
where
    Work: Future<Output = ()> + Send + 'static,
{
    let mut panics = 0;
    loop {
        let mut work = JoinSet::new();
        work.spawn(begin().in_current_span());
        match work.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                let pause = doubled(SHORTEST_PAUSE, panics, LONGEST_PAUSE);
                panics = panics.saturating_add(1);
                tracing::error!(name, ?pause, "a part of the host panicked; it begins again after a pause");
                sleep(pause).await;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_begins_again_and_work_that_ends_does_not() {
        let times = Arc::new(AtomicU32::new(0));
        supervise("of the test", || {
            let times = Arc::clone(&times);
            async move {
                assert!(times.fetch_add(1, Ordering::SeqCst) >= 2, "as the test said");
            }
        })
        .await;
        assert_eq!(times.load(Ordering::SeqCst), 3);
    }
}
