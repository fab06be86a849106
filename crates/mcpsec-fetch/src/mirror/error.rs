//! Why the team's registry did not do what it was asked for.
use mcpsec_model::url::SafeUrl;

use crate::http::HttpError;

/// What kept something from being read from, or sent to, the team's registry. Safe to print: what the server says is escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// It was not reached, or its answer is none of HTTP's.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It understood and refused.
    #[error("{url} refused with status {status}{}", of_server(.said))]
    Refused {
        /// What was asked.
        url: SafeUrl,
        /// The status, 4xx.
        status: u16,
        /// Its words, escaped; empty when it gave none that can be read.
        said: String,
        /// What it proposes, escaped.
        hint: Option<String>,
    },
    /// It answered something that makes no sense.
    #[error("{url} sent an answer that cannot be used: {reason}")]
    Answer {
        /// What was asked.
        url: SafeUrl,
        /// What is wrong, escaped.
        reason: String,
    },
    /// A file that was to be sent could not be read.
    #[error("failed to read {file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// The system's words.
        reason: String,
    },
}

impl MirrorError {
    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the server proposes.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}

fn of_server(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
