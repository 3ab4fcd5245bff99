//! The exported class: what the façade in `www/sdk` sees of all this.

use std::rc::Rc;

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use super::driver::{Browser, Driver};
use super::frame::SANDBOX;
use super::host::Host;
use super::report;
use super::value::{HostObject, parse_url};
use super::words::Words;
use crate::connect::id::AttemptId;
use crate::session::{Clock, Entropy, ErrorCode, Failure, Input, InvalidOption, Options, Phase, Session};

/// One session. Its methods may be called at any time, in any order, also from inside its own events.
#[wasm_bindgen]
pub struct Widget {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Widget {
    /// Proves the options and prepares a session; `sink` will hear `(name, detail)`.
    ///
    /// Throws the fields of a `ReconnectError`.
    pub fn create(options: &JsValue, sink: Function) -> Result<Widget, JsValue> {
        let window = web_sys::window().ok_or_else(|| refusal(ErrorCode::Unsupported))?;
        let document = window.document().ok_or_else(|| refusal(ErrorCode::Unsupported))?;
        let given = HostObject(options);
        let document_language =
            document.document_element().and_then(|root| root.get_attribute("lang")).unwrap_or_default();
        let proved =
            Options::read(&given, &document_language, parse_url).map_err(|invalid| report::invalid_option(&invalid))?;

        let raw_container = given.raw("container");
        let container = match raw_container.as_string() {
            Some(selector) => Some(document.query_selector(&selector).ok().flatten().ok_or_else(no_container)?),
            None => raw_container.dyn_into::<Element>().ok(),
        };
        let sandbox = given.raw("sandbox");
        let browser = Browser {
            container,
            sandbox: if sandbox.is_null() {
                None
            } else {
                Some(sandbox.as_string().unwrap_or_else(|| SANDBOX.to_owned()))
            },
            words: Words::new(proved.language, &given),
            sink,
            document,
            window: window.clone(),
        };
        let entropy = entropy(&window).ok_or_else(|| refusal(ErrorCode::Unsupported))?;
        let host = Host::new(window, &given, &proved);
        let (monotonic_ms, wall_ms) = browser.clocks();
        let session = Session::new(0, proved, entropy, parse_url);
        Ok(Self { driver: Driver::new(session, Clock::new(monotonic_ms, wall_ms), browser, host) })
    }

    /// Begins, once the façade is ready to hear.
    pub fn begin(&self) {
        self.driver.feed(Input::Begin);
    }

    /// The page closes the session.
    pub fn close(&self) {
        self.driver.feed(Input::HostClosed);
    }

    /// Another try, where the failure allows one.
    pub fn retry(&self) {
        self.driver.feed(Input::Retry);
    }

    /// When the session at Flinks is estimated to die, in epoch milliseconds.
    #[must_use]
    #[wasm_bindgen(getter, js_name = expiresAt)]
    pub fn expires_at(&self) -> Option<f64> {
        self.driver.expires_at()
    }
}

fn refusal(code: ErrorCode) -> JsValue {
    report::failure(&Failure::new(code, Phase::Starting))
}

fn no_container() -> JsValue {
    report::invalid_option(&InvalidOption {
        name: "container".into(),
        expected: "expected an element or a selector that finds one on the page".into(),
    })
}

/// 128 random bits for the attempt's name, 64 for the jitter.
fn entropy(window: &web_sys::Window) -> Option<Entropy> {
    let random = Uint8Array::new_with_length(24);
    window.crypto().ok()?.get_random_values_with_js_u8_array(&random).ok()?;
    let bytes = random.to_vec();
    let (name, seed) = bytes.split_at_checked(16)?;
    let digits = b"0123456789abcdef";
    let attempt_id: String = name
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| digits.get(usize::from(digit)).copied().map(char::from))
        .collect();
    Some(Entropy { attempt_id: AttemptId::parse(&attempt_id)?, seed: u64::from_le_bytes(seed.try_into().ok()?) })
}
