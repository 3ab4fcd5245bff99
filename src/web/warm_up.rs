//! What the user would wait for later, asked for while the backend is asked: the connection to Connect's server, and the page's first Web Lock, which
//! takes a browser 25 ms.
//!
//! Invariant: nothing is loaded and no lock is asked for by name; the frame's address is set only when the session's lock is granted.

use wasm_bindgen::JsValue;
use web_sys::{Element, Window};

use super::tab_lock;

/// Until it is dropped, the page names Connect's server as one that it will need.
pub(super) struct WarmUp(Option<Element>);

impl WarmUp {
    /// `origin` is Connect's, where it is known before the backend has answered.
    pub(super) fn new(window: &Window, origin: Option<&str>) -> Self {
        tab_lock::wake(window);
        // Only a hint: a page where it cannot be given works all the same.
        Self(origin.and_then(|origin| preconnect(window, origin).ok().flatten()))
    }
}

fn preconnect(window: &Window, origin: &str) -> Result<Option<Element>, JsValue> {
    let Some(document) = window.document() else { return Ok(None) };
    let Some(head) = document.head() else { return Ok(None) };
    let link = document.create_element("link")?;
    link.set_attribute("rel", "preconnect")?;
    link.set_attribute("href", origin)?;
    head.append_child(&link)?;
    Ok(Some(link))
}

impl Drop for WarmUp {
    fn drop(&mut self) {
        if let Some(link) = &self.0 {
            link.remove();
        }
    }
}
