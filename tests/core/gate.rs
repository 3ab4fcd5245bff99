//! The gate's order once the browser has vouched for a sender (`src/web/gate.rs`): in a phase that listens, within the rate, and only then read.

use std::cell::Cell;

use flinks_connect::message::Fields;
use flinks_reconnect::session::{Dropped, Phase, Posted};
use serde_json::{Value, json};

use crate::support::*;

/// Messages read at once, and per millisecond from then on.
const BURST: u32 = 5_000;

/// A message event that knows how often it was read.
struct Witness {
    data: Value,
    reads: Cell<u32>,
}

impl Witness {
    fn new(data: Value) -> Self {
        Self { data, reads: Cell::new(0) }
    }
}

impl Posted for Witness {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        self.reads.set(self.reads.get() + 1);
        self.data.is_object().then(|| Box::new(Json(self.data.clone())) as Box<dyn Fields>)
    }
}

#[test]
fn a_message_is_read_once() {
    let mut session = at_mfa();
    let witness = Witness::new(redirect());
    session.posted(&witness);
    assert_eq!(witness.reads.get(), 1);
    assert_eq!(session.phase(), Phase::Delivering);
    assert_eq!(session.session.dropped(), Dropped::default());
}

#[test]
fn in_a_phase_that_does_not_listen_the_data_is_not_touched() {
    let mut closed = at_mfa();
    closed.user_closes();
    let mut failed = at_mfa();
    failed.step("SESSION_EXPIRED");
    let mut done = delivering();
    done.host_answers(200);
    let mut renewing = at_mfa_with(by_start());
    renewing.step("SESSION_EXPIRED");
    for session in [&mut Driver::new(by_start()), &mut renewing, &mut closed, &mut failed, &mut done] {
        let phase = session.phase();
        session.skip();
        let witness = Witness::new(redirect());
        session.posted(&witness);
        assert_eq!(witness.reads.get(), 0, "{phase:?}");
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
        assert_eq!(witness.reads.get(), 1, "{:?}", session.phase());
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
        assert_eq!(witness.reads.get(), 0);
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
