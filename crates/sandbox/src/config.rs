//! How a sandbox is set up.
//!
//! Invariants: a sandbox that starts listens only where it was told to; keys are its own random ones unless given; a setting that
//! cannot work is refused by the name of its flag before anything listens.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use uuid::Uuid;

use crate::state::Settings;
use crate::state::webhook::Webhook;

/// The customer of a sandbox unless told otherwise: the one of Flinks' public Toolbox.
pub const DEFAULT_CUSTOMER_ID: &str = "43387ca6-0391-4c82-857d-70d95f087ecb";
/// Where Connect listens unless told otherwise.
pub const DEFAULT_CONNECT: SocketAddr = loopback(4201);
/// Where the API listens unless told otherwise.
pub const DEFAULT_API: SocketAddr = loopback(4202);
/// How long data takes unless told otherwise.
pub const DEFAULT_PROCESSING_MS: u64 = 1_500;

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
    /// How long data takes, in the sandbox's time.
    pub processing_ms: u64,
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
        if let Some(webhook) = &self.webhook {
            webhook.check().map_err(|invalid| StartError { flag: "--webhook-url", reason: invalid.to_string() })?;
        }
        Ok(Settings {
            customer_id: self.customer_id.clone(),
            secret_key: self.secret_key.clone(),
            api_key: self.api_key.clone(),
            processing_ms: self.processing_ms,
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
