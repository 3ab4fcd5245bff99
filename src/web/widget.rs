//! The exported class: what the façade in `www/sdk` sees of all this.

use std::cell::{Cell, RefCell};

use js_sys::Math;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::driver::{Driver, clocks};
use super::page::{self, Hold, Host, Page, Stage};
use super::value::{HostObject, parse_url};
use crate::connect::id::AttemptId;
use crate::connect::parameters::Language;
use crate::session::{Clock, Entropy, Options, Session};

/// One session. The façade lets one thing happen to it at a time; what its events lead to comes after.
#[wasm_bindgen]
pub struct Widget(Driver);

#[wasm_bindgen]
impl Widget {
    /// Proves the options and prepares a session; `page` will hear of it.
    ///
    /// Throws the name of a wrong option, or undefined where the browser cannot run a session at all.
    pub fn create(options: &JsValue, page: Page) -> Result<Widget, JsValue> {
        let proved = Options::read(&HostObject(options), &page::language(), parse_url)
            .map_err(|invalid| JsValue::from_str(&invalid.0))?;
        let stage =
            Stage::on(options, &page, proved.language == Language::Fr).ok_or_else(|| JsValue::from_str("container"))?;
        let name = page::random_name().ok_or(JsValue::UNDEFINED)?;
        // 128 random bits for the attempt's name; the jitter only spreads load.
        let attempt_id = AttemptId::parse(&name).ok_or(JsValue::UNDEFINED)?;
        let entropy = Entropy { attempt_id, seed: Math::random().to_bits() };
        let (monotonic_ms, wall_ms) = clocks();
        Ok(Self(Driver {
            session: RefCell::new(Session::new(0, proved, entropy, parse_url)),
            clock: Cell::new(Clock::new(monotonic_ms, wall_ms)),
            host: Host::new(options, &page),
            hold: Hold::new(&page),
            page,
            stage,
            reply: RefCell::new(JsValue::NULL),
            listeners: RefCell::default(),
            alarm: RefCell::default(),
        }))
    }

    /// Takes in what happened (the numbers are those of `inputs.js`), and says whether the session is over: nothing can happen to it any more
    /// but a retry by the page.
    pub fn hear(&self, kind: u32, number: u32, value: &JsValue) -> bool {
        self.0.hear(kind, number, value);
        self.0.session.borrow().is_over()
    }

    /// When the session at Flinks is estimated to die, in epoch milliseconds.
    #[must_use]
    #[wasm_bindgen(getter, js_name = expiresAt)]
    pub fn expires_at(&self) -> Option<f64> {
        self.0.expires_at()
    }
}
