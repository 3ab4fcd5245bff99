//! The exported class: what the façade in `www/sdk` sees of all this.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::driver::{Driver, clocks};
use super::page::{self, Hold, Host, Page, Stage};
use super::value::{parse_url, properties, text};
use crate::session::{Clock, Options, Session};
use flinks_connect::id::AttemptId;
use flinks_connect::parameters::Language;

/// One session. The façade lets one thing happen to it at a time; what its events lead to comes after.
#[wasm_bindgen]
pub struct Widget(Driver);

#[wasm_bindgen]
impl Widget {
    /// Proves the options and prepares a session; `page` will hear of it.
    ///
    /// Throws the name of a wrong option, or undefined where the browser cannot run a session at all.
    pub fn create(options: &JsValue, page: Page) -> Result<Widget, JsValue> {
        let surroundings = page::surroundings();
        let proved = Options::read(&properties(options), &text(&surroundings, 0), parse_url)
            .map_err(|invalid| JsValue::from_str(&invalid.0))?;
        let stage =
            Stage::on(options, &page, proved.language == Language::Fr).ok_or_else(|| JsValue::from_str("container"))?;
        let attempt_id = AttemptId::parse(&text(&surroundings, 1)).ok_or(JsValue::UNDEFINED)?;
        let (monotonic_ms, wall_ms) = clocks();
        Ok(Self(Driver {
            session: RefCell::new(Session::new(0, proved, attempt_id, parse_url)),
            clock: Cell::new(Clock::new(monotonic_ms, wall_ms)),
            host: Host::new(options, &page),
            hold: Hold::new(&page),
            page,
            stage,
            alarm: RefCell::default(),
        }))
    }

    /// Takes in what happened (the numbers are those of `inputs.js`), and says whether the session is over: nothing can happen to it any more
    /// but a retry by the page.
    pub fn hear(&self, kind: u32, number: u32, value: &JsValue) -> bool {
        self.0.hear(kind, number, value);
        self.0.session.borrow().is_over()
    }

    /// When the session at Flinks is estimated to die, in epoch milliseconds, or NaN.
    #[must_use]
    #[wasm_bindgen(getter, js_name = expiresAt)]
    pub fn expires_at(&self) -> f64 {
        self.0.expires_at()
    }
}
