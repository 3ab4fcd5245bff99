//! What happened to a session and waits to be worked on.
//!
//! One thing happens to a session at a time: what a page's own listener leads to waits here until the work that called the listener is done.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use web_sys::MessageEvent;

use super::backend::Answer;
use super::facade::Facade;
use crate::session::{LoadProblem, LockState};

/// Something that happened in the browser.
pub(super) enum Happened {
    /// The page had its chance to listen.
    Begun,
    /// Connect's frame posted a message.
    Posted(MessageEvent),
    /// The backend answered start call number `call`.
    Started { call: u32, answer: Answer },
    /// The backend answered delivery try number `try_number`.
    Delivered { try_number: u32, answer: Answer },
    /// The browser said which tab has the session's lock.
    Lock(LockState),
    /// The browser refused to load the frame, or the frame spoke from another origin.
    Blocked(LoadProblem),
    /// A timer fired, or the page was shown again: time may have passed.
    Woken,
    /// The network is gone.
    Offline,
    /// The network is back.
    Online,
    /// The page is being left.
    PageLeft,
    /// The user pressed the button that closes, or Esc, or confirmed that they want to leave.
    ClosedByUser,
    /// The user pressed the button that goes on.
    UserStays,
    /// The user pressed the button that tries again.
    RetriedByUser,
    /// The page called `close()` or aborted, or took our elements away.
    ClosedByPage,
    /// The page changed around our elements, which are in their place or another.
    Rearranged,
    /// The page called `retry()`.
    RetriedByPage,
}

/// The queue, shared by all who may hear of something.
#[derive(Clone)]
pub(super) struct Inbox {
    waiting: Rc<RefCell<VecDeque<Happened>>>,
    facade: Facade,
}

impl Inbox {
    pub(super) fn new(facade: Facade) -> Self {
        Self { waiting: Rc::default(), facade }
    }

    /// Puts something in. The caller is the façade, which calls `work()` itself.
    pub(super) fn put(&self, happened: Happened) {
        self.waiting.borrow_mut().push_back(happened);
    }

    /// Puts something in and has it worked on.
    pub(super) fn report(&self, happened: Happened) {
        self.put(happened);
        self.facade.work();
    }

    /// What has waited longest.
    pub(super) fn next(&self) -> Option<Happened> {
        self.waiting.borrow_mut().pop_front()
    }
}
