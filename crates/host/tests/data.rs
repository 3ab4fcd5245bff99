//! Flinks' whole last answer, for the application; and the application that fetches it itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use flinks_host::{AuthKey, Events, Fetch};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use crate::{
    common::{
        Bench, Database, LOGINS, delivery, eventually,
        flinks::{Live, Session},
        postgres::Postgres,
        send,
    },
    service::{ADMIN_KEY, AsApplication as _, NEW_SECRET, OLD_SECRET, Receiver, SECRET, claims, service, signed},
};

async fn put(bench: &Bench, id: &str, body: &Value) {
    let answer = send(bench.admin(Method::PUT, &format!("anna/connections/{id}")).json(body)).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

/// Status and text of the data of a connection.
async fn data(bench: &Bench, id: &str) -> (u16, String) {
    let url = format!("{}/admin/connections/{id}/data", bench.base);
    let answer = bench.browser.get(url).bearer_auth(ADMIN_KEY).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn refused(bench: &Bench, id: &str, code: &str) {
    let (status, text) = data(bench, id).await;
    assert!(status == 404 && text.contains(code), "{status} {text}");
}

async fn start(bench: &Bench, id: &str) -> Value {
    let url = format!("{}/api/connections/{id}/reconnect", bench.base);
    let start = bench.browser.post(url).bearer_auth(signed(&claims("anna"))).json(&json!({}));
    send(start).await.expect(200).body
}

async fn deliver(bench: &Bench, reply: &Value, login: &str) {
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
    let post = bench.browser.post(format!("{}/api/reconnects", bench.base)).bearer_auth(signed(&claims("anna")));
    send(post.header("idempotency-key", key).json(&delivery(reply, login))).await.expect(200);
}

/// A whole repair, until its data is stored.
async fn repair(bench: &Bench, id: &str, login: &str) {
    let reply = start(bench, id).await;
    deliver(bench, &reply, login).await;
    let path = "anna/attempts";
    eventually("it is repaired", async || {
        let attempts = send(bench.admin(Method::GET, path)).await.expect(200).body;
        let of_it = |attempt: &&Value| attempt["id"] == reply["attemptId"];
        let attempt = attempts["attempts"].as_array().unwrap().iter().find(of_it).unwrap();
        (attempt["state"] == "finished").then_some(())
    })
    .await;
}

async fn kept_rows(database: &Database) -> i64 {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let row = connection.fetch_one("SELECT COUNT(*) AS kept FROM answers").await.unwrap();
    row.get("kept")
}

/// What is kept for the application, and for how long, on any database.
async fn kept(database: &Database) {
    let mut bench = service(database, AuthKey::Secret(SECRET.to_owned()), |_| {}).await;
    put(&bench, "bank", &json!({"loginId": LOGINS[0]})).await;
    refused(&bench, "bank", "NO_DATA").await;
    refused(&bench, "another", "NO_SUCH_CONNECTION").await;
    repair(&bench, "bank", LOGINS[0]).await;
    let (status, text) = data(&bench, "bank").await;
    assert_eq!((status, &text), (200, &bench.flinks.bank().sent_data), "every byte of it");
    assert!(text.contains("Person Nobody May Store"), "also what the pages do not show");
    let stranger = bench.browser.get(format!("{}/admin/connections/bank/data", bench.base));
    send(stranger).await.refused(401, "UNAUTHENTICATED");

    // What the user did not pick is not in it.
    let picked = json!(["acc00000-0002-4000-8000-000000000001", "acc00000-0002-4000-8000-000000000003"]);
    put(&bench, "picked", &json!({"loginId": LOGINS[1], "selectedAccounts": picked})).await;
    repair(&bench, "picked", LOGINS[1]).await;
    let narrowed: Value = serde_json::from_str(&data(&bench, "picked").await.1).unwrap();
    let ids: Vec<_> = narrowed["Accounts"].as_array().unwrap().iter().map(|account| &account["Id"]).collect();
    assert_eq!((json!(ids), &narrowed["Login"]["Id"]), (picked, &json!(LOGINS[1])));

    // It goes with its connection, with its user, and with another login.
    let deleted = send(bench.admin(Method::DELETE, "anna/connections/picked")).await.expect(200).body;
    assert_eq!((&deleted["answers"], kept_rows(database).await), (&json!(1), 1));
    refused(&bench, "picked", "NO_SUCH_CONNECTION").await;
    put(&bench, "bank", &json!({"loginId": LOGINS[2]})).await;
    refused(&bench, "bank", "NO_DATA").await;
    repair(&bench, "bank", LOGINS[2]).await;
    assert_eq!(data(&bench, "bank").await.0, 200);
    assert_eq!(send(bench.admin(Method::DELETE, "anna")).await.expect(200).body["answers"], 1);
    assert_eq!(kept_rows(database).await, 0);

    // Its time is over, and it is deleted.
    bench.config.data_kept = Duration::from_millis(300);
    bench.restart().await;
    put(&bench, "bank", &json!({"loginId": LOGINS[0]})).await;
    repair(&bench, "bank", LOGINS[0]).await;
    eventually("no answer is kept", async || (kept_rows(database).await == 0).then_some(())).await;
    refused(&bench, "bank", "NO_DATA").await;

    // None are kept: the old one goes with the next repair all the same.
    bench.config.data_kept = Duration::from_hours(1);
    bench.restart().await;
    repair(&bench, "bank", LOGINS[0]).await;
    assert_eq!(data(&bench, "bank").await.0, 200);
    bench.config.data_kept = Duration::ZERO;
    bench.restart().await;
    repair(&bench, "bank", LOGINS[0]).await;
    refused(&bench, "bank", "NO_DATA").await;
    assert_eq!(kept_rows(database).await, 0);
}

/// The application fetches, on any database.
async fn left_to_the_application(database: &Database) {
    let receiver = Receiver::default();
    let events = Some(Events { url: receiver.start().await, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    let change = |config: &mut flinks_host::Config| {
        config.events = events;
        config.fetch = Fetch::Off;
    };
    let bench = service(database, AuthKey::Secret(SECRET.to_owned()), change).await;
    put(&bench, "bank", &json!({"loginId": LOGINS[0]})).await;
    let reply = start(&bench, "bank").await;
    deliver(&bench, &reply, LOGINS[0]).await;
    let told = receiver.until(2).await[1].2.clone();
    assert_eq!(told["type"], "connection.refreshed");
    assert_eq!(
        told["data"],
        json!({"user": "anna", "connection": "bank", "attempt": reply["attemptId"], "loginId": LOGINS[0], "accountIds": [],
            "refreshedAt": "2026-01-21T20:47:47.145Z", "requestId": reply["requestId"], "reason": null})
    );
    let stored = send(bench.admin(Method::GET, "anna/connections/bank")).await.expect(200).body;
    assert_eq!((&stored["status"], &stored["lastRefresh"]), (&json!("up-to-date"), &told["data"]["refreshedAt"]));
    // The bank needs nobody.
    bench.flinks.live(LOGINS[0], Live::Authorized);
    assert_eq!(start(&bench, "bank").await, json!({"status": "upToDate"}));
    let again = receiver.until(3).await[2].2.clone();
    assert!(again["data"]["requestId"].is_string() && again["data"]["requestId"] != told["data"]["requestId"]);
    assert_eq!(bench.flinks.data_asked(), 0, "the host asks for no data");
    refused(&bench, "bank", "NO_DATA").await;
}

#[tokio::test]
async fn the_last_answer_is_kept_for_its_time_or_left_to_the_application_on_sqlite() {
    kept(&Database::sqlite()).await;
    left_to_the_application(&Database::sqlite()).await;
}

#[tokio::test]
async fn the_last_answer_is_kept_for_its_time_or_left_to_the_application_on_postgres() {
    let postgres = Postgres::start();
    kept(&Database::at(postgres.database("host_test_data").await)).await;
    left_to_the_application(&Database::at(postgres.database("host_test_fetch_off").await)).await;
}
