//! `--state FILE`: what survives a restart.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use crate::common::running::Running;
use crate::common::{ANSWERS, Bench};
use flinks_sandbox::{Config, DEMO_LOGINS, Webhook};
use serde_json::{Value, json};

fn file(name: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{name}-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&file);
    file
}

fn config(state_file: &std::path::Path) -> Config {
    // The same keys: they are flags, not state.
    let keys = ("secret-key".to_owned(), "api-key".to_owned());
    Config { state_file: Some(state_file.to_owned()), secret_key: keys.0, api_key: keys.1, ..Config::local() }
}

async fn restarted(bench: Bench, config: Config) -> Bench {
    bench.sandbox.stop().await;
    Bench::with(config).await
}

#[tokio::test]
async fn a_session_goes_on_where_it_was() {
    let file = file("session");
    let bench = Bench::with(config(&file)).await;
    let session = bench.refresh(2).await;
    let token = bench.token().await;
    let spent = bench.token().await;
    bench.authorize_with(&spent, json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": true})).await;
    let (prompt, text) = ANSWERS[0];
    bench.authorize(json!({"RequestId": session, "SecurityResponses": {prompt: [text]}})).await;
    bench.data(reqwest::Method::DELETE, &format!("DeleteCard/{}", DEMO_LOGINS[3].login_id), Value::Null).await;
    bench.control("faults", json!({"redirectShape": "classic", "page": "never-posts"})).await;
    bench.control("webhook", json!({"url": "http://127.0.0.1:9/", "secret": "s"})).await;
    bench.sandbox.advance_ms(120_000).unwrap();

    let bench = restarted(bench, config(&file)).await;
    let probe = bench.authorize_with(&token, json!({ "RequestId": session })).await;
    assert_eq!(probe.prompt(), ANSWERS[1].0, "the first answer is still given, the token still good");
    let again = bench.authorize_with(&spent, json!({"LoginId": DEMO_LOGINS[1].login_id})).await;
    assert_eq!(again.code(), (401, "UNAUTHORIZED"), "a spent token stays spent");
    assert_eq!(bench.control("clock", Value::Null).await.body["advancedMs"], 120_000);
    let faults = bench.control("faults", Value::Null).await.body;
    assert_eq!((&faults["redirectShape"], &faults["page"]), (&json!("classic"), &json!("never-posts")));
    assert_eq!(bench.control("webhook", Value::Null).await.body["url"], "http://127.0.0.1:9/");
    let gone = bench.authorize(json!({"LoginId": DEMO_LOGINS[3].login_id})).await;
    assert_eq!(gone.code(), (401, "INVALID_LOGIN"), "what was deleted does not come back");

    // The eight minutes go on as well.
    bench.sandbox.advance_ms(8 * 60_000).unwrap();
    let bench = restarted(bench, config(&file)).await;
    assert_eq!(bench.authorize(json!({ "RequestId": session })).await.code(), (400, "SESSION_NONEXISTENT"));
    bench.sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_session_is_asked_what_it_was_asked_before() {
    let file = file("challenges");
    let bench = Bench::with(config(&file)).await;
    bench.control("faults", json!({"challenges": "text-or-call"})).await;
    let session = bench.refresh(2).await;
    let answer = json!({"How do you want to get your code?": ["SMS 514 555-0199"]});
    bench.authorize(json!({"RequestId": session, "SecurityResponses": answer})).await;
    // A bank with OAuth has vouched for somebody, and wants their consent anew.
    let mut page = bench.open_at("/v2/Credential/9100/", "demoOutbound=true").await;
    page.act(json!({"name": "popup-opened"})).await;
    page.decide("approve").await;
    let login = page.last()["loginId"].clone();
    bench.control("faults", json!({"oauthConsent": "asked"})).await;
    let body = json!({"LoginId": login, "MostRecentCached": false, "Save": true});
    let consent = bench.authorize(body).await.text("RequestId").to_owned();

    let bench = restarted(bench, config(&file)).await;
    let probe = bench.authorize(json!({ "RequestId": session })).await;
    assert_eq!(probe.prompt(), "What code did you get?", "whatever banks ask by now");
    assert_eq!(bench.authorize(json!({ "RequestId": consent })).await.body["SecurityChallenges"], json!([]));
    assert_eq!(bench.open(&format!("requestId={consent}")).await.name(), "oauth");
    bench.sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn the_next_night_comes_when_it_would_have_come() {
    const HOUR_MS: u64 = 60 * 60_000;
    let file = file("night");
    let bench = Bench::with(config(&file)).await;
    let body =
        json!({"Institution": 9004, "Username": "greatday_nomfa", "Password": "Everyday", "ScheduleRefresh": true});
    let login = bench.authorize(body).await.body["Login"].clone();
    bench.sandbox.advance_ms(23 * HOUR_MS).unwrap();
    let bench = restarted(bench, config(&file)).await;
    bench.sandbox.advance_ms(HOUR_MS).unwrap();
    let cached = bench.authorize(json!({"LoginId": login["Id"], "MostRecentCached": true})).await;
    assert_ne!(cached.body["Login"]["LastRefresh"], login["LastRefresh"]);
    bench.sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_webhook_that_did_not_arrive_is_tried_again() {
    let file = file("webhook");
    let nobody = Webhook { url: "http://127.0.0.1:9/".into(), secret: "s".into() };
    let bench = Bench::with(Config { webhook: Some(nobody), ..config(&file) }).await;
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    bench.webhooks_settle().await;
    let before = bench.control("webhook", Value::Null).await.body["waiting"].clone();
    assert_eq!(before.as_array().unwrap().len(), 2);
    let receiver = crate::common::receiver::Receiver::start().await;
    let bench = restarted(bench, Config { webhook: Some(receiver.webhook.clone()), ..config(&file) }).await;
    assert_eq!(bench.control("webhook", Value::Null).await.body["waiting"], before);
    bench.sandbox.advance_ms(30 * 60_000).unwrap();
    bench.webhooks_settle().await;
    assert_eq!(receiver.accepted().len(), 2);
    bench.sandbox.stop().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let file = file("other");
    for text in ["", "{}", "[]", "my diary", r#"{"version":9}"#] {
        std::fs::write(&file, text).unwrap();
        let error = Running::start(config(&file)).await.err().unwrap();
        assert!(error.starts_with("--state: "), "{text}: {error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    std::fs::remove_file(&file).unwrap();
    let nowhere = PathBuf::from("/no/such/folder/state.json");
    assert!(Running::start(config(&nowhere)).await.err().unwrap().starts_with("--state: "));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_file_and_nothing_is_left_beside_it() {
    use std::os::unix::fs::PermissionsExt;
    let file = file("mode");
    let bench = Bench::with(config(&file)).await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    bench.refresh(0).await;
    bench.sandbox.stop().await;
    let mut beside = file.clone().into_os_string();
    beside.push(".new");
    assert!(!PathBuf::from(beside).exists());
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains("secret-key") && !kept.contains("api-key"));
    std::fs::remove_file(file).unwrap();
}
