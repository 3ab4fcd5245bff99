//! An internet of one process: every host name leads here, over HTTPS or HTTP, and everything that was asked is written down.
//!
//! The browser uses it as its SOCKS proxy, so the pages stand under Flinks' real host names and those of attackers, in every engine and with no
//! switch in the product. By path, on any host:
//!
//! | path | answers |
//! |---|---|
//! | `/lab` | the host's page; its query chooses the policies it is served with |
//! | `/v2/`, `/puppet` | a page that does as it is told: Connect's stand-in, or an attacker |
//! | `/lab/…`, `/sdk/…` | files of `pages/` and of the package |
//! | `/start`, `/deliver` | the host's backend; `/deliver?answer=409&code=…` answers so, `/deliver?page=…` with a page of this text |
//! | `/script-tag` | a page with the script tag; its query chooses integrity and damage |
//! | `/axe.js` | axe-core |
//! | `/away` | a page that says it is another |
//!
//! A test can offer further scripts and pages, which come before all of these.
//!
//! Invariants: nothing leaves this process; everything received is in the log before it is answered.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::serve::Listener;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::world::Result;
use crate::{dist, repository};

/// The names and ids the leak tests look for everywhere, shared with the pages.
const CANARY: &str = include_str!("../pages/canary.json");

/// The most a body may have: a delivery has a few hundred bytes.
const MAX_BODY: usize = 1 << 20;

/// The strictest policy the widget promises to work under, as the README words it.
const STRICT: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; \
    frame-src https://toolbox-iframe.private.fin.ag; style-src 'self'";
const TRUSTED_TYPES: &str = "require-trusted-types-for 'script'; trusted-types 'none'";

/// One request, as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The host name that was asked for, with its port when it is not the scheme's own.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query, still encoded.
    pub query: String,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: String,
}

/// The running internet; it ends with this value.
pub struct Internet {
    log: Log,
    offered: Offered,
    server: JoinHandle<()>,
}

type Log = Arc<Mutex<Vec<Received>>>;
/// Content types and contents by their paths.
type Offered = Arc<Mutex<HashMap<String, (&'static str, Vec<u8>)>>>;

impl Drop for Internet {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Internet {
    /// Starts it where the browser expects its proxy. The browser outlives it, and finds the next one in the same place.
    pub fn start(listener: std::net::TcpListener) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let tls = TlsAcceptor::from(Arc::new(certified()?));
        let (accepted, connections) = mpsc::unbounded_channel();
        let (log, offered) = (Log::default(), Offered::default());
        let (noted, scripts) = (Arc::clone(&log), Arc::clone(&offered));
        let router = axum::Router::new()
            .fallback(move |request: Request| answer(Arc::clone(&noted), Arc::clone(&scripts), request));
        let server = tokio::spawn(async move {
            let accepting = tokio::spawn(accept_all(listener, tls, accepted));
            axum::serve(Doors { address, connections }, router).await.ok();
            accepting.abort();
        });
        Ok(Self { log, offered, server })
    }

    /// Everything that was asked since [`Internet::forget`], in its order.
    #[must_use]
    pub fn log(&self) -> Vec<Received> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves a script at this path, on every host.
    pub fn offer(&self, path: &str, script: Vec<u8>) {
        self.offer_file(path, "text/javascript; charset=utf-8", script);
    }

    /// Serves a page at this path, on every host.
    pub fn offer_page(&self, path: &str, page: &str) {
        self.offer_file(path, "text/html; charset=utf-8", page.into());
    }

    fn offer_file(&self, path: &str, kind: &'static str, file: Vec<u8>) {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), (kind, file));
    }

    /// Empties the log.
    pub fn forget(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A certificate for whatever the browser believes to talk to; it is told to accept any.
fn certified() -> Result<ServerConfig> {
    let names = ["host.test", "*.test", "*.private.fin.ag"].map(str::to_owned);
    let certificate = rcgen::generate_simple_self_signed(names)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    Ok(ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)?)
}

// ---- connections ----

/// Plain or encrypted, the pages are the same.
trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// Connections that are past tunnel and TLS.
struct Doors {
    address: SocketAddr,
    connections: mpsc::UnboundedReceiver<Box<dyn Connection>>,
}

impl Listener for Doors {
    type Io = Box<dyn Connection>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(connection) => (connection, self.address),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}

async fn accept_all(listener: TcpListener, tls: TlsAcceptor, accepted: mpsc::UnboundedSender<Box<dyn Connection>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, accepted) = (tls.clone(), accepted.clone());
        tokio::spawn(async move {
            // A browser that opens a connection and thinks better of it is no failure of ours.
            if let Ok(connection) = opened(stream, tls).await {
                accepted.send(connection).ok();
            }
        });
    }
}

/// The tunnel first (SOCKS 5, RFC 1928, as far as a browser needs it: wherever it wants to go, it is here), and then TLS or not.
async fn opened(mut stream: TcpStream, tls: TlsAcceptor) -> std::io::Result<Box<dyn Connection>> {
    stream.set_nodelay(true)?;
    // The version.
    skip(&mut stream, 1).await?;
    let methods = stream.read_u8().await?;
    skip(&mut stream, methods).await?;
    stream.write_all(&[5, 0]).await?;
    // Version, command, a reserved byte.
    skip(&mut stream, 3).await?;
    let address = match stream.read_u8().await? {
        1 => 4,
        3 => stream.read_u8().await?,
        _ => 16,
    };
    skip(&mut stream, address).await?;
    // The port.
    skip(&mut stream, 2).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;

    let mut byte = [0];
    match (stream.peek(&mut byte).await?, byte) {
        (0, _) => Err(std::io::ErrorKind::UnexpectedEof.into()),
        // The first byte of a TLS record: a handshake.
        (_, [22]) => Ok(Box::new(tls.accept(stream).await?)),
        _ => Ok(Box::new(stream)),
    }
}

async fn skip(stream: &mut TcpStream, count: u8) -> std::io::Result<()> {
    for _ in 0..count {
        stream.read_u8().await?;
    }
    Ok(())
}

// ---- pages ----

async fn answer(log: Log, offered: Offered, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let header = |name: &header::HeaderName| text(parts.headers.get(name));
    let received = Received {
        method: parts.method.to_string(),
        host: header(&header::HOST),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(Some(value)))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(received.clone());
    let query =
        Query::<HashMap<String, String>>::try_from_uri(&parts.uri).map(|Query(query)| query).unwrap_or_default();
    let script = offered.lock().unwrap_or_else(PoisonError::into_inner).get(&received.path).cloned();
    let mut response = match script {
        Some((kind, file)) => respond(StatusCode::OK, kind, Body::from(file)),
        None => page(&received, &query),
    };
    allow_everybody(&parts.headers, response.headers_mut());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if parts.method == Method::OPTIONS {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

/// The most inviting answer to a cross-origin request: what is not sent then was not sent by the browser's or the widget's own doing.
fn allow_everybody(asked: &HeaderMap, headers: &mut HeaderMap) {
    let Some(origin) = asked.get(header::ORIGIN) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
}

fn text(value: Option<&HeaderValue>) -> String {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn page(received: &Received, query: &HashMap<String, String>) -> Response<Body> {
    match received.path.as_str() {
        "/lab" => host_page(query),
        "/v2/" | "/puppet" => {
            let mut response = file(&pages("puppet.html"));
            if query.contains_key("sandboxed") {
                set(&mut response, &header::CONTENT_SECURITY_POLICY, "sandbox allow-scripts");
            }
            response
        }
        "/start" => json(StatusCode::OK, &canary().get("start").cloned().unwrap_or_default()),
        "/deliver" => delivered(query),
        "/script-tag" => script_tag(query),
        "/damaged.js" => damaged(),
        "/axe.js" => file(&repository().join("node_modules/axe-core/axe.min.js")),
        "/away" => html("<!doctype html><title>Away</title>"),
        path => match path.split_at_checked(5) {
            Some(("/lab/", name)) => file(&pages(name)),
            Some(("/sdk/", name)) => file(&dist().join(plain(name))),
            _ => respond(StatusCode::NOT_FOUND, "text/plain", Body::empty()),
        },
    }
}

fn pages(name: &str) -> std::path::PathBuf {
    repository().join("tests/e2e/pages").join(plain(name))
}

/// A path that stays in its folder.
fn plain(name: &str) -> &Path {
    let path = Path::new(name);
    if path.components().all(|part| matches!(part, Component::Normal(_))) { path } else { Path::new("") }
}

/// The host's page under the policies that the query names.
fn host_page(query: &HashMap<String, String>) -> Response<Body> {
    let mut response = file(&pages("lab.html"));
    let asked = |name: &str| query.get(name).map(String::as_str);
    match asked("csp") {
        Some("strict") => set(&mut response, &header::CONTENT_SECURITY_POLICY, &format!("{STRICT}; {TRUSTED_TYPES}")),
        Some("no-wasm") => {
            set(&mut response, &header::CONTENT_SECURITY_POLICY, &STRICT.replace(" 'wasm-unsafe-eval'", ""));
        }
        Some("no-frame") => {
            set(&mut response, &header::CONTENT_SECURITY_POLICY, &format!("{}; frame-src 'none'", before(STRICT)));
        }
        Some("ancestors") => {
            set(&mut response, &header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'");
        }
        Some("watching") => {
            set(&mut response, &header::CONTENT_SECURITY_POLICY_REPORT_ONLY, "frame-src 'none'");
        }
        _ => {}
    }
    if let Some(policy) = asked("coep") {
        set(&mut response, &header::HeaderName::from_static("cross-origin-embedder-policy"), policy);
    }
    if let Some(policy) = asked("coop") {
        set(&mut response, &header::HeaderName::from_static("cross-origin-opener-policy"), policy);
    }
    response
}

/// The strict policy without its word about frames.
fn before(policy: &str) -> String {
    policy.split("; ").filter(|directive| !directive.starts_with("frame-src")).collect::<Vec<_>>().join("; ")
}

fn delivered(query: &HashMap<String, String>) -> Response<Body> {
    // What a sign-in wall or a service worker answers in the backend's place.
    if let Some(text) = query.get("page") {
        return html(text);
    }
    let status = query.get("answer").and_then(|status| status.parse::<u16>().ok()).unwrap_or(200);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut body = serde_json::json!({ "received": true });
    if let (Some(code), Some(object)) = (query.get("code"), body.as_object_mut()) {
        object.insert("code".to_owned(), code.as_str().into());
    }
    let mut response = json(status, &body);
    if let Some(place) = query.get("location") {
        set(&mut response, &header::LOCATION, place);
    }
    response
}

/// The first thing in the script whose damage a browser would not notice by itself: a letter of a sentence.
const DAMAGED: &str = "Please report it";

/// The script with one bit changed.
fn damaged() -> Response<Body> {
    let mut script = std::fs::read(dist().join("flinks-reconnect.global.js")).unwrap_or_default();
    let place = script.windows(DAMAGED.len()).position(|window| window == DAMAGED.as_bytes());
    match place.and_then(|place| script.get_mut(place)) {
        Some(byte) => *byte ^= 1,
        None => return respond(StatusCode::NOT_FOUND, "text/plain", Body::empty()),
    }
    respond(StatusCode::OK, "text/javascript", Body::from(script))
}

fn script_tag(query: &HashMap<String, String>) -> Response<Body> {
    let published = std::fs::read_to_string(dist().join("integrity.json")).unwrap_or_default();
    let hashes: Value = serde_json::from_str(&published).unwrap_or_default();
    let hash = hashes.get("flinks-reconnect.global.js").and_then(Value::as_str).unwrap_or_default();
    let integrity = if query.contains_key("integrity") { format!(" integrity=\"{hash}\"") } else { String::new() };
    let source = if query.contains_key("damaged") { "/damaged.js" } else { "/sdk/flinks-reconnect.global.js" };
    let mut page = String::from("<!doctype html><html lang=\"en\"><title>Script tag</title>");
    write!(page, "<script src=\"https://cdn.test{source}\"{integrity} crossorigin=\"anonymous\"></script>").ok();
    page.push_str("<script type=\"module\" src=\"/lab/script-tag.js\"></script>");
    html(&page)
}

fn canary() -> Value {
    serde_json::from_str(CANARY).unwrap_or_default()
}

// ---- answers ----

fn set(response: &mut Response<Body>, name: &header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

fn respond(status: StatusCode, kind: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, &header::CONTENT_TYPE, kind);
    response
}

fn html(page: &str) -> Response<Body> {
    respond(StatusCode::OK, "text/html; charset=utf-8", Body::from(page.to_owned()))
}

fn json(status: StatusCode, value: &Value) -> Response<Body> {
    respond(status, "application/json", Body::from(value.to_string()))
}

fn file(path: &Path) -> Response<Body> {
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        _ => "text/plain",
    };
    match std::fs::read(path) {
        Ok(bytes) => respond(StatusCode::OK, kind, Body::from(Bytes::from(bytes))),
        Err(_) => respond(StatusCode::NOT_FOUND, "text/plain", Body::empty()),
    }
}
