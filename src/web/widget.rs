//! The exported class: what the façade in `www/sdk` sees of all this.

use std::rc::Rc;

use js_sys::{Function, Math};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::driver::{Browser, Driver, clocks};
use super::frame::SANDBOX;
use super::host::Host;
use super::page;
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
        let given = HostObject(options);
        let proved =
            Options::read(&given, &page::language(), parse_url).map_err(|invalid| report::invalid_option(&invalid))?;
        let container = page::raw(options, "container");
        let container =
            if container.is_undefined() { None } else { Some(page::place(&container).ok_or_else(no_container)?) };
        let sandbox = page::raw(options, "sandbox");
        let browser = Browser {
            container,
            sandbox: if sandbox.is_null() {
                None
            } else {
                Some(sandbox.as_string().unwrap_or_else(|| SANDBOX.to_owned()))
            },
            words: Words::new(proved.language, &given),
            sink,
        };
        let (monotonic_ms, wall_ms) = clocks();
        let session = Session::new(0, proved, entropy().ok_or_else(unsupported)?, parse_url);
        Ok(Self { driver: Driver::new(session, Clock::new(monotonic_ms, wall_ms), browser, Host::new(options)) })
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

fn unsupported() -> JsValue {
    report::failure(&Failure::new(ErrorCode::Unsupported, Phase::Starting))
}

fn no_container() -> JsValue {
    report::invalid_option(&InvalidOption {
        name: "container".into(),
        expected: "expected an element or a selector that finds one on the page".into(),
    })
}

/// 128 random bits for the attempt's name; the jitter only spreads load.
fn entropy() -> Option<Entropy> {
    Some(Entropy { attempt_id: AttemptId::parse(&page::random_name()?)?, seed: Math::random().to_bits() })
}
