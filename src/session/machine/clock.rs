//! What happens when time has passed, when the network or the page comes and goes, and when a session or a token has died.
//!
//! Invariant: our clocks are estimates. They warn and offer; only Flinks says that a session is over while somebody looks at it.

use super::super::delivery::{HostAnswer, TRY_TIMEOUT_MS};
use super::super::failure::{ErrorCode, Failure, LoadProblem};
use super::super::input::{NoStart, PageState};
use super::super::output::{Event, Phase, View};
use super::{
    AWAY_MS, HEARING_MS, IDLE_LIMIT_MS, LONG_IDLE_LIMIT_MS, NEVER_MS, Network, OFFLINE_RETRY_MS, Screen, Session,
    StartAfter, Waiting,
};
use flinks_connect::step;

impl Session {
    /// Time may have passed.
    pub(super) fn wake(&mut self, now_ms: u64) {
        if now_ms >= self.first_view_ms() {
            self.present();
        }
        if now_ms >= self.patience_until_ms {
            self.patience_until_ms = NEVER_MS;
            self.show(View::Slow);
        }
        if self.was_away(now_ms) {
            return;
        }
        if now_ms >= self.give_up_ms {
            if !self.is_stretched(now_ms) {
                return self.fail_with(ErrorCode::Undelivered);
            }
            self.give_up_ms = now_ms + OFFLINE_RETRY_MS;
        }
        if now_ms < self.until_ms {
            return;
        }
        match self.waiting {
            Waiting::Start if self.is_stretched(now_ms) => self.ask_host(now_ms),
            Waiting::Start => self.started(now_ms, Err(NoStart::Refused(&HostAnswer::Unreachable))),
            Waiting::Restart => self.ask_host(now_ms),
            Waiting::Load if self.is_stretched(now_ms) => self.load(now_ms),
            Waiting::Load => self.not_loaded(match self.network {
                Network::Online => self.suspected,
                Network::Offline => LoadProblem::Offline,
            }),
            Waiting::User | Waiting::WarnedUser | Waiting::OverdueUser => self.idle(now_ms),
            // An answer after this belongs to an abandoned try.
            Waiting::Answer => self.delivered(now_ms, &HostAnswer::Unreachable),
            Waiting::Backoff => self.send(now_ms),
            Waiting::Login => self.deliver_without_login(now_ms),
            Waiting::Lock => self.load(now_ms),
            Waiting::Begin | Waiting::Idle => {}
        }
    }

    /// A deadline that is judged this late was slept over: what has arrived meanwhile is heard first.
    fn was_away(&mut self, now_ms: u64) -> bool {
        let due_ms = self.until_ms.min(self.give_up_ms);
        if now_ms < due_ms.saturating_add(AWAY_MS) {
            self.judged_from_ms = NEVER_MS;
            return false;
        }
        if self.judged_from_ms == NEVER_MS {
            self.judged_from_ms = now_ms + HEARING_MS;
            if self.phase == Phase::Delivering && self.tries_in_this_round() == 1 {
                // Nobody was there for a second try.
                let another_ms = self.judged_from_ms + AWAY_MS + u64::from(TRY_TIMEOUT_MS);
                self.give_up_ms = self.give_up_ms.max(another_ms);
            }
        }
        if now_ms < self.judged_from_ms {
            return true;
        }
        self.judged_from_ms = NEVER_MS;
        false
    }

    /// Without a network, limits stretch: what is waited for is tried again instead of given up.
    pub(super) fn is_stretched(&self, now_ms: u64) -> bool {
        self.network == Network::Offline && now_ms < self.stretched_until_ms
    }

    pub(super) fn goes_offline(&mut self, now_ms: u64) {
        self.network = Network::Offline;
        if matches!(self.waiting, Waiting::Start | Waiting::Load | Waiting::Backoff) {
            self.until_ms = self.until_ms.min(now_ms + OFFLINE_RETRY_MS);
        }
        self.represent();
    }

    pub(super) fn goes_online(&mut self, now_ms: u64) {
        let before = std::mem::replace(&mut self.network, Network::Online);
        if before == Network::Offline && self.give_up_ms != NEVER_MS {
            self.give_up_ms = self.give_up_ms.max(now_ms + u64::from(TRY_TIMEOUT_MS));
        }
        match self.waiting {
            Waiting::Backoff => self.send(now_ms),
            Waiting::Restart => self.ask_host(now_ms),
            Waiting::Load if before == Network::Offline => self.load(now_ms),
            _ => self.wake(now_ms),
        }
        self.represent();
    }

    /// In a page that nobody sees, a session that may be over is not kept.
    pub(super) fn page_changes(&mut self, now_ms: u64, page: PageState) {
        self.page = page;
        if page == PageState::Hidden && self.waiting == Waiting::OverdueUser {
            self.idle(now_ms);
        }
    }

    /// When the session at Flinks is estimated to die of idleness. Only a question that waits for its answer is known to die that early.
    pub(super) fn idle_deadline_ms(&self) -> u64 {
        self.heard_ms
            + match self.screen {
                Screen::Question => IDLE_LIMIT_MS,
                Screen::Other => LONG_IDLE_LIMIT_MS,
            }
    }

    fn idle(&mut self, now_ms: u64) {
        let deadline_ms = self.idle_deadline_ms();
        let last_ms = self.heard_ms + LONG_IDLE_LIMIT_MS;
        if now_ms < deadline_ms {
            self.wait(Waiting::WarnedUser, deadline_ms);
            self.show(if self.can_start() { View::Replaceable } else { View::Expiring });
            self.emit(Event::Expiring { remaining_ms: deadline_ms - now_ms });
        } else if now_ms < last_ms && self.page == PageState::Visible {
            self.wait(Waiting::OverdueUser, last_ms);
            self.show(if self.can_start() { View::OverdueReplaceable } else { View::Overdue });
        } else {
            // No renewal: nobody may get a code from their bank because a tab was left open.
            self.fail_with(ErrorCode::SessionExpired);
        }
    }

    /// Flinks says that the session is dead: ask the host for another, once, while the user is there for it.
    pub(super) fn session_over(&mut self, now_ms: u64, flinks_code: &'static str) {
        if self.may_renew(now_ms) && !self.renewals.session {
            self.renewals.session = true;
            self.renew(now_ms);
        } else {
            let failure = self.failure(ErrorCode::SessionExpired);
            self.fail(Failure { flinks_code: Some(flinks_code), ..failure });
        }
    }

    /// Flinks refused the token: the host is asked for the other kind, for Flinks does not say which it wants.
    pub(super) fn token_refused(&mut self, now_ms: u64) {
        self.start_after = StartAfter::TokenInvalid;
        self.token_invalid(now_ms);
    }

    /// The token was refused, or will be: ask the host for another, once, while the user is there for it.
    pub(super) fn token_invalid(&mut self, now_ms: u64) {
        if self.may_renew(now_ms) && !self.renewals.token {
            self.renewals.token = true;
            self.renew(now_ms);
        } else {
            let failure = self.failure(ErrorCode::TokenInvalid);
            self.fail(Failure { flinks_code: Some(step::TOKEN_INVALID), ..failure });
        }
    }

    /// Whether a session may be begun anew without a click: it may make the bank send a code, so somebody must just have done something.
    fn may_renew(&self, now_ms: u64) -> bool {
        self.can_start() && self.page == PageState::Visible && now_ms <= self.fresh_until_ms
    }
}
