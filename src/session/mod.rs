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
mod launch_settings;
mod machine;
mod names;
mod options;
mod output;
mod properties;
mod start;

pub use clock::Clock;
pub use delivery::{Delivery, HostAnswer, Keepalive, MAX_RETRY_AFTER_MS, TRY_TIMEOUT_MS};
pub use failure::{ErrorCode, Failure, LoadProblem};
pub use input::{Input, LockState, NoStart, PageState, Posted};
pub use launch_settings::{LaunchSettings, SelectedAccounts};
pub use machine::{Dropped, IDLE_LIMIT_MS, Session};
pub use options::{BeginWith, Destination, FullFlowPolicy, InvalidOption, NAMES, OnFailure, Options, TopNavigation};
pub use output::{CompletionNotice, Event, LockMode, Mode, Outcome, Output, Phase, Reconnected, StartAfter, View};
pub use properties::{Properties, Property};
pub use start::{Attempt, StartReply, StartReplyError};
