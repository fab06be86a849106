//! Files on their way in: written and hashed outside the object folders, so that nothing half-written or unchecked is
//! ever found under a digest.
//!
//! Every writing process has one folder below `tmp/`, and holds an advisory lock on a file in it for as long as it lives.
//! A folder whose lock is free belongs to a process that is gone; the next writer removes it. `tmp/lock` is held while
//! folders are made and swept, so that nobody sweeps a folder that is not locked *yet*.
use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use mcpsec_model::digest::Digests;

use super::{
    error::StoreError,
    hash::{Hasher, Wanted},
    layout,
};

const OWNER: &str = "owner";

/// This process's folder for unfinished files. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Session {
    dir: PathBuf,
    /// Holds the lock; the system releases it when the process ends in any way.
    _owner: File,
    next: AtomicU64,
}

impl Session {
    /// Makes the folder and sweeps those of dead processes.
    pub(crate) fn start(root: &Path) -> Result<Self, StoreError> {
        let tmp = root.join(layout::TMP);
        create_dir(&tmp)?;
        let gate_path = tmp.join("lock");
        let gate = open_lock(&gate_path)?;
        // Where the file system knows no locks, folders are still unique; they are only never swept.
        let locked = gate.lock().is_ok();
        if locked {
            sweep(&tmp);
        }
        let dir = tempfile::Builder::new()
            .prefix("w-")
            .rand_bytes(12)
            .tempdir_in(&tmp)
            .map_err(|error| StoreError::io("create a temporary folder in", &tmp, error))?
            .keep();
        let owner_path = dir.join(OWNER);
        let owner = open_lock(&owner_path)?;
        let _unlocked_where_unsupported = owner.try_lock();
        drop(gate);
        Ok(Self { dir, _owner: owner, next: AtomicU64::new(0) })
    }

    /// A name that no other file has.
    pub(crate) fn fresh_path(&self) -> PathBuf {
        self.dir.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next writer.
        super::unpacked::remove_tree(&self.dir);
    }
}

fn open_lock(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| StoreError::io("open the lock file", path, error))
}

/// Removes the folders of processes that are gone. Failing to is never an error: it costs space, not safety.
fn sweep(tmp: &Path) {
    let Ok(entries) = fs::read_dir(tmp) else { return };
    for entry in entries.flatten() {
        let dir = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let alive = match OpenOptions::new().write(true).open(dir.join(OWNER)) {
            Ok(owner) => owner.try_lock().is_err(),
            // Killed between making the folder and its lock file, which happens under the gate that we hold.
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        if !alive {
            tracing::debug!(dir = %dir.display(), "sweeping the folder of a process that is gone");
            super::unpacked::remove_tree(&dir);
        }
    }
}

/// Makes a folder and its parents; one that exists is fine.
pub(crate) fn create_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|error| StoreError::io("create the folder", path, error))
}

/// A file being written. Dropping it before it is committed removes it.
#[derive(Debug)]
pub(crate) struct Staged {
    path: PathBuf,
    file: Option<File>,
    hasher: Hasher,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Staged {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None, hasher: Hasher::new(Wanted::BOTH) }
    }

    /// Appends and hashes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.open()?;
        file.write_all(bytes).map_err(|error| StoreError::io("write", &self.path, error))?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Bytes written so far.
    pub(crate) fn size(&self) -> u64 {
        self.hasher.size()
    }

    /// The digests of what was written, without ending the file.
    pub(crate) fn digests(&self) -> Digests {
        self.hasher.clone().finish().1
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts over with an empty file.
    pub(crate) fn restart(&mut self) -> Result<(), StoreError> {
        self.hasher = Hasher::new(Wanted::BOTH);
        if self.file.take().is_some() {
            fs::remove_file(&self.path).map_err(|error| StoreError::io("remove", &self.path, error))?;
        }
        Ok(())
    }

    /// Makes the bytes survive a power failure. An empty file is created if nothing was written.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.open()?;
        // The length is metadata; `sync_data` flushes the metadata that reading needs, and no more.
        self.open()?.sync_data().map_err(|error| StoreError::io("sync", &self.path, error))
    }

    /// Gives up the claim to the file after it was renamed.
    pub(crate) fn disown(mut self) {
        self.path = PathBuf::new();
        self.file = None;
    }

    fn open(&mut self) -> Result<&mut File, StoreError> {
        if self.file.is_none() {
            let file = create_read_only(&self.path).map_err(|error| StoreError::io("create", &self.path, error))?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| StoreError::io("open", &self.path, std::io::ErrorKind::NotFound.into()))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _swept_with_the_folder = fs::remove_file(&self.path);
        }
    }
}

/// A new file that this handle may write and nobody else may: stored objects are never changed in place.
fn create_read_only(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o444);
    }
    options.open(path)
}
