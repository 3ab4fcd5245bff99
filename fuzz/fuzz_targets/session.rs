//! Any bytes as a schedule: what Connect, the host, the user, the other tabs and the clock do to one session.
//!
//! The first byte chooses the options, every other is one thing that happens (the table in `step`, in letters, so that a seed can be
//! read); a byte that is no letter of the table is time. What must hold, whatever the order:
//!
//! - one settlement per attempt, and only a phase change out of a final phase begins another;
//! - a login comes only from a message of Connect's;
//! - nothing is delivered before it was accepted, and an attempt delivers the same thing every time;
//! - a wake at the deadline changes the deadline, so no timer spins;
//! - no id stands in what a log would show.

#![no_main]

use flinks_connect::address::parse_url;
use flinks_connect::id::AttemptId;
use flinks_connect::message::{Field, Fields, Form};
use flinks_reconnect::session::{
    Delivery, Event, HostAnswer, Input, LoadProblem, LockState, NoStart, Options, Outcome, Output, PageState, Phase,
    Posted, Properties, Property, Session, StartReply,
};
use libfuzzer_sys::fuzz_target;

const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";
const OTHER_LOGIN: &str = "9c46a7d9-f8c7-42e4-a9a9-19e79c8a9e42";
const REQUEST: &str = "0f1e2d3c-aaaa-4bbb-8ccc-000000000001";
const TOKEN: &str = "7a7a7a7a-1111-4222-8333-444444444444";
const ATTEMPT: &str = "attempt-of-the-host-0001";
const OWN_ATTEMPT: &str = "attempt-of-the-widget-01";
const IDS: [&str; 6] = [LOGIN, OTHER_LOGIN, REQUEST, TOKEN, ATTEMPT, OWN_ATTEMPT];

/// A longer schedule finds nothing that a shorter one does not, and is slower.
const MAX_STEPS: usize = 512;
/// The outputs one input may cause; more is a loop.
const MAX_OUTPUTS: u32 = 100;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, schedule)) = bytes.split_first() else { return };
    let mut run = Run::new(kind);
    for &byte in schedule.iter().take(MAX_STEPS) {
        run.step(byte);
    }
    run.end();
});

struct Run {
    session: Session,
    now_ms: u64,
    call: u32,
    try_number: u32,
    /// Settlements since the attempt began.
    settled: u32,
    delivery: Option<Delivery>,
    genuine_redirect: bool,
}

impl Run {
    fn new(kind: u8) -> Self {
        let options = Options::read(&options(kind), "en", parse_url).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let attempt_id = AttemptId::parse(OWN_ATTEMPT).expect("an attempt id");
        Self {
            session: Session::new(0, options, attempt_id, parse_url),
            now_ms: 0,
            call: 0,
            try_number: 0,
            settled: 0,
            delivery: None,
            genuine_redirect: false,
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'b' => self.handle(Input::Begin),
            b'h' => self.handle(Input::Lock(LockState::Granted)),
            b'y' => self.handle(Input::Lock(LockState::HeldElsewhere)),
            // start answers
            b's' => self.started(self.call, &[("status", "challenge"), ("mode", "refresh"), ("requestId", REQUEST)]),
            b'S' => self.started(
                self.call,
                &[("status", "challenge"), ("mode", "resume"), ("requestId", REQUEST), ("tag", "mine")],
            ),
            b'c' => self.started(self.call, &[("status", "connect")]),
            b'u' => self.started(self.call, &[("status", "upToDate")]),
            b'n' => self.started(self.call, &[("status", "nonsense")]),
            b'z' => self.started(self.call.wrapping_sub(1), &[("status", "upToDate")]),
            // what Connect says
            b'm' => self.says(&[("step", "APP_MOUNTED")]),
            b'a' => self.says(&[("step", "COMPONENT_LOAD_MFA")]),
            b'A' => self.says(&[("step", "SUBMIT_MFA")]),
            b'f' => self.says(&[("step", "COMPONENT_LOAD_CREDENTIAL")]),
            b'i' => self.says(&[("step", "TOKEN_INVALID")]),
            b'x' => self.says(&[("step", "COMPONENT_CLOSE_SESSION")]),
            b'e' => self.says(&[("step", "APP_RESIZE"), ("flinksCode", "SESSION_EXPIRED")]),
            b't' => self.says(&[("flinksCode", "DISABLED_LOGIN")]),
            b'r' => self.says(&[("step", "REDIRECT"), ("loginId", LOGIN)]),
            b'R' => self.says(&[("step", "REDIRECT"), ("loginId", OTHER_LOGIN)]),
            b'q' => self.says(&[
                ("step", "REDIRECT"),
                ("url", "https://example.com/?loginId=8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31&tag=mine"),
            ]),
            b'Q' => self.says(&[
                ("step", "REDIRECT"),
                ("loginId", LOGIN),
                ("url", "https://example.com/?loginId=another-login&tag=yours"),
            ]),
            b'j' => self.says(&[("step", "REDIRECT"), ("loginId", "?")]),
            b'-' => self.says(&[]),
            // delivery answers
            b'o' => self.delivered(self.try_number, HostAnswer::Ok),
            b'O' => self.delivered(self.try_number.wrapping_sub(1), HostAnswer::Ok),
            b'd' => self.delivered(self.try_number, HostAnswer::Unreachable),
            b'4' => self.delivered(self.try_number, refused(422, None)),
            b'9' => self.delivered(self.try_number, refused(409, None)),
            b'M' => self.delivered(self.try_number, refused(409, Some("LOGIN_MISMATCH"))),
            b'5' => self.delivered(
                self.try_number,
                HostAnswer::Refused { status: 503, code: None, retry_after_ms: Some(u64::MAX) },
            ),
            // the rest of the world
            b'w' => self.handle(Input::Wake),
            b'W' => self.wake_at_the_deadline(),
            b'p' => self.handle(Input::Blocked(LoadProblem::Policy)),
            b'N' => self.handle(Input::Online),
            b'F' => self.handle(Input::Offline),
            b'U' => self.handle(Input::UserClosed),
            b'T' => self.handle(Input::UserStays),
            b'g' => self.handle(Input::UserRetries),
            b'v' => self.handle(Input::Page(PageState::Hidden)),
            b'V' => self.handle(Input::Page(PageState::Visible)),
            b'l' => self.handle(Input::PageLeft),
            b'B' => self.handle(Input::FrameMoved),
            b'H' => self.handle(Input::HostClosed),
            b'Z' => self.handle(Input::Retry),
            // 1 ms to 12 days, with no timer firing
            _ => self.now_ms += 1 << (byte % 31),
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        let is_final_before = self.session.phase().is_final();
        self.session.handle(self.now_ms, input);
        for _ in 0..MAX_OUTPUTS {
            let Some(output) = self.session.poll() else {
                assert_eq!(
                    self.settled,
                    u32::from(self.session.phase().is_final() && !self.session.can_retry()),
                    "settled once, and at the end"
                );
                assert!(is_final_before || !self.session.phase().is_final() || self.session.deadline_ms().is_none());
                return;
            };
            let shown = format!("{output:?}");
            assert!(!IDS.iter().any(|id| shown.contains(id)), "an id in a log");
            self.perform(output);
        }
        panic!("one input caused more than {MAX_OUTPUTS} outputs");
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Start { call, .. } => self.call = call,
            Output::OpenFrame { url, origin } => {
                assert_eq!(parse_url(&url, None).expect("the frame's URL parses").origin, origin);
            }
            Output::Deliver { try_number, delivery, .. } => {
                assert!(try_number > self.try_number, "a try number twice");
                self.try_number = try_number;
                self.check_login(&delivery);
                let first = self.delivery.get_or_insert_with(|| delivery.clone());
                assert_eq!(*first, delivery, "a delivery that changed between tries");
            }
            Output::Emit(Event::PhaseChange { previous, .. }) if previous.is_final() => {
                assert_eq!(self.settled, 0, "begun again after the end");
            }
            Output::Settle(outcome) => {
                self.settled += 1;
                if let Outcome::Reconnected { result, .. } = outcome {
                    self.check_login(&result);
                }
            }
            _ => {}
        }
    }

    fn check_login(&self, result: &Delivery) {
        assert!(self.genuine_redirect, "a result out of nothing");
        assert!(result.login_id.as_ref().is_none_or(|login| [LOGIN, OTHER_LOGIN].contains(&login.as_str())));
    }

    fn wake_at_the_deadline(&mut self) {
        let Some(deadline_ms) = self.session.deadline_ms() else { return };
        self.now_ms = self.now_ms.max(deadline_ms);
        self.handle(Input::Wake);
        assert!(
            self.session.deadline_ms().is_none_or(|next_ms| next_ms > self.now_ms || next_ms > deadline_ms),
            "a timer spins"
        );
    }

    fn started(&mut self, call: u32, reply: &'static [(&'static str, &'static str)]) {
        // Its attempt id is always there.
        let properties = reply.iter().chain(&[("attemptId", ATTEMPT)]);
        let properties = properties.map(|(name, value)| ((*name).to_owned(), Property::Text((*value).to_owned())));
        let reply = StartReply::read(Properties(properties.collect()), parse_url).map_err(NoStart::Unreadable);
        self.handle(Input::Started { call, reply });
    }

    fn delivered(&mut self, try_number: u32, answer: HostAnswer) {
        self.handle(Input::Delivered { try_number, answer: &answer });
    }

    fn says(&mut self, fields: &'static [(&'static str, &'static str)]) {
        self.genuine_redirect |= fields.contains(&("step", "REDIRECT"));
        self.handle(Input::Posted(&Letter(fields)));
    }

    /// Left to its timers, with a page that closes it, every session that began comes to an end.
    fn end(&mut self) {
        self.handle(Input::HostClosed);
        for _ in 0..10_000 {
            if self.session.deadline_ms().is_none() {
                break;
            }
            self.wake_at_the_deadline();
        }
        assert!(self.session.phase().is_final(), "left in {}", self.session.phase().as_str());
        assert!(self.session.phase() != Phase::Delivering);
    }
}

fn refused(status: u16, code: Option<&str>) -> HostAnswer {
    HostAnswer::Refused { status, code: code.map(str::to_owned), retry_after_ms: None }
}

/// With or without `start`, `deliver`, `fullFlow: "stop"` and a `tag`: one bit each.
fn options(kind: u8) -> Properties {
    let mut given = vec![("instance", Property::Text("toolbox".to_owned()))];
    if kind & 1 == 0 {
        given.push(("requestId", Property::Text(REQUEST.to_owned())));
        given.push(("authorizeToken", Property::Text(TOKEN.to_owned())));
    } else {
        given.push(("start", Property::Function));
    }
    if kind & 2 == 0 {
        given.push(("deliver", Property::Function));
    }
    if kind & 4 != 0 {
        given.push(("fullFlow", Property::Text("stop".to_owned())));
    }
    if kind & 8 != 0 {
        given.push(("params", Property::Pairs(vec!["tag".to_owned(), "mine".to_owned()])));
    }
    Properties(given.into_iter().map(|(name, property)| (name.to_owned(), property)).collect())
}

struct Letter(&'static [(&'static str, &'static str)]);

impl Posted for Letter {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        Some(Box::new(Told(self.0)))
    }
}

struct Told(&'static [(&'static str, &'static str)]);

impl Fields for Told {
    fn each(&self, name: &str, _: Form, _: usize, take: &mut dyn FnMut(Field)) {
        let values = self.0.iter().filter(|(given, _)| *given == name);
        values.map(|(_, value)| Field::Text((*value).to_owned())).for_each(take);
    }

    fn number(&self, _: &str) -> Option<f64> {
        None
    }
}
