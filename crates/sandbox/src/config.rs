//! How a sandbox is set up.
//!
//! Invariants: a sandbox that starts listens only where it was told to; keys are its own random ones unless given; a setting that
//! cannot work is refused by the name of its flag before anything listens.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use url::Url;

use crate::clock::{DAY_MS, MINUTE_MS};
use crate::control::{self, Places};
use crate::entropy;
use crate::state::Settings;
use crate::state::token::TOKEN_LIFE_MS;
use crate::state::webhook::Webhook;
use crate::visitor::Names;

/// The customer of a sandbox unless told otherwise: the one of Flinks' public Toolbox.
pub const DEFAULT_CUSTOMER_ID: &str = "43387ca6-0391-4c82-857d-70d95f087ecb";
/// Where Connect listens unless told otherwise.
pub const DEFAULT_CONNECT: SocketAddr = loopback(4201);
/// Where the API listens unless told otherwise.
pub const DEFAULT_API: SocketAddr = loopback(4202);
/// How long data takes unless told otherwise.
pub const DEFAULT_PROCESSING_MS: u64 = 1_500;
/// How many minutes an unused authorize token is good for unless told otherwise.
pub const DEFAULT_TOKEN_MINUTES: u64 = TOKEN_LIFE_MS / MINUTE_MS;

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Config {
    /// Where the Connect page listens.
    pub connect: SocketAddr,
    /// Where the API listens.
    pub api: SocketAddr,
    /// The customer in every API path.
    pub customer_id: String,
    /// The secret key: `flinks-auth-key` of `GenerateAuthorizeToken`.
    pub secret_key: String,
    /// The api key: `x-api-key` of the data endpoints.
    pub api_key: String,
    /// How long data takes, in milliseconds of the sandbox's clock: with 0 the first call has it, and a day is the most.
    pub processing_ms: u64,
    /// How many minutes of the sandbox's clock an unused authorize token is good for; a day at most.
    pub token_minutes: u64,
    /// What the accounts grow from.
    pub seed: u64,
    /// Where webhooks go; nowhere unless given.
    pub webhook: Option<Webhook>,
    /// Where the control interface may send webhooks; [`Config::webhook`] itself may be anywhere.
    pub webhook_reach: Reach,
    /// The Connect page as browsers reach it, behind a port mapping or a proxy; where it listens, unless given.
    pub public_connect_url: Option<String>,
    /// Names that the sandbox may be called by, besides addresses and names that only this machine's network has.
    pub allowed_hosts: Vec<String>,
    /// The file that keeps the state over restarts; none keeps it in memory.
    pub state_file: Option<PathBuf>,
}

/// Where webhooks may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To this machine.
    #[default]
    Loopback,
    /// Anywhere.
    Anywhere,
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Config {
    /// The ports of the binary, loopback only, with keys of its own.
    fn default() -> Self {
        Self {
            connect: DEFAULT_CONNECT,
            api: DEFAULT_API,
            customer_id: DEFAULT_CUSTOMER_ID.to_owned(),
            secret_key: entropy::uuid().to_string(),
            api_key: entropy::uuid().to_string(),
            processing_ms: DEFAULT_PROCESSING_MS,
            token_minutes: DEFAULT_TOKEN_MINUTES,
            seed: 1,
            webhook: None,
            webhook_reach: Reach::Loopback,
            public_connect_url: None,
            allowed_hosts: Vec::new(),
            state_file: None,
        }
    }
}

impl Config {
    /// For tests: any free ports on loopback.
    #[must_use]
    pub fn local() -> Self {
        Self { connect: loopback(0), api: loopback(0), ..Self::default() }
    }

    /// The Connect page, from this machine.
    #[must_use]
    pub fn connect_url(&self) -> String {
        self.places().connect_url()
    }

    /// Where it is reached, once it listens at its addresses.
    pub(crate) fn places(&self) -> Places {
        let public_connect = self.public_connect_url.as_deref().and_then(public_page);
        let mut names = self.allowed_hosts.clone();
        names.extend(public_connect.as_ref().and_then(|url| Some(url.host_str()?.to_owned())));
        Places { connect: self.connect, public_connect: public_connect.map(String::from), names: Names::new(names) }
    }

    /// The API's base, from this machine.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", control::reachable(self.api))
    }

    /// What a sandbox says of itself when it has started.
    #[must_use]
    pub fn announcement(&self, connect_url: &str, api_url: &str) -> String {
        let mut lines = vec![
            "Flinks sandbox (not a real bank)".to_owned(),
            format!("  Connect      {connect_url}"),
            format!("  API          {api_url}/v3/{}/BankingServices/", self.customer_id),
            format!("  secret key   {}", self.secret_key),
            format!("  api key      {}", self.api_key),
            format!("  customer id  {}", self.customer_id),
            "  test user    Greatday / Everyday; answers Montreal, Canada, Triangle".to_owned(),
        ];
        if let Some(webhook) = &self.webhook {
            lines.push(format!("  webhooks     {}", webhook.url));
            lines.push(format!("  hmac secret  {}", webhook.secret));
        }
        if let Some(file) = &self.state_file {
            lines.push(format!("  state        {}", file.display()));
        }
        lines.push(format!("  control      {api_url}/_sandbox/log"));
        if !(self.connect.ip().is_loopback() && self.api.ip().is_loopback()) {
            let warning = "  warning      listening beyond this machine, and the control interface asks for no key";
            lines.push(warning.to_owned());
        }
        lines.join("\n") + "\n"
    }

    pub(crate) fn settings(&self) -> Result<Settings, StartError> {
        let texts =
            [("--customer-id", &self.customer_id), ("--secret-key", &self.secret_key), ("--api-key", &self.api_key)];
        for (flag, text) in texts {
            // They travel in a path and in headers.
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
                return Err(StartError {
                    flag,
                    reason: "expected printable ASCII without spaces and slashes".to_owned(),
                });
            }
        }
        if self.processing_ms > DAY_MS {
            return Err(StartError { flag: "--processing-ms", reason: format!("expected {DAY_MS} (a day) at most") });
        }
        if !(1..=DAY_MS / MINUTE_MS).contains(&self.token_minutes) {
            let reason = format!("expected 1 to {} (a day)", DAY_MS / MINUTE_MS);
            return Err(StartError { flag: "--token-minutes", reason });
        }
        if self.public_connect_url.as_deref().is_some_and(|url| public_page(url).is_none()) {
            let reason =
                "expected an http or https address whose path is /v2/, as http://localhost:8080/v2/".to_owned();
            return Err(StartError { flag: "--public-connect-url", reason });
        }
        if let Some(webhook) = &self.webhook {
            webhook.check().map_err(|invalid| StartError { flag: "--webhook-url", reason: invalid.to_string() })?;
        }
        Ok(Settings {
            customer_id: self.customer_id.clone(),
            secret_key: self.secret_key.clone(),
            api_key: self.api_key.clone(),
            processing_ms: self.processing_ms,
            token_life_ms: self.token_minutes * MINUTE_MS,
            seed: self.seed,
            webhook: self.webhook.clone(),
            webhook_reach: self.webhook_reach,
        })
    }
}

/// The address of a Connect page, if it is one.
fn public_page(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    let is_page = matches!(url.scheme(), "http" | "https")
        && matches!(url.path(), "/" | "/v2" | "/v2/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    url.set_path("/v2/");
    is_page.then_some(url)
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Config").field("connect", &self.connect).field("api", &self.api).finish_non_exhaustive()
    }
}

/// Why a sandbox did not start, in one line that names the flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// The flag that has to change.
    pub flag: &'static str,
    /// What is wrong with it. Never repeats a key.
    pub reason: String,
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.flag, self.reason)
    }
}

impl std::error::Error for StartError {}
