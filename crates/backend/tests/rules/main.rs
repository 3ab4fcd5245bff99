//! The rules on a virtual clock: against a Flinks and a store in memory, with drivers that are stopped between any two operations.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod codes;
mod flinks;
mod hosts;
mod properties;
mod scenarios;
mod store;
mod world;
