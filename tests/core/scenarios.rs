//! Whole sessions as transcripts: what Connect, the host, the user and the clock do, and what the session answers.
//!
//! Line by line in a transcript: `start`, `open frame`, `show`, `deliver`, `settle` are orders to the shell; `a → b`, `step`,
//! `flinkscode`, `fullflow`, `expiring`, `retrying` are what the host's listeners hear.

#![allow(clippy::indexing_slicing, reason = "helpers of tests: a broken premise must stop the test")]

use flinks_connect::address::parse_url;
use flinks_connect::code::{self, Severity};
use flinks_connect::id::{AttemptId, LoginId, RequestId};
use flinks_connect::step;
use flinks_reconnect::session::{
    BeginWith, ErrorCode, HostAnswer, IDLE_LIMIT_MS, Input, Keepalive, LoadProblem, LockMode, LockState,
    MAX_RETRY_AFTER_MS, Mode, NoStart, Options, Outcome, Phase, Session, StartReply, View,
};
use serde_json::{Value, json};

use crate::support::*;

const LOAD_TIMEOUT_MS: u64 = 20 * SECOND;
const DELIVER_TIMEOUT_MS: u64 = 120 * SECOND;
const TRY_TIMEOUT_MS: u64 = 10 * SECOND;
const START_LIMIT_MS: u64 = 60 * SECOND;
const PATIENCE_MS: u64 = 5 * SECOND;
const LOGIN_WAIT_MS: u64 = 2 * SECOND;
const TOKEN_LIFE_MS: u64 = 15 * MINUTE;
const WARNING_MS: u64 = 7 * MINUTE;

fn without_deliver() -> Value {
    with(interrupted(), json!({ "deliver": null }))
}

fn account_ids(session: &Driver) -> Vec<&str> {
    session.result().account_ids.iter().map(flinks_connect::id::AccountId::as_str).collect()
}

// ---- happy paths ----

#[test]
fn an_interrupted_session_is_taken_up_answered_and_delivered() {
    let mut session = Driver::new(interrupted());
    session.hears(&["show Loading", "starting → loading", "open frame"]);
    assert_eq!(session.frames[0].place, "https://toolbox-iframe.private.fin.ag/v2/");
    assert_eq!(session.frame_parameter("requestId").as_deref(), Some(REQUEST));
    assert_eq!(session.frame_parameter("language").as_deref(), Some("en"));
    assert_eq!(session.frame_parameters().len(), 2);

    session.step("APP_MOUNTED");
    session.hears(&["show Connect", "loading → active", "step APP_MOUNTED"]);
    session
        .connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "institution": BANK, "mfaTypes": ["QuestionAndAnswer"] }));
    session.hears(&["step COMPONENT_LOAD_MFA at FlinksCapital"]);
    session.step("SUBMIT_MFA");
    session.hears(&["step SUBMIT_MFA"]);
    session.connect_says(redirect());
    session.hears(&["step REDIRECT at FlinksCapital", "active → delivering", "show Delivering", "deliver 1"]);
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);

    let result = session.result();
    assert_eq!(result.attempt_id.as_str(), OWN_ATTEMPT);
    assert_eq!(result.mode, Mode::Resume);
    assert_eq!(result.login_id.as_ref().map(LoginId::as_str), Some(LOGIN));
    assert_eq!(result.request_id.as_ref().map(flinks_connect::id::RequestId::as_str), Some(REQUEST));
    assert_eq!(result.institution.as_deref(), Some(BANK));
    assert_eq!(result.account_ids, []);
    assert_eq!(result.tag, None);
    assert_eq!(&*session.deliveries[0], result, "what settles is what was delivered");
    assert_eq!(session.session.deadline_ms(), None, "nothing is left to wait for");
}

#[test]
fn nothing_happens_before_the_session_begins_and_it_begins_once() {
    let mut session = Driver::unbegun(by_start(), OWN_ATTEMPT);
    session.advance(MINUTE);
    session.goes_online();
    session.retry();
    session.connect_says(redirect());
    session.host_starts(challenge());
    session.host_answers(200);
    session.hears_nothing();
    assert_eq!(session.phase(), Phase::Starting);
    session.handle(Input::Begin);
    session.hears(&["start 1", "show Loading"]);
    session.handle(Input::Begin);
    session.hears_nothing();
}

#[test]
fn a_session_closed_before_it_begins_costs_nothing() {
    for options in [by_start(), interrupted()] {
        let mut session = Driver::unbegun(options, OWN_ATTEMPT);
        session.page_closes();
        session.hears(&["starting → closed", "hide", "settle CLOSED in starting"]);
        session.handle(Input::Begin);
        session.hears_nothing();
        assert!(session.frames.is_empty());
    }
}

#[test]
fn without_deliver_the_redirect_itself_settles_the_session() {
    let mut session = at_mfa_with(without_deliver());
    session.connect_says(redirect());
    session.hears(&["step REDIRECT at FlinksCapital", "active → done", "hide, sent", "settle resume"]);
    assert_eq!(session.login(), Some(LOGIN));
}

#[test]
fn the_host_begins_the_session_and_names_the_attempt_token_tag_and_mode() {
    for (mode, expected) in [("resume", Mode::Resume), ("refresh", Mode::Refresh)] {
        let mut session = Driver::new(by_start());
        session.hears(&["start 1", "show Loading"]);
        assert_eq!(session.phase(), Phase::Starting);
        session.host_starts(with(challenge(), json!({ "mode": mode, "authorizeToken": TOKEN, "tag": TAG })));
        session.hears(&["starting → loading", "open frame"]);
        let parameters = session.frame_parameters();
        assert_eq!(parameters["requestId"], REQUEST);
        assert_eq!(parameters["authorizeToken"], TOKEN);
        assert_eq!(parameters["tag"], TAG);
        session.step("APP_MOUNTED");
        session.connect_says(redirect());
        session.host_answers(204);
        assert_eq!(session.result().mode, expected);
        assert_eq!(session.result().attempt_id.as_str(), ATTEMPT);
        assert_eq!(session.result().tag.as_ref().map(flinks_connect::id::Tag::as_str), Some(TAG));
    }
}

#[test]
fn with_nothing_to_resume_the_host_opens_the_full_flow_and_that_is_no_surprise() {
    let mut session = Driver::new(with(by_start(), json!({ "fullFlow": "stop" })));
    session.host_starts(with(full_flow(), json!({ "params": { "demo": "true", "daysOfTransactions": "Days90" } })));
    let parameters = session.frame_parameters();
    assert_eq!(parameters["demo"], "true");
    assert_eq!(parameters["daysOfTransactions"], "Days90");
    assert_eq!(parameters.get("requestId"), None);
    session.skip();

    for step in
        ["APP_MOUNTED", "COMPONENT_LOAD_INSTITUTION_SELECTOR", "INSTITUTION_SELECTED", "COMPONENT_LOAD_CREDENTIAL"]
    {
        session.step(step);
    }
    session.hears(&[
        "show Connect",
        "loading → active",
        "step APP_MOUNTED",
        "step COMPONENT_LOAD_INSTITUTION_SELECTOR",
        "step INSTITUTION_SELECTED",
        "step COMPONENT_LOAD_CREDENTIAL",
    ]);
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(session.result().mode, Mode::Connect);
}

#[test]
fn the_full_flow_resumes_no_session_whatever_else_the_reply_says() {
    let mut session = Driver::new(by_start());
    session.host_starts(with(full_flow(), json!({ "requestId": REQUEST })));
    assert_eq!(session.phase(), Phase::Loading, "there is nothing to hold");
    assert_eq!(session.frame_parameters().get("requestId"), None);
}

#[test]
fn fresh_data_at_flinks_needs_no_frame() {
    let mut session = Driver::new(by_start());
    session.skip();
    session.host_starts(json!({ "status": "upToDate" }));
    session.hears(&["starting → done", "hide", "settle upToDate"]);
    assert_eq!(session.outcomes, [Outcome::UpToDate]);
    assert!(session.frames.is_empty());
}

#[test]
fn the_start_reply_may_say_where_connect_lives() {
    for (member, value, origin) in [
        ("instance", "acme", "https://acme-iframe.private.fin.ag"),
        ("connectUrl", "http://127.0.0.1:4201/v2/", "http://127.0.0.1:4201"),
    ] {
        let mut session = Driver::new(with(by_start(), json!({ "instance": null })));
        session.host_starts(with(challenge(), json!({ member: value })));
        assert_eq!(session.frames[0].origin, origin);
    }
}

#[test]
fn the_options_overrule_the_start_reply_about_where_connect_lives() {
    let mut session = Driver::new(by_start());
    session.host_starts(with(challenge(), json!({ "instance": "elsewhere" })));
    assert_eq!(session.frames[0].origin, CONNECT_ORIGIN);
}

#[test]
fn the_start_replys_params_overrule_the_options() {
    let mut session =
        Driver::new(with(by_start(), json!({ "params": { "theme": "a", "demo": true, "tag": "from options" } })));
    session.host_starts(with(challenge(), json!({ "params": { "theme": "b" }, "tag": TAG })));
    let parameters = session.frame_parameters();
    assert_eq!(parameters["theme"], "b");
    assert_eq!(parameters["demo"], "true");
    assert_eq!(parameters["tag"], TAG);
}

#[test]
fn a_tag_among_the_params_is_this_sessions_tag() {
    let options = with(interrupted(), json!({ "params": { "tag": TAG } }));
    let mut session = at_mfa_with(options.clone());
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(session.result().tag.as_ref().map(flinks_connect::id::Tag::as_str), Some(TAG));

    let mut session = at_mfa_with(options);
    session.connect_says(with(redirect(), json!({ "tag": "another" })));
    assert_eq!(session.failure().code, ErrorCode::Conflict);
}

#[test]
fn launched_accounts_travel_in_the_frames_url_and_into_the_result() {
    let options = with(interrupted(), json!({ "resumeSelectedAccounts": [CHEQUING, SAVINGS] }));
    let mut session = at_mfa_with(options.clone());
    assert_eq!(session.frame_parameter("resumeSelectedAccounts"), Some(format!("{CHEQUING},{SAVINGS}")));
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(account_ids(&session), [CHEQUING, SAVINGS], "a silent REDIRECT leaves the launched ones");

    let mut session = at_mfa_with(options.clone());
    session.connect_says(with(redirect(), json!({ "accountId": [SAVINGS] })));
    session.host_answers(200);
    assert_eq!(account_ids(&session), [SAVINGS], "what REDIRECT names counts");

    let mut session = at_mfa_with(options);
    session.connect_says(
        json!({ "step": "REDIRECT", "url": landing(&format!("loginId={LOGIN}&resumeSelectedAccounts={SAVINGS}")) }),
    );
    session.host_answers(200);
    assert_eq!(account_ids(&session), [SAVINGS], "also in the redirect's URL");
}

#[test]
fn accounts_of_the_start_reply_overrule_the_options() {
    let mut session = Driver::new(with(by_start(), json!({ "resumeSelectedAccounts": [CHEQUING] })));
    session.host_starts(with(challenge(), json!({ "resumeSelectedAccounts": [SAVINGS] })));
    assert_eq!(session.frame_parameter("resumeSelectedAccounts").as_deref(), Some(SAVINGS));
}

#[test]
fn a_wrong_answer_is_connects_business_and_the_session_goes_on() {
    let mut session = at_mfa();
    session.step("SUBMIT_MFA");
    session.connect_says(json!({ "flinksCode": "INVALID_SECURITY_RESPONSE" }));
    session.step("COMPONENT_LOAD_MFA_RETRY");
    session.step("SUBMIT_MFA");
    session.hears(&[
        "step SUBMIT_MFA",
        "flinkscode INVALID_SECURITY_RESPONSE",
        "step COMPONENT_LOAD_MFA_RETRY",
        "step SUBMIT_MFA",
    ]);
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(session.result().mode, Mode::Resume);
}

// ---- every shape of REDIRECT ----

#[test]
fn every_documented_shape_of_redirect_is_the_same_success() {
    let url = |query: &str| landing(query);
    let shapes = [
        (
            "classic",
            json!({ "step": "REDIRECT", "institution": BANK, "url": url(&format!("loginId={LOGIN}&institution={BANK}")) }),
        ),
        (
            "classic, tag between",
            json!({ "step": "REDIRECT", "institution": BANK, "url": url(&format!("demo=true&loginId={LOGIN}&tag=opaque%20tag+1&accountId={CHEQUING}&institution={BANK}")) }),
        ),
        ("fields", json!({ "step": "REDIRECT", "loginId": LOGIN, "requestId": REQUEST, "institution": BANK })),
        ("both", redirect()),
        ("text", Value::String(redirect().to_string())),
        ("code only in flinksCode", with(redirect(), json!({ "flinksCode": "OK" }))),
        (
            "empty fields beside the URL",
            json!({ "step": "REDIRECT", "loginId": "", "requestId": null, "institution": BANK, "url": url(&format!("loginId={LOGIN}")) }),
        ),
        (
            "unknown extra fields",
            with(
                redirect(),
                json!({ "mode": "x", "nested": { "loginId": OTHER_LOGIN }, "__proto__": { "loginId": OTHER_LOGIN } }),
            ),
        ),
        (
            "result page of Connect itself",
            json!({ "step": "REDIRECT", "url": format!("{CONNECT_ORIGIN}/v2/Result/FlinksCapital?thank-you=true&demo=true&loginId={LOGIN}&accountId={CHEQUING}&institution={BANK}") }),
        ),
    ];
    for (name, shape) in shapes {
        let mut session = Driver::new(by_start());
        session.host_starts(with(challenge(), json!({ "tag": TAG })));
        session.step("APP_MOUNTED");
        session.connect_says(shape);
        assert_eq!(session.phase(), Phase::Delivering, "{name}");
        session.host_answers(200);
        let result = session.result();
        assert_eq!(result.login_id.as_ref().map(LoginId::as_str), Some(LOGIN), "{name}");
        assert_eq!(result.request_id.as_ref().map(flinks_connect::id::RequestId::as_str), Some(REQUEST), "{name}");
        assert_eq!(result.institution.as_deref(), Some(BANK), "{name}");
        assert_eq!(result.tag.as_ref().map(flinks_connect::id::Tag::as_str), Some(TAG), "{name}");
    }
}

#[test]
fn the_request_id_in_redirect_is_passed_on_although_it_is_another() {
    // Whether Flinks returns the launched one is not documented; the host decides with Flinks.
    let mut session = at_mfa();
    session.connect_says(json!({ "step": "REDIRECT", "loginId": LOGIN, "requestId": OTHER_REQUEST }));
    session.host_answers(200);
    assert_eq!(session.result().request_id.as_ref().map(flinks_connect::id::RequestId::as_str), Some(OTHER_REQUEST));
}

#[test]
fn a_redirect_may_be_connects_first_word() {
    let mut session = Driver::new(interrupted());
    session.skip();
    session.connect_says(redirect());
    session.hears(&[
        "show Connect",
        "loading → active",
        "step REDIRECT at FlinksCapital",
        "active → delivering",
        "show Delivering",
        "deliver 1",
    ]);
}

#[test]
fn a_nameless_redirect_waits_two_seconds_for_one_that_names_the_login() {
    for nameless in [
        json!({ "step": "REDIRECT", "requestId": OTHER_REQUEST }),
        json!({ "step": "REDIRECT", "loginId": "short" }),
        json!({ "step": "REDIRECT", "loginId": 5 }),
        json!({ "step": "REDIRECT", "url": 5 }),
        json!({ "step": "REDIRECT", "url": "javascript:0//?loginId=8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31" }),
    ] {
        let mut session = at_mfa();
        session.connect_says(nameless.clone());
        session.hears(&["step REDIRECT", "active → delivering", "show Delivering"]);
        session.advance(LOGIN_WAIT_MS - 1);
        session.connect_says(redirect());
        session.hears(&["step REDIRECT at FlinksCapital", "deliver 1"]);
        session.host_answers(200);
        session.hears(&["delivering → done", "hide, sent", "settle resume"]);
        assert_eq!(session.login(), Some(LOGIN), "{nameless}");
        assert_eq!(session.result(), &*session.deliveries[0]);
    }
}

#[test]
fn a_redirect_that_nothing_named_in_time_is_delivered_without_a_login() {
    let mut session = at_mfa();
    session.step("REDIRECT");
    session.skip();
    session.advance(LOGIN_WAIT_MS - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["deliver 1"]);
    assert_eq!(session.deliveries[0].login_id, None);
    assert_eq!(session.deliveries[0].request_id.as_ref().map(RequestId::as_str), Some(REQUEST));
    // It comes after all: the page's result has it, the bytes stay the same.
    session.host_answers(503);
    session.connect_says(redirect());
    session.connect_says(redirect_of_other_login());
    session.advance(SECOND);
    assert_eq!(session.deliveries[1], session.deliveries[0]);
    session.host_answers(200);
    assert_eq!(session.login(), Some(LOGIN));

    let mut session = at_mfa();
    session.step("REDIRECT");
    session.advance(LOGIN_WAIT_MS);
    session.host_answers(200);
    assert_eq!(session.result().login_id, None);
}

#[test]
fn a_nameless_redirect_is_sent_at_once_when_the_page_is_left() {
    let mut session = at_mfa();
    session.step("REDIRECT");
    session.skip();
    session.page_is_left();
    session.hears(&["deliver 1"]);
    session.page_is_left();
    session.hears_nothing();
    // So is what waits for its next try.
    session.host_answers(503);
    session.skip();
    session.page_is_left();
    session.hears(&["deliver 2"]);
}

#[test]
fn a_nameless_redirect_that_nobody_can_ask_flinks_about_is_a_conflict() {
    // Without `deliver` there is nobody who asks; in the full flow no session may be known to ask about.
    let mut alone = at_mfa_with(without_deliver());
    let mut unknown = Driver::new(by_start());
    unknown.host_starts(full_flow());
    unknown.step("APP_MOUNTED");
    for session in [&mut alone, &mut unknown] {
        session.step("REDIRECT");
        session.skip();
        session.advance(LOGIN_WAIT_MS - 1);
        session.hears_nothing();
        session.advance(1);
        session.hears(&[
            "delivering → failed",
            "close frame",
            "show Unconfirmed",
            "failed CONFLICT in delivering",
            "settle CONFLICT in delivering",
        ]);
    }
    // In the full flow a session may have been named on the way.
    let mut named = Driver::new(by_start());
    named.host_starts(full_flow());
    named.connect_says(json!({ "step": "APP_MOUNTED", "requestId": OTHER_REQUEST }));
    named.step("REDIRECT");
    named.advance(LOGIN_WAIT_MS);
    assert_eq!(named.deliveries[0].request_id.as_ref().map(RequestId::as_str), Some(OTHER_REQUEST));
    // And without `deliver` one that names the login in time is the result.
    let mut session = at_mfa_with(without_deliver());
    session.step("REDIRECT");
    session.connect_says(redirect());
    assert_eq!(session.login(), Some(LOGIN));
}

#[test]
fn closing_while_a_login_is_waited_for_keeps_the_delivery() {
    let mut session = at_mfa();
    session.step("REDIRECT");
    session.skip();
    session.user_closes();
    session.hears(&["hide"]);
    session.advance(LOGIN_WAIT_MS);
    session.hears(&["deliver 1"]);
    session.host_answers(200);
    assert_eq!(session.result().mode, Mode::Resume);
}

#[test]
fn the_session_is_the_one_that_was_launched_or_that_a_trusted_message_named_last() {
    let known = |session: &Driver| session.session.request_id().map(|id| id.as_str().to_owned());
    let mut session = Driver::new(by_start());
    assert_eq!(known(&session), None);
    session.host_starts(full_flow());
    assert_eq!(known(&session), None);
    session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "requestId": OTHER_REQUEST }));
    assert_eq!(known(&session).as_deref(), Some(OTHER_REQUEST));
    session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "requestId": "?" }));
    session.user_closes();
    assert_eq!(known(&session).as_deref(), Some(OTHER_REQUEST), "so that it can be come back to");

    let mut session = at_mfa();
    assert_eq!(known(&session).as_deref(), Some(REQUEST));
    session.connect_says(
        json!({ "step": "REDIRECT", "loginId": LOGIN, "url": landing(&format!("requestId={OTHER_REQUEST}")) }),
    );
    assert_eq!(known(&session).as_deref(), Some(OTHER_REQUEST));
}

// ---- unknown things pass through ----

#[test]
fn an_unknown_step_is_told_and_changes_nothing() {
    let mut session = at_mfa();
    session.connect_says(json!({ "step": "COMPONENT_FROM_THE_FUTURE", "institution": BANK }));
    session.hears(&["step COMPONENT_FROM_THE_FUTURE at FlinksCapital"]);
    session.connect_says(json!({ "flinksCode": "CODE_FROM_THE_FUTURE" }));
    session.hears(&["flinkscode CODE_FROM_THE_FUTURE"]);
    for invented in ["FLINKS_CONNECT_SUCCESS", "SUCCESS", "ERROR", "redirect", "REDIRECT ", "toString", "__proto__"] {
        session.step(invented);
        session.hears(&[&format!("step {invented}")]);
    }
    assert_eq!(session.phase(), Phase::Active);
}

#[test]
fn what_is_no_message_of_connects_is_counted_and_nothing_else() {
    let mut session = Driver::new(interrupted());
    session.skip();
    let noise = [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!([{ "step": "REDIRECT" }]),
        json!({}),
        json!("no JSON"),
        json!("\"REDIRECT\""),
        json!("[1,2]"),
        json!({ "step": 5 }),
        json!({ "step": "" }),
        json!({ "step": "x".repeat(257) }),
        json!({ "step": ["REDIRECT"], "loginId": LOGIN }),
        json!({ "type": "webpackOk" }),
        Value::String(json!({ "step": "APP_MOUNTED", "padding": "x".repeat(16_384) }).to_string()),
    ];
    for data in &noise {
        session.connect_says(data.clone());
    }
    session.hears_nothing();
    assert_eq!(session.phase(), Phase::Loading);
    assert_eq!(session.session.dropped().unreadable as usize, noise.len());
}

#[test]
fn every_documented_step_but_four_leaves_the_session_open() {
    // A REDIRECT that names no login is waited with.
    let ending = ["COMPONENT_DENY_CONSENT", "TOKEN_INVALID", "COMPONENT_CLOSE_SESSION", "REDIRECT"];
    for step in step::ALL {
        let mut session = at_mfa();
        session.step(step.name);
        let is_open = session.phase() == Phase::Active;
        assert_eq!(is_open, !ending.contains(&step.name), "{}", step.name);
    }
}

// ---- Flinks' codes, as flinksCode and as step ----

#[test]
fn a_code_means_the_same_in_its_field_and_as_the_step() {
    for code in code::ALL {
        for message in [
            json!({ "flinksCode": code.name }),
            json!({ "step": code.name }),
            json!({ "step": "SUBMIT_MFA", "flinksCode": code.name }),
        ] {
            let mut session = at_mfa();
            session.connect_says(message.clone());
            assert!(session.heard().contains(&format!("flinkscode {}", code.name)), "{message}");
            match code.severity {
                Severity::Passing | Severity::Correctable | Severity::Refused => {
                    assert_eq!(session.phase(), Phase::Active, "{message}");
                    assert_eq!(session.view, Some(View::Connect), "{message}");
                }
                Severity::SessionOver => {
                    assert_eq!(session.failure().code, ErrorCode::SessionExpired, "{message}");
                    assert_eq!(session.failure().flinks_code, Some(code.name));
                }
            }
        }
    }
}

/// What closes a session by the user's will.
const CLOSINGS: [fn(&mut Driver); 3] = [
    Driver::user_closes,
    |session| session.step("COMPONENT_CLOSE_SESSION"),
    |session| session.step("COMPONENT_DENY_CONSENT"),
];

#[test]
fn a_refusal_is_connects_to_tell_and_who_closes_then_closes_because_of_it() {
    let refusals = code::ALL.iter().filter(|code| code.severity == Severity::Refused);
    for code in refusals {
        for options in [interrupted(), by_start(), with(by_start(), json!({ "fullFlow": "stop" }))] {
            for close in CLOSINGS {
                let mut session = at_mfa_with(options.clone());
                session.step("SUBMIT_MFA");
                session.connect_says(json!({ "flinksCode": code.name }));
                session.hears(&["step SUBMIT_MFA", &format!("flinkscode {}", code.name)]);
                // Not only once: there is no answer left to lose.
                close(&mut session);
                assert_eq!(session.phase(), Phase::Closed, "{}", code.name);
                assert_eq!(session.failure().code, ErrorCode::Flinks);
                assert_eq!(session.failure().flinks_code, Some(code.name));
                assert!(!session.failure().is_retryable);
                assert_eq!(session.view, None);
            }
        }
    }
    // Also when both are said at once.
    let mut session = at_mfa();
    session.connect_says(json!({ "step": "COMPONENT_CLOSE_SESSION", "flinksCode": "DISABLED_LOGIN" }));
    assert_eq!(session.failure().code, ErrorCode::Flinks);
    let refusals: Vec<_> =
        code::ALL.iter().filter(|code| code.severity == Severity::Refused).map(|code| code.name).collect();
    assert_eq!(refusals.len(), 6, "{refusals:?}");
}

#[test]
fn who_goes_on_after_a_refusal_and_then_closes_has_cancelled() {
    for went_on in ["COMPONENT_LOAD_INSTITUTION_SELECTOR", "COMPONENT_LOAD_MFA", "COMPONENT_LOAD_NEW", "POPUP_OPENED"] {
        let mut session = at_mfa();
        session.connect_says(json!({ "flinksCode": "DISABLED_INSTITUTION" }));
        session.step("APP_RESIZE");
        session.step(went_on);
        session.user_closes();
        assert_eq!(session.failure().code, ErrorCode::Cancelled, "{went_on}");
        assert_eq!(session.failure().flinks_code, Some("DISABLED_INSTITUTION"), "what Flinks told is told");
    }
    // What was submitted is asked about once.
    let mut session = at_mfa();
    session.step("DISABLED_LOGIN");
    session.step("SUBMIT_CREDENTIAL");
    session.user_closes();
    session.user_closes();
    assert_eq!(session.failure().code, ErrorCode::Cancelled);
    // And a success after a refusal is a success.
    let mut session = at_mfa();
    session.step("DISABLED_LOGIN");
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(session.result().mode, Mode::Resume);
    // The page's closing is the page's.
    let mut session = at_mfa();
    session.step("DISABLED_LOGIN");
    session.page_closes();
    assert_eq!((session.failure().code, session.failure().flinks_code), (ErrorCode::Closed, None));
    // No code, none told.
    let mut session = at_mfa();
    session.user_closes();
    assert_eq!((session.failure().code, session.failure().flinks_code), (ErrorCode::Cancelled, None));
}

#[test]
fn no_code_ends_a_session_whose_result_is_on_its_way() {
    let mut session = delivering();
    session.connect_says(json!({ "flinksCode": "SESSION_EXPIRED" }));
    session.connect_says(json!({ "flinksCode": "ACCESS_DENIED" }));
    session.step("TOKEN_INVALID");
    session.step("COMPONENT_CLOSE_SESSION");
    session.hears(&[
        "flinkscode SESSION_EXPIRED",
        "flinkscode ACCESS_DENIED",
        "step TOKEN_INVALID",
        "step COMPONENT_CLOSE_SESSION",
    ]);
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);
}

// ---- starting fails ----

#[test]
fn a_start_endpoint_that_cannot_be_used_now_is_asked_again_by_the_user_and_one_that_refuses_is_not() {
    let nothing: [HostAnswer; 1] = [HostAnswer::Unreachable];
    for answer in nothing.into_iter().chain([408, 425, 429, 500, 502, 503, 504].map(refused)) {
        let mut session = Driver::new(by_start());
        session.host_refuses_start(answer.clone());
        assert_eq!(session.view, Some(View::NotStarted), "{answer:?}");
        assert_eq!(
            (session.failure().code, session.failure().is_retryable),
            (ErrorCode::StartFailed, true),
            "{answer:?}"
        );
        assert_eq!(session.outcomes, [], "{answer:?}");
        session.user_retries();
        session.host_starts(challenge());
        assert_eq!(session.phase(), Phase::Loading, "{answer:?}");
    }
    for status in [400, 403, 404, 409, 422] {
        let mut session = Driver::new(by_start());
        session.skip();
        session.host_refuses_start(refused(status));
        let end = format!("START_FAILED in starting, HTTP {status}");
        let (failed, settled) = (format!("failed {end}"), format!("settle {end}"));
        session.hears(&["starting → failed", "close frame", "show Failed", &failed, &settled]);
        session.retry();
        session.hears_nothing();
    }
}

#[test]
fn a_start_endpoint_that_answers_nonsense_or_not_at_all_ends_the_session() {
    for reply in [
        json!({}),
        json!(null),
        json!([]),
        json!({ "status": "ok" }),
        json!({ "status": "challenge" }),
        with(challenge(), json!({ "mode": "connect" })),
        with(challenge(), json!({ "attemptId": "short" })),
        with(challenge(), json!({ "attemptId": null })),
        with(challenge(), json!({ "requestId": null })),
        with(challenge(), json!({ "requestId": 5 })),
        with(challenge(), json!({ "requestId": "a b c d e f g h" })),
        with(challenge(), json!({ "authorizeToken": "<token>" })),
        with(challenge(), json!({ "tag": "line\nbreak" })),
        with(challenge(), json!({ "resumeSelectedAccounts": 5 })),
        with(challenge(), json!({ "resumeSelectedAccounts": ["bad id"] })),
        with(challenge(), json!({ "instance": "acme", "connectUrl": "https://a.example/" })),
        with(challenge(), json!({ "connectUrl": "javascript:alert(1)" })),
        with(challenge(), json!({ "instance": "evil.test/#" })),
        with(challenge(), json!({ "params": { "requestId": OTHER_REQUEST } })),
        with(challenge(), json!({ "params": { "WebView": "true" } })),
        with(full_flow(), json!({ "attemptId": null })),
    ] {
        let mut session = Driver::new(by_start());
        session.host_starts(reply.clone());
        assert_eq!(session.failure().code, ErrorCode::StartFailed, "{reply}");
        assert!(session.frames.is_empty());
    }
    let mut session = Driver::new(by_start());
    session.host_refuses_start(HostAnswer::Unreachable);
    assert_eq!(session.failure().http_status, None);
    assert_eq!(session.failure().code, ErrorCode::StartFailed);
}

#[test]
fn null_in_a_start_reply_is_absence_and_unknown_members_are_passed_over() {
    // As serde writes an `Option`.
    let mut session = Driver::new(by_start());
    session.host_starts(json!({
        "status": "challenge", "mode": "resume", "attemptId": ATTEMPT, "requestId": REQUEST, "authorizeToken": null, "tag": null,
        "resumeSelectedAccounts": null, "instance": null, "connectUrl": null, "params": null, "traceId": 5,
    }));
    assert_eq!(session.phase(), Phase::Loading);
}

#[test]
fn a_start_reply_must_say_where_connect_lives_when_the_options_do_not() {
    let mut session = Driver::new(with(by_start(), json!({ "instance": null })));
    session.host_starts(challenge());
    assert_eq!(session.failure().code, ErrorCode::StartFailed);
}

#[test]
fn the_start_endpoint_has_a_minute() {
    let mut session = Driver::new(by_start());
    session.skip();
    session.advance(PATIENCE_MS);
    session.hears(&["show Slow"]);
    session.advance(START_LIMIT_MS - PATIENCE_MS - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["starting → failed", "close frame", "show NotStarted", "failed START_FAILED in starting"]);
    session.host_starts(challenge());
    session.hears_nothing();
}

// ---- loading ----

#[test]
fn connect_must_speak_within_the_load_timeout() {
    let mut session = Driver::new(interrupted());
    session.skip();
    session.advance(PATIENCE_MS - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["show Slow"]);
    session.advance(LOAD_TIMEOUT_MS - PATIENCE_MS - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["loading → failed", "close frame", "show LoadTimeout", "failed LOAD_TIMEOUT in loading"]);
    assert_eq!(session.failure().load_problem, LoadProblem::Unknown);
}

#[test]
fn any_trusted_word_in_time_counts_as_loaded() {
    for word in [
        json!({ "step": "APP_MOUNTED" }),
        json!({ "step": "APP_ONLINE" }),
        json!({ "step": "NEW" }),
        json!({ "flinksCode": "OK" }),
    ] {
        let mut session = Driver::new(interrupted());
        session.advance(LOAD_TIMEOUT_MS - 1);
        session.connect_says(word);
        assert_eq!(session.phase(), Phase::Active);
        session.advance(MINUTE);
        assert_eq!(session.phase(), Phase::Active);
    }
}

#[test]
fn the_load_timeout_is_the_hosts_to_choose() {
    let mut session = Driver::new(with(interrupted(), json!({ "loadTimeoutMs": 1_500 })));
    session.advance(1_499);
    assert_eq!(session.phase(), Phase::Loading);
    session.advance(1);
    assert_eq!(session.failure().code, ErrorCode::LoadTimeout);
}

#[test]
fn a_retry_after_a_load_timeout_puts_up_a_fresh_frame() {
    let mut session = Driver::new(interrupted());
    session.advance(LOAD_TIMEOUT_MS);
    session.skip();
    session.retry();
    session.hears(&["show Loading", "failed → starting", "starting → loading", "open frame"]);
    session.step("APP_MOUNTED");
    session.connect_says(redirect());
    session.host_answers(200);
    assert!(matches!(session.outcomes.as_slice(), [Outcome::Reconnected { .. }]), "one ending, the success");
}

#[test]
fn a_retry_of_a_session_with_start_asks_the_host_anew() {
    let mut session = Driver::new(by_start());
    session.host_starts(challenge());
    session.advance(LOAD_TIMEOUT_MS);
    session.skip();
    session.retry();
    session.hears(&["start 2", "show Loading", "failed → starting"]);
}

#[test]
fn a_frame_the_browser_refuses_ends_at_once_and_says_why() {
    for problem in [LoadProblem::Policy, LoadProblem::Isolation] {
        let mut session = Driver::new(interrupted());
        session.skip();
        session.handle(Input::Blocked(problem));
        session.hears(&["loading → failed", "close frame", "show Blocked", "failed LOAD_TIMEOUT in loading"]);
        assert_eq!(session.failure().load_problem, problem);
        session.retry();
        assert_eq!(session.phase(), Phase::Loading, "the page may have been mended");
    }
    // Once Connect has spoken, a frame further in may be refused as it likes.
    let mut session = at_mfa();
    session.handle(Input::Blocked(LoadProblem::Policy));
    session.hears_nothing();
}

#[test]
fn a_silent_frame_that_spoke_from_elsewhere_says_so() {
    let ends_as = |session: &mut Driver, expected| {
        session.advance(LOAD_TIMEOUT_MS);
        session.skip();
        assert_eq!(session.failure().load_problem, expected);
    };
    let mut session = Driver::new(interrupted());
    session.skip();
    session.handle(Input::Blocked(LoadProblem::Redirected));
    session.hears_nothing();
    ends_as(&mut session, LoadProblem::Redirected);
    // The next frame is another one.
    session.retry();
    ends_as(&mut session, LoadProblem::Unknown);
    // It may have been a detour.
    let mut session = Driver::new(interrupted());
    session.skip();
    session.handle(Input::Blocked(LoadProblem::Redirected));
    session.step("APP_MOUNTED");
    assert_eq!(session.phase(), Phase::Active);
}

#[test]
fn without_a_network_the_load_is_tried_again_until_there_is_one() {
    let mut session = Driver::new(interrupted());
    session.goes_offline();
    session.skip();
    session.advance(LOAD_TIMEOUT_MS);
    session.hears(&["open frame"]);
    session.advance(5 * MINUTE);
    assert_eq!(session.phase(), Phase::Loading, "offline only stretches limits");
    assert!(session.frames.len() >= 11, "at least every 30 s, not {} times", session.frames.len());
    session.skip();
    session.goes_online();
    session.hears(&["show Slow", "open frame"]);
    // Back in the network, the limit is the usual one.
    session.advance(LOAD_TIMEOUT_MS);
    assert_eq!(session.failure().load_problem, LoadProblem::Unknown);

    let mut session = Driver::new(interrupted());
    session.goes_offline();
    session.advance(31 * MINUTE);
    assert_eq!(session.failure().load_problem, LoadProblem::Offline);
    session.retry();
    session.goes_online();
    session.advance(LOAD_TIMEOUT_MS);
    assert_eq!(session.failure().load_problem, LoadProblem::Unknown);
}

#[test]
fn without_a_network_the_start_is_tried_again_until_there_is_one() {
    let mut session = Driver::new(by_start());
    session.goes_offline();
    session.skip();
    session.host_refuses_start(HostAnswer::Unreachable);
    session.hears_nothing();
    session.advance(30 * SECOND);
    session.hears(&["start 2"]);
    session.host_refuses_start(HostAnswer::Unreachable);
    session.goes_online();
    session.hears(&["start 3", "show Slow"]);
    session.host_starts(challenge());
    assert_eq!(session.phase(), Phase::Loading);
    // A call that hangs is given up for another.
    let mut session = Driver::unbegun(by_start(), OWN_ATTEMPT);
    session.goes_offline();
    session.handle(Input::Begin);
    session.advance(30 * SECOND);
    assert_eq!(session.call, 2);
    session.advance(31 * MINUTE);
    assert_eq!(session.failure().code, ErrorCode::StartFailed);
}

#[test]
fn any_answer_and_any_trusted_message_means_online() {
    let mut session = Driver::new(by_start());
    session.goes_offline();
    session.hears(&["start 1", "show Loading", "show Offline"]);
    session.host_starts(challenge());
    session.hears(&["show Loading", "starting → loading", "open frame"]);
    session.goes_offline();
    session.step("APP_MOUNTED");
    session.hears(&["show Offline", "show Connect", "loading → active", "step APP_MOUNTED"]);
    session.goes_offline();
    session.skip();
    session.connect_says(redirect());
    session.hears(&["show Connect", "step REDIRECT", "active → delivering", "show Delivering", "deliver 1"].map(
        |line| {
            if line == "step REDIRECT" { "step REDIRECT at FlinksCapital" } else { line }
        },
    ));
    session.goes_offline();
    session.skip();
    session.host_answers(503);
    assert_eq!(session.view, Some(View::Retrying));
    // But for the one that says that there is none: Connect hears of it when the page does.
    let mut session = at_mfa();
    session.goes_offline();
    session.step("APP_OFFLINE");
    assert_eq!(session.view, Some(View::Offline));
    session.step("APP_ONLINE");
    assert_eq!(session.view, Some(View::Connect));
    // A refusal of start is an answer, too.
    let mut session = Driver::new(by_start());
    session.goes_offline();
    session.host_refuses_start(refused(500));
    assert_eq!(session.failure().code, ErrorCode::StartFailed);
}

#[test]
fn without_a_network_a_delivery_is_not_given_up_and_sent_at_once_when_there_is_one() {
    let mut session = delivering();
    session.goes_offline();
    session.advance(10 * MINUTE);
    assert_eq!(session.phase(), Phase::Delivering);
    let times = session.delivery_times_ms.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(times <= Some(TRY_TIMEOUT_MS + 30 * SECOND), "{times:?}");
    session.host_answers_with(HostAnswer::Unreachable);
    let tries = session.deliveries.len();
    session.goes_online();
    assert_eq!(session.deliveries.len(), tries + 1);
    session.host_answers(200);
    assert_eq!(session.outcomes.len(), 1);

    let mut session = delivering();
    session.goes_offline();
    session.advance(33 * MINUTE);
    assert_eq!(session.failure().code, ErrorCode::Undelivered);
}

#[test]
fn who_waits_five_seconds_gets_a_word_and_only_one() {
    let mut session = Driver::new(by_start());
    session.skip();
    session.advance(4 * SECOND);
    session.host_starts(challenge());
    session.skip();
    session.advance(SECOND - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["show Slow"]);
    session.advance(SECOND);
    session.hears_nothing();
    session.step("APP_MOUNTED");
    session.hears(&["show Connect", "loading → active", "step APP_MOUNTED"]);
    // Waiting for the user is no waiting.
    session.advance(MINUTE);
    session.hears_nothing();
}

// ---- the idle clock ----

#[test]
fn a_question_has_eight_minutes_and_a_warning_after_seven() {
    let mut session = at_mfa();
    assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + IDLE_LIMIT_MS));
    session.advance(WARNING_MS - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["show Expiring", "expiring in 60000"]);
    session.advance(MINUTE - 1);
    session.hears_nothing();
}

#[test]
fn at_the_limit_the_frame_stays_while_somebody_may_look_at_it() {
    for (options, warned, overdue) in
        [(interrupted(), "show Expiring", "show Overdue"), (by_start(), "show Replaceable", "show OverdueReplaceable")]
    {
        let mut session = at_mfa_with(options);
        session.advance(IDLE_LIMIT_MS);
        session.hears(&[warned, "expiring in 60000", overdue]);
        assert_eq!(session.session.expires_at_ms(), Some(session.now_ms));
        // A late answer is heard, and takes the warning back.
        session.advance(10 * MINUTE);
        session.hears_nothing();
        session.step("SUBMIT_MFA");
        session.hears(&["show Connect", "step SUBMIT_MFA"]);
        session.connect_says(redirect());
        session.host_answers(200);
        assert_eq!(session.outcomes.len(), 1);
    }
}

#[test]
fn at_the_limit_a_hidden_page_ends_the_session_and_renews_nothing() {
    for options in [interrupted(), by_start()] {
        let mut session = at_mfa_with(options.clone());
        session.page_is_hidden();
        session.advance(IDLE_LIMIT_MS - 1);
        assert_eq!(session.phase(), Phase::Active);
        session.advance(1);
        assert_eq!((session.failure().code, session.failure().flinks_code), (ErrorCode::SessionExpired, None));
        assert_eq!(session.frames.len(), 1);

        // Or at the moment at which nobody looks any more.
        let mut session = at_mfa_with(options);
        session.advance(IDLE_LIMIT_MS + MINUTE);
        assert_eq!(session.phase(), Phase::Active);
        session.page_is_hidden();
        assert_eq!(session.failure().code, ErrorCode::SessionExpired);
    }
    // A page that was hidden and is back has lost nothing.
    let mut session = at_mfa();
    session.page_is_hidden();
    session.advance(5 * MINUTE);
    session.page_is_shown();
    session.advance(5 * MINUTE);
    assert_eq!(session.view, Some(View::Overdue));
}

#[test]
fn thirty_minutes_without_a_message_end_every_session() {
    for (step, warning) in [("COMPONENT_LOAD_MFA", 7), ("COMPONENT_LOAD_MFA_RETRY", 7), ("SUBMIT_MFA", 29)] {
        let mut session = at_mfa();
        session.step(step);
        session.skip();
        session.advance(warning * MINUTE);
        session.hears(&["show Expiring", "expiring in 60000"]);
        session.advance((30 - warning) * MINUTE - 1);
        assert_eq!(session.phase(), Phase::Active, "{step}");
        session.advance(1);
        assert_eq!(session.failure().code, ErrorCode::SessionExpired, "{step}");
    }
}

#[test]
fn only_a_question_that_waits_has_eight_minutes() {
    let others = [
        "SUBMIT_MFA",
        "SUBMIT_CREDENTIAL",
        "COMPONENT_LOAD_INSTITUTION_SELECTOR",
        "COMPONENT_LOAD_CREDENTIAL",
        "COMPONENT_LOAD_CREDENTIAL_RETRY",
        "COMPONENT_LOAD_CONSENT",
        "COMPONENT_LOAD_ACCOUNT_SELECTION",
        "COMPONENT_LOAD_FROM_THE_FUTURE",
        "POPUP_OPENED",
    ];
    for screen in others {
        let mut session = at_mfa();
        session.step(screen);
        assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + 30 * MINUTE), "{screen}");
        // What is no screen leaves it so.
        session.step("APP_RESIZE");
        session.skip();
        session.page_is_hidden();
        session.advance(29 * MINUTE - 1);
        session.hears_nothing();
        // The next question has its eight minutes.
        session.step("COMPONENT_LOAD_MFA_RETRY");
        assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + IDLE_LIMIT_MS), "{screen}");
    }
    // A session that is come back to was left at its question, before Connect has shown it.
    let mut session = Driver::new(interrupted());
    session.step("APP_MOUNTED");
    assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + IDLE_LIMIT_MS));
    // Where there is none to come back to, there is no question.
    let mut session = Driver::new(by_start());
    session.host_starts(full_flow());
    session.step("APP_MOUNTED");
    assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + 30 * MINUTE));
}

#[test]
fn every_trusted_event_sets_the_idle_clock_back() {
    let events = [
        json!({ "step": "COMPONENT_HELP2FA_INFO" }),
        json!({ "step": "COMPONENT_FROM_THE_FUTURE" }),
        json!({ "flinksCode": "INVALID_SECURITY_RESPONSE" }),
        json!("{\"step\":\"COMPONENT_LOAD_MFA\"}"),
    ];
    for event in events {
        let mut session = at_mfa();
        session.advance(WARNING_MS - 1);
        session.connect_says(event.clone());
        session.skip();
        session.advance(WARNING_MS - 1);
        session.hears_nothing();
        session.advance(1);
        session.hears(&["show Expiring", "expiring in 60000"]);
        // After the warning too, and then the warning is taken back.
        session.advance(30 * SECOND);
        session.connect_says(event);
        assert_eq!(session.heard().first().map(String::as_str), Some("show Connect"));
        assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + IDLE_LIMIT_MS));
        session.page_is_hidden();
        session.advance(IDLE_LIMIT_MS - 1);
        assert_eq!(session.phase(), Phase::Active);
        session.advance(1);
        assert_eq!(session.failure().code, ErrorCode::SessionExpired);
    }
}

/// The warning stands above Connect and takes room from it.
#[test]
fn a_new_size_after_the_warning_is_its_echo_and_sets_no_clock_back() {
    let resized = json!({ "step": "APP_RESIZE", "height": 500 });
    let mut session = at_mfa();
    session.advance(WARNING_MS - 1);
    session.connect_says(resized.clone());
    session.skip();
    assert_eq!(session.session.expires_at_ms(), Some(session.now_ms + IDLE_LIMIT_MS), "before it, it counts");
    session.advance(WARNING_MS);
    session.hears(&["show Expiring", "expiring in 60000"]);
    session.connect_says(resized.clone());
    session.hears(&["step APP_RESIZE", "resize 500"]);
    session.user_stays();
    session.hears(&["show Connect"]);
    session.connect_says(resized.clone());
    session.hears(&["step APP_RESIZE", "resize 500"]);
    session.advance(MINUTE);
    session.hears(&["show Overdue"]);
    session.connect_says(resized);
    session.hears(&["step APP_RESIZE", "resize 500"]);
    session.advance(22 * MINUTE);
    assert_eq!(session.failure().code, ErrorCode::SessionExpired);
}

#[test]
fn noise_does_not_set_the_idle_clock_back() {
    let mut session = at_mfa();
    session.page_is_hidden();
    for minutes in 0..8 {
        assert_eq!(session.phase(), Phase::Active, "minute {minutes}");
        session.connect_says(json!({ "noise": true }));
        session.goes_online();
        session.advance(MINUTE);
    }
    assert_eq!(session.failure().code, ErrorCode::SessionExpired);
}

#[test]
fn after_a_sleep_what_has_arrived_is_heard_before_a_deadline_is_judged() {
    // Past the limit: no late warning.
    let mut session = at_mfa();
    session.sleep(9 * MINUTE);
    session.hears_nothing();
    session.advance(HEARING_MS);
    session.hears(&["show Overdue"]);

    let mut session = at_mfa();
    session.sleep(60 * 60 * MINUTE);
    session.hears_nothing();
    session.advance(HEARING_MS);
    session.hears(&[
        "active → failed",
        "close frame",
        "show Failed",
        "failed SESSION_EXPIRED in active",
        "settle SESSION_EXPIRED in active",
    ]);

    // The user answered on another device's clock: what Connect said meanwhile stands in the queue.
    let mut session = at_mfa();
    session.sleep(60 * MINUTE);
    session.connect_says(redirect());
    session.advance(HEARING_MS);
    assert_eq!(session.phase(), Phase::Delivering);

    let mut session = Driver::new(interrupted());
    session.sleep(60 * MINUTE);
    session.step("APP_MOUNTED");
    session.advance(HEARING_MS);
    assert_eq!(session.phase(), Phase::Active);

    let mut session = Driver::new(by_start());
    session.sleep(60 * MINUTE);
    session.host_starts(challenge());
    assert_eq!(session.phase(), Phase::Loading);

    // A warning that is late by seconds tells the time that is left.
    let mut session = at_mfa();
    session.sleep_and_hear(WARNING_MS + 20 * SECOND);
    session.hears(&["show Expiring", "expiring in 39000"]);
}

#[test]
fn after_a_sleep_a_delivery_with_one_try_behind_it_gets_another() {
    // Its answer has arrived.
    let mut session = delivering();
    session.sleep(60 * MINUTE);
    session.host_answers(200);
    assert_eq!(session.outcomes.len(), 1);
    session.result();
    // Or not.
    for backoff in [false, true] {
        let mut session = delivering();
        if backoff {
            session.host_answers(503);
        }
        session.sleep(60 * MINUTE);
        session.advance(HEARING_MS + SECOND);
        assert_eq!(session.deliveries.len(), 2);
        session.host_answers(200);
        session.result();
    }
    // One that had its tries is over.
    let mut session = delivering();
    session.host_answers(503);
    session.advance(SECOND);
    assert_eq!(session.deliveries.len(), 2);
    session.sleep_and_hear(60 * MINUTE);
    assert_eq!(session.failure().code, ErrorCode::Undelivered);
}

#[test]
fn waking_early_and_often_changes_nothing() {
    let mut session = at_mfa();
    let deadline_ms = session.session.deadline_ms();
    for _ in 0..100 {
        session.sleep(0);
    }
    session.hears_nothing();
    assert_eq!(session.session.deadline_ms(), deadline_ms);
}

#[test]
fn without_start_a_dead_session_offers_no_other() {
    let mut by_clock = at_mfa();
    by_clock.advance(30 * MINUTE);
    let mut by_code = at_mfa();
    by_code.step("SESSION_EXPIRED");
    let mut by_token = at_mfa();
    by_token.step("TOKEN_INVALID");
    for session in [&mut by_clock, &mut by_code, &mut by_token] {
        assert_eq!(session.view, Some(View::Failed));
        assert!(!session.failure().is_retryable);
        session.skip();
        session.retry();
        session.user_retries();
        session.hears_nothing();
    }
    let mut renewable = at_mfa_with(by_start());
    renewable.advance(30 * MINUTE);
    assert_eq!(renewable.view, Some(View::Expired));
    assert!(renewable.failure().is_retryable);
    renewable.skip();
    renewable.user_retries();
    renewable.hears(&["start 2", "show Loading", "failed → starting"]);
}

#[test]
fn a_warned_user_goes_on_or_starts_again() {
    let mut session = at_mfa_with(by_start());
    session.advance(WARNING_MS);
    session.hears(&["show Replaceable", "expiring in 60000"]);
    session.user_stays();
    session.hears(&["show Connect"]);
    session.advance(SECOND);
    session.hears_nothing();
    // Only Flinks can give the session more time; but until it is over, it can be replaced without a loss.
    session.user_retries();
    session.hears(&["close frame", "start 2", "show Renewing", "active → starting"]);
    session.host_starts(with(challenge(), json!({ "requestId": OTHER_REQUEST })));
    session.step("APP_MOUNTED");
    // The user asked for that one: the renewal that needs nobody is still there.
    session.step("SESSION_EXPIRED");
    assert_eq!(session.phase(), Phase::Starting);

    // So it is after the limit.
    let mut session = at_mfa_with(by_start());
    session.advance(IDLE_LIMIT_MS + MINUTE);
    session.skip();
    session.user_stays();
    session.hears(&["show Connect"]);
    session.user_retries();
    session.hears(&["close frame", "start 2", "show Renewing", "active → starting"]);

    // With a requestId there is nothing to start again with.
    let mut session = at_mfa();
    session.advance(WARNING_MS);
    session.hears(&["show Expiring", "expiring in 60000"]);
    session.user_retries();
    session.hears_nothing();

    // Nor before the warning.
    let mut session = at_mfa_with(by_start());
    session.user_retries();
    session.hears_nothing();
}

// ---- renewals ----

#[test]
fn our_own_clock_renews_nothing_without_a_click() {
    let mut session = at_mfa_with(by_start());
    session.advance(30 * MINUTE);
    assert_eq!(session.call, 1);
    assert_eq!(session.failure().code, ErrorCode::SessionExpired);
    session.retry();
    assert_eq!(session.call, 2);
    session
        .host_starts(with(challenge(), json!({ "attemptId": "attempt-of-the-host-0002", "requestId": OTHER_REQUEST })));
    assert_eq!(session.frame_parameter("requestId").as_deref(), Some(OTHER_REQUEST));
    session.step("APP_MOUNTED");
    session.connect_says(with(redirect(), json!({ "requestId": null })));
    session.host_answers(200);
    let Some(Outcome::Reconnected { result, .. }) = session.outcomes.last() else { panic!("no result") };
    assert_eq!(result.attempt_id.as_str(), "attempt-of-the-host-0002");
    assert_eq!(result.request_id.as_ref().map(RequestId::as_str), Some(OTHER_REQUEST));
}

#[test]
fn a_renewal_without_a_click_is_within_a_minute_of_loading_or_submitting_and_in_a_visible_page() {
    for (dead, code) in [("SESSION_EXPIRED", ErrorCode::SessionExpired), ("TOKEN_INVALID", ErrorCode::TokenInvalid)] {
        let renews = |prepare: fn(&mut Driver)| {
            let mut session = at_mfa_with(by_start());
            prepare(&mut session);
            session.step(dead);
            if session.phase() == Phase::Starting {
                return true;
            }
            assert_eq!(session.failure().code, code);
            assert_eq!(session.view, Some(View::Expired));
            assert!(session.failure().is_retryable);
            false
        };
        assert!(renews(|_| {}), "just after loading");
        assert!(renews(|session| session.advance(MINUTE)));
        assert!(!renews(|session| session.advance(MINUTE + 1)));
        assert!(renews(|session| {
            session.advance(5 * MINUTE);
            session.step("SUBMIT_MFA");
            session.advance(MINUTE);
        }));
        assert!(!renews(|session| {
            session.advance(5 * MINUTE);
            session.step("COMPONENT_LOAD_MFA");
        }));
        assert!(!renews(Driver::page_is_hidden));
        assert!(renews(|session| {
            session.page_is_hidden();
            session.page_is_shown();
        }));
    }
    // So is the renewal of a token that has grown too old to be tried.
    for (hide, call) in [(false, 2), (true, 1)] {
        let mut session = Driver::new(by_start());
        session.lock = None;
        session.host_starts(with(challenge(), json!({ "authorizeToken": TOKEN })));
        if hide {
            session.page_is_hidden();
        }
        session.now_ms += TOKEN_LIFE_MS;
        session.handle(Input::Lock(LockState::Granted));
        assert_eq!(session.call, call);
    }
}

#[test]
fn after_a_refused_token_the_host_is_asked_for_the_other_kind() {
    let mut session = at_mfa_with(by_start());
    session.step("TOKEN_INVALID");
    session.hears(&[
        "step TOKEN_INVALID",
        "close frame",
        "start 2 after TOKEN_INVALID",
        "show Renewing",
        "active → starting",
    ]);
    session.host_starts(challenge());
    session.step("TOKEN_INVALID");
    session.skip();
    session.retry();
    session.hears(&["start 3 after TOKEN_INVALID", "show Loading", "failed → starting"]);
    session.host_starts(challenge());
    session.step("SESSION_EXPIRED");
    assert!(session.heard().iter().any(|heard| heard == "start 4"), "it was for the token only");
}

#[test]
fn a_session_that_flinks_calls_over_is_renewed_once_and_then_fails_with_flinks_code() {
    for code in ["SESSION_EXPIRED", "SESSION_NONEXISTENT"] {
        let mut session = at_mfa_with(by_start());
        session.connect_says(json!({ "flinksCode": code }));
        session.hears(&[&format!("flinkscode {code}"), "close frame", "start 2", "show Renewing", "active → starting"]);
        session.host_starts(challenge());
        session.skip();
        session.connect_says(json!({ "step": code }));
        session.hears(&[
            "show Connect",
            "loading → active",
            &format!("step {code}"),
            &format!("flinkscode {code}"),
            "active → failed",
            "close frame",
            "show Expired",
            &format!("failed SESSION_EXPIRED in active, flinksCode {code}"),
        ]);
    }
}

#[test]
fn a_refused_token_is_renewed_once_silently_and_then_fails() {
    let mut session = Driver::new(by_start());
    session.host_starts(with(challenge(), json!({ "authorizeToken": TOKEN })));
    session.skip();
    session.step("TOKEN_INVALID");
    session.hears(&[
        "show Connect",
        "loading → active",
        "step TOKEN_INVALID",
        "close frame",
        "start 2 after TOKEN_INVALID",
        "show Renewing",
        "active → starting",
    ]);
    session.host_starts(with(challenge(), json!({ "authorizeToken": "fresh-token-2" })));
    assert_eq!(session.frame_parameter("authorizeToken").as_deref(), Some("fresh-token-2"));
    session.step("TOKEN_INVALID");
    assert_eq!(session.failure().code, ErrorCode::TokenInvalid);
    assert_eq!(session.failure().flinks_code, Some("TOKEN_INVALID"));
}

#[test]
fn a_moved_frame_that_used_a_token_is_opened_with_another_from_start() {
    let mut session = Driver::new(by_start());
    session.host_starts(with(challenge(), json!({ "authorizeToken": TOKEN })));
    session.step("APP_MOUNTED");
    session.skip();
    session.frame_moved();
    session.hears(&["close frame", "start 2", "show Renewing", "active → starting"]);
    session.host_starts(with(challenge(), json!({ "authorizeToken": "fresh-token-2" })));
    assert_eq!(session.frame_parameter("authorizeToken").as_deref(), Some("fresh-token-2"));
    assert_eq!(session.frame_parameter("requestId").as_deref(), Some(REQUEST));
    // It is no renewal of a refused token: that one is still to be had.
    session.step("TOKEN_INVALID");
    assert_eq!(session.call, 3);
}

#[test]
fn a_moved_frame_without_a_token_or_without_start_loads_again_by_itself() {
    let mut session = at_mfa_with(by_start());
    session.frame_moved();
    session.hears_nothing();
    let mut session = at_mfa_with(with(interrupted(), json!({ "authorizeToken": TOKEN })));
    session.frame_moved();
    session.hears_nothing();
}

#[test]
fn session_and_token_each_have_their_own_renewal() {
    let mut session = at_mfa_with(by_start());
    session.step("SESSION_EXPIRED");
    session.host_starts(challenge());
    session.step("TOKEN_INVALID");
    assert_eq!(session.phase(), Phase::Starting);
    session.host_starts(challenge());
    session.step("SESSION_NONEXISTENT");
    assert_eq!(session.failure().code, ErrorCode::SessionExpired);
    assert_eq!(session.call, 3);
}

#[test]
fn a_retry_brings_the_renewals_back() {
    let mut session = at_mfa_with(by_start());
    for _ in 0..2 {
        session.step("SESSION_EXPIRED");
        if session.phase() == Phase::Starting {
            session.host_starts(challenge());
        }
    }
    assert_eq!(session.failure().code, ErrorCode::SessionExpired);
    session.retry();
    session.host_starts(challenge());
    session.step("SESSION_EXPIRED");
    assert_eq!(session.phase(), Phase::Starting, "renewed again");
}

#[test]
fn without_start_nothing_is_renewed() {
    let mut session = at_mfa();
    session.step("TOKEN_INVALID");
    session.hears(&[
        "step TOKEN_INVALID",
        "active → failed",
        "close frame",
        "show Failed",
        "failed TOKEN_INVALID in active, flinksCode TOKEN_INVALID",
        "settle TOKEN_INVALID in active, flinksCode TOKEN_INVALID",
    ]);
    session.retry();
    session.hears_nothing();
}

#[test]
fn a_renewal_may_find_that_nobody_is_needed_any_more() {
    let mut session = at_mfa_with(by_start());
    session.step("SESSION_EXPIRED");
    session.host_starts(json!({ "status": "upToDate" }));
    assert_eq!(session.outcomes, [Outcome::UpToDate]);
}

#[test]
fn the_frame_of_a_renewed_session_is_not_listened_to() {
    let mut session = at_mfa_with(by_start());
    session.step("SESSION_EXPIRED");
    session.skip();
    session.connect_says(redirect());
    session.hears_nothing();
    assert_eq!(session.session.dropped().phase, 1);
}

#[test]
fn a_token_that_was_waited_for_too_long_is_not_tried() {
    let with_token = json!({ "authorizeToken": TOKEN });
    // Fifteen minutes, when nobody says: reached here by a page that was frozen before the browser said who holds the session.
    for (says, life_ms) in [(json!({}), TOKEN_LIFE_MS), (json!({ "authorizeTokenExpiresInMs": 1_000 }), SECOND)] {
        for (waited_ms, frames) in [(life_ms - 1, 1), (life_ms, 0)] {
            let mut session = Driver::new(by_start());
            session.lock = None;
            session.host_starts(with(with(challenge(), with_token.clone()), says.clone()));
            session.now_ms += waited_ms;
            session.handle(Input::Lock(LockState::Granted));
            assert_eq!(session.frames.len(), frames, "{waited_ms} of {life_ms}");
            // The host is asked for another one, without a word to anybody.
            assert_eq!(session.call, if frames == 0 { 2 } else { 1 });
        }
    }
    // A token of the options is as old as the session, and there is nobody to ask.
    let mut session = Driver::new(with(interrupted(), with_token));
    session.advance(LOAD_TIMEOUT_MS);
    session.advance(TOKEN_LIFE_MS - LOAD_TIMEOUT_MS - 1);
    session.retry();
    assert_eq!(session.frames.len(), 2);
    session.advance(LOAD_TIMEOUT_MS);
    session.retry();
    assert_eq!(session.failure().code, ErrorCode::TokenInvalid);
    assert_eq!(session.frames.len(), 2);
}

#[test]
fn a_token_whose_life_is_no_number_is_no_start_reply() {
    for life in [json!("900000"), json!(0), json!(-1), json!([])] {
        let mut session = Driver::new(by_start());
        session.host_starts(with(challenge(), json!({ "authorizeTokenExpiresInMs": life })));
        assert_eq!(session.failure().code, ErrorCode::StartFailed, "{life}");
    }
    let mut session = Driver::new(by_start());
    session.host_starts({
        let mut reply = challenge();
        reply["authorizeTokenExpiresInMs"] = Value::Null;
        reply
    });
    assert_eq!(session.phase(), Phase::Loading);
}

// ---- the full flow where a reconnect was asked for ----

#[test]
fn under_continue_the_result_says_connect_once_the_user_went_through_the_full_flow() {
    let list = ["COMPONENT_LOAD_INSTITUTION_SELECTOR", "INSTITUTION_SELECTED", "COMPONENT_LOAD_CREDENTIAL"];
    let mode = |steps: &[&str]| {
        let mut session = at_mfa();
        for step in steps {
            session.step(step);
        }
        session.connect_says(redirect());
        session.host_answers(200);
        session.result().mode
    };
    // Seen is not gone through.
    assert_eq!(mode(&list), Mode::Resume);
    assert_eq!(mode(&["COMPONENT_LOAD_INSTITUTION_SELECTOR", "COMPONENT_LOAD_MFA", "SUBMIT_MFA"]), Mode::Resume);
    assert_eq!(mode(&[&list[..], &["SUBMIT_CREDENTIAL"]].concat()), Mode::Connect);
    // A bank with OAuth takes its credentials in a window of its own.
    assert_eq!(mode(&["COMPONENT_LOAD_INSTITUTION_SELECTOR", "POPUP_OPENED"]), Mode::Connect);
    assert_eq!(mode(&["COMPONENT_LOAD_CREDENTIAL", "POPUP_OPENED"]), Mode::Connect);
    // In a reconnect it opens one as well, without a list before it.
    assert_eq!(mode(&["POPUP_OPENED"]), Mode::Resume);
    // It is told at first sight, and once.
    let mut session = at_mfa();
    session.step("COMPONENT_LOAD_INSTITUTION_SELECTOR");
    session.step("COMPONENT_LOAD_CREDENTIAL");
    session.hears(&["step COMPONENT_LOAD_INSTITUTION_SELECTOR", "fullflow", "step COMPONENT_LOAD_CREDENTIAL"]);
}

#[test]
fn the_start_replys_language_is_the_logins() {
    for (reply, launched) in [(json!({}), "en"), (json!({ "language": "fr" }), "fr")] {
        let mut session = Driver::new(by_start());
        session.host_starts(with(challenge(), reply));
        assert_eq!(session.frame_parameter("language").as_deref(), Some(launched));
    }
    let mut session = Driver::new(with(by_start(), json!({ "language": "fr" })));
    session.host_starts(with(challenge(), json!({ "language": "en" })));
    assert_eq!(session.frame_parameter("language").as_deref(), Some("en"));
    let mut session = Driver::new(by_start());
    session.host_starts(with(challenge(), json!({ "language": "de" })));
    assert_eq!(session.failure().code, ErrorCode::StartFailed);
}

#[test]
fn ready_accounts_travel_as_they_are() {
    for ready in [format!("{CHEQUING},{SAVINGS}"), format!("[\"{CHEQUING}\"]"), "a b&c=d".to_owned()] {
        let mut session = Driver::new(with(interrupted(), json!({ "resumeSelectedAccounts": ready })));
        assert_eq!(session.frame_parameter("resumeSelectedAccounts").as_ref(), Some(&ready));
        session.connect_says(redirect());
        session.host_answers(200);
        let ids = account_ids(&session);
        assert_eq!(ids.len(), if ready.starts_with("acc0") { 2 } else { 0 }, "the ids that can be read in {ready}");
        let mut session = Driver::new(by_start());
        session.host_starts(with(challenge(), json!({ "resumeSelectedAccounts": ready })));
        assert_eq!(session.frame_parameter("resumeSelectedAccounts").as_ref(), Some(&ready));
    }
}

#[test]
fn a_redirect_url_ends_inside_the_frame_while_its_sandbox_forbids_anything_else() {
    let place = "https://app.example.com/done";
    let inner = |options: Value| {
        let session = Driver::new(with(interrupted(), options));
        session.frame_parameter("innerRedirect")
    };
    let asked = json!({ "params": { "redirectUrl": place } });
    assert_eq!(inner(json!({})), None);
    assert_eq!(inner(asked.clone()).as_deref(), Some("true"));
    assert_eq!(inner(with(asked.clone(), json!({ "sandbox": "allow-scripts" }))).as_deref(), Some("true"));
    assert_eq!(inner(with(asked.clone(), json!({ "sandbox": "allow-scripts allow-top-navigation" }))), None);
    assert_eq!(inner(json!({ "params": { "redirectUrl": place, "innerRedirect": false } })).as_deref(), Some("false"));
    let mut off = interrupted();
    off["params"] = asked["params"].clone();
    off["sandbox"] = Value::Null;
    assert_eq!(Driver::new(off).frame_parameter("innerRedirect"), None);
    // Also where the reply asks for it, and once only when the frame is opened again.
    let mut session = Driver::new(by_start());
    session.host_starts(with(challenge(), asked));
    session.advance(LOAD_TIMEOUT_MS);
    session.retry();
    session.host_starts(challenge());
    assert_eq!(session.frame_parameter("innerRedirect"), None, "another reply, another address");
    assert_eq!(session.frames[0].query.iter().filter(|(name, _)| name == "innerRedirect").count(), 1);
}

/// With `innerRedirect` Connect goes to its own result page, and says so or says `redirectUrl`.
#[test]
fn a_success_that_ends_inside_the_frame_may_name_connects_own_page() {
    let place = "https://app.example.com/done";
    let ends_at = |options: Value, url: String| {
        let mut session = at_mfa_with(with(interrupted(), options));
        session.connect_says(json!({ "step": "REDIRECT", "url": url }));
        (session.phase(), session.deliveries.len())
    };
    let at = |origin: &str| format!("{origin}/v2/Result/Bank?thank-you=true&loginId={LOGIN}");
    let asked = json!({ "params": { "redirectUrl": place } });
    let inside = json!({ "params": { "redirectUrl": place, "innerRedirect": true } });
    for options in [asked.clone(), inside] {
        for url in [at(CONNECT_ORIGIN), at(""), format!("{place}?loginId={LOGIN}")] {
            assert_eq!(ends_at(options.clone(), url.clone()), (Phase::Delivering, 1), "{url}");
        }
        assert_eq!(ends_at(options, at("https://elsewhere.example")).0, Phase::Failed, "elsewhere");
    }
    // Where the page itself goes to `redirectUrl`, Connect's own page is another place.
    let outside = with(asked, json!({ "sandbox": "allow-scripts allow-top-navigation" }));
    assert_eq!(ends_at(outside.clone(), at(CONNECT_ORIGIN)).0, Phase::Failed);
    assert_eq!(ends_at(outside, format!("{place}?loginId={LOGIN}")), (Phase::Delivering, 1));
}

#[test]
fn under_stop_the_full_flow_ends_the_session() {
    for step in ["COMPONENT_LOAD_INSTITUTION_SELECTOR", "COMPONENT_LOAD_CREDENTIAL"] {
        let mut session = at_mfa_with(with(interrupted(), json!({ "fullFlow": "stop" })));
        session.step(step);
        session.hears(&[
            &format!("step {step}"),
            "fullflow",
            "active → failed",
            "close frame",
            "show Failed",
            "failed FULL_FLOW in active",
            "settle FULL_FLOW in active",
        ]);
        session.retry();
        session.hears_nothing();
    }
}

#[test]
fn a_renewal_forgets_the_full_flow_of_the_dead_session() {
    let mut session = at_mfa_with(by_start());
    session.step("COMPONENT_LOAD_CREDENTIAL");
    session.step("SUBMIT_CREDENTIAL");
    session.step("SESSION_EXPIRED");
    session.host_starts(challenge());
    session.connect_says(redirect());
    session.host_answers(200);
    assert_eq!(session.result().mode, Mode::Refresh);
}

// ---- conflicts ----

#[test]
fn a_redirect_that_contradicts_itself_or_this_session_is_a_conflict() {
    let tagged = with(challenge(), json!({ "tag": TAG }));
    let rows = [
        ("login in field and URL", challenge(), with(redirect(), json!({ "loginId": OTHER_LOGIN }))),
        (
            "request in field and URL",
            challenge(),
            json!({ "step": "REDIRECT", "loginId": LOGIN, "requestId": REQUEST, "url": landing(&format!("requestId={OTHER_REQUEST}")) }),
        ),
        (
            "login twice in the URL",
            challenge(),
            json!({ "step": "REDIRECT", "url": landing(&format!("loginId={LOGIN}&LoginId={OTHER_LOGIN}")) }),
        ),
        (
            "another tag in the URL",
            tagged.clone(),
            json!({ "step": "REDIRECT", "url": landing(&format!("loginId={LOGIN}&tag=other")) }),
        ),
        ("another tag in the field", tagged, with(redirect(), json!({ "tag": "other" }))),
        (
            "login in two spellings",
            challenge(),
            json!({ "step": "REDIRECT", "loginId": LOGIN, "LoginId": OTHER_LOGIN }),
        ),
        (
            "elsewhere than asked",
            with(challenge(), json!({ "params": { "redirectUrl": "https://bank.example/done" } })),
            redirect(),
        ),
    ];
    for (name, reply, message) in rows {
        let mut session = Driver::new(by_start());
        session.host_starts(reply);
        session.step("APP_MOUNTED");
        session.skip();
        session.connect_says(message);
        let heard = session.heard();
        assert_eq!(
            heard[1..],
            ["active → failed", "close frame", "show Failed", "failed CONFLICT in active", "settle CONFLICT in active"],
            "{name}"
        );
        session.retry();
        session.hears_nothing();
        assert!(session.deliveries.is_empty(), "{name}: nothing was accepted");
    }
}

#[test]
fn five_hundred_identical_redirects_are_one_delivery() {
    let mut session = at_mfa();
    for _ in 0..500 {
        session.connect_says(redirect());
    }
    assert_eq!(session.deliveries.len(), 1);
    session.host_answers(200);
    for _ in 0..500 {
        session.connect_says(redirect());
    }
    assert_eq!(session.outcomes.len(), 1);
    assert_eq!(session.deliveries.len(), 1);
}

#[test]
fn the_same_success_in_another_shape_is_still_the_same() {
    let mut session = delivering();
    session.connect_says(json!({ "step": "REDIRECT", "url": landing(&format!("loginId={LOGIN}")) }));
    session.connect_says(Value::String(redirect().to_string()));
    assert_eq!(session.phase(), Phase::Delivering);
    session.host_answers(200);
    assert_eq!(session.outcomes.len(), 1);
}

#[test]
fn while_a_success_is_delivered_every_other_one_is_told_and_changes_nothing() {
    for other in [
        redirect_of_other_login(),
        with(redirect(), json!({ "requestId": OTHER_REQUEST })),
        with(redirect(), json!({ "loginId": OTHER_LOGIN })),
        with(redirect(), json!({ "tag": "of another" })),
        json!({ "step": "REDIRECT" }),
    ] {
        let mut session = delivering_with(with(interrupted(), json!({ "params": { "tag": TAG } })));
        session.connect_says(other.clone());
        assert!(session.heard()[0].starts_with("step REDIRECT"), "{other}");
        assert_eq!(session.phase(), Phase::Delivering, "{other}");
        session.host_answers(503);
        session.connect_says(other);
        session.advance(SECOND);
        assert_eq!(session.deliveries[0], session.deliveries[1]);
        session.host_answers(200);
        assert_eq!(session.login(), Some(LOGIN));
    }
}

#[test]
fn a_different_success_after_the_end_is_not_listened_to() {
    let mut session = delivering();
    session.host_answers(200);
    session.skip();
    session.connect_says(redirect_of_other_login());
    session.hears_nothing();
    assert_eq!(session.login(), Some(LOGIN));
}

// ---- delivery ----

#[test]
fn two_server_errors_and_a_success_are_one_delivery_in_three_tries_of_the_same() {
    let mut session = delivering();
    session.host_answers(500);
    session.hears(&["show Retrying", "retrying, try 2"]);
    session.advance(500);
    session.hears(&["deliver 2"]);
    session.host_answers(500);
    session.hears(&["retrying, try 3"]);
    session.advance(1_000);
    session.hears(&["deliver 3"]);
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);
    assert_eq!(session.deliveries[0], session.deliveries[1]);
    assert_eq!(session.deliveries[0], session.deliveries[2]);
    assert!(session.delays_ms[0] <= 500 && session.delays_ms[1] <= 1_000);
}

#[test]
fn what_may_pass_is_tried_again_and_what_cannot_is_reported_once() {
    for status in [408, 409, 425, 429, 500, 502, 503, 504] {
        let mut session = delivering();
        session.host_answers(status);
        session.hears(&["show Retrying", "retrying, try 2"]);
        session.advance(SECOND);
        session.host_answers(201);
        assert_eq!(session.outcomes.len(), 1, "{status}");
        assert_eq!(session.login(), Some(LOGIN), "{status}");
    }
    for status in [400, 403, 404, 405, 410, 413, 415, 422, 501, 505] {
        let mut session = delivering();
        session.host_answers(status);
        let end = format!("REJECTED in delivering, HTTP {status}");
        let (failed, settled) = (format!("failed {end}"), format!("settle {end}"));
        session.hears(&["delivering → failed", "close frame", "show Unconfirmed", &failed, &settled]);
        session.advance(DELIVER_TIMEOUT_MS);
        session.retry();
        session.hears_nothing();
        assert_eq!(session.deliveries.len(), 1);
    }
}

#[test]
fn another_login_than_the_stored_one_is_its_own_error() {
    let mut session = delivering();
    session.host_answers_with(refused_with_code(409, "LOGIN_MISMATCH"));
    session.hears(&[
        "delivering → failed",
        "close frame",
        "show Mismatch",
        "failed LOGIN_MISMATCH in delivering, HTTP 409",
        "settle LOGIN_MISMATCH in delivering, HTTP 409",
    ]);

    let mut session = delivering();
    session.host_answers_with(refused_with_code(409, "IN_PROGRESS"));
    session.hears(&["show Retrying", "retrying, try 2"]);
}

#[test]
fn the_host_is_waited_for_as_long_as_it_asks() {
    for status in [429, 503, 500, 409] {
        let mut session = delivering();
        session.host_answers_with(retry_after(status, 2 * SECOND));
        session.skip();
        session.advance(2 * SECOND - 1);
        session.hears_nothing();
        session.advance(1);
        session.hears(&["deliver 2"]);
        assert_eq!(session.delays_ms, [2 * SECOND]);
    }
}

#[test]
fn an_absurd_retry_after_is_cut_to_five_minutes() {
    let mut session = delivering_with(with(interrupted(), json!({ "deliverTimeoutMs": 3_600_000 })));
    session.host_answers_with(retry_after(503, u64::MAX));
    assert_eq!(session.delays_ms, [MAX_RETRY_AFTER_MS]);
    session.advance(MAX_RETRY_AFTER_MS);
    assert_eq!(session.deliveries.len(), 2);
}

#[test]
fn the_wait_between_tries_is_random_below_a_doubling_ceiling() {
    let mut first_delays = std::collections::BTreeSet::new();
    for number in 0..50 {
        let options = with(interrupted(), json!({ "deliverTimeoutMs": 3_600_000 }));
        let mut session = Driver::with_attempt(options, &format!("attempt-of-the-widget-{number:02}"));
        session.connect_says(redirect());
        for _ in 0..10 {
            session.host_answers(500);
            session.advance(session.delays_ms.last().copied().unwrap_or_default());
        }
        for (delay_ms, ceiling_ms) in
            session.delays_ms.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
        {
            assert!(*delay_ms <= ceiling_ms, "{:?}", session.delays_ms);
        }
        first_delays.insert(session.delays_ms[0]);
    }
    assert!(first_delays.len() > 25, "sessions that fail together do not come back together");
}

#[test]
fn a_host_that_cannot_be_reached_is_tried_again() {
    let mut session = delivering();
    session.host_answers_with(HostAnswer::Unreachable);
    session.hears(&["show Retrying", "retrying, try 2"]);
    session.advance(500);
    session.hears(&["deliver 2"]);
}

#[test]
fn a_try_that_hangs_is_given_up_after_ten_seconds() {
    let mut session = delivering();
    session.advance(TRY_TIMEOUT_MS - 1);
    session.hears_nothing();
    session.advance(1);
    let first = session.heard();
    assert_eq!(first[..2], ["show Retrying", "retrying, try 2"]);
    session.advance(500);
    assert_eq!(session.try_number, 2);
    // The first try's answer comes after all: it belongs to nobody.
    session.skip();
    session.handle(Input::Delivered { try_number: 1, answer: &refused(422) });
    session.hears_nothing();
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);
}

#[test]
fn delivery_is_given_up_when_the_overall_time_is_up() {
    let mut session = delivering();
    let begun_ms = session.now_ms;
    session.advance(DELIVER_TIMEOUT_MS - 1);
    assert_eq!(session.phase(), Phase::Delivering);
    session.skip();
    session.advance(1);
    session.hears(&["delivering → failed", "close frame", "show Undelivered", "failed UNDELIVERED in delivering"]);
    assert!(session.deliveries.len() >= 4, "a silent host was tried {} times", session.deliveries.len());
    assert!(session.delivery_times_ms.iter().all(|sent_ms| *sent_ms < begun_ms + DELIVER_TIMEOUT_MS));
    assert!(session.deliveries.iter().all(|delivery| *delivery == session.deliveries[0]));
}

#[test]
fn the_overall_time_is_the_hosts_to_choose() {
    let mut session = delivering_with(with(interrupted(), json!({ "deliverTimeoutMs": 3_000 })));
    session.advance(2_999);
    assert_eq!(session.phase(), Phase::Delivering);
    session.advance(1);
    assert_eq!(session.failure().code, ErrorCode::Undelivered);
}

#[test]
fn a_retry_after_undelivered_sends_the_same_result_again_with_the_same_key() {
    let mut session = delivering();
    session.advance(DELIVER_TIMEOUT_MS);
    session.skip();
    session.retry();
    let try_number = session.try_number;
    session.hears(&["failed → delivering", "show Delivering", &format!("deliver {try_number}")]);
    assert!(session.deliveries.iter().all(|delivery| *delivery == session.deliveries[0]));
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);
    assert_eq!(session.frames.len(), 1, "no second frame");
}

#[test]
fn online_sends_at_once_what_was_waiting() {
    let mut session = delivering();
    session.host_answers_with(retry_after(503, 60 * SECOND));
    session.skip();
    session.advance(5 * SECOND);
    session.goes_online();
    session.hears(&["deliver 2"]);
    session.goes_online();
    session.hears_nothing();
    session.host_answers(200);
    session.hears(&["delivering → done", "hide, sent", "settle resume"]);
}

#[test]
fn online_means_nothing_while_nothing_waits() {
    let mut loading = Driver::new(interrupted());
    let mut starting = Driver::new(by_start());
    for session in [&mut starting, &mut loading, &mut at_mfa(), &mut delivering()] {
        session.skip();
        session.goes_online();
        session.hears_nothing();
    }
}

// ---- closing ----

#[test]
fn closing_ends_a_session_that_has_no_result_yet() {
    let mut loading = Driver::new(interrupted());
    let mut starting = Driver::new(by_start());
    for session in [&mut starting, &mut loading, &mut at_mfa()] {
        let phase = session.phase().as_str();
        session.skip();
        session.page_closes();
        session.hears(&[&format!("{phase} → closed"), "hide", &format!("settle CLOSED in {phase}")]);
        for _ in 0..2 {
            session.user_closes();
            session.page_closes();
            session.retry();
            session.connect_says(redirect());
            session.host_starts(challenge());
            session.advance(IDLE_LIMIT_MS);
        }
        session.hears_nothing();
    }
}

#[test]
fn the_user_cancels_in_the_widget_in_connect_or_by_refusing_consent() {
    let mut session = at_mfa();
    session.user_closes();
    session.hears(&["active → closed", "hide", "settle CANCELLED in active"]);
    for step in ["COMPONENT_CLOSE_SESSION", "COMPONENT_DENY_CONSENT"] {
        let mut session = at_mfa();
        session.connect_says(json!({ "step": step, "institution": BANK }));
        session.hears(&[
            &format!("step {step} at FlinksCapital"),
            "active → closed",
            "hide",
            "settle CANCELLED in active",
        ]);
    }
}

#[test]
fn closing_during_delivery_takes_the_picture_away_and_not_the_delivery() {
    for close in [Driver::user_closes, Driver::page_closes] {
        let mut session = delivering();
        close(&mut session);
        session.hears(&["hide"]);
        close(&mut session);
        session.hears_nothing();
        session.host_answers(503);
        session.hears(&["retrying, try 2"]);
        session.advance(500);
        session.hears(&["deliver 2"]);
        session.host_answers(200);
        session.hears(&["delivering → done", "settle resume"]);
    }
}

#[test]
fn a_delivery_that_fails_after_closing_shows_nothing_and_is_the_end() {
    let mut session = delivering();
    session.page_closes();
    session.skip();
    session.advance(DELIVER_TIMEOUT_MS);
    let heard = session.heard();
    assert!(!heard.iter().any(|line| line.starts_with("show")), "{heard:?}");
    assert!(
        heard.ends_with(&["failed UNDELIVERED in delivering".into(), "settle UNDELIVERED in delivering".into()]),
        "{heard:?}"
    );
    assert!(session.session.is_over());
    session.retry();
    session.hears_nothing();
}

#[test]
fn closing_after_the_end_only_takes_the_picture_away() {
    let mut failed = at_mfa();
    failed.step("SESSION_EXPIRED");
    failed.skip();
    failed.user_closes();
    failed.hears(&["hide"]);
    failed.page_closes();
    failed.hears_nothing();

    let mut done = delivering();
    done.host_answers(200);
    done.skip();
    done.user_closes();
    done.hears_nothing();
    assert_eq!(done.outcomes.len(), 1);
}

#[test]
fn closing_in_the_middle_of_an_answer_takes_a_second_word() {
    for submitted in ["SUBMIT_MFA", "SUBMIT_CREDENTIAL"] {
        let mut session = at_mfa();
        session.step(submitted);
        session.skip();
        session.user_closes();
        session.hears(&["show Leaving"]);
        session.user_stays();
        session.hears(&["show Connect"]);
        session.user_closes();
        session.hears(&["show Leaving"]);
        session.user_closes();
        session.hears(&["active → closed", "hide", "settle CANCELLED in active"]);
    }
}

#[test]
fn the_question_whether_to_leave_ends_nothing_and_what_happens_meanwhile_counts() {
    let leaving = || {
        let mut session = at_mfa_with(by_start());
        session.step("SUBMIT_MFA");
        session.user_closes();
        session.skip();
        session
    };
    let mut session = leaving();
    session.step("COMPONENT_LOAD_MFA");
    session.hears(&["step COMPONENT_LOAD_MFA"]);
    session.connect_says(redirect());
    session.hears(&["step REDIRECT at FlinksCapital", "active → delivering", "show Delivering", "deliver 1"]);

    let mut session = leaving();
    session.step("DISABLED_LOGIN");
    assert_eq!(session.view, Some(View::Connect), "there is nothing left to lose");

    let mut session = leaving();
    session.page_closes();
    session.hears(&["active → closed", "hide", "settle CLOSED in active"]);

    let mut session = leaving();
    session.step("COMPONENT_CLOSE_SESSION");
    assert_eq!(session.phase(), Phase::Closed);

    // A new session has no answer to lose.
    let mut session = leaving();
    session.step("SESSION_EXPIRED");
    session.host_starts(challenge());
    session.step("APP_MOUNTED");
    session.user_closes();
    assert_eq!(session.phase(), Phase::Closed);
}

// ---- the picture ----

#[test]
fn without_a_network_the_user_is_told_so_and_then_how_things_stand() {
    let mut session = Driver::new(by_start());
    session.hears(&["start 1", "show Loading"]);
    session.goes_offline();
    session.hears(&["show Offline"]);
    session.goes_offline();
    session.hears_nothing();
    session.goes_online();
    session.hears(&["show Loading"]);

    let mut session = delivering();
    session.goes_offline();
    session.hears(&["show Offline"]);
    session.host_answers_with(HostAnswer::Unreachable);
    session.hears(&["retrying, try 2"]);
    session.goes_online();
    session.hears(&[&format!("deliver {}", session.try_number), "show Retrying"]);

    // What failed is not the network's fault.
    let mut session = at_mfa();
    session.step("SESSION_EXPIRED");
    session.skip();
    session.goes_offline();
    session.hears_nothing();

    // Before the beginning, nothing is shown.
    let mut session = Driver::unbegun(by_start(), OWN_ATTEMPT);
    session.goes_offline();
    session.hears_nothing();
    session.handle(Input::Begin);
    session.hears(&["start 1", "show Offline"]);
}

#[test]
fn a_blocked_pop_up_is_told_until_something_else_happens() {
    let mut session = at_mfa();
    session.step("POPUP_BLOCKED");
    session.hears(&["show PopupBlocked", "step POPUP_BLOCKED"]);
    session.step("APP_RESIZE");
    session.hears(&["step APP_RESIZE"]);
    session.step("POPUP_OPENED");
    session.hears(&["show Connect", "step POPUP_OPENED"]);
}

#[test]
fn connect_may_ask_for_a_height_within_bounds() {
    let mut session = at_mfa();
    for (asked, given) in [
        (json!(600), Some(600)),
        (json!(600.9), Some(600)),
        (json!(0), Some(240)),
        (json!(-5), Some(240)),
        (json!(1e9), Some(1_600)),
        (json!("600"), None),
        (json!([600]), None),
        (Value::Null, None),
    ] {
        session.connect_says(json!({ "step": "APP_RESIZE", "height": asked }));
        let heard = session.heard();
        assert_eq!(
            heard.last().filter(|line| line.starts_with("resize")),
            given.map(|px| format!("resize {px}")).as_ref()
        );
    }
    // Only the event that is about it.
    session.connect_says(json!({ "step": "COMPONENT_LOAD_MFA", "height": 600 }));
    session.hears(&["step COMPONENT_LOAD_MFA"]);
}

#[test]
fn a_session_is_over_when_it_has_settled_and_left_the_page() {
    let mut failed = at_mfa();
    assert!(!failed.session.is_over());
    failed.step("SESSION_EXPIRED");
    assert!(!failed.session.is_over(), "the user still reads why");
    failed.user_closes();
    assert!(failed.session.is_over());

    let mut done = delivering();
    done.user_closes();
    assert!(!done.session.is_over(), "the delivery goes on");
    done.host_answers(200);
    assert!(done.session.is_over());

    let mut retried = Driver::new(interrupted());
    retried.advance(LOAD_TIMEOUT_MS);
    retried.user_closes();
    assert!(retried.session.is_over());
    retried.retry();
    assert!(retried.session.is_over(), "an end is an end");
}

// ---- stale answers ----

#[test]
fn the_answer_to_an_abandoned_start_call_changes_nothing() {
    let mut session = at_mfa_with(by_start());
    session.step("SESSION_EXPIRED");
    session.skip();
    session.handle(Input::Started { call: 1, reply: Err(NoStart::Refused(&refused(500))) });
    session.handle(Input::Started { call: 3, reply: Err(NoStart::Refused(&refused(500))) });
    session.hears_nothing();
    session.host_starts(challenge());
    assert_eq!(session.phase(), Phase::Loading);
    session.skip();
    session.host_starts(challenge());
    session.hears_nothing();
}

#[test]
fn answers_nobody_waits_for_change_nothing() {
    let mut session = at_mfa();
    session.host_answers(200);
    session.host_refuses_start(refused(500));
    session.hears_nothing();

    let mut session = delivering();
    session.handle(Input::Delivered { try_number: 2, answer: &HostAnswer::Ok });
    session.handle(Input::Delivered { try_number: 0, answer: &HostAnswer::Ok });
    session.hears_nothing();
    session.host_answers(503);
    session.skip();
    // The same try answers twice: its turn is over.
    session.host_answers(200);
    session.hears_nothing();
}

// ---- retry ----

#[test]
fn retry_helps_where_it_can_and_nowhere_else() {
    let endings: [(ErrorCode, fn() -> Driver); 8] = [
        (ErrorCode::LoadTimeout, || {
            let mut session = Driver::new(interrupted());
            session.advance(LOAD_TIMEOUT_MS);
            session
        }),
        (ErrorCode::SessionExpired, || {
            let mut session = at_mfa_with(by_start());
            session.advance(30 * MINUTE);
            session
        }),
        (ErrorCode::TokenInvalid, || {
            let mut session = at_mfa();
            session.step("TOKEN_INVALID");
            session
        }),
        (ErrorCode::Undelivered, || {
            let mut session = delivering();
            session.advance(DELIVER_TIMEOUT_MS);
            session
        }),
        (ErrorCode::Flinks, || {
            let mut session = at_mfa();
            session.step("UNAUTHORIZED");
            session.user_closes();
            session
        }),
        (ErrorCode::Conflict, || {
            let mut session = at_mfa();
            session.connect_says(json!({ "step": "REDIRECT", "loginId": LOGIN, "LoginId": OTHER_LOGIN }));
            session
        }),
        (ErrorCode::LoginMismatch, || {
            let mut session = delivering();
            session.host_answers_with(refused_with_code(409, "LOGIN_MISMATCH"));
            session
        }),
        (ErrorCode::Cancelled, || {
            let mut session = at_mfa();
            session.user_closes();
            session
        }),
    ];
    for (code, ended) in endings {
        let mut session = ended();
        assert_eq!(session.failure().code, code);
        session.skip();
        session.retry();
        let is_retryable = session.failure().is_retryable;
        assert_eq!(!session.heard().is_empty(), is_retryable, "{code:?}");
        assert_eq!(!session.phase().is_final(), is_retryable, "{code:?}");
        // Twice is once.
        session.retry();
        session.hears_nothing();
    }
}

#[test]
fn the_retryable_codes_are_the_documented_ones() {
    let retryable = |begin_with| {
        let codes = ErrorCode::ALL.iter().filter(move |code| code.is_retryable(begin_with));
        codes.map(|code| code.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        retryable(BeginWith::StartEndpoint),
        ["LOAD_TIMEOUT", "SESSION_EXPIRED", "TOKEN_INVALID", "SIGNED_OUT", "UNDELIVERED", "BUSY"]
    );
    assert_eq!(retryable(BeginWith::RequestId), ["LOAD_TIMEOUT", "SIGNED_OUT", "UNDELIVERED", "BUSY"]);
}

// ---- tabs ----

#[test]
fn the_first_view_comes_with_the_frame_while_the_browser_says_at_once_who_holds_the_session() {
    let mut session = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    session.lock = None;
    session.handle(Input::Begin);
    session.hears_nothing();
    session.goes_offline();
    session.goes_online();
    session.advance(99);
    session.hears_nothing();
    session.holds = true;
    session.handle(Input::Lock(LockState::Granted));
    session.hears(&["show Loading", "starting → loading", "open frame"]);
    // Nothing is left to be shown later.
    session.advance(4 * SECOND);
    session.hears_nothing();

    let mut slow = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    slow.lock = None;
    slow.goes_offline();
    slow.handle(Input::Begin);
    slow.advance(100);
    slow.hears(&["show Offline"]);

    let mut closed = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    closed.lock = None;
    closed.handle(Input::Begin);
    closed.page_closes();
    assert_eq!(closed.session.deadline_ms(), None);
    assert_eq!(closed.view, None);
}

#[test]
fn a_session_another_tab_holds_is_busy_and_no_frame_is_opened() {
    let mut session = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    session.lock = Some(LockState::HeldElsewhere);
    session.handle(Input::Begin);
    session.hears(&["starting → failed", "close frame", "show Busy", "failed BUSY in starting"]);
    assert!(session.frames.is_empty());
    assert_eq!(session.lock_requests, [LockMode::IfFree]);
}

#[test]
fn a_busy_session_can_be_taken_over() {
    let mut session = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    session.lock = Some(LockState::HeldElsewhere);
    session.handle(Input::Begin);
    session.skip();
    session.lock = Some(LockState::Granted);
    session.retry();
    session.hears(&["show Loading", "failed → starting", "starting → loading", "open frame"]);
    assert_eq!(session.lock_requests, [LockMode::IfFree, LockMode::TakeOver]);
    assert!(session.holds);
}

#[test]
fn the_tab_that_was_taken_over_from_ends_and_may_take_back() {
    let mut session = at_mfa();
    session.skip();
    session.handle(Input::Lock(LockState::HeldElsewhere));
    session.hears(&["active → failed", "close frame", "show Busy", "failed BUSY in active"]);
    session.retry();
    assert_eq!(session.lock_requests.last(), Some(&LockMode::TakeOver));
}

#[test]
fn a_delivery_goes_on_when_another_tab_takes_over() {
    let mut session = delivering();
    session.skip();
    session.handle(Input::Lock(LockState::HeldElsewhere));
    session.hears_nothing();
    session.host_answers(200);
    assert_eq!(session.login(), Some(LOGIN));
}

#[test]
fn every_ending_frees_the_session_for_other_tabs() {
    let mut closed = at_mfa();
    assert!(closed.holds);
    closed.page_closes();
    assert!(!closed.holds);

    let mut done = delivering();
    done.host_answers(200);
    assert!(!done.holds);
}

#[test]
fn a_claim_granted_after_closing_is_given_back() {
    let mut session = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    session.lock = None;
    session.handle(Input::Begin);
    session.page_closes();
    session.holds = true;
    session.handle(Input::Lock(LockState::Granted));
    assert!(!session.holds);
    assert!(session.frames.is_empty());
}

#[test]
fn a_browser_that_does_not_say_who_holds_the_session_keeps_nobody_waiting() {
    let mut session = Driver::unbegun(interrupted(), OWN_ATTEMPT);
    session.lock = None;
    session.handle(Input::Begin);
    session.skip();
    session.advance(100);
    session.hears(&["show Loading"]);
    session.advance(2 * SECOND - 101);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["starting → loading", "open frame"]);

    // What it says after all counts as if it had said so in time.
    session.step("APP_MOUNTED");
    session.skip();
    session.holds = true;
    session.handle(Input::Lock(LockState::Granted));
    session.hears_nothing();
    assert!(session.holds);
    session.handle(Input::Lock(LockState::HeldElsewhere));
    session.hears(&["active → failed", "close frame", "show Busy", "failed BUSY in active"]);
}

#[test]
fn full_flow_requests_no_lock() {
    let mut session = Driver::new(by_start());
    session.host_starts(full_flow());
    assert!(session.lock_requests.is_empty());
    assert_eq!(session.frames.len(), 1);
}

// ---- secrets ----

#[test]
fn debug_output_of_everything_that_leaves_the_session_hides_the_ids() {
    let options = properties(&with(by_start(), json!({ "resumeSelectedAccounts": [CHEQUING] })));
    let reply = properties(&with(challenge(), json!({ "authorizeToken": TOKEN, "tag": TAG })));
    let mut printed = vec![format!("{options:?} {reply:?}")];
    let options = Options::read(&options, "en", parse_url).unwrap();
    let attempt_id = AttemptId::parse(OWN_ATTEMPT).unwrap();
    let reply = StartReply::read(reply, parse_url).unwrap();
    printed.push(format!("{options:?} {attempt_id:?} {reply:?}"));

    let mut session = Session::new(0, options, attempt_id, parse_url);
    session.handle(0, Input::Begin);
    session.handle(1, Input::Started { call: 1, reply: Ok(reply) });
    session.handle(2, Input::Lock(LockState::Granted));
    session.handle(3, Input::Posted(&Letter(redirect())));
    session.handle(4, Input::Delivered { try_number: 1, answer: &HostAnswer::Ok });
    for _ in 0..100 {
        let Some(output) = session.poll() else { break };
        printed.push(format!("{output:?}"));
    }
    let printed = printed.concat();
    assert!(printed.contains("Settle"), "{printed}");
    for secret in [REQUEST, LOGIN, TOKEN, CHEQUING, ATTEMPT, OWN_ATTEMPT, "opaque"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

// ---- the end of a session ----

#[test]
fn who_leaves_a_failure_that_a_retry_could_cure_leaves_it_at_that_failure() {
    for leave in [Driver::user_closes, Driver::page_closes] {
        let mut session = Driver::new(interrupted());
        session.advance(LOAD_TIMEOUT_MS);
        assert_eq!((session.phase(), session.outcomes.len()), (Phase::Failed, 0), "the result waits");
        session.skip();
        leave(&mut session);
        session.hears(&["hide", "settle LOAD_TIMEOUT in loading"]);
        assert!(session.session.is_over());
        session.retry();
        session.hears_nothing();
    }
}

#[test]
fn a_page_that_does_not_want_to_ask_has_the_end_at_once() {
    let mut session = Driver::new(with(interrupted(), json!({ "onFailure": "end" })));
    session.skip();
    session.advance(LOAD_TIMEOUT_MS);
    session.hears(&[
        "show Slow",
        "loading → failed",
        "close frame",
        "hide",
        "failed LOAD_TIMEOUT in loading",
        "settle LOAD_TIMEOUT in loading",
    ]);
    assert!(session.failure().is_retryable, "by a new session");
    session.retry();
    session.hears_nothing();
}

// ---- signed out in the middle ----

#[test]
fn a_user_who_was_signed_out_signs_in_and_the_same_delivery_goes_on() {
    let mut session = delivering();
    session.skip();
    session.host_answers_with(refused_with_code(401, "NO_SESSION"));
    session.hears(&[
        "delivering → failed",
        "close frame",
        "show SignedOut",
        "failed SIGNED_OUT in delivering, HTTP 401",
    ]);
    assert_eq!(session.failure().host_code.as_deref(), Some("NO_SESSION"));
    let mut other = delivering();
    other.host_answers_with(refused_with_code(401, LOGIN));
    assert_eq!(other.failure().host_code, None, "an id is no code");
    session.retry();
    session.host_answers(200);
    assert_eq!(session.login(), Some(LOGIN));
    assert_eq!(session.deliveries[0], session.deliveries[1], "the same bytes");
}

#[test]
fn a_user_who_is_signed_out_at_the_start_is_asked_to_sign_in() {
    for answer in [refused(401), HostAnswer::Redirected] {
        let mut session = Driver::new(by_start());
        session.host_refuses_start(answer);
        assert_eq!((session.failure().code, session.view), (ErrorCode::SignedOut, Some(View::SignedOut)));
        session.user_retries();
        session.host_starts(challenge());
        assert_eq!(session.phase(), Phase::Loading);
    }
}

#[test]
fn a_redirect_is_no_receipt_and_the_second_one_means_signed_out() {
    let mut session = delivering();
    session.host_answers_with(HostAnswer::Redirected);
    assert_eq!(session.phase(), Phase::Delivering);
    session.advance(SECOND);
    session.host_answers_with(HostAnswer::Redirected);
    assert_eq!((session.failure().code, session.deliveries.len()), (ErrorCode::SignedOut, 2));
    // The next round has its own second chance.
    session.retry();
    session.host_answers_with(HostAnswer::Redirected);
    assert_eq!(session.phase(), Phase::Delivering);
}

// ---- start ----

#[test]
fn a_host_that_says_when_to_ask_again_is_asked_again_for_four_minutes() {
    let mut session = Driver::new(by_start());
    session.skip();
    session.host_refuses_start(HostAnswer::Refused {
        status: 503,
        code: Some("BANK_SLOW".to_owned()),
        retry_after_ms: Some(20 * SECOND),
    });
    session.hears(&["show BankSlow"]);
    session.advance(20 * SECOND - 1);
    session.hears_nothing();
    session.advance(1);
    session.hears(&["start 2"]);
    // Neutral words for any other reason; and never in a hurry.
    session.host_refuses_start(retry_after(503, 0));
    session.hears(&["show Slow"]);
    session.advance(SECOND);
    session.hears(&["start 3"]);
    session.host_refuses_start(retry_after(503, 300 * SECOND));
    session.advance(4 * MINUTE - 21 * SECOND);
    session.hears(&["start 4"]);
    session.host_refuses_start(retry_after(503, SECOND));
    assert_eq!((session.failure().code, session.failure().is_retryable), (ErrorCode::StartFailed, true));

    // Of the bank only the host can speak.
    let mut session = Driver::new(by_start());
    session.skip();
    session.host_refuses_start(retry_after(503, 20 * SECOND));
    session.advance(4 * SECOND);
    session.hears_nothing();
    session.advance(SECOND);
    session.hears(&["show Slow"]);
}

#[test]
fn a_reply_that_is_wrong_is_told_by_the_property() {
    for (change, property) in [
        (json!({ "status": "challange" }), "status"),
        (json!({ "mode": null }), "mode"),
        (json!({ "requestId": "short" }), "requestId"),
        (json!({ "requestId": null }), "requestId"),
        (json!({ "attemptId": null }), "attemptId"),
        (json!({ "authorizeToken": 7 }), "authorizeToken"),
        (json!({ "tag": "" }), "tag"),
        (json!({ "authorizeTokenExpiresInMs": "soon" }), "authorizeTokenExpiresInMs"),
    ] {
        let mut session = Driver::new(by_start());
        session.host_starts(with(challenge(), change));
        assert_eq!(session.failure().property, Some(property));
        assert!(!session.failure().is_retryable);
    }
    // And where neither the options nor the reply say where Connect is.
    let mut session = Driver::new(with(by_start(), json!({ "instance": null })));
    session.host_starts(challenge());
    assert_eq!(session.failure().property, Some("instance"));
}

#[test]
fn taking_over_counts_for_one_opening() {
    let mut session = Driver::new(by_start());
    session.lock = Some(LockState::HeldElsewhere);
    session.host_starts(challenge());
    session.lock = Some(LockState::Granted);
    session.user_retries();
    // What the user wanted to take over is not there any more: there is nothing to lock.
    session.host_starts(full_flow());
    session.step("APP_MOUNTED");
    session.connect_says(json!({ "flinksCode": "SESSION_EXPIRED" }));
    session.host_starts(challenge());
    assert_eq!(session.lock_requests, [LockMode::IfFree, LockMode::IfFree]);
}

// ---- one request for each try ----

#[test]
fn a_try_is_one_request_and_the_one_after_no_answer_goes_without_keepalive() {
    let mut session = delivering();
    session.host_answers_with(HostAnswer::Unreachable);
    session.advance(SECOND);
    session.host_answers_with(HostAnswer::Unreachable);
    session.advance(2 * SECOND);
    session.host_answers(503);
    session.advance(4 * SECOND);
    assert_eq!(session.keepalives, [Keepalive::On, Keepalive::Off, Keepalive::On, Keepalive::On]);
}

#[test]
fn a_try_that_would_end_with_its_page_is_made_again_when_the_page_is_left() {
    let mut session = delivering();
    session.page_is_left();
    assert_eq!(session.deliveries.len(), 1, "this one outlives the page");
    session.host_answers_with(HostAnswer::Unreachable);
    session.advance(SECOND);
    session.page_is_left();
    assert_eq!(session.keepalives, [Keepalive::On, Keepalive::Off, Keepalive::On]);
}

#[test]
fn retry_after_beyond_the_time_that_is_left_leaves_time_for_one_more_try() {
    let mut session = delivering();
    session.host_answers_with(retry_after(503, 300 * SECOND));
    session.advance(DELIVER_TIMEOUT_MS - TRY_TIMEOUT_MS - 1);
    assert_eq!(session.deliveries.len(), 1);
    session.advance(1);
    assert_eq!(session.deliveries.len(), 2);
    session.host_answers(200);
    assert_eq!(session.login(), Some(LOGIN));
}
