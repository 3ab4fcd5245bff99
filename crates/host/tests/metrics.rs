//! `/metrics`: that it counts what happens, names nobody, and is where the operator put it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use flinks_host::{AuthKey, Events};
use reqwest::{Client, Method};
use serde_json::json;

use crate::{
    common::{Bench, Database, LOGINS, delivery, eventually, flinks::Session, postgres::Postgres, send},
    service::{ADMIN_KEY, AsApplication as _, NEW_SECRET, OLD_SECRET, Receiver, SECRET, claims, service, signed},
};

async fn read(bench: &Bench) -> String {
    let answer = bench.browser.get(format!("{}/metrics", bench.base)).bearer_auth(ADMIN_KEY).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    answer.text().await.unwrap()
}

/// Waits for a line that says so.
async fn until(bench: &Bench, line: &str) -> String {
    eventually(line, async || Some(read(bench).await).filter(|text| text.lines().any(|one| one == line))).await
}

/// A repair, what goes wrong around it, and what is counted of both, on any database.
async fn counted(database: &Database) {
    let receiver = Receiver::default();
    let events = Some(Events { url: receiver.start().await, secret: format!("{OLD_SECRET},{NEW_SECRET}") });
    let bench = service(database, AuthKey::Secret(SECRET.to_owned()), |config| config.events = events).await;
    let anna = signed(&claims("anna"));
    receiver.answer(&[410]);
    send(bench.admin(Method::PUT, "anna/connections/bank").json(&json!({"loginId": LOGINS[0]}))).await.expect(201);
    until(&bench, "reconnect_events_parked 1").await;
    let start = |id: &str| {
        let url = format!("{}/api/connections/{id}/reconnect", bench.base);
        bench.browser.post(url).bearer_auth(&anna).json(&json!({}))
    };
    send(start("unknown")).await.refused(404, "NO_SUCH_CONNECTION");
    let reply = send(start("bank")).await.expect(200).body;
    let open = read(&bench).await;
    let deliver = || {
        let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
        let post = bench.browser.post(format!("{}/api/reconnects", bench.base)).bearer_auth(&anna);
        post.header("idempotency-key", key).json(&delivery(&reply, LOGINS[0]))
    };
    send(deliver()).await.refused(409, "NOT_FINISHED");
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    send(deliver()).await.expect(200);
    // A repetition ends no attempt again.
    send(deliver()).await.expect(200);
    send(bench.as_user("no-token")).await.refused(401, "UNAUTHENTICATED");
    let wrong = bench.browser.delete(format!("{}/admin/users/anna", bench.base)).bearer_auth("wrong");
    send(wrong).await.refused(401, "UNAUTHENTICATED");
    send(bench.browser.get(format!("{}/metrics", bench.base))).await.refused(401, "UNAUTHENTICATED");
    bench.browser.post(format!("{}/api/flinks/webhook", bench.base)).body("{}").send().await.unwrap();
    until(&bench, "reconnect_event_posts_total{answer=\"taken\"} 1").await;
    let text = until(&bench, "reconnect_events_waiting 0").await;

    assert!(open.contains("reconnect_attempts_open{state=\"open\",age=\"under_1m\"} 1\n"), "{open}");
    for line in [
        "reconnect_starts_total{answer=\"refresh\"} 1",
        "reconnect_starts_total{answer=\"resume\"} 0",
        "reconnect_starts_total{answer=\"NO_SUCH_CONNECTION\"} 1",
        "reconnect_deliveries_total{answer=\"accepted\"} 2",
        "reconnect_deliveries_total{answer=\"NOT_FINISHED\"} 1",
        "reconnect_webhooks_total{answer=\"unsigned\"} 1",
        "reconnect_attempts_ended_total{end=\"finished\"} 1",
        "reconnect_attempts_ended_total{end=\"failed\"} 0",
        "reconnect_start_to_data_seconds_count 1",
        "reconnect_start_to_data_seconds_bucket{le=\"60.0\"} 1",
        "reconnect_flinks_calls_total{endpoint=\"GetAccountsDetail\",code=\"OK\"} 1",
        "reconnect_flinks_call_seconds_count{endpoint=\"GetAccountsDetail\"} 1",
        "reconnect_attempts_open{state=\"open\",age=\"under_1m\"} 0",
        "reconnect_event_posts_total{answer=\"gone\"} 1",
        "reconnect_events_waiting 0",
        "reconnect_event_lag_seconds 0",
        "reconnect_tokens_refused_total{reason=\"algorithm\"} 1",
        "reconnect_admin_keys_refused_total 2",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    for name in ["attemptId", "requestId", "tag", "authorizeToken"] {
        assert!(!text.contains(reply[name].as_str().unwrap()), "{name}");
    }
    for id in ["anna", "bank", LOGINS[0]] {
        assert!(!text.contains(id), "{id}");
    }
    let names = text.lines().filter(|line| line.starts_with("# TYPE ")).map(|line| line.split(' ').nth(2).unwrap());
    let documented = include_str!("../../../docs/metrics.md");
    let names: Vec<_> = names.collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        assert!(
            documented.contains(&format!("| `{name}`")) || documented.contains(&format!("| `{name}_total`")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_happens_is_counted_and_nobody_is_named_on_sqlite() {
    counted(&Database::sqlite()).await;
}

#[tokio::test]
async fn what_happens_is_counted_and_nobody_is_named_on_postgres() {
    let postgres = Postgres::start();
    counted(&Database::at(postgres.database("host_test_metrics").await)).await;
}

#[tokio::test]
async fn metrics_stand_on_the_operators_port_or_behind_the_key() {
    let database = Database::sqlite();
    let own = |config: &mut flinks_host::Config| config.admin_addr = Some("127.0.0.1:0".parse().unwrap());
    let mut bench = service(&database, AuthKey::Secret(SECRET.to_owned()), own).await;
    send(bench.browser.get(format!("{}/metrics", bench.base)).bearer_auth(ADMIN_KEY)).await.refused(404, "NOT_FOUND");
    let admin = format!("http://{}", bench.host.as_ref().unwrap().admin_addr().unwrap());
    assert_eq!(Client::new().get(format!("{admin}/metrics")).send().await.unwrap().status(), 200);
    send(Client::new().get(format!("{admin}/admin/events"))).await.refused(401, "UNAUTHENTICATED");
    bench.config.admin_addr = None;
    bench.config.admin_key = None;
    bench.restart().await;
    send(bench.browser.get(format!("{}/metrics", bench.base)).bearer_auth(ADMIN_KEY)).await.refused(404, "NOT_FOUND");
}
