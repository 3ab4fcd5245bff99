//! How a sandbox is set up.
//!
//! Invariants: a sandbox that starts listens only where it was told to; keys are its own random ones unless given; a setting that
//! cannot work is refused by the name of its flag before anything listens.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use uuid::Uuid;

use crate::clock::{DAY_MS, MINUTE_MS};
use crate::state::Settings;
use crate::state::token::TOKEN_LIFE_MS;
use crate::state::webhook::Webhook;

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
    /// How long data takes, in milliseconds of the sandbox's clock; a day at most.
    pub processing_ms: u64,
    /// How many minutes of the sandbox's clock an unused authorize token is good for; a day at most.
    pub token_minutes: u64,
    /// What the accounts grow from.
    pub seed: u64,
    /// Where webhooks go; nowhere unless given.
    pub webhook: Option<Webhook>,
    /// The file that keeps the state over restarts; none keeps it in memory.
    pub state_file: Option<PathBuf>,
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
            secret_key: Uuid::new_v4().to_string(),
            api_key: Uuid::new_v4().to_string(),
            processing_ms: DEFAULT_PROCESSING_MS,
            token_minutes: DEFAULT_TOKEN_MINUTES,
            seed: 1,
            webhook: None,
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
        })
    }
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
