//! The fault table: what can go wrong between Connect's word and the host's receipt, one row each, in a real browser.
//!
//! Every row is printed: fault, engine, requests seen, effects at the host, ending. Rows are named as in the fault table the project began with.
//! F24, F25 and F27 are rows of `policies.rs` and `attacks.rs`, whose pages they need; F15 (a killed browser) is the host's to repair
//! (`crates/host/tests/postgres.rs`), for the widget keeps nothing.
//!
//! What a driver cannot do is a row that says so. No driver makes the machine sleep or sets its clock: there the page's own wall clock is stepped,
//! which the widget reads beside the browser's monotonic one. Frozen pages are proved on the virtual clock alone (`tests/scenarios.rs`).

#![allow(clippy::indexing_slicing, reason = "a broken premise must stop the test")]

use std::io::Write as _;
use std::time::{Duration, Instant};

use flinks_e2e::{Answer, ConnectPage, Engine, Faulty, HostPolicy, Result};
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
    for one in &sent {
        let header = |name| one.header(name).unwrap_or_default();
        assert!(one.head.starts_with("POST /deliver "), "{fault}: {}", one.head);
        assert_eq!((header("content-type"), header("referer")), ("application/json", ""), "{fault}");
        assert_ne!(header("sec-fetch-mode"), "no-cors", "{fault}: an answer that cannot be read is no receipt");
    }
    assert_eq!((stage.frame_loads(), stage.elsewhere()), (1, 0), "{fault}: one frame, and nothing anywhere else");
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

        // Seconds are all that such a date has.
        stage.browser.goto("about:blank").await?;
        let date = stage.ask("return new Date(Date.now() + 4_000).toUTCString()").await?;
        let asked = Instant::now();
        let header = format!("Retry-After: {}\r\n", date.as_str().unwrap_or_default());
        stage.answers([Answer::Status(503, header.leak(), "{}")]);
        stage.open(json!({}), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        let sent = stage.delivered();
        let waited = sent[1].at - asked;
        assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(7), "waited {waited:?}");
        row(stage, "F3 503, Retry-After: a date 4 s ahead", &ended)
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
        row(stage, "F12 the page says online", &ended)?;

        if Engine::from_env()? != Engine::Chromium {
            return row(stage, "F12 offline at REDIRECT", "not shown: this driver cannot take the network away");
        }
        stage.answers([]);
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
        stage.expect_phase("active").await?;
        stage.set_offline(true).await?;
        stage.expect_view("offline").await?;
        stage.connect_says("REDIRECT").await?;
        // Far enough for the next try to be seconds away.
        stage.expect("return window.page.heard.filter(([name]) => name === 'retrying').length >= 5", true).await?;
        assert_eq!(stage.delivered().len(), 0);
        stage.set_offline(false).await?;
        let online = Instant::now();
        stage.expect_delivered(1).await?;
        let waited = online.elapsed();
        assert!(waited < Duration::from_secs(2), "waited {waited:?}");
        let ended = ending(&stage.report().await?);
        assert_eq!(ended, "reconnected");
        row(stage, "F12 offline at REDIRECT, then online", &format!("{ended} within 2 s of online"))
    })
    .await
}

/// How the page goes away after REDIRECT.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Navigates,
    Closes,
}

/// Twenty times each: the page goes away so many milliseconds after REDIRECT, and the host has the result all the same.
async fn survives(fault: &str, end: End, deliver: impl Fn(&Faulty) -> String) -> Result<()> {
    Faulty::run(async |stage| {
        for wait_ms in [0, 10, 50] {
            let mut arrived = 0;
            for _ in 0..20 {
                stage.answers([]);
                let options = json!({ "deliver": deliver(stage) });
                if end == End::Navigates {
                    stage.open(options, &json!({ "leaveAfter": wait_ms })).await?;
                } else {
                    let address = stage.address(options, &json!({ "closeAfter": wait_ms }));
                    stage.open_window(&address).await?;
                }
                stage.expect_delivered(1).await?;
                stage.expect_windows(1).await?;
                arrived += 1;
            }
            row(stage, &format!("{fault} {wait_ms} ms after REDIRECT"), &format!("{arrived} of 20 arrived"))?;
        }
        Ok(())
    })
    .await
}

fn same_origin(_: &Faulty) -> String {
    "/deliver".to_owned()
}

#[tokio::test]
async fn f13_the_result_survives_the_page_navigating_away() -> Result<()> {
    survives("F13 navigates away", End::Navigates, same_origin).await
}

#[tokio::test]
async fn f13_the_result_survives_on_its_way_to_another_origin() -> Result<()> {
    survives("F13 navigates away, deliver asks another origin first,", End::Navigates, Faulty::deliver_elsewhere).await
}

#[tokio::test]
async fn f14_the_result_survives_its_tab_being_closed() -> Result<()> {
    survives("F14 tab closes", End::Closes, same_origin).await
}

#[tokio::test]
async fn f14_the_result_survives_its_tab_on_its_way_to_another_origin() -> Result<()> {
    survives("F14 tab closes, deliver asks another origin first,", End::Closes, Faulty::deliver_elsewhere).await
}

#[tokio::test]
async fn f14_closing_the_session_does_not_cancel_the_delivery() -> Result<()> {
    let answers = [Answer::status(500), Answer::status(200)];
    delivery("F14 close() while delivering", &answers, json!({ "closeSession": true }), reconnected(2)).await
}

#[tokio::test]
async fn f16_storage_that_refuses_is_not_missed() -> Result<()> {
    delivery("F16 every storage of the browser throws", &[], json!({ "storageThrows": true }), reconnected(1)).await
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

const MINUTE_MS: i64 = 60_000;

/// A session that the host begins, with Connect waiting for its user in these themes, one for each start.
async fn begin(stage: &Faulty, themes: &[&'static str], page: Value) -> Result<()> {
    stage.answers([]);
    stage.starts(themes.iter().copied());
    stage.open(json!({ "start": "/start" }), &page).await?;
    stage.expect_phase("active").await
}

#[tokio::test]
async fn f20_both_clocks_are_believed_as_far_as_they_can_be_true() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, step_ms) in
            [("F20 wall clock set ahead by 1 h", 60 * MINUTE_MS), ("F20 machine asleep for 10 min", 10 * MINUTE_MS)]
        {
            // The host begins another session, because what the user would answer to is dead.
            begin(stage, &["mounted", "mounted"], json!({})).await?;
            stage.step_clock(step_ms).await?;
            stage.expect("return window.page.heard.filter(([, { phase }]) => phase === 'active').length", 2).await?;
            assert_eq!((stage.start_calls(), stage.frame_loads()), (2, 2), "{fault}");
            stage.connect_says("REDIRECT").await?;
            let ended = ending(&stage.report().await?);
            assert_eq!(ended, "reconnected", "{fault}");
            row(stage, fault, &format!("another session, {ended}"))?;
        }
        begin(stage, &["mounted"], json!({})).await?;
        stage.step_clock(-60 * MINUTE_MS).await?;
        stage.connect_says("REDIRECT").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.frame_loads()), ("reconnected", 1));
        row(stage, "F20 wall clock set back by 1 h", &format!("the same session, {ended}"))
    })
    .await
}

#[tokio::test]
async fn f20_timers_that_a_hidden_tab_slows_down_are_enough() -> Result<()> {
    Faulty::run(async |stage| {
        if Engine::from_env()? == Engine::WebKit {
            return row(stage, "F20 500, 500, 200 in a hidden tab", "not shown: this driver hides no tab");
        }
        stage.answers([Answer::status(500), Answer::status(500)]);
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({ "redirectWhenHidden": true })).await?;
        stage.expect_phase("active").await?;
        let page = stage.browser.window().await?;
        let other = stage.browser.new_tab().await?;
        stage.browser.switch_to_window(other).await?;
        stage.expect_delivered(3).await?;
        stage.browser.close_window().await?;
        stage.browser.switch_to_window(page).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.effects()), ("reconnected", 1));
        row(stage, "F20 500, 500, 200 in a hidden tab", &ended)
    })
    .await
}

#[tokio::test]
async fn f21_a_page_out_of_the_back_forward_cache_knows_how_long_it_was_away() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, away_ms, starts) in
            [("F21 back at once", 0, 1), ("F21 back after 9 min, as the wall clock says,", 9 * MINUTE_MS, 2)]
        {
            stage.answers([]);
            stage.starts(["mounted", "mounted"]);
            stage.serves(ConnectPage::Good, HostPolicy::Kept);
            stage.open(json!({ "start": "/start" }), &json!({ "awayFor": away_ms })).await?;
            stage.expect_phase("active").await?;
            stage.browser.goto(format!("{}/away", stage.host())).await?;
            stage.browser.back().await?;
            stage.expect_phase("active").await?;
            if stage.ask("return document.documentElement.dataset.back ?? null").await?.is_null() {
                row(stage, fault, "not shown: under its driver this browser keeps no pages")?;
                continue;
            }
            stage
                .expect("return window.page.heard.filter(([, { phase }]) => phase === 'active').length", starts)
                .await?;
            assert_eq!((stage.start_calls(), stage.frame_loads()), (starts, starts), "{fault}");
            stage.connect_says("REDIRECT").await?;
            let ended = ending(&stage.report().await?);
            assert_eq!((ended.as_str(), stage.effects()), ("reconnected", 1), "{fault}");
            let session = if starts == 1 { "the same session" } else { "another session" };
            row(stage, fault, &format!("{session}, {ended}"))?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn f22_one_tab_has_the_session_and_another_may_take_it_over() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([]);
        let address = stage.address(json!({ "params": { "theme": "mounted" } }), &json!({}));
        stage.browser.goto("about:blank").await?;
        stage.browser.goto(&address).await?;
        stage.expect_phase("active").await?;
        let first = stage.browser.window().await?;

        let second = stage.browser.new_tab().await?;
        stage.browser.switch_to_window(second.clone()).await?;
        stage.browser.goto(&address).await?;
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("BUSY", &json!(true)));
        assert_eq!(stage.frame_loads(), 1, "no frame where the session is held");
        row(stage, "F22 a second tab", "BUSY, no frame")?;

        stage.press("retry").await?;
        stage.expect_phase("active").await?;
        stage.browser.switch_to_window(first.clone()).await?;
        assert_eq!(ending(&stage.report().await?), "BUSY");
        row(stage, "F22 the second tab takes over", "active there, BUSY in the first")?;

        // Closing the tab that has it frees it.
        stage.browser.switch_to_window(second).await?;
        stage.browser.close_window().await?;
        stage.browser.switch_to_window(first).await?;
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
        stage.expect_phase("active").await?;
        stage.connect_says("REDIRECT").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.effects()), ("reconnected", 1));
        row(stage, "F22 the tab that has it is closed", &format!("free, {ended}"))
    })
    .await
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
            let said = report["outcome"]["message"].as_str().unwrap_or_default();
            if host_policy == HostPolicy::NoFrames {
                assert!(said.contains("lacks a frame-src"), "{fault}: the cause is known: {said}");
            } else {
                assert!(
                    ["frame-src", "allow-listed", "offline", "COEP"].iter().all(|cause| said.contains(cause)),
                    "{fault}: {said}"
                );
            }
            row(stage, fault, &format!("{ended} after {took_ms} ms"))?;
        }

        // And the dialog's own button tries again, with another frame.
        stage.answers([]);
        stage.serves(ConnectPage::Broken, HostPolicy::None);
        stage.open(json!({ "loadTimeoutMs": LIMIT_MS }), &json!({})).await?;
        assert_eq!(ending(&stage.report().await?), "LOAD_TIMEOUT");
        stage.serves(ConnectPage::Good, HostPolicy::None);
        stage.press("retry").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.frame_loads()), ("reconnected", 2));
        row(stage, "F23 HTTP 500, then the user tries again", &ended)
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

#[tokio::test]
async fn leaving_in_the_middle_of_an_answer_is_asked_about_once() -> Result<()> {
    Faulty::run(async |stage| {
        for way in ["Esc", "X"] {
            let asks_to_close =
                async || if way == "Esc" { stage.press_escape().await } else { stage.press("close").await };
            stage.answers([]);
            stage.open(json!({ "params": { "theme": "answering" } }), &json!({})).await?;
            stage.expect("return window.page?.heard.some(([, { step }]) => step === 'SUBMIT_MFA')", true).await?;
            asks_to_close().await?;
            stage.expect_view("leaving").await?;
            stage.press("stay").await?;
            stage.expect_view("connect").await?;
            stage.expect_phase("active").await?;
            asks_to_close().await?;
            stage.expect_view("leaving").await?;
            asks_to_close().await?;
            let ended = ending(&stage.report().await?);
            assert_eq!((ended.as_str(), stage.frame_loads()), ("CANCELLED", 1));
            row(stage, &format!("{way} after an answer was submitted"), &format!("asked, stays; asked, {ended}"))?;

            stage.answers([]);
            stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
            stage.expect_phase("active").await?;
            asks_to_close().await?;
            let ended = ending(&stage.report().await?);
            assert_eq!(ended, "CANCELLED");
            row(stage, &format!("{way} before anything was submitted"), &ended)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_session_about_to_expire_says_so_and_one_that_has_is_begun_again() -> Result<()> {
    Faulty::run(async |stage| {
        begin(stage, &["mounted", "redirect"], json!({})).await?;
        let warned = "return window.page.heard.filter(([name]) => name === 'expiring').map(([, { remainingMs }]) => remainingMs)";
        stage.step_clock(7 * MINUTE_MS - 15_000).await?;
        assert_eq!(stage.ask(warned).await?, json!([]));
        stage.step_clock(15_000).await?;
        stage.expect_view("expiring").await?;
        let remaining_ms = stage.ask(warned).await?[0].as_u64().unwrap_or_default();
        assert!((45_000..=60_000).contains(&remaining_ms), "{remaining_ms} ms");
        stage.press("retry").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.start_calls(), stage.frame_loads()), ("reconnected", 2, 2));
        row(stage, "7 idle minutes, the user starts again", &format!("warned {} s before, {ended}", remaining_ms / 1_000))?;

        begin(stage, &["mounted", "mounted", "redirect"], json!({})).await?;
        for starts in [2, 3] {
            stage.step_clock(8 * MINUTE_MS).await?;
            if starts == 2 {
                stage.expect("return window.page.heard.filter(([, { phase }]) => phase === 'active').length", 2).await?;
            }
        }
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("SESSION_EXPIRED", &json!(true)));
        assert_eq!((stage.start_calls(), stage.frame_loads()), (2, 2), "renewed once");
        stage.expect("return document.querySelectorAll('iframe').length", 0).await?;
        row(stage, "8 idle minutes, twice", "renewed once, SESSION_EXPIRED, no dead frame")?;
        stage.press("retry").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.start_calls(), stage.frame_loads()), ("reconnected", 3, 3));
        row(stage, "expired, the user starts again", &ended)?;

        stage.answers([]);
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
        stage.expect_phase("active").await?;
        stage.step_clock(8 * MINUTE_MS).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.frame_loads()), ("SESSION_EXPIRED", 1));
        stage.expect("return document.querySelectorAll('iframe').length", 0).await?;
        row(stage, "8 idle minutes without start", &ended)
    })
    .await
}

#[tokio::test]
async fn what_flinks_calls_over_is_renewed_once_and_silently() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, themes, expected) in [
            ("TOKEN_INVALID", ["token-refused", "redirect"], "reconnected"),
            ("TOKEN_INVALID twice", ["token-refused", "token-refused"], "TOKEN_INVALID"),
            ("SESSION_EXPIRED", ["session-over", "redirect"], "reconnected"),
            ("SESSION_EXPIRED twice", ["session-over", "session-over"], "SESSION_EXPIRED"),
        ] {
            stage.answers([]);
            stage.starts(themes);
            stage.open(json!({ "start": "/start" }), &json!({})).await?;
            let report = stage.report().await?;
            let ended = ending(&report);
            assert_eq!((ended.as_str(), stage.start_calls(), stage.frame_loads()), (expected, 2, 2), "{fault}");
            let phases = report["heard"].as_array().into_iter().flatten().filter_map(|one| one[1]["phase"].as_str());
            let endings = phases.filter(|phase| ["failed", "closed", "done"].contains(phase)).count();
            assert_eq!(endings, 1, "{fault}: the first time nobody hears of an ending");
            row(stage, &format!("{fault} from Connect"), &format!("one renewal, {ended}"))?;
        }
        Ok(())
    })
    .await
}
