//! The session machine. All decisions about the protocol are in this folder or the modules it names.
//!
//! Here are the state and who may change it; the files beside it follow the life of a session: `launch`, `message`, `clock`, `result`,
//! `ending`, and `view` for what the user sees of it.
//!
//! What it must guarantee:
//!
//! 1. Exactly one [`Output::Settle`], at the end, whatever happens. While a retry is offered, the result waits.
//! 2. A result is made only of a message that passed the whole gate, in this order: made by the browser, from our frame's window, from
//!    our frame's origin (these three `src/web/gate.rs` asks), in a phase that listens, within the rate, and only then read.
//! 3. The first acceptable REDIRECT is the result; what comes after it is told and changes nothing, but that it may name the login which the
//!    first one left out.
//! 4. A result once accepted is delivered at least once or reported undelivered; closing hides the widget, not the delivery.
//! 5. Answers to abandoned calls change nothing: every call carries a number.
//!
//! Phases and what moves them (any input not listed changes nothing):
//!
//! | from | input | to |
//! |---|---|---|
//! | starting, not begun | begin | starting, or loading with a `requestId` |
//! | starting | start says `challenge` or `connect` | loading |
//! | starting | start says `upToDate` | done |
//! | starting, loading, active | another tab holds the session, or takes it over | failed |
//! | starting | the browser does not say who holds the session | loading |
//! | starting | start fails, but for want of a network, and but for a `503` with `Retry-After` within four minutes | failed |
//! | loading | first trusted message | active |
//! | loading | load time-out with a network, or blocked by the browser | failed |
//! | loading, active | Flinks calls session or token dead: with `start`, once each, just after loading or submitting, page visible | starting |
//! | loading, active | the same otherwise | failed |
//! | active, about to expire or overdue | the user starts again, with `start` | starting |
//! | loading, active | the page moved the frame, which has used a token, with `start` | starting |
//! | active | idle limit in a hidden page; thirty minutes without a message | failed |
//! | loading, active | full flow under `stop`; contradicting REDIRECT | failed |
//! | loading, active | REDIRECT | delivering, or done without `deliver`; one that names no login waits, as delivering |
//! | starting, loading, active | closed by the page, or by the user: in the middle of an answer only once they confirm it | closed |
//! | loading, active | closed by Connect's X or by refused consent | closed |
//! | delivering | host received | done |
//! | delivering | host refused, or time is up; no login was named, and there is nobody who can find it | failed |
//! | failed, while a retry is offered | retry | starting, loading or delivering |

mod clock;
mod ending;
mod launch;
mod message;
mod result;
mod view;

use std::collections::VecDeque;

use self::message::Rate;
use super::delivery::{Delivery, Keepalive, Random};
use super::failure::{ErrorCode, Failure, LoadProblem};
use super::input::{Input, PageState};
use super::launch_settings::LaunchSettings;
use super::options::{BeginWith, Options};
use super::output::{Event, LockMode, Mode, Output, Phase, StartAfter, View};
use super::start::{Attempt, TOKEN_LIFE_MS};
use flinks_connect::address::{ConnectUrl, ParseUrl};
use flinks_connect::id::{AttemptId, LoginId, RequestId};

/// How long a Flinks session lives without activity, in milliseconds. Source: Flinks' Reconnect page.
pub const IDLE_LIMIT_MS: u64 = 8 * 60_000;

/// How long before the idle limit the host and the user hear of it, in milliseconds.
const EXPIRY_WARNING_MS: u64 = 60_000;

/// How long a session is kept at most after the last that was heard of it, in milliseconds. Only an unanswered question is known to die
/// earlier; Flinks works on an answer for up to 30 minutes. Source: Flinks' Reconnect and help pages.
const LONG_IDLE_LIMIT_MS: u64 = 30 * 60_000;

/// How long after loading or submitting a session may be begun anew without a click, in milliseconds.
const FRESH_MS: u64 = 60_000;

/// How late a deadline is found when the machine slept, or the page was frozen, in milliseconds.
const AWAY_MS: u64 = 2_000;
/// How long what has arrived meanwhile is heard before the deadline is judged, in milliseconds.
const HEARING_MS: u64 = 1_000;

/// How often what needs the network is tried while the browser says that there is none, in milliseconds.
const OFFLINE_RETRY_MS: u64 = 30_000;
/// For how long a limit stretches without a network, in milliseconds.
const OFFLINE_LIMIT_MS: u64 = 30 * 60_000;

/// How long the user waits without a further word, in milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// How long the first view waits for Connect's frame, in milliseconds: a user takes this for at once.
const FIRST_VIEW_LIMIT_MS: u64 = 100;

/// How long the host's start endpoint may take, in milliseconds: a live call to a bank is slow, but not this slow.
const START_LIMIT_MS: u64 = 60_000;

/// For how long a host that says when to ask again is asked again, in milliseconds. Source: Flinks lets a bank take 210 s.
const BANK_LIMIT_MS: u64 = 4 * 60_000;
/// The shortest wait before it is asked again, in milliseconds.
const SOON_MS: u64 = 1_000;

/// How long the browser may think about whether another tab holds the session, in milliseconds. One that says nothing is as good as one that
/// cannot say: a second tab is then told by Flinks.
const LOCK_LIMIT_MS: u64 = 2_000;

/// How long a REDIRECT that names no login waits for one that does, in milliseconds.
const LOGIN_WAIT_MS: u64 = 2_000;

/// Messages from the frame that are read at once, and per second from then on. Connect sends a handful a minute; this stops a runaway.
const RATE_BURST: u64 = 5_000;
const RATE_PER_SECOND: u64 = 1_000;

/// The heights Connect may ask for, in CSS pixels: neither too small to answer in nor endless.
const HEIGHTS_PX: (u32, u32) = (240, 1_600);

/// Messages of the frame's that went no further, by the check that stopped them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Nobody was listening.
    pub phase: u32,
    /// Too many.
    pub rate: u32,
    /// Understood as nothing.
    pub unreadable: u32,
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// [`Input::Begin`].
    Begin,
    /// Nothing.
    Idle,
    /// The host's answer to the start call.
    Start,
    /// The next start call, without a network.
    Restart,
    /// Word whether another tab holds the session.
    Lock,
    /// Connect's first word.
    Load,
    /// The user, in Connect.
    User,
    /// The same, and they have been warned that time runs out.
    WarnedUser,
    /// The same, after the time at which the session was estimated to end.
    OverdueUser,
    /// A REDIRECT that names the login which another one left out.
    Login,
    /// The host's answer to a delivery try.
    Answer,
    /// The next delivery try.
    Backoff,
}

/// A time that never comes.
const NEVER_MS: u64 = u64::MAX;

/// Whether the widget is on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visibility {
    /// It shows this view, or none yet.
    Shown(Option<View>),
    /// Nothing, until a retry: a delivery that goes on after closing must not show the widget again.
    Hidden,
}

/// How far the user has got in Connect's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing would be lost.
    Nothing,
    /// Credentials or answers were submitted.
    Submitted,
    /// The same, and the user is being asked whether to leave.
    Leaving,
}

/// What Connect shows, as far as the idle clock is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    /// A question that waits for its answer.
    Question,
    /// Anything else: a bank list, a form, a bank's own window, or nothing while a bank is working.
    Other,
}

/// Which way the user goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// The one that was asked for.
    Reconnect,
    /// Connect has shown the bank list or the credential form.
    FullFlowShown,
    /// The user went through it.
    FullFlowEntered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Online,
    Offline,
}

/// Renewals this attempt has used up: one for each reason.
#[derive(Clone, Copy, Debug, Default)]
struct Renewals {
    session: bool,
    token: bool,
}

/// One reconnect, from `reconnect()` to its result.
///
/// The driver's contract: after every [`Session::handle`], [`Session::poll`] until it returns `None`; call with [`Input::Wake`] at
/// [`Session::deadline_ms`]; hold no borrow of the session while host code runs.
pub struct Session {
    options: Options,
    parse: ParseUrl,
    random: Random,
    phase: Phase,
    /// The failure that a retry can still cure; the result waits.
    failure: Option<Failure>,
    waiting: Waiting,
    /// Until when it is waited for.
    until_ms: u64,
    /// When the user who waits for Connect gets a further word.
    patience_until_ms: u64,
    /// Until when a host that says when to ask again is asked again.
    bank_until_ms: u64,
    /// When delivery is given up.
    give_up_ms: u64,
    /// Until when the authorize token is worth trying.
    token_until_ms: u64,
    view: View,
    visibility: Visibility,
    progress: Progress,
    network: Network,
    /// Why this frame may stay silent.
    suspected: LoadProblem,
    lock_mode: LockMode,
    calls: u32,
    tries: u32,
    /// Tries before this delivery round: a retry begins its backoff anew.
    tries_before: u32,
    /// How the next try is sent.
    keepalive: Keepalive,
    /// Whether a try of this round was answered with a redirect.
    was_redirected: bool,
    renewals: Renewals,
    /// What the host's backend said of this attempt; without one, or until it has, what the options said.
    attempt: Box<Attempt>,
    /// The session, as it was launched or as the last message named it.
    request_id: Option<RequestId>,
    flow: Flow,
    screen: Screen,
    /// When the last trusted message came.
    heard_ms: u64,
    /// Until when a session may be begun anew without a click.
    fresh_until_ms: u64,
    /// Until when limits stretch without a network.
    stretched_until_ms: u64,
    /// After sleep, when deadlines are judged.
    judged_from_ms: u64,
    page: PageState,
    start_after: StartAfter,
    /// The code by which Flinks refused this login, until the user goes on.
    refusal: Option<&'static str>,
    /// The last code that Flinks told.
    last_code: Option<&'static str>,
    /// What is delivered: the same bytes in every try.
    result: Option<Delivery>,
    /// The login, as a REDIRECT named it that came after a nameless one had been sent.
    late_login: Option<LoginId>,
    rate: Rate,
    dropped: Dropped,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session that has not begun: nothing happens before [`Input::Begin`]. `attempt_id` has at least 128 random bits.
    #[must_use]
    pub fn new(now_ms: u64, mut options: Options, attempt_id: AttemptId, parse: ParseUrl) -> Self {
        let settings = match options.begin_with {
            BeginWith::RequestId => std::mem::take(&mut options.settings),
            BeginWith::StartEndpoint => LaunchSettings::default(),
        };
        Self {
            random: Random(digest(attempt_id.as_str())),
            options,
            parse,
            phase: Phase::Starting,
            failure: None,
            waiting: Waiting::Begin,
            until_ms: NEVER_MS,
            patience_until_ms: NEVER_MS,
            bank_until_ms: now_ms,
            give_up_ms: NEVER_MS,
            token_until_ms: now_ms + TOKEN_LIFE_MS,
            view: View::Loading,
            visibility: Visibility::Shown(None),
            progress: Progress::Nothing,
            network: Network::Online,
            suspected: LoadProblem::Unknown,
            lock_mode: LockMode::IfFree,
            calls: 0,
            tries: 0,
            tries_before: 0,
            keepalive: Keepalive::On,
            was_redirected: false,
            renewals: Renewals::default(),
            attempt: Box::new(Attempt { attempt_id, mode: Mode::Resume, settings, token_life_ms: TOKEN_LIFE_MS }),
            request_id: None,
            flow: Flow::Reconnect,
            screen: Screen::Other,
            heard_ms: now_ms,
            fresh_until_ms: now_ms,
            stretched_until_ms: now_ms,
            judged_from_ms: NEVER_MS,
            page: PageState::Visible,
            start_after: StartAfter::Nothing,
            refusal: None,
            last_code: None,
            result: None,
            late_login: None,
            rate: Rate { tokens: RATE_BURST, since_ms: now_ms },
            dropped: Dropped::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether a retry is offered.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the session has settled and left the page: nothing can happen to it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase.is_final() && self.visibility == Visibility::Hidden
    }

    /// Messages the gate dropped so far.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Connect's origin, where the options name it: known before the host's backend has answered.
    #[must_use]
    pub fn known_origin(&self) -> Option<&str> {
        self.options.settings.connect.as_ref().map(ConnectUrl::origin)
    }

    /// The session at Flinks, as it was launched or as the last trusted message named it.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// When the session at Flinks is estimated to die, in session time.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<u64> {
        match self.waiting {
            Waiting::User | Waiting::WarnedUser | Waiting::OverdueUser => Some(self.idle_deadline_ms()),
            _ => None,
        }
    }

    /// When the session wants [`Input::Wake`] at the latest, in session time.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let judged_ms = match self.judged_from_ms {
            NEVER_MS => self.until_ms.min(self.give_up_ms),
            judged_from_ms => judged_from_ms,
        };
        let deadline_ms = judged_ms.min(self.patience_until_ms).min(self.first_view_ms());
        (deadline_ms != NEVER_MS).then_some(deadline_ms)
    }

    /// The next thing to do, until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes in what happened at `now_ms`.
    pub fn handle(&mut self, now_ms: u64, input: Input<'_>) {
        match input {
            Input::Begin if self.waiting == Waiting::Begin => self.begin(now_ms, View::Loading),
            Input::Posted(posted) => self.posted(now_ms, posted),
            Input::Started { call, reply } if call == self.calls && self.waiting == Waiting::Start => {
                self.started(now_ms, reply);
            }
            Input::Delivered { try_number, answer } if try_number == self.tries && self.phase == Phase::Delivering => {
                self.delivered(now_ms, answer);
            }
            Input::Begin | Input::Started { .. } | Input::Delivered { .. } => {}
            Input::Lock(state) => self.lock_reported(now_ms, state),
            // It may yet come back, and Connect speak.
            Input::Blocked(LoadProblem::Redirected) => self.suspected = LoadProblem::Redirected,
            Input::Blocked(problem) => {
                if self.phase == Phase::Loading {
                    self.not_loaded(problem);
                }
            }
            Input::Wake => self.wake(now_ms),
            Input::Page(page) => self.page_changes(now_ms, page),
            Input::Offline => self.goes_offline(now_ms),
            Input::Online => self.goes_online(now_ms),
            Input::PageLeft => self.page_is_left(now_ms),
            Input::UserClosed => self.user_closes(),
            Input::UserStays => self.user_stays(),
            Input::UserRetries
                if matches!(self.waiting, Waiting::WarnedUser | Waiting::OverdueUser) && self.can_start() =>
            {
                self.renew(now_ms);
            }
            Input::FrameMoved => self.frame_moved(now_ms),
            Input::HostClosed => self.close(ErrorCode::Closed),
            Input::UserRetries | Input::Retry => self.retry(now_ms),
        }
    }

    fn wait(&mut self, waiting: Waiting, until_ms: u64) {
        self.waiting = waiting;
        self.until_ms = until_ms;
        self.judged_from_ms = NEVER_MS;
    }

    fn enter(&mut self, phase: Phase) {
        if phase != self.phase {
            let previous = std::mem::replace(&mut self.phase, phase);
            self.emit(Event::PhaseChange { phase, previous });
        }
    }

    /// Out of line: each of the many orders would bring its own copy of this.
    #[inline(never)]
    fn order(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn emit(&mut self, event: Event) {
        self.order(Output::Emit(event));
    }
}

/// FNV-1a, 64 bits: tells sessions apart without telling what they are called.
fn digest(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
