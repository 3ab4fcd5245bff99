//! A running sandbox: two listeners over one world.
//!
//! Invariants: when `start` has returned, both addresses answer; when `stop` has returned, neither does; dropping a sandbox stops it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::{Config, StartError};
use crate::faults::{Faults, Invalid};
use crate::log::Entry;
use crate::scenario;
use crate::state::webhook::Webhook;
use crate::world::{Time, World};
use crate::{api, control, deliver, keeper, routes};

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
        let (world, kept) = keeper::load(config.settings()?, config.state_file.as_deref())?;
        let connect = listen("--connect", config.connect).await?;
        let api = listen("--api", config.api).await?;
        let (stop, stopped) = watch::channel(());
        let places = Config { connect: connect.address, ..config.clone() }.places();
        let connect_routes = routes::connect(&world, places.clone());
        let api_routes = routes::api(&world, places).layer(from_fn_with_state(world.clone(), hold_back));
        Ok(Self {
            connect: connect.address,
            api: api.address,
            servers: [
                tokio::spawn(serve(connect.listener, connect_routes, stopped.clone())),
                tokio::spawn(serve(api.listener, api_routes, stopped.clone())),
                tokio::spawn(deliver::run(world.clone(), stopped.clone())),
                tokio::spawn(keeper::keep(world.clone(), kept, stopped)),
            ],
            world,
            config,
            stop,
        })
    }

    /// The Connect page, from this machine: `http://127.0.0.1:PORT/v2/`.
    #[must_use]
    pub fn connect_url(&self) -> String {
        Config { connect: self.connect, ..self.config.clone() }.connect_url()
    }

    /// The API's base from this machine, before `/v3/…`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", control::reachable(self.api))
    }

    /// What the binary says of it.
    #[must_use]
    pub fn announcement(&self) -> String {
        self.config.announcement(&self.connect_url(), &self.api_url())
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

/// Waits where Flinks or the bank is slow: before a call, in real time; before its answer, on the sandbox's clock.
async fn hold_back(State(world): State<World>, request: Request, next: Next) -> Response {
    let latency_ms = api::latency_ms(&world, request.uri().path());
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    let response = next.run(request).await;
    if let Some(api::Due(due_ms)) = response.extensions().get().copied() {
        until(&world, due_ms).await;
    }
    response
}

/// Waits for that time on the sandbox's clock: it passes, or the clock is pushed there. A reset ends the wait.
async fn until(world: &World, due_ms: u64) {
    let mut moves = world.moves();
    let resets = world.left(due_ms).resets;
    loop {
        let left = world.left(due_ms);
        if left.ms == 0 || left.resets != resets {
            return;
        }
        tokio::select! {
            _ = moves.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(left.ms)) => {}
        }
    }
}
