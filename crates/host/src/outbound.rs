//! Requests to other servers: Flinks, and in the demo the sandbox's controls.
//!
//! Invariants: no redirect is followed, so no key goes to another host; an exchange is bounded in time and in bytes; a failure has
//! a kind, never a URL; TLS is set up here and for nobody else in the process.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;
use url::Url;

/// How long one of a server's addresses may take to answer a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_mins(1);

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

/// TLS cannot be set up: this machine has no root certificates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRoots;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection, or it broke.
    Unreachable,
    /// Asked, but no answer in time: the server may have done it all the same.
    Silent,
    /// The answer is longer than allowed.
    TooLong,
}

impl Outbound {
    /// A client for the server of `url`. A machine without root certificates can still talk http to a sandbox.
    pub(crate) fn to(url: &Url) -> Result<Self, NoRoots> {
        let builder = HttpsConnectorBuilder::new();
        let builder = if url.scheme() == "https" {
            builder.with_provider_and_native_roots(ring::default_provider()).map_err(|_| NoRoots)?
        } else {
            let config = ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|_| NoRoots)?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(config)
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECTING));
        let connector = builder.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client })
    }

    /// Sends `request` and reads at most `most` bytes of its answer, all within `patience`.
    pub(crate) async fn exchange(
        &self,
        request: Request<Body>,
        patience: Duration,
        most: usize,
    ) -> Result<Answer, Failure> {
        let exchange = async {
            let response = self.client.request(request).await.map_err(|_| Failure::Unreachable)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, most).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() { Failure::TooLong } else { Failure::Unreachable }
            })?;
            Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().into() })
        };
        timeout(patience, exchange).await.unwrap_or(Err(Failure::Silent))
    }
}
