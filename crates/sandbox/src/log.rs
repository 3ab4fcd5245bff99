//! What the sandbox received and posted, for tests to look at.
//!
//! Invariants: passwords, answers, tokens and keys never enter it; the oldest entries fall out when it is full; entries are numbered
//! without gaps from one, so a reader sees what it missed.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::{Map, Value};

/// How many entries are kept.
pub const CAPACITY: usize = 10_000;
/// How many bytes they may have together, as JSON.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What stands where a secret was.
pub const HIDDEN: &str = "***";

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number, from one.
    pub number: u64,
    /// When, on the sandbox's clock.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happening {
    /// An API call was received and answered.
    ApiCall {
        /// `POST` …
        method: String,
        /// The endpoint as named in the path, as `Authorize`.
        endpoint: String,
        /// What stood behind the endpoint in the path.
        argument: Option<String>,
        /// The body, secrets hidden; null when there was none, it was no JSON object, or it was very long.
        body: Value,
        /// The HTTP status of the answer.
        status: u16,
        /// The `FlinksCode` of the answer.
        code: Option<String>,
        /// The `RequestId` of the answer.
        request_id: Option<String>,
    },
    /// The connection or the answer of an API call was broken on purpose.
    ApiBroken {
        /// The endpoint as named in the path.
        endpoint: String,
        /// How, as `drop`.
        how: &'static str,
    },
    /// A webhook was tried.
    Webhook {
        /// Which one: every try of it has the same.
        delivery: String,
        /// `KYC` or `GetAccountsDetail`.
        response_type: &'static str,
        /// The session it is about.
        request_id: String,
        /// Which try it was, from one.
        attempt: u8,
        /// What the host answered; null when it did not.
        status: Option<u16>,
        /// What became of it.
        outcome: WebhookOutcome,
        /// When it is tried again.
        next_try_ms: Option<u64>,
    },
    /// Nightly Refresh tried a login.
    NightlyRefresh {
        /// Which login.
        login_id: String,
        /// What it failed at; null when it did not.
        code: Option<&'static str>,
    },
    /// A Connect page was loaded.
    PageOpened {
        /// The page, for all its later entries.
        visit: String,
        /// Its path.
        path: String,
        /// Its parameters in their order, the token hidden.
        parameters: Vec<Parameter>,
        /// The screen it shows first.
        screen: &'static str,
    },
    /// The user did something on a page.
    PageAction {
        /// The page.
        visit: String,
        /// What the user did.
        action: &'static str,
        /// The screen it led to.
        screen: &'static str,
    },
    /// A page posts an event to the page around it.
    EventPosted {
        /// The page.
        visit: String,
        /// Exactly what is posted: an object, or JSON text.
        event: Value,
        /// How late, in real milliseconds.
        delay_ms: u64,
    },
    /// The sandbox itself was changed.
    Controlled {
        /// What was done, as `clock` or `faults`.
        what: &'static str,
        /// With what.
        body: Value,
    },
}

/// What became of a webhook's try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookOutcome {
    /// The host answered 200.
    Delivered,
    /// It did not; there will be another try.
    Failed,
    /// It did not, ten times.
    GivenUp,
}

/// One parameter of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Entry {
    /// The `step` or `flinksCode` of a posted event, `None` for every other entry.
    #[must_use]
    pub fn posted_name(&self) -> Option<String> {
        let Happening::EventPosted { event, .. } = &self.happening else { return None };
        let object = match event {
            Value::String(text) => serde_json::from_str(text).ok()?,
            other => other.clone(),
        };
        let name = object.get("step").or_else(|| object.get("flinksCode"))?;
        name.as_str().map(str::to_owned)
    }
}

/// The log.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    /// How long each of them is as JSON, and all together.
    lengths: VecDeque<usize>,
    bytes: usize,
    written: u64,
}

impl Log {
    /// Adds an entry.
    pub fn write(&mut self, now_ms: u64, happening: Happening) {
        self.written += 1;
        let entry = Entry { number: self.written, at_ms: now_ms, happening };
        let length = serde_json::to_string(&entry).map_or(0, |text| text.len());
        self.bytes += length;
        self.entries.push_back(entry);
        self.lengths.push_back(length);
        // The newest one stays, however long it is.
        while self.entries.len() > 1 && (self.entries.len() > CAPACITY || self.bytes > MAX_BYTES) {
            self.entries.pop_front();
            self.bytes -= self.lengths.pop_front().unwrap_or_default();
        }
    }

    /// How many entries were written so far, those that fell out included. It is the number of the newest one.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The oldest entries behind number `since`, so many at most.
    #[must_use]
    pub fn since(&self, since: u64, limit: usize) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.number > since).take(limit).cloned().collect()
    }

    /// Every entry that is still there, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }
}

/// A body as it may be kept: what a user or a host must keep secret is hidden, however its name is written.
#[must_use]
pub fn without_secrets(body: &Map<String, Value>) -> Value {
    let kept = body.iter().map(|(name, value)| {
        let value = match name.to_ascii_lowercase().as_str() {
            "password" | "accesstoken" | "authorizetoken" | "questions" => Value::from(HIDDEN),
            "securityresponses" => hide_answers(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(kept.collect())
}

fn hide_answers(responses: &Value) -> Value {
    match responses {
        Value::Object(by_prompt) => by_prompt.keys().map(|prompt| (prompt.clone(), Value::from(HIDDEN))).collect(),
        _ => Value::from(HIDDEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_hidden_whatever_their_case() {
        let body =
            json!({"username": "Greatday", "PASSWORD": "Everyday", "SecurityResponses": {"What?": ["Montreal"]}});
        let kept = without_secrets(body.as_object().unwrap());
        assert_eq!(kept, json!({"username": "Greatday", "PASSWORD": "***", "SecurityResponses": {"What?": "***"}}));
    }

    #[test]
    fn long_entries_fall_out_earlier_and_a_reader_goes_on_where_it_was() {
        let mut log = Log::default();
        let body = Value::from("x".repeat(100_000));
        for _ in 0..50 {
            log.write(0, Happening::Controlled { what: "faults", body: body.clone() });
        }
        let bytes: usize = log.entries().iter().map(|entry| serde_json::to_string(entry).unwrap().len()).sum();
        assert!((MAX_BYTES - 110_000..=MAX_BYTES).contains(&bytes), "{bytes}");
        let numbers = |since, limit| log.since(since, limit).iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!((numbers(47, 2), numbers(50, 10), log.written()), (vec![48, 49], vec![], 50));
    }

    #[test]
    fn the_oldest_entries_fall_out() {
        let mut log = Log::default();
        for _ in 0..CAPACITY + 5 {
            log.write(0, Happening::Controlled { what: "clock", body: Value::Null });
        }
        let entries = log.entries();
        assert_eq!((entries.len(), entries[0].number), (CAPACITY, 6));
    }
}
