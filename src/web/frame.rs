//! Connect's frame: an `<iframe>` with few rights, and who may speak for it.
//!
//! Invariants: the rights stand on the frame before its address, and the address before the frame is on the page. It stands in a shadow tree,
//! where the page's `frames[i]` does not find it; nor do those who frame the page, but in Firefox.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlIFrameElement, MessageEvent, Window};

use super::gate::Gate;
use super::inbox::{Happened, Inbox};
use super::listener::Listener;
use super::load_watch::LoadWatch;
use crate::session::LoadProblem;

/// Enough for Connect and a bank's pop-up; without top navigation, so that the frame cannot lead the page away.
const SANDBOX: &str = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-storage-access-by-user-activation";

/// Recorders of sessions read shadow trees too, and the frame's address has a token in it. These classes are how rrweb, `PostHog`, Sentry, Mixpanel,
/// Amplitude, New Relic, Datadog and `FullStory` are told to leave an element out.
const UNRECORDED: &str = "rr-block ph-no-capture sentry-block mp-block amp-block nr-block dd-privacy-hidden fs-exclude";

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

/// The frame on the page. Dropping it takes it away: the listeners first, so that they go even if the page's own `remove()` throws.
pub(super) struct Frame {
    _messages: Listener,
    _load: LoadWatch,
    /// The frame's window when it was opened. A frame that leaves its place gets another.
    window: Option<Window>,
    element: Placed,
}

/// The frame's element, which leaves the page when it is dropped.
struct Placed(HtmlIFrameElement);

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
        element.set_attribute("class", UNRECORDED)?;
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
        let messages = Listener::new(&window, "message", move |event| {
            let event: &MessageEvent = event.unchecked_ref();
            let strayed_before = gate.strangers().origin;
            if gate.admits(event) {
                inbox_of_messages.report(Happened::Posted(event.clone()));
            } else if strayed_before == 0 && gate.strangers().origin > 0 {
                inbox_of_messages.report(Happened::Blocked(LoadProblem::Redirected));
            }
        });
        let load = LoadWatch::new(&element, &document, &window, origin, inbox);
        place.append_child(&element)?;
        Ok(Self { _messages: messages, _load: load, window: element.content_window(), element: Placed(element) })
    }

    /// Whether the frame has been moved since it was opened, or the last question. The browser then loads its address again.
    pub(super) fn was_moved(&mut self) -> bool {
        let element = self.element();
        if !element.is_connected() {
            return false;
        }
        let window = element.content_window();
        let before = std::mem::replace(&mut self.window, window);
        // One that was not on the page yet has loaded nothing.
        before.is_some() && before != self.window
    }

    pub(super) fn element(&self) -> &HtmlIFrameElement {
        &self.element.0
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.0.remove();
    }
}
