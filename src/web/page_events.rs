//! What happens to the page: its network, and whether it is shown.

use gloo::events::EventListener;
use web_sys::Window;

use super::inbox::{Happened, Inbox};

/// Listens until it is dropped.
pub(super) struct PageEvents {
    _listeners: [EventListener; 5],
}

impl PageEvents {
    pub(super) fn new(window: &Window, inbox: &Inbox) -> Self {
        let listen = |name: &'static str, happened: fn() -> Happened| {
            let inbox = inbox.clone();
            EventListener::new(window, name, move |_| inbox.report(happened()))
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
