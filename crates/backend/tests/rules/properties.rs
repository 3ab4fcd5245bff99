//! What holds whatever happens, in whatever order: requests, answers of the user, outages, time.

use std::sync::atomic::{AtomicUsize, Ordering};

use flinks_backend::{
    deliver::Deliver,
    record::{Stage, State},
    start::StartReply,
    step::{Reply, Task},
};
use flinks_connect::id::RequestId;
use proptest::prelude::*;

use super::{
    flinks::{Bank, Session, Weather},
    hosts::judge,
    world::{At, BANK, Driver, LOGIN, USER, World, delivery, print_row},
};

/// What may happen.
#[derive(Clone, Debug)]
enum Happening {
    Click,
    /// A click whose host stops before its n-th operation.
    ClickCut(usize),
    /// Two clicks, interleaved.
    TwoClicks,
    UserFinishes,
    FullFlow,
    Deliver {
        which: usize,
        session: Named,
        cut: Option<usize>,
    },
    Webhook {
        which: usize,
    },
    Work(i64),
    Bank(Bank),
    Weather(Weather),
    SessionsDie,
}

#[derive(Clone, Debug)]
enum Named {
    Own,
    None,
    MadeUp,
    Any(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    let bank = prop_oneof![
        Just(Bank::Asks),
        Just(Bank::NeedsNobody),
        Just(Bank::Slow(90_000)),
        Just(Bank::Refuses(401, "INVALID_PASSWORD")),
        Just(Bank::Refuses(401, "RETRY_LATER")),
    ];
    let weather = prop_oneof![
        3 => Just(Weather::Fair),
        1 => Just(Weather::Down),
        1 => Just(Weather::StillAggregating),
        1 => Just(Weather::ApiKeyRefused),
    ];
    let named =
        prop_oneof![Just(Named::Own), Just(Named::None), Just(Named::MadeUp), (0..8_usize).prop_map(Named::Any)];
    prop_oneof![
        4 => Just(Happening::Click),
        2 => (1..30_usize).prop_map(Happening::ClickCut),
        1 => Just(Happening::TwoClicks),
        4 => Just(Happening::UserFinishes),
        1 => Just(Happening::FullFlow),
        4 => (0..6_usize, named, proptest::option::of(1..12_usize))
            .prop_map(|(which, session, cut)| Happening::Deliver { which, session, cut }),
        1 => (0..6_usize).prop_map(|which| Happening::Webhook { which }),
        4 => (1_000..20 * 60_000_i64).prop_map(Happening::Work),
        2 => bank.prop_map(Happening::Bank),
        2 => weather.prop_map(Happening::Weather),
        1 => Just(Happening::SessionsDie),
    ]
}

/// What the user's doings in the world prove.
#[derive(Default)]
struct Proof {
    /// Attempts that were answered `Accepted`.
    accepted: Vec<String>,
    /// When the user last got through at the bank.
    finished: bool,
}

fn happen(world: &mut World, proof: &mut Proof, happening: &Happening) {
    match happening {
        Happening::Click => {
            let before = world.flinks.sign_ins.len();
            let reply = world.start();
            if let Reply::Started(StartReply::UpToDate) = reply {
                assert!(proof.finished || world.flinks.sign_ins.len() > before, "up to date, and nobody got through");
                proof.finished = true;
            }
        }
        Happening::ClickCut(operations) => {
            let mut driver = Driver::of(world.start_task(BANK));
            for _ in 0..*operations {
                world.advance(&mut driver);
            }
            // Its sign-in may have gone through without a question, unheard.
            proof.finished |= world.flinks.sessions.values().any(|stand| stand.standing == Session::Finished);
        }
        Happening::TwoClicks => {
            let mut drivers = [Driver::of(world.start_task(BANK)), Driver::of(world.start_task(BANK))];
            for _ in 0..60 {
                for driver in &mut drivers {
                    world.advance(driver);
                }
            }
            proof.finished |= world.flinks.sessions.values().any(|stand| stand.standing == Session::Finished);
        }
        Happening::UserFinishes => {
            let asking = world.flinks.sessions.iter().find(|(_, stand)| stand.standing == Session::Asking);
            if let Some(id) = asking.map(|(id, _)| id.clone()) {
                world.now_ms += 1;
                world.flinks.finish(&id, world.now_ms);
                proof.finished = true;
            }
        }
        Happening::FullFlow => {
            let open = world.store.attempts.iter().any(|attempt| attempt.stage == Stage::FullFlow);
            if open {
                world.now_ms += 1;
                let id = format!("full-flow-{}", world.now_ms);
                world.flinks.full_flow(&id, LOGIN, world.now_ms);
                proof.finished = true;
            }
        }
        Happening::Deliver { which, session, cut } => {
            let Some(attempt) = world.store.attempts.get(*which).cloned() else { return };
            let named = match session {
                Named::Own => attempt.request_id.clone(),
                Named::None => None,
                Named::MadeUp => RequestId::parse("a-made-up-session"),
                Named::Any(number) => world.flinks.sessions.keys().nth(*number).and_then(|id| RequestId::parse(id)),
            };
            let delivery = delivery(&attempt.id, named.as_ref().map(RequestId::as_str));
            let mut driver = Driver::of(Task::Deliver(Deliver::new(USER.to_owned(), delivery)));
            for _ in 0..cut.unwrap_or(200) {
                world.advance(&mut driver);
            }
            if let At::Over(Reply::Accepted) = driver.at {
                assert!(proof.finished, "a result was accepted although nobody got through at the bank");
                proof.accepted.push(attempt.id.as_str().to_owned());
            }
        }
        Happening::Webhook { which } => {
            let Some(attempt) = world.store.attempts.get(*which).cloned() else { return };
            // Flinks posts one only about a session that is through.
            let through = attempt.request_id.filter(|id| {
                world.flinks.sessions.get(id.as_str()).is_some_and(|stand| stand.standing == Session::Finished)
            });
            if let Some(session) = through {
                world.webhook(Some(session.as_str()), Some(&attempt.tag));
            }
        }
        Happening::Work(ms) => world.work_for(*ms),
        Happening::Bank(bank) => world.flinks.bank = *bank,
        Happening::Weather(weather) => world.flinks.weather = *weather,
        Happening::SessionsDie => {
            for stand in world.flinks.sessions.values_mut() {
                stand.standing = Session::Over;
            }
        }
    }
}

static CASES: AtomicUsize = AtomicUsize::new(0);
static SIGN_INS: AtomicUsize = AtomicUsize::new(0);
static RESULTS: AtomicUsize = AtomicUsize::new(0);
static DELIVERED: AtomicUsize = AtomicUsize::new(0);

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    fn whatever_happens(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut world = World::new();
        world.keeps_json = false;
        let mut proof = Proof::default();
        for happening in &happenings {
            happen(&mut world, &mut proof, happening);
            judge(&world);
        }
        // Flinks is well again and the operator is up: every accepted result comes to its data.
        world.flinks.weather = Weather::Fair;
        world.work_for(2 * 60 * 60_000);
        judge(&world);
        for id in &proof.accepted {
            let attempt = world.store.attempts.iter().find(|attempt| attempt.id.as_str() == id).unwrap();
            // Set aside only where another attempt had the very same session.
            prop_assert!(matches!(attempt.state, State::Finished | State::Superseded | State::Failed), "{:?}", attempt.state);
        }
        let lost = world.store.attempts.iter().filter(|attempt| attempt.state == State::Accepted).count();
        prop_assert_eq!(lost, 0, "an accepted result has no end");
        for attempt in world.store.attempts.iter().filter(|attempt| attempt.state == State::Failed) {
            // Data is given up only after half an hour in which Flinks did not give it.
            let event = world.store.events.iter().any(|event| event.attempt.as_ref() == Some(&attempt.id));
            prop_assert!(event, "given up, and nobody was told");
        }
        CASES.fetch_add(1, Ordering::Relaxed);
        SIGN_INS.fetch_add(world.flinks.sign_ins.len(), Ordering::Relaxed);
        RESULTS.fetch_add(world.store.attempts.iter().filter(|one| one.result.is_some()).count(), Ordering::Relaxed);
        DELIVERED.fetch_add(proof.accepted.len(), Ordering::Relaxed);
    }
}

#[test]
fn one_result_per_session_none_lost_no_sign_in_twice_and_nobody_asked_alone() {
    whatever_happens();
    let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    let (cases, sign_ins, results, delivered) = (read(&CASES), read(&SIGN_INS), read(&RESULTS), read(&DELIVERED));
    print_row(&format!(
        "the server's rules, whatever happens | {cases} stories, {sign_ins} live sign-ins, {results} results accepted, {delivered} deliveries answered 200 | one result for each session, none lost, no sign-in twice or for nobody"
    ));
    assert!(cases >= 600 && results > 200 && delivered > 50, "too little happened to prove anything");
}
