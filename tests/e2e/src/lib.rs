//! A browser and everything around it in one process: what the end-to-end tests stand on.
//!
//! - [`World`]: the demo with the sandbox and the host. The host answers on `localhost`, Connect on `127.0.0.1`: two sites, so the frame is
//!   cross-origin for real.
//! - [`Lab`]: the attacks. An [`Internet`] of its own, in which every name leads to pages that do as they are told, so that Connect's
//!   stand-in and the attackers have the origins they would really have.
//! - [`Frontend`]: somebody's own site, with the reference host as its backend. The program `consumers` drives the built examples with it.
//!
//! Which browser drives the tests is told by `E2E_ENGINE` (`chromium`, `firefox` or `webkit`; default `chromium`), its driver's path by
//! `E2E_DRIVER`, and the package under test by `E2E_DIST` (default: the repository's `dist`).
//!
//! Invariants: every wait is for a state and bounded; each [`World`], [`Lab`] and [`Faulty`] has servers and a window of its own, which end with it, in a
//! browser that serves them all.

mod browser;
mod engine;
mod faulty;
mod frame;
mod frontend;
mod internet;
mod lab;
/// The sandbox's own tests have it too.
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, dead_code, unreachable_pub)]
#[path = "../../../crates/sandbox/tests/common/running.rs"]
mod running;
mod wait;
mod world;

pub use engine::{Engine, Wishes};
pub use faulty::{Answer, ConnectPage, Delivered, Faulty, HostPolicy};
pub use frame::{connect_frame, count_frames};
pub use frontend::Frontend;
pub use internet::{Internet, Received};
pub use lab::{HOST, Lab, Place, Row};
pub use wait::{PATIENCE, eventually};
pub use world::{CHALLENGES, Result, World};

use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The package under test.
#[must_use]
pub fn dist() -> PathBuf {
    std::env::var_os("E2E_DIST").map_or_else(|| repository().join("dist"), PathBuf::from)
}
