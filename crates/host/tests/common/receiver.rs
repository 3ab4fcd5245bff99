//! An application that is told events and is in trouble: down at first, then often slow, refusing, or late with its answer.
//!
//! It writes down what it took. A host may post the next event of a connection only after this one was taken, so whatever comes too early is
//! noticed the moment it comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};

use super::{crash::Dice, postgres::free_port};

/// How long the hosts of the test wait for an answer.
pub const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Clone)]
pub struct Receiver {
    pub addr: SocketAddr,
    received: Arc<Mutex<Received>>,
}

struct Received {
    dice: Dice,
    /// The ids of each connection's events, in the order they were taken.
    taken: BTreeMap<String, Vec<String>>,
    /// Those that were refused or answered late once; they are taken the next time.
    troubled: BTreeSet<String>,
    posts: usize,
    refused: usize,
    late: usize,
}

/// What came of all posts.
pub struct Told {
    pub taken: BTreeMap<String, Vec<String>>,
    pub posts: usize,
    pub refused: usize,
    pub late: usize,
}

impl Receiver {
    /// An address at which nobody listens until [`Receiver::listen`].
    pub fn new(seed: u64) -> Self {
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (taken, troubled) = (BTreeMap::new(), BTreeSet::new());
        let received = Received { dice: Dice(seed), taken, troubled, posts: 0, refused: 0, late: 0 };
        Self { addr, received: Arc::new(Mutex::new(received)) }
    }

    pub async fn listen(&self) {
        let listener = TcpListener::bind(self.addr).await.unwrap();
        let router = Router::new().route("/events", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    pub fn told(&self) -> Told {
        let received = self.received.lock().unwrap();
        let (posts, refused, late) = (received.posts, received.refused, received.late);
        Told { taken: received.taken.clone(), posts, refused, late }
    }
}

async fn take(State(this): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let event: Value = serde_json::from_str(&body).unwrap();
    let connection = event["data"]["connection"].as_str().unwrap().to_owned();
    let pause = {
        let mut received = this.received.lock().unwrap();
        received.posts += 1;
        let choice = received.dice.below(20);
        if choice < 4 && received.troubled.insert(id.clone()) {
            if choice < 2 {
                received.refused += 1;
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            // It takes the event, and the host does not hear of it.
            received.late += 1;
            PATIENCE * 2
        } else {
            Duration::from_millis(received.dice.below(30))
        }
    };
    {
        let mut received = this.received.lock().unwrap();
        let taken = received.taken.entry(connection).or_default();
        if !taken.contains(&id) {
            taken.push(id);
        }
    }
    sleep(pause).await;
    StatusCode::NO_CONTENT
}
