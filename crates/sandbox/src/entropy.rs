//! Random identifiers.
//!
//! Invariants: on a machine they are the machine's; WebAssembly has no source of its own, so there they grow from what the program
//! around the sandbox gave it, and are refused to nobody before: an unseeded sandbox has predictable ids, which only tests would see.

use uuid::Uuid;

/// A new random identifier.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn uuid() -> Uuid {
    Uuid::new_v4()
}

#[cfg(target_arch = "wasm32")]
pub use self::seeded::seed;
#[cfg(target_arch = "wasm32")]
pub(crate) use self::seeded::uuid;

#[cfg(target_arch = "wasm32")]
mod seeded {
    use std::cell::Cell;

    use sha2::{Digest as _, Sha256};

    use super::Uuid;

    thread_local! {
        static POOL: Cell<[u8; 32]> = const { Cell::new([0; 32]) };
    }

    /// Mixes these random bytes in.
    pub fn seed(bytes: &[u8]) {
        POOL.set(Sha256::new().chain_update(POOL.get()).chain_update(bytes).finalize().into());
    }

    /// A new identifier; the pool moves on, and cannot be told from it.
    pub(crate) fn uuid() -> Uuid {
        let pool = POOL.get();
        let drawn: [u8; 32] = Sha256::new().chain_update(b"id").chain_update(pool).finalize().into();
        POOL.set(Sha256::new().chain_update(b"next").chain_update(pool).finalize().into());
        let mut bytes = [0; 16];
        for (byte, drawn) in bytes.iter_mut().zip(drawn) {
            *byte = drawn;
        }
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
