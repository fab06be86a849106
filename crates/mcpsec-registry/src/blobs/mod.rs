//! The bytes of artifacts, named by their SHA-256: a folder, or an S3-compatible store, behind one interface.
//!
//! ```text
//! request body ─▶ Spool (a temporary file here, hashed while it is written) ─▶ checked ─▶ Blobs::keep ─▶ blobs/sha256/ab/<hex>
//! parts of a large file ─▶ parts/<algorithm>-<hex>-<owner>/<index> ─▶ joined into a Spool ─▶ …
//! ```
//!
//! Nothing stands under its final name before its hash was computed, and nothing is acknowledged before it is durable. A blob never
//! changes, so writers cannot disturb readers, nor each other: two pushes of one file end in the same bytes under the same name.
mod answer;
mod backend;
mod parts;
mod read;
mod spool;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use mcpsec_model::digest::Digest;
use moka::future::Cache;

use crate::error::ApiError;
use backend::Backend;

pub use answer::{Answer, Audience};
pub use parts::{MAX_PARTS, PART, Upload};
pub use spool::{Arrived, Spool};

/// The longest file that is kept, in bytes: [`MAX_PARTS`] parts.
pub const MAX_FILE: u64 = PART * MAX_PARTS as u64;
/// Files up to this length, in bytes, may be kept in memory.
const HOT: u64 = 512 << 10;
/// The most memory for them, in bytes.
const HOT_ALL: u64 = 12 << 20;

/// The blob store. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Blobs {
    backend: Backend,
    /// Where bodies are written while their hash is not known; on the same file system as a folder of blobs.
    spool: Arc<PathBuf>,
    hot: Cache<[u8; 32], Bytes>,
}

/// Why the blob store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The address names no store that can be used.
    #[error("`{0}` is no blob store that can be used; give file:///FOLDER or s3://BUCKET[/PREFIX]")]
    Address(String),
    /// A file or folder.
    #[error("failed to {what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The S3-compatible store.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// The database says that the bytes arrived, and they are not there.
    #[error("the bytes of {0} are not in the blob store")]
    Missing(Digest),
    /// They are there, and are not what they are called.
    #[error("the bytes of {0} in the blob store are damaged")]
    Damaged(Digest),
    /// More than is allowed.
    #[error("more than {0} bytes")]
    TooLong(u64),
}

impl BlobError {
    fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match &error {
            BlobError::Missing(digest) | BlobError::Damaged(digest) => {
                tracing::error!(%error, "a blob is lost");
                Self::new(http::StatusCode::SERVICE_UNAVAILABLE, format!("the bytes of {digest} are lost here"))
                    .hint("`mcpsec push` of a server that has this file brings them back")
            }
            BlobError::Io { source, .. } if is_full(source) => {
                tracing::error!(%error, "no space");
                Self {
                    retry_after: Some(30),
                    ..Self::new(http::StatusCode::SERVICE_UNAVAILABLE, "no space is left for files")
                }
                .hint("what was acknowledged is kept; whoever runs the server makes room, then try again")
            }
            BlobError::TooLong(most) => {
                Self::new(http::StatusCode::PAYLOAD_TOO_LARGE, format!("more than {most} bytes"))
            }
            _ => Self::unavailable("the blob store", &error),
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Blobs {
    /// Opens the store at `address` (`file:///FOLDER` or `s3://BUCKET[/PREFIX]`, with credentials, region and endpoint from `AWS_*`),
    /// or the folder `blobs` in `data`. Nothing is asked of S3 yet: [`Blobs::check`] does.
    ///
    /// # Errors
    /// [`BlobError`]: the address is not understood, or the folder cannot be made.
    pub fn open(address: Option<&str>, data: &Path) -> Result<Self, BlobError> {
        let backend = Backend::open(address, data)?;
        let spool = backend.spool(data);
        std::fs::create_dir_all(&spool).map_err(BlobError::io("make the folder of uploads"))?;
        let weigh = |_: &[u8; 32], bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(128);
        let hot = Cache::builder().max_capacity(HOT_ALL).weigher(weigh).build();
        Ok(Self { backend, spool: Arc::new(spool), hot })
    }

    /// Asks whether the store answers.
    ///
    /// # Errors
    /// [`BlobError`]: it does not.
    pub async fn check(&self) -> Result<(), BlobError> {
        self.backend.check().await
    }

    /// Whether a blob is there, in its whole length.
    ///
    /// # Errors
    /// [`BlobError`]: the store does not answer.
    pub async fn has(&self, sha256: &Digest, size: u64) -> Result<bool, BlobError> {
        Ok(self.backend.size(&name(sha256)).await? == Some(size))
    }

    /// Keeps what arrived under its SHA-256. Once this returns it survives a power failure (a folder) or is acknowledged (S3).
    /// What is there already stays.
    ///
    /// # Errors
    /// [`BlobError`]: nothing is kept then.
    pub async fn keep(&self, arrived: Arrived) -> Result<(), BlobError> {
        if self.has(&arrived.sha256, arrived.size).await? {
            return Ok(());
        }
        self.backend.keep(name(&arrived.sha256), arrived.into_file()).await
    }

    /// Removes what interrupted uploads left behind: parts and temporary files older than a day.
    ///
    /// # Errors
    /// [`BlobError`]: the store does not answer.
    pub async fn sweep(&self, now: mcpsec_model::time::Timestamp) -> Result<usize, BlobError> {
        const DAY: i64 = 24 * 3600;
        let before = now.as_second().saturating_sub(DAY);
        let spool = PathBuf::clone(&self.spool);
        let spooled = backend::blocking(move || backend::sweep_folder(&spool, before)).await?;
        Ok(spooled + self.backend.sweep(parts::FOLDER, before).await?)
    }
}

/// Where a blob lies: `sha256/ab/<hex>`.
fn name(sha256: &Digest) -> String {
    let hex = sha256.to_hex();
    format!("sha256/{}/{hex}", &hex[..2])
}
