//! What holds whatever happens: random schedules of Connect, host, user, network and clock, and any message at all.

use flinks_connect::address::parse_url;
use flinks_connect::message::{Fields, Message};
use flinks_connect::redirect::{ACCOUNT_KEYS, Expected, MAX_ACCOUNTS};
use flinks_connect::{code, step};
use flinks_reconnect::session::{
    HostAnswer, Input, LoadProblem, LockState, NoStart, Outcome, Phase, Posted, StartReply,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::messages::NOTHING_ASKED;
use crate::support::*;

fn cases(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

// ---- random schedules ----

/// One thing that happens, or time that passes.
#[derive(Clone, Debug)]
enum Action {
    /// Time passes, and no timer fires.
    Pass(u64),
    /// Time passes to the deadline, this much early or late, and a timer fires.
    WakeAbout(i64),
    Wake,
    Posted(Letter),
    /// The start call with the current number, or an abandoned one, is answered.
    Started {
        is_stale: bool,
        reply: Value,
    },
    StartRefused(HostAnswer),
    Delivered {
        is_stale: bool,
        answer: HostAnswer,
    },
    /// Begin, although it has begun.
    Begin,
    Online,
    Offline,
    PageHidden,
    PageShown,
    PageLeft,
    Blocked(LoadProblem),
    /// Word of the lock, asked for or not.
    Lock(LockState),
    UserClosed,
    UserStays,
    UserRetries,
    FrameMoved,
    HostClosed,
    Retry,
}

fn any_name() -> impl Strategy<Value = String> {
    let steps: Vec<&str> = step::ALL.iter().map(|step| step.name).collect();
    let codes: Vec<&str> = code::ALL.iter().map(|code| code.name).collect();
    prop_oneof![
        4 => prop::sample::select(steps).prop_map(str::to_owned),
        2 => prop::sample::select(codes).prop_map(str::to_owned),
        1 => "[A-Z_]{0,12}",
    ]
}

fn redirect_with(login: &'static str) -> impl Strategy<Value = Value> {
    let variants = vec![
        with(redirect(), json!({ "loginId": login, "url": null })),
        json!({ "step": "REDIRECT", "loginId": login }),
        json!({ "step": "REDIRECT", "url": landing(&format!("loginId={login}&tag=tag-of-this-session")) }),
        json!({ "step": "REDIRECT", "url": landing(&format!("loginId={login}&tag=another")) }),
        json!({ "step": "REDIRECT", "loginId": login, "requestId": OTHER_REQUEST, "accountId": [CHEQUING] }),
        json!({ "step": "REDIRECT", "loginId": login, "url": format!("javascript:0//?loginId={login}") }),
        json!({ "step": "REDIRECT", "loginId": "?" }),
        json!(json!({ "step": "REDIRECT", "loginId": login }).to_string()),
    ];
    prop::sample::select(variants)
}

fn posted() -> impl Strategy<Value = Letter> {
    let data = prop_oneof![
        3 => any_name().prop_map(|name| json!({ "step": name })),
        1 => any_name().prop_map(|name| json!({ "flinksCode": name })),
        1 => any_name().prop_map(|name| json!(json!({ "step": name, "institution": BANK }).to_string())),
        // Steps that keep a session alive, so that schedules get far.
        6 => prop::sample::select(&["APP_MOUNTED", "COMPONENT_LOAD_MFA", "SUBMIT_MFA", "APP_RESIZE"][..]).prop_map(|step| json!({ "step": step })),
        3 => redirect_with(LOGIN),
        1 => redirect_with(OTHER_LOGIN),
        1 => Just(json!(null)),
    ];
    data.prop_map(Letter)
}

fn answer() -> impl Strategy<Value = HostAnswer> {
    prop_oneof![
        2 => Just(HostAnswer::Ok),
        2 => Just(HostAnswer::Unreachable),
        4 => (
            prop::sample::select(&[400, 401, 408, 409, 409, 422, 429, 500, 503, 503, 503][..]),
            prop::sample::select(&[None, None, Some("LOGIN_MISMATCH"), Some("IN_PROGRESS")][..]),
            prop::option::of(prop_oneof![0..10_000_u64, Just(u64::MAX)]),
        ).prop_map(|(status, code, retry_after_ms)| HostAnswer::Refused { status, code: code.map(str::to_owned), retry_after_ms }),
    ]
}

fn start_reply() -> impl Strategy<Value = Value> {
    let tagged = with(challenge(), json!({ "tag": "tag-of-this-session" }));
    prop::sample::select(vec![
        challenge(),
        challenge(),
        tagged.clone(),
        tagged,
        full_flow(),
        with(challenge(), json!({ "requestId": OTHER_REQUEST, "resumeSelectedAccounts": [SAVINGS] })),
        json!({ "status": "upToDate" }),
        json!({ "status": "nonsense" }),
    ])
}

fn action() -> impl Strategy<Value = Action> {
    let is_stale = || prop::bool::weighted(0.15);
    prop_oneof![
        4 => prop_oneof![0..5_u64, 0..2_000_u64, 0..600_000_u64].prop_map(Action::Pass),
        5 => prop_oneof![Just(0), -2..3_i64, -60_000..120_000_i64].prop_map(Action::WakeAbout),
        1 => Just(Action::Wake),
        1 => Just(Action::Begin),
        12 => posted().prop_map(Action::Posted),
        5 => (is_stale(), start_reply()).prop_map(|(is_stale, reply)| Action::Started { is_stale, reply }),
        1 => answer().prop_map(Action::StartRefused),
        6 => (is_stale(), answer()).prop_map(|(is_stale, answer)| Action::Delivered { is_stale, answer }),
        2 => Just(Action::Online),
        2 => Just(Action::Offline),
        1 => Just(Action::PageHidden),
        1 => Just(Action::PageShown),
        1 => Just(Action::PageLeft),
        1 => prop::sample::select(&[LoadProblem::Policy, LoadProblem::Isolation][..]).prop_map(Action::Blocked),
        1 => prop::sample::select(&[LockState::Granted, LockState::HeldElsewhere][..]).prop_map(Action::Lock),
        1 => Just(Action::UserClosed),
        1 => Just(Action::UserStays),
        1 => Just(Action::UserRetries),
        1 => Just(Action::FrameMoved),
        1 => Just(Action::HostClosed),
        3 => Just(Action::Retry),
    ]
}

fn options() -> impl Strategy<Value = Value> {
    (any::<bool>(), prop::bool::weighted(0.8), any::<bool>(), prop::bool::weighted(0.2), 1..30_000_u64, 1..300_000_u64).prop_map(
        |(by_host, delivers, stops, ends, load_timeout_ms, deliver_timeout_ms)| {
            let mut options = if by_host { by_start() } else { interrupted() };
            if !delivers {
                options = with(options, json!({ "deliver": null }));
            }
            let policy = if stops { "stop" } else { "continue" };
            let on_failure = if ends { "end" } else { "ask" };
            with(
                options,
                json!({ "fullFlow": policy, "onFailure": on_failure, "loadTimeoutMs": load_timeout_ms, "deliverTimeoutMs": deliver_timeout_ms }),
            )
        },
    )
}

fn apply(session: &mut Driver, action: &Action) {
    match action {
        Action::Pass(ms) => session.now_ms += ms,
        Action::WakeAbout(offset_ms) => {
            let deadline_ms = session.session.deadline_ms().unwrap_or(session.now_ms);
            session.now_ms = deadline_ms.saturating_add_signed(*offset_ms).max(session.now_ms);
            session.handle(Input::Wake);
        }
        Action::Begin => session.handle(Input::Begin),
        Action::Wake => session.handle(Input::Wake),
        Action::Posted(letter) => session.posted(letter),
        Action::Started { is_stale, reply } => {
            let call = session.call.wrapping_sub(u32::from(*is_stale));
            let reply = StartReply::read(properties(reply), parse_url).map_err(NoStart::Unreadable);
            session.handle(Input::Started { call, reply });
        }
        Action::StartRefused(answer) => session.host_refuses_start(answer.clone()),
        Action::Delivered { is_stale, answer } => {
            let try_number = session.try_number.wrapping_sub(u32::from(*is_stale));
            session.handle(Input::Delivered { try_number, answer });
        }
        Action::Online => session.goes_online(),
        Action::Offline => session.goes_offline(),
        Action::PageHidden => session.page_is_hidden(),
        Action::PageShown => session.page_is_shown(),
        Action::PageLeft => session.page_is_left(),
        Action::Blocked(problem) => session.handle(Input::Blocked(*problem)),
        Action::Lock(state) => session.handle(Input::Lock(*state)),
        Action::UserClosed => session.user_closes(),
        Action::UserStays => session.user_stays(),
        Action::UserRetries => session.user_retries(),
        Action::FrameMoved => session.frame_moved(),
        Action::HostClosed => session.page_closes(),
        Action::Retry => session.retry(),
    }
}

/// Watches one session and knows what may not happen.
struct Watch {
    is_hidden: bool,
    may_deliver: bool,
}

impl Watch {
    /// Applies one action and judges what came of it.
    fn step(&mut self, session: &mut Driver, action: &Action) -> Result<(), TestCaseError> {
        let before = (session.phase(), session.session.deadline_ms(), session.session.expires_at_ms());
        let endings = session.outcomes.len();
        let could_retry = session.session.can_retry();
        apply(session, action);
        let after = (session.phase(), session.session.deadline_ms(), session.session.expires_at_ms());
        let heard = session.heard();

        // Time alone and a second beginning change nothing.
        if matches!(action, Action::Pass(_) | Action::Begin) {
            prop_assert_eq!(before, after);
            prop_assert!(heard.is_empty(), "{:?}", heard);
        }

        // A session has one ending, which is the last thing said. Only while a retry is offered can another attempt begin.
        if before.0.is_final() {
            if heard.iter().any(|line| line.starts_with("failed → ")) {
                prop_assert!(matches!(action, Action::Retry | Action::UserRetries) && could_retry);
            } else {
                prop_assert_eq!(before.0, after.0);
                let is_left = |line: &String| line == "hide" || (could_retry && line.starts_with("settle"));
                prop_assert!(heard.iter().all(is_left), "{:?} after {:?}", heard, before.0);
            }
        }
        let settled = heard.iter().position(|line| line.starts_with("settle"));
        prop_assert!(settled.is_none_or(|at| at + 1 == heard.len()), "{:?}", heard);
        prop_assert_eq!(session.outcomes.len(), endings + usize::from(settled.is_some()));
        let is_ended = after.0.is_final() && !session.session.can_retry();
        prop_assert_eq!(session.outcomes.len(), usize::from(is_ended));
        prop_assert!(!session.session.can_retry() || (after.0 == Phase::Failed && session.view.is_some()));

        // Who waits has a deadline, and who is done has none.
        prop_assert_eq!(after.1.is_none(), after.0.is_final());
        prop_assert_eq!(after.2.is_some(), after.0 == Phase::Active);

        // What was hidden stays hidden; what is not asked for is not sent.
        for line in &heard {
            prop_assert!(!(self.is_hidden && line.starts_with("show")), "{:?}", heard);
            prop_assert!(self.may_deliver || !line.starts_with("deliver "), "{:?}", heard);
            self.is_hidden |= line == "hide";
        }
        Ok(())
    }

    /// What the whole session must have come to.
    fn finish(&self, session: &Driver) -> Result<(), TestCaseError> {
        prop_assert!(
            session.deliveries.iter().all(|delivery| Some(delivery) == session.deliveries.first()),
            "other bytes in another try"
        );
        let results: Vec<_> =
            session.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Reconnected { .. })).collect();
        prop_assert!(results.len() <= 1, "two results");
        for result in &results {
            let Outcome::Reconnected { result, .. } = result else { continue };
            prop_assert!(
                !self.may_deliver || session.deliveries.first() == Some(result),
                "settled otherwise than delivered"
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(5_000))]

    #[test]
    fn every_schedule_has_one_ending_and_comes_to_it_or_offers_a_retry(
        options in options(),
        lock in prop::sample::select(&[Some(LockState::Granted), Some(LockState::Granted), Some(LockState::HeldElsewhere), None][..]),
        attempt_id in "[A-Za-z0-9._-]{8,128}",
        actions in prop::collection::vec(action(), 0..35),
    ) {
        // `PROPTEST_CASES` may ask for more than the 5,000 schedules of every run.
        let may_deliver = options.get("deliver").is_some();
        let mut session = Driver::unbegun(options, &attempt_id);
        session.lock = lock;
        session.handle(Input::Begin);
        // Busy from the start is a failure like any other.
        prop_assert_eq!(session.outcomes.len(), usize::from(session.phase().is_final() && !session.session.can_retry()));
        session.skip();
        // Who waits for the lock may not be shown yet.
        let is_hidden = session.view.is_none() && session.phase().is_final();
        let mut watch = Watch { is_hidden, may_deliver };
        for action in &actions {
            watch.step(&mut session, action)?;
        }
        // From here on everybody is silent: timers alone must bring the session to its end.
        for wakes in 0.. {
            let Some(deadline_ms) = session.session.deadline_ms() else { break };
            // Without a network a delivery is tried for half an hour and more.
            prop_assert!(wakes < 1_000, "still {:?} after 1,000 wakes", session.phase());
            let before = (session.phase(), deadline_ms);
            watch.step(&mut session, &Action::WakeAbout(0))?;
            let is_now = session.session.deadline_ms().is_some_and(|next_ms| next_ms <= session.now_ms);
            // A wait of nothing at all is a wait, but never two in a row: a timer that spins would freeze the page.
            if is_now {
                watch.step(&mut session, &Action::Wake)?;
                prop_assert!(session.session.deadline_ms().is_none_or(|next_ms| next_ms > session.now_ms), "spins after {:?}", before);
            }
        }
        prop_assert!(session.phase().is_final());
        if session.session.can_retry() {
            watch.step(&mut session, &Action::HostClosed)?;
        }
        prop_assert_eq!(session.outcomes.len(), 1);
        watch.finish(&session)?;
    }
}

// ---- any message at all ----

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any_name(),
        any::<String>(),
        prop::sample::select(vec![
            LOGIN.to_owned(),
            OTHER_LOGIN.to_owned(),
            TAG.to_owned(),
            format!("{CHEQUING},{SAVINGS}"),
            landing(&format!("loginId={LOGIN}&accountId={CHEQUING}&accountId={SAVINGS}")),
            landing(&format!("loginId={LOGIN}&loginId={LOGIN}")),
            "javascript:0".to_owned(),
        ]),
        "(https?|myapp|data):(//)?[a-z.@:]{0,12}(/[a-z%0-9]{0,4})?(\\?(loginId|tag|accounts|institution)=[a-z0-9%&=+]{0,20}){0,2}",
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        4 => any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            prop::sample::select(&["step", "flinksCode", "url", "loginId", "requestId", "institution", "tag", "accountId", "accounts", "__proto__"][..])
                .prop_map(str::to_owned),
            "[a-z]{0,4}",
        ];
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => prop::collection::vec((name, inner), 0..8).prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn is_id(text: &str) -> bool {
    (8..=128).contains(&text.len()) && text.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it))
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn reading_is_total_and_a_text_says_what_its_object_says(data in any_json(), redirect_url in prop::option::of(any_text())) {
        let object = Letter(data.clone());
        // A text that is too long is noise where its object is not; these are shorter.
        let text = Letter(Value::String(data.to_string()));
        let expected = Expected { redirect_url: redirect_url.as_deref(), ..NOTHING_ASKED };
        let read = |fields: &dyn Fields| (Message::read(fields), Message::redirect(fields, parse_url, expected));
        let by_object = object.fields().map(|fields| read(&*fields));
        if data.is_object() {
            let by_text = text.fields().map(|fields| read(&*fields));
            prop_assert!(by_text == by_object || data.to_string().encode_utf16().count() > 16_384);
        }
        let Some((message, redirect)) = by_object else { return Ok(()) };
        if let Some(message) = message {
            prop_assert!(message.step.is_some() || message.code.is_some());
        }
        if let Ok(redirect) = redirect {
            prop_assert!(redirect.login_id.as_ref().is_none_or(|id| is_id(id.as_str())));
            prop_assert!(redirect.request_id.is_none_or(|id| is_id(id.as_str())));
            prop_assert!(redirect.accounts.iter().all(|id| is_id(id.as_str())) && redirect.accounts.len() <= MAX_ACCOUNTS);
            // What was read stood there: no id is made up of parts.
            let said = data.to_string();
            prop_assert!(redirect.login_id.is_none_or(|id| said.contains(id.as_str())) || said.contains('%'));
            let said = said.to_ascii_lowercase();
            prop_assert!(redirect.accounts.is_empty() || ACCOUNT_KEYS.iter().any(|key| said.contains(&key.to_ascii_lowercase())));
        }
    }

}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn no_message_breaks_a_session_or_what_comes_after_it(noise in prop::collection::vec(any_json(), 1..8)) {
        let mut session = at_mfa();
        for data in noise {
            session.connect_says(data);
        }
        prop_assert!(session.outcomes.len() <= 1);
        if session.phase() == Phase::Active {
            session.connect_says(redirect());
            prop_assert_eq!(session.phase(), Phase::Delivering);
        }
    }

    #[test]
    fn a_start_reply_is_read_or_refused_whatever_it_is(reply in any_json(), changes in any_json()) {
        let _ = StartReply::read(properties(&reply), parse_url);
        if changes.is_object() {
            let mut session = Driver::new(by_start());
            session.host_starts(with(challenge(), changes));
            prop_assert!(matches!(session.phase(), Phase::Loading | Phase::Failed));
        }
    }
}
