//! The browser as the shell calls it: what `page.js` does. None of these calls throws.
//!
//! Each function here is one crossing into JavaScript for what would be dozens. Types with a name are JavaScript objects of `page.js`.

use js_sys::{Array, Function};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use web_sys::{AbortController, Element, EventTarget};

#[wasm_bindgen(module = "/src/web/page.js", js_namespace = page)]
extern "C" {
    // ---- reading ----

    /// A property of the host's, as it is.
    pub(super) fn raw(object: &JsValue, name: &str) -> JsValue;

    /// The names of the host's properties: texts.
    pub(super) fn names(object: &JsValue) -> Array;

    /// A property of the host's: its kind, then its content.
    pub(super) fn property(object: &JsValue, name: &str) -> Array;

    /// The object in a message event, or in its JSON text.
    pub(super) fn fields(event: &JsValue, max_length: u32) -> JsValue;

    /// An own property when it is a short string; undefined when it says nothing, null when it is something else.
    #[wasm_bindgen(js_name = ownText)]
    pub(super) fn own_text(object: &JsValue, name: &str, max_length: u32) -> JsValue;

    /// The short strings in an own property.
    #[wasm_bindgen(js_name = ownTexts)]
    pub(super) fn own_texts(object: &JsValue, name: &str, max_items: u32, max_length: u32) -> Array;

    /// `[href, protocol, hostname, pathname, origin, credentials, name, value, …]`
    #[wasm_bindgen(js_name = urlParts)]
    pub(super) fn url_parts(text: &str) -> Option<Array>;

    // ---- the page ----

    /// Its window.
    pub(super) fn itself() -> EventTarget;

    /// Its language.
    pub(super) fn language() -> String;

    /// Milliseconds on a clock that nobody sets.
    #[wasm_bindgen(js_name = monotonicMs)]
    pub(super) fn monotonic_ms() -> f64;

    /// 128 random bits in hexadecimal.
    #[wasm_bindgen(js_name = randomName)]
    pub(super) fn random_name() -> Option<String>;

    /// The element itself, or the one its selector finds.
    pub(super) fn place(container: &JsValue) -> Option<Element>;

    // ---- messages ----

    /// The browser made the event.
    #[wasm_bindgen(js_name = isTrusted)]
    pub(super) fn is_trusted(event: &JsValue) -> bool;

    /// The sender is the frame's window, and both exist.
    #[wasm_bindgen(js_name = isFromFrame)]
    pub(super) fn is_from_frame(event: &JsValue, frame: &Element) -> bool;

    /// The sender's origin is this.
    #[wasm_bindgen(js_name = isFromOrigin)]
    pub(super) fn is_from_origin(event: &JsValue, origin: &JsValue) -> bool;

    // ---- the stage ----

    /// The stage's elements.
    pub(super) type Scenery;

    /// Puts the empty stage on the page: into `container`, else as a modal dialog.
    pub(super) fn raise(
        container: Option<&Element>,
        style: &str,
        lang: &str,
        title: &str,
        close: &str,
        gesture: &Callback,
    ) -> Option<Scenery>;

    /// Says `text`, as an alert or as a status; offers another try under the name `retry`.
    #[wasm_bindgen(method)]
    pub(super) fn show(this: &Scenery, view: &str, text: &str, alerts: bool, retry: Option<&str>);

    /// Puts up a frame.
    #[wasm_bindgen(method, js_name = openFrame)]
    pub(super) fn open_frame(this: &Scenery, url: &str, title: &str, sandbox: Option<&str>) -> Element;

    /// Takes everything off the page.
    #[wasm_bindgen(method)]
    pub(super) fn lower(this: &Scenery);

    // ---- the host ----

    /// How to reach the host's backend.
    pub(super) type Endpoints;

    /// From options that were proved.
    #[wasm_bindgen(js_name = host)]
    pub(super) fn endpoints(options: &JsValue) -> Endpoints;

    /// Begins a session; the controller aborts that.
    #[wasm_bindgen(method)]
    pub(super) fn start(this: &Endpoints, answer: &JsValue) -> AbortController;

    /// Sends a result.
    #[wasm_bindgen(method)]
    pub(super) fn deliver(this: &Endpoints, delivery: &JsValue, timeout_ms: u32, answer: &JsValue);

    // ---- tabs ----

    /// Claims `name`, if need be from who has it; the function it returns lets go.
    pub(super) fn claim(name: &str, steal: bool, answer: &Callback) -> Function;
}

/// A function of ours that JavaScript calls as long as its owner lives.
pub(super) type Callback = Closure<dyn FnMut(JsValue)>;

/// The strings in `list` from index `from` on.
pub(super) fn strings(list: &Array, from: u32) -> Vec<String> {
    let mut strings = Vec::new();
    for index in from..list.length() {
        strings.extend(list.get(index).as_string());
    }
    strings
}
