//! The sandbox from outside: one program, because each further one is linked anew.
//!
//! `cargo test -p flinks-sandbox --test sandbox webhooks::` runs one module's tests.

mod api;
mod binary;
mod clients;
mod common;
mod control;
mod model;
mod openapi;
mod page;
mod scenarios;
mod state;
mod webhooks;
