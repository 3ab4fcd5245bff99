//! What the browser is asked for: its clocks, random bits, the page's language, its URL parser.

use js_sys::{Array, Date};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Url, Window};

use crate::session::PageState;
use flinks_connect::address::ParsedUrl;
use flinks_connect::id::AttemptId;

/// What a session needs of its browser.
pub(super) struct Browser {
    pub(super) window: Window,
    performance: web_sys::Performance,
}

impl Browser {
    /// The browser, if it has what a session needs.
    pub(super) fn new() -> Option<Self> {
        let window = web_sys::window()?;
        let performance = window.performance()?;
        Some(Self { window, performance })
    }

    /// The monotonic clock and the wall clock, in milliseconds.
    pub(super) fn clocks(&self) -> (f64, f64) {
        (self.performance.now(), Date::now())
    }

    /// Whether the browser believes that there is a network.
    pub(super) fn is_online(&self) -> bool {
        self.window.navigator().on_line()
    }

    /// Whether somebody may be looking at the page. A frame in it may have the focus, which then is the page's, too.
    pub(super) fn page_state(&self) -> PageState {
        match self.window.document() {
            Some(document) if document.hidden() && !document.has_focus().unwrap_or(false) => PageState::Hidden,
            _ => PageState::Visible,
        }
    }

    /// The page's own language; empty where it names none.
    pub(super) fn page_language(&self) -> String {
        let root = self.window.document().and_then(|document| document.document_element());
        root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
    }

    /// An attempt's id of 128 random bits, where the browser has any.
    pub(super) fn random_attempt_id(&self) -> Option<AttemptId> {
        let mut bytes = [0; 16];
        self.window.crypto().ok()?.get_random_values_with_u8_array(&mut bytes).ok()?;
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        AttemptId::parse(&digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect::<String>())
    }
}

/// A URL by the browser's own parser, the one that will load it.
pub(super) fn parse_url(address: &str, base: Option<&str>) -> Option<ParsedUrl> {
    let url = match base {
        Some(base) => Url::new_with_base(address, base).ok()?,
        None => Url::new(address).ok()?,
    };
    let href = url.href();
    let place = href.split(['?', '#']).next().unwrap_or_default().to_owned();
    let query = url.search_params().entries().into_iter().filter_map(Result::ok).map(|pair| {
        let pair: Array = pair.unchecked_into();
        (text(&pair.get(0)), text(&pair.get(1)))
    });
    Some(ParsedUrl {
        scheme: url.protocol(),
        host: url.hostname(),
        origin: url.origin(),
        is_bare: place.len() == href.len(),
        has_credentials: !url.username().is_empty() || !url.password().is_empty(),
        query: query.collect(),
        place,
    })
}

fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}
