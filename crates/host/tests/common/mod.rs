//! A host, a Flinks and a browser's side of HTTP, for scenarios that run on any database.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod audit;
pub mod crash;
pub mod flinks;
pub mod postgres;
pub mod program;
pub mod receiver;
pub mod scenarios;

use std::{io::Write as _, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flinks::{API_KEY, CUSTOMER, Flinks, SECRET};
use flinks_host::{Config, DemoFiles, Host};
use flinks_sandbox::Sandbox;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

pub const WEBHOOK_SECRET: &str = "the-webhook-secret-of-the-test";
/// The demo's logins, in order.
pub const LOGINS: [&str; 4] = [
    "0d5a3c10-0001-4000-8000-000000000001",
    "0d5a3c10-0001-4000-8000-000000000002",
    "0d5a3c10-0001-4000-8000-000000000003",
    "0d5a3c10-0001-4000-8000-000000000004",
];

/// Prints a row of the table that `npm test` shows: past the test runner, which keeps what `println!` says to itself when a test passes.
pub fn print_row(cells: &str) {
    writeln!(std::io::stdout().lock(), "\n| {cells} |").unwrap();
}

/// An empty database that lives as long as this.
pub struct Database {
    pub url: String,
    _dir: Option<TempDir>,
}

impl Database {
    pub fn sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        Self { url: format!("sqlite://{}", dir.path().join("host.db").display()), _dir: Some(dir) }
    }

    pub fn at(url: String) -> Self {
        Self { url, _dir: None }
    }
}

/// Everything a scenario needs.
pub struct Bench {
    pub flinks: Flinks,
    pub config: Config,
    pub host: Option<Host>,
    pub base: String,
    pub browser: Client,
    pub cookie: String,
    database: Option<Database>,
    _site: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub media_type: String,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        if !self.status.is_success() {
            assert_eq!(self.media_type, "application/problem+json");
            assert!(self.body["code"].is_string() && self.body["detail"].is_string(), "{}", self.body);
        }
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.code(), code);
        answer
    }
}

impl Bench {
    pub async fn new(database: &Database) -> Self {
        Self::with(database, |_| {}).await
    }

    /// On a SQLite database of its own.
    pub async fn alone() -> Self {
        let database = Database::sqlite();
        let mut bench = Self::new(&database).await;
        bench.database = Some(database);
        bench
    }

    pub async fn with(database: &Database, change: impl FnOnce(&mut Config)) -> Self {
        let flinks = Flinks::start().await;
        let site = TempDir::new().unwrap();
        let (page, sdk) = (site.path().join("site"), site.path().join("sdk"));
        for (dir, file, text) in [(&page, "index.html", "<!doctype html>"), (&sdk, "index.js", "export {}")] {
            std::fs::create_dir(dir).unwrap();
            std::fs::write(dir.join(file), text).unwrap();
        }
        let mut config = Config {
            addr: "127.0.0.1:0".parse().unwrap(),
            flinks_api_url: flinks.url(),
            flinks_connect_url: "http://127.0.0.1:4201/v2/".to_owned(),
            customer_id: CUSTOMER.to_owned(),
            secret_key: SECRET.to_owned(),
            api_key: API_KEY.to_owned(),
            webhook_secret: Some(WEBHOOK_SECRET.to_owned()),
            database_url: database.url.clone(),
            poll_interval: Duration::from_millis(20),
            reconcile_after: Duration::from_hours(1),
            demo: Some(DemoFiles { site_dir: page, sdk_dir: PathBuf::from(&sdk) }),
            ..Config::default()
        };
        change(&mut config);
        let host = Host::start(config.clone()).await.unwrap();
        let base = format!("http://{}", host.addr());
        let browser = Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let cookie = sign_in(&browser, &base).await;
        Self { flinks, config, host: Some(host), base, browser, cookie, database: None, _site: site }
    }

    /// The host dies without a word and another one starts on its database; the browser's cookie stays good.
    pub async fn restart(&mut self) {
        drop(self.host.take());
        let host = Host::start(self.config.clone()).await.unwrap();
        self.base = format!("http://{}", host.addr());
        self.host = Some(host);
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.browser.get(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.browser
            .post(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .header("origin", &self.base)
            .header("sec-fetch-site", "same-origin")
            .json(body)
    }

    pub async fn start(&self, connection: &str) -> Answer {
        send(self.post(&format!("/api/connections/{connection}/reconnect"), &json!({}))).await
    }

    pub async fn challenge(&self, connection: &str) -> Value {
        let reply = self.start(connection).await.expect(200).body;
        assert_eq!(reply["status"], "challenge", "{reply}");
        reply
    }

    pub async fn deliver(&self, body: &Value) -> Answer {
        let key = format!("\"{}\"", body["attemptId"].as_str().unwrap());
        send(self.post("/api/reconnects", body).header("idempotency-key", key)).await
    }

    /// A webhook of Flinks', signed.
    pub async fn webhook(&self, body: &Value) -> Answer {
        let body = body.to_string();
        let url = format!("{}/api/flinks/webhook", self.base);
        let signature = signature(WEBHOOK_SECRET, body.as_bytes());
        send(self.browser.post(url).header("flinks-authenticity-key", signature).body(body)).await
    }

    pub async fn connection(&self, id: &str) -> Value {
        let body = send(self.get("/api/connections")).await.expect(200).body;
        body["connections"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
    }

    pub async fn accounts(&self, id: &str) -> Value {
        send(self.get(&format!("/api/connections/{id}/accounts"))).await.expect(200).body
    }

    /// Until the bank of this Flinks is as `wanted`.
    pub async fn until_bank(&self, what: &str, wanted: impl Fn(&flinks::Bank) -> bool) {
        eventually(what, async || wanted(&self.flinks.bank()).then_some(())).await;
    }

    pub async fn until_problem(&self, id: &str, status: &str, code: &str) -> Value {
        self.until_connection(id, &format!("{status} with {code}"), |connection| {
            connection["status"] == status && connection["problem"] == json!({"code": code})
        })
        .await
    }

    pub async fn until_status(&self, id: &str, status: &str) -> Value {
        self.until_connection(id, status, |connection| connection["status"] == status).await
    }

    async fn until_connection(&self, id: &str, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let look = async || {
            last = self.connection(id).await;
            is_wanted(&last).then(|| last.clone())
        };
        match within_patience(look).await {
            Some(connection) => connection,
            None => panic!("{id} is not {what} after 15 s: {last}"),
        }
    }
}

/// What `look` finds, as soon as it finds something; a failure after 15 s.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    match within_patience(look).await {
        Some(found) => found,
        None => panic!("not within 15 s: {what}"),
    }
}

async fn within_patience<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    for _ in 0..1500 {
        let found = look().await;
        if found.is_some() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

/// As Flinks signs a webhook's body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

pub async fn sign_in(browser: &Client, base: &str) -> String {
    let response = browser.get(format!("{base}/")).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let header = |name| {
        response.headers().get(name).map(|value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned())
    };
    let (status, retry_after) = (response.status(), header("retry-after"));
    let media_type = header("content-type").unwrap_or_default();
    let text = response.text().await.unwrap();
    Answer { status, retry_after, media_type, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// What the widget sends after a start reply.
pub fn delivery(reply: &Value, login: &str) -> Value {
    json!({
        "attemptId": reply["attemptId"], "mode": reply["mode"].as_str().unwrap_or("connect"), "loginId": login,
        "requestId": reply["requestId"], "institution": "FlinksCapital",
        "accountIds": reply["resumeSelectedAccounts"].as_array().cloned().unwrap_or_default(), "tag": reply["tag"],
    })
}

/// Answers the bank's questions of a session until it is authorised, through the API as Connect's page would.
pub async fn answer_all(sandbox: &Sandbox, http: &Client, reply: &Value) {
    let config = sandbox.config();
    let base = format!("{}/v3/{}/BankingServices", sandbox.api_url(), config.customer_id);
    // First a mere question how the session stands.
    let mut body = json!({"RequestId": reply["requestId"]});
    for _ in 0..8 {
        let mint = http.post(format!("{base}/GenerateAuthorizeToken")).header("flinks-auth-key", &config.secret_key);
        let token = send(mint).await.expect(200).body["Token"].clone();
        let ask = http.post(format!("{base}/Authorize")).json(&body);
        let answer = send(ask.header("flinks-auth-key", token.as_str().unwrap())).await;
        // A reconciler that was faster has the data already, and the session is over.
        if answer.status == 200 || answer.body["FlinksCode"] == "SESSION_NONEXISTENT" {
            return;
        }
        assert_eq!(answer.status, 203, "{}", answer.body);
        let prompt = answer.body["SecurityChallenges"][0]["Prompt"].as_str().unwrap();
        let right = match prompt {
            "What city were you born in?" => "Montreal",
            "What is the best country on earth?" => "Canada",
            _ => "Triangle",
        };
        body["SecurityResponses"] = json!({prompt: [right]});
    }
    panic!("the sandbox asks without end");
}
