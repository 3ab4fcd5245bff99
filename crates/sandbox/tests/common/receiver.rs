//! A host's webhook receiver.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use flinks_sandbox::Webhook;
use serde_json::Value;
use tokio::net::TcpListener;

/// What one POST brought.
#[derive(Clone, Debug)]
pub struct Heard {
    pub body: Vec<u8>,
    pub signature: String,
    pub status: u16,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Inner {
    heard: Vec<Heard>,
    deaf: u8,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub webhook: Webhook,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { webhook: Webhook { url, secret: "a webhook secret".into() }, inner: Arc::default() };
        let routes = Router::new().route("/hook", axum::routing::post(hear)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    /// Answers the next so many with 503.
    pub fn deafen(&self, count: u8) {
        self.inner.lock().unwrap().deaf = count;
    }

    pub fn forget(&self) {
        *self.inner.lock().unwrap() = Inner::default();
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inner.lock().unwrap().heard.clone()
    }

    /// The `ResponseType` of everything that was answered 200, all signatures checked.
    pub fn accepted(&self) -> Vec<String> {
        let accepted = self.heard().into_iter().filter(|heard| heard.status == 200);
        accepted
            .map(|heard| {
                assert_eq!(heard.signature, self.webhook.sign(&heard.body));
                heard.json()["ResponseType"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

async fn hear(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inner = receiver.inner.lock().unwrap();
    let status = if inner.deaf > 0 { 503 } else { 200 };
    inner.deaf = inner.deaf.saturating_sub(1);
    let signature = headers["flinks-authenticity-key"].to_str().unwrap().to_owned();
    inner.heard.push(Heard { body: body.to_vec(), signature, status });
    StatusCode::from_u16(status).unwrap()
}
