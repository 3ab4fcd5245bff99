//! How a session begins: the host's start endpoint, the lock among tabs, Connect's frame; and how it is renewed.

use super::super::delivery::HostAnswer;
use super::super::failure::{ErrorCode, Failure, LoadProblem};
use super::super::input::{LockState, NoStart};
use super::super::options::{BeginWith, TopNavigation};
use super::super::output::{CompletionNotice, LockMode, Outcome, Output, Phase, View};
use super::super::start::{StartReply, StartReplyError};
use super::{
    BANK_LIMIT_MS, FRESH_MS, Flow, LOCK_LIMIT_MS, NEVER_MS, Network, OFFLINE_LIMIT_MS, OFFLINE_RETRY_MS, PATIENCE_MS,
    Progress, SOON_MS, START_LIMIT_MS, Screen, Session, StartAfter, Waiting, digest,
};
use flinks_connect::parameters::{INNER_REDIRECT, Launch, value_of};

impl Session {
    /// Begins with what the options say: a live session, or the host's start endpoint.
    pub(super) fn begin(&mut self, now_ms: u64, view: View) {
        self.flow = Flow::Reconnect;
        self.progress = Progress::Nothing;
        self.refusal = None;
        self.last_code = None;
        self.patience_until_ms = now_ms + PATIENCE_MS;
        self.stretched_until_ms = now_ms + OFFLINE_LIMIT_MS;
        self.bank_until_ms = now_ms + BANK_LIMIT_MS;
        // What takes a while comes first: the user's view is drawn meanwhile.
        match self.options.begin_with {
            BeginWith::StartEndpoint => self.ask_host(now_ms),
            BeginWith::RequestId => self.open(now_ms),
        }
        self.view = view;
        if self.first_view_ms() == NEVER_MS {
            self.present();
        }
        self.enter(Phase::Starting);
    }

    /// Calls the host's start endpoint.
    pub(super) fn ask_host(&mut self, now_ms: u64) {
        self.calls += 1;
        self.wait(
            Waiting::Start,
            now_ms
                + match self.network {
                    Network::Online => START_LIMIT_MS,
                    Network::Offline => OFFLINE_RETRY_MS,
                },
        );
        self.order(Output::Start { call: self.calls, after: self.start_after });
    }

    pub(super) fn started(&mut self, now_ms: u64, reply: Result<StartReply, NoStart<'_>>) {
        if let Err(NoStart::Refused(HostAnswer::Unreachable)) = reply {
            if self.is_stretched(now_ms) {
                return self.wait(Waiting::Restart, now_ms + OFFLINE_RETRY_MS);
            }
        } else {
            // Whoever answers can be reached, whatever the browser says.
            self.network = Network::Online;
            self.represent();
        }
        match reply {
            Ok(StartReply::Open(attempt)) => {
                self.attempt = attempt;
                self.attempt.settings.complete(&self.options.settings);
                self.token_until_ms = now_ms.saturating_add(self.attempt.token_life_ms);
                self.start_after = StartAfter::Nothing;
                self.open(now_ms);
            }
            Ok(StartReply::UpToDate) => self.finish(Outcome::UpToDate, CompletionNotice::None),
            Err(NoStart::Refused(HostAnswer::Refused { status: 503, code, retry_after_ms: Some(wait_ms) }))
                if now_ms < self.bank_until_ms =>
            {
                let again_ms = now_ms.saturating_add((*wait_ms).max(SOON_MS));
                self.wait(Waiting::Restart, again_ms.min(self.bank_until_ms));
                if code.as_deref() == Some("BANK_SLOW") {
                    self.patience_until_ms = NEVER_MS;
                    self.show(View::BankSlow);
                } else if self.view == View::BankSlow {
                    self.show(View::Slow);
                }
            }
            Err(NoStart::Refused(answer @ (HostAnswer::Refused { status: 401, .. } | HostAnswer::Redirected))) => {
                self.fail(self.failure(ErrorCode::SignedOut).answered(answer));
            }
            Err(NoStart::Refused(answer)) => {
                let failure = self.failure(ErrorCode::StartFailed).answered(answer);
                self.fail(Failure { is_retryable: answer.is_passing(), ..failure });
            }
            Err(NoStart::Unreadable(StartReplyError(property))) => self.start_is_wrong(property),
        }
    }

    fn start_is_wrong(&mut self, property: &'static str) {
        self.fail(Failure { property: Some(property), ..self.failure(ErrorCode::StartFailed) });
    }

    /// Opens Connect, once no other tab has the session: two would answer past each other.
    fn open(&mut self, now_ms: u64) {
        let request_id = &self.attempt.settings.request_id;
        self.request_id.clone_from(request_id);
        // The user's word counts for this opening, whichever session it opens, and for no later one.
        let mode = std::mem::replace(&mut self.lock_mode, LockMode::IfFree);
        match request_id {
            Some(request_id) => {
                let session = digest(request_id.as_str());
                self.wait(Waiting::Lock, now_ms + LOCK_LIMIT_MS);
                self.order(Output::AcquireLock { session, mode });
            }
            None => self.load(now_ms),
        }
    }

    pub(super) fn load(&mut self, now_ms: u64) {
        self.fresh_until_ms = now_ms + FRESH_MS;
        let settings = &mut self.attempt.settings;
        if settings.authorize_token.is_some() && now_ms >= self.token_until_ms {
            // It has been waited for too long: Flinks would refuse it.
            return self.token_invalid(now_ms);
        }
        // Connect would lead the whole page to `redirectUrl`, which the frame's sandbox forbids: it would stand still after a success.
        if self.options.top_navigation == TopNavigation::Forbidden
            && settings.redirect_url().is_some()
            && value_of(&settings.params, INNER_REDIRECT).is_none()
        {
            settings.params.push((INNER_REDIRECT.to_owned(), "true".to_owned()));
        }
        let Some(connect) = &settings.connect else { return self.start_is_wrong("instance") };
        let launch = Launch {
            connect,
            request_id: settings.request_id.as_ref(),
            authorize_token: settings.authorize_token.as_ref(),
            accounts: settings.accounts.as_str(),
            language: settings.language.unwrap_or(self.options.language),
            tag: settings.tag.as_ref(),
            others: &settings.params,
        };
        let (url, origin) = (launch.url(), connect.origin().to_owned());
        // A session that is come back to was left at its question.
        self.screen = if settings.request_id.is_some() { Screen::Question } else { Screen::Other };
        let limit_ms = match self.network {
            Network::Online => self.options.load_timeout_ms,
            Network::Offline => OFFLINE_RETRY_MS,
        };
        self.present();
        self.wait(Waiting::Load, now_ms + limit_ms);
        self.suspected = LoadProblem::Unknown;
        self.enter(Phase::Loading);
        self.order(Output::OpenFrame { url, origin });
    }

    pub(super) fn lock_reported(&mut self, now_ms: u64, state: LockState) {
        match (state, self.waiting) {
            (LockState::Granted, Waiting::Lock) => self.load(now_ms),
            // Not waited for any longer, and welcome all the same.
            (
                LockState::Granted,
                Waiting::Load | Waiting::User | Waiting::WarnedUser | Waiting::OverdueUser | Waiting::Login,
            ) => {}
            // Closed meanwhile.
            (LockState::Granted, _) => self.order(Output::ReleaseLock),
            // Another tab has it, or took over. What is being delivered stays ours to deliver.
            (
                LockState::HeldElsewhere,
                Waiting::Lock | Waiting::Load | Waiting::User | Waiting::WarnedUser | Waiting::OverdueUser,
            ) => {
                self.fail_with(ErrorCode::Busy);
            }
            (LockState::HeldElsewhere, _) => {}
        }
    }

    /// The browser loads a moved frame again. Its token has been used: ask the host, which resumes the session with another.
    pub(super) fn frame_moved(&mut self, now_ms: u64) {
        let is_open = matches!(self.phase, Phase::Loading | Phase::Active);
        if is_open && self.can_start() && self.attempt.settings.authorize_token.is_some() {
            self.renew(now_ms);
        }
    }

    pub(super) fn can_start(&self) -> bool {
        self.options.begin_with == BeginWith::StartEndpoint
    }

    pub(super) fn renew(&mut self, now_ms: u64) {
        self.order(Output::CloseFrame);
        self.order(Output::ReleaseLock);
        self.begin(now_ms, View::Renewing);
    }
}
