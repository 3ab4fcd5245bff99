//! The result: accepted once, delivered at least once.

use std::rc::Rc;

use super::super::delivery::{self, HostAnswer, Verdict};
use super::super::failure::ErrorCode;
use super::super::options::Destination;
use super::super::output::{CompletionNotice, Event, Mode, Outcome, Output, Phase, Reconnected, View};
use super::super::start::Attempt;
use super::{Progress, Session, Waiting};
use flinks_connect::redirect::{Redirect, RedirectError};

impl Session {
    pub(super) fn accept(&mut self, now_ms: u64, redirect: Redirect) {
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
    pub(super) fn repeated(&mut self, redirect: Result<Box<Redirect>, RedirectError>) {
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

    pub(super) fn deliver_or_finish(&mut self, now_ms: u64) {
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

    pub(super) fn reconnected(&mut self) {
        if let Some(result) = self.result.clone() {
            self.finish(Outcome::Reconnected(result), CompletionNotice::Announced);
        }
    }

    pub(super) fn send(&mut self, now_ms: u64) {
        let Some(delivery) = self.result.clone() else { return };
        self.tries += 1;
        self.wait(Waiting::Answer, now_ms + u64::from(delivery::TRY_TIMEOUT_MS));
        self.order(Output::Deliver { try_number: self.tries, delivery });
    }

    pub(super) fn delivered(&mut self, now_ms: u64, answer: &HostAnswer) {
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
}
