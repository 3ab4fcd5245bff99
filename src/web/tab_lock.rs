//! The session's lock among the tabs of this site, by the browser's Web Locks.
//!
//! Invariants: the lock lasts until it is released, and ends with the tab. Without Web Locks (or in a page that may not use them) every request
//! is granted: a second tab is then told by Flinks, not by us. Only the browser can say that another tab has the lock: a slow answer does not
//! say so, and where the browser takes a lock away (`WebKit` does from a page in its back-forward cache) it is asked who has it now.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, Navigator, Window};

use super::inbox::{Happened, Inbox};
use super::report::dictionary;
use crate::session::{LockMode, LockState};

#[wasm_bindgen]
extern "C" {
    /// `navigator` with its locks, which web-sys has as an unstable interface only.
    #[wasm_bindgen(extends = Navigator)]
    type NavigatorWithLocks;
    #[wasm_bindgen(method, getter)]
    fn locks(this: &NavigatorWithLocks) -> Option<LockManager>;

    type LockManager;
    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<Promise, JsValue>;
}

/// How long a request waits for a lock that is being released, in milliseconds: closing and opening again at once is no conflict.
const PATIENCE_MS: u32 = 1_000;

/// A lock that is wanted or held. Dropping it releases it.
pub(super) struct TabLock(Rc<Shared>);

/// What the request and its owner share.
struct Shared {
    name: String,
    inbox: Inbox,
    is_wanted: Cell<bool>,
    is_held: Cell<bool>,
    release: RefCell<Option<Function>>,
}

/// How one request ended.
enum Ended {
    /// The owner released the lock.
    Released,
    /// Another tab has the lock.
    HeldElsewhere,
    /// The browser refused the request, gave it up when its time was over, or took the lock away.
    Refused,
}

/// Has the browser prepare its locks, because the first question takes it longest. The answer is nobody's business.
pub(super) fn wake(window: &Window) {
    if let Some(locks) = locks_of(window)
        && let Ok(answer) = locks.query()
    {
        spawn_local(async move { drop(JsFuture::from(answer).await) });
    }
}

fn locks_of(window: &Window) -> Option<LockManager> {
    window.navigator().unchecked_into::<NavigatorWithLocks>().locks()
}

impl TabLock {
    /// Asks for the lock of a session, if need be from the tab that has it. Who has it is reported, now and when it changes.
    pub(super) fn request(window: &Window, session: u64, mode: LockMode, inbox: &Inbox) -> Self {
        let shared = Rc::new(Shared {
            name: ["flinks-reconnect:", &session.to_string()].concat(),
            inbox: inbox.clone(),
            is_wanted: Cell::new(true),
            is_held: Cell::new(false),
            release: RefCell::default(),
        });
        match locks_of(window) {
            Some(locks) => spawn_local(hold(Rc::clone(&shared), locks, mode)),
            None => shared.report(LockState::Granted),
        }
        Self(shared)
    }
}

impl Drop for TabLock {
    fn drop(&mut self) {
        self.0.is_wanted.set(false);
        if let Some(release) = self.0.release.take() {
            // Resolving a promise throws nothing.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

impl Shared {
    fn report(&self, state: LockState) {
        if self.is_wanted.get() {
            self.inbox.report(Happened::Lock(state));
        }
    }
}

/// Asks until the lock is released or another tab has it.
async fn hold(shared: Rc<Shared>, locks: LockManager, mode: LockMode) {
    let if_available = || dictionary(&[("ifAvailable", JsValue::TRUE)]);
    let mut options = match mode {
        LockMode::IfFree => if_available(),
        LockMode::TakeOver => dictionary(&[("steal", JsValue::TRUE)]),
    };
    let mut waiting: Option<AbortSignal> = None;
    while shared.is_wanted.get() {
        match ask(&shared, &locks, &options).await {
            Ended::Released => return,
            Ended::HeldElsewhere => {
                let signal = AbortSignal::timeout_with_u32(PATIENCE_MS);
                options = dictionary(&[("signal", signal.clone().into())]);
                waiting = Some(signal);
            }
            Ended::Refused if shared.is_held.replace(false) => options = if_available(),
            Ended::Refused => {
                let is_late = waiting.is_some_and(|signal| signal.aborted());
                return shared.report(if is_late { LockState::HeldElsewhere } else { LockState::Granted });
            }
        }
    }
}

/// One request, to its end.
async fn ask(shared: &Rc<Shared>, locks: &LockManager, options: &Object) -> Ended {
    let is_available = Rc::new(Cell::new(true));
    let granted = {
        let (shared, is_available) = (Rc::clone(shared), Rc::clone(&is_available));
        // The browser keeps the lock until the promise settles that this returns.
        Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
            if lock.is_null() {
                is_available.set(false);
            }
            if lock.is_null() || !shared.is_wanted.get() {
                return JsValue::UNDEFINED;
            }
            shared.is_held.set(true);
            let kept = Promise::new(&mut |release, _| {
                shared.release.replace(Some(release));
            });
            shared.report(LockState::Granted);
            kept.into()
        })
    };
    let Ok(request) = locks.request(&shared.name, options, granted.as_ref().unchecked_ref()) else {
        return Ended::Refused;
    };
    match JsFuture::from(request).await {
        Ok(_) if is_available.get() => Ended::Released,
        Ok(_) => Ended::HeldElsewhere,
        Err(_) => Ended::Refused,
    }
}
