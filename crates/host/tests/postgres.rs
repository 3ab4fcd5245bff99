//! The scenarios on Postgres, and what only several hosts on one database can show.
//!
//! The server is `DATABASE_URL`'s when that names one, else one that this test starts from the machine's own binaries, as another user when it is
//! run as root; without either it fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeMap, time::Duration};

use crate::common::{
    Bench, Database, LOGINS, answer_all, audit::Audit, delivery, flinks::Session, postgres::Postgres, print_row,
    scenarios, send,
};
use flinks_host::Host;
use flinks_sandbox::{Config, DEMO_LOGINS, Sandbox, log::Happening};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

macro_rules! run_all {
    ($($name:ident)*) => {
        async fn every_scenario(postgres: &Postgres) -> usize {
            let mut count = 0;
            $(
                println!("on Postgres: {}", stringify!($name).replace('_', " "));
                let name = concat!("host_test_", stringify!($name));
                let url = postgres.database(name.get(..60).unwrap_or(name)).await;
                scenarios::$name(&Database::at(url)).await;
                count += 1;
            )*
            count
        }
    };
}

crate::every_scenario!(run_all);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenarios_hold_on_postgres_and_hosts_share_it() {
    let postgres = Postgres::start();
    let count = every_scenario(&postgres).await;
    two_hosts_share_the_work(&Database::at(postgres.database("host_test_two_hosts").await)).await;
    two_hosts_find_what_browsers_lost(&Database::at(postgres.database("host_test_two_reconcilers").await)).await;
    hosts_that_start_together_migrate_once(&Database::at(postgres.database("host_test_migrations").await)).await;
    two_hosts_sign_in_once(&Database::at(postgres.database("host_test_five_clicks").await)).await;
    print_row(&format!("host on Postgres | {count} scenarios, and three of two hosts on one database | all hold"));
}

/// Several hosts on one empty database, all at once: each serves, and each migration was made once.
async fn hosts_that_start_together_migrate_once(database: &Database) {
    const HOSTS: usize = 6;
    let elsewhere = Bench::alone().await;
    let config = flinks_host::Config { database_url: database.url.clone(), ..elsewhere.config.clone() };
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..HOSTS {
        starts.spawn(Host::start(config.clone()));
    }
    let mut hosts = Vec::new();
    while let Some(host) = starts.join_next().await {
        hosts.push(host.unwrap().unwrap());
    }
    for host in &hosts {
        let ready = elsewhere.browser.get(format!("http://{}/readyz", host.addr())).send().await.unwrap();
        assert_eq!(ready.status(), 200);
    }
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let row = connection.fetch_one("SELECT COUNT(*) FROM _sqlx_migrations WHERE success").await.unwrap();
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(usize::try_from(row.get::<i64, _>(0)), Ok(migrations));
    connection.close().await.unwrap();
    print_row(&format!(
        "{HOSTS} hosts start together on an empty Postgres | {migrations} migrations, each once | all serve"
    ));
}

/// Five clicks split over two hosts are one sign-in and one attempt.
async fn two_hosts_sign_in_once(database: &Database) {
    let bench = Bench::new(database).await;
    let other = Host::start(bench.config.clone()).await.unwrap();
    bench.flinks.bank().held = Some("Authorize");
    let mut clicks = tokio::task::JoinSet::new();
    for click in 0..5 {
        let base = if click % 2 == 0 { bench.base.clone() } else { format!("http://{}", other.addr()) };
        let url = format!("{base}/api/connections/nightly/reconnect");
        let request = bench.browser.post(url).header("cookie", &bench.cookie).json(&json!({}));
        clicks.spawn(async move { send(request).await });
    }
    bench.until_bank("all have begun", |bank| bank.held_calls >= 5).await;
    bench.flinks.bank().held = None;
    let mut attempts = Vec::new();
    while let Some(answer) = clicks.join_next().await {
        let reply = answer.unwrap().expect(200).body;
        assert_eq!(reply["status"], "challenge", "{reply}");
        attempts.push(reply["attemptId"].clone());
    }
    attempts.dedup();
    let sign_ins = bench.flinks.bank().sign_ins;
    print_row(&format!("five clicks split over two hosts | {} attempt | {sign_ins} live sign-in", attempts.len()));
    assert_eq!((attempts.len(), sign_ins), (1, 1));
    drop(other);
}

/// Four results, two hosts: every one is fetched, none twice, whichever host it was delivered to; and a host that dies leaves its
/// work to the other.
async fn two_hosts_share_the_work(database: &Database) {
    let bench = Bench::new(database).await;
    let other = Host::start(bench.config.clone()).await.unwrap();
    let connections = ["nightly", "ondemand", "mfachanged", "selected"];
    bench.flinks.bank().pending = 2;
    for (connection, login) in connections.into_iter().zip(LOGINS) {
        let reply = bench.challenge(connection).await;
        bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
        bench.deliver(&delivery(&reply, login)).await.expect(200);
    }
    for connection in connections {
        bench.until_status(connection, "up-to-date").await;
    }
    let asked = bench.flinks.bank().data_asked.clone();
    assert!(asked.len() == 4 && asked.values().all(|times| *times == 1), "{asked:?}");

    bench.flinks.bank().pending = u32::MAX;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    drop(other);
    bench.flinks.bank().pending = 0;
    bench.until_status("nightly", "up-to-date").await;
}

/// Forty results that no browser delivers, two hosts that ask about them all the time: each is found once and fetched once, as
/// the database and the sandbox tell.
async fn two_hosts_find_what_browsers_lost(database: &Database) {
    const ROUNDS: usize = 10;
    let sandbox = Sandbox::start(Config { processing_ms: 5, ..Config::local() }).await.unwrap();
    let bench = Bench::with(database, |config| {
        config.flinks_api_url = sandbox.api_url();
        config.secret_key.clone_from(&sandbox.config().secret_key);
        config.api_key.clone_from(&sandbox.config().api_key);
        config.reconcile_after = Duration::from_millis(15);
        config.poll_interval = Duration::from_millis(15);
    })
    .await;
    let other = Host::start(bench.config.clone()).await.unwrap();
    Audit::begin(&database.url).await;
    for _ in 0..ROUNDS {
        for login in &DEMO_LOGINS {
            let reply = bench.challenge(login.connection).await;
            answer_all(&sandbox, &bench.browser, &reply).await;
        }
        for login in &DEMO_LOGINS {
            bench.until_status(login.connection, "up-to-date").await;
        }
    }
    let audit = Audit::read(&database.url).await;
    let (mut asked, mut fetched, mut cached, mut probes) = (BTreeMap::<_, usize>::new(), 0, 0, 0);
    for entry in sandbox.log() {
        let Happening::ApiCall { endpoint, body, status, .. } = entry.happening else { continue };
        match endpoint.as_str() {
            "GetAccountsDetail" => *asked.entry(body["RequestId"].to_string()).or_default() += 1,
            "GetAccountsDetailAsync" => fetched += usize::from(status == 200),
            "Authorize" if body["MostRecentCached"] == true => cached += 1,
            "Authorize" if body["RequestId"].is_string() && body["SecurityResponses"].is_null() => probes += 1,
            _ => {}
        }
    }
    print_row(&format!(
        "F15 results that no browser delivered, two hosts reconcile on one Postgres: {} sessions, {probes} questions about them | {} results found | data asked for {} times, \
         fetched {fetched} times, stored {} times | {} twice",
        audit.count("begun"),
        audit.count("accepted"),
        asked.values().sum::<usize>(),
        audit.count("data stored"),
        audit.doubled
    ));
    let results = ROUNDS * DEMO_LOGINS.len();
    assert!(asked.len() == results && asked.values().all(|times| *times == 1), "{asked:?}");
    // One cached call before each sign-in: how fresh Flinks' data was before the attempt.
    assert_eq!((fetched, cached, audit.doubled), (results, results, 0), "{:?}", audit.events);
    for event in ["begun", "accepted", "finished", "data stored"] {
        assert_eq!(usize::try_from(audit.count(event)), Ok(results), "{event}");
    }
    drop(other);
}
