//! Why the offline database cannot be used or brought up to date.
use std::{io, path::Path};

use crate::http::{HttpError, chain};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OsvError {
    /// A file or folder could not be read or written.
    #[error("failed to {what} {path}: {reason}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The database is not what was written.
    #[error("the advisory database {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database was written by another version of mcpsec.
    #[error("the advisory database {path} has format {found}, and this mcpsec reads format {known}")]
    Format {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// What was offered as a database of records is none.
    #[error("{source_name} cannot be taken for a database of advisories: {reason}")]
    Source {
        /// The file, folder or address, safe to print.
        source_name: String,
        /// Why, escaped.
        reason: String,
    },
    /// Another process is writing the database.
    #[error("another process is bringing the advisory database {path} up to date")]
    Busy {
        /// The file.
        path: String,
    },
    /// An archive could not be had.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl OsvError {
    pub(super) fn io(what: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { what, path: path.display().to_string(), reason: chain(error) }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.display().to_string(), reason: reason.into() }
    }

    pub(super) fn source(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Source { source_name: name.into(), reason: reason.into() }
    }

    /// Whether `mcpsec db update` makes a new one and so mends it.
    pub fn is_mended_by_update(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Format { .. })
    }
}
