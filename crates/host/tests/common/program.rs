//! The host as a program of its own, which a test can kill, measure and tell to stop.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// Starts the host on a free port with these arguments and settings, and logs nothing. Returns the program, which ends with its owner, and the
/// address at which it answers.
pub async fn run_host(args: &[&str], settings: &[(&str, &str)]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flinks-host"))
        .args(args)
        .env_remove("FLINKS_INSTANCE")
        .env_remove("DATABASE_URL")
        .envs([("HOST_ADDR", "127.0.0.1:0"), ("RUST_LOG", "off")])
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let base = line.trim().strip_prefix("flinks-host: ").unwrap().replace("localhost", "127.0.0.1");
    (child, base)
}
