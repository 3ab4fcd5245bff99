//! A running sandbox: two listeners over one world.
//!
//! Invariants: when `start` has returned, both addresses answer; when `stop` has returned, neither does; dropping a sandbox stops it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use flinks_connect::code;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::reply::Reply;
use crate::config::{Config, StartError};
use crate::faults::{Faults, Invalid};
use crate::log::Entry;
use crate::scenario;
use crate::state::webhook::Webhook;
use crate::world::{Time, World};
use crate::{api, control, deliver, page, snapshot};

/// How long open connections may take to finish.
const GRACE: Duration = Duration::from_secs(2);

/// A local Flinks that is running.
#[derive(Debug)]
pub struct Sandbox {
    world: World,
    config: Config,
    connect: SocketAddr,
    api: SocketAddr,
    // Dropped, it tells everything to finish.
    stop: watch::Sender<()>,
    servers: [JoinHandle<()>; 4],
}

impl Sandbox {
    /// Starts a sandbox.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let (world, keeper) = snapshot::load(config.settings()?, config.state_file.as_deref())?;
        let connect = listen("--connect", config.connect).await?;
        let api = listen("--api", config.api).await?;
        let (stop, stopped) = watch::channel(());
        let places = control::Places { connect: connect.address };
        let connect_routes = page::routes().merge(control::routes(places)).with_state(world.clone());
        let api_routes = api::routes().merge(control::routes(places)).fallback(nowhere).with_state(world.clone());
        Ok(Self {
            connect: connect.address,
            api: api.address,
            servers: [
                tokio::spawn(serve(connect.listener, connect_routes, stopped.clone())),
                tokio::spawn(serve(api.listener, api_routes, stopped.clone())),
                tokio::spawn(deliver::run(world.clone(), stopped.clone())),
                tokio::spawn(snapshot::keep(world.clone(), keeper, stopped)),
            ],
            world,
            config,
            stop,
        })
    }

    /// The Connect page, from this machine: `http://127.0.0.1:PORT/v2/`.
    #[must_use]
    pub fn connect_url(&self) -> String {
        control::Places { connect: self.connect }.connect_url()
    }

    /// The API's base from this machine, before `/v3/…`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", control::reachable(self.api))
    }

    /// How it was set up, keys included.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Pushes the clock forward.
    pub fn advance_ms(&self, by_ms: u64) -> Result<Time, Invalid> {
        control::leap(&self.world, by_ms)
    }

    /// The sandbox's time, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.world.with(|_, now_ms| now_ms)
    }

    /// Replaces all faults; `&Faults::default()` means that everything works.
    pub fn set_faults(&self, faults: &Faults) -> Result<(), Invalid> {
        control::replace_faults(&self.world, faults)
    }

    /// Sends webhooks there from now on; none stops them.
    pub fn set_webhook(&self, webhook: Option<Webhook>) -> Result<(), Invalid> {
        control::set_target(&self.world, webhook)
    }

    /// Sets up the scenario of that name, after a reset.
    pub fn set_scenario(&self, name: &str) -> Result<scenario::Ready, Invalid> {
        control::set_up(&self.world, &self.connect_url(), name)
    }

    /// Back to the beginning: seeded logins, no sessions, no faults, an empty log, the real time.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// What was received and posted since the start or the last reset.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.world.with(|state, _| state.log.entries())
    }

    /// The `step` (or `flinksCode`) of every event posted, in order.
    #[must_use]
    pub fn posted(&self) -> Vec<String> {
        self.log().iter().filter_map(Entry::posted_name).collect()
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) {
        let Self { stop, servers, .. } = self;
        drop(stop);
        for server in servers {
            let abort = server.abort_handle();
            if tokio::time::timeout(GRACE, server).await.is_err() {
                abort.abort();
            }
        }
    }
}

struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

async fn listen(flag: &'static str, address: SocketAddr) -> Result<Listening, StartError> {
    let failed = |error: io::Error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => format!("{address} is in use already"),
            io::ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine"),
            io::ErrorKind::PermissionDenied => format!("listening on {address} is not permitted"),
            _ => format!("cannot listen on {address}: {error}"),
        };
        StartError { flag, reason }
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listening { listener, address })
}

/// Routes as the sandbox serves them: a handler that panics is one answer of 500.
pub fn served(routes: Router) -> Router {
    routes.layer(CatchPanicLayer::new())
}

async fn serve(listener: TcpListener, routes: Router, mut stopped: watch::Receiver<()>) {
    let stop = async move {
        // An error is the sign: the sandbox that held the sender is gone.
        while stopped.changed().await.is_ok() {}
    };
    if let Err(error) = axum::serve(listener, served(routes)).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "a listener of the sandbox failed");
    }
}

/// What is no endpoint is answered as Flinks would, not as a web server.
async fn nowhere() -> (axum::http::StatusCode, axum::Json<serde_json::Value>) {
    let reply = Reply::error(code::METHOD_NOT_AVAILABLE);
    (axum::http::StatusCode::BAD_REQUEST, axum::Json(reply.body))
}
