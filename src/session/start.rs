//! The start endpoint's reply. Source: the contract with the backend (README.md, "Your backend").

use super::launch_settings::LaunchSettings;
use super::output::Mode;
use super::properties::{Properties, Property, Reader};
use flinks_connect::address::ParseUrl;
use flinks_connect::id::{AttemptId, Tag};

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
    pub settings: LaunchSettings,
    /// How long the authorize token is good for from now on, in milliseconds.
    pub token_life_ms: u64,
}

/// The reply is none of the documented ones: the name of the property that is wrong or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartReplyError(pub &'static str);

impl StartReply {
    /// Reads a reply. Names the contract does not know are passed over: the host may say more than we ask.
    pub fn read(mut reply: Properties, parse: ParseUrl) -> Result<Self, StartReplyError> {
        // JSON has no `undefined`: `null` is absence.
        reply.0.retain(|(_, property)| !matches!(property, Property::Null));
        let reader = &mut Reader::new(&reply, parse);
        let mode = match (reader.text("status"), reader.text("mode")) {
            (Some("upToDate"), _) => return Ok(Self::UpToDate),
            (Some("connect"), _) => Mode::Connect,
            (Some("challenge"), Some("resume")) => Mode::Resume,
            (Some("challenge"), Some("refresh")) => Mode::Refresh,
            (Some("challenge"), _) => return Err(StartReplyError("mode")),
            _ => return Err(StartReplyError("status")),
        };
        let mut settings = LaunchSettings::read(reader);
        if let Some(tag) = reader.id("tag", Tag::parse) {
            settings.tag = Some(tag);
        }
        match (mode, &settings.request_id) {
            // There is nothing to come back to, whatever else the reply says.
            (Mode::Connect, _) => settings.request_id = None,
            (_, None) => reader.refuse("requestId"),
            (_, Some(_)) => {}
        }
        let token_life_ms = reader.milliseconds("authorizeTokenExpiresInMs", TOKEN_LIFE_MS, f64::MAX);
        match (reader.id("attemptId", AttemptId::parse), reader.wrong()) {
            (Some(attempt_id), None) => Ok(Self::Open(Box::new(Attempt { attempt_id, mode, settings, token_life_ms }))),
            (_, wrong) => Err(StartReplyError(wrong.unwrap_or("attemptId"))),
        }
    }
}
