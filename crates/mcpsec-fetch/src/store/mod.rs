//! The store: every vetted artifact under its digest, for the day the upstream is gone.
//!
//! Data flows in through a staged file (hashed while it is written, compared, synced, renamed) and out as a
//! [`CheckedArtifact`], which exists only after the stored bytes were hashed again and compared with the pin. Objects are
//! found by digest alone ([`layout`]), so `kill -9` at any moment and any number of processes leave a store in which every
//! object is whole: a rename either happened or did not. A wrong object (a bad disk, an edited file) is moved to
//! `quarantine/` by whoever notices.
mod error;
mod evidence;
pub(crate) mod hash;
mod ingest;
pub(crate) mod layout;
mod record;
mod stage;
#[cfg(test)]
mod tests;
mod unpacked;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::{Digest, Digests},
    package::{Artifact, PackageId},
};
use rayon::prelude::*;

pub use error::{Pinned, StoreError};
pub use evidence::Evidence;
use hash::Wanted;
pub(crate) use ingest::Entering;
pub use record::{Record, Records};
pub(crate) use stage::Staged;
use stage::{Session, create_dir};
pub use unpacked::UnpackedReport;

/// A content-addressed folder of artifacts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// Made by the first write, so that reading never writes.
    session: Mutex<Option<Arc<Session>>>,
}

/// What [`Store::verify_all`] found.
#[derive(Debug, Default)]
pub struct StoreReport {
    /// Objects whose bytes agree with their name.
    pub good: usize,
    /// Bytes of the good objects.
    pub bytes: u64,
    /// Objects that are wrong or could not be read, sorted by digest.
    pub bad: Vec<BadObject>,
}

/// A stored object that must not be used.
#[derive(Debug)]
pub struct BadObject {
    /// The digest it is stored under; `None` for a file whose name is not a digest.
    pub address: Option<Digest>,
    /// Where it lay.
    pub path: PathBuf,
    /// What is wrong, and what its bytes are.
    pub reason: String,
    /// Where it was moved, if it could be.
    pub quarantined: Option<PathBuf>,
}

impl Store {
    /// A store for reading. Nothing is written, not even when the folder does not exist: then everything is
    /// [`StoreError::Missing`]. Refuses a store of a newer format.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        read_format(&root)?;
        Ok(Self { inner: Arc::new(Inner { root, session: Mutex::new(None) }) })
    }

    /// A store for writing; makes the folders if they are missing. Refuses a store of a newer format and a folder that
    /// holds something else.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        create_dir(&root)?;
        if read_format(&root)?.is_none() {
            refuse_foreign(&root)?;
            write_format(&root)?;
        }
        for folder in [layout::OBJECTS, layout::RECORDS, layout::TMP] {
            create_dir(&root.join(folder))?;
        }
        Ok(Self { inner: Arc::new(Inner { root, session: Mutex::new(None) }) })
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// The folder for installed servers, which `mcpsec-capture` lays out and looks after. May not exist yet.
    pub fn installed_dir(&self) -> PathBuf {
        self.root().join(layout::INSTALLED)
    }

    /// The folder for what is known about one package version: records, and evidence beside them. May not exist yet.
    pub fn record_dir(&self, package: &PackageId) -> PathBuf {
        layout::record_dir(self.root(), package)
    }

    /// Where the artifact lies, if a file is there. Nothing is hashed: this answers "present", never "right".
    pub fn lookup(&self, package: &PackageId, artifact: &Artifact) -> Option<PathBuf> {
        let path = self.object_path(package, &artifact.digests)?;
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()).then_some(path)
    }

    /// Hashes the stored bytes and compares them with everything that is pinned: each digest, and the size if there is one.
    /// The digests of the answer are those that were pinned, no others are computed. Wrong bytes are quarantined.
    pub fn check(&self, package: &PackageId, artifact: &Artifact) -> Result<CheckedArtifact, StoreError> {
        self.check_pin(package, &artifact.file, artifact.size, &artifact.digests, Wanted::by(&artifact.digests))
    }

    /// [`Store::check`] for many artifacts on every core; answers come in the order of the questions.
    pub fn check_many(&self, artifacts: &[(&PackageId, &Artifact)]) -> Vec<Result<CheckedArtifact, StoreError>> {
        // One item a task: sizes differ by orders of magnitude, and even the smallest outweighs the scheduling.
        artifacts.par_iter().with_max_len(1).map(|(package, artifact)| self.check(package, artifact)).collect()
    }

    /// What is stored, by name.
    pub fn ls(&self) -> Records {
        record::read_all(self.root())
    }

    /// Hashes every object on every core and quarantines the wrong ones. `each` hears of every object's size once done.
    pub fn verify_all(&self, each: &(dyn Fn(u64) + Sync)) -> Result<StoreReport, StoreError> {
        let objects = self.objects()?;
        let results: Vec<_> = objects
            .into_par_iter()
            .with_max_len(1)
            .map(|(address, path)| {
                let result = self.verify_object(address, &path);
                each(*result.as_ref().unwrap_or(&0));
                result
            })
            .collect();
        let mut report = StoreReport::default();
        for result in results {
            match result {
                Ok(bytes) => {
                    report.good += 1;
                    report.bytes += bytes;
                }
                Err(bad) => report.bad.push(bad),
            }
        }
        report.bad.sort_by(|a, b| (a.address, &a.path).cmp(&(b.address, &b.path)));
        Ok(report)
    }

    pub(crate) fn object_path(&self, package: &PackageId, pinned: &Digests) -> Option<PathBuf> {
        layout::address(package.ecosystem(), pinned).map(|address| layout::object(self.root(), &address))
    }

    pub(crate) fn check_pin(
        &self,
        package: &PackageId,
        file: &str,
        size: Option<u64>,
        pinned: &Digests,
        wanted: Wanted,
    ) -> Result<CheckedArtifact, StoreError> {
        let shown = || mcpsec_model::text::Untrusted::new(file).excerpt(160);
        let Some(path) = self.object_path(package, pinned) else {
            return Err(StoreError::Unpinned { package: package.clone(), file: shown() });
        };
        let opened = match open_regular(&path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { package: package.clone(), file: shown() });
            }
            Err(error) => return Err(StoreError::io("open", &path, error)),
        };
        let (mut handle, length) = opened;
        let (found, digests) =
            hash::of_file(&mut handle, length, wanted).map_err(|error| StoreError::io("read", &path, error))?;
        match contradiction(size, pinned, found, &digests) {
            None if pinned.agrees(&digests) => {
                Ok(CheckedArtifact::vouch_bytes_were_hashed_and_match(package.clone(), file, path, found, digests))
            }
            // Unreachable while `wanted` covers the pins; an unproven file is treated as a missing proof, never as good.
            None => Err(StoreError::Unpinned { package: package.clone(), file: shown() }),
            Some((expected, actual)) => {
                // A pin whose size is wrong says nothing against an object that is what its name says.
                let misnamed = layout::address(package.ecosystem(), pinned)
                    .is_some_and(|address| !digests.iter().any(|digest| digest == address));
                let quarantined = if misnamed { self.quarantine(pinned, package, &path) } else { None };
                Err(StoreError::Corrupt { package: package.clone(), file: shown(), expected, actual, quarantined })
            }
        }
    }

    fn quarantine(&self, pinned: &Digests, package: &PackageId, path: &Path) -> Option<PathBuf> {
        let address = layout::address(package.ecosystem(), pinned)?;
        self.quarantine_object(&address, path)
    }

    /// Moves a wrong object away. Another process may have put a good one in its place since we hashed it, so what was
    /// moved is hashed once more, and put back if it is good.
    fn quarantine_object(&self, address: &Digest, path: &Path) -> Option<PathBuf> {
        let folder = self.root().join(layout::QUARANTINE);
        create_dir(&folder).ok()?;
        let name = format!("{}-{}", address.algorithm(), address.to_hex());
        let target = (0_u32..1000)
            .map(|number| folder.join(format!("{name}-{number}")))
            // Claiming the name first keeps two processes from moving onto each other.
            .find(|target| File::create_new(target).is_ok())?;
        if fs::rename(path, &target).is_err() {
            let _nothing_was_moved = fs::remove_file(&target);
            return None;
        }
        if matches!(digest_of(&target, address), Ok((_, digest)) if digest == *address) {
            let _put_back = fs::rename(&target, path);
            return None;
        }
        tracing::warn!(path = %target.display(), "a corrupt object was moved to quarantine");
        Some(target)
    }

    fn verify_object(&self, address: Option<Digest>, path: &Path) -> Result<u64, BadObject> {
        let bad = |reason: String, quarantined| BadObject { address, path: path.to_owned(), reason, quarantined };
        let Some(expected) = address else { return Err(bad("its name is not a digest".to_owned(), None)) };
        match digest_of(path, &expected) {
            Ok((size, actual)) if actual == expected => Ok(size),
            Ok((_, actual)) => {
                let quarantined = self.quarantine_object(&expected, path);
                Err(bad(format!("expected {expected}, found {actual}"), quarantined))
            }
            Err(error) => Err(bad(format!("failed to read it: {error}"), None)),
        }
    }

    /// Every file below `objects/` with the digest that its place and name claim.
    fn objects(&self) -> Result<Vec<(Option<Digest>, PathBuf)>, StoreError> {
        let mut out = Vec::new();
        for algorithm in ["sha256", "sha512"] {
            for fan in list(&self.root().join(layout::OBJECTS).join(algorithm))? {
                for path in list(&fan)? {
                    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                    let address: Option<Digest> = format!("{algorithm}:{name}").parse().ok();
                    let address = address.filter(|digest| layout::object(self.root(), digest) == path);
                    out.push((address, path));
                }
            }
        }
        out.sort();
        Ok(out)
    }

    fn session(&self) -> Result<Arc<Session>, StoreError> {
        let mut slot = self.inner.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*slot {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session::start(self.root())?);
        *slot = Some(Arc::clone(&session));
        Ok(session)
    }
}

/// The first thing pinned that the bytes contradict; the digest before the size, since it says more.
pub(crate) fn contradiction(
    size: Option<u64>,
    pinned: &Digests,
    found: u64,
    actual: &Digests,
) -> Option<(Pinned, Pinned)> {
    if let Some((expected, actual)) = pinned.mismatch(actual) {
        return Some((Pinned::Digest(expected), Pinned::Digest(actual)));
    }
    size.filter(|size| *size != found).map(|size| (Pinned::Size(size), Pinned::Size(found)))
}

/// Opens a regular file and tells its length. Anything else (a folder, a pipe that would block) is an error.
fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn digest_of(path: &Path, like: &Digest) -> io::Result<(u64, Digest)> {
    let wanted = match like {
        Digest::Sha256(_) => Wanted { sha256: true, sha512: false },
        Digest::Sha512(_) => Wanted { sha256: false, sha512: true },
    };
    let (mut file, length) = open_regular(path)?;
    let (size, digests) = hash::of_file(&mut file, length, wanted)?;
    let digest = digests.strongest().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok((size, digest))
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = |error| StoreError::io("list", dir, error);
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(fail)).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(fail(error)),
    }
}

fn read_format(root: &Path) -> Result<Option<u32>, StoreError> {
    let path = root.join(layout::FORMAT_FILE);
    let text = match open_regular(&path) {
        Ok((_, length)) if length > 64 => String::new(),
        Ok(_) => fs::read_to_string(&path).map_err(|error| StoreError::io("read", &path, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    let found = text.strip_prefix("mcpsec-store ").and_then(|rest| rest.trim_end().parse::<u32>().ok());
    match found {
        Some(found) if found > layout::FORMAT => {
            Err(StoreError::Newer { path: root.to_owned(), found, known: layout::FORMAT })
        }
        Some(found) => Ok(Some(found)),
        None => Err(StoreError::NotAStore {
            path: root.to_owned(),
            reason: format!("its file `{}` is not ours", layout::FORMAT_FILE),
        }),
    }
}

/// Refuses a folder that holds anything but what a half-made store of ours can hold: a wrong setting must not scatter
/// files over somebody's home.
fn refuse_foreign(root: &Path) -> Result<(), StoreError> {
    for path in list(root)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ours = [
            layout::OBJECTS,
            layout::RECORDS,
            layout::UNPACKED,
            layout::INSTALLED,
            layout::QUARANTINE,
            layout::TMP,
            layout::LOCKS,
            layout::IMPORTS,
            layout::TEAM,
            layout::FORMAT_FILE,
        ]
        .contains(&name.as_str())
            || name.starts_with(".format-");
        if !ours {
            let reason = format!("it holds `{}`", mcpsec_model::text::Untrusted::new(name).excerpt(60));
            return Err(StoreError::NotAStore { path: root.to_owned(), reason });
        }
    }
    Ok(())
}

fn write_format(root: &Path) -> Result<(), StoreError> {
    use io::Write as _;
    let path = root.join(layout::FORMAT_FILE);
    let fail = |error| StoreError::io("write", &path, error);
    let mut file = tempfile::Builder::new().prefix(".format-").tempfile_in(root).map_err(fail)?;
    writeln!(file, "mcpsec-store {}", layout::FORMAT).map_err(fail)?;
    file.as_file().sync_data().map_err(fail)?;
    file.persist(&path).map_err(|error| fail(error.error))?;
    Ok(())
}
