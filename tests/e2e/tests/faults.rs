//! The fault table: what can go wrong between Connect's word and the host's receipt, one row each, in a real browser.
//!
//! Every row is printed: fault, engine, requests seen, effects at the host, ending. Rows are named as in the fault table the project began with.
//! All of them are played in Chromium, and those of this file in every engine, because there the engines differ:
//!
//! | row | played in | why |
//! |---|---|---|
//! | F1 server errors, F7 a try still worked on, F8 refusals | Chromium | the core judges a status, `tests/core/scenarios.rs` |
//! | F2, F3 `Retry-After` | Chromium | the core waits, on the virtual clock; one real wait of two seconds, and each way to write the header |
//! | F4, F5 connections that break | all | a browser may repeat a request by itself, and each has its own idea of half an answer |
//! | F6 a host that says nothing | all | the browser's own timer ends the request; the tries after it are the core's, on the virtual clock |
//! | F9 headers anew, F11 kinds of success, F26 a broken `fetch` | Chromium | the same lines of JavaScript everywhere |
//! | F10 redirects | all | the browser refuses them |
//! | F12 online and offline | Chromium | no other driver can take the network away; `online` is the core's |
//! | F13, F14 the page navigates away or closes after 0, 10, 50 ms, or between two tries | all | keepalive, and what a browser does with a page's last requests |
//! | F14 `close()` while delivering, F18 repeated and contradicting REDIRECTs | Chromium | the core's, `tests/core/scenarios.rs` |
//! | F16 storage that throws, F19 a blocked main thread | Chromium | nothing is stored; what waits is in the browser's queue |
//! | F17 keepalive quota | all | only some browsers have one |
//! | F20 clocks that step | Chromium | the page's wall clock is stepped, which the widget reads beside the browser's monotonic one |
//! | F20 a hidden tab | all | each slows its timers in its own way |
//! | F21 back/forward cache | all | each keeps other pages, and some none |
//! | F22 two tabs | all | Web Locks |
//! | F22 a frozen tab that is taken over | Chromium | its driver can freeze a page; what the browser tells such a page late is played in all by `mistakes.woken` |
//! | F23 a frame that never speaks | all | each tells a page something else about a frame it did not load |
//! | Esc and X after an answer | all | the keyboard in a dialog |
//! | full flow, expiry, renewal | Chromium | the core's, `tests/core/scenarios.rs` |
//!
//! F24, F25 and F27 are rows of `policies.rs` and `attacks.rs`, whose pages they need; F15 (a killed browser) is the host's to repair
//! (`crates/host/tests/postgres.rs`), for the widget keeps nothing.
//!
//! What a driver cannot do is a row that says so. No driver makes the machine sleep or sets its clock, so F20 steps the page's own. What a frozen
//! page makes of its deadlines is proved on the virtual clock alone (`tests/core/scenarios.rs`).

#![allow(clippy::indexing_slicing, reason = "a broken premise must stop the test")]

mod alike;

use std::io::Write as _;
use std::time::Duration;

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
async fn f10_a_redirect_takes_the_result_nowhere() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([Answer::RedirectElsewhere]);
        stage.open(json!({}), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.elsewhere(), stage.effects()), ("reconnected", 0, 1));
        row(stage, "F10 307 to another origin, once: 0 bytes there", &ended)?;
        // Twice: whoever was signed out is sent to a page to sign in.
        stage.answers([Answer::RedirectElsewhere, Answer::RedirectElsewhere]);
        stage.open(json!({}), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.elsewhere(), stage.effects()), ("SIGNED_OUT", 0, 0));
        row(stage, "F10 307 to another origin, twice: 0 bytes there", &ended)
    })
    .await
}

/// How the page goes away after REDIRECT.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Navigates,
    Closes,
}

/// The page goes away so many milliseconds after REDIRECT, and the host has the result all the same. How often it is tried is said by
/// `E2E_REPEATS`: a few times every day, twenty before a release.
async fn survives(fault: &str, end: End, deliver: impl Fn(&Faulty) -> String) -> Result<()> {
    let repeats: u32 = std::env::var("E2E_REPEATS").map_or(Ok(4), |repeats| repeats.parse())?;
    Faulty::run(async |stage| {
        for wait_ms in [0, 10, 50] {
            let mut arrived = 0;
            for _ in 0..repeats {
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
            row(stage, &format!("{fault} {wait_ms} ms after REDIRECT"), &format!("{arrived} of {repeats} arrived"))?;
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
async fn f13_a_result_between_two_tries_is_sent_when_its_page_is_left() -> Result<()> {
    Faulty::run(async |stage| {
        // The next try is far away: only the page's end can bring it in time.
        stage.answers([Answer::Status(503, "Retry-After: 100\r\n", "{}")]);
        stage.open(json!({}), &json!({ "leaveWhenRetrying": true })).await?;
        stage.expect_delivered(2).await?;
        row(stage, "F13 navigates away between two tries", "sent once more")
    })
    .await
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
async fn f17_a_used_up_keepalive_quota_is_got_around() -> Result<()> {
    delivery("F17 keepalive quota used up", &[], json!({ "quota": true }), reconnected(1)).await
}

const MINUTE_MS: i64 = 60_000;

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
async fn f20_a_session_that_nobody_looks_at_ends_at_the_limit_and_is_not_renewed() -> Result<()> {
    Faulty::run(async |stage| {
        let fault = "F20 8 idle minutes in a hidden tab";
        if Engine::from_env()? == Engine::WebKit {
            return row(stage, fault, "not shown: this driver hides no tab");
        }
        stage.answers([]);
        stage.starts(["mounted", "redirect"]);
        stage.open(json!({ "start": "/start" }), &json!({ "stepWhenHidden": 8 * MINUTE_MS })).await?;
        stage.expect_phase("active").await?;
        let page = stage.browser.window().await?;
        let other = stage.browser.new_tab().await?;
        stage.browser.switch_to_window(other).await?;
        stage.expect_delivered(1).await?;
        stage.browser.close_window().await?;
        stage.browser.switch_to_window(page).await?;
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("SESSION_EXPIRED", &json!(true)));
        assert_eq!(stage.start_calls(), 1, "nobody gets a code because a tab was left open");
        row(stage, fault, "SESSION_EXPIRED, not renewed")
    })
    .await
}

#[tokio::test]
async fn f21_a_page_out_of_the_back_forward_cache_knows_how_long_it_was_away() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, away_ms, view) in [
            ("F21 back at once", 0, "connect"),
            ("F21 back after 9 min, as the wall clock says,", 9 * MINUTE_MS, "overdue"),
        ] {
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
            // The user is told that the session may be over; nothing is ended, and nothing renewed without a click.
            stage.expect_view(view).await?;
            assert_eq!((stage.start_calls(), stage.frame_loads()), (1, 1), "{fault}");
            stage.connect_says("REDIRECT").await?;
            let ended = ending(&stage.report().await?);
            assert_eq!((ended.as_str(), stage.effects()), ("reconnected", 1), "{fault}");
            row(stage, fault, &format!("the same session, {ended}"))?;
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
