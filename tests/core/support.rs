//! A driver of the core on a virtual clock: what `src/web` is in a browser, in a few lines.
//!
//! It performs every output the way the shell does, writes each down as one line, and knows the host's and Connect's halves of the
//! conversation, so that a test reads as a transcript. Every loop in it is bounded.

#![allow(clippy::needless_pass_by_value, reason = "values are written where they are passed")]
#![allow(clippy::expect_used, clippy::panic, reason = "a broken premise must stop the test")]

use std::collections::BTreeMap;

use flinks_connect::address::{ParsedUrl, parse_url};
use flinks_connect::id::{AttemptId, LoginId};
use flinks_connect::message::{Field, Fields, Form, MAX_FIELDS, MAX_JSON_LEN};
use flinks_reconnect::session::{
    CompletionNotice, Delivery, Event, Failure, HostAnswer, Input, Keepalive, LockMode, LockState, NoStart, Options,
    Outcome, Output, PageState, Phase, Posted, Properties, Property, Reconnected, Session, StartAfter, StartReply,
    View,
};
use serde_json::{Value, json};

pub(crate) const ATTEMPT: &str = "attempt-of-the-host-0001";
pub(crate) const OWN_ATTEMPT: &str = "attempt-of-the-widget-01";
pub(crate) const REQUEST: &str = "0f1e2d3c-aaaa-4bbb-8ccc-000000000001";
pub(crate) const OTHER_REQUEST: &str = "0f1e2d3c-aaaa-4bbb-8ccc-000000000002";
pub(crate) const TOKEN: &str = "7a7a7a7a-1111-4222-8333-444444444444";
pub(crate) const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";
pub(crate) const OTHER_LOGIN: &str = "9c46a7d9-f8c7-42e4-a9a9-19e79c8a9e42";
pub(crate) const CHEQUING: &str = "acc0acc0-0001-4000-8000-000000000001";
pub(crate) const SAVINGS: &str = "acc0acc0-0002-4000-8000-000000000002";
pub(crate) const TAG: &str = "opaque tag 1";
pub(crate) const BANK: &str = "FlinksCapital";
pub(crate) const CONNECT_ORIGIN: &str = "https://toolbox-iframe.private.fin.ag";

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
/// How long what has arrived is heard after a sleep.
pub(crate) const HEARING_MS: u64 = SECOND;

/// The session clock's reading when a test begins: not 0, so that a time which was meant to be relative shows.
pub(crate) const BIRTH_MS: u64 = 777_000;

/// The wakes one [`Driver::advance`] may take; more is a timer that spins.
const MAX_WAKES: u32 = 10_000;
/// The outputs one input may cause.
const MAX_OUTPUTS: u32 = 100;

/// A JSON value in the place of a JavaScript one, as a message.
pub(crate) struct Json(pub(crate) Value);

/// A JSON object as the browser would hand it over.
pub(crate) fn properties(value: &Value) -> Properties {
    let object = value.as_object().into_iter().flatten();
    Properties(object.map(|(name, value)| (name.clone(), property(value))).collect())
}

fn property(value: &Value) -> Property {
    match value {
        Value::Null => Property::Null,
        Value::String(text) => Property::Text(text.clone()),
        Value::Number(number) => Property::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.map_or(Property::Other, Property::Texts)
        }
        Value::Object(object) => {
            let pairs = object.iter().map(|(name, value)| Some([name.clone(), primitive(value)?]));
            let pairs = pairs.collect::<Option<Vec<_>>>();
            pairs.map_or(Property::Other, |pairs| Property::Pairs(pairs.into_flattened()))
        }
        Value::Bool(_) => Property::Other,
    }
}

fn primitive(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Fields for Json {
    fn each(&self, name: &str, form: Form, max_len: usize, take: &mut dyn FnMut(Field)) {
        let named = self.own(name).flat_map(|value| match (value, form) {
            (Value::Array(items), Form::List(max_items)) => items.iter().take(max_items).collect(),
            (value, _) => vec![value],
        });
        named
            .filter_map(|value| match value {
                Value::Null => None,
                Value::String(text) if text.is_empty() => None,
                Value::String(text) if utf16_len(text) <= max_len => Some(Field::Text(text.clone())),
                _ => Some(Field::Unusable),
            })
            .for_each(take);
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.own(name).find_map(Value::as_f64)
    }
}

impl Json {
    /// The values of the properties of that name, in whatever case.
    fn own<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let properties = self.0.as_object().into_iter().flatten().take(MAX_FIELDS);
        let others = properties.filter(move |(known, _)| *known != name && known.eq_ignore_ascii_case(name));
        self.0.get(name).into_iter().chain(others.map(|(_, value)| value))
    }
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A message event of Connect's, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Letter(pub(crate) Value);

impl Posted for Letter {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        let data = match &self.0 {
            Value::String(text) if utf16_len(text) <= MAX_JSON_LEN => serde_json::from_str(text).ok()?,
            data => data.clone(),
        };
        data.is_object().then(|| Box::new(Json(data)) as Box<dyn Fields>)
    }
}

/// A session, its virtual clock, and everything it has asked for so far.
pub(crate) struct Driver {
    pub(crate) session: Session,
    pub(crate) now_ms: u64,
    /// What was heard since the last [`Driver::hears`].
    transcript: Vec<String>,
    pub(crate) outcomes: Vec<Outcome>,
    /// The failures that were told, and those that were the end.
    pub(crate) failures: Vec<Failure>,
    pub(crate) deliveries: Vec<Delivery>,
    /// How they were sent.
    pub(crate) keepalives: Vec<Keepalive>,
    /// The session times at which [`Driver::deliveries`] were sent.
    pub(crate) delivery_times_ms: Vec<u64>,
    /// The waits announced by `retrying`.
    pub(crate) delays_ms: Vec<u64>,
    pub(crate) frames: Vec<ParsedUrl>,
    pub(crate) call: u32,
    pub(crate) try_number: u32,
    /// How the browser answers a request for the session's lock; none leaves it waiting.
    pub(crate) lock: Option<LockState>,
    /// The requests for the lock that were made.
    pub(crate) lock_requests: Vec<LockMode>,
    /// Whether this tab holds the session now.
    pub(crate) holds: bool,
    /// What is on the page.
    pub(crate) view: Option<View>,
}

impl Driver {
    /// A session with these options; they must be valid.
    pub(crate) fn new(options: Value) -> Self {
        Self::with_attempt(options, OWN_ATTEMPT)
    }

    /// The same with another attempt id of the widget's, and so with another jitter.
    pub(crate) fn with_attempt(options: Value, attempt_id: &str) -> Self {
        let mut driver = Self::unbegun(options, attempt_id);
        driver.handle(Input::Begin);
        driver
    }

    /// A session that waits for its beginning.
    pub(crate) fn unbegun(options: Value, attempt_id: &str) -> Self {
        let options = Options::read(&properties(&options), "en-CA", parse_url)
            .unwrap_or_else(|error| panic!("the test's option {} is wrong", error.0));
        let attempt_id = AttemptId::parse(attempt_id).expect("an attempt id");
        Self {
            session: Session::new(BIRTH_MS, options, attempt_id, parse_url),
            now_ms: BIRTH_MS,
            transcript: Vec::new(),
            outcomes: Vec::new(),
            failures: Vec::new(),
            deliveries: Vec::new(),
            keepalives: Vec::new(),
            delivery_times_ms: Vec::new(),
            delays_ms: Vec::new(),
            frames: Vec::new(),
            call: 0,
            try_number: 0,
            lock: Some(LockState::Granted),
            lock_requests: Vec::new(),
            holds: false,
            view: None,
        }
    }

    // ---- what happens to the session ----

    /// One input, now, with everything it causes.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.session.handle(self.now_ms, input);
        self.perform();
    }

    pub(crate) fn connect_says(&mut self, data: Value) {
        self.posted(&Letter(data));
    }

    pub(crate) fn step(&mut self, step: &str) {
        self.connect_says(json!({ "step": step }));
    }

    pub(crate) fn posted(&mut self, posted: &dyn Posted) {
        self.handle(Input::Posted(posted));
    }

    /// The start endpoint answers 200 with this body.
    pub(crate) fn host_starts(&mut self, reply: Value) {
        let reply = StartReply::read(properties(&reply), parse_url).map_err(NoStart::Unreadable);
        self.handle(Input::Started { call: self.call, reply });
    }

    pub(crate) fn host_refuses_start(&mut self, answer: HostAnswer) {
        self.handle(Input::Started { call: self.call, reply: Err(NoStart::Refused(&answer)) });
    }

    /// The deliver endpoint answers with this status and nothing else of interest.
    pub(crate) fn host_answers(&mut self, status: u16) {
        self.host_answers_with(if status < 300 { HostAnswer::Ok } else { refused(status) });
    }

    pub(crate) fn host_answers_with(&mut self, answer: HostAnswer) {
        self.handle(Input::Delivered { try_number: self.try_number, answer: &answer });
    }

    /// Time passes, with timers that fire on time.
    pub(crate) fn advance(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        for _ in 0..MAX_WAKES {
            match self.session.deadline_ms() {
                Some(deadline_ms) if deadline_ms <= end_ms => {
                    self.now_ms = self.now_ms.max(deadline_ms);
                    self.handle(Input::Wake);
                }
                _ => {
                    self.now_ms = end_ms;
                    return;
                }
            }
        }
        panic!("the session wanted more than {MAX_WAKES} wakes in {ms} ms");
    }

    /// Time passes while no timer fires (the machine sleeps), then the page is woken.
    pub(crate) fn sleep(&mut self, ms: u64) {
        self.now_ms += ms;
        self.handle(Input::Wake);
    }

    /// The same, and what has arrived meanwhile has had its time.
    pub(crate) fn sleep_and_hear(&mut self, ms: u64) {
        self.sleep(ms);
        self.advance(HEARING_MS);
    }

    /// Nobody sees the page any more.
    pub(crate) fn page_is_hidden(&mut self) {
        self.handle(Input::Page(PageState::Hidden));
    }

    pub(crate) fn page_is_shown(&mut self) {
        self.handle(Input::Page(PageState::Visible));
        self.handle(Input::Wake);
    }

    pub(crate) fn goes_online(&mut self) {
        self.handle(Input::Online);
    }

    pub(crate) fn goes_offline(&mut self) {
        self.handle(Input::Offline);
    }

    pub(crate) fn page_is_left(&mut self) {
        self.handle(Input::PageLeft);
    }

    pub(crate) fn user_closes(&mut self) {
        self.handle(Input::UserClosed);
    }

    pub(crate) fn user_stays(&mut self) {
        self.handle(Input::UserStays);
    }

    pub(crate) fn user_retries(&mut self) {
        self.handle(Input::UserRetries);
    }

    pub(crate) fn frame_moved(&mut self) {
        self.handle(Input::FrameMoved);
    }

    pub(crate) fn page_closes(&mut self) {
        self.handle(Input::HostClosed);
    }

    pub(crate) fn retry(&mut self) {
        self.handle(Input::Retry);
    }

    // ---- what the session did ----

    /// Asserts on everything heard since the last call.
    #[track_caller]
    pub(crate) fn hears(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.transcript), expected);
    }

    #[track_caller]
    pub(crate) fn hears_nothing(&mut self) {
        self.hears(&[]);
    }

    /// Forgets what was heard, for tests about what comes next.
    pub(crate) fn skip(&mut self) {
        self.transcript.clear();
    }

    /// Everything heard since the last [`Driver::hears`] or [`Driver::skip`].
    pub(crate) fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.transcript)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.session.phase()
    }

    /// The only ending so far, a result.
    #[track_caller]
    pub(crate) fn result(&self) -> &Reconnected {
        match self.outcomes.as_slice() {
            [Outcome::Reconnected { result, .. }] => result,
            other => panic!("expected one result, got {other:?}"),
        }
    }

    /// The login of the only ending so far, a result.
    #[track_caller]
    pub(crate) fn login(&self) -> Option<&str> {
        match self.outcomes.as_slice() {
            [Outcome::Reconnected { result, late_login }] => {
                late_login.as_ref().or(result.login_id.as_ref()).map(LoginId::as_str)
            }
            other => panic!("expected one result, got {other:?}"),
        }
    }

    /// The latest failure, be it the end or one that a retry can cure.
    #[track_caller]
    pub(crate) fn failure(&self) -> &Failure {
        self.failures.last().expect("a failure")
    }

    /// The latest frame's parameters, read back by a WHATWG parser.
    #[track_caller]
    pub(crate) fn frame_parameters(&self) -> BTreeMap<String, String> {
        let frame = self.frames.last().expect("a frame");
        let parameters: BTreeMap<_, _> = frame.query.iter().cloned().collect();
        assert_eq!(parameters.len(), frame.query.len(), "a parameter stands twice");
        parameters
    }

    /// The same for one parameter.
    #[track_caller]
    pub(crate) fn frame_parameter(&self, name: &str) -> Option<String> {
        self.frame_parameters().remove(name)
    }

    fn perform(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            let Some(output) = self.session.poll() else { return };
            // The lock is asked for and granted in silence; the tests that are about it look at `lock_requests` and `holds`.
            if !matches!(output, Output::AcquireLock { .. } | Output::ReleaseLock) {
                self.transcript.push(line(&output));
            }
            match output {
                Output::AcquireLock { mode, .. } => {
                    self.lock_requests.push(mode);
                    if let Some(lock) = self.lock {
                        self.holds = lock == LockState::Granted;
                        self.session.handle(self.now_ms, Input::Lock(lock));
                    }
                }
                Output::ReleaseLock => self.holds = false,
                Output::Start { call, .. } => self.call = call,
                Output::OpenFrame { url, origin } => {
                    let frame = parse_url(&url, None).expect("the frame's URL parses");
                    // What the frame loads and what its messages are compared with may not drift apart.
                    assert_eq!(frame.origin, origin);
                    self.frames.push(frame);
                }
                Output::Deliver { try_number, delivery, keepalive } => {
                    self.keepalives.push(keepalive);
                    self.try_number = try_number;
                    self.deliveries.push(delivery);
                    self.delivery_times_ms.push(self.now_ms);
                }
                Output::Emit(Event::Retrying { delay_ms, .. }) => self.delays_ms.push(delay_ms),
                Output::Emit(Event::AttemptFailed(failure)) => self.failures.push(failure),
                Output::Settle(outcome) => {
                    if let Outcome::Failed(failure) = &outcome {
                        self.failures.push(failure.clone());
                    }
                    self.outcomes.push(outcome);
                }
                Output::Show(view) => self.view = Some(view),
                Output::Hide(_) => self.view = None,
                Output::CloseFrame | Output::Resize { .. } | Output::Emit(_) => {}
            }
        }
        panic!("one input caused more than {MAX_OUTPUTS} outputs");
    }
}

/// One output as one line of a transcript.
fn line(output: &Output) -> String {
    match output {
        Output::Start { call, after: StartAfter::Nothing } => format!("start {call}"),
        Output::Start { call, after: StartAfter::TokenInvalid } => format!("start {call} after TOKEN_INVALID"),
        Output::OpenFrame { .. } => "open frame".to_owned(),
        Output::AcquireLock { .. } => "hold".to_owned(),
        Output::ReleaseLock => "release".to_owned(),
        Output::CloseFrame => "close frame".to_owned(),
        Output::Show(view) => format!("show {view:?}"),
        Output::Resize { height_px } => format!("resize {height_px}"),
        Output::Hide(CompletionNotice::None) => "hide".to_owned(),
        Output::Hide(CompletionNotice::Announced) => "hide, sent".to_owned(),
        Output::Deliver { try_number, .. } => format!("deliver {try_number}"),
        Output::Emit(event) => match event {
            Event::PhaseChange { phase, previous } => format!("{} → {}", previous.as_str(), phase.as_str()),
            Event::Step { step, institution: None } => format!("step {step}"),
            Event::Step { step, institution: Some(bank) } => format!("step {step} at {bank}"),
            Event::FlinksCode { flinks_code } => format!("flinkscode {flinks_code}"),
            Event::FullFlow => "fullflow".to_owned(),
            Event::Expiring { remaining_ms } => format!("expiring in {remaining_ms}"),
            Event::Retrying { attempt, .. } => format!("retrying, try {attempt}"),
            Event::AttemptFailed(failure) => format!("failed {}", story(failure)),
        },
        Output::Settle(Outcome::Reconnected { result, .. }) => format!("settle {}", result.mode.as_str()),
        Output::Settle(Outcome::UpToDate) => "settle upToDate".to_owned(),
        Output::Settle(Outcome::Failed(failure)) => format!("settle {}", story(failure)),
    }
}

fn story(failure: &Failure) -> String {
    let code = failure.flinks_code.as_ref().map(|code| format!(", flinksCode {code}")).unwrap_or_default();
    let status = failure.http_status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    format!("{} in {}{code}{status}", failure.code.as_str(), failure.phase.as_str())
}

// ---- what the host and Connect say ----

/// `base` with the members of `changes`; null takes a member away.
pub(crate) fn with(mut base: Value, changes: Value) -> Value {
    let object = base.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else { panic!("expected an object of changes") };
    for (name, value) in changes {
        if value.is_null() {
            object.remove(&name)
        } else {
            object.insert(name, value)
        };
    }
    base
}

/// Options of an interrupted session.
pub(crate) fn interrupted() -> Value {
    json!({ "instance": "toolbox", "requestId": REQUEST, "deliver": "/api/reconnects" })
}

/// Options of a session that the host begins.
pub(crate) fn by_start() -> Value {
    json!({ "instance": "toolbox", "start": "/api/connections/42/reconnect", "deliver": "/api/reconnects" })
}

/// A start reply: an MFA challenge is waiting.
pub(crate) fn challenge() -> Value {
    json!({ "status": "challenge", "mode": "refresh", "attemptId": ATTEMPT, "requestId": REQUEST })
}

/// A start reply: nothing to resume.
pub(crate) fn full_flow() -> Value {
    json!({ "status": "connect", "attemptId": ATTEMPT })
}

/// The landing page's address as Connect completes it.
pub(crate) fn landing(query: &str) -> String {
    format!("https://example.com/thank-you?{query}")
}

/// REDIRECT as shipped integrations read it: fields and URL.
pub(crate) fn redirect() -> Value {
    json!({
        "step": "REDIRECT", "institution": BANK, "loginId": LOGIN, "requestId": REQUEST,
        "url": landing(&format!("loginId={LOGIN}&institution={BANK}")),
    })
}

/// A genuine success, for another login.
pub(crate) fn redirect_of_other_login() -> Value {
    json!({ "step": "REDIRECT", "loginId": OTHER_LOGIN, "requestId": REQUEST })
}

pub(crate) fn refused(status: u16) -> HostAnswer {
    HostAnswer::Refused { status, code: None, retry_after_ms: None }
}

pub(crate) fn refused_with_code(status: u16, code: &str) -> HostAnswer {
    HostAnswer::Refused { status, code: Some(code.to_owned()), retry_after_ms: None }
}

pub(crate) fn retry_after(status: u16, ms: u64) -> HostAnswer {
    HostAnswer::Refused { status, code: None, retry_after_ms: Some(ms) }
}

// ---- sessions that have come to a phase; what was heard on the way is forgotten ----

/// In Connect, at the MFA prompt, by `requestId`.
pub(crate) fn at_mfa() -> Driver {
    at_mfa_with(interrupted())
}

/// The same with other options; the ones with `start` get [`challenge`].
pub(crate) fn at_mfa_with(options: Value) -> Driver {
    let mut session = Driver::new(options);
    if session.phase() == Phase::Starting {
        session.host_starts(challenge());
    }
    session.step("APP_MOUNTED");
    session.step("COMPONENT_LOAD_MFA");
    assert_eq!(session.phase(), Phase::Active);
    session.skip();
    session
}

/// Success is told; the first delivery try is on its way.
pub(crate) fn delivering() -> Driver {
    delivering_with(interrupted())
}

/// The same with other options.
pub(crate) fn delivering_with(options: Value) -> Driver {
    let mut session = at_mfa_with(options);
    session.connect_says(redirect());
    assert_eq!(session.phase(), Phase::Delivering);
    session.skip();
    session
}
