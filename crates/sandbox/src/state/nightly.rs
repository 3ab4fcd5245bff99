//! Nightly Refresh: what Flinks does by itself with the logins it is switched on for.
//!
//! Invariants: a night comes every 24 hours after the sandbox's start, whatever the hour, so that a test does not depend on the time of
//! day it runs at; a leap of a week has seven nights in it. In a night Flinks refreshes every eligible login: stored answers get it past
//! the bank's questions, and what it fails at is the login's last failure, which a cached call repeats.

use flinks_connect::code::{self, FlinksCode};

use super::State;
use super::login::Login;
use crate::bank::question;
use crate::bank::user::Behaviour;
use crate::clock::DAY_MS;
use crate::log::Happening;

/// Nightly Refresh leaves a login alone that was not refreshed, or not asked for, within these days.
const WINDOW_MS: u64 = 7 * DAY_MS;

/// Failures after which Nightly Refresh tries again.
const TOLERATED: &[FlinksCode] = &[
    code::RETRY_LATER,
    code::AGGREGATION_ERROR,
    code::SESSION_EXPIRED,
    code::DISABLED_INSTITUTION,
    code::UNAUTHORIZED,
    code::SESSION_NONEXISTENT,
];

impl State {
    /// Why Nightly Refresh passes over a login although it is switched on; `None` when all is well, or it is off.
    #[must_use]
    pub fn nightly_obstacle(&self, login: &Login, now_ms: u64) -> Option<&'static str> {
        let lately = |moment_ms: u64| now_ms.saturating_sub(moment_ms) < WINDOW_MS;
        let is_tolerated = |failure: &FlinksCode| TOLERATED.iter().any(|code| code.name == failure.name);
        if !login.is_scheduled_refresh {
            return None;
        }
        match &login.last_failure {
            Some(failure) if !is_tolerated(failure) => Some(failure.name),
            _ if !login.last_refresh_ms.is_some_and(lately) => Some("No successful refresh in the last 7 days"),
            // Who has webhooks need not ask.
            _ if self.outbox.target().is_none() && !lately(login.last_asked_ms) => {
                Some("No cached call in the last 7 days")
            }
            _ => None,
        }
    }

    /// Lives through the nights that have come since the last one.
    pub(super) fn spend_nights(&mut self, now_ms: u64) {
        while self.next_night_ms <= now_ms {
            self.refresh_all(self.next_night_ms);
            self.next_night_ms += DAY_MS;
        }
    }

    fn refresh_all(&mut self, night_ms: u64) {
        let is_due = |login: &&Login| login.is_scheduled_refresh && self.nightly_obstacle(login, night_ms).is_none();
        let due: Vec<_> = self.logins.iter().filter(is_due).map(|login| login.identity.login_id.clone()).collect();
        let bank_refusal = self.faults.bank_refusal();
        for id in due {
            let Some(login) = self.logins.get_mut(&id) else { continue };
            let failure = bank_refusal.or_else(|| refusal(login));
            login.last_failure = failure;
            if failure.is_none() {
                login.last_refresh_ms = Some(night_ms);
            }
            let code = failure.map(|code| code.name);
            self.log.write(night_ms, Happening::NightlyRefresh { login_id: id.as_str().to_owned(), code });
        }
    }
}

/// Why the bank does not let Flinks in when nobody is there to answer.
fn refusal(login: &Login) -> Option<FlinksCode> {
    match login.identity.user.behaviour {
        Behaviour::Asks if login.answered_ahead() < question::ALL.len() => Some(code::QUESTION_NOT_FOUND),
        Behaviour::Refuses(code) => Some(code),
        Behaviour::Asks | Behaviour::LetsIn | Behaviour::Dawdles => None,
    }
}
