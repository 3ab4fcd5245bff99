//! Sends the webhooks that are due.
//!
//! Invariants: one at a time, in the order they are due; redirects are not followed and nothing of an answer but its status counts;
//! it ends with the sandbox, whatever it is waiting for.

use std::time::Duration;

use tokio::sync::watch;

use crate::state::webhook::{SIGNATURE_HEADER, Try};
use crate::world::World;

/// How long a host may take to answer, in real time.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing to do is slept over.
const LONG: Duration = Duration::from_hours(1);

/// Sends until the sandbox stops.
pub(crate) async fn run(world: World, mut stopped: watch::Receiver<()>) {
    let built =
        reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let client = match built {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "webhooks cannot be sent"),
    };
    let stop = async move { while stopped.changed().await.is_ok() {} };
    tokio::select! {
        () = stop => {}
        () = work(&world, &client) => {}
    }
}

async fn work(world: &World, client: &reqwest::Client) {
    loop {
        while let Some(next) = world.with(|state, now_ms| state.next_webhook(now_ms)) {
            let id = next.delivery;
            let status = send(client, next).await;
            world.with(|state, now_ms| state.webhook_tried(now_ms, id, status));
        }
        let pause = world.with(|state, now_ms| state.outbox.next_due_ms().map(|due| due.saturating_sub(now_ms)));
        tokio::select! {
            () = world.changed() => {}
            () = tokio::time::sleep(pause.map_or(LONG, Duration::from_millis)) => {}
        }
    }
}

async fn send(client: &reqwest::Client, next: Try) -> Option<u16> {
    let request =
        client.post(&next.url).header("content-type", "application/json").header(SIGNATURE_HEADER, next.signature);
    match request.body(next.body).send().await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "a webhook was not taken");
            None
        }
    }
}
