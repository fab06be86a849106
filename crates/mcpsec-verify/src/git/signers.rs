//! The keys that the user gave: who may sign git objects. Nothing is read from disk here.
use pgp::composed::SignedPublicKey;
use ssh_key::public::KeyData;

use super::{
    allowed::{self, Allowed, LineError},
    pgp::keyring,
};

/// The longest file of signers: 1 MiB.
const MAX_FILE: usize = 1024 * 1024;
/// How many keys are taken from all files together.
const MAX_KEYS: usize = 4096;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Known signers of git objects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signers {
    ssh: Vec<Allowed>,
    pgp: Vec<SignedPublicKey>,
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
    /// A file of OpenPGP keys.
    #[error("{file}: key block {block}: {what}")]
    Pgp {
        /// The file's name, as the caller gave it.
        file: String,
        /// Which armored block, from 1; 0 when there is none.
        block: usize,
        /// Which rule it breaks.
        what: &'static str,
    },
}

impl Signers {
    /// Nobody: every signature is by an unknown key.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
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

    /// Adds the keys of one or many armored OpenPGP public key blocks. `file` is for messages.
    pub fn with_pgp_keys(mut self, text: &str, file: &str) -> Result<Self, SignersError> {
        sized(text, file)?;
        let refuse = |block, what| SignersError::Pgp { file: file.to_owned(), block, what };
        let mut block = 0;
        let mut rest = text;
        // Words between the blocks are comments, unless they look like a block of another kind, or one with a typing error.
        let strange = |text: &str| text.contains("-----");
        while let Some(at) = rest.find(BEGIN) {
            block += 1;
            if strange(&rest[..at]) {
                return Err(refuse(block, "something that is not an armored public key before it"));
            }
            let body = &rest[at..];
            let end = body.find(END).ok_or_else(|| refuse(block, "its END line is missing"))? + END.len();
            for key in keyring::read(&body[..end]).map_err(|what| refuse(block, what))? {
                if self.count() == MAX_KEYS {
                    return Err(SignersError::TooMany { file: file.to_owned() });
                }
                self.pgp.push(key);
            }
            rest = &body[end..];
        }
        if strange(rest) {
            return Err(refuse(block, "something that is not an armored public key after it"));
        }
        if block == 0 {
            return Err(refuse(0, "no armored public key"));
        }
        Ok(self)
    }

    /// The OpenPGP keys.
    pub(super) fn pgp(&self) -> &[SignedPublicKey] {
        &self.pgp
    }

    fn count(&self) -> usize {
        self.ssh.len() + self.pgp.len()
    }
}

fn sized(text: &str, file: &str) -> Result<(), SignersError> {
    if text.len() > MAX_FILE {
        return Err(SignersError::TooLong { file: file.to_owned(), len: text.len() });
    }
    Ok(())
}
