//! The rules of the server half for Node: what `packages/server/src/rules.ts` calls.
//!
//! JSON goes over the boundary, and the bytes of bodies. Each function takes all that it decides on and gives all that it decided.
//!
//! Invariants: nothing is kept between two calls, so a driver may throw the instance away at any time; an error names what could
//! not be read, never what stands in it.

mod answer;

use flinks_backend::{
    body::{self, Malformed},
    deliver::Deliver,
    flinks::{Answer, Call, Request},
    nightly::{Listed, Nightly},
    refusal::Refusal,
    settings::{Now, Settings},
    start::{Minted, Start},
    step::{Commit, Outcome, Task, Then},
    webhook::Webhook,
    work::Work,
};
use flinks_connect::id::{AttemptId, AuthorizeToken, LoginId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use wasm_bindgen::prelude::*;

use crate::answer::HttpAnswer;

/// A task, or why there is none.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "camelCase")]
enum Read {
    Task { task: Box<Task> },
    Refused { answer: HttpAnswer },
}

/// A step, with the answer to whoever asked where it is the last one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    commit: Option<Commit>,
    then: Then,
    answer: Option<HttpAnswer>,
    task: Task,
}

/// A call as HTTP, with its endpoint's name for logs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToSend {
    endpoint: &'static str,
    #[serde(flatten)]
    request: Request,
}

/// Who starts what.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Starting {
    user: String,
    connection: String,
    minted: Minted,
}

/// How a page's delivery came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivering {
    user: String,
    idempotency_key: Option<String>,
    fingerprint: String,
}

/// The settings: the defaults, and what `pace` says otherwise. Throws a line that names the option that is wrong.
#[wasm_bindgen]
pub fn settings(pace: &str) -> Result<String, String> {
    let defaults = serde_json::to_value(Settings::default()).map_err(|_| "settings".to_owned())?;
    let (Value::Object(mut all), Value::Object(given)) = (defaults, read::<Value>("pace", pace)?) else {
        return Err("pace: expected an object".to_owned());
    };
    for (name, value) in given {
        let Some(setting) = all.get_mut(&name).filter(|setting| setting.is_number()) else {
            // Who fetches the data is no pace.
            all.retain(|_, setting| setting.is_number());
            return Err(format!("pace: there is no such option; there are {}", names(&all)));
        };
        if !value.as_u64().is_some_and(|number| (1..=u64::from(u32::MAX)).contains(&number)) {
            return Err(format!("pace.{name}: expected a whole number above 0"));
        }
        *setting = value;
    }
    serde_json::from_value::<Settings>(Value::Object(all))
        .map_err(|_| "settings".to_owned())
        .and_then(|all| write(&all))
}

/// Whether a text is a `loginId`.
#[wasm_bindgen]
#[must_use]
pub fn is_login_id(text: &str) -> bool {
    LoginId::parse(text).is_some()
}

/// A start, from the body of its request.
#[wasm_bindgen]
pub fn start_task(settings: &str, now: &str, starting: &str, body: &[u8]) -> Result<String, String> {
    let settings: Settings = read("settings", settings)?;
    let now: Now = read("now", now)?;
    let Starting { user, connection, minted } = read("starting", starting)?;
    write(&match body::page_token(body) {
        Ok(token) => {
            Read::Task { task: Box::new(Task::Start(Start::new(&settings, now, user, connection, minted, token))) }
        }
        Err(Malformed(detail)) => Read::Refused { answer: answer::malformed(&detail) },
    })
}

/// A delivery, from the body of its request.
#[wasm_bindgen]
pub fn deliver_task(delivering: &str, body: &[u8]) -> Result<String, String> {
    let Delivering { user, idempotency_key, fingerprint } = read("delivering", delivering)?;
    write(&match body::delivery(body, idempotency_key.as_deref(), fingerprint) {
        Ok(delivery) => Read::Task { task: Box::new(Task::Deliver(Deliver::new(user, delivery))) },
        Err(Malformed(detail)) => Read::Refused { answer: answer::malformed(&detail) },
    })
}

/// A webhook whose signature was verified; `null` where it is of no use.
#[wasm_bindgen]
pub fn webhook_task(body: &[u8]) -> Result<String, String> {
    write(&Webhook::read(body).map(Task::Webhook))
}

/// A look at what there is to do about an attempt.
#[wasm_bindgen]
pub fn work_task(attempt: &str) -> Result<String, String> {
    let attempt = AttemptId::parse(attempt).ok_or("attempt: expected an attempt's id")?;
    write(&Task::Work(Work::new(attempt)))
}

/// What there is to decide about these connections, whose logins Nightly Refresh passes over, as Flinks said when it was asked.
#[wasm_bindgen]
pub fn nightly_tasks(listed: &str, connections: &str, now: &str) -> Result<String, String> {
    let listed: Vec<Listed> = read("listed", listed)?;
    let Now { now_ms: asked_ms, .. } = read("now", now)?;
    let tasks = Nightly::of(&listed, &read::<Vec<_>>("connections", connections)?, asked_ms);
    write(&tasks.into_iter().map(Task::Nightly).collect::<Vec<_>>())
}

/// What to read before the next step.
#[wasm_bindgen]
pub fn query(task: &str) -> Result<String, String> {
    write(&read::<Task>("task", task)?.query())
}

/// Decides.
#[wasm_bindgen]
pub fn step(settings: &str, now: &str, task: &str, stored: &str) -> Result<String, String> {
    let settings: Settings = read("settings", settings)?;
    let stored: Option<_> = read("stored", stored)?;
    let step = read::<Task>("task", task)?.step(&settings, read("now", now)?, stored.as_ref());
    let answer = match &step.then {
        Then::Reply(reply) => Some(answer::of(reply)),
        Then::Again | Then::Call(_) | Then::Wait(_) => None,
    };
    write(&Decision { commit: step.commit, then: step.then, answer, task: step.task })
}

/// The task, with the answer to the call that its last step wanted.
#[wasm_bindgen]
pub fn hear(task: &str, answer: &str) -> Result<String, String> {
    let mut task: Task = read("task", task)?;
    task.hear(read("answer", answer)?);
    write(&task)
}

/// The task, with the store's refusal of its last step's commit.
#[wasm_bindgen]
pub fn refused(task: &str, outcome: &str) -> Result<String, String> {
    let mut task: Task = read("task", task)?;
    task.refused(read::<Outcome>("outcome", outcome)?);
    write(&task)
}

/// A refusal of which no task knows, as that the bank is slow.
#[wasm_bindgen]
pub fn bank_slow() -> Result<String, String> {
    write(&answer::refusal(&Refusal::BankSlow))
}

/// A call as HTTP.
#[wasm_bindgen]
pub fn request(settings: &str, call: &str) -> Result<String, String> {
    let call: Call = read("call", call)?;
    write(&ToSend { endpoint: call.endpoint(), request: call.request(&read("settings", settings)?) })
}

/// Reads an HTTP answer to a call that was made with `token`.
#[wasm_bindgen]
#[allow(clippy::needless_pass_by_value, reason = "wasm-bindgen hands optional strings over by value")]
pub fn read_answer(
    call: &str,
    token: Option<String>,
    http_status: u16,
    retry_after_ms: Option<f64>,
    body: &[u8],
) -> Result<String, String> {
    let call: Call = read("call", call)?;
    let token = token.as_deref().and_then(AuthorizeToken::parse);
    // Five minutes are the most that is used of it.
    #[allow(clippy::cast_possible_truncation)]
    let retry_after_ms = retry_after_ms.map(|ms| ms.clamp(0.0, 300_000.0) as i64);
    write(&Answer::read(&call, token, http_status, retry_after_ms, body))
}

fn names(all: &serde_json::Map<String, Value>) -> String {
    all.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// serde's own words may quote what they could not read.
fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, String> {
    serde_json::from_str(json)
        .map_err(|error| format!("{what}: line {}, column {} is not what was expected", error.line(), error.column()))
}

fn write<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|_| "a decision cannot be written".to_owned())
}
