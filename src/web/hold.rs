//! The claim on a session among the tabs of this site, by the browser's Web Locks.
//!
//! Invariant: a claim lasts as long as its [`Hold`], and ends with the tab. A browser without locks (or a page that is no secure context) holds
//! everything at once: a second tab is then told by Flinks, not by us.

use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Window;

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

/// Claims `name`; `answer` hears where the claim stands, now and when it is lost.
pub(super) fn claim_session(
    window: &Window,
    name: &str,
    claim: Claim,
    answer: impl Fn(Holding, Option<Hold>) + 'static,
) {
    let answer = Rc::new(answer);
    let locks = Reflect::get(&window.navigator(), &"locks".into()).unwrap_or(JsValue::UNDEFINED);
    if !locks.is_object() {
        let answer = Rc::clone(&answer);
        // Later, as a lock's answer would come.
        return spawn_local(async move { answer(Holding::Held, None) });
    }
    let options = Object::new();
    let how = match claim {
        Claim::IfFree => "ifAvailable",
        Claim::TakeOver => "steal",
    };
    report::set(&options, how, &JsValue::TRUE);
    let granted = Rc::clone(&answer);
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            granted(Holding::Busy, None);
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        // The lock lasts until this promise settles.
        let until = Promise::new(&mut |resolve, _| release = Some(Hold(resolve.unchecked_into())));
        granted(Holding::Held, release);
        until.into()
    });
    match locks.unchecked_into::<LockManager>().request(name, &options, granted.unchecked_ref()) {
        Ok(end) => spawn_local(async move {
            if JsFuture::from(end).await.is_err() {
                answer(Holding::Lost, None);
            }
        }),
        Err(_) => spawn_local(async move { answer(Holding::Held, None) }),
    }
}
