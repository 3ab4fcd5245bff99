//! The gate's order: made by the browser, from our frame's window, from our frame's origin, in a phase that listens, within the rate,
//! and only then read. A check that said no must be the last thing asked, because the first touch of the data makes the browser
//! deserialise what a stranger sent.

#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::cell::RefCell;

use flinks_reconnect::connect::message::Fields;
use flinks_reconnect::session::{Dropped, Phase, Posted};
use serde_json::{Value, json};
use support::*;

/// Messages read at once, and per millisecond from then on.
const BURST: u32 = 5_000;

/// A message event that writes down what it is asked.
struct Witness {
    is_trusted: bool,
    is_from_frame: bool,
    is_from_origin: bool,
    data: Value,
    asked: RefCell<Vec<&'static str>>,
}

impl Witness {
    fn new(data: Value) -> Self {
        Self { is_trusted: true, is_from_frame: true, is_from_origin: true, data, asked: RefCell::default() }
    }

    fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().clone()
    }

    fn note<T>(&self, question: &'static str, answer: T) -> T {
        self.asked.borrow_mut().push(question);
        answer
    }
}

impl Posted for Witness {
    fn is_trusted(&self) -> bool {
        self.note("trusted?", self.is_trusted)
    }

    fn is_from_frame(&self) -> bool {
        self.note("from the frame?", self.is_from_frame)
    }

    fn is_from_origin(&self) -> bool {
        self.note("from the origin?", self.is_from_origin)
    }

    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        self.note("data", self.data.is_object().then(|| Box::new(Json(self.data.clone())) as Box<dyn Fields>))
    }
}

#[test]
fn a_genuine_message_is_asked_everything_in_order_and_its_data_once() {
    let mut session = at_mfa();
    let witness = Witness::new(redirect());
    session.posted(&witness);
    assert_eq!(witness.asked(), ["trusted?", "from the frame?", "from the origin?", "data"]);
    assert_eq!(session.phase(), Phase::Delivering);
    assert_eq!(session.session.dropped(), Dropped::default());
}

#[test]
fn the_first_no_is_the_last_question_and_is_counted_where_it_fell() {
    // Whatever the later answers would be: each combination of the three.
    for bits in 0..8_u8 {
        let (is_trusted, is_from_frame, is_from_origin) = (bits & 4 != 0, bits & 2 != 0, bits & 1 != 0);
        let mut session = at_mfa();
        let witness = Witness { is_trusted, is_from_frame, is_from_origin, ..Witness::new(redirect()) };
        session.posted(&witness);
        let all = ["trusted?", "from the frame?", "from the origin?", "data"];
        let none = Dropped::default();
        let (questions, dropped) = match (is_trusted, is_from_frame, is_from_origin) {
            (false, _, _) => (1, Dropped { untrusted: 1, ..none }),
            (true, false, _) => (2, Dropped { source: 1, ..none }),
            (true, true, false) => (3, Dropped { origin: 1, ..none }),
            (true, true, true) => (4, none),
        };
        assert_eq!(witness.asked(), all[..questions], "{bits:03b}");
        assert_eq!(session.session.dropped(), dropped, "{bits:03b}");
        assert_eq!(session.phase() == Phase::Active, questions < 4, "{bits:03b}");
        assert_eq!(session.heard().is_empty(), questions < 4, "{bits:03b}");
    }
}

#[test]
fn in_a_phase_that_does_not_listen_the_data_is_not_touched() {
    let mut closed = at_mfa();
    closed.user_closes();
    let mut failed = at_mfa();
    failed.step("ACCESS_DENIED");
    let mut done = delivering();
    done.host_answers(200);
    let mut renewing = at_mfa_with(by_start());
    renewing.step("SESSION_EXPIRED");
    for session in [&mut Driver::new(by_start()), &mut renewing, &mut closed, &mut failed, &mut done] {
        let phase = session.phase();
        session.skip();
        let witness = Witness::new(redirect());
        session.posted(&witness);
        assert_eq!(witness.asked(), ["trusted?", "from the frame?", "from the origin?"], "{phase:?}");
        assert_eq!(session.session.dropped(), Dropped { phase: 1, ..Dropped::default() }, "{phase:?}");
        assert_eq!(session.phase(), phase);
        session.hears_nothing();
    }
}

#[test]
fn the_phases_that_listen_read_the_data() {
    for session in [&mut Driver::new(interrupted()), &mut at_mfa(), &mut delivering()] {
        let witness = Witness::new(json!({ "step": "APP_RESIZE" }));
        session.posted(&witness);
        assert_eq!(witness.asked().last(), Some(&"data"), "{:?}", session.phase());
    }
}

#[test]
fn beyond_the_burst_the_data_is_not_touched() {
    let mut session = Driver::new(interrupted());
    for _ in 0..BURST {
        session.step("APP_RESIZE");
    }
    assert_eq!(session.session.dropped(), Dropped::default());
    session.skip();
    for _ in 0..10 {
        let witness = Witness::new(redirect());
        session.posted(&witness);
        assert_eq!(witness.asked(), ["trusted?", "from the frame?", "from the origin?"]);
    }
    session.hears_nothing();
    assert_eq!(session.session.dropped(), Dropped { rate: 10, ..Dropped::default() });
}

#[test]
fn after_a_flood_one_message_is_read_per_millisecond_and_the_burst_comes_back() {
    let mut session = at_mfa();
    for _ in 0..2 * BURST {
        session.step("APP_RESIZE");
    }
    assert!(session.session.dropped().rate >= BURST);
    for _ in 0..100 {
        let dropped = session.session.dropped().rate;
        session.advance(1);
        session.step("APP_RESIZE");
        assert_eq!(session.session.dropped().rate, dropped, "a millisecond later one is read");
        session.step("APP_RESIZE");
        assert_eq!(session.session.dropped().rate, dropped + 1, "and no second one");
    }
    // The clock may stand or seem to run backwards: nothing is gained by it.
    session.now_ms -= 50;
    let dropped = session.session.dropped().rate;
    session.step("APP_RESIZE");
    assert_eq!(session.session.dropped().rate, dropped + 1);
    // However long it was quiet, no more than the burst is saved up.
    session.now_ms += 60_000;
    let dropped = session.session.dropped().rate;
    for _ in 0..=BURST {
        session.step("APP_RESIZE");
    }
    assert_eq!(session.session.dropped().rate, dropped + 1);
}

#[test]
fn strangers_cannot_use_up_the_rate() {
    let mut session = at_mfa();
    for _ in 0..20_000 {
        session.posted(&Witness { is_trusted: false, ..Witness::new(json!({})) });
        session.posted(&Witness { is_from_frame: false, ..Witness::new(json!({})) });
        session.posted(&Witness { is_from_origin: false, ..Witness::new(json!({})) });
    }
    assert_eq!(
        session.session.dropped(),
        Dropped { untrusted: 20_000, source: 20_000, origin: 20_000, ..Dropped::default() }
    );
    session.connect_says(redirect());
    assert_eq!(session.phase(), Phase::Delivering);
}

#[test]
fn what_nobody_listened_to_does_not_use_up_the_rate() {
    let mut session = Driver::new(by_start());
    for _ in 0..2 * BURST {
        session.step("APP_RESIZE");
    }
    session.host_starts(challenge());
    session.connect_says(redirect());
    assert_eq!(session.phase(), Phase::Delivering);
}

#[test]
fn noise_of_the_frame_itself_is_counted_as_unreadable_and_uses_up_the_rate() {
    let mut session = Driver::new(interrupted());
    for _ in 0..BURST {
        session.connect_says(json!(5));
    }
    session.connect_says(json!(5));
    assert_eq!(session.session.dropped(), Dropped { unreadable: BURST, rate: 1, ..Dropped::default() });
    assert_eq!(session.phase(), Phase::Loading, "noise is no word of Connect's");
    session.advance(1);
    session.connect_says(redirect());
    assert_eq!(session.phase(), Phase::Delivering, "the next genuine message is heard");
}
