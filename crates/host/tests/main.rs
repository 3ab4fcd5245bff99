//! The host from outside: one program, because each further one is linked anew.
//!
//! `cargo test -p flinks-host --test host crash::` runs one module's tests. `logs.rs` and `plans.rs` are programs of their own: each reads all that its
//! process logs.

mod common;
mod contract;
mod crash;
mod data;
mod faults;
mod http;
mod metrics;
mod postgres;
mod program;
mod reasons;
mod sandbox;
mod secrets;
mod service;
mod shared;
mod sqlite;
mod stopping;
mod strangers;
mod tls;
