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
use js_sys::{Date, Function, Reflect};
use wasm_bindgen::JsValue;
use web_sys::{AbortController, Element, Event};

use super::frame::FrameMessage;
use super::hold::Hold;
use super::host::Host;
use super::page;
use super::report;
use super::stage::{Gesture, Stage};
use super::words::Words;
use crate::session::{Claim, Clock, Input, Outcome, Output, Session, View};

/// What the driver does about an event of the page.
type Action = fn(&Rc<Driver>, &Event);

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
    /// Where the stage goes; none is a dialog.
    pub(super) container: Option<Element>,
    /// The frame's sandbox tokens.
    pub(super) sandbox: Option<String>,
    /// The widget's texts.
    pub(super) words: Words,
    /// Hears `(name, detail)`: events, and `result` or `error` once per attempt.
    pub(super) sink: Function,
}

/// The browser's clocks in milliseconds: monotonic, wall.
pub(super) fn clocks() -> (f64, f64) {
    (page::monotonic_ms(), Date::now())
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
        let (monotonic_ms, wall_ms) = clocks();
        let mut clock = self.clock.get();
        let now_ms = clock.read(monotonic_ms, wall_ms);
        self.clock.set(clock);
        now_ms
    }

    fn posted(self: &Rc<Self>, event: &Event) {
        let now_ms = self.now_ms();
        if let (Ok(mut session), Ok(stage)) = (self.session.try_borrow_mut(), self.stage.try_borrow()) {
            let frame = stage.as_ref().and_then(Stage::frame);
            session.handle(now_ms, Input::Posted(&FrameMessage { event, frame }));
            // A message that changed nothing costs nothing more: pages are full of them.
            if !session.has_output() {
                return;
            }
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
        match output {
            Output::Start { call } => self.start(call),
            Output::Hold { name, claim } => self.hold(&name, claim),
            Output::Release => drop(self.hold.take()),
            Output::OpenFrame { url, origin } => {
                if let Some(stage) = &mut *self.stage.borrow_mut() {
                    stage.open_frame(&url, &origin, self.browser.words.frame(), self.browser.sandbox.as_deref());
                }
            }
            Output::CloseFrame => {
                if let Some(stage) = &mut *self.stage.borrow_mut() {
                    stage.close_frame();
                }
            }
            Output::Show(view) => self.show(view),
            // Taken out first: a stage that leaves the page gives focus back, and host code hears that.
            Output::Hide => drop(self.stage.take()),
            Output::Deliver { try_number, delivery } => {
                let driver = Rc::clone(self);
                self.host.deliver(&delivery, move |(answer, reply)| {
                    driver.reply.replace(reply);
                    driver.feed(Input::Delivered { try_number, answer });
                });
            }
            Output::Emit(event) => self.tell(report::event(&event)),
            Output::Settle(outcome) => self.settle(&outcome),
        }
    }

    fn start(self: &Rc<Self>, call: u32) {
        let driver = Rc::clone(self);
        let controller = self.host.start(move |reply| driver.feed(Input::Started { call, reply }));
        self.starting.replace(Some(controller));
    }

    fn hold(self: &Rc<Self>, name: &str, claim: Claim) {
        let driver = Rc::clone(self);
        let hold = Hold::claim(name, claim, move |holding| driver.feed(Input::Hold(holding)));
        self.hold.replace(Some(hold));
    }

    fn show(self: &Rc<Self>, view: View) {
        let Browser { container, words, .. } = &self.browser;
        let mut stage = self.stage.borrow_mut();
        if stage.is_none() {
            let driver = Rc::downgrade(self);
            *stage = Stage::raise(container.as_ref(), words, move |gesture| {
                if let Some(driver) = driver.upgrade() {
                    driver.gesture(gesture);
                }
            });
        }
        if let Some(stage) = &*stage {
            stage.show(view, words);
        }
    }

    fn settle(&self, outcome: &Outcome) {
        self.listeners.borrow_mut().clear();
        if let Some(controller) = self.starting.take() {
            controller.abort();
        }
        let (name, detail) = report::outcome(outcome);
        if matches!(outcome, Outcome::Reconnected(_)) {
            set(&detail, "status", &"reconnected".into());
            set(&detail, "reply", &self.reply.borrow());
        }
        self.tell((name, detail));
    }

    /// Calls the façade. It reports what a listener of the host's throws; nothing may come back in here.
    fn tell(&self, (name, detail): (&str, JsValue)) {
        self.browser.sink.call2(&JsValue::UNDEFINED, &name.into(), &detail).ok();
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
        // Timers are throttled in hidden tabs and stop in frozen ones: look at the clock whenever the page is back.
        let heard: [(&'static str, Action); 4] = [
            ("message", Self::posted),
            ("online", |driver, _| driver.feed(Input::Online)),
            ("pageshow", |driver, _| driver.feed(Input::Wake)),
            // Happens to the document, and bubbles.
            ("visibilitychange", |driver, _| driver.feed(Input::Wake)),
        ];
        let page = page::itself();
        for (name, action) in heard {
            let driver = Rc::clone(self);
            listeners.push(EventListener::new(&page, name, move |event| action(&driver, event)));
        }
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

/// Adds a property to an object made here, which takes any.
fn set(object: &JsValue, name: &str, property: &JsValue) {
    Reflect::set(object, &name.into(), property).ok();
}
