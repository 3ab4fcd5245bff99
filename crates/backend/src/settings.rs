//! How long things live, wait and may take.
//!
//! Invariant: every duration is in milliseconds and stands here; no other module has one of its own for something an operator
//! may want to change.

use serde::{Deserialize, Serialize};

/// The operator's choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// How long Flinks lets a bank take for one live sign-in.
    pub bank_ms: i64,
    /// How long a request to start waits for a sign-in before it is answered `BANK_SLOW`: proxies cut at thirty seconds.
    pub start_answer_ms: i64,
    /// From a challenge to the first time Flinks is asked whether the browser lost its result; later pauses double.
    pub reconcile_after_ms: i64,
    /// How long the result of an attempt is taken.
    pub attempt_life_ms: i64,
    /// Between two questions for data that Flinks is still preparing.
    pub poll_ms: i64,
    /// How long data may take from the accepted result on.
    pub data_deadline_ms: i64,
    /// How many live sign-ins of one user may be under way at Flinks.
    pub sign_ins_per_user: u32,
    /// Between two questions which logins Nightly Refresh passes over.
    pub nightly_ms: i64,
    /// Who fetches the data of an accepted result.
    pub fetch: Fetch,
}

/// Who fetches the data of an accepted result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fetch {
    /// A worker of the driver.
    #[default]
    On,
    /// The application, with the session that the event names.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bank_ms: 210_000,
            start_answer_ms: 25_000,
            reconcile_after_ms: 60_000,
            attempt_life_ms: 60 * 60_000,
            poll_ms: 10_000,
            data_deadline_ms: 30 * 60_000,
            sign_ins_per_user: 8,
            fetch: Fetch::On,
            nightly_ms: 60 * 60_000,
        }
    }
}

/// The longest pause between two questions about an open attempt.
const LONGEST_RECONCILE_PAUSE_MS: i64 = 15 * 60_000;
/// The first pause after a data call that failed.
const SHORTEST_RETRY_MS: i64 = 500;
/// The longest pause between two data calls that fail.
const LONGEST_RETRY_MS: i64 = 60_000;
/// How long keys that Flinks refuses may stay wrong before an accepted result is given up: operators sleep.
const KEYS_DEADLINE_MS: i64 = 7 * 24 * 60 * 60_000;
/// How long after its answer was due a start may still begin a sign-in: as long as looking takes at most, and its page asks again meanwhile.
/// Later than that its process stood still, and nobody may be there any more.
pub(crate) const LATEST_SIGN_IN_MS: i64 = 30_000;
/// How long an attempt that expired while Flinks could not be asked is still asked about.
pub(crate) const LAST_QUESTION_MS: i64 = 24 * 60 * 60_000;

/// The time of a decision: the clock and a random fraction, both passed in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Now {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// At least 0 and below 1; spreads retries of many hosts.
    pub fraction: f64,
}

impl Now {
    /// `base_ms` doubled `times` times, at most `longest_ms`, of which a random half is left out.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "pauses are far below 2^53 ms")]
    fn doubled(self, base_ms: i64, times: u32, longest_ms: i64) -> i64 {
        let longest = base_ms.saturating_mul(2_i64.saturating_pow(times.min(20))).min(longest_ms);
        (longest as f64 * (0.5 + self.fraction.clamp(0.0, 1.0) / 2.0)) as i64
    }
}

impl Settings {
    /// How long the call of a live sign-in may take: longer than the bank, so that Flinks' own 202 is heard.
    #[must_use]
    pub fn sign_in_call_ms(&self) -> i64 {
        self.bank_ms + self.bank_ms / 20
    }

    /// How long a sign-in that was marked keeps others away when its answer is never heard: as long as the bank may take, and before that
    /// as long as it may take to buy a token for it.
    #[must_use]
    pub fn sign_in_mark_ms(&self) -> i64 {
        self.bank_ms + self.bank_ms / 10 + 1_000
    }

    /// When an open attempt is asked about next, after `times` questions. The pauses grow past the eight minutes that an idle
    /// session lives, because asking may keep it alive: at a fixed interval they would never end.
    pub(crate) fn next_question(&self, now: Now, times: u32) -> i64 {
        now.now_ms + now.doubled(self.reconcile_after_ms, times, LONGEST_RECONCILE_PAUSE_MS)
    }

    /// When a data call is repeated after `times` failures.
    pub(crate) fn next_try(now: Now, times: u32, asked_ms: i64) -> i64 {
        now.now_ms + now.doubled(SHORTEST_RETRY_MS, times, LONGEST_RETRY_MS).max(asked_ms)
    }

    pub(crate) fn keys_deadline_ms() -> i64 {
        KEYS_DEADLINE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_an_attempt_grow_past_the_idle_limit_of_a_session() {
        let settings = Settings::default();
        let now = Now { now_ms: 0, fraction: 0.999 };
        let pauses: Vec<_> = (0..6).map(|times| settings.next_question(now, times)).collect();
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert!(pauses[4] > 8 * 60_000 && pauses[5] <= LONGEST_RECONCILE_PAUSE_MS, "{pauses:?}");
    }

    #[test]
    fn pauses_never_overflow_and_are_never_zero() {
        for times in [0, 1, 16, u32::MAX] {
            for fraction in [0.0, 0.5, 1.0, f64::NAN] {
                let at = Settings::next_try(Now { now_ms: 0, fraction }, times, 0);
                assert!(at <= LONGEST_RETRY_MS, "{at}");
            }
        }
        assert!(Settings::next_try(Now { now_ms: 0, fraction: 0.0 }, 0, 0) >= 250);
    }
}
