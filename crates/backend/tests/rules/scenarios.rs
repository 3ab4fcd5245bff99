//! The rules as stories, each about one thing that went wrong once.

use flinks_backend::{
    deliver::{Deliver, Delivery},
    flinks::{Answer, Call, Sent, Trouble},
    nightly::{Listed, NIGHTLY_FAILED, Nightly},
    reason::Reason,
    record::{Stage, State, Status},
    settings::Fetch,
    start::{Mode, PageToken, StartReply},
    step::{Done, EventKind, Reply, Task},
    webhook::Webhook,
    work::Work,
};
use flinks_connect::id::{AttemptId, LoginId, RequestId, Tag};
use serde_json::json;

use super::{
    flinks::{Bank, Session, Tokens, Weather},
    world::{At, BANK, Driver, LOGIN, OLD_MS, USER, World, accounts, delivery, login, refused},
};

const MINUTE: i64 = 60_000;

fn up_to_date() -> Reply {
    Reply::Started(StartReply::UpToDate)
}

#[test]
fn a_refresh_ends_in_fresh_data() {
    let mut world = World::new();
    let challenge = world.challenge();
    assert_eq!(challenge.mode, Mode::Refresh);
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms);
    assert_eq!(world.deliver(delivery(&challenge.attempt, Some(challenge.request_id.as_str()))), Reply::Accepted);
    world.work_for(MINUTE);
    world.is_repaired();
    assert_eq!(world.stored_accounts().len(), 3);
    assert_eq!(world.flinks.sign_ins.len(), 1);
    assert_eq!(world.flinks.sign_ins[0].1.as_deref(), Some(challenge.tag.as_str()), "the sign-in carries the tag");
}

// Fault 1: which session is asked, and what a cached answer proves.

#[test]
fn an_unfinished_session_is_not_accepted_by_a_made_up_request_id() {
    let mut world = World::new();
    let challenge = world.challenge();
    refused(&world.deliver(delivery(&challenge.attempt, Some("made-up-session"))), 409, "NOT_FINISHED");
    refused(&world.deliver(delivery(&challenge.attempt, None)), 409, "NOT_FINISHED");
    assert_eq!(world.connection().status, Status::NeedsAttention);
    // Nor when the session is over: what Flinks has is as old as before.
    world.now_ms += 20 * MINUTE;
    refused(&world.deliver(delivery(&challenge.attempt, Some("made-up-session"))), 409, "NOT_FINISHED");
}

#[test]
fn an_older_session_of_the_login_is_no_result_while_the_attempts_own_waits() {
    let mut world = World::new();
    world.flinks.full_flow("an-older-session", LOGIN, OLD_MS);
    let challenge = world.challenge();
    refused(&world.deliver(delivery(&challenge.attempt, Some("an-older-session"))), 409, "NOT_FINISHED");
    // The user leaves the question for the full flow, in the same frame.
    world.now_ms += MINUTE;
    world.flinks.full_flow("a-younger-session", LOGIN, world.now_ms);
    assert_eq!(world.deliver(delivery(&challenge.attempt, Some("a-younger-session"))), Reply::Accepted);
}

#[test]
fn an_older_session_of_the_login_is_no_result_of_the_full_flow() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    world.flinks.full_flow("an-older-session", LOGIN, OLD_MS);
    refused(&world.deliver(delivery(&connect.attempt, Some("an-older-session"))), 409, "NOT_FINISHED");
    world.now_ms += MINUTE;
    world.flinks.full_flow("a-younger-session", LOGIN, world.now_ms);
    assert_eq!(world.deliver(delivery(&connect.attempt, Some("a-younger-session"))), Reply::Accepted);
}

#[test]
fn while_the_attempts_own_session_waits_what_flinks_has_of_the_login_is_no_result() {
    let mut world = World::new();
    let challenge = world.challenge();
    // The login was refreshed elsewhere, later than the attempt began.
    world.now_ms += MINUTE;
    world.flinks.full_flow("a-session-elsewhere", LOGIN, world.now_ms);
    refused(&world.deliver(delivery(&challenge.attempt, Some("made-up-session"))), 409, "NOT_FINISHED");
    refused(&world.deliver(delivery(&challenge.attempt, None)), 409, "NOT_FINISHED");
    assert_eq!(world.state(&challenge.attempt), State::Open);
}

/// Answers the next call of a task with this.
fn hears(world: &mut World, driver: &mut Driver, is_it: fn(&Call) -> bool, answer: Answer) {
    while !matches!(&driver.at, At::Send(call) if is_it(call)) {
        assert!(driver.reply().is_none(), "the call is not made: {:?}", driver.reply());
        world.advance(driver);
    }
    driver.at = At::Hear(Box::new(answer));
}

fn another_login(session: &str) -> Answer {
    let (login_id, request_id) = (LoginId::parse("login-of-another").unwrap(), RequestId::parse(session));
    Answer::Authorized { login_id, request_id, last_refresh_ms: Some(i64::MAX) }
}

#[test]
fn another_login_is_found_out_in_the_attempts_own_session() {
    let world_with_it = || {
        let mut world = World::new();
        let challenge = world.challenge();
        let session = challenge.request_id.as_str();
        world.flinks.sessions.get_mut(session).unwrap().login = "login-of-another".to_owned();
        world.flinks.finish(session, world.now_ms + 1);
        (world, challenge)
    };
    let (mut world, challenge) = world_with_it();
    refused(&world.deliver(delivery(&challenge.attempt, None)), 409, "LOGIN_MISMATCH");
    assert_eq!(world.state(&challenge.attempt), State::Open);
    // The next start begins anew.
    assert_ne!(world.challenge().attempt, challenge.attempt);
    assert_eq!(world.state(&challenge.attempt), State::Superseded);
    let (mut world, challenge) = world_with_it();
    world.work_for(2 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Superseded);
    assert_eq!(world.connection().problem.as_deref(), Some("LOGIN_MISMATCH"));
}

#[test]
fn another_login_is_found_out_in_what_flinks_has() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    let is_cached = |call: &Call| matches!(call, Call::Cached { .. });
    let mut driver = Driver::of(Task::Deliver(Deliver::new(USER.to_owned(), delivery(&connect.attempt, None))));
    hears(&mut world, &mut driver, is_cached, another_login("session-of-another"));
    refused(&world.finish(&mut driver), 409, "LOGIN_MISMATCH");
    let mut driver = Driver::of(Task::Work(Work::new(connect.attempt.clone())));
    hears(&mut world, &mut driver, is_cached, another_login("session-of-another"));
    assert_eq!(world.finish(&mut driver), Reply::Done(Done::Ended));
    assert_eq!(world.connection().problem.as_deref(), Some("LOGIN_MISMATCH"));
}

#[test]
fn another_login_is_found_out_in_the_sign_in_and_in_the_data() {
    let mut world = World::new();
    let mut driver = Driver::of(world.start_task(BANK));
    let is_sign_in = |call: &Call| matches!(call, Call::SignIn { .. });
    hears(&mut world, &mut driver, is_sign_in, another_login("session-of-another"));
    refused(&world.finish(&mut driver), 409, "LOGIN_MISMATCH");
    let challenge = world.challenge();
    let session = challenge.request_id.as_str();
    world.flinks.finish(session, world.now_ms + 1);
    assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted);
    world.flinks.sessions.get_mut(session).unwrap().login = "login-of-another".to_owned();
    world.flinks.last_refresh_ms.insert("login-of-another".to_owned(), world.now_ms);
    world.work_for(MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Failed);
    assert_eq!(world.connection().problem.as_deref(), Some("LOGIN_MISMATCH"));
    assert!(world.stored_accounts().is_empty());
}

#[test]
fn another_login_changes_nothing() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.full_flow("session-of-another", "login-of-another", world.now_ms);
    refused(&world.deliver(delivery(&challenge.attempt, Some("session-of-another"))), 409, "LOGIN_MISMATCH");
    let named = Delivery { login_id: LoginId::parse("login-of-another"), ..delivery(&challenge.attempt, None) };
    refused(&world.deliver(named), 409, "LOGIN_MISMATCH");
    assert_eq!(world.state(&challenge.attempt), State::Open);
}

#[test]
fn a_cached_answer_counts_only_when_it_is_younger_than_the_attempt() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    world.flinks.failed_last.clear();
    refused(&world.deliver(delivery(&connect.attempt, Some("made-up-session"))), 409, "NOT_FINISHED");
    refused(&world.deliver(delivery(&connect.attempt, None)), 409, "NOT_FINISHED");
    world.now_ms += MINUTE;
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    assert_eq!(world.deliver(delivery(&connect.attempt, None)), Reply::Accepted);
}

#[test]
fn a_delivery_that_names_nothing_needs_an_attempt_with_a_session() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms);
    let nameless = |attempt: &AttemptId| Delivery { login_id: None, ..delivery(attempt, None) };
    assert_eq!(world.deliver(nameless(&challenge.attempt)), Reply::Accepted);
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    refused(&world.deliver(nameless(&connect.attempt)), 422, "NOTHING_TO_VERIFY");
}

// Faults 2 and 3: the user's choice of accounts.

/// The full flow of a connection with the first account picked, with a result that picks the second.
fn picking() -> (World, AttemptId, Tag) {
    let mut world = World::with(&["account-one"]);
    world.flinks.bank = Bank::Refuses(401, "QUESTION_NOT_FOUND");
    let connect = world.connect();
    world.now_ms += MINUTE;
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    (world, connect.attempt, connect.tag)
}

#[test]
fn accounts_picked_anew_win_also_when_the_webhook_is_faster() {
    let (mut world, attempt, tag) = picking();
    let hook = world.webhook(Some("session-of-connect"), Some(&tag));
    assert_eq!(hook, Reply::Done(Done::Postponed));
    world.work_for(10 * MINUTE);
    assert!(world.stored_accounts().is_empty(), "the old selection may be what the user took away");
    let picked = Delivery { account_ids: accounts(&["account-two"]), ..delivery(&attempt, Some("session-of-connect")) };
    assert_eq!(world.deliver(picked), Reply::Accepted);
    world.work_for(MINUTE);
    world.is_repaired();
    assert_eq!(world.stored_accounts(), ["account-two"]);
    assert_eq!(world.connection().selection, accounts(&["account-two"]));
}

#[test]
fn accounts_picked_anew_are_not_taken_for_the_old_ones_by_the_next_start() {
    let (mut world, attempt, _) = picking();
    world.flinks.bank = Bank::Asks;
    world.challenge();
    world.work_for(MINUTE);
    assert!(world.stored_accounts().is_empty());
    let picked = Delivery { account_ids: accounts(&["account-two"]), ..delivery(&attempt, Some("session-of-connect")) };
    assert_eq!(world.deliver(picked), Reply::Accepted);
    world.work_for(MINUTE);
    assert_eq!(world.stored_accounts(), ["account-two"]);
}

/// The user leaves the bank's question for the full flow, in the same frame.
#[test]
fn accounts_picked_anew_in_a_questions_frame_win_also_when_the_webhook_is_faster() {
    let mut world = World::with(&["account-one"]);
    let challenge = world.challenge();
    world.now_ms += MINUTE;
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    let hook = world.webhook(Some("session-of-connect"), Some(&challenge.tag));
    assert_eq!(hook, Reply::Done(Done::Postponed));
    assert_eq!(world.webhook(Some("session-of-connect"), Some(&challenge.tag)), Reply::Done(Done::Nothing));
    world.work_for(10 * MINUTE);
    assert!(world.stored_accounts().is_empty(), "the old selection may be what the user took away");
    let ids = accounts(&["account-two"]);
    let picked = Delivery { account_ids: ids, ..delivery(&challenge.attempt, Some("session-of-connect")) };
    assert_eq!(world.deliver(picked), Reply::Accepted);
    world.work_for(MINUTE);
    world.is_repaired();
    assert_eq!(world.stored_accounts(), ["account-two"]);

    // The webhook of the attempt's own session says that the user came back to the question: there was nothing to pick.
    let mut world = World::with(&["account-one"]);
    let challenge = world.challenge();
    let session = challenge.request_id.as_str();
    world.flinks.finish(session, world.now_ms + 1);
    assert_eq!(world.webhook(Some(session), Some(&challenge.tag)), Reply::Done(Done::Accepted));
    world.work_for(MINUTE);
    assert_eq!(world.stored_accounts(), ["account-one"]);
}

#[test]
fn a_choice_that_no_browser_brought_is_not_guessed() {
    let (mut world, attempt, tag) = picking();
    world.webhook(Some("session-of-connect"), Some(&tag));
    world.work_for(3 * 60 * MINUTE);
    assert_eq!(world.state(&attempt), State::Superseded);
    assert_eq!(world.connection().problem.as_deref(), Some("CHOICE_UNKNOWN"));
    assert!(world.stored_accounts().is_empty());
}

#[test]
fn account_ids_that_flinks_does_not_have_are_no_choice() {
    let (mut world, attempt, _) = picking();
    let ids = accounts(&["account-two", "account-made-up"]);
    let made_up = Delivery { account_ids: ids, ..delivery(&attempt, Some("session-of-connect")) };
    assert_eq!(world.deliver(made_up), Reply::Accepted);
    world.work_for(MINUTE);
    world.is_repaired();
    assert_eq!(world.stored_accounts(), ["account-one"]);
    assert_eq!(world.connection().selection, accounts(&["account-one"]), "it is not sent to Connect ever after");
}

#[test]
fn account_ids_choose_nothing_for_a_connection_made_without_the_selector() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "QUESTION_NOT_FOUND");
    let connect = world.connect();
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms + 1);
    let ids = accounts(&["account-made-up"]);
    world.deliver(Delivery { account_ids: ids, ..delivery(&connect.attempt, Some("session-of-connect")) });
    world.work_for(MINUTE);
    assert_eq!(world.stored_accounts().len(), 3);
}

#[test]
fn account_ids_of_a_session_the_user_came_back_to_widen_nothing() {
    let mut world = World::with(&["account-one"]);
    let challenge = world.challenge();
    assert_eq!(challenge.selection, accounts(&["account-one"]));
    let session = challenge.request_id.as_str();
    world.flinks.finish(session, world.now_ms + 1);
    let ids = accounts(&["account-two"]);
    world.deliver(Delivery { account_ids: ids, ..delivery(&challenge.attempt, Some(session)) });
    world.work_for(MINUTE);
    assert_eq!(world.stored_accounts(), ["account-one"]);
}

#[test]
fn success_is_never_empty() {
    let mut world = World::with(&["account-closed"]);
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.deliver(delivery(&challenge.attempt, None));
    world.work_for(MINUTE);
    assert_eq!(world.connection().status, Status::NeedsAttention);
    assert_eq!(world.connection().problem.as_deref(), Some("NO_ACCOUNTS"));
}

// Fault 4: what a code means to a call.

#[test]
fn a_refused_api_key_ends_no_accepted_result() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.flinks.weather = Weather::ApiKeyRefused;
    world.deliver(delivery(&challenge.attempt, None));
    world.work_for(5 * 60 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Accepted);
    assert_eq!(world.connection().problem.as_deref(), Some("FLINKS_KEYS_REFUSED"));
    world.flinks.weather = Weather::Fair;
    world.work_for(2 * MINUTE);
    world.is_repaired();
}

#[test]
fn no_transactions_are_no_reason_to_have_no_accounts() {
    let mut world = World::new();
    world.flinks.weather = Weather::NoTransactions;
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.deliver(delivery(&challenge.attempt, None));
    world.work_for(MINUTE);
    world.is_repaired();
}

#[test]
fn whatever_flinks_would_send_to_connect_is_the_full_flow() {
    for code in ["INVALID_LOGIN", "DISABLED_LOGIN", "UNAUTHORIZED", "NEW_ACCOUNT", "A_CODE_FLINKS_ADDED"] {
        let mut world = World::new();
        world.flinks.bank = Bank::Refuses(401, code);
        let connect = world.connect();
        assert_eq!(world.state(&connect.attempt), State::Open, "{code}");
        assert_eq!(world.connection().sign_in, None);
    }
    for code in ["RETRY_LATER", "CONCURRENT_SESSION", "AGGREGATION_ERROR"] {
        let mut world = World::new();
        world.flinks.bank = Bank::Refuses(401, code);
        // The page would repeat it for minutes, and the bank be asked each time. Its user decides.
        assert_eq!(refused(&world.start(), 503, code).retry_after_s(), None, "{code}");
        assert_eq!(world.connection().sign_in, None, "{code}");
    }
}

// Fault 5: tokens.

#[test]
fn a_session_is_asked_about_with_its_own_token_and_then_with_a_fresh_one() {
    let in_words = Some("You must provide a valid authorize token");
    for (tokens, message) in [
        (Tokens::Any, None),
        (Tokens::OnlyTheSessions, in_words),
        (Tokens::OnlyFresh, in_words),
        // Without a word of the token it could be the bank's refusal of the user: a fresh one tells.
        (Tokens::OnlyFresh, None),
    ] {
        let mut world = World::new();
        (world.flinks.tokens, world.flinks.token_message) = (tokens, message);
        let challenge = world.challenge();
        assert_eq!(world.challenge().mode, Mode::Resume, "{tokens:?}");
        world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
        assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted, "{tokens:?}");
    }
}

#[test]
fn two_refused_tokens_are_no_verdict() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.tokens = Tokens::OnlyTheSessions;
    world.flinks.sessions.get_mut(challenge.request_id.as_str()).unwrap().standing = Session::Asking;
    // A token nobody has.
    world.store.attempts[0].token = None;
    refused(&world.start(), 503, "FLINKS_KEYS_REFUSED");
    refused(&world.deliver(delivery(&challenge.attempt, None)), 503, "FLINKS_KEYS_REFUSED");
    world.work_for(10 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Open);
}

#[test]
fn a_page_whose_token_was_refused_gets_the_other_kind() {
    let mut world = World::new();
    world.challenge();
    let own = world.store.attempts[0].token.clone().unwrap();
    let task = world.start_with(BANK, PageToken::Sessions);
    let Reply::Started(StartReply::Challenge(again)) = world.run(task) else { panic!("no challenge") };
    assert_eq!(again.token, own);
    assert_ne!(world.challenge().token, own);
}

// Fault 6: finished, but still aggregating.

#[test]
fn what_flinks_has_finished_but_still_aggregates_is_accepted() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.flinks.weather = Weather::StillAggregating;
    assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted);
    world.work_for(5 * MINUTE);
    assert_eq!(world.connection().problem, None);
    world.flinks.weather = Weather::Fair;
    world.work_for(MINUTE);
    world.is_repaired();
}

#[test]
fn already_authorized_about_a_session_that_only_a_page_names_proves_nothing() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    world.flinks.full_flow("session-of-another", "login-of-another", world.now_ms);
    world.flinks.failed_last.clear();
    world.flinks.weather = Weather::StillAggregating;
    refused(&world.deliver(delivery(&connect.attempt, Some("session-of-another"))), 409, "NOT_FINISHED");
}

// Fault 7: what the browser lost.

#[test]
fn what_was_finished_during_an_outage_is_found_after_it() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.flinks.weather = Weather::Down;
    world.work_for(31 * MINUTE);
    world.flinks.sessions.get_mut(challenge.request_id.as_str()).unwrap().standing = Session::Over;
    world.flinks.weather = Weather::Fair;
    world.work_for(30 * MINUTE);
    world.is_repaired();
}

#[test]
fn an_outage_past_the_attempts_life_loses_nothing() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.flinks.weather = Weather::Down;
    world.work_for(3 * 60 * MINUTE);
    world.flinks.sessions.clear();
    world.flinks.weather = Weather::Fair;
    world.work_for(30 * MINUTE);
    world.is_repaired();
}

#[test]
fn an_attempt_is_not_given_up_while_flinks_cannot_say() {
    let mut world = World::new();
    let challenge = world.challenge();
    let session = challenge.request_id.as_str();
    world.flinks.finish(session, world.now_ms + 1);
    world.flinks.sessions.get_mut(session).unwrap().standing = Session::Over;
    // A cached call repeats the failure of the last live one, also one that passes.
    world.flinks.failed_last.insert(LOGIN.to_owned(), "RETRY_LATER");
    world.work_for(3 * 60 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Open);
    world.flinks.failed_last.clear();
    world.work_for(30 * MINUTE);
    world.is_repaired();
}

#[test]
fn before_it_is_given_up_an_attempt_is_asked_about_by_its_login() {
    let mut world = World::new();
    let challenge = world.challenge();
    let session = challenge.request_id.as_str();
    // Its user has left the question for the full flow, and somebody keeps the question's session alive.
    world.now_ms += MINUTE;
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    for _ in 0..30 {
        assert_eq!(world.state(&challenge.attempt), State::Open);
        world.flinks.sessions.get_mut(session).unwrap().touched_ms = world.now_ms;
        world.work_for(2 * MINUTE);
    }
    assert_eq!(world.state(&challenge.attempt), State::Finished);
    world.is_repaired();
}

#[test]
fn the_attempts_beside_a_result_are_asked_about_no_more() {
    let mut world = World::new();
    let first = world.challenge();
    world.now_ms += 9 * MINUTE;
    let second = world.challenge();
    assert_eq!(world.state(&first.attempt), State::Open, "its user may be in the full flow");
    world.flinks.finish(second.request_id.as_str(), world.now_ms + 1);
    assert_eq!(world.deliver(delivery(&second.attempt, None)), Reply::Accepted);
    assert_eq!(world.state(&first.attempt), State::Superseded);
}

#[test]
fn a_spent_session_is_replaced_by_a_younger_one_only() {
    let mut world = World::new();
    let challenge = world.challenge();
    let session = challenge.request_id.as_str();
    let finished_ms = world.now_ms + 1;
    world.flinks.finish(session, finished_ms);
    assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted);
    world.flinks.sessions.get_mut(session).unwrap().standing = Session::Over;
    world.flinks.last_refresh_ms.insert(LOGIN.to_owned(), OLD_MS);
    world.work_for(5 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Accepted);
    assert_eq!(world.connection().problem.as_deref(), Some("SESSION_NONEXISTENT"));
    world.flinks.last_refresh_ms.insert(LOGIN.to_owned(), finished_ms);
    world.work_for(5 * MINUTE);
    world.is_repaired();
}

#[test]
fn a_full_flow_that_no_browser_reported_is_found() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    world.now_ms += MINUTE;
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    world.work_for(10 * MINUTE);
    assert_eq!(world.state(&connect.attempt), State::Finished);
    world.is_repaired();
}

#[test]
fn a_webhook_is_known_by_its_tag_or_by_its_session() {
    for by_tag in [true, false] {
        let mut world = World::new();
        let challenge = world.challenge();
        let session = challenge.request_id.as_str();
        world.flinks.finish(session, world.now_ms + 1);
        let tag = by_tag.then_some(&challenge.tag);
        assert_eq!(world.webhook(Some(session), tag), Reply::Done(Done::Accepted));
        assert_eq!(world.webhook(Some(session), tag), Reply::Done(Done::Nothing), "once");
        let unknown = Tag::parse("a tag of somebody else's").unwrap();
        assert_eq!(world.webhook(Some("unknown-session"), Some(&unknown)), Reply::Done(Done::Nothing));
    }
    // Flinks may return a tag that is not ours: the session is.
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    let unknown = Tag::parse("a tag of somebody else's").unwrap();
    let hook = world.webhook(Some(challenge.request_id.as_str()), Some(&unknown));
    assert_eq!(hook, Reply::Done(Done::Accepted));
}

#[test]
fn two_attempts_that_share_a_session_bring_one_result() {
    let mut world = World::new();
    let first = world.challenge();
    let session = first.request_id.as_str().to_owned();
    world.flinks.sessions.get_mut(&session).unwrap().standing = Session::Over;
    let second = world.challenge();
    assert_ne!(first.attempt, second.attempt);
    // Flinks names the first session again, in both webhooks.
    world.flinks.full_flow(&session, LOGIN, world.now_ms + 1);
    assert_eq!(world.webhook(Some(&session), Some(&first.tag)), Reply::Done(Done::Accepted));
    assert_eq!(world.webhook(Some(&session), Some(&second.tag)), Reply::Done(Done::Nothing));
    assert_eq!(world.deliver(delivery(&second.attempt, Some(&session))), Reply::Accepted);
    assert_eq!(world.store.moves.iter().filter(|(_, state)| *state == State::Accepted).count(), 1);
    world.work_for(MINUTE);
    world.is_repaired();
}

#[test]
fn questions_about_an_abandoned_session_let_it_die() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.work_for(3 * 60 * MINUTE);
    let session = challenge.request_id.as_str();
    assert!(!matches!(world.flinks.sessions[session].standing, Session::Asking), "asking keeps it alive for ever");
    let asked = world.flinks.asked.iter().filter(|(id, _)| id == session).count();
    assert!((3..=8).contains(&asked), "{asked}");
    assert_eq!(world.state(&challenge.attempt), State::Superseded);
    assert_eq!(world.flinks.sign_ins.len(), 1, "nobody was there");
}

#[test]
fn a_cached_call_that_repeats_a_passing_failure_keeps_nobody_out() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "RETRY_LATER");
    refused(&world.start(), 503, "RETRY_LATER");
    world.flinks.bank = Bank::Asks;
    let challenge = world.challenge();
    world.now_ms += 9 * MINUTE;
    let again = world.challenge();
    assert_ne!(challenge.attempt, again.attempt);
    world.flinks.finish(again.request_id.as_str(), world.now_ms + 1);
    assert_eq!(world.deliver(delivery(&again.attempt, None)), Reply::Accepted);
}

// Faults 8 and 9: one sign-in.

#[test]
fn a_slow_bank_is_one_sign_in_however_often_it_is_asked_for() {
    for tokens in [Tokens::Any, Tokens::OnlyTheSessions] {
        let mut world = World::new();
        world.flinks.tokens = tokens;
        world.flinks.bank = Bank::Slow(2 * MINUTE);
        for _ in 0..3 {
            let refusal = refused(&world.start(), 503, "BANK_SLOW");
            assert!(refusal.retry_after_s().is_some());
            world.now_ms += 20_000;
        }
        world.now_ms += 2 * MINUTE;
        let challenge = world.challenge();
        assert_eq!(challenge.mode, Mode::Resume);
        assert_eq!(world.flinks.sign_ins.len(), 1);
        world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
        assert_eq!(world.deliver(delivery(&challenge.attempt, None)), Reply::Accepted);
    }
}

#[test]
fn a_sign_in_whose_answer_was_lost_is_not_repeated_for_the_banks_time() {
    let mut world = World::new();
    let mut driver = Driver::of(world.start_task(BANK));
    while !matches!(driver.at, At::Send(Call::SignIn { .. })) {
        world.advance(&mut driver);
    }
    world.advance(&mut driver);
    driver.at = At::Hear(Box::new(Answer::failed(Trouble::Unreachable, Sent::Perhaps)));
    refused(&world.finish(&mut driver), 503, "BANK_SLOW");
    // Nor does the host that died in the middle know.
    for _ in 0..6 {
        refused(&world.start(), 503, "BANK_SLOW");
        world.now_ms += 5000;
    }
    assert_eq!(world.flinks.sign_ins.len(), 1);
    world.now_ms += 211_000;
    world.challenge();
    assert_eq!(world.flinks.sign_ins.len(), 2);
}

#[test]
fn a_sign_in_that_was_held_up_is_not_sent_late() {
    let held_up_for = |ms: i64| {
        let mut world = World::new();
        let mut driver = Driver::of(world.start_task(BANK));
        while !matches!(driver.at, At::Send(Call::SignIn { .. })) {
            world.advance(&mut driver);
        }
        world.now_ms += ms;
        (world, driver)
    };
    let (mut world, mut driver) = held_up_for(15_000);
    assert!(matches!(world.finish(&mut driver), Reply::Started(_)));
    assert_eq!(world.flinks.sign_ins.len(), 1);

    // Its process stood still; another one signed in once the mark was over, and its user is at it.
    let (mut world, mut driver) = held_up_for(5 * MINUTE);
    let challenge = world.challenge();
    refused(&world.finish(&mut driver), 503, "FLINKS_UNREACHABLE");
    assert_eq!(world.flinks.sign_ins.len(), 1);
    assert_eq!(world.challenge().request_id, challenge.request_id);
}

#[test]
fn a_start_whose_process_stood_still_begins_no_sign_in_for_nobody() {
    for (stood_still_ms, sign_ins) in [(30_000, 1), (5 * MINUTE, 0)] {
        let mut world = World::new();
        let mut driver = Driver::of(world.start_task(BANK));
        // What Flinks has was asked for, and its answer has not been heard.
        while !matches!(driver.at, At::Hear(_)) {
            world.advance(&mut driver);
        }
        world.now_ms += stood_still_ms;
        let reply = world.finish(&mut driver);
        assert_eq!(world.flinks.sign_ins.len(), sign_ins, "{reply:?}");
        if sign_ins == 0 {
            refused(&reply, 503, "BANK_SLOW");
        }
    }
}

#[test]
fn a_lost_sign_in_that_went_well_is_found_before_another_is_sent() {
    let mut world = World::new();
    world.flinks.bank = Bank::NeedsNobody;
    let mut driver = Driver::of(world.start_task(BANK));
    while !matches!(driver.at, At::Hear(_)) || world.flinks.sign_ins.is_empty() {
        world.advance(&mut driver);
    }
    drop(driver);
    world.now_ms += 5 * MINUTE;
    assert_eq!(world.start(), up_to_date());
    assert_eq!(world.flinks.sign_ins.len(), 1);
    world.work_for(MINUTE);
    world.is_repaired();
}

#[test]
fn five_clicks_at_once_are_one_sign_in_and_one_attempt() {
    let mut world = World::new();
    let mut drivers: Vec<_> = (0..5).map(|_| Driver::of(world.start_task(BANK))).collect();
    for _ in 0..200 {
        for driver in &mut drivers {
            world.advance(driver);
        }
    }
    let attempts: Vec<_> = drivers
        .iter()
        .map(|driver| match driver.reply() {
            Some(Reply::Started(StartReply::Challenge(challenge))) => challenge.attempt.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(attempts.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(world.flinks.sign_ins.len(), 1);
}

#[test]
fn clicks_that_waited_for_a_refusal_do_not_ask_the_bank_each() {
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "RETRY_LATER");
    let mut drivers: Vec<_> = (0..5).map(|_| Driver::of(world.start_task(BANK))).collect();
    for _ in 0..200 {
        for driver in &mut drivers {
            world.advance(driver);
        }
    }
    for driver in &drivers {
        let Some(Reply::Refused(refusal)) = driver.reply() else { panic!("not refused: {:?}", driver.reply()) };
        // Else each of their pages would ask the bank again by itself.
        assert_eq!((refusal.status(), refusal.retry_after_s()), (503, None), "{refusal:?}");
    }
    assert_eq!(world.flinks.sign_ins.len(), 1);
}

/// Flinks may leave every field out but the one that was asked for.
#[test]
fn a_sign_in_that_went_well_without_a_session_is_not_repeated() {
    let mut world = World::new();
    world.flinks.bank = Bank::NeedsNobody;
    let mut driver = Driver::of(world.start_task(BANK));
    while world.flinks.sign_ins.is_empty() {
        world.advance(&mut driver);
    }
    let nameless = Answer::Authorized { login_id: login(), request_id: None, last_refresh_ms: Some(world.now_ms) };
    driver.at = At::Hear(Box::new(nameless));
    refused(&world.finish(&mut driver), 503, "BANK_SLOW");
    // The widget asks again and again.
    for _ in 0..5 {
        refused(&world.start(), 503, "BANK_SLOW");
    }
    world.work_for(5 * MINUTE);
    assert_eq!(world.flinks.sign_ins.len(), 1);
    world.is_repaired();
}

#[test]
fn a_click_that_looked_before_the_sign_in_was_marked_takes_its_outcome() {
    for bank in [Bank::Asks, Bank::Refuses(401, "RETRY_LATER")] {
        let mut world = World::new();
        world.flinks.bank = bank;
        let mut late = Driver::of(world.start_task(BANK));
        while !matches!(late.at, At::Hear(_)) {
            world.advance(&mut late);
        }
        let first = world.start();
        match (first, world.finish(&mut late)) {
            (Reply::Started(StartReply::Challenge(first)), Reply::Started(StartReply::Challenge(late))) => {
                assert_eq!(first.attempt, late.attempt);
                assert_ne!(first.token, late.token);
            }
            (Reply::Refused(_), late) => drop(refused(&late, 503, "SIGN_IN_FAILED")),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.flinks.sign_ins.len(), 1, "{bank:?}");
    }
}

#[test]
fn a_call_that_was_certainly_not_sent_may_be_repeated_at_once() {
    let mut world = World::new();
    let mut driver = Driver::of(world.start_task(BANK));
    while !matches!(driver.at, At::Send(Call::SignIn { .. })) {
        world.advance(&mut driver);
    }
    driver.at = At::Hear(Box::new(Answer::failed(Trouble::Unreachable, Sent::No)));
    refused(&world.finish(&mut driver), 503, "FLINKS_UNREACHABLE");
    world.challenge();
    assert_eq!(world.flinks.sign_ins.len(), 1);
}

// Fault 10: a user's limit counts sign-ins.

#[test]
fn a_users_limit_counts_sign_ins_under_way_and_not_requests() {
    let mut world = World::new();
    world.settings.sign_ins_per_user = 2;
    for number in 0..3 {
        world.add_connection(&format!("bank-{number}"), &format!("login-number-{number}"), &[]);
    }
    let mut under_way = Vec::new();
    for number in 0..2 {
        let mut driver = Driver::of(world.start_task(&format!("bank-{number}")));
        while !matches!(driver.at, At::Send(Call::SignIn { .. })) {
            world.advance(&mut driver);
        }
        under_way.push(driver);
    }
    let task = world.start_task("bank-2");
    let refusal = refused(&world.run(task), 429, "TOO_MANY_SIGN_INS");
    assert!(refusal.retry_after_s().is_some());
    assert_eq!(world.flinks.sign_ins.len(), 0);
    for driver in &mut under_way {
        world.finish(driver);
    }
    let task = world.start_task("bank-2");
    assert!(matches!(world.run(task), Reply::Started(_)));
}

// Fault 11: what no retry cures.

#[test]
fn a_session_that_ended_in_a_refusal_is_not_worth_a_retry() {
    let mut world = World::new();
    let challenge = world.challenge();
    let mut driver = Driver::of(Task::Deliver(Deliver::new(USER.to_owned(), delivery(&challenge.attempt, None))));
    while !matches!(driver.at, At::Hear(_)) {
        world.advance(&mut driver);
    }
    driver.at = At::Hear(Box::new(Answer::Code {
        code: "DISABLED_LOGIN".to_owned(),
        meaning: flinks_backend::code::Meaning::Refused,
    }));
    refused(&world.finish(&mut driver), 422, "DISABLED_LOGIN");
}

// Nightly Refresh.

/// Flinks, asked at `asked_ms`, lists the connection's login.
fn list(world: &mut World, last_refresh_ms: Option<i64>, asked_ms: i64) -> Vec<Reply> {
    let listed = [Listed { login_id: world.connection().login_id.clone(), last_refresh_ms }];
    let connections = [world.connection().clone()];
    Nightly::of(&listed, &connections, asked_ms).into_iter().map(|task| world.run(Task::Nightly(task))).collect()
}

fn repaired() -> World {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms);
    world.deliver(delivery(&challenge.attempt, None));
    world.work_for(MINUTE);
    world.is_repaired();
    world
}

#[test]
fn a_login_that_nightly_refresh_passes_over_wants_its_user_once() {
    let mut world = repaired();
    let told = world.store.events.len();
    let asked_ms = world.now_ms;
    assert_eq!(list(&mut world, None, asked_ms), [Reply::Done(Done::Noted)]);
    let connection = world.connection();
    assert_eq!((connection.status, connection.problem.as_deref()), (Status::NeedsAttention, Some(NIGHTLY_FAILED)));
    assert_eq!(list(&mut world, None, asked_ms), []);
    assert_eq!(world.store.events.len(), told + 1);
    let event = world.store.events.last().unwrap();
    assert_eq!((event.reason, event.attempt.as_ref()), (Some(Reason::NightlyFailed), None));
    world.challenge();
}

#[test]
fn nightly_refresh_says_nothing_about_what_was_refreshed_since_or_is_under_way() {
    let mut world = repaired();
    let now_ms = world.now_ms;
    assert_eq!(list(&mut world, Some(OLD_MS), now_ms), [], "Flinks speaks of older data");
    assert_eq!(list(&mut world, None, now_ms - 10 * MINUTE), [], "it was asked before the user was through");
    world.challenge();
    assert_eq!(list(&mut world, None, now_ms), [Reply::Done(Done::Nothing)], "the user is at it");
    assert_eq!(world.connection().status, Status::UpToDate);
}

// The life of an attempt.

#[test]
fn a_resume_keeps_attempt_and_tag() {
    let mut world = World::new();
    let first = world.challenge();
    world.now_ms += 5 * MINUTE;
    let again = world.challenge();
    assert_eq!((again.mode, &again.attempt, &again.tag), (Mode::Resume, &first.attempt, &first.tag));
    assert_eq!(again.request_id, first.request_id);
    assert_ne!(again.token, first.token);
}

#[test]
fn a_session_found_finished_at_start_needs_nobody() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    assert_eq!(world.start(), up_to_date());
    assert_eq!(world.start(), up_to_date(), "while its data is fetched");
    // The browser's delivery comes after all.
    let late = delivery(&challenge.attempt, None);
    assert_eq!(world.deliver(late.clone()), Reply::Accepted);
    let other = Delivery { fingerprint: "other bytes".to_owned(), ..late.clone() };
    refused(&world.deliver(other), 422, "ATTEMPT_USED");
    assert_eq!(world.deliver(late), Reply::Accepted);
}

#[test]
fn other_bytes_are_refused_before_anything_else_is_judged() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.deliver(delivery(&challenge.attempt, None));
    let other = Delivery {
        fingerprint: "other bytes".to_owned(),
        login_id: LoginId::parse("login-of-another"),
        tag: Tag::parse("another tag"),
        ..delivery(&challenge.attempt, None)
    };
    refused(&world.deliver(other), 422, "ATTEMPT_USED");
}

#[test]
fn an_attempt_expires_and_a_session_that_is_over_begins_anew() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.now_ms += 9 * MINUTE;
    let second = world.challenge();
    assert_eq!(second.mode, Mode::Refresh);
    assert_ne!(second.attempt, challenge.attempt);
    assert_eq!(world.store.attempts[0].stage, Stage::SessionOver);
    world.now_ms += 61 * MINUTE;
    refused(&world.deliver(delivery(&challenge.attempt, None)), 410, "ATTEMPT_EXPIRED");
}

#[test]
fn what_is_not_the_users_is_unknown() {
    let mut world = World::new();
    let challenge = world.challenge();
    let stranger = Deliver::new("eve".to_owned(), delivery(&challenge.attempt, None));
    refused(&world.run(Task::Deliver(stranger)), 404, "NO_SUCH_ATTEMPT");
    let task = world.start_task("nobodys");
    refused(&world.run(task), 404, "NO_SUCH_CONNECTION");
    let other_tag = Delivery { tag: Tag::parse("another"), ..delivery(&challenge.attempt, None) };
    refused(&world.deliver(other_tag), 422, "TAG_MISMATCH");
}

#[test]
fn data_that_never_comes_is_a_problem() {
    let mut world = World::new();
    let challenge = world.challenge();
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms + 1);
    world.flinks.weather = Weather::StillAggregating;
    world.deliver(delivery(&challenge.attempt, None));
    world.work_for(31 * MINUTE);
    assert_eq!(world.state(&challenge.attempt), State::Failed);
    assert_eq!(world.connection().problem.as_deref(), Some("DATA_TIMEOUT"));
    let told: Vec<_> = world.store.events.iter().map(|event| event.reason).collect();
    assert_eq!(told, [Some(Reason::DataTimeout); 2]);
}

#[test]
fn an_older_answer_does_not_replace_newer_data() {
    let mut world = World::new();
    let left = world.challenge();
    world.now_ms += 20 * MINUTE;
    let second = world.challenge();
    assert_ne!(left.attempt, second.attempt);
    world.flinks.full_flow("session-of-connect", LOGIN, world.now_ms);
    assert_eq!(world.deliver(delivery(&left.attempt, Some("session-of-connect"))), Reply::Accepted);
    // Its data has left Flinks, and is slow to come.
    let mut late = Driver::of(Task::Work(Work::new(left.attempt.clone())));
    while !matches!(late.at, At::Hear(_)) {
        world.advance(&mut late);
    }
    world.now_ms += MINUTE;
    let newer_ms = world.now_ms;
    world.flinks.finish(second.request_id.as_str(), newer_ms);
    assert_eq!(world.deliver(delivery(&second.attempt, Some(second.request_id.as_str()))), Reply::Accepted);
    assert_eq!(world.run(Task::Work(Work::new(second.attempt.clone()))), Reply::Done(Done::Stored));
    let repaired = world.connection().clone();
    assert_eq!(repaired.refreshed_at_ms, Some(newer_ms));

    assert_eq!(world.finish(&mut late), Reply::Done(Done::Outdated));
    let after = world.connection();
    assert_eq!((after.refreshed_at_ms, after.settled_at_ms), (repaired.refreshed_at_ms, repaired.settled_at_ms));
    assert_eq!(world.state(&left.attempt), State::Finished);
    world.is_repaired();
}

/// Where the application fetches, a result is finished with its acceptance, and the event names the session.
#[test]
fn a_result_whose_data_the_application_fetches_is_told_with_its_session() {
    let mut world = World::with(&["account-one"]);
    world.settings.fetch = Fetch::Off;
    let challenge = world.challenge();
    world.now_ms += MINUTE;
    world.flinks.finish(challenge.request_id.as_str(), world.now_ms);
    let refreshed_ms = world.now_ms;
    let result = delivery(&challenge.attempt, Some(challenge.request_id.as_str()));
    assert_eq!(world.deliver(result.clone()), Reply::Accepted);
    assert_eq!(world.state(&challenge.attempt), State::Finished);
    let connection = world.connection();
    assert_eq!((connection.status, connection.refreshed_at_ms), (Status::UpToDate, Some(refreshed_ms)));
    assert_eq!(world.store.events.len(), 1);
    let told = world.store.events[0].clone();
    assert_eq!((told.kind, told.request_id), (EventKind::Refreshed, Some(challenge.request_id)));
    assert_eq!(told.account_ids, accounts(&["account-one"]));
    world.work_for(10 * MINUTE);
    assert_eq!(world.deliver(result), Reply::Accepted, "a repetition is answered the same");
    assert!(world.stored_accounts().is_empty() && world.store.events.len() == 1);
}

/// Clicks that wait for a sign-in whose outcome is there at once are answered by it.
#[test]
fn five_clicks_are_one_sign_in_also_where_its_result_is_finished_at_once() {
    for fetch in [Fetch::On, Fetch::Off] {
        let mut world = World::new();
        world.settings.fetch = fetch;
        world.flinks.bank = Bank::NeedsNobody;
        let mut drivers: Vec<_> = (0..5).map(|_| Driver::of(world.start_task(BANK))).collect();
        for _ in 0..100 {
            world.now_ms += 10;
            world.advance(&mut drivers[0]);
            for driver in &mut drivers {
                world.advance(driver);
            }
            world.work_for(0);
        }
        for driver in &drivers {
            assert_eq!(driver.reply(), Some(&up_to_date()), "{fetch:?}");
        }
        assert_eq!(world.flinks.sign_ins.len(), 1, "{fetch:?}");
        assert!(world.connection().sign_in.is_none(), "{fetch:?}");
    }
}

/// Another login than the connection's, as Flinks says: the application is told, and nothing is changed by a page.
#[test]
fn another_login_that_flinks_names_is_told_to_the_application() {
    let told = |world: &World| world.store.events.iter().map(|event| (event.kind, event.reason)).collect::<Vec<_>>();
    let changed = (EventKind::NeedsAttention, Some(Reason::LoginChanged));
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    world.flinks.full_flow("session-of-another", "login-of-another", world.now_ms);
    let named = |login: &str, session: Option<&str>| Delivery {
        login_id: LoginId::parse(login),
        ..delivery(&connect.attempt, session)
    };
    // What only the page says is told to nobody: not that it is another one, nor which session it is of.
    let before = world.connection().clone();
    for claim in [named("login-of-another", None), named("login-of-another", Some("made-up-session"))] {
        refused(&world.deliver(claim), 409, "LOGIN_MISMATCH");
    }
    assert_eq!(told(&world), []);
    refused(&world.deliver(named("login-of-another", Some("session-of-another"))), 409, "LOGIN_MISMATCH");
    assert_eq!(told(&world), [changed]);
    let after = world.connection().clone();
    assert_eq!((after.status, after.problem, after.login_id), (before.status, before.problem, before.login_id));
    assert_eq!(world.state(&connect.attempt), State::Open, "the right one may still come");

    // A webhook with the attempt's tag: once, however often it comes.
    let mut world = World::new();
    world.flinks.bank = Bank::Refuses(401, "INVALID_PASSWORD");
    let connect = world.connect();
    for _ in 0..2 {
        let hook = json!({"ResponseType": "GetAccountsDetail", "Login": {"Id": "login-of-another"},
            "RequestId": "session-of-another", "Tag": connect.tag.as_str()});
        let task = Task::Webhook(Webhook::read(hook.to_string().as_bytes()).unwrap());
        assert_eq!(world.run(task), Reply::Done(Done::OtherLogin));
    }
    assert_eq!(told(&world), [changed]);
    assert_eq!(world.connection().problem.as_deref(), Some("LOGIN_MISMATCH"));
}
