//! A body on its way in: written to a temporary file and hashed at the same time, so that it is read once and never held in memory.
use std::io::Write as _;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use bytes::Bytes;
use mcpsec_model::digest::{Digest, Digests};
use tempfile::NamedTempFile;

use super::{BlobError, Blobs, backend::blocking};

/// How many bytes are gathered before a thread that may block gets them.
const BATCH: usize = 256 << 10;

/// A file that is being received. Dropping it removes it.
#[derive(Debug)]
pub struct Spool {
    /// `None` only while a batch is written.
    state: Option<State>,
    batch: Vec<Bytes>,
    pending: usize,
    left: u64,
    most: u64,
}

struct State {
    file: NamedTempFile,
    sha256: Context,
    sha512: Context,
    sha1: Context,
    size: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} bytes)", self.size)
    }
}

impl State {
    fn take(&mut self, batch: &[Bytes]) -> std::io::Result<()> {
        for chunk in batch {
            self.file.write_all(chunk)?;
            self.sha256.update(chunk);
            self.sha512.update(chunk);
            self.sha1.update(chunk);
            self.size += chunk.len() as u64;
        }
        Ok(())
    }
}

/// A whole file that arrived, with what it hashes to. It is removed unless it is kept ([`Blobs::keep`]).
#[derive(Debug)]
pub struct Arrived {
    file: NamedTempFile,
    /// SHA-256: its name in the blob store.
    pub sha256: Digest,
    /// SHA-512.
    pub sha512: Digest,
    /// SHA-1, lower-case hexadecimal. For npm's `shasum`; nothing trusts it.
    pub sha1: String,
    /// Bytes.
    pub size: u64,
}

impl Arrived {
    /// Where it lies for now, for whoever reads what is inside.
    pub fn path(&self) -> &std::path::Path {
        self.file.path()
    }

    /// Both digests that can pin.
    pub fn digests(&self) -> Digests {
        [self.sha256, self.sha512].into_iter().collect()
    }

    pub(super) fn into_file(self) -> NamedTempFile {
        self.file
    }
}

impl Blobs {
    /// Starts a file of at most `most` bytes.
    ///
    /// # Errors
    /// [`BlobError`]: no temporary file can be made.
    pub async fn spool(&self, most: u64) -> Result<Spool, BlobError> {
        let folder = self.spool.clone();
        let make = move || tempfile::Builder::new().prefix("in-").tempfile_in(folder.as_path());
        let file = blocking(move || make().map_err(BlobError::io("make a temporary file"))).await?;
        let state = State {
            file,
            sha256: Context::new(&SHA256),
            sha512: Context::new(&SHA512),
            sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            size: 0,
        };
        Ok(Spool { state: Some(state), batch: Vec::new(), pending: 0, left: most, most })
    }
}

impl Spool {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`BlobError`]: too many, or they cannot be written. The file is lost then.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.left = self.left.checked_sub(chunk.len() as u64).ok_or(BlobError::TooLong(self.most))?;
        self.pending += chunk.len();
        self.batch.push(chunk);
        if self.pending >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        let batch = std::mem::take(&mut self.batch);
        self.pending = 0;
        let lost = || BlobError::Io { what: "write an upload", source: std::io::ErrorKind::BrokenPipe.into() };
        let mut state = self.state.take().ok_or_else(lost)?;
        let state = blocking(move || match state.take(&batch) {
            Ok(()) => Ok(state),
            Err(source) => Err(BlobError::Io { what: "write an upload", source }),
        });
        self.state = Some(state.await?);
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`BlobError`]: its end cannot be written.
    pub async fn finish(mut self) -> Result<Arrived, BlobError> {
        self.flush().await?;
        let lost = || BlobError::Io { what: "write an upload", source: std::io::ErrorKind::BrokenPipe.into() };
        let State { file, sha256, sha512, sha1, size } = self.state.take().ok_or_else(lost)?;
        let (mut short, mut long) = ([0; 32], [0; 64]);
        short.copy_from_slice(sha256.finish().as_ref());
        long.copy_from_slice(sha512.finish().as_ref());
        let sha1 = hex::encode(sha1.finish().as_ref());
        Ok(Arrived { file, sha256: Digest::Sha256(short), sha512: Digest::Sha512(long), sha1, size })
    }
}
