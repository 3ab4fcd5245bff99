//! The session's lock among the tabs of this site, by the browser's Web Locks.
//!
//! Invariants: the lock lasts until it is released, and ends with the tab. Without Web Locks (or in a page that may not use them) every request
//! is granted: a second tab is then told by Flinks, not by us. Only the browser can say that another tab has the lock: a slow answer does not
//! say so. A tab that another one took the lock from does not get it back, however late it hears of that.
//!
//! A lock is lost in two ways, with the same error. Another tab took it; or the browser took all locks of this page away, as `WebKit` does when it
//! puts a page into its back-forward cache, and then the tab asks who has the lock now. To tell the two apart, every tab that has a session's lock
//! shares a second one, which nobody ever takes from another: it is lost only with all others.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Navigator, Window};

use super::inbox::{Happened, Inbox};
use super::promise::settled;
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
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn query(this: &LockManager) -> Result<JsValue, JsValue>;
}

/// How long a request waits for a lock that is being released, in milliseconds: closing and opening again at once is no conflict.
const PATIENCE_MS: u32 = 1_000;

/// A lock that is wanted or held. Dropping it releases it.
pub(super) struct TabLock(Option<Rc<Shared>>);

/// The name of the lock that all tabs with a session share.
const COMMON_NAME: &str = "flinks-reconnect";

/// What the requests and their owner share.
struct Shared {
    locks: LockManager,
    name: String,
    inbox: Inbox,
    is_wanted: Cell<bool>,
    is_held: Cell<bool>,
    /// Whether the browser has taken this page's locks away.
    is_evicted: Cell<bool>,
    /// The browser keeps the locks until this promise is resolved.
    released: Promise,
    release: Function,
}

/// Why a request is made.
enum Request {
    /// For a lock that may be free, or that is taken from whoever has it.
    First,
    /// The lock is not free, but may be on its way to be: waits until the signal is aborted.
    Queued(AbortSignal),
    /// The browser took the lock away: who has it now?
    AfterLoss,
}

/// Has the browser prepare its locks, because the first question takes it longest. The answer is nobody's business.
pub(super) fn wake(window: &Window) {
    if let Some(locks) = locks_of(window) {
        settled(locks.query(), drop);
    }
}

fn locks_of(window: &Window) -> Option<LockManager> {
    window.navigator().unchecked_into::<NavigatorWithLocks>().locks()
}

impl TabLock {
    /// Asks for the lock of a session, if need be from the tab that has it. Who has it is reported, now and when it changes.
    pub(super) fn request(window: &Window, session: u64, mode: LockMode, inbox: &Inbox) -> Self {
        let Some(locks) = locks_of(window) else {
            inbox.report(Happened::Lock(LockState::Granted));
            return Self(None);
        };
        // Not `Function::default()`: that is `new Function`, which many pages' policies forbid.
        let mut release = JsValue::UNDEFINED;
        let released = Promise::new(&mut |resolve, _| release = resolve.into());
        let shared = Rc::new(Shared {
            locks,
            name: ["flinks-reconnect:", &session.to_string()].concat(),
            inbox: inbox.clone(),
            is_wanted: Cell::new(true),
            is_held: Cell::new(false),
            is_evicted: Cell::new(false),
            released,
            release: release.unchecked_into(),
        });
        let option = match mode {
            LockMode::IfFree => "ifAvailable",
            LockMode::TakeOver => "steal",
        };
        ask(&shared, &dictionary(&[(option, JsValue::TRUE)]), Request::First);
        Self(Some(shared))
    }
}

impl Drop for TabLock {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else { return };
        shared.is_wanted.set(false);
        // Resolving a promise throws nothing.
        let _ = shared.release.call0(&JsValue::UNDEFINED);
    }
}

impl Shared {
    fn report(&self, state: LockState) {
        if self.is_wanted.get() {
            self.inbox.report(Happened::Lock(state));
        }
    }
}

/// Keeps the lock that is lost only with all others, until the session's is released.
fn share_common_lock(shared: &Rc<Shared>) {
    let released = shared.released.clone();
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |_| released.clone().into());
    let options = dictionary(&[("mode", "shared".into())]);
    let requested = shared.locks.request(COMMON_NAME, &options, granted.as_ref().unchecked_ref());
    let shared = Rc::clone(shared);
    settled(requested, move |ended| {
        // The browser may call it until here.
        drop(granted);
        if ended.is_err() {
            shared.is_evicted.set(true);
        }
    });
}

/// Makes one request, and the one that follows from its end.
fn ask(shared: &Rc<Shared>, options: &Object, request: Request) {
    let is_available = Rc::new(Cell::new(true));
    let granted = {
        let (shared, is_available) = (Rc::clone(shared), Rc::clone(&is_available));
        Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
            if lock.is_null() {
                is_available.set(false);
                return JsValue::UNDEFINED;
            }
            shared.is_held.set(true);
            share_common_lock(&shared);
            shared.report(LockState::Granted);
            shared.released.clone().into()
        })
    };
    let requested = shared.locks.request(&shared.name, options, granted.as_ref().unchecked_ref());
    let shared = Rc::clone(shared);
    settled(requested, move |ended| {
        // The browser may call it until here.
        drop(granted);
        match (ended, request) {
            // Released by its owner.
            (Ok(_), _) if is_available.get() => {}
            _ if !shared.is_wanted.get() => {}
            (Ok(_), Request::AfterLoss) => shared.report(LockState::HeldElsewhere),
            (Ok(_), _) => {
                let signal = AbortSignal::timeout_with_u32(PATIENCE_MS);
                ask(&shared, &dictionary(&[("signal", signal.clone().into())]), Request::Queued(signal));
            }
            (Err(_), _) if shared.is_held.replace(false) => {
                // Once the browser has answered another question, it has told of all locks that this page lost.
                settled(shared.locks.query(), move |_| {
                    if shared.is_evicted.replace(false) {
                        ask(&shared, &dictionary(&[("ifAvailable", JsValue::TRUE)]), Request::AfterLoss);
                    } else {
                        shared.report(LockState::HeldElsewhere);
                    }
                });
            }
            (Err(_), Request::Queued(signal)) if signal.aborted() => shared.report(LockState::HeldElsewhere),
            // The browser has locks, but not for this page.
            (Err(_), _) => shared.report(LockState::Granted),
        }
    });
}
