//! How a session ends, and what can follow.

use super::super::failure::{ErrorCode, Failure, LoadProblem};
use super::super::options::OnFailure;
use super::super::output::{CompletionNotice, Event, LockMode, Outcome, Output, Phase, View};
use super::{NEVER_MS, Progress, Renewals, Session, Visibility, Waiting};

impl Session {
    /// Closing in the middle of an answer loses it, so it takes a second word.
    pub(super) fn user_closes(&mut self) {
        if self.progress == Progress::Submitted && self.phase == Phase::Active {
            self.progress = Progress::Leaving;
            self.present();
        } else {
            self.cancel();
        }
    }

    /// The user has had enough, maybe because of what Flinks said of their login.
    pub(super) fn cancel(&mut self) {
        match self.refusal {
            Some(_) => self.close(ErrorCode::Flinks),
            None => self.close(ErrorCode::Cancelled),
        }
    }

    pub(super) fn user_stays(&mut self) {
        if self.progress == Progress::Leaving {
            self.progress = Progress::Submitted;
        } else if matches!(self.view, View::Expiring | View::Replaceable | View::Overdue | View::OverdueReplaceable) {
            self.view = View::Connect;
        }
        self.represent();
    }

    pub(super) fn close(&mut self, code: ErrorCode) {
        // Who leaves a failure that a retry could have cured, leaves it at that failure.
        if let Some(failure) = self.failure.take() {
            self.hide(CompletionNotice::None);
            return self.order(Output::Settle(Outcome::Failed(failure)));
        }
        match self.phase {
            // What was accepted is still delivered, and the result settles with it.
            Phase::Delivering | Phase::Done | Phase::Failed | Phase::Closed => self.hide(CompletionNotice::None),
            Phase::Starting | Phase::Loading | Phase::Active => {
                let flinks_code = match code {
                    ErrorCode::Flinks => self.refusal,
                    ErrorCode::Cancelled => self.last_code,
                    _ => None,
                };
                let failure = Failure { flinks_code, ..self.failure(code) };
                self.end(Phase::Closed);
                self.hide(CompletionNotice::None);
                self.order(Output::Settle(Outcome::Failed(failure)));
            }
        }
    }

    pub(super) fn retry(&mut self, now_ms: u64) {
        let Some(failure) = self.failure.take() else { return };
        if failure.phase == Phase::Delivering {
            self.tries_before = self.tries;
            return self.deliver_or_finish(now_ms);
        }
        if failure.code == ErrorCode::Busy {
            self.lock_mode = LockMode::TakeOver;
        }
        self.renewals = Renewals::default();
        self.begin(now_ms, View::Loading);
    }

    pub(super) fn finish(&mut self, outcome: Outcome, notice: CompletionNotice) {
        self.end(Phase::Done);
        self.hide(notice);
        self.order(Output::Settle(outcome));
    }

    pub(super) fn failure(&self, code: ErrorCode) -> Failure {
        Failure {
            code,
            load_problem: LoadProblem::Unknown,
            flinks_code: None,
            http_status: None,
            host_code: None,
            property: None,
            is_retryable: code.is_retryable(self.options.begin_with),
            phase: self.phase,
        }
    }

    pub(super) fn not_loaded(&mut self, load_problem: LoadProblem) {
        self.fail(Failure { load_problem, ..self.failure(ErrorCode::LoadTimeout) });
    }

    pub(super) fn fail_with(&mut self, code: ErrorCode) {
        self.fail(self.failure(code));
    }

    /// The attempt failed. While a retry can cure that and somebody is there to be asked, the result waits.
    pub(super) fn fail(&mut self, failure: Failure) {
        let is_asked = self.options.on_failure == OnFailure::Ask && self.visibility != Visibility::Hidden;
        self.progress = Progress::Nothing;
        self.end(Phase::Failed);
        self.order(Output::CloseFrame);
        if failure.is_retryable && !is_asked {
            self.hide(CompletionNotice::None);
        } else {
            self.show(View::after(&failure));
        }
        self.emit(Event::AttemptFailed(failure.clone()));
        if failure.is_retryable && is_asked {
            self.failure = Some(failure);
        } else {
            self.order(Output::Settle(Outcome::Failed(failure)));
        }
    }

    pub(super) fn end(&mut self, phase: Phase) {
        self.wait(Waiting::Idle, NEVER_MS);
        self.patience_until_ms = NEVER_MS;
        self.give_up_ms = NEVER_MS;
        self.order(Output::ReleaseLock);
        self.enter(phase);
    }
}
