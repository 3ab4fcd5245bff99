//! Connect's frame: an `<iframe>` with few rights, and who may speak for it.
//!
//! Invariants: the rights stand on the frame before its address, and the address before the frame is on the page. It stands in a shadow tree,
//! where the page's `frames[i]` and whoever frames the page do not find it.

use gloo::events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlIFrameElement, MessageEvent};

use super::gate::Gate;
use super::inbox::{Happened, Inbox};
use super::load_watch::LoadWatch;

/// Enough for Connect and a bank's pop-up; without top navigation, so that the frame cannot lead the page away.
const SANDBOX: &str = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

/// The frame's `sandbox` attribute.
#[derive(Clone, Debug)]
pub(super) enum Sandbox {
    /// Our own tokens.
    Default,
    /// The page's own tokens.
    Tokens(String),
    /// No attribute.
    Off,
}

/// What the frame may do.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    pub(super) sandbox: Sandbox,
    /// Its `allow` attribute.
    pub(super) allow: String,
}

/// The frame on the page. Dropping it takes it away.
pub(super) struct Frame {
    element: HtmlIFrameElement,
    _messages: EventListener,
    _load: LoadWatch,
}

impl Frame {
    /// Puts a new frame into `place`. (One that is used again would add an entry to the page's history.)
    pub(super) fn open(
        place: &Element,
        title: &str,
        rights: &Rights,
        (url, origin): (&str, &str),
        inbox: &Inbox,
    ) -> Result<Self, JsValue> {
        let document = place.owner_document().ok_or_else(|| JsValue::from_str("the frame's place has no document"))?;
        let window = document.default_view().ok_or_else(|| JsValue::from_str("the frame's document has no window"))?;
        let element: HtmlIFrameElement = document.create_element("iframe")?.unchecked_into();
        element.set_attribute("part", "frame")?;
        element.set_attribute("title", title)?;
        element.set_attribute("allow", &rights.allow)?;
        element.set_attribute("referrerpolicy", "strict-origin")?;
        match &rights.sandbox {
            Sandbox::Default => element.set_attribute("sandbox", SANDBOX)?,
            Sandbox::Tokens(tokens) => element.set_attribute("sandbox", tokens)?,
            Sandbox::Off => {}
        }
        element.set_attribute("src", url)?;

        let gate = Gate::new(element.clone(), origin.to_owned());
        let inbox_of_messages = inbox.clone();
        let messages = EventListener::new(&window, "message", move |event| {
            let event: &MessageEvent = event.unchecked_ref();
            if gate.admits(event) {
                inbox_of_messages.report(Happened::Posted(event.clone()));
            }
        });
        let load = LoadWatch::new(&element, &document, &window, origin, inbox);
        place.append_child(&element)?;
        Ok(Self { element, _messages: messages, _load: load })
    }

    pub(super) fn element(&self) -> &HtmlIFrameElement {
        &self.element
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.element.remove();
    }
}
