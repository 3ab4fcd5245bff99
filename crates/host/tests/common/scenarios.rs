//! What the host promises, as stories. Each is run on SQLite and on Postgres.

use std::{
    task::Poll,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _};

use super::{
    Bench, Database, LOGINS, WEBHOOK_SECRET, delivery,
    flinks::{Live, Session},
    send, signature,
};

/// Names every scenario once; `$each!(name)` makes of it what a database needs.
#[macro_export]
macro_rules! every_scenario {
    ($each:ident) => {
        $each! {
            a_refresh_ends_in_fresh_accounts
            nobody_is_needed_when_flinks_answers_200
            a_code_that_only_the_full_flow_cures_leads_there
            other_codes_are_refusals
            a_left_session_is_resumed
            an_expired_session_begins_anew
            a_result_the_browser_lost_is_found_at_the_next_start
            a_result_the_browser_lost_is_found_by_the_reconciler
            another_login_changes_nothing
            the_same_delivery_is_answered_the_same_and_another_is_refused
            what_is_not_an_attempt_of_the_user_is_unknown
            an_attempt_expires
            an_unfinished_session_is_not_believed
            only_the_picked_accounts_are_asked_for_and_kept
            the_full_flow_picks_accounts_anew
            data_that_takes_long_is_polled_for
            a_session_that_is_used_up_is_replaced_by_the_cached_one
            a_restart_carries_on
            racing_deliveries_are_taken_once
            flinks_down_is_try_again
            flinks_busy_is_try_again_later
            refused_data_is_a_problem_of_the_connection
            a_signed_webhook_is_a_delivery
            two_starts_do_not_disturb_each_other
            a_failed_nightly_refresh_wants_the_user
            nightly_refresh_leaves_alone_what_moves
            slow_flinks_gets_no_more_calls_than_allowed
            slow_flinks_is_a_problem_until_it_answers
            flinks_down_is_a_problem_until_it_is_back
            flinks_down_for_too_long_is_the_end
            limited_requests_are_a_problem_and_a_rest
            data_that_never_comes_is_a_problem
        }
    };
}

pub async fn a_refresh_ends_in_fresh_accounts(database: &Database) {
    let bench = Bench::new(database).await;
    let before = bench.connection("nightly").await;
    assert_eq!(before["status"], "needs-attention");
    assert_eq!(before["reason"], "nightly-refresh-failed");
    assert_eq!(before["selectedAccounts"], 0);
    assert_eq!(before["problem"], Value::Null);
    assert_eq!(bench.accounts("nightly").await, json!({"asOf": null, "accounts": []}));

    let reply = bench.challenge("nightly").await;
    assert_eq!(reply["mode"], "refresh");
    assert_eq!(reply["connectUrl"], "http://127.0.0.1:4201/v2/");
    assert!(reply["attemptId"].as_str().unwrap().len() >= 32 && reply["tag"].as_str().unwrap().len() >= 32);
    assert!(reply["authorizeToken"].is_string() && reply.get("resumeSelectedAccounts").is_none(), "{reply}");
    assert_eq!(reply["params"], json!({"demo": true}));
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");

    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let answer = bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    assert_eq!(answer.body, json!({"status": "accepted"}));

    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["lastRefresh"], "2026-01-21T20:47:47.145Z");
    let accounts = bench.accounts("nightly").await;
    assert_eq!(accounts["asOf"], after["lastRefresh"]);
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), 4);
    assert_eq!(
        accounts["accounts"][0],
        json!({
            "id": "acc00000-0001-4000-8000-000000000001", "title": "Account 1", "lastFour": "2333", "category": "Operations",
            "type": "Chequing", "currency": "CAD", "balance": {"available": 100.5, "current": 101.25},
            "transactions": [{"date": "2026-01-02", "description": "Coffee", "debit": 3.5, "credit": null}],
        })
    );
    let asked = bench.flinks.bank().asked.last().unwrap().clone();
    assert_eq!(asked.0, "GetAccountsDetail");
    assert_eq!(asked.1["RequestId"], reply["requestId"]);
    assert!(asked.1.get("AccountsFilter").is_none());
}

pub async fn nobody_is_needed_when_flinks_answers_200(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.live(LOGINS[1], Live::Authorized);
    assert_eq!(bench.start("ondemand").await.expect(200).body, json!({"status": "upToDate"}));
    bench.until_status("ondemand", "up-to-date").await;
    assert_eq!(bench.accounts("ondemand").await["accounts"].as_array().unwrap().len(), 4);
}

pub async fn a_code_that_only_the_full_flow_cures_leads_there(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.live(LOGINS[2], Live::Code(401, "INVALID_SECURITY_RESPONSE"));
    let reply = bench.start("mfachanged").await.expect(200).body;
    assert_eq!(reply["status"], "connect");
    assert!(reply["attemptId"].is_string() && reply["authorizeToken"].is_string() && reply["tag"].is_string());
    assert_eq!(reply["params"], json!({"demo": true}));
    assert_eq!(bench.connection("mfachanged").await["status"], "needs-attention");

    bench.flinks.add_session("request-of-connect", LOGINS[2], Session::Finished);
    let mut body = delivery(&reply, LOGINS[2]);
    body["requestId"] = json!("request-of-connect");
    bench.deliver(&body).await.expect(200);
    bench.until_status("mfachanged", "up-to-date").await;

    // Without a requestId the login itself is looked up; what Flinks had before does not count.
    let reply = bench.start("mfachanged").await.expect(200).body;
    bench.deliver(&delivery(&reply, LOGINS[2])).await.refused(409, "NOT_FINISHED");
    bench.flinks.add_session("another-request-of-connect", LOGINS[2], Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[2])).await.expect(200);
    bench.until_status("mfachanged", "up-to-date").await;
}

pub async fn other_codes_are_refusals(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.live(LOGINS[0], Live::Code(401, "RETRY_LATER"));
    // Without `Retry-After`: the page does not ask the bank again by itself.
    assert!(bench.start("nightly").await.refused(503, "RETRY_LATER").retry_after.is_none());
    bench.flinks.live(LOGINS[0], Live::Code(500, "SOMETHING_FLINKS_ADDED"));
    assert!(bench.start("nightly").await.refused(503, "UNKNOWN_FLINKS_CODE").retry_after.is_none());
    bench.start("nobodys").await.refused(404, "NO_SUCH_CONNECTION");
    // Whatever else Flinks says to a sign-in, it sends the user to Connect.
    for code in ["DISABLED_LOGIN", "UNAUTHORIZED", "SOMETHING_FLINKS_ADDED"] {
        bench.flinks.live(LOGINS[0], Live::Code(401, code));
        assert_eq!(bench.start("nightly").await.expect(200).body["status"], "connect", "{code}");
    }
}

pub async fn a_left_session_is_resumed(database: &Database) {
    let bench = Bench::new(database).await;
    let first = bench.challenge("nightly").await;
    let second = bench.challenge("nightly").await;
    assert_eq!(second["mode"], "resume");
    for same in ["attemptId", "requestId", "tag"] {
        assert_eq!(first[same], second[same]);
    }
    assert_ne!(first["authorizeToken"], second["authorizeToken"]);

    bench.flinks.set_session(second["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&second, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    assert_eq!(bench.challenge("nightly").await["mode"], "refresh");
}

pub async fn an_expired_session_begins_anew(database: &Database) {
    let bench = Bench::new(database).await;
    let first = bench.challenge("nightly").await;
    bench.flinks.set_session(first["requestId"].as_str().unwrap(), Session::Over);
    let second = bench.challenge("nightly").await;
    assert_eq!(second["mode"], "refresh");
    assert_ne!(first["attemptId"], second["attemptId"]);
    assert_ne!(first["requestId"], second["requestId"]);
    // The user may have gone on to the full flow in the first frame: its result is still taken.
    bench.flinks.add_session("request-of-connect", LOGINS[0], Session::Finished);
    let mut body = delivery(&first, LOGINS[0]);
    body["requestId"] = json!("request-of-connect");
    bench.deliver(&body).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}

pub async fn a_result_the_browser_lost_is_found_at_the_next_start(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    assert_eq!(bench.start("nightly").await.expect(200).body, json!({"status": "upToDate"}));
    bench.until_status("nightly", "up-to-date").await;

    // The lost delivery arrives after all: once, and with the right login only.
    bench.deliver(&delivery(&reply, LOGINS[1])).await.refused(409, "LOGIN_MISMATCH");
    let mut body = delivery(&reply, LOGINS[0]);
    bench.deliver(&body).await.expect(200);
    bench.deliver(&body).await.expect(200);
    body["institution"] = json!("Another");
    bench.deliver(&body).await.refused(422, "ATTEMPT_USED");
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn a_result_the_browser_lost_is_found_by_the_reconciler(database: &Database) {
    let bench = Bench::with(database, |config| config.reconcile_after = Duration::from_millis(20)).await;
    let reply = bench.challenge("nightly").await;
    let request = reply["requestId"].as_str().unwrap();
    let left = bench.challenge("ondemand").await;
    bench.flinks.set_session(request, Session::Finished);
    bench.until_status("nightly", "up-to-date").await;
    // The other one is still waiting for its user, until its session is over.
    assert_eq!(bench.connection("ondemand").await["status"], "in-progress");
    bench.flinks.set_session(left["requestId"].as_str().unwrap(), Session::Over);
    bench.until_status("ondemand", "needs-attention").await;
}

pub async fn another_login_changes_nothing(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    let before = bench.connection("nightly").await;
    // A login of somebody else's, as said by the page.
    bench.deliver(&delivery(&reply, LOGINS[1])).await.refused(409, "LOGIN_MISMATCH");
    // The right login with somebody else's session, as found out at Flinks.
    bench.flinks.add_session("request-of-another", LOGINS[1], Session::Finished);
    let mut body = delivery(&reply, LOGINS[0]);
    body["requestId"] = json!("request-of-another");
    bench.deliver(&body).await.refused(409, "LOGIN_MISMATCH");
    // Another attempt's tag.
    let mut body = delivery(&reply, LOGINS[0]);
    body["tag"] = json!("not-the-tag-of-this-attempt");
    bench.deliver(&body).await.refused(422, "TAG_MISMATCH");
    assert_eq!(bench.connection("nightly").await, before);
    assert_eq!(bench.accounts("nightly").await["accounts"], json!([]));
    assert_eq!(bench.flinks.data_asked(), 0);

    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let mut body = delivery(&reply, LOGINS[0]);
    body["tag"] = Value::Null;
    bench.deliver(&body).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}

pub async fn the_same_delivery_is_answered_the_same_and_another_is_refused(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let body = delivery(&reply, LOGINS[0]);
    let first = bench.deliver(&body).await.expect(200).body;
    bench.until_status("nightly", "up-to-date").await;
    // Flinks is not needed to repeat an answer.
    bench.flinks.bank().is_down = true;
    assert_eq!(bench.deliver(&body).await.expect(200).body, first);
    let mut other = body.clone();
    other["mode"] = json!("resume");
    bench.deliver(&other).await.refused(422, "ATTEMPT_USED");
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn what_is_not_an_attempt_of_the_user_is_unknown(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    let mut body = delivery(&reply, LOGINS[0]);
    body["attemptId"] = json!("0123456789abcdef0123456789abcdef01234567");
    bench.deliver(&body).await.refused(404, "NO_SUCH_ATTEMPT");

    // The same browser, signed in as somebody else.
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    for statement in ["INSERT INTO users (id) VALUES ('other')", "UPDATE sessions SET user_id = 'other'"] {
        connection.execute(statement).await.unwrap();
    }
    connection.close().await.unwrap();
    assert_eq!(send(bench.get("/api/connections")).await.expect(200).body, json!({"connections": []}));
    send(bench.get("/api/connections/nightly/accounts")).await.refused(404, "NO_SUCH_CONNECTION");
    bench.start("nightly").await.refused(404, "NO_SUCH_CONNECTION");
    bench.deliver(&delivery(&reply, LOGINS[0])).await.refused(404, "NO_SUCH_ATTEMPT");
    assert_eq!(bench.flinks.data_asked(), 0);
}

pub async fn an_attempt_expires(database: &Database) {
    let bench = Bench::with(database, |config| config.attempt_life = Duration::ZERO).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.refused(410, "ATTEMPT_EXPIRED");
    assert_eq!(bench.connection("nightly").await["status"], "needs-attention");
    assert_eq!(bench.challenge("nightly").await["mode"], "refresh");
}

pub async fn an_unfinished_session_is_not_believed(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    let body = delivery(&reply, LOGINS[0]);
    let answer = bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    assert!(answer.retry_after.is_some());
    // Nor is a session that is gone, when the login's last live attempt died at MFA.
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Over);
    bench.flinks.bank().cached_code = Some("QUESTION_NOT_FOUND");
    bench.deliver(&body).await.refused(409, "NOT_FINISHED");
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&body).await.expect(200);
}

pub async fn only_the_picked_accounts_are_asked_for_and_kept(database: &Database) {
    let bench = Bench::new(database).await;
    assert_eq!(bench.connection("selected").await["selectedAccounts"], 2);
    let reply = bench.challenge("selected").await;
    let picked = json!(["acc00000-0004-4000-8000-000000000001", "acc00000-0004-4000-8000-000000000003"]);
    assert_eq!(reply["resumeSelectedAccounts"], picked);
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    // What the page says was picked does not widen it.
    let mut body = delivery(&reply, LOGINS[3]);
    body["accountIds"] = json!(["acc00000-0004-4000-8000-000000000002"]);
    bench.deliver(&body).await.expect(200);
    bench.until_status("selected", "up-to-date").await;
    assert_eq!(bench.flinks.bank().asked.last().unwrap().1["AccountsFilter"], picked);
    // This Flinks ignores the filter; the host does not.
    let accounts = bench.accounts("selected").await["accounts"].clone();
    let ids: Vec<_> = accounts.as_array().unwrap().iter().map(|account| account["id"].clone()).collect();
    assert_eq!(json!(ids), picked);
}

pub async fn the_full_flow_picks_accounts_anew(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.live(LOGINS[3], Live::Code(401, "QUESTION_NOT_FOUND"));
    let reply = bench.start("selected").await.expect(200).body;
    assert_eq!(reply["params"], json!({"demo": true, "accountSelectorEnable": true, "accountSelectorMultiple": true}));
    bench.flinks.add_session("request-of-connect", LOGINS[3], Session::Finished);
    let mut body = delivery(&reply, LOGINS[3]);
    body["accountIds"] = json!(["acc00000-0004-4000-8000-000000000002"]);
    bench.deliver(&body).await.expect(200);
    let after = bench.until_status("selected", "up-to-date").await;
    assert_eq!(after["selectedAccounts"], 1);
    let accounts = bench.accounts("selected").await["accounts"].clone();
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    assert_eq!(accounts[0]["id"], "acc00000-0004-4000-8000-000000000002");
}

pub async fn data_that_takes_long_is_polled_for(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.bank().pending = 5;
    bench.flinks.live(LOGINS[0], Live::Authorized);
    bench.start("nightly").await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn a_session_that_is_used_up_is_replaced_by_the_cached_one(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.finish_and_end(reply["requestId"].as_str().unwrap());
    // Delivered late: verified by the login's cached session.
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    // And when only the data call finds out.
    bench.flinks.bank().only_cached_data = true;
    bench.flinks.live(LOGINS[1], Live::Authorized);
    bench.start("ondemand").await.expect(200);
    bench.until_status("ondemand", "up-to-date").await;
    assert!(bench.flinks.data_asked() >= 3);
}

pub async fn a_restart_carries_on(database: &Database) {
    let mut bench = Bench::new(database).await;
    bench.flinks.bank().pending = u32::MAX;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let body = delivery(&reply, LOGINS[0]);
    bench.deliver(&body).await.expect(200);
    bench.restart().await;
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    assert_eq!(bench.start("nightly").await.expect(200).body, json!({"status": "upToDate"}));
    bench.flinks.bank().pending = 0;
    bench.until_status("nightly", "up-to-date").await;
    // The key is remembered too.
    bench.deliver(&body).await.expect(200);
}

pub async fn racing_deliveries_are_taken_once(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let one = delivery(&reply, LOGINS[0]);
    let mut other = one.clone();
    other["institution"] = json!("Another");
    let bodies = [&one, &one, &one, &one, &other, &other, &other, &other];
    // Joined by hand: all eight are under way before the first is answered.
    let mut deliveries: Vec<_> = bodies.into_iter().map(|body| Box::pin(bench.deliver(body))).collect();
    let mut statuses = vec![0; deliveries.len()];
    std::future::poll_fn(|context| {
        for (delivery, status) in deliveries.iter_mut().zip(&mut statuses) {
            if *status == 0
                && let Poll::Ready(answer) = delivery.as_mut().poll(context)
            {
                *status = answer.status.as_u16();
            }
        }
        if statuses.contains(&0) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let (ones, others) = statuses.split_at(4);
    // One body wins for all who sent it, and loses for all who did not.
    assert!(
        matches!(
            (ones, others),
            ([200, 200, 200, 200], [422, 422, 422, 422]) | ([422, 422, 422, 422], [200, 200, 200, 200])
        ),
        "{statuses:?}"
    );
    bench.until_status("nightly", "up-to-date").await;
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn flinks_down_is_try_again(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.flinks.bank().is_down = true;
    let body = delivery(&reply, LOGINS[0]);
    let answer = bench.deliver(&body).await.refused(503, "FLINKS_UNREACHABLE");
    assert!(answer.retry_after.is_some());
    bench.start("ondemand").await.refused(503, "FLINKS_UNREACHABLE");
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    bench.flinks.bank().is_down = false;
    bench.deliver(&body).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}

pub async fn flinks_busy_is_try_again_later(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.bank().is_busy = true;
    let answer = bench.start("nightly").await.refused(503, "FLINKS_BUSY");
    assert!(answer.retry_after.is_some());
    bench.flinks.bank().is_busy = false;
    // The worker waits by itself.
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.flinks.bank().pending = 1;
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.flinks.bank().is_busy = true;
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    bench.flinks.bank().is_busy = false;
    bench.until_status("nightly", "up-to-date").await;
}

pub async fn refused_data_is_a_problem_of_the_connection(database: &Database) {
    let bench = Bench::new(database).await;
    bench.flinks.bank().refuses_api_key = true;
    bench.flinks.live(LOGINS[0], Live::Authorized);
    bench.start("nightly").await.expect(200);
    bench.until_problem("nightly", "in-progress", "FLINKS_KEYS_REFUSED").await;
    let tries = bench.flinks.data_asked();
    bench.until_bank("it is tried again", |bank| bank.data_asked.values().sum::<u32>() > tries).await;
    // The operator puts the key right: nothing was lost.
    bench.flinks.bank().refuses_api_key = false;
    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["problem"], Value::Null);
}

pub async fn a_signed_webhook_is_a_delivery(database: &Database) {
    let bench = Bench::new(database).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let notice = |login: &str, tag: &Value| {
        json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": login}, "RequestId": reply["requestId"], "Tag": tag}).to_string()
    };
    let post = async |body: String, secret: &str| {
        let signature = signature(secret, body.as_bytes());
        let url = format!("{}/api/flinks/webhook", bench.base);
        send(bench.browser.post(url).header("flinks-authenticity-key", signature).body(body)).await
    };
    post(notice(LOGINS[0], &reply["tag"]), "a-wrong-secret").await.refused(401, "BAD_SIGNATURE");
    let mut elsewhere: Value = serde_json::from_str(&notice(LOGINS[0], &json!("no tag of ours"))).unwrap();
    elsewhere["RequestId"] = json!("a-session-of-somebody-else");
    for useless in [notice(LOGINS[1], &reply["tag"]), elsewhere.to_string(), "{".to_owned()] {
        post(useless, WEBHOOK_SECRET).await.expect(200);
    }
    assert_eq!(bench.flinks.data_asked(), 0);
    post(notice(LOGINS[0], &reply["tag"]), WEBHOOK_SECRET).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    post(notice(LOGINS[0], &reply["tag"]), WEBHOOK_SECRET).await.expect(200);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn two_starts_do_not_disturb_each_other(database: &Database) {
    let bench = Bench::new(database).await;
    let (one, other) = tokio::join!(bench.challenge("nightly"), bench.challenge("nightly"));
    for reply in [&one, &other] {
        bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    }
    bench.deliver(&delivery(&one, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
    if one["attemptId"] != other["attemptId"] {
        bench.deliver(&delivery(&other, LOGINS[0])).await.expect(200);
        bench.until_status("nightly", "up-to-date").await;
    }
}

/// A connection that is up to date, at the sandbox's `LastRefresh`.
async fn repaired(bench: &Bench, id: &str, login: &str) {
    let reply = bench.challenge(id).await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, login)).await.expect(200);
    bench.until_status(id, "up-to-date").await;
}

/// A connection whose result was accepted and whose data Flinks prepares until it is told otherwise.
async fn accepted(bench: &Bench, id: &str, login: &str) {
    bench.flinks.bank().pending = u32::MAX;
    let reply = bench.challenge(id).await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, login)).await.expect(200);
    let request = reply["requestId"].as_str().unwrap().to_owned();
    bench.until_bank("data is asked for", |bank| bank.data_asked.contains_key(&request)).await;
}

/// Two rounds, so that one of them began after now.
async fn until_asked_again(bench: &Bench) {
    let asked = bench.flinks.bank().nightly_asked;
    bench.until_bank("the nightly status is asked for", |bank| bank.nightly_asked >= asked + 2).await;
}

pub async fn a_failed_nightly_refresh_wants_the_user(database: &Database) {
    let bench = Bench::with(database, |config| config.nightly_interval = Duration::from_millis(20)).await;
    repaired(&bench, "ondemand", LOGINS[1]).await;
    repaired(&bench, "selected", LOGINS[3]).await;
    until_asked_again(&bench).await;
    assert_eq!(bench.connection("ondemand").await["status"], "up-to-date");
    // As Flinks may write it: with and without a last refresh, a card of nobody here, a card without a login.
    bench.flinks.bank().ineligible = vec![
        json!({"LoginId": LOGINS[1], "Institution": "FlinksCapital", "Reason": "QUESTION_NOT_FOUND",
               "LastRefresh": "2026-01-21T20:47:47.145999"}),
        json!({"LoginId": "0d5a3c10-0001-4000-8000-00000000ffff", "LastRefresh": "0001-01-01T00:00:00"}),
        json!({"Institution": "Nowhere"}),
    ];
    let after = bench.until_status("ondemand", "needs-attention").await;
    assert_eq!(after["reason"], "nightly-refresh-failed");
    assert_eq!(bench.connection("selected").await["status"], "up-to-date");
    assert_eq!(bench.accounts("ondemand").await["accounts"].as_array().unwrap().len(), 4, "the old data stays");
    bench.flinks.bank().ineligible = vec![json!({"LoginId": LOGINS[3]})];
    bench.until_status("selected", "needs-attention").await;
    // What wants its user for another reason keeps it.
    bench.flinks.bank().ineligible = vec![json!({"LoginId": LOGINS[2]})];
    until_asked_again(&bench).await;
    assert_eq!(bench.connection("mfachanged").await["reason"], "mfa-answers-changed");
}

pub async fn nightly_refresh_leaves_alone_what_moves(database: &Database) {
    let bench = Bench::with(database, |config| {
        config.nightly_interval = Duration::from_millis(20);
        config.reconcile_after = Duration::from_millis(20);
    })
    .await;
    // Refreshed since: Flinks' list is older than what is here.
    repaired(&bench, "nightly", LOGINS[0]).await;
    bench.flinks.bank().ineligible = vec![json!({"LoginId": LOGINS[0], "LastRefresh": "2026-01-20T00:00:00"})];
    until_asked_again(&bench).await;
    assert_eq!(bench.connection("nightly").await["status"], "up-to-date");

    // In progress: the user is at it.
    let reply = bench.challenge("nightly").await;
    bench.flinks.bank().ineligible = vec![json!({"LoginId": LOGINS[0]})];
    until_asked_again(&bench).await;
    assert_eq!(bench.connection("nightly").await["status"], "in-progress");
    bench.flinks.bank().ineligible.clear();
    until_asked_again(&bench).await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Over);
    let left = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(left["problem"], Value::Null);

    // Refreshed while Flinks was writing its answer.
    let held = bench.flinks.bank().held_calls;
    bench.flinks.bank().held = Some("GetNightlyRefreshStatus");
    bench.until_bank("the nightly status is being asked for", |bank| bank.held_calls > held).await;
    repaired(&bench, "ondemand", LOGINS[1]).await;
    {
        let mut bank = bench.flinks.bank();
        (bank.held, bank.lists_once) = (None, true);
        bank.ineligible = vec![json!({"LoginId": LOGINS[1]})];
    }
    until_asked_again(&bench).await;
    assert!(bench.flinks.bank().ineligible.is_empty());
    assert_eq!(bench.connection("ondemand").await["status"], "up-to-date");
}

pub async fn slow_flinks_gets_no_more_calls_than_allowed(database: &Database) {
    let bench = Bench::with(database, |config| config.flinks_calls = 2).await;
    bench.until_bank("the nightly status is asked for", |bank| bank.nightly_asked == 1 && bank.under_way == 0).await;
    bench.flinks.bank().held = Some("");
    // Two under way, sixteen waiting, and what is more is refused at once.
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..30 {
        let connection = ["nightly", "ondemand", "mfachanged", "selected"][number % 4];
        let request = bench.post(&format!("/api/connections/{connection}/reconnect"), &json!({}));
        starts.spawn(async move { send(request).await });
    }
    for _ in 0..12 {
        let answer = starts.join_next().await.unwrap().unwrap().refused(503, "HOST_BUSY");
        assert!(answer.retry_after.is_some());
    }
    bench.until_bank("two calls are under way", |bank| bank.under_way == 2).await;
    bench.flinks.bank().held = None;
    while let Some(answer) = starts.join_next().await {
        answer.unwrap().expect(200);
    }
    // Two sign-ins and two other calls of starts.
    assert!(bench.flinks.bank().most_under_way <= 4, "{}", bench.flinks.bank().most_under_way);
}

pub async fn slow_flinks_is_a_problem_until_it_answers(database: &Database) {
    let bench = Bench::with(database, |config| config.flinks_timeout = Duration::from_millis(200)).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.flinks.bank().held = Some("Authorize");
    let body = delivery(&reply, LOGINS[0]);
    let answer = bench.deliver(&body).await.refused(503, "FLINKS_UNREACHABLE");
    assert!(answer.retry_after.is_some());
    bench.flinks.bank().held = Some("GetAccountsDetail");
    bench.deliver(&body).await.expect(200);
    bench.until_problem("nightly", "in-progress", "FLINKS_UNREACHABLE").await;
    bench.flinks.bank().held = None;
    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["problem"], Value::Null);
}

pub async fn flinks_down_is_a_problem_until_it_is_back(database: &Database) {
    let bench = Bench::new(database).await;
    accepted(&bench, "nightly", LOGINS[0]).await;
    let (began, calls) = (Instant::now(), bench.flinks.bank().calls);
    bench.flinks.bank().is_down = true;
    bench.until_problem("nightly", "in-progress", "FLINKS_UNREACHABLE").await;
    bench.until_bank("it is tried again", |bank| bank.calls >= calls + 3).await;
    // At first after a quarter of a second at the earliest, then later.
    let tries = bench.flinks.bank().calls - calls;
    assert!(began.elapsed() >= Duration::from_millis(250), "{tries} tries in {:?}", began.elapsed());
    {
        let mut bank = bench.flinks.bank();
        (bank.is_down, bank.pending) = (false, 1);
    }
    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["problem"], Value::Null);
    assert_eq!(bench.flinks.data_asked(), 1);
}

pub async fn flinks_down_for_too_long_is_the_end(database: &Database) {
    let bench = Bench::with(database, |config| config.data_deadline = Duration::from_secs(1)).await;
    accepted(&bench, "nightly", LOGINS[0]).await;
    bench.flinks.bank().is_down = true;
    bench.until_problem("nightly", "needs-attention", "FLINKS_UNREACHABLE").await;
    // The user can begin again.
    {
        let mut bank = bench.flinks.bank();
        (bank.is_down, bank.pending) = (false, 0);
    }
    repaired(&bench, "nightly", LOGINS[0]).await;
    assert_eq!(bench.connection("nightly").await["problem"], Value::Null);
}

pub async fn limited_requests_are_a_problem_and_a_rest(database: &Database) {
    const RESULTS: usize = 200;
    let bench = Bench::new(database).await;
    bench.until_bank("the nightly status is asked for", |bank| bank.nightly_asked == 1 && bank.under_way == 0).await;
    bench.flinks.bank().is_busy = true;
    let calls = bench.flinks.bank().calls;
    // As many results as come in together after an outage.
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let mut add = connection.begin().await.unwrap();
    for number in 0..RESULTS {
        let request = format!("request-of-outage-{number:04}");
        bench.flinks.add_session(&request, LOGINS[0], Session::Finished);
        sqlx::query(
            "INSERT INTO attempts (id, connection_id, user_id, tag, request_id, state, created_at, expires_at, due_at, accepted_at) \
             VALUES ($1, 'nightly', 'demo', $1, $2, 'accepted', $3, $3, 0, $3)",
        )
        .bind(format!("attempt-of-outage-{number:04}"))
        .bind(request)
        .bind(4_000_000_000_000_i64)
        .execute(&mut *add)
        .await
        .unwrap();
    }
    add.commit().await.unwrap();
    bench.until_problem("nightly", "in-progress", "FLINKS_BUSY").await;
    // How much is asked while Flinks says no, up to the third time: at most eight at once, and pauses in between.
    let began = Instant::now();
    bench.until_bank("it is tried again", |bank| bank.calls > calls + 16).await;
    let (tries, took) = (bench.flinks.bank().calls - calls, began.elapsed());
    println!("limited: {tries} calls for {RESULTS} results in {took:?}");
    assert!(took >= Duration::from_millis(200) && tries <= 32, "{tries} calls in {took:?}");
    bench.flinks.bank().is_busy = false;
    let after = bench.until_status("nightly", "up-to-date").await;
    assert_eq!(after["problem"], Value::Null);
    assert_eq!(bench.flinks.data_asked(), u32::try_from(RESULTS).unwrap());
    connection.close().await.unwrap();
}

pub async fn data_that_never_comes_is_a_problem(database: &Database) {
    let bench = Bench::with(database, |config| config.data_deadline = Duration::from_millis(300)).await;
    accepted(&bench, "nightly", LOGINS[0]).await;
    bench.until_problem("nightly", "needs-attention", "DATA_TIMEOUT").await;
    assert_eq!(bench.flinks.data_asked(), 1);
    bench.flinks.bank().pending = 0;
    repaired(&bench, "nightly", LOGINS[0]).await;
    assert_eq!(bench.connection("nightly").await["problem"], Value::Null);
}
