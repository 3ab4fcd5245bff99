//! What is stored: connections and the attempts to repair them.
//!
//! ```text
//!          accept                finish
//!  open ─────────────► accepted ─────────► finished
//!   │                     ▲    │ fail
//!   │ supersede, expire   │    └──────────► failed
//!   └────► superseded ────┘ accept
//! ```
//!
//! Invariants: a connection and its attempts change together, under the connection's version: a change that was decided on an
//! older version is not stored. A connection's login is written when it is added and never again. An attempt keeps its id and
//! its tag for its whole life, also when it is resumed.

use flinks_connect::id::{AccountId, AttemptId, AuthorizeToken, LoginId, RequestId, Tag};
use serde::{Deserialize, Serialize};

/// Whether a connection wants its user. "In progress" is not stored: it follows from the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its user has to reconnect it.
    NeedsAttention,
    /// Nothing to do.
    UpToDate,
}

/// A language of Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Canadian French.
    Fr,
}

impl Language {
    /// Every language with its stored name, which is also Flinks'.
    pub const ALL: &'static [(&'static str, Self)] = &[("en", Self::En), ("fr", Self::Fr)];

    /// The language of a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(one, _)| *one == name).map(|(_, language)| *language)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }
}

/// A live sign-in that was sent to Flinks and whose answer is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// For which attempt.
    pub attempt: AttemptId,
    /// Until when no other one is sent, whatever becomes of the answer.
    pub until_ms: i64,
}

/// A bank connection of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The application's name for it.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// Rises with every commit.
    pub version: i64,
    /// Flinks' name for it.
    pub login_id: LoginId,
    /// The language it was made in; at Flinks a part of the login.
    pub language: Option<Language>,
    /// The accounts its user picked in the Account Selector; empty when it was made without.
    pub selection: Vec<AccountId>,
    /// Whether it wants its user.
    pub status: Status,
    /// Why it could not be refreshed, or why that takes long: a Flinks code or one of ours.
    pub problem: Option<String>,
    /// Flinks' `LastRefresh` of the stored data.
    pub refreshed_at_ms: Option<i64>,
    /// When its data was stored last, by the driver's clock.
    pub settled_at_ms: Option<i64>,
    /// The sign-in under way.
    pub sign_in: Option<SignIn>,
}

impl Connection {
    /// The sign-in that keeps others away now.
    pub(crate) fn sign_in_at(&self, now_ms: i64) -> Option<&SignIn> {
        self.sign_in.as_ref().filter(|sign_in| sign_in.until_ms > now_ms)
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its result is waited for.
    Open,
    /// Another attempt was faster, or its time is over. A result that is on its way is still taken until it expires.
    Superseded,
    /// Its result is ours; its data is not yet.
    Accepted,
    /// Its data is stored.
    Finished,
    /// Its data cannot be had.
    Failed,
}

impl State {
    /// Every state with its stored name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("open", Self::Open),
        // Databases have had it under this name from the beginning.
        ("set-aside", Self::Superseded),
        ("accepted", Self::Accepted),
        ("finished", Self::Finished),
        ("failed", Self::Failed),
    ];

    /// Whether its result has been taken; that happens once.
    #[must_use]
    pub fn is_used(self) -> bool {
        matches!(self, Self::Accepted | Self::Finished | Self::Failed)
    }
}

/// What the user of an open attempt is doing, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A live sign-in was sent; its answer is not stored.
    SigningIn,
    /// Flinks named a session: the bank is slow, or asks its question in it.
    Session,
    /// The user goes through the full flow, whose session we do not know.
    FullFlow,
    /// The session is over, or was never heard of; the user may still finish in the frame.
    SessionOver,
}

impl Stage {
    /// Every stage with its stored name.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("signing-in", Self::SigningIn),
        ("session", Self::Session),
        ("full-flow", Self::FullFlow),
        ("session-over", Self::SessionOver),
    ];
}

/// How far the data of an accepted attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataStep {
    /// Flinks has not been asked.
    Ask,
    /// Flinks has been asked and works on it.
    Poll,
}

impl DataStep {
    /// Every step with its stored name.
    pub const ALL: &'static [(&'static str, Self)] = &[("ask", Self::Ask), ("poll", Self::Poll)];
}

/// Whether transactions are asked for with the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transactions {
    /// As always.
    Wanted,
    /// Flinks said that there are none, and refused the accounts with them.
    LeftOut,
}

/// One try of one user to bring one connection back, from start to stored data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Minted by the driver: 128 random bits or more. Also the key of the delivery.
    pub id: AttemptId,
    /// Minted by the driver; Flinks returns it in REDIRECT, in answers and in webhooks.
    pub tag: Tag,
    /// Whose it is.
    pub user: String,
    /// What it repairs.
    pub connection: String,
    /// Where it stands.
    pub state: State,
    /// What its user is doing while it is open.
    pub stage: Stage,
    /// The session at Flinks: the attempt's own while it is open, the one to ask for data with afterwards.
    pub request_id: Option<RequestId>,
    /// The token the session began with: Flinks' reference wants it again for the session's second `/Authorize`.
    pub token: Option<AuthorizeToken>,
    /// Flinks' `LastRefresh` before the attempt began; 0 when Flinks had never refreshed the login. Only later data is this
    /// attempt's.
    pub baseline_ms: i64,
    /// The accounts picked anew, until Flinks has shown that it has each of them.
    pub choice: Vec<AccountId>,
    /// When it began.
    pub created_at_ms: i64,
    /// Until when its result is taken.
    pub expires_at_ms: i64,
    /// When a worker looks at it next.
    pub due_at_ms: i64,
    /// How often that was in vain.
    pub tries: u32,
    /// When its result was taken.
    pub accepted_at_ms: Option<i64>,
    /// The session the result is of; no other attempt may be accepted with it.
    pub result: Option<RequestId>,
    /// How far its data is.
    pub data_step: DataStep,
    /// Whether transactions are asked for.
    pub transactions: Transactions,
    /// Which delivery was taken for it. In JSON it is the fingerprint, or null.
    #[serde(rename = "fingerprint")]
    pub delivery: TakenDelivery,
}

/// Which delivery of a page was taken for an attempt. A repetition of it is answered the same; another one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "Option<String>")]
pub enum TakenDelivery {
    /// None: the attempt has no result yet, or the server found it itself.
    #[default]
    None,
    /// The one whose bytes have this fingerprint.
    Of(String),
}

impl TakenDelivery {
    /// The fingerprint, where there is one.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Of(fingerprint) => Some(fingerprint),
        }
    }
}

impl From<Option<String>> for TakenDelivery {
    fn from(fingerprint: Option<String>) -> Self {
        fingerprint.map_or(Self::None, Self::Of)
    }
}

impl From<TakenDelivery> for Option<String> {
    fn from(delivery: TakenDelivery) -> Self {
        match delivery {
            TakenDelivery::None => None,
            TakenDelivery::Of(fingerprint) => Some(fingerprint),
        }
    }
}

impl Attempt {
    /// Whether it may still bring a result.
    pub(crate) fn is_waiting_at(&self, now_ms: i64) -> bool {
        !self.state.is_used() && self.expires_at_ms > now_ms
    }

    /// Whether only the browser can tell which accounts its user picked: the full flow of a connection that has a selection.
    pub(crate) fn picks_accounts(&self, connection: &Connection) -> bool {
        self.stage == Stage::FullFlow && !connection.selection.is_empty()
    }
}

/// What a decision is made on: a connection and those of its attempts that are open, superseded but not expired, or accepted,
/// and in any case the one the query named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// The connection.
    pub connection: Connection,
    /// Its attempts, newest first.
    pub attempts: Vec<Attempt>,
    /// The attempt that the query named.
    pub subject: Option<AttemptId>,
}

impl Stored {
    pub(crate) fn attempt(&self, id: &AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == *id)
    }

    pub(crate) fn subject(&self) -> Option<&Attempt> {
        self.subject.as_ref().and_then(|id| self.attempt(id))
    }
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Query {
    /// A connection of a user; another user's is as unknown as one that never was.
    Connection {
        /// Whose.
        user: String,
        /// Which.
        id: String,
    },
    /// An attempt of a user, with its connection.
    Attempt {
        /// Whose.
        user: String,
        /// Which.
        id: AttemptId,
    },
    /// An attempt of whomever, with its connection.
    Id {
        /// Which.
        id: AttemptId,
    },
    /// The attempt with this tag.
    Tag {
        /// The tag.
        tag: Tag,
    },
    /// The attempt with this session: accepted with it, or else the newest that has it.
    Session {
        /// The session.
        request_id: RequestId,
    },
}
