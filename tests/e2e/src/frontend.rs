//! Somebody's own site with the reference host as its backend: files of a folder, and everything below `/api` passed on, as a reverse proxy
//! does it.
//!
//! Invariant: the browser sees one origin, and the host sees the browser's own headers.

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::world::Result;

/// The most a body may have: a delivery has a few hundred bytes.
const MAX_BODY: usize = 1 << 20;

/// The running site; it ends with this value.
pub struct Frontend {
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Frontend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Frontend {
    /// Serves the folder on a free port, under the policy that a page with Connect in it needs and frameworks can live with.
    pub async fn start(folder: &Path, backend: &str, connect_url: &str) -> Result<Self> {
        let connect = connect_url.split('/').take(3).collect::<Vec<_>>().join("/");
        let policy = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-src {connect}; \
             style-src 'self' 'unsafe-inline'; img-src 'self' data:"
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://localhost:{}/", listener.local_addr()?.port());
        let (backend, client) = (backend.to_owned(), reqwest::Client::new());
        let pass = move |request: Request| pass_on(client.clone(), backend.clone(), request);
        let router = Router::new()
            .route("/api/{*path}", axum::routing::any(pass))
            .fallback_service(ServeDir::new(folder))
            .layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy)?));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { url, server })
    }

    /// Where a browser opens it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn pass_on(client: reqwest::Client, backend: String, request: Request) -> Response<Body> {
    answer(client, &backend, request).await.unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}

async fn answer(client: reqwest::Client, backend: &str, request: Request) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let asked = client.request(parts.method, format!("{backend}{path}")).headers(parts.headers);
    let told = asked.body(to_bytes(body, MAX_BODY).await?).send().await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = told.status();
    if let Some(kind) = told.headers().get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    *response.body_mut() = Body::from(told.bytes().await?);
    Ok(response)
}
