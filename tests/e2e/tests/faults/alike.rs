//! Rows of the fault table that are alike in every engine: what decides them is the core's, or is the same line of JavaScript everywhere. They are
//! played in Chromium only (`scripts/checks.mjs` leaves them out elsewhere).

use std::time::{Duration, Instant};

use flinks_e2e::{Answer, Engine, Faulty, Result};
use serde_json::{Value, json};

use super::{Expected, MINUTE_MS, delivery, ending, play, reconnected, row};

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
async fn f7_an_earlier_try_still_being_worked_on_is_waited_for() -> Result<()> {
    delivery("F7 409, 200", &[Answer::status(409)], json!({}), reconnected(2)).await
}

fn refused(ending: &'static str) -> Expected {
    Expected { ending, requests: 1, effects: 0 }
}

#[tokio::test]
async fn f8_a_refusal_is_final() -> Result<()> {
    Faulty::run(async |stage| {
        for status in [400, 403, 404, 413, 422] {
            play(stage, &format!("F8 {status}"), &[Answer::status(status)], json!({}), refused("REJECTED")).await?;
        }
        play(stage, "F8 401", &[Answer::status(401)], json!({}), refused("SIGNED_OUT")).await?;
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
async fn f11_any_answer_of_success_is_a_receipt_but_a_page() -> Result<()> {
    Faulty::run(async |stage| {
        for (fault, answer) in [
            ("F11 200, text under text/html", Answer::Status(200, "Content-Type: text/html\r\n", "saved")),
            ("F11 204", Answer::Status(204, "", "")),
            ("F11 200 empty", Answer::Status(200, "", "")),
            ("F11 200, broken JSON", Answer::Status(200, "Content-Type: application/json\r\n", "{\"half\":")),
        ] {
            play(stage, fault, &[answer], json!({}), reconnected(1)).await?;
        }
        // Somebody else answered: what asks to sign in, or a service worker that is offline.
        let page = Answer::Status(200, "Content-Type: text/html; charset=utf-8\r\n", "\n<html>Log in</html>");
        play(stage, "F11 200 with a page", &[page], json!({}), reconnected(2)).await
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
async fn f18_five_hundred_times_the_same_success_is_one_delivery() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([]);
        stage.open(json!({ "params": { "theme": "repeated" } }), &json!({})).await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.delivered().len()), ("reconnected", 1));
        row(stage, "F18 500 identical REDIRECTs", &ended)?;

        stage.answers([]);
        stage.open(json!({ "params": { "theme": "contradicted" } }), &json!({})).await?;
        let report = stage.report().await?;
        let ended = ending(&report);
        assert_eq!((ended.as_str(), stage.delivered().len()), ("reconnected", 1));
        let told = report["heard"].as_array().into_iter().flatten().filter(|one| one[1]["step"] == "REDIRECT").count();
        assert_eq!(told, 2, "the second is told, and changes nothing");
        row(stage, "F18 a second, different REDIRECT", &ended)
    })
    .await
}

#[tokio::test]
async fn f19_a_blocked_main_thread_delays_and_loses_nothing() -> Result<()> {
    delivery("F19 main thread blocked for 1.5 s", &[], json!({ "blockFor": 1_500 }), reconnected(1)).await
}

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
            // What the user would answer to may be dead: they are told so, and begin another session with a click.
            begin(stage, &["mounted", "redirect"], json!({})).await?;
            stage.step_clock(step_ms).await?;
            stage.expect_view(if step_ms > 30 * MINUTE_MS { "expired" } else { "overdue" }).await?;
            assert_eq!(stage.start_calls(), 1, "{fault}: nobody gets a code because a tab was left open");
            stage.press("retry").await?;
            let ended = ending(&stage.report().await?);
            assert_eq!((ended.as_str(), stage.start_calls(), stage.frame_loads()), ("reconnected", 2, 2), "{fault}");
            row(stage, fault, &format!("told, another session with a click, {ended}"))?;
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

        begin(stage, &["mounted", "redirect"], json!({})).await?;
        stage.step_clock(8 * MINUTE_MS).await?;
        stage.expect_view("overdue").await?;
        assert_eq!((stage.start_calls(), stage.frame_loads()), (1, 1), "the frame stays");
        stage.step_clock(22 * MINUTE_MS).await?;
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("SESSION_EXPIRED", &json!(true)));
        assert_eq!(stage.start_calls(), 1, "our own clock renews nothing");
        stage.expect_no_frame().await?;
        row(stage, "8 idle minutes, then 30", "the frame stays, then SESSION_EXPIRED, no dead frame")?;
        stage.press("retry").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.start_calls(), stage.frame_loads()), ("reconnected", 2, 2));
        row(stage, "expired, the user starts again", &ended)?;

        stage.answers([]);
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
        stage.expect_phase("active").await?;
        stage.step_clock(8 * MINUTE_MS).await?;
        stage.expect_view("overdue").await?;
        stage.connect_says("REDIRECT").await?;
        let ended = ending(&stage.report().await?);
        assert_eq!((ended.as_str(), stage.frame_loads()), ("reconnected", 1));
        row(stage, "8 idle minutes, and Connect goes on", &ended)?;

        stage.answers([]);
        stage.open(json!({ "params": { "theme": "mounted" } }), &json!({})).await?;
        stage.expect_phase("active").await?;
        stage.step_clock(30 * MINUTE_MS).await?;
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("SESSION_EXPIRED", &json!(false)));
        stage.expect_no_frame().await?;
        row(stage, "30 idle minutes without start", &ending(&report))
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

/// Chromium's own protocol freezes a page as the browser does by itself: its tasks wait, what happens to its locks among them.
#[tokio::test]
async fn f22_a_tab_that_was_frozen_while_another_took_over_is_busy() -> Result<()> {
    Faulty::run(async |stage| {
        stage.answers([]);
        let address = stage.address(json!({ "params": { "theme": "mounted" } }), &json!({}));
        let set_state = async |state: &str| {
            stage.browser.cdp().send_raw("Page.setWebLifecycleState", json!({ "state": state })).await
        };
        stage.browser.goto("about:blank").await?;
        stage.browser.goto(&address).await?;
        stage.expect_phase("active").await?;
        let first = stage.browser.window().await?;
        let second = stage.browser.new_tab().await?;
        stage.browser.switch_to_window(second.clone()).await?;
        stage.browser.goto(&address).await?;
        assert_eq!(ending(&stage.report().await?), "BUSY");

        stage.browser.switch_to_window(first.clone()).await?;
        set_state("frozen").await?;
        stage.browser.switch_to_window(second).await?;
        stage.press("retry").await?;
        stage.expect_phase("active").await?;
        stage.connect_says("REDIRECT").await?;
        assert_eq!(ending(&stage.report().await?), "reconnected");

        stage.browser.switch_to_window(first).await?;
        set_state("active").await?;
        let report = stage.report().await?;
        assert_eq!((ending(&report).as_str(), &report["outcome"]["retryable"]), ("BUSY", &json!(true)));
        stage.expect_no_frame().await?;
        row(stage, "F22 frozen, and taken over meanwhile", "reconnected there, BUSY in the first")
    })
    .await
}
