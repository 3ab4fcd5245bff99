//! `flinks-sandbox`: a local Flinks on two ports.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use flinks_sandbox::{
    Config, DEFAULT_API, DEFAULT_CONNECT, DEFAULT_CUSTOMER_ID, DEFAULT_PROCESSING_MS, DEFAULT_TOKEN_MINUTES, Sandbox,
    Webhook, scenario,
};

/// A faithful local Flinks: API and Connect page, with its own clock and faults. Not a real bank.
#[derive(Parser)]
#[command(name = "flinks-sandbox", version, args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// How long data takes, in milliseconds of the sandbox's clock
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
    /// A file that keeps the state over restarts; in memory when not given
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
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
                secret: flags.webhook_secret.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            }),
            state_file: flags.state,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => error.exit(),
        Err(error) => {
            // The first line names the flag; the rest is advice nobody reads in a test log.
            let text = error.to_string();
            return fail(text.lines().next().unwrap_or("bad flags").trim_start_matches("error: "));
        }
    };
    if let Some(Command::Scenarios { markdown }) = flags.command {
        print!("{}", if markdown { scenario::as_markdown() } else { scenario::as_text() });
        return ExitCode::SUCCESS;
    }
    match Sandbox::start(flags.into()).await {
        Err(error) => fail(&error.to_string()),
        Ok(sandbox) => {
            announce(&sandbox);
            told_to_stop().await;
            sandbox.stop().await;
            ExitCode::SUCCESS
        }
    }
}

/// Ctrl-C, or SIGTERM as a container is stopped with.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("flinks-sandbox: {reason}");
    ExitCode::from(2)
}

fn announce(sandbox: &Sandbox) {
    let config = sandbox.config();
    println!("Flinks sandbox (not a real bank)");
    println!("  Connect      {}", sandbox.connect_url());
    println!("  API          {}/v3/{}/BankingServices/", sandbox.api_url(), config.customer_id);
    println!("  secret key   {}", config.secret_key);
    println!("  api key      {}", config.api_key);
    println!("  customer id  {}", config.customer_id);
    println!("  test user    Greatday / Everyday; answers Montreal, Canada, Triangle");
    if let Some(webhook) = &config.webhook {
        println!("  webhooks     {}", webhook.url);
        println!("  hmac secret  {}", webhook.secret);
    }
    if let Some(file) = &config.state_file {
        println!("  state        {}", file.display());
    }
    println!("  control      {}/_sandbox/log", sandbox.api_url());
    if !(config.connect.ip().is_loopback() && config.api.ip().is_loopback()) {
        println!("  warning      listening beyond this machine, and the control interface asks for no key");
    }
}
