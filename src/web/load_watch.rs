//! Notices that the browser refuses to load Connect's frame, which it tells nobody directly.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{
    Document, HtmlIFrameElement, SecurityPolicyViolationEvent, SecurityPolicyViolationEventDisposition, Url, Window,
};

use super::inbox::{Happened, Inbox};
use super::listener::Listener;
use crate::session::LoadProblem;

#[wasm_bindgen]
extern "C" {
    /// What web-sys does not have of a window.
    #[wasm_bindgen(extends = Window)]
    type IsolatedWindow;
    #[wasm_bindgen(method, getter, js_name = crossOriginIsolated)]
    fn cross_origin_isolated(this: &IsolatedWindow) -> Option<bool>;
}

/// How long a frame in an isolated page may take to load, in milliseconds.
const UNLOADED_MS: u32 = 5_000;
/// How long it may be silent after it has loaded, in milliseconds: Connect would speak soon.
const SILENCE_MS: u32 = 2_000;

/// Watches one frame until it is dropped.
pub(super) struct LoadWatch {
    _policy: Listener,
    _isolation: Option<Isolation>,
}

/// The timer that ends when the frame is silent for too long, and the listener that sets it anew.
struct Isolation {
    _silence: Rc<RefCell<Timeout>>,
    _load: Listener,
}

impl LoadWatch {
    pub(super) fn new(
        frame: &HtmlIFrameElement,
        document: &Document,
        window: &Window,
        origin: &str,
        inbox: &Inbox,
    ) -> Self {
        Self { _policy: watch_policy(document, origin, inbox), _isolation: watch_isolation(frame, window, inbox) }
    }
}

/// The page's Content-Security-Policy blocks the frame.
fn watch_policy(document: &Document, origin: &str, inbox: &Inbox) -> Listener {
    let (origin, inbox) = (origin.to_owned(), inbox.clone());
    Listener::new(document, "securitypolicyviolation", move |event| {
        let event: &SecurityPolicyViolationEvent = event.unchecked_ref();
        let is_of_frames = || {
            let directive = event.effective_directive();
            ["frame-src", "child-src", "default-src"].iter().any(|name| directive.starts_with(name))
        };
        // Scripts can make such events, some policies only watch, and the page may have other frames.
        if event.is_trusted()
            && event.disposition() == SecurityPolicyViolationEventDisposition::Enforce
            && is_of_frames()
            && Url::new(&event.blocked_uri()).is_ok_and(|url| url.origin() == origin)
        {
            inbox.report(Happened::Blocked(LoadProblem::Policy));
        }
    })
}

/// The page is cross-origin isolated. Browsers put an error page in the place of a frame that is not isolated itself, or nothing (Firefox,
/// `WebKit`), and do not tell.
fn watch_isolation(frame: &HtmlIFrameElement, window: &Window, inbox: &Inbox) -> Option<Isolation> {
    if window.unchecked_ref::<IsolatedWindow>().cross_origin_isolated() != Some(true) {
        return None;
    }
    let inbox = inbox.clone();
    let wait = move |wait_ms| {
        let inbox = inbox.clone();
        Timeout::new(wait_ms, move || inbox.report(Happened::Blocked(LoadProblem::Isolation)))
    };
    let silence = Rc::new(RefCell::new(wait(UNLOADED_MS)));
    let silence_of_load = Rc::clone(&silence);
    let load = Listener::new(frame, "load", move |_| {
        drop(silence_of_load.replace(wait(SILENCE_MS)));
    });
    Some(Isolation { _silence: silence, _load: load })
}
