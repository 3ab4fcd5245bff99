//! The demo page, and its hands on the sandbox's clock and faults. Registered only with `--demo`.
//!
//! Invariants: the page runs under the strictest policy the widget promises to work under; the controls reach the sandbox's
//! control interface and nothing else, because the page itself may connect to its own origin only.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use flinks_reconnect::connect::address::ConnectUrl;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};
use url::Url;

use super::{Site, body, problem::Problem, visitor::Visitor};
use crate::{
    config::DemoFiles,
    demo,
    outbound::{NoRoots, Outbound},
};

/// How long the sandbox may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of its answer.
const MAX_LEN: usize = 64 * 1024;

/// Where the sandbox is controlled.
#[derive(Clone, Debug)]
pub(crate) struct SandboxControls {
    http: Outbound,
    api: Url,
}

impl SandboxControls {
    pub(crate) fn new(api: Url) -> Result<Self, NoRoots> {
        Ok(Self { http: Outbound::to(&api)?, api })
    }

    async fn pass(&self, control: &'static str, bytes: Vec<u8>) -> Result<Response, Problem> {
        let away = || {
            Problem::new(
                StatusCode::BAD_GATEWAY,
                "SANDBOX_UNREACHABLE",
                "Expected a flinks-sandbox at FLINKS_API_URL; it does not answer.",
            )
        };
        let mut url = self.api.clone();
        url.path_segments_mut().map_err(|()| away())?.pop_if_empty().extend(["_sandbox", control]);
        let request = Request::post(url.as_str()).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(bytes)).map_err(|_| away())?;
        let answer = self.http.exchange(request, PATIENCE, MAX_LEN).await.map_err(|_| away())?;
        let media_type = answer.headers.get(header::CONTENT_TYPE).cloned();
        let mut response = (answer.status, answer.body).into_response();
        if let Some(media_type) = media_type {
            response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        }
        Ok(response)
    }
}

/// `POST /demo/sandbox/{clock|faults|reset}`.
pub(crate) fn controls(controls: SandboxControls) -> Router<Site> {
    Router::new().route(
        "/demo/sandbox/{control}",
        post(
            async move |State(site): State<Site>,
                        _visitor: Visitor,
                        Path(control): Path<String>,
                        headers: HeaderMap,
                        body: Body| {
                let bytes = body::json_bytes(&headers, body, body::MAX_LEN).await?;
                match control.as_str() {
                    "clock" => controls.pass("clock", bytes).await,
                    "faults" => controls.pass("faults", bytes).await,
                    "reset" => {
                        let response = controls.pass("reset", bytes).await?;
                        // The sandbox has forgotten its sessions; a page that still offered them would be of no use.
                        demo::reset(&site.reconnects.storage).await?;
                        Ok(response)
                    }
                    _ => Err(Problem::no_route()),
                }
            },
        ),
    )
}

/// The page at `/` and the built widget at `/dist/`.
pub(crate) fn pages(files: &DemoFiles, connect: &ConnectUrl) -> Router {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; frame-src {}; style-src 'self'; \
         img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        connect.origin()
    );
    // An origin is ASCII; were it not, the page would rather be shown nothing from anywhere.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let mut pages = Router::new()
        .nest_service("/dist", ServeDir::new(&files.sdk_dir))
        .fallback_service(ServeDir::new(&files.site_dir));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ] {
        pages = pages.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    pages
}
