//! The control interface over real HTTP, and what it changes.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::{self, Bench};
use flinks_sandbox::{Config, DEMO_LOGINS, Reach};
use serde_json::{Value, json};

#[tokio::test]
async fn it_is_on_both_listeners() {
    let bench = Bench::start().await;
    let connect = bench.sandbox.connect_url().trim_end_matches("/v2/").to_owned();
    for base in [connect, bench.sandbox.api_url()] {
        for path in ["healthz", "_sandbox/log", "_sandbox/clock", "_sandbox/faults"] {
            assert_eq!(bench.send(bench.http.get(format!("{base}/{path}"))).await.status, 200, "{base} {path}");
        }
    }
}

#[tokio::test]
async fn the_clock_moves_for_everything() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let time = bench.control("clock", json!({"advanceMs": 480_000})).await;
    assert_eq!((time.status, &time.body["advancedMs"]), (200, &json!(480_000)));
    assert_eq!(bench.authorize(json!({ "RequestId": session })).await.status, 400);
}

#[tokio::test]
async fn failures_hit_the_next_calls_and_then_stop() {
    let bench = Bench::start().await;
    let failure = json!({"calls": 2, "httpStatus": 503, "flinksCode": "AGGREGATION_ERROR", "endpoint": "Authorize"});
    assert_eq!(bench.control("faults", json!({ "apiFailure": failure })).await.status, 200);
    let body = json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": true});
    for expected in [503, 503, 203] {
        assert_eq!(bench.authorize(body.clone()).await.status, expected);
    }
}

#[tokio::test]
async fn latency_holds_answers_back() {
    let bench = Bench::start().await;
    bench.control("faults", json!({"apiLatencyMs": 120})).await;
    let before = std::time::Instant::now();
    bench.token().await;
    assert!(before.elapsed().as_millis() >= 120);
}

#[tokio::test]
async fn a_bank_that_asks_nothing_needs_nobody() {
    let bench = Bench::start().await;
    let body = json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": true});
    bench.control("faults", json!({"bankQuestions": "skipped"})).await;
    assert_eq!(bench.authorize(body.clone()).await.status, 200);
    bench.control("faults", json!({})).await;
    assert_eq!(bench.authorize(body).await.status, 203);
}

#[tokio::test]
async fn as_many_pages_as_were_asked_for_find_their_token_too_old() {
    let bench = Bench::start().await;
    bench.control("faults", json!({"expiredPageTokens": 1})).await;
    let session = bench.refresh(0).await;
    for expected in ["TOKEN_INVALID", "COMPONENT_LOAD_MFA"] {
        let token = bench.token().await;
        let page = bench.open(&format!("?requestId={session}&authorizeToken={token}")).await;
        assert_eq!(page.posted(), ["APP_MOUNTED", expected]);
    }
}

#[tokio::test]
async fn a_page_takes_the_kind_of_token_that_was_chosen() {
    for (kind, fresh_is, own_is) in [
        (None, "COMPONENT_LOAD_MFA", "COMPONENT_LOAD_MFA"),
        (Some("fresh"), "COMPONENT_LOAD_MFA", "TOKEN_INVALID"),
        (Some("own"), "TOKEN_INVALID", "COMPONENT_LOAD_MFA"),
    ] {
        let bench = Bench::start().await;
        let faults = kind.map_or(json!({}), |kind| json!({ "pageToken": kind }));
        bench.control("faults", faults).await;
        let own = bench.token().await;
        let body = json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": true});
        let session = bench.authorize_with(&own, body).await.text("RequestId").to_owned();
        for (token, expected) in [(bench.token().await, fresh_is), (own, own_is)] {
            let page = bench.open(&format!("?requestId={session}&authorizeToken={token}")).await;
            assert_eq!(page.posted(), ["APP_MOUNTED", expected], "{kind:?}");
        }
    }
}

#[tokio::test]
async fn what_is_stored_of_a_login_is_as_old_as_its_last_refresh() {
    let bench = Bench::start().await;
    let today = flinks_sandbox::bank::ledger::date_at(
        bench.control("clock", Value::Null).await.body["nowMs"].as_u64().unwrap(),
    );
    for (demo, days) in DEMO_LOGINS.iter().zip([5, 4, 12, 4]) {
        let stored = bench.control("stored", json!({"loginId": demo.login_id})).await;
        assert_eq!((stored.status, &stored.body["Login"]["Id"]), (200, &json!(demo.login_id)));
        let accounts = stored.body["Accounts"].as_array().unwrap();
        let ids: Vec<_> = accounts.iter().map(|account| account["Id"].as_str().unwrap()).collect();
        assert_eq!(ids, demo.account_ids);
        let then = today.checked_sub(jiff::ToSpan::days(days)).unwrap().to_string();
        let dates = accounts.iter().flat_map(|account| account["Transactions"].as_array().unwrap());
        assert!(
            dates.clone().count() > 20 && dates.clone().all(|entry| entry["Date"].as_str().unwrap() <= then.as_str())
        );
    }
    for nobody in ["0d5a3c10-0001-4000-8000-000000000009", "no id"] {
        let stored = bench.control("stored", json!({ "loginId": nobody })).await;
        assert_eq!((stored.status, &stored.body["Accounts"]), (200, &json!([])));
    }
}

#[tokio::test]
async fn nonsense_is_answered_with_a_sentence_and_changes_nothing() {
    let bench = Bench::start().await;
    let cases = [
        ("clock", json!({})),
        ("clock", json!({"advanceMs": -1})),
        ("clock", json!({"advanceMs": "8 minutes"})),
        ("clock", json!({"advanceMs": u64::MAX})),
        ("clock", json!([480_000])),
        ("faults", json!([])),
        ("faults", json!({"redirectShape": "round"})),
        ("faults", json!({"redirectFault": "sometimes"})),
        ("faults", json!({"unknown": 1})),
        ("faults", json!({"apiLatencyMs": 10_000_000})),
        ("faults", json!({"apiFailure": {"calls": 1, "httpStatus": 200, "flinksCode": "OK"}})),
    ];
    for (path, body) in cases {
        let answer = bench.control(path, body.clone()).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        assert!(answer.text("error").len() > 10, "{path} {body}: {}", answer.body);
    }
    assert_eq!(bench.control("clock", Value::Null).await.body["advancedMs"], 0);
    assert_eq!(bench.control("faults", Value::Null).await.body["redirectShape"], "both");
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_point() {
    let bench = Bench::start().await;
    assert_eq!(bench.control("clock", json!({"advanceMs": 480_000.0})).await.body["advancedMs"], 480_000);
    let faults = json!({"apiFailure": {"calls": 1.0, "httpStatus": 5.03e2, "flinksCode": "RETRY_LATER"}});
    assert_eq!(bench.control("faults", faults).await.body["apiFailure"]["httpStatus"], 503);
    for number in [0.5, -1.0, 1e300] {
        assert_eq!(bench.control("clock", json!({ "advanceMs": number })).await.status, 400, "{number}");
    }
}

#[tokio::test]
async fn a_leap_that_was_possible_once_is_refused_as_such() {
    let bench = Bench::start().await;
    let century = flinks_sandbox::clock::MAX_ADVANCE_MS;
    assert_eq!(bench.control("clock", json!({ "advanceMs": century })).await.status, 200);
    let refused = bench.control("clock", json!({"advanceMs": 1})).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text("error").contains("a hundred years"));
    assert_eq!(bench.control("clock", Value::Null).await.body["advancedMs"], century);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_with_a_sentence() {
    let bench = Bench::start().await;
    for name in ["clock", "faults", "webhook", "scenario"] {
        // The second is longer than what lies in the network's buffers: its sender must hear the answer all the same.
        for length in [70_000, 8_000_000] {
            let refused = bench.control(name, json!({ "name": "x".repeat(length) })).await;
            assert_eq!(
                (refused.status, refused.text("error")),
                (400, "expected a body of at most 65536 bytes"),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_sandbox_on_every_address_names_its_page_as_it_was_called() {
    let every = |port: u16| std::net::SocketAddr::from(([0, 0, 0, 0], port));
    let bench = Bench::with(Config { connect: every(0), api: every(0), ..Config::local() }).await;
    let (connect, api) = (bench.sandbox.connect_url(), bench.sandbox.api_url());
    assert!(connect.starts_with("http://127.0.0.1:") && api.starts_with("http://127.0.0.1:"), "{connect} {api}");
    let port = connect.trim_start_matches("http://127.0.0.1");
    for (called, named) in [("sandbox.test:4202", "sandbox.test"), ("[::1]:9", "[::1]")] {
        let request = bench.http.post(format!("{api}/_sandbox/scenario")).header("host", called);
        let ready = bench.send(request.json(&json!({"name": "reconnect"}))).await;
        assert!(ready.text("connectUrl").starts_with(&format!("http://{named}{port}?requestId=")), "{}", ready.body);
    }
    // One that listens on one address is reached there only.
    let bench = Bench::start().await;
    let request =
        bench.http.post(format!("{}/_sandbox/scenario", bench.sandbox.api_url())).header("host", "elsewhere.test");
    let ready = bench.send(request.json(&json!({"name": "reconnect"}))).await;
    assert!(ready.text("connectUrl").starts_with(&bench.sandbox.connect_url()));
}

#[tokio::test]
async fn behind_a_port_mapping_the_page_is_where_it_was_said_to_be() {
    let public = Some("https://sandbox.example:8443".to_owned());
    let bench = Bench::with(Config { public_connect_url: public, ..Config::local() }).await;
    assert_eq!(bench.sandbox.connect_url(), "https://sandbox.example:8443/v2/");
    let request = bench
        .http
        .post(format!("{}/_sandbox/scenario", bench.sandbox.api_url()))
        .header("host", "sandbox.example:4202");
    let ready = bench.send(request.json(&json!({"name": "reconnect"}))).await;
    assert!(ready.text("connectUrl").starts_with("https://sandbox.example:8443/v2/?requestId="), "{}", ready.body);
}

#[tokio::test]
async fn pages_of_others_and_names_of_others_are_refused_and_change_nothing() {
    let bench = Bench::start().await;
    let api = bench.sandbox.api_url();
    let session = bench.refresh(0).await;
    let strangers = [
        ("origin", "https://attacker.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("host", "attacker.example"),
    ];
    for (name, value) in strangers {
        for path in ["/_sandbox/reset", "/_sandbox/log", "/v3/any/BankingServices/GenerateAuthorizeToken"] {
            let refused = bench.send(bench.http.post(format!("{api}{path}")).header(name, value)).await;
            assert_eq!(refused.status, 403, "{name}: {value} {path}");
            assert!(refused.text("error").len() > 10);
        }
    }
    assert_eq!(bench.authorize(json!({ "RequestId": session })).await.status, 203, "nothing was reset");
    let own =
        bench.http.get(format!("{api}/_sandbox/log")).header("origin", &api).header("sec-fetch-site", "same-origin");
    assert_eq!(bench.send(own).await.status, 200);
    // The page is for everybody: it stands in pages of any origin.
    let page = bench.http.get(bench.sandbox.connect_url()).header("sec-fetch-site", "cross-site");
    assert_eq!(page.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn webhooks_stay_on_this_machine_unless_the_sandbox_was_told_otherwise() {
    let away = json!({"url": "http://host.example/hook", "secret": "s"});
    let bench = Bench::start().await;
    let refused = bench.control("webhook", away.clone()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text("error").contains("--webhook-anywhere"));
    assert_eq!(bench.control("webhook", json!({"url": "http://localhost:9/hook", "secret": "s"})).await.status, 200);
    let bench = Bench::with(Config { webhook_reach: Reach::Anywhere, ..Config::local() }).await;
    assert_eq!(bench.control("webhook", away).await.status, 200);
}

#[tokio::test]
async fn the_log_can_be_read_page_by_page() {
    let bench = Bench::start().await;
    for _ in 0..5 {
        bench.token().await;
    }
    let bench = &bench;
    let page = |query: &'static str| async move {
        let url = format!("{}/_sandbox/log{query}", bench.sandbox.api_url());
        bench.send(bench.http.get(url)).await
    };
    let numbers = |answer: &common::Answer| {
        answer.body["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["number"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&page("").await), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&page("?since=2&limit=2").await), [3, 4]);
    let last = page("?since=5").await;
    assert_eq!((numbers(&last), &last.body["written"]), (vec![], &json!(5)));
    for query in ["?since=-1", "?limit=few", "?from=3"] {
        assert_eq!(page(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn reset_brings_back_the_beginning() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    bench.control("clock", json!({"advanceMs": 1000})).await;
    bench.control("faults", json!({"page": "silent"})).await;
    assert_eq!(bench.control("reset", json!({})).await.status, 200);
    assert_eq!(bench.control("clock", Value::Null).await.body["advancedMs"], 0);
    assert_eq!(bench.control("faults", Value::Null).await.body["page"], "none");
    assert_eq!(bench.control("log", Value::Null).await.body["entries"], json!([]));
    assert_eq!(bench.authorize(json!({ "RequestId": session })).await.status, 400);
}
