//! Ids in bodies: one grammar, described and read in one place.

use flinks_backend::body;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::Problem;

/// An id of Flinks', or of an attempt.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Id, pattern = "^[A-Za-z0-9._-]{8,128}$")]
pub(crate) struct IdText(String);

impl IdText {
    /// The id; the refusal names the field, never what stands in it.
    pub(crate) fn read<T>(&self, field: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
        parse(&self.0).ok_or_else(|| wrong(field, body::ID))
    }
}

/// The refusal of a field that has another shape than it should.
pub(crate) fn wrong(field: &str, expected: &str) -> Problem {
    body::wrong(field, expected).into()
}
