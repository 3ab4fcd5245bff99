//! What a client sends as a body.
//!
//! Invariants: more than [`MAX_LEN`] bytes are never kept; a longer body is still read to its end, within [`MAX_READ_LEN`], because a
//! client that is cut off while it sends never sees the answer.

use axum::body::Body;
use http_body_util::BodyExt;

/// The longest body taken.
pub(crate) const MAX_LEN: usize = 64 * 1024;
/// The longest body read.
const MAX_READ_LEN: usize = 16 * 1024 * 1024;

/// The body; `None` when it is too long, or broke off.
pub(crate) async fn read(mut body: Body) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        length += data.len();
        if length > MAX_READ_LEN {
            return None;
        }
        if length <= MAX_LEN {
            kept.extend_from_slice(&data);
        }
    }
    (length <= MAX_LEN).then_some(kept)
}
