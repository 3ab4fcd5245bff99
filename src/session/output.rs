//! What a session asks its driver to do, and what it tells the host.

use std::fmt;
use std::rc::Rc;

use super::delivery::{Delivery, Keepalive};
use super::failure::{ErrorCode, Failure, LoadProblem};
use super::names::named_enum;
use flinks_connect::id::{AccountId, AttemptId, LoginId, RequestId, Tag};

named_enum! {
    /// Where a session stands. `Done` and `Closed` are the end; `Failed` is where no retry is offered, or none was wanted.
    pub enum Phase {
        /// The host's backend begins (or resumes) the session.
        Starting = "starting",
        /// Connect's frame is there, but has not spoken yet.
        Loading = "loading",
        /// The user is in Connect.
        Active = "active",
        /// The result is on its way to the host's backend.
        Delivering = "delivering",
        /// There is a result, and the host's backend has it.
        Done = "done",
        /// There is an error.
        Failed = "failed",
        /// The page or the user closed the session.
        Closed = "closed",
    }
}

impl Phase {
    /// Whether the session has ended, but for a retry.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Closed)
    }
}

named_enum! {
    /// What really happened.
    pub enum Mode {
        /// An interrupted session was taken up again.
        Resume = "resume",
        /// An existing connection was refreshed.
        Refresh = "refresh",
        /// The user went through the full flow.
        Connect = "connect",
    }
}

/// A login that was verified at the bank, in this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnected {
    /// The attempt it belongs to.
    pub attempt_id: AttemptId,
    /// What really happened.
    pub mode: Mode,
    /// The login; none where Connect named none that could be read, and the backend takes it from Flinks.
    pub login_id: Option<LoginId>,
    /// The session, as REDIRECT named it, else as it was launched.
    pub request_id: Option<RequestId>,
    /// The bank's name, for people.
    pub institution: Option<String>,
    /// The accounts picked, as REDIRECT named them, else as they were launched.
    pub account_ids: Vec<AccountId>,
    /// The host's mark.
    pub tag: Option<Tag>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host's backend has the result; its reply is with the driver, which received it.
    Reconnected {
        /// What was delivered.
        result: Rc<Reconnected>,
        /// The login, where a REDIRECT named it only after a nameless one had been sent.
        late_login: Option<LoginId>,
    },
    /// Flinks needed nobody.
    UpToDate,
    /// It failed.
    Failed(Failure),
}

/// What the host's listeners hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `phasechange`
    PhaseChange {
        /// The phase now.
        phase: Phase,
        /// The phase before.
        previous: Phase,
    },
    /// `step`: a trusted Flinks event, known or not.
    Step {
        /// Its name.
        step: String,
        /// The bank it names.
        institution: Option<String>,
    },
    /// `flinkscode`
    FlinksCode {
        /// Flinks' code.
        flinks_code: String,
    },
    /// `fullflow`: Connect left the reconnect for the full flow.
    FullFlow,
    /// `expiring`: the session dies unless something happens in it.
    Expiring {
        /// The time left, in milliseconds.
        remaining_ms: u64,
    },
    /// `retrying`: delivery will be tried again.
    Retrying {
        /// The try that follows, counted from 2.
        attempt: u32,
        /// The wait before it, in milliseconds.
        delay_ms: u64,
    },
    /// `attemptfailed`: a failure, be it the end or one that the user can still cure.
    AttemptFailed(Failure),
}

impl Event {
    /// The names of all events.
    pub const NAMES: &'static [&'static str] =
        &["phasechange", "step", "flinkscode", "fullflow", "expiring", "retrying", "attemptfailed"];

    /// The name that the host's listeners are registered with.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PhaseChange { .. } => "phasechange",
            Self::Step { .. } => "step",
            Self::FlinksCode { .. } => "flinkscode",
            Self::FullFlow => "fullflow",
            Self::Expiring { .. } => "expiring",
            Self::Retrying { .. } => "retrying",
            Self::AttemptFailed(_) => "attemptfailed",
        }
    }
}

named_enum! {
    /// What the user should see around or instead of Connect. Its words and buttons are in `www/sdk/views.ts`.
    pub enum View {
        /// Connect is on its way.
        Loading = "loading",
        /// It takes longer than usual.
        Slow = "slow",
        /// Connect itself.
        Connect = "connect",
        /// Connect, with a word about the window its bank wanted to open.
        PopupBlocked = "popupBlocked",
        /// Connect, with a warning that time runs out.
        Expiring = "expiring",
        /// The same, where the host can begin another session in its place.
        Replaceable = "replaceable",
        /// Connect, with the word that the session may be over.
        Overdue = "overdue",
        /// The same, where the host can begin another session in its place.
        OverdueReplaceable = "overdueReplaceable",
        /// A new session is on its way in place of an expired one.
        Renewing = "renewing",
        /// Whatever it was, the network is gone.
        Offline = "offline",
        /// The result is being sent.
        Delivering = "delivering",
        /// The result is late: sending is tried again.
        Retrying = "retrying",
        /// Connect, with the question whether to leave it in the middle of an answer.
        Leaving = "leaving",
        /// The host's backend has not answered yet: the bank is slow.
        BankSlow = "bankSlow",
        /// The host's backend could not begin a session.
        NotStarted = "notStarted",
        /// The host says that the user is not signed in to it.
        SignedOut = "signedOut",
        /// Another tab holds the session.
        Busy = "busy",
        /// Connect did not load.
        LoadTimeout = "loadTimeout",
        /// The page does not let Connect load.
        Blocked = "blocked",
        /// The session is over, and the host can begin another.
        Expired = "expired",
        /// The host did not get the result.
        Undelivered = "undelivered",
        /// The user connected another login.
        Mismatch = "mismatch",
        /// The user's bank has answered, and the host did not take the result.
        Unconfirmed = "unconfirmed",
        /// The session failed in any other way.
        Failed = "failed",
    }
}

impl View {
    /// What is left to see of a session that failed.
    pub(super) fn after(failure: &Failure) -> Self {
        match (failure.code, failure.load_problem) {
            (ErrorCode::Busy, _) => Self::Busy,
            (ErrorCode::SignedOut, _) => Self::SignedOut,
            (ErrorCode::StartFailed, _) if failure.is_retryable => Self::NotStarted,
            (ErrorCode::LoadTimeout, LoadProblem::Policy | LoadProblem::Isolation) => Self::Blocked,
            (ErrorCode::LoadTimeout, _) => Self::LoadTimeout,
            (ErrorCode::SessionExpired | ErrorCode::TokenInvalid, _) if failure.is_retryable => Self::Expired,
            (ErrorCode::Undelivered, _) => Self::Undelivered,
            (ErrorCode::LoginMismatch, _) => Self::Mismatch,
            // Connect has told the user that it worked: what is open is whether the host has it.
            _ if failure.phase == Phase::Delivering => Self::Unconfirmed,
            _ => Self::Failed,
        }
    }

    /// Whether something of ours or of Connect's cannot go on without the network.
    pub(super) fn needs_network(self) -> bool {
        matches!(
            self,
            Self::Loading
                | Self::Slow
                | Self::BankSlow
                | Self::Connect
                | Self::Renewing
                | Self::Delivering
                | Self::Retrying
        )
    }
}

/// Why the host is asked to begin a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartAfter {
    /// It need not know.
    #[default]
    Nothing,
    /// Flinks refused the token that it gave: the other kind may be wanted, the session's own or a fresh one.
    TokenInvalid,
}

/// How the lock of a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Only when no other tab has it.
    IfFree,
    /// From whichever tab has it.
    TakeOver,
}

/// What a screen reader is told when everything of ours leaves the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionNotice {
    /// Nothing: the user closed it, or the page did.
    None,
    /// That it is done.
    Announced,
}

/// Work for the driver, to be done in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Call the host's start endpoint; answer with [`super::Input::Started`] and the same number.
    Start {
        /// Tells this call's answer from an abandoned one's.
        call: u32,
        /// What the host should know of the session before.
        after: StartAfter,
    },
    /// Ask for the session's lock for this tab; answer with [`super::Input::Lock`].
    AcquireLock {
        /// What the tabs agree on: whoever lists the site's locks reads no session's id in it.
        session: u64,
        /// How.
        mode: LockMode,
    },
    /// Release the lock, if there is one.
    ReleaseLock,
    /// Put up a fresh frame with this URL in place of any other. The URL carries secrets.
    OpenFrame {
        /// The frame's address.
        url: String,
        /// The only origin it may speak from.
        origin: String,
    },
    /// Take the frame away.
    CloseFrame,
    /// Show this.
    Show(View),
    /// Give the frame this height in CSS pixels, where the page leaves it a choice.
    Resize {
        /// Within bounds.
        height_px: u32,
    },
    /// Take everything of ours off the page.
    Hide(CompletionNotice),
    /// Send this to the host; answer with [`super::Input::Delivered`] and the same number.
    Deliver {
        /// Tells this try's answer from an abandoned one's.
        try_number: u32,
        /// What to send: the same bytes in every try.
        delivery: Delivery,
        /// Whether the request should outlive the page.
        keepalive: Keepalive,
    },
    /// Tell the host's listeners.
    Emit(Event),
    /// Settle the result. Comes once, at the end.
    Settle(Outcome),
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { call, after } => {
                formatter.debug_struct("Start").field("call", call).field("after", after).finish()
            }
            Self::AcquireLock { session, mode } => {
                formatter.debug_struct("AcquireLock").field("session", session).field("mode", mode).finish()
            }
            Self::ReleaseLock => formatter.write_str("ReleaseLock"),
            // The URL carries the request's id and the token.
            Self::OpenFrame { origin, .. } => {
                formatter.debug_struct("OpenFrame").field("origin", origin).finish_non_exhaustive()
            }
            Self::CloseFrame => formatter.write_str("CloseFrame"),
            Self::Show(view) => formatter.debug_tuple("Show").field(view).finish(),
            Self::Resize { height_px } => formatter.debug_struct("Resize").field("height_px", height_px).finish(),
            Self::Hide(notice) => formatter.debug_tuple("Hide").field(notice).finish(),
            Self::Deliver { try_number, delivery, keepalive } => formatter
                .debug_struct("Deliver")
                .field("try_number", try_number)
                .field("delivery", delivery)
                .field("keepalive", keepalive)
                .finish(),
            Self::Emit(event) => formatter.debug_tuple("Emit").field(event).finish(),
            Self::Settle(outcome) => formatter.debug_tuple("Settle").field(outcome).finish(),
        }
    }
}
