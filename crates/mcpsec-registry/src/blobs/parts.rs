//! Large files in parts: each is durable when it is acknowledged, on whatever replica, so that an interrupted push goes on.
//!
//! Parts are kept by who sends them: nobody can spoil somebody else's upload. What they are worth shows when they are joined and
//! hashed; then they go, whatever came out.
use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use mcpsec_model::digest::Digest;

use super::{Arrived, BlobError, Blobs, MAX_FILE};

/// Bytes of every part but the last.
pub const PART: u64 = 8 << 20;
/// The most parts of a file.
pub const MAX_PARTS: u32 = 256;
/// Where they lie.
pub(super) const FOLDER: &str = "parts";

/// One file that one caller sends in parts.
#[derive(Clone, Debug)]
pub struct Upload {
    folder: String,
}

impl Upload {
    /// Of the file with this digest, sent by this actor (as the audit table calls them).
    pub fn new(digest: &Digest, actor: &str) -> Self {
        let owner = Digest::sha256_of(actor.as_bytes()).to_hex();
        Self { folder: format!("{FOLDER}/{}-{}-{}", digest.algorithm(), digest.to_hex(), &owner[..16]) }
    }
}

impl Blobs {
    /// Keeps a part in place of an earlier one of the same index. `length`: how long it must be.
    ///
    /// # Errors
    /// [`BlobError`]; [`BlobError::TooLong`] also for a part that is shorter than announced.
    pub async fn put_part<E>(
        &self,
        upload: &Upload,
        index: u32,
        body: impl Stream<Item = Result<Bytes, E>>,
        length: u64,
    ) -> Result<bool, BlobError> {
        let Some(part) = self.receive(body, length.min(PART)).await? else { return Ok(false) };
        if part.size != length {
            return Ok(false);
        }
        self.backend.keep(format!("{}/{index}", upload.folder), part.into_file()).await?;
        Ok(true)
    }

    /// Reads a body into a spool; `None` when it broke off.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn receive<E>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
        most: u64,
    ) -> Result<Option<Arrived>, BlobError> {
        let mut spool = self.spool(most).await?;
        let mut body = std::pin::pin!(body);
        loop {
            match body.try_next().await {
                Ok(Some(chunk)) => spool.write(chunk).await?,
                Ok(None) => return spool.finish().await.map(Some),
                Err(_broke_off) => return Ok(None),
            }
        }
    }

    /// The parts that are here, sorted.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn parts(&self, upload: &Upload) -> Result<Vec<u32>, BlobError> {
        let names = self.backend.list(&upload.folder).await?;
        let mut parts: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
        parts.sort_unstable();
        Ok(parts)
    }

    /// Joins the first `count` parts; the index of the first that is missing or too short where it cannot be done.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn join(&self, upload: &Upload, count: u32) -> Result<Result<Arrived, u32>, BlobError> {
        let mut spool = self.spool(MAX_FILE).await?;
        for index in 0..count {
            let name = format!("{}/{index}", upload.folder);
            let Some(mut part) = self.backend.read(&name, None).await? else { return Ok(Err(index)) };
            let mut length = 0;
            while let Some(chunk) = part.try_next().await? {
                length += chunk.len() as u64;
                spool.write(chunk).await?;
            }
            if length != PART && index + 1 < count {
                return Ok(Err(index));
            }
        }
        Ok(Ok(spool.finish().await?))
    }

    /// Forgets the parts of an upload.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn forget(&self, upload: &Upload) -> Result<(), BlobError> {
        self.backend.remove(&upload.folder).await
    }
}
