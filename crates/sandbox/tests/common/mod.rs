//! A sandbox on free ports with clients for its API, its page and its control interface.

// Clippy only knows functions marked as tests; their helpers may fail as loudly.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
// Every test file uses its own part of this.
#![allow(dead_code, unreachable_pub)]

pub mod receiver;
pub mod running;

use std::process::Command;

use flinks_sandbox::{Config, DEMO_LOGINS};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use self::running::Running;

pub const ANSWERS: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
];

/// The command line of the sandbox: the binary, or the npm package's.
pub fn program() -> Command {
    if running::is_npm() { running::npm_program() } else { Command::new(env!("CARGO_BIN_EXE_flinks-sandbox")) }
}

pub struct Bench {
    pub sandbox: Running,
    pub http: reqwest::Client,
}

/// An answer: HTTP status and JSON body.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body's text under `name`.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    /// The status and the code, checked to agree with the body.
    pub fn code(&self) -> (u16, &str) {
        assert_eq!(self.body["HttpStatusCode"], self.status, "{}", self.body);
        (self.status, self.text("FlinksCode"))
    }

    /// The pending prompt of a 203.
    pub fn prompt(&self) -> &str {
        assert_eq!(self.status, 203, "{}", self.body);
        self.body["SecurityChallenges"][0]["Prompt"].as_str().unwrap()
    }
}

impl Bench {
    pub async fn start() -> Self {
        Self::with(Config::local()).await
    }

    pub async fn with(config: Config) -> Self {
        let sandbox = Running::start(Config { processing_ms: 60_000, ..config }).await.unwrap();
        Self { sandbox, http: reqwest::Client::new() }
    }

    pub fn url(&self, rest: &str) -> String {
        format!("{}/v3/{}/BankingServices/{rest}", self.sandbox.api_url(), self.sandbox.config().customer_id)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")) }
    }

    pub async fn token(&self) -> String {
        let request = self.http.post(self.url("GenerateAuthorizeToken"));
        let answer = self.send(request.header("flinks-auth-key", &self.sandbox.config().secret_key)).await;
        assert_eq!(answer.status, 200);
        answer.text("Token").to_owned()
    }

    pub async fn authorize_with(&self, token: &str, body: Value) -> Answer {
        self.send(self.http.post(self.url("Authorize")).header("flinks-auth-key", token).json(&body)).await
    }

    /// With a fresh token.
    pub async fn authorize(&self, body: Value) -> Answer {
        self.authorize_with(&self.token().await, body).await
    }

    pub async fn data(&self, method: Method, rest: &str, body: Value) -> Answer {
        let request = self.http.request(method, self.url(rest)).header("x-api-key", &self.sandbox.config().api_key);
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// A live refresh of a seeded login; its `RequestId`.
    pub async fn refresh(&self, index: usize) -> String {
        let body = json!({"LoginId": DEMO_LOGINS[index].login_id, "MostRecentCached": false, "Save": true});
        let answer = self.authorize(body).await;
        assert_eq!(answer.status, 203);
        answer.text("RequestId").to_owned()
    }

    /// Answers all three questions over the API.
    pub async fn answer_all(&self, session: &str) -> Answer {
        let mut last = None;
        for (prompt, text) in ANSWERS {
            let body = json!({"RequestId": session, "SecurityResponses": {prompt: [text]}});
            last = Some(self.authorize(body).await);
        }
        last.unwrap()
    }

    /// The accounts of an authorised session.
    pub async fn accounts(&self, session: &str, extra: Value) -> Vec<String> {
        let mut body = json!({ "RequestId": session });
        body.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap_or_default());
        let first = self.data(Method::POST, "GetAccountsDetail", body).await;
        assert_eq!(first.code(), (202, "OPERATION_PENDING"));
        self.sandbox.advance_ms(60_000).unwrap();
        let ready = self.data(Method::GET, &format!("GetAccountsDetailAsync/{session}"), Value::Null).await;
        assert_eq!(ready.status, 200, "{}", ready.body);
        let accounts = ready.body["Accounts"].as_array().unwrap();
        accounts.iter().map(|account| account["Id"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn control(&self, rest: &str, body: Value) -> Answer {
        let url = format!("{}/_sandbox/{rest}", self.sandbox.api_url());
        self.send(if body.is_null() { self.http.get(url) } else { self.http.post(url).json(&body) }).await
    }

    /// Waits, with a bound, until something is so.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(std::time::Duration::from_secs(10), wait).await.is_ok(), "not so in time: {what}");
    }

    /// Waits until no webhook is due any more.
    pub async fn webhooks_settle(&self) {
        let wait = async {
            loop {
                let state = self.control("webhook", Value::Null).await;
                let now = self.sandbox.now_ms();
                if state.body["waiting"].as_array().unwrap().iter().all(|one| one["dueMs"].as_u64().unwrap() > now) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(std::time::Duration::from_secs(10), wait).await.is_ok(), "webhooks do not settle");
    }

    /// Loads a Connect page as a frame.
    pub async fn open(&self, query: &str) -> Page<'_> {
        self.open_at("/v2/", query).await
    }

    pub async fn open_at(&self, path: &str, query: &str) -> Page<'_> {
        let origin = self.sandbox.connect_url();
        let body =
            json!({"path": path, "query": query, "audience": "parent", "origin": origin.trim_end_matches("/v2/")});
        let answer = self.page("open", body).await;
        let visit = answer.text("visit").to_owned();
        let mut page = Page {
            bench: self,
            visit,
            screen: Value::Null,
            events: Vec::new(),
            delays: Vec::new(),
            navigation: Value::Null,
            offline: Value::Null,
            frame: answer.body["frame"].clone(),
        };
        page.take(&answer.body);
        page
    }

    pub async fn page(&self, rest: &str, body: Value) -> Answer {
        let base = self.sandbox.connect_url();
        let url = format!("{}/_page/{rest}", base.trim_end_matches("/v2/"));
        self.send(self.http.post(url).json(&body)).await
    }
}

/// An open Connect page, driven as its script drives it.
pub struct Page<'a> {
    bench: &'a Bench,
    pub visit: String,
    pub screen: Value,
    pub events: Vec<Value>,
    pub delays: Vec<u64>,
    pub navigation: Value,
    pub offline: Value,
    pub frame: Value,
}

impl Page<'_> {
    fn take(&mut self, turn: &Value) {
        self.screen = turn["screen"].clone();
        self.navigation = turn["navigation"].clone();
        self.offline = turn["offline"].clone();
        self.delays.extend(turn["events"].as_array().unwrap().iter().map(|event| event["delayMs"].as_u64().unwrap()));
        self.events.extend(turn["events"].as_array().unwrap().iter().map(|event| event["data"].clone()));
    }

    pub async fn act(&mut self, action: Value) -> &mut Self {
        let answer = self.bench.page("act", json!({"visit": self.visit, "action": action})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.take(&answer.body);
        self
    }

    pub async fn answer(&mut self, text: &str) -> &mut Self {
        self.answer_round(json!([[text]])).await
    }

    /// For each challenge on the screen, in their order, its texts.
    pub async fn answer_round(&mut self, answers: Value) -> &mut Self {
        self.act(json!({"name": "submit-answers", "answers": answers})).await
    }

    pub async fn answer_all(&mut self) -> &mut Self {
        for (prompt, text) in ANSWERS {
            assert_eq!((self.name(), &self.screen["challenges"][0]["prompt"]), ("mfa", &json!(prompt)));
            self.answer(text).await;
        }
        self
    }

    pub async fn sign_in(&mut self, username: &str, password: &str) -> &mut Self {
        self.act(json!({"name": "submit-credentials", "username": username, "password": password})).await
    }

    pub async fn pick(&mut self, institution: u32) -> &mut Self {
        self.act(json!({"name": "pick-institution", "id": institution})).await
    }

    /// The screen's name.
    pub fn name(&self) -> &str {
        self.screen["name"].as_str().unwrap()
    }

    /// The browser loses its network: the page posts what it has for that.
    pub fn lose_network(&mut self) {
        self.events.push(self.offline["data"].clone());
    }

    /// The user decides in the bank's own window, and the page asks what became of it.
    pub async fn decide(&mut self, decision: &str) -> &mut Self {
        let answer = self.bench.page("decide", json!({"visit": self.visit, "decision": decision})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.act(json!({"name": "check-popup"})).await
    }

    /// The names of all events so far.
    pub fn posted(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["step"].as_str().or(event["flinksCode"].as_str()).unwrap()).collect()
    }

    pub fn last(&self) -> &Value {
        self.events.last().unwrap()
    }
}
