//! `flinks-host`: the reference backend as a program.

use std::{io::IsTerminal as _, net::SocketAddr, path::PathBuf, process::ExitCode, str::FromStr, time::Duration};

use clap::Parser;
use flinks_connect::address::{ConnectUrl, parse_url};
use flinks_host::{
    Auth, AuthKey, Config, DemoFiles, Events, Fetch, Host, StartError, config::api_url_of_instance, log,
};
use tokio::signal;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// The reference backend of the flinks-reconnect widget.
///
/// Every setting is a flag or an environment variable; a secret, and `DATABASE_URL`, may instead be in the file that its name with `_FILE`
/// says, as `FLINKS_API_KEY_FILE`. `FLINKS_API_URL` or `FLINKS_INSTANCE` says which Flinks;
/// with --demo it is a flinks-sandbox on this machine unless said otherwise.
#[derive(Clone, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen
    #[arg(long, env = "HOST_ADDR", default_value = "127.0.0.1:4200")]
    addr: String,
    /// The Flinks API without path, as `https://toolbox-api.private.fin.ag`
    #[arg(long, env = "FLINKS_API_URL")]
    flinks_api_url: Option<String>,
    /// The Flinks instance, as `toolbox`, instead of the two URLs
    #[arg(long, env = "FLINKS_INSTANCE")]
    flinks_instance: Option<String>,
    /// Flinks Connect as the browser loads it, as `https://toolbox-iframe.private.fin.ag/v2/`
    #[arg(long, env = "FLINKS_CONNECT_URL")]
    flinks_connect_url: Option<String>,
    /// The customer id from Flinks
    #[arg(long, env = "FLINKS_CUSTOMER_ID")]
    customer_id: Option<String>,
    /// The secret key from Flinks
    #[arg(long, env = "FLINKS_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
    /// The API key (x-api-key) from Flinks
    #[arg(long, env = "FLINKS_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The secret Flinks signs webhooks with; without it webhooks are refused
    #[arg(long, env = "FLINKS_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// The secret of at least 32 bytes that signs the tokens of the application's users (HS256)
    #[arg(long, env = "AUTH_JWT_SECRET", hide_env_values = true)]
    auth_jwt_secret: Option<String>,
    /// The address of the JWKS whose keys sign them instead (RS256, ES256, `EdDSA`)
    #[arg(long, env = "AUTH_JWKS_URL")]
    auth_jwks_url: Option<String>,
    /// The tokens' aud
    #[arg(long, env = "AUTH_AUDIENCE", default_value = "flinks-host")]
    auth_audience: String,
    /// The tokens' iss [default: any]
    #[arg(long, env = "AUTH_ISSUER")]
    auth_issuer: Option<String>,
    /// Milliseconds that the tokens' exp may be away [default: 3600000, with `AUTH_JWKS_URL` 86400000]
    #[arg(long, env = "AUTH_MAX_LIFETIME_MS")]
    auth_max_lifetime_ms: Option<String>,
    /// What opens the routes under /admin, at least 32 characters; without it there are none
    #[arg(long, env = "ADMIN_KEY", hide_env_values = true)]
    admin_key: Option<String>,
    /// Where /admin and /metrics listen [default: with everything else]
    #[arg(long, env = "ADMIN_ADDR")]
    admin_addr: Option<String>,
    /// Origins whose pages may start and deliver, with commas between, as `https://app.example` [default: only the own one]
    #[arg(long, env = "ALLOWED_ORIGINS", value_delimiter = ',')]
    allowed_origins: Vec<String>,
    /// The own origin, where a proxy changes `Host`
    #[arg(long, env = "PUBLIC_ORIGIN")]
    public_origin: Option<String>,
    /// Where the application is told what happens
    #[arg(long, env = "EVENTS_URL")]
    events_url: Option<String>,
    /// What signs that: `whsec_…`, two with a comma between while it is being changed
    #[arg(long, env = "EVENTS_SECRET", hide_env_values = true)]
    events_secret: Option<String>,
    /// Milliseconds that the application may take to answer an event [default: 15000]
    #[arg(long, env = "EVENTS_TIMEOUT_MS")]
    events_timeout_ms: Option<String>,
    /// `sqlite://FILE`, `sqlite::memory:` or `postgres://…` [default: `sqlite://flinks-host.db`, with --demo `sqlite::memory:`]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Milliseconds between two questions for data [default: 10000, with --demo 500]
    #[arg(long, env = "POLL_INTERVAL_MS")]
    poll_interval_ms: Option<String>,
    /// Milliseconds from a start to the first question whether the browser lost its result [default: 60000]
    #[arg(long, env = "RECONCILE_AFTER_MS")]
    reconcile_after_ms: Option<String>,
    /// `off`: the application fetches the data itself, with the requestId of the event [default: on]
    #[arg(long, env = "FETCH")]
    fetch: Option<String>,
    /// Milliseconds that GET /admin/connections/{id}/data has Flinks' last answer; 0 keeps none [default: 3600000]
    #[arg(long, env = "DATA_KEPT_MS")]
    data_kept_ms: Option<String>,
    /// Milliseconds between two questions which connections Nightly Refresh passes over [default: 3600000]
    #[arg(long, env = "NIGHTLY_INTERVAL_MS")]
    nightly_interval_ms: Option<String>,
    /// Milliseconds until the work of a host that died is taken by another one on the same Postgres [default: 10000]
    #[arg(long, env = "CLAIM_LEASE_MS")]
    claim_lease_ms: Option<String>,
    /// Milliseconds that Flinks lets a bank take for a live sign-in [default: 210000]
    #[arg(long, env = "BANK_PATIENCE_MS")]
    bank_patience_ms: Option<String>,
    /// The most live sign-ins of one user at once [default: 8]
    #[arg(long, env = "SIGN_INS_PER_USER")]
    sign_ins_per_user: Option<String>,
    /// The most starts of one user in a minute; not with --demo [default: 120]
    #[arg(long, env = "STARTS_PER_MINUTE")]
    starts_per_minute: Option<String>,
    /// The most deliveries of one user in a minute; not with --demo [default: 120]
    #[arg(long, env = "DELIVERIES_PER_MINUTE")]
    deliveries_per_minute: Option<String>,
    /// The most calls to Flinks at once: live sign-ins, other calls of starts, deliveries and workers, each [default: 16]
    #[arg(long, env = "FLINKS_MAX_CALLS")]
    flinks_max_calls: Option<String>,
    /// Milliseconds that a stop by SIGTERM may take; for the first 3000 of them `/readyz` says 503 and everything is served [default: 30000]
    #[arg(long, env = "SHUTDOWN_GRACE_MS")]
    shutdown_grace_ms: Option<String>,
    /// How the log on stderr looks: `text` or `json`
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    log_format: String,
    /// Serve the demo page and sign whoever opens it in
    #[arg(long)]
    demo: bool,
    /// The folder of the demo page
    #[arg(long, default_value = "www/demo")]
    site: PathBuf,
    /// The folder of the built widget
    #[arg(long, default_value = "dist")]
    sdk: PathBuf,
}

impl Arguments {
    fn config(self) -> Result<Config, StartError> {
        let defaults = Config::default();
        let local = self.demo.then_some(&defaults);
        let (flinks_api_url, flinks_connect_url) = match (self.flinks_instance, self.flinks_api_url) {
            (Some(_), Some(_)) => {
                return Err(setting("FLINKS_INSTANCE", "expected either it or FLINKS_API_URL, not both"));
            }
            (Some(instance), None) => {
                let connect = ConnectUrl::of_instance(&instance, parse_url)
                    .map_err(|error| setting("FLINKS_INSTANCE", error.expected()))?;
                (api_url_of_instance(&instance), Some(connect.base().to_owned()))
            }
            (None, Some(api_url)) => (api_url, local.map(|config| config.flinks_connect_url.clone())),
            (None, None) => {
                let local = local.ok_or(setting(
                    "FLINKS_API_URL",
                    "expected the Flinks API's address, or FLINKS_INSTANCE instead; neither is set",
                ))?;
                (local.flinks_api_url.clone(), Some(local.flinks_connect_url.clone()))
            }
        };
        let unset = "expected the value from Flinks; it is not set";
        let poll_default = if self.demo { Duration::from_millis(500) } else { defaults.poll_interval };
        let poll_interval = millis("POLL_INTERVAL_MS", self.poll_interval_ms, poll_default)?;
        let reconcile_after = millis("RECONCILE_AFTER_MS", self.reconcile_after_ms, defaults.reconcile_after)?;
        let nightly_interval = millis("NIGHTLY_INTERVAL_MS", self.nightly_interval_ms, defaults.nightly_interval)?;
        let data_kept = millis("DATA_KEPT_MS", self.data_kept_ms, defaults.data_kept)?;
        let claim_lease = millis("CLAIM_LEASE_MS", self.claim_lease_ms, defaults.claim_lease)?;
        let bank_patience = millis("BANK_PATIENCE_MS", self.bank_patience_ms, defaults.bank_patience)?;
        let shutdown_grace = millis("SHUTDOWN_GRACE_MS", self.shutdown_grace_ms, defaults.shutdown_grace)?;
        let sign_ins_per_user = whole("SIGN_INS_PER_USER", self.sign_ins_per_user, defaults.sign_ins_per_user)?;
        let flinks_calls = whole("FLINKS_MAX_CALLS", self.flinks_max_calls, defaults.flinks_calls)?;
        let database_url = secret("DATABASE_URL", "DATABASE_URL_FILE", self.database_url)?
            .unwrap_or_else(|| if self.demo { "sqlite::memory:".to_owned() } else { defaults.database_url.clone() });
        let key = match (secret("AUTH_JWT_SECRET", "AUTH_JWT_SECRET_FILE", self.auth_jwt_secret)?, self.auth_jwks_url) {
            (Some(_), Some(_)) => {
                return Err(setting("AUTH_JWKS_URL", "expected either it or AUTH_JWT_SECRET, not both"));
            }
            (Some(secret), None) => Some(AuthKey::Secret(secret)),
            (None, Some(url)) => Some(AuthKey::Jwks(url)),
            (None, None) => None,
        };
        let max_lifetime = self
            .auth_max_lifetime_ms
            .map(|text| millis("AUTH_MAX_LIFETIME_MS", Some(text), Duration::ZERO))
            .transpose()?;
        let events = events(self.events_url, secret("EVENTS_SECRET", "EVENTS_SECRET_FILE", self.events_secret)?)?;
        let (audience, issuer) = (self.auth_audience, self.auth_issuer);
        let auth = key.map(|key| Auth { key, audience, issuer, max_lifetime });
        Ok(Config {
            addr: address("HOST_ADDR", &self.addr)?,
            flinks_api_url,
            flinks_connect_url: self.flinks_connect_url.or(flinks_connect_url).ok_or(setting(
                "FLINKS_CONNECT_URL",
                "expected the address of Connect beside FLINKS_API_URL; it is not set",
            ))?,
            customer_id: self
                .customer_id
                .or(local.map(|config| config.customer_id.clone()))
                .ok_or(setting("FLINKS_CUSTOMER_ID", unset))?,
            secret_key: secret("FLINKS_SECRET_KEY", "FLINKS_SECRET_KEY_FILE", self.secret_key)?
                .ok_or(setting("FLINKS_SECRET_KEY", unset))?,
            api_key: secret("FLINKS_API_KEY", "FLINKS_API_KEY_FILE", self.api_key)?
                .ok_or(setting("FLINKS_API_KEY", unset))?,
            webhook_secret: secret("FLINKS_WEBHOOK_SECRET", "FLINKS_WEBHOOK_SECRET_FILE", self.webhook_secret)?,
            auth,
            admin_key: secret("ADMIN_KEY", "ADMIN_KEY_FILE", self.admin_key)?,
            events,
            allowed_origins: self
                .allowed_origins
                .iter()
                .map(|origin| origin.trim().to_owned())
                .filter(|origin| !origin.is_empty())
                .collect(),
            public_origin: self.public_origin,
            admin_addr: self.admin_addr.map(|text| address("ADMIN_ADDR", &text)).transpose()?,
            database_url,
            poll_interval,
            reconcile_after,
            nightly_interval,
            fetch: fetch(self.fetch.as_deref())?,
            events_timeout: millis("EVENTS_TIMEOUT_MS", self.events_timeout_ms, defaults.events_timeout)?,
            data_kept,
            claim_lease,
            flinks_calls,
            bank_patience,
            sign_ins_per_user,
            starts_per_minute: whole("STARTS_PER_MINUTE", self.starts_per_minute, defaults.starts_per_minute)?,
            deliveries_per_minute: whole(
                "DELIVERIES_PER_MINUTE",
                self.deliveries_per_minute,
                defaults.deliveries_per_minute,
            )?,
            shutdown_grace,
            demo: self.demo.then_some(DemoFiles { site_dir: self.site, sdk_dir: self.sdk }),
            ..defaults
        })
    }
}

fn millis(name: &'static str, text: Option<String>, default: Duration) -> Result<Duration, StartError> {
    text.map_or(Ok(default), |text| {
        let millis = text.parse().map_err(|_| setting(name, "expected a whole number of milliseconds"))?;
        Ok(Duration::from_millis(millis))
    })
}

fn whole<T: FromStr>(name: &'static str, text: Option<String>, default: T) -> Result<T, StartError> {
    text.map_or(Ok(default), |text| text.parse().map_err(|_| setting(name, "expected a whole number")))
}

fn fetch(text: Option<&str>) -> Result<Fetch, StartError> {
    match text {
        None | Some("on") => Ok(Fetch::On),
        Some("off") => Ok(Fetch::Off),
        Some(_) => Err(setting("FETCH", "expected on or off")),
    }
}

fn events(url: Option<String>, secret: Option<String>) -> Result<Option<Events>, StartError> {
    match (url, secret) {
        (Some(url), Some(secret)) => Ok(Some(Events { url, secret })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(setting("EVENTS_SECRET", "expected it beside EVENTS_URL; it is not set")),
        (None, Some(_)) => Err(setting("EVENTS_URL", "expected it beside EVENTS_SECRET; it is not set")),
    }
}

fn address(name: &'static str, text: &str) -> Result<SocketAddr, StartError> {
    text.parse().map_err(|_| setting(name, "expected address and port, as 127.0.0.1:4200"))
}

/// A secret that is set, or stands in a file whose path is set. The end of the file's last line does not belong to it.
fn secret(name: &'static str, file_name: &'static str, text: Option<String>) -> Result<Option<String>, StartError> {
    let Some(path) = std::env::var_os(file_name).filter(|path| !path.is_empty()) else { return Ok(text) };
    if text.is_some() {
        return Err(setting(name, "expected either it or the file that its name with _FILE says, not both"));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|_| setting(file_name, "expected the path of a text file that this user may read"))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn setting(name: &'static str, expected: &'static str) -> StartError {
    StartError::Setting { name, expected }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flinks-host: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    let format = match arguments.log_format.as_str() {
        "text" => log::Format::Text,
        "json" => log::Format::Json,
        _ => return Err(setting("LOG_FORMAT", "expected text or json")),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = log::layer(format, std::io::stderr, std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    // Listening for the order to stop comes first: whoever reads the address may give it at once.
    let mut orders = Orders::listen()?;
    let mut files = SecretFiles::read();
    let host = Host::start(arguments.clone().config()?).await?;
    println!("flinks-host: {}", host.url());
    let order = loop {
        tokio::select! {
            order = orders.received() => break order,
            () = files.change() => host.take_secrets(arguments.clone().config()),
        }
    };
    match order {
        Order::Interrupt => host.stop().await,
        #[cfg(unix)]
        Order::Terminate => host.retire().await,
    }
    Ok(())
}

/// The files of secrets that may be changed while the host runs, and what stands in them.
struct SecretFiles(Vec<(PathBuf, Option<Vec<u8>>)>);

impl SecretFiles {
    const NAMES: [&str; 6] = [
        "FLINKS_SECRET_KEY_FILE",
        "FLINKS_API_KEY_FILE",
        "FLINKS_WEBHOOK_SECRET_FILE",
        "AUTH_JWT_SECRET_FILE",
        "ADMIN_KEY_FILE",
        "EVENTS_SECRET_FILE",
    ];
    /// How often they are looked at. What an orchestrator mounts is changed without a signal.
    const PAUSE: Duration = Duration::from_secs(1);

    fn read() -> Self {
        let paths = Self::NAMES.iter().filter_map(std::env::var_os).filter(|path| !path.is_empty());
        Self(paths.map(PathBuf::from).map(|path| (path.clone(), std::fs::read(path).ok())).collect())
    }

    /// Returns when something else stands in one of them; never where there is none.
    async fn change(&mut self) {
        if self.0.is_empty() {
            std::future::pending::<()>().await;
        }
        loop {
            tokio::time::sleep(Self::PAUSE).await;
            let now = Self::read();
            if now.0 != self.0 {
                *self = now;
                return;
            }
        }
    }
}

/// How the host is told to stop.
enum Order {
    /// Ctrl-C: a person waits.
    Interrupt,
    /// SIGTERM: something that sends requests here has to be told first.
    #[cfg(unix)]
    Terminate,
}

/// Waits for Ctrl-C, and for SIGTERM where there is one.
struct Orders {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Orders {
    fn listen() -> Result<Self, StartError> {
        use signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(|_| StartError::System("signals"));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn received(&mut self) -> Order {
        tokio::select! {
            _ = self.interrupt.recv() => Order::Interrupt,
            _ = self.terminate.recv() => Order::Terminate,
        }
    }
}

#[cfg(not(unix))]
impl Orders {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn listen() -> Result<Self, StartError> {
        Ok(Self {})
    }

    async fn received(&mut self) -> Order {
        let _ = signal::ctrl_c().await;
        Order::Interrupt
    }
}
