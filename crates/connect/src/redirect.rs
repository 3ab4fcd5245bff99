//! REDIRECT: Connect's word that the connection is stored, and the only message a result is made of.
//!
//! Flinks documents two shapes and integrators read a third: ids only in the query of `url` (classic), ids as fields (newer), both.
//! Source: Flinks' tag, OAuth and successful-connection pages; which key carries the accounts after a reconnect is not documented,
//! so every plausible one is read. Nor is the case of names documented, nor what `url` is where no `redirectUrl` was set: one integrator's
//! ended at Connect's own `/v2/Result/…`, others parse it as relative text.
//!
//! Invariants: a `loginId` exists only by the grammar; everything that is said about one thing must agree; what is incomplete, or
//! cannot be read, is never a contradiction; a `url` is only ever read, never followed.

use super::address::{ParseUrl, ParsedUrl};
use super::id::{AccountId, LoginId, RequestId, Tag};
use super::message::{self, Field, Fields, Form, MAX_TEXT_LEN, MAX_URL_LEN};

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
    /// The login that was verified, when one could be read.
    pub login_id: Option<LoginId>,
    /// The session, when REDIRECT names one.
    pub request_id: Option<RequestId>,
    /// The bank's name, for people.
    pub institution: Option<String>,
    /// The accounts picked, when REDIRECT names them.
    pub accounts: Vec<AccountId>,
    /// The host's mark, when it came back.
    pub tag: Option<Tag>,
}

/// A REDIRECT contradicts itself or what was launched: somebody else's success, or a forged one. One that is merely incomplete does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction;

/// What was launched, to hold a REDIRECT against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The mark this session set.
    pub tag: Option<&'a Tag>,
    /// The `redirectUrl` this session set.
    pub redirect_url: Option<&'a str>,
    /// Whether `innerRedirect` is on: Connect then ends at a page of its own, and may say so in place of `redirect_url`.
    pub ends_inside: bool,
    /// The frame's address, which a relative `url` is resolved against.
    pub base: &'a str,
}

/// Reads a REDIRECT message.
pub fn read(fields: &dyn Fields, parse: ParseUrl, expected: Expected<'_>) -> Result<Box<Redirect>, Contradiction> {
    let mut statements = Statements { fields, query: Vec::new(), is_contradictory: false };
    fields.each(URL, Form::Text, MAX_URL_LEN, &mut |field| {
        let url = match field {
            Field::Text(text) => parse(&text, Some(expected.base)),
            Field::Unusable => None,
        };
        match (url, expected.redirect_url) {
            (Some(url), _) if url.has_credentials => statements.is_contradictory = true,
            // An open redirect elsewhere must not smuggle an id in.
            (Some(url), Some(asked))
                if is_at(&url, asked, parse) || expected.ends_inside && is_of(&url, expected.base, parse) =>
            {
                statements.query.extend(url.query);
            }
            (_, Some(_)) => statements.is_contradictory = true,
            (Some(url), None) if url.is_http() => statements.query.extend(url.query),
            // Nobody asked for a place: what cannot be read, or is not on the web, says nothing.
            (_, None) => {}
        }
    });
    let login_id = statements.agreed(LOGIN_ID, |text| LoginId::parse(text).is_some());
    let request_id = statements.agreed(REQUEST_ID, |text| RequestId::parse(text).is_some());
    let returned_tag = statements.agreed(TAG, |_| true);
    // The one that was set must come back as it was; one that nobody set may be anything.
    if let (Some(tag), Some(returned)) = (expected.tag, &returned_tag)
        && returned != tag.as_str()
    {
        statements.is_contradictory = true;
    }
    if statements.is_contradictory {
        return Err(Contradiction);
    }
    Ok(Box::new(Redirect {
        login_id: login_id.as_deref().and_then(LoginId::parse),
        request_id: request_id.as_deref().and_then(RequestId::parse),
        institution: statements.institution(),
        accounts: statements.accounts(),
        tag: returned_tag.as_deref().and_then(Tag::parse),
    }))
}

/// Whether a `url` is the page that was asked for, whatever its query.
fn is_at(url: &ParsedUrl, asked: &str, parse: ParseUrl) -> bool {
    parse(asked, None).is_some_and(|asked| asked.place == url.place)
}

/// Whether a `url` is at the origin of this address.
fn is_of(url: &ParsedUrl, base: &str, parse: ParseUrl) -> bool {
    parse(base, None).is_some_and(|base| base.origin == url.origin)
}

/// What a REDIRECT says, and may say several times: in its fields, in the query of its `url`, in several spellings of a name.
struct Statements<'a> {
    fields: &'a dyn Fields,
    query: Vec<(String, String)>,
    is_contradictory: bool,
}

impl Statements<'_> {
    /// What stands in the query under `name`, in whatever case.
    fn in_query(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The one text that everything under `name` says. What is empty or not valid counts as absent; two texts contradict each other.
    fn agreed(&mut self, name: &str, is_valid: fn(&str) -> bool) -> Option<String> {
        let mut agreed: Option<String> = None;
        let mut is_contradictory = false;
        let mut add = |text: &str| {
            if text.is_empty() || !is_valid(text) {
                return;
            }
            match &agreed {
                None => agreed = Some(text.to_owned()),
                Some(agreed) => is_contradictory |= agreed != text,
            }
        };
        self.fields.each(name, Form::Text, MAX_TEXT_LEN, &mut |field| {
            if let Field::Text(text) = field {
                add(&text);
            }
        });
        self.in_query(name).for_each(add);
        self.is_contradictory |= is_contradictory;
        agreed
    }

    /// For people: nothing depends on it, so the first that is said will do, fields before the query.
    fn institution(&self) -> Option<String> {
        message::name(self.fields, INSTITUTION).or_else(|| {
            let mut names = self.in_query(INSTITUTION);
            names.find(|name| matches!(name.len(), 1..=MAX_TEXT_LEN)).map(str::to_owned)
        })
    }

    /// The first key that yields ids wins, fields before the query; duplicates and what is no id fall away.
    ///
    /// Loops, here and in [`add_accounts`]: chained iterators and `split` are 956 B more of the widget's module (brotli).
    fn accounts(&self) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for key in ACCOUNT_KEYS {
            self.fields.each(key, Form::List(MAX_ACCOUNTS), MAX_URL_LEN, &mut |field| {
                if let Field::Text(text) = field {
                    add_accounts(&text, &mut ids);
                }
            });
            if !ids.is_empty() {
                return ids;
            }
        }
        for key in ACCOUNT_KEYS {
            for text in self.in_query(key) {
                add_accounts(text, &mut ids);
            }
            if !ids.is_empty() {
                return ids;
            }
        }
        ids
    }
}

/// Ids stand between commas, with or without space around them.
pub fn add_accounts(list: &str, ids: &mut Vec<AccountId>) {
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
