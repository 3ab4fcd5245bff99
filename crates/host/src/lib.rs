//! The reference backend of the `flinks-reconnect` widget: the server half of a reconnect, for real.
//!
//! It begins sessions at Flinks, takes the widget's results, fetches the data, and finds results that a browser lost. Run it
//! (`flinks-host`), read it, or copy it; see this crate's README for the parts to replace.
//!
//! - [`config`]: what the operator decides.
//! - `reconnect`: drives the rules of `flinks_backend`. `worker`, `nightly`, `cleaner`: what goes on without a request, under `supervise`.
//! - `flinks`: the Flinks API, over `outbound`. `storage`: what is remembered, in SQLite or Postgres.
//! - [`log`]: what a line of the log looks like and which belong together.
//! - `events`: telling the application. `metrics`: whether repairs work, in numbers.
//! - `identity`: who the users are, by tokens of the application.
//! - `http`: all of it over HTTP, over `serve`. `readiness`: whether the host takes work; `detached`: what is finished when a client has gone.
//! - `demo`: what `--demo` adds around it.
//!
//! Invariants of the whole: accepted means committed; no reconnect overwrites a `loginId`; no id, token or secret in a log line or
//! an error.

mod account;
mod cleaner;
pub mod config;
mod demo;
mod detached;
mod events;
mod flinks;
mod http;
mod identity;
mod live;
pub mod log;
mod metrics;
mod nightly;
mod outbound;
mod random;
mod readiness;
mod reconnect;
mod serve;
mod storage;
mod supervise;
mod time;
mod worker;

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tracing::{Instrument as _, Span};

pub use config::{Auth, AuthKey, Config, DemoFiles, Events};
pub use demo::demo_login_ids;
pub use flinks_backend::settings::Fetch;
pub use http::served;

use crate::{
    config::Checked,
    detached::Detached,
    flinks::Flinks,
    http::{App, Extra, admin::Port, body::BodyReader, rate::RateLimit},
    metrics::Metrics,
    readiness::Readiness,
    reconnect::Reconnects,
    serve::{Bounds, serve},
    storage::{Storage, StorageError},
    supervise::supervise,
    worker::HeldClaims,
};

/// What https needs of the machine.
const ROOTS: &str = "root certificates; install its package ca-certificates, or set SSL_CERT_FILE";
/// How long `/readyz` says no before anything stops: load balancers ask every few seconds.
const NOT_READY_FIRST: Duration = Duration::from_secs(3);
/// How long giving the claims back and closing the database may take after everything else has ended or was cut.
const LAST_WRITES: Duration = Duration::from_secs(1);

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
        /// The setting.
        name: &'static str,
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
            Self::Address { name, addr, kind: io::ErrorKind::AddrInUse } => {
                write!(
                    formatter,
                    "{name}: {addr} is in use; stop the program that listens there, or choose another address"
                )
            }
            Self::Address { name, addr, kind } => {
                write!(formatter, "{name}: cannot listen on {addr} ({kind}); choose an address of this machine")
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

/// A running host. Dropping it stops it at once; [`Host::stop`] lets finish what is under way.
#[derive(Debug)]
pub struct Host {
    addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    stopping: watch::Sender<bool>,
    servers: JoinSet<()>,
    workers: JoinSet<()>,
    detached: Detached,
    held: HeldClaims,
    readiness: Arc<Readiness>,
    storage: Arc<Storage>,
    metrics: Metrics,
    checked: Checked,
    grace: Duration,
    /// Of its lines in the log.
    span: Span,
}

impl Host {
    /// Starts a host; it serves when this returns.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let span = tracing::info_span!("host", id = log::fresh_correlator());
        // On the heap: whoever starts a host has its own future beside it.
        Box::pin(Self::start_in(config, span.clone()).instrument(span)).await
    }

    async fn start_in(config: Config, span: Span) -> Result<Self, StartError> {
        let checked = config.check()?;
        let storage = Storage::open(&config.database_url).await?;
        let storage = storage.keeping_data(config.data_kept);
        let storage = Arc::new(if checked.events.is_some() { storage.keeping_events() } else { storage });
        if config.demo.is_some() {
            demo::seed(&storage).await?;
        }
        let metrics = Metrics::new();
        let reconnects = Reconnects {
            storage: Arc::clone(&storage),
            flinks: Flinks::new(checked.access.clone(), checked.limits, config.settings(), metrics.clone())
                .map_err(|_| StartError::System(ROOTS))?,
            connect: checked.connect.clone(),
            settings: config.settings(),
            claim_lease: config.claim_lease,
            metrics: metrics.clone(),
            work_available: Arc::new(Notify::new()),
            event_added: Arc::new(Notify::new()),
        };
        let detached = Detached::default();
        let readiness = Arc::new(Readiness::new());
        let app = App {
            reconnects: reconnects.clone(),
            webhook_secret: checked.webhook_secret.clone(),
            users: checked.users.clone(),
            origins: checked.origins.clone(),
            connect_params: if config.demo.is_some() { demo::CONNECT_PARAMS } else { &[] },
            bodies: BodyReader::new(config.body_timeout),
            // The demo's one user is everybody.
            starts: RateLimit::new(if config.demo.is_some() { u32::MAX } else { config.starts_per_minute }),
            deliveries: RateLimit::new(if config.demo.is_some() { u32::MAX } else { config.deliveries_per_minute }),
            most_requests: config.client_requests,
            detached: detached.clone(),
            readiness: Arc::clone(&readiness),
        };
        let port = if config.admin_addr.is_some() { Port::Own } else { Port::Shared };
        let admin = checked.admin_key.clone();
        let admin = admin.map_or_else(Router::new, |key| http::admin::routes(key, metrics.clone(), port));
        let (admin, own_admin) = match config.admin_addr {
            Some(addr) => (Router::new(), Some((addr, http::admin_router(app.clone(), admin)))),
            None => (admin, None),
        };
        let router = match &config.demo {
            None => http::router(app, Extra { admin, ..Extra::default() }),
            Some(files) => demo::router(files, app, admin, checked.access.get().api.clone(), &checked.connect)
                .map_err(|_| StartError::System(ROOTS))?,
        };

        let listeners = listen("HOST_ADDR", config.addr, config.demo.is_some()).await?;
        let addr = first_addr(&listeners)?;
        let mut routers: Vec<_> = listeners.into_iter().map(|listener| (listener, router.clone())).collect();
        let mut admin_addr = None;
        if let Some((addr, router)) = own_admin {
            let listeners = listen("ADMIN_ADDR", addr, false).await?;
            admin_addr = Some(first_addr(&listeners)?);
            routers.extend(listeners.into_iter().map(|listener| (listener, router.clone())));
        }
        let (stopping, stop) = watch::channel(false);
        let places = Arc::new(Semaphore::new(config.client_connections));
        let mut servers = JoinSet::new();
        for (listener, router) in routers {
            let bounds = Bounds { head_timeout: config.head_timeout, places: Arc::clone(&places) };
            servers.spawn(serve(listener, router, bounds, stop.clone()).in_current_span());
        }
        let held = HeldClaims::default();
        let workers = begin_work(&config, &checked, &reconnects, &held, &readiness, &stop);
        Ok(Self {
            addr,
            admin_addr,
            stopping,
            servers,
            workers,
            detached,
            held,
            readiness,
            storage,
            metrics,
            checked,
            grace: config.shutdown_grace,
            span,
        })
    }

    /// Where it listens; with the port that was free when the configuration said 0.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/admin` listens, when it has a port of its own.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// The address to open in a browser on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.addr.port())
    }

    /// Works with the secrets of `config` from now on, whose other settings are not looked at. Where they cannot work, or `config` says why it could
    /// not be read, all of the old ones are kept and the log says why.
    pub fn take_secrets(&self, config: Result<Config, StartError>) {
        let _entered = self.span.enter();
        match config.and_then(|config| config.check()) {
            Ok(checked) => {
                self.checked.take_secrets(&checked);
                self.metrics.reloaded("taken");
                tracing::info!("secret files were changed; the new secrets are used");
            }
            Err(error) => {
                self.metrics.reloaded("refused");
                tracing::error!(%error, "secret files were changed and cannot be used; the old secrets are used");
            }
        }
    }

    /// Says no on `/readyz` and serves on for three seconds (at most half of [`Config::shutdown_grace`]), so that load balancers send
    /// their requests elsewhere; then it [stops](Self::stop). All of it within [`Config::shutdown_grace`].
    pub async fn retire(self) {
        let end = Instant::now() + self.grace;
        self.readiness.stop();
        self.span.in_scope(|| tracing::info!("stopping: /readyz says no"));
        sleep(NOT_READY_FIRST.min(self.grace / 2)).await;
        self.stop_by(end).await;
    }

    /// Takes no new requests and no new work, lets finish what is under way within [`Config::shutdown_grace`], gives back what it has
    /// claimed, and closes the database.
    pub async fn stop(self) {
        let end = Instant::now() + self.grace;
        self.readiness.stop();
        self.stop_by(end).await;
    }

    async fn stop_by(self, end: Instant) {
        let span = self.span.clone();
        self.stop_all(end).instrument(span).await;
    }

    async fn stop_all(mut self, end: Instant) {
        self.stopping.send_replace(true);
        let finished = async {
            while self.servers.join_next().await.is_some() {}
            self.detached.ended().await;
            while self.workers.join_next().await.is_some() {}
        };
        let mut cut = Vec::new();
        if timeout_at(end - LAST_WRITES.min(self.grace / 10), finished).await.is_err() {
            // Whoever keeps a request open longer loses it; what was accepted is committed already.
            tracing::warn!("not everything has ended within SHUTDOWN_GRACE_MS; the rest is cut");
            cut = self.held.all();
            self.servers.shutdown().await;
            self.workers.shutdown().await;
        }
        let last_writes = async {
            for claim in cut {
                if let Err(error) = self.storage.give_back(&claim, Duration::ZERO).await {
                    tracing::warn!(%error, "a claim was not given back; it runs out");
                }
            }
            self.storage.close().await;
        };
        // A database that does not answer does not keep the host.
        let _ = timeout_at(end, last_writes).await;
    }
}

/// Begins what goes on without a request.
fn begin_work(
    config: &Config,
    checked: &Checked,
    reconnects: &Reconnects,
    held: &HeldClaims,
    readiness: &Arc<Readiness>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn({
        let (reconnects, held, readiness) = (reconnects.clone(), held.clone(), Arc::clone(readiness));
        let stop = stop.clone();
        supervise("worker", move || worker::run(reconnects.clone(), held.clone(), Arc::clone(&readiness), stop.clone()))
    });
    if let Some(poster) = checked.events.clone() {
        let (reconnects, stop) = (reconnects.clone(), stop.clone());
        workers.spawn(supervise("events", move || {
            let Reconnects { storage, metrics, event_added, .. } = reconnects.clone();
            events::run(storage, poster.clone(), metrics, event_added, stop.clone())
        }));
    }
    if let Some(keys) = checked.users.keys() {
        let (keys, stop) = (Arc::clone(keys), stop.clone());
        workers.spawn(supervise("keys", move || {
            let (keys, stop) = (Arc::clone(&keys), stop.clone());
            async move { keys.keep_fresh(stop).await }
        }));
    }
    workers.spawn({
        let (storage, stop, data_kept) = (Arc::clone(&reconnects.storage), stop.clone(), config.data_kept);
        supervise("cleaner", move || cleaner::run(Arc::clone(&storage), data_kept, stop.clone()))
    });
    workers.spawn({
        let (reconnects, stop, interval) = (reconnects.clone(), stop.clone(), config.nightly_interval);
        supervise("nightly", move || nightly::run(reconnects.clone(), interval, stop.clone()))
    });
    workers
}

/// Where the first one listens.
fn first_addr(listeners: &[TcpListener]) -> Result<SocketAddr, StartError> {
    listeners.first().and_then(|listener| listener.local_addr().ok()).ok_or(StartError::System("sockets"))
}

/// Listens on `addr`, which the setting `name` has; for the demo on both of localhost's addresses, because a browser may take either for `localhost`.
async fn listen(name: &'static str, addr: SocketAddr, serves_page: bool) -> Result<Vec<TcpListener>, StartError> {
    let refused = |addr, error: &io::Error| StartError::Address { name, addr, kind: error.kind() };
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
