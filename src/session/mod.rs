//! How a session lives and ends.
//!
//! [`Session`] is a state machine without I/O: it takes an [`Input`] and the time, and hands back [`Output`]s to perform. The browser
//! shell in `web` is one driver of it; the scenario tests, on a virtual clock, are another.
//!
//! Data moves one way: browser → [`Input`] → [`Session`] → [`Output`] → browser.

mod clock;
mod delivery;
mod failure;
mod input;
mod machine;
mod options;
mod output;
mod start;

pub use clock::Clock;
pub use delivery::{Delivery, HostAnswer, MAX_RETRY_AFTER_MS, TRY_TIMEOUT_MS};
pub use failure::{ErrorCode, Failure};
pub use input::{Entropy, Holding, Input, Posted};
pub use machine::{Dropped, IDLE_LIMIT_MS, Session};
pub use options::{Endpoint, FullFlowPolicy, InvalidOption, Launcher, NAMES, Options, Properties, Property};
pub use output::{Claim, Event, Mode, Outcome, Output, Phase, Reconnected, View};
pub use start::{Attempt, StartReply, StartReplyError};
