//! The rules of the server half of a Flinks reconnect, without I/O.
//!
//! A [`Task`](step::Task) is something to decide: a user's *start*, a page's *deliver*, a webhook of Flinks', an attempt that is
//! due. It is stepped: given what is stored and the time, it says what to store, what to call and what to answer. A driver reads
//! and stores, calls Flinks and waits; it decides nothing. The host of this repository is one driver (axum, reqwest, sqlx).
//!
//! - [`step`]: what a driver does. [`record`]: what it stores. [`flinks`]: what it sends, and how answers are read.
//! - [`start`], [`deliver`], [`webhook`], [`work`], [`nightly`]: the five tasks. [`body`]: what pages send. `inquiry`: has the user finished? `acceptance`: taking a result.
//! - [`code`]: endpoint × code. [`refusal`]: what is answered. [`reason`]: why, for the application. [`settings`]: how long things take.
//!
//! Invariants: no clock, no randomness, no network and no store in here; everything that crosses the boundary is plain data that
//! serde reads and writes; one result for each session; no accepted result is lost; no live sign-in twice; the bank is asked only
//! while a user waits.

mod acceptance;
pub mod body;
pub mod code;
pub mod deliver;
pub mod flinks;
mod inquiry;
pub mod nightly;
pub mod reason;
pub mod record;
pub mod refusal;
pub mod settings;
pub mod start;
pub mod step;
pub mod webhook;
pub mod work;
