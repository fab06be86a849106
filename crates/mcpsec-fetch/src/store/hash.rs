//! Hashing: one pass over the bytes, computing only what was asked for.
use std::{fs::File, io::Read as _};

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use mcpsec_model::digest::{Digest, Digests};

/// Which digests to compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) sha256: bool,
    pub(crate) sha512: bool,
}

impl Wanted {
    /// Both, for bytes that enter the store.
    pub(crate) const BOTH: Self = Self { sha256: true, sha512: true };

    /// Exactly what is pinned: every pinned digest is compared, no other is computed.
    pub(crate) fn by(pinned: &Digests) -> Self {
        Self { sha256: pinned.sha256.is_some(), sha512: pinned.sha512.is_some() }
    }
}

/// Up to two digests and the length, fed piece by piece.
#[derive(Clone)]
pub(crate) struct Hasher {
    sha256: Option<Context>,
    sha512: Option<Context>,
    size: u64,
}

impl Hasher {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            sha256: wanted.sha256.then(|| Context::new(&SHA256)),
            sha512: wanted.sha512.then(|| Context::new(&SHA512)),
            size: 0,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(context) = &mut self.sha256 {
            context.update(bytes);
        }
        if let Some(context) = &mut self.sha512 {
            context.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn finish(self) -> (u64, Digests) {
        let mut digests = Digests::default();
        if let Some(context) = self.sha256 {
            let mut out = [0; 32];
            out.copy_from_slice(context.finish().as_ref());
            digests.insert(Digest::Sha256(out));
        }
        if let Some(context) = self.sha512 {
            let mut out = [0; 64];
            out.copy_from_slice(context.finish().as_ref());
            digests.insert(Digest::Sha512(out));
        }
        (self.size, digests)
    }
}

/// An open file, from where it stands to its end. Memory is bounded by the buffer, which is sized to the file.
pub(crate) fn of_file(file: &mut File, length: u64, wanted: Wanted) -> std::io::Result<(u64, Digests)> {
    /// Large enough that the system calls vanish beside the hashing, small enough for the second-level cache.
    const BUFFER: u64 = 256 * 1024;
    let mut hasher = Hasher::new(wanted);
    // One byte more than the length, so that a small file ends after one full and one empty read.
    let size = usize::try_from(length.saturating_add(1).min(BUFFER)).unwrap_or(4096);
    let mut buffer = vec![0; size];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
    }
    Ok(hasher.finish())
}
