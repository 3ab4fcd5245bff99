//! The fault table: what can go wrong between Connect's word and the host's receipt, one row each, in a real browser.
//!
//! Every row is printed: fault, requests seen, effects at the host, ending. Rows are named as in the threat and fault tables the project began
//! with, so that a missing number is a row proved elsewhere: F18's conflict and F27 with the attacks, F20 and F21 natively on the virtual
//! clock (`tests/scenarios.rs`), F22 with the demo.

#![allow(clippy::indexing_slicing, reason = "a broken premise must stop the test")]

use std::io::Write as _;
use std::time::Duration;

use flinks_e2e::{Answer, ConnectPage, Engine, Faulty, HostPolicy, Result, eventually};
use serde_json::{Value, json};

/// Prints one row past the test runner's capture.
fn row(stage: &Faulty, fault: &str, ending: &str) -> Result<()> {
    let engine = Engine::from_env()?;
    let (requests, effects) = (stage.delivered().len(), stage.effects());
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| {fault} | {engine:?} | {requests} requests | {effects} effects | {ending} |")?;
    Ok(())
}

fn ending(report: &Value) -> String {
    let outcome = &report["outcome"];
    outcome["code"].as_str().or(outcome["result"]["status"].as_str()).unwrap_or("none").to_owned()
}

/// Plays one session against these answers and holds its ending, the number of requests and the effects against what is expected.
async fn delivery(fault: &str, answers: &[Answer], page: Value, expected: Expected) -> Result<()> {
    Faulty::run(async |stage| play(stage, fault, answers, page.clone(), expected).await).await
}

/// How a session must end, after how many requests, with how many effects at the host.
#[derive(Clone, Copy)]
struct Expected {
    ending: &'static str,
    requests: usize,
    effects: usize,
}

fn reconnected(requests: usize) -> Expected {
    Expected { ending: "reconnected", requests, effects: 1 }
}

fn refused(ending: &'static str) -> Expected {
    Expected { ending, requests: 1, effects: 0 }
}

async fn play(stage: &Faulty, fault: &str, answers: &[Answer], page: Value, expected: Expected) -> Result<()> {
    stage.answers(answers.iter().cloned());
    stage.open(json!({}), &page).await?;
    let ended = ending(&stage.report().await?);
    assert_eq!(ended, expected.ending, "{fault}");
    let sent = stage.delivered();
    assert_eq!((sent.len(), stage.effects()), (expected.requests, expected.effects), "{fault}: requests, effects");
    assert!(sent.iter().all(|one| one.body == sent[0].body), "the same bytes in every try");
    let key = sent[0].header("idempotency-key").unwrap_or_default();
    assert!(key.starts_with('"') && key.ends_with('"') && key.len() > 30, "a string of structured fields: {key}");
    assert!(sent.iter().all(|one| one.header("idempotency-key") == Some(key)), "the same key in every try");
    row(stage, fault, &ended)
}

#[tokio::test]
async fn f1_errors_of_the_server_are_tried_again() -> Result<()> {
    let answers = [Answer::status(500), Answer::status(500), Answer::status(200)];
    delivery("F1 500, 500, 200", &answers, json!({}), reconnected(3)).await
}

#[tokio::test]
async fn f2_retry_after_is_waited_for() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, retry_after, at_least) in [
            ("F2 503, Retry-After: 2", "Retry-After: 2\r\n", Duration::from_secs(2)),
            ("F3 429, Retry-After: abc", "Retry-After: abc\r\n", Duration::ZERO),
            ("F3 429, Retry-After: -5", "Retry-After: -5\r\n", Duration::ZERO),
            ("F3 429, Retry-After: a past date", "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT\r\n", Duration::ZERO),
        ] {
            stage.answers([Answer::Status(429, retry_after, "{}")]);
            stage.open(json!({}), &json!({})).await?;
            let ended = ending(&stage.report().await?);
            let sent = stage.delivered();
            assert_eq!((ended.as_str(), sent.len()), ("reconnected", 2), "{fault}");
            let waited = sent[1].at - sent[0].at;
            assert!(waited >= at_least && waited < at_least + Duration::from_secs(2), "{fault}: waited {waited:?}");
            row(stage, fault, &ended)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f4_a_connection_reset_before_the_answer_is_tried_again() -> Result<()> {
    delivery("F4 reset before the answer", &[Answer::Reset, Answer::Reset], json!({}), reconnected(3)).await
}

#[tokio::test]
async fn f4_half_an_answer_is_a_receipt() -> Result<()> {
    delivery("F4 ends in the middle of a 200", &[Answer::HalfAnswer], json!({}), reconnected(1)).await
}

#[tokio::test]
async fn f5_a_lost_answer_makes_two_requests_and_one_effect() -> Result<()> {
    // A browser may repeat a request on a dead connection by itself, and without keepalive the widget asks at once: never fewer than two.
    Faulty::run(async |stage| {
        stage.answers([Answer::TakeAndReset]);
        stage.open(json!({}), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.effects()), ("reconnected", 1));
        assert!(stage.delivered().len() >= 2);
        row(stage, "F5 taken, answer lost", &ended)
    })
    .await
}

#[tokio::test]
async fn f6_a_host_that_says_nothing_is_given_ten_seconds() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([Answer::Hang]);
        stage.open(json!({}), &json!({})).await?;
        stage.expect_delivered(2).await?;
        let sent = stage.delivered();
        let waited = sent[1].at - sent[0].at;
        assert!(waited >= Duration::from_millis(9_900) && waited < Duration::from_secs(13), "waited {waited:?}");
        let ended = ending(&stage.report().await?);
        assert_eq!(ended, "reconnected");
        row(stage, "F6 hangs", &ended)
    })
    .await
}

#[tokio::test]
async fn f7_an_earlier_try_still_being_worked_on_is_waited_for() -> Result<()> {
    delivery("F7 409, 200", &[Answer::status(409)], json!({}), reconnected(2)).await
}

#[tokio::test]
async fn f8_a_refusal_is_final() -> Result<()> {
    Faulty::run(async |stage| {
        for status in [400, 401, 403, 404, 413, 422] {
            play(stage, &format!("F8 {status}"), &[Answer::status(status)], json!({}), refused("REJECTED")).await?;
        }
        let mismatch = Answer::Status(409, "", r#"{"code":"LOGIN_MISMATCH"}"#);
        play(stage, "F8 409 LOGIN_MISMATCH", &[mismatch], json!({}), refused("LOGIN_MISMATCH")).await
    })
    .await
}

#[tokio::test]
async fn f9_headers_are_asked_anew_for_every_try() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([Answer::status(503)]);
        stage.open(json!({}), &json!({ "headers": true })).await?;
        let ended = ending(&stage.report().await?);
        let tries: Vec<_> = stage.delivered().iter().map(|one| one.header("x-try").map(str::to_owned)).collect();
        assert_eq!(tries, [Some("1".to_owned()), Some("2".to_owned())]);
        row(stage, "F9 headers rotate", &ended)
    })
    .await
}

#[tokio::test]
async fn f10_a_redirect_takes_the_result_nowhere() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([Answer::RedirectElsewhere, Answer::RedirectElsewhere]);
        stage.open(json!({}), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.elsewhere(), stage.effects()), ("reconnected", 0, 1));
        row(stage, "F10 307 to another origin: 0 bytes there", &ended)
    })
    .await
}

#[tokio::test]
async fn f11_any_answer_of_success_is_a_receipt() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, answer) in [
            ("F11 200 with a page", Answer::Status(200, "Content-Type: text/html\r\n", "<html>Log in</html>")),
            ("F11 204", Answer::Status(204, "", "")),
            ("F11 200 empty", Answer::Status(200, "", "")),
            ("F11 200, broken JSON", Answer::Status(200, "Content-Type: application/json\r\n", "{\"half\":")),
        ] {
            play(stage, fault, &[answer], json!({}), reconnected(1)).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f12_the_network_coming_back_is_used_at_once() -> Result<()> {
    Faulty::run(async |stage| {
        // The wait that the host asks for is far longer than the test's patience: only `online` can end it in time.
        stage.answers([Answer::Status(503, "Retry-After: 100\r\n", "{}")]);
        stage.open(json!({}), &json!({ "online": 2 })).await?;
        let ended = ending(&stage.report().await?);
        let sent = stage.delivered();
        assert_eq!((ended.as_str(), sent.len()), ("reconnected", 2));
        assert!(sent[1].at - sent[0].at < Duration::from_secs(2));
        row(stage, "F12 offline, then online", &ended)
    })
    .await
}

/// Twenty times each: the page goes away so many milliseconds after REDIRECT, and the host has the result all the same.
async fn survives(fault: &str, how: &str) -> Result<()> {
    Faulty::run(async |stage| {
        for wait_ms in [0, 10, 50] {
            let mut arrived = 0;
            for _ in 0..20 {
                stage.answers([]);
                stage.open(json!({}), &json!({ how: wait_ms })).await?;
                stage.expect_delivered(1).await?;
                arrived += 1;
            }
            row(stage, &format!("{fault} {wait_ms} ms after REDIRECT"), &format!("{arrived} of 20 arrived"))?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f13_the_result_survives_the_page_navigating_away() -> Result<()> {
    survives("F13 navigates away", "leaveAfter").await
}

#[tokio::test]
async fn f14_the_result_survives_the_pages_end() -> Result<()> {
    Faulty::run(async |stage| {
        for wait_ms in [0, 10, 50] {
            for _ in 0..20 {
                stage.answers([]);
                stage.browser.goto(format!("{}/empty", stage.host())).await?;
                // Taking a page's frame away ends its document as closing its tab does, and can be timed to the millisecond.
                let address = stage.address(json!({}), &json!({ "vanishAfter": wait_ms }));
                let frame = "const frame = document.createElement('iframe'); frame.src = arguments[0]; document.body.append(frame)";
                stage.browser.execute(frame, vec![json!(address)]).await?;
                stage.expect_delivered(1).await?;
                eventually("the page is gone", async || {
                    let left = stage.browser.execute("return document.querySelectorAll('iframe').length", vec![]).await?;
                    Ok((left.json() == &json!(0)).then_some(()))
                })
                .await?;
            }
            row(stage, &format!("F14 page ended {wait_ms} ms after REDIRECT"), "20 of 20 arrived")?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f14_closing_the_session_does_not_cancel_the_delivery() -> Result<()> {
    let answers = [Answer::status(500), Answer::status(200)];
    delivery("F14 close() while delivering", &answers, json!({ "closeSession": true }), reconnected(2)).await
}

#[tokio::test]
async fn f17_a_used_up_keepalive_quota_is_got_around() -> Result<()> {
    delivery("F17 keepalive quota used up", &[], json!({ "quota": true }), reconnected(1)).await
}

#[tokio::test]
async fn f18_five_hundred_times_the_same_success_is_one_delivery() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([]);
        stage.open(json!({ "params": { "theme": "repeated" } }), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.delivered().len()), ("reconnected", 1));
        row(stage, "F18 500 identical REDIRECTs", &ended)?;

        stage.answers([Answer::Hang]);
        stage.open(json!({ "params": { "theme": "contradicted" } }), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.effects()), ("CONFLICT", 0));
        row(stage, "F18 a second, different REDIRECT", &ended)
    })
    .await
}

#[tokio::test]
async fn f19_a_blocked_main_thread_delays_and_loses_nothing() -> Result<()> {
    delivery("F19 main thread blocked for 1.5 s", &[], json!({ "blockFor": 1_500 }), reconnected(1)).await
}

#[tokio::test]
async fn f23_a_frame_that_never_speaks_ends_in_time() -> Result<()> {
    const LIMIT_MS: u64 = 1_000;
    Faulty::run(async |stage| {
        for (fault, options, connect_page, host_policy) in [
            (
                "F23 no such host",
                json!({ "connectUrl": "https://connect.invalid/" }),
                ConnectPage::Good,
                HostPolicy::None,
            ),
            ("F23 HTTP 500", json!({}), ConnectPage::Broken, HostPolicy::None),
            ("F23 X-Frame-Options: DENY", json!({}), ConnectPage::NotFramed, HostPolicy::None),
            ("F23 CSP frame-src 'none'", json!({}), ConnectPage::Good, HostPolicy::NoFrames),
            ("F23 COOP and COEP", json!({}), ConnectPage::Good, HostPolicy::Isolated),
            ("F23 a silent page", json!({ "params": { "theme": "silent" } }), ConnectPage::Good, HostPolicy::None),
        ] {
            stage.answers([]);
            stage.serves(connect_page, host_policy);
            let mut options = options;
            options["loadTimeoutMs"] = json!(LIMIT_MS);
            stage.open(options, &json!({})).await?;
            let report = stage.report().await?;
            let ended = ending(&report);
            assert_eq!(ended, "LOAD_TIMEOUT", "{fault}: {report}");
            assert_eq!(report["outcome"]["retryable"], json!(true));
            let took_ms = report["ms"].as_u64().unwrap_or(u64::MAX);
            assert!(took_ms <= LIMIT_MS + 500, "{fault}: {took_ms} ms");
            let phases: Vec<_> =
                report["heard"].as_array().into_iter().flatten().filter_map(|one| one[1]["phase"].as_str()).collect();
            assert!(!phases.contains(&"active"), "{fault}: never taken for loaded: {phases:?}");
            row(stage, fault, &format!("{ended} after {took_ms} ms"))?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f26_a_fetch_that_somebody_patched_and_broke_is_a_network_error() -> Result<()> {
    delivery("F26 fetch throws", &[], json!({ "fetchThrows": 4 }), reconnected(1)).await
}

#[tokio::test]
async fn a_fall_through_to_the_full_flow_is_told_and_can_be_refused() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([]);
        stage.open(json!({ "params": { "theme": "bank-list" } }), &json!({})).await?;
        let report = stage.report().await?;
        assert_eq!(report["outcome"]["result"]["mode"], json!("connect"));
        row(stage, "full flow, continue", "mode connect")?;

        stage.answers([]);
        stage.open(json!({ "params": { "theme": "bank-list" }, "fullFlow": "stop" }), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.delivered().len()), ("FULL_FLOW", 0));
        row(stage, "full flow, stop", &ended)
    })
    .await
}
