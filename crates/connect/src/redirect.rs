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
use super::parameters::value_of;

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

/// How a REDIRECT message is laid out. The sandbox can send each.
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
    /// As [`Shape::Classic`], with a `url` that is relative to Connect's own address.
    Relative,
    /// As [`Shape::Classic`], with a `url` at Connect's own result page.
    Result,
    /// [`Shape::Both`] with every key in another case.
    Cased,
    /// Fields and `url`, and no login in either.
    Idless,
}

impl Shape {
    /// Every shape with the name it goes by in the sandbox's control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("classic", Self::Classic),
        ("fields", Self::Fields),
        ("both", Self::Both),
        ("string", Self::Text),
        ("relative", Self::Relative),
        ("result", Self::Result),
        ("cased", Self::Cased),
        ("idless", Self::Idless),
    ];
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
pub fn read(fields: &dyn Fields, parse: ParseUrl, expected: Expected<'_>) -> Result<Box<Redirect>, RedirectError> {
    let url = match fields.text(URL, MAX_URL_LEN) {
        Field::Absent => None,
        Field::Text(text) => match parse(&text) {
            Some(url) if is_expected_place(&url, parse, expected) => Some(url),
            _ => return Err(RedirectError::Conflict),
        },
        Field::Unusable => return Err(RedirectError::Conflict),
    };
    let query = url.as_ref().map_or(&[][..], |url| &url.query);
    let mut told = Told { fields, query, is_contradictory: false };

    let login_id = told.id(LOGIN_ID, LoginId::parse);
    let Some(login_id) = login_id else {
        return Err(if told.is_contradictory { RedirectError::Conflict } else { RedirectError::Unreadable });
    };
    // The one that was set must come back as it was; one that nobody set may be anything.
    let returned_tag = told.text(TAG);
    if let (Some(tag), Some(returned)) = (expected.tag, &returned_tag)
        && returned != tag.as_str()
    {
        told.is_contradictory = true;
    }
    let redirect = Box::new(Redirect {
        login_id,
        request_id: told.id(REQUEST_ID, RequestId::parse),
        institution: told.institution(),
        accounts: told.accounts(),
        tag: returned_tag.as_deref().and_then(Tag::parse),
    });
    if told.is_contradictory { Err(RedirectError::Conflict) } else { Ok(redirect) }
}

/// An open redirect elsewhere must not smuggle an id in: the place is the one that was asked for, else at least the web.
fn is_expected_place(url: &ParsedUrl, parse: ParseUrl, expected: Expected<'_>) -> bool {
    if url.has_credentials {
        return false;
    }
    match expected.redirect_url {
        None => url.is_http(),
        Some(asked) => parse(asked).is_some_and(|asked| asked.place == url.place),
    }
}

/// What a REDIRECT says twice: in its fields, and in the query of its `url`.
struct Told<'a> {
    fields: &'a dyn Fields,
    query: &'a [(String, String)],
    is_contradictory: bool,
}

impl Told<'_> {
    /// What field and query say under `name`; both must say the same, and the query only once. The empty text says nothing.
    fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let in_query = values.next().filter(|value| !value.is_empty());
        // More than once is one too many, whatever stands there.
        self.is_contradictory |= values.next().is_some();
        match self.fields.text(name, MAX_TEXT_LEN) {
            Field::Text(text) => {
                self.is_contradictory |= in_query.is_some_and(|value| *value != text);
                Some(text)
            }
            Field::Absent => in_query.cloned(),
            Field::Unusable => {
                self.is_contradictory |= in_query.is_some();
                None
            }
        }
    }

    fn id<Id>(&mut self, name: &str, parse: fn(&str) -> Option<Id>) -> Option<Id> {
        parse(&self.text(name)?)
    }

    /// For people: nothing depends on it, so the field is simply the better word.
    fn institution(&self) -> Option<String> {
        match self.fields.text(INSTITUTION, MAX_TEXT_LEN) {
            Field::Text(text) => Some(text),
            Field::Absent | Field::Unusable => value_of(self.query, INSTITUTION)
                .filter(|name| matches!(name.len(), 1..=MAX_TEXT_LEN))
                .map(str::to_owned),
        }
    }

    /// The first key that yields ids wins, fields before the query; duplicates and what is no id fall away.
    ///
    /// Loops, here and in [`add_accounts`]: chained iterators and `split` are 956 B more of the widget's module (brotli).
    fn accounts(&self) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for key in ACCOUNT_KEYS {
            for text in &self.fields.texts(key, MAX_ACCOUNTS, MAX_URL_LEN) {
                add_accounts(text, &mut ids);
            }
            if !ids.is_empty() {
                return ids;
            }
        }
        for key in ACCOUNT_KEYS {
            for (name, text) in self.query {
                if name == key {
                    add_accounts(text, &mut ids);
                }
            }
            if !ids.is_empty() {
                return ids;
            }
        }
        ids
    }
}

/// Ids stand between commas, with or without space around them.
fn add_accounts(list: &str, ids: &mut Vec<AccountId>) {
    let mut start = 0;
    // By bytes: no id has a byte that separates.
    for (at, byte) in list.bytes().chain([b',']).enumerate() {
        if byte != b',' {
            continue;
        }
        let id = list.get(start..at).and_then(|text| AccountId::parse(text.trim_ascii()));
        start = at + 1;
        if let Some(id) = id
            && ids.len() < MAX_ACCOUNTS
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
}
