//! Load: many sessions, each from the token through MFA to its data; prints how long calls took and how much memory it cost.
//!
//! ```sh
//! cargo run --profile server -p flinks-sandbox --example sessions -- 200
//! cargo run --profile server -p flinks-sandbox --example sessions -- 1000 --at-once 32 --processing-ms 1 --stored 10000
//! ```
//!
//! All at once unless told otherwise; `--stored N` leaves N unfinished sessions behind first. Sandbox and clients are one process, so time and
//! memory are of both. Bounded: two minutes, then it fails.
//!
//! The last line is a row for `BENCHMARKS.md`: sessions there before, sessions at once, sessions a second, median and p99 of a call, the most
//! memory.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use flinks_sandbox::{Config, Sandbox};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const DEADLINE: Duration = Duration::from_mins(2);
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
    poll: Duration,
    http: Client,
    calls: Mutex<Vec<(&'static str, Duration)>>,
}

/// What to do.
#[derive(Parser)]
struct Work {
    /// How many sessions
    #[arg(default_value_t = 200)]
    sessions: usize,
    /// How many of them at once [default: all]
    #[arg(long)]
    at_once: Option<usize>,
    /// How long data takes
    #[arg(long, default_value_t = 1_000)]
    processing_ms: u64,
    /// How many sessions wait for answers meanwhile that never come
    #[arg(long, default_value_t = 0)]
    stored: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match tokio::time::timeout(DEADLINE, run(Work::parse())).await {
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

async fn run(work: Work) -> Result<(), Failure> {
    let at_once = work.at_once.unwrap_or(work.sessions);
    let config = Config { processing_ms: work.processing_ms, ..Config::local() };
    let sandbox = Sandbox::start(config.clone()).await?;
    let idle = memory();
    let load = Arc::new(Load {
        base: format!("{}/v3/{}/BankingServices", sandbox.api_url(), config.customer_id),
        secret_key: config.secret_key,
        api_key: config.api_key,
        poll: Duration::from_millis((work.processing_ms / 10).max(1)),
        http: Client::builder().no_proxy().build()?,
        calls: Mutex::default(),
    });
    each(work.stored, 32, |number| Arc::clone(&load).opened(number)).await?;
    load.take_calls()?;

    let started = Instant::now();
    let whole = each(work.sessions, at_once, |number| Arc::clone(&load).session(number)).await?;
    let elapsed = started.elapsed();

    let calls = load.take_calls()?;
    println!(
        "{} sessions, {at_once} at once, {} calls in {elapsed:.2?} ({:.0} a second)",
        work.sessions,
        calls.len(),
        rate(calls.len(), elapsed)?
    );
    println!("{:<26}{:>8}{:>12}{:>12}{:>12}", "call", "number", "median", "p99", "slowest");
    for name in ["GenerateAuthorizeToken", "Authorize", "GetAccountsDetail", "GetAccountsDetailAsync"] {
        let times = calls.iter().filter(|(call, _)| *call == name).map(|(_, took)| *took).collect();
        print_times(name, &Times::of(times));
    }
    let every = Times::of(calls.iter().map(|(_, took)| *took).collect());
    print_times("every call", &every);
    print_times(&format!("session ({} ms processing)", work.processing_ms), &Times::of(whole));
    println!("memory of sandbox and clients: {idle} idle, {} after, {} at most", memory(), memory_of("VmHWM:"));
    println!("| sessions waiting | at once | sessions/s | call, median | p99 | memory at most |");
    println!(
        "| {} | {at_once} | {:.0} | {} | {} | {} |",
        work.stored,
        rate(work.sessions, elapsed)?,
        every.ms(50),
        every.ms(99),
        memory_of("VmHWM:")
    );
    sandbox.stop().await;
    Ok(())
}

fn rate(count: usize, time: Duration) -> Result<f64, Failure> {
    Ok(f64::from(u32::try_from(count)?) / time.as_secs_f64())
}

/// Does the work for each number, so many at a time; what came of each.
async fn each<T, F>(count: usize, at_once: usize, work: impl Fn(usize) -> F) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut numbers = 0..count;
    let mut under_way = JoinSet::new();
    let mut results = Vec::new();
    loop {
        while under_way.len() < at_once
            && let Some(number) = numbers.next()
        {
            under_way.spawn(work(number));
        }
        let Some(done) = under_way.join_next().await else { return Ok(results) };
        results.push(done??);
    }
}

impl Load {
    /// A session up to its questions: its token and id.
    async fn opened(self: Arc<Self>, number: usize) -> Result<(String, String), Failure> {
        let token =
            self.call("GenerateAuthorizeToken", Method::POST, "GenerateAuthorizeToken", &self.secret_key, None).await?;
        let token = text(&token, "Token")?;
        let bank = BANKS.get(number % BANKS.len()).copied().unwrap_or(14);
        let body = json!({"Institution": bank, "Username": "Greatday", "Password": "Everyday", "Save": true});
        let opened = self.call("Authorize", Method::POST, "Authorize", &token, Some(body)).await?;
        let session = text(&opened, "RequestId")?;
        Ok((token, session))
    }

    async fn session(self: Arc<Self>, number: usize) -> Result<Duration, Failure> {
        let started = Instant::now();
        let (token, session) = Arc::clone(&self).opened(number).await?;
        for (prompt, answer) in ANSWERS {
            let body = json!({"RequestId": session, "SecurityResponses": {prompt: [answer]}});
            self.call("Authorize", Method::POST, "Authorize", &token, Some(body)).await?;
        }
        let order = json!({"RequestId": session, "WithTransactions": true, "DaysOfTransactions": "Days365"});
        let mut reply =
            self.call("GetAccountsDetail", Method::POST, "GetAccountsDetail", &self.api_key, Some(order)).await?;
        let poll = format!("GetAccountsDetailAsync/{session}");
        while reply.get("HttpStatusCode") == Some(&json!(202)) {
            tokio::time::sleep(self.poll).await;
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

    fn take_calls(&self) -> Result<Vec<(&'static str, Duration)>, Failure> {
        Ok(std::mem::take(&mut *self.calls.lock().map_err(|_| "a session panicked")?))
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

/// How long things took, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn at(&self, percent: usize) -> Duration {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).copied().unwrap_or_default()
    }

    fn ms(&self, percent: usize) -> String {
        format!("{:.2} ms", self.at(percent).as_secs_f64() * 1000.0)
    }
}

fn text(reply: &Value, name: &str) -> Result<String, Failure> {
    Ok(reply.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {reply:.200}"))?.to_owned())
}

fn print_times(name: &str, times: &Times) {
    let shown = |percent| format!("{:.1?}", times.at(percent));
    println!("{name:<26}{:>8}{:>12}{:>12}{:>12}", times.0.len(), shown(50), shown(99), shown(100));
}

fn memory() -> String {
    memory_of("VmRSS:")
}

/// Linux only; elsewhere it says that it does not know.
fn memory_of(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    kilobytes.map_or_else(|| "unknown".to_owned(), |kilobytes| format!("{:.1} MiB", f64::from(kilobytes) / 1024.0))
}
