//! The exported class: what the façade in `www/sdk` sees of all this.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Element, Window};

use super::backend::Backend;
use super::browser::{Browser, parse_url};
use super::driver::{Driver, Registered};
use super::facade::Facade;
use super::frame::{Rights, Sandbox};
use super::inbox::{Happened, Inbox};
use super::listener::Listener;
use super::report::{refused_option, unsupported};
use super::values::Given;
use crate::session::{Clock, InvalidOption, Options, Session};
use flinks_connect::parameters::Language;

/// One session. Its methods say what happened; [`Widget::work`] then does what follows from it.
#[wasm_bindgen]
pub struct Widget {
    driver: Driver,
}

#[wasm_bindgen]
impl Widget {
    /// Validates the options and prepares a session; `facade` will hear of it.
    ///
    /// Throws `{ code, option }` for a wrong option, and `{ code }` where the browser cannot run a session at all.
    pub fn create(options: &JsValue, facade: Facade) -> Result<Widget, JsValue> {
        let browser = Browser::new().ok_or_else(unsupported)?;
        let given = Given::read(options);
        let options = Options::read(&given.properties(), &browser.page_language(), parse_url)
            .map_err(|invalid| refused_option(&invalid))?;
        let container = container(&browser.window, &given.get("container"))?;
        let attempt_id = browser.random_attempt_id().ok_or_else(unsupported)?;
        let language = match options.language {
            Language::En => "en",
            Language::Fr => "fr",
        };
        let ui = facade.create_ui(container.as_ref(), language, &given.get("labels"))?;
        let inbox = Inbox::new(facade.clone());
        let aborted = listen_to_signal(given.get("signal"), &inbox);
        let (monotonic_ms, wall_ms) = browser.clocks();
        let widget = Self {
            driver: Driver {
                session: RefCell::new(Session::new(0, options, attempt_id, parse_url)),
                clock: Cell::new(Clock::new(monotonic_ms, wall_ms)),
                rights: Rights {
                    sandbox: sandbox(&given.get("sandbox")),
                    allow: given.get("allow").as_string().unwrap_or_default(),
                },
                backend: Backend::new(&given, browser.window.clone(), inbox.clone()),
                browser,
                inbox,
                facade,
                ui,
                registered: Registered::with_signal(aborted),
                reply: RefCell::new(JsValue::NULL),
                is_working: Cell::default(),
            },
        };
        widget.driver.listen_to_page();
        Ok(widget)
    }

    /// The page had its chance to listen: begins.
    pub fn begin(&self) {
        self.driver.inbox.put(Happened::Begun);
    }

    /// The page called `close()`.
    #[wasm_bindgen(js_name = closedByPage)]
    pub fn closed_by_page(&self) {
        self.driver.inbox.put(Happened::ClosedByPage);
    }

    /// The page called `retry()`. Says whether one is offered.
    #[wasm_bindgen(js_name = retriedByPage)]
    pub fn retried_by_page(&self) -> bool {
        let can_retry = self.driver.can_retry();
        self.driver.inbox.put(Happened::RetriedByPage);
        can_retry
    }

    /// The page changed around our elements, which are in their place or another.
    pub fn rearranged(&self) {
        self.driver.inbox.put(Happened::Rearranged);
    }

    /// The user pressed the button that closes, or Esc, or confirmed that they want to leave.
    #[wasm_bindgen(js_name = closedByUser)]
    pub fn closed_by_user(&self) {
        self.driver.inbox.put(Happened::ClosedByUser);
    }

    /// The user pressed the button that goes on.
    #[wasm_bindgen(js_name = userStays)]
    pub fn user_stays(&self) {
        self.driver.inbox.put(Happened::UserStays);
    }

    /// The user pressed the button that tries or starts again.
    #[wasm_bindgen(js_name = retriedByUser)]
    pub fn retried_by_user(&self) {
        self.driver.inbox.put(Happened::RetriedByUser);
    }

    /// Does what follows from all that has happened, and says whether nothing can happen to the session any more.
    /// Throws when the browser fails us; only `abandon()` may follow.
    pub fn work(&self) -> Result<bool, JsValue> {
        self.driver.work()
    }

    /// Gives everything back after `work()` has thrown.
    pub fn abandon(&self) {
        self.driver.abandon();
    }

    /// The session at Flinks that was launched, or that Connect named last.
    #[must_use]
    #[wasm_bindgen(getter, js_name = requestId)]
    pub fn request_id(&self) -> Option<String> {
        self.driver.request_id()
    }

    /// When the session at Flinks is estimated to die, in epoch milliseconds.
    #[must_use]
    #[wasm_bindgen(getter, js_name = expiresAt)]
    pub fn expires_at(&self) -> Option<f64> {
        self.driver.expires_at()
    }
}

/// The page's element for the frame; none is the dialog.
fn container(window: &Window, given: &JsValue) -> Result<Option<Element>, JsValue> {
    // An object that passed validation is an element, of this window or another.
    let Some(selector) = given.as_string() else {
        return Ok(given.is_object().then(|| given.clone().unchecked_into()));
    };
    let found = window.document().and_then(|document| document.query_selector(&selector).ok().flatten());
    match found {
        Some(element) => Ok(Some(element)),
        None => Err(refused_option(&InvalidOption("container".to_owned()))),
    }
}

fn sandbox(given: &JsValue) -> Sandbox {
    match given.as_string() {
        Some(tokens) => Sandbox::Tokens(tokens),
        None if given.is_null() => Sandbox::Off,
        None => Sandbox::Default,
    }
}

/// Closes the session when the page's signal is aborted, now or later.
fn listen_to_signal(given: JsValue, inbox: &Inbox) -> Option<Listener> {
    if !given.is_object() {
        return None;
    }
    let signal: AbortSignal = given.unchecked_into();
    if signal.aborted() {
        inbox.put(Happened::ClosedByPage);
        return None;
    }
    let inbox = inbox.clone();
    Some(Listener::new(&signal, "abort", move |_| inbox.report(Happened::ClosedByPage)))
}
