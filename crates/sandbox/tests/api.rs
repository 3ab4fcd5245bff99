//! The API over real HTTP: every way into Authorize, data, keys, and what was never meant to work.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::running::Running;
use crate::common::{ANSWERS, Bench};
use flinks_sandbox::clock::{DAY_MS, MINUTE_MS};
use flinks_sandbox::{Config, DEMO_LOGINS};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_live_refresh_asks_the_three_questions_in_turn() {
    let bench = Bench::start().await;
    let token = bench.token().await;
    let body = json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": false, "Save": true, "Tag": "attempt 7"});
    let mut answer = bench.authorize_with(&token, body).await;
    let session = answer.text("RequestId").to_owned();
    assert_eq!(answer.body["Institution"], "Maple Harbour Bank");
    assert_eq!(answer.text("Tag"), "attempt 7");
    assert_eq!(answer.body["SecurityChallenges"][0]["Type"], "QuestionAndAnswer");
    for (prompt, text) in ANSWERS {
        assert_eq!((answer.prompt(), answer.text("RequestId")), (prompt, session.as_str()));
        // The token that opened the session goes on with it.
        let body = json!({"RequestId": session, "SecurityResponses": {prompt: [text]}});
        answer = bench.authorize_with(&token, body).await;
    }
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["HttpStatusCode"], 200);
    assert_eq!(answer.body["Login"]["Id"], DEMO_LOGINS[1].login_id);
    assert_eq!(answer.body["Login"]["Username"], "Greatday");
    assert_eq!(answer.text("Tag"), "attempt 7");
    assert_eq!(answer.text("RequestId"), session);
}

#[tokio::test]
async fn a_user_without_questions_is_in_at_once_and_can_be_refreshed_without_anybody() {
    let bench = Bench::start().await;
    let body =
        json!({"Institution": "FlinksCapital", "Username": "greatday_nomfa", "Password": "Everyday", "Save": true});
    let first = bench.authorize(body).await;
    assert_eq!(first.status, 200);
    let login = first.body["Login"]["Id"].clone();
    let again = bench.authorize(json!({"LoginId": login, "MostRecentCached": false, "Save": true})).await;
    assert_eq!((again.status, &again.body["Login"]["Id"]), (200, &login));
    assert_ne!(again.text("RequestId"), first.text("RequestId"));
}

#[tokio::test]
async fn a_cached_call_gives_a_new_session_or_the_last_failure_with_a_usable_one() {
    let bench = Bench::start().await;
    let cached = |index: usize| json!({"LoginId": DEMO_LOGINS[index].login_id, "MostRecentCached": true});
    let good = bench.authorize(cached(1)).await;
    assert_eq!(good.status, 200);
    assert_eq!(bench.accounts(good.text("RequestId"), json!({})).await.len(), 4);

    let failed = bench.authorize(cached(0)).await;
    assert_eq!(failed.code(), (401, "QUESTION_NOT_FOUND"));
    assert_eq!(bench.accounts(failed.text("RequestId"), json!({})).await, DEMO_LOGINS[0].account_ids);
}

#[tokio::test]
async fn a_cached_answer_is_as_old_as_the_data_it_is_about() {
    let bench = Bench::start().await;
    let cached = || bench.authorize(json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": true}));
    let before = cached().await;
    let session = bench.refresh(1).await;
    assert_eq!(cached().await.body["Login"]["LastRefresh"], before.body["Login"]["LastRefresh"], "nobody has answered");
    bench.sandbox.advance_ms(MINUTE_MS).unwrap();
    let live = bench.answer_all(&session).await;
    let after = cached().await;
    assert_eq!(after.body["Login"]["LastRefresh"], live.body["Login"]["LastRefresh"]);
    assert!(after.body["Login"]["LastRefresh"].as_str() > before.body["Login"]["LastRefresh"].as_str());
    let old = bench.authorize(json!({"RequestId": before.text("RequestId")})).await;
    assert_eq!(old.body["Login"]["LastRefresh"], before.body["Login"]["LastRefresh"], "its data is the old one");
}

#[tokio::test]
async fn a_slow_bank_dates_what_it_does_when_it_is_done() {
    let bench = Bench::start().await;
    bench.control("faults", json!({"bankLatencyMs": 60_000, "bankQuestions": "skipped"})).await;
    let begun = bench.sandbox.now_ms();
    let body = json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": false, "Save": true});
    let push = async {
        let is_logged = |bench: &Bench| bench.sandbox.log().iter().any(|entry| entry["endpoint"] == "Authorize");
        bench.until("the call is logged before it is answered", is_logged).await;
        bench.sandbox.advance_ms(60_000).unwrap();
    };
    let (answer, ()) = tokio::join!(bench.authorize(body), push);
    assert_eq!(answer.status, 200);
    let done = flinks_sandbox::bank::ledger::moment_at(begun + 60_000);
    let refreshed = answer.body["Login"]["LastRefresh"].as_str().unwrap();
    assert!(refreshed >= done.as_str(), "{refreshed} {done}");
}

#[tokio::test]
async fn a_reset_ends_the_wait_for_a_slow_bank() {
    let bench = Bench::start().await;
    bench.control("faults", json!({"bankLatencyMs": 600_000})).await;
    let body = json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": false, "Save": true});
    let reset = async {
        bench.until("the call is logged", |bench| bench.sandbox.log().len() > 2).await;
        bench.sandbox.reset();
    };
    let (answer, ()) = tokio::join!(bench.authorize(body), reset);
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn credentials_open_a_session_in_either_language_and_any_case() {
    let bench = Bench::start().await;
    let english =
        json!({"institution": "maple harbour bank", "username": "GREATDAY", "password": "Everyday", "Save": true});
    let answer = bench.authorize(english).await;
    assert_eq!(answer.prompt(), ANSWERS[0].0);
    let login = bench.answer_all(answer.text("RequestId")).await.body["Login"]["Id"].clone();
    assert_eq!(login, DEMO_LOGINS[1].login_id, "the same login as the stored one");

    let french = json!({"Institution": 9001, "Username": "Greatday", "Password": "Everyday", "Language": "fr"});
    let answer = bench.authorize(french).await;
    assert_eq!(answer.prompt(), "Dans quelle ville êtes-vous né?");
}

#[tokio::test]
async fn credentials_the_bank_does_not_take_are_refused_by_name() {
    let bench = Bench::start().await;
    let cases = [
        ("nobody", "Everyday", (401, "INVALID_USERNAME")),
        ("Greatday", "everyday", (401, "INVALID_PASSWORD")),
        ("test_disabled_account", "x", (401, "DISABLED_LOGIN")),
        ("Test_Service_Unavailable", "x", (401, "RETRY_LATER")),
        ("test_dispatched", "Everyday", (202, "OPERATION_DISPATCHED")),
    ];
    for (user, password, expected) in cases {
        let body = json!({"Institution": "FlinksCapital", "Username": user, "Password": password, "Save": true});
        assert_eq!(bench.authorize(body).await.code(), expected, "{user}");
    }
}

#[tokio::test]
async fn answers_are_refused_by_name() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let cases = [
        (json!({ANSWERS[0].0: ["Atlantis"]}), "INVALID_SECURITY_RESPONSE"),
        (json!({ANSWERS[1].0: ["Canada"]}), "UNKNOWN_CHALLENGE_KEY"),
        (json!({"what city were you born in?": ["Montreal"]}), "UNKNOWN_CHALLENGE_KEY"),
        (json!({ANSWERS[0].0: []}), "SECURITYRESPONSES_INCOMPLETE"),
        (json!([]), "INVALID_REQUEST"),
        (json!({ANSWERS[0].0: 7}), "INVALID_REQUEST"),
    ];
    for (responses, expected) in cases {
        let answer = bench.authorize(json!({"RequestId": session, "SecurityResponses": responses})).await;
        assert_eq!(answer.code(), (401, expected), "{responses}");
    }
    let asked = bench.authorize(json!({"RequestId": session, "SecurityResponses": {}})).await;
    assert_eq!(asked.prompt(), ANSWERS[0].0, "no answer at all is a question how it stands");
    assert_eq!(bench.answer_all(&session).await.status, 200);
    let late = bench.authorize(json!({"RequestId": session, "SecurityResponses": {ANSWERS[2].0: ["Triangle"]}})).await;
    assert_eq!(late.code(), (401, "ALREADY_AUTHORIZED"));
}

#[tokio::test]
async fn a_probe_tells_how_a_session_stands_and_restarts_its_clock() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let probe = || bench.authorize(json!({ "RequestId": session }));
    for _ in 0..3 {
        bench.sandbox.advance_ms(7 * MINUTE_MS).unwrap();
        assert_eq!(probe().await.prompt(), ANSWERS[0].0);
    }
    bench.answer_all(&session).await;
    let done = probe().await;
    assert_eq!((done.status, &done.body["Login"]["Id"]), (200, &json!(DEMO_LOGINS[0].login_id)));
    bench.accounts(&session, json!({})).await;
    assert_eq!(probe().await.code(), (400, "SESSION_NONEXISTENT"));

    let expired = bench.refresh(0).await;
    bench.sandbox.advance_ms(8 * MINUTE_MS).unwrap();
    for unknown in [expired.as_str(), "9022abc2-8a2e-4b06-a06e-c3e5449c4d10", "?"] {
        let answer = bench.authorize(json!({ "RequestId": unknown })).await;
        assert_eq!(answer.code(), (400, "SESSION_NONEXISTENT"), "{unknown}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_one_session_within_fifteen_minutes() {
    let bench = Bench::start().await;
    let refresh = json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": true});
    let token = bench.token().await;
    assert_eq!(bench.authorize_with(&token, refresh.clone()).await.status, 203);
    assert_eq!(bench.authorize_with(&token, refresh.clone()).await.code(), (401, "UNAUTHORIZED"));
    let other = bench.refresh(1).await;
    assert_eq!(bench.authorize_with(&token, json!({ "RequestId": other })).await.code(), (401, "UNAUTHORIZED"));

    let old = bench.token().await;
    bench.sandbox.advance_ms(15 * MINUTE_MS).unwrap();
    assert_eq!(bench.authorize_with(&old, refresh.clone()).await.code(), (401, "UNAUTHORIZED"));

    let bench = Bench::with(Config { token_minutes: 30, ..Config::local() }).await;
    let old = bench.token().await;
    bench.sandbox.advance_ms(30 * MINUTE_MS - 1_000).unwrap();
    assert_eq!(bench.authorize_with(&old, refresh).await.status, 203, "as long as it was told to");
}

/// As clients of others have seen them: the status and the code are all that is always there.
#[tokio::test]
async fn errors_have_the_fields_that_were_seen_in_practice() {
    let bench = Bench::start().await;
    let fields = |answer: &crate::common::Answer| {
        let mut names: Vec<_> = answer.body.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let key = bench.http.post(bench.url("GenerateAuthorizeToken")).header("flinks-auth-key", "another");
    let refused = bench.send(key).await;
    assert_eq!(refused.code(), (401, "UNAUTHORIZED"));
    assert_eq!(fields(&refused), ["FlinksCode", "HttpStatusCode", "Message"]);
    let old = bench.authorize(json!({"RequestId": "9022abc2-8a2e-4b06-a06e-c3e5449c4d10"})).await;
    assert_eq!(old.code(), (400, "SESSION_NONEXISTENT"));
    assert_eq!(fields(&old), ["FlinksCode", "HttpStatusCode", "Message"]);
    for wish in [
        json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": true}),
        json!({"Institution": "FlinksCapital", "Username": "Greatday", "Password": "wrong"}),
    ] {
        let refused = bench.authorize(wish).await;
        assert_eq!(refused.status, 401);
        assert_eq!(fields(&refused), ["FlinksCode", "HttpStatusCode", "Institution", "Links", "RequestId"]);
    }
    let session = bench.authorize(json!({"LoginId": DEMO_LOGINS[1].login_id, "MostRecentCached": true})).await;
    let pending = bench.data(Method::POST, "GetAccountsDetail", json!({"RequestId": session.text("RequestId")})).await;
    assert_eq!(pending.code(), (202, "OPERATION_PENDING"));
    assert_eq!(fields(&pending), ["FlinksCode", "HttpStatusCode", "Links", "Message", "RequestId"]);
}

#[tokio::test]
async fn async_authorize_answers_later() {
    let bench = Bench::start().await;
    let token = bench.token().await;
    let url = bench.url("AuthorizeAsync");
    let send = |body: Value| bench.send(bench.http.post(&url).header("flinks-auth-key", &token).json(&body));
    let first = send(json!({"LoginId": DEMO_LOGINS[0].login_id, "MostRecentCached": false, "Save": true})).await;
    assert_eq!(first.code(), (202, "OPERATION_PENDING"));
    let probe = json!({ "RequestId": first.text("RequestId") });
    assert_eq!(send(probe.clone()).await.status, 202);
    bench.sandbox.advance_ms(60_000).unwrap();
    assert_eq!(send(probe).await.prompt(), ANSWERS[0].0);
}

#[tokio::test]
async fn details_have_the_documented_shape() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    let order = json!({"RequestId": session, "WithTransactions": true, "DaysOfTransactions": "Days365"});
    assert_eq!(bench.data(Method::POST, "GetAccountsDetail", order.clone()).await.code(), (401, "UNAUTHORIZED"));
    bench.answer_all(&session).await;
    let pending = bench.data(Method::POST, "GetAccountsDetail", order.clone()).await;
    assert_eq!(pending.code(), (202, "OPERATION_PENDING"));
    assert_eq!(pending.text("RequestId"), session);
    assert_eq!(pending.body["Links"][0]["example"], format!("/GetAccountsDetailAsync/{session}"));
    bench.sandbox.advance_ms(60_000).unwrap();
    let ready = bench.data(Method::POST, "GetAccountsDetail", order.clone()).await;
    assert_eq!((ready.status, &ready.body["HttpStatusCode"]), (200, &json!(200)));
    assert_eq!(ready.body["InstitutionId"], 14);
    for account in ready.body["Accounts"].as_array().unwrap() {
        for name in
            ["Id", "Title", "AccountNumber", "TransitNumber", "InstitutionNumber", "Category", "Type", "Currency"]
        {
            assert!(account[name].is_string(), "{name} of {account}");
        }
        assert!(account["Balance"]["Current"].is_number());
        assert!(account["Holder"]["Address"]["PostalCode"].is_string());
        let newest = &account["Transactions"][0];
        assert!(newest["Date"].as_str().unwrap().len() == 10 && newest["Balance"].is_number());
        assert_ne!(newest["Debit"].is_null(), newest["Credit"].is_null(), "{newest}");
        assert!(account["Transactions"].as_array().unwrap().len() >= 24);
    }
    assert_eq!(bench.data(Method::POST, "GetAccountsDetail", order).await.code(), (400, "SESSION_NONEXISTENT"));
}

#[tokio::test]
async fn accounts_can_be_filtered_and_parts_left_out() {
    let bench = Bench::start().await;
    let wanted = [DEMO_LOGINS[3].account_ids[0], DEMO_LOGINS[3].account_ids[3]];
    let session = bench.refresh(3).await;
    bench.answer_all(&session).await;
    assert_eq!(bench.accounts(&session, json!({ "AccountsFilter": wanted })).await, wanted);

    let session = bench.refresh(3).await;
    bench.answer_all(&session).await;
    let bare = json!({"RequestId": session, "WithTransactions": false, "WithAccountIdentity": false, "WithKYC": false});
    bench.data(Method::POST, "GetAccountsDetail", bare.clone()).await;
    bench.sandbox.advance_ms(60_000).unwrap();
    let account = bench.data(Method::POST, "GetAccountsDetail", bare).await.body["Accounts"][0].clone();
    assert!(account["AccountNumber"].is_null() && account["Holder"].is_null() && account["Transactions"].is_null());
}

#[tokio::test]
async fn summaries_and_statements_leave_the_session_usable() {
    let bench = Bench::start().await;
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    for endpoint in ["GetAccountsSummary", "GetStatements"] {
        let order = json!({"RequestId": session, "NumberOfStatements": "Months3"});
        assert_eq!(bench.data(Method::POST, endpoint, order).await.status, 202);
    }
    bench.sandbox.advance_ms(60_000).unwrap();
    let summary = bench.data(Method::GET, &format!("GetAccountsSummaryAsync/{session}"), Value::Null).await;
    assert_eq!(summary.body["Accounts"].as_array().unwrap().len(), 4);
    assert!(summary.body["Accounts"][0].get("Transactions").is_none());
    // node-flinks polls by POST.
    let statements = bench.data(Method::POST, &format!("GetStatementsAsync/{session}"), Value::Null).await;
    let first = &statements.body["StatementsByAccount"][0];
    assert_eq!(first["Statements"].as_array().unwrap().len(), 3);
    assert!(first["Statements"][0]["Base64Bytes"].as_str().unwrap().starts_with("JVBERi0"), "a PDF");
    assert_eq!(bench.accounts(&session, json!({})).await.len(), 4);
}

#[tokio::test]
async fn nightly_refresh_lists_what_needs_its_user_until_the_user_came() {
    let bench = Bench::start().await;
    let listed = || async {
        let answer = bench.data(Method::GET, "GetNightlyRefreshStatus", Value::Null).await;
        let cards = answer.body["IneligibleCards"].as_array().unwrap().clone();
        cards.iter().map(|card| card["LoginId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [DEMO_LOGINS[0].login_id]);
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    assert!(listed().await.is_empty());

    let switch = |on: bool| json!({"LoginId": DEMO_LOGINS[1].login_id, "IsActivated": on});
    let on = bench.data(Method::PATCH, "SetScheduledRefresh", switch(true)).await;
    assert_eq!((on.status, &on.body["Login"]["IsScheduledRefresh"]), (200, &json!(true)));
    bench.sandbox.advance_ms(7 * DAY_MS).unwrap();
    assert_eq!(listed().await, [DEMO_LOGINS[0].login_id, DEMO_LOGINS[1].login_id]);
    bench.data(Method::PATCH, "SetScheduledRefresh", switch(false)).await;
    assert_eq!(listed().await, [DEMO_LOGINS[0].login_id]);
}

#[tokio::test]
async fn a_card_can_be_deleted_when_it_is_not_in_use() {
    let bench = Bench::start().await;
    let delete = || bench.data(Method::DELETE, "DeleteCard/0d5a3c10-0001-4000-8000-000000000001", Value::Null);
    let session = bench.refresh(0).await;
    bench.answer_all(&session).await;
    bench.data(Method::POST, "GetAccountsDetail", json!({ "RequestId": session })).await;
    assert_eq!(delete().await.code(), (400, "CARD_IN_USE"));
    bench.sandbox.advance_ms(60_000).unwrap();
    let deleted = delete().await;
    assert_eq!((deleted.status, &deleted.body["StatusCode"]), (200, &json!(200)));
    assert_eq!(delete().await.code(), (400, "SESSION_NONEXISTENT"));
}

#[tokio::test]
async fn keys_open_only_their_own_doors() {
    let bench = Bench::start().await;
    let config = bench.sandbox.config();
    let token = bench.token().await;
    let cases = [
        (Method::POST, "GenerateAuthorizeToken", "flinks-auth-key", config.api_key.as_str()),
        (Method::POST, "GenerateAuthorizeToken", "x-other", config.secret_key.as_str()),
        (Method::POST, "Authorize", "flinks-auth-key", config.secret_key.as_str()),
        (Method::POST, "Authorize", "x-api-key", config.api_key.as_str()),
        (Method::POST, "GetAccountsDetail", "flinks-auth-key", config.secret_key.as_str()),
        (Method::POST, "GetAccountsDetail", "x-api-key", token.as_str()),
        (Method::GET, "GetNightlyRefreshStatus", "x-api-key", token.as_str()),
        (Method::DELETE, "DeleteCard/whatever", "x-other", config.secret_key.as_str()),
    ];
    let body = json!({"LoginId": DEMO_LOGINS[0].login_id, "RequestId": "9022abc2-8a2e-4b06-a06e-c3e5449c4d10"});
    for (method, endpoint, header, key) in cases {
        let request = bench.http.request(method, bench.url(endpoint)).header(header, key).json(&body);
        assert_eq!(bench.send(request).await.code(), (401, "UNAUTHORIZED"), "{endpoint} {header}");
    }
    let elsewhere = bench.url("GenerateAuthorizeToken").replace(&config.customer_id, "another-customer");
    let request = bench.http.post(elsewhere).header("flinks-auth-key", &config.secret_key);
    assert_eq!(bench.send(request).await.code(), (401, "UNAUTHORIZED"));
}

#[tokio::test]
async fn nonsense_gets_a_code_of_flinks_and_never_a_500() {
    let bench = Bench::start().await;
    let token = bench.token().await;
    let text = |length| format!(r#"{{"LoginId":"{}"}}"#, "x".repeat(length));
    let (long, huge) = (text(100_000), text(8_000_000));
    let bodies = [
        "",
        "{",
        "[]",
        "7",
        "null",
        "\"text\"",
        "{\"LoginId\":7}",
        "{\"RequestId\":{}}",
        "{\"Save\":true}",
        &long,
        &huge,
        "{\"LoginId\":\"0d5a3c10-0001-4000-8000-000000000001\",\"MostRecentCached\":\"no\"}",
        "{\"Institution\":\"Nowhere Bank\",\"Username\":\"a\",\"Password\":\"b\"}",
        "{\"Institution\":\"FlinksCapital\",\"Username\":\"a\"}",
        "\u{0}\u{1}",
        "{\"Institution\":[],\"Username\":\"a\",\"Password\":\"b\"}",
    ];
    for body in bodies {
        for endpoint in ["Authorize", "AuthorizeAsync"] {
            let token = bench.token().await;
            let request = bench.http.post(bench.url(endpoint)).header("flinks-auth-key", &token).body(body.to_owned());
            assert_eq!(bench.send(request).await.code(), (401, "INVALID_REQUEST"), "{endpoint} {body:.60}");
        }
        for endpoint in ["GetAccountsDetail", "GetAccountsSummary", "GetStatements"] {
            let key = &bench.sandbox.config().api_key;
            let request = bench.http.post(bench.url(endpoint)).header("x-api-key", key).body(body.to_owned());
            assert_eq!(bench.send(request).await.code(), (401, "INVALID_REQUEST"), "{endpoint} {body:.60}");
        }
    }
    let paths = ["Nothing", "Authorize", "", "GetAccountsDetailAsync", "//", "%2e%2e/x", "Authorize%00"];
    for path in paths {
        let request = bench.http.get(bench.url(path)).header("flinks-auth-key", &token);
        let answer = bench.send(request).await;
        assert!([400, 401].contains(&answer.code().0), "{path}: {}", answer.body);
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::GET] {
        let answer = bench.send(bench.http.request(method, bench.url("GenerateAuthorizeToken"))).await;
        assert_eq!(answer.code(), (400, "METHOD_NOT_AVAILABLE"));
    }
    for url in [bench.sandbox.api_url(), format!("{}/v3/", bench.sandbox.api_url())] {
        assert_eq!(bench.send(bench.http.get(url)).await.code(), (400, "METHOD_NOT_AVAILABLE"));
    }
}

#[tokio::test]
async fn the_log_has_every_call_and_no_secret() {
    let bench = Bench::start().await;
    let body = json!({"Institution": "FlinksCapital", "Username": "Greatday", "Password": "Everyday", "Save": true});
    let session = bench.authorize(body).await.text("RequestId").to_owned();
    bench.answer_all(&session).await;
    let log = bench.sandbox.log();
    let calls: Vec<_> = log
        .iter()
        .filter(|entry| entry["kind"] == "apiCall")
        .map(|entry| (entry["endpoint"].as_str().unwrap(), entry["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(&calls[..2], [("GenerateAuthorizeToken", 200), ("Authorize", 203)]);
    let text = json!(log).to_string();
    for secret in ["Everyday", "Montreal", &bench.sandbox.config().secret_key, &bench.sandbox.config().api_key] {
        assert!(!text.contains(secret));
    }
}

#[tokio::test]
async fn a_port_in_use_or_a_useless_key_is_refused_by_the_name_of_its_flag() {
    let bench = Bench::start().await;
    let taken = bench.sandbox.api_url().trim_start_matches("http://").parse().unwrap();
    let error = Running::start(Config { api: taken, ..Config::local() }).await.err().unwrap();
    assert!(error.starts_with("--api: "), "{error}");
    let error = Running::start(Config { connect: taken, ..Config::local() }).await.err().unwrap();
    assert!(error.starts_with("--connect: "), "{error}");
    let error = Running::start(Config { api_key: "two words".into(), ..Config::local() }).await.err().unwrap();
    assert!(error.starts_with("--api-key: ") && !error.contains("two words"), "{error}");
    let api = bench.sandbox.api_url();
    bench.sandbox.stop().await;
    assert!(reqwest::get(format!("{api}/healthz")).await.is_err());
}
