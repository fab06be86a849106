//! The proofs that bytes were checked: a [`CheckedArtifact`] exists only for a file whose digest was computed and compared, an
//! [`UnpackedArtifact`] only for a folder whose every file came out of one and is still the same.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    digest::Digests,
    package::{ArtifactKind, PackageId},
    tree::Tree,
};

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

/// A folder with the contents of a checked artifact, looked at in this process and found to be just that.
///
/// Its files are shared with whatever else was unpacked from the same bytes: read and link them, never write to them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnpackedArtifact {
    package: PackageId,
    file: String,
    kind: ArtifactKind,
    dir: PathBuf,
    tree: Arc<Tree>,
}

impl UnpackedArtifact {
    /// The only constructor. Whoever calls it vouches that `dir` was unpacked from checked bytes, and that every item of
    /// `tree`, and nothing else, was found in it just now. Grep for this name to find every such claim.
    pub fn vouch_folder_is_the_artifact(
        package: PackageId,
        file: impl Into<String>,
        kind: ArtifactKind,
        dir: PathBuf,
        tree: Arc<Tree>,
    ) -> Self {
        Self { package, file: file.into(), kind, dir, tree }
    }

    /// The package it belongs to.
    pub fn package(&self) -> &PackageId {
        &self.package
    }

    /// The artifact's file name in the registry.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the artifact is.
    pub fn kind(&self) -> ArtifactKind {
        self.kind
    }

    /// The folder. For npm without the tarball's own first folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Everything in the folder, by path relative to it.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }
}
