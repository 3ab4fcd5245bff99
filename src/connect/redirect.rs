//! REDIRECT: Connect's word that the connection is stored, and the only message a result is made of.
//!
//! Flinks documents two shapes and integrators read a third: ids only in the query of `url` (classic), ids as fields (newer), both.
//! Source: Flinks' tag, OAuth and successful-connection pages; which key carries the accounts after a reconnect is not documented,
//! so every plausible one is read.
//!
//! Invariants: a `loginId` exists only by the grammar; what field and URL both say must agree; a `url` is only ever read, never
//! followed.

use super::address::{ParseUrl, ParsedUrl};
use super::id::{AccountId, LoginId, RequestId, Tag};
use super::message::{Field, Fields, MAX_TEXT_LEN, MAX_URL_LEN};

/// Key of the login in fields and query.
pub const LOGIN_ID: &str = "loginId";
/// Key of the session in fields, rarely in the query.
pub const REQUEST_ID: &str = "requestId";
/// Key of the bank's name in fields and query.
pub const INSTITUTION: &str = "institution";
/// Key of the host's mark in the query.
pub const TAG: &str = "tag";
/// Key of the redirect address in fields.
pub const URL: &str = "url";
/// Keys the picked accounts may stand under, in the order they are looked for.
pub const ACCOUNT_KEYS: &[&str] = &["accountId", "accountIds", "accounts", "resumeSelectedAccounts"];

/// The most account ids read from one message.
pub const MAX_ACCOUNTS: usize = 100;

/// How a REDIRECT message is laid out. The widget reads all of them; the sandbox can send each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `{step, institution, url}`: ids only in the query of `url`.
    Classic,
    /// `{step, loginId, requestId, institution}`.
    Fields,
    /// Fields and `url`, saying the same.
    #[default]
    Both,
    /// [`Shape::Both`] as JSON text, as with `stringify=true`.
    Text,
}

impl Shape {
    /// Every shape with the name it goes by in the sandbox's control interface.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("classic", Self::Classic), ("fields", Self::Fields), ("both", Self::Both), ("string", Self::Text)];
}

/// A success as Connect told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The login that was verified.
    pub login_id: LoginId,
    /// The session, when REDIRECT names one.
    pub request_id: Option<RequestId>,
    /// The bank's name, for people.
    pub institution: Option<String>,
    /// The accounts picked, when REDIRECT names them.
    pub accounts: Vec<AccountId>,
    /// The host's mark, when it came back.
    pub tag: Option<Tag>,
}

/// Why a REDIRECT yields no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectError {
    /// No `loginId` that matches the grammar: noise, not an answer.
    Unreadable,
    /// It contradicts itself or what was launched: somebody else's success, or a forged one.
    Conflict,
}

/// What was launched, to hold a REDIRECT against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The mark this session set.
    pub tag: Option<&'a Tag>,
    /// The `redirectUrl` this session set.
    pub redirect_url: Option<&'a str>,
}

/// Reads a REDIRECT message.
pub fn read(fields: &dyn Fields, parse: ParseUrl, expected: Expected<'_>) -> Result<Redirect, RedirectError> {
    let url = match fields.text(URL, MAX_URL_LEN) {
        Field::Absent => None,
        Field::Text(text) => {
            Some(parse(&text).filter(|url| is_expected_place(url, parse, expected)).ok_or(RedirectError::Conflict)?)
        }
        Field::Unusable => return Err(RedirectError::Conflict),
    };
    let query = url.as_ref().map_or(&[][..], |url| &url.query);

    let login_id = agreed(fields, query, LOGIN_ID)?
        .map_or(Err(RedirectError::Unreadable), |text| LoginId::parse(&text).ok_or(RedirectError::Unreadable))?;
    // The one that was set must come back as it was; one that nobody set may be anything.
    let returned_tag = agreed(fields, query, TAG)?;
    if expected.tag.is_some_and(|tag| returned_tag.as_ref().is_some_and(|returned| returned != tag.as_str())) {
        return Err(RedirectError::Conflict);
    }
    Ok(Redirect {
        login_id,
        request_id: agreed(fields, query, REQUEST_ID)?.and_then(|text| RequestId::parse(&text)),
        institution: institution(fields, query),
        accounts: accounts(fields, query),
        tag: returned_tag.and_then(|text| Tag::parse(&text)),
    })
}

/// An open redirect elsewhere must not smuggle an id in: the place is the one that was asked for, else at least the web.
fn is_expected_place(url: &ParsedUrl, parse: ParseUrl, expected: Expected<'_>) -> bool {
    if url.has_credentials {
        return false;
    }
    match expected.redirect_url {
        None => url.is_http(),
        Some(asked) => parse(asked).is_some_and(|asked| asked.place() == url.place()),
    }
}

/// What field and query say under `name`; both must say the same, and the query only once. The empty text says nothing.
fn agreed(fields: &dyn Fields, query: &[(String, String)], name: &str) -> Result<Option<String>, RedirectError> {
    let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    let in_query = values.next();
    if values.next().is_some() {
        return Err(RedirectError::Conflict);
    }
    match (fields.text(name, MAX_TEXT_LEN), in_query.filter(|value| !value.is_empty())) {
        (Field::Absent | Field::Unusable, None) => Ok(None),
        (Field::Absent, Some(value)) => Ok(Some(value.clone())),
        (Field::Text(text), None) => Ok(Some(text)),
        (Field::Text(text), Some(value)) if text == *value => Ok(Some(text)),
        (Field::Text(_) | Field::Unusable, Some(_)) => Err(RedirectError::Conflict),
    }
}

fn institution(fields: &dyn Fields, query: &[(String, String)]) -> Option<String> {
    let in_query =
        || query.iter().find(|(key, value)| key == INSTITUTION && value.encode_utf16().count() <= MAX_TEXT_LEN);
    match fields.text(INSTITUTION, MAX_TEXT_LEN) {
        Field::Text(text) => Some(text),
        Field::Absent | Field::Unusable => in_query().map(|(_, value)| value.clone()),
    }
    .filter(|name| !name.is_empty())
}

/// The first key that yields ids wins, fields before the query; duplicates and what is no id fall away.
fn accounts(fields: &dyn Fields, query: &[(String, String)]) -> Vec<AccountId> {
    let mut ids = Vec::new();
    for key in ACCOUNT_KEYS {
        for text in &fields.texts(key, MAX_ACCOUNTS, MAX_URL_LEN) {
            add_accounts(text, &mut ids);
        }
        if !ids.is_empty() {
            return ids;
        }
    }
    for key in ACCOUNT_KEYS {
        for (_, text) in query.iter().filter(|(name, _)| name == key) {
            add_accounts(text, &mut ids);
        }
        if !ids.is_empty() {
            return ids;
        }
    }
    ids
}

fn add_accounts(list: &str, ids: &mut Vec<AccountId>) {
    let mut rest = Some(list);
    while let Some(list) = rest {
        // By bytes: `split` brings Unicode's machinery, and a comma is a byte.
        let end = list.bytes().position(|byte| byte == b',').unwrap_or(list.len());
        rest = list.get(end + 1..);
        let Some(id) = list.get(..end).and_then(|text| AccountId::parse(text.trim_ascii())) else { continue };
        if ids.len() < MAX_ACCOUNTS && !ids.contains(&id) {
            ids.push(id);
        }
    }
}
