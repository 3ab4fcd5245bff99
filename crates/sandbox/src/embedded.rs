//! The sandbox inside another program, which brings the listeners, the time, the randomness, the network and the files.
//!
//! It is what the npm package runs, compiled to WebAssembly.
//!
//! Invariants: a request is answered at the first poll, because no handler waits for anything; waiting is the program's: [`Embedded::latency_ms`]
//! before a request, `due_ms` before an answer; webhooks are taken out one by one, posted by the program, and their outcome is told.

use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::config::{Config, Reach, StartError};
use crate::state::webhook::Webhook;
use crate::world::World;
use crate::{api, routes, snapshot};

/// One of the sandbox's two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The Connect page.
    Connect,
    /// The API.
    Api,
}

/// A sandbox that somebody else runs.
#[derive(Debug)]
pub struct Embedded {
    world: World,
    connect: Router,
    api: Router,
}

/// What a request comes to.
#[derive(Debug)]
pub enum Outcome {
    /// An answer.
    Answered {
        /// It.
        response: Response<Bytes>,
        /// When it is sent, on the sandbox's clock; at once when absent.
        due_ms: Option<u64>,
    },
    /// The connection is closed without one.
    Cut {
        /// When, on the sandbox's clock; at once when absent.
        due_ms: Option<u64>,
    },
}

/// How a program sets an embedded sandbox up: what is absent is as in [`Config::local`].
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Options {
    connect: Option<std::net::SocketAddr>,
    api: Option<std::net::SocketAddr>,
    customer_id: Option<String>,
    secret_key: Option<String>,
    api_key: Option<String>,
    processing_ms: Option<u64>,
    token_minutes: Option<u64>,
    seed: Option<u64>,
    webhook: Option<Webhook>,
    webhook_anywhere: bool,
    public_connect_url: Option<String>,
    allowed_hosts: Vec<String>,
    state_file: Option<std::path::PathBuf>,
}

/// The options as a program writes them in JSON.
pub fn config_from_json(options: &str) -> Result<Config, StartError> {
    let options: Options =
        serde_json::from_str(options).map_err(|error| StartError { flag: "options", reason: error.to_string() })?;
    let unset = Config::local();
    Ok(Config {
        connect: options.connect.unwrap_or(unset.connect),
        api: options.api.unwrap_or(unset.api),
        customer_id: options.customer_id.unwrap_or(unset.customer_id),
        secret_key: options.secret_key.unwrap_or(unset.secret_key),
        api_key: options.api_key.unwrap_or(unset.api_key),
        processing_ms: options.processing_ms.unwrap_or(unset.processing_ms),
        token_minutes: options.token_minutes.unwrap_or(unset.token_minutes),
        seed: options.seed.unwrap_or(unset.seed),
        webhook: options.webhook,
        webhook_reach: if options.webhook_anywhere { Reach::Anywhere } else { Reach::Loopback },
        public_connect_url: options.public_connect_url,
        allowed_hosts: options.allowed_hosts,
        state_file: options.state_file,
    })
}

/// A configuration with everything in it, as [`config_from_json`] reads it.
#[must_use]
pub fn config_as_json(config: &Config) -> Value {
    json!({
        "connect": config.connect,
        "api": config.api,
        "customerId": config.customer_id,
        "secretKey": config.secret_key,
        "apiKey": config.api_key,
        "processingMs": config.processing_ms,
        "tokenMinutes": config.token_minutes,
        "seed": config.seed,
        "webhook": config.webhook,
        "webhookAnywhere": config.webhook_reach == Reach::Anywhere,
        "publicConnectUrl": config.public_connect_url,
        "allowedHosts": config.allowed_hosts,
        "stateFile": config.state_file,
    })
}

impl Embedded {
    /// A sandbox that is reached at the configuration's addresses. `state` is the text of a state file, empty when there is none yet.
    pub fn new(config: &Config, state: &str) -> Result<Self, StartError> {
        let settings = config.settings()?;
        let world = if state.is_empty() {
            World::new(settings)
        } else {
            snapshot::read(settings, state).map_err(|reason| StartError {
                flag: "--state",
                reason: match &config.state_file {
                    Some(file) => format!("{}: {reason}", file.display()),
                    None => reason,
                },
            })?
        };
        let places = config.places();
        Ok(Self { connect: routes::connect(&world, places.clone()), api: routes::api(&world, places), world })
    }

    /// How long a request to this path is held back before it is handled, in real milliseconds.
    #[must_use]
    pub fn latency_ms(&self, face: Face, path: &str) -> u64 {
        match face {
            Face::Connect => 0,
            Face::Api => api::latency_ms(&self.world, path),
        }
    }

    /// Handles a request.
    #[must_use]
    pub fn handle(&self, face: Face, request: Request<Vec<u8>>) -> Outcome {
        let routes = match face {
            Face::Connect => self.connect.clone(),
            Face::Api => self.api.clone(),
        };
        let Some(Ok(response)) = now(routes.oneshot(request.map(Body::from))) else {
            return Outcome::Cut { due_ms: None };
        };
        let due_ms = response.extensions().get().map(|api::Due(due_ms)| *due_ms);
        let (head, body) = response.into_parts();
        match now(body.collect()) {
            Some(Ok(body)) => Outcome::Answered { response: Response::from_parts(head, body.to_bytes()), due_ms },
            Some(Err(_)) | None => Outcome::Cut { due_ms },
        }
    }

    /// What is left of the time until then, in milliseconds, and the number of resets so far: after another reset nobody waits any longer.
    #[must_use]
    pub fn left(&self, due_ms: u64) -> (u64, u64) {
        let left = self.world.left(due_ms);
        (left.ms, left.resets)
    }

    /// The webhook that is due next: a JSON object, or null.
    #[must_use]
    pub fn next_webhook(&self) -> Value {
        let next = self.world.with(|state, now_ms| state.next_webhook(now_ms));
        next.map_or(Value::Null, |next| {
            json!({
                "delivery": next.delivery,
                "url": next.url.to_string(),
                "signature": next.signature,
                "body": next.body,
            })
        })
    }

    /// Notes how the try of a webhook went: `status` is what the host answered, if it did.
    pub fn webhook_tried(&self, delivery: &str, status: Option<u16>) {
        if let Ok(delivery) = Uuid::parse_str(delivery) {
            self.world.with(|state, now_ms| state.webhook_tried(now_ms, delivery, status));
        }
    }

    /// How long there is nothing to do, in milliseconds: until the next webhook is due.
    #[must_use]
    pub fn idle_ms(&self) -> Option<u64> {
        self.world.with(|state, now_ms| state.outbox.next_due_ms().map(|due| due.saturating_sub(now_ms)))
    }

    /// The text of a state file, as it would be written now.
    #[must_use]
    pub fn state(&self) -> String {
        snapshot::write(&self.world)
    }
}

/// What a future that waits for nothing comes to.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
