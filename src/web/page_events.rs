//! What happens to the page: its network, and whether it is shown.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Document, Window};

use super::inbox::{Happened, Inbox};
use super::listener::Listener;

#[wasm_bindgen]
extern "C" {
    /// What web-sys does not have of a document.
    #[wasm_bindgen(extends = Document)]
    type PrerenderedDocument;
    #[wasm_bindgen(method, getter)]
    fn prerendering(this: &PrerenderedDocument) -> Option<bool>;
}

/// Where no session can begin yet, waits until that may have changed, and reports [`Happened::Begun`] again: nobody sees a page that is only
/// prerendered, and in a script of `<head>` there is no body yet.
pub(super) fn wait_until_ready(document: &Document, inbox: &Inbox) -> Option<Listener> {
    let event = if document.unchecked_ref::<PrerenderedDocument>().prerendering() == Some(true) {
        "prerenderingchange"
    } else if document.body().is_none() && document.ready_state() == "loading" {
        "DOMContentLoaded"
    } else {
        return None;
    };
    let inbox = inbox.clone();
    Some(Listener::new(document, event, move |_| inbox.report(Happened::Begun)))
}

/// Listens until it is dropped.
pub(super) struct PageEvents {
    _listeners: [Listener; 5],
}

impl PageEvents {
    pub(super) fn new(window: &Window, inbox: &Inbox) -> Self {
        let listen = |name: &'static str, happened: fn() -> Happened| {
            let inbox = inbox.clone();
            Listener::new(window, name, move |_| inbox.report(happened()))
        };
        Self {
            _listeners: [
                listen("online", || Happened::Online),
                listen("offline", || Happened::Offline),
                // Timers are throttled in hidden tabs and stop in frozen ones: look at the clock whenever the page is back.
                listen("pageshow", || Happened::Woken),
                listen("visibilitychange", || Happened::Woken),
                // What waits to be sent is sent now or never.
                listen("pagehide", || Happened::PageLeft),
            ],
        }
    }
}
