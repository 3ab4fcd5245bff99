//! The Flinks API, as far as a reconnect needs it.
//!
//! Source: Flinks' authorize, account-linking and error-code pages. Traps that live here and nowhere else: an authorize token
//! serves one `/Authorize` only, so every call buys its own; rate limiting is 401 `TOO_MANY_REQUESTS`; the data endpoints want
//! another key than the others; a long data call moves to an `…Async` endpoint.
//!
//! Invariants: what Flinks decided is an outcome ([`Authorization`], [`Data`]), what kept us from hearing it is a [`Fault`]; no
//! error carries a URL, a body or an id.

mod gate;
mod reply;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
};
use flinks_connect::{
    code::{self, FlinksCode, Severity},
    id::{AccountId, AuthorizeToken, LoginId, RequestId},
};
use serde_json::{Value, json};
use url::Url;

use self::gate::Gate;
pub(crate) use self::reply::Ineligible;
use crate::{
    account::Account,
    config::{Access, Limits, Secret},
    moment::Moment,
    outbound::{Answer, Failure, NoRoots, Outbound},
};

// How long a call may take at most; `Limits::longest_call` caps all of them.
/// For calls that only look something up at Flinks.
const QUICK: Duration = Duration::from_secs(15);
/// For a live `/Authorize`: it is answered when the bank has answered.
const BANK: Duration = Duration::from_mins(1);
/// For the first data call; what takes longer is asked for at the `…Async` endpoint.
const DATA: Duration = Duration::from_secs(30);
/// The most bytes read of one answer; a year of transactions is a few megabytes.
const MAX_BODY_LEN: usize = 32 * 1024 * 1024;

/// Code of an answer we cannot name: Flinks adds codes, and a new one must not look like an old one.
const UNKNOWN: FlinksCode = FlinksCode { name: "UNKNOWN_FLINKS_CODE", http_status: 0, severity: Severity::Passing };

/// What `/Authorize` is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question<'a> {
    /// Sign in at the bank now; MFA may be asked for.
    Live(&'a LoginId),
    /// The most recent data Flinks has; the bank is not involved.
    Cached(&'a LoginId),
    /// How far a session is.
    Session(&'a RequestId),
}

/// What `/Authorize` answered.
#[derive(Debug)]
pub(crate) enum Authorization {
    /// 200: nobody is needed.
    Authorized(Login),
    /// 203: the bank wants MFA; the session can be loaded into Connect.
    Challenge(RequestId),
    /// 202: Flinks is still on it.
    Pending,
    /// A Flinks code.
    Refused(FlinksCode),
}

/// A login that Flinks has signed in.
#[derive(Debug)]
pub(crate) struct Login {
    /// Whose it is.
    pub(crate) id: LoginId,
    /// The session to ask for data with.
    pub(crate) request_id: RequestId,
}

/// What a data endpoint answered.
#[derive(Debug)]
pub(crate) enum Data {
    /// The accounts.
    Ready(Details),
    /// 202: ask again at the `…Async` endpoint.
    Pending,
    /// A Flinks code.
    Refused(FlinksCode),
}

/// The accounts of a login.
#[derive(Debug)]
pub(crate) struct Details {
    /// Whose they are, when the answer says so.
    pub(crate) login_id: Option<LoginId>,
    /// How old they are, when the answer says so.
    pub(crate) refreshed_at: Option<Moment>,
    /// The accounts.
    pub(crate) accounts: Vec<Account>,
}

/// Why Flinks' decision is not known. Trying again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection, or a gateway answered instead.
    Unreachable,
    /// Asked, but no answer in time: Flinks may have done it all the same.
    Silent,
    /// Too many requests; wait as long as Flinks asks, when it does.
    Busy(Option<Duration>),
    /// The secret key, API key or customer id is refused. Trying again helps only after the operator acted.
    KeysRefused,
    /// An answer that is not Flinks' shape.
    Unreadable,
    /// Not asked: this host has as many calls to Flinks under way as it may.
    Crowded,
}

impl Fault {
    /// The stable name of the fault: in refusals, and as the problem of a connection.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unreachable | Self::Silent => "FLINKS_UNREACHABLE",
            Self::Busy(_) => "FLINKS_BUSY",
            Self::KeysRefused => "FLINKS_KEYS_REFUSED",
            Self::Unreadable => "FLINKS_UNREADABLE",
            Self::Crowded => "HOST_BUSY",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unreachable => "Flinks cannot be reached; check FLINKS_API_URL and the network",
            Self::Silent => "no answer from Flinks in time",
            Self::Busy(_) => "Flinks limits the rate of requests",
            Self::KeysRefused => {
                "Flinks refuses the keys; check FLINKS_SECRET_KEY, FLINKS_API_KEY and FLINKS_CUSTOMER_ID"
            }
            Self::Unreadable => "Flinks' answer is not the documented shape",
            Self::Crowded => "as many calls as FLINKS_MAX_CALLS allows are under way",
        })
    }
}

/// An endpoint below `BankingServices/`, by the name it is logged with.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    GenerateAuthorizeToken,
    Authorize,
    GetAccountsDetail,
    GetAccountsDetailAsync,
    GetNightlyRefreshStatus,
}

impl Endpoint {
    fn name(self) -> &'static str {
        match self {
            Self::GenerateAuthorizeToken => "GenerateAuthorizeToken",
            Self::Authorize => "Authorize",
            Self::GetAccountsDetail => "GetAccountsDetail",
            Self::GetAccountsDetailAsync => "GetAccountsDetailAsync",
            Self::GetNightlyRefreshStatus => "GetNightlyRefreshStatus",
        }
    }
}

/// A client of one customer's API.
#[derive(Clone, Debug)]
pub(crate) struct Flinks {
    http: Outbound,
    access: Access,
    gate: Arc<Gate>,
    longest: Duration,
}

/// A key and the header it travels in.
struct Key {
    header: &'static str,
    value: Result<HeaderValue, Fault>,
}

impl Key {
    fn new(header: &'static str, text: &str) -> Self {
        let value = HeaderValue::from_str(text).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Self { header, value: value.map_err(|_| Fault::Unreadable) }
    }

    fn secret(header: &'static str, secret: &Secret) -> Self {
        Self::new(header, secret.expose())
    }
}

impl Flinks {
    pub(crate) fn new(access: Access, limits: Limits) -> Result<Self, NoRoots> {
        let http = Outbound::to(&access.api)?;
        Ok(Self { http, access, gate: Arc::new(Gate::new(limits.calls)), longest: limits.longest_call })
    }

    /// A fresh token, for one `/Authorize` or one load of Connect.
    pub(crate) async fn authorize_token(&self) -> Result<AuthorizeToken, Fault> {
        let key = Key::secret("flinks-auth-key", &self.access.secret_key);
        let answer = self.post(Endpoint::GenerateAuthorizeToken, key, None, QUICK).await?;
        if answer.status != StatusCode::OK {
            return Err(match code_of(&answer) {
                Some(_) if answer.status.is_client_error() => Fault::KeysRefused,
                _ => Fault::Unreachable,
            });
        }
        reply::token(&answer.body).ok_or(Fault::Unreadable)
    }

    /// Asks `/Authorize` with a token bought for it.
    pub(crate) async fn authorize(&self, question: Question<'_>) -> Result<Authorization, Fault> {
        let token = self.authorize_token().await?;
        let (body, timeout) = match question {
            Question::Live(login) => {
                (json!({"LoginId": login.as_str(), "MostRecentCached": false, "Save": true}), BANK)
            }
            Question::Cached(login) => (json!({"LoginId": login.as_str(), "MostRecentCached": true}), QUICK),
            Question::Session(request) => (json!({"RequestId": request.as_str()}), QUICK),
        };
        let key = Key::new("flinks-auth-key", token.as_str());
        let answer = self.post(Endpoint::Authorize, key, Some(&body), timeout).await?;
        match answer.status.as_u16() {
            200 => reply::login(&answer.body, question).map(Authorization::Authorized).ok_or(Fault::Unreadable),
            203 => reply::request_id(&answer.body).map(Authorization::Challenge).ok_or(Fault::Unreadable),
            202 => Ok(Authorization::Pending),
            _ => code_of(&answer).map(Authorization::Refused).ok_or(Fault::Unreachable),
        }
    }

    /// Asks for the accounts of an authorised session; all of them when `filter` is empty.
    pub(crate) async fn accounts(&self, request: &RequestId, filter: &[AccountId]) -> Result<Data, Fault> {
        let mut body = json!({
            "RequestId": request.as_str(),
            "WithTransactions": true,
            "DaysOfTransactions": "Days90",
        });
        if let (false, Some(fields)) = (filter.is_empty(), body.as_object_mut()) {
            let ids = filter.iter().map(|id| Value::from(id.as_str())).collect();
            fields.insert("AccountsFilter".to_owned(), Value::Array(ids));
        }
        match data(self.post(Endpoint::GetAccountsDetail, self.api_key(), Some(&body), DATA).await) {
            // The call goes on at Flinks; from here on it is asked about.
            Err(Fault::Silent) => Ok(Data::Pending),
            outcome => outcome,
        }
    }

    /// Asks whether data that was [`Data::Pending`] is ready.
    pub(crate) async fn pending_accounts(&self, request: &RequestId) -> Result<Data, Fault> {
        data(self.get(Endpoint::GetAccountsDetailAsync, Some(request.as_str()), DATA).await)
    }

    /// The logins that Nightly Refresh passes over, so their users are wanted.
    pub(crate) async fn ineligible(&self) -> Result<Vec<Ineligible>, Fault> {
        let answer = self.get(Endpoint::GetNightlyRefreshStatus, None, DATA).await?;
        match (answer.status, code_of(&answer)) {
            (StatusCode::OK, _) => reply::ineligible(&answer.body).ok_or(Fault::Unreadable),
            (status, Some(_)) if status.is_client_error() => Err(Fault::KeysRefused),
            _ => Err(Fault::Unreachable),
        }
    }

    /// The accounts in the body of an answer of `/GetAccountsDetail`.
    pub(crate) fn read_details(body: &[u8]) -> Option<Details> {
        reply::details(body)
    }

    fn api_key(&self) -> Key {
        Key::secret("x-api-key", &self.access.api_key)
    }

    async fn get(&self, endpoint: Endpoint, argument: Option<&str>, patience: Duration) -> Result<Answer, Fault> {
        self.send(endpoint, argument, Method::GET, self.api_key(), None, patience).await
    }

    async fn post(
        &self,
        endpoint: Endpoint,
        key: Key,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Answer, Fault> {
        self.send(endpoint, None, Method::POST, key, body, patience).await
    }

    async fn send(
        &self,
        endpoint: Endpoint,
        argument: Option<&str>,
        method: Method,
        key: Key,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Answer, Fault> {
        let url = self.url(endpoint, argument)?;
        let mut request = Request::builder().method(method).uri(url.as_str()).header(key.header, key.value?);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).map_err(|_| Fault::Unreachable)?;
        let outcome = self.exchange(request, patience).await;
        match &outcome {
            Ok(answer) => tracing::debug!(endpoint = endpoint.name(), status = answer.status.as_u16(), "asked Flinks"),
            Err(fault) => tracing::warn!(endpoint = endpoint.name(), %fault, "asking Flinks failed"),
        }
        outcome
    }

    async fn exchange(&self, request: Request<Body>, patience: Duration) -> Result<Answer, Fault> {
        let _turn = self.gate.pass().await.ok_or(Fault::Crowded)?;
        let answer = self.http.exchange(request, patience.min(self.longest), MAX_BODY_LEN).await?;
        let is_limited = answer.status == StatusCode::TOO_MANY_REQUESTS
            || code_of(&answer).is_some_and(|code| code.name == code::TOO_MANY_REQUESTS.name);
        if is_limited { Err(Fault::Busy(retry_after(&answer.headers))) } else { Ok(answer) }
    }

    fn url(&self, endpoint: Endpoint, argument: Option<&str>) -> Result<Url, Fault> {
        let mut url = self.access.api.clone();
        url.path_segments_mut()
            .map_err(|()| Fault::Unreachable)?
            .pop_if_empty()
            .extend(["v3", self.access.customer_id.as_str(), "BankingServices", endpoint.name()])
            .extend(argument);
        Ok(url)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Silent => Self::Silent,
            Failure::TooLong => Self::Unreadable,
        }
    }
}

fn data(answer: Result<Answer, Fault>) -> Result<Data, Fault> {
    let answer = answer?;
    match answer.status.as_u16() {
        200 => reply::details(&answer.body).map(Data::Ready).ok_or(Fault::Unreadable),
        202 => Ok(Data::Pending),
        _ => code_of(&answer).map(Data::Refused).ok_or(Fault::Unreachable),
    }
}

/// The Flinks code of a refusal; `None` when this is no answer of Flinks', such as a gateway's error page.
fn code_of(answer: &Answer) -> Option<FlinksCode> {
    reply::code(&answer.body).map(|name| code::find(&name).unwrap_or(UNKNOWN))
}

/// Seconds only: Flinks documents no `Retry-After` at all, so the date form is not worth its clock questions.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(Duration::from_mins(5)))
}
