//! Nothing that opens anything, and nothing of Flinks' data, stands in a log line, whatever happens and however much is logged; and each line says
//! what it belongs to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::post};
use common::{
    Bench, Database, LOGINS, WEBHOOK_SECRET, delivery, eventually,
    flinks::{API_KEY, Live, SECRET, Session},
    print_row, scenarios, send, signature,
};
use flinks_host::{Auth, AuthKey, Config, Events, log};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

const USERS_SECRET: &str = "the-application's-secret-of-the-test";
const ADMIN_KEY: &str = "the-key-of-the-application-itself";
const EVENTS_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// Something of Flinks' data that only the kept answer has.
const HOLDER: &str = "Person Nobody May Store";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

macro_rules! run_all {
    ($($name:ident)*) => {
        async fn every_scenario() -> usize {
            let mut count = 0;
            $(
                scenarios::$name(&Database::sqlite()).await;
                count += 1;
            )*
            count
        }
    };
}

crate::every_scenario!(run_all);

/// What an application does with the host as a service; what it says of users is returned.
async fn service() -> Vec<String> {
    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", receiver.local_addr().unwrap());
    let answer = post(async || StatusCode::INTERNAL_SERVER_ERROR);
    tokio::spawn(async move { axum::serve(receiver, Router::new().route("/events", answer)).await.unwrap() });
    let database = Database::sqlite();
    let mut bench = Bench::new(&database).await;
    bench.config = Config {
        demo: None,
        auth: Some(Auth::new(AuthKey::Secret(USERS_SECRET.to_owned()))),
        admin_key: Some(ADMIN_KEY.to_owned()),
        events: Some(Events { url, secret: EVENTS_SECRET.to_owned() }),
        ..bench.config.clone()
    };
    bench.restart().await;
    let expires = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600;
    let claims = json!({"sub": "user-of-the-test", "aud": "flinks-host", "exp": expires});
    let key = EncodingKey::from_secret(USERS_SECRET.as_bytes());
    let token = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let url = |path: &str| format!("{}{path}", bench.base);
    let put = |key: &str| {
        let put = bench.browser.put(url("/admin/users/user-of-the-test/connections/bank-of-the-test")).bearer_auth(key);
        put.json(&json!({"loginId": LOGINS[0]}))
    };
    send(put("not-the-key-of-the-application")).await.refused(401, "UNAUTHENTICATED");
    send(put(ADMIN_KEY)).await.expect(201);
    let start = |token: &str| {
        let start = bench.browser.post(url("/api/connections/bank-of-the-test/reconnect")).bearer_auth(token);
        start.json(&json!({}))
    };
    let forged = format!("{}x", &token[..token.len() - 2]);
    send(start(&forged)).await.refused(401, "UNAUTHENTICATED");
    let reply = send(start(&token)).await.expect(200).body;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let key = format!("\"{}\"", reply["attemptId"].as_str().unwrap());
    let post = bench.browser.post(url("/api/reconnects")).bearer_auth(&token).header("idempotency-key", key);
    send(post.json(&delivery(&reply, LOGINS[0]))).await.expect(200);
    let data = || bench.browser.get(url("/admin/connections/bank-of-the-test/data")).bearer_auth(ADMIN_KEY);
    eventually("the data is there", async || (data().send().await.unwrap().status() == 200).then_some(())).await;
    assert!(data().send().await.unwrap().text().await.unwrap().contains(HOLDER));
    let given =
        ["attemptId", "requestId", "authorizeToken", "tag"].map(|name| reply[name].as_str().unwrap().to_owned());
    given.into_iter().chain([token, forged, "user-of-the-test".to_owned(), "bank-of-the-test".to_owned()]).collect()
}

/// All that this program has logged, as text and as JSON.
fn captured() -> &'static (Lines, Lines) {
    static CAPTURED: OnceLock<(Lines, Lines)> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let (text, json) = (Lines::default(), Lines::default());
        // What other crates log is the same in both; formatting all of it twice takes long.
        let (all, own) = (EnvFilter::new("trace"), EnvFilter::new("flinks_host=trace,planted=trace"));
        tracing_subscriber::registry()
            .with(log::layer(log::Format::Text, text.clone(), false).with_filter(all))
            .with(log::layer(log::Format::Json, json.clone(), false).with_filter(own))
            .init();
        (text, json)
    })
}

#[tokio::test]
async fn no_line_has_an_id_a_token_or_a_secret_and_each_says_what_it_belongs_to() {
    captured();
    // Every way to end that has a line of its own.
    scenarios::another_login_changes_nothing(&Database::sqlite()).await;
    scenarios::a_signed_webhook_is_a_delivery(&Database::sqlite()).await;
    scenarios::flinks_down_is_try_again(&Database::sqlite()).await;
    scenarios::other_codes_are_refusals(&Database::sqlite()).await;
    scenarios::refused_data_is_a_problem_of_the_connection(&Database::sqlite()).await;
    scenarios::data_that_takes_long_is_polled_for(&Database::sqlite()).await;
    scenarios::the_full_flow_picks_accounts_anew(&Database::sqlite()).await;
    scenarios::a_failed_nightly_refresh_wants_the_user(&Database::sqlite()).await;
    scenarios::flinks_down_for_too_long_is_the_end(&Database::sqlite()).await;
    scenarios::limited_requests_are_a_problem_and_a_rest(&Database::sqlite()).await;
    judge().await;
}

#[tokio::test]
#[ignore = "plays every scenario while everything is logged: a minute"]
async fn no_line_of_any_scenario_has_an_id_a_token_or_a_secret() {
    captured();
    let count = every_scenario().await;
    judge().await;
    print_row(&format!(
        "{count} scenarios and a service, each line logged as text and as JSON | no id, token, secret or data in any"
    ));
}

/// Webhooks, each with the login's whole data in it: one that is taken, the same again, one of another login, one of no use, one that nobody signed.
async fn post_webhooks(bench: &Bench) {
    let reply = bench.challenge("mfachanged").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let account =
        json!({"Id": "acc00000-0003-4000-8000-000000000001", "AccountNumber": "111222333", "Holder": {"Name": HOLDER}});
    let notice = |login: &str| json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": login}, "RequestId": reply["requestId"], "Tag": reply["tag"], "Accounts": [account]});
    for login in [LOGINS[2], LOGINS[2], LOGINS[0]] {
        bench.webhook(&notice(login)).await.expect(200);
    }
    bench.webhook(&json!({"ResponseType": "KYC", "Accounts": [account]})).await.expect(200);
    let unsigned = bench.browser.post(format!("{}/api/flinks/webhook", bench.base)).json(&notice(LOGINS[2]));
    send(unsigned.header("flinks-authenticity-key", signature("another secret", b"")))
        .await
        .refused(401, "BAD_SIGNATURE");
}

/// Plays a service and a reconnect, and searches all that was logged.
async fn judge() {
    const PLANTED: &str = "planted-0d5a3c1f";
    let (lines, objects) = captured();
    let given_to_service = service().await;
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| config.reconcile_after = Duration::from_millis(20)).await;
    bench.flinks.live(LOGINS[1], Live::Authorized);
    bench.start("ondemand").await.expect(200);
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.until_status("nightly", "up-to-date").await;
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    post_webhooks(&bench).await;

    // What is planted is found: the search below sees every line.
    tracing::trace!(target: "planted", "{PLANTED}");
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let json = String::from_utf8(objects.0.lock().unwrap().clone()).unwrap();
    for log in [&text, &json] {
        assert!(log.contains(PLANTED));
    }
    each_line_says_what_it_belongs_to(&json);
    for expected in [
        "result accepted",
        "data stored",
        "asking Flinks failed",
        "nothing was changed",
        "nightly refresh status",
        "work postponed",
        "an attempt has ended without data",
        "work pauses",
        "route=\"/api/reconnects\"",
    ] {
        assert!(text.contains(expected), "the log has no line {expected:?}: is it captured?");
    }
    let cookie = bench.cookie.split_once('=').unwrap().1;
    let given = ["attemptId", "requestId", "authorizeToken", "tag"].map(|name| reply[name].as_str().unwrap());
    let secrets = [
        SECRET,
        API_KEY,
        WEBHOOK_SECRET,
        cookie,
        "acc00000-",
        "request-for-test",
        "request-of-",
        "token-for-test",
        "0d5a3c10-",
        USERS_SECRET,
        ADMIN_KEY,
        "not-the-key-of-the-application",
        EVENTS_SECRET,
        HOLDER,
        "111222",
        "evt_",
    ];
    let given_to_service = given_to_service.iter().map(String::as_str);
    for secret in secrets.into_iter().chain(given).chain(given_to_service) {
        for log in [&text, &json] {
            // Searched as a whole: line by line takes ten times as long.
            let leak = log.find(secret).map(|at| log.get(at.saturating_sub(200)..at + secret.len()));
            assert!(leak.is_none(), "{secret}: {leak:?}");
        }
    }
}

/// Each line of a running host names the host, and most name the request, the attempt or the event.
fn each_line_says_what_it_belongs_to(json: &str) {
    let mut about = std::collections::BTreeMap::<&str, usize>::new();
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        if !line["target"].as_str().unwrap().starts_with("flinks_host") {
            continue;
        }
        let spans = line["spans"].as_array().unwrap_or_else(|| panic!("{line}"));
        assert!(spans[0]["name"] == "host" && spans[0]["id"].as_str().unwrap().len() == 12, "{line}");
        for (name, field) in [("request", "id"), ("reconnect", "attempt"), ("step", "attempt"), ("event", "id")] {
            if spans
                .iter()
                .any(|span| span["name"] == name && span[field].as_str().is_some_and(|text| text.len() == 12))
            {
                *about.entry(name).or_default() += 1;
            }
        }
        // A start that finds everything done is about no attempt.
        let is_of_a_reconnect = ["result accepted", "data stored"].iter().any(|message| line["message"] == *message)
            || ["refresh", "resume", "full flow"].iter().any(|outcome| line["outcome"] == *outcome);
        assert!(!is_of_a_reconnect || spans.iter().any(|span| span["attempt"].is_string()), "{line}");
    }
    assert!(["request", "reconnect", "step", "event"].iter().all(|name| about.contains_key(name)), "{about:?}");
}
