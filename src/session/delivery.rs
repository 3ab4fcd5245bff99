//! Getting the result to the host's backend: what counts as received, what is tried again, and when.
//!
//! Source: the contract with the backend (README.md, "Your backend"). At-least-once sending with one idempotency key makes exactly one effect.

use std::rc::Rc;

use super::output::Reconnected;

/// The longest one try may take, in milliseconds.
pub const TRY_TIMEOUT_MS: u32 = 10_000;
/// The longest `Retry-After` believed, in milliseconds.
pub const MAX_RETRY_AFTER_MS: u64 = 300_000;

const BACKOFF_BASE_MS: u64 = 500;
const BACKOFF_CAP_MS: u64 = 30_000;

/// What the backend is sent. The idempotency key is its attempt id.
pub type Delivery = Rc<Reconnected>;

/// How the host answered one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostAnswer {
    /// 2xx.
    Ok,
    /// Any other status.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `code` of a JSON body.
        code: Option<String>,
        /// `Retry-After`, in milliseconds from now.
        retry_after_ms: Option<u64>,
    },
    /// A redirect, which was not followed.
    Redirected,
    /// No answer: network error, time-out, a page of somebody else's.
    Unreachable,
}

impl HostAnswer {
    /// Whether it says nothing about the request: another may be answered.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Ok | Self::Redirected => false,
        }
    }
}

/// Whether a request outlives its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keepalive {
    /// It does.
    On,
    /// It does not: browsers allow 64 KiB of such requests to all scripts of a page, and refuse more without saying so.
    Off,
}

/// What an answer means for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Received,
    TryAgain { retry_after_ms: Option<u64> },
    LoginMismatch,
    Redirected,
    SignedOut,
    Rejected,
}

pub(super) fn judge(answer: &HostAnswer) -> Verdict {
    match answer {
        HostAnswer::Ok => Verdict::Received,
        HostAnswer::Unreachable => Verdict::TryAgain { retry_after_ms: None },
        HostAnswer::Redirected => Verdict::Redirected,
        HostAnswer::Refused { status: 401, .. } => Verdict::SignedOut,
        HostAnswer::Refused { status: 409, code: Some(code), .. } if code == "LOGIN_MISMATCH" => Verdict::LoginMismatch,
        // 409 otherwise: an earlier try is still being worked on.
        HostAnswer::Refused { status: 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504, retry_after_ms, .. } => {
            Verdict::TryAgain { retry_after_ms: *retry_after_ms }
        }
        HostAnswer::Refused { .. } => Verdict::Rejected,
    }
}

/// The wait before the try after try number `tried`, in milliseconds: full jitter, or what the host asked for when that is longer.
pub(super) fn delay_ms(tried: u32, retry_after_ms: Option<u64>, random: &mut Random) -> u64 {
    let ceiling = (BACKOFF_BASE_MS << (tried - 1).min(16)).min(BACKOFF_CAP_MS);
    random.below(ceiling + 1).max(retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS))
}

/// The `SplitMix64` generator: spreads retries, guards nothing.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number in `0..bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<&str>) -> HostAnswer {
        HostAnswer::Refused { status, code: code.map(str::to_owned), retry_after_ms: None }
    }

    #[test]
    fn answers_are_judged_by_the_table_of_the_contract() {
        let again = Verdict::TryAgain { retry_after_ms: None };
        assert_eq!(judge(&HostAnswer::Ok), Verdict::Received);
        assert_eq!(judge(&HostAnswer::Unreachable), again);
        for status in [408, 409, 425, 429, 500, 502, 503, 504] {
            assert_eq!(judge(&refused(status, None)), again, "{status}");
        }
        for status in [300, 400, 403, 404, 405, 410, 413, 415, 422, 501, 505] {
            assert_eq!(judge(&refused(status, None)), Verdict::Rejected, "{status}");
        }
        assert_eq!(judge(&refused(401, None)), Verdict::SignedOut);
        assert_eq!(judge(&HostAnswer::Redirected), Verdict::Redirected);
        assert_eq!(judge(&refused(409, Some("LOGIN_MISMATCH"))), Verdict::LoginMismatch);
        assert_eq!(judge(&refused(409, Some("IN_PROGRESS"))), again);
        assert_eq!(judge(&refused(400, Some("LOGIN_MISMATCH"))), Verdict::Rejected);
    }

    #[test]
    fn full_jitter_spreads_evenly_below_a_doubling_ceiling() {
        let mut random = Random(7);
        for (tried, ceiling) in [(1, 500), (2, 1_000), (5, 8_000), (7, 30_000), (40, 30_000)] {
            let delays: Vec<u64> = (0..10_000).map(|_| delay_ms(tried, None, &mut random)).collect();
            let mean = delays.iter().sum::<u64>() / 10_000;
            assert!(delays.iter().all(|delay| *delay <= ceiling), "{tried}");
            assert!(mean.abs_diff(ceiling / 2) < ceiling / 20, "try {tried}: mean {mean}");
        }
    }

    #[test]
    fn retry_after_is_honoured_up_to_five_minutes() {
        let mut random = Random(7);
        assert!(delay_ms(1, Some(2_000), &mut random) >= 2_000);
        assert_eq!(delay_ms(1, Some(u64::MAX), &mut random), MAX_RETRY_AFTER_MS);
    }
}
