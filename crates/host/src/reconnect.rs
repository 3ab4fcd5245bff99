//! The driver of the rules in `flinks_backend`: it reads and stores, calls Flinks and waits. It decides nothing.
//!
//! Invariants: a step's commit is stored before anything else of it is done; after a conflict the step is decided anew; what a
//! request has begun is carried to its end, also when whoever asked has gone.

use std::{sync::Arc, time::Duration};

use flinks_backend::{
    flinks::{Answer, Trouble},
    record::Stored,
    refusal::Refusal,
    settings::{Now, Settings},
    start::{Mode, StartReply},
    step::{Change, Done, Outcome, Reply, Step, Task, Then},
};
use flinks_connect::{address::ConnectUrl, id::AttemptId};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    flinks::{CallOutcome, Fetched, Flinks, Lane},
    log::correlator,
    metrics::Metrics,
    random::{self, doubled},
    storage::{Storage, StorageError, claims::Claim},
    time::Time,
};

/// How often a request that waits for a sign-in looks whether its answer is stored: another host may have stored it.
const LOOKING: Duration = Duration::from_millis(100);
/// The first pause after a conflict with another change of the connection.
const CONFLICT_PAUSE: Duration = Duration::from_millis(1);
/// The longest.
const LONGEST_CONFLICT_PAUSE: Duration = Duration::from_millis(100);

/// For whom a task is carried out: each has places of its own at Flinks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller<'a> {
    /// A user who starts.
    Start,
    /// A page or Flinks with a result.
    Deliver,
    /// A worker's step about the attempt it has claimed.
    Worker(&'a Claim),
}

impl<'a> Caller<'a> {
    fn lane(self) -> Lane {
        match self {
            Self::Start => Lane::Start,
            Self::Deliver => Lane::Deliver,
            Self::Worker(_) => Lane::Work,
        }
    }

    /// The claim that the commit gives back with which a task ends.
    fn claim(self, then: &Then) -> Option<&'a Claim> {
        match (self, then) {
            (Self::Worker(claim), Then::Reply(_)) => Some(claim),
            _ => None,
        }
    }
}

/// How a task ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) reply: Reply,
    /// What Flinks' last answer said about the rate of requests.
    pub(crate) rate: Rate,
    /// Whether the commit that ended it has given the worker's claim back.
    pub(crate) gave_claim_back: bool,
}

/// Whether Flinks limits the rate of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rate {
    /// It answered.
    Free,
    /// There were too many calls; with the pause that Flinks asked for, when it did.
    Limited(Duration),
    /// It was not asked, or did not answer.
    #[default]
    Unknown,
}

impl Rate {
    fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Failed { trouble: Trouble::Limit { after_ms }, .. } => {
                Self::Limited(Duration::from_millis(u64::try_from(*after_ms).unwrap_or(0)))
            }
            Answer::Failed { .. } => Self::Unknown,
            _ => Self::Free,
        }
    }
}

/// The server half of a reconnect.
#[derive(Clone, Debug)]
pub(crate) struct Reconnects {
    pub(crate) storage: Arc<Storage>,
    pub(crate) flinks: Flinks,
    pub(crate) connect: ConnectUrl,
    pub(crate) settings: Settings,
    pub(crate) claim_lease: Duration,
    pub(crate) metrics: Metrics,
    /// Notified when there may be work for the workers.
    pub(crate) work_available: Arc<Notify>,
    /// Notified when there may be an event to post.
    pub(crate) event_added: Arc<Notify>,
}

impl Reconnects {
    /// The time and the random fraction that a decision is made with.
    pub(crate) fn now(&self) -> Now {
        Now { now_ms: self.storage.now().millis(), fraction: random::fraction() }
    }

    /// Carries a task out. The lines of the log about it have the attempt's correlator as soon as the attempt is known.
    pub(crate) async fn run(&self, task: Task, caller: Caller<'_>) -> Result<Ended, StorageError> {
        let span = tracing::info_span!("reconnect", attempt = Empty);
        self.carry_out(task, caller).instrument(span).await
    }

    async fn carry_out(&self, mut task: Task, caller: Caller<'_>) -> Result<Ended, StorageError> {
        let mut attempt = None;
        let mut rate = Rate::default();
        let mut fetched = Fetched::default();
        let mut conflicts = 0;
        loop {
            let stored = match self.storage.read(&task.query(), self.storage.now()).await {
                Err(StorageError::Serialization) => {
                    pause_after(&mut conflicts).await;
                    continue;
                }
                stored => stored?,
            };
            let step = task.step(&self.settings, self.now(), stored.as_ref());
            if attempt.is_none() {
                attempt = subject(stored.as_ref(), &step);
                if let Some(id) = &attempt {
                    Span::current().record("attempt", correlator(id.as_str()));
                }
            }
            let mut gave_claim_back = false;
            if let Some(commit) = &step.commit {
                let ending = caller.claim(&step.then);
                match self.storage.commit(commit, &fetched, ending).await? {
                    Outcome::Done => {
                        gave_claim_back = ending.is_some_and(|claim| claim.ends_with(commit));
                        self.metrics.stored(stored.as_ref(), commit, self.storage.now().millis());
                    }
                    Outcome::Conflict => {
                        pause_after(&mut conflicts).await;
                        continue;
                    }
                    refused => {
                        task.refused(refused);
                        continue;
                    }
                }
                if !commit.events.is_empty() {
                    self.event_added.notify_one();
                }
                if step.wakes_at_ms().is_some() {
                    self.work_available.notify_one();
                }
            }
            task = step.task;
            match step.then {
                Then::Again => {}
                Then::Call(call) => {
                    let CallOutcome { answer, fetched: came } =
                        self.flinks.call(caller.lane(), &call, || self.now().now_ms).await;
                    rate = Rate::of(&answer);
                    fetched = came;
                    task.hear(answer);
                }
                Then::Wait(until_ms) => {
                    if let Some(stored) = stored {
                        self.wait(&stored.connection.id, stored.connection.version, until_ms).await?;
                    }
                }
                Then::Reply(reply) => {
                    note(&reply);
                    return Ok(Ended { reply, rate, gave_claim_back });
                }
            }
        }
    }

    /// Until the connection has another version, at most until then. It takes no place of anybody's.
    async fn wait(&self, connection: &str, version: i64, until_ms: i64) -> Result<(), StorageError> {
        let left = Time::from_millis(until_ms).since(self.storage.now());
        let deadline = Instant::now() + left;
        while self.storage.version(connection).await? == Some(version) && Instant::now() < deadline {
            tokio::select! {
                () = sleep(LOOKING) => {}
                () = sleep_until(deadline) => {}
            }
        }
        Ok(())
    }
}

/// The attempt that a step is about, when that is clear already.
fn subject(stored: Option<&Stored>, step: &Step) -> Option<AttemptId> {
    let changes = || step.commit.iter().flat_map(|commit| &commit.changes);
    let added = changes().find_map(|change| match change {
        Change::AddAttempt(attempt) => Some(attempt.id.clone()),
        _ => None,
    });
    let put = || {
        changes().find_map(|change| match change {
            Change::PutAttempt(attempt) => Some(attempt.id.clone()),
            _ => None,
        })
    };
    let answered = || match &step.then {
        Then::Reply(Reply::Started(StartReply::Challenge(challenge))) => Some(challenge.attempt.clone()),
        Then::Reply(Reply::Started(StartReply::Connect(connect))) => Some(connect.attempt.clone()),
        _ => None,
    };
    stored.and_then(|stored| stored.subject.clone()).or(added).or_else(put).or_else(answered)
}

/// Lets whoever was faster finish; longer each time in a row.
async fn pause_after(conflicts: &mut u32) {
    sleep(doubled(CONFLICT_PAUSE, *conflicts, LONGEST_CONFLICT_PAUSE)).await;
    *conflicts = conflicts.saturating_add(1);
}

/// One line for each end that is more than a repetition.
fn note(reply: &Reply) {
    match reply {
        Reply::Started(reply) => {
            let outcome = match reply {
                StartReply::Challenge(challenge) if challenge.mode == Mode::Resume => "resume",
                StartReply::Challenge(_) => "refresh",
                StartReply::Connect(_) => "full flow",
                StartReply::UpToDate => "up to date",
            };
            tracing::info!(outcome, "start");
        }
        Reply::Accepted => tracing::info!("result accepted"),
        Reply::Refused(Refusal::OtherLogin) => {
            tracing::warn!("a result is of another login than the connection's; nothing was changed");
        }
        Reply::Refused(refusal) => tracing::info!(code = refusal.code(), "refused"),
        Reply::Done(Done::OtherLogin) => {
            tracing::warn!("a webhook names another login than the connection's; nothing was changed");
        }
        Reply::Done(Done::Accepted) => tracing::info!("result accepted"),
        Reply::Done(Done::Stored) => tracing::info!("data stored"),
        Reply::Done(Done::Outdated) => tracing::info!("data came, and newer data was stored already"),
        Reply::Done(Done::Ended) => tracing::warn!("an attempt has ended without data"),
        Reply::Done(Done::Postponed) => tracing::debug!("work postponed"),
        Reply::Done(Done::Nothing | Done::Noted) => {}
    }
}
