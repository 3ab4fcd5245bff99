//! What Connect posts to the page around it.
//!
//! A message is an object (or, with `stringify`, its JSON text) with a `step`, a `flinksCode`, or both; error codes also arrive as the
//! step itself. Source: Flinks' event-listener and handled-errors pages.
//!
//! Invariants: reading is total: any value at all yields a [`Message`] or nothing. Only own properties count, because a polluted
//! `Object.prototype` on the host's page would otherwise choose the login.

use super::address::ParseUrl;
use super::code::{self, FlinksCode};
use super::id::{self, RequestId};
use super::redirect::{self, Contradiction, Expected, Redirect};
use super::step::{self, Meaning};

/// The longest text read from one field, in UTF-16 units: ids, names, codes. (A bank's name in a URL: in bytes.)
pub const MAX_TEXT_LEN: usize = 256;
/// The longest URL read, in UTF-16 units.
pub const MAX_URL_LEN: usize = 8_192;
/// The longest JSON text parsed, in UTF-16 units.
pub const MAX_JSON_LEN: usize = 16_384;

/// The most own properties of a message whose names are looked at for another case. Connect posts a dozen.
pub const MAX_FIELDS: usize = 100;

/// One value that stands in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A primitive string within the limit, and not empty.
    Text(String),
    /// Something else, or too long.
    Unusable,
}

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One text; an array is [`Field::Unusable`].
    Text,
    /// One text, or an array whose first so many elements are looked at.
    List(usize),
}

/// Read access to the own properties of a posted object. Names are compared without the case of ASCII letters, because Flinks does not
/// document it, so that several properties may have one name.
pub trait Fields {
    /// Hands over each value under `name`. Null, undefined and the empty string are none. A text has at most `max_len` UTF-16 units.
    ///
    /// One by one, because a list of fields is 200 B more of the widget's module (brotli).
    fn each(&self, name: &str, form: Form, max_len: usize, take: &mut dyn FnMut(Field));

    /// The first value under `name` that is a finite number.
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
    /// The session it names.
    pub request_id: Option<RequestId>,
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
            // Use the code's meaning only if the step changes nothing.
            Meaning::Passing => code.as_deref().map_or(Meaning::Passing, step::meaning),
            meaning => meaning,
        };
        // A redirect's bank belongs to the result, where it is read with the rest.
        let institution = name(fields, redirect::INSTITUTION);
        let request_id = name(fields, redirect::REQUEST_ID).as_deref().and_then(RequestId::parse);
        Some(Self { documented: code.as_deref().and_then(code::find), institution, step, code, request_id, meaning })
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
    ) -> Result<Box<Redirect>, Contradiction> {
        redirect::read(fields, parse, expected)
    }
}

/// The first text under a name.
pub(super) fn name(fields: &dyn Fields, key: &str) -> Option<String> {
    let mut first = None;
    fields.each(key, Form::Text, MAX_TEXT_LEN, &mut |field| match field {
        Field::Text(text) if first.is_none() => first = Some(text),
        Field::Text(_) | Field::Unusable => {}
    });
    first
}

const _: () =
    assert!(id::MAX_TAG_LEN <= MAX_TEXT_LEN && id::MAX_ID_LEN <= MAX_TEXT_LEN, "an id or tag must fit a field");
