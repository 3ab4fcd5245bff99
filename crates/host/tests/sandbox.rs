//! The host against the sandbox instead of a Flinks that does what a test says: both were written from Flinks' pages, apart.
//!
//! The user's answers go through the API, as Connect's would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use crate::common::{Bench, Database, LOGINS, answer_all, delivery, eventually, send};
use flinks_host::{Config as HostConfig, demo_login_ids};
use flinks_sandbox::{Config, DEMO_LOGINS, Sandbox, log::Happening};
use serde_json::{Value, json};

struct Stage {
    bench: Bench,
    sandbox: Sandbox,
}

impl Stage {
    async fn new(database: &Database) -> Self {
        Self::with(database, |_| {}).await
    }

    async fn with(database: &Database, change: impl FnOnce(&mut HostConfig)) -> Self {
        let sandbox = Sandbox::start(Config { processing_ms: 50, ..Config::local() }).await.unwrap();
        let bench = Bench::with(database, |config| {
            config.flinks_api_url = sandbox.api_url();
            config.flinks_connect_url = sandbox.connect_url();
            config.customer_id.clone_from(&sandbox.config().customer_id);
            config.secret_key.clone_from(&sandbox.config().secret_key);
            config.api_key.clone_from(&sandbox.config().api_key);
            change(config);
        })
        .await;
        Self { bench, sandbox }
    }

    /// Two rounds, so that one of them began after now.
    async fn until_nightly_was_asked_again(&self) {
        let asked = || {
            let calls = self.sandbox.log().into_iter().filter(|entry| {
                matches!(&entry.happening, Happening::ApiCall { endpoint, status: 200, .. } if endpoint == "GetNightlyRefreshStatus")
            });
            calls.count()
        };
        let before = asked();
        eventually("the nightly status is asked for", async || (asked() >= before + 2).then_some(())).await;
    }

    async fn answer(&self, reply: &Value) {
        answer_all(&self.sandbox, &self.bench.browser, reply).await;
    }
}

#[test]
fn the_demo_knows_the_logins_of_the_sandbox() {
    assert_eq!(demo_login_ids(), DEMO_LOGINS.map(|login| login.login_id));
    assert_eq!(demo_login_ids(), LOGINS);
}

#[tokio::test]
async fn every_connection_of_the_demo_can_be_repaired() {
    let database = Database::sqlite();
    let stage = Stage::new(&database).await;
    for demo in &DEMO_LOGINS {
        assert_eq!(stage.bench.connection(demo.connection).await["institution"], demo.institution);
        let reply = stage.bench.challenge(demo.connection).await;
        stage.answer(&reply).await;
        stage.bench.deliver(&delivery(&reply, demo.login_id)).await.expect(200);
        stage.bench.until_status(demo.connection, "up-to-date").await;
        let accounts = stage.bench.accounts(demo.connection).await["accounts"].clone();
        let ids: Vec<_> = accounts.as_array().unwrap().iter().map(|account| account["id"].as_str().unwrap()).collect();
        let [first, _, third, _] = demo.account_ids;
        let expected = if demo.connection == "selected" { vec![first, third] } else { demo.account_ids.to_vec() };
        assert_eq!(ids, expected);
        assert!(
            accounts
                .as_array()
                .unwrap()
                .iter()
                .all(|account| account["title"] != "" && account["balance"]["current"].is_number())
        );
    }
}

#[tokio::test]
async fn the_demo_shows_what_an_application_had_before() {
    let database = Database::sqlite();
    let stage = Stage::new(&database).await;
    for demo in &DEMO_LOGINS {
        let path = format!("/demo/connections/{}/before", demo.connection);
        let before = send(stage.bench.get(&path)).await.expect(200).body;
        let ids: Vec<_> =
            before["accounts"].as_array().unwrap().iter().map(|account| account["id"].as_str().unwrap()).collect();
        let [first, _, third, _] = demo.account_ids;
        let expected = if demo.connection == "selected" { vec![first, third] } else { demo.account_ids.to_vec() };
        assert_eq!(ids, expected, "only what the user shares");
        let connection = stage.bench.connection(demo.connection).await;
        let minute = |moment: &Value| moment.as_str().unwrap()[..15].to_owned();
        assert_eq!(minute(&before["asOf"]), minute(&connection["lastRefresh"]), "{}", demo.connection);
    }
    send(stage.bench.get("/demo/connections/nobody/before")).await.refused(404, "NO_SUCH_CONNECTION");
}

#[tokio::test]
async fn a_session_is_resumed_until_eight_idle_minutes_have_passed() {
    let database = Database::sqlite();
    let stage = Stage::new(&database).await;
    let first = stage.bench.challenge("ondemand").await;
    stage.sandbox.advance_ms(7 * 60_000).unwrap();
    let second = stage.bench.challenge("ondemand").await;
    assert_eq!((&second["mode"], &second["requestId"]), (&json!("resume"), &first["requestId"]));
    stage.sandbox.advance_ms(8 * 60_000 + 1).unwrap();
    let third = stage.bench.challenge("ondemand").await;
    assert_eq!(third["mode"], "refresh");
    assert_ne!(third["requestId"], first["requestId"]);
    stage.answer(&third).await;
    stage.bench.deliver(&delivery(&third, LOGINS[1])).await.expect(200);
    stage.bench.until_status("ondemand", "up-to-date").await;
}

#[tokio::test]
async fn a_lost_result_is_found_and_another_users_session_is_not_taken() {
    let database = Database::sqlite();
    let stage = Stage::new(&database).await;
    let own = stage.bench.challenge("nightly").await;
    let foreign = stage.bench.challenge("ondemand").await;
    stage.answer(&foreign).await;
    let mut swapped = delivery(&own, LOGINS[0]);
    swapped["requestId"] = foreign["requestId"].clone();
    stage.bench.deliver(&swapped).await.refused(409, "LOGIN_MISMATCH");
    stage.bench.deliver(&delivery(&own, LOGINS[1])).await.refused(409, "LOGIN_MISMATCH");
    assert_eq!(stage.bench.connection("nightly").await["status"], "in-progress");

    assert_eq!(stage.bench.start("ondemand").await.expect(200).body, json!({"status": "upToDate"}));
    stage.bench.until_status("ondemand", "up-to-date").await;
}

#[tokio::test]
async fn a_week_without_a_refresh_wants_the_user_again() {
    let database = Database::sqlite();
    let stage = Stage::with(&database, |config| config.nightly_interval = Duration::from_millis(20)).await;
    for (demo, login) in [("nightly", LOGINS[0]), ("ondemand", LOGINS[1])] {
        let reply = stage.bench.challenge(demo).await;
        stage.answer(&reply).await;
        stage.bench.deliver(&delivery(&reply, login)).await.expect(200);
        stage.bench.until_status(demo, "up-to-date").await;
    }
    // The sandbox listed it until then, and no more.
    stage.until_nightly_was_asked_again().await;
    assert_eq!(stage.bench.connection("nightly").await["status"], "up-to-date");
    stage.sandbox.advance_ms(8 * 24 * 60 * 60_000).unwrap();
    let after = stage.bench.until_status("nightly", "needs-attention").await;
    assert_eq!(after["reason"], "nightly-refresh-failed");
    // For this one Nightly Refresh is off.
    stage.until_nightly_was_asked_again().await;
    assert_eq!(stage.bench.connection("ondemand").await["status"], "up-to-date");
}

#[tokio::test]
async fn the_demo_controls_drive_the_clock() {
    let database = Database::sqlite();
    let stage = Stage::new(&database).await;
    let first = stage.bench.challenge("nightly").await;
    let leap = stage.bench.post("/demo/sandbox/clock", &json!({"advanceMs": 8 * 60_000 + 1}));
    send(leap.timeout(Duration::from_secs(5))).await.expect(200);
    let second = stage.bench.challenge("nightly").await;
    assert_eq!(second["mode"], "refresh");
    assert_ne!(first["attemptId"], second["attemptId"]);
    send(stage.bench.post("/demo/sandbox/reset", &json!({}))).await.expect(200);
    assert_eq!(stage.bench.connection("nightly").await["status"], "needs-attention");
}
