//! The keys that the user gave: who may sign git objects. Nothing is read from disk here.
use ssh_key::public::KeyData;

use super::allowed::{self, Allowed, LineError};

/// The longest file of signers: 1 MiB.
const MAX_FILE: usize = 1024 * 1024;
/// How many keys are taken from all files together.
const MAX_KEYS: usize = 4096;

/// Known signers of git objects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signers {
    ssh: Vec<Allowed>,
}

/// Why a file of signers is refused. All of it is: a line that is passed over is a signer who is suddenly unknown, or a limit that
/// is suddenly gone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignersError {
    /// A file of more than 1 MiB.
    #[error("{file}: {len} bytes, more than {MAX_FILE}")]
    TooLong {
        /// Its name, as the caller gave it.
        file: String,
        /// Its length in bytes.
        len: usize,
    },
    /// More than 4096 keys.
    #[error("{file}: more than {MAX_KEYS} keys")]
    TooMany {
        /// The file that is one too much.
        file: String,
    },
    /// A line of an allowed-signers file.
    #[error("{file}:{line}: {error}")]
    Line {
        /// The file's name, as the caller gave it.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        error: LineError,
    },
}

impl Signers {
    /// Nobody: every signature is by an unknown key.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.ssh.is_empty()
    }

    /// Adds the keys of an allowed-signers file (ssh-keygen(1), "ALLOWED SIGNERS"). `file` is for messages. Differences: times
    /// without `Z` are UTC, and `cert-authority` is an error.
    pub fn with_allowed_signers(mut self, text: &str, file: &str) -> Result<Self, SignersError> {
        sized(text, file)?;
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            let read = allowed::line(line, text);
            if let Some(one) = read.map_err(|error| SignersError::Line { file: file.to_owned(), line, error })? {
                if self.count() == MAX_KEYS {
                    return Err(SignersError::TooMany { file: file.to_owned() });
                }
                self.ssh.push(one);
            }
        }
        Ok(self)
    }

    /// The lines about this SSH key, in the order of the file.
    pub(super) fn ssh<'a>(&'a self, key: &'a KeyData) -> impl Iterator<Item = &'a Allowed> {
        self.ssh.iter().filter(move |allowed| allowed.key == *key)
    }

    fn count(&self) -> usize {
        self.ssh.len()
    }
}

fn sized(text: &str, file: &str) -> Result<(), SignersError> {
    if text.len() > MAX_FILE {
        return Err(SignersError::TooLong { file: file.to_owned(), len: text.len() });
    }
    Ok(())
}
