//! What Connect is opened with. The host's options say it, and so does its start reply, under the same names.
//!
//! Invariant: a value that exists is proved.

use std::fmt;

use super::properties::{Property, Reader};
use flinks_connect::address::{ConnectUrl, ParseUrl};
use flinks_connect::id::{AccountId, AuthorizeToken, RequestId, Tag};
use flinks_connect::message::MAX_URL_LEN;
use flinks_connect::parameters::{self, Language, value_of};
use flinks_connect::redirect::{MAX_ACCOUNTS, add_accounts};

/// The accounts picked in the original session, as they travel: ids with commas between them, or whatever the host says instead, for
/// Flinks does not document the syntax.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SelectedAccounts(String);

impl SelectedAccounts {
    /// The parameter's value, when there are any.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }

    /// The ids that can be read in it.
    #[must_use]
    pub fn ids(&self) -> Vec<AccountId> {
        let mut ids = Vec::new();
        add_accounts(&self.0, &mut ids);
        ids
    }
}

impl fmt::Debug for SelectedAccounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SelectedAccounts(***)")
    }
}

/// Where Connect lives, and what it is told.
#[derive(Clone, Debug, Default)]
pub struct LaunchSettings {
    /// Where Connect lives, when this says so.
    pub connect: Option<ConnectUrl>,
    /// The session to come back to; none is the full flow.
    pub request_id: Option<RequestId>,
    /// The token, when the instance wants one.
    pub authorize_token: Option<AuthorizeToken>,
    /// The accounts picked in the original session.
    pub accounts: SelectedAccounts,
    /// The language of the login, when this says so.
    pub language: Option<Language>,
    /// The host's mark.
    pub tag: Option<Tag>,
    /// Further Connect parameters.
    pub params: Vec<(String, String)>,
}

impl LaunchSettings {
    /// Reads the properties that tell it. The mark is a parameter in options, and a property of its own in a reply.
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let connect = connect(reader);
        let request_id = reader.id("requestId", RequestId::parse);
        let authorize_token = reader.id("authorizeToken", AuthorizeToken::parse);
        let accounts = accounts(reader);
        let language = language(reader);
        let params = params(reader);
        let tag = value_of(&params, parameters::TAG).and_then(Tag::parse);
        Self { connect, request_id, authorize_token, accounts, language, tag, params }
    }

    /// Takes from the options what the reply is silent about. Where Connect lives the options say, when they do: no reply moves it.
    pub(super) fn complete(&mut self, options: &Self) {
        if options.connect.is_some() {
            self.connect.clone_from(&options.connect);
        }
        if self.accounts.as_str().is_none() {
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

    /// The place a REDIRECT must lead to, when one was asked for.
    pub(super) fn redirect_url(&self) -> Option<&str> {
        value_of(&self.params, parameters::REDIRECT_URL)
    }

    /// Whether Connect ends inside its frame.
    pub(super) fn ends_inside(&self) -> bool {
        value_of(&self.params, parameters::INNER_REDIRECT) == Some("true")
    }
}

fn connect(reader: &mut Reader<'_>) -> Option<ConnectUrl> {
    let (name, address) = (reader.text("instance"), reader.text("connectUrl"));
    let (property, connect) = match (name, address) {
        (None, None) => return None,
        (Some(name), None) => ("instance", ConnectUrl::of_instance(name, reader.parse).ok()),
        (None, Some(address)) => ("connectUrl", ConnectUrl::at(address, reader.parse).ok()),
        // One of the two.
        (Some(_), Some(_)) => ("connectUrl", None),
    };
    if connect.is_none() {
        reader.refuse(property);
    }
    connect
}

fn accounts(reader: &mut Reader<'_>) -> SelectedAccounts {
    const NAME: &str = "resumeSelectedAccounts";
    let mut accounts = String::new();
    match reader.get(NAME) {
        Property::Absent => {}
        Property::Text(ready) if ready.len() <= MAX_URL_LEN => accounts.clone_from(ready),
        // A loop: `join` would be a second copy of it in the module.
        Property::Texts(texts) if texts.len() <= MAX_ACCOUNTS => {
            for text in texts {
                if AccountId::parse(text).is_none() {
                    reader.refuse(NAME);
                }
                if !accounts.is_empty() {
                    accounts.push(',');
                }
                accounts.push_str(text);
            }
        }
        _ => reader.refuse(NAME),
    }
    SelectedAccounts(accounts)
}

fn language(reader: &mut Reader<'_>) -> Option<Language> {
    const NAME: &str = "language";
    match reader.text(NAME)? {
        "en" => return Some(Language::En),
        "fr" => return Some(Language::Fr),
        _ => reader.refuse(NAME),
    }
    None
}

fn params(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    const NAME: &str = "params";
    let params = match reader.get(NAME) {
        Property::Absent => Some(Vec::new()),
        Property::Pairs(texts) => texts.chunks_exact(2).map(|pair| param(pair, reader.parse)).collect(),
        _ => None,
    };
    if params.is_none() {
        reader.refuse(NAME);
    }
    params.unwrap_or_default()
}

fn param(pair: &[String], parse: ParseUrl) -> Option<(String, String)> {
    match pair {
        [name, value] if is_param(name, value, parse) => Some((name.clone(), value.clone())),
        _ => None,
    }
}

fn is_param(name: &str, value: &str, parse: ParseUrl) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name
        && !parameters::is_reserved(name)
        && match name {
            parameters::TAG => Tag::parse(value).is_some(),
            // A REDIRECT is held against it: found wrong only then, the user would have answered for nothing.
            parameters::REDIRECT_URL => parse(value, None).is_some_and(|url| !url.has_credentials),
            _ => true,
        }
}
