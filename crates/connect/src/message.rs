//! What Connect posts to the page around it.
//!
//! A message is an object (or, with `stringify`, its JSON text) with a `step`, a `flinksCode`, or both; error codes also arrive as the
//! step itself. Source: Flinks' event-listener and handled-errors pages.
//!
//! Invariants: reading is total: any value at all yields a [`Message`] or nothing. Only own properties count, because a polluted
//! `Object.prototype` on the host's page would otherwise choose the login.

use super::address::ParseUrl;
use super::code::{self, FlinksCode};
use super::id;
use super::redirect::{self, Expected, Redirect, RedirectError};
use super::step::{self, Meaning};

/// The longest text read from one field, in UTF-16 units: ids, names, codes. (A bank's name in a URL: in bytes.)
pub const MAX_TEXT_LEN: usize = 256;
/// The longest URL read, in UTF-16 units.
pub const MAX_URL_LEN: usize = 8_192;
/// The longest JSON text parsed, in UTF-16 units.
pub const MAX_JSON_LEN: usize = 16_384;

/// One field as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// No such own property, or null, undefined or the empty string.
    Absent,
    /// A primitive string within the limit.
    Text(String),
    /// Something else, or too long.
    Unusable,
}

/// Read access to the own properties of a posted object.
pub trait Fields {
    /// The own property `name`, when it is a primitive string of at most `max_len` UTF-16 units.
    fn text(&self, name: &str, max_len: usize) -> Field;

    /// The own property `name` as a list: a string is a list of one, an array gives its strings. At most `max_items` elements are
    /// looked at; what is no string within `max_len` is passed over.
    fn texts(&self, name: &str, max_items: usize, max_len: usize) -> Vec<String>;

    /// The own property `name`, when it is a finite number.
    fn number(&self, name: &str) -> Option<f64>;
}

/// A message that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The step, known or not.
    pub step: Option<String>,
    /// The bank it names.
    pub institution: Option<String>,
    /// The Flinks code it carries, in its own field or as the step.
    pub code: Option<String>,
    /// The same, when it is one that Flinks documents.
    pub documented: Option<FlinksCode>,
    /// What it means to the session.
    pub meaning: Meaning,
}

impl Message {
    /// Reads a message; `None` when it has neither a step nor a code.
    #[must_use]
    pub fn read(fields: &dyn Fields) -> Option<Self> {
        let step = name(fields, "step");
        let mut code = name(fields, "flinksCode");
        if code.is_none() {
            code = step.as_deref().and_then(code::find).map(|code| code.name.to_owned());
        }
        if step.is_none() && code.is_none() {
            return None;
        }
        let meaning = match step.as_deref().map_or(Meaning::Passing, step::meaning) {
            // The step is the better word.
            Meaning::Passing => code.as_deref().map_or(Meaning::Passing, step::meaning),
            meaning => meaning,
        };
        // A redirect's bank belongs to the result, where it is read with the rest.
        let institution = name(fields, redirect::INSTITUTION);
        Some(Self { documented: code.as_deref().and_then(code::find), institution, step, code, meaning })
    }

    /// The height a message with [`Meaning::Resized`] asks for, in CSS pixels. Its field is not documented: only a plain `height` is read.
    #[must_use]
    pub fn height(fields: &dyn Fields) -> Option<f64> {
        fields.number("height")
    }

    /// Reads the result a message with [`Meaning::Redirect`] carries.
    pub fn redirect(
        fields: &dyn Fields,
        parse: ParseUrl,
        expected: Expected<'_>,
    ) -> Result<Box<Redirect>, RedirectError> {
        redirect::read(fields, parse, expected)
    }
}

fn name(fields: &dyn Fields, key: &str) -> Option<String> {
    match fields.text(key, MAX_TEXT_LEN) {
        Field::Text(text) => Some(text),
        Field::Absent | Field::Unusable => None,
    }
}

const _: () =
    assert!(id::MAX_TAG_LEN <= MAX_TEXT_LEN && id::MAX_ID_LEN <= MAX_TEXT_LEN, "an id or tag must fit a field");
