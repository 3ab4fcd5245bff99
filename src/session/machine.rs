//! The session machine. All decisions about the protocol are in this file or the modules it names.
//!
//! What it must guarantee:
//!
//! 1. Exactly one [`Output::Settle`] per attempt, whatever happens.
//! 2. A result is made only of a message that passed the whole gate, in this order: made by the browser, from our frame's window, from
//!    our frame's origin (these three `src/web/gate.rs` asks), in a phase that listens, within the rate, and only then read.
//! 3. The first acceptable REDIRECT is the result; the same again is nothing; a different one before the end is a conflict.
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
//! | starting | start fails | failed |
//! | loading | first trusted message | active |
//! | loading | load time-out, or blocked by the browser | failed |
//! | loading, active | idle limit, session over, token refused: first time, with `start` | starting |
//! | active, about to expire | the user starts again, with `start` | starting |
//! | loading, active | the page moved the frame, which has used a token, with `start` | starting |
//! | loading, active | the same again, or without `start` | failed |
//! | loading, active | terminal code; full flow under `stop`; contradicting REDIRECT | failed |
//! | loading, active | REDIRECT | delivering, or done without `deliver` |
//! | starting, loading, active | closed by the page, or by the user: in the middle of an answer only once they confirm it | closed |
//! | loading, active | closed by Connect's X or by refused consent | closed |
//! | delivering | host received | done |
//! | delivering | host refused, or time is up, or a different REDIRECT | failed |
//! | failed, retryable | retry | starting, loading or delivering |

use std::collections::VecDeque;
use std::rc::Rc;

use super::delivery::{self, Delivery, HostAnswer, Random, Verdict};
use super::failure::{ErrorCode, Failure, LoadProblem};
use super::input::{Input, LockState, Posted};
use super::launch_settings::LaunchSettings;
use super::options::{BeginWith, Destination, FullFlowPolicy, Options};
use super::output::{CompletionNotice, Event, LockMode, Mode, Outcome, Output, Phase, Reconnected, View};
use super::start::{Attempt, StartReply, TOKEN_LIFE_MS};
use flinks_connect::address::{ConnectUrl, ParseUrl};
use flinks_connect::code::{FlinksCode, Severity};
use flinks_connect::id::AttemptId;
use flinks_connect::message::{Fields, Message};
use flinks_connect::parameters::Launch;
use flinks_connect::redirect::{Expected, Redirect, RedirectError};
use flinks_connect::step::{self, Meaning};

/// How long a Flinks session lives without activity, in milliseconds. Source: Flinks' Reconnect page.
pub const IDLE_LIMIT_MS: u64 = 8 * 60_000;

/// How long before the idle limit the host and the user hear of it, in milliseconds.
const EXPIRY_WARNING_MS: u64 = 60_000;

/// How long the user waits without a further word, in milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// How long the host's start endpoint may take, in milliseconds: a live call to a bank is slow, but not this slow.
const START_LIMIT_MS: u64 = 60_000;

/// How long the browser may think about whether another tab holds the session, in milliseconds. One that says nothing is as good as one that
/// cannot say: a second tab is then told by Flinks.
const LOCK_LIMIT_MS: u64 = 2_000;

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
    /// Word whether another tab holds the session.
    Lock,
    /// Connect's first word.
    Load,
    /// The user, in Connect.
    User,
    /// The same, and they have been warned that time runs out.
    WarnedUser,
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
    failure: Option<ErrorCode>,
    waiting: Waiting,
    /// Until when it is waited for.
    until_ms: u64,
    /// When the user who waits for Connect gets a further word.
    patience_until_ms: u64,
    /// When delivery is given up.
    give_up_ms: u64,
    /// Until when the authorize token is worth trying.
    token_until_ms: u64,
    view: View,
    visibility: Visibility,
    progress: Progress,
    network: Network,
    lock_mode: LockMode,
    calls: u32,
    tries: u32,
    /// Tries before this delivery round: a retry begins its backoff anew.
    tries_before: u32,
    renewals: Renewals,
    /// What the host's backend said of this attempt; without one, or until it has, what the options said.
    attempt: Box<Attempt>,
    went_full_flow: bool,
    result: Option<Delivery>,
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
            give_up_ms: NEVER_MS,
            token_until_ms: now_ms + TOKEN_LIFE_MS,
            view: View::Loading,
            visibility: Visibility::Shown(None),
            progress: Progress::Nothing,
            network: Network::Online,
            lock_mode: LockMode::IfFree,
            calls: 0,
            tries: 0,
            tries_before: 0,
            renewals: Renewals::default(),
            attempt: Box::new(Attempt { attempt_id, mode: Mode::Resume, settings, token_life_ms: TOKEN_LIFE_MS }),
            went_full_flow: false,
            result: None,
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

    /// Whether the session has settled and left the page: nothing can happen to it any more but a retry by the page.
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

    /// When the session at Flinks is estimated to die, in session time.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<u64> {
        match self.waiting {
            Waiting::User => Some(self.until_ms + EXPIRY_WARNING_MS),
            Waiting::WarnedUser => Some(self.until_ms),
            _ => None,
        }
    }

    /// When the session wants [`Input::Wake`] at the latest, in session time.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let deadline_ms = self.until_ms.min(self.patience_until_ms).min(self.give_up_ms);
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
            Input::Blocked(problem) => {
                if self.phase == Phase::Loading {
                    self.not_loaded(problem);
                }
            }
            Input::Wake => self.wake(now_ms),
            Input::Offline => {
                self.network = Network::Offline;
                self.represent();
            }
            Input::Online => {
                self.network = Network::Online;
                self.wake(now_ms);
                if self.waiting == Waiting::Backoff {
                    self.send(now_ms);
                }
                self.represent();
            }
            Input::UserClosed => self.user_closes(),
            Input::UserStays => self.user_stays(),
            Input::UserRetries if self.waiting == Waiting::WarnedUser && self.can_start() => self.renew(now_ms),
            Input::FrameMoved => self.frame_moved(now_ms),
            Input::HostClosed => self.close(ErrorCode::Closed),
            Input::UserRetries | Input::Retry => self.retry(now_ms),
        }
    }

    fn wait(&mut self, waiting: Waiting, until_ms: u64) {
        self.waiting = waiting;
        self.until_ms = until_ms;
    }

    // ---- beginning ----

    /// Begins with what the options say: a live session, or the host's start endpoint.
    fn begin(&mut self, now_ms: u64, view: View) {
        self.went_full_flow = false;
        self.progress = Progress::Nothing;
        self.patience_until_ms = now_ms + PATIENCE_MS;
        self.show(view);
        self.enter(Phase::Starting);
        match self.options.begin_with {
            BeginWith::StartEndpoint => {
                self.calls += 1;
                self.wait(Waiting::Start, now_ms + START_LIMIT_MS);
                self.order(Output::Start { call: self.calls });
            }
            BeginWith::RequestId => self.open(now_ms),
        }
    }

    fn started(&mut self, now_ms: u64, reply: Result<StartReply, &HostAnswer>) {
        match reply {
            Ok(StartReply::Open(attempt)) => {
                self.attempt = attempt;
                self.attempt.settings.complete(&self.options.settings);
                self.token_until_ms = now_ms.saturating_add(self.attempt.token_life_ms);
                self.open(now_ms);
            }
            Ok(StartReply::UpToDate) => self.finish(Outcome::UpToDate, CompletionNotice::None),
            Err(answer) => self.fail(self.failure(ErrorCode::StartFailed).answered(answer)),
        }
    }

    /// Opens Connect, once no other tab has the session: two would answer past each other.
    fn open(&mut self, now_ms: u64) {
        match &self.attempt.settings.request_id {
            Some(request_id) => {
                let mode = std::mem::replace(&mut self.lock_mode, LockMode::IfFree);
                let session = digest(request_id.as_str());
                self.wait(Waiting::Lock, now_ms + LOCK_LIMIT_MS);
                self.order(Output::AcquireLock { session, mode });
            }
            None => self.load(now_ms),
        }
    }

    fn load(&mut self, now_ms: u64) {
        let settings = &self.attempt.settings;
        if settings.authorize_token.is_some() && now_ms >= self.token_until_ms {
            // It has been waited for too long: Flinks would refuse it.
            return self.token_invalid(now_ms);
        }
        let Some(connect) = &settings.connect else { return self.fail_with(ErrorCode::StartFailed) };
        let launch = Launch {
            connect,
            request_id: settings.request_id.as_ref(),
            authorize_token: settings.authorize_token.as_ref(),
            accounts: &settings.accounts,
            language: self.options.language,
            tag: settings.tag.as_ref(),
            others: &settings.params,
        };
        let (url, origin) = (launch.url(), connect.origin().to_owned());
        self.wait(Waiting::Load, now_ms + self.options.load_timeout_ms);
        self.enter(Phase::Loading);
        self.order(Output::OpenFrame { url, origin });
    }

    fn lock_reported(&mut self, now_ms: u64, state: LockState) {
        match (state, self.waiting) {
            (LockState::Granted, Waiting::Lock) => self.load(now_ms),
            // Not waited for any longer, and welcome all the same.
            (LockState::Granted, Waiting::Load | Waiting::User | Waiting::WarnedUser) => {}
            // Closed meanwhile.
            (LockState::Granted, _) => self.order(Output::ReleaseLock),
            // Another tab has it, or took over. What is being delivered stays ours to deliver.
            (LockState::HeldElsewhere, Waiting::Lock | Waiting::Load | Waiting::User | Waiting::WarnedUser) => {
                self.fail_with(ErrorCode::Busy);
            }
            (LockState::HeldElsewhere, _) => {}
        }
    }

    // ---- the gate ----

    fn posted(&mut self, now_ms: u64, posted: &dyn Posted) {
        let dropped = &mut self.dropped;
        let counter = if !matches!(self.phase, Phase::Loading | Phase::Active | Phase::Delivering) {
            &mut dropped.phase
        } else if !self.rate.admits(now_ms) {
            &mut dropped.rate
        } else if let Some(fields) = posted.fields() {
            return self.trusted(now_ms, &*fields);
        } else {
            &mut dropped.unreadable
        };
        *counter = counter.saturating_add(1);
    }

    /// A message that passed the gate: from here on its data is read.
    fn trusted(&mut self, now_ms: u64, fields: &dyn Fields) {
        let Some(message) = Message::read(fields) else { return self.unreadable() };
        let (meaning, documented) = (message.meaning, message.documented);
        let redirect = match meaning {
            Meaning::Redirect => {
                let settings = &self.attempt.settings;
                let expected = Expected { tag: settings.tag.as_ref(), redirect_url: settings.redirect_url() };
                Some(Message::redirect(fields, self.parse, expected))
            }
            _ => None,
        };
        if let Some(Err(RedirectError::Unreadable)) = redirect {
            return self.unreadable();
        }
        if self.phase == Phase::Delivering {
            // The result stands. Only one thing can still change it.
            return match redirect {
                Some(redirect) => self.repeated(redirect),
                None => self.report(message),
            };
        }
        // Our own words take room from Connect, which then says its new size: that is no sign of the user's.
        let is_echo =
            meaning == Meaning::Resized && (self.view == View::PopupBlocked || self.waiting == Waiting::WarnedUser);
        if !is_echo {
            self.show(if meaning == Meaning::PopupBlocked { View::PopupBlocked } else { View::Connect });
            self.wait(Waiting::User, now_ms + IDLE_LIMIT_MS - EXPIRY_WARNING_MS);
        }
        self.patience_until_ms = NEVER_MS;
        if self.phase == Phase::Loading {
            self.enter(Phase::Active);
        }
        self.report(message);
        match meaning {
            Meaning::FullFlow => self.full_flow(),
            Meaning::Closed | Meaning::Denied => self.close(ErrorCode::Cancelled),
            Meaning::TokenInvalid => self.token_invalid(now_ms),
            Meaning::Redirect => match redirect {
                Some(Ok(redirect)) => self.accept(now_ms, *redirect),
                Some(Err(_)) | None => self.fail_with(ErrorCode::Conflict),
            },
            Meaning::Submitted if self.progress == Progress::Nothing => self.progress = Progress::Submitted,
            Meaning::Resized => self.resize(Message::height(fields)),
            Meaning::Mounted | Meaning::Mfa | Meaning::Submitted | Meaning::PopupBlocked | Meaning::Passing => {}
        }
        if let Some(code) = documented
            && self.phase == Phase::Active
        {
            self.obey(now_ms, code);
        }
    }

    fn unreadable(&mut self) {
        self.dropped.unreadable = self.dropped.unreadable.saturating_add(1);
    }

    fn obey(&mut self, now_ms: u64, code: FlinksCode) {
        match code.severity {
            Severity::SessionOver => self.session_over(now_ms, Some(code.name)),
            Severity::Terminal => {
                self.fail(Failure { flinks_code: Some(code.name), ..self.failure(ErrorCode::Flinks) });
            }
            Severity::Passing | Severity::Correctable => {}
        }
    }

    /// Tells the host what Connect said, known or not.
    fn report(&mut self, Message { step, institution, code, .. }: Message) {
        if let Some(step) = step {
            self.emit(Event::Step { step, institution });
        }
        if let Some(flinks_code) = code {
            self.emit(Event::FlinksCode { flinks_code });
        }
    }

    fn full_flow(&mut self) {
        if self.attempt.mode == Mode::Connect || self.went_full_flow {
            return;
        }
        self.went_full_flow = true;
        self.emit(Event::FullFlow);
        if self.options.full_flow == FullFlowPolicy::Stop {
            self.fail_with(ErrorCode::FullFlow);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped")]
    fn resize(&mut self, height_px: Option<f64>) {
        if let Some(height_px) = height_px {
            let (least, most) = HEIGHTS_PX;
            self.order(Output::Resize { height_px: (height_px as u32).clamp(least, most) });
        }
    }

    // ---- the result ----

    fn accept(&mut self, now_ms: u64, redirect: Redirect) {
        let Attempt { attempt_id, mode, settings, .. } = &*self.attempt;
        let Redirect { login_id, request_id, institution, accounts, tag } = redirect;
        self.result = Some(Rc::new(Reconnected {
            attempt_id: attempt_id.clone(),
            mode: if self.went_full_flow { Mode::Connect } else { *mode },
            login_id,
            request_id: request_id.or_else(|| settings.request_id.clone()),
            institution,
            account_ids: if accounts.is_empty() { settings.accounts.clone() } else { accounts },
            tag: tag.or_else(|| settings.tag.clone()),
        }));
        self.progress = Progress::Nothing;
        self.deliver_or_finish(now_ms);
    }

    /// A REDIRECT while the first one is being delivered.
    fn repeated(&mut self, redirect: Result<Box<Redirect>, RedirectError>) {
        let is_the_same = match (redirect, &self.result) {
            (Ok(redirect), Some(result)) => {
                redirect.login_id == result.login_id
                    && (redirect.request_id.is_none() || redirect.request_id == result.request_id)
            }
            (Ok(_) | Err(_), _) => false,
        };
        if !is_the_same {
            self.fail_with(ErrorCode::Conflict);
        }
    }

    fn deliver_or_finish(&mut self, now_ms: u64) {
        match self.options.destination {
            Destination::Backend => {
                self.enter(Phase::Delivering);
                self.show(View::Delivering);
                self.give_up_ms = now_ms + self.options.deliver_timeout_ms;
                self.send(now_ms);
            }
            Destination::Page => self.reconnected(),
        }
    }

    fn reconnected(&mut self) {
        if let Some(result) = self.result.clone() {
            self.finish(Outcome::Reconnected(result), CompletionNotice::Announced);
        }
    }

    fn send(&mut self, now_ms: u64) {
        let Some(delivery) = self.result.clone() else { return };
        self.tries += 1;
        self.wait(Waiting::Answer, now_ms + u64::from(delivery::TRY_TIMEOUT_MS));
        self.order(Output::Deliver { try_number: self.tries, delivery });
    }

    fn delivered(&mut self, now_ms: u64, answer: &HostAnswer) {
        if self.waiting != Waiting::Answer {
            return;
        }
        match delivery::judge(answer) {
            Verdict::Received => self.reconnected(),
            Verdict::TryAgain { retry_after_ms } => {
                let tried = self.tries - self.tries_before;
                let delay_ms = delivery::delay_ms(tried, retry_after_ms, &mut self.random);
                self.wait(Waiting::Backoff, now_ms + delay_ms);
                self.show(View::Retrying);
                self.emit(Event::Retrying { attempt: tried + 1, delay_ms });
            }
            Verdict::LoginMismatch => self.fail(self.failure(ErrorCode::LoginMismatch).answered(answer)),
            Verdict::Rejected => self.fail(self.failure(ErrorCode::Rejected).answered(answer)),
        }
    }

    // ---- time ----

    fn wake(&mut self, now_ms: u64) {
        if now_ms >= self.patience_until_ms {
            self.patience_until_ms = NEVER_MS;
            self.show(View::Slow);
        }
        if now_ms >= self.give_up_ms {
            return self.fail_with(ErrorCode::Undelivered);
        }
        if now_ms < self.until_ms {
            return;
        }
        match self.waiting {
            Waiting::Start => self.fail_with(ErrorCode::StartFailed),
            Waiting::Load => self.not_loaded(match self.network {
                Network::Online => LoadProblem::Unknown,
                Network::Offline => LoadProblem::Offline,
            }),
            Waiting::User if now_ms < self.until_ms + EXPIRY_WARNING_MS => {
                let expires_at_ms = self.until_ms + EXPIRY_WARNING_MS;
                self.wait(Waiting::WarnedUser, expires_at_ms);
                self.show(if self.can_start() { View::Replaceable } else { View::Expiring });
                self.emit(Event::Expiring { remaining_ms: expires_at_ms - now_ms });
            }
            Waiting::User | Waiting::WarnedUser => self.session_over(now_ms, None),
            // An answer after this belongs to an abandoned try.
            Waiting::Answer => self.delivered(now_ms, &HostAnswer::Unreachable),
            Waiting::Backoff => self.send(now_ms),
            Waiting::Lock => self.load(now_ms),
            Waiting::Begin | Waiting::Idle => {}
        }
    }

    /// The session at Flinks is dead: ask the host for another, once.
    fn session_over(&mut self, now_ms: u64, flinks_code: Option<&'static str>) {
        if self.can_start() && !self.renewals.session {
            self.renewals.session = true;
            self.renew(now_ms);
        } else {
            self.fail(Failure { flinks_code, ..self.failure(ErrorCode::SessionExpired) });
        }
    }

    /// The token was refused, or will be: ask the host for another, once.
    fn token_invalid(&mut self, now_ms: u64) {
        if self.can_start() && !self.renewals.token {
            self.renewals.token = true;
            self.renew(now_ms);
        } else {
            self.fail(Failure { flinks_code: Some(step::TOKEN_INVALID), ..self.failure(ErrorCode::TokenInvalid) });
        }
    }

    /// The browser loads a moved frame again. Its token has been used: ask the host, which resumes the session with another.
    fn frame_moved(&mut self, now_ms: u64) {
        let is_open = matches!(self.phase, Phase::Loading | Phase::Active);
        if is_open && self.can_start() && self.attempt.settings.authorize_token.is_some() {
            self.renew(now_ms);
        }
    }

    fn can_start(&self) -> bool {
        self.options.begin_with == BeginWith::StartEndpoint
    }

    fn renew(&mut self, now_ms: u64) {
        self.order(Output::CloseFrame);
        self.order(Output::ReleaseLock);
        self.begin(now_ms, View::Renewing);
    }

    // ---- endings ----

    /// Closing in the middle of an answer loses it, so it takes a second word.
    fn user_closes(&mut self) {
        if self.progress == Progress::Submitted && self.phase == Phase::Active {
            self.progress = Progress::Leaving;
            self.present();
        } else {
            self.close(ErrorCode::Cancelled);
        }
    }

    fn user_stays(&mut self) {
        if self.progress == Progress::Leaving {
            self.progress = Progress::Submitted;
        } else if matches!(self.view, View::Expiring | View::Replaceable) {
            self.view = View::Connect;
        }
        self.represent();
    }

    fn close(&mut self, code: ErrorCode) {
        match self.phase {
            // What was accepted is still delivered, and the result settles with it.
            Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(CompletionNotice::None),
            Phase::Starting | Phase::Loading | Phase::Active => {
                let failure = self.failure(code);
                self.end(Phase::Closed);
                self.hide(CompletionNotice::None);
                self.order(Output::Settle(Outcome::Failed(failure)));
            }
        }
    }

    fn retry(&mut self, now_ms: u64) {
        let Some(code) = self.failure.filter(|code| code.is_retryable()) else { return };
        self.failure = None;
        if self.visibility == Visibility::Hidden {
            self.visibility = Visibility::Shown(None);
        }
        if code == ErrorCode::Undelivered {
            self.tries_before = self.tries;
            return self.deliver_or_finish(now_ms);
        }
        if code == ErrorCode::Busy {
            self.lock_mode = LockMode::TakeOver;
        }
        self.renewals = Renewals::default();
        self.begin(now_ms, View::Loading);
    }

    fn finish(&mut self, outcome: Outcome, notice: CompletionNotice) {
        self.end(Phase::Done);
        self.hide(notice);
        self.order(Output::Settle(outcome));
    }

    fn failure(&self, code: ErrorCode) -> Failure {
        Failure { code, load_problem: LoadProblem::Unknown, flinks_code: None, http_status: None, phase: self.phase }
    }

    fn not_loaded(&mut self, load_problem: LoadProblem) {
        self.fail(Failure { load_problem, ..self.failure(ErrorCode::LoadTimeout) });
    }

    fn fail_with(&mut self, code: ErrorCode) {
        self.fail(self.failure(code));
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure.code);
        self.progress = Progress::Nothing;
        self.end(Phase::Failed);
        self.order(Output::CloseFrame);
        self.show(View::after(&failure));
        self.order(Output::Settle(Outcome::Failed(failure)));
    }

    fn end(&mut self, phase: Phase) {
        self.wait(Waiting::Idle, NEVER_MS);
        self.patience_until_ms = NEVER_MS;
        self.give_up_ms = NEVER_MS;
        self.order(Output::ReleaseLock);
        self.enter(phase);
    }

    fn enter(&mut self, phase: Phase) {
        if phase != self.phase {
            let previous = std::mem::replace(&mut self.phase, phase);
            self.emit(Event::PhaseChange { phase, previous });
        }
    }

    // ---- what the user sees ----

    fn show(&mut self, view: View) {
        self.view = view;
        self.present();
    }

    /// Shows the view, or what is more pressing; says nothing twice.
    fn present(&mut self) {
        let view = match self.network {
            _ if self.progress == Progress::Leaving => View::Leaving,
            Network::Offline if self.view.needs_network() => View::Offline,
            _ => self.view,
        };
        if let Visibility::Shown(shown) = &mut self.visibility
            && shown.replace(view) != Some(view)
        {
            self.order(Output::Show(view));
        }
    }

    /// Something changed about the view that is shown, if one is.
    fn represent(&mut self) {
        if self.waiting != Waiting::Begin {
            self.present();
        }
    }

    fn hide(&mut self, notice: CompletionNotice) {
        if std::mem::replace(&mut self.visibility, Visibility::Hidden) != Visibility::Hidden {
            self.order(Output::Hide(notice));
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

/// A token bucket: a burst at once, then so many a second.
struct Rate {
    tokens: u64,
    since_ms: u64,
}

impl Rate {
    fn admits(&mut self, now_ms: u64) -> bool {
        let gained = now_ms.saturating_sub(self.since_ms).saturating_mul(RATE_PER_SECOND) / 1_000;
        if gained > 0 {
            self.tokens = (self.tokens + gained).min(RATE_BURST);
            self.since_ms = now_ms;
        }
        let admits = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        admits
    }
}
