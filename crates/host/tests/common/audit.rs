//! What really happened in the database, written down by the database itself in the very transaction that did it.
//!
//! A host that dies cannot forget to note what it did, and one that does something twice notes it twice.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

const SQLITE: [&str; 7] = [
    "CREATE TABLE audit (subject TEXT NOT NULL, event TEXT NOT NULL)",
    "CREATE TRIGGER audit_begun AFTER INSERT ON attempts \
       BEGIN INSERT INTO audit VALUES (NEW.id, 'begun'), (NEW.id, NEW.state); END",
    "CREATE TRIGGER audit_moved AFTER UPDATE ON attempts WHEN NEW.state <> OLD.state \
       BEGIN INSERT INTO audit VALUES (NEW.id, NEW.state); END",
    "CREATE TRIGGER audit_login AFTER UPDATE ON connections WHEN NEW.login_id <> OLD.login_id \
       BEGIN INSERT INTO audit VALUES (NEW.id, 'login overwritten'); END",
    "CREATE TRIGGER audit_data AFTER UPDATE OF settled_at ON connections \
       BEGIN INSERT INTO audit VALUES (NEW.id, 'data stored'); END",
    "CREATE TABLE audit_told (id TEXT NOT NULL, connection_id TEXT NOT NULL, number BIGINT NOT NULL, body TEXT NOT NULL)",
    "CREATE TRIGGER audit_told AFTER INSERT ON events \
       BEGIN INSERT INTO audit_told VALUES (NEW.id, NEW.connection_id, NEW.number, NEW.body); END",
];

const POSTGRES: [&str; 12] = [
    "CREATE TABLE audit (subject TEXT NOT NULL, event TEXT NOT NULL)",
    "CREATE FUNCTION audit_begun() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN INSERT INTO audit VALUES (NEW.id, 'begun'), (NEW.id, NEW.state); RETURN NULL; END $$",
    "CREATE TRIGGER audit_begun AFTER INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION audit_begun()",
    "CREATE FUNCTION audit_moved() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN INSERT INTO audit VALUES (NEW.id, NEW.state); RETURN NULL; END $$",
    "CREATE TRIGGER audit_moved AFTER UPDATE ON attempts FOR EACH ROW WHEN (NEW.state <> OLD.state) \
       EXECUTE FUNCTION audit_moved()",
    "CREATE FUNCTION audit_connection() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN INSERT INTO audit VALUES (NEW.id, TG_ARGV[0]); RETURN NULL; END $$",
    "CREATE TRIGGER audit_login AFTER UPDATE ON connections FOR EACH ROW WHEN (NEW.login_id <> OLD.login_id) \
       EXECUTE FUNCTION audit_connection('login overwritten')",
    "CREATE TRIGGER audit_data AFTER UPDATE OF settled_at ON connections FOR EACH ROW \
       EXECUTE FUNCTION audit_connection('data stored')",
    "CREATE TABLE audit_told (id TEXT NOT NULL, connection_id TEXT NOT NULL, number BIGINT NOT NULL, body TEXT NOT NULL)",
    "CREATE FUNCTION audit_told() RETURNS trigger LANGUAGE plpgsql AS \
       $$ BEGIN INSERT INTO audit_told VALUES (NEW.id, NEW.connection_id, NEW.number, NEW.body); RETURN NULL; END $$",
    "CREATE TRIGGER audit_told AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION audit_told()",
    // Nobody else reads it.
    "ALTER TABLE audit SET UNLOGGED",
];

/// Everything of the database that a test compares.
#[derive(Debug)]
pub struct Audit {
    /// How often each event happened.
    pub events: BTreeMap<String, i64>,
    /// How many attempts some event happened to more than once.
    pub doubled: i64,
    /// Where each attempt stands; `unsigned` instead when no delivery of it is on record, because the host found it itself.
    pub states: BTreeMap<String, String>,
    /// Id and body of every event of each connection, in the order of their numbers.
    pub told: BTreeMap<String, Vec<(String, String)>>,
}

impl Audit {
    /// Begins to write down; the tables are there already.
    pub async fn begin(url: &str) {
        let mut connection = connect(url).await;
        let statements = if url.starts_with("sqlite") { &SQLITE[..] } else { &POSTGRES[..] };
        for statement in statements {
            connection.execute(AssertSqlSafe(*statement)).await.unwrap();
        }
        connection.close().await.unwrap();
    }

    pub async fn read(url: &str) -> Self {
        let mut connection = connect(url).await;
        let rows = connection.fetch_all("SELECT event, COUNT(*) AS times FROM audit GROUP BY event").await.unwrap();
        let events = rows.iter().map(|row| (row.get("event"), row.get("times"))).collect();
        let doubled = connection
            .fetch_one(
                "SELECT COUNT(*) AS doubled FROM (SELECT 1 FROM audit WHERE event IN ('begun', 'accepted', 'finished', 'failed') \
                 GROUP BY subject, event HAVING COUNT(*) > 1) twice",
            )
            .await
            .unwrap()
            .get("doubled");
        let states = "SELECT id, CASE WHEN state = 'finished' AND fingerprint IS NULL THEN 'unsigned' ELSE state END AS state \
                      FROM attempts";
        let rows = connection.fetch_all(states).await.unwrap();
        let states = rows.iter().map(|row| (row.get("id"), row.get("state"))).collect();
        let rows = "SELECT id, connection_id, body FROM audit_told ORDER BY connection_id, number";
        let mut told = BTreeMap::<String, Vec<_>>::new();
        for row in connection.fetch_all(rows).await.unwrap() {
            told.entry(row.get("connection_id")).or_default().push((row.get("id"), row.get("body")));
        }
        connection.close().await.unwrap();
        Self { events, doubled, states, told }
    }

    /// How many events the application has not taken yet.
    pub async fn waiting(url: &str) -> i64 {
        let mut connection = connect(url).await;
        let waiting = connection.fetch_one("SELECT COUNT(*) AS waiting FROM events").await.unwrap().get("waiting");
        connection.close().await.unwrap();
        waiting
    }

    pub fn count(&self, event: &str) -> i64 {
        self.events.get(event).copied().unwrap_or_default()
    }
}

async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    if url.starts_with("sqlite") {
        connection.execute("PRAGMA busy_timeout = 5000").await.unwrap();
    }
    connection
}
