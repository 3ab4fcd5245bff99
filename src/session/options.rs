//! The host's options, from anything at all to settings that are proved.
//!
//! Invariants: defaults exist here only; an unknown name or a bad value is an error that names the option and repeats no value, because
//! some values are secrets. What is accepted is worded once, beside the error class (`www/sdk/error.js`).

use std::borrow::Cow;

use super::opening::{Opening, Wrong};
use super::properties::{Properties, Property};
use crate::connect::address::ParseUrl;
use crate::connect::is_all;
use crate::connect::parameters::Language;

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

/// The name of a wrong option; `?` when the name itself is none that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOption(pub Cow<'static, str>);

impl From<Wrong> for InvalidOption {
    fn from(name: Wrong) -> Self {
        Self(Cow::Borrowed(name))
    }
}

/// How the session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// With a live session that is known already.
    Interrupted,
    /// By asking the host.
    Start,
}

/// Where the result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the host's deliver endpoint.
    Host,
    /// Nowhere: REDIRECT settles the session.
    Nowhere,
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
    /// What Connect is opened with, unless the start reply says otherwise.
    pub opening: Opening,
    /// How the session begins.
    pub launcher: Launcher,
    /// Where the result goes.
    pub destination: Destination,
    /// Language of Connect and of the widget.
    pub language: Language,
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
        Ok(Self::proved(given, document_language, parse)?)
    }

    fn proved(given: &dyn Properties, document_language: &str, parse: ParseUrl) -> Result<Self, Wrong> {
        shell_options(given)?;
        let opening = Opening::read(given, parse)?;
        let launcher = match (opening.request_id.is_some(), is_endpoint(given, "start")?) {
            (true, false) => Launcher::Interrupted,
            (false, true) => Launcher::Start,
            // One of the two.
            _ => return Err("requestId"),
        };
        match launcher {
            // Only a start reply can supply it.
            Launcher::Interrupted if opening.connect.is_none() => return Err("instance"),
            // A start reply brings its own.
            Launcher::Start if opening.authorize_token.is_some() => return Err("authorizeToken"),
            _ => {}
        }
        let is_french = word(given, "language", "en", "fr")?.unwrap_or_else(|| is_french(document_language));
        let stops = word(given, "fullFlow", "continue", "stop")?.unwrap_or(false);
        Ok(Self {
            opening,
            launcher,
            destination: if is_endpoint(given, "deliver")? { Destination::Host } else { Destination::Nowhere },
            language: if is_french { Language::Fr } else { Language::En },
            full_flow: if stops { FullFlowPolicy::Stop } else { FullFlowPolicy::Continue },
            load_timeout_ms: milliseconds(given, "loadTimeoutMs", 20_000)?,
            deliver_timeout_ms: milliseconds(given, "deliverTimeoutMs", 120_000)?,
        })
    }
}

fn known_names(given: &dyn Properties) -> Result<(), InvalidOption> {
    for name in given.names() {
        if !NAMES.contains(&name.as_str()) {
            // The name is the host's own text, but what is no identifier at all may be anything.
            let is_plain = name.len() <= 40 && is_all(&name, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return Err(InvalidOption(if is_plain { Cow::Owned(name) } else { Cow::Borrowed("?") }));
        }
    }
    Ok(())
}

/// What only the shell uses: its kind is checked here, with the rest.
fn shell_options(given: &dyn Properties) -> Result<(), Wrong> {
    for name in ["container", "headers", "credentials", "labels", "sandbox", "signal"] {
        let is_right = match (name, given.get(name)) {
            (_, Property::Absent)
            | ("container", Property::Element | Property::Text(_))
            | ("headers", Property::Function)
            | ("labels", Property::Pairs(_))
            | ("sandbox", Property::Text(_) | Property::Null)
            | ("signal", Property::Signal) => true,
            ("credentials", Property::Text(text)) => ["same-origin", "include", "omit"].contains(&text.as_str()),
            _ => false,
        };
        if !is_right {
            return Err(name);
        }
    }
    Ok(())
}

/// Whether there is a way to reach the host: a URL or a function.
fn is_endpoint(given: &dyn Properties, name: Wrong) -> Result<bool, Wrong> {
    match given.get(name) {
        Property::Absent => Ok(false),
        Property::Function => Ok(true),
        Property::Text(url) if !url.is_empty() => Ok(true),
        _ => Err(name),
    }
}

/// Which of two words stands there: whether it is the second.
fn word(given: &dyn Properties, name: Wrong, first: &str, second: &str) -> Result<Option<bool>, Wrong> {
    match given.get(name) {
        Property::Absent => Ok(None),
        Property::Text(text) if text == first => Ok(Some(false)),
        Property::Text(text) if text == second => Ok(Some(true)),
        _ => Err(name),
    }
}

/// `fr`, `fr-CA` or the misspelt `fr_CA`, but not `frr`.
fn is_french(tag: &str) -> bool {
    match tag.as_bytes() {
        [first, second, rest @ ..] => {
            [first, second].into_iter().map(u8::to_ascii_lowercase).eq(*b"fr")
                && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn milliseconds(given: &dyn Properties, name: Wrong, default: u64) -> Result<u64, Wrong> {
    match given.get(name) {
        Property::Absent => Ok(default),
        // A timer's delay is a signed 32-bit number of milliseconds.
        Property::Number(number) if (1.0..=2_147_483_647.0).contains(&number) => Ok(number as u64),
        _ => Err(name),
    }
}
