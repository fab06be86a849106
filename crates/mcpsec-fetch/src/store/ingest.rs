//! How bytes enter: compared with the pin, synced, renamed, recorded. Many at once, because syncing one file after the
//! other would cost more than fetching them.
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::Digests,
    package::{ArtifactKind, PackageId},
    text::Untrusted,
};

use super::{
    Record, Store, StoreError, contradiction,
    hash::Wanted,
    layout,
    stage::{Staged, create_dir},
};

/// Threads that wait for the disk. Syncing is waiting, not work, so this has nothing to do with cores.
const SYNC_THREADS: usize = 16;

/// A complete file that wants to enter.
#[derive(Debug)]
pub(crate) struct Entering {
    pub(crate) package: PackageId,
    pub(crate) kind: ArtifactKind,
    pub(crate) file: String,
    /// What the bytes must be. If empty, the bytes are stored by their own digests; the caller has compared them with
    /// something weaker.
    pub(crate) pinned: Digests,
    pub(crate) size: Option<u64>,
    pub(crate) staged: Staged,
}

impl Store {
    /// Puts bytes in memory under their digest, for archives made here. `pinned` may be empty: then the bytes themselves
    /// say what they are, and the caller pins the digests of the answer.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the bytes are not what is pinned; then nothing is stored.
    pub fn insert_bytes(
        &self,
        package: &PackageId,
        kind: ArtifactKind,
        file: &str,
        bytes: &[u8],
        pinned: &Digests,
    ) -> Result<CheckedArtifact, StoreError> {
        let mut staged = self.stage()?;
        staged.write(bytes)?;
        let entering =
            Entering { package: package.clone(), kind, file: file.to_owned(), pinned: *pinned, size: None, staged };
        let missing = || StoreError::Missing { package: package.clone(), file: Untrusted::new(file).excerpt(160) };
        self.commit(vec![entering]).pop().ok_or_else(missing)?
    }

    /// A new file in this process's temporary folder, on the same file system as the objects.
    pub(crate) fn stage(&self) -> Result<Staged, StoreError> {
        Ok(Staged::new(self.session()?.fresh_path()))
    }

    /// Compares, syncs, renames and records. Blocks; answers come in the order of the questions, and one failure does not
    /// hinder the others. Once this returns, what was accepted survives a power failure.
    pub(crate) fn commit(&self, batch: Vec<Entering>) -> Vec<Result<CheckedArtifact, StoreError>> {
        let mut slots: Vec<_> = batch.into_iter().map(|entering| Accepted::judge(self, entering)).collect();
        let fail =
            in_parallel(&mut slots, |slot| slot.as_mut().map_or(Ok(()), |accepted| accepted.entering.staged.sync()));
        for (slot, outcome) in slots.iter_mut().zip(fail) {
            if let Err(error) = outcome {
                *slot = Err(error);
            }
        }
        let mut dirs = BTreeSet::new();
        let renamed: Vec<_> =
            slots.into_iter().map(|slot| slot.and_then(|accepted| accepted.rename(&mut dirs))).collect();
        let mut dirs: Vec<PathBuf> = dirs.into_iter().collect();
        let unsynced = in_parallel(&mut dirs, |dir| sync_dir(dir)).into_iter().find_map(Result::err);
        if let Some(error) = &unsynced {
            // The renames happened, and reading checks the bytes anyway; what is lost is only the promise about a power
            // failure, and some file systems never give it.
            tracing::warn!(%error, "the store's folders could not be synced");
        }
        renamed
            .into_iter()
            .map(|slot| {
                let (checked, record) = slot?;
                self.write_record(&record)?;
                Ok(checked)
            })
            .collect()
    }

    /// Makes sure that an artifact found in the store has its record: a process may have been killed between the two.
    pub(crate) fn ensure_record(&self, checked: &CheckedArtifact, kind: ArtifactKind) -> Result<(), StoreError> {
        let path = layout::record(self.root(), checked.package(), checked.file());
        if path.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Ok(());
        }
        let pinned = checked.digests();
        let both = self.check_pin(checked.package(), checked.file(), Some(checked.size()), pinned, Wanted::BOTH)?;
        self.write_record(&Record {
            package: both.package().clone(),
            file: both.file().to_owned(),
            kind,
            size: both.size(),
            digests: *both.digests(),
        })
    }

    fn write_record(&self, record: &Record) -> Result<(), StoreError> {
        let path = layout::record(self.root(), &record.package, &record.file);
        let mut staged = self.stage()?;
        staged.write(&record.to_json())?;
        rename_into(staged.path(), &path)?;
        staged.disown();
        Ok(())
    }
}

/// A file whose bytes are the pinned ones.
struct Accepted {
    entering: Entering,
    size: u64,
    digests: Digests,
    target: PathBuf,
}

impl Accepted {
    fn judge(store: &Store, entering: Entering) -> Result<Self, StoreError> {
        let (size, digests) = (entering.staged.size(), entering.staged.digests());
        let named = || (entering.package.clone(), Untrusted::new(&entering.file).excerpt(160));
        if let Some((expected, actual)) = contradiction(entering.size, &entering.pinned, size, &digests) {
            let (package, file) = named();
            return Err(StoreError::Refused { package, file, expected, actual });
        }
        // Both digests were computed, so a pin shares at least one with them.
        let address_by = if entering.pinned.is_empty() { &digests } else { &entering.pinned };
        let Some(target) = store.object_path(&entering.package, address_by) else {
            let (package, file) = named();
            return Err(StoreError::Unpinned { package, file });
        };
        Ok(Self { entering, size, digests, target })
    }

    fn rename(self, dirs: &mut BTreeSet<PathBuf>) -> Result<(CheckedArtifact, Record), StoreError> {
        let Entering { package, kind, file, staged, .. } = self.entering;
        // An object that is already there has the same name, so the same bytes, or is corrupt and better replaced.
        let made_parent = rename_into(staged.path(), &self.target)?;
        staged.disown();
        if let Some(parent) = self.target.parent() {
            dirs.insert(parent.to_owned());
            if made_parent {
                dirs.extend(parent.ancestors().skip(1).take(2).map(Path::to_owned));
            }
        }
        let record =
            Record { package: package.clone(), file: file.clone(), kind, size: self.size, digests: self.digests };
        let checked =
            CheckedArtifact::vouch_bytes_were_hashed_and_match(package, file, self.target, self.size, self.digests);
        Ok((checked, record))
    }
}

/// Renames; makes the target's folder only if it turns out to be missing. Answers whether it was made.
pub(super) fn rename_into(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fs::rename(from, to) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = to.parent() {
                create_dir(parent)?;
            }
            fs::rename(from, to).map_err(|error| StoreError::io("rename a temporary file to", to, error))?;
            Ok(true)
        }
        Err(error) => Err(StoreError::io("rename a temporary file to", to, error)),
    }
}

#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|handle| handle.sync_all()).map_err(|error| StoreError::io("sync", dir, error))
}

/// Other systems have no handle for folders that could be synced.
#[cfg(not(unix))]
pub(super) fn sync_dir(_dir: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Runs `work` on every item on up to [`SYNC_THREADS`] threads; answers in order.
pub(super) fn in_parallel<T: Send, R: Send>(items: &mut [T], work: impl Fn(&mut T) -> R + Sync) -> Vec<R> {
    if items.len() <= 1 {
        return items.iter_mut().map(work).collect();
    }
    let threads = items.len().min(SYNC_THREADS);
    let next = AtomicUsize::new(0);
    let queue: Vec<_> = items.iter_mut().map(|item| std::sync::Mutex::new(Some(item))).collect();
    let mut out: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = queue.get(at) else { return done };
                let item = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                if let Some(item) = item {
                    done.push((at, work(item)));
                }
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    out.sort_by_key(|(at, _)| *at);
    out.into_iter().map(|(_, result)| result).collect()
}
