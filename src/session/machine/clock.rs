//! What happens when time has passed, and when a session or a token has died.

use super::super::delivery::HostAnswer;
use super::super::failure::{ErrorCode, Failure, LoadProblem};
use super::super::output::{Event, View};
use super::{EXPIRY_WARNING_MS, NEVER_MS, Network, Session, Waiting};
use flinks_connect::step;

impl Session {
    pub(super) fn wake(&mut self, now_ms: u64) {
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
    pub(super) fn session_over(&mut self, now_ms: u64, flinks_code: Option<&'static str>) {
        if self.can_start() && !self.renewals.session {
            self.renewals.session = true;
            self.renew(now_ms);
        } else {
            self.fail(Failure { flinks_code, ..self.failure(ErrorCode::SessionExpired) });
        }
    }

    /// The token was refused, or will be: ask the host for another, once.
    pub(super) fn token_invalid(&mut self, now_ms: u64) {
        if self.can_start() && !self.renewals.token {
            self.renewals.token = true;
            self.renew(now_ms);
        } else {
            self.fail(Failure { flinks_code: Some(step::TOKEN_INVALID), ..self.failure(ErrorCode::TokenInvalid) });
        }
    }
}
