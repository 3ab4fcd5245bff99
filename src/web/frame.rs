//! Connect's frame, and the messages that may be its.

use wasm_bindgen::JsValue;
use web_sys::Element;

use super::page;
use super::value::OwnFields;
use crate::connect::message::Fields;
use crate::session::Posted;

/// Enough for Connect and a bank's pop-up; without top navigation, so that the frame cannot lead the host's page away.
pub(super) const SANDBOX: &str = "allow-scripts allow-same-origin allow-forms allow-popups \
    allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

/// One frame element; dropping it takes it off the page. A retry makes a new one, because assigning `src` again would add an
/// entry to the page's history.
pub(super) struct Frame {
    element: Element,
    origin: JsValue,
}

impl Frame {
    /// A frame on the page, whose messages come from `origin`.
    pub(super) fn new(element: Element, origin: &str) -> Self {
        Self { element, origin: JsValue::from_str(origin) }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.element.remove();
    }
}

/// A message event held against the frame.
pub(super) struct FrameMessage<'a> {
    /// The event.
    pub(super) event: &'a JsValue,
    /// The frame, when there is one.
    pub(super) frame: Option<&'a Frame>,
}

impl Posted for FrameMessage<'_> {
    fn is_trusted(&self) -> bool {
        page::is_trusted(self.event)
    }

    fn is_from_frame(&self) -> bool {
        self.frame.is_some_and(|frame| page::is_from_frame(self.event, &frame.element))
    }

    fn is_from_origin(&self) -> bool {
        self.frame.is_some_and(|frame| page::is_from_origin(self.event, &frame.origin))
    }

    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        OwnFields::of(self.event).map(|fields| Box::new(fields) as Box<dyn Fields>)
    }
}
