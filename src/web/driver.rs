//! The loop: feed the machine, perform what it asks, set its alarm.
//!
//! Invariants: the session is borrowed only while it computes, never while host code runs; so `close()` from any callback is legal. One
//! drain runs at a time: what a callback feeds in is picked up by the drain that called it. The driver keeps itself alive through
//! its listeners, and drops them all when the session has settled.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use js_sys::{Date, Function};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, Document, Element, MessageEvent, Window};

use super::frame::FrameMessage;
use super::hold::{Hold, claim_session};
use super::host::Host;
use super::report;
use super::stage::{Gesture, Stage};
use super::words::Words;
use crate::session::{Claim, Clock, Input, Outcome, Output, Session};

/// One session in its browser.
pub(super) struct Driver {
    session: RefCell<Session>,
    clock: Cell<Clock>,
    browser: Browser,
    host: Host,
    /// Fed in while the session computed: only a page that patched the browser's own getters can do that.
    postponed: RefCell<VecDeque<Input<'static>>>,
    is_draining: Cell<bool>,
    stage: RefCell<Option<Stage>>,
    listeners: RefCell<Vec<EventListener>>,
    alarm: RefCell<Option<Timeout>>,
    starting: RefCell<Option<AbortController>>,
    reply: RefCell<JsValue>,
    hold: RefCell<Option<Hold>>,
}

/// What a driver works with.
pub(super) struct Browser {
    /// The page's window.
    pub(super) window: Window,
    /// Its document.
    pub(super) document: Document,
    /// Where the stage goes; none is a dialog.
    pub(super) container: Option<Element>,
    /// The frame's sandbox tokens.
    pub(super) sandbox: Option<String>,
    /// The widget's texts.
    pub(super) words: Words,
    /// Hears `(name, detail)`: events, and `result` or `error` once per attempt.
    pub(super) sink: Function,
}

impl Browser {
    /// The browser's clocks in milliseconds: monotonic, wall.
    pub(super) fn clocks(&self) -> (f64, f64) {
        let wall = Date::now();
        (self.window.performance().map_or(wall, |performance| performance.now()), wall)
    }
}

impl Driver {
    /// Wires a session to its browser. `clock` stood at 0 when the session began.
    pub(super) fn new(session: Session, clock: Clock, browser: Browser, host: Host) -> Rc<Self> {
        Rc::new(Self {
            session: RefCell::new(session),
            clock: Cell::new(clock),
            browser,
            host,
            postponed: RefCell::default(),
            is_draining: Cell::new(false),
            stage: RefCell::default(),
            listeners: RefCell::default(),
            alarm: RefCell::default(),
            starting: RefCell::default(),
            reply: RefCell::new(JsValue::NULL),
            hold: RefCell::default(),
        })
    }

    /// Something happened.
    pub(super) fn feed(self: &Rc<Self>, input: Input<'static>) {
        self.postponed.borrow_mut().push_back(input);
        self.drain();
    }

    /// When the session at Flinks is estimated to die, as the wall clock will show it.
    pub(super) fn expires_at(&self) -> Option<f64> {
        let at_ms = self.session.borrow().expires_at_ms()?;
        #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds are far below 2^53")]
        let remaining_ms = at_ms as f64 - self.now_ms() as f64;
        Some(Date::now() + remaining_ms)
    }

    fn now_ms(&self) -> u64 {
        let (monotonic_ms, wall_ms) = self.browser.clocks();
        let mut clock = self.clock.get();
        let now_ms = clock.read(monotonic_ms, wall_ms);
        self.clock.set(clock);
        now_ms
    }

    fn posted(self: &Rc<Self>, event: &MessageEvent) {
        let now_ms = self.now_ms();
        if let (Ok(mut session), Ok(stage)) = (self.session.try_borrow_mut(), self.stage.try_borrow()) {
            let frame = stage.as_ref().and_then(Stage::frame);
            session.handle(now_ms, Input::Posted(&FrameMessage { event, frame }));
        }
        self.drain();
    }

    /// Performs whatever the session wants, until it wants nothing.
    fn drain(self: &Rc<Self>) {
        if self.is_draining.replace(true) {
            return;
        }
        self.listen();
        while let Some(output) = self.next_output() {
            self.perform(output);
        }
        self.is_draining.set(false);
        self.set_alarm();
    }

    fn next_output(&self) -> Option<Output> {
        loop {
            let now_ms = self.now_ms();
            let mut session = self.session.try_borrow_mut().ok()?;
            if let Some(output) = session.poll() {
                return Some(output);
            }
            let input = self.postponed.borrow_mut().pop_front()?;
            session.handle(now_ms, input);
        }
    }

    fn perform(self: &Rc<Self>, output: Output) {
        let Browser { window: _, document, container, sandbox, words, sink } = &self.browser;
        match output {
            Output::Start { call } => self.start(call),
            Output::Hold { name, claim } => self.hold(&name, claim),
            Output::Release => drop(self.hold.take()),
            Output::OpenFrame { url, origin } => {
                if let Some(stage) = self.stage.borrow_mut().as_mut() {
                    stage.open_frame(&url, &origin, &words.frame(), sandbox.as_deref());
                }
            }
            Output::CloseFrame => {
                if let Some(stage) = self.stage.borrow_mut().as_mut() {
                    stage.close_frame();
                }
            }
            Output::Show(view) => {
                let mut stage = self.stage.borrow_mut();
                if stage.is_none() {
                    let driver = Rc::downgrade(self);
                    let on_gesture = move |gesture| {
                        if let Some(driver) = driver.upgrade() {
                            driver.gesture(gesture);
                        }
                    };
                    *stage = Stage::raise(document, container.as_ref(), words, on_gesture).ok();
                }
                if let Some(stage) = stage.as_ref() {
                    stage.show(view, words);
                }
            }
            // Taken out first: a stage that leaves the page gives focus back, and host code hears that.
            Output::Hide => drop(self.stage.borrow_mut().take()),
            Output::Deliver { try_number, delivery } => {
                let driver = Rc::clone(self);
                spawn_local(async move {
                    let (answer, reply) = driver.host.deliver(&delivery).await;
                    driver.reply.replace(reply);
                    driver.feed(Input::Delivered { try_number, answer });
                });
            }
            Output::Emit(event) => {
                let (name, detail) = report::event(&event);
                tell(sink, name, &detail);
            }
            Output::Settle(outcome) => self.settle(&outcome),
        }
    }

    fn start(self: &Rc<Self>, call: u32) {
        let Ok(controller) = AbortController::new() else { return };
        let signal = controller.signal();
        self.starting.replace(Some(controller));
        let driver = Rc::clone(self);
        spawn_local(async move {
            let reply = driver.host.start(signal).await;
            driver.feed(Input::Started { call, reply });
        });
    }

    fn hold(self: &Rc<Self>, name: &str, claim: Claim) {
        let driver = Rc::clone(self);
        claim_session(&self.browser.window, name, claim, move |holding, hold| {
            if hold.is_some() {
                driver.hold.replace(hold);
            }
            driver.feed(Input::Hold(holding));
        });
    }

    fn settle(&self, outcome: &Outcome) {
        self.listeners.borrow_mut().clear();
        if let Some(controller) = self.starting.take() {
            controller.abort();
        }
        let (name, detail) = report::outcome(outcome, &self.reply.borrow());
        tell(&self.browser.sink, name, &detail);
    }

    fn gesture(self: &Rc<Self>, gesture: Gesture) {
        self.feed(match gesture {
            Gesture::Close => Input::UserClosed,
            Gesture::Retry => Input::Retry,
        });
    }

    /// Listens to the page while the session can still change, and not a moment longer.
    fn listen(self: &Rc<Self>) {
        let is_final = self.session.try_borrow().is_ok_and(|session| session.phase().is_final());
        let mut listeners = self.listeners.borrow_mut();
        if is_final || !listeners.is_empty() {
            return;
        }
        let Browser { window, document, .. } = &self.browser;
        let driver = Rc::clone(self);
        listeners.push(EventListener::new(window, "message", move |event| driver.posted(event.unchecked_ref())));
        let driver = Rc::clone(self);
        listeners.push(EventListener::new(window, "online", move |_| driver.feed(Input::Online)));
        // Timers are throttled in hidden tabs and stop in frozen ones: look at the clock whenever the page is back.
        let driver = Rc::clone(self);
        listeners.push(EventListener::new(window, "pageshow", move |_| driver.feed(Input::Wake)));
        let driver = Rc::clone(self);
        listeners.push(EventListener::new(document, "visibilitychange", move |_| driver.feed(Input::Wake)));
    }

    fn set_alarm(self: &Rc<Self>) {
        let deadline_ms = self.session.try_borrow().ok().and_then(|session| session.deadline_ms());
        let alarm = deadline_ms.map(|deadline_ms| {
            let driver = Rc::clone(self);
            let wait_ms = u32::try_from(deadline_ms.saturating_sub(self.now_ms())).unwrap_or(u32::MAX);
            Timeout::new(wait_ms.min(MAX_TIMER_MS), move || driver.feed(Input::Wake))
        });
        self.alarm.replace(alarm);
    }
}

/// A browser's timer delay is a signed 32-bit number; an earlier wake than needed is harmless.
const MAX_TIMER_MS: u32 = i32::MAX as u32;

/// Calls the façade. It reports what a listener of the host's throws; nothing may come back in here.
fn tell(sink: &Function, name: &str, detail: &JsValue) {
    sink.call2(&JsValue::UNDEFINED, &name.into(), detail).ok();
}
