//! What Connect is opened with. The host's options say it, and so does its start reply, under the same names.
//!
//! Invariant: a value that exists is proved; what is wrong is told by the property's name alone, because some values are secrets.

use super::properties::{Properties, Property};
use crate::connect::address::{ConnectUrl, ParseUrl};
use crate::connect::id::{AccountId, AuthorizeToken, RequestId, Tag};
use crate::connect::parameters;
use crate::connect::redirect::MAX_ACCOUNTS;
use crate::connect::{is_all, value_of};

/// Where Connect lives, and what it is told.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Where Connect lives, when this says so.
    pub connect: Option<ConnectUrl>,
    /// The session to come back to; none is the full flow.
    pub request_id: Option<RequestId>,
    /// The token, when the instance wants one.
    pub authorize_token: Option<AuthorizeToken>,
    /// The accounts picked in the original session.
    pub accounts: Vec<AccountId>,
    /// The host's mark.
    pub tag: Option<Tag>,
    /// Further Connect parameters.
    pub params: Vec<(String, String)>,
}

/// The name of the property that is wrong.
pub(super) type Wrong = &'static str;

impl Opening {
    /// Reads the properties that tell it. The mark is a parameter in options, and a property of its own in a reply.
    pub(super) fn read(given: &dyn Properties, parse: ParseUrl) -> Result<Self, Wrong> {
        let mut opening = Self { connect: connect(given, parse)?, ..Self::default() };
        opening.request_id = id(given, "requestId", RequestId::parse)?;
        opening.authorize_token = id(given, "authorizeToken", AuthorizeToken::parse)?;
        opening.accounts = accounts(given)?;
        opening.params = params(given, parse)?;
        opening.tag = value_of(&opening.params, parameters::TAG).and_then(Tag::parse);
        Ok(opening)
    }

    /// Fills in from the options what a start reply left open. Where Connect lives the options say, when they do: no reply moves it.
    pub(super) fn or(&mut self, options: &Self) {
        if options.connect.is_some() {
            self.connect.clone_from(&options.connect);
        }
        if self.accounts.is_empty() {
            self.accounts.clone_from(&options.accounts);
        }
        if self.tag.is_none() {
            self.tag.clone_from(&options.tag);
        }
        for (name, value) in &options.params {
            if value_of(&self.params, name).is_none() {
                self.params.push((name.clone(), value.clone()));
            }
        }
    }
}

/// The text in a property, when there is one.
pub(super) fn text(given: &dyn Properties, name: Wrong) -> Result<Option<String>, Wrong> {
    match given.get(name) {
        Property::Absent => Ok(None),
        Property::Text(text) => Ok(Some(text)),
        _ => Err(name),
    }
}

/// The identifier in a property, when there is one.
pub(super) fn id<Id>(given: &dyn Properties, name: Wrong, parse: fn(&str) -> Option<Id>) -> Result<Option<Id>, Wrong> {
    match text(given, name)? {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or(name),
    }
}

fn connect(given: &dyn Properties, parse: ParseUrl) -> Result<Option<ConnectUrl>, Wrong> {
    match (text(given, "instance")?, text(given, "connectUrl")?) {
        (None, None) => Ok(None),
        (Some(name), None) => ConnectUrl::of_instance(&name, parse).map(Some).map_err(|_| "instance"),
        (None, Some(address)) => ConnectUrl::at(&address, parse).map(Some).map_err(|_| "connectUrl"),
        // One of the two.
        (Some(_), Some(_)) => Err("connectUrl"),
    }
}

fn accounts(given: &dyn Properties) -> Result<Vec<AccountId>, Wrong> {
    const NAME: &str = "resumeSelectedAccounts";
    let mut accounts = Vec::new();
    match given.get(NAME) {
        Property::Absent => {}
        Property::Texts(texts) if texts.len() <= MAX_ACCOUNTS => {
            for text in &texts {
                accounts.push(AccountId::parse(text).ok_or(NAME)?);
            }
        }
        _ => return Err(NAME),
    }
    Ok(accounts)
}

fn params(given: &dyn Properties, parse: ParseUrl) -> Result<Vec<(String, String)>, Wrong> {
    const NAME: &str = "params";
    match given.get(NAME) {
        Property::Absent => Ok(Vec::new()),
        Property::Pairs(pairs) if pairs.iter().all(|(name, value)| is_param(name, value, parse)) => Ok(pairs),
        _ => Err(NAME),
    }
}

fn is_param(name: &str, value: &str, parse: ParseUrl) -> bool {
    let is_name = !name.is_empty() && is_all(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_reserved = parameters::RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
    is_name
        && !is_reserved
        && match name {
            parameters::TAG => Tag::parse(value).is_some(),
            // A REDIRECT is held against it: found wrong only then, the user would have answered for nothing.
            parameters::REDIRECT_URL => parse(value).is_some_and(|url| !url.has_credentials),
            _ => true,
        }
}
