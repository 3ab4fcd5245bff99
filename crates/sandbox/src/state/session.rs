//! Sessions: what stands behind a `requestId`.
//!
//! Invariants: while the bank's questions are open, a session dies after eight minutes in which neither page nor API touched it;
//! once it is authorised, thirty minutes later; and with the data it was opened for. What is over stays over.

use std::collections::{BTreeMap, HashMap};

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{AccountId, LoginId, RequestId};

use super::data::{Operation, Product};
use super::due::DueQueue;
use super::login::Identity;
use crate::bank::question::{Challenges, Question};
use crate::bank::user::Behaviour;
use crate::clock::{DAY_MS, MINUTE_MS};

/// How long a session waits for its user.
pub const IDLE_LIFE_MS: u64 = 8 * MINUTE_MS;
/// How long an authorised session's data can be fetched.
pub const PROCESSING_LIFE_MS: u64 = 30 * MINUTE_MS;

/// Where a session is.
#[derive(Clone, Debug)]
pub enum Phase {
    /// The bank waits for its user.
    Asking {
        /// Rounds of challenges answered so far.
        answered: usize,
        /// Wrong answers since the last right one.
        wrong_in_a_row: u32,
    },
    /// The user is in; data can be fetched.
    Authorized {
        /// Since when.
        since_ms: u64,
    },
    /// Nothing goes any more.
    Over(Ending),
}

/// What a bank waits for while it is [`Phase::Asking`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Answers to these.
    Answers(Challenges),
    /// The user's consent, in the bank's own window.
    Consent,
}

/// Why a session is over.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Too long without a touch while the bank was asking.
    IdleTooLong,
    /// Authorised, but not fetched in time.
    NotFetched,
    /// Its data was fetched.
    Consumed,
    /// Too many wrong answers.
    Refused,
    /// Its login was deleted.
    LoginDeleted,
}

impl Ending {
    /// What the API says about a session that ended so.
    #[must_use]
    pub fn code(&self) -> FlinksCode {
        match self {
            Self::NotFetched => code::SESSION_EXPIRED,
            Self::Refused => code::INVALID_SECURITY_RESPONSE_NO_RETRY,
            Self::IdleTooLong | Self::Consumed | Self::LoginDeleted => code::SESSION_NONEXISTENT,
        }
    }
}

/// Whether Flinks keeps what the session yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// `Save: true`: the login is stored, and Connect may resume the session.
    Keep,
    /// `Save: false`.
    Discard,
}

/// How fresh the data behind a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Fetched from the bank in this session.
    Live,
    /// As of the last refresh, at this moment.
    Cached {
        /// When that was.
        as_of_ms: u64,
    },
}

/// Work that goes on in the background, during which the session answers 202.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// When it is done.
    pub until_ms: u64,
    /// What the 202 says.
    pub code: FlinksCode,
}

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: RequestId,
    /// Whose it is.
    pub identity: Identity,
    /// The host's mark, echoed in replies.
    pub tag: Option<String>,
    /// Where it is.
    pub phase: Phase,
    /// What the bank waits for while it asks.
    pub wants: Wants,
    /// Whether the login is stored in the end.
    pub saving: Saving,
    /// How fresh its data is.
    pub freshness: Freshness,
    /// The only accounts it returns, when Connect filtered it.
    pub filter: Option<Vec<AccountId>>,
    /// Work that is not done yet.
    pub background: Option<Background>,
    /// The data that was asked for.
    pub operations: BTreeMap<Product, Operation>,
    /// Whether Nightly Refresh was asked for with it.
    pub schedules_refresh: bool,
    /// Whether webhooks were promised for it.
    pub is_announced: bool,
    pub(crate) touched_ms: u64,
}

impl Session {
    /// A session that begins by asking, or not, as the user's bank does.
    #[must_use]
    pub fn live(identity: Identity, saving: Saving, tag: Option<String>, now_ms: u64) -> Self {
        let phase = match identity.user.behaviour {
            Behaviour::Asks | Behaviour::Refuses(_) => Phase::Asking { answered: 0, wrong_in_a_row: 0 },
            Behaviour::LetsIn | Behaviour::Dawdles => Phase::Authorized { since_ms: now_ms },
        };
        Self {
            id: super::mint(RequestId::parse),
            identity,
            tag,
            phase,
            wants: Wants::Answers(Challenges::default()),
            saving,
            freshness: Freshness::Live,
            filter: None,
            background: None,
            operations: BTreeMap::new(),
            schedules_refresh: false,
            is_announced: false,
            touched_ms: now_ms,
        }
    }

    /// A session over data that is already there.
    #[must_use]
    pub fn cached(identity: Identity, as_of_ms: u64, tag: Option<String>, now_ms: u64) -> Self {
        Self {
            phase: Phase::Authorized { since_ms: now_ms },
            freshness: Freshness::Cached { as_of_ms },
            ..Self::live(identity, Saving::Keep, tag, now_ms)
        }
    }

    /// So many rounds of these challenges are answered.
    pub(crate) fn answer_rounds(&mut self, challenges: Challenges, count: usize, now_ms: u64) {
        self.wants = Wants::Answers(challenges);
        if matches!(self.phase, Phase::Asking { .. }) {
            self.phase = if count < challenges.rounds() {
                Phase::Asking { answered: count, wrong_in_a_row: 0 }
            } else {
                Phase::Authorized { since_ms: now_ms }
            };
        }
    }

    /// Somebody used it: the eight minutes begin anew.
    pub fn touch(&mut self, now_ms: u64) {
        self.touched_ms = now_ms;
    }

    /// The challenges the bank waits for.
    #[must_use]
    pub fn pending_round(&self) -> &'static [Question] {
        match (&self.phase, self.wants) {
            (Phase::Asking { answered, .. }, Wants::Answers(challenges)) => challenges.round(*answered),
            _ => &[],
        }
    }

    /// Whether a 202 is due, and which.
    #[must_use]
    pub fn busy_at(&self, now_ms: u64) -> Option<FlinksCode> {
        self.background.filter(|work| now_ms < work.until_ms).map(|work| work.code)
    }

    /// When it comes to its end, or is forgotten when it has come to it. Whatever happens to a session only puts this off.
    fn due_ms(&self) -> u64 {
        match self.phase {
            Phase::Asking { .. } => self.touched_ms + IDLE_LIFE_MS,
            Phase::Authorized { since_ms } => since_ms + PROCESSING_LIFE_MS,
            Phase::Over(_) => self.touched_ms + DAY_MS,
        }
    }
}

/// Every session of the last day.
#[derive(Debug, Default)]
pub struct SessionBook {
    sessions: HashMap<RequestId, Session>,
    due: DueQueue<RequestId>,
}

impl SessionBook {
    /// Adds a session and gives it back.
    pub fn insert(&mut self, session: Session) {
        self.due.add(session.due_ms(), session.id.clone());
        self.sessions.insert(session.id.clone(), session);
    }

    /// The session of that id, over or not.
    #[must_use]
    pub fn get(&self, id: &RequestId) -> Option<&Session> {
        self.sessions.get(id)
    }

    /// The session of that id, over or not, to change it.
    pub fn get_mut(&mut self, id: &RequestId) -> Option<&mut Session> {
        self.sessions.get_mut(id)
    }

    /// Every session that is remembered.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// Ends what has lived too long and forgets what ended a day ago. Gives the logins whose questions nobody answered.
    pub fn expire(&mut self, now_ms: u64) -> Vec<LoginId> {
        let mut unanswered = Vec::new();
        while let Some(id) = self.due.take(now_ms) {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if session.due_ms() <= now_ms {
                session.phase = match session.phase {
                    Phase::Asking { .. } => {
                        unanswered.push(session.identity.login_id.clone());
                        Phase::Over(Ending::IdleTooLong)
                    }
                    Phase::Authorized { .. } => Phase::Over(Ending::NotFetched),
                    Phase::Over(_) => {
                        self.sessions.remove(&id);
                        continue;
                    }
                };
            }
            self.due.add(session.due_ms(), id);
        }
        unanswered
    }

    /// Ends every session of a login that is being deleted.
    pub fn end_all_of(&mut self, login: &LoginId) {
        for session in self.sessions.values_mut().filter(|session| session.identity.login_id == *login) {
            session.phase = Phase::Over(Ending::LoginDeleted);
        }
    }

    /// Whether data of this login is being fetched.
    #[must_use]
    pub fn is_login_in_use(&self, login: &LoginId, now_ms: u64) -> bool {
        self.sessions.values().any(|session| {
            session.identity.login_id == *login
                && matches!(session.phase, Phase::Authorized { .. })
                && session.operations.values().any(|operation| now_ms < operation.ready_ms)
        })
    }
}
