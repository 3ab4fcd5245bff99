//! Bodies of requests.
//!
//! Invariants: a body is read only when it says it is JSON and fits; what is wrong with it is told by place, never by quoting.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, header},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The most bytes of a body from a page.
pub(crate) const MAX_LEN: usize = 16 * 1024;

/// The bytes of a body of at most `most` bytes that calls itself JSON.
pub(crate) async fn json_bytes(headers: &HeaderMap, body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Problem::not_json());
    }
    bytes(body, most).await
}

/// The bytes of a body of at most `most` bytes.
pub(crate) async fn bytes(body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    // A body that broke off is not told from one that is too long; its sender is gone anyway.
    to_bytes(body, most).await.map(Vec::from).map_err(|_| Problem::too_large(most))
}

/// Reads a JSON object; the refusal says where it stops being what was expected.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], expected: &str) -> Result<T, Problem> {
    // serde would read a struct from an array as well.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::malformed(format!("Expected {expected}; the body is no JSON object.")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::malformed(format!("Expected {expected}; line {}, column {} is not.", error.line(), error.column()))
    })
}
