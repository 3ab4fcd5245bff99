//! The host's options, from anything at all to settings that are proved.
//!
//! Invariants: defaults exist here only; an unknown name or a bad value is an error that names the option and what is accepted, and
//! repeats no value, because some values are secrets.

use std::borrow::Cow;
use std::fmt;

use crate::connect::address::{AddressError, ConnectUrl, ParseUrl};
use crate::connect::id::{AccountId, AuthorizeToken, RequestId, Tag};
use crate::connect::joined;
use crate::connect::parameters::{self, Language};
use crate::connect::redirect::MAX_ACCOUNTS;

/// A value the host handed over, by its kind.
#[derive(Clone, PartialEq)]
pub enum Property {
    /// Missing or undefined.
    Absent,
    /// `null`.
    Null,
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// An array of strings.
    Texts(Vec<String>),
    /// A plain object of strings, numbers and booleans, each as text.
    Pairs(Vec<(String, String)>),
    /// A function.
    Function,
    /// An element of the page.
    Element,
    /// An `AbortSignal`.
    Signal,
    /// Anything else.
    Other,
}

impl fmt::Debug for Property {
    /// The kind alone: the value may be a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Null => "Null",
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Texts(_) => "Texts",
            Self::Pairs(_) => "Pairs",
            Self::Function => "Function",
            Self::Element => "Element",
            Self::Signal => "Signal",
            Self::Other => "Other",
        })
    }
}

/// An object the host handed over: its options or a start reply.
pub trait Properties {
    /// The names of its enumerable own properties.
    fn names(&self) -> Vec<String>;

    /// The property `name`.
    fn get(&self, name: &str) -> Property;
}

/// Every option.
pub const NAMES: &[&str] = &[
    "instance",
    "connectUrl",
    "container",
    "requestId",
    "start",
    "authorizeToken",
    "resumeSelectedAccounts",
    "deliver",
    "headers",
    "credentials",
    "language",
    "params",
    "fullFlow",
    "labels",
    "loadTimeoutMs",
    "deliverTimeoutMs",
    "sandbox",
    "signal",
];

/// A wrong option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOption {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What is accepted.
    pub expected: Cow<'static, str>,
}

impl InvalidOption {
    /// Out of line: there are twenty ways here, and each would be seven stores.
    #[inline(never)]
    fn new(name: &'static str, expected: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), expected: Cow::Borrowed(expected) }
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> String {
        joined(&["Option `", &self.name, "`: ", &self.expected, "."])
    }
}

impl From<(&'static str, AddressError)> for InvalidOption {
    fn from((name, error): (&'static str, AddressError)) -> Self {
        Self::new(name, error.0)
    }
}

/// A way to reach the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A URL to POST to.
    Url(String),
    /// A function of the page's.
    Function,
}

/// How the session begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// With a live session that is known already.
    Interrupted {
        /// The session.
        request_id: RequestId,
        /// The token, when the instance wants one.
        authorize_token: Option<AuthorizeToken>,
    },
    /// By asking the host.
    Start(Endpoint),
}

/// What to do when Connect leaves a reconnect for the full flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FullFlowPolicy {
    /// Let the user go on; the result says `mode: "connect"`.
    #[default]
    Continue,
    /// End the session with `FULL_FLOW`.
    Stop,
}

/// Proved options.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where Connect lives, unless the start reply tells.
    pub connect: Option<ConnectUrl>,
    /// How the session begins.
    pub launcher: Launcher,
    /// The accounts picked in the original session.
    pub accounts: Vec<AccountId>,
    /// Where the result goes; nowhere means REDIRECT settles the session.
    pub deliver: Option<Endpoint>,
    /// Language of Connect and of the widget.
    pub language: Language,
    /// Further Connect parameters.
    pub params: Vec<(String, String)>,
    /// What to do when Connect leaves the reconnect.
    pub full_flow: FullFlowPolicy,
    /// How long Connect may stay silent after its frame opened, in milliseconds.
    pub load_timeout_ms: u64,
    /// How long delivery is tried, in milliseconds.
    pub deliver_timeout_ms: u64,
}

impl Options {
    /// Proves what the host gave. `document_language` is the page's own `lang`, for the default.
    pub fn read(given: &dyn Properties, document_language: &str, parse: ParseUrl) -> Result<Self, InvalidOption> {
        known_names(given)?;
        shell_options(given)?;
        // Filled in place: one value to drop, wherever reading ends.
        let mut options = Self {
            connect: connect(given, parse)?,
            launcher: launcher(given)?,
            accounts: Vec::new(),
            deliver: None,
            language: Language::En,
            params: Vec::new(),
            full_flow: FullFlowPolicy::Continue,
            load_timeout_ms: 20_000,
            deliver_timeout_ms: 120_000,
        };
        if options.connect.is_none() && matches!(options.launcher, Launcher::Interrupted { .. }) {
            return Err(InvalidOption::new(
                "instance",
                "expected exactly one of `instance` and `connectUrl` (only a start reply can supply it)",
            ));
        }
        options.accounts = accounts(given.get("resumeSelectedAccounts"))
            .ok_or_else(|| InvalidOption::new("resumeSelectedAccounts", ACCOUNTS_EXPECTED))?;
        options.deliver = endpoint(given, "deliver")?;
        if is_second(given, "language", ["en", "fr"], is_french(document_language), "expected \"en\" or \"fr\"")? {
            options.language = Language::Fr;
        }
        options.params = params(given.get("params"), parse)
            .map_err(|expected| InvalidOption { name: Cow::Borrowed("params"), expected })?;
        if is_second(given, "fullFlow", ["continue", "stop"], false, "expected \"continue\" or \"stop\"")? {
            options.full_flow = FullFlowPolicy::Stop;
        }
        milliseconds(given, "loadTimeoutMs", &mut options.load_timeout_ms)?;
        milliseconds(given, "deliverTimeoutMs", &mut options.deliver_timeout_ms)?;
        Ok(options)
    }
}

const ACCOUNTS_EXPECTED: &str = "expected an array of account ids, 8 to 128 letters, digits, `.`, `_` or `-` each";

fn known_names(given: &dyn Properties) -> Result<(), InvalidOption> {
    // The name is the host's own text, but what is no identifier at all may be anything, so it is not repeated.
    match given.names().into_iter().find(|name| !NAMES.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            Err(InvalidOption {
                name: if is_plain { Cow::Owned(name) } else { Cow::Borrowed("?") },
                expected: Cow::Owned(unknown_expected()),
            })
        }
    }
}

fn unknown_expected() -> String {
    let mut text = String::from("unknown; the options are");
    let mut separator = " ";
    for name in NAMES {
        text.push_str(separator);
        text.push_str(name);
        separator = ", ";
    }
    text
}

/// What only the shell uses: its kind is checked here, with the rest.
fn shell_options(given: &dyn Properties) -> Result<(), InvalidOption> {
    type Check = fn(&Property) -> bool;
    let checks: [(&'static str, Check, &'static str); 6] = [
        (
            "container",
            |value| matches!(value, Property::Element | Property::Text(_)),
            "expected an element or a selector",
        ),
        ("headers", |value| matches!(value, Property::Function), "expected a function that returns headers"),
        (
            "credentials",
            |value| matches!(value, Property::Text(text) if matches!(text.as_str(), "same-origin" | "include" | "omit")),
            "expected \"same-origin\", \"include\" or \"omit\"",
        ),
        ("labels", |value| matches!(value, Property::Pairs(_)), "expected an object of texts"),
        (
            "sandbox",
            |value| matches!(value, Property::Text(_) | Property::Null),
            "expected the frame's sandbox tokens, or null",
        ),
        ("signal", |value| matches!(value, Property::Signal), "expected an AbortSignal"),
    ];
    for (name, accepts, expected) in checks {
        let value = given.get(name);
        if value != Property::Absent && !accepts(&value) {
            return Err(InvalidOption::new(name, expected));
        }
    }
    Ok(())
}

fn connect(given: &dyn Properties, parse: ParseUrl) -> Result<Option<ConnectUrl>, InvalidOption> {
    match (given.get("instance"), given.get("connectUrl")) {
        (Property::Absent, Property::Absent) => Ok(None),
        (Property::Text(name), Property::Absent) => {
            ConnectUrl::of_instance(&name, parse).map(Some).map_err(|error| ("instance", error).into())
        }
        (Property::Absent, Property::Text(address)) => {
            ConnectUrl::at(&address, parse).map(Some).map_err(|error| ("connectUrl", error).into())
        }
        (Property::Absent, _) => Err(InvalidOption::new("connectUrl", "expected a string")),
        (_, Property::Absent) => Err(InvalidOption::new("instance", "expected a string")),
        _ => Err(InvalidOption::new("connectUrl", "expected exactly one of `instance` and `connectUrl`")),
    }
}

fn launcher(given: &dyn Properties) -> Result<Launcher, InvalidOption> {
    let start = endpoint(given, "start")?;
    match (given.get("requestId"), start) {
        (Property::Absent, Some(endpoint)) => match given.get("authorizeToken") {
            Property::Absent => Ok(Launcher::Start(endpoint)),
            _ => Err(InvalidOption::new(
                "authorizeToken",
                "accepted only with `requestId`; a start reply brings its own",
            )),
        },
        (Property::Text(text), None) => Ok(Launcher::Interrupted {
            request_id: RequestId::parse(&text).ok_or_else(|| InvalidOption::new("requestId", ID_EXPECTED))?,
            authorize_token: match given.get("authorizeToken") {
                Property::Absent => None,
                Property::Text(text) => Some(AuthorizeToken::parse(&text).ok_or_else(token_expected)?),
                _ => return Err(token_expected()),
            },
        }),
        (Property::Absent, None) | (Property::Text(_), Some(_)) => {
            Err(InvalidOption::new("requestId", "expected exactly one of `requestId` and `start`"))
        }
        _ => Err(InvalidOption::new("requestId", "expected a string")),
    }
}

const ID_EXPECTED: &str = "expected 8 to 128 letters, digits, `.`, `_` or `-`";

fn token_expected() -> InvalidOption {
    InvalidOption::new("authorizeToken", ID_EXPECTED)
}

fn endpoint(given: &dyn Properties, name: &'static str) -> Result<Option<Endpoint>, InvalidOption> {
    match given.get(name) {
        Property::Absent => Ok(None),
        Property::Function => Ok(Some(Endpoint::Function)),
        Property::Text(url) if !url.is_empty() => Ok(Some(Endpoint::Url(url))),
        _ => Err(InvalidOption::new(name, "expected a URL of your backend or a function")),
    }
}

pub(super) fn accounts(value: Property) -> Option<Vec<AccountId>> {
    match value {
        Property::Absent => Some(Vec::new()),
        Property::Texts(texts) if texts.len() <= MAX_ACCOUNTS => {
            texts.iter().map(|text| AccountId::parse(text)).collect()
        }
        _ => None,
    }
}

/// Which of two words stands there: whether it is the second.
fn is_second(
    given: &dyn Properties,
    name: &'static str,
    words: [&str; 2],
    default: bool,
    expected: &'static str,
) -> Result<bool, InvalidOption> {
    match given.get(name) {
        Property::Absent => Ok(default),
        Property::Text(text) if words.contains(&text.as_str()) => Ok(text == words[1]),
        _ => Err(InvalidOption::new(name, expected)),
    }
}

/// `fr`, `fr-CA` or the misspelt `fr_CA`, but not `frr`.
fn is_french(tag: &str) -> bool {
    tag.split(['-', '_']).next().is_some_and(|language| language.eq_ignore_ascii_case("fr"))
}

pub(super) fn params(value: Property, parse: ParseUrl) -> Result<Vec<(String, String)>, Cow<'static, str>> {
    match value {
        Property::Absent => Ok(Vec::new()),
        Property::Pairs(pairs) => {
            for (name, value) in &pairs {
                if let Some(reserved) = parameters::RESERVED.iter().find(|reserved| reserved.eq_ignore_ascii_case(name))
                {
                    return Err(Cow::Owned(joined(&["`", reserved, "` is the widget's own and refused here"])));
                }
                if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    return Err(Cow::Borrowed("expected parameter names of letters, digits and underscores"));
                }
                if name == parameters::TAG && Tag::parse(value).is_none() {
                    return Err(Cow::Borrowed("`tag`: expected 1 to 256 printable ASCII characters"));
                }
                // A REDIRECT is held against it: found wrong only then, the user would have answered for nothing.
                if name == parameters::REDIRECT_URL && parse(value).is_none_or(|url| url.has_credentials) {
                    return Err(Cow::Borrowed("`redirectUrl`: expected an absolute URL without credentials"));
                }
            }
            Ok(pairs)
        }
        _ => Err(Cow::Borrowed("expected an object whose values are strings, numbers or booleans")),
    }
}

fn milliseconds(given: &dyn Properties, name: &'static str, into: &mut u64) -> Result<(), InvalidOption> {
    match given.get(name) {
        Property::Absent => Ok(()),
        // A timer's delay is a signed 32-bit number of milliseconds.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Property::Number(number) if (1.0..=2_147_483_647.0).contains(&number) => {
            *into = number as u64;
            Ok(())
        }
        _ => Err(InvalidOption::new(name, "expected a positive number of milliseconds")),
    }
}
