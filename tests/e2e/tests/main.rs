//! Users' journeys, faults and attacks in a real browser: one program, so that one browser serves all of them.
//!
//! A test has the browser to itself, so they run one after the other:
//! `cargo test --workspace --test e2e attacks::r01_ -- --test-threads=1`.

mod attacks;
mod demo;
mod either;
mod element;
mod faults;
mod foreign;
mod leaks;
mod libraries;
mod people;
mod policies;
mod react;
