//! A browser, the sandbox and the host in one process: what the end-to-end tests stand on.
//!
//! The host answers on `localhost`, Connect on `127.0.0.1`: two sites, so the frame is cross-origin for real. Which browser drives the tests
//! is told by `E2E_ENGINE` (`chromium`, `firefox` or `webkit`; default `chromium`), its driver's path by `E2E_DRIVER`.
//!
//! Invariants: every wait is for a state and bounded; whatever was started ends with the [`World`].

mod engine;
mod wait;
mod world;

pub use engine::Engine;
pub use wait::{PATIENCE, eventually};
pub use world::{CHALLENGES, Result, World};
