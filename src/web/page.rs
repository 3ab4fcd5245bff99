//! The browser as the shell calls it. What stands behind each of these is in the JavaScript file it names: plumbing that would cost ten
//! times the bytes if every property and call crossed into WebAssembly by itself. Nothing is decided there but who posted a message, which
//! only the browser can say: what to show, what to believe, what an answer means is Rust's.

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// What the façade gives a session: `{ style, hear, tell }`. The stage and the host's last reply are kept there as well.
    #[derive(Clone)]
    pub type Page;

    /// Something happened to the session: one of the numbers of `inputs.js`.
    #[wasm_bindgen(method, structural)]
    pub(super) fn hear(this: &Page, kind: u32);

    /// A report.
    #[wasm_bindgen(method, structural)]
    pub(super) fn tell(this: &Page, report: JsValue);
}

// In a namespace: the build gives all imports one module and short names, which only the JavaScript around them can follow.
#[wasm_bindgen(module = "/src/web/value.js", js_namespace = value)]
extern "C" {
    /// An object of the host's: name, kind and content of each property.
    pub(super) fn properties(object: &JsValue) -> Array;

    /// What a message event carries, or what its JSON text says.
    pub(super) fn fields(event: &JsValue, max_length: u32) -> JsValue;

    /// An own property when it is a short string; undefined when it says nothing, null when it is something else.
    #[wasm_bindgen(js_name = ownText)]
    pub(super) fn own_text(object: &JsValue, name: &str, max_length: u32) -> JsValue;

    /// The short strings in an own property.
    #[wasm_bindgen(js_name = ownTexts)]
    pub(super) fn own_texts(object: &JsValue, name: &str, max_items: u32, max_length: u32) -> Array;

    /// An own property when it is a finite number.
    #[wasm_bindgen(js_name = ownNumber)]
    pub(super) fn own_number(object: &JsValue, name: &str) -> JsValue;

    /// `[place, protocol, hostname, origin, query and fragment, credentials, name, value, …]`: texts.
    #[wasm_bindgen(js_name = urlParts)]
    pub(super) fn url_parts(text: &str) -> Option<Array>;

    /// The page's language, and 128 random bits in hexadecimal where the browser has any: texts.
    pub(super) fn surroundings() -> Array;

    /// Milliseconds on a clock that nobody sets.
    #[wasm_bindgen(js_name = monotonicMs)]
    pub(super) fn monotonic_ms() -> f64;
}

#[wasm_bindgen(module = "/src/web/stage.js")]
extern "C" {
    /// The widget's place on the page.
    pub(super) type Stage;

    /// For these options; none when there is no such container.
    #[wasm_bindgen(static_method_of = Stage)]
    pub(super) fn on(options: &JsValue, page: &Page, is_french: bool) -> Option<Stage>;

    /// Shows a view, by its place in `View`.
    #[wasm_bindgen(method)]
    pub(super) fn show(this: &Stage, view: u32);

    /// Puts up a frame in place of any other, and hears what it posts.
    #[wasm_bindgen(method, js_name = openFrame)]
    pub(super) fn open_frame(this: &Stage, url: &str, origin: &str);

    /// Takes the frame away.
    #[wasm_bindgen(method, js_name = closeFrame)]
    pub(super) fn close_frame(this: &Stage);

    /// The frame's height in CSS pixels.
    #[wasm_bindgen(method)]
    pub(super) fn resize(this: &Stage, height_px: u32);

    /// Takes everything off the page.
    #[wasm_bindgen(method)]
    pub(super) fn hide(this: &Stage, is_sent: bool);
}

#[wasm_bindgen(module = "/src/web/host.js")]
extern "C" {
    /// The host's backend.
    pub(super) type Host;

    /// From options that were proved.
    #[wasm_bindgen(constructor)]
    pub(super) fn new(options: &JsValue, page: &Page) -> Host;

    /// Begins a session.
    #[wasm_bindgen(method)]
    pub(super) fn start(this: &Host, call: u32);

    /// Gives up on beginning one.
    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &Host);

    /// Sends a result, which is a report.
    #[wasm_bindgen(method)]
    pub(super) fn deliver(this: &Host, number: u32, report: JsValue, timeout_ms: u32);
}

#[wasm_bindgen(module = "/src/web/hold.js")]
extern "C" {
    /// The claim on a session among the tabs of this site.
    pub(super) type Hold;

    /// No claim yet.
    #[wasm_bindgen(constructor)]
    pub(super) fn new(page: &Page) -> Hold;

    /// Claims the session, if need be from who has it.
    #[wasm_bindgen(method)]
    pub(super) fn claim(this: &Hold, session: u64, steal: bool);

    /// Lets go.
    #[wasm_bindgen(method)]
    pub(super) fn release(this: &Hold);
}
