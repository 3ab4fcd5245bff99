//! Brings an end user back into Flinks Connect to answer MFA and keep a connection alive.
//!
//! - [`flinks_connect`]: what Flinks Connect understands and says. A crate of its own, because the sandbox and the host use it too.
//! - [`session`]: how a session lives and ends: a state machine without I/O, clock or randomness.
//! - `web` (wasm32 only): what the browser does. The only part that names a JavaScript type.

pub mod session;
#[cfg(target_arch = "wasm32")]
mod web;
#[cfg(target_arch = "wasm32")]
pub use web::{Facade, Gate, Strangers, Ui, Widget};
