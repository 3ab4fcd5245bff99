//! The model on a virtual clock, without HTTP: how long things live, to the millisecond.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flinks_connect::code;
use flinks_connect::id::{AccountId, LoginId, RequestId};
use flinks_connect::parameters::Language;
use flinks_sandbox::clock::{DAY_MS, MINUTE_MS};
use flinks_sandbox::page::action::{Action, Audience};
use flinks_sandbox::page::launch::Launch;
use flinks_sandbox::page::visit;
use flinks_sandbox::state::authorize::{Pace, Refresh, Schedule, SignIn, Standing, Wish};
use flinks_sandbox::state::data::{Dataset, Delivery, History, Order, Part, Product};
use flinks_sandbox::state::session::{IDLE_LIFE_MS, PROCESSING_LIFE_MS, Saving};
use flinks_sandbox::state::token::TOKEN_LIFE_MS;
use flinks_sandbox::state::{Settings, State};
use flinks_sandbox::{DEMO_LOGINS, Reach, Webhook};

const NOW: u64 = 1_795_000_000_000;
const PROCESSING_MS: u64 = 1_500;
const ANSWERS: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "canada "),
    ("What shape do people like most?", "TRIANGLE"),
];

fn state() -> State {
    let settings = Settings {
        customer_id: "customer".into(),
        secret_key: "secret".into(),
        api_key: "api".into(),
        processing_ms: PROCESSING_MS,
        token_life_ms: TOKEN_LIFE_MS,
        seed: 1,
        webhook: None,
        webhook_reach: Reach::Loopback,
    };
    State::new(settings, NOW)
}

fn login(index: usize) -> LoginId {
    LoginId::parse(DEMO_LOGINS[index].login_id).unwrap()
}

fn refresh(state: &mut State, now_ms: u64, login: LoginId) -> RequestId {
    let wish = Refresh { login, saving: Saving::Keep, tag: None, pace: Pace::Wait };
    state.authorize(now_ms, Wish::Refresh(wish)).session().unwrap().clone()
}

fn answer(state: &mut State, now_ms: u64, session: &RequestId, prompt: &str, answer: &str) -> Standing {
    let answers = BTreeMap::from([(prompt.to_owned(), vec![answer.to_owned()])]);
    state.authorize(now_ms, Wish::Answer { session: session.clone(), answers })
}

fn probe(state: &mut State, now_ms: u64, session: &RequestId) -> Standing {
    state.authorize(now_ms, Wish::Probe { session: session.clone() })
}

fn authorized(state: &mut State, now_ms: u64, login: LoginId) -> RequestId {
    let session = refresh(state, now_ms, login);
    for (prompt, text) in ANSWERS {
        answer(state, now_ms, &session, prompt, text);
    }
    assert!(matches!(probe(state, now_ms, &session), Standing::Authorized(_)));
    session
}

fn sign_in(bank: &str, user: &str, saving: Saving) -> Wish {
    Wish::SignIn(SignIn {
        institution: bank.into(),
        username: user.into(),
        password: "Everyday".into(),
        language: Language::En,
        saving,
        tag: None,
        schedules_refresh: false,
        pace: Pace::Wait,
    })
}

fn refused(standing: &Standing) -> &'static str {
    match standing {
        Standing::Refused(refusal) => refusal.code.name,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn prompt(standing: &Standing) -> &'static str {
    match standing {
        Standing::Asking(session) => session.pending_round().first().unwrap().prompt(session.identity.language),
        other => panic!("expected a question, got {other:?}"),
    }
}

fn dataset(delivery: Delivery) -> Dataset {
    match delivery {
        Delivery::Ready(data) => *data,
        other => panic!("expected data, got {other:?}"),
    }
}

fn fetch(state: &mut State, now_ms: u64, session: &RequestId, order: Order) -> Dataset {
    assert!(matches!(state.order(now_ms, Product::Detail, session, order.clone()), Delivery::Pending(_)));
    dataset(state.order(now_ms + PROCESSING_MS, Product::Detail, session, order))
}

fn ids(data: &Dataset) -> Vec<&str> {
    data.accounts.iter().map(|entry| entry.account.id.as_str()).collect()
}

#[test]
fn a_pending_session_dies_after_eight_idle_minutes_and_not_before() {
    for (idle_ms, alive) in [(IDLE_LIFE_MS - 1, true), (IDLE_LIFE_MS, false), (IDLE_LIFE_MS + 1, false)] {
        let mut state = state();
        let session = refresh(&mut state, NOW, login(0));
        let standing = probe(&mut state, NOW + idle_ms, &session);
        assert_eq!(matches!(standing, Standing::Asking(_)), alive, "{idle_ms}");
    }
    assert_eq!(IDLE_LIFE_MS, 8 * MINUTE_MS);
}

#[test]
fn every_touch_begins_the_eight_minutes_anew() {
    let mut state = state();
    let session = refresh(&mut state, NOW, login(0));
    let mut now = NOW;
    for _ in 0..5 {
        now += IDLE_LIFE_MS - 1;
        assert_eq!(prompt(&probe(&mut state, now, &session)), ANSWERS[0].0);
    }
    now += IDLE_LIFE_MS - 1;
    answer(&mut state, now, &session, ANSWERS[0].0, "Atlantis");
    now += IDLE_LIFE_MS - 1;
    let launch = Launch::read("/v2/", &format!("?requestId={}", session.as_str()));
    let (page, _) = visit::open(&mut state, now, launch, Audience::Parent);
    now += IDLE_LIFE_MS - 1;
    visit::act(&mut state, now, page, Action::SubmitAnswers { answers: vec![vec!["Montreal".into()]] });
    now += IDLE_LIFE_MS - 1;
    assert_eq!(prompt(&probe(&mut state, now, &session)), ANSWERS[1].0);
    assert_eq!(refused(&probe(&mut state, now + IDLE_LIFE_MS, &session)), "SESSION_NONEXISTENT");
}

#[test]
fn an_authorised_session_can_be_fetched_for_thirty_minutes() {
    for (age_ms, expected) in [(PROCESSING_LIFE_MS - 1, None), (PROCESSING_LIFE_MS, Some("SESSION_EXPIRED"))] {
        let mut state = state();
        let session = authorized(&mut state, NOW, login(0));
        let refusal = match state.order(NOW + age_ms, Product::Detail, &session, Order::default()) {
            Delivery::Refused(code) => Some(code.name),
            _ => None,
        };
        assert_eq!(refusal, expected, "{age_ms}");
    }
}

#[test]
fn data_comes_when_the_processing_time_has_passed_and_ends_the_session() {
    let mut state = state();
    let session = authorized(&mut state, NOW, login(0));
    assert!(matches!(state.order(NOW, Product::Detail, &session, Order::default()), Delivery::Pending(_)));
    assert!(matches!(state.poll(NOW + PROCESSING_MS - 1, Product::Detail, &session), Delivery::Pending(_)));
    let data = dataset(state.poll(NOW + PROCESSING_MS, Product::Detail, &session));
    assert_eq!(ids(&data), DEMO_LOGINS[0].account_ids);
    let Delivery::Refused(code) = state.poll(NOW + PROCESSING_MS, Product::Detail, &session) else { panic!() };
    assert_eq!(code.name, "SESSION_NONEXISTENT");
    assert_eq!(refused(&probe(&mut state, NOW + PROCESSING_MS, &session)), "SESSION_NONEXISTENT");
}

#[test]
fn no_data_before_the_session_is_authorised() {
    let mut state = state();
    let session = refresh(&mut state, NOW, login(0));
    let Delivery::Refused(code) = state.order(NOW, Product::Detail, &session, Order::default()) else { panic!() };
    assert_eq!(code.name, "UNAUTHORIZED");
    assert_eq!(prompt(&probe(&mut state, NOW, &session)), ANSWERS[0].0, "and it is still pending");
}

#[test]
fn questions_come_one_after_another_and_a_wrong_answer_repeats_the_same() {
    let mut state = state();
    let session = refresh(&mut state, NOW, login(1));
    for (index, (question, right)) in ANSWERS.iter().enumerate() {
        assert_eq!(prompt(&probe(&mut state, NOW, &session)), *question);
        assert_eq!(refused(&answer(&mut state, NOW, &session, question, "no")), "INVALID_SECURITY_RESPONSE");
        assert_eq!(refused(&answer(&mut state, NOW, &session, "What?", right)), "UNKNOWN_CHALLENGE_KEY");
        assert_eq!(refused(&answer(&mut state, NOW, &session, question, " ")), "SECURITYRESPONSES_INCOMPLETE");
        let nothing = Wish::Answer { session: session.clone(), answers: BTreeMap::new() };
        assert_eq!(refused(&state.authorize(NOW, nothing)), "SECURITYRESPONSES_INCOMPLETE");
        let standing = answer(&mut state, NOW, &session, question, right);
        assert_eq!(matches!(standing, Standing::Authorized(_)), index == 2);
    }
    assert_eq!(refused(&answer(&mut state, NOW, &session, ANSWERS[2].0, "Triangle")), "ALREADY_AUTHORIZED");
}

#[test]
fn five_wrong_answers_in_a_row_end_the_session_and_a_right_one_starts_the_count_anew() {
    let mut state = state();
    let session = refresh(&mut state, NOW, login(1));
    for _ in 0..4 {
        assert_eq!(refused(&answer(&mut state, NOW, &session, ANSWERS[0].0, "no")), "INVALID_SECURITY_RESPONSE");
    }
    answer(&mut state, NOW, &session, ANSWERS[0].0, "Montreal");
    for _ in 0..4 {
        assert_eq!(refused(&answer(&mut state, NOW, &session, ANSWERS[1].0, "no")), "INVALID_SECURITY_RESPONSE");
    }
    let last = answer(&mut state, NOW, &session, ANSWERS[1].0, "no");
    assert_eq!(refused(&last), "INVALID_SECURITY_RESPONSE_NO_RETRY");
    assert_eq!(refused(&probe(&mut state, NOW, &session)), "SESSION_NONEXISTENT");
}

#[test]
fn a_cached_call_repeats_the_last_live_failure_and_yields_old_data_all_the_same() {
    let mut state = state();
    let pending = refresh(&mut state, NOW, login(1));
    let cached = |login| Wish::Reuse { login, tag: None };
    assert!(matches!(state.authorize(NOW, cached(login(1))), Standing::Authorized(_)), "nothing has failed yet");
    let later = NOW + IDLE_LIFE_MS;
    let standing = state.authorize(later, cached(login(1)));
    assert_eq!(refused(&standing), "QUESTION_NOT_FOUND");
    let session = standing.session().unwrap().clone();
    assert_ne!(session, pending);
    let data = fetch(&mut state, later, &session, Order::default());
    let four_days_ago = flinks_sandbox::bank::ledger::date_at(NOW - 4 * DAY_MS);
    assert_eq!((data.accounts.len(), data.day), (4, four_days_ago), "as of the last refresh");

    let session = authorized(&mut state, later, login(1));
    let data = fetch(&mut state, later, &session, Order::default());
    assert_eq!(data.day, flinks_sandbox::bank::ledger::date_at(later + PROCESSING_MS));
    assert!(matches!(state.authorize(later, cached(login(1))), Standing::Authorized(_)), "the success cures it");
}

#[test]
fn a_full_flow_yields_the_same_login_as_before() {
    let mut state = state();
    for demo in DEMO_LOGINS {
        let Standing::Asking(session) = state.authorize(NOW, sign_in(demo.institution, "greatDAY", Saving::Keep))
        else {
            panic!()
        };
        assert_eq!(session.identity.login_id.as_str(), demo.login_id);
    }
}

#[test]
fn only_what_is_saved_is_stored() {
    for (saving, stored) in [(Saving::Keep, true), (Saving::Discard, false)] {
        let mut state = state();
        let Standing::Authorized(session) = state.authorize(NOW, sign_in("9006", "greatday_nomfa", saving)) else {
            panic!()
        };
        assert_eq!(state.logins.get(&session.identity.login_id).is_some(), stored, "{saving:?}");
    }
}

#[test]
fn every_test_user_does_what_the_name_says() {
    let mut state = state();
    let mut code = |user: &str| match state.authorize(NOW, sign_in("FlinksCapital", user, Saving::Keep)) {
        Standing::Authorized(_) => "200",
        Standing::Asking(_) => "203",
        Standing::Working(code, _) => code.name,
        Standing::Refused(refusal) => refusal.code.name,
    };
    assert_eq!(code("GREATDAY"), "203");
    assert_eq!(code("Greatday_NoMFA"), "200");
    assert_eq!(code("test_disabled_account"), "DISABLED_LOGIN");
    assert_eq!(code("test_service_unavailable"), "RETRY_LATER");
    assert_eq!(code("test_dispatched"), "OPERATION_DISPATCHED");
    assert_eq!(code("nobody"), "INVALID_USERNAME");
}

#[test]
fn dispatched_work_answers_202_until_it_is_done() {
    let mut state = state();
    let standing = state.authorize(NOW, sign_in("FlinksCapital", "test_dispatched", Saving::Keep));
    let session = standing.session().unwrap().clone();
    assert!(matches!(probe(&mut state, NOW + PROCESSING_MS - 1, &session), Standing::Working(..)));
    assert!(matches!(probe(&mut state, NOW + PROCESSING_MS, &session), Standing::Authorized(_)));
    let Delivery::Pending(code) = state.order(NOW + PROCESSING_MS, Product::Detail, &session, Order::default()) else {
        panic!()
    };
    assert_eq!(code.name, "OPERATION_DISPATCHED");
}

#[test]
fn an_order_decides_what_comes_out() {
    let mut state = state();
    let wanted = |id: &str| AccountId::parse(id).unwrap();
    let order = Order {
        accounts: Some(vec![wanted(DEMO_LOGINS[0].account_ids[2]), wanted("account-of-nobody")]),
        history: History::Days365,
        holder: Part::Omitted,
        ..Order::default()
    };
    let session = authorized(&mut state, NOW, login(0));
    let year = fetch(&mut state, NOW, &session, order);
    assert_eq!(ids(&year), [DEMO_LOGINS[0].account_ids[2]]);
    let session = authorized(&mut state, NOW, login(0));
    let quarter = fetch(&mut state, NOW, &session, Order::default());
    let rows = |data: &Dataset, index: usize| data.accounts[index].transactions.as_ref().unwrap().len();
    assert!(rows(&year, 0) > 3 * rows(&quarter, 2));
    let session = authorized(&mut state, NOW, login(0));
    let none = fetch(&mut state, NOW, &session, Order { history: History::Nothing, ..Order::default() });
    assert!(none.accounts.iter().all(|entry| entry.transactions.is_none()));
}

#[test]
fn a_login_in_use_cannot_be_deleted_and_a_deleted_one_ends_its_sessions() {
    let mut state = state();
    let session = authorized(&mut state, NOW, login(0));
    state.order(NOW, Product::Detail, &session, Order::default());
    assert_eq!(state.delete_login(NOW, &login(0)).unwrap_err().name, code::CARD_IN_USE.name);
    let later = NOW + PROCESSING_MS;
    state.delete_login(later, &login(0)).unwrap();
    assert_eq!(state.delete_login(later, &login(0)).unwrap_err().name, code::SESSION_NONEXISTENT.name);
    assert_eq!(refused(&probe(&mut state, later, &session)), "SESSION_NONEXISTENT");
    let wish = Refresh { login: login(0), saving: Saving::Keep, tag: None, pace: Pace::Wait };
    assert_eq!(refused(&state.authorize(later, Wish::Refresh(wish))), "INVALID_LOGIN");
}

#[test]
fn what_is_long_gone_is_forgotten() {
    let mut state = state();
    let session = refresh(&mut state, NOW, login(0));
    state.expire(NOW + IDLE_LIFE_MS);
    assert!(state.sessions.get(&session).is_some());
    state.expire(NOW + DAY_MS);
    assert!(state.sessions.get(&session).is_none());
}

#[test]
fn a_call_costs_nothing_for_what_waits() {
    const MANY: u64 = 20_000;
    let mut state = state();
    for index in 0..MANY {
        let token = state.tokens.mint(NOW);
        let session = refresh(&mut state, NOW + index % 1_000, login(0));
        state.tokens.opened(token.as_str(), &session);
        visit::open(&mut state, NOW, Launch::read("/v2/", ""), Audience::Parent);
    }
    // Looking at everything would be 400 million looks at each of the three: minutes, where this is a fraction of a second.
    let began = Instant::now();
    for call in 0..MANY {
        state.expire(NOW + call);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{MANY} calls with as many sessions waiting took {took:?}");

    let alive = |state: &State| state.sessions.iter().filter(|session| !session.pending_round().is_empty()).count();
    assert_eq!(alive(&state), 20_000);
    state.expire(NOW + IDLE_LIFE_MS + 499);
    assert_eq!(alive(&state), 10_000, "and whatever is due ends");
    state.expire(NOW + IDLE_LIFE_MS + 999);
    assert_eq!((alive(&state), state.sessions.iter().count()), (0, 20_000));
    state.expire(NOW + DAY_MS + 999);
    assert_eq!(state.sessions.iter().count(), 0);
}

/// The logins Nightly Refresh passes over, with the reason.
fn passed_over(state: &State, now_ms: u64) -> Vec<(String, &'static str)> {
    let ineligible = state.logins.iter().filter_map(|login| {
        Some((login.identity.login_id.as_str().to_owned(), state.nightly_obstacle(login, now_ms)?))
    });
    ineligible.collect()
}

/// Signs a user in with Nightly Refresh on, and gives the login.
fn scheduled(state: &mut State, user: &str) -> LoginId {
    let Wish::SignIn(wish) = sign_in("9004", user, Saving::Keep) else { panic!("not a sign-in") };
    match state.authorize(NOW, Wish::SignIn(SignIn { schedules_refresh: true, ..wish })) {
        Standing::Authorized(session) => session.identity.login_id,
        other => panic!("expected to get in, got {other:?}"),
    }
}

fn last_refresh(state: &State, login: &LoginId) -> Option<u64> {
    state.logins.get(login).unwrap().last_refresh_ms
}

#[test]
fn every_night_refreshes_who_asks_no_questions_until_nobody_wants_the_data() {
    let mut state = state();
    let login = scheduled(&mut state, "greatday_nomfa");
    state.expire(NOW + DAY_MS - 1);
    assert_eq!(last_refresh(&state, &login), Some(NOW), "the first night comes after 24 hours");
    state.expire(NOW + 3 * DAY_MS + 5);
    assert_eq!(last_refresh(&state, &login), Some(NOW + 3 * DAY_MS), "a leap has every night in it");
    state.expire(NOW + 20 * DAY_MS);
    assert_eq!(last_refresh(&state, &login), Some(NOW + 6 * DAY_MS), "nobody has asked for a week");
    assert!(
        passed_over(&state, NOW + 8 * DAY_MS).contains(&(login.as_str().into(), "No cached call in the last 7 days"))
    );

    // Who hears of everything by webhook need not ask.
    state.outbox.set_target(Some(Webhook { url: "http://host.example/".into(), secret: "s".into() }));
    assert!(!passed_over(&state, NOW + 8 * DAY_MS).iter().any(|(id, _)| id == login.as_str()));
}

#[test]
fn a_night_fails_at_questions_without_stored_answers() {
    for (stored, expected) in [(0, Some("QUESTION_NOT_FOUND")), (2, Some("QUESTION_NOT_FOUND")), (3, None)] {
        let mut state = state();
        let login = login(1);
        authorized(&mut state, NOW, login.clone());
        state.schedule_refresh(&login, Schedule::On).unwrap();
        let answers = ANSWERS.iter().take(stored).map(|(prompt, text)| ((*prompt).to_owned(), (*text).to_owned()));
        state.logins.get_mut(&login).unwrap().store_answers(&answers.collect()).unwrap();
        state.expire(NOW + DAY_MS);
        let failure = state.logins.get(&login).unwrap().last_failure.map(|code| code.name);
        assert_eq!(failure, expected, "{stored}");
        let reasons = passed_over(&state, NOW + DAY_MS);
        assert_eq!(reasons.iter().find(|(id, _)| id == login.as_str()).map(|(_, reason)| *reason), expected);
        // A cached call repeats it.
        let standing = state.authorize(NOW + DAY_MS, Wish::Reuse { login, tag: None });
        assert_eq!(expected.is_some(), matches!(standing, Standing::Refused(_)));
    }
}

#[test]
fn a_night_fails_with_the_bank_and_the_next_one_tries_again_for_a_week() {
    let mut state = state();
    let login = scheduled(&mut state, "greatday_nomfa");
    state.faults.bank_code = Some("RETRY_LATER".into());
    state.expire(NOW + 2 * DAY_MS);
    assert_eq!(last_refresh(&state, &login), Some(NOW));
    state.faults.bank_code = None;
    state.expire(NOW + 3 * DAY_MS);
    assert_eq!(last_refresh(&state, &login), Some(NOW + 3 * DAY_MS));
    state.faults.bank_code = Some("RETRY_LATER".into());
    state.expire(NOW + 10 * DAY_MS);
    let reasons = passed_over(&state, NOW + 10 * DAY_MS);
    assert!(reasons.contains(&(login.as_str().into(), "No successful refresh in the last 7 days")), "{reasons:?}");
}

#[test]
fn a_login_whose_nightly_refresh_is_off_is_left_alone() {
    let mut state = state();
    state.expire(NOW + 30 * DAY_MS);
    assert_eq!(passed_over(&state, NOW + 30 * DAY_MS), [(login(0).as_str().to_owned(), "QUESTION_NOT_FOUND")]);
    assert_eq!(last_refresh(&state, &login(1)), Some(NOW - NOW % DAY_MS - 4 * DAY_MS));
}
