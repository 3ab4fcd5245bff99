//! Bodies of requests.
//!
//! Invariants: a body is read only when it says it is JSON and fits; all bodies that are being read have so many bytes together, and
//! each has so much time; what is wrong with one is told by place, never by quoting.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::problem::Problem;

/// The most bytes of a body from a page.
pub(crate) const MAX_LEN: usize = 16 * 1024;
/// Memory is taken in pieces of so many bytes, as they arrive: what a client only announces costs nothing.
const BLOCK_LEN: usize = MAX_LEN;
/// The most bytes that all bodies have together which are being read: as much as one webhook may have. Each connection of
/// [`crate::Config::client_connections`] finds a block for a small body, however slowly the others send theirs.
const MAX_LEN_TOGETHER: usize = 16 * 1024 * 1024;

/// Reads bodies within the bounds that all of them share.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader {
    time: Duration,
    blocks: Arc<Semaphore>,
}

/// A body that was read. Its memory counts until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct ReadBody {
    blocks: Vec<Vec<u8>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl BodyReader {
    /// A client may take `time` for a body.
    pub(crate) fn new(time: Duration) -> Self {
        Self { time, blocks: Arc::new(Semaphore::new(MAX_LEN_TOGETHER / BLOCK_LEN)) }
    }

    /// A page's body that calls itself JSON.
    pub(crate) async fn json(&self, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::not_json());
        }
        Ok(self.read(body, MAX_LEN).await?.into_bytes())
    }

    /// A body of at most `most` bytes.
    pub(crate) async fn read(&self, body: Body, most: usize) -> Result<ReadBody, Problem> {
        timeout(self.time, self.read_all(body, most)).await.unwrap_or_else(|_| Err(Problem::too_slow()))
    }

    async fn read_all(&self, mut body: Body, most: usize) -> Result<ReadBody, Problem> {
        let mut read = ReadBody::default();
        let mut len = 0;
        while let Some(frame) = body.frame().await {
            // Its client has gone, and hears no answer.
            let Ok(frame) = frame else { return Err(Problem::malformed("Expected the whole body; it broke off.")) };
            let Ok(bytes) = frame.into_data() else { continue };
            len += bytes.len();
            if len > most {
                return Err(Problem::too_large(most));
            }
            read.extend(bytes, &self.blocks)?;
        }
        Ok(read)
    }
}

impl ReadBody {
    fn extend(&mut self, mut bytes: Bytes, free: &Arc<Semaphore>) -> Result<(), Problem> {
        while !bytes.is_empty() {
            if let Some(block) = self.blocks.last_mut().filter(|block| block.len() < BLOCK_LEN) {
                let fitting = bytes.split_to(bytes.len().min(BLOCK_LEN - block.len()));
                block.extend_from_slice(&fitting);
                continue;
            }
            let permit = Arc::clone(free).try_acquire_owned().map_err(|_| Problem::host_busy())?;
            match &mut self.permit {
                Some(all) => all.merge(permit),
                none => *none = Some(permit),
            }
            self.blocks.push(Vec::with_capacity(BLOCK_LEN));
        }
        Ok(())
    }

    /// The body piece by piece.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(Vec::as_slice)
    }

    /// The body in one piece.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.blocks.concat()
    }
}

/// Reads a JSON object; the refusal says where it stops being what was expected.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], expected: &str) -> Result<T, Problem> {
    Ok(flinks_backend::body::object(bytes, expected)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(blocks: usize) -> BodyReader {
        BodyReader { time: Duration::from_secs(5), blocks: Arc::new(Semaphore::new(blocks)) }
    }

    #[tokio::test]
    async fn bodies_have_so_many_bytes_each_and_together_and_give_them_back() {
        let reader = reader(3);
        let most = 3 * BLOCK_LEN;
        let bytes: Vec<u8> = (0..most).map(|at| u8::try_from(at % 251).unwrap()).collect();
        assert!(reader.read(Body::from(vec![0; most + 1]), most).await.is_err(), "one byte too long");
        let whole = reader.read(Body::from(bytes.clone()), most).await.unwrap();
        assert!(reader.read(Body::from("x"), most).await.is_err(), "the memory is taken");
        assert_eq!(whole.pieces().map(<[u8]>::len).sum::<usize>(), most);
        assert_eq!(whole.into_bytes(), bytes);
        assert!(reader.read(Body::from("x"), most).await.is_ok(), "and given back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_waited_for_so_long_and_no_longer() {
        let (_sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        assert!(reader(1).read(Body::new(body), 5).await.is_err());
    }
}
