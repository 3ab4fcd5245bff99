//! kill -9 of the host at any point of start, deliver and refresh: nothing accepted is lost, nothing is done twice.
//!
//! The counts are printed as rows of a table, the rest with `--nocapture`; `CRASH_SEED` repeats a run's choices.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::env;

use crate::common::{
    Database,
    crash::{Plan, run},
    postgres::Postgres,
};

fn seed() -> u64 {
    env::var("CRASH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_260_401)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_on_sqlite() {
    let database = Database::sqlite();
    run("crash on SQLite", Plan { database_url: database.url.clone(), hosts: 1, kills: 200, seed: seed() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_kills_of_two_hosts_on_postgres() {
    let postgres = Postgres::start();
    let database_url = postgres.database("host_test_crash").await;
    run("crash on Postgres", Plan { database_url, hosts: 2, kills: 30, seed: seed() }).await;
}
