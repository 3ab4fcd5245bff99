//! What the browser does: the only room where a JavaScript type has a name.
//!
//! Straight lines only: browser things become inputs, outputs become browser things. If an `if` here is about the protocol, it is in the
//! wrong room. Rust and JavaScript of one noun stand side by side; `page.rs` has all that crosses over.

mod driver;
mod page;
mod report;
mod value;
mod widget;

pub use page::Page;
pub use widget::Widget;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
