//! Values nobody can guess (attempt ids, tags, session tokens), and pauses nobody keeps in step with.
//!
//! Invariant: 160 bits from the operating system for each value; never derived from anything.

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// The operating system gave no randomness; nothing safe can be minted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRandomness;

/// Forty hexadecimal digits: fits the grammar of ids, tags, cookies and URLs.
pub(crate) fn token() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    let mut text = String::with_capacity(40);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// A random fraction in `0.0..1.0`, for jitter; the middle when there is no randomness.
pub(crate) fn fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

/// `base` doubled `times` times, at most `cap`, of which a random half is left out.
pub(crate) fn doubled(base: Duration, times: u32, cap: Duration) -> Duration {
    let longest = base.saturating_mul(2_u32.saturating_pow(times.min(16))).min(cap);
    longest.mul_f64(0.5 + fraction() / 2.0)
}

/// SHA-256 of `bytes` as text: what is stored where only equality matters.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fit_an_id_and_differ() {
        let one = token().unwrap();
        assert!(flinks_connect::id::AttemptId::parse(&one).is_some());
        assert_ne!(one, token().unwrap());
    }

    #[test]
    fn a_fraction_is_below_one() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&fraction())));
    }

    #[test]
    fn pauses_grow_to_their_cap_and_are_never_zero() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_mins(1));
        for times in [0, 1, 5, 16, u32::MAX] {
            let pause = doubled(base, times, cap);
            assert!(pause >= base / 2 && pause <= cap, "{pause:?}");
        }
        assert!(doubled(base, 20, cap) >= cap / 2);
    }
}
