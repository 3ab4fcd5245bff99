//! The host's options, from anything at all to validated settings.
//!
//! Invariants: defaults exist here only; an unknown name or a bad value is an error that names the option and repeats no value, because
//! some values are secrets. What is accepted is worded once, beside the error class (`www/sdk/error.ts`).

use super::launch_settings::LaunchSettings;
use super::properties::{Properties, Property, Reader, Wrong};
use flinks_connect::address::ParseUrl;
use flinks_connect::parameters::Language;

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
    "onFailure",
    "allow",
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
pub struct InvalidOption(pub String);

/// How the session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginWith {
    /// With the request id of an interrupted session.
    RequestId,
    /// By asking the host's start endpoint.
    StartEndpoint,
}

/// Where the result goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the host's backend.
    Backend,
    /// To the page alone: REDIRECT settles the session.
    Page,
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

/// What to do after a failure that a retry can cure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Say so, offer a retry, and wait for the user or the page.
    #[default]
    Ask,
    /// End the session.
    End,
}

/// Whether the frame's `sandbox` lets Connect lead the whole page away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopNavigation {
    /// It does not.
    Forbidden,
    /// It does.
    Allowed,
}

/// Validated options.
#[derive(Clone, Debug)]
pub struct Options {
    /// What Connect is opened with, unless the start reply says otherwise.
    pub settings: LaunchSettings,
    /// How the session begins.
    pub begin_with: BeginWith,
    /// Where the result goes.
    pub destination: Destination,
    /// Language of Connect and of the widget.
    pub language: Language,
    /// Whether the frame may lead the page away.
    pub top_navigation: TopNavigation,
    /// What to do when Connect leaves the reconnect.
    pub full_flow: FullFlowPolicy,
    /// What to do after a failure that a retry can cure.
    pub on_failure: OnFailure,
    /// How long Connect may stay silent after its frame opened, in milliseconds.
    pub load_timeout_ms: u64,
    /// How long delivery is tried, in milliseconds.
    pub deliver_timeout_ms: u64,
}

impl Options {
    /// Validates what the host gave. `document_language` is the page's own `lang`, for the default.
    pub fn read(given: &Properties, document_language: &str, parse: ParseUrl) -> Result<Self, InvalidOption> {
        known_names(given)?;
        let reader = &mut Reader::new(given, parse);
        shell_options(reader);
        let settings = LaunchSettings::read(reader);
        let begin_with = match (settings.request_id.is_some(), is_endpoint(reader, "start")) {
            (true, false) => BeginWith::RequestId,
            (false, true) => BeginWith::StartEndpoint,
            // One of the two.
            _ => {
                reader.refuse("requestId");
                BeginWith::StartEndpoint
            }
        };
        match begin_with {
            // Only a start reply can supply it.
            BeginWith::RequestId if settings.connect.is_none() => reader.refuse("instance"),
            // A start reply brings its own.
            BeginWith::StartEndpoint if settings.authorize_token.is_some() => reader.refuse("authorizeToken"),
            _ => {}
        }
        let options = Self {
            begin_with,
            language: match settings.language {
                Some(language) => language,
                None if is_french(document_language) => Language::Fr,
                None => Language::En,
            },
            top_navigation: top_navigation(reader.get("sandbox")),
            full_flow: match reader.text("fullFlow") {
                Some("stop") => FullFlowPolicy::Stop,
                Some("continue") | None => FullFlowPolicy::Continue,
                Some(_) => {
                    reader.refuse("fullFlow");
                    FullFlowPolicy::Continue
                }
            },
            on_failure: match reader.text("onFailure") {
                Some("end") => OnFailure::End,
                Some("ask") | None => OnFailure::Ask,
                Some(_) => {
                    reader.refuse("onFailure");
                    OnFailure::Ask
                }
            },
            destination: if is_endpoint(reader, "deliver") { Destination::Backend } else { Destination::Page },
            load_timeout_ms: reader.milliseconds("loadTimeoutMs", 20_000, MAX_TIMER_MS),
            deliver_timeout_ms: reader.milliseconds("deliverTimeoutMs", 120_000, MAX_TIMER_MS),
            settings,
        };
        match reader.wrong() {
            None => Ok(options),
            Some(name) => Err(InvalidOption(name.to_owned())),
        }
    }
}

/// A timer's delay is a signed 32-bit number of milliseconds.
const MAX_TIMER_MS: f64 = 2_147_483_647.0;

fn known_names(given: &Properties) -> Result<(), InvalidOption> {
    match given.0.iter().map(|(name, _)| name.as_str()).find(|name| !NAMES.contains(name)) {
        None => Ok(()),
        Some(name) => {
            // The name is the host's own text, but what is no identifier at all may be anything.
            let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            Err(InvalidOption(if is_plain { name } else { "?" }.to_owned()))
        }
    }
}

/// What only the shell uses: its kind is checked here, with the rest.
fn shell_options(reader: &mut Reader<'_>) {
    let mut check = |name, is_right: fn(&Property) -> bool| {
        let property = reader.get(name);
        if !matches!(property, Property::Absent) && !is_right(property) {
            reader.refuse(name);
        }
    };
    check("container", |property| matches!(property, Property::Element | Property::Text(_)));
    check("headers", |property| matches!(property, Property::Function));
    check("credentials", |property| match property {
        Property::Text(text) => ["same-origin", "include", "omit"].contains(&text.as_str()),
        _ => false,
    });
    check("allow", |property| matches!(property, Property::Text(_)));
    check("labels", |property| matches!(property, Property::Pairs(_)));
    check("sandbox", |property| matches!(property, Property::Text(_) | Property::Null));
    check("signal", |property| matches!(property, Property::Signal));
}

/// The beginning of the sandbox tokens that allow it.
const TOP_NAVIGATION: &[u8] = b"allow-top-navigation";

fn top_navigation(sandbox: &Property) -> TopNavigation {
    match sandbox {
        // No attribute, no sandbox.
        Property::Null => TopNavigation::Allowed,
        // By bytes: a search in text is 2 KB more of the module (brotli).
        Property::Text(tokens)
            if tokens.as_bytes().windows(TOP_NAVIGATION.len()).any(|part| part == TOP_NAVIGATION) =>
        {
            TopNavigation::Allowed
        }
        _ => TopNavigation::Forbidden,
    }
}

/// Whether there is a way to reach the host: a URL or a function.
fn is_endpoint(reader: &mut Reader<'_>, name: Wrong) -> bool {
    match reader.get(name) {
        Property::Absent => return false,
        Property::Function => {}
        Property::Text(url) if !url.is_empty() => {}
        _ => reader.refuse(name),
    }
    true
}

/// `fr`, `fr-CA` or the misspelt `fr_CA`, but not `frr`.
fn is_french(tag: &str) -> bool {
    matches!(tag.as_bytes(), [b'f' | b'F', b'r' | b'R', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_alphanumeric))
}
