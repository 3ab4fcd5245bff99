//! Authorize tokens: each lets one session begin, or one Connect page load.
//!
//! Invariants: a token is spent by its first use and dies unused after fifteen minutes, or as many as the sandbox was told. The one
//! way to use it again is the API call that goes on with the very session it opened.

use std::collections::HashMap;

use flinks_connect::id::{AuthorizeToken, RequestId};
use serde::{Deserialize, Serialize};

use super::due::DueQueue;
use crate::clock::{DAY_MS, MINUTE_MS};
use crate::faults::SessionToken;

/// How long an unused token is good for, unless told otherwise.
pub const TOKEN_LIFE_MS: u64 = 15 * MINUTE_MS;

/// What a token is shown for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// To begin something new: a session, or a page.
    Begin,
    /// To go on with this session.
    GoOn(&'a RequestId),
}

/// Unknown, used or too old. Flinks does not say which, and neither do we.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

#[derive(Debug)]
enum Condition {
    Fresh,
    Spent,
    /// The session began with it.
    Opened(RequestId),
    /// The session went on with it.
    Joined(RequestId),
}

#[derive(Debug)]
struct Record {
    minted_ms: u64,
    condition: Condition,
}

impl Record {
    fn began(&self, session: &RequestId) -> bool {
        matches!(&self.condition, Condition::Opened(opened) if opened == session)
    }
}

/// A token as it is written to a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    token: String,
    minted_ms: u64,
    is_spent: bool,
    opened: Option<String>,
    #[serde(default)]
    joined: Option<String>,
}

/// Every token that was minted.
#[derive(Debug)]
pub struct TokenBook {
    life_ms: u64,
    tokens: HashMap<AuthorizeToken, Record>,
    due: DueQueue<AuthorizeToken>,
}

impl TokenBook {
    /// A book whose tokens are good for so long.
    #[must_use]
    pub fn new(life_ms: u64) -> Self {
        Self { life_ms, tokens: HashMap::new(), due: DueQueue::default() }
    }

    /// A new token.
    pub fn mint(&mut self, now_ms: u64) -> AuthorizeToken {
        let token = super::mint(AuthorizeToken::parse);
        self.keep(token.clone(), Record { minted_ms: now_ms, condition: Condition::Fresh });
        token
    }

    fn keep(&mut self, token: AuthorizeToken, record: Record) {
        self.due.add(record.minted_ms + DAY_MS, token.clone());
        self.tokens.insert(token, record);
    }

    /// Uses a token.
    pub fn spend(&mut self, now_ms: u64, token: &str, purpose: Purpose<'_>) -> Result<(), Refused> {
        let life_ms = self.life_ms;
        let record = AuthorizeToken::parse(token).and_then(|token| self.tokens.get_mut(&token)).ok_or(Refused)?;
        match (&record.condition, purpose) {
            (Condition::Fresh, _) if now_ms.saturating_sub(record.minted_ms) >= life_ms => Err(Refused),
            (Condition::Fresh, Purpose::Begin) => {
                record.condition = Condition::Spent;
                Ok(())
            }
            (Condition::Fresh, Purpose::GoOn(session)) => {
                record.condition = Condition::Joined(session.clone());
                Ok(())
            }
            (Condition::Opened(known) | Condition::Joined(known), Purpose::GoOn(session)) if known == session => Ok(()),
            (Condition::Opened(_) | Condition::Joined(_) | Condition::Spent, _) => Err(Refused),
        }
    }

    /// Uses a token to go on with a session at a Flinks that wants this kind.
    pub fn go_on(
        &mut self,
        now_ms: u64,
        token: &str,
        session: &RequestId,
        wanted: SessionToken,
    ) -> Result<(), Refused> {
        let is_own = self.began_with(token, session);
        // A session that began on a Connect page began with no token of the API's.
        let has_own = || self.tokens.values().any(|record| record.began(session));
        match wanted {
            SessionToken::Own if !is_own && has_own() => Err(Refused),
            SessionToken::Fresh if is_own => Err(Refused),
            SessionToken::Any | SessionToken::Own | SessionToken::Fresh => {
                self.spend(now_ms, token, Purpose::GoOn(session))
            }
        }
    }

    /// Whether the session began with this token.
    #[must_use]
    pub fn began_with(&self, token: &str, session: &RequestId) -> bool {
        let record = AuthorizeToken::parse(token).and_then(|token| self.tokens.get(&token));
        record.is_some_and(|record| record.began(session))
    }

    /// Notes which session a spent token opened.
    pub fn opened(&mut self, token: &str, session: &RequestId) {
        if let Some(record) = AuthorizeToken::parse(token).and_then(|token| self.tokens.get_mut(&token)) {
            record.condition = Condition::Opened(session.clone());
        }
    }

    /// Every token, as it is written to a file.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let kept = |(token, record): (&AuthorizeToken, &Record)| Kept {
            token: token.as_str().to_owned(),
            minted_ms: record.minted_ms,
            is_spent: !matches!(record.condition, Condition::Fresh),
            opened: match &record.condition {
                Condition::Opened(session) => Some(session.as_str().to_owned()),
                Condition::Fresh | Condition::Spent | Condition::Joined(_) => None,
            },
            joined: match &record.condition {
                Condition::Joined(session) => Some(session.as_str().to_owned()),
                Condition::Fresh | Condition::Spent | Condition::Opened(_) => None,
            },
        };
        let mut all: Vec<_> = self.tokens.iter().map(kept).collect();
        all.sort_by(|one, other| one.token.cmp(&other.token));
        all
    }

    /// Takes tokens in from a file; `None` when one of them is no token.
    pub(crate) fn restore(&mut self, kept: Vec<Kept>) -> Option<()> {
        for Kept { token, minted_ms, is_spent, opened, joined } in kept {
            let condition = match (opened, joined) {
                (Some(session), _) => Condition::Opened(RequestId::parse(&session)?),
                (None, Some(session)) => Condition::Joined(RequestId::parse(&session)?),
                (None, None) if is_spent => Condition::Spent,
                (None, None) => Condition::Fresh,
            };
            self.keep(AuthorizeToken::parse(&token)?, Record { minted_ms, condition });
        }
        Some(())
    }

    /// Forgets tokens nobody can use any more.
    pub fn forget_old(&mut self, now_ms: u64) {
        while let Some(token) = self.due.take(now_ms) {
            self.tokens.remove(&token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(text: &str) -> RequestId {
        RequestId::parse(text).unwrap()
    }

    #[test]
    fn a_token_is_good_once() {
        let mut book = TokenBook::new(TOKEN_LIFE_MS);
        let token = book.mint(0);
        assert_eq!(book.spend(1, token.as_str(), Purpose::Begin), Ok(()));
        assert_eq!(book.spend(2, token.as_str(), Purpose::Begin), Err(Refused));
    }

    #[test]
    fn it_goes_on_only_with_the_session_it_opened() {
        let mut book = TokenBook::new(TOKEN_LIFE_MS);
        let token = book.mint(0);
        book.spend(1, token.as_str(), Purpose::Begin).unwrap();
        book.opened(token.as_str(), &session("session-1"));
        assert_eq!(book.spend(2, token.as_str(), Purpose::GoOn(&session("session-1"))), Ok(()));
        assert_eq!(book.spend(3, token.as_str(), Purpose::GoOn(&session("session-1"))), Ok(()));
        assert_eq!(book.spend(4, token.as_str(), Purpose::GoOn(&session("session-2"))), Err(Refused));
        assert_eq!(book.spend(5, token.as_str(), Purpose::Begin), Err(Refused));
    }

    #[test]
    fn a_session_goes_on_with_the_kind_of_token_that_is_wanted() {
        let id = session("session-1");
        let cases = [
            (SessionToken::Any, Ok(()), Ok(())),
            (SessionToken::Own, Ok(()), Err(Refused)),
            (SessionToken::Fresh, Err(Refused), Ok(())),
        ];
        for (wanted, own, fresh) in cases {
            let mut book = TokenBook::new(TOKEN_LIFE_MS);
            let (first, second) = (book.mint(0), book.mint(0));
            book.spend(1, first.as_str(), Purpose::Begin).unwrap();
            book.opened(first.as_str(), &id);
            assert_eq!(book.go_on(2, second.as_str(), &id, wanted), fresh, "{wanted:?}");
            assert_eq!(book.go_on(3, first.as_str(), &id, wanted), own, "{wanted:?}");
            assert_eq!(book.go_on(4, "d65f1adb-8ebc-48dc-be8b-20c773ba1565", &id, wanted), Err(Refused), "{wanted:?}");
        }
    }

    #[test]
    fn it_dies_unused_after_fifteen_minutes() {
        for (age_ms, expected) in
            [(TOKEN_LIFE_MS - 1, Ok(())), (TOKEN_LIFE_MS, Err(Refused)), (TOKEN_LIFE_MS + 1, Err(Refused))]
        {
            let mut book = TokenBook::new(TOKEN_LIFE_MS);
            let token = book.mint(1_000);
            assert_eq!(book.spend(1_000 + age_ms, token.as_str(), Purpose::Begin), expected, "{age_ms}");
        }
    }

    #[test]
    fn what_was_never_minted_is_refused() {
        assert_eq!(
            TokenBook::new(TOKEN_LIFE_MS).spend(0, "d65f1adb-8ebc-48dc-be8b-20c773ba1565", Purpose::Begin),
            Err(Refused)
        );
        assert_eq!(TokenBook::new(TOKEN_LIFE_MS).spend(0, "", Purpose::Begin), Err(Refused));
    }
}
