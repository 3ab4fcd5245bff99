//! Answers to pages, as HTTP: the contract with the widget.
//!
//! Invariant: a refusal says what was expected and what to do, by a stable code, and never repeats what was sent.

use flinks_backend::{
    record::Language,
    refusal::Refusal,
    start::{Challenge, Connect, Mode, Selector, StartReply},
    step::{Done, Reply},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An answer without what only the driver knows: Connect's address and the application's own parameters.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpAnswer {
    status: u16,
    retry_after_s: Option<i64>,
    /// What the log says.
    outcome: String,
    body: Value,
}

pub(crate) fn of(reply: &Reply) -> HttpAnswer {
    match reply {
        Reply::Started(reply) => started(reply),
        Reply::Accepted => ok("accepted", json!({"status": "accepted"})),
        Reply::Refused(refusal) => self::refusal(refusal),
        Reply::Done(done) => ok(word(*done), Value::Object(Map::new())),
    }
}

fn ok(outcome: &str, body: Value) -> HttpAnswer {
    HttpAnswer { status: 200, retry_after_s: None, outcome: outcome.to_owned(), body }
}

fn word(done: Done) -> &'static str {
    match done {
        Done::Nothing => "nothing",
        Done::Accepted => "accepted",
        Done::Postponed => "postponed",
        Done::Stored => "stored",
        Done::Outdated => "outdated",
        Done::Ended => "ended",
        Done::OtherLogin => "other-login",
        Done::Noted => "nightly-failed",
    }
}

fn started(reply: &StartReply) -> HttpAnswer {
    match reply {
        StartReply::UpToDate => ok("up-to-date", json!({"status": "upToDate"})),
        StartReply::Challenge(challenge) => {
            let Challenge { mode, attempt, request_id, token, selection, tag, language } = challenge;
            let mode = match mode {
                Mode::Resume => "resume",
                Mode::Refresh => "refresh",
            };
            let mut body = json!({
                "status": "challenge", "mode": mode, "attemptId": attempt, "requestId": request_id, "authorizeToken": token, "tag": tag,
            });
            if !selection.is_empty() {
                set(&mut body, "resumeSelectedAccounts", json!(selection));
            }
            in_language(&mut body, *language);
            ok(mode, body)
        }
        StartReply::Connect(Connect { attempt, token, tag, language, selector }) => {
            let mut body = json!({"status": "connect", "attemptId": attempt, "authorizeToken": token, "tag": tag});
            in_language(&mut body, *language);
            if *selector == Selector::Shown {
                set(&mut body, "params", json!({"accountSelectorEnable": true, "accountSelectorMultiple": true}));
            }
            ok("full-flow", body)
        }
    }
}

fn in_language(body: &mut Value, language: Option<Language>) {
    if let Some(language) = language {
        set(body, "language", Value::from(language.as_str()));
    }
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

pub(crate) fn refusal(refusal: &Refusal) -> HttpAnswer {
    problem(refusal.status(), refusal.code(), refusal.detail(), refusal.retry_after_s())
}

pub(crate) fn malformed(detail: &str) -> HttpAnswer {
    problem(400, "MALFORMED", detail, None)
}

/// RFC 9457; the driver adds the title, which is the status' own words.
fn problem(status: u16, code: &str, detail: &str, retry_after_s: Option<i64>) -> HttpAnswer {
    let body = json!({"code": code, "status": status, "detail": detail});
    HttpAnswer { status, retry_after_s, outcome: code.to_owned(), body }
}
