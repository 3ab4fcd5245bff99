//! Who posted a message: only the browser can say, and only here is it asked.
//!
//! Invariants: the checks run in a fixed order and stop at the first failure; `event.data` is not among them, because reading it makes the
//! browser deserialise what a stranger sent. A message from another sender goes no further: the session hears no more than that its frame
//! has spoken from another origin.

use std::cell::Cell;

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlIFrameElement, MessageEvent};

#[wasm_bindgen]
extern "C" {
    /// A message event and a frame whose windows come as they are, null included. web-sys makes an `Option` of each; Firefox takes longer for the
    /// two than for all the checks, and a page may be flooded with messages of others.
    type WithWindow;
    #[wasm_bindgen(method, getter)]
    fn source(this: &WithWindow) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = contentWindow)]
    fn content_window(this: &WithWindow) -> JsValue;
}

/// Messages of other senders, by the check that stopped them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strangers {
    /// A script made the event.
    pub is_trusted: u32,
    /// Another window sent it.
    pub source: u32,
    /// The frame had gone to another origin.
    pub origin: u32,
}

/// Lets through what the browser delivered from one frame's window while that is at one origin.
#[derive(Debug)]
pub struct Gate {
    frame: HtmlIFrameElement,
    origin: String,
    strangers: Cell<Strangers>,
}

impl Gate {
    /// For the messages of this frame while it is at this origin.
    #[must_use]
    pub fn new(frame: HtmlIFrameElement, origin: String) -> Self {
        Self { frame, origin, strangers: Cell::default() }
    }

    /// Whether the session may hear of this event. Counts it otherwise.
    pub fn admits(&self, event: &MessageEvent) -> bool {
        let mut strangers = self.strangers.get();
        let counter = if !event.is_trusted() {
            &mut strangers.is_trusted
        } else if !self.is_from_frame(event) {
            &mut strangers.source
        } else if event.origin() != self.origin {
            &mut strangers.origin
        } else {
            return true;
        };
        *counter = counter.saturating_add(1);
        self.strangers.set(strangers);
        false
    }

    /// A frame that was taken away has no window, and the source of a sender that is gone is null: null must never equal null.
    fn is_from_frame(&self, event: &MessageEvent) -> bool {
        let source = event.unchecked_ref::<WithWindow>().source();
        source == self.frame.unchecked_ref::<WithWindow>().content_window() && !source.is_null()
    }

    /// How many messages were stopped so far.
    #[must_use]
    pub fn strangers(&self) -> Strangers {
        self.strangers.get()
    }
}
