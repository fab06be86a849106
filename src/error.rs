//! Errors of commands: a kind that decides the exit code, a message, and hints with the next command.
use std::fmt;

use crate::exit::{self, Code};

/// Why a command could not do its job.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: Kind,
    message: String,
    hints: Vec<String>,
}

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The gate says no.
    Denied,
    /// The command line or a file that people write.
    Usage,
    /// Something outside could not be reached or fetched.
    Incomplete,
    /// Our own fault.
    Bug,
    /// Ctrl-C.
    Interrupted,
}

impl CommandError {
    /// An error of a kind. The message fits after "error: " and has no full stop.
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), hints: Vec::new() }
    }

    /// Wrong usage or an unreadable file.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Refused.
    pub(crate) fn denied(message: impl fmt::Display) -> Self {
        Self::new(Kind::Denied, message)
    }

    /// Not reachable, not fetched.
    pub(crate) fn incomplete(message: impl fmt::Display) -> Self {
        Self::new(Kind::Incomplete, message)
    }

    /// A broken promise of our own.
    pub(crate) fn bug(message: impl fmt::Display) -> Self {
        Self::new(Kind::Bug, message)
    }

    /// Adds a hint: the exact next command where there is one.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Adds a hint if there is one.
    #[must_use]
    pub(crate) fn maybe_hint(self, hint: Option<impl fmt::Display>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Puts words before the message, for the step that failed.
    #[must_use]
    pub(crate) fn context(mut self, step: impl fmt::Display) -> Self {
        self.message = format!("{step}: {}", self.message);
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    pub(crate) fn code(&self) -> Code {
        match self.kind {
            Kind::Denied => exit::DENIED,
            Kind::Usage => exit::USAGE,
            Kind::Incomplete => exit::INCOMPLETE,
            Kind::Bug => exit::BUG,
            Kind::Interrupted => exit::INTERRUPTED,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An input/output error of a named file is a configuration problem, not a bug.
pub(crate) fn io(what: impl fmt::Display, path: &std::path::Path, error: &std::io::Error) -> CommandError {
    CommandError::usage(format!("failed to {what} {}: {error}", path.display()))
}
