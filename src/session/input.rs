//! What can happen to a session.

use super::delivery::HostAnswer;
use super::failure::LoadProblem;
use super::start::{StartReply, StartReplyError};
use flinks_connect::message::Fields;

/// A message event as the browser delivered it, not read yet.
///
/// The browser made it, and it came from the frame's own window and origin: who posted a message only the shell can ask, and strangers end there
/// (`src/web/gate.rs`).
pub trait Posted {
    /// The data, or what its JSON text says; `None` when that is nothing. It need be no object: no field is found in it then.
    fn fields(&self) -> Option<Box<dyn Fields + '_>>;
}

/// Which tab of this site has the lock of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// This one.
    Granted,
    /// Another one, from the beginning or by now.
    HeldElsewhere,
}

/// Whether somebody may be looking at the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageState {
    /// It is shown, or has the focus.
    Visible,
    /// Neither.
    Hidden,
}

/// Why no session could be begun.
#[derive(Clone, Copy, Debug)]
pub enum NoStart<'a> {
    /// The host refused, or did not answer.
    Refused(&'a HostAnswer),
    /// Its reply is none of the documented ones.
    Unreadable(StartReplyError),
}

/// Something that happened. Every input may come in every phase.
pub enum Input<'a> {
    /// Begin. Until then a session can be dropped or closed at no cost: no request is made, no token burned.
    Begin,
    /// The host's start endpoint answered call number `call`.
    Started {
        /// The number of the call.
        call: u32,
        /// Its reply, or what is wrong.
        reply: Result<StartReply, NoStart<'a>>,
    },
    /// A message of Connect's frame reached the page.
    Posted(&'a dyn Posted),
    /// The host answered delivery try number `try_number`.
    Delivered {
        /// The number of the try.
        try_number: u32,
        /// The answer.
        answer: &'a HostAnswer,
    },
    /// An answer to [`super::Output::AcquireLock`].
    Lock(LockState),
    /// The browser refused to load the frame, and said why; or the frame spoke from another origin ([`LoadProblem::Redirected`]).
    Blocked(LoadProblem),
    /// Time may have passed: a timer fired, or the page was resumed, shown or focused.
    Wake,
    /// Whether somebody may be looking at the page, as of now.
    Page(PageState),
    /// The network is gone.
    Offline,
    /// The network is back.
    Online,
    /// The page is being left: its tab closes, or it goes elsewhere.
    PageLeft,
    /// The user wants to close the widget, or confirms it when asked.
    UserClosed,
    /// The user takes note, or would rather stay.
    UserStays,
    /// The user asks for another try, or to start again.
    UserRetries,
    /// The page moved the frame, which makes the browser load its address again.
    FrameMoved,
    /// The page closed the session.
    HostClosed,
    /// The page asks for another try.
    Retry,
}
