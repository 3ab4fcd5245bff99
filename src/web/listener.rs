//! A listener that ends with its owner: a plain pair of add and remove.
//!
//! Invariant: nothing but name and function is passed. gloo's listener passes an object of options, and what a page has put on `Object.prototype`
//! (`once`, `signal`) would be among them: the page would then stop hearing of Connect.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, EventTarget};

/// A function that hears of one kind of event, until it is dropped.
pub(super) struct Listener {
    target: EventTarget,
    event: &'static str,
    function: Closure<dyn FnMut(&Event)>,
}

impl Listener {
    /// Begins to listen. A page that has replaced `addEventListener` by something that throws is not heard; what waits for it ends by its deadline.
    pub(super) fn new(target: &EventTarget, event: &'static str, handle: impl FnMut(&Event) + 'static) -> Self {
        let function = Closure::<dyn FnMut(&Event)>::new(handle);
        let _ = target.add_event_listener_with_callback(event, function.as_ref().unchecked_ref());
        Self { target: target.clone(), event, function }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.event, self.function.as_ref().unchecked_ref());
    }
}
