//! The core, natively and on a virtual clock: one program, because each further one is linked anew.
//!
//! `cargo test -p flinks-reconnect --test core gate::` runs one module's tests.

#![cfg(not(target_arch = "wasm32"))]

mod addresses;
mod corpora;
mod either;
mod gate;
mod messages;
mod names;
mod options;
mod properties;
mod scenarios;
mod support;
mod transitions;
mod vocabulary;
