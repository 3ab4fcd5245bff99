//! What a reconnect is: beginning or resuming a session, taking its result.
//!
//! Invariants: a result is taken only after Flinks itself has confirmed the login, and only if it is the login stored for the
//! connection; it is committed before anybody is told; every path that takes one ([`Reconnects::deliver`], a session found
//! finished at [`Reconnects::start`], the reconciler, a webhook) goes through [`Reconnects::take`]. The page is never believed:
//! what it sends is only where to look.

use std::{sync::Arc, time::Duration};

use flinks_connect::{
    address::ConnectUrl,
    code::{self, FlinksCode, Severity},
    id::{AccountId, AttemptId, AuthorizeToken, LoginId, RequestId, Tag},
};
use tokio::sync::Notify;

use crate::{
    flinks::{Authorization, Fault, Flinks, Question},
    moment::Moment,
    random::{self, NoRandomness},
    storage::{
        ConnectionId, Storage, StorageError, UserId,
        attempts::{Acceptance, Accepted, Attempt, Beginning, NewAttempt},
        connections::Connection,
    },
};

/// Codes of a live `/Authorize` that the user cures by going through Connect from the bank list on: new credentials, new answers.
const CURED_BY_FULL_FLOW: &[FlinksCode] = &[
    code::INVALID_LOGIN,
    code::INVALID_PASSWORD,
    code::INVALID_USERNAME,
    code::INVALID_SECURITY_RESPONSE,
    code::INVALID_SECURITY_RESPONSE_NO_RETRY,
    code::QUESTION_NOT_FOUND,
    code::SECURITYRESPONSES_INCOMPLETE,
    code::SESSION_NONEXISTENT,
    code::UNKNOWN_CHALLENGE_KEY,
];

/// Whether `codes` has `code`; a name is what makes a code.
fn is_among(codes: &[FlinksCode], code: FlinksCode) -> bool {
    codes.iter().any(|one| one.name == code.name)
}

/// How the page should open Connect, or that it need not.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// The user answers MFA in this session.
    Challenge(Challenge),
    /// The user goes through the full flow.
    FullFlow(FullFlow),
    /// Nobody is needed; data is on its way.
    UpToDate,
}

/// A session to load into Connect.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) origin: Origin,
    pub(crate) attempt: AttemptId,
    pub(crate) request_id: RequestId,
    pub(crate) token: AuthorizeToken,
    pub(crate) selection: Vec<AccountId>,
    pub(crate) tag: Tag,
}

/// Where a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user had left it.
    Resumed,
    /// A live refresh has just begun it.
    Refreshed,
}

/// Connect without a session.
#[derive(Clone, Debug)]
pub(crate) struct FullFlow {
    pub(crate) attempt: AttemptId,
    pub(crate) token: AuthorizeToken,
    pub(crate) tag: Tag,
    /// The connection was made with the Account Selector, so it is asked again.
    pub(crate) selects_accounts: bool,
}

/// A result as the page reports it.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) attempt: AttemptId,
    pub(crate) login_id: LoginId,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) tag: Option<Tag>,
    pub(crate) flow: Flow,
    /// Of the bytes it came in.
    pub(crate) fingerprint: String,
}

/// What the user went through.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    /// MFA only.
    Mfa,
    /// From the bank list on, with the accounts picked there.
    Full(Vec<AccountId>),
}

/// Why a reconnect goes no further.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// The user has no such connection.
    NoConnection,
    /// The user has no such attempt.
    NoAttempt,
    /// The attempt's time is over.
    Expired,
    /// The login is not the connection's.
    OtherLogin,
    /// The tag is not the attempt's.
    OtherTag,
    /// Another result has been taken for this attempt.
    OtherResult,
    /// Flinks still waits for the user.
    Unfinished,
    /// Flinks refused, and no user can change it now.
    Code(FlinksCode),
    /// Flinks asks to come back later, with this code.
    Later(FlinksCode),
    /// Flinks could not be asked.
    Fault(Fault),
    /// The database failed.
    Storage,
    /// No randomness.
    NoRandomness,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed");
        Self::Storage
    }
}

impl From<NoRandomness> for Refused {
    fn from(_: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

/// What Flinks says about a result.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The user has finished, and it is the connection's login; ask for data with this session.
    Finished(RequestId),
    /// The user has not finished.
    Unfinished,
    /// The session is over.
    Over,
    /// Finished, but with another login.
    OtherLogin,
    /// Flinks refused.
    Refused(FlinksCode),
}

/// How long things live and wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) poll_interval: Duration,
    pub(crate) reconcile_after: Duration,
    pub(crate) attempt_life: Duration,
    pub(crate) data_deadline: Duration,
    pub(crate) claim_lease: Duration,
}

/// The server half of a reconnect.
#[derive(Clone, Debug)]
pub(crate) struct Reconnects {
    pub(crate) storage: Arc<Storage>,
    pub(crate) flinks: Flinks,
    pub(crate) connect: ConnectUrl,
    pub(crate) pace: Pace,
    /// Rung when there is work for the workers.
    pub(crate) bell: Arc<Notify>,
}

impl Reconnects {
    /// Begins a session for a connection, or resumes the one its user left.
    pub(crate) async fn start(&self, user: &UserId, id: &ConnectionId) -> Result<Start, Refused> {
        let connection = self.storage.connection(user, id).await?.ok_or(Refused::NoConnection)?;
        if self.storage.is_fetching(id).await? {
            return Ok(Start::UpToDate);
        }
        if let Some(attempt) = self.storage.resumable(id, Moment::now()).await?
            && let Some(start) = self.resume(&connection, attempt).await?
        {
            return Ok(start);
        }
        self.refresh(user, connection).await
    }

    /// `None` when the session the user left leads nowhere any more.
    async fn resume(&self, connection: &Connection, attempt: Attempt) -> Result<Option<Start>, Refused> {
        let Some(request_id) = attempt.request_id else { return Ok(None) };
        match self.probe(&connection.login_id, &request_id).await? {
            Verdict::Unfinished => {
                let token = self.flinks.authorize_token().await?;
                tracing::info!(outcome = "resume", "start");
                Ok(Some(Start::Challenge(Challenge {
                    origin: Origin::Resumed,
                    attempt: attempt.id,
                    request_id,
                    token,
                    selection: connection.selection.clone(),
                    tag: attempt.tag,
                })))
            }
            Verdict::Finished(request_id) => {
                // The user had finished, and the browser lost the result on the way.
                let found = Acceptance {
                    attempt: &attempt.id,
                    fingerprint: None,
                    request_id: &request_id,
                    selection: None,
                    now: Moment::now(),
                };
                Ok(match self.take(&found).await? {
                    Accepted::Now | Accepted::Before | Accepted::Otherwise => Some(Start::UpToDate),
                    Accepted::TooLate => None,
                })
            }
            Verdict::Over | Verdict::OtherLogin | Verdict::Refused(_) => {
                self.storage.set_aside(&attempt.id).await?;
                Ok(None)
            }
        }
    }

    async fn refresh(&self, user: &UserId, connection: Connection) -> Result<Start, Refused> {
        match self.flinks.authorize(Question::Live(&connection.login_id)).await? {
            Authorization::Authorized(login) if login.id == connection.login_id => {
                self.begin(user, &connection, Beginning::Authorised(login.request_id)).await?;
                self.bell.notify_one();
                tracing::info!(outcome = "up to date", "start");
                Ok(Start::UpToDate)
            }
            Authorization::Authorized(_) => {
                tracing::error!("Flinks answered a refresh with another login than was asked for");
                Err(Refused::OtherLogin)
            }
            Authorization::Challenge(request_id) => {
                let look_after = Moment::now().plus(self.pace.reconcile_after);
                let (attempt, tag) =
                    self.begin(user, &connection, Beginning::Session(request_id.clone(), look_after)).await?;
                let token = self.flinks.authorize_token().await?;
                tracing::info!(outcome = "refresh", "start");
                Ok(Start::Challenge(Challenge {
                    origin: Origin::Refreshed,
                    attempt,
                    request_id,
                    token,
                    selection: connection.selection,
                    tag,
                }))
            }
            Authorization::Refused(code) if is_among(CURED_BY_FULL_FLOW, code) => {
                let token = self.flinks.authorize_token().await?;
                let (attempt, tag) = self.begin(user, &connection, Beginning::FullFlow).await?;
                tracing::info!(outcome = "full flow", code = code.name, "start");
                let selects_accounts = !connection.selection.is_empty();
                Ok(Start::FullFlow(FullFlow { attempt, token, tag, selects_accounts }))
            }
            Authorization::Pending => Err(Refused::Later(code::OPERATION_PENDING)),
            Authorization::Refused(code) if code.severity == Severity::Passing => Err(Refused::Later(code)),
            Authorization::Refused(code) => {
                tracing::warn!(code = code.name, "Flinks refuses to refresh a connection");
                self.storage.note_problem(&connection.id, code.name).await?;
                Err(Refused::Code(code))
            }
        }
    }

    async fn begin(
        &self,
        user: &UserId,
        connection: &Connection,
        beginning: Beginning,
    ) -> Result<(AttemptId, Tag), Refused> {
        // Forty hexadecimal digits fit both grammars; were it otherwise, nothing safe could be minted.
        let attempt = AttemptId::parse(&random::token()?).ok_or(Refused::NoRandomness)?;
        let tag = Tag::parse(&random::token()?).ok_or(Refused::NoRandomness)?;
        let now = Moment::now();
        self.storage
            .add_attempt(&NewAttempt {
                id: &attempt,
                connection: &connection.id,
                user,
                tag: &tag,
                beginning,
                now,
                expires_at: now.plus(self.pace.attempt_life),
            })
            .await?;
        Ok((attempt, tag))
    }

    /// Takes a result the page delivered. `Ok` means committed, now or before.
    pub(crate) async fn deliver(&self, user: &UserId, delivery: &Delivery) -> Result<(), Refused> {
        let attempt = self.storage.attempt(user, &delivery.attempt).await?.ok_or(Refused::NoAttempt)?;
        if attempt.fingerprint.as_ref().is_some_and(|taken| *taken != delivery.fingerprint) {
            return Err(Refused::OtherResult);
        }
        if attempt.fingerprint.is_some() {
            return Ok(());
        }
        if !attempt.state.is_used() && attempt.expires_at <= Moment::now() {
            return Err(Refused::Expired);
        }
        // Flinks does not always return the tag; when it does, it has to be this attempt's.
        if delivery.tag.as_ref().is_some_and(|tag| *tag != attempt.tag) {
            return Err(Refused::OtherTag);
        }
        let connection = self.storage.connection(user, &attempt.connection).await?.ok_or(Refused::NoAttempt)?;
        if delivery.login_id != connection.login_id {
            tracing::warn!("a delivery names another login than the connection's; nothing was changed");
            return Err(Refused::OtherLogin);
        }
        let known = attempt.request_id.as_ref().filter(|_| attempt.state.is_used());
        let verdict = match known {
            // The host found this result itself and has verified it; only the delivery's key is still to be noted.
            Some(request_id) => Verdict::Finished(request_id.clone()),
            None => self.verify(&connection.login_id, delivery, &attempt).await?,
        };
        let request_id = match verdict {
            Verdict::Finished(request_id) => request_id,
            Verdict::Unfinished | Verdict::Over => return Err(Refused::Unfinished),
            Verdict::OtherLogin => {
                tracing::warn!(
                    "a delivered session belongs to another login than the connection's; nothing was changed"
                );
                return Err(Refused::OtherLogin);
            }
            Verdict::Refused(code) => return Err(Refused::Code(code)),
        };
        let selection = match &delivery.flow {
            // Only a connection that was made with the selector is narrowed by it.
            Flow::Full(accounts) if !accounts.is_empty() && !connection.selection.is_empty() => {
                Some(accounts.as_slice())
            }
            Flow::Full(_) | Flow::Mfa => None,
        };
        let acceptance = Acceptance {
            attempt: &attempt.id,
            fingerprint: Some(&delivery.fingerprint),
            request_id: &request_id,
            selection,
            now: Moment::now(),
        };
        match self.take(&acceptance).await? {
            Accepted::Now | Accepted::Before => Ok(()),
            Accepted::Otherwise => Err(Refused::OtherResult),
            Accepted::TooLate => Err(Refused::Expired),
        }
    }

    /// Commits a verified result and wakes a worker for its data.
    pub(crate) async fn take(&self, acceptance: &Acceptance<'_>) -> Result<Accepted, StorageError> {
        let accepted = self.storage.accept(acceptance).await?;
        if accepted == Accepted::Now {
            self.bell.notify_one();
            tracing::info!(delivered = acceptance.fingerprint.is_some(), "result accepted");
        }
        Ok(accepted)
    }

    /// Asks Flinks about the session of a delivery; when that is over, about the login itself.
    async fn verify(&self, login: &LoginId, delivery: &Delivery, attempt: &Attempt) -> Result<Verdict, Fault> {
        let session = delivery.request_id.as_ref().or(attempt.request_id.as_ref());
        let verdict = match session {
            Some(request_id) => self.probe(login, request_id).await?,
            None => Verdict::Over,
        };
        match verdict {
            Verdict::Over => self.look_up(login).await,
            verdict => Ok(verdict),
        }
    }

    /// How far a session is.
    pub(crate) async fn probe(&self, login: &LoginId, request_id: &RequestId) -> Result<Verdict, Fault> {
        Ok(match self.flinks.authorize(Question::Session(request_id)).await? {
            Authorization::Authorized(found) if found.id == *login => Verdict::Finished(found.request_id),
            Authorization::Authorized(_) => Verdict::OtherLogin,
            Authorization::Challenge(_) | Authorization::Pending => Verdict::Unfinished,
            // Finished, but the answer does not say whose it is.
            Authorization::Refused(code) if code.name == code::ALREADY_AUTHORIZED.name => self.look_up(login).await?,
            Authorization::Refused(code) => match code.severity {
                Severity::SessionOver => Verdict::Over,
                Severity::Passing | Severity::Correctable => Verdict::Unfinished,
                Severity::Terminal => Verdict::Refused(code),
            },
        })
    }

    /// Whether Flinks has the login and data of it; the bank is not asked.
    pub(crate) async fn look_up(&self, login: &LoginId) -> Result<Verdict, Fault> {
        Ok(match self.flinks.authorize(Question::Cached(login)).await? {
            Authorization::Authorized(found) if found.id == *login => Verdict::Finished(found.request_id),
            Authorization::Authorized(_) => Verdict::OtherLogin,
            Authorization::Challenge(_) | Authorization::Pending => Verdict::Unfinished,
            Authorization::Refused(code) => match code.severity {
                // The cached answer repeats the failure of the last live attempt.
                Severity::Passing | Severity::Correctable if code.name != code::INVALID_LOGIN.name => {
                    Verdict::Unfinished
                }
                Severity::SessionOver => Verdict::Over,
                _ => Verdict::Refused(code),
            },
        })
    }
}
