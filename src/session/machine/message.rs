//! What Connect's frame says: the last checks before a message is read, and what it means to the session.

use super::super::failure::{ErrorCode, Failure};
use super::super::input::Posted;
use super::super::options::FullFlowPolicy;
use super::super::output::{Event, Mode, Output, Phase, View};
use super::{
    EXPIRY_WARNING_MS, HEIGHTS_PX, IDLE_LIMIT_MS, NEVER_MS, Progress, RATE_BURST, RATE_PER_SECOND, Session, Waiting,
};
use flinks_connect::code::{FlinksCode, Severity};
use flinks_connect::message::{Fields, Message};
use flinks_connect::redirect::{Expected, RedirectError};
use flinks_connect::step::Meaning;

impl Session {
    pub(super) fn posted(&mut self, now_ms: u64, posted: &dyn Posted) {
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
    pub(super) fn trusted(&mut self, now_ms: u64, fields: &dyn Fields) {
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

    pub(super) fn unreadable(&mut self) {
        self.dropped.unreadable = self.dropped.unreadable.saturating_add(1);
    }

    pub(super) fn obey(&mut self, now_ms: u64, code: FlinksCode) {
        match code.severity {
            Severity::SessionOver => self.session_over(now_ms, Some(code.name)),
            Severity::Terminal => {
                self.fail(Failure { flinks_code: Some(code.name), ..self.failure(ErrorCode::Flinks) });
            }
            Severity::Passing | Severity::Correctable => {}
        }
    }

    /// Tells the host what Connect said, known or not.
    pub(super) fn report(&mut self, Message { step, institution, code, .. }: Message) {
        if let Some(step) = step {
            self.emit(Event::Step { step, institution });
        }
        if let Some(flinks_code) = code {
            self.emit(Event::FlinksCode { flinks_code });
        }
    }

    pub(super) fn full_flow(&mut self) {
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
    pub(super) fn resize(&mut self, height_px: Option<f64>) {
        if let Some(height_px) = height_px {
            let (least, most) = HEIGHTS_PX;
            self.order(Output::Resize { height_px: (height_px as u32).clamp(least, most) });
        }
    }
}

/// A token bucket: a burst at once, then so many a second.
/// A token bucket: a burst at once, then so many a second.
pub(super) struct Rate {
    pub(super) tokens: u64,
    pub(super) since_ms: u64,
}

impl Rate {
    pub(super) fn admits(&mut self, now_ms: u64) -> bool {
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
