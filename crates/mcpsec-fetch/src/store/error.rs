//! What can go wrong with the store, and what to do about it.
use std::{
    io,
    path::{Path, PathBuf},
};

use mcpsec_model::{digest::Digest, package::PackageId};

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The artifact is not in the store. Fetching it again is safe: its digest is pinned.
    #[error("{package}: {file} is not in the store")]
    Missing {
        /// The package it belongs to.
        package: PackageId,
        /// Its file name, safe to print.
        file: String,
    },
    /// The stored bytes are not the pinned ones.
    #[error("{package}: {file} in the store is corrupt: expected {expected}, found {actual}{}", moved(.quarantined))]
    Corrupt {
        /// The package it belongs to.
        package: PackageId,
        /// Its file name, safe to print.
        file: String,
        /// The pin that the bytes contradict.
        expected: Pinned,
        /// What the bytes are.
        actual: Pinned,
        /// Where the bytes were moved; `None` if they could not be moved.
        quarantined: Option<PathBuf>,
    },
    /// Nothing is pinned, so nothing can be checked.
    #[error("{package}: {file} has no sha256 or sha512 to check it by")]
    Unpinned {
        /// The package it belongs to.
        package: PackageId,
        /// Its file name, safe to print.
        file: String,
    },
    /// Bytes that were to enter the store are not the pinned ones.
    #[error("{package}: {file} refused: expected {expected}, found {actual}")]
    Refused {
        /// The package it belongs to.
        package: PackageId,
        /// Its file name, safe to print.
        file: String,
        /// The pin that the bytes contradict.
        expected: Pinned,
        /// What the bytes are.
        actual: Pinned,
    },
    /// The stored evidence of a file cannot be read. Asking the registry again is safe: nothing in it is trusted unverified.
    #[error("{package}: the stored evidence of {file} is unreadable: {reason}")]
    Evidence {
        /// The package it belongs to.
        package: PackageId,
        /// Its file name, safe to print.
        file: String,
        /// What is wrong with it, safe to print.
        reason: String,
    },
    /// The archive was refused while it was unpacked.
    #[error("{package}: {source}")]
    Unpack {
        /// The package it belongs to.
        package: PackageId,
        /// What is wrong with it.
        source: crate::unpack::UnpackError,
    },
    /// A newer mcpsec wrote this store.
    #[error("the store at {path} has format {found}, and this mcpsec knows up to {known}: use a newer mcpsec")]
    Newer {
        /// The root of the store.
        path: PathBuf,
        /// The format found there.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// The folder holds something else.
    #[error("{path} is not an mcpsec store ({reason}); name an empty folder or a store")]
    NotAStore {
        /// The root that was given.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The operating system refused.
    #[error("failed to {action} {path}: {source}")]
    Io {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// A pinned or found property of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pinned {
    /// A digest.
    Digest(Digest),
    /// A length in bytes.
    Size(u64),
}

impl std::fmt::Display for Pinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Size(size) => write!(f, "{size} bytes"),
        }
    }
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Whether the store gave wrong bytes or was given wrong bytes (as opposed to none at all).
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Refused { .. } | Self::Unpack { .. })
    }
}

fn moved(quarantined: &Option<PathBuf>) -> String {
    match quarantined {
        Some(path) => format!("; moved to {}", path.display()),
        None => "; it could not be moved away".to_owned(),
    }
}
