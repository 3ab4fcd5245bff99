//! The loop: take what happened out of the inbox, feed the session, do what it asks, set its alarm.
//!
//! Invariants: the session is borrowed only while it computes, never while code of the page may run, so `close()` from any callback is legal.
//! Page events are listened to until the session is over: a network that comes back between two attempts is noticed, too.

use std::cell::{Cell, RefCell};

use gloo::timers::callback::Timeout;
use js_sys::Date;
use wasm_bindgen::JsValue;

use super::backend::{Backend, StartCall};
use super::browser::{Browser, parse_url};
use super::facade::{Facade, Ui};
use super::frame::{Frame, Rights};
use super::inbox::{Happened, Inbox};
use super::listener::Listener;
use super::page_events::{PageEvents, wait_until_ready};
use super::report;
use super::tab_lock::TabLock;
use super::values::{FrameMessage, Given};
use super::warm_up::WarmUp;
use crate::session::{Clock, CompletionNotice, Event, HostAnswer, Input, NoStart, Output, Session, StartReply};

/// One session in its browser.
pub(super) struct Driver {
    pub(super) session: RefCell<Session>,
    pub(super) clock: Cell<Clock>,
    pub(super) browser: Browser,
    pub(super) inbox: Inbox,
    pub(super) facade: Facade,
    pub(super) ui: Ui,
    pub(super) rights: Rights,
    pub(super) backend: Backend,
    pub(super) registered: Registered,
    /// What the page gets of the backend's last answer.
    pub(super) reply: RefCell<JsValue>,
    pub(super) is_working: Cell<bool>,
}

/// What is registered with the browser at the moment.
#[derive(Default)]
pub(super) struct Registered {
    frame: RefCell<Option<Frame>>,
    lock: RefCell<Option<TabLock>>,
    alarm: RefCell<Option<Alarm>>,
    start_call: RefCell<Option<StartCall>>,
    page_events: RefCell<Option<PageEvents>>,
    page_ready: RefCell<Option<Listener>>,
    warm_up: RefCell<Option<WarmUp>>,
    /// Listens to the page's `signal` until the session is over.
    aborted: RefCell<Option<Listener>>,
}

impl Registered {
    pub(super) fn with_signal(aborted: Option<Listener>) -> Self {
        Self { aborted: RefCell::new(aborted), ..Self::default() }
    }
}

/// Goes off once, in session time.
struct Alarm {
    at_ms: u64,
    _timeout: Timeout,
}

/// A browser's timer delay is a signed 32-bit number; an earlier wake than needed is harmless.
const MAX_TIMER_MS: u32 = i32::MAX.unsigned_abs();

impl Driver {
    /// Works on all that has happened, and says whether the session is over. Does nothing when it is called out of its own work: that goes on
    /// with what was put in meanwhile.
    pub(super) fn work(&self) -> Result<bool, JsValue> {
        if self.is_working.replace(true) {
            return Ok(false);
        }
        while let Some(happened) = self.inbox.next() {
            self.handle(happened);
            while let Some(output) = self.next_output() {
                self.perform(output)?;
            }
            self.set_alarm();
        }
        self.is_working.set(false);
        let is_over = self.session.borrow().is_over();
        if is_over {
            self.registered.page_events.take();
        }
        Ok(is_over)
    }

    fn handle(&self, happened: Happened) {
        match happened {
            Happened::Begun => {
                self.look_around();
                let wait = self.browser.window.document().and_then(|document| wait_until_ready(&document, &self.inbox));
                let is_ready = wait.is_none();
                self.registered.page_ready.replace(wait);
                if is_ready {
                    self.input(Input::Begin);
                }
            }
            Happened::Posted(event) => self.input(Input::Posted(&FrameMessage(&event))),
            Happened::Started { call, answer } => {
                let reply = match &answer.judged {
                    HostAnswer::Ok => {
                        let reply = Given::read(&answer.reply).properties();
                        StartReply::read(reply, parse_url).map_err(NoStart::Unreadable)
                    }
                    refused => {
                        self.reply.replace(answer.reply);
                        Err(NoStart::Refused(refused))
                    }
                };
                self.input(Input::Started { call, reply });
            }
            Happened::Delivered { try_number, answer } => {
                self.reply.replace(answer.reply);
                self.input(Input::Delivered { try_number, answer: &answer.judged });
            }
            Happened::Lock(state) => self.input(Input::Lock(state)),
            Happened::Blocked(problem) => self.input(Input::Blocked(problem)),
            Happened::Woken => {
                // If the timer went off, it is used up; `set_alarm` makes a new one.
                self.registered.alarm.take();
                self.input(Input::Page(self.browser.page_state()));
                self.input(Input::Wake);
            }
            Happened::Offline => self.input(Input::Offline),
            Happened::Online => self.input(Input::Online),
            Happened::PageLeft => self.input(Input::PageLeft),
            Happened::ClosedByUser => self.input(Input::UserClosed),
            Happened::UserStays => self.input(Input::UserStays),
            Happened::RetriedByUser => {
                self.look_around();
                self.input(Input::UserRetries);
            }
            Happened::Rearranged => {
                if self.registered.frame.borrow_mut().as_mut().is_some_and(Frame::was_moved) {
                    self.input(Input::FrameMoved);
                }
            }
            Happened::ClosedByPage => self.input(Input::HostClosed),
            Happened::RetriedByPage => {
                self.look_around();
                self.input(Input::Retry);
            }
        }
    }

    /// Asks for what may have changed unheard.
    fn look_around(&self) {
        self.input(Input::Page(self.browser.page_state()));
        self.input(if self.browser.is_online() { Input::Online } else { Input::Offline });
    }

    fn input(&self, input: Input<'_>) {
        let now_ms = self.now_ms();
        self.session.borrow_mut().handle(now_ms, input);
    }

    fn next_output(&self) -> Option<Output> {
        self.session.borrow_mut().poll()
    }

    fn perform(&self, output: Output) -> Result<(), JsValue> {
        let registered = &self.registered;
        match output {
            Output::Start { call, after } => {
                self.reply.replace(JsValue::NULL);
                registered.start_call.replace(Some(self.backend.start(call, after)?));
                let origin = self.session.borrow().known_origin().map(str::to_owned);
                registered.warm_up.replace(Some(WarmUp::new(&self.browser.window, origin.as_deref())));
            }
            Output::AcquireLock { session, mode } => {
                // The old one first: this tab would wait for itself.
                registered.lock.take();
                registered.lock.replace(Some(TabLock::request(&self.browser.window, session, mode, &self.inbox)));
            }
            Output::ReleaseLock => drop(registered.lock.take()),
            Output::OpenFrame { url, origin } => {
                self.close_frame()?;
                let place = self.ui.frame_place()?;
                let frame = Frame::open(&place, &self.ui.frame_title(), &self.rights, (&url, &origin), &self.inbox)?;
                self.ui.frame_opened(frame.element())?;
                registered.warm_up.take();
                registered.frame.replace(Some(frame));
            }
            Output::CloseFrame => self.close_frame()?,
            Output::Show(view) => self.ui.show(view.as_str())?,
            Output::Resize { height_px } => self.ui.resize(height_px),
            Output::Hide(notice) => {
                self.close_frame()?;
                match notice {
                    CompletionNotice::None => self.ui.hide()?,
                    CompletionNotice::Announced => self.ui.hide_and_announce_success()?,
                }
            }
            Output::Deliver { try_number, delivery, keepalive } => {
                self.reply.replace(JsValue::NULL);
                self.backend.deliver(try_number, &delivery, keepalive)?;
            }
            Output::Emit(event) => {
                if let Event::AttemptFailed(_) = event {
                    self.attempt_ends();
                }
                report::emit(&self.facade, &event, &self.reply.borrow().clone());
            }
            Output::Settle(outcome) => {
                self.attempt_ends();
                report::settle(&self.facade, &outcome, &self.reply.replace(JsValue::NULL));
            }
        }
        Ok(())
    }

    /// What belongs to an attempt and may still be waited for is given back.
    fn attempt_ends(&self) {
        self.registered.page_ready.take();
        self.registered.start_call.take();
        self.registered.warm_up.take();
    }

    /// Listens to the page until the session is over.
    pub(super) fn listen_to_page(&self) {
        self.registered.page_events.replace(Some(PageEvents::new(&self.browser.window, &self.inbox)));
    }

    pub(super) fn can_retry(&self) -> bool {
        self.session.try_borrow().is_ok_and(|session| session.can_retry())
    }

    fn close_frame(&self) -> Result<(), JsValue> {
        // Taken out first: moving the focus may run code of the page.
        match self.registered.frame.take() {
            Some(frame) => self.ui.frame_closes().map(|()| drop(frame)),
            None => Ok(()),
        }
    }

    /// Gives everything back after a trap or a failure of the browser's. Nothing that was borrowed then is touched.
    pub(super) fn abandon(&self) {
        let Registered { frame, lock, alarm, start_call, page_events, page_ready, warm_up, aborted } = &self.registered;
        drop(lock.try_borrow_mut().map(|mut lock| lock.take()));
        drop(start_call.try_borrow_mut().map(|mut call| call.take()));
        drop(alarm.try_borrow_mut().map(|mut alarm| alarm.take()));
        drop(page_events.try_borrow_mut().map(|mut events| events.take()));
        drop(page_ready.try_borrow_mut().map(|mut listener| listener.take()));
        drop(warm_up.try_borrow_mut().map(|mut warm_up| warm_up.take()));
        drop(aborted.try_borrow_mut().map(|mut listener| listener.take()));
        drop(frame.try_borrow_mut().map(|mut frame| frame.take()));
    }

    /// When the session at Flinks is estimated to die, as the wall clock will show it.
    #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds are far below 2^53")]
    pub(super) fn expires_at(&self) -> Option<f64> {
        let expires_at_ms = self.session.try_borrow().ok()?.expires_at_ms()?;
        Some(Date::now() + expires_at_ms as f64 - self.now_ms() as f64)
    }

    /// The session at Flinks that was launched, or that Connect named last.
    pub(super) fn request_id(&self) -> Option<String> {
        self.session.try_borrow().ok()?.request_id().map(|id| id.as_str().to_owned())
    }

    fn now_ms(&self) -> u64 {
        let (monotonic_ms, wall_ms) = self.browser.clocks();
        let mut clock = self.clock.get();
        let now_ms = clock.read(monotonic_ms, wall_ms);
        self.clock.set(clock);
        now_ms
    }

    /// Sets the alarm for the session's next deadline.
    fn set_alarm(&self) {
        let deadline_ms = self.session.borrow().deadline_ms();
        let mut alarm = self.registered.alarm.borrow_mut();
        match (deadline_ms, &*alarm) {
            (None, _) => *alarm = None,
            // It goes off early enough: every message moves the deadline, and an early wake is harmless.
            (Some(deadline_ms), Some(alarm)) if alarm.at_ms <= deadline_ms => {}
            (Some(at_ms), _) => {
                let inbox = self.inbox.clone();
                let wait_ms = u32::try_from(at_ms.saturating_sub(self.now_ms())).unwrap_or(u32::MAX);
                let timeout = Timeout::new(wait_ms.min(MAX_TIMER_MS), move || inbox.report(Happened::Woken));
                *alarm = Some(Alarm { at_ms, _timeout: timeout });
            }
        }
    }
}
