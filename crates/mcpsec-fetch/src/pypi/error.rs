//! Why a Python package could not be resolved or found.
use mcpsec_model::{closure::ClosureError, package::PackageIdError};

use super::page::PageError;
use crate::http::HttpError;

/// An error of the PyPI source. Texts from outside are escaped and shortened before they come here.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PypiError {
    /// No index has the name.
    #[error("no index has a project `{name}` (asked: {indexes})")]
    NotFound {
        /// The normalised name.
        name: String,
        /// The addresses that were asked, without secrets.
        indexes: String,
    },
    /// A page that cannot be used.
    #[error("the page of `{name}` on {index} cannot be used: {source}")]
    Page {
        /// The normalised name.
        name: String,
        /// The index, as [`mcpsec_model::url::SafeUrl`] prints it.
        index: String,
        /// Why.
        source: PageError,
    },
    /// The index or a file server could not be asked, or said no.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A date was asked for and the index does not say when files were uploaded.
    #[error(
        "{index} offers no upload times for `{name}` (PEP 700), so it cannot say how things stood on {date}; leave out --as-of or use an index with upload times"
    )]
    NoUploadTimes {
        /// The normalised name.
        name: String,
        /// The index, as [`mcpsec_model::url::SafeUrl`] prints it.
        index: String,
        /// The date asked for.
        date: String,
    },
    /// No set of versions satisfies any target.
    #[error("no versions satisfy `{spec}` on {target}: {report}")]
    NoSolution {
        /// What was asked for.
        spec: String,
        /// The first target.
        target: String,
        /// The solver's explanation, escaped and shortened.
        report: String,
    },
    /// A dependency that is not a set of versions of a project.
    #[error("{path} depends on `{url}`, which cannot be locked; only projects of a Python index can")]
    UnsupportedDependency {
        /// The way from the requested package, `a > b > c`.
        path: String,
        /// The URL as written, escaped, without secrets.
        url: String,
    },
    /// No versions fit, and a file whose metadata cannot be read safely is among the reasons.
    #[error("{path}: {reason}; no other version fits")]
    UnusableFile {
        /// The way from the requested package, `a > b > c`.
        path: String,
        /// The file and what is wrong with it, escaped.
        reason: String,
    },
    /// A file of a chosen version that cannot be pinned.
    #[error("`{file}` of {package} {reason}, so it cannot be pinned; use an index that gives sha256 digests")]
    NotPinnable {
        /// The package id.
        package: String,
        /// The file.
        file: String,
        /// What is wrong with its digest.
        reason: &'static str,
    },
    /// A file of a locked package that the index no longer lists.
    #[error("no index lists `{file}` of {package} any more")]
    FileGone {
        /// The package id.
        package: String,
        /// The file.
        file: String,
    },
    /// The provenance of a file cannot be read.
    #[error("the provenance of `{file}` of {package} cannot be read: {reason}")]
    Evidence {
        /// The package id.
        package: String,
        /// The file, escaped.
        file: String,
        /// What is wrong, safe to print.
        reason: &'static str,
    },
    /// `[targets]` leaves nothing to resolve for.
    #[error("none of the targets can run `{spec}`: {reason}")]
    NoTarget {
        /// What was asked for.
        spec: String,
        /// Why not.
        reason: String,
    },
    /// A bound was reached, so the input is hostile or broken.
    #[error("resolution of `{spec}` was stopped: {reason}")]
    Limit {
        /// What was asked for.
        spec: String,
        /// The bound.
        reason: String,
    },
    /// pyproject.toml cannot be used.
    #[error("pyproject.toml: {0}")]
    Project(String),
    /// A version that a lock cannot hold.
    #[error(transparent)]
    Id(#[from] PackageIdError),
    /// The graph has a hole; a bug here or a page that changed between two readings.
    #[error(transparent)]
    Closure(#[from] ClosureError),
    /// The asker went away, or the solver's thread ended abnormally.
    #[error("resolution was interrupted")]
    Interrupted,
}

impl PypiError {
    /// Whether the index could not be asked at all, so that what depends on it is unchecked rather than failed.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_unreachable())
    }

    /// The same, told of the index where it could not be reached: one story for all projects.
    pub(crate) fn of_index(&self) -> String {
        match self {
            Self::Http(error) if error.is_unreachable() => error.of_server(),
            other => other.to_string(),
        }
    }

    /// Whether the index answered and has no such project.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
