//! The Flinks API: `/v3/{customerId}/BankingServices/{Endpoint}`.
//!
//! A call goes through [`endpoint`] (what it is called, which method and key it wants), [`body`] (what it asks for), the state, and
//! [`reply`] (what Flinks would answer).
//!
//! Invariants: every call gets a JSON answer with one of Flinks' own codes, whatever was sent; the HTTP status is the
//! `HttpStatusCode` of the body; the log gets one entry per call.

pub mod body;
pub mod endpoint;
pub mod reply;
pub mod statement;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State as Shared};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{LoginId, RequestId};

use self::body::Fields;
use self::endpoint::{Endpoint, Key};
use self::reply::Reply;
use crate::bank::institution;
use crate::faults::{ContentLength, Mishap};
use crate::log::Happening;
use crate::sent;
use crate::state::State;
use crate::state::authorize::{BANK_LIMIT_MS, Pace, Refusal, Wish};
use crate::state::token::Purpose;
use crate::world::World;

/// Larger bodies are left out of the log, which is kept in memory.
const MAX_LOGGED_LEN: usize = 4 * 1024;
/// More of a part of the path is left out of it.
const MAX_LOGGED_CHARS: usize = 200;

/// The routes of the API.
pub(crate) fn routes() -> Router<World> {
    Router::new().route("/v3/{*path}", axum::routing::any(answer))
}

/// One call as it came in.
#[derive(Debug)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The path, from `/v3/` on.
    pub path: String,
    /// The key or token in `flinks-auth-key`, else in `Authorization: Bearer`.
    pub auth_key: Option<String>,
    /// The key in `x-api-key`, else in `Authorization: Bearer`.
    pub api_key: Option<String>,
    /// The body; `None` when it was too long to read.
    pub body: Option<Vec<u8>>,
    /// Whether the headers say how long the body is.
    pub length: Length,
}

/// Whether the headers of a call say how long its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// By `Content-Length`, or the body comes in chunks.
    Stated,
    /// Not at all.
    Unstated,
}

impl Length {
    fn of(headers: &HeaderMap) -> Self {
        let is_stated = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        if is_stated { Self::Stated } else { Self::Unstated }
    }
}

async fn answer(Shared(world): Shared<World>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        auth_key: key(&head.headers, "flinks-auth-key"),
        api_key: key(&head.headers, "x-api-key"),
        length: Length::of(&head.headers),
        body: sent::read(body).await,
    };
    let mishap = world.with(|state, now_ms| {
        state.expire(now_ms);
        state.broken(now_ms, &call)
    });
    if let Some(mishap) = mishap.filter(|mishap| !mishap.reaches_flinks()) {
        return broken(mishap, String::new());
    }
    if world.with(|state, now_ms| state.lacks_length(now_ms, &call)) {
        return (StatusCode::LENGTH_REQUIRED, Html(include_str!("length.html"))).into_response();
    }
    let reply = world.with(|state, now_ms| state.call(now_ms, &call));
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let due = reply.due_ms.map(Due);
    let mut response = match mishap {
        Some(mishap) => broken(mishap, reply.body.to_string()),
        None => (status, axum::Json(reply.body)).into_response(),
    };
    if let Some(due) = due {
        response.extensions_mut().insert(due);
    }
    response
}

/// When a response is sent, on the sandbox's clock. What it tells has happened: only the answer is late, whether or not anybody waits for
/// it. Whoever runs the routes does the waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due(pub(crate) u64);

/// How long a call to this path is held back before Flinks sees it, in real milliseconds. Whoever runs the routes does the waiting.
pub(crate) fn latency_ms(world: &World, path: &str) -> u64 {
    if !path.starts_with("/v3/") {
        return 0;
    }
    world.with(|state, _| state.faults.latency_ms(Target::of(path).known_name()))
}

/// What arrives of a call that breaks on the way.
fn broken(mishap: Mishap, mut answer: String) -> Response {
    let json = [(CONTENT_TYPE, "application/json")];
    match mishap {
        Mishap::Drop | Mishap::DropAnswer => Response::new(Body::new(Cut)),
        Mishap::InvalidJson => {
            let half = answer.char_indices().nth(answer.chars().count() / 2).map_or(0, |(index, _)| index);
            answer.truncate(half);
            (json, answer).into_response()
        }
        Mishap::Html => Html(include_str!("proxy.html")).into_response(),
        Mishap::Empty => (json, "").into_response(),
    }
}

/// A body that breaks off before its first byte, and the connection with it.
struct Cut;

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }
}

fn key(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // Clients from before 2024 send whatever key they have as a bearer token.
    let found = text(name).or_else(|| text("authorization").and_then(|value| value.strip_prefix("Bearer ")));
    found.map(str::to_owned)
}

fn logged(part: &str) -> String {
    part.chars().take(MAX_LOGGED_CHARS).collect()
}

/// A path taken apart.
struct Target<'a> {
    customer: &'a str,
    service: &'a str,
    endpoint: &'a str,
    argument: Option<&'a str>,
    /// What stands behind the argument, as the number in `Institutions/RoutingNumber/{number}`.
    detail: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Self {
        let mut parts = path.trim_start_matches("/v3/").split('/');
        let mut next = || parts.next().unwrap_or_default();
        let (customer, service, endpoint) = (next(), next(), next());
        let mut rest = || parts.next().filter(|text| !text.is_empty());
        let (argument, detail) = (rest(), rest());
        Self { customer, service, endpoint, argument, detail }
    }

    /// The endpoint as Flinks writes it, or what stands in its place.
    fn known_name(&self) -> &'a str {
        Endpoint::find(self.endpoint).map_or(self.endpoint, |endpoint| endpoint.name())
    }
}

impl State {
    /// How a call breaks, if it does.
    fn broken(&mut self, now_ms: u64, call: &Call) -> Option<Mishap> {
        let target = Target::of(&call.path);
        let name = target.known_name();
        let mishap = self.faults.take_api_mishap(name);
        if let Some(mishap) = mishap {
            self.log.write(now_ms, Happening::ApiBroken { endpoint: logged(name), how: mishap.name() });
        }
        mishap
    }

    /// Whether a call is refused before Flinks sees it, because it does not say how long its body is.
    fn lacks_length(&mut self, now_ms: u64, call: &Call) -> bool {
        let has_body = matches!(call.method, Method::POST | Method::PATCH | Method::PUT);
        let is_refused =
            has_body && call.length == Length::Unstated && self.faults.content_length == ContentLength::Demanded;
        if is_refused {
            let endpoint = logged(Target::of(&call.path).endpoint);
            self.log.write(now_ms, Happening::ApiBroken { endpoint, how: "length-required" });
        }
        is_refused
    }

    /// Answers one API call and writes it to the log.
    pub fn call(&mut self, now_ms: u64, call: &Call) -> Reply {
        self.expire(now_ms);
        let target = Target::of(&call.path);
        let endpoint = Endpoint::find(target.endpoint);
        let name = endpoint.map_or_else(|| target.endpoint.to_owned(), |endpoint| endpoint.name().to_owned());
        let fields = call.body.as_deref().and_then(Fields::read);

        let failure = self.faults.take_api_failure(&name);
        let reply = match (failure, endpoint) {
            (Some(failure), _) => Reply::failure(&failure),
            (None, Some(endpoint)) if target.service.eq_ignore_ascii_case("BankingServices") => {
                self.dispatch(now_ms, call, &target, endpoint, fields.as_ref())
            }
            (None, _) => Reply::error(code::METHOD_NOT_AVAILABLE),
        };
        // Not the path: what is no endpoint may be an id or a key in the wrong place.
        tracing::debug!(endpoint = endpoint.map(Endpoint::name), status = reply.status, "API call");
        let happening = Happening::ApiCall {
            method: call.method.to_string(),
            endpoint: logged(&name),
            argument: target.argument.map(logged),
            body: match (&call.body, fields) {
                (Some(text), Some(fields)) if text.len() <= MAX_LOGGED_LEN => fields.without_secrets(),
                _ => serde_json::Value::Null,
            },
            status: reply.status,
            code: reply.text("FlinksCode"),
            request_id: reply.text("RequestId"),
        };
        self.log.write(now_ms, happening);
        reply
    }

    fn dispatch(
        &mut self,
        now_ms: u64,
        call: &Call,
        target: &Target<'_>,
        endpoint: Endpoint,
        fields: Option<&Fields>,
    ) -> Reply {
        if !target.customer.eq_ignore_ascii_case(&self.settings.customer_id) {
            return Reply::error(code::UNAUTHORIZED);
        }
        if !endpoint.accepts(&call.method) {
            return Reply::error(code::METHOD_NOT_AVAILABLE);
        }
        if !self.admits(call, endpoint.key()) {
            return Reply::error(code::UNAUTHORIZED);
        }
        let outcome = match endpoint {
            Endpoint::GenerateAuthorizeToken => Ok(Reply::token(&self.tokens.mint(now_ms))),
            Endpoint::Authorize => self.authorize_call(now_ms, call, fields, Pace::Wait),
            Endpoint::AuthorizeAsync => match target.argument {
                None => self.authorize_call(now_ms, call, fields, Pace::Background),
                Some(id) => self.authorize_poll(now_ms, call, id),
            },
            Endpoint::Order(product) => fields.ok_or(code::INVALID_REQUEST).and_then(|fields| {
                let delivery = self.order(now_ms, product, &fields.session()?, fields.order(product)?);
                Ok(reply::delivery(self, product, &fields.session()?, delivery))
            }),
            Endpoint::Poll(product) => {
                target.argument.and_then(RequestId::parse).ok_or(code::SESSION_NONEXISTENT).map(|id| {
                    let delivery = self.poll(now_ms, product, &id);
                    reply::delivery(self, product, &id, delivery)
                })
            }
            Endpoint::SetScheduledRefresh => fields.ok_or(code::INVALID_REQUEST).and_then(|fields| {
                let login = self.schedule_refresh(&fields.login()?, fields.schedule()?).ok_or(code::INVALID_LOGIN)?;
                Ok(reply::scheduled(login))
            }),
            Endpoint::GetNightlyRefreshStatus => Ok(reply::nightly_status(self, now_ms)),
            Endpoint::DeleteCard => target
                .argument
                .and_then(LoginId::parse)
                .ok_or(code::SESSION_NONEXISTENT)
                .and_then(|login| self.delete_login(now_ms, &login))
                .map(|()| reply::deleted()),
            Endpoint::GetMfaQuestions => target
                .argument
                .and_then(LoginId::parse)
                .and_then(|login| self.logins.get(&login))
                .ok_or(code::INVALID_LOGIN)
                .map(reply::questions),
            Endpoint::AnswerMfaQuestions => fields.ok_or(code::INVALID_REQUEST).and_then(|fields| {
                let login = self.logins.get_mut(&fields.login()?).ok_or(code::INVALID_LOGIN)?;
                login.store_answers(&fields.stored_answers()?)?;
                Ok(reply::questions(login))
            }),
            Endpoint::Institutions => match (target.argument, target.detail) {
                (None, _) => Ok(reply::institutions()),
                (Some(by), Some(number)) if by.eq_ignore_ascii_case("RoutingNumber") => {
                    institution::by_number(number).map(reply::institution).ok_or(code::INVALID_REQUEST)
                }
                (Some(_), _) => Err(code::METHOD_NOT_AVAILABLE),
            },
        };
        outcome.unwrap_or_else(Reply::error)
    }

    fn admits(&self, call: &Call, key: Key) -> bool {
        let shows_secret = call.auth_key.as_ref() == Some(&self.settings.secret_key);
        let shows_api_key = call.api_key.as_ref() == Some(&self.settings.api_key);
        match key {
            Key::Secret => shows_secret,
            Key::Api => shows_api_key,
            Key::Either => shows_secret || shows_api_key,
            // Checked when it is spent, because what it is good for depends on the body.
            Key::Token => call.auth_key.is_some(),
        }
    }

    fn authorize_call(
        &mut self,
        now_ms: u64,
        call: &Call,
        fields: Option<&Fields>,
        pace: Pace,
    ) -> Result<Reply, FlinksCode> {
        let wish = fields.ok_or(code::INVALID_REQUEST)?.wish(pace)?;
        Ok(self.authorize_with_token(now_ms, call.auth_key.as_deref().unwrap_or_default(), wish))
    }

    fn authorize_poll(&mut self, now_ms: u64, call: &Call, id: &str) -> Result<Reply, FlinksCode> {
        let session = RequestId::parse(id).ok_or(code::SESSION_NONEXISTENT)?;
        Ok(self.authorize_with_token(now_ms, call.auth_key.as_deref().unwrap_or_default(), Wish::Probe { session }))
    }

    fn authorize_with_token(&mut self, now_ms: u64, token: &str, wish: Wish) -> Reply {
        let wanted = self.faults.session_token;
        let (begins, spent) = match &wish {
            Wish::Answer { session, .. } | Wish::Probe { session } => {
                (false, self.tokens.go_on(now_ms, token, session, wanted))
            }
            Wish::Refresh(_) | Wish::Reuse { .. } | Wish::SignIn(_) => {
                (true, self.tokens.spend(now_ms, token, Purpose::Begin))
            }
        };
        if spent.is_err() {
            return Reply::token_refused();
        }
        let pace = wish.bank_pace();
        let bank_ms = pace.map_or(0, |_| self.faults.bank_latency_ms);
        let standing = self.authorize_slowly(now_ms, bank_ms, wish);
        if let Some(session) = standing.session() {
            if begins {
                self.tokens.opened(token, session);
            }
            self.announce(now_ms + bank_ms, session);
        }
        let due_ms = (pace == Some(Pace::Wait) && bank_ms > 0).then(|| now_ms + bank_ms.min(BANK_LIMIT_MS));
        Reply { due_ms, ..reply::standing(self, standing) }
    }
}

impl From<FlinksCode> for Refusal {
    fn from(code: FlinksCode) -> Self {
        Self::plain(code)
    }
}
