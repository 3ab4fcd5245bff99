//! The two interfaces that TypeScript implements: the session's façade, and what the user sees.
//!
//! Their TypeScript declarations stand beside the Rust ones; wasm-bindgen prints them into the module's `.d.ts`, which `www/sdk` is checked
//! against.

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Element, HtmlIFrameElement};

#[wasm_bindgen(typescript_custom_section)]
const INTERFACES: &str = r#"
/** What a session's class does for the module. None of these throws. */
export interface Facade {
  /** Something waits in the session's inbox: calls `Widget.work()`. */
  work(): void;
  /** Makes what the user sees, in this container or in a dialog. Nothing is on the page yet. */
  createUi(container: Element | undefined, language: "en" | "fr", labels: unknown): Ui;
  /** Tells the page's listeners. The detail of `attemptfailed` is a failure, which becomes an error first. */
  emit(name: string, detail: object): void;
  /** Resolves the result. */
  succeed(result: object): void;
  /** Rejects the result. */
  fail(failure: object): void;
}

/** What the user sees. It decides nothing; what the user does is told through `Widget`. */
export interface Ui {
  /** Shows a view, by its name. */
  show(view: string): void;
  /** The accessible name of Connect's frame. */
  frameTitle(): string;
  /** The element that Connect's frame goes into, in an open shadow tree of ours. */
  framePlace(): Element;
  /** The frame stands in its place. */
  frameOpened(frame: HTMLIFrameElement): void;
  /** The frame is about to go: the focus must not be lost with it. */
  frameCloses(): void;
  /** Gives the frame this height in CSS pixels, where the page leaves it a choice. */
  resize(heightPx: number): void;
  /** Takes everything off the page. */
  hide(): void;
  /** The same, and tells a screen reader that it is done. */
  hideAndAnnounceSuccess(): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// What a session's class does for the module.
    #[wasm_bindgen(typescript_type = "Facade")]
    #[derive(Clone)]
    pub type Facade;

    #[wasm_bindgen(method)]
    pub(super) fn work(this: &Facade);

    #[wasm_bindgen(method, catch, js_name = createUi)]
    pub(super) fn create_ui(
        this: &Facade,
        container: Option<&Element>,
        language: &str,
        labels: &JsValue,
    ) -> Result<Ui, JsValue>;

    #[wasm_bindgen(method)]
    pub(super) fn emit(this: &Facade, name: &str, detail: &Object);

    #[wasm_bindgen(method)]
    pub(super) fn succeed(this: &Facade, result: &Object);

    #[wasm_bindgen(method)]
    pub(super) fn fail(this: &Facade, failure: &Object);

    /// What the user sees.
    #[wasm_bindgen(typescript_type = "Ui")]
    pub type Ui;

    #[wasm_bindgen(method, catch)]
    pub(super) fn show(this: &Ui, view: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, js_name = frameTitle)]
    pub(super) fn frame_title(this: &Ui) -> String;

    #[wasm_bindgen(method, catch, js_name = framePlace)]
    pub(super) fn frame_place(this: &Ui) -> Result<Element, JsValue>;

    #[wasm_bindgen(method, catch, js_name = frameOpened)]
    pub(super) fn frame_opened(this: &Ui, frame: &HtmlIFrameElement) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = frameCloses)]
    pub(super) fn frame_closes(this: &Ui) -> Result<(), JsValue>;

    #[wasm_bindgen(method)]
    pub(super) fn resize(this: &Ui, height_px: u32);

    #[wasm_bindgen(method, catch)]
    pub(super) fn hide(this: &Ui) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = hideAndAnnounceSuccess)]
    pub(super) fn hide_and_announce_success(this: &Ui) -> Result<(), JsValue>;
}
