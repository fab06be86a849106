//! Why a configuration of a client could not be read or rewritten. Values of the file are never repeated: they are often secrets.
use super::tree::{Member, position};
use crate::text::Untrusted;

/// Why a configuration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Too long to be one.
    #[error("it is larger than {limit} bytes")]
    Large {
        /// The most that is read.
        limit: usize,
    },
    /// Not the format it should be, or nested too deeply.
    #[error("line {line}, column {column}: {message}")]
    Form {
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
        /// What is wrong; safe to print.
        message: String,
    },
    /// One name twice in one object.
    #[error("line {second}: `{name}` stands in line {first} already; clients differ in which of the two they take")]
    Twice {
        /// The name, escaped and shortened.
        name: String,
        /// Where it stands first.
        first: u32,
        /// Where it stands again.
        second: u32,
    },
}

impl ClientError {
    /// The line that it is about, if it is about one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Large { .. } => None,
            Self::Form { line, .. } => Some(*line),
            Self::Twice { second, .. } => Some(*second),
        }
    }

    pub(super) fn form(line: u32, column: u32, message: impl ToString) -> Self {
        Self::Form { line, column, message: Untrusted::new(message.to_string()).excerpt(120) }
    }

    pub(super) fn deep(text: &str, at: usize) -> Self {
        let (line, column) = position(text, at);
        Self::form(line, column, format!("nested deeper than {} levels", super::tree::MAX_DEPTH))
    }

    pub(super) fn twice(text: &str, first: &Member, second: &Member) -> Self {
        let line = |member: &Member| position(text, member.key_span.start).0;
        let name = Untrusted::new(first.key.as_str()).excerpt(60);
        Self::Twice { name, first: line(first), second: line(second) }
    }
}

/// Why an entry is not rewritten. Each fits after "is left as it is: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The file itself.
    #[error(transparent)]
    Read(#[from] ClientError),
    /// There is no such entry, or it is not what it was.
    #[error("the entry is not there any more")]
    Gone,
    /// The entry is written in a way that is not touched.
    #[error("{0}")]
    Form(&'static str),
    /// What came out would not say what it should. A promise of this module, kept by looking.
    #[error("the rewritten text would say something else")]
    Unsure,
}
