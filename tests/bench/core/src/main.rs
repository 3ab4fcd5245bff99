//! `flinks-bench WORK COUNT`: does one kind of the core's work so many times and prints nothing, for its instructions to be counted.
//!
//! `npm run bench -- core` runs it under valgrind, once with a small and once with a large count: the difference belongs to the work alone.
//!
//! The URL parser is the browser's in the widget, so here it is a table of the two addresses that are parsed.

use std::hint::black_box;
use std::process::ExitCode;

use flinks_connect::address::ParsedUrl;
use flinks_connect::id::AttemptId;
use flinks_connect::message::{Field, Fields, Form, Message};
use flinks_connect::redirect::Expected;
use flinks_reconnect::session::{
    HostAnswer, Input, LockState, NoStart, Options, Outcome, Output, Posted, Properties, Property, Session, StartReply,
};

const CONNECT: &str = "https://toolbox-iframe.private.fin.ag/v2/";
const ORIGIN: &str = "https://toolbox-iframe.private.fin.ag";
const LANDING: &str = "https://example.com/thank-you";
const LOGIN: &str = "8b35f6c8-e7b6-41d3-98f8-08d68b7f8d31";
const REQUEST: &str = "0f1e2d3c-aaaa-4bbb-8ccc-000000000001";
const ATTEMPT: &str = "attempt-of-the-host-0001";
const BANK: &str = "FlinksCapital";
const ACCOUNTS: &str = "acc0acc0-0001-4000-8000-000000000001,acc0acc0-0002-4000-8000-000000000002";

const MOUNTED: Texts = Texts(&[("step", "APP_MOUNTED")]);
const MFA: Texts = Texts(&[("step", "COMPONENT_LOAD_MFA"), ("institution", BANK)]);
const SUBMITTED: Texts = Texts(&[("step", "SUBMIT_MFA"), ("institution", BANK)]);
const REDIRECT: Texts = Texts(&[
    ("step", "REDIRECT"),
    ("institution", BANK),
    ("loginId", LOGIN),
    ("requestId", REQUEST),
    ("accountId", ACCOUNTS),
    ("url", LANDING),
]);
const OPTIONS: Texts =
    Texts(&[("instance", "toolbox"), ("start", "/api/connections/42/reconnect"), ("deliver", "/api/reconnects")]);
const REPLY: Texts =
    Texts(&[("status", "challenge"), ("mode", "refresh"), ("attemptId", ATTEMPT), ("requestId", REQUEST)]);

/// An object of texts: options, a start reply, or what a message carries.
struct Texts(&'static [(&'static str, &'static str)]);

impl Texts {
    fn find(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, text)| *text)
    }
}

impl Fields for Texts {
    fn each(&self, name: &str, _form: Form, _max_len: usize, take: &mut dyn FnMut(Field)) {
        self.find(name).map(|text| Field::Text(text.to_owned())).into_iter().for_each(take);
    }

    fn number(&self, _name: &str) -> Option<f64> {
        None
    }
}

fn properties(texts: &Texts) -> Properties {
    Properties(texts.0.iter().map(|(name, text)| ((*name).to_owned(), Property::Text((*text).to_owned()))).collect())
}

/// A message event with one of these.
struct Letter<'a>(&'a Texts);

impl Posted for Letter<'_> {
    fn fields(&self) -> Option<Box<dyn Fields + '_>> {
        Some(Box::new(Texts(self.0.0)))
    }
}

fn parse(text: &str, _base: Option<&str>) -> Option<ParsedUrl> {
    let (host, origin, query) = match text {
        CONNECT => ("toolbox-iframe.private.fin.ag", ORIGIN, vec![]),
        LANDING => ("example.com", "https://example.com", vec![("loginId", LOGIN), ("institution", BANK)]),
        _ => return None,
    };
    Some(ParsedUrl {
        place: text.to_owned(),
        is_bare: true,
        scheme: "https:".to_owned(),
        host: host.to_owned(),
        origin: origin.to_owned(),
        has_credentials: false,
        query: query.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

/// Decodes one of Connect's messages.
fn message() -> bool {
    Message::read(black_box(&MFA)).is_some()
}

/// Reads the result out of a REDIRECT that says it twice, in fields and in `url`.
fn redirect() -> bool {
    let expected = Expected { tag: None, redirect_url: None, ends_inside: false, base: CONNECT };
    Message::redirect(black_box(&REDIRECT), parse, expected).is_ok()
}

/// A session up to Connect's frame, with Connect in it.
fn active() -> Option<Session> {
    let options = Options::read(&properties(&OPTIONS), "en-CA", parse).ok()?;
    let mut session = Session::new(0, options, AttemptId::parse(ATTEMPT)?, parse);
    session.handle(0, Input::Begin);
    let mut is_mounted = false;
    while let Some(output) = session.poll() {
        match output {
            Output::Start { call, .. } => {
                let reply = StartReply::read(properties(&REPLY), parse).map_err(NoStart::Unreadable);
                session.handle(1, Input::Started { call, reply });
            }
            Output::AcquireLock { .. } => session.handle(1, Input::Lock(LockState::Granted)),
            Output::OpenFrame { .. } => {
                is_mounted = true;
                session.handle(2, Input::Posted(&Letter(&MOUNTED)));
            }
            _ => {}
        }
    }
    is_mounted.then_some(session)
}

/// A whole session: options, start, frame, questions, result, delivery.
fn session() -> bool {
    let Some(mut session) = active() else { return false };
    for (now_ms, texts) in [(3, &MFA), (4, &SUBMITTED), (5, &REDIRECT)] {
        session.handle(now_ms, Input::Posted(&Letter(texts)));
    }
    let mut is_done = false;
    while let Some(output) = session.poll() {
        match output {
            Output::Deliver { try_number, .. } => {
                session.handle(6, Input::Delivered { try_number, answer: &HostAnswer::Ok });
            }
            Output::Settle(outcome) => is_done = matches!(outcome, Outcome::Reconnected { .. }),
            _ => {}
        }
    }
    is_done
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().unwrap_or_default();
    let count: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_done = match work.as_str() {
        "message" => (0..count).all(|_| message()),
        "redirect" => (0..count).all(|_| redirect()),
        "session" => (0..count).all(|_| session()),
        _ => {
            eprintln!("flinks-bench: expected message, redirect or session, and a count");
            return ExitCode::FAILURE;
        }
    };
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
