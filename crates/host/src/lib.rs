//! The reference backend of the `flinks-reconnect` widget: the server half of a reconnect, for real.
//!
//! It begins sessions at Flinks, takes the widget's results, fetches the data, and finds results that a browser lost. Run it
//! (`flinks-host`), read it, or copy it; see this crate's README for the parts to replace.
//!
//! - [`config`]: what the operator decides.
//! - `reconnect`: drives the rules of `flinks_backend`. `worker`, `nightly`: what goes on without a request.
//! - `flinks`: the Flinks API, over `outbound`. `storage`: what is remembered, in SQLite or Postgres.
//! - `http`: all of it over HTTP, and the demo page.
//!
//! Invariants of the whole: accepted means committed; a `loginId` is never overwritten; no id, token or secret in a log line or
//! an error.

mod account;
pub mod config;
mod demo;
mod flinks;
mod http;
mod moment;
mod nightly;
mod outbound;
mod random;
mod reconnect;
mod storage;
mod worker;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};

pub use config::{Config, DemoFiles};
pub use demo::demo_login_ids;
pub use http::served;

use crate::{
    flinks::Flinks,
    http::{Site, demo::SandboxControls},
    reconnect::Reconnects,
    storage::{Storage, StorageError, attempts::Owner},
};

/// What https needs of the machine.
const ROOTS: &str = "root certificates; install its package ca-certificates, or set SSL_CERT_FILE";
/// How long requests may go on after [`Host::stop`].
const GRACE: Duration = Duration::from_secs(5);

/// Why a host does not start; one line that names the setting to change.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting has an impossible value.
    Setting {
        /// The setting, as its environment variable or flag.
        name: &'static str,
        /// What is accepted.
        expected: &'static str,
    },
    /// The address cannot be listened on.
    Address {
        /// The address.
        addr: SocketAddr,
        /// Why.
        kind: io::ErrorKind,
    },
    /// The database cannot be used; the text says why.
    Database(String),
    /// The operating system gives something every program needs: randomness, TLS, sockets.
    System(&'static str),
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { name, expected } => write!(formatter, "{name}: {expected}"),
            Self::Address { addr, kind: io::ErrorKind::AddrInUse } => {
                write!(
                    formatter,
                    "HOST_ADDR: {addr} is in use; stop the program that listens there, or choose another address"
                )
            }
            Self::Address { addr, kind } => {
                write!(formatter, "HOST_ADDR: cannot listen on {addr} ({kind}); choose an address of this machine")
            }
            Self::Database(why) => write!(formatter, "DATABASE_URL: {why}"),
            Self::System(what) => write!(formatter, "the operating system gives no {what}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        Self::Database(error.to_string())
    }
}

/// A running host. Dropping it stops it at once; [`Host::stop`] lets requests finish.
#[derive(Debug)]
pub struct Host {
    addr: SocketAddr,
    stopping: watch::Sender<bool>,
    servers: JoinSet<()>,
    workers: JoinSet<()>,
    storage: Arc<Storage>,
}

impl Host {
    /// Starts a host; it serves when this returns.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let checked = config.check()?;
        let storage = Arc::new(Storage::open(&config.database_url).await?);
        if config.demo.is_some() {
            demo::seed(&storage).await?;
        }
        let reconnects = Reconnects {
            storage: Arc::clone(&storage),
            flinks: Flinks::new(checked.access.clone(), checked.limits, config.settings())
                .map_err(|_| StartError::System(ROOTS))?,
            connect: checked.connect,
            settings: config.settings(),
            claim_lease: config.claim_lease,
            work_available: Arc::new(Notify::new()),
        };
        let site = Site {
            reconnects: reconnects.clone(),
            webhook_secret: checked.webhook_secret,
            is_demo: config.demo.is_some(),
        };
        let demo = match config.demo {
            None => None,
            Some(files) => {
                let controls = SandboxControls::new(checked.access.api).map_err(|_| StartError::System(ROOTS))?;
                Some((files, controls))
            }
        };
        let serves_page = demo.is_some();
        let router = http::router(site, demo);

        let listeners = listen(config.addr, serves_page).await?;
        let addr =
            listeners.first().and_then(|listener| listener.local_addr().ok()).ok_or(StartError::System("sockets"))?;
        let (stopping, _) = watch::channel(false);
        let mut servers = JoinSet::new();
        for listener in listeners {
            let mut stop = stopping.subscribe();
            let server = axum::serve(listener, router.clone()).with_graceful_shutdown(async move {
                // An error means that the host was dropped, which is an order to stop as well.
                let _ = stop.wait_for(|stopping| *stopping).await;
            });
            servers.spawn(async move {
                // It ends only when it is told to.
                let _ = server.await;
            });
        }
        let owner = Owner(random::token().map_err(|_| StartError::System("random numbers"))?);
        let mut workers = JoinSet::new();
        workers.spawn(nightly::run(reconnects.clone(), config.nightly_interval));
        workers.spawn(worker::run(reconnects, owner));
        Ok(Self { addr, stopping, servers, workers, storage })
    }

    /// Where it listens; with the port that was free when the configuration said 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address to open in a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.addr.port())
    }

    /// Takes no new requests, lets the present ones finish for a few seconds, and closes the database.
    pub async fn stop(mut self) {
        self.workers.abort_all();
        while self.workers.join_next().await.is_some() {}
        self.stopping.send_replace(true);
        let finished = async { while self.servers.join_next().await.is_some() {} };
        // Whoever keeps a request open longer loses it; what was accepted is committed already.
        let _ = timeout(GRACE, finished).await;
        self.storage.close().await;
    }
}

/// Listens on `addr`; for the demo on both of localhost's addresses, because a browser may take either for `localhost`.
async fn listen(addr: SocketAddr, serves_page: bool) -> Result<Vec<TcpListener>, StartError> {
    let refused = |addr, error: &io::Error| StartError::Address { addr, kind: error.kind() };
    let first = TcpListener::bind(addr).await.map_err(|error| refused(addr, &error))?;
    let port = first.local_addr().map_err(|error| refused(addr, &error))?.port();
    let mut listeners = vec![first];
    let other = match addr.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    if let (true, Some(ip)) = (serves_page, other) {
        let other = SocketAddr::from((ip, port));
        match TcpListener::bind(other).await {
            Ok(listener) => listeners.push(listener),
            // Another program there would get half of the browser's requests.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && addr.port() != 0 => {
                return Err(refused(other, &error));
            }
            // A machine without IPv6.
            Err(_) => {}
        }
    }
    Ok(listeners)
}
