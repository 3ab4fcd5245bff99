//! Connect sessions over the page's own endpoints: which events, in which order, with which fields.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::Bench;
use flinks_sandbox::DEMO_LOGINS;
use flinks_sandbox::clock::MINUTE_MS;
use serde_json::{Value, json};

/// Query pairs of a URL.
fn query(url: &str) -> Vec<(String, String)> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const RECONNECT: [&str; 8] = [
    "APP_MOUNTED",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "COMPONENT_LOAD_MFA",
    "SUBMIT_MFA",
    "REDIRECT",
];

#[tokio::test]
async fn a_reconnect_goes_from_prompt_to_redirect_and_nothing_else() {
    let bench = Bench::start().await;
    let session = bench.refresh(1).await;
    let token = bench.token().await;
    let mut page =
        bench.open(&format!("?requestId={session}&authorizeToken={token}&tag=attempt%2042&language=en")).await;
    assert_eq!(
        page.events[1],
        json!({"step": "COMPONENT_LOAD_MFA", "mfaTypes": ["QuestionAndAnswer"], "institution": "Maple Harbour Bank"})
    );
    page.answer_all().await;
    assert_eq!(page.posted(), RECONNECT);
    assert_eq!(page.name(), "success");
    let redirect = page.last();
    assert_eq!(redirect["loginId"], DEMO_LOGINS[1].login_id);
    assert_eq!(redirect["requestId"], session);
    assert_eq!(redirect["institution"], "Maple Harbour Bank");
    assert!(redirect.get("accountId").is_none());
    let url = redirect["url"].as_str().unwrap();
    assert!(url.starts_with("https://sandbox.example/thank-you?"), "{url}");
    let expected = [("loginId", DEMO_LOGINS[1].login_id), ("tag", "attempt 42"), ("institution", "Maple Harbour Bank")];
    assert_eq!(query(url), pairs(&expected));
    assert_eq!(bench.sandbox.posted(), RECONNECT, "the log says the same");
    assert_eq!(bench.accounts(&session, json!({})).await, DEMO_LOGINS[1].account_ids);
}

#[tokio::test]
async fn a_session_that_was_left_is_resumed_at_its_question() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut first = bench.open(&format!("?requestId={session}")).await;
    first.answer("Montreal").await;
    let mut second = bench.open(&format!("?requestId={session}")).await;
    assert_eq!(second.screen["challenges"][0]["prompt"], "What is the best country on earth?");
    assert_eq!((&second.screen["number"], &second.screen["total"]), (&json!(2), &json!(3)));
    second.answer("Canada").await.answer("Triangle").await;
    assert_eq!(second.posted().last(), Some(&"REDIRECT"));
    // The page that was left open comes to the same end.
    first.answer("Canada").await;
    assert_eq!(first.name(), "success");
}

#[tokio::test]
async fn a_wrong_answer_is_reported_and_asked_again() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut page = bench.open(&format!("?requestId={session}")).await;
    page.answer("Atlantis").await;
    assert_eq!((page.name(), &page.screen["remedy"]), ("error", &json!("retry")));
    assert_eq!(page.last(), &json!({"flinksCode": "INVALID_SECURITY_RESPONSE"}));
    page.answer("too early").await;
    page.act(json!({"name": "retry"})).await;
    assert_eq!(page.screen["challenges"][0]["prompt"], "What city were you born in?");
    page.answer_all().await;
    let mut expected = vec![
        "APP_MOUNTED",
        "COMPONENT_LOAD_MFA",
        "SUBMIT_MFA",
        "INVALID_SECURITY_RESPONSE",
        "COMPONENT_LOAD_MFA_RETRY",
    ];
    expected.extend(&RECONNECT[2..]);
    assert_eq!(page.posted(), expected);
}

#[tokio::test]
async fn five_wrong_answers_end_it() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut page = bench.open(&format!("?requestId={session}")).await;
    for _ in 0..4 {
        page.answer("no").await.act(json!({"name": "retry"})).await;
    }
    page.answer("no").await;
    assert_eq!(page.last(), &json!({"flinksCode": "INVALID_SECURITY_RESPONSE_NO_RETRY"}));
    assert_eq!((page.name(), &page.screen["remedy"]), ("error", &json!("none")));
    let count = page.events.len();
    page.act(json!({"name": "retry"})).await.answer("Montreal").await;
    assert_eq!(page.events.len(), count, "nothing more");
}

#[tokio::test]
async fn an_expired_or_unknown_session_says_so() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut open_page = bench.open(&format!("?requestId={session}")).await;
    bench.sandbox.advance_ms(8 * MINUTE_MS).unwrap();
    let page = bench.open(&format!("?requestId={session}")).await;
    assert_eq!((page.name(), page.posted()), ("expired", vec!["APP_MOUNTED", "SESSION_EXPIRED"]));
    assert_eq!(page.last(), &json!({"step": "SESSION_EXPIRED", "flinksCode": "SESSION_EXPIRED"}));

    open_page.answer("Montreal").await;
    assert_eq!(open_page.posted(), ["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "SESSION_EXPIRED"]);
    assert_eq!(open_page.name(), "expired");

    for unknown in ["9022abc2-8a2e-4b06-a06e-c3e5449c4d10", "x", "%3Cscript%3E"] {
        let page = bench.open(&format!("?requestId={unknown}")).await;
        assert_eq!(page.last(), &json!({"step": "SESSION_NONEXISTENT", "flinksCode": "SESSION_NONEXISTENT"}));
    }
}

#[tokio::test]
async fn a_session_that_was_not_saved_or_is_used_up_cannot_be_resumed() {
    let bench = Bench::start().await;
    let body = json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": false});
    let unsaved = bench.authorize(body).await.text("RequestId").to_owned();
    assert_eq!(bench.open(&format!("?requestId={unsaved}")).await.posted(), ["APP_MOUNTED", "SESSION_NONEXISTENT"]);

    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    assert_eq!(bench.open(&format!("?requestId={session}")).await.posted(), ["APP_MOUNTED", "REDIRECT"]);
    bench.accounts(&session, json!({})).await;
    assert_eq!(bench.open(&format!("?requestId={session}")).await.posted(), ["APP_MOUNTED", "SESSION_NONEXISTENT"]);
}

#[tokio::test]
async fn a_page_takes_a_token_once_or_none() {
    let bench = Bench::start().await;
    let token = bench.token().await;
    let query = format!("?authorizeToken={token}");
    assert_eq!(bench.open(&query).await.name(), "banks");
    let again = bench.open(&query).await;
    assert_eq!((again.name(), again.posted()), ("error", vec!["APP_MOUNTED", "TOKEN_INVALID"]));
    let answer = bench.authorize_with(&token, json!({"LoginId": DEMO_LOGINS[0].login_id})).await;
    assert_eq!(answer.code(), (401, "UNAUTHORIZED"), "nor does the API");
    assert_eq!(bench.open("?authorizeToken=false").await.name(), "banks");
    assert_eq!(bench.open("?authorizeToken=made-up-token").await.posted(), ["APP_MOUNTED", "TOKEN_INVALID"]);
    let late = bench.token().await;
    bench.sandbox.advance_ms(15 * MINUTE_MS).unwrap();
    assert_eq!(bench.open(&format!("?authorizeToken={late}")).await.posted(), ["APP_MOUNTED", "TOKEN_INVALID"]);
}

#[tokio::test]
async fn a_full_flow_shows_everything_and_keeps_the_login() {
    let bench = Bench::start().await;
    let redirect_url = "https%3A%2F%2Fhost.example%2Fdone%3Fstate%3Da%2520b";
    let mut page = bench
        .open(&format!(
            "?demo=true&consentEnable=true&customerName=Acme&accountSelectorEnable=true&accountSelectorMultiple=true\
             &tag=t1&redirectUrl={redirect_url}"
        ))
        .await;
    assert_eq!((page.name(), &page.screen["customer"]), ("consent", &json!("Acme")));
    page.act(json!({"name": "accept-consent"})).await;
    assert_eq!(page.screen["banks"][0], json!({"id": 14, "name": "FlinksCapital"}));
    page.pick(14).await;
    page.sign_in("greatday", "Everyday").await;
    page.answer_all().await;
    assert_eq!((page.name(), &page.screen["choice"]), ("accounts", &json!("several")));
    let picked = [DEMO_LOGINS[0].account_ids[1], DEMO_LOGINS[0].account_ids[2]];
    page.act(json!({"name": "pick-accounts", "ids": []})).await;
    page.act(json!({"name": "pick-accounts", "ids": ["account-of-others"]})).await;
    assert_eq!(page.name(), "accounts");
    page.act(json!({"name": "pick-accounts", "ids": picked})).await;

    let expected = [
        "APP_MOUNTED",
        "COMPONENT_LOAD_CONSENT",
        "COMPONENT_ACCEPT_CONSENT",
        "COMPONENT_LOAD_INSTITUTION_SELECTOR",
        "INSTITUTION_SELECTED",
        "COMPONENT_LOAD_CREDENTIAL",
        "SUBMIT_CREDENTIAL",
        "COMPONENT_LOAD_MFA",
        "SUBMIT_MFA",
        "COMPONENT_LOAD_MFA",
        "SUBMIT_MFA",
        "COMPONENT_LOAD_MFA",
        "SUBMIT_MFA",
        "COMPONENT_LOAD_ACCOUNT_SELECTION",
        "ACCOUNT_SELECTED",
        "REDIRECT",
    ];
    assert_eq!(page.posted(), expected);
    assert_eq!(page.events[3], json!({"step": "COMPONENT_LOAD_INSTITUTION_SELECTOR", "cached": false}));
    for (index, step) in [(4, "INSTITUTION_SELECTED"), (5, "COMPONENT_LOAD_CREDENTIAL"), (6, "SUBMIT_CREDENTIAL")] {
        assert_eq!(page.events[index], json!({"step": step, "institution": "FlinksCapital"}));
    }
    assert_eq!(page.events[13]["totalAccounts"], 4);
    assert_eq!(page.events[13]["displayedAccounts"], 4);
    assert_eq!(page.events[14]["accountId"], picked.join(","));
    let redirect = page.last();
    assert_eq!(redirect["loginId"], DEMO_LOGINS[0].login_id);
    let list = picked.join(",");
    let expected = [
        ("state", "a b"),
        ("demo", "true"),
        ("loginId", DEMO_LOGINS[0].login_id),
        ("tag", "t1"),
        ("accountId", &list),
        ("institution", "FlinksCapital"),
    ];
    assert_eq!(query(redirect["url"].as_str().unwrap()), pairs(&expected));
    // After an ordinary sign-in the choice does not filter.
    let session = redirect["requestId"].as_str().unwrap();
    assert_eq!(bench.accounts(session, json!({})).await.len(), 4);
}

#[tokio::test]
async fn credentials_can_be_corrected_and_the_bank_changed() {
    let bench = Bench::start().await;
    let mut page = bench.open("").await;
    assert!(page.screen["banks"].as_array().unwrap().iter().all(|bank| bank["name"] != "FlinksCapital"));
    page.pick(14).await;
    assert_eq!(page.name(), "banks", "not on the list without demo=true");
    page.pick(9001).await;
    page.act(json!({"name": "back"})).await.pick(9002).await;
    page.sign_in("Greatday", "wrong").await;
    assert_eq!(page.last(), &json!({"flinksCode": "INVALID_PASSWORD"}));
    page.act(json!({"name": "retry"})).await.sign_in("greatday_nomfa", "Everyday").await;
    let expected = [
        "APP_MOUNTED",
        "COMPONENT_LOAD_INSTITUTION_SELECTOR",
        "INSTITUTION_SELECTED",
        "COMPONENT_LOAD_CREDENTIAL",
        "COMPONENT_LOAD_INSTITUTION_SELECTOR",
        "INSTITUTION_SELECTED",
        "COMPONENT_LOAD_CREDENTIAL",
        "SUBMIT_CREDENTIAL",
        "INVALID_PASSWORD",
        "COMPONENT_LOAD_CREDENTIAL_RETRY",
        "SUBMIT_CREDENTIAL",
        "REDIRECT",
    ];
    assert_eq!(page.posted(), expected);
}

#[tokio::test]
async fn test_users_show_their_codes() {
    let bench = Bench::start().await;
    for (user, code, screen) in [
        ("test_disabled_account", "DISABLED_LOGIN", "error"),
        ("test_service_unavailable", "RETRY_LATER", "error"),
        ("test_dispatched", "OPERATION_DISPATCHED", "success"),
    ] {
        let mut page = bench.open_at("/v2/Credential/9004/", "").await;
        assert_eq!((page.name(), page.posted()), ("credentials", vec!["APP_MOUNTED", "COMPONENT_LOAD_CREDENTIAL"]));
        page.sign_in(user, "Everyday").await;
        assert_eq!((page.name(), page.posted()[3]), (screen, code));
    }
}

#[tokio::test]
async fn denied_consent_ends_it() {
    let bench = Bench::start().await;
    let mut page = bench.open("?consentEnable=true").await;
    page.act(json!({"name": "deny-consent"})).await.act(json!({"name": "accept-consent"})).await;
    assert_eq!(page.posted(), ["APP_MOUNTED", "COMPONENT_LOAD_CONSENT", "COMPONENT_DENY_CONSENT"]);
}

#[tokio::test]
async fn closing_posts_and_does_no_more() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut page = bench.open(&format!("?requestId={session}&closeEnable=true")).await;
    assert_eq!(page.frame["closable"], true);
    page.act(json!({"name": "close"})).await;
    assert_eq!(page.last(), &json!({"step": "COMPONENT_CLOSE_SESSION", "institution": "FlinksCapital"}));
    page.answer_all().await;
    assert_eq!(page.name(), "success", "the session stays resumable");

    let mut plain = bench.open("").await;
    plain.act(json!({"name": "close"})).await;
    assert_eq!(plain.posted(), ["APP_MOUNTED", "COMPONENT_LOAD_INSTITUTION_SELECTOR"], "no X without closeEnable");
}

#[tokio::test]
async fn resumed_accounts_skip_the_selector_filter_the_data_and_come_back() {
    let bench = Bench::start().await;
    let session = bench.refresh(3).await;
    let picked = [DEMO_LOGINS[3].account_ids[0], DEMO_LOGINS[3].account_ids[2]];
    let list = picked.join(",");
    let query_text =
        format!("?requestId={session}&resumeSelectedAccounts={}&accountSelectorEnable=true", list.replace(',', "%2C"));
    let mut page = bench.open(&query_text).await;
    page.answer_all().await;
    assert_eq!(page.posted(), RECONNECT);
    assert_eq!(page.last()["accountId"], list);
    assert!(query(page.last()["url"].as_str().unwrap()).contains(&("accountId".to_owned(), list)));
    assert_eq!(bench.accounts(&session, json!({})).await, picked);

    // The host's own filter can only narrow it further.
    let session = bench.refresh(3).await;
    bench.open(&format!("?requestId={session}&resumeSelectedAccounts={}", picked.join(","))).await.answer_all().await;
    let asked = [DEMO_LOGINS[3].account_ids[2], DEMO_LOGINS[3].account_ids[3]];
    assert_eq!(bench.accounts(&session, json!({ "AccountsFilter": asked })).await, [picked[1]]);
}

#[tokio::test]
async fn the_selector_of_a_reconnect_filters_as_well() {
    let bench = Bench::start().await;
    let session = bench.refresh(3).await;
    let mut page = bench.open(&format!("?requestId={session}&accountSelectorEnable=true")).await;
    page.answer_all().await;
    assert_eq!(page.screen["choice"], "one");
    page.act(json!({"name": "pick-accounts", "ids": DEMO_LOGINS[3].account_ids})).await;
    assert_eq!(page.name(), "accounts", "one at a time");
    page.act(json!({"name": "pick-accounts", "ids": [DEMO_LOGINS[3].account_ids[1]]})).await;
    assert_eq!(page.last()["accountId"], DEMO_LOGINS[3].account_ids[1]);
    assert_eq!(bench.accounts(&session, json!({})).await, [DEMO_LOGINS[3].account_ids[1]]);
}

async fn redirects(bench: &Bench, query: &str) -> Vec<Value> {
    let session = bench.refresh(2).await;
    let mut page = bench.open(&format!("?requestId={session}&tag=mine&{query}")).await;
    let before = page.events.len() + 5;
    page.answer_all().await;
    page.events.split_off(before)
}

#[tokio::test]
async fn redirect_comes_in_every_shape() {
    let bench = Bench::start().await;
    let has = |event: &Value, names: [bool; 3]| {
        assert_eq!(["loginId", "requestId", "url"].map(|name| event.get(name).is_some()), names, "{event}");
    };
    has(&redirects(&bench, "_shape=classic").await[0], [false, false, true]);
    has(&redirects(&bench, "_shape=fields").await[0], [true, true, false]);
    has(&redirects(&bench, "_shape=both").await[0], [true, true, true]);
    let text = redirects(&bench, "_shape=string").await.remove(0);
    has(&serde_json::from_str(text.as_str().unwrap()).unwrap(), [true, true, true]);
    bench.control("faults", json!({"redirectShape": "classic"})).await;
    has(&redirects(&bench, "").await[0], [false, false, true]);
    has(&redirects(&bench, "_shape=fields").await[0], [true, true, false]);
}

#[tokio::test]
async fn redirect_can_go_wrong_in_every_way() {
    let bench = Bench::start().await;
    let twice = redirects(&bench, "_redirect=duplicate").await;
    assert_eq!((twice.len(), &twice[0]), (2, &twice[1]));
    let login = DEMO_LOGINS[2].login_id;
    let other = redirects(&bench, "_redirect=wrong-request-id").await.remove(0);
    assert_eq!(other["loginId"], login);
    let tag = redirects(&bench, "_redirect=wrong-tag").await.remove(0);
    assert!(!tag["url"].as_str().unwrap().contains("tag=mine"));
    let conflict = redirects(&bench, "_redirect=conflict&_shape=classic").await.remove(0);
    assert_ne!(conflict["loginId"], login);
    assert!(conflict["url"].as_str().unwrap().contains(login));

    bench.control("faults", json!({"redirectFault": "delayed", "redirectDelayMs": 1234})).await;
    redirects(&bench, "").await;
    let log = bench.control("log", Value::Null).await;
    let last = log.body["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["event"]["step"], &last["delayMs"]), (&json!("REDIRECT"), &json!(1234)));
}

#[tokio::test]
async fn stringify_makes_text_of_every_event() {
    let bench = Bench::start().await;
    let page = bench.open("?stringify=true").await;
    let texts: Vec<_> = page.events.iter().map(|event| event.as_str().unwrap()).collect();
    assert_eq!(texts[0], r#"{"step":"APP_MOUNTED"}"#);
    assert_eq!(bench.sandbox.posted(), ["APP_MOUNTED", "COMPONENT_LOAD_INSTITUTION_SELECTOR"]);
}

#[tokio::test]
async fn the_page_tells_its_size_and_its_network_until_it_is_over() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let mut page = bench.open(&format!("?requestId={session}")).await;
    page.act(json!({"name": "resize", "width": 320, "height": 568})).await;
    assert_eq!(page.last(), &json!({"step": "APP_RESIZE", "width": 320, "height": 568}));
    page.lose_network();
    page.act(json!({"name": "online"})).await;
    assert_eq!(page.posted()[2..], ["APP_RESIZE", "APP_OFFLINE", "APP_ONLINE"]);
    assert_eq!(bench.sandbox.posted(), page.posted(), "the log says the same");
    assert_eq!((page.name(), &page.screen["language"]), ("mfa", &json!("en")));
    page.answer_all().await;
    let count = page.events.len();
    page.act(json!({"name": "online"})).await.act(json!({"name": "resize", "width": 1, "height": 1})).await;
    assert_eq!((page.events.len(), &page.offline), (count, &Value::Null), "nothing after REDIRECT");

    let text = bench.open("?stringify=true").await;
    assert_eq!(text.offline["data"], r#"{"step":"APP_OFFLINE"}"#);
    let mute = bench.open("?_page=never-posts").await;
    assert_eq!(mute.offline, Value::Null);
}

#[tokio::test]
async fn a_silent_page_posts_nothing() {
    let bench = Bench::start().await;
    bench.control("faults", json!({"page": "silent"})).await;
    let page = bench.open("").await;
    assert_eq!((page.name(), page.events.len()), ("silent", 0));
}

#[tokio::test]
async fn an_open_page_survives_a_reset() {
    let bench = Bench::start().await;
    let mut page = bench.open("").await;
    bench.control("reset", json!({})).await;
    page.pick(9001).await;
    assert_eq!(page.name(), "expired");
}

#[tokio::test]
async fn the_documents_are_strict_and_have_nothing_inline() {
    let bench = Bench::start().await;
    let base = bench.sandbox.connect_url().trim_end_matches("/v2/").to_owned();
    for path in ["/", "/v2", "/v2/", "/v2/Credential/14/", "/v2/?requestId=x"] {
        let response = bench.http.get(format!("{base}{path}")).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        let html = response.text().await.unwrap();
        assert!(!html.contains("<style") && !html.contains(" onclick") && html.matches("<script").count() == 1);
    }
    for file in ["connect.css", "connect.js", "words.js"] {
        assert_eq!(bench.http.get(format!("{base}/_page/{file}")).send().await.unwrap().status(), 200);
    }
    for body in ["", "{}", "[]", r#"{"visit":"x","action":{"name":"retry"}}"#] {
        for path in ["open", "act"] {
            let request = bench.http.post(format!("{base}/_page/{path}")).header("content-type", "application/json");
            assert_eq!(request.body(body).send().await.unwrap().status(), 400);
        }
    }
}

#[tokio::test]
async fn success_goes_on_to_where_it_is_told_and_never_to_a_script() {
    let bench = Bench::start().await;
    let at = |query: &'static str| {
        let bench = &bench;
        async move {
            let mut page = bench.open_at("/v2/Credential/9004/", query).await;
            page.sign_in("greatday_nomfa", "Everyday").await;
            page
        }
    };
    let page = at("?redirectUrl=https%3A%2F%2Fhost.example%2Fdone%3Fa%3Db&tag=t").await;
    assert_eq!(page.navigation["window"], "top");
    assert_eq!(page.navigation["url"], page.last()["url"]);
    for quiet in ["", "?jsRedirect=true&redirectUrl=https%3A%2F%2Fhost.example%2F", "?redirectUrl=not%20a%20url"] {
        assert_eq!(at(quiet).await.navigation, Value::Null, "{quiet}");
    }
    for script in
        ["?redirectUrl=javascript%3Aalert(1)", "?redirectUrl=data%3Atext%2Fhtml%2Cx", "?redirectUrl=JAVASCRIPT%3Ax"]
    {
        let page = at(script).await;
        assert_eq!(page.navigation, Value::Null, "{script}");
        assert!(page.last()["url"].as_str().unwrap().starts_with("https://sandbox.example/"), "{script}");
    }
    let inner = at("?innerRedirect=true&redirectUrl=https%3A%2F%2Fhost.example%2F&language=fr").await;
    assert_eq!(inner.navigation["window"], "own");
    let result: url::Url = format!("http://sandbox{}", inner.navigation["url"].as_str().unwrap()).parse().unwrap();
    assert!(result.query().unwrap().contains("thank-you=true&language=fr&loginId="));
    let page = bench.open_at(result.path(), result.query().unwrap()).await;
    assert_eq!((page.name(), &page.screen["institution"]), ("success", &json!("Prairie Lantern Credit Union")));
    assert!(page.events.is_empty());
}

#[tokio::test]
async fn terms_are_only_ever_a_web_address() {
    let bench = Bench::start().await;
    for bad in ["javascript%3Aalert(1)", "terms.html", "myapp%3A%2F%2Fterms"] {
        let mut page = bench.open_at("/v2/Credential/9004/", &format!("?termsUrl={bad}")).await;
        assert_eq!(page.screen.get("terms"), None, "{bad}");
        page.act(json!({"name": "terms", "accepted": true})).await.act(json!({"name": "read-terms"})).await;
        assert_eq!(page.posted(), ["APP_MOUNTED", "COMPONENT_LOAD_CREDENTIAL"], "{bad}");
    }
}

#[tokio::test]
async fn the_banks_window_is_answered_once_and_only_when_it_is_open() {
    let bench = Bench::start().await;
    let mut page = bench.open_at("/v2/Credential/9100/", "?demoOutbound=true").await;
    let early = bench.page("decide", json!({"visit": page.visit, "decision": "approve"})).await;
    assert_eq!(early.status, 404);
    page.act(json!({"name": "popup-opened"})).await.act(json!({"name": "check-popup"})).await;
    assert_eq!((page.name(), &page.screen["window"]), ("oauth", &json!("open")));
    page.decide("approve").await;
    assert_eq!(page.name(), "success");
    let late = bench.page("decide", json!({"visit": page.visit, "decision": "decline"})).await;
    assert_eq!(late.status, 404);
    for body in
        [json!({}), json!({"visit": "x", "decision": "approve"}), json!({"visit": page.visit, "decision": "maybe"})]
    {
        assert_eq!(bench.page("decide", body).await.status, 400);
    }
    // A window that was left alone is no dead end, and counts no more once the user has gone back.
    let mut left = bench.open_at("/v2/Credential/9100/", "?demoOutbound=true").await;
    left.act(json!({"name": "popup-opened"})).await.act(json!({"name": "back"})).await;
    assert_eq!(left.name(), "banks");
    assert_eq!(bench.page("decide", json!({"visit": left.visit, "decision": "approve"})).await.status, 404);
    // It is on the list when asked for only, and takes no credentials over the API.
    let banks = bench.open("").await.screen["banks"].clone();
    assert!(banks.as_array().unwrap().iter().all(|bank| bank["id"] != 9100));
    let body = json!({"Institution": "9100", "Username": "Greatday", "Password": "Everyday"});
    assert_eq!(bench.authorize(body).await.code(), (401, "INVALID_REQUEST"));
}

#[tokio::test]
async fn the_bank_can_take_the_pages_place() {
    let bench = Bench::start().await;
    let query = "?demoOutbound=true&oauthWindowRedirect=true&redirectUrl=myapp%3A%2F%2Fcallback";
    let mut page = bench.open_at("/v2/Credential/9100/", query).await;
    assert_eq!(page.frame["replacesForOauth"], true);
    page.act(json!({"name": "leave-for-bank"})).await;
    let answer = bench.page("decide", json!({"visit": page.visit, "decision": "approve"})).await;
    let url = answer.text("url");
    assert!(
        url.starts_with("myapp://callback?loginId=") && url.ends_with("&institution=Lighthouse+Open+Bank"),
        "{url}"
    );
}

#[tokio::test]
async fn one_page_alone_can_be_told_to_fail() {
    let bench = Bench::start().await;
    let base = bench.sandbox.connect_url();
    let get = async |query: &str| bench.http.get(format!("{base}{query}")).send().await.unwrap();
    assert_eq!(get("?_page=http-500").await.status(), 500);
    assert_eq!(get("?_page=frame-denied").await.headers()["x-frame-options"], "DENY");
    assert!(!get("").await.headers().contains_key("x-frame-options"));
    assert!(bench.open("?_page=never-posts").await.events.is_empty());
    assert!(bench.sandbox.posted().is_empty());
}
