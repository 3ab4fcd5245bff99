//! The command line, of the binary and of `npx flinks-sandbox`: the same flags, read by the same code, refused in the same words.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{
    Config, DEFAULT_API, DEFAULT_CONNECT, DEFAULT_CUSTOMER_ID, DEFAULT_PROCESSING_MS, DEFAULT_TOKEN_MINUTES, Reach,
};
use crate::state::webhook::Webhook;
use crate::{entropy, scenario};

/// What a command line asks for.
#[derive(Debug)]
pub enum Command {
    /// A sandbox.
    Run(Box<Config>),
    /// This text on the standard output.
    Print(String),
    /// It cannot be carried out; this line says why.
    Refuse(String),
}

/// Reads a command line, without the program's name.
#[must_use]
pub fn read<I: IntoIterator<Item = String>>(arguments: I) -> Command {
    let program = std::iter::once("flinks-sandbox".to_owned());
    match Flags::try_parse_from(program.chain(arguments)) {
        Ok(Flags { command: Some(Subcommands::Scenarios { markdown }), .. }) => {
            Command::Print(if markdown { scenario::as_markdown() } else { scenario::as_text() })
        }
        Ok(flags) => {
            let config = Config::from(flags);
            // Now, not when the sandbox starts: what cannot work need not travel on.
            match config.settings() {
                Ok(_) => Command::Run(Box::new(config)),
                Err(error) => Command::Refuse(error.to_string()),
            }
        }
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Command::Print(error.render().to_string())
        }
        Err(error) => {
            // The first line names the flag; the rest is advice nobody reads in a test log.
            let text = error.render().to_string();
            Command::Refuse(text.lines().next().unwrap_or("bad flags").trim_start_matches("error: ").to_owned())
        }
    }
}

/// A faithful local Flinks: API and Connect page, with its own clock and faults. Not a real bank.
#[derive(Parser)]
#[command(name = "flinks-sandbox", version, args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    command: Option<Subcommands>,
    /// Where the Connect page listens
    #[arg(long, value_name = "ADDR", default_value_t = DEFAULT_CONNECT)]
    connect: SocketAddr,
    /// Where the API listens
    #[arg(long, value_name = "ADDR", default_value_t = DEFAULT_API)]
    api: SocketAddr,
    /// `flinks-auth-key` of `GenerateAuthorizeToken`; random when not given
    #[arg(long, value_name = "KEY")]
    secret_key: Option<String>,
    /// `x-api-key` of the data endpoints; random when not given
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// The customer in every API path
    #[arg(long, value_name = "ID", default_value = DEFAULT_CUSTOMER_ID)]
    customer_id: String,
    /// How long data takes, in milliseconds of the sandbox's clock; with 0 the first call has it
    #[arg(long, value_name = "MS", default_value_t = DEFAULT_PROCESSING_MS)]
    processing_ms: u64,
    /// How long an unused authorize token is good for, in minutes of the sandbox's clock
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TOKEN_MINUTES)]
    token_minutes: u64,
    /// What the accounts grow from: same seed, same transactions
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where webhooks are posted; none are unless given
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// What webhooks are signed with; random when not given
    #[arg(long, value_name = "SECRET", requires = "webhook_url")]
    webhook_secret: Option<String>,
    /// Lets the control interface send webhooks to other machines, too
    #[arg(long)]
    webhook_anywhere: bool,
    /// The Connect page as browsers reach it, behind a port mapping or a proxy
    #[arg(long, value_name = "URL")]
    public_connect_url: Option<String>,
    /// Another name that the sandbox may be called by; can be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// A file that keeps the state over restarts; in memory when not given
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Subcommands {
    /// List the scenarios that `POST /_sandbox/scenario` sets up
    Scenarios {
        /// As the document crates/sandbox/SCENARIOS.md
        #[arg(long)]
        markdown: bool,
    },
}

impl From<Flags> for Config {
    fn from(flags: Flags) -> Self {
        let random = Self::default();
        Self {
            connect: flags.connect,
            api: flags.api,
            customer_id: flags.customer_id,
            secret_key: flags.secret_key.unwrap_or(random.secret_key),
            api_key: flags.api_key.unwrap_or(random.api_key),
            processing_ms: flags.processing_ms,
            token_minutes: flags.token_minutes,
            seed: flags.seed,
            webhook: flags.webhook_url.map(|url| Webhook {
                url,
                secret: flags.webhook_secret.unwrap_or_else(|| entropy::uuid().to_string()),
            }),
            webhook_reach: if flags.webhook_anywhere { Reach::Anywhere } else { Reach::Loopback },
            public_connect_url: flags.public_connect_url,
            allowed_hosts: flags.allow_host,
            state_file: flags.state,
        }
    }
}
