//! What the operator decides: addresses, keys, storage, timing.
//!
//! Invariants: [`Config`] holds what was written, `Checked` what was understood; nothing else of the crate sees a `Config`.
//! An error names the setting and what is accepted, never the value: two of the settings are secrets and a third may hold a
//! password. No `Debug` output shows them either.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use flinks_backend::settings::{Fetch, Settings};
use flinks_connect::address::{ConnectUrl, parse_url};
use jsonwebtoken::DecodingKey;
use url::Url;

use crate::{
    ROOTS, StartError,
    events::{Poster, SigningSecret},
    http::same_origin::Origins,
    identity::{Expected, KeySet, SigningKey, TokenVerifier},
    live::Live,
};

/// Where the host listens, which Flinks it talks to, where it stores.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// The Flinks API without path: `https://toolbox-api.private.fin.ag`, or the sandbox's `http://127.0.0.1:4202`.
    pub flinks_api_url: String,
    /// Flinks Connect, as the browser will load it: `https://toolbox-iframe.private.fin.ag/v2/`.
    pub flinks_connect_url: String,
    /// The customer id of the API's paths.
    pub customer_id: String,
    /// Buys authorize tokens.
    pub secret_key: String,
    /// Opens the data endpoints.
    pub api_key: String,
    /// Signs Flinks' webhooks; without it the webhook route refuses everything.
    pub webhook_secret: Option<String>,
    /// Who the users are; none with the demo, which signs them in itself.
    pub auth: Option<Auth>,
    /// What opens the routes under `/admin`; without it there are none.
    pub admin_key: Option<String>,
    /// Where `/admin` listens; with everything else when this is none.
    pub admin_addr: Option<SocketAddr>,
    /// Origins whose pages may start and deliver, as `https://app.example`; none: only pages of the own origin.
    pub allowed_origins: Vec<String>,
    /// The own origin, where a proxy changes `Host`.
    pub public_origin: Option<String>,
    /// Where the application is told what happens; it is told nothing when this is none.
    pub events: Option<Events>,
    /// How long the application may take to answer an event. What a host that died was posting is posted again after four times as long.
    pub events_timeout: Duration,
    /// `sqlite://FILE`, `sqlite::memory:` or `postgres://…`.
    pub database_url: String,
    /// How long to wait between two questions for data that Flinks is still preparing.
    pub poll_interval: Duration,
    /// How long after start the reconciler asks Flinks about an open attempt for the first time; later questions double it.
    pub reconcile_after: Duration,
    /// How long the result of an attempt is taken.
    pub attempt_life: Duration,
    /// How long data may take from the result on; Flinks prepares it for at most 30 minutes.
    pub data_deadline: Duration,
    /// Who fetches the data of an accepted result; where the application does, an event tells it the session.
    pub fetch: Fetch,
    /// How long the application may read Flinks' last answer about a connection; zero keeps none.
    pub data_kept: Duration,
    /// How often Flinks is asked which connections Nightly Refresh passes over.
    pub nightly_interval: Duration,
    /// How many calls to Flinks may be under way at once of each kind: live sign-ins, other calls of starts, deliveries, workers.
    pub flinks_calls: usize,
    /// How long a call to Flinks may take that is no live sign-in.
    pub flinks_timeout: Duration,
    /// How long Flinks lets a bank take for a live sign-in, which for so long is not repeated when its answer is lost.
    pub bank_patience: Duration,
    /// How many live sign-ins of one user may be under way.
    pub sign_ins_per_user: u32,
    /// How many starts of one user are taken in a minute; without the demo only, whose user is everybody.
    pub starts_per_minute: u32,
    /// How many deliveries of one user, likewise.
    pub deliveries_per_minute: u32,
    /// How long a start waits for a bank before it is answered `BANK_SLOW`; proxies cut at thirty seconds.
    pub start_answer: Duration,
    /// How long work of a host that died waits for another host on the same Postgres.
    pub claim_lease: Duration,
    /// How long a stop may take: what is under way is finished meanwhile, and cut afterwards.
    pub shutdown_grace: Duration,
    /// How long a client may take to send the head of a request. An idle connection is kept for as long, so it has to be longer than load
    /// balancers keep one: they would send requests into a connection that is just being closed.
    pub head_timeout: Duration,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How many connections of clients may be open at once; further ones wait.
    pub client_connections: usize,
    /// How many requests below `/api` may be under way at once; further ones are answered 503 `HOST_BUSY`.
    pub client_requests: usize,
    /// Serves the demo page and signs whoever opens it in.
    pub demo: Option<DemoFiles>,
}

/// How the tokens of the application's users are verified.
#[derive(Clone)]
pub struct Auth {
    /// What signs them.
    pub key: AuthKey,
    /// Their `aud`.
    pub audience: String,
    /// Their `iss`; any, when this is none.
    pub issuer: Option<String>,
    /// How far away their `exp` may be; an hour, or with published keys a day, when this is none.
    pub max_lifetime: Option<Duration>,
}

/// What signs the tokens of the application's users.
#[derive(Clone)]
pub enum AuthKey {
    /// A secret of at least 32 bytes that the application shares with this host (HS256).
    Secret(String),
    /// The address of a JWKS with the public keys (RS256, ES256, `EdDSA`).
    Jwks(String),
}

impl Auth {
    /// Tokens signed with `key` for `flinks-host`, of any issuer.
    #[must_use]
    pub fn new(key: AuthKey) -> Self {
        Self { key, audience: "flinks-host".to_owned(), issuer: None, max_lifetime: None }
    }
}

/// Where events are posted and what signs them.
#[derive(Clone)]
pub struct Events {
    /// The application's address, http or https.
    pub url: String,
    /// `whsec_…`; two of them with a comma between while the secret is being changed.
    pub secret: String,
}

/// The files the demo serves.
#[derive(Clone, Debug)]
pub struct DemoFiles {
    /// The page, at `/`.
    pub site_dir: PathBuf,
    /// The built widget, at `/dist/`.
    pub sdk_dir: PathBuf,
}

impl Default for Config {
    /// A local sandbox, but for its keys, which it chooses itself.
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 4200)),
            flinks_api_url: "http://127.0.0.1:4202".to_owned(),
            flinks_connect_url: "http://127.0.0.1:4201/v2/".to_owned(),
            customer_id: "43387ca6-0391-4c82-857d-70d95f087ecb".to_owned(),
            secret_key: String::new(),
            api_key: String::new(),
            webhook_secret: None,
            auth: None,
            admin_key: None,
            admin_addr: None,
            allowed_origins: Vec::new(),
            public_origin: None,
            events: None,
            events_timeout: Duration::from_secs(15),
            database_url: "sqlite://flinks-host.db".to_owned(),
            poll_interval: Duration::from_secs(10),
            reconcile_after: Duration::from_mins(1),
            attempt_life: Duration::from_hours(1),
            data_deadline: Duration::from_mins(30),
            fetch: Fetch::On,
            data_kept: Duration::from_hours(1),
            nightly_interval: Duration::from_hours(1),
            flinks_calls: 16,
            flinks_timeout: Duration::from_mins(1),
            bank_patience: Duration::from_secs(210),
            sign_ins_per_user: 8,
            // A start that waits for a slow bank is repeated every two seconds.
            starts_per_minute: 120,
            deliveries_per_minute: 120,
            start_answer: Duration::from_secs(25),
            claim_lease: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(30),
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(20),
            // A process may often have no more than 1024 files open.
            client_connections: 900,
            client_requests: 512,
            demo: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("addr", &self.addr)
            .field("poll_interval", &self.poll_interval)
            .field("reconcile_after", &self.reconcile_after)
            .field("attempt_life", &self.attempt_life)
            .field("nightly_interval", &self.nightly_interval)
            .field("flinks_calls", &self.flinks_calls)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

/// A value that opens something.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// Where the Flinks API is and what opens it.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) api: Url,
    pub(crate) customer_id: String,
    pub(crate) secret_key: Secret,
    pub(crate) api_key: Secret,
}

/// What Flinks is spared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) calls: usize,
    pub(crate) longest_call: Duration,
}

/// A [`Config`] whose values make sense.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) access: Live<Arc<Access>>,
    pub(crate) limits: Limits,
    pub(crate) connect: ConnectUrl,
    pub(crate) webhook_secret: Live<Option<Secret>>,
    pub(crate) users: Users,
    pub(crate) admin_key: Option<Live<Secret>>,
    pub(crate) events: Option<Poster>,
    pub(crate) origins: Origins,
}

/// How the user of a request is known.
#[derive(Clone, Debug)]
pub(crate) enum Users {
    /// By the cookie that the demo hands out.
    Cookie,
    /// By a token of the application.
    Token(TokenVerifier),
}

impl Config {
    /// What the rules are given.
    pub(crate) fn settings(&self) -> Settings {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Settings {
            bank_ms: millis(self.bank_patience),
            start_answer_ms: millis(self.start_answer),
            reconcile_after_ms: millis(self.reconcile_after),
            attempt_life_ms: millis(self.attempt_life),
            poll_ms: millis(self.poll_interval),
            data_deadline_ms: millis(self.data_deadline),
            sign_ins_per_user: self.sign_ins_per_user,
            fetch: self.fetch,
            nightly_ms: millis(self.nightly_interval),
        }
    }

    pub(crate) fn check(&self) -> Result<Checked, StartError> {
        let connect = ConnectUrl::at(&self.flinks_connect_url, parse_url)
            .map_err(|error| StartError::Setting { name: "FLINKS_CONNECT_URL", expected: error.expected() })?;
        let access = Access {
            api: api_url(&self.flinks_api_url)?,
            customer_id: path_segment(&self.customer_id)?,
            secret_key: header_secret("FLINKS_SECRET_KEY", &self.secret_key)?,
            api_key: header_secret("FLINKS_API_KEY", &self.api_key)?,
        };
        let webhook_secret =
            self.webhook_secret.as_deref().map(|secret| header_secret("FLINKS_WEBHOOK_SECRET", secret)).transpose()?;
        for (name, interval) in [
            ("POLL_INTERVAL_MS", self.poll_interval),
            ("RECONCILE_AFTER_MS", self.reconcile_after),
            ("NIGHTLY_INTERVAL_MS", self.nightly_interval),
            ("CLAIM_LEASE_MS", self.claim_lease),
            ("BANK_PATIENCE_MS", self.bank_patience),
            ("SHUTDOWN_GRACE_MS", self.shutdown_grace),
            ("EVENTS_TIMEOUT_MS", self.events_timeout),
        ] {
            if interval < Duration::from_millis(1) {
                return Err(StartError::Setting { name, expected: "expected at least a millisecond" });
            }
        }
        if self.flinks_calls == 0 {
            return Err(StartError::Setting { name: "FLINKS_MAX_CALLS", expected: "expected at least one" });
        }
        for (name, most) in [
            ("SIGN_INS_PER_USER", self.sign_ins_per_user),
            ("STARTS_PER_MINUTE", self.starts_per_minute),
            ("DELIVERIES_PER_MINUTE", self.deliveries_per_minute),
        ] {
            if most == 0 {
                return Err(StartError::Setting { name, expected: "expected at least one" });
            }
        }
        if self.fetch == Fetch::Off && self.events.is_none() {
            let expected = "expected on, or EVENTS_URL beside off: the application would not learn what to fetch";
            return Err(StartError::Setting { name: "FETCH", expected });
        }
        let limits = Limits { calls: self.flinks_calls, longest_call: self.flinks_timeout };
        if let Some(files) = &self.demo {
            self.check_demo(files, &access)?;
        }
        let users = match (&self.auth, &self.demo) {
            (None, Some(_)) => Users::Cookie,
            (Some(auth), None) => Users::Token(auth.check()?),
            (None, None) => {
                return Err(StartError::Setting {
                    name: "AUTH_JWT_SECRET",
                    expected: "expected it or AUTH_JWKS_URL, to know the application's users; neither is set",
                });
            }
            (Some(_), Some(_)) => {
                return Err(StartError::Setting {
                    name: "--demo",
                    expected: "expected without AUTH_JWT_SECRET and AUTH_JWKS_URL: the demo signs its user in itself",
                });
            }
        };
        let admin_key =
            self.admin_key.as_deref().map(|key| long_secret("ADMIN_KEY", key).map(Live::new)).transpose()?;
        if self.admin_addr.is_some() && admin_key.is_none() {
            return Err(StartError::Setting {
                name: "ADMIN_KEY",
                expected: "expected it beside ADMIN_ADDR; it is not set",
            });
        }
        for origin in &self.allowed_origins {
            check_origin("ALLOWED_ORIGINS", origin)?;
        }
        self.public_origin.as_deref().map_or(Ok(()), |origin| check_origin("PUBLIC_ORIGIN", origin))?;
        let origins = Origins { allowed: self.allowed_origins.clone().into(), public: self.public_origin.clone() };
        let events = self.events.as_ref().map(|events| events.check(self.events_timeout)).transpose()?;
        let (access, webhook_secret) = (Live::new(Arc::new(access)), Live::new(webhook_secret));
        Ok(Checked { access, limits, connect, webhook_secret, users, admin_key, events, origins })
    }
}

impl Checked {
    /// Takes over the secrets of `other`; nothing else is changed while the host runs.
    pub(crate) fn take_secrets(&self, other: &Self) {
        self.access.follow(&other.access);
        self.webhook_secret.follow(&other.webhook_secret);
        if let (Some(own), Some(other)) = (&self.admin_key, &other.admin_key) {
            own.follow(other);
        }
        if let (Some(own), Some(other)) = (&self.events, &other.events) {
            own.secrets.follow(&other.secrets);
        }
        if let (
            Users::Token(TokenVerifier { key: SigningKey::Secret(own), .. }),
            Users::Token(TokenVerifier { key: SigningKey::Secret(other), .. }),
        ) = (&self.users, &other.users)
        {
            own.follow(other);
        }
    }
}

impl Users {
    /// The keys that have to be fetched, where there are such.
    pub(crate) fn keys(&self) -> Option<&Arc<KeySet>> {
        match self {
            Self::Token(TokenVerifier { key: SigningKey::Published(keys), .. }) => Some(keys),
            Self::Token(_) | Self::Cookie => None,
        }
    }
}

impl Config {
    /// Whoever opens the demo is signed in, so it is for this machine and a sandbox.
    fn check_demo(&self, files: &DemoFiles, access: &Access) -> Result<(), StartError> {
        let wrong = |name, expected| Err(StartError::Setting { name, expected });
        if !self.addr.ip().is_loopback() {
            return wrong("HOST_ADDR", "expected an address of this machine only with --demo, as 127.0.0.1:4200");
        }
        if parse_url(access.api.as_str(), None).is_none_or(|parsed| !parsed.is_loopback()) {
            return wrong(
                "FLINKS_API_URL",
                "expected a flinks-sandbox on this machine with --demo, and no real instance",
            );
        }
        if !files.site_dir.is_dir() {
            return wrong("--site", "expected the folder of the demo page");
        }
        Ok(())
    }
}

impl Auth {
    fn check(&self) -> Result<TokenVerifier, StartError> {
        let wrong = |name, expected| Err(StartError::Setting { name, expected });
        let (key, lifetime) = match &self.key {
            AuthKey::Secret(secret) => {
                let secret = long_secret("AUTH_JWT_SECRET", secret)?;
                (
                    SigningKey::Secret(Live::new(DecodingKey::from_secret(secret.expose().as_bytes()))),
                    Duration::from_hours(1),
                )
            }
            AuthKey::Jwks(text) => {
                let parsed = parse_url(text, None);
                let is_safe = parsed.is_some_and(|parsed| {
                    !parsed.has_credentials
                        && (parsed.scheme == "https:" || (parsed.scheme == "http:" && parsed.is_loopback()))
                });
                let (true, Ok(url)) = (is_safe, Url::parse(text)) else {
                    return wrong("AUTH_JWKS_URL", "expected https, or http on a loopback host, without credentials");
                };
                let keys = KeySet::new(url).map_err(|_| StartError::System(ROOTS))?;
                (SigningKey::Published(Arc::new(keys)), Duration::from_hours(24))
            }
        };
        if self.audience.is_empty() {
            return wrong("AUTH_AUDIENCE", "expected the tokens' aud; it is empty");
        }
        if self.issuer.as_deref() == Some("") {
            return wrong("AUTH_ISSUER", "expected the tokens' iss; it is empty");
        }
        let max_lifetime = self.max_lifetime.unwrap_or(lifetime);
        if max_lifetime < Duration::from_secs(1) {
            return wrong("AUTH_MAX_LIFETIME_MS", "expected at least a second");
        }
        let expected = Expected { audience: self.audience.clone(), issuer: self.issuer.clone(), max_lifetime };
        Ok(TokenVerifier { key, expected })
    }
}

/// An origin as browsers write it.
fn check_origin(name: &'static str, text: &str) -> Result<(), StartError> {
    let origin = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if origin.is_some_and(|url| url.origin().ascii_serialization() == text) {
        return Ok(());
    }
    let expected =
        "expected scheme, host and port as browsers write them, as https://app.example: no path, no default port";
    Err(StartError::Setting { name, expected })
}

impl Events {
    fn check(&self, patience: Duration) -> Result<Poster, StartError> {
        let wrong = |name, expected| StartError::Setting { name, expected };
        let is_usable = parse_url(&self.url, None)
            .is_some_and(|parsed| !parsed.has_credentials && matches!(parsed.scheme.as_str(), "http:" | "https:"));
        let (true, Ok(url)) = (is_usable, Url::parse(&self.url)) else {
            return Err(wrong("EVENTS_URL", "expected an http or https URL without credentials"));
        };
        let secrets: Option<Vec<_>> = self.secret.split(',').map(|text| SigningSecret::parse(text.trim())).collect();
        let secrets = secrets.filter(|secrets| secrets.len() <= 2).ok_or_else(|| {
            wrong(
                "EVENTS_SECRET",
                "expected whsec_ and 24 to 64 random bytes in base64, or two of these with a comma between",
            )
        })?;
        Poster::new(url, secrets, patience).map_err(|_| StartError::System(ROOTS))
    }
}

/// What is as long as a key of HMAC-SHA256 has to be, and fits into a header.
fn long_secret(name: &'static str, text: &str) -> Result<Secret, StartError> {
    let fits = text.len() >= 32 && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    fits.then(|| Secret(text.to_owned())).ok_or(StartError::Setting {
        name,
        expected: "expected at least 32 random characters: printable ASCII, no spaces",
    })
}

/// The API's addresses of a Flinks instance: `toolbox` → `https://toolbox-api.private.fin.ag`.
///
/// `ConnectUrl::of_instance` has checked the name's grammar by then; it is one DNS label.
#[must_use]
pub fn api_url_of_instance(name: &str) -> String {
    format!("https://{name}-api.private.fin.ag")
}

fn api_url(text: &str) -> Result<Url, StartError> {
    let wrong = |expected| StartError::Setting { name: "FLINKS_API_URL", expected };
    let parsed = parse_url(text, None).ok_or_else(|| wrong("expected an absolute URL"))?;
    if parsed.scheme != "https:" && !(parsed.scheme == "http:" && parsed.is_loopback()) {
        return Err(wrong("expected https, or http on a loopback host"));
    }
    let url = Url::parse(text).map_err(|_| wrong("expected an absolute URL"))?;
    if parsed.has_credentials || !parsed.is_bare || url.path() != "/" {
        return Err(wrong("expected scheme, host and port only: no path, query, fragment or credentials"));
    }
    Ok(url)
}

/// The customer id stands in paths; what could end a segment is refused.
fn path_segment(text: &str) -> Result<String, StartError> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| text.to_owned()).ok_or(StartError::Setting {
        name: "FLINKS_CUSTOMER_ID",
        expected: "expected the customer id from Flinks: letters, digits and hyphens",
    })
}

/// Keys travel in headers.
fn header_secret(name: &'static str, text: &str) -> Result<Secret, StartError> {
    let fits = !text.is_empty() && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    fits.then(|| Secret(text.to_owned())).ok_or(StartError::Setting {
        name,
        expected: "expected the key from Flinks: printable ASCII, not empty, no spaces",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        let auth = Auth::new(AuthKey::Secret("of-the-application-32-characters".to_owned()));
        Config {
            secret_key: "a-secret".to_owned(),
            api_key: "an-api-key".to_owned(),
            auth: Some(auth),
            ..Config::default()
        }
    }

    fn refused(config: &Config) -> String {
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn every_wrong_value_names_its_setting_and_is_not_repeated() {
        assert!(good().check().is_ok());
        let with = |change: fn(&mut Auth)| {
            let mut config = good();
            config.auth.iter_mut().for_each(change);
            config
        };
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let events = |url: &str, secret: &str| {
            let events = Events { url: url.to_owned(), secret: secret.to_owned() };
            Config { events: Some(events), ..good() }
        };
        assert!(events("http://app.example/", &format!("{secret},{secret}")).check().is_ok());
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let demo = Some(DemoFiles { site_dir: here.clone(), sdk_dir: here });
        assert!(Config { demo: demo.clone(), auth: None, ..good() }.check().is_ok());
        for (config, name) in vec![
            (Config { flinks_connect_url: "http://bad.example/hush".to_owned(), ..good() }, "FLINKS_CONNECT_URL"),
            (Config { flinks_api_url: "http://bad.example/hush".to_owned(), ..good() }, "FLINKS_API_URL"),
            (Config { flinks_api_url: "https://bad.example/hush".to_owned(), ..good() }, "FLINKS_API_URL"),
            (Config { flinks_api_url: "hush".to_owned(), ..good() }, "FLINKS_API_URL"),
            (Config { customer_id: "../hush".to_owned(), ..good() }, "FLINKS_CUSTOMER_ID"),
            (Config { secret_key: String::new(), ..good() }, "FLINKS_SECRET_KEY"),
            (Config { api_key: "hush\n".to_owned(), ..good() }, "FLINKS_API_KEY"),
            (Config { webhook_secret: Some(String::new()), ..good() }, "FLINKS_WEBHOOK_SECRET"),
            (Config { poll_interval: Duration::ZERO, ..good() }, "POLL_INTERVAL_MS"),
            (Config { reconcile_after: Duration::ZERO, ..good() }, "RECONCILE_AFTER_MS"),
            (Config { nightly_interval: Duration::ZERO, ..good() }, "NIGHTLY_INTERVAL_MS"),
            (Config { claim_lease: Duration::ZERO, ..good() }, "CLAIM_LEASE_MS"),
            (Config { flinks_calls: 0, ..good() }, "FLINKS_MAX_CALLS"),
            (Config { bank_patience: Duration::ZERO, ..good() }, "BANK_PATIENCE_MS"),
            (Config { sign_ins_per_user: 0, ..good() }, "SIGN_INS_PER_USER"),
            (Config { starts_per_minute: 0, ..good() }, "STARTS_PER_MINUTE"),
            (Config { deliveries_per_minute: 0, ..good() }, "DELIVERIES_PER_MINUTE"),
            (Config { shutdown_grace: Duration::ZERO, ..good() }, "SHUTDOWN_GRACE_MS"),
            (Config { events_timeout: Duration::ZERO, ..good() }, "EVENTS_TIMEOUT_MS"),
            (Config { fetch: Fetch::Off, ..good() }, "FETCH"),
            (Config { auth: None, ..good() }, "AUTH_JWT_SECRET"),
            (with(|auth| auth.key = AuthKey::Secret("hush".to_owned())), "AUTH_JWT_SECRET"),
            (with(|auth| auth.key = AuthKey::Jwks("http://bad.example/hush".to_owned())), "AUTH_JWKS_URL"),
            (with(|auth| auth.audience.clear()), "AUTH_AUDIENCE"),
            (with(|auth| auth.issuer = Some(String::new())), "AUTH_ISSUER"),
            (with(|auth| auth.max_lifetime = Some(Duration::ZERO)), "AUTH_MAX_LIFETIME_MS"),
            (Config { admin_key: Some("hush".to_owned()), ..good() }, "ADMIN_KEY"),
            (Config { admin_addr: Some(good().addr), ..good() }, "ADMIN_KEY"),
            (Config { allowed_origins: vec!["*".to_owned()], ..good() }, "ALLOWED_ORIGINS"),
            (Config { allowed_origins: vec!["https://hush.example/".to_owned()], ..good() }, "ALLOWED_ORIGINS"),
            (Config { public_origin: Some("https://hush.example:443".to_owned()), ..good() }, "PUBLIC_ORIGIN"),
            (events("ftp://hush.example/", secret), "EVENTS_URL"),
            (events("https://hush:hush@app.example/", secret), "EVENTS_URL"),
            (events("https://app.example/", "whsec_hush"), "EVENTS_SECRET"),
            (events("https://app.example/", ""), "EVENTS_SECRET"),
            (Config { demo: demo.clone(), ..good() }, "--demo"),
            (Config { demo: demo.clone(), addr: "0.0.0.0:4200".parse().unwrap(), ..good() }, "HOST_ADDR"),
            (Config { demo, flinks_api_url: api_url_of_instance("toolbox"), auth: None, ..good() }, "FLINKS_API_URL"),
        ] {
            let text = refused(&config);
            assert!(text.starts_with(name), "{text}");
            assert!(!text.contains("hush") && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn debug_output_shows_no_key() {
        let text = format!("{:?} {:?}", good(), good().check().unwrap());
        assert!(!text.contains("a-secret") && !text.contains("an-api-key"), "{text}");
    }
}
