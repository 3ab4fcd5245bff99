//! A host that is told to stop: what is asked first, what is finished, what is left behind; and when it takes no work at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    common::{
        Bench, Database, LOGINS, delivery,
        flinks::{API_KEY, CUSTOMER, Flinks, SECRET, Session},
        print_row,
        program::run_host,
        send, sign_in,
    },
    shared::{execute, number},
};

/// As long as an orchestrator gives it here, and longer than a bank takes below.
const GRACE: Duration = Duration::from_secs(12);
/// How long after SIGTERM the bank answers.
const BANK: Duration = Duration::from_secs(6);

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_is_told_first_and_fails_no_request() {
    let flinks = Flinks::start().await;
    let site = TempDir::new().unwrap();
    std::fs::write(site.path().join("index.html"), "<!doctype html>").unwrap();
    let site = site.path().to_str().unwrap();
    let settings = [
        ("FLINKS_API_URL", &*flinks.url()),
        ("FLINKS_CUSTOMER_ID", CUSTOMER),
        ("FLINKS_SECRET_KEY", SECRET),
        ("FLINKS_API_KEY", API_KEY),
        ("SHUTDOWN_GRACE_MS", &GRACE.as_millis().to_string()),
    ];
    let (mut child, base) = run_host(&["--demo", "--site", site, "--sdk", site], &settings).await;
    let client = Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let cookie = sign_in(&client, &base).await;

    // A start whose bank is slow, connections that are kept and say nothing, and many who ask.
    flinks.bank().held = Some("Authorize");
    let start =
        client.post(format!("{base}/api/connections/nightly/reconnect")).header("cookie", &cookie).json(&json!({}));
    let slow = tokio::spawn(send(start));
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200");
        idle.push(stream);
    }
    // As a load balancer: it sends requests until the host says that it takes no more.
    let (is_out, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = JoinSet::new();
    for _ in 0..8 {
        let ask = client.get(format!("{base}/api/connections")).header("cookie", &cookie);
        let (is_out, served) = (Arc::clone(&is_out), Arc::clone(&served));
        load.spawn(async move {
            while !is_out.load(Ordering::SeqCst) {
                send(ask.try_clone().unwrap()).await.expect(200);
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let is_under_load = async {
        while flinks.bank().held_calls == 0 || served.load(Ordering::SeqCst) < 20 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(Duration::from_secs(15), is_under_load).await.is_ok(), "the host is not under load");
    assert_eq!(client.get(format!("{base}/readyz")).send().await.unwrap().status(), 200);

    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let told = Instant::now();
    let not_ready = loop {
        let answer = send(client.get(format!("{base}/readyz"))).await;
        if answer.status == 503 {
            answer.refused(503, "STOPPING");
            break told.elapsed();
        }
        assert!(told.elapsed() < Duration::from_secs(2), "it says so at once");
    };
    // A balancer needs a while to notice; all the time everybody is served.
    let at_first = served.load(Ordering::SeqCst);
    sleep(Duration::from_secs(2).saturating_sub(told.elapsed())).await;
    let served_meanwhile = served.load(Ordering::SeqCst) - at_first;
    assert!(served_meanwhile > 0);
    is_out.store(true, Ordering::SeqCst);
    while let Some(ended) = load.join_next().await {
        ended.unwrap();
    }
    sleep(BANK.saturating_sub(told.elapsed())).await;
    flinks.bank().held = None;
    assert_eq!(slow.await.unwrap().expect(200).body["status"], "challenge");
    let status = timeout(GRACE, child.wait()).await.expect("it ends within its grace").unwrap();
    let took = told.elapsed();
    assert!(status.success(), "{status}");
    assert!(took >= BANK && took < GRACE, "{took:?}");
    print_row(&format!(
        "SIGTERM under load, 20 idle connections | /readyz 503 after {not_ready:.1?} | {served_meanwhile} requests served after that, none failed | \
         a start of {BANK:?} answered | exit 0 after {took:.1?} of {GRACE:?}"
    ));
    drop(idle);
}

#[tokio::test]
async fn a_host_that_stops_gives_back_what_it_cannot_finish() {
    let database = Database::sqlite();
    let mut bench = Bench::with(&database, |config| config.shutdown_grace = Duration::from_millis(800)).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.flinks.bank().held = Some("GetAccountsDetail");
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_bank("a step is under way", |bank| bank.held_calls == 1).await;
    let claimed = "SELECT COUNT(*) FROM attempts WHERE claimed_by IS NOT NULL AND claimed_until > 0";
    assert_eq!(number(&database.url, claimed).await, 1);
    let began = Instant::now();
    bench.host.take().unwrap().stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(number(&database.url, claimed).await, 0);
    // Another host carries on at once.
    bench.flinks.bank().held = None;
    bench.restart().await;
    bench.until_status("nightly", "up-to-date").await;
}

#[tokio::test]
async fn a_host_whose_worker_cannot_work_says_so_and_lives() {
    let bench = Bench::alone().await;
    let url = bench.config.database_url.clone();
    let until_ready = async |status: u16| {
        for _ in 0..500 {
            let answer = send(bench.get("/readyz")).await;
            if answer.status == status {
                return answer;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("/readyz is not {status} within 5 s");
    };
    until_ready(200).await;
    execute(&url, &["ALTER TABLE attempts RENAME TO attempts_away"]).await;
    until_ready(503).await.refused(503, "STORAGE_UNAVAILABLE");
    send(bench.get("/healthz")).await.expect(200);
    execute(&url, &["ALTER TABLE attempts_away RENAME TO attempts"]).await;
    until_ready(200).await;
}
