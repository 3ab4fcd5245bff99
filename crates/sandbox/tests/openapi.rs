//! The description of the control interface: equal to the interface, and survived by a fuzzer.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::Bench;
use flinks_sandbox::Faults;
use flinks_sandbox::faults::RedirectFault;
use flinks_sandbox::{Mishap, PageFault};
use reqwest::Method;
use serde_json::{Value, json};

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn listed(value: &Value) -> Vec<&str> {
    value["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn known<T>(all: &'static [(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(name, _)| *name).collect()
}

#[tokio::test]
async fn the_description_is_true() {
    let bench = Bench::start().await;
    let document = bench.control("openapi.json", Value::Null).await.body;
    let schemas = &document["components"]["schemas"];
    let faults = &schemas["Faults"]["properties"];
    assert_eq!(names(faults), names(&json!(Faults::default())));
    assert_eq!(listed(&faults["redirectFault"]), known(RedirectFault::ALL));
    assert_eq!(listed(&faults["page"]), known(PageFault::ALL));
    assert_eq!(listed(&schemas["ApiMishap"]["properties"]["kind"]), known(Mishap::ALL));
    for code in listed(&faults["bankCode"]["anyOf"][0]) {
        assert_eq!(bench.control("faults", json!({ "bankCode": code })).await.status, 200, "{code}");
    }

    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut request = bench.http.request(method, format!("{}{path}", bench.sandbox.api_url()));
            if let Some(content) = operation.pointer("/requestBody/content/application~1json") {
                request = request.json(&content["example"]);
            }
            let answer = bench.send(request).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            if let Some(schema) = name.map(|name| &schemas[name]) {
                let (said, described) = (names(&answer.body), names(&schema["properties"]));
                assert!(said.is_subset(&described), "{path}: {said:?} {described:?}");
            }
        }
    }
}

/// Runs schemathesis (`PyPI`). Without Python it says so and is no failure: the interfaces are described and tested elsewhere as well.
async fn fuzz(what: &str, arguments: &[&str], settings: [(&str, &str); 2]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.sh");
    let mut shell = tokio::process::Command::new("sh");
    shell.arg(script).args(arguments).envs(settings).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_mins(5), shell.output()).await;
    let output = match output.unwrap_or_else(|_| panic!("schemathesis did not end within five minutes")) {
        Ok(output) => output,
        Err(error) => return println!("{what}: schemathesis did not run: no shell ({error})"),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{what}:\n{said}");
    match output.status.code() {
        Some(0) => {}
        // What the script answers when there is nothing to run it with.
        Some(77) => println!("{what}: schemathesis did not run (see above); the interface was not fuzzed"),
        _ => panic!("schemathesis found something in {what}:\n{said}\n{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// One test, so that the two runs do not install schemathesis at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzer_finds_no_server_error() {
    let bench = Bench::start().await;
    // Ours says what it answers as well.
    let checks = ("CHECKS", "not_a_server_error,status_code_conformance,response_schema_conformance");
    fuzz("control", &[&bench.sandbox.api_url(), env!("CARGO_TARGET_TMPDIR")], [checks, ("HEADER", "")]).await;
    // What the fuzzer did to the sandbox is not the host's business.
    bench.control("reset", json!({})).await;
    fuzz_host(&bench).await;
}

/// The host's interface as well, when its program lies beside ours: `cargo test --workspace` builds both.
async fn fuzz_host(bench: &Bench) {
    let program = Path::new(env!("CARGO_BIN_EXE_flinks-sandbox")).with_file_name("flinks-host");
    if !program.exists() {
        return println!("host: not fuzzed, {} is not built", program.display());
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (address, base) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = bench.sandbox.config();
    let mut host = tokio::process::Command::new(program);
    host.args(["--demo", "--addr", &address, "--flinks-api-url", &bench.sandbox.api_url()])
        .args(["--flinks-connect-url", &bench.sandbox.connect_url(), "--customer-id", &config.customer_id])
        .args(["--secret-key", &config.secret_key, "--api-key", &config.api_key, "--webhook-secret", "webhook-secret"]);
    let _host =
        host.current_dir(repository).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut signed_in = None;
    for _ in 0..200 {
        signed_in = bench.http.get(&base).send().await.ok();
        if signed_in.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let signed_in = signed_in.unwrap_or_else(|| panic!("flinks-host does not answer at {base}"));
    let cookie = signed_in.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let header = format!("Cookie: {}", cookie.split(';').next().unwrap_or_default());
    let settings = [("CHECKS", "not_a_server_error"), ("HEADER", &*header)];
    fuzz("host", &[&base, env!("CARGO_TARGET_TMPDIR"), "/openapi.json"], settings).await;
}
