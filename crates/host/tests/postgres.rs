//! The scenarios on Postgres, and what only several hosts on one database can show.
//!
//! The server is `DATABASE_URL`'s when that names one, else one that this test starts from the machine's own binaries; without
//! either the test says so and passes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{Bench, Database, LOGINS, delivery, flinks::Session, scenarios};
use flinks_host::Host;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// A server of this test's own, gone when dropped.
struct Server {
    binaries: PathBuf,
    dir: TempDir,
    port: u16,
}

impl Server {
    /// `None` when this machine has no Postgres.
    fn start() -> Option<Self> {
        let binaries = binaries()?;
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if is_root() {
            // Postgres refuses to run as root.
            assert!(Command::new("chown").arg("nobody").arg(dir.path()).status().unwrap().success());
        }
        let server = Self { binaries, dir, port };
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "host", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        let socket = server.dir.path().display();
        let options =
            format!("-c listen_addresses=127.0.0.1 -p {port} -k {socket} -c fsync=off -c max_connections=300");
        let log = server.dir.path().join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
        Some(server)
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn url(&self) -> String {
        format!("postgres://host@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let command = command.args(arguments).current_dir(self.dir.path()).stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "Postgres could not be set up; see above");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The folder of `initdb`: on the path, or where Debian puts it.
fn binaries() -> Option<PathBuf> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(debian).find(|dir| has_postgres(dir))
}

fn has_postgres(dir: &Path) -> bool {
    ["initdb", "pg_ctl"].iter().all(|program| dir.join(program).is_file())
}

/// An empty database of its own on the server at `url`.
async fn database(url: &str, name: &str) -> Database {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    connection.close().await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    Database::at(format!("{server}/{name}"))
}

macro_rules! run_all {
    ($($name:ident)*) => {
        async fn every_scenario(url: &str) -> usize {
            let mut count = 0;
            $(
                println!("on Postgres: {}", stringify!($name).replace('_', " "));
                scenarios::$name(&database(url, concat!("host_test_", stringify!($name)).get(..60).unwrap_or(concat!("host_test_", stringify!($name)))).await).await;
                count += 1;
            )*
            count
        }
    };
}

every_scenario!(run_all);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scenarios_hold_on_postgres_and_hosts_share_it() {
    let given = env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres"));
    let server = if given.is_some() { None } else { Server::start() };
    let Some(url) = given.or_else(|| server.as_ref().map(Server::url)) else {
        println!("skipped: no Postgres on this machine (initdb and pg_ctl), and DATABASE_URL names none");
        return;
    };
    let count = every_scenario(&url).await;
    two_hosts_share_the_work(&database(&url, "host_test_two_hosts").await).await;
    println!("on Postgres: {count} scenarios and the one of two hosts");
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
