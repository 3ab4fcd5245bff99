//! What a host driven from outside once got wrong, each as a test of its kind. The rules have the same stories on a virtual clock
//! (`crates/backend/tests`); here they go through HTTP, the database and a Flinks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant, UNIX_EPOCH};

use flinks_sandbox::{
    Config, Faults, Sandbox,
    faults::{ContentLength, SessionToken as SandboxToken},
    log::Happening,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    common::{
        Bench, Database, LOGINS, answer_all, delivery, eventually,
        flinks::{Live, Session, SessionToken},
        send,
    },
    shared::number,
};

async fn bench_with(change: impl FnOnce(&mut flinks_host::Config)) -> (Database, Bench) {
    let database = Database::sqlite();
    let bench = Bench::with(&database, change).await;
    (database, bench)
}

fn session_of(reply: &Value) -> String {
    reply["requestId"].as_str().unwrap().to_owned()
}

// 1.
#[tokio::test]
async fn an_unfinished_session_is_not_accepted_by_a_made_up_request_id() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    let mut body = delivery(&reply, LOGINS[0]);
    body["requestId"] = json!("made-up-session");
    bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    body["requestId"] = Value::Null;
    bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    // Nor once the session is over: Flinks has nothing newer.
    bench.flinks.set_session(&session_of(&reply), Session::Over);
    bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    assert_eq!(bench.flinks.data_asked(), 0);
    bench.flinks.finish_and_end(&session_of(&reply));
    bench.deliver(&body).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}

// 2.
#[tokio::test]
async fn accounts_picked_anew_win_also_when_the_webhook_comes_first() {
    let bench = Bench::alone().await;
    bench.flinks.live(LOGINS[3], Live::Code(401, "QUESTION_NOT_FOUND"));
    let reply = bench.start("selected").await.expect(200).body;
    assert_eq!(reply["status"], "connect");
    bench.flinks.add_session("request-of-connect", LOGINS[3], Session::Finished);
    let notice = json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": LOGINS[3]}, "RequestId": "request-of-connect",
                        "Tag": reply["tag"]});
    bench.webhook(&notice).await.expect(200);
    assert_eq!(bench.flinks.data_asked(), 0, "the old selection may be what the user took away");
    let mut body = delivery(&reply, LOGINS[3]);
    body["requestId"] = json!("request-of-connect");
    body["accountIds"] = json!(["acc00000-0004-4000-8000-000000000002"]);
    bench.deliver(&body).await.expect(200);
    let after = bench.until_status("selected", "up-to-date").await;
    assert_eq!(after["selectedAccounts"], 1);
    let accounts = bench.accounts("selected").await["accounts"].clone();
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    assert_eq!(accounts[0]["id"], "acc00000-0004-4000-8000-000000000002");
}

// 3.
#[tokio::test]
async fn account_ids_that_flinks_does_not_have_choose_nothing() {
    let bench = Bench::alone().await;
    bench.flinks.live(LOGINS[3], Live::Code(401, "QUESTION_NOT_FOUND"));
    let reply = bench.start("selected").await.expect(200).body;
    bench.flinks.add_session("request-of-connect", LOGINS[3], Session::Finished);
    let mut body = delivery(&reply, LOGINS[3]);
    body["requestId"] = json!("request-of-connect");
    body["accountIds"] = json!(["acc00000-0004-4000-8000-000000000002", "made-up-account"]);
    bench.deliver(&body).await.expect(200);
    let after = bench.until_status("selected", "up-to-date").await;
    assert_eq!(after["selectedAccounts"], 2, "the made-up id is not kept");
    let accounts = bench.accounts("selected").await["accounts"].clone();
    let ids: Vec<_> = accounts.as_array().unwrap().iter().map(|account| account["id"].clone()).collect();
    assert_eq!(json!(ids), json!(["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"]));
}

// 4.
#[tokio::test]
async fn neither_a_refused_key_nor_missing_transactions_end_an_accepted_result() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(&session_of(&reply), Session::Finished);
    {
        let mut bank = bench.flinks.bank();
        (bank.refuses_api_key, bank.data_code) = (true, Some("NO_TRANSACTION"));
    }
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.flinks.bank().data_code = None;
    bench.until_problem("nightly", "in-progress", "FLINKS_KEYS_REFUSED").await;
    {
        let mut bank = bench.flinks.bank();
        (bank.refuses_api_key, bank.data_code) = (false, Some("NO_TRANSACTION"));
    }
    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["problem"], Value::Null);
    assert_eq!(bench.accounts("nightly").await["accounts"].as_array().unwrap().len(), 4);
}

// 5.
#[tokio::test]
async fn a_session_is_asked_about_with_its_own_token_first_and_then_with_a_fresh_one() {
    for wanted in [SessionToken::Own, SessionToken::Fresh, SessionToken::Any] {
        let bench = Bench::alone().await;
        bench.flinks.bank().session_token = wanted;
        let reply = bench.challenge("nightly").await;
        assert_eq!(bench.challenge("nightly").await["mode"], "resume");
        bench.flinks.set_session(&session_of(&reply), Session::Finished);
        bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
        bench.until_status("nightly", "up-to-date").await;
    }
}

// 6.
#[tokio::test]
async fn what_flinks_has_finished_but_still_aggregates_is_accepted() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(&session_of(&reply), Session::Finished);
    {
        let mut bank = bench.flinks.bank();
        (bank.is_aggregating, bank.pending) = (true, u32::MAX);
    }
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    {
        let mut bank = bench.flinks.bank();
        (bank.is_aggregating, bank.pending) = (false, 0);
    }
    bench.until_status("nightly", "up-to-date").await;
}

// 7.
#[tokio::test]
async fn what_was_finished_during_an_outage_is_found_after_it_also_in_the_full_flow() {
    let (_database, bench) = bench_with(|config| config.reconcile_after = Duration::from_millis(20)).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.live(LOGINS[1], Live::Code(401, "INVALID_PASSWORD"));
    assert_eq!(bench.start("ondemand").await.expect(200).body["status"], "connect");
    bench.flinks.bank().is_down = true;
    // Meanwhile the user gets through in both, no browser tells, and the sessions end.
    bench.flinks.finish_and_end(&session_of(&reply));
    bench.flinks.add_session("request-of-connect", LOGINS[1], Session::Finished);
    let calls = bench.flinks.bank().calls;
    bench.until_bank("it is asked about during the outage", |bank| bank.calls >= calls + 3).await;
    bench.flinks.bank().is_down = false;
    bench.until_status("nightly", "up-to-date").await;
    bench.until_status("ondemand", "up-to-date").await;
}

#[tokio::test]
async fn a_webhook_without_a_tag_is_known_by_its_session() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(&session_of(&reply), Session::Finished);
    let notice =
        json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": LOGINS[0]}, "RequestId": reply["requestId"]});
    bench.webhook(&notice).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    bench.webhook(&notice).await.expect(200);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    assert_eq!(bench.flinks.data_asked(), 1);
    // And the sign-in carried the tag, so that Flinks can return it.
    let asked = bench.flinks.bank().asked.clone();
    let sign_in = asked.iter().find(|(_, body)| body["MostRecentCached"] == false).unwrap();
    assert_eq!(sign_in.1["Tag"], reply["tag"]);
}

// 8.
#[tokio::test]
async fn a_slow_bank_is_one_sign_in_that_later_starts_go_on_with() {
    let bench = Bench::alone().await;
    bench.flinks.live(LOGINS[0], Live::Slow);
    for _ in 0..3 {
        let answer = bench.start("nightly").await.refused(503, "BANK_SLOW");
        assert!(answer.retry_after.is_some());
        assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    }
    let session = bench.flinks.bank().sessions.keys().find(|id| id.starts_with("request-for-test")).cloned();
    let slow = bench.flinks.bank().sessions.iter().find(|(_, stand)| stand.1 == Session::Working).unwrap().0.clone();
    assert!(session.is_some());
    bench.flinks.set_session(&slow, Session::Challenged);
    let reply = bench.challenge("nightly").await;
    assert_eq!((&reply["mode"], &reply["requestId"]), (&json!("resume"), &json!(slow)));
    assert_eq!(bench.flinks.bank().sign_ins, 1);
    bench.flinks.set_session(&slow, Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}

/// A host before a sandbox.
async fn stage(faults: &Faults, change: impl FnOnce(&mut flinks_host::Config)) -> (Database, Sandbox, Bench) {
    let sandbox = Sandbox::start(Config { processing_ms: 20, ..Config::local() }).await.unwrap();
    sandbox.set_faults(faults).unwrap();
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| {
        config.flinks_api_url = sandbox.api_url();
        config.flinks_connect_url = sandbox.connect_url();
        config.customer_id.clone_from(&sandbox.config().customer_id);
        config.secret_key.clone_from(&sandbox.config().secret_key);
        config.api_key.clone_from(&sandbox.config().api_key);
        change(config);
    })
    .await;
    (database, sandbox, bench)
}

fn live_sign_ins(sandbox: &Sandbox) -> usize {
    let calls = sandbox.log().into_iter().filter(|entry| {
        matches!(&entry.happening, Happening::ApiCall { endpoint, body, .. }
            if endpoint == "Authorize" && body["MostRecentCached"] == false)
    });
    calls.count()
}

#[tokio::test]
async fn a_bank_that_takes_longer_than_a_request_may_is_waited_for() {
    // The bank takes half a minute of the sandbox's clock; a request to start is answered after a fifth of a second.
    let faults = Faults { bank_latency_ms: 30_000, ..Faults::default() };
    let (_database, sandbox, bench) = stage(&faults, |config| config.start_answer = Duration::from_millis(200)).await;
    for _ in 0..3 {
        let began = Instant::now();
        bench.start("nightly").await.refused(503, "BANK_SLOW");
        assert!(began.elapsed() < Duration::from_secs(5), "proxies cut at thirty seconds");
    }
    assert_eq!(live_sign_ins(&sandbox), 1);
    sandbox.advance_ms(30_001).unwrap();
    sandbox.set_faults(&Faults::default()).unwrap();
    let mut reply = Value::Null;
    for _ in 0..200 {
        let answer = bench.start("nightly").await;
        if answer.status == 200 {
            reply = answer.body;
            break;
        }
        answer.refused(503, "BANK_SLOW");
    }
    assert_eq!(reply["status"], "challenge", "{reply}");
    answer_all(&sandbox, &bench.browser, &reply).await;
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    assert_eq!(live_sign_ins(&sandbox), 1);
}

#[tokio::test]
async fn tokens_lengths_and_late_data_as_the_sandbox_has_them() {
    let faults =
        Faults { session_token: SandboxToken::Own, content_length: ContentLength::Demanded, ..Faults::default() };
    let (_database, sandbox, bench) = stage(&faults, |_| {}).await;
    let reply = bench.challenge("nightly").await;
    assert_eq!(bench.challenge("nightly").await["mode"], "resume");
    // The user answers as Connect's page would, with whatever token.
    sandbox.set_faults(&Faults::default()).unwrap();
    answer_all(&sandbox, &bench.browser, &reply).await;
    // Flinks has finished with the user, and collects for half a minute.
    sandbox.set_faults(&Faults { aggregation_ms: 30_000, ..faults }).unwrap();
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    sandbox.advance_ms(31_000).unwrap();
    bench.until_status("nightly", "up-to-date").await;
}

// 9.
#[tokio::test]
async fn five_clicks_at_once_are_one_sign_in() {
    let bench = Bench::alone().await;
    bench.flinks.bank().held = Some("Authorize");
    let mut clicks = JoinSet::new();
    for _ in 0..5 {
        let request = bench.post("/api/connections/nightly/reconnect", &json!({}));
        clicks.spawn(async move { send(request).await });
    }
    bench.until_bank("all have begun", |bank| bank.held_calls >= 5).await;
    bench.flinks.bank().held = None;
    let mut attempts = Vec::new();
    while let Some(answer) = clicks.join_next().await {
        let reply = answer.unwrap().expect(200).body;
        assert_eq!(reply["status"], "challenge", "{reply}");
        attempts.push(reply["attemptId"].clone());
    }
    attempts.dedup();
    assert_eq!((attempts.len(), bench.flinks.bank().sign_ins), (1, 1));
}

#[tokio::test]
async fn a_sign_in_whose_answer_was_lost_is_not_repeated_before_the_banks_time_is_over() {
    let (_database, bench) = bench_with(|config| {
        config.bank_patience = Duration::from_secs(2);
        config.start_answer = Duration::from_millis(50);
    })
    .await;
    bench.flinks.bank().loses_sign_ins = true;
    let began = Instant::now();
    bench.start("nightly").await.refused(503, "BANK_SLOW");
    bench.until_bank("the sign-in has arrived", |bank| bank.sign_ins == 1).await;
    bench.flinks.bank().loses_sign_ins = false;
    let reply = loop {
        let answer = bench.start("nightly").await;
        if answer.status == 200 {
            break answer.body;
        }
        answer.refused(503, "BANK_SLOW");
        assert!(bench.flinks.bank().sign_ins == 1 || began.elapsed() >= Duration::from_secs(2));
    };
    assert!(began.elapsed() >= Duration::from_secs(2));
    assert_eq!((&reply["status"], bench.flinks.bank().sign_ins), (&json!("challenge"), 2));
}

#[tokio::test]
async fn a_sign_in_whose_connection_breaks_is_not_repeated_at_once() {
    let (_database, bench) = bench_with(|config| config.start_answer = Duration::from_millis(50)).await;
    bench.flinks.bank().breaks_sign_ins = true;
    bench.start("nightly").await.refused(503, "BANK_SLOW");
    bench.until_bank("the sign-in has arrived", |bank| bank.sign_ins == 1).await;
    bench.flinks.bank().breaks_sign_ins = false;
    for _ in 0..3 {
        bench.start("nightly").await.refused(503, "BANK_SLOW");
    }
    assert_eq!(bench.flinks.bank().sign_ins, 1);
}

#[tokio::test]
async fn a_sign_in_that_was_held_up_is_not_sent_late() {
    let (database, bench) = bench_with(|config| config.bank_patience = Duration::from_millis(100)).await;
    bench.flinks.bank().held = Some("/Authorize");
    let request = bench.post("/api/connections/nightly/reconnect", &json!({}));
    let start = tokio::spawn(send(request));
    bench.until_bank("what Flinks has is asked for", |bank| bank.held_calls == 1).await;
    bench.flinks.bank().held = Some("GenerateAuthorizeToken");
    bench.until_bank("a token is bought for the sign-in", |bank| bank.held_calls == 2).await;
    // Longer than the mark of the sign-in leaves for that.
    let until_ms = number(&database.url, "SELECT sign_in_until FROM connections WHERE id = 'nightly'").await;
    let is_over = || UNIX_EPOCH.elapsed().unwrap().as_millis() > u128::try_from(until_ms).unwrap();
    eventually("its mark is over", async || is_over().then_some(())).await;
    bench.flinks.bank().held = None;
    start.await.unwrap().refused(503, "FLINKS_UNREACHABLE");
    assert_eq!(bench.flinks.bank().sign_ins, 0);
    bench.challenge("nightly").await;
}

// 10.
#[tokio::test]
async fn many_starts_of_one_connection_cost_another_users_delivery_nothing() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("ondemand").await;
    bench.flinks.set_session(&session_of(&reply), Session::Finished);
    bench.flinks.live(LOGINS[0], Live::Slow);
    let mut clicks = JoinSet::new();
    bench.flinks.bank().held = Some("GenerateAuthorizeToken");
    for _ in 0..160 {
        let request = bench.post("/api/connections/nightly/reconnect", &json!({}));
        clicks.spawn(async move { send(request).await.status.as_u16() });
    }
    bench.until_bank("the places of starts are taken", |bank| bank.held_calls >= 16).await;
    bench.deliver(&delivery(&reply, LOGINS[1])).await.expect(200);
    bench.flinks.bank().held = None;
    while let Some(status) = clicks.join_next().await {
        assert_eq!(status.unwrap(), 503);
    }
    assert_eq!(bench.flinks.bank().sign_ins, 2, "one for each connection");
}

#[tokio::test]
async fn a_slow_sign_in_takes_no_place_of_another_start() {
    let (_database, bench) = bench_with(|config| config.flinks_calls = 1).await;
    let start = |connection: &str| {
        let request = bench.post(&format!("/api/connections/{connection}/reconnect"), &json!({}));
        tokio::spawn(send(request))
    };
    bench.flinks.bank().held = Some("/Authorize");
    let slow = start("nightly");
    bench.until_bank("what Flinks has is asked for", |bank| bank.held_calls == 1).await;
    bench.flinks.bank().held = Some("GenerateAuthorizeToken");
    bench.until_bank("a token is bought for the sign-in", |bank| bank.held_calls == 2).await;
    let other = start("ondemand");
    bench.until_bank("another start asks Flinks beside it", |bank| bank.held_calls == 3).await;
    bench.flinks.bank().held = None;
    for start in [slow, other] {
        assert_eq!(start.await.unwrap().expect(200).body["status"], "challenge");
    }
}

#[tokio::test]
async fn a_user_has_so_many_sign_ins_under_way_and_no_more() {
    let (_database, bench) = bench_with(|config| {
        config.sign_ins_per_user = 2;
        config.start_answer = Duration::from_millis(300);
    })
    .await;
    bench.flinks.bank().loses_sign_ins = true;
    for connection in ["nightly", "ondemand"] {
        bench.start(connection).await.refused(503, "BANK_SLOW");
    }
    let answer = bench.start("selected").await.refused(429, "TOO_MANY_SIGN_INS");
    assert!(answer.retry_after.is_some());
    // Requests are not what is counted.
    bench.start("nightly").await.refused(503, "BANK_SLOW");
    assert_eq!(bench.flinks.bank().sign_ins, 2);
}

// 11.
#[tokio::test]
async fn a_refusal_that_no_retry_cures_is_one_the_widget_does_not_repeat() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(&session_of(&reply), Session::Refused);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.refused(422, "DISABLED_LOGIN");
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
}

// 12.
#[tokio::test]
async fn every_call_says_how_long_it_is_who_sends_it_and_what_it_takes() {
    let bench = Bench::alone().await;
    bench.challenge("nightly").await;
    let heads = bench.flinks.bank().heads.clone();
    assert!(heads.iter().any(|(path, _)| path.ends_with("GenerateAuthorizeToken")));
    for (path, headers) in heads {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(header("accept"), "application/json", "{path}");
        assert!(header("user-agent").starts_with("flinks-host/"), "{path}");
        if path.ends_with("GenerateAuthorizeToken") {
            assert_eq!(header("content-length"), "0", "{path}");
        } else if path.ends_with("Authorize") {
            assert!(header("content-length").parse::<u32>().unwrap() > 0, "{path}");
        }
    }
}

// 13.
#[tokio::test]
async fn a_delivery_without_a_login_is_verified_by_its_session() {
    let bench = Bench::alone().await;
    let reply = bench.challenge("nightly").await;
    let mut body = delivery(&reply, LOGINS[0]);
    (body["loginId"], body["requestId"]) = (Value::Null, Value::Null);
    bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    bench.flinks.set_session(&session_of(&reply), Session::Finished);
    bench.deliver(&body).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;

    bench.flinks.live(LOGINS[1], Live::Code(401, "INVALID_PASSWORD"));
    let reply = bench.start("ondemand").await.expect(200).body;
    let mut body = delivery(&reply, LOGINS[1]);
    body["loginId"] = Value::Null;
    bench.deliver(&body).await.refused(422, "NOTHING_TO_VERIFY");
    bench.flinks.add_session("request-of-connect", LOGINS[1], Session::Finished);
    body["requestId"] = json!("request-of-connect");
    bench.deliver(&body).await.expect(200);
    bench.until_status("ondemand", "up-to-date").await;
}

#[tokio::test]
async fn a_page_whose_token_connect_refused_gets_the_sessions_own() {
    let bench = Bench::alone().await;
    let first = bench.challenge("nightly").await;
    let path = "/api/connections/nightly/reconnect";
    let again = |after: Value| send(bench.post(path, &json!({"after": after})));
    let own = again(json!("TOKEN_INVALID")).await.expect(200).body;
    assert_eq!((&own["mode"], &own["attemptId"]), (&json!("resume"), &first["attemptId"]));
    let once_more = again(json!("TOKEN_INVALID")).await.expect(200).body;
    assert_eq!(own["authorizeToken"], once_more["authorizeToken"]);
    let fresh = again(Value::Null).await.expect(200).body;
    assert_ne!(fresh["authorizeToken"], own["authorizeToken"]);
    again(json!("SOMETHING")).await.refused(400, "MALFORMED");
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_brought_up_to_date() {
    use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
    let database = Database::sqlite();
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&format!("{}?mode=rwc", database.url)).await.unwrap();
    for migration in [include_str!("../migrations/0001_first.sql"), include_str!("../migrations/0002_upkeep.sql")] {
        connection.execute(migration).await.unwrap();
    }
    connection
        .execute(AssertSqlSafe(
            "INSERT INTO users VALUES ('demo');
             INSERT INTO connections (id, user_id, position, institution, login_id, reason, status, refreshed_at)
               VALUES ('nightly', 'demo', 0, 'Bank', '0d5a3c10-0001-4000-8000-000000000001', 'update-requested', 'needs-attention', 1790000000000);
             INSERT INTO attempts (id, connection_id, user_id, tag, request_id, state, created_at, expires_at, due_at)
               VALUES ('an-old-attempt', 'nightly', 'demo', 'a tag', 'an-old-session', 'open', 1, 4000000000000, 4000000000000)"
                .to_owned(),
        ))
        .await
        .unwrap();
    // As sqlx notes which migrations were run.
    let source = sqlx::migrate!("./migrations");
    let known: Vec<_> = source.iter().take(2).collect();
    connection
        .execute(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
             execution_time BIGINT NOT NULL)",
        )
        .await
        .unwrap();
    for migration in known {
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES ($1, $2, true, $3, 0)",
        )
        .bind(migration.version)
        .bind(migration.description.to_string())
        .bind(migration.checksum.to_vec())
        .execute(&mut connection)
        .await
        .unwrap();
    }
    connection.close().await.unwrap();
    let bench = Bench::new(&database).await;
    bench.flinks.add_session("an-old-session", LOGINS[0], Session::Challenged);
    let reply = bench.challenge("nightly").await;
    assert_eq!((&reply["mode"], &reply["attemptId"]), (&json!("resume"), &json!("an-old-attempt")));
    bench.flinks.set_session("an-old-session", Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}
