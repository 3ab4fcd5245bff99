//! Sends the webhooks that are due.
//!
//! Invariants: one at a time, in the order they are due; redirects are not followed and nothing of an answer but its status counts;
//! over https a host is trusted only by the machine's root certificates (or those of `SSL_CERT_FILE`); it ends with the sandbox,
//! whatever it is waiting for.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::sync::watch;

use crate::state::webhook::{SIGNATURE_HEADER, Try};
use crate::world::World;

/// How long a host may take to answer, in real time.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing to do is slept over.
const LONG: Duration = Duration::from_hours(1);

type Client = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// Sends until the sandbox stops.
pub(crate) async fn run(world: World, mut stopped: watch::Receiver<()>) {
    // Most sandboxes never send a webhook, and reading the root certificates takes a while.
    let client: LazyLock<Option<Client>> = LazyLock::new(client);
    let stop = async move { while stopped.changed().await.is_ok() {} };
    tokio::select! {
        () = stop => {}
        () = work(&world, &client) => {}
    }
}

async fn work(world: &World, client: &LazyLock<Option<Client>>) {
    loop {
        while let Some(next) = world.with(|state, now_ms| state.next_webhook(now_ms)) {
            let id = next.delivery;
            let status = tokio::time::timeout(PATIENCE, send(client, next)).await.ok().flatten();
            world.with(|state, now_ms| state.webhook_tried(now_ms, id, status));
        }
        let pause = world.with(|state, now_ms| state.outbox.next_due_ms().map(|due| due.saturating_sub(now_ms)));
        tokio::select! {
            () = world.changed() => {}
            () = tokio::time::sleep(pause.map_or(LONG, Duration::from_millis)) => {}
        }
    }
}

fn client() -> Option<Client> {
    let builder = match HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider()) {
        Ok(builder) => builder,
        Err(error) => {
            tracing::warn!(%error, "this machine has no root certificates: webhooks go to http only");
            let config = ClientConfig::builder_with_provider(ring::default_provider().into());
            let config = config.with_safe_default_protocol_versions().ok()?;
            let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(config)
        }
    };
    let connector = builder.https_or_http().enable_http1().build();
    // A webhook is rare: a connection kept for the next one would be closed by then.
    Some(legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

async fn send(client: &LazyLock<Option<Client>>, next: Try) -> Option<u16> {
    let request =
        Request::post(next.url).header(CONTENT_TYPE, "application/json").header(SIGNATURE_HEADER, next.signature);
    match client.as_ref()?.request(request.body(next.body.into()).ok()?).await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "a webhook was not taken");
            None
        }
    }
}
