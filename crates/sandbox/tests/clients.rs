//! The API driven by clients that nobody here wrote: npm `node-flinks` and `@rizwannur/flinks`, unchanged but for the base URL.
//!
//! A call that fails must stand in the README's table of disagreements, with the reason; one that stands there must fail.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common::running::Running;
use flinks_sandbox::Config;
use serde::Deserialize;
use tokio::process::Command;

const SCRIPTS: [&str; 2] = ["node-flinks.mjs", "rizwannur-flinks.mjs"];

/// Client and call; README.md has a row for each.
const DISAGREEMENTS: [(&str, &str); 2] = [("node-flinks", "token"), ("node-flinks", "authorize (MFA answer)")];

#[derive(Deserialize)]
struct Outcome {
    client: String,
    call: String,
    passed: bool,
    remark: String,
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Installs the clients once into target/, where the scripts run.
async fn install() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    fs::create_dir_all(&folder).unwrap();
    let source = crate_folder().join("tests/clients");
    for entry in fs::read_dir(&source).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let lock = fs::read_to_string(source.join("package-lock.json")).unwrap();
    let stamp = folder.join("node_modules/.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return folder;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
    let output = npm.stdin(Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| {
        panic!("this test needs Node and npm to run the two clients, and npm cannot be started: {error}")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "npm ci in {} failed; is the npm registry reachable?\n{said}", folder.display());
    fs::write(stamp, lock).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_work_unchanged() {
    let folder = install().await;
    let mut calls = Vec::new();
    for script in SCRIPTS {
        let sandbox = Running::start(Config { processing_ms: 300, ..Config::local() }).await.unwrap();
        let mut node = Command::new("node");
        node.arg(script).current_dir(&folder).stdin(Stdio::null()).kill_on_drop(true);
        node.env("SANDBOX_API", sandbox.api_url())
            .env("SANDBOX_CUSTOMER_ID", &sandbox.config().customer_id)
            .env("SANDBOX_SECRET_KEY", &sandbox.config().secret_key)
            .env("SANDBOX_API_KEY", &sandbox.config().api_key);
        let run = tokio::time::timeout(std::time::Duration::from_mins(1), node.output()).await;
        let output =
            run.unwrap_or_else(|_| panic!("{script} did not end within a minute")).expect("node can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} failed:\n{said}");
        let lines = String::from_utf8(output.stdout).unwrap();
        calls.extend(lines.lines().map(|line| serde_json::from_str::<Outcome>(line).unwrap()));
        sandbox.stop().await;
    }
    print_table(&calls);

    let readme = fs::read_to_string(crate_folder().join("README.md")).unwrap();
    let mut wrong = Vec::new();
    for call in &calls {
        let is_known = DISAGREEMENTS.contains(&(&*call.client, &*call.call));
        if call.passed == is_known {
            let what = if is_known { "passes now, and stands in the README as a disagreement" } else { &*call.remark };
            wrong.push(format!("{} {}: {what}", call.client, call.call));
        }
    }
    for (client, call) in DISAGREEMENTS {
        assert!(calls.iter().any(|made| made.client == client && made.call == call), "{client} {call} was not made");
        assert!(readme.contains(&format!("| {client} `{call}` |")), "README.md has no row for {client} `{call}`");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// To the screen, which `cargo test` hides, and to target/tmp/client-calls.md, which it does not.
fn print_table(calls: &[Outcome]) {
    let mut table = String::from("| client | call | |\n|---|---|---|\n");
    for Outcome { client, call, passed, remark } in calls {
        let verdict = if *passed { "passed".to_owned() } else { format!("disagrees: {remark}") };
        writeln!(table, "| {client} | {call} | {verdict} |").unwrap();
    }
    for name in ["node-flinks", "@rizwannur/flinks"] {
        let of_client = || calls.iter().filter(|call| call.client == name);
        let passed = of_client().filter(|call| call.passed).count();
        writeln!(table, "| {name} | all of them | {passed} of {} passed |", of_client().count()).unwrap();
    }
    print!("{table}");
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("client-calls.md"), table).unwrap();
}
