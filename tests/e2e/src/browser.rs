//! The browsers of this program: each is started when a test first wants it, and kept for the tests after it.
//!
//! Starting a browser and its driver takes longer than most tests. So a test gets a window of its own in a browser that is there already; its servers
//! have ports, and so origins, of their own.
//!
//! Invariants: a test begins in an empty window, and every other one is closed; the browser of a test that failed goes with it, so no test
//! suffers from another's failure; no browser outlives this program, however that ends.

use std::future::poll_fn;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use serde_json::json;
use thirtyfour::WebDriver;

use crate::engine::{DriverProcess, Engine, Network, Wishes, launch};
use crate::world::Result;

/// The browsers that no test uses at present.
static KEPT: Mutex<Vec<Browser>> = Mutex::new(Vec::new());

/// A running browser.
pub(crate) struct Browser {
    /// Its driver's client.
    pub(crate) client: WebDriver,
    /// Where its proxy is expected to answer; none when it uses this machine's network.
    pub(crate) proxy: Option<TcpListener>,
    kind: Kind,
    _process: DriverProcess,
}

/// What a browser was started with; another kind needs another browser.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    network: Network,
    wishes: Wishes,
}

/// Runs a test in a window of its own. However the test ends, the next one finds an empty window.
pub(crate) async fn in_own_window(
    engine: Engine,
    network: Network,
    wishes: Wishes,
    test: impl AsyncFnOnce(&Browser) -> Result<()>,
) -> Result<()> {
    let browser = Browser::take(engine, Kind { network, wishes: engine.started_with(wishes) }).await?;
    if engine == Engine::Chromium {
        browser.wish(wishes).await?;
    }
    match to_its_end(test(&browser)).await {
        Ok(Ok(())) => {
            browser.keep(engine).await;
            Ok(())
        }
        Ok(failed) => {
            browser.quit().await;
            failed
        }
        Err(panic) => {
            browser.quit().await;
            resume_unwind(panic)
        }
    }
}

impl Browser {
    async fn take(engine: Engine, kind: Kind) -> Result<Self> {
        let kept = {
            let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter().position(|browser| browser.kind == kind).map(|place| all.swap_remove(place))
        };
        if let Some(browser) = kept {
            // It may have crashed since.
            if browser.client.windows().await.is_ok() {
                return Ok(browser);
            }
            println!("{engine} is gone; another one is started");
            browser.quit().await;
        }
        let proxy = match kind.network {
            Network::Real => None,
            Network::Proxied => Some(TcpListener::bind("127.0.0.1:0")?),
        };
        let port = proxy.as_ref().map(TcpListener::local_addr).transpose()?.map(|address| address.port());
        let (process, client) = launch(engine, port, kind.wishes).await?;
        Ok(Self { client, proxy, kind, _process: process })
    }

    /// Has the window's pages believe in these wishes. Chromium only: it can change its mind while it runs, window by window.
    async fn wish(&self, wishes: Wishes) -> Result<()> {
        let features = match wishes {
            Wishes::Usual => return Ok(()),
            Wishes::DarkAndStill => json!([
                {"name": "prefers-color-scheme", "value": "dark"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]),
            Wishes::OwnColours => json!([{"name": "forced-colors", "value": "active"}]),
        };
        self.client.cdp().send_raw("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
        Ok(())
    }

    /// Leaves an empty window for the next test. A browser that only one or two tests want is not kept.
    async fn keep(self, engine: Engine) {
        if self.kind.wishes != Wishes::Usual {
            return self.quit().await;
        }
        match self.empty().await {
            Ok(()) => KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(self),
            Err(error) => {
                println!("the windows of {engine} cannot be closed ({error}); another one is started");
                self.quit().await;
            }
        }
    }

    /// Closes every window, popups too: with them go the locks, timers and connections of their pages, and what was set for a window only.
    async fn empty(&self) -> Result<()> {
        let used = self.client.windows().await?;
        // The present window may be gone, and a driver opens another one only from one that is there.
        if let Some(first) = used.first() {
            self.client.switch_to_window(first.clone()).await?;
        }
        let empty = self.client.new_tab().await?;
        for window in used {
            self.client.switch_to_window(window).await?;
            self.client.close_window().await?;
        }
        Ok(self.client.switch_to_window(empty).await?)
    }

    /// Ends the browser: one that is merely dropped waits for its driver for ever.
    async fn quit(self) {
        // One that has crashed cannot be asked; its driver's end ends what is left of it.
        self.client.quit().await.ok();
    }
}

/// What a test ends with, be it an assertion that fails.
async fn to_its_end(test: impl Future<Output = Result<()>>) -> std::thread::Result<Result<()>> {
    let mut test = pin!(test);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Ok(outcome)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
