//! Waiting for a state, with a bound.

use std::time::{Duration, Instant};

use crate::world::Result;

/// How long a state may take to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer. An error counts as "not yet", because a page in motion has elements that vanish; the last one is told when
/// patience runs out.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        let answer = ask().await;
        if let Ok(Some(answer)) = answer {
            return Ok(answer);
        }
        if started.elapsed() > PATIENCE {
            let seen = answer.err().map_or_else(String::new, |error| format!("; last error: {error}"));
            return Err(format!("waited {} s in vain: {what}{seen}", PATIENCE.as_secs()).into());
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
