//! The binary: what it says about flags that cannot work.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;

use crate::common::program;

/// Runs the binary with flags it must refuse; its one line on stderr.
fn complaint(flags: &[&str]) -> String {
    let output = program().args(flags).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{flags:?}");
    assert!(output.stdout.is_empty(), "{flags:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn what_cannot_work_is_refused_in_one_line_that_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = complaint(&["--connect", &address, "--api", "127.0.0.1:0"]);
    assert!(in_use.contains("--connect") && in_use.contains("in use"), "{in_use}");
    assert!(complaint(&["--connect", "127.0.0.1:0", "--api", &address]).contains("--api"));
    assert!(complaint(&["--api", "4202"]).contains("--api"));
    assert!(complaint(&["--api"]).contains("--api"));
    for value in ["soon", "86400001", "18446744073709551615"] {
        assert!(complaint(&["--processing-ms", value]).contains("--processing-ms"), "{value}");
    }
    for value in ["0", "1441", "18446744073709551615"] {
        assert!(complaint(&["--token-minutes", value]).contains("--token-minutes"), "{value}");
    }
    assert!(complaint(&["--unknown"]).contains("--unknown"));
    assert!(complaint(&["--customer-id", "a/b"]).contains("--customer-id"));
    assert!(complaint(&["--webhook-url", "host"]).contains("--webhook-url"));
    for url in ["localhost:8080", "http://localhost:8080/elsewhere", "ftp://localhost/v2/", "http://a:b@localhost/v2/"]
    {
        assert!(complaint(&["--public-connect-url", url]).contains("--public-connect-url"), "{url}");
    }
    // It listens before it reads the file: not where somebody's own sandbox may be.
    let elsewhere = ["--connect", "127.0.0.1:0", "--api", "127.0.0.1:0", "--state", "/no/such/folder/file"];
    assert!(complaint(&elsewhere).contains("--state"));
    let secret = complaint(&["--secret-key", "two words"]);
    assert!(secret.contains("--secret-key") && !secret.contains("two words"), "{secret}");
}

#[test]
fn help_names_every_flag() {
    let output = program().arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--connect",
        "--api",
        "--secret-key",
        "--api-key",
        "--customer-id",
        "--processing-ms",
        "--token-minutes",
        "--seed",
        "--webhook-url",
        "--webhook-secret",
        "--webhook-anywhere",
        "--public-connect-url",
        "--allow-host",
        "--state",
    ] {
        assert!(text.contains(flag), "{flag}");
    }
}

#[test]
fn scenarios_are_listed() {
    let output = program().arg("scenarios").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for scenario in flinks_sandbox::scenario::ALL {
        assert!(text.lines().any(|line| line.starts_with(scenario.name) && line.ends_with(scenario.about)));
    }
}
