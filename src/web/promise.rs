//! What a function of somebody else's returned, heard once it is known.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;

/// What a call came to: the value, or what was thrown.
pub(super) type Came = Result<JsValue, JsValue>;

/// Hears how a promise ends.
type Reaction = Closure<dyn FnMut(JsValue)>;

/// Who waits, and the reactions of the promise that is waited for: one that is dropped before it is called would throw.
type Waiting = (Box<dyn FnOnce(Came)>, [Reaction; 2]);

/// Calls `hear` with what `returned` comes to, be it a value, a promise or what was thrown. Never at once, and once.
pub(super) fn settled(returned: Came, hear: impl FnOnce(Came) + 'static) {
    wait(returned, Box::new(hear));
}

/// Not generic, so the module has one copy of it.
fn wait(returned: Came, hear: Box<dyn FnOnce(Came)>) {
    let promise = match returned {
        Ok(value) => Promise::resolve(&value),
        Err(thrown) => Promise::reject(&thrown),
    };
    let waiting: Rc<RefCell<Option<Waiting>>> = Rc::default();
    let reaction = |came: fn(JsValue) -> Came| {
        let waiting = Rc::clone(&waiting);
        Reaction::new(move |value| {
            if let Some((hear, _reactions)) = waiting.take() {
                hear(came(value));
            }
        })
    };
    let reactions = [reaction(Ok), reaction(Err)];
    let [fulfilled, rejected] = &reactions;
    let _ = promise.then2(fulfilled, rejected);
    waiting.replace(Some((hear, reactions)));
}
