//! The demo page, and its controls of the sandbox's clock and faults and of the network.
//!
//! Invariants: the page runs under the strictest policy the widget promises to work under; the controls reach the sandbox's
//! control interface and nothing else, because the page itself may connect to its own origin only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::get,
};
use flinks_connect::address::ConnectUrl;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};
use url::Url;

use super::seeds;
use crate::{
    config::DemoFiles,
    flinks::read_details,
    http::{App, body, connections::AccountsBody, problem::Problem, user::SignedInUser},
    outbound::{self, Answer, NoRoots, Outbound, Verb},
    storage::ConnectionId,
    time::Time,
};

/// How long the sandbox may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of its answer.
const MAX_LEN: usize = 1024 * 1024;
/// The most deliveries that can be lost on purpose: the widget gives up after two minutes.
const MAX_LOST: u32 = 100;

/// Where the sandbox is controlled.
#[derive(Clone, Debug)]
pub(super) struct SandboxControls {
    http: Outbound,
    api: Url,
}

impl SandboxControls {
    pub(super) fn new(api: Url) -> Result<Self, NoRoots> {
        Ok(Self { http: Outbound::to(&api)?, api })
    }

    async fn ask(&self, verb: Verb, control: &'static str, bytes: Option<Vec<u8>>) -> Result<Answer, Problem> {
        let away = || {
            Problem::new(
                StatusCode::BAD_GATEWAY,
                "SANDBOX_UNREACHABLE",
                "Expected a flinks-sandbox at FLINKS_API_URL; it does not answer.",
            )
        };
        let mut url = self.api.clone();
        url.path_segments_mut().map_err(|()| away())?.pop_if_empty().extend(["_sandbox", control]);
        let request = self.http.request(verb, url, bytes);
        outbound::exchange(request, PATIENCE, MAX_LEN).await.map_err(|_| away())
    }

    async fn pass(&self, verb: Verb, control: &'static str, bytes: Option<Vec<u8>>) -> Result<Response, Problem> {
        let answer = self.ask(verb, control, bytes).await?;
        let media_type = answer.headers.get(header::CONTENT_TYPE).cloned();
        let mut response = (answer.status, answer.body).into_response();
        if let Some(media_type) = media_type {
            response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        }
        Ok(response)
    }
}

/// The network between the page and this host. It can be broken for deliveries, and only for those, because the panel that breaks it
/// is out of reach while the widget's dialog is open.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    lost_deliveries: Arc<AtomicU32>,
}

/// How broken the network is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NetworkBody {
    /// How many of the next deliveries do not arrive.
    lost_deliveries: u32,
}

impl Network {
    fn read(&self) -> Json<NetworkBody> {
        Json(NetworkBody { lost_deliveries: self.lost_deliveries.load(Ordering::Relaxed) })
    }

    fn set(&self, lost_deliveries: u32) {
        self.lost_deliveries.store(lost_deliveries, Ordering::Relaxed);
    }

    /// Answers in the host's place while the network is broken: what it answers is what a gateway says then.
    pub(super) async fn carry(State(network): State<Self>, request: Request<Body>, next: Next) -> Response {
        let is_delivery = request.method() == Method::POST && request.uri().path() == "/api/reconnects";
        let lose_one = |lost: u32| lost.checked_sub(1);
        let is_lost =
            is_delivery && network.lost_deliveries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose_one).is_ok();
        if is_lost {
            return Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "NETWORK_BROKEN",
                "The demo was told to lose this delivery. Nothing was changed; try again.",
            )
            .into_response();
        }
        next.run(request).await
    }
}

/// `GET /demo/sandbox/{clock|faults}`, `POST /demo/sandbox/{clock|faults|reset}`, `GET` and `POST /demo/network`, and
/// `GET /demo/connections/{id}/before`.
pub(super) fn controls(controls: SandboxControls, network: Network) -> Router<App> {
    let reading = controls.clone();
    let read = async move |_user: SignedInUser, Path(control): Path<String>| match control.as_str() {
        "clock" => reading.pass(Verb::Get, "clock", None).await,
        "faults" => reading.pass(Verb::Get, "faults", None).await,
        _ => Err(Problem::no_route()),
    };
    let (acting, repaired) = (controls.clone(), network.clone());
    let act = async move |State(app): State<App>,
                          _user: SignedInUser,
                          Path(control): Path<String>,
                          headers: HeaderMap,
                          body: Body| {
        let bytes = app.bodies.json(&headers, body).await?;
        match control.as_str() {
            "clock" => acting.pass(Verb::Post, "clock", Some(bytes)).await,
            "faults" => acting.pass(Verb::Post, "faults", Some(bytes)).await,
            "reset" => {
                let response = acting.pass(Verb::Post, "reset", Some(bytes)).await?;
                repaired.set(0);
                // The sandbox has forgotten its sessions; a page that still offered them would be of no use.
                seeds::reset(&app.reconnects.storage).await?;
                Ok(response)
            }
            _ => Err(Problem::no_route()),
        }
    };
    let seen = network.clone();
    let read_network = async move |_user: SignedInUser| seen.read();
    let break_network = async move |State(app): State<App>, _user: SignedInUser, headers: HeaderMap, body: Body| {
        let bytes = app.bodies.json(&headers, body).await?;
        let expected = "JSON as {\"lostDeliveries\": 4}, at most 100";
        let wanted: NetworkBody = body::parse(&bytes, expected)?;
        if wanted.lost_deliveries > MAX_LOST {
            return Err(Problem::malformed(format!("Expected {expected}.")));
        }
        network.set(wanted.lost_deliveries);
        Ok(network.read())
    };
    let before = async move |State(app): State<App>, user: SignedInUser, Path(id): Path<String>| {
        accounts_before(&controls, &app, &user, &ConnectionId::new(id)).await
    };
    Router::new()
        .route("/demo/sandbox/{control}", get(read).post(act))
        .route("/demo/network", get(read_network).post(break_network))
        .route("/demo/connections/{id}/before", get(before))
}

/// The accounts as the sandbox has stored them. An application has them in its own database, from when the bank was connected; the
/// demo's connections were never connected.
async fn accounts_before(
    controls: &SandboxControls,
    app: &App,
    user: &SignedInUser,
    id: &ConnectionId,
) -> Result<Json<AccountsBody>, Problem> {
    let connection =
        app.reconnects.storage.managed_connection(&user.0, id).await?.ok_or_else(Problem::no_connection)?;
    let body = json!({ "loginId": connection.login_id.as_str() }).to_string();
    let answer = controls.ask(Verb::Post, "stored", Some(body.into_bytes())).await?;
    let unknown = Problem::new(
        StatusCode::BAD_GATEWAY,
        "SANDBOX_UNREADABLE",
        "Expected what the sandbox has stored of the login; its answer is another one. Are host and sandbox of one version?",
    );
    let mut details = read_details(&answer.body).ok_or(unknown)?;
    if !connection.selection.is_empty() {
        details.accounts.retain(|account| connection.selection.iter().any(|id| account.is(id)));
    }
    Ok(Json(AccountsBody { as_of: details.refreshed_at.and_then(Time::rfc3339), accounts: details.accounts }))
}

/// The page at `/` and the built widget at `/dist/`.
pub(super) fn pages(files: &DemoFiles, connect: &ConnectUrl) -> Router {
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
