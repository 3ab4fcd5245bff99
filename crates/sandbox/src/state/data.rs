//! Fetching what a session was opened for: account details, summaries, statements.
//!
//! Invariants: the first call only starts the work (202); the result comes when the sandbox's processing time has passed; account
//! details can be fetched once and end the session; an account outside Connect's filter never comes out.

use flinks_connect::code::{self, FlinksCode};
use flinks_connect::id::{AccountId, RequestId};
use jiff::ToSpan;
use jiff::civil::Date;

use super::State;
use super::session::{Ending, Freshness, Phase, Session};
use crate::bank::account::{self, Account};
use crate::bank::ledger::{self, Ledger, Transaction};
use crate::bank::user::Behaviour;

/// What can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// Accounts with their transactions.
    Detail,
    /// Accounts without.
    Summary,
    /// Statements as PDF.
    Statements,
}

/// Work that was started.
#[derive(Clone, Debug)]
pub struct Operation {
    /// When its result is there.
    pub ready_ms: u64,
    order: Order,
}

/// What the result is to hold.
#[derive(Clone, Debug)]
pub struct Order {
    /// The only accounts wanted; none means all.
    pub accounts: Option<Vec<AccountId>>,
    /// How far back transactions go.
    pub history: History,
    /// Whether account numbers are wanted.
    pub identity: Part,
    /// Whether the holder is wanted.
    pub holder: Part,
    /// Whether balances are wanted.
    pub balance: Part,
    /// How many monthly statements are wanted.
    pub statements: u8,
}

/// Whether a part of the result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Wanted.
    Included,
    /// Left out.
    Omitted,
}

/// How far back transactions go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// `WithTransactions: false`.
    Nothing,
    /// `Days90`.
    Days90,
    /// `Days365`.
    Days365,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            accounts: None,
            history: History::Days90,
            identity: Part::Included,
            holder: Part::Included,
            balance: Part::Included,
            statements: 1,
        }
    }
}

/// What a data call yields.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// 202: not yet.
    Pending(FlinksCode),
    /// 200.
    Ready(Box<Dataset>),
    /// An error code.
    Refused(FlinksCode),
}

/// One account with what was ordered of it.
#[derive(Clone, Debug)]
pub struct AccountData {
    /// The account.
    pub account: Account,
    /// Its balance; on credit accounts what is owed.
    pub balance_cents: i64,
    /// Its transactions, newest first; none when they were not ordered.
    pub transactions: Option<Vec<Transaction>>,
}

/// The result of an order.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The session as it was when the data was fetched.
    pub session: Session,
    /// What was ordered.
    pub order: Order,
    /// The day the data is of.
    pub day: Date,
    /// The accounts.
    pub accounts: Vec<AccountData>,
}

impl State {
    /// A data call: starts the work, or fetches its result.
    pub fn order(&mut self, now_ms: u64, product: Product, id: &RequestId, order: Order) -> Delivery {
        let session = match self.authorized(now_ms, id) {
            Ok(session) => session,
            Err(code) => return Delivery::Refused(code),
        };
        if let Some(operation) = session.operations.get_mut(&product) {
            operation.order = order;
            return self.fetch(now_ms, product, id);
        }
        self.begin(now_ms, product, id, order)
    }

    /// An `…Async` call: fetches the result of what was started. Flinks begins to fetch by itself once a session is authorised,
    /// so asking without an order starts the ordinary one.
    pub fn poll(&mut self, now_ms: u64, product: Product, id: &RequestId) -> Delivery {
        match self.authorized(now_ms, id) {
            Err(code) => Delivery::Refused(code),
            Ok(session) if session.operations.contains_key(&product) => self.fetch(now_ms, product, id),
            Ok(_) => self.begin(now_ms, product, id, Order::default()),
        }
    }

    fn authorized(&mut self, now_ms: u64, id: &RequestId) -> Result<&mut Session, FlinksCode> {
        self.expire(now_ms);
        let session = self.sessions.get_mut(id).ok_or(code::SESSION_NONEXISTENT)?;
        session.touch(now_ms);
        match &session.phase {
            Phase::Asking { .. } => Err(code::UNAUTHORIZED),
            Phase::Over(ending) => Err(ending.code()),
            Phase::Authorized { .. } => Ok(session),
        }
    }

    fn begin(&mut self, now_ms: u64, product: Product, id: &RequestId, order: Order) -> Delivery {
        let ready_ms = now_ms + self.settings.processing_ms;
        let Some(session) = self.sessions.get_mut(id) else { return Delivery::Refused(code::SESSION_NONEXISTENT) };
        session.operations.insert(product, Operation { ready_ms, order });
        // Ready at once where there is nothing to wait for; otherwise pending.
        self.fetch(now_ms, product, id)
    }

    fn fetch(&mut self, now_ms: u64, product: Product, id: &RequestId) -> Delivery {
        let seed = self.settings.seed;
        let Some(session) = self.sessions.get_mut(id) else { return Delivery::Refused(code::SESSION_NONEXISTENT) };
        let Some(operation) = session.operations.get(&product) else {
            return Delivery::Pending(code::OPERATION_PENDING);
        };
        if now_ms < operation.ready_ms {
            return Delivery::Pending(pending_code(session));
        }
        let dataset = collect(seed, now_ms, session, operation.order.clone());
        if product == Product::Detail {
            session.phase = Phase::Over(Ending::Consumed);
        }
        Delivery::Ready(Box::new(dataset))
    }
}

fn pending_code(session: &Session) -> FlinksCode {
    match session.identity.user.behaviour {
        Behaviour::Dawdles => code::OPERATION_DISPATCHED,
        Behaviour::Asks | Behaviour::LetsIn | Behaviour::Refuses(_) => code::OPERATION_PENDING,
    }
}

pub(crate) fn collect(seed: u64, now_ms: u64, session: &Session, order: Order) -> Dataset {
    let day = ledger::date_at(match session.freshness {
        Freshness::Live => now_ms,
        Freshness::Cached { as_of_ms } => as_of_ms,
    });
    let days = match order.history {
        History::Nothing => None,
        History::Days90 => Some(90),
        History::Days365 => Some(365),
    };
    let first = days.and_then(|days: i64| day.checked_sub(days.days()).ok());
    let books = Ledger::new(seed, &session.identity.login_id);
    let wanted = |account: &Account| {
        let within = |ids: &Option<Vec<AccountId>>| ids.as_ref().is_none_or(|ids| ids.contains(&account.id));
        within(&session.filter) && within(&order.accounts)
    };
    let accounts = account::of_login(&session.identity.login_id)
        .into_iter()
        .filter(wanted)
        .map(|account| AccountData {
            balance_cents: books.balance_cents(account.kind, day),
            transactions: first.map(|first| books.transactions(account.kind, first, day)),
            account,
        })
        .collect();
    Dataset { session: session.clone(), order, day, accounts }
}
