//! The proof that bytes were checked: a [`CheckedArtifact`] exists only for a file whose digest was computed and compared.
use std::path::{Path, PathBuf};

use crate::{digest::Digests, package::PackageId};

/// A stored file whose bytes were hashed in this process and agree with what was pinned or recorded.
///
/// Later steps (unpack, install, run) take this type, so they cannot be called with bytes nobody checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedArtifact {
    package: PackageId,
    file: String,
    path: PathBuf,
    size: u64,
    digests: Digests,
}

impl CheckedArtifact {
    /// The only constructor. Whoever calls it vouches that the bytes at `path` were hashed just now, gave both `digests`
    /// and `size`, and that these agree with the pin. Grep for this name to find every such claim.
    pub fn vouch_bytes_were_hashed_and_match(
        package: PackageId,
        file: impl Into<String>,
        path: PathBuf,
        size: u64,
        digests: Digests,
    ) -> Self {
        Self { package, file: file.into(), path, size, digests }
    }

    /// The package it belongs to.
    pub fn package(&self) -> &PackageId {
        &self.package
    }

    /// Its file name in the registry.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where it lies in the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its SHA-256 and SHA-512, both computed here.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }
}
