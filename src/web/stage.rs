//! What the user sees: the dialog or the host's container, the status line, the buttons, the frame.
//!
//! Invariants: the texts and buttons stand in a shadow tree, so that nothing leaks in from the page's styles or out to them; the frame is
//! slotted, because it belongs to the page's own frames. Styling goes through the style object model only, which a strict
//! Content-Security-Policy allows. Dropping the stage takes everything off the page.

use wasm_bindgen::JsValue;
use web_sys::Element;

use super::frame::Frame;
use super::page::{self, Callback, Scenery};
use super::words::Words;
use crate::session::View;

const STYLE: &str = include_str!("stage.css");

/// What the user did to the widget itself.
#[derive(Clone, Copy)]
pub(super) enum Gesture {
    /// The close button, or Esc.
    Close,
    /// The retry button.
    Retry,
}

/// The widget's place on the page.
pub(super) struct Stage {
    scenery: Scenery,
    frame: Option<Frame>,
    _on_gesture: Callback,
}

impl Stage {
    /// Puts the empty stage on the page: into `container`, else as a modal dialog.
    pub(super) fn raise(
        container: Option<&Element>,
        words: &Words,
        on_gesture: impl Fn(Gesture) + 'static,
    ) -> Option<Self> {
        let on_gesture = Callback::new(move |retries: JsValue| {
            on_gesture(if retries.is_truthy() { Gesture::Retry } else { Gesture::Close });
        });
        let scenery = page::raise(container, STYLE, words.lang(), words.title(), words.close(), &on_gesture)?;
        Some(Self { scenery, frame: None, _on_gesture: on_gesture })
    }

    /// Shows the frame, in place of any other.
    pub(super) fn open_frame(&mut self, url: &str, origin: &str, title: &str, sandbox: Option<&str>) {
        self.frame = None;
        self.frame = Some(Frame::new(self.scenery.open_frame(url, title, sandbox), origin));
    }

    /// Takes the frame away.
    pub(super) fn close_frame(&mut self) {
        self.frame = None;
    }

    /// The frame, when there is one.
    pub(super) fn frame(&self) -> Option<&Frame> {
        self.frame.as_ref()
    }

    /// Says where things stand.
    pub(super) fn show(&self, view: View, words: &Words) {
        let retry = match view {
            View::Failed(code) if code.is_retryable() => Some(words.retry(code)),
            _ => None,
        };
        self.scenery.show(name(view), words.status(view), matches!(view, View::Failed(_)), retry);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.frame = None;
        self.scenery.lower();
    }
}

/// The view as styles and tests see it.
fn name(view: View) -> &'static str {
    match view {
        View::Loading => "loading",
        View::Connect => "connect",
        View::Expiring => "expiring",
        View::Renewing => "renewing",
        View::Delivering => "delivering",
        View::Retrying => "retrying",
        View::Failed(_) => "failed",
    }
}
