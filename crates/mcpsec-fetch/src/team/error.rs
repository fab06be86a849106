//! Why a log could not be read, kept or written to.
use std::path::{Path, PathBuf};

use mcpsec_model::{text::Untrusted, url::SafeUrl};

use crate::http::HttpError;

/// Why something about a log failed. Words of the registry are escaped.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The registry could not be asked, or answered with something else.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page of something else: a proxy's log-in page, a web server's own error page.
    #[error("{url} answered with `{found}`, not with {expected}: it is not the team's registry that answers there")]
    ContentType {
        /// What was asked for.
        url: SafeUrl,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
    /// Bytes that no such answer has.
    #[error("{url} answered with something else than {expected}: {reason}")]
    Garbage {
        /// What was asked for.
        url: SafeUrl,
        /// What should have come.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Fewer entries than the registry's own head names.
    #[error("{url} ended after {found} of {expected} entries")]
    CutShort {
        /// What was asked for.
        url: SafeUrl,
        /// How many were asked for.
        expected: u64,
        /// How many came.
        found: u64,
    },
    /// More than was asked for, or more than is ever read.
    #[error("{url} sent more than {limit}")]
    TooMuch {
        /// What was asked for.
        url: SafeUrl,
        /// The limit, with its unit.
        limit: String,
    },
    /// It took too long, however steadily its bytes came.
    #[error("{url} did not finish within {seconds} seconds")]
    Slow {
        /// What was asked for.
        url: SafeUrl,
        /// The limit.
        seconds: u64,
    },
    /// The registry understood and said no.
    #[error("{registry} refused: {message} (status {status})")]
    Refused {
        /// Who.
        registry: String,
        /// The status code.
        status: u16,
        /// Its words, escaped.
        message: String,
        /// What it advises, escaped.
        hint: Option<String>,
    },
    /// Another process is at it.
    #[error("another mcpsec is fetching this log, and was not done within {seconds} seconds")]
    Busy {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The copy on this machine.
    #[error("failed to {what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A line of the copy that is not the one that was verified.
    #[error("entry {entry} in {} is not the one that was verified: the disk, or somebody, changed it", path.display())]
    Changed {
        /// Counted from 0.
        entry: u64,
        /// The file.
        path: PathBuf,
    },
}

impl TeamError {
    pub(super) fn io(what: &'static str, path: &Path, error: std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), error }
    }

    pub(super) fn garbage(url: &SafeUrl, expected: &'static str, reason: impl AsRef<str>) -> Self {
        Self::Garbage { url: url.clone(), expected, reason: Untrusted::new(reason.as_ref()).excerpt(160) }
    }

    /// Whether the registry could not be asked at all, so that what is known already may stand in. What it says that is wrong is
    /// never a reason to go on.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Http(HttpError::Network { .. }) | Self::Slow { .. } | Self::CutShort { .. } => true,
            Self::Http(error) => error.is_transient(),
            _ => false,
        }
    }
}
