//! The start endpoint's reply. Source: the contract with the backend (README.md, "Your backend").

use super::opening::{Opening, id, text};
use super::output::Mode;
use super::properties::{Properties, Property};
use crate::connect::address::ParseUrl;
use crate::connect::id::{AttemptId, Tag};

/// How long an authorize token is good for when the reply is silent, in milliseconds. Source: Flinks' Reconnect page; other pages of its say
/// thirty minutes, and the shorter errs on the safe side.
pub(super) const TOKEN_LIFE_MS: u64 = 15 * 60_000;

/// What the host's backend said to do.
#[derive(Clone, Debug)]
pub enum StartReply {
    /// Open Connect.
    Open(Box<Attempt>),
    /// Flinks needed nobody: the data is fresh.
    UpToDate,
}

/// One attempt as the host's backend minted it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The attempt's id and idempotency key.
    pub attempt_id: AttemptId,
    /// What Connect is opened for.
    pub mode: Mode,
    /// What it is opened with.
    pub opening: Opening,
    /// How long the authorize token is good for from now on, in milliseconds.
    pub token_life_ms: u64,
}

/// The reply is none of the documented ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartReplyError;

impl From<&'static str> for StartReplyError {
    fn from(_: &'static str) -> Self {
        Self
    }
}

/// A reply's properties. JSON has no `undefined`: `null` is absence.
struct Reply<'a>(&'a dyn Properties);

impl Properties for Reply<'_> {
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    fn get(&self, name: &str) -> Property {
        match self.0.get(name) {
            Property::Null => Property::Absent,
            property => property,
        }
    }
}

impl StartReply {
    /// Reads a reply. Names the contract does not know are passed over: the host may say more than we ask.
    pub fn read(reply: &dyn Properties, parse: ParseUrl) -> Result<Self, StartReplyError> {
        let reply = Reply(reply);
        let mode = match text(&reply, "status")?.as_deref() {
            Some("upToDate") => return Ok(Self::UpToDate),
            Some("connect") => Mode::Connect,
            Some("challenge") => match text(&reply, "mode")?.as_deref() {
                Some("resume") => Mode::Resume,
                Some("refresh") => Mode::Refresh,
                _ => return Err(StartReplyError),
            },
            _ => return Err(StartReplyError),
        };
        let mut attempt = Box::new(Attempt {
            attempt_id: id(&reply, "attemptId", AttemptId::parse)?.ok_or(StartReplyError)?,
            mode,
            opening: Opening::read(&reply, parse)?,
            token_life_ms: token_life_ms(&reply)?,
        });
        if let Some(tag) = id(&reply, "tag", Tag::parse)? {
            attempt.opening.tag = Some(tag);
        }
        match (mode, &attempt.opening.request_id) {
            // There is nothing to come back to, whatever else the reply says.
            (Mode::Connect, _) => attempt.opening.request_id = None,
            (_, None) => return Err(StartReplyError),
            (_, Some(_)) => {}
        }
        Ok(Self::Open(attempt))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and it saturates")]
fn token_life_ms(reply: &dyn Properties) -> Result<u64, StartReplyError> {
    match reply.get("authorizeTokenExpiresInMs") {
        Property::Absent => Ok(TOKEN_LIFE_MS),
        Property::Number(number) if number > 0.0 => Ok(number as u64),
        _ => Err(StartReplyError),
    }
}
