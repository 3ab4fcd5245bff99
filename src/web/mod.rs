//! What the browser does: the only part that names a JavaScript type.
//!
//! Browser events become [`crate::session::Input`]s, [`crate::session::Output`]s become calls of the browser. If an `if` here is about the
//! protocol, it belongs in [`crate::session`]. What is drawn is TypeScript's: `facade.rs` has the two interfaces that it implements.
//!
//! Invariants:
//!
//! 1. Whatever is registered (listener, timer, frame, lock, request) belongs to a value whose `Drop` takes it back.
//! 2. A listener only puts what happened into the inbox; the façade then calls [`Widget::work`] inside its `try`, which a trap cannot leave.
//! 3. The session is borrowed only while it computes, never while code of the page may run.

mod backend;
mod browser;
mod driver;
mod facade;
mod frame;
mod gate;
mod inbox;
mod listener;
mod load_watch;
mod page_events;
mod promise;
mod report;
mod tab_lock;
mod values;
mod warm_up;
mod widget;

pub use facade::{Facade, Ui};
pub use gate::{Gate, Strangers};
pub use widget::Widget;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
