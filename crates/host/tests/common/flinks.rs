//! A Flinks that does what a test says: sessions, logins, data, and every way to fail.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

pub const SECRET: &str = "the-secret-key-of-the-test";
pub const API_KEY: &str = "the-api-key-of-the-test";
pub const CUSTOMER: &str = "43387ca6-0391-4c82-857d-70d95f087ecb";

/// What a live `/Authorize` answers for a login.
#[derive(Clone, Copy)]
pub enum Live {
    Challenge,
    /// 202 with a session.
    Slow,
    Authorized,
    Code(u16, &'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// The bank is at work.
    Working,
    Challenged,
    Finished,
    Over,
    /// The bank has switched the login off.
    Refused,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Bank {
    pub live: HashMap<String, Live>,
    pub sessions: HashMap<String, (String, Session)>,
    /// How often data is 202 before it is 200; `u32::MAX` is for ever.
    pub pending: u32,
    /// Data endpoints say that the session is over until, after that, a cached one is asked for.
    pub only_cached_data: bool,
    has_refused_data: bool,
    /// A live sign-in is done, and a gateway answers in Flinks' place.
    pub loses_sign_ins: bool,
    /// A live sign-in is done, and its connection breaks before the answer.
    pub breaks_sign_ins: bool,
    /// Everything is answered 503 by a gateway.
    pub is_down: bool,
    /// Everything is answered 401 `TOO_MANY_REQUESTS`.
    pub is_busy: bool,
    /// Calls whose path contains this are answered only when it is taken away again; an empty text holds all.
    pub held: Option<&'static str>,
    /// How many calls were held so far.
    pub held_calls: usize,
    /// How many calls are under way, how many were at most, and how many there were.
    pub under_way: usize,
    pub most_under_way: usize,
    pub calls: usize,
    /// What `/GetNightlyRefreshStatus` lists, and how often it was answered.
    pub ineligible: Vec<Value>,
    pub nightly_asked: usize,
    /// The list is empty after the next answer.
    pub lists_once: bool,
    /// The cached `/Authorize` answers this code.
    pub cached_code: Option<&'static str>,
    /// The cached `/Authorize` answers 202, and a session that is through `ALREADY_AUTHORIZED`.
    pub is_aggregating: bool,
    /// The data endpoints answer this code while transactions are wanted.
    pub data_code: Option<&'static str>,
    /// Which token a session's second `/Authorize` has to bring.
    pub session_token: SessionToken,
    /// The API key is refused.
    pub refuses_api_key: bool,
    /// How often each login was refreshed since the beginning.
    pub refreshed: HashMap<String, u32>,
    /// How many live sign-ins there were.
    pub sign_ins: usize,
    /// The head of every request, as it came.
    pub heads: Vec<(String, HeaderMap)>,
    /// What `/Authorize` and the data endpoints were asked, in order.
    pub asked: Vec<(String, Value)>,
    /// The last answer with data, to the byte.
    pub sent_data: String,
    /// How often each session's data was asked for by POST.
    pub data_asked: HashMap<String, u32>,
    polled: HashMap<String, u32>,
    tokens: HashSet<String>,
    session_tokens: HashMap<String, String>,
    minted: u32,
}

/// Which token a session's second `/Authorize` has to bring.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionToken {
    #[default]
    Any,
    /// The one it began with.
    Own,
    /// One that was never used.
    Fresh,
}

#[derive(Clone)]
pub struct Flinks {
    bank: Arc<Mutex<Bank>>,
    pub addr: SocketAddr,
    _server: Arc<Mutex<JoinSet<()>>>,
}

impl Flinks {
    pub async fn start() -> Self {
        let bank = Arc::new(Mutex::new(Bank::default()));
        let base = format!("/v3/{CUSTOMER}/BankingServices");
        let router = Router::new()
            .route(&format!("{base}/GenerateAuthorizeToken"), post(token))
            .route(&format!("{base}/Authorize"), post(authorize))
            .route(&format!("{base}/GetAccountsDetail"), post(detail))
            .route(&format!("{base}/GetAccountsDetailAsync/{{id}}"), get(detail_async))
            .route(&format!("{base}/GetNightlyRefreshStatus"), get(nightly))
            .route("/_sandbox/clock", get(async || Json(json!({"advancedMs": 5}))).post(async |body: Bytes| body))
            .route("/_sandbox/reset", post(async || StatusCode::OK))
            .with_state(Arc::clone(&bank))
            .layer(from_fn_with_state(Arc::clone(&bank), count_and_hold));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { bank, addr, _server: Arc::new(Mutex::new(server)) }
    }

    pub fn bank(&self) -> MutexGuard<'_, Bank> {
        self.bank.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn live(&self, login: &str, answer: Live) {
        self.bank().live.insert(login.to_owned(), answer);
    }

    pub fn set_session(&self, request: &str, session: Session) {
        let mut bank = self.bank();
        let stand = bank.sessions.get_mut(request).unwrap();
        stand.1 = session;
        let login = stand.0.clone();
        if session == Session::Finished {
            *bank.refreshed.entry(login).or_default() += 1;
        }
    }

    /// The session is over after its user got through in it.
    pub fn finish_and_end(&self, request: &str) {
        self.set_session(request, Session::Finished);
        self.set_session(request, Session::Over);
    }

    /// A session that Connect's full flow, not the host, began.
    pub fn add_session(&self, request: &str, login: &str, session: Session) {
        self.bank().sessions.insert(request.to_owned(), (login.to_owned(), session));
        self.set_session(request, session);
    }

    pub fn data_asked(&self) -> u32 {
        self.bank().data_asked.values().sum()
    }
}

/// Marks the answer that a broken connection does not bring.
#[derive(Clone)]
struct Broken;

/// One call under way, until it is answered or given up.
struct UnderWay(Arc<Mutex<Bank>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

async fn count_and_hold(State(bank): State<Arc<Mutex<Bank>>>, request: Request, next: Next) -> Response {
    let under_way = UnderWay(Arc::clone(&bank));
    {
        let mut bank = bank.lock().unwrap();
        bank.calls += 1;
        bank.heads.push((request.uri().path().to_owned(), request.headers().clone()));
        bank.under_way += 1;
        bank.most_under_way = bank.most_under_way.max(bank.under_way);
    }
    let path = request.uri().path().to_owned();
    let is_held = |bank: &Bank| bank.held.is_some_and(|held| path.contains(held));
    {
        let mut bank = bank.lock().unwrap();
        bank.held_calls += usize::from(is_held(&bank));
    }
    while is_held(&bank.lock().unwrap()) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let response = next.run(request).await;
    drop(under_way);
    // A panic here ends the connection without an answer.
    assert!(response.extensions().get::<Broken>().is_none(), "as the test wants it");
    response
}

async fn nightly(State(bank): State<Arc<Mutex<Bank>>>, headers: HeaderMap) -> Response {
    let mut bank = bank.lock().unwrap();
    if let Some(trouble) = trouble(&bank) {
        return trouble;
    }
    if header(&headers, "x-api-key") != API_KEY {
        return refused("auth key");
    }
    bank.nightly_asked += 1;
    let answer = json!({"HttpStatusCode": 200, "IneligibleCards": bank.ineligible});
    if bank.lists_once {
        bank.ineligible.clear();
    }
    Json(answer).into_response()
}

fn code(status: u16, code: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({"HttpStatusCode": status.as_u16(), "FlinksCode": code, "Message": "as the test said"})))
        .into_response()
}

/// A refusal that is about the caller: only `Message` says so.
fn refused(what: &str) -> Response {
    let message = format!("You must provide a valid {what}");
    let body = json!({"HttpStatusCode": 401, "FlinksCode": "UNAUTHORIZED", "Message": message});
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

fn trouble(bank: &Bank) -> Option<Response> {
    if bank.is_down {
        Some((StatusCode::SERVICE_UNAVAILABLE, "<html>a gateway</html>").into_response())
    } else if bank.is_busy {
        Some(code(401, "TOO_MANY_REQUESTS"))
    } else {
        None
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn token(State(bank): State<Arc<Mutex<Bank>>>, headers: HeaderMap) -> Response {
    let mut bank = bank.lock().unwrap();
    if let Some(trouble) = trouble(&bank) {
        return trouble;
    }
    if header(&headers, "flinks-auth-key") != SECRET {
        return refused("auth key");
    }
    bank.minted += 1;
    let token = format!("token-for-test-{:04}", bank.minted);
    bank.tokens.insert(token.clone());
    Json(json!({"HttpStatusCode": 200, "Token": token})).into_response()
}

async fn authorize(State(bank): State<Arc<Mutex<Bank>>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut bank = bank.lock().unwrap();
    if let Some(trouble) = trouble(&bank) {
        return trouble;
    }
    let token = header(&headers, "flinks-auth-key");
    let is_fresh = bank.tokens.remove(&token);
    let is_own = body["RequestId"].as_str().is_some_and(|id| bank.session_tokens.get(id) == Some(&token));
    let fits = match bank.session_token {
        _ if body["RequestId"].is_null() => is_fresh,
        SessionToken::Any => is_fresh || is_own,
        SessionToken::Own => {
            is_own || body["RequestId"].as_str().is_some_and(|id| !bank.session_tokens.contains_key(id))
        }
        SessionToken::Fresh => is_fresh,
    };
    if !fits {
        return refused("authorize token");
    }
    bank.asked.push(("Authorize".to_owned(), body.clone()));
    if let Some(request) = body["RequestId"].as_str() {
        return match bank.sessions.get(request).cloned() {
            Some((_, Session::Working)) => working(request),
            Some((_, Session::Challenged)) => challenge(request),
            Some((_, Session::Finished)) if bank.is_aggregating => code(401, "ALREADY_AUTHORIZED"),
            Some((login, Session::Finished)) => authorized(&bank, request, &login),
            Some((_, Session::Over)) => code(401, "SESSION_EXPIRED"),
            Some((_, Session::Refused)) => code(401, "DISABLED_LOGIN"),
            None => code(400, "SESSION_NONEXISTENT"),
        };
    }
    let login = body["LoginId"].as_str().unwrap().to_owned();
    bank.minted += 1;
    let request = format!("request-for-test-{:04}", bank.minted);
    if body["MostRecentCached"] == json!(true) {
        if let Some(name) = bank.cached_code {
            return code(401, name);
        }
        if bank.is_aggregating {
            return working(&request);
        }
        bank.sessions.insert(request.clone(), (login.clone(), Session::Finished));
        if bank.has_refused_data {
            bank.only_cached_data = false;
        }
        return authorized(&bank, &request, &login);
    }
    assert!(body["Tag"].is_string(), "a sign-in carries the attempt's tag");
    bank.sign_ins += 1;
    bank.session_tokens.insert(request.clone(), token);
    assert_eq!(body["MostRecentCached"], json!(false));
    assert_eq!(body["Save"], json!(true));
    let (lost, breaks) = (bank.loses_sign_ins, bank.breaks_sign_ins);
    let answer = sign_in(&mut bank, login, &request);
    if breaks {
        return (Extension(Broken), answer).into_response();
    }
    if lost { (StatusCode::BAD_GATEWAY, "<html>a gateway</html>").into_response() } else { answer }
}

fn sign_in(bank: &mut Bank, login: String, request: &str) -> Response {
    match bank.live.get(&login).copied().unwrap_or(Live::Challenge) {
        Live::Challenge => {
            bank.sessions.insert(request.to_owned(), (login, Session::Challenged));
            challenge(request)
        }
        Live::Slow => {
            bank.sessions.insert(request.to_owned(), (login, Session::Working));
            working(request)
        }
        Live::Authorized => {
            bank.sessions.insert(request.to_owned(), (login.clone(), Session::Finished));
            *bank.refreshed.entry(login.clone()).or_default() += 1;
            authorized(bank, request, &login)
        }
        Live::Code(status, name) => code(status, name),
    }
}

fn challenge(request: &str) -> Response {
    let body = json!({
        "HttpStatusCode": 203, "RequestId": request, "Institution": "FlinksCapital",
        "SecurityChallenges": [{"Type": "QuestionAndAnswer", "Prompt": "What city were you born in?"}],
    });
    (StatusCode::NON_AUTHORITATIVE_INFORMATION, Json(body)).into_response()
}

fn working(request: &str) -> Response {
    let body = json!({"HttpStatusCode": 202, "FlinksCode": "OPERATION_DISPATCHED", "RequestId": request});
    (StatusCode::ACCEPTED, Json(body)).into_response()
}

/// As of some day before the test, and later with each refresh.
fn last_refresh(bank: &Bank, login: &str) -> String {
    match bank.refreshed.get(login).copied().unwrap_or_default() {
        0 => "2026-01-10T09:00:00.5".to_owned(),
        times => format!("2026-01-21T20:{}:{:02}.145999", 47 + (times + 46) / 60, (times + 46) % 60),
    }
}

fn authorized(bank: &Bank, request: &str, login: &str) -> Response {
    Json(json!({
        "HttpStatusCode": 200, "RequestId": request, "Institution": "FlinksCapital", "InstitutionId": 14,
        "Login": {"Username": "Greatday", "IsScheduledRefresh": false, "LastRefresh": last_refresh(bank, login),
                  "Type": "Personal", "Id": login},
    }))
    .into_response()
}

async fn detail(State(bank): State<Arc<Mutex<Bank>>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut bank = bank.lock().unwrap();
    if let Some(trouble) = trouble(&bank) {
        return trouble;
    }
    bank.asked.push(("GetAccountsDetail".to_owned(), body.clone()));
    let request = body["RequestId"].as_str().unwrap().to_owned();
    *bank.data_asked.entry(request.clone()).or_default() += 1;
    if let (Some(name), true) = (bank.data_code, body["WithTransactions"] == true) {
        return code(400, name);
    }
    data(&mut bank, &headers, &request)
}

async fn detail_async(
    State(bank): State<Arc<Mutex<Bank>>>,
    Path(request): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut bank = bank.lock().unwrap();
    if let Some(trouble) = trouble(&bank) {
        return trouble;
    }
    data(&mut bank, &headers, &request)
}

fn data(bank: &mut Bank, headers: &HeaderMap, request: &str) -> Response {
    if header(headers, "x-api-key") != API_KEY || bank.refuses_api_key {
        return refused("auth key");
    }
    if bank.only_cached_data {
        bank.has_refused_data = true;
        return code(400, "SESSION_NONEXISTENT");
    }
    let Some((login, Session::Finished)) = bank.sessions.get(request).cloned() else {
        return code(400, "SESSION_NONEXISTENT");
    };
    let pending = bank.pending;
    let polled = bank.polled.entry(request.to_owned()).or_default();
    if *polled < pending {
        *polled += 1;
        let body = json!({"HttpStatusCode": 202, "FlinksCode": "OPERATION_PENDING", "RequestId": request});
        return (StatusCode::ACCEPTED, Json(body)).into_response();
    }
    let number = login.get(login.len() - 4..).unwrap_or_default().to_owned();
    let accounts: Vec<Value> = (1..=4)
        .map(|account| {
            json!({
                "Id": format!("acc00000-{number}-4000-8000-00000000000{account}"), "Title": format!("Account {account}"),
                "AccountNumber": format!("111222{account}333"), "LastFourDigits": "2333", "Category": "Operations",
                "Type": "Chequing", "Currency": "CAD", "Holder": {"Name": "Person Nobody May Store"},
                "Balance": {"Available": 100.5, "Current": 101.25, "Limit": null},
                "Transactions": [{"Date": "2026-01-02", "Description": "Coffee", "Debit": 3.5, "Credit": null, "Id": "t1"}],
            })
        })
        .collect();
    let body = json!({
        "HttpStatusCode": 200, "RequestId": request, "Accounts": accounts,
        "Login": {"Id": login, "LastRefresh": last_refresh(bank, &login)},
    });
    // Not as serde would write it: what is kept is what was sent.
    bank.sent_data = format!("{body:#}\n");
    ([("content-type", "application/json")], bank.sent_data.clone()).into_response()
}
