//! Objects the host hands over: its options, its start reply.

use std::fmt;

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

/// An object the host handed over.
pub trait Properties {
    /// The names of its enumerable own properties.
    fn names(&self) -> Vec<String>;

    /// The property `name`.
    fn get(&self, name: &str) -> Property;
}
