//! Connect's frame, and the messages that may be its.

use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{Document, Element, HtmlIFrameElement, MessageEvent};

use super::value::OwnFields;
use crate::connect::message::Fields;
use crate::session::Posted;

/// Enough for Connect and a bank's pop-up; without top navigation, so that the frame cannot lead the host's page away.
pub(super) const SANDBOX: &str = "allow-scripts allow-same-origin allow-forms allow-popups \
    allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

#[wasm_bindgen]
extern "C" {
    /// The two fields of a message event that must be compared without copying them: a `WindowProxy` and a string.
    type Sender;

    #[wasm_bindgen(method, getter)]
    fn source(this: &Sender) -> JsValue;

    #[wasm_bindgen(method, getter)]
    fn origin(this: &Sender) -> JsValue;
}

/// One frame element; dropping it takes it off the page. A retry makes a new one, because assigning `src` again would add an
/// entry to the page's history.
pub(super) struct Frame {
    element: HtmlIFrameElement,
    origin: JsValue,
}

/// How the frame is made.
pub(super) struct FrameAttributes<'a> {
    /// Its accessible name.
    pub(super) title: &'a str,
    /// Its sandbox tokens, or none for no sandbox.
    pub(super) sandbox: Option<&'a str>,
}

impl Frame {
    /// Makes the frame and puts it into `parent`: attributes first, then the address, then the page.
    pub(super) fn open(
        document: &Document,
        parent: &Element,
        url: &str,
        origin: &str,
        attributes: &FrameAttributes<'_>,
    ) -> Option<Self> {
        let element: HtmlIFrameElement = document.create_element("iframe").ok()?.dyn_into().ok()?;
        let mut pairs = vec![("title", attributes.title), ("allow", ""), ("referrerpolicy", "strict-origin")];
        pairs.extend(attributes.sandbox.map(|tokens| ("sandbox", tokens)));
        pairs.push(("src", url));
        for (name, value) in pairs {
            element.set_attribute(name, value).ok()?;
        }
        parent.append_child(&element).ok()?;
        Some(Self { element, origin: JsValue::from_str(origin) })
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
    pub(super) event: &'a MessageEvent,
    /// The frame, when there is one.
    pub(super) frame: Option<&'a Frame>,
}

impl FrameMessage<'_> {
    fn sender(&self) -> &Sender {
        self.event.unchecked_ref()
    }
}

impl Posted for FrameMessage<'_> {
    fn is_trusted(&self) -> bool {
        self.event.is_trusted()
    }

    fn is_from_frame(&self) -> bool {
        // A detached frame has no window and a vanished sender is null: null must never equal null.
        let window = self.frame.and_then(|frame| frame.element.content_window());
        window.is_some_and(|window| self.sender().source() == JsValue::from(window))
    }

    fn is_from_origin(&self) -> bool {
        self.frame.is_some_and(|frame| self.sender().origin() == frame.origin)
    }

    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        OwnFields::of(self.event.data()).map(|fields| Box::new(fields) as Box<dyn Fields>)
    }
}
