//! The loop: feed the machine, perform what it asks, set its alarm.
//!
//! Invariants: the session is borrowed only while it computes, never while host code runs, so `close()` from any callback is legal; what a
//! callback feeds in waits in the façade until the loop that called it is done. Listeners live while the session can still change, and
//! not a moment longer.

use std::cell::{Cell, RefCell};

use gloo::timers::callback::Timeout;
use js_sys::{Array, Date};
use wasm_bindgen::{JsCast, JsValue};

use super::page::{self, Hold, Host, Page, Stage};
use super::report;
use super::value::{FrameMessage, answer, parse_url, properties};
use crate::session::{
    Claim, Clock, Farewell, Holding, HostAnswer, Input, LoadProblem, Output, Session, StartReply, TRY_TIMEOUT_MS,
};

/// One session in its browser.
pub(super) struct Driver {
    pub(super) session: RefCell<Session>,
    pub(super) clock: Cell<Clock>,
    pub(super) page: Page,
    pub(super) stage: Stage,
    pub(super) host: Host,
    pub(super) hold: Hold,
    pub(super) alarm: RefCell<Option<Alarm>>,
}

/// Rings once, in session time.
pub(super) struct Alarm {
    at_ms: u64,
    _timeout: Timeout,
}

/// The browser's clocks in milliseconds: monotonic, wall.
pub(super) fn clocks() -> (f64, f64) {
    (page::monotonic_ms(), Date::now())
}

// What happens to a session, by number; `inputs.js` has the same.
const BEGIN: u32 = 0;
const POSTED: u32 = 1;
const STARTED: u32 = 2;
const DELIVERED: u32 = 3;
const HELD: u32 = 4;
const BLOCKED: u32 = 5;
const WAKE: u32 = 6;
const OFFLINE: u32 = 7;
const ONLINE: u32 = 8;
const USER_CLOSED: u32 = 9;
const USER_STAYS: u32 = 10;
const USER_RETRIES: u32 = 11;
const HOST_CLOSED: u32 = 12;
const RETRY: u32 = 13;

impl Driver {
    /// Takes in what happened and does what follows from it.
    pub(super) fn hear(&self, kind: u32, number: u32, value: &JsValue) {
        self.feed(kind, number, value);
        while let Some(output) = self.next_output() {
            self.perform(output);
        }
        self.set_alarm();
    }

    fn feed(&self, kind: u32, number: u32, value: &JsValue) {
        let message = FrameMessage(value);
        let told;
        let input = match kind {
            BEGIN => Input::Begin,
            POSTED => Input::Posted(&message),
            STARTED => {
                let said = value.unchecked_ref::<Array>();
                told = answer(said);
                let reply = match told {
                    HostAnswer::Ok => StartReply::read(properties(&said.get(1)), parse_url).map_err(|_| &told),
                    _ => Err(&told),
                };
                Input::Started { call: number, reply }
            }
            DELIVERED => {
                let said = value.unchecked_ref::<Array>();
                told = answer(said);
                Input::Delivered { try_number: number, answer: &told }
            }
            HELD => Input::Hold(if number == 0 { Holding::Held } else { Holding::Busy }),
            BLOCKED => Input::Blocked(if number == 0 { LoadProblem::Policy } else { LoadProblem::Isolation }),
            OFFLINE => Input::Offline,
            ONLINE => Input::Online,
            USER_CLOSED => Input::UserClosed,
            USER_STAYS => Input::UserStays,
            USER_RETRIES => Input::UserRetries,
            HOST_CLOSED => Input::HostClosed,
            RETRY => Input::Retry,
            _ => {
                // It may have been the alarm: the next one is set anew.
                self.alarm.replace(None);
                Input::Wake
            }
        };
        let now_ms = self.now_ms();
        self.session.borrow_mut().handle(now_ms, input);
    }

    fn next_output(&self) -> Option<Output> {
        self.session.borrow_mut().poll()
    }

    /// When the session at Flinks is estimated to die, as the wall clock will show it; NaN when there is no telling.
    #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds are far below 2^53")]
    pub(super) fn expires_at(&self) -> f64 {
        match self.session.try_borrow().map(|session| session.expires_at_ms()) {
            Ok(Some(at_ms)) => Date::now() + at_ms as f64 - self.now_ms() as f64,
            _ => f64::NAN,
        }
    }

    fn now_ms(&self) -> u64 {
        let (monotonic_ms, wall_ms) = clocks();
        let mut clock = self.clock.get();
        let now_ms = clock.read(monotonic_ms, wall_ms);
        self.clock.set(clock);
        now_ms
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Start { call } => self.host.start(call),
            Output::Hold { session, claim } => self.hold.claim(session, claim == Claim::TakeOver),
            Output::Release => self.hold.release(),
            Output::OpenFrame { url, origin } => self.stage.open_frame(&url, &origin),
            Output::CloseFrame => self.stage.close_frame(),
            Output::Show(view) => self.stage.show(view as u32),
            Output::Resize { height_px } => self.stage.resize(height_px),
            Output::Hide(farewell) => self.stage.hide(farewell == Farewell::Sent),
            Output::Deliver { try_number, delivery } => {
                self.host.deliver(try_number, report::reconnected(&delivery), TRY_TIMEOUT_MS);
            }
            Output::Emit(event) => self.page.tell(report::event(&event)),
            Output::Settle(outcome) => {
                self.host.abort();
                self.page.tell(report::outcome(&outcome));
            }
        }
    }

    /// Sets the alarm for the session's next deadline.
    fn set_alarm(&self) {
        let deadline_ms = self.session.borrow().deadline_ms();
        let mut alarm = self.alarm.borrow_mut();
        match (deadline_ms, &*alarm) {
            (None, _) => *alarm = None,
            // It rings early enough: every message moves the deadline, and an early ring is harmless.
            (Some(deadline_ms), Some(alarm)) if alarm.at_ms <= deadline_ms => {}
            (Some(at_ms), _) => {
                let page = self.page.clone();
                let wait_ms = u32::try_from(at_ms.saturating_sub(self.now_ms())).unwrap_or(u32::MAX);
                let ring = move || page.hear(WAKE);
                *alarm = Some(Alarm { at_ms, _timeout: Timeout::new(wait_ms.min(MAX_TIMER_MS), ring) });
            }
        }
    }
}

/// A browser's timer delay is a signed 32-bit number; an earlier wake than needed is harmless.
const MAX_TIMER_MS: u32 = i32::MAX as u32;
