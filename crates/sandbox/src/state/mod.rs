//! What the sandbox knows: tokens, logins, sessions, open pages, faults and the log.
//!
//! Invariants: no clock, no I/O, no HTTP: every operation takes `now_ms` and is a plain function of the state; anything that has
//! lived too long is ended before anything else happens; no operation panics on any input.

pub mod authorize;
pub mod data;
mod due;
pub mod login;
pub mod nightly;
pub mod session;
pub mod token;
pub mod webhook;

use std::collections::HashMap;

use flinks_connect::code;
use flinks_connect::id::LoginId;
use uuid::Uuid;

use self::due::DueQueue;
use self::login::LoginBook;
use self::session::SessionBook;
use self::token::TokenBook;
use self::webhook::{Outbox, Webhook};
use crate::clock::DAY_MS;
use crate::config::Reach;
use crate::entropy;
use crate::faults::Faults;
use crate::log::Log;
use crate::page::visit::{Visit, VisitId};
use crate::visitor;

/// What does not change while a sandbox runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The customer in every API path.
    pub customer_id: String,
    /// Opens `GenerateAuthorizeToken`.
    pub secret_key: String,
    /// Opens the data endpoints.
    pub api_key: String,
    /// How long data takes.
    pub processing_ms: u64,
    /// How long an unused authorize token is good for.
    pub token_life_ms: u64,
    /// What the accounts grow from.
    pub seed: u64,
    /// Where webhooks go until told otherwise.
    pub webhook: Option<Webhook>,
    /// Where the control interface may send webhooks.
    pub webhook_reach: Reach,
}

impl Settings {
    /// Whether the control interface may send webhooks there: on this machine, or where the sandbox was told to send them at its start.
    #[must_use]
    pub fn lets_webhooks_go_to(&self, url: &str) -> bool {
        let is_own = self.webhook.as_ref().is_some_and(|own| own.url == url);
        self.webhook_reach == Reach::Anywhere || is_own || visitor::is_loopback(url)
    }
}

/// Everything that changes.
#[derive(Debug)]
pub struct State {
    /// What does not.
    pub settings: Settings,
    /// Authorize tokens.
    pub tokens: TokenBook,
    /// Stored connections.
    pub logins: LoginBook,
    /// Sessions by `requestId`.
    pub sessions: SessionBook,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What was received and posted.
    pub log: Log,
    /// Webhooks on their way.
    pub outbox: Outbox,
    /// When Nightly Refresh runs next.
    pub(crate) next_night_ms: u64,
    /// Open pages; none in the place of one that is being worked on.
    visits: HashMap<VisitId, Option<Visit>>,
    visits_due: DueQueue<VisitId>,
}

impl State {
    /// A sandbox in which nothing has happened but the seeded logins.
    #[must_use]
    pub fn new(settings: Settings, now_ms: u64) -> Self {
        Self {
            outbox: Outbox::new(settings.webhook.clone(), Vec::new()),
            tokens: TokenBook::new(settings.token_life_ms),
            settings,
            logins: LoginBook::seeded(now_ms),
            sessions: SessionBook::default(),
            faults: Faults::default(),
            log: Log::default(),
            next_night_ms: now_ms + DAY_MS,
            visits: HashMap::new(),
            visits_due: DueQueue::default(),
        }
    }

    /// Back to the beginning.
    pub fn reset(&mut self, now_ms: u64) {
        *self = Self::new(self.settings.clone(), now_ms);
    }

    /// Ends and forgets what is too old, and lives through the nights. Every operation begins with this.
    pub fn expire(&mut self, now_ms: u64) {
        for login in self.sessions.expire(now_ms) {
            self.unanswered(&login);
        }
        self.spend_nights(now_ms);
        self.tokens.forget_old(now_ms);
        self.forget_visits(now_ms);
    }

    fn forget_visits(&mut self, now_ms: u64) {
        while let Some(id) = self.visits_due.take(now_ms) {
            match self.visits.get(&id).and_then(Option::as_ref).map(|visit| visit.last_seen_ms() + DAY_MS) {
                Some(due_ms) if due_ms > now_ms => self.visits_due.add(due_ms, id),
                _ => drop(self.visits.remove(&id)),
            }
        }
    }

    /// Puts an open page back, or in for the first time.
    pub fn keep_visit(&mut self, id: VisitId, visit: Visit) {
        let due_ms = visit.last_seen_ms() + DAY_MS;
        if self.visits.insert(id, Some(visit)).is_none() {
            self.visits_due.add(due_ms, id);
        }
    }

    /// Takes an open page out to work on it.
    pub fn take_visit(&mut self, id: &VisitId) -> Option<Visit> {
        self.visits.get_mut(id)?.take()
    }

    /// A live attempt died at the questions: the next cached call says so.
    fn unanswered(&mut self, login: &LoginId) {
        if let Some(login) = self.logins.get_mut(login) {
            login.last_failure = Some(code::QUESTION_NOT_FOUND);
        }
    }
}

/// A new random identifier.
pub(crate) fn mint<Id>(parse: fn(&str) -> Option<Id>) -> Id {
    mint_from(parse, entropy::uuid)
}

/// An identifier made of a UUID. Every UUID matches the grammar of ids; the loop only stands where a panic would.
pub(crate) fn mint_from<Id>(parse: fn(&str) -> Option<Id>, draw: impl Fn() -> Uuid) -> Id {
    loop {
        if let Some(id) = parse(&draw().to_string()) {
            return id;
        }
    }
}
