//! What several hosts on one database, and databases in trouble, may not do to a result.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use flinks_host::{Auth, AuthKey, Config, Host};
use flinks_sandbox::{Faults, Sandbox, log::Happening};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::common::{
    Bench, Database, LOGINS, delivery,
    flinks::Session,
    postgres::{Postgres, Server, free_port},
    print_row,
    program::run_host,
    send,
};

/// Runs statements on the host's database.
pub(crate) async fn execute(url: &str, statements: &[&str]) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for statement in statements {
        connection.execute(AssertSqlSafe((*statement).to_owned())).await.unwrap();
    }
    connection.close().await.unwrap();
}

pub(crate) async fn number(url: &str, query: &str) -> i64 {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let row = connection.fetch_one(AssertSqlSafe(query.to_owned())).await.unwrap();
    connection.close().await.unwrap();
    row.get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_share_a_postgres_in_trouble() {
    let postgres = Postgres::start();
    a_write_that_fails_once_is_repeated_by_a_busy_host(postgres.database("host_test_failed_write").await).await;
    for isolation in ["read committed", "serializable"] {
        let url = postgres.database("host_test_two_results").await;
        let name = url.rsplit('/').next().unwrap();
        execute(&url, &[&format!("ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}'")]).await;
        two_results_of_one_connection_are_both_answered(url, isolation).await;
    }
    an_unreadable_row_stops_nobody_else(&Database::at(postgres.database("host_test_unreadable").await)).await;
    a_host_killed_in_its_sign_in_is_no_second_one(postgres.database("host_test_killed").await).await;
    the_databases_clock_is_everybodys(postgres.database("host_test_clock").await).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_why() {
    let server = Server::start();
    let url = server.url();
    execute(
        &url,
        &[
            "CREATE ROLE needs_password LOGIN PASSWORD 'right'",
            "CREATE ROLE needs_tls LOGIN",
            "CREATE ROLE reads_only LOGIN",
            "ALTER ROLE reads_only SET default_transaction_read_only = on",
        ],
    )
    .await;
    let dir = TempDir::new().unwrap();
    let no_database = dir.path().join("letter.txt");
    std::fs::write(&no_database, "Dear Sir or Madam, ".repeat(100)).unwrap();
    let as_user = |user: &str| url.replace("host@", &format!("{user}@"));
    let free = free_port();
    let mut starts = JoinSet::new();
    for (url, expected) in [
        (as_user("needs_password:hush"), "refuses the password"),
        (as_user("needs_password"), "refuses the password"),
        (as_user("hush_unknown"), "does not admit this user"),
        (as_user("needs_tls"), "without TLS"),
        (format!("{url}?sslmode=require"), "demands TLS"),
        (url.replace("/postgres", "/hush").replacen("/hush:", "/postgres:", 1), "no database of that name"),
        (as_user("reads_only"), "read-only"),
        (format!("postgres://host@127.0.0.1:{free}/hush"), "nothing answers"),
        ("postgres://host@127.0.0.1:hush/x".to_owned(), "expected sqlite://FILE"),
        (format!("sqlite://{}", dir.path().join("hush/host.db").display()), "cannot be opened"),
        (format!("sqlite://{}", no_database.display()), "no SQLite database"),
    ] {
        let config = Config {
            addr: "127.0.0.1:0".parse().unwrap(),
            secret_key: "a-secret".to_owned(),
            api_key: "an-api-key".to_owned(),
            auth: Some(Auth::new(AuthKey::Secret("of-the-application-32-characters".to_owned()))),
            database_url: url,
            ..Config::default()
        };
        starts.spawn(async move { (Host::start(config).await.unwrap_err().to_string(), expected) });
    }
    while let Some(ended) = starts.join_next().await {
        let (text, expected) = ended.unwrap();
        assert!(text.starts_with("DATABASE_URL: ") && text.contains(expected), "{text}: {expected}");
        assert!(!text.contains("hush") && !text.contains('\n'), "{text}");
    }
}

/// Five clicks split over two hosts, and the one whose sign-in is under way is killed in the middle: the bank is not asked again before its
/// time is over, and then the other host goes on.
async fn a_host_killed_in_its_sign_in_is_no_second_one(url: String) {
    const BANK: Duration = Duration::from_secs(2);
    let sandbox = Sandbox::start(flinks_sandbox::Config::local()).await.unwrap();
    sandbox.set_faults(&Faults { bank_latency_ms: 60_000, ..Faults::default() }).unwrap();
    let database = Database::at(url);
    let bench = Bench::with(&database, |config| {
        config.flinks_api_url = sandbox.api_url();
        config.customer_id.clone_from(&sandbox.config().customer_id);
        config.secret_key.clone_from(&sandbox.config().secret_key);
        config.api_key.clone_from(&sandbox.config().api_key);
        config.bank_patience = BANK;
        config.start_answer = Duration::from_millis(300);
    })
    .await;
    let (mut victim, victim_base) = run_host(
        // Its users are known by the same cookie.
        &["--demo", "--site", env!("CARGO_MANIFEST_DIR")],
        &[
            ("FLINKS_API_URL", &bench.config.flinks_api_url),
            ("FLINKS_CONNECT_URL", &bench.config.flinks_connect_url),
            ("FLINKS_CUSTOMER_ID", &bench.config.customer_id),
            ("FLINKS_SECRET_KEY", &bench.config.secret_key),
            ("FLINKS_API_KEY", &bench.config.api_key),
            ("DATABASE_URL", &database.url),
            ("BANK_PATIENCE_MS", &BANK.as_millis().to_string()),
        ],
    )
    .await;
    let click = |base: &str| {
        let url = format!("{base}/api/connections/nightly/reconnect");
        bench.browser.post(url).header("cookie", &bench.cookie).json(&json!({}))
    };
    let sign_ins = || {
        let calls = sandbox.log().into_iter().filter(|entry| {
            matches!(&entry.happening, Happening::ApiCall { endpoint, body, .. }
                if endpoint == "Authorize" && body["MostRecentCached"] == false)
        });
        calls.count()
    };
    let first = tokio::spawn(click(&victim_base).send());
    let under_way = "SELECT COUNT(*) FROM connections WHERE sign_in_until IS NOT NULL";
    let is_marked = async {
        while number(&database.url, under_way).await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(Duration::from_secs(15), is_marked).await.is_ok(), "no sign-in was marked");
    let second = tokio::spawn(click(&victim_base).send());
    let marked = Instant::now();
    for _ in 0..2 {
        send(click(&bench.base)).await.refused(503, "BANK_SLOW");
    }
    victim.kill().await.unwrap();
    assert!(first.await.unwrap().is_err() && second.await.unwrap().is_err(), "their host has died");
    sandbox.set_faults(&Faults::default()).unwrap();
    let reply = loop {
        let answer = send(click(&bench.base)).await;
        if answer.status == 200 {
            break answer.body;
        }
        answer.refused(503, "BANK_SLOW");
        assert!(sign_ins() <= 1 || marked.elapsed() >= BANK, "{:?}", marked.elapsed());
    };
    assert!(marked.elapsed() >= BANK, "{:?}", marked.elapsed());
    assert_eq!(
        (&reply["status"], sign_ins()),
        (&json!("challenge"), 2),
        "one before the bank's time was over, one after"
    );
    print_row(&format!(
        "five clicks over two hosts, the one that signs in is killed | 1 live sign-in in the bank's time of {BANK:?} | the other host goes on after {:.1?}",
        marked.elapsed()
    ));
}

/// The database's clock is ten minutes ahead of this machine's, as that of another machine may be.
async fn the_databases_clock_is_everybodys(url: String) {
    const AHEAD_MS: i64 = 600_000;
    let name = url.rsplit('/').next().unwrap();
    execute(
        &url,
        &[
            "CREATE SCHEMA ahead",
            "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
               $$ SELECT pg_catalog.clock_timestamp() + interval '10 minutes' $$",
            &format!("ALTER DATABASE {name} SET search_path = ahead, public, pg_catalog"),
        ],
    )
    .await;
    let database = Database::at(url.clone());
    let bench = Bench::new(&database).await;
    let reply = bench.challenge("nightly").await;
    let now = "SELECT CAST(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000 AS BIGINT)";
    let ahead = number(&url, "SELECT created_at FROM attempts").await - number(&url, now).await;
    assert!((AHEAD_MS - 60_000..=AHEAD_MS).contains(&ahead), "{ahead} ms");
    bench.flinks.bank().held = Some("GetAccountsDetail");
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_bank("a step is under way", |bank| bank.held_calls == 1).await;
    let lease = number(&url, "SELECT claimed_until FROM attempts").await - number(&url, now).await;
    assert!((AHEAD_MS..=AHEAD_MS + 10_000).contains(&lease), "{lease} ms");
    bench.flinks.bank().held = None;
    bench.until_status("nightly", "up-to-date").await;
}

/// Nightly Refresh lists the same logins all the time: that is looked up and costs no write, so it goes on while another program writes.
#[tokio::test]
async fn the_nightly_list_is_written_down_only_where_it_changes_something() {
    let database = Database::sqlite();
    let bench = Bench::with(&database, |config| config.nightly_interval = Duration::from_millis(30)).await;
    let others = (0..120).map(|n| format!("0d5a3c10-0002-4000-8000-{n:012}"));
    bench.flinks.bank().ineligible = LOGINS
        .into_iter()
        .map(str::to_owned)
        .chain(others)
        .map(|login| json!({"LoginId": login, "LastRefresh": "2026-01-21T20:47:47.145999"}))
        .collect();
    let mut writer = AnyConnection::connect(&database.url).await.unwrap();
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let began = Instant::now();
    let asked = bench.flinks.bank().nightly_asked;
    bench.until_bank("the list was asked for", |bank| bank.nightly_asked >= asked + 5).await;
    assert!(began.elapsed() < Duration::from_secs(5), "a write would have waited five seconds: {:?}", began.elapsed());
    writer.close().await.unwrap();
}

#[tokio::test]
async fn an_unreadable_row_stops_nobody_else_on_sqlite() {
    an_unreadable_row_stops_nobody_else(&Database::sqlite()).await;
}

/// The database refuses to store fetched data once. The host is busy with another step all the while, and repeats the failed one
/// within two leases.
async fn a_write_that_fails_once_is_repeated_by_a_busy_host(url: String) {
    const LEASE: Duration = Duration::from_millis(1500);
    let database = Database::at(url.clone());
    let bench = Bench::with(&database, |config| {
        config.claim_lease = LEASE;
        config.reconcile_after = Duration::from_millis(20);
    })
    .await;
    // A sequence counts also what is rolled back.
    execute(
        &url,
        &[
            "CREATE SEQUENCE stored",
            "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS \
               $$ BEGIN IF nextval('stored') = 1 THEN RAISE EXCEPTION 'as the test said'; END IF; RETURN NULL; END $$",
            "CREATE TRIGGER fail_once AFTER UPDATE ON attempts FOR EACH ROW WHEN (NEW.state = 'finished') \
               EXECUTE FUNCTION fail_once()",
        ],
    )
    .await;
    let reply = bench.challenge("nightly").await;
    bench.challenge("ondemand").await;
    // The question about the other attempt is never answered, so the worker always has a step under way.
    bench.flinks.bank().held = Some("Authorize");
    bench.until_bank("the worker is busy", |bank| bank.held_calls >= 1).await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    let notice = json!({
        "ResponseType": "GetAccountsDetail", "Tag": reply["tag"], "Login": {"Id": LOGINS[0]}, "RequestId": reply["requestId"],
    });
    bench.webhook(&notice).await.expect(200);
    bench.until_bank("the data was fetched", |bank| bank.data_asked.len() == 1).await;
    let began = Instant::now();
    bench.until_status("nightly", "up-to-date").await;
    let took = began.elapsed();
    let tries = number(&url, "SELECT last_value FROM stored").await;
    assert_eq!(tries, 2, "it failed once");
    print_row(&format!("a write that failed once, on a busy host | lease {LEASE:?} | stored after {took:.1?}"));
    assert!(took < LEASE * 2, "{took:?}");
    assert!(bench.flinks.bank().under_way > 0, "the host was busy all the time");
    bench.flinks.bank().held = None;
}

/// Two attempts of one connection bring their results at the same time, again and again, to two hosts.
async fn two_results_of_one_connection_are_both_answered(url: String, isolation: &str) {
    const ROUNDS: usize = 8;
    let database = Database::at(url);
    let bench = Bench::new(&database).await;
    let other = Host::start(bench.config.clone()).await.unwrap();
    let other_base = format!("http://{}", other.addr());
    let mut answers = 0;
    for round in 0..ROUNDS {
        let mut deliveries = JoinSet::new();
        for (connection, login) in ["nightly", "ondemand", "mfachanged", "selected"].into_iter().zip(LOGINS) {
            let first = bench.challenge(connection).await;
            bench.flinks.set_session(first["requestId"].as_str().unwrap(), Session::Over);
            let second = bench.challenge(connection).await;
            let session = format!("request-of-connect-{connection}-{round}");
            bench.flinks.add_session(&session, login, Session::Finished);
            let mut left = delivery(&first, login);
            left["requestId"] = json!(session);
            bench.flinks.set_session(second["requestId"].as_str().unwrap(), Session::Finished);
            for (base, body) in [(&bench.base, left), (&other_base, delivery(&second, login))] {
                let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
                let request = bench.browser.post(format!("{base}/api/reconnects")).header("cookie", &bench.cookie);
                let request = request.header("idempotency-key", key).json(&body);
                deliveries.spawn(async move { send(request).await });
            }
        }
        while let Some(answer) = deliveries.join_next().await {
            answer.unwrap().expect(200);
            answers += 1;
        }
        for connection in ["nightly", "ondemand", "mfachanged", "selected"] {
            bench.until_status(connection, "up-to-date").await;
        }
    }
    print_row(&format!(
        "two results of one connection at once, two hosts, {isolation} | {answers} deliveries | all 200"
    ));
    drop(other);
}

/// An attempt that cannot be read, which some other program wrote: the host says so and goes on with the others.
async fn an_unreadable_row_stops_nobody_else(database: &Database) {
    let bench = Bench::new(database).await;
    // As many as the worker takes at a time, and all of them due before anything else.
    let rows: Vec<_> = (0..8)
        .map(|n| {
            format!(
                "INSERT INTO attempts (id, connection_id, user_id, tag, state, created_at, expires_at, due_at) \
                 VALUES ('not an id {n}', 'ondemand', 'demo', 'tag-{n}', 'accepted', 0, 0, 0)"
            )
        })
        .collect();
    execute(&database.url, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let reply = bench.challenge("nightly").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[0])).await.expect(200);
    bench.until_status("nightly", "up-to-date").await;
}
