//! The sandbox for Node: what `packages/sandbox/world.js` calls.
//!
//! Everything goes over the boundary as text, numbers and bytes. Nothing here asks anybody for time or randomness: Node tells both.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use flinks_sandbox::embedded::{self, Embedded, Face, Outcome};
use flinks_sandbox::flags::{self, Command};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

/// Reads a command line: `{"run": options}`, `{"print": text}` or `{"refuse": line}`.
#[wasm_bindgen]
#[must_use]
pub fn read_flags(arguments: Vec<String>) -> String {
    let said = match flags::read(arguments) {
        Command::Run(config) => json!({ "run": embedded::config_as_json(&config) }),
        Command::Print(text) => json!({ "print": text }),
        Command::Refuse(line) => json!({ "refuse": line }),
    };
    said.to_string()
}

/// Mixes random bytes in.
#[wasm_bindgen]
pub fn seed(bytes: &[u8]) {
    #[cfg(target_arch = "wasm32")]
    flinks_sandbox::entropy::seed(bytes);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = bytes;
}

/// Tells the time, in milliseconds since 1970.
#[wasm_bindgen]
pub fn tell_time(ms: f64) {
    #[cfg(target_arch = "wasm32")]
    flinks_sandbox::clock::tell_real_ms(whole(ms));
    #[cfg(not(target_arch = "wasm32"))]
    let _ = ms;
}

/// Reads options and fills in what is absent: the keys, say. Throws a line that names what is wrong.
#[wasm_bindgen]
pub fn fill_in(options: &str) -> Result<String, String> {
    let config = embedded::config_from_json(options).map_err(|error| error.to_string())?;
    Ok(embedded::config_as_json(&config).to_string())
}

/// What the command line says of a sandbox that has started.
#[wasm_bindgen]
pub fn announcement(options: &str) -> Result<String, String> {
    let config = embedded::config_from_json(options).map_err(|error| error.to_string())?;
    Ok(config.announcement(&config.connect_url(), &config.api_url()))
}

/// One sandbox.
#[wasm_bindgen]
pub struct World {
    inner: Embedded,
}

#[wasm_bindgen]
impl World {
    /// A sandbox at the options' addresses; `state` is the text of its state file, or empty.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str, state: &str) -> Result<Self, String> {
        let config = embedded::config_from_json(options).map_err(|error| error.to_string())?;
        Embedded::new(&config, state).map(|inner| Self { inner }).map_err(|error| error.to_string())
    }

    /// How long a request is held back before it is handled, in real milliseconds.
    #[must_use]
    pub fn latency_ms(&self, face: &str, path: &str) -> f64 {
        exact(self.inner.latency_ms(face_of(face), path))
    }

    /// Handles a request; `headers` is a JSON list of name and value. What it gives is a line of JSON (`status`, `headers`, `dueMs`; a
    /// `status` of null means that the connection is closed without an answer), and behind it the bytes of the body.
    #[must_use]
    pub fn handle(&self, face: &str, method: &str, target: &str, headers: &str, body: Vec<u8>) -> Vec<u8> {
        match request(method, target, headers, body) {
            None => written(400, &[], None, b"not HTTP"),
            Some(request) => match self.inner.handle(face_of(face), request) {
                Outcome::Answered { response, due_ms } => answered(&response, due_ms),
                Outcome::Cut { due_ms } => head(&Value::Null, &[], due_ms),
            },
        }
    }

    /// `[milliseconds left until that time on the sandbox's clock, number of resets so far]`.
    #[must_use]
    pub fn left(&self, due_ms: f64) -> Vec<f64> {
        let (left_ms, resets) = self.inner.left(whole(due_ms));
        vec![exact(left_ms), exact(resets)]
    }

    /// The webhook that is due next, as JSON, or `null`.
    #[must_use]
    pub fn next_webhook(&self) -> String {
        self.inner.next_webhook().to_string()
    }

    /// Notes how the try of a webhook went.
    pub fn webhook_tried(&self, delivery: &str, status: Option<u16>) {
        self.inner.webhook_tried(delivery, status);
    }

    /// How long there is nothing to do, in milliseconds.
    #[must_use]
    pub fn idle_ms(&self) -> Option<f64> {
        self.inner.idle_ms().map(exact)
    }

    /// The text of the state file, as it would be written now.
    #[must_use]
    pub fn state(&self) -> String {
        self.inner.state()
    }
}

fn face_of(name: &str) -> Face {
    if name == "connect" { Face::Connect } else { Face::Api }
}

fn request(method: &str, target: &str, headers: &str, body: Vec<u8>) -> Option<Request<Vec<u8>>> {
    let listed: Vec<(String, String)> = serde_json::from_str(headers).ok()?;
    let mut request = Request::builder().method(method).uri(target).body(body).ok()?;
    for (name, value) in listed {
        // Node has read them already, so one that cannot stand here is one that nobody looks at.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            request.headers_mut().append(name, value);
        }
    }
    Some(request)
}

fn answered(response: &Response<Bytes>, due_ms: Option<u64>) -> Vec<u8> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers: Vec<_> = response.headers().iter().map(text).collect();
    written(response.status().as_u16(), &headers, due_ms, response.body())
}

fn written(status: u16, headers: &[(String, String)], due_ms: Option<u64>, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(&status.into(), headers, due_ms);
    bytes.extend_from_slice(body);
    bytes
}

fn head(status: &Value, headers: &[(String, String)], due_ms: Option<u64>) -> Vec<u8> {
    let mut line = json!({ "status": status, "headers": headers, "dueMs": due_ms }).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Milliseconds stay far below the 2⁵³ up to which a double is exact, for the clock cannot leave its century.
#[allow(clippy::cast_precision_loss)]
fn exact(ms: u64) -> f64 {
    ms as f64
}

/// What is no number of milliseconds is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(ms: f64) -> u64 {
    ms as u64
}
