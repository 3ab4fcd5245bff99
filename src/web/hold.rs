//! The claim on a session among the tabs of this site, by the browser's Web Locks.
//!
//! Invariant: a claim lasts as long as its [`Hold`], and ends with the tab. A browser without locks (or a page that is no secure context) holds
//! everything at once: a second tab is then told by Flinks, not by us.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, Window};

use super::report;
use crate::session::{Claim, Holding};

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
}

/// A claim; dropping it lets go.
pub(super) struct Hold(Function);

impl Drop for Hold {
    fn drop(&mut self) {
        // The resolving function of a promise cannot throw.
        self.0.call0(&JsValue::UNDEFINED).ok();
    }
}

/// How long a claim waits for one that is being let go, in milliseconds: closing and opening again at once is no conflict.
const PATIENCE_MS: u32 = 300;

/// Claims `name`; `answer` hears where the claim stands, now and when it is lost.
pub(super) fn claim_session(
    window: &Window,
    name: &str,
    claim: Claim,
    answer: impl Fn(Holding, Option<Hold>) + 'static,
) {
    let answer = Rc::new(answer);
    let locks = Reflect::get(&window.navigator(), &"locks".into()).unwrap_or(JsValue::UNDEFINED);
    let options = Object::new();
    match claim {
        Claim::IfFree => report::set(&options, "signal", &AbortSignal::timeout_with_u32(PATIENCE_MS)),
        Claim::TakeOver => report::set(&options, "steal", &JsValue::TRUE),
    }
    let is_held = Rc::new(Cell::new(false));
    let granted = Closure::once({
        let (answer, is_held) = (Rc::clone(&answer), Rc::clone(&is_held));
        move || -> Promise {
            is_held.set(true);
            let mut hold = None;
            // The lock lasts until this promise settles.
            let until = Promise::new(&mut |resolve, _| hold = Some(Hold(resolve.unchecked_into())));
            answer(Holding::Held, hold);
            until
        }
    });
    let end = locks.dyn_into::<Object>().and_then(|locks| {
        locks.unchecked_into::<LockManager>().request(name, &options, granted.as_ref().unchecked_ref())
    });
    spawn_local(async move {
        // Ours until the claim is over: a claim that is never granted never calls it.
        let _granted = granted;
        match end {
            Ok(end) => {
                if JsFuture::from(end).await.is_err() {
                    answer(if is_held.get() { Holding::Lost } else { Holding::Busy }, None);
                }
            }
            // No locks here.
            Err(_) => answer(Holding::Held, None),
        }
    });
}
