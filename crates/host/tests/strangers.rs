//! What strangers send is bounded in bytes, time and number, and costs the others nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    fs,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Child,
    task::JoinSet,
    time::timeout,
};

use crate::common::{Bench, Database, WEBHOOK_SECRET, print_row, program::run_host, send, signature};

/// What a process may have, by the sentence in the README.
const MOST_KB: u64 = 60 * 1024;
const BODY_LEN: usize = 15 * 1024 * 1024;

/// A line of `/proc/PID/status`, in kilobytes.
fn memory(child: &Child, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("Linux has this line");
    value.trim_matches([':', ' ', '\t', 'k', 'B']).parse().unwrap()
}

async fn program() -> (Child, String) {
    let settings = [
        ("FLINKS_API_URL", "http://127.0.0.1:9"),
        ("FLINKS_CONNECT_URL", "http://127.0.0.1:9/v2/"),
        ("FLINKS_CUSTOMER_ID", "a-customer"),
        ("FLINKS_SECRET_KEY", "a-secret"),
        ("FLINKS_API_KEY", "an-api-key"),
        ("FLINKS_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("AUTH_JWT_SECRET", "of-the-application-32-characters"),
        ("DATABASE_URL", "sqlite::memory:"),
    ];
    run_host(&[], &settings).await
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_requests_and_unsigned_bodies_leave_the_host_small_and_answering() {
    let (child, base) = program().await;
    let address = base.strip_prefix("http://").unwrap();
    let before = memory(&child, "VmRSS");
    let mut half_open = Vec::new();
    for half in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = if half % 2 == 0 {
            format!("POST /api/flinks/webhook HTTP/1.1\r\nHost: a\r\nX-Long: {}", "x".repeat(12_000))
        } else {
            // The head is whole, and of the body one byte comes.
            format!(
                "POST /api/flinks/webhook HTTP/1.1\r\nHost: a\r\nFlinks-Authenticity-Key: {}\r\nContent-Length: {BODY_LEN}\r\n\r\nx",
                signature("made up", b"")
            )
        };
        stream.write_all(head.as_bytes()).await.unwrap();
        half_open.push(stream);
    }
    let client = Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(30)).build().unwrap();
    let body = bytes(BODY_LEN);
    let mut posts = JoinSet::new();
    for _ in 0..30 {
        let post = client
            .post(format!("{base}/api/flinks/webhook"))
            .header("flinks-authenticity-key", signature("made up", b""))
            .body(body.clone());
        // A refusal before the body's end may reach a client that still sends as a broken connection.
        posts.spawn(async move { post.send().await.map(|response| response.status()) });
    }
    let mut slowest = Duration::ZERO;
    let mut answers = Vec::new();
    let mut most = before;
    loop {
        let began = Instant::now();
        assert_eq!(client.get(format!("{base}/readyz")).send().await.unwrap().status(), StatusCode::OK);
        slowest = slowest.max(began.elapsed());
        most = most.max(memory(&child, "VmRSS"));
        match timeout(Duration::from_millis(20), posts.join_next()).await {
            Ok(Some(answer)) => answers.push(answer.unwrap()),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    for status in answers.iter().flatten() {
        assert!([StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE].contains(status), "{status}");
    }
    let (after, peak) = (memory(&child, "VmRSS"), memory(&child, "VmHWM"));
    print_row(&format!(
        "200 half-open requests and 30 unsigned bodies of 15 MiB | memory {} MiB before, {} most, {} after | slowest answer meanwhile {slowest:.1?}",
        before / 1024,
        peak / 1024,
        after / 1024
    ));
    assert!(peak < MOST_KB && most < MOST_KB, "{peak} kB");
    drop(half_open);
}

fn bytes(len: usize) -> axum::body::Bytes {
    vec![b' '; len].into()
}

/// Reads until the host closes the connection; what it had to say.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut text)).await.expect("it is closed within 10 s").unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn half_a_head_and_half_a_body_are_waited_for_so_long_and_no_longer() {
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| {
        config.head_timeout = Duration::from_millis(300);
        config.body_timeout = Duration::from_millis(300);
    })
    .await;
    let address = bench.host.as_ref().unwrap().addr();
    let mut head = TcpStream::connect(address).await.unwrap();
    head.write_all(b"GET /healthz HTTP/1.1\r\nHo").await.unwrap();
    let mut body = TcpStream::connect(address).await.unwrap();
    let key = signature(WEBHOOK_SECRET, b"");
    body.write_all(
        format!("POST /api/flinks/webhook HTTP/1.1\r\nHost: a\r\nFlinks-Authenticity-Key: {key}\r\nContent-Length: 9\r\n\r\n{{")
            .as_bytes(),
    )
    .await
    .unwrap();
    let answer = until_closed(body).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("TOO_SLOW"), "{answer}");
    until_closed(head).await;
    // An idle connection, too.
    until_closed(TcpStream::connect(address).await.unwrap()).await;
}

#[tokio::test]
async fn a_head_is_bounded_and_so_is_the_number_of_connections() {
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| {
        config.client_connections = 4;
        config.head_timeout = Duration::from_secs(1);
    })
    .await;
    let address = bench.host.as_ref().unwrap().addr();
    let mut long = TcpStream::connect(address).await.unwrap();
    long.write_all(format!("GET /healthz HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000)).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    timeout(Duration::from_secs(10), long.read_exact(&mut answer)).await.expect("it answers").unwrap();
    assert_eq!(answer, b"HTTP/1.1 431");
    drop(long);
    // As many as may be open, with nothing to say: another one is answered when the first of them is closed.
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let began = Instant::now();
    let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    assert_eq!(client.get(format!("http://{address}/healthz")).send().await.unwrap().status(), StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(15));
    drop(idle);
}

#[tokio::test]
async fn so_many_requests_are_under_way_and_the_next_is_turned_away() {
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| config.client_requests = 2).await;
    bench.flinks.bank().held = Some("Authorize");
    let mut clicks = JoinSet::new();
    for connection in ["nightly", "ondemand"] {
        let request = bench.post(&format!("/api/connections/{connection}/reconnect"), &json!({}));
        clicks.spawn(async move { send(request).await });
    }
    bench.until_bank("both are under way", |bank| bank.held_calls == 2).await;
    let answer = send(bench.get("/api/connections")).await.refused(503, "HOST_BUSY");
    assert!(answer.retry_after.is_some());
    // How the host is can be asked all the same.
    send(bench.get("/readyz")).await.expect(200);
    bench.flinks.bank().held = None;
    while let Some(answer) = clicks.join_next().await {
        answer.unwrap().expect(200);
    }
    send(bench.get("/api/connections")).await.expect(200);
}

#[tokio::test]
async fn a_webhook_without_a_signature_is_refused_before_its_body_comes() {
    let bench = Bench::alone().await;
    let address = bench.host.as_ref().unwrap().addr();
    for header in ["", "Flinks-Authenticity-Key: c2hvcnQ=\r\n", "Flinks-Authenticity-Key: no base64!\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head =
            format!("POST /api/flinks/webhook HTTP/1.1\r\nHost: a\r\n{header}Content-Length: {BODY_LEN}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.expect("it does not wait").unwrap();
        assert_eq!(answer, b"HTTP/1.1 401", "{header}");
    }
}
