//! Load: many sessions at once, each from the token through MFA to its data; prints how long calls took and how much memory it cost.
//!
//! ```sh
//! cargo run --release -p flinks-sandbox --example sessions -- 200
//! ```
//!
//! Sandbox and clients are one process, so time and memory are of both. Bounded: a minute, then it fails.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flinks_sandbox::{Config, Sandbox};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const DEADLINE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
const BANKS: [u32; 7] = [14, 9001, 9002, 9003, 9004, 9005, 9006];
const ANSWERS: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
];

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Load {
    base: String,
    secret_key: String,
    api_key: String,
    http: Client,
    calls: Mutex<Vec<(&'static str, Duration)>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    match tokio::time::timeout(DEADLINE, run(count)).await {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("sessions: {error}");
            ExitCode::FAILURE
        }
        Err(_) => {
            eprintln!("sessions: not done within {DEADLINE:?}");
            ExitCode::FAILURE
        }
    }
}

async fn run(count: usize) -> Result<(), Failure> {
    let config = Config { processing_ms: 1_000, ..Config::local() };
    let sandbox = Sandbox::start(config.clone()).await?;
    let idle = memory();
    let load = Arc::new(Load {
        base: format!("{}/v3/{}/BankingServices", sandbox.api_url(), config.customer_id),
        secret_key: config.secret_key,
        api_key: config.api_key,
        http: Client::builder().no_proxy().build()?,
        calls: Mutex::default(),
    });

    let started = Instant::now();
    let mut sessions = JoinSet::new();
    for number in 0..count {
        let load = Arc::clone(&load);
        sessions.spawn(async move { load.session(number).await });
    }
    let mut whole = Vec::new();
    while let Some(session) = sessions.join_next().await {
        whole.push(session??);
    }
    let elapsed = started.elapsed();

    let calls = std::mem::take(&mut *load.calls.lock().map_err(|_| "a session panicked")?);
    let rate = f64::from(u32::try_from(calls.len())?) / elapsed.as_secs_f64();
    println!("| {count} sessions at once | {} calls | in {elapsed:.2?} | {rate:.0} a second | |", calls.len());
    println!("| call | number | median | p99 | slowest |");
    println!("|---|---|---|---|---|");
    for name in ["GenerateAuthorizeToken", "Authorize", "GetAccountsDetail", "GetAccountsDetailAsync"] {
        let times = calls.iter().filter(|(call, _)| *call == name).map(|(_, took)| *took).collect();
        print_times(name, times);
    }
    print_times("every call", calls.iter().map(|(_, took)| *took).collect());
    print_times("session (1 s is processing)", whole);
    println!(
        "| memory of sandbox and clients | {idle} idle | {} after | {} at most | |",
        memory(),
        memory_of("VmHWM:")
    );
    sandbox.stop().await;
    Ok(())
}

impl Load {
    async fn session(&self, number: usize) -> Result<Duration, Failure> {
        let started = Instant::now();
        let token =
            self.call("GenerateAuthorizeToken", Method::POST, "GenerateAuthorizeToken", &self.secret_key, None).await?;
        let token = text(&token, "Token")?;
        let bank = BANKS.get(number % BANKS.len()).copied().unwrap_or(14);
        let body = json!({"Institution": bank, "Username": "Greatday", "Password": "Everyday", "Save": true});
        let opened = self.call("Authorize", Method::POST, "Authorize", &token, Some(body)).await?;
        let session = text(&opened, "RequestId")?;
        for (prompt, answer) in ANSWERS {
            let body = json!({"RequestId": session, "SecurityResponses": {prompt: [answer]}});
            self.call("Authorize", Method::POST, "Authorize", &token, Some(body)).await?;
        }
        let order = json!({"RequestId": session, "WithTransactions": true, "DaysOfTransactions": "Days365"});
        let mut reply =
            self.call("GetAccountsDetail", Method::POST, "GetAccountsDetail", &self.api_key, Some(order)).await?;
        let poll = format!("GetAccountsDetailAsync/{session}");
        while reply.get("HttpStatusCode") == Some(&json!(202)) {
            tokio::time::sleep(POLL).await;
            reply = self.call("GetAccountsDetailAsync", Method::GET, &poll, &self.api_key, None).await?;
        }
        let accounts = reply.get("Accounts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let months = |account: &Value| account.get("Transactions").and_then(Value::as_array).map_or(0, Vec::len) / 12;
        if accounts.len() == 4 && accounts.iter().all(|account| months(account) > 0) {
            Ok(started.elapsed())
        } else {
            Err(format!("session {number} did not get a year of four accounts: {reply:.200}").into())
        }
    }

    async fn call(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        key: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let request = self.http.request(method, format!("{}/{path}", self.base)).bearer_auth(key);
        let started = Instant::now();
        let response = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let reply = response.send().await?.json().await?;
        if let Ok(mut calls) = self.calls.lock() {
            calls.push((name, started.elapsed()));
        }
        Ok(reply)
    }
}

fn text(reply: &Value, name: &str) -> Result<String, Failure> {
    Ok(reply.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {reply:.200}"))?.to_owned())
}

fn print_times(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied();
    let shown = |time: Option<Duration>| format!("{:.1?}", time.unwrap_or_default());
    println!("| {name} | {} | {} | {} | {} |", times.len(), shown(at(50)), shown(at(99)), shown(times.last().copied()));
}

fn memory() -> String {
    memory_of("VmRSS:")
}

/// Linux only; elsewhere it says that it does not know.
fn memory_of(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    kilobytes.map_or_else(|| "unknown".to_owned(), |kilobytes| format!("{:.1} MB", f64::from(kilobytes) / 1024.0))
}
