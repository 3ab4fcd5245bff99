//! A running sandbox, whichever face it has: the library, or with `FLINKS_SANDBOX_FACE=npm` the npm package in a Node of its own. The tests reach
//! both by their addresses only: those of the sandbox, and the demo's end-to-end tests, which have this file as well.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use flinks_sandbox::faults::Faults;
use flinks_sandbox::{Config, Reach, Sandbox};
use serde_json::{Value, json};

/// Whether the npm package is tested.
pub fn is_npm() -> bool {
    std::env::var_os("FLINKS_SANDBOX_FACE").is_some_and(|face| face == "npm")
}

/// The command line of the npm package. Each crate that has this file is as deep in the repository as the others.
pub fn npm_program() -> Command {
    let mut node = Command::new("node");
    node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../packages/sandbox/cli.js"));
    node
}

pub struct Running {
    config: Config,
    connect_url: String,
    api_url: String,
    face: Face,
}

enum Face {
    Library(Box<Sandbox>),
    Npm(Node),
}

/// A Node that ends with its owner.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a sandbox, or says in its own words why not.
    pub async fn start(config: Config) -> Result<Self, String> {
        if is_npm() {
            return Self::start_node(config);
        }
        let sandbox = Sandbox::start(config.clone()).await.map_err(|error| error.to_string())?;
        let (connect_url, api_url) = (sandbox.connect_url(), sandbox.api_url());
        Ok(Self { config, connect_url, api_url, face: Face::Library(Box::new(sandbox)) })
    }

    fn start_node(config: Config) -> Result<Self, String> {
        let mut command = npm_program();
        command.args(flags(&config)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut node = Node(command.spawn().unwrap());
        let mut said = BufReader::new(node.0.stdout.take().unwrap());
        let (mut connect_url, mut api_url) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if said.read_line(&mut line).unwrap() == 0 {
                let mut complaint = String::new();
                node.0.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
                return Err(complaint.trim().trim_start_matches("flinks-sandbox: ").to_owned());
            }
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("Connect"), Some(url)) => url.clone_into(&mut connect_url),
                (Some("API"), Some(url)) => url.split("/v3/").next().unwrap().clone_into(&mut api_url),
                (Some("control"), _) => break,
                _ => {}
            }
        }
        Ok(Self { config, connect_url, api_url, face: Face::Npm(node) })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn connect_url(&self) -> String {
        self.connect_url.clone()
    }

    pub fn api_url(&self) -> String {
        self.api_url.clone()
    }

    pub fn advance_ms(&self, by_ms: u64) -> Result<(), String> {
        match &self.face {
            Face::Library(sandbox) => sandbox.advance_ms(by_ms).map(|_| ()).map_err(|error| error.to_string()),
            Face::Npm(_) => {
                self.control("POST", "clock", &json!({ "advanceMs": by_ms }).to_string());
                Ok(())
            }
        }
    }

    pub fn set_faults(&self, faults: &Faults) -> Result<(), String> {
        match &self.face {
            Face::Library(sandbox) => sandbox.set_faults(faults).map_err(|error| error.to_string()),
            Face::Npm(_) => {
                self.control("POST", "faults", &serde_json::to_string(faults).unwrap());
                Ok(())
            }
        }
    }

    pub fn now_ms(&self) -> u64 {
        match &self.face {
            Face::Library(sandbox) => sandbox.now_ms(),
            Face::Npm(_) => self.control("GET", "clock", "")["nowMs"].as_u64().unwrap(),
        }
    }

    pub fn reset(&self) {
        match &self.face {
            Face::Library(sandbox) => sandbox.reset(),
            Face::Npm(_) => drop(self.control("POST", "reset", "")),
        }
    }

    /// The log, as the control interface tells it.
    pub fn log(&self) -> Vec<Value> {
        match &self.face {
            Face::Library(sandbox) => sandbox.log().iter().map(|entry| json!(entry)).collect(),
            Face::Npm(_) => self.control("GET", "log", "")["entries"].as_array().unwrap().clone(),
        }
    }

    /// The `step` (or `flinksCode`) of every event posted, in order.
    pub fn posted(&self) -> Vec<String> {
        let log = self.log();
        let events = log.iter().filter(|entry| entry["kind"] == "eventPosted").map(|entry| &entry["event"]);
        let name = |event: &Value| {
            let event = event.as_str().map_or_else(|| event.clone(), |text| serde_json::from_str(text).unwrap());
            event["step"].as_str().or(event["flinksCode"].as_str()).unwrap().to_owned()
        };
        events.map(name).collect()
    }

    pub async fn stop(self) {
        match self.face {
            Face::Library(sandbox) => sandbox.stop().await,
            Face::Npm(mut node) => {
                Command::new("kill").arg(node.0.id().to_string()).status().unwrap();
                assert!(node.0.wait().unwrap().success());
            }
        }
    }

    /// A call of the control interface that does not give way to anything else, as the library's methods do not.
    fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let place = self.api_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(place).unwrap();
        let length = body.len();
        write!(stream, "{method} /_sandbox/{path} HTTP/1.0\r\nhost: {place}\r\ncontent-length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {said}");
        serde_json::from_str(body).unwrap()
    }
}

/// The configuration as a command line.
fn flags(config: &Config) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |flag: &str, value: String| flags.extend([flag.to_owned(), value]);
    add("--connect", config.connect.to_string());
    add("--api", config.api.to_string());
    add("--customer-id", config.customer_id.clone());
    add("--secret-key", config.secret_key.clone());
    add("--api-key", config.api_key.clone());
    add("--processing-ms", config.processing_ms.to_string());
    add("--token-minutes", config.token_minutes.to_string());
    add("--seed", config.seed.to_string());
    if let Some(webhook) = &config.webhook {
        add("--webhook-url", webhook.url.clone());
        add("--webhook-secret", webhook.secret.clone());
    }
    if let Some(url) = &config.public_connect_url {
        add("--public-connect-url", url.clone());
    }
    for name in &config.allowed_hosts {
        add("--allow-host", name.clone());
    }
    if let Some(file) = &config.state_file {
        add("--state", file.display().to_string());
    }
    if config.webhook_reach == Reach::Anywhere {
        flags.push("--webhook-anywhere".to_owned());
    }
    flags
}
