//! The claim on a session among the tabs of this site, by the browser's Web Locks.
//!
//! Invariant: a claim lasts as long as its [`Hold`], and ends with the tab. A browser without locks (or a page that is no secure context) holds
//! everything at once: a second tab is then told by Flinks, not by us.

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::page::{self, Callback};
use crate::session::{Claim, Holding};

/// A claim, granted or not yet; dropping it lets go, and nothing more is heard of it.
pub(super) struct Hold {
    release: Function,
    _answer: Callback,
}

impl Hold {
    /// Claims `name`; `answer` hears where the claim stands, now and when it is lost.
    pub(super) fn claim(name: &str, claim: Claim, answer: impl Fn(Holding) + 'static) -> Self {
        // `page.js` has the same numbers.
        let answer = Callback::new(move |standing: JsValue| {
            answer(if standing == 0.0 {
                Holding::Held
            } else if standing == 1.0 {
                Holding::Busy
            } else {
                Holding::Lost
            });
        });
        Self { release: page::claim(name, claim == Claim::TakeOver, &answer), _answer: answer }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // A function of ours, which does not throw.
        self.release.call0(&JsValue::UNDEFINED).ok();
    }
}
