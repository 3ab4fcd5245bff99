//! What the browser does: the only room where a JavaScript type has a name.
//!
//! Straight lines only: browser things become inputs, outputs become browser things. If an `if` here is about the protocol, it is in the
//! wrong room. Whatever is registered is owned by a value whose drop takes it off again, and host code never runs while the session is
//! borrowed.

mod driver;
mod frame;
mod hold;
mod host;
mod page;
mod report;
mod stage;
mod value;
mod widget;
mod words;

pub use widget::Widget;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
