//! The result: accepted once, delivered at least once.

use std::rc::Rc;

use super::super::delivery::{self, HostAnswer, Keepalive, TRY_TIMEOUT_MS, Verdict};
use super::super::failure::ErrorCode;
use super::super::options::Destination;
use super::super::output::{CompletionNotice, Event, Mode, Outcome, Output, Phase, Reconnected, View};
use super::super::start::Attempt;
use super::{Flow, LOGIN_WAIT_MS, Network, OFFLINE_LIMIT_MS, Progress, Session, Waiting};
use flinks_connect::redirect::Redirect;

impl Session {
    /// Takes in the REDIRECT that makes the result. One that names no login waits for another that does: Flinks documents no shape, and the
    /// login is what the page can see.
    pub(super) fn accept(&mut self, now_ms: u64, redirect: Redirect) {
        let Attempt { attempt_id, mode, settings, .. } = &*self.attempt;
        let Redirect { login_id, request_id, institution, accounts, tag } = redirect;
        if request_id.is_some() {
            self.request_id.clone_from(&request_id);
        }
        let is_named = login_id.is_some();
        self.result = Some(Rc::new(Reconnected {
            attempt_id: attempt_id.clone(),
            mode: if self.flow == Flow::FullFlowEntered { Mode::Connect } else { *mode },
            login_id,
            request_id: request_id.or_else(|| settings.request_id.clone()).or_else(|| self.request_id.clone()),
            institution,
            account_ids: if accounts.is_empty() { settings.accounts.ids() } else { accounts },
            tag: tag.or_else(|| settings.tag.clone()),
        }));
        self.progress = Progress::Nothing;
        if is_named {
            self.deliver_or_finish(now_ms);
        } else {
            self.enter(Phase::Delivering);
            self.show(View::Delivering);
            self.wait(Waiting::Login, now_ms + LOGIN_WAIT_MS);
        }
    }

    /// No REDIRECT named the login in time: the backend can ask Flinks for it, by the session.
    pub(super) fn deliver_without_login(&mut self, now_ms: u64) {
        let is_known_at_flinks = self.result.as_ref().is_some_and(|result| result.request_id.is_some());
        if self.options.destination == Destination::Backend && is_known_at_flinks {
            self.deliver_or_finish(now_ms);
        } else {
            self.fail_with(ErrorCode::Conflict);
        }
    }

    /// A REDIRECT while the result of another is on its way. What is under way is what the backend may have accepted already, so nothing
    /// ends it; but where the login has no name yet, this one may have it.
    pub(super) fn repeated(&mut self, now_ms: u64, redirect: Redirect) {
        let is_nameless = self.result.as_ref().is_some_and(|result| result.login_id.is_none());
        if !is_nameless || redirect.login_id.is_none() {
            return;
        }
        if self.waiting == Waiting::Login {
            self.accept(now_ms, redirect);
        } else if self.late_login.is_none() {
            self.late_login = redirect.login_id;
        }
    }

    pub(super) fn deliver_or_finish(&mut self, now_ms: u64) {
        match self.options.destination {
            Destination::Backend => {
                self.enter(Phase::Delivering);
                self.show(View::Delivering);
                self.give_up_ms = now_ms + self.options.deliver_timeout_ms;
                self.stretched_until_ms = self.give_up_ms + OFFLINE_LIMIT_MS;
                self.was_redirected = false;
                self.send(now_ms);
            }
            Destination::Page => self.reconnected(),
        }
    }

    pub(super) fn reconnected(&mut self) {
        if let Some(result) = self.result.clone() {
            let late_login = self.late_login.take();
            self.finish(Outcome::Reconnected { result, late_login }, CompletionNotice::Announced);
        }
    }

    pub(super) fn send(&mut self, now_ms: u64) {
        let Some(delivery) = self.result.clone() else { return };
        self.tries += 1;
        self.wait(Waiting::Answer, now_ms + u64::from(TRY_TIMEOUT_MS));
        self.order(Output::Deliver { try_number: self.tries, delivery, keepalive: self.keepalive });
    }

    /// The page is being left: what is not sent so that it outlives the page is sent now or never.
    pub(super) fn page_is_left(&mut self, now_ms: u64) {
        let is_kept_alive = std::mem::replace(&mut self.keepalive, Keepalive::On) == Keepalive::On;
        match self.waiting {
            Waiting::Login => self.deliver_without_login(now_ms),
            Waiting::Backoff => self.send(now_ms),
            Waiting::Answer if !is_kept_alive => self.send(now_ms),
            _ => {}
        }
    }

    pub(super) fn tries_in_this_round(&self) -> u32 {
        self.tries - self.tries_before
    }

    pub(super) fn delivered(&mut self, now_ms: u64, answer: &HostAnswer) {
        if self.waiting != Waiting::Answer {
            return;
        }
        self.keepalive = match (answer, self.keepalive) {
            // The browser may have refused it, which looks like no answer.
            (HostAnswer::Unreachable, Keepalive::On) => Keepalive::Off,
            _ => Keepalive::On,
        };
        if *answer != HostAnswer::Unreachable {
            self.network = Network::Online;
        }
        match delivery::judge(answer) {
            Verdict::Received => self.reconnected(),
            Verdict::TryAgain { retry_after_ms } => self.try_again(now_ms, retry_after_ms),
            Verdict::Redirected if !std::mem::replace(&mut self.was_redirected, true) => self.try_again(now_ms, None),
            Verdict::Redirected | Verdict::SignedOut => self.refused(ErrorCode::SignedOut, answer),
            Verdict::LoginMismatch => self.refused(ErrorCode::LoginMismatch, answer),
            Verdict::Rejected => self.refused(ErrorCode::Rejected, answer),
        }
    }

    fn try_again(&mut self, now_ms: u64, retry_after_ms: Option<u64>) {
        let tried = self.tries_in_this_round();
        // What the host asks for beyond the time that is left is cut, so that there is time for one more try.
        let left_ms = self.give_up_ms.saturating_sub(now_ms + u64::from(TRY_TIMEOUT_MS));
        let delay_ms = delivery::delay_ms(tried, retry_after_ms.map(|ms| ms.min(left_ms)), &mut self.random);
        self.wait(Waiting::Backoff, now_ms + delay_ms);
        self.show(View::Retrying);
        self.emit(Event::Retrying { attempt: tried + 1, delay_ms });
    }

    fn refused(&mut self, code: ErrorCode, answer: &HostAnswer) {
        self.fail(self.failure(code).answered(answer));
    }
}
