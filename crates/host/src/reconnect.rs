//! The driver of the rules in `flinks_backend`: it reads and stores, calls Flinks and waits. It decides nothing.
//!
//! Invariants: a step's commit is stored before anything else of it is done; after a conflict the step is decided anew; what a
//! request has begun is carried to its end, also when whoever asked has gone.

use std::{sync::Arc, time::Duration};

use flinks_backend::{
    flinks::{Answer, Trouble},
    refusal::Refusal,
    settings::{Moment as Now, Settings},
    step::{Done, Outcome, Reply, Task, Then},
};
use flinks_connect::address::ConnectUrl;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    flinks::{Flinks, Heard, Lane},
    moment::Moment,
    random,
    storage::{Storage, StorageError},
};

/// How often a request that waits for a sign-in looks whether its answer is stored: another host may have stored it.
const LOOKING: Duration = Duration::from_millis(100);

/// How a task ended, and what was heard of Flinks on the way.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) reply: Reply,
    pub(crate) heard: Weather,
}

/// What a task heard of Flinks last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    /// An answer.
    Fair,
    /// That there were too many calls; with the pause Flinks asked for, when it did.
    Limited(Duration),
    /// Nothing.
    #[default]
    Unknown,
}

impl Weather {
    fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Failed { trouble: Trouble::Limit { after_ms }, .. } => {
                Self::Limited(Duration::from_millis(u64::try_from(*after_ms).unwrap_or(0)))
            }
            Answer::Failed { .. } => Self::Unknown,
            _ => Self::Fair,
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
    /// Notified when there may be work for the workers.
    pub(crate) work_available: Arc<Notify>,
}

impl Reconnects {
    /// The moment of a decision.
    pub(crate) fn now() -> Now {
        Now { now_ms: Moment::now().millis(), fraction: random::fraction() }
    }

    /// Carries a task out.
    pub(crate) async fn run(&self, mut task: Task, lane: Lane) -> Result<Ended, StorageError> {
        let mut heard = Weather::default();
        let mut accounts = Vec::new();
        loop {
            let stored = self.storage.read(&task.query(), Moment::now()).await?;
            let step = task.step(&self.settings, Self::now(), stored.as_ref());
            if let Some(commit) = &step.commit {
                match self.storage.commit(commit, &accounts).await? {
                    Outcome::Done => {}
                    Outcome::Conflict => continue,
                    refused => {
                        task.refused(refused);
                        continue;
                    }
                }
                if step.wakes_at_ms().is_some() {
                    self.work_available.notify_one();
                }
            }
            task = step.task;
            match step.then {
                Then::Again => {}
                Then::Call(call) => {
                    let Heard { answer, accounts: came } = self.flinks.call(lane, &call).await;
                    heard = Weather::of(&answer);
                    accounts = came;
                    task.hear(answer);
                }
                Then::Wait(until_ms) => {
                    if let Some(stored) = stored {
                        self.wait(&stored.connection.id, stored.connection.version, until_ms).await?;
                    }
                }
                Then::Reply(reply) => {
                    note(&reply);
                    return Ok(Ended { reply, heard });
                }
            }
        }
    }

    /// Until the connection has another version, at most until then. It takes no place of anybody's.
    async fn wait(&self, connection: &str, version: i64, until_ms: i64) -> Result<(), StorageError> {
        let left = Moment::from_millis(until_ms).since(Moment::now());
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

/// One line for each end that is more than a repetition.
fn note(reply: &Reply) {
    match reply {
        Reply::Started(reply) => {
            use flinks_backend::start::{Mode, StartReply};
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
        Reply::Done(Done::Ended) => tracing::warn!("an attempt has ended without data"),
        Reply::Done(Done::Postponed) => tracing::debug!("work postponed"),
        Reply::Done(Done::Nothing) => {}
    }
}
