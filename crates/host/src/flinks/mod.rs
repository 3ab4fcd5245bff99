//! The Flinks API, as far as a reconnect needs it.
//!
//! Source: Flinks' authorize, account-linking and error-code pages. Traps that live here and nowhere else: an authorize token
//! serves one `/Authorize` only, so every call buys its own; rate limiting is 401 `TOO_MANY_REQUESTS`; the data endpoints want
//! another key than the others; a long data call moves to an `…Async` endpoint.
//!
//! Invariants: what Flinks decided is an outcome ([`Authorization`], [`Data`]), what kept us from hearing it is a [`Fault`]; no
//! error carries a URL, a body or an id.

mod reply;

use std::{fmt, time::Duration};

use axum::http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use flinks_reconnect::connect::{
    code::{self, FlinksCode, Severity},
    id::{AccountId, AuthorizeToken, LoginId, RequestId},
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::{account::Account, config::Access, moment::Moment};

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
}

impl Endpoint {
    fn name(self) -> &'static str {
        match self {
            Self::GenerateAuthorizeToken => "GenerateAuthorizeToken",
            Self::Authorize => "Authorize",
            Self::GetAccountsDetail => "GetAccountsDetail",
            Self::GetAccountsDetailAsync => "GetAccountsDetailAsync",
        }
    }
}

/// A client of one customer's API.
#[derive(Clone, Debug)]
pub(crate) struct Flinks {
    http: Client,
    access: Access,
}

/// The HTTP client could not be set up: no TLS roots, or no resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoClient;

impl Flinks {
    pub(crate) fn new(access: Access) -> Result<Self, NoClient> {
        // No redirects: a key must not follow one to another host.
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|_| NoClient)?;
        Ok(Self { http, access })
    }

    /// A fresh token, for one `/Authorize` or one load of Connect.
    pub(crate) async fn authorize_token(&self) -> Result<AuthorizeToken, Fault> {
        let endpoint = Endpoint::GenerateAuthorizeToken;
        let request = self
            .http
            .post(self.url(&[endpoint.name()])?)
            .header("flinks-auth-key", self.access.secret_key.expose())
            .timeout(QUICK);
        let answer = send(endpoint, request).await?;
        if answer.status != StatusCode::OK {
            return Err(match answer.code() {
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
        let endpoint = Endpoint::Authorize;
        let request = self
            .http
            .post(self.url(&[endpoint.name()])?)
            .header("flinks-auth-key", token.as_str())
            .timeout(timeout)
            .json(&body);
        let answer = send(endpoint, request).await?;
        match answer.status.as_u16() {
            200 => reply::login(&answer.body, question).map(Authorization::Authorized).ok_or(Fault::Unreadable),
            203 => reply::request_id(&answer.body).map(Authorization::Challenge).ok_or(Fault::Unreadable),
            202 => Ok(Authorization::Pending),
            _ => answer.code().map(Authorization::Refused).ok_or(Fault::Unreachable),
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
        let endpoint = Endpoint::GetAccountsDetail;
        let request = self.http.post(self.url(&[endpoint.name()])?).timeout(DATA).json(&body);
        match self.data(endpoint, request).await {
            // The call goes on at Flinks; from here on it is asked about.
            Err(Fault::Silent) => Ok(Data::Pending),
            outcome => outcome,
        }
    }

    /// Asks whether data that was [`Data::Pending`] is ready.
    pub(crate) async fn pending_accounts(&self, request: &RequestId) -> Result<Data, Fault> {
        let endpoint = Endpoint::GetAccountsDetailAsync;
        let request = self.http.get(self.url(&[endpoint.name(), request.as_str()])?).timeout(DATA);
        self.data(endpoint, request).await
    }

    async fn data(&self, endpoint: Endpoint, request: RequestBuilder) -> Result<Data, Fault> {
        let answer = send(endpoint, request.header("x-api-key", self.access.api_key.expose())).await?;
        match answer.status.as_u16() {
            200 => reply::details(&answer.body).map(Data::Ready).ok_or(Fault::Unreadable),
            202 => Ok(Data::Pending),
            _ => answer.code().map(Data::Refused).ok_or(Fault::Unreachable),
        }
    }

    fn url(&self, segments: &[&str]) -> Result<Url, Fault> {
        let mut url = self.access.api.clone();
        url.path_segments_mut()
            .map_err(|()| Fault::Unreachable)?
            .pop_if_empty()
            .extend(["v3", self.access.customer_id.as_str(), "BankingServices"])
            .extend(segments);
        Ok(url)
    }
}

/// Status and bytes of an answer.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    /// The Flinks code of a refusal; `None` when this is no answer of Flinks', such as a gateway's error page.
    fn code(&self) -> Option<FlinksCode> {
        reply::code(&self.body).map(|name| code::find(&name).unwrap_or(UNKNOWN))
    }
}

async fn send(endpoint: Endpoint, request: RequestBuilder) -> Result<Answer, Fault> {
    let outcome = exchange(request).await;
    match &outcome {
        Ok(answer) => tracing::debug!(endpoint = endpoint.name(), status = answer.status.as_u16(), "asked Flinks"),
        Err(fault) => tracing::warn!(endpoint = endpoint.name(), %fault, "asking Flinks failed"),
    }
    outcome
}

async fn exchange(request: RequestBuilder) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(|error| fault(&error))?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > MAX_BODY_LEN {
            return Err(Fault::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    let answer = Answer { status, body };
    let is_limited = status == StatusCode::TOO_MANY_REQUESTS
        || answer.code().is_some_and(|code| code.name == code::TOO_MANY_REQUESTS.name);
    if is_limited { Err(Fault::Busy(retry_after)) } else { Ok(answer) }
}

/// Only the kind of the error is kept: its text would name the URL, and the URL an id.
fn fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() && !error.is_connect() { Fault::Silent } else { Fault::Unreachable }
}

/// Seconds only: Flinks documents no `Retry-After` at all, so the date form is not worth its clock questions.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(Duration::from_mins(5)))
}
