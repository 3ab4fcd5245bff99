//! Webhooks over real HTTP: bodies, signatures, ten tries half an hour apart on the sandbox's clock.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::Bench;
use crate::common::receiver::Receiver;
use flinks_sandbox::clock::MINUTE_MS;
use flinks_sandbox::{Config, DEMO_LOGINS};
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn bench() -> (Bench, Receiver) {
    let receiver = Receiver::start().await;
    (Bench::with(Config { webhook: Some(receiver.webhook.clone()), ..Config::local() }).await, receiver)
}

/// Every try of that kind: its number, what the host answered, what became of it, and when.
fn tries(bench: &Bench, kind: &str) -> Vec<(u64, Option<u64>, String, u64)> {
    let entries = bench.sandbox.log();
    let tries = entries.iter().filter(|entry| entry["kind"] == "webhook" && entry["responseType"] == kind);
    let read = |entry: &Value| {
        let outcome = entry["outcome"].as_str().unwrap().to_owned();
        (entry["attempt"].as_u64().unwrap(), entry["status"].as_u64(), outcome, entry["atMs"].as_u64().unwrap())
    };
    tries.map(read).collect()
}

#[tokio::test]
async fn both_kinds_arrive_signed_with_the_bodies_of_the_api() {
    let (bench, receiver) = bench().await;
    let body = json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": false, "Save": true, "Tag": "attempt 7"});
    let session = bench.authorize(body).await.text("RequestId").to_owned();
    bench.answer_all(&session).await;
    bench.webhooks_settle().await;
    assert_eq!(receiver.accepted(), ["KYC"], "the data is not there yet");
    bench.sandbox.advance_ms(MINUTE_MS).unwrap();
    bench.webhooks_settle().await;
    assert_eq!(receiver.accepted(), ["KYC", "GetAccountsDetail"]);

    let heard = receiver.heard();
    let (kyc, detail) = (heard[0].json(), heard[1].json());
    for one in [&kyc, &detail] {
        assert_eq!((&one["HttpStatusCode"], &one["Tag"]), (&json!(200), &json!("attempt 7")));
        assert_eq!((&one["Login"]["Id"], &one["RequestId"]), (&json!(DEMO_LOGINS[1].login_id), &json!(session)));
    }
    assert_eq!(kyc["Holders"][0]["Address"]["Country"], "CA");
    assert_eq!(kyc.get("Accounts"), None);
    // The same as the API answers, which is asked later and still answers: a webhook does not use the session up.
    bench.accounts(&session, json!({})).await;
    let fetched: Vec<_> = detail["Accounts"].as_array().unwrap().iter().map(|account| account["Id"].clone()).collect();
    assert_eq!(fetched, DEMO_LOGINS[1].account_ids.map(Value::from));
    assert!(detail["Accounts"][0]["Transactions"].as_array().unwrap().len() > 3);
}

#[tokio::test]
async fn a_host_that_fails_hears_the_same_bytes_again_after_half_an_hour() {
    let (bench, receiver) = bench().await;
    receiver.deafen(1);
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    bench.until("the first try has failed", |bench| tries(bench, "KYC").len() == 1).await;
    bench.sandbox.advance_ms(30 * MINUTE_MS - 5_000).unwrap();
    bench.webhooks_settle().await;
    assert_eq!(tries(&bench, "KYC").len(), 1, "not yet");
    bench.sandbox.advance_ms(5_000).unwrap();
    bench.webhooks_settle().await;
    let all = tries(&bench, "KYC");
    let all: Vec<_> = all.iter().map(|(attempt, status, outcome, _)| (*attempt, *status, outcome.as_str())).collect();
    assert_eq!(all, [(1, Some(503), "failed"), (2, Some(200), "delivered")]);
    let kyc: Vec<_> = receiver.heard().into_iter().filter(|heard| heard.json()["ResponseType"] == "KYC").collect();
    assert_eq!((&kyc[0].body, &kyc[0].signature), (&kyc[1].body, &kyc[1].signature));
}

#[tokio::test]
async fn after_ten_tries_it_is_given_up() {
    let bench = Bench::start().await;
    // Nobody listens there.
    let body = json!({"url": "http://127.0.0.1:9/hook", "secret": "s"});
    assert_eq!(bench.control("webhook", body).await.status, 200);
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    bench.sandbox.advance_ms(10 * 60 * MINUTE_MS).unwrap();
    bench.webhooks_settle().await;
    for kind in ["KYC", "GetAccountsDetail"] {
        let all = tries(&bench, kind);
        assert_eq!(all.iter().map(|(attempt, ..)| *attempt).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        assert!(all.iter().all(|(_, status, ..)| status.is_none()));
        assert_eq!(all[9].2, "given-up");
    }
    assert_eq!(bench.control("webhook", Value::Null).await.body["waiting"], json!([]));
}

#[tokio::test]
async fn a_reconnect_over_the_page_announces_the_accounts_it_was_filtered_to() {
    let (bench, receiver) = bench().await;
    let session = bench.refresh(3).await;
    let mut page = bench.open(&format!("?requestId={session}&accountSelectorEnable=true&tag=mine")).await;
    page.answer_all().await;
    bench.webhooks_settle().await;
    assert!(receiver.heard().is_empty(), "the user has not picked yet");
    page.act(json!({"name": "pick-accounts", "ids": [DEMO_LOGINS[3].account_ids[1]]})).await;
    bench.sandbox.advance_ms(MINUTE_MS).unwrap();
    bench.webhooks_settle().await;
    let detail = receiver.heard()[1].json();
    assert_eq!(detail["Accounts"].as_array().unwrap().len(), 1);
    assert_eq!(detail["Tag"], "mine");
}

#[tokio::test]
async fn a_session_is_announced_once_and_stored_data_never() {
    let (bench, receiver) = bench().await;
    let session = bench.refresh(0).await;
    bench.open(&format!("?requestId={session}")).await.answer_all().await;
    bench.authorize(json!({ "RequestId": session })).await;
    bench.open(&format!("?requestId={session}")).await;
    let cached = json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": true});
    assert_eq!(bench.authorize(cached).await.status, 200);
    bench.sandbox.advance_ms(MINUTE_MS).unwrap();
    bench.webhooks_settle().await;
    assert_eq!(receiver.accepted(), ["KYC", "GetAccountsDetail"]);
}

#[tokio::test]
async fn where_they_go_can_be_changed_and_read_but_not_the_secret() {
    let (bench, receiver) = bench().await;
    for body in [
        json!({"url": "ftp://host/", "secret": "s"}),
        json!({"url": "http://host/"}),
        json!({"secret": "s"}),
        json!({"url": "http://host/", "secret": ""}),
        json!({"url": 7, "secret": "s"}),
        json!([]),
    ] {
        assert_eq!(bench.control("webhook", body.clone()).await.status, 400, "{body}");
    }
    let state = bench.control("webhook", Value::Null).await.body;
    assert_eq!(state, json!({"url": receiver.webhook.url, "waiting": []}));
    assert_eq!(bench.control("webhook", json!({})).await.body["url"], Value::Null);
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    bench.webhooks_settle().await;
    assert!(receiver.heard().is_empty());
    assert_eq!(bench.control("reset", json!({})).await.status, 200);
    assert_eq!(bench.control("webhook", Value::Null).await.body["url"], receiver.webhook.url, "as at the start");
    assert!(!format!("{:?}", bench.sandbox.log()).contains("a webhook secret"));
}

#[tokio::test]
async fn nothing_is_told_about_a_deleted_login_and_a_long_leap_loses_nothing() {
    let (bench, receiver) = bench().await;
    for index in [0, 1] {
        let session = bench.refresh(index).await;
        bench.answer_all(&session).await;
    }
    bench.webhooks_settle().await;
    let delete = format!("DeleteCard/{}", DEMO_LOGINS[0].login_id);
    assert_eq!(bench.data(reqwest::Method::DELETE, &delete, Value::Null).await.status, 200);
    bench.sandbox.advance_ms(3 * 24 * 60 * MINUTE_MS).unwrap();
    bench.token().await;
    bench.webhooks_settle().await;
    assert_eq!(receiver.accepted(), ["KYC", "KYC", "GetAccountsDetail"]);
    assert_eq!(receiver.heard()[2].json()["Login"]["Id"], DEMO_LOGINS[1].login_id);
}

/// A host behind https: how often a handshake failed, and how many webhooks came.
#[derive(Default)]
struct SecureHost {
    refused: AtomicUsize,
    posted: AtomicUsize,
}

impl SecureHost {
    async fn serve(self: Arc<Self>, listener: TcpListener, tls: TlsAcceptor) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = tls.accept(stream).await else {
                self.refused.fetch_add(1, Ordering::SeqCst);
                continue;
            };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            if String::from_utf8_lossy(&head).starts_with("POST /hook HTTP/1.1\r\n") {
                self.posted.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    }
}

/// The program, which trusts these roots only, with a user who gets in: KYC is due.
async fn program(port: u16, roots: &Path) -> tokio::process::Child {
    let mut child = tokio::process::Command::from(crate::common::program())
        .args(["--connect", "127.0.0.1:0", "--api", "127.0.0.1:0", "--secret-key", "secret"])
        .args(["--webhook-url", &format!("https://localhost:{port}/hook")])
        .env("SSL_CERT_FILE", roots)
        // Node's word for it.
        .env("NODE_EXTRA_CA_CERTS", roots)
        .env_remove("SSL_CERT_DIR")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let api = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(address) = line.trim().strip_prefix("API ") {
            break address.trim().to_owned();
        }
    };
    let http = reqwest::Client::new();
    let token = http.post(format!("{api}GenerateAuthorizeToken")).header("flinks-auth-key", "secret");
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let sign_in = http.post(format!("{api}Authorize")).header("flinks-auth-key", token["Token"].as_str().unwrap());
    let body = json!({"Institution": "FlinksCapital", "Username": "greatday_nomfa", "Password": "Everyday"});
    assert_eq!(sign_in.json(&body).send().await.unwrap().status(), 200);
    child
}

async fn until(count: &AtomicUsize) {
    let wait = async {
        while count.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "not within 20 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_goes_to_hosts_the_machine_trusts_only() {
    let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = Arc::new(SecureHost::default());
    let server = tokio::spawn(Arc::clone(&host).serve(listener, TlsAcceptor::from(Arc::new(config))));

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (trusting, other) = (folder.join("trusting.pem"), folder.join("other.pem"));
    std::fs::write(&trusting, own.cert.pem()).unwrap();
    std::fs::write(&other, generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();

    let stranger = program(port, &other).await;
    until(&host.refused).await;
    assert_eq!(host.posted.load(Ordering::SeqCst), 0, "nothing goes to a host nobody vouches for");
    drop(stranger);
    let trusting = program(port, &trusting).await;
    until(&host.posted).await;
    drop(trusting);
    server.abort();
}
