//! A Postgres of the test's own, started from the machine's own binaries.

use std::{
    env, fs,
    hash::{BuildHasher as _, RandomState},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// A port that nobody has, for a server that has to be told which. It is below those that systems give to connections (from 32768 on Linux),
/// one of which may be gone before the server takes it.
pub fn free_port() -> u16 {
    let mut ports =
        (0..100).map(|number| 20_000 + u16::try_from(RandomState::new().hash_one(number) % 12_000).unwrap());
    ports
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("no free port from 20000 on, in a hundred tries")
}

/// A server of this test's own, gone when dropped.
pub struct Server {
    binaries: PathBuf,
    dir: TempDir,
    port: u16,
}

impl Server {
    pub fn start() -> Self {
        let binaries = binaries().expect(
            "this machine has no Postgres (initdb and pg_ctl), and DATABASE_URL names none: `npm run setup -- test` installs it",
        );
        let dir = TempDir::new().unwrap();
        let port = free_port();
        if is_root() {
            // Postgres refuses to run as root.
            assert!(Command::new("chown").arg("nobody").arg(dir.path()).status().unwrap().success());
        }
        let server = Self { binaries, dir, port };
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "host", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        server.admit_some_only();
        let socket = server.dir.path().display();
        let options =
            format!("-c listen_addresses=127.0.0.1 -p {port} -k {socket} -c fsync=off -c max_connections=300");
        let log = server.dir.path().join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
        server
    }

    /// Everybody is trusted, but for two users that tests make.
    fn admit_some_only(&self) {
        let file = Path::new(&self.data()).join("pg_hba.conf");
        let trust = fs::read_to_string(&file).unwrap();
        let first = "host all needs_password 127.0.0.1/32 scram-sha-256\nhost all needs_tls 127.0.0.1/32 reject\n";
        fs::write(&file, format!("{first}{trust}")).unwrap();
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    pub fn url(&self) -> String {
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

/// The server `DATABASE_URL` names, else one of this test's own.
pub struct Postgres {
    url: String,
    _server: Option<Server>,
}

impl Postgres {
    pub fn start() -> Self {
        if let Some(url) = env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres")) {
            return Self { url, _server: None };
        }
        let server = Server::start();
        Self { url: server.url(), _server: Some(server) }
    }

    /// An empty database of its own on the server at `url`.
    pub async fn database(&self, name: &str) -> String {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        connection.close().await.unwrap();
        let (server, _) = self.url.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }
}
