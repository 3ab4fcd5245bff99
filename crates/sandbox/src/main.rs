//! `flinks-sandbox`: a local Flinks on two ports.

use std::process::ExitCode;

use flinks_sandbox::{Sandbox, flags};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    match flags::read(std::env::args().skip(1)) {
        flags::Command::Print(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        flags::Command::Refuse(reason) => fail(&reason),
        flags::Command::Run(config) => match Sandbox::start(*config).await {
            Err(error) => fail(&error.to_string()),
            Ok(sandbox) => {
                print!("{}", sandbox.announcement());
                told_to_stop().await;
                sandbox.stop().await;
                ExitCode::SUCCESS
            }
        },
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
