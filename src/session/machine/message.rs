//! What Connect's frame says: the last checks before a message is read, and what it means to the session.

use super::super::failure::ErrorCode;
use super::super::input::Posted;
use super::super::options::FullFlowPolicy;
use super::super::output::{Event, Mode, Output, Phase, View};
use super::{
    EXPIRY_WARNING_MS, FRESH_MS, Flow, HEIGHTS_PX, NEVER_MS, Network, Progress, RATE_BURST, RATE_PER_SECOND, Screen,
    Session, Waiting,
};
use flinks_connect::address::ConnectUrl;
use flinks_connect::code::{FlinksCode, Severity};
use flinks_connect::message::{Fields, Message};
use flinks_connect::redirect::Expected;
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
    fn trusted(&mut self, now_ms: u64, fields: &dyn Fields) {
        let Some(mut message) = Message::read(fields) else { return self.unreadable() };
        let (meaning, documented) = (message.meaning, message.documented);
        let redirect = match meaning {
            Meaning::Redirect => {
                let settings = &self.attempt.settings;
                let expected = Expected {
                    tag: settings.tag.as_ref(),
                    redirect_url: settings.redirect_url(),
                    ends_inside: settings.ends_inside(),
                    base: settings.connect.as_ref().map_or("", ConnectUrl::base),
                };
                Some(Message::redirect(fields, self.parse, expected))
            }
            _ => None,
        };
        // Browsers are wrong about the network behind some VPNs: who speaks is there, unless it says that it is not.
        if meaning != Meaning::Offline {
            self.network = Network::Online;
        }
        if let Some(request_id) = message.request_id.take() {
            self.request_id = Some(request_id);
        }
        if self.phase == Phase::Delivering {
            self.report(message);
            if let Some(Ok(redirect)) = redirect {
                self.repeated(now_ms, *redirect);
            }
            return self.represent();
        }
        // Our own words take room from Connect, which then says its new size: that is no sign of the user's.
        let is_echo = meaning == Meaning::Resized
            && (self.view == View::PopupBlocked || matches!(self.waiting, Waiting::WarnedUser | Waiting::OverdueUser));
        if !is_echo {
            self.note(now_ms, meaning, documented.as_ref());
            self.show(if meaning == Meaning::PopupBlocked { View::PopupBlocked } else { View::Connect });
            self.wait(Waiting::User, self.idle_deadline_ms() - EXPIRY_WARNING_MS);
        }
        self.patience_until_ms = NEVER_MS;
        if self.phase == Phase::Loading {
            self.enter(Phase::Active);
        }
        self.report(message);
        match meaning {
            Meaning::FullFlow => self.full_flow(),
            Meaning::Closed | Meaning::Denied => self.cancel(),
            Meaning::TokenInvalid => self.token_refused(now_ms),
            Meaning::Redirect => match redirect {
                Some(Ok(redirect)) => self.accept(now_ms, *redirect),
                Some(Err(_)) | None => self.fail_with(ErrorCode::Conflict),
            },
            Meaning::Resized => self.resize(Message::height(fields)),
            Meaning::Mounted
            | Meaning::Mfa
            | Meaning::Screen
            | Meaning::Window
            | Meaning::Submitted
            | Meaning::SignedIn
            | Meaning::PopupBlocked
            | Meaning::Offline
            | Meaning::Passing => {}
        }
        if let Some(FlinksCode { severity: Severity::SessionOver, name, .. }) = documented
            && self.phase == Phase::Active
        {
            self.session_over(now_ms, name);
        }
    }

    fn unreadable(&mut self) {
        self.dropped.unreadable = self.dropped.unreadable.saturating_add(1);
    }

    /// What a message says about where the user is.
    fn note(&mut self, now_ms: u64, meaning: Meaning, code: Option<&FlinksCode>) {
        self.heard_ms = now_ms;
        let screen = match meaning {
            Meaning::Mfa => Some(Screen::Question),
            Meaning::FullFlow | Meaning::Screen | Meaning::Window | Meaning::Submitted | Meaning::SignedIn => {
                Some(Screen::Other)
            }
            _ => None,
        };
        if let Some(screen) = screen {
            self.screen = screen;
            // The user went on: a later closing is not because of it.
            self.refusal = None;
        }
        if matches!(meaning, Meaning::Submitted | Meaning::SignedIn) {
            self.fresh_until_ms = now_ms + FRESH_MS;
            if self.progress == Progress::Nothing {
                self.progress = Progress::Submitted;
            }
        }
        // Banks with OAuth submit no credentials here: they open a window of their own.
        if meaning == Meaning::SignedIn || (meaning == Meaning::Window && self.flow == Flow::FullFlowShown) {
            self.flow = Flow::FullFlowEntered;
        }
        if let Some(code) = code {
            self.last_code = Some(code.name);
            if code.severity == Severity::Refused {
                self.refusal = Some(code.name);
                // There is no answer left to lose.
                self.progress = Progress::Nothing;
            }
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

    /// The bank list or the credential form is seen, maybe for a moment only: the mode of the result changes later.
    fn full_flow(&mut self) {
        if self.attempt.mode == Mode::Connect || self.flow != Flow::Reconnect {
            return;
        }
        self.flow = Flow::FullFlowShown;
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
}

/// A token bucket: a burst at once, then so many a second.
pub(super) struct Rate {
    pub(super) tokens: u64,
    pub(super) since_ms: u64,
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
