//! Every statement the host really sends has an index to use, on SQLite and on Postgres.
//!
//! The statements are not written here: they are what sqlx logs while reconnects of every kind go on. The databases then say how
//! they would carry them out. Nothing may read a whole table; the indexes that may be read from their beginning are those of
//! the attempts at which something is due and of the events that were given up, which hold only those.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{
    Bench, Database, LOGINS, delivery,
    flinks::{Live, Session},
    postgres::Postgres,
    print_row, scenarios,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// Indexes that may be read from their beginning.
const WHOLE_INDEXES: [&str; 2] = [" USING INDEX attempts_due", " USING INDEX events_parked"];
/// How the statement begins that renews a claim.
const RENEWAL: &str = "UPDATE attempts SET claimed_until = ";

/// Statements as sqlx logs them.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>);

#[derive(Default)]
struct Fields {
    summary: String,
    statement: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // The summary of a short statement is the statement.
        let text = if fields.statement.is_empty() { fields.summary } else { fields.statement };
        self.0.lock().unwrap().insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

impl Statements {
    /// What was sent to the host's own tables since the last time.
    fn take(&self) -> Vec<String> {
        const TABLES: [&str; 7] = ["attempts", "connections", "accounts", "answers", "events", "sessions", "users"];
        let all = std::mem::take(&mut *self.0.lock().unwrap());
        let of_host = |text: &String| {
            ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb))
                && TABLES.iter().any(|table| text.contains(table))
                && text.contains('$')
        };
        all.into_iter().filter(of_host).collect()
    }

    fn has(&self, beginning: &str) -> bool {
        self.0.lock().unwrap().iter().any(|text| text.starts_with(beginning))
    }
}

/// Everything a host does to its tables, but for the demo's reset.
async fn do_everything(statements: &Statements, fresh: &mut impl AsyncFnMut() -> Database) {
    scenarios::a_refresh_ends_in_fresh_accounts(&fresh().await).await;
    scenarios::a_left_session_is_resumed(&fresh().await).await;
    scenarios::a_result_the_browser_lost_is_found_at_the_next_start(&fresh().await).await;
    scenarios::a_result_the_browser_lost_is_found_by_the_reconciler(&fresh().await).await;
    scenarios::a_signed_webhook_is_a_delivery(&fresh().await).await;
    scenarios::the_full_flow_picks_accounts_anew(&fresh().await).await;
    scenarios::refused_data_is_a_problem_of_the_connection(&fresh().await).await;
    scenarios::a_failed_nightly_refresh_wants_the_user(&fresh().await).await;
    scenarios::flinks_down_is_a_problem_until_it_is_back(&fresh().await).await;
    let database = fresh().await;
    let key = "the-key-of-the-application-itself";
    let bench = Bench::with(&database, |config| {
        config.claim_lease = Duration::from_millis(60);
        config.admin_key = Some(key.to_owned());
        config.data_kept = Duration::from_millis(50);
    })
    .await;
    bench.flinks.live(LOGINS[0], Live::Code(401, "DISABLED_LOGIN"));
    bench.start("nightly").await.expect(200);
    // A call that takes longer than the claim on it, which is therefore renewed.
    bench.flinks.bank().held = Some("GetAccountsDetail");
    let reply = bench.challenge("ondemand").await;
    bench.flinks.set_session(reply["requestId"].as_str().unwrap(), Session::Finished);
    bench.deliver(&delivery(&reply, LOGINS[1])).await.expect(200);
    bench.until_bank("a claim is renewed", |_| statements.has(RENEWAL)).await;
    bench.flinks.bank().held = None;
    bench.until_status("ondemand", "up-to-date").await;
    for path in ["/metrics", "/admin/events", "/admin/connections/ondemand/data"] {
        bench.browser.get(format!("{}{path}", bench.base)).bearer_auth(key).send().await.unwrap();
    }
    bench
        .until_bank("an answer is deleted", |_| {
            statements.has("DELETE FROM answers WHERE connection_id = $1 AND kept_until")
        })
        .await;
}

/// What each statement's plan reads without an index.
async fn sqlite_scans(url: &str, statement: &str) -> Vec<String> {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let plan = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"))).await.unwrap();
    let steps = plan.iter().map(|row| row.get::<String, _>("detail"));
    let scans = steps.filter(|step| {
        let is_partial = WHOLE_INDEXES.iter().any(|index| step.ends_with(index));
        step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW" && !is_partial
    });
    let scans = scans.collect();
    connection.close().await.unwrap();
    scans
}

async fn postgres_scans(connection: &mut AnyConnection, statement: &str) -> Vec<String> {
    let parameters = (1..=60).filter(|number| statement.contains(&format!("${number}"))).count();
    let nulls = vec!["NULL"; parameters].join(", ");
    connection.execute(AssertSqlSafe(format!("PREPARE planned AS {statement}"))).await.unwrap();
    let plan = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN EXECUTE planned({nulls})"))).await.unwrap();
    connection.execute("DEALLOCATE planned").await.unwrap();
    let steps = plan.iter().map(|row| row.get::<String, _>(0));
    steps.filter(|step| step.contains("Seq Scan")).map(|step| step.trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_a_whole_table() {
    let statements = Statements::default();
    let only = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
    tracing_subscriber::registry().with(statements.clone().with_filter(only)).init();

    let planned = Database::sqlite();
    drop(Bench::new(&planned).await);
    do_everything(&statements, &mut async || Database::sqlite()).await;
    let sent = statements.take();
    for statement in &sent {
        let scans = sqlite_scans(&planned.url, statement).await;
        assert!(scans.is_empty(), "{statement}\n{scans:?}");
    }
    println!("SQLite: {} statements, none reads a whole table", sent.len());
    assert!(sent.len() >= 30, "is the log captured? {sent:#?}");

    let postgres = Postgres::start();
    let mut number = 0;
    let mut fresh = async || {
        number += 1;
        Database::at(postgres.database(&format!("host_test_plans_{number}")).await)
    };
    let planned = fresh().await;
    drop(Bench::new(&planned).await);
    do_everything(&statements, &mut fresh).await;
    let sent = statements.take();
    let mut connection = AnyConnection::connect(&planned.url).await.unwrap();
    // As many rows as make reading them all the dearer way, most of them past; and plans for any parameters.
    for statement in [
        "INSERT INTO users SELECT 'user-' || n FROM generate_series(1, 2000) n",
        "INSERT INTO sessions SELECT 'print-' || n, 'user-' || (n % 2000 + 1), n FROM generate_series(1, 5000) n",
        "INSERT INTO connections (id, user_id, position, institution, login_id, reason, status) \
         SELECT 'connection-' || n, 'user-' || (n % 2000 + 1), n, 'Bank', 'login-' || n, 'update-requested', 'up-to-date' \
         FROM generate_series(1, 6000) n",
        "INSERT INTO accounts SELECT 'connection-' || n, 'account-' || k, k, '{}' FROM generate_series(1, 6000) n, generate_series(1, 3) k",
        "INSERT INTO answers SELECT 'connection-' || n, '{}', n FROM generate_series(1, 6000) n",
        "INSERT INTO events (id, connection_id, number, body, created_at, due_at, tried_until, state) \
         SELECT 'event-' || n, 'connection-' || (n % 6000 + 1), n, '{}', n, n, n, CASE WHEN n % 100 = 0 THEN 'parked' ELSE 'waiting' END \
         FROM generate_series(1, 6000) n",
        "INSERT INTO selected_accounts SELECT 'connection-' || n, 'account-' || k, k FROM generate_series(1, 6000) n, generate_series(1, 3) k",
        "INSERT INTO attempts (id, connection_id, user_id, tag, request_id, state, created_at, expires_at, due_at, claimed_by) \
         SELECT 'attempt-' || n, 'connection-' || (n % 6000 + 1), 'user-1', 'tag-' || n, 'request-' || n, \
           CASE WHEN n % 100 = 0 THEN 'open' WHEN n % 100 = 1 THEN 'accepted' ELSE 'finished' END, n, n, n, \
           'a step of an earlier version' \
         FROM generate_series(1, 60000) n",
        "ANALYZE",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        connection.execute(statement).await.unwrap();
    }
    for statement in &sent {
        // Once an hour, and how many rows it concerns depends on the hour.
        if statement.starts_with("DELETE FROM attempts WHERE state IN") {
            continue;
        }
        let scans = postgres_scans(&mut connection, statement).await;
        assert!(scans.is_empty(), "{statement}\n{scans:?}");
    }
    println!("Postgres: {} statements, none reads a whole table", sent.len());
    assert!(sent.len() >= 30, "is the log captured? {sent:#?}");
    a_renewal_does_not_know_ended_attempts(&mut connection, &sent).await;
    connection.close().await.unwrap();
}

/// One claim is renewed beside 58,800 attempts that have ended with a claim on them, as earlier versions left them.
async fn a_renewal_does_not_know_ended_attempts(connection: &mut AnyConnection, sent: &[String]) {
    let renewal = sent.iter().find(|statement| statement.starts_with(RENEWAL)).unwrap();
    let ended = "SELECT COUNT(*) FROM attempts WHERE state = 'finished' AND claimed_by IS NOT NULL";
    let ended: i64 = connection.fetch_one(ended).await.unwrap().get(0);
    assert!(ended >= 50_000, "{ended}");
    connection.execute(AssertSqlSafe(format!("PREPARE renewal AS {renewal}"))).await.unwrap();
    let renew = "EXPLAIN (ANALYZE, WAL) EXECUTE renewal('attempt-100', 'a step of an earlier version', 1)";
    // The first time the pages are read and copied as a whole.
    connection.fetch_all(renew).await.unwrap();
    let plan: Vec<String> = connection.fetch_all(renew).await.unwrap().iter().map(|row| row.get(0)).collect();
    let line = |part: &str| plan.iter().find(|line| line.contains(part)).map_or("", |line| line.trim());
    print_row(&format!(
        "a claim is renewed beside {ended} ended attempts | {} | {} | {}",
        line("Index Scan"),
        line("WAL"),
        line("Execution Time")
    ));
    let took: f64 = line("Execution Time").split(' ').nth(2).unwrap().parse().unwrap();
    assert!(line("Index Scan").contains("attempts_pkey") && took < 20.0, "{plan:#?}");
}
