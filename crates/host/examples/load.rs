//! How many reconnects one host does, and how fast: `cargo run --profile server -p flinks-host --example load [-- --quick]`.
//!
//! A sandbox and a host in one process, on loopback; many simulated widgets begin sessions and answer MFA through the API, and
//! then deliver their results at once. First on SQLite, then on Postgres (a server of its own, or the one `DATABASE_URL` names);
//! `--stored N` puts N connections of other users there first. The run is bounded, and fails when a result was lost or done twice, or
//! a bank was asked more than once for a repair.
//!
//! For each database it prints what a person reads, and then a row for `BENCHMARKS.md`: database, connections stored before,
//! widgets at once, whole reconnects a second, median and p99 of the call that starts one and of the call that delivers it, and the
//! most memory that host, sandbox and widgets had together.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(unreachable_pub, dead_code, reason = "it compares less than the tests do")]
#[path = "../tests/common/audit.rs"]
mod audit;
#[allow(unreachable_pub)]
#[path = "../tests/common/postgres.rs"]
mod postgres;

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use flinks_host::{Config, DemoFiles, Host};
use flinks_sandbox::{DEMO_LOGINS, Sandbox, log::Happening};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use audit::Audit;
use postgres::Postgres;

/// How long all data may take to arrive after the last delivery.
const BOUND: Duration = Duration::from_secs(30);

/// How much to do, and on what.
#[derive(Parser)]
struct Load {
    /// Fewer results and widgets
    #[arg(long)]
    quick: bool,
    /// How many reconnects [default: 1000, quick 100]
    #[arg(long)]
    results: Option<usize>,
    /// How many widgets at once [default: 32, quick 16]
    #[arg(long)]
    at_once: Option<usize>,
    /// How many connections of other users are there already
    #[arg(long, default_value_t = 0)]
    stored: usize,
    /// On which database only
    #[arg(long, value_enum)]
    database: Option<Database>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

impl Load {
    fn results(&self) -> usize {
        self.results.unwrap_or(if self.quick { 100 } else { 1000 })
    }

    fn at_once(&self) -> usize {
        self.at_once.unwrap_or(if self.quick { 16 } else { 32 })
    }

    fn is_on(&self, database: Database) -> bool {
        self.database.is_none_or(|only| only == database)
    }
}

/// What the widgets need to know.
struct World {
    sandbox: Sandbox,
    base: String,
    cookie: String,
    http: Client,
    retries: AtomicUsize,
    sign_ins: Mutex<SignIns>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let load = Load::parse();
    println!("load: {} results by {} widgets at once, sandbox and host in one process", load.results(), load.at_once());
    let mut is_well = true;
    if load.is_on(Database::Sqlite) {
        let dir = TempDir::new().unwrap();
        is_well &= run("SQLite", &format!("sqlite://{}", dir.path().join("load.db").display()), &load).await;
    }
    if load.is_on(Database::Postgres) {
        let postgres = Postgres::start();
        is_well &= run("Postgres", &postgres.database("host_load").await, &load).await;
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether nothing was lost or doubled.
async fn run(name: &str, database_url: &str, load: &Load) -> bool {
    let (results, at_once) = (load.results(), load.at_once());
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
        flinks_calls: at_once,
        // One user has all the connections here.
        sign_ins_per_user: u32::try_from(at_once).unwrap(),
        demo: Some(DemoFiles { site_dir: site.path().to_owned(), sdk_dir: site.path().to_owned() }),
        ..Config::default()
    })
    .await
    .unwrap();
    let base = format!("http://{}", host.addr());
    let http = Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let page = http.get(&base).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let world =
        Arc::new(World { sandbox, base, cookie, http, retries: AtomicUsize::new(0), sign_ins: Mutex::default() });
    add_connections(database_url, results).await;
    add_stored(database_url, load.stored).await;
    Audit::begin(database_url).await;
    // What filling the database took is no matter of the host's.
    forget_most_memory();

    let began = Instant::now();
    let connections: Vec<_> = (0..results).collect();
    let started = each(&world, connections, at_once, World::reconnect).await;
    let starting = began.elapsed();
    let (bodies, start_times): (Vec<_>, Vec<_>) = started.into_iter().unzip();

    let began = Instant::now();
    let deliver_times = each(&world, bodies, at_once, World::deliver).await;
    let delivering = began.elapsed();

    await_data(database_url, results, began + delivering + BOUND).await;
    let stored = began.elapsed();
    let memory = most_memory();
    let audit = Audit::read(database_url).await;
    world.sign_ins.lock().unwrap().count(&world.sandbox);
    let sign_ins = world.sign_ins.lock().unwrap().count;
    host.stop().await;

    let (starts, deliveries) = (Times::of(start_times), Times::of(deliver_times));
    let lost = audit.states.values().filter(|state| *state != "finished").count();
    let doubled = usize::try_from(audit.doubled).unwrap();
    println!(
        "{name}: {:.0} deliveries/s ({results} in {delivering:.2?}), p50 {:.1?}, p99 {:.1?}, longest {:.1?}, tried again {}",
        rate(results, delivering),
        deliveries.at(50),
        deliveries.at(99),
        deliveries.at(100),
        world.retries.load(Ordering::Relaxed)
    );
    println!(
        "{name}: whole starts with MFA {:.0}/s; data of all stored {stored:.2?} after the first delivery ({:.0}/s); lost {lost}, doubled {doubled}; \
         {:.2} live sign-ins per repair",
        rate(results, starting),
        rate(results, stored),
        ratio(sign_ins, results)
    );
    println!(
        "| {name} | {} | {at_once} | {:.0} | {} | {} | {} | {} | {} |",
        load.stored,
        rate(results, starting + stored),
        starts.ms(50),
        starts.ms(99),
        deliveries.ms(50),
        deliveries.ms(99),
        memory
    );
    lost == 0 && doubled == 0 && sign_ins == results && audit.count("data stored") == i64::try_from(results).unwrap()
}

/// How long calls took, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    fn ms(&self, percent: usize) -> String {
        format!("{:.1} ms", self.at(percent).as_secs_f64() * 1000.0)
    }
}

/// Waits until all data is stored, or it is too late.
async fn await_data(database_url: &str, results: usize, deadline: Instant) {
    let mut connection = AnyConnection::connect(database_url).await.unwrap();
    while Instant::now() < deadline {
        // Not the whole audit: with many attempts, reading it again and again would be the load.
        let finished = connection.fetch_one("SELECT COUNT(*) AS times FROM audit WHERE event = 'finished'").await;
        if finished.is_ok_and(|row| row.get::<i64, _>("times") >= i64::try_from(results).unwrap()) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    connection.close().await.unwrap();
}

/// Begins to measure the most memory anew. Linux only; elsewhere nothing is measured.
fn forget_most_memory() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// The most memory this process had at once since then. Linux only; elsewhere it says that it does not know.
fn most_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    kibibytes.map_or_else(|| "unknown".to_owned(), |kibibytes| format!("{:.1} MiB", f64::from(kibibytes) / 1024.0))
}

/// Counts live sign-ins in the sandbox's log, which keeps the last ten thousand entries only.
#[derive(Default)]
struct SignIns {
    counted_to: u64,
    count: usize,
}

impl SignIns {
    fn count(&mut self, sandbox: &Sandbox) {
        for entry in sandbox.log() {
            if entry.number <= self.counted_to {
                continue;
            }
            assert!(self.counted_to == 0 || entry.number == self.counted_to + 1, "entries were lost uncounted");
            self.counted_to = entry.number;
            self.count += usize::from(matches!(&entry.happening, Happening::ApiCall { endpoint, body, .. }
                if endpoint == "Authorize" && body["MostRecentCached"] == false));
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "thousands")]
fn ratio(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
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

/// Connections of users who do nothing now: five to a user, each with its accounts and the attempt that brought them.
async fn add_stored(database_url: &str, count: usize) {
    const NUMBERS: &str = "WITH RECURSIVE numbers (n) AS (\
        SELECT CAST(0 AS BIGINT) WHERE $1 > 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $1) ";
    let mut connection = AnyConnection::connect(database_url).await.unwrap();
    let mut add = connection.begin().await.unwrap();
    for insertion in [
        "INSERT INTO users SELECT 'stored-' || n FROM numbers WHERE n * 5 < $1",
        "INSERT INTO connections (id, user_id, position, institution, login_id, reason, status, refreshed_at) \
         SELECT 'stored-' || n, 'stored-' || (n / 5), n % 5, 'Stored', 'login-of-stored-' || n, 'update-requested', 'up-to-date', n FROM numbers",
        "INSERT INTO accounts SELECT 'stored-' || n, 'account-1', 1, '{}' FROM numbers",
        "INSERT INTO accounts SELECT 'stored-' || n, 'account-2', 2, '{}' FROM numbers",
        "INSERT INTO attempts (id, connection_id, user_id, tag, request_id, state, created_at, expires_at, due_at, fingerprint) \
         SELECT 'stored-' || n, 'stored-' || n, 'stored-' || (n / 5), 'tag-of-stored-' || n, 'request-' || n, 'finished', n, $1 + 4102444800000, n, \
           'print' FROM numbers",
    ] {
        let statement = AssertSqlSafe([NUMBERS, insertion].concat());
        sqlx::query(statement).bind(i64::try_from(count).unwrap()).execute(&mut *add).await.unwrap();
    }
    add.commit().await.unwrap();
    // As a database that is looked after does by itself: without it, Postgres plans for the tables as they were.
    connection.execute("ANALYZE").await.unwrap();
    connection.close().await.unwrap();
}

/// Does `work` with each item, so many at a time; what came of each.
async fn each<T, R, W, F>(world: &Arc<World>, items: Vec<T>, at_once: usize, work: W) -> Vec<R>
where
    T: Send + 'static,
    R: Send + 'static,
    W: Fn(Arc<World>, T) -> F + Copy + Send + 'static,
    F: Future<Output = R> + Send,
{
    let mut items = items.into_iter();
    let mut under_way = JoinSet::new();
    let mut results = Vec::new();
    loop {
        while under_way.len() < at_once
            && let Some(item) = items.next()
        {
            let world = Arc::clone(world);
            under_way.spawn(async move { work(world, item).await });
        }
        let Some(done) = under_way.join_next().await else { return results };
        results.push(done.unwrap());
    }
}

impl World {
    /// Begins a session and answers its questions; what the widget will deliver, and how long the host took to begin.
    async fn reconnect(self: Arc<Self>, number: usize) -> (Value, Duration) {
        let path = format!("/api/connections/load-{number}/reconnect");
        let began = Instant::now();
        let reply = self.ask(|| self.http.post(format!("{}{path}", self.base)).json(&json!({}))).await;
        let took = began.elapsed();
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
        if number.is_multiple_of(200) {
            self.sign_ins.lock().unwrap().count(&self.sandbox);
        }
        let delivery = json!({
            "attemptId": reply["attemptId"], "mode": "refresh", "requestId": reply["requestId"], "institution": "Load",
            "loginId": DEMO_LOGINS[number % DEMO_LOGINS.len()].login_id, "accountIds": [], "tag": reply["tag"],
        });
        (delivery, took)
    }

    /// How long the host took to take the result.
    async fn deliver(self: Arc<Self>, body: Value) -> Duration {
        if body["attemptId"].as_str().unwrap().starts_with("00") {
            self.sign_ins.lock().unwrap().count(&self.sandbox);
        }
        let began = Instant::now();
        let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
        let url = format!("{}/api/reconnects", self.base);
        self.ask(|| self.http.post(&url).header("idempotency-key", &key).json(&body)).await;
        began.elapsed()
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
