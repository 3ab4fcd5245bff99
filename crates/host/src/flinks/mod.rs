//! The Flinks API over HTTP. What to ask, and what an answer means, is decided in `flinks_backend`.
//!
//! Source: Flinks' authorize and account-linking pages. Traps that live here: an authorize token serves one call only, so every
//! call that wants a fresh one buys it first; the data endpoints want another key than the others.
//!
//! Invariant: no log line and no error carries a URL, a body or an id.

mod limiter;
mod reply;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderValue, header};
use flinks_backend::{
    flinks::{Answer, Call, Key, Method, Request, Sent, Trouble},
    settings::Settings,
};
use flinks_connect::id::AuthorizeToken;
use url::Url;

use self::limiter::CallLimiter;
pub(crate) use self::{
    limiter::Lane,
    reply::{Details, only_accounts, read_details},
};
use crate::{
    account::Account,
    config::{Access, Limits, Secret},
    live::Live,
    metrics::Metrics,
    outbound::{self, Failure, NoRoots, Outbound, Verb},
};

/// The most bytes read of one answer; a year of transactions is a few megabytes.
const MAX_BODY_LEN: usize = 32 * 1024 * 1024;

/// What came of a call, and the data that came with it.
#[derive(Debug)]
pub(crate) struct CallOutcome {
    pub(crate) answer: Answer,
    pub(crate) fetched: Fetched,
}

/// A login's data; empty beside every answer that has none.
#[derive(Default)]
pub(crate) struct Fetched {
    /// What the application's pages show of it.
    pub(crate) accounts: Vec<Account>,
    /// The whole answer as Flinks sent it.
    pub(crate) body: String,
}

/// No data shows in a log.
impl fmt::Debug for Fetched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fetched").field("accounts", &self.accounts.len()).finish_non_exhaustive()
    }
}

impl CallOutcome {
    fn of(answer: Answer) -> Self {
        Self { answer, fetched: Fetched::default() }
    }
}

/// The Flinks API.
#[derive(Clone, Debug)]
pub(crate) struct Flinks {
    http: Outbound,
    access: Live<Arc<Access>>,
    limiter: Arc<CallLimiter>,
    longest: Duration,
    settings: Settings,
    metrics: Metrics,
}

impl Flinks {
    pub(crate) fn new(
        access: Live<Arc<Access>>,
        limits: Limits,
        settings: Settings,
        metrics: Metrics,
    ) -> Result<Self, NoRoots> {
        Ok(Self {
            http: Outbound::to(&access.get().api)?,
            access,
            limiter: Arc::new(CallLimiter::new(limits.calls)),
            longest: limits.longest_call,
            settings,
            metrics,
        })
    }

    /// Makes a call, with a token bought for it where it needs one. `now_ms` is the clock that the call was decided by.
    pub(crate) async fn call(&self, lane: Lane, call: &Call, now_ms: impl Fn() -> i64) -> CallOutcome {
        let lane = if matches!(call, Call::SignIn { .. }) { Lane::SignIn } else { lane };
        let Some(_place) = self.limiter.place(lane).await else {
            self.metrics.called(call.endpoint(), Trouble::Crowded.code(), None);
            return CallOutcome::of(Answer::failed(Trouble::Crowded, Sent::No));
        };
        let request = call.request(&self.settings);
        let token = match &request.key {
            Key::Fresh => match self.exchange(&Call::Token, Call::Token.request(&self.settings), None).await.answer {
                Answer::Token { token } => Some(token),
                // The call itself was not sent.
                Answer::Failed { trouble, .. } => return CallOutcome::of(Answer::failed(trouble, Sent::No)),
                refused @ Answer::Code { .. } => return CallOutcome::of(refused),
                _ => return CallOutcome::of(Answer::failed(Trouble::Unreadable, Sent::No)),
            },
            Key::Token(token) => Some(token.clone()),
            Key::Secret | Key::Api => None,
        };
        if request.by_ms.is_some_and(|by_ms| now_ms() > by_ms) {
            tracing::warn!(endpoint = call.endpoint(), "a call came too late to be sent");
            return CallOutcome::of(Answer::late());
        }
        self.exchange(call, request, token).await
    }

    async fn exchange(&self, call: &Call, request: Request, token: Option<AuthorizeToken>) -> CallOutcome {
        let began = Instant::now();
        let sent = self.send(call, request, token.as_ref()).await;
        let outcome = match sent {
            Ok(answer) => {
                let read =
                    Answer::read(call, token, answer.status.as_u16(), retry_after(&answer.headers), &answer.body);
                tracing::debug!(endpoint = call.endpoint(), status = answer.status.as_u16(), "asked Flinks");
                match read {
                    Answer::Data { .. } => match (read_details(&answer.body), String::from_utf8(answer.body)) {
                        (Some(Details { accounts, .. }), Ok(body)) => {
                            CallOutcome { answer: read, fetched: Fetched { accounts, body } }
                        }
                        _ => CallOutcome::of(Answer::failed(Trouble::Unreadable, Sent::Perhaps)),
                    },
                    read => CallOutcome::of(read),
                }
            }
            Err(failure) => CallOutcome::of(failed(failure)),
        };
        self.metrics.called(call.endpoint(), outcome.answer.code(), Some(began.elapsed()));
        if let Answer::Failed { trouble, .. } = &outcome.answer {
            tracing::warn!(endpoint = call.endpoint(), trouble = trouble.code(), "asking Flinks failed");
        }
        outcome
    }

    async fn send(
        &self,
        call: &Call,
        request: Request,
        token: Option<&AuthorizeToken>,
    ) -> Result<outbound::Answer, Failure> {
        let access = self.access.get();
        let url = url(&access, &request.path).ok_or(Failure::NoConnection)?;
        let verb = match request.method {
            Method::Get => Verb::Get,
            Method::Post => Verb::Post,
        };
        let patience = Duration::from_millis(u64::try_from(request.patience_ms).unwrap_or(0));
        // A sign-in takes as long as its bank.
        let patience = if matches!(call, Call::SignIn { .. }) { patience } else { patience.min(self.longest) };
        let (name, value) = match (&request.key, token) {
            (Key::Api, _) => ("x-api-key", secret(&access.api_key)),
            (Key::Secret, _) | (_, None) => ("flinks-auth-key", secret(&access.secret_key)),
            (_, Some(token)) => ("flinks-auth-key", HeaderValue::from_str(token.as_str()).ok()),
        };
        let mut value = value.ok_or(Failure::NoConnection)?;
        value.set_sensitive(true);
        let request = self.http.request(verb, url, request.body.map(String::into_bytes)).header(name, value);
        outbound::exchange(request, patience, MAX_BODY_LEN).await
    }
}

fn url(access: &Access, path: &[String]) -> Option<Url> {
    let mut url = access.api.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["v3", access.customer_id.as_str(), "BankingServices"])
        .extend(path);
    Some(url)
}

fn secret(secret: &Secret) -> Option<HeaderValue> {
    HeaderValue::from_str(secret.expose()).ok()
}

fn failed(failure: Failure) -> Answer {
    match failure {
        Failure::NoConnection => Answer::failed(Trouble::Unreachable, Sent::No),
        Failure::Broken => Answer::failed(Trouble::Unreachable, Sent::Perhaps),
        Failure::Silent => Answer::failed(Trouble::Silent, Sent::Perhaps),
        Failure::TooLong => Answer::failed(Trouble::Unreadable, Sent::Perhaps),
    }
}

/// Seconds only: Flinks documents no `Retry-After` at all, so the date form is not worth its clock questions.
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let seconds: i64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(0, 300) * 1000)
}
