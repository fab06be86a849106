//! Reading blobs: small ones from memory after the first time, large ones as a stream.
use std::ops::Range;

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use mcpsec_model::digest::Digest;

use super::{BlobError, Blobs, HOT, name};

impl Blobs {
    /// A range of a blob whose whole length is known. Clients check what they get; what is kept in memory was checked here too, so
    /// that one damaged read is not handed out again and again.
    ///
    /// # Errors
    /// [`BlobError`]: it is lost or damaged, or the store does not answer.
    pub async fn read(&self, sha256: &Digest, range: Range<u64>, size: u64) -> Result<Body, BlobError> {
        let Digest::Sha256(id) = sha256 else { return Err(BlobError::Missing(*sha256)) };
        if size <= HOT {
            let whole = self.hot.try_get_with(*id, self.whole(sha256, size));
            let whole = whole.await.map_err(|shared| match &*shared {
                BlobError::Damaged(digest) => BlobError::Damaged(*digest),
                BlobError::Missing(digest) => BlobError::Missing(*digest),
                other => BlobError::Io { what: "read a blob", source: std::io::Error::other(other.to_string()) },
            })?;
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
            return Ok(Body::from(whole.slice(place(range.start)..place(range.end).max(place(range.start)))));
        }
        if !self.backend.is_remote() && !self.has(sha256, size).await? {
            return Err(BlobError::Missing(*sha256));
        }
        let part = (range.start > 0 || range.end < size).then_some(range);
        let chunks = self.backend.read(&name(sha256), part).await?.ok_or(BlobError::Missing(*sha256))?;
        Ok(Body::from_stream(chunks.inspect_err(|error| tracing::error!(%error, "a download broke off")).boxed()))
    }

    async fn whole(&self, sha256: &Digest, size: u64) -> Result<Bytes, BlobError> {
        let mut chunks = self.backend.read(&name(sha256), None).await?.ok_or(BlobError::Missing(*sha256))?;
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            if (whole.len() + chunk.len()) as u64 > size {
                return Err(BlobError::Damaged(*sha256));
            }
            whole.extend_from_slice(&chunk);
        }
        if Digest::sha256_of(&whole) == *sha256 { Ok(whole.into()) } else { Err(BlobError::Damaged(*sha256)) }
    }
}
