//! The program: its settings, its one line when it cannot start, its end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// The program with no setting from outside, and the keys set.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flinks-host"));
    for name in [
        "HOST_ADDR",
        "FLINKS_API_URL",
        "FLINKS_INSTANCE",
        "FLINKS_CONNECT_URL",
        "FLINKS_CUSTOMER_ID",
        "FLINKS_WEBHOOK_SECRET",
        "DATABASE_URL",
        "POLL_INTERVAL_MS",
        "AUTH_JWT_SECRET",
        "AUTH_JWKS_URL",
        "ADMIN_KEY",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command.env("FLINKS_SECRET_KEY", "hush-secret").env("FLINKS_API_KEY", "hush-api").env("HOST_ADDR", "127.0.0.1:0");
    command
}

#[test]
fn a_wrong_setting_is_one_line_that_names_it() {
    let site = TempDir::new().unwrap();
    let site = site.path().to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let demo = ["--demo", "--site", site];
    let service = ["--flinks-instance", "toolbox", "--customer-id", "customer", "--database-url", "sqlite::memory:"];
    let with_users = [&service[..], &["--auth-jwt-secret", "0123456789-0123456789-0123456789"]].concat();
    let site_file = &format!("{site}/key");
    std::fs::write(site_file, "hush-too-short\n").unwrap();
    for (arguments, environment, name) in [
        (&[][..], ("HOST_ADDR", "127.0.0.1:0"), "FLINKS_API_URL"),
        (&[], ("FLINKS_API_URL", "http://127.0.0.1:4202"), "FLINKS_CONNECT_URL"),
        (&[], ("FLINKS_INSTANCE", "Hush.example"), "FLINKS_INSTANCE"),
        (&["--flinks-api-url", "http://127.0.0.1:4202"], ("FLINKS_INSTANCE", "toolbox"), "FLINKS_INSTANCE"),
        (&[], ("FLINKS_INSTANCE", "toolbox"), "FLINKS_CUSTOMER_ID"),
        (&demo, ("HOST_ADDR", taken.as_str()), "HOST_ADDR"),
        (&demo, ("HOST_ADDR", "hush"), "HOST_ADDR"),
        (&demo, ("FLINKS_CONNECT_URL", "http://hush.example/"), "FLINKS_CONNECT_URL"),
        (&demo, ("FLINKS_API_URL", "hush"), "FLINKS_API_URL"),
        (&demo, ("FLINKS_SECRET_KEY", ""), "FLINKS_SECRET_KEY"),
        (&demo, ("DATABASE_URL", "hush://hush"), "DATABASE_URL"),
        (&demo, ("POLL_INTERVAL_MS", "0"), "POLL_INTERVAL_MS"),
        (&demo, ("POLL_INTERVAL_MS", "hush"), "POLL_INTERVAL_MS"),
        (&["--demo", "--site", "no/such/folder"], ("HOST_ADDR", "127.0.0.1:0"), "--site"),
        (&demo, ("HOST_ADDR", "0.0.0.0:0"), "HOST_ADDR"),
        (&demo, ("FLINKS_INSTANCE", "toolbox"), "FLINKS_API_URL"),
        (&demo, ("AUTH_JWT_SECRET", "hush-0123456789-0123456789-012345"), "--demo"),
        (&demo, ("FLINKS_API_KEY_FILE", "/no/such/hush"), "FLINKS_API_KEY"),
        (&demo, ("FLINKS_WEBHOOK_SECRET_FILE", "/no/such/hush"), "FLINKS_WEBHOOK_SECRET_FILE"),
        (&service, ("RUST_LOG", "off"), "AUTH_JWT_SECRET"),
        (&service, ("AUTH_JWT_SECRET", "hush"), "AUTH_JWT_SECRET"),
        (&service, ("AUTH_JWKS_URL", "http://hush.example/"), "AUTH_JWKS_URL"),
        (&with_users, ("ADMIN_KEY_FILE", site_file), "ADMIN_KEY"),
    ] {
        let output = program().args(arguments).env(environment.0, environment.1).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(name) && !text.to_lowercase().contains("hush"), "{text}");
    }
}

#[test]
fn secrets_may_stand_in_files() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut child = program()
        .args(["--flinks-instance", "toolbox", "--customer-id", "customer"])
        .env_remove("FLINKS_SECRET_KEY")
        .env_remove("FLINKS_API_KEY")
        .env("FLINKS_SECRET_KEY_FILE", file("secret", "hush-secret\n"))
        .env("FLINKS_API_KEY_FILE", file("api", "hush-api"))
        .env("AUTH_JWT_SECRET_FILE", file("jwt", "hush-0123456789-0123456789-012345\r\n"))
        .env("DATABASE_URL_FILE", file("database", "sqlite::memory:\n"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("flinks-host: http://localhost:"), "{line}");
}

#[test]
fn it_says_where_it_is_and_stops_when_it_is_told_to() {
    let site = TempDir::new().unwrap();
    let mut child = program()
        .args(["--demo", "--site", site.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("flinks-host: http://localhost:"), "{line}");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}
