//! What the user sees: the dialog or the host's container, the status line, the buttons, the frame.
//!
//! Invariants: the texts and buttons stand in a shadow tree, so that nothing leaks in from the page's styles or out to them; the frame is
//! slotted, because it belongs to the page's own frames. Styling goes through the style object model only, which a strict
//! Content-Security-Policy allows. Dropping the stage takes everything off the page.

use gloo::events::{EventListener, EventListenerOptions};
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    CssStyleSheet, Document, Element, HtmlDialogElement, HtmlElement, ShadowRoot, ShadowRootInit, ShadowRootMode,
};

use super::frame::{Frame, FrameAttributes};
use super::report;
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
    document: Document,
    root: Root,
    surface: HtmlElement,
    status: Element,
    alert: Element,
    retry: HtmlElement,
    frame: Option<Frame>,
    listeners: Vec<EventListener>,
}

/// What carries the surface.
enum Root {
    Dialog(HtmlDialogElement),
    Container,
}

impl Stage {
    /// Puts the empty stage on the page: into `container`, else as a modal dialog.
    pub(super) fn raise(
        document: &Document,
        container: Option<&Element>,
        words: &Words,
        on_gesture: impl Fn(Gesture) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let surface = html(document, "div")?;
        let shadow = shadow(&surface)?;
        let panel = part(document, &shadow, "div", "panel")?;
        let mut listeners = Vec::new();

        let root = if let Some(container) = container {
            container.append_child(&surface)?;
            Root::Container
        } else {
            let header = part(document, &panel, "header", "header")?;
            part(document, &header, "h2", "title")?.set_text_content(Some(&words.title()));
            let close = button(document, &header, "close", &words.close())?;
            listeners.push(on_click(&close, Gesture::Close, on_gesture.clone()));
            let dialog = raise_dialog(document, &surface, words)?;
            listeners.extend(on_dismissal(&dialog, on_gesture.clone()));
            Root::Dialog(dialog)
        };
        if matches!(root, Root::Dialog(_)) {
            surface.set_class_name("modal");
        }
        surface.set_lang(words.lang());
        // Live regions are announced only when they exist before their text does.
        let status = part(document, &panel, "p", "status")?;
        status.set_attribute("role", "status")?;
        let alert = part(document, &panel, "p", "alert")?;
        alert.set_attribute("role", "alert")?;
        let retry = button(document, &panel, "retry", "")?;
        retry.set_hidden(true);
        listeners.push(on_click(&retry, Gesture::Retry, on_gesture));
        let body = part(document, &panel, "div", "body")?;
        body.append_child(&*document.create_element("slot")?)?;

        Ok(Self {
            document: document.clone(),
            root,
            surface,
            status: status.into(),
            alert: alert.into(),
            retry,
            frame: None,
            listeners,
        })
    }

    /// Shows the frame, in place of any other.
    pub(super) fn open_frame(&mut self, url: &str, origin: &str, title: &str, sandbox: Option<&str>) {
        self.frame = None;
        self.frame = Frame::open(&self.document, &self.surface, url, origin, &FrameAttributes { title, sandbox });
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
        let text = words.status(view);
        let (said, silent) = match view {
            View::Failed(_) => (&self.alert, &self.status),
            _ => (&self.status, &self.alert),
        };
        silent.set_text_content(None);
        said.set_text_content(Some(&text));
        let retried = match view {
            View::Failed(code) if code.is_retryable() => Some(words.retry(code)),
            _ => None,
        };
        self.retry.set_hidden(retried.is_none());
        self.retry.set_text_content(retried.as_deref());
        self.surface.set_attribute("data-view", name(view)).ok();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.listeners.clear();
        self.frame = None;
        match &self.root {
            Root::Dialog(dialog) => {
                // Closing first gives the focus back to the opener.
                dialog.close();
                dialog.remove();
            }
            Root::Container => self.surface.remove(),
        }
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

fn html(document: &Document, tag: &str) -> Result<HtmlElement, JsValue> {
    Ok(document.create_element(tag)?.unchecked_into())
}

fn part(document: &Document, parent: &web_sys::Node, tag: &str, name: &str) -> Result<HtmlElement, JsValue> {
    let element = html(document, tag)?;
    element.set_attribute("part", name)?;
    parent.append_child(&element)?;
    Ok(element)
}

fn button(document: &Document, parent: &web_sys::Node, name: &str, text: &str) -> Result<HtmlElement, JsValue> {
    let button = part(document, parent, "button", name)?;
    button.set_attribute("type", "button")?;
    button.set_text_content(Some(text));
    Ok(button)
}

fn shadow(surface: &HtmlElement) -> Result<ShadowRoot, JsValue> {
    let shadow = surface.attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open))?;
    let sheet = CssStyleSheet::new()?;
    sheet.replace_sync(STYLE)?;
    report::set(&shadow, "adoptedStyleSheets", &Array::of1(&sheet));
    Ok(shadow)
}

fn raise_dialog(document: &Document, surface: &HtmlElement, words: &Words) -> Result<HtmlDialogElement, JsValue> {
    let dialog: HtmlDialogElement = document.create_element("dialog")?.unchecked_into();
    dialog.set_attribute("aria-label", &words.title())?;
    // The dialog itself is in the page's reach; `important` keeps the page's styles off it.
    for (property, value) in [
        ("position", "fixed"),
        ("inset", "0"),
        ("width", "100%"),
        ("height", "100%"),
        ("max-width", "none"),
        ("max-height", "none"),
        ("margin", "0"),
        ("border", "0"),
        ("padding", "0"),
        ("background", "none"),
        ("display", "block"),
    ] {
        dialog.style().set_property_with_priority(property, value, "important")?;
    }
    dialog.append_child(surface)?;
    document.body().ok_or(JsValue::NULL)?.append_child(&dialog)?;
    dialog.show_modal()?;
    Ok(dialog)
}

fn on_click(element: &HtmlElement, gesture: Gesture, on_gesture: impl Fn(Gesture) + 'static) -> EventListener {
    EventListener::new(element, "click", move |_| on_gesture(gesture))
}

/// Esc asks to close; the session decides. A browser that closes anyway is closing all the same.
fn on_dismissal(dialog: &HtmlDialogElement, on_gesture: impl Fn(Gesture) + Clone + 'static) -> [EventListener; 2] {
    let on_close = on_gesture.clone();
    [
        EventListener::new_with_options(
            dialog,
            "cancel",
            EventListenerOptions::enable_prevent_default(),
            move |event| {
                event.prevent_default();
                on_gesture(Gesture::Close);
            },
        ),
        EventListener::new(dialog, "close", move |_| on_close(Gesture::Close)),
    ]
}
