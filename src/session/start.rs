//! The start endpoint's reply. Source: the contract with the backend (README.md, "Your backend").

use super::options::{Properties, Property, accounts, params};
use super::output::Mode;
use crate::connect::address::{ConnectUrl, ParseUrl};
use crate::connect::id::{AccountId, AttemptId, AuthorizeToken, RequestId, Tag};

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
    /// The session to come back to; none in the full flow.
    pub request_id: Option<RequestId>,
    /// The token, when the instance wants one.
    pub authorize_token: Option<AuthorizeToken>,
    /// The accounts picked in the original session, when the reply says.
    pub accounts: Vec<AccountId>,
    /// The host's mark.
    pub tag: Option<Tag>,
    /// Where Connect lives, when the reply says.
    pub connect: Option<ConnectUrl>,
    /// Further Connect parameters.
    pub params: Vec<(String, String)>,
}

/// The reply is none of the documented ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartReplyError;

impl StartReply {
    /// Reads a reply. Names the contract does not know are passed over: the host may say more than we ask.
    pub fn read(reply: &dyn Properties, parse: ParseUrl) -> Result<Self, StartReplyError> {
        match text(reply, "status")?.as_deref() {
            Some("upToDate") => Ok(Self::UpToDate),
            Some("challenge") => {
                let mode = match text(reply, "mode")?.as_deref() {
                    Some("resume") => Mode::Resume,
                    Some("refresh") => Mode::Refresh,
                    _ => return Err(StartReplyError),
                };
                let request_id = id(reply, "requestId", RequestId::parse)?.ok_or(StartReplyError)?;
                attempt(reply, mode, Some(request_id), parse)
            }
            Some("connect") => attempt(reply, Mode::Connect, None, parse),
            _ => Err(StartReplyError),
        }
    }
}

fn attempt(
    reply: &dyn Properties,
    mode: Mode,
    request_id: Option<RequestId>,
    parse: ParseUrl,
) -> Result<StartReply, StartReplyError> {
    let connect = match (text(reply, "instance")?, text(reply, "connectUrl")?) {
        (None, None) => None,
        (Some(name), None) => Some(ConnectUrl::of_instance(&name, parse).map_err(|_| StartReplyError)?),
        (None, Some(address)) => Some(ConnectUrl::at(&address, parse).map_err(|_| StartReplyError)?),
        (Some(_), Some(_)) => return Err(StartReplyError),
    };
    // Filled in place: one value to drop, wherever reading ends.
    let mut attempt = Box::new(Attempt {
        attempt_id: id(reply, "attemptId", AttemptId::parse)?.ok_or(StartReplyError)?,
        mode,
        request_id,
        authorize_token: None,
        accounts: Vec::new(),
        tag: None,
        connect,
        params: Vec::new(),
    });
    attempt.authorize_token = id(reply, "authorizeToken", AuthorizeToken::parse)?;
    attempt.accounts = accounts(present(reply, "resumeSelectedAccounts")).ok_or(StartReplyError)?;
    attempt.tag = id(reply, "tag", Tag::parse)?;
    attempt.params = params(present(reply, "params"), parse).map_err(|_| StartReplyError)?;
    Ok(StartReply::Open(attempt))
}

/// JSON has no `undefined`: in a reply, `null` is absence.
fn present(reply: &dyn Properties, name: &str) -> Property {
    match reply.get(name) {
        Property::Null => Property::Absent,
        property => property,
    }
}

fn text(reply: &dyn Properties, name: &str) -> Result<Option<String>, StartReplyError> {
    match present(reply, name) {
        Property::Absent => Ok(None),
        Property::Text(text) => Ok(Some(text)),
        _ => Err(StartReplyError),
    }
}

fn id<Id>(reply: &dyn Properties, name: &str, parse: fn(&str) -> Option<Id>) -> Result<Option<Id>, StartReplyError> {
    text(reply, name)?.map(|text| parse(&text).ok_or(StartReplyError)).transpose()
}
