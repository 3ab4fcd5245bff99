//! Objects the host hands over: its options, its start reply.
//!
//! Invariant: what is wrong is told by the property's name alone, because some values are secrets.

use std::fmt;

use flinks_connect::address::ParseUrl;

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
    /// A plain object of strings, numbers and booleans: names and values in turn, each as text.
    Pairs(Vec<String>),
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

/// An object's enumerable own properties, each read once.
#[derive(Clone, Debug, Default)]
pub struct Properties(pub Vec<(String, Property)>);

impl Properties {
    /// The property `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> &Property {
        self.0.iter().find(|(given, _)| given == name).map_or(&Property::Absent, |(_, property)| property)
    }
}

/// The name of a property that is wrong.
pub(super) type Wrong = &'static str;

/// Reads an object property by property, and remembers the first that is wrong: its reader asks once, at the end, and must throw away what it
/// has read when there is one.
pub(super) struct Reader<'a> {
    given: &'a Properties,
    pub(super) parse: ParseUrl,
    wrong: Option<Wrong>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(given: &'a Properties, parse: ParseUrl) -> Self {
        Self { given, parse, wrong: None }
    }

    /// The property `name`.
    pub(super) fn get(&self, name: Wrong) -> &'a Property {
        self.given.get(name)
    }

    /// The property `name` is wrong. Out of line: many say so.
    #[inline(never)]
    pub(super) fn refuse(&mut self, name: Wrong) {
        self.wrong.get_or_insert(name);
    }

    /// The first that was wrong.
    pub(super) fn wrong(&self) -> Option<Wrong> {
        self.wrong
    }

    /// The text in a property, when there is one.
    pub(super) fn text(&mut self, name: Wrong) -> Option<&'a str> {
        match self.get(name) {
            Property::Absent => {}
            Property::Text(text) => return Some(text),
            _ => self.refuse(name),
        }
        None
    }

    /// The identifier in a property, when there is one.
    pub(super) fn id<Id>(&mut self, name: Wrong, parse: fn(&str) -> Option<Id>) -> Option<Id> {
        let id = parse(self.text(name)?);
        if id.is_none() {
            self.refuse(name);
        }
        id
    }

    /// A number of milliseconds between 1 and `most_ms`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub(super) fn milliseconds(&mut self, name: Wrong, default_ms: u64, most_ms: f64) -> u64 {
        match self.get(name) {
            Property::Absent => {}
            Property::Number(number) if (1.0..=most_ms).contains(number) => return *number as u64,
            _ => self.refuse(name),
        }
        default_ms
    }
}
