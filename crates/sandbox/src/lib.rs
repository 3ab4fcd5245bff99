//! A faithful local Flinks: its API and its Connect page, with a clock of their own and faults on demand.
//!
//! For developing and testing an integration without an account and without a network.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use flinks_sandbox::{Config, Sandbox};
//!
//! let sandbox = Sandbox::start(Config::local()).await?;
//! println!("Connect: {}  API: {}", sandbox.connect_url(), sandbox.api_url());
//! sandbox.advance_ms(8 * 60_000).expect("within the calendar"); // every pending MFA expires
//! sandbox.stop().await;
//! # Ok(()) }
//! ```
//!
//! Map: [`state`] is the model, free of HTTP and clock; [`bank`] is what lies behind it; [`api`] and [`page`] are its two faces; `control`
//! is the sandbox's own interface, and [`scenario`] names what can be set up with it. [`Sandbox`] runs it all on a machine;
//! [`embedded`] is the same for a program that brings listeners, time and randomness itself, as Node does for the npm package. Ids, codes, steps, parameters and REDIRECT shapes come from
//! [`flinks_connect`].

pub mod api;
pub mod bank;
pub mod clock;
mod config;
mod control;
#[cfg(feature = "server")]
mod deliver;
mod demo;
pub mod embedded;
pub mod entropy;
pub mod faults;
pub mod flags;
#[cfg(feature = "server")]
mod keeper;
pub mod log;
pub mod page;
mod routes;
pub mod scenario;
mod sent;
#[cfg(feature = "server")]
mod server;
mod snapshot;
pub mod state;
mod visitor;
mod world;

pub use config::{
    Config, DEFAULT_API, DEFAULT_CONNECT, DEFAULT_CUSTOMER_ID, DEFAULT_PROCESSING_MS, DEFAULT_TOKEN_MINUTES, Reach,
    StartError,
};
pub use demo::{DEMO_LOGINS, DEMO_USERNAME, DemoLogin, History};
pub use faults::{
    ApiFailure, ApiMishap, ContentLength, ExpiredSession, Faults, Invalid, Mishap, PageFault, PageToken, RedirectFault,
    RefusedLogin, SessionToken,
};
#[cfg(feature = "server")]
pub use server::{Sandbox, served};
pub use state::webhook::Webhook;
pub use world::Time;
