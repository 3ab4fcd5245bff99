//! Secrets that are changed while the host runs, and how often one user may ask.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{fs, path::Path};

use flinks_host::{AuthKey, Config};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    common::{
        Bench, Database, LOGINS, delivery, eventually,
        flinks::{API_KEY, CUSTOMER, Flinks, SECRET as FLINKS_SECRET, Session},
        program::run_host,
        send, signature,
    },
    service::{AsApplication as _, NEW_SECRET, OLD_SECRET, Receiver, SECRET, claims, service, signed},
};

const FIRST_KEY: &str = "the-first-key-of-the-application-itself";
const SECOND_KEY: &str = "the-second-key-of-the-application-itself";
const SECOND_SECRET: &str = "the-application's-second-secret-of-the-test";

/// Sends again and again until the answer has this status.
async fn until(status: u16, request: impl Fn() -> RequestBuilder) {
    let look = async || (request().send().await.unwrap().status() == status).then_some(());
    eventually(&format!("an answer of {status}"), look).await;
}

fn signed_with(secret: &str, user: &str) -> String {
    encode(&Header::new(Algorithm::HS256), &claims(user), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[tokio::test]
async fn secrets_in_files_are_changed_without_a_restart_and_bad_ones_change_nothing() {
    let flinks = Flinks::start().await;
    let receiver = Receiver::default();
    let events = receiver.start().await;
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let database = format!("sqlite://{}", dir.path().join("host.db").display());
    let (_child, base) = run_host(
        &[],
        &[
            ("FLINKS_API_URL", &flinks.url()),
            ("FLINKS_CONNECT_URL", "http://127.0.0.1:4201/v2/"),
            ("FLINKS_CUSTOMER_ID", CUSTOMER),
            ("FLINKS_SECRET_KEY_FILE", &file("secret-key", "an-old-key\n")),
            ("FLINKS_API_KEY_FILE", &file("api-key", "an-old-key")),
            ("FLINKS_WEBHOOK_SECRET_FILE", &file("webhook", FIRST_KEY)),
            ("AUTH_JWT_SECRET_FILE", &file("jwt", SECRET)),
            ("ADMIN_KEY_FILE", &file("admin", FIRST_KEY)),
            ("EVENTS_URL", &events),
            ("EVENTS_SECRET_FILE", &file("events", OLD_SECRET)),
            ("DATABASE_URL", &database),
            ("POLL_INTERVAL_MS", "20"),
        ],
    )
    .await;
    let http = Client::new();
    let parked = |key: &str| http.get(format!("{base}/admin/events")).bearer_auth(key);
    let connections = |token: &str| http.get(format!("{base}/api/connections")).bearer_auth(token);
    // Of no use, and so answered 200 when it is signed.
    let webhook = |secret: &str| {
        let post = http.post(format!("{base}/api/flinks/webhook"));
        post.header("flinks-authenticity-key", signature(secret, b"{}")).body("{}")
    };
    let (old_token, new_token) = (signed(&claims("anna")), signed_with(SECOND_SECRET, "anna"));
    send(parked(FIRST_KEY)).await.expect(200);
    send(parked(SECOND_KEY)).await.refused(401, "UNAUTHENTICATED");
    send(connections(&old_token)).await.expect(200);
    send(connections(&new_token)).await.refused(401, "UNAUTHENTICATED");
    send(webhook(FIRST_KEY)).await.expect(200);
    send(webhook(SECOND_KEY)).await.refused(401, "BAD_SIGNATURE");

    file("webhook", SECOND_KEY);
    file("events", &format!("{OLD_SECRET},{NEW_SECRET}"));
    file("jwt", SECOND_SECRET);
    file("secret-key", FLINKS_SECRET);
    file("api-key", API_KEY);
    // As an orchestrator does it: the new file takes the old one's name.
    file("admin-new", &format!("{SECOND_KEY}\n"));
    fs::rename(dir.path().join("admin-new"), dir.path().join("admin")).unwrap();
    until(200, || parked(SECOND_KEY)).await;
    send(parked(FIRST_KEY)).await.refused(401, "UNAUTHENTICATED");
    until(200, || connections(&new_token)).await;
    send(connections(&old_token)).await.refused(401, "UNAUTHENTICATED");
    send(webhook(SECOND_KEY)).await.expect(200);
    send(webhook(FIRST_KEY)).await.refused(401, "BAD_SIGNATURE");
    // Flinks takes the new keys, and both secrets sign, which the receiver checks.
    let put = http.put(format!("{base}/admin/users/anna/connections/bank")).bearer_auth(SECOND_KEY);
    send(put.json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    let start = || {
        let url = format!("{base}/api/connections/bank/reconnect");
        http.post(url).bearer_auth(&new_token).json(&json!({}))
    };
    let reply = send(start()).await.expect(200).body;
    flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
    let post = http.post(format!("{base}/api/reconnects")).bearer_auth(&new_token).header("idempotency-key", key);
    send(post.json(&delivery(&reply, LOGINS[0]))).await.expect(200);
    assert_eq!(receiver.until(2).await[1].2["type"], "connection.refreshed");

    // One bad file, and nothing of the others is taken.
    let metric = async |line: &str| {
        let look = async || {
            let text = http.get(format!("{base}/metrics")).bearer_auth(SECOND_KEY).send().await.unwrap().text().await;
            text.unwrap().lines().any(|one| one == line).then_some(())
        };
        eventually(line, look).await;
    };
    file("admin", "short");
    metric("reconnect_secrets_reloads_total{outcome=\"refused\"} 1").await;
    file("jwt", SECRET);
    metric("reconnect_secrets_reloads_total{outcome=\"refused\"} 2").await;
    fs::remove_file(dir.path().join("events")).unwrap();
    metric("reconnect_secrets_reloads_total{outcome=\"refused\"} 3").await;
    send(parked(SECOND_KEY)).await.expect(200);
    send(connections(&new_token)).await.expect(200);
    send(connections(&old_token)).await.refused(401, "UNAUTHENTICATED");
    file("admin", FIRST_KEY);
    file("events", OLD_SECRET);
    until(200, || parked(FIRST_KEY)).await;
    until(200, || connections(&old_token)).await;
    assert!(Path::new(&database[9..]).exists());
}

#[tokio::test]
async fn a_user_has_so_many_requests_a_minute() {
    let database = Database::sqlite();
    let few = |config: &mut Config| (config.starts_per_minute, config.deliveries_per_minute) = (2, 1);
    let bench: Bench = service(&database, AuthKey::Secret(SECRET.to_owned()), few).await;
    for (user, id) in [("anna", "a"), ("berta", "b")] {
        let put = bench.admin(Method::PUT, &format!("{user}/connections/{id}"));
        send(put.json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    }
    let start = |user: &str, id: &str| {
        let url = format!("{}/api/connections/{id}/reconnect", bench.base);
        send(bench.browser.post(url).bearer_auth(signed(&claims(user))).json(&json!({})))
    };
    let deliver = |reply: &Value| {
        let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
        let post = bench.browser.post(format!("{}/api/reconnects", bench.base)).bearer_auth(signed(&claims("anna")));
        send(post.header("idempotency-key", key).json(&delivery(reply, LOGINS[0])))
    };
    let reply = start("anna", "a").await.expect(200).body;
    start("anna", "unknown").await.refused(404, "NO_SUCH_CONNECTION");
    let calls = bench.flinks.bank().calls;
    let answer = start("anna", "a").await.refused(429, "TOO_MANY_REQUESTS");
    let seconds: u64 = answer.retry_after.unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    assert_eq!(bench.flinks.bank().calls, calls, "Flinks is asked nothing");
    start("berta", "b").await.expect(200);
    deliver(&reply).await.refused(409, "NOT_FINISHED");
    deliver(&reply).await.refused(429, "TOO_MANY_REQUESTS");
}
