//! mcp-approvals.jsonl: one envelope per line, appended and never changed, so that git merges it and reviewers see who added what.
//!
//! Reading is quick for many lines: each envelope is read, its statement only when it is about a server that somebody asks for.
use super::{
    envelope::{Envelope, EnvelopeError},
    statement::{Statement, StatementError},
};
use crate::name::ServerName;

/// The most lines that are read.
pub const MAX_LINES: usize = 100_000;
/// The longest file that is read, in bytes.
pub const MAX_FILE: usize = 512 << 20;

/// A whole file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Approvals {
    lines: Vec<Line>,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// What it holds.
    pub envelope: Envelope,
}

/// Why a file is refused. All of it is: a line that is passed over may be a revocation.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FileError {
    /// Too long.
    #[error("{file}: more than {MAX_FILE} bytes")]
    TooLong {
        /// The file.
        file: String,
    },
    /// Too many lines.
    #[error("{file}: more than {MAX_LINES} lines")]
    TooMany {
        /// The file.
        file: String,
    },
    /// A merge that nobody finished.
    #[error("{file}:{line}: a conflict marker of an unfinished merge")]
    Conflict {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
    },
    /// Windows line ends.
    #[error("{file}:{line}: ends in CR LF, and approvals are bytes that nothing may rewrite")]
    CarriageReturn {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
    },
    /// No line feed at the end.
    #[error("{file}:{line}: cut short: the last line has no line feed")]
    Truncated {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
    },
    /// A line without anything.
    #[error("{file}:{line}: an empty line")]
    Empty {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
    },
    /// Not an envelope.
    #[error("{file}:{line}: {error}")]
    Envelope {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// Why not.
        error: EnvelopeError,
    },
    /// Not a statement.
    #[error("{file}:{line}: {error}")]
    Statement {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// Why not.
        error: StatementError,
    },
}

impl FileError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => {
                "keep the lines of both sides, one approval per line; `mcp-approvals.jsonl merge=union` in .gitattributes does"
            }
            Self::CarriageReturn { .. } => {
                "put `mcp-approvals.jsonl -text` into .gitattributes, and check the file out again"
            }
            Self::TooLong { .. } | Self::TooMany { .. } => {
                "move approvals that have expired to another file, in a commit of their own"
            }
            Self::Truncated { .. } | Self::Empty { .. } | Self::Envelope { .. } | Self::Statement { .. } => {
                "restore the file from version control; lines are only ever appended"
            }
        }
    }
}

impl Approvals {
    /// Reads a file. `file` is the name that errors show.
    ///
    /// # Errors
    /// The first line that is not an envelope, with its number.
    pub fn parse(text: &str, file: &str) -> Result<Self, FileError> {
        let name = || file.to_owned();
        if text.len() > MAX_FILE {
            return Err(FileError::TooLong { file: name() });
        }
        let mut lines = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let number = index + 1;
            if number > MAX_LINES {
                return Err(FileError::TooMany { file: name() });
            }
            let marker =
                |marker: &str| line.strip_prefix(marker).is_some_and(|rest| rest.starts_with([' ', '\n', '\r']));
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].into_iter().any(marker) {
                return Err(FileError::Conflict { file: name(), line: number });
            }
            let Some(line) = line.strip_suffix('\n') else {
                return Err(FileError::Truncated { file: name(), line: number });
            };
            if line.ends_with('\r') {
                return Err(FileError::CarriageReturn { file: name(), line: number });
            }
            if line.is_empty() {
                return Err(FileError::Empty { file: name(), line: number });
            }
            let envelope =
                Envelope::parse(line).map_err(|error| FileError::Envelope { file: name(), line: number, error })?;
            lines.push(Line { number, envelope });
        }
        Ok(Self { lines })
    }

    /// All lines, in the order of the file.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The statements about one server, with their lines. Lines about others are not looked into.
    ///
    /// # Errors
    /// A statement about this server that cannot be read.
    pub fn about(&self, server: &ServerName, file: &str) -> Result<Vec<(&Line, Statement)>, FileError> {
        let mut found = Vec::new();
        for line in self.lines.iter().filter(|line| Statement::mentions(line.envelope.payload(), server)) {
            let statement = Statement::parse(line.envelope.payload()).map_err(|error| FileError::Statement {
                file: file.to_owned(),
                line: line.number,
                error,
            })?;
            if statement.server() == server {
                found.push((line, statement));
            }
        }
        Ok(found)
    }
}
