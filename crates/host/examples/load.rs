//! How many results one host takes, and how fast: `cargo run --release -p flinks-host --example load [-- --quick]`.
//!
//! A sandbox and a host in one process, on loopback; many simulated widgets begin sessions and answer MFA through the API, and
//! then deliver their results at once. First on SQLite, then on Postgres when this machine has it (or `DATABASE_URL` names one).
//! The run is bounded, and fails when a result was lost or done twice.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[allow(unreachable_pub)]
#[path = "../tests/common/audit.rs"]
mod audit;
#[allow(unreachable_pub)]
#[path = "../tests/common/postgres.rs"]
mod postgres;

use std::{
    env,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use flinks_host::{Config, DemoFiles, Host};
use flinks_sandbox::{DEMO_LOGINS, Sandbox};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use audit::Audit;
use postgres::Postgres;

/// How long all data may take to arrive after the last delivery.
const BOUND: Duration = Duration::from_secs(30);

/// How much to do.
#[derive(Clone, Copy)]
struct Load {
    results: usize,
    widgets: usize,
}

/// What the widgets need to know.
struct World {
    sandbox: Sandbox,
    base: String,
    cookie: String,
    http: Client,
    retries: AtomicUsize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let is_quick = env::args().any(|argument| argument == "--quick");
    let load = if is_quick { Load { results: 100, widgets: 16 } } else { Load { results: 1000, widgets: 32 } };
    println!("load: {} results by {} widgets at once, sandbox and host in one process", load.results, load.widgets);
    let dir = TempDir::new().unwrap();
    let mut is_well = run("SQLite", &format!("sqlite://{}", dir.path().join("load.db").display()), load).await;
    match Postgres::find() {
        Some(postgres) => is_well &= run("Postgres", &postgres.database("host_load").await, load).await,
        None => println!("Postgres: skipped, not on this machine (initdb and pg_ctl), and DATABASE_URL names none"),
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether nothing was lost or doubled.
async fn run(name: &str, database_url: &str, load: Load) -> bool {
    let sandbox =
        Sandbox::start(flinks_sandbox::Config { processing_ms: 1, ..flinks_sandbox::Config::local() }).await.unwrap();
    let site = TempDir::new().unwrap();
    let host = Host::start(Config {
        addr: "127.0.0.1:0".parse().unwrap(),
        flinks_api_url: sandbox.api_url(),
        flinks_connect_url: sandbox.connect_url(),
        customer_id: sandbox.config().customer_id.clone(),
        secret_key: sandbox.config().secret_key.clone(),
        api_key: sandbox.config().api_key.clone(),
        database_url: database_url.to_owned(),
        poll_interval: Duration::from_millis(10),
        reconcile_after: Duration::from_hours(1),
        flinks_calls: load.widgets,
        demo: Some(DemoFiles { site_dir: site.path().to_owned(), sdk_dir: site.path().to_owned() }),
        ..Config::default()
    })
    .await
    .unwrap();
    let base = format!("http://{}", host.addr());
    let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let page = http.get(&base).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let world = Arc::new(World { sandbox, base, cookie, http, retries: AtomicUsize::new(0) });
    add_connections(database_url, load.results).await;
    Audit::begin(database_url).await;

    let began = Instant::now();
    let connections: Vec<_> = (0..load.results).collect();
    let (bodies, _) = each(&world, connections, load.widgets, World::reconnect).await;
    let started = began.elapsed();

    let began = Instant::now();
    let (_, mut times) = each(&world, bodies, load.widgets, World::deliver).await;
    let delivered = began.elapsed();

    let audit = loop {
        let audit = Audit::read(database_url).await;
        if audit.count("finished") >= i64::try_from(load.results).unwrap() || began.elapsed() > delivered + BOUND {
            break audit;
        }
        sleep(Duration::from_millis(20)).await;
    };
    let stored = began.elapsed();
    host.stop().await;

    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let lost = audit.states.values().filter(|state| *state != "finished").count();
    let doubled = usize::try_from(audit.doubled).unwrap();
    println!(
        "{name}: {:.0} deliveries/s ({} in {delivered:.2?}), p50 {:.1?}, p99 {:.1?}, longest {:.1?}, tried again {}",
        rate(load.results, delivered),
        load.results,
        at(50),
        at(99),
        at(100),
        world.retries.load(Ordering::Relaxed)
    );
    println!(
        "{name}: whole starts with MFA {:.0}/s; data of all stored {stored:.2?} after the first delivery ({:.0}/s); lost {lost}, doubled {doubled}",
        rate(load.results, started),
        rate(load.results, stored)
    );
    lost == 0 && doubled == 0 && audit.count("data stored") == i64::try_from(load.results).unwrap()
}

#[allow(clippy::cast_precision_loss, reason = "thousands")]
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// As many connections as results, so that no two widgets get into each other's way.
async fn add_connections(database_url: &str, count: usize) {
    let mut connection = AnyConnection::connect(database_url).await.unwrap();
    let mut add = connection.begin().await.unwrap();
    for number in 0..count {
        sqlx::query(
            "INSERT INTO connections (id, user_id, position, institution, login_id, reason, status) \
             VALUES ($1, 'demo', $2, 'Load', $3, 'update-requested', 'needs-attention')",
        )
        .bind(format!("load-{number}"))
        .bind(i64::try_from(number).unwrap())
        .bind(DEMO_LOGINS[number % DEMO_LOGINS.len()].login_id)
        .execute(&mut *add)
        .await
        .unwrap();
    }
    add.commit().await.unwrap();
    connection.close().await.unwrap();
}

/// Does `work` with each item, so many at a time; the results, and how long each took.
async fn each<T, R, W, F>(world: &Arc<World>, items: Vec<T>, at_once: usize, work: W) -> (Vec<R>, Vec<Duration>)
where
    T: Send + 'static,
    R: Send + 'static,
    W: Fn(Arc<World>, T) -> F + Copy + Send + 'static,
    F: Future<Output = R> + Send,
{
    let mut items = items.into_iter();
    let mut under_way = JoinSet::new();
    let (mut results, mut times) = (Vec::new(), Vec::new());
    loop {
        while under_way.len() < at_once
            && let Some(item) = items.next()
        {
            let world = Arc::clone(world);
            under_way.spawn(async move {
                let began = Instant::now();
                (work(world, item).await, began.elapsed())
            });
        }
        let Some(done) = under_way.join_next().await else { return (results, times) };
        let (result, time) = done.unwrap();
        results.push(result);
        times.push(time);
    }
}

impl World {
    /// Begins a session and answers its questions; what the widget will deliver.
    async fn reconnect(self: Arc<Self>, number: usize) -> Value {
        let path = format!("/api/connections/load-{number}/reconnect");
        let reply = self.ask(|| self.http.post(format!("{}{path}", self.base)).json(&json!({}))).await;
        let config = self.sandbox.config();
        let flinks = format!("{}/v3/{}/BankingServices", self.sandbox.api_url(), config.customer_id);
        for (prompt, answer) in [
            ("What city were you born in?", "Montreal"),
            ("What is the best country on earth?", "Canada"),
            ("What shape do people like most?", "Triangle"),
        ] {
            let mint = || {
                let url = format!("{flinks}/GenerateAuthorizeToken");
                self.http.post(url).header("flinks-auth-key", &config.secret_key)
            };
            let token = self.ask(mint).await["Token"].as_str().unwrap().to_owned();
            let body = json!({"RequestId": reply["requestId"], "SecurityResponses": {prompt: [answer]}});
            let url = format!("{flinks}/Authorize");
            self.ask(|| self.http.post(&url).header("flinks-auth-key", &token).json(&body)).await;
        }
        json!({
            "attemptId": reply["attemptId"], "mode": "refresh", "requestId": reply["requestId"], "institution": "Load",
            "loginId": DEMO_LOGINS[number % DEMO_LOGINS.len()].login_id, "accountIds": [], "tag": reply["tag"],
        })
    }

    async fn deliver(self: Arc<Self>, body: Value) {
        let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
        let url = format!("{}/api/reconnects", self.base);
        self.ask(|| self.http.post(&url).header("idempotency-key", &key).json(&body)).await;
    }

    /// Asks until there is a good answer, as the widget does; any other refusal than "try again" ends the run.
    async fn ask(&self, request: impl Fn() -> RequestBuilder) -> Value {
        for _ in 0..100 {
            match request().header("cookie", &self.cookie).send().await {
                Ok(response) if response.status().is_success() => return response.json().await.unwrap(),
                Ok(response) if response.status() != 409 && !response.status().is_server_error() => {
                    panic!("refused with {}: {}", response.status(), response.text().await.unwrap_or_default())
                }
                Ok(_) | Err(_) => {}
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
        panic!("no good answer in a hundred tries");
    }
}
