//! What is kept between runs: one file for each instance with the whole chain, replaced as a whole; a note of the last
//! failure; a lock. All of it is a stranger's word: the chain is verified on every use, the times can only make us ask more
//! often or tell an age that the chain's own expiry bounds.
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{TrustError, chain::Files};

/// Longer files were not written by us.
const MAX_BYTES: u64 = 16 << 20;
/// The form of the file.
const FORMAT: u32 = 1;

/// A kept chain.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptChain {
    format: u32,
    /// When the repository last answered with it.
    pub(super) fetched: Timestamp,
    pub(super) files: Files,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    failed: Timestamp,
}

/// The place of one instance in the folder. Nothing is touched before the first use.
#[derive(Debug, Clone)]
pub(super) struct Place {
    dir: PathBuf,
    name: &'static str,
}

impl Place {
    pub(super) fn new(dir: &Path, name: &'static str) -> Self {
        Self { dir: dir.to_owned(), name }
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.name))
    }

    /// What is kept, if anything is.
    pub(super) fn load(&self) -> Result<Option<KeptChain>, TrustError> {
        let bytes = match read(&self.path("json"), MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TrustError::folder(&error)),
        };
        let kept: KeptChain = serde_json::from_slice(&bytes)
            .map_err(|error| TrustError::Folder { reason: crate::http::chain(&error) })?;
        if kept.format != FORMAT {
            return Err(TrustError::Folder { reason: format!("its format is {}, not {FORMAT}", kept.format) });
        }
        Ok(Some(kept))
    }

    /// Keeps a chain that was just verified, and forgets the last failure.
    pub(super) fn save(&self, fetched: Timestamp, files: Files) -> Result<(), TrustError> {
        self.replace("json", &KeptChain { format: FORMAT, fetched, files })?;
        match fs::remove_file(self.path("failed")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(TrustError::folder(&error)),
            _ => Ok(()),
        }
    }

    /// When a refresh last failed. An unreadable note is no note.
    pub(super) fn last_failure(&self) -> Option<Timestamp> {
        let bytes = read(&self.path("failed"), 1 << 10).ok()?;
        serde_json::from_slice::<Failure>(&bytes).ok().map(|failure| failure.failed)
    }

    /// Remembers that a refresh failed.
    pub(super) fn note_failure(&self, failed: Timestamp) -> Result<(), TrustError> {
        self.replace("failed", &Failure { failed })
    }

    /// The right to refresh, for as long as the file is held. `None` when another process has it. A file system without
    /// locks gives it to everybody, which costs transfers and nothing else.
    pub(super) fn lock(&self) -> Result<Option<fs::File>, TrustError> {
        let open = || fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.path("lock"));
        let file = fs::create_dir_all(&self.dir).and_then(|()| open()).map_err(|error| TrustError::folder(&error))?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => {
                tracing::debug!(%error, "no lock on the trust folder");
                Ok(Some(file))
            }
            Ok(()) => Ok(Some(file)),
        }
    }

    fn replace(&self, ending: &str, value: &impl Serialize) -> Result<(), TrustError> {
        let bytes = serde_json::to_vec(value).map_err(|error| TrustError::folder(&error.into()))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(TrustError::Folder { reason: format!("it is longer than {MAX_BYTES} bytes") });
        }
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.dir)?;
            let mut temp = tempfile::NamedTempFile::new_in(&self.dir)?;
            temp.write_all(&bytes)?;
            // Once a day; else a power cut could leave a torn file that looks like tampering.
            temp.as_file().sync_data()?;
            temp.persist(self.path(ending)).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| TrustError::folder(&error))
    }
}

/// A whole regular file, up to a limit.
fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("it is longer than {limit} bytes")));
    }
    Ok(bytes)
}
