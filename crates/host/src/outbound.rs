//! Requests to other servers: Flinks, and in the demo the sandbox's controls.
//!
//! Invariants: no redirect is followed, so no key goes to another host; an exchange is bounded in time and in bytes; a failure has
//! a kind, never a URL; a request without a body says so (`Content-Length: 0`), because some servers answer 411 otherwise; a
//! server on this machine is reached without a proxy.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use flinks_connect::address::parse_url;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;
use url::Url;

/// How long one of a server's addresses may take to answer a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_mins(1);
/// Who asks.
const USER_AGENT: &str = concat!("flinks-host/", env!("CARGO_PKG_VERSION"));

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    client: Client,
}

/// TLS cannot be set up: this machine has no root certificates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRoots;

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

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
    /// No connection: the server has not seen the request.
    NoConnection,
    /// The connection broke: the server may have done what it was asked.
    Broken,
    /// No answer in time: the same.
    Silent,
    /// The answer is longer than allowed.
    TooLong,
}

impl Outbound {
    /// A client for the server of `url`. A machine without root certificates can still talk http to a sandbox.
    pub(crate) fn to(url: &Url) -> Result<Self, NoRoots> {
        let mut roots = RootCertStore::empty();
        if url.scheme() == "https" {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(NoRoots);
            }
        }
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|_| NoRoots)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut builder = Client::builder()
            .use_preconfigured_tls(tls)
            .redirect(Policy::none())
            .connect_timeout(CONNECTING)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .user_agent(USER_AGENT);
        if parse_url(url.as_str(), None).is_some_and(|parsed| parsed.is_loopback()) {
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build().map_err(|_| NoRoots)? })
    }

    /// A request that takes JSON, with this body if there is one.
    pub(crate) fn request(&self, verb: Verb, url: Url, body: Option<Vec<u8>>) -> RequestBuilder {
        let request = match verb {
            Verb::Get => self.client.get(url),
            Verb::Post => self.client.post(url),
        };
        let request = request.header(header::ACCEPT, HeaderValue::from_static("application/json"));
        match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body),
            None if verb == Verb::Post => request.header(header::CONTENT_LENGTH, "0"),
            None => request,
        }
    }
}

/// Sends `request` and reads at most `most` bytes of its answer, all within `patience`.
pub(crate) async fn exchange(request: RequestBuilder, patience: Duration, most: usize) -> Result<Answer, Failure> {
    let exchange = async {
        let mut response = request
            .send()
            .await
            .map_err(|error| if error.is_connect() { Failure::NoConnection } else { Failure::Broken })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Broken)? {
            if body.len() + chunk.len() > most {
                return Err(Failure::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    };
    timeout(patience, exchange).await.unwrap_or(Err(Failure::Silent))
}
