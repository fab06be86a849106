//! Evidence beside the records: who signed a file, kept so that it can be proven when the registry is gone or has changed its
//! mind. Nothing in it is trusted: whoever reads it verifies it against the locked digests, every time.
//!
//! A document says which digest it is about, and counts for that digest only. It needs no artifact: the evidence of a file for
//! another platform, which is never downloaded here, is kept all the same.
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

use mcpsec_model::{
    digest::{Digest, Digests},
    evidence::Documents,
    package::PackageId,
    text::Untrusted,
};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    ingest::{in_parallel, rename_into, sync_dir},
    layout, open_regular,
    stage::Staged,
};

/// The format written and the newest one read.
const VERSION: u32 = 1;

/// Longest evidence file, in bytes. An attestation response has 8 MiB at most, and some of its characters are escaped.
const LONGEST: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    package: String,
    file: String,
    /// What the evidence is about.
    digest: Digest,
    documents: Documents,
}

/// Why a file is not evidence that can be used.
enum Unusable {
    Newer(u32),
    Bad(String),
    Io(io::Error),
}

/// The evidence of one file on its way into the store.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The package.
    pub package: &'a PackageId,
    /// The file's name in the lock.
    pub file: &'a str,
    /// What the lock pins of it.
    pub digests: &'a Digests,
    /// What the registry gave.
    pub documents: &'a Documents,
}

impl Store {
    /// The stored evidence of a file, nothing verified; `None` when there is none, or only such that is about other bytes.
    ///
    /// # Errors
    /// [`StoreError::Evidence`]: there is a file and it cannot be read (damaged, too long, of a newer format).
    /// [`StoreError::Unpinned`]: no digest to look for.
    pub fn evidence(
        &self,
        package: &PackageId,
        file: &str,
        digests: &Digests,
    ) -> Result<Option<Documents>, StoreError> {
        if digests.is_empty() {
            return Err(StoreError::Unpinned { package: package.clone(), file: shown(file) });
        }
        match self.read_evidence(package, file, digests) {
            Ok(found) => Ok(found),
            Err(Unusable::Io(error)) => {
                Err(StoreError::io("read", &layout::evidence(self.root(), package, file), error))
            }
            Err(unusable) => Err(unusable.into_error(package, file)),
        }
    }

    /// Keeps the evidence of a file. What proves more stays: a document that lacks something which an earlier one about the same
    /// digest had is completed from it, so that a registry which stops handing out evidence erases none. What it does have
    /// replaces what was there: give what was verified, or what nothing better is known of.
    ///
    /// # Errors
    /// [`StoreError::Evidence`]: longer than 16 MiB, or a newer mcpsec wrote the one that is there. [`StoreError::Unpinned`]: no
    /// digest. [`StoreError::Io`].
    pub fn put_evidence(
        &self,
        package: &PackageId,
        file: &str,
        digests: &Digests,
        documents: &Documents,
    ) -> Result<(), StoreError> {
        let missing = || StoreError::Missing { package: package.clone(), file: shown(file) };
        let one = Evidence { package, file, digests, documents };
        self.put_evidence_of_all(&[one]).pop().ok_or_else(missing)?
    }

    /// [`Store::put_evidence`] for many files, synced together; answers come in the order of the questions. Once this returns,
    /// what was accepted survives a power failure.
    pub fn put_evidence_of_all(&self, all: &[Evidence<'_>]) -> Vec<Result<(), StoreError>> {
        if all.is_empty() {
            return Vec::new();
        }
        // Two processes that merge with the same earlier document must not forget each other's. Where the file system knows no
        // locks, the later one wins.
        let _gate = match self.lock_evidence() {
            Ok(gate) => gate,
            Err(error) => {
                let reason = error.to_string();
                return all.iter().map(|one| Err(one.refuse(reason.clone()))).collect();
            }
        };
        let mut staged: Vec<Result<Option<Staged>, StoreError>> =
            all.iter().map(|one| self.stage_evidence(one)).collect();
        let synced = in_parallel(&mut staged, |slot| match slot {
            Ok(Some(staged)) => staged.sync(),
            Ok(None) | Err(_) => Ok(()),
        });
        let mut dirs = std::collections::BTreeSet::new();
        let mut out = Vec::with_capacity(all.len());
        for ((one, staged), synced) in all.iter().zip(staged).zip(synced) {
            out.push(staged.and_then(|staged| {
                synced?;
                let Some(staged) = staged else { return Ok(()) };
                let path = layout::evidence(self.root(), one.package, one.file);
                rename_into(staged.path(), &path)?;
                staged.disown();
                dirs.extend(path.ancestors().skip(1).take(3).map(Path::to_owned));
                Ok(())
            }));
        }
        let mut dirs: Vec<_> = dirs.into_iter().collect();
        if let Some(error) = in_parallel(&mut dirs, |dir| sync_dir(dir)).into_iter().find_map(Result::err) {
            tracing::warn!(%error, "the store's folders could not be synced");
        }
        out
    }

    fn lock_evidence(&self) -> Result<File, StoreError> {
        let path = self.root().join(layout::TMP).join("evidence-lock");
        // Makes the folder, too.
        self.session()?;
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let gate = opened.map_err(|error| StoreError::io("open the lock file", &path, error))?;
        let _unlocked_where_unsupported = gate.lock();
        Ok(gate)
    }

    /// Writes the merged document; `None` when that is what is there already.
    fn stage_evidence(&self, one: &Evidence<'_>) -> Result<Option<Staged>, StoreError> {
        let Some(digest) = layout::address(one.package.ecosystem(), one.digests) else {
            return Err(StoreError::Unpinned { package: one.package.clone(), file: shown(one.file) });
        };
        let earlier = match self.read_evidence(one.package, one.file, one.digests) {
            Ok(earlier) => earlier,
            Err(newer @ Unusable::Newer(_)) => return Err(newer.into_error(one.package, one.file)),
            // Whatever it was, it proves nothing.
            Err(Unusable::Bad(_) | Unusable::Io(_)) => None,
        };
        let documents = match &earlier {
            Some(earlier) => one.documents.clone().completed_from(earlier),
            None => one.documents.clone(),
        };
        if earlier.as_ref() == Some(&documents) {
            return Ok(None);
        }
        let (package, file) = (one.package.to_string(), one.file.to_owned());
        let wire = Wire { version: VERSION, package, file, digest, documents };
        let mut json = serde_json::to_vec(&wire).map_err(|error| one.refuse(error.to_string()))?;
        json.push(b'\n');
        if json.len() as u64 > LONGEST {
            return Err(one.refuse(format!("it has {} bytes, at most {LONGEST} are kept", json.len())));
        }
        let mut staged = self.stage()?;
        staged.write(&json)?;
        Ok(Some(staged))
    }

    fn read_evidence(&self, package: &PackageId, file: &str, digests: &Digests) -> Result<Option<Documents>, Unusable> {
        let path = layout::evidence(self.root(), package, file);
        let (handle, length) = match open_regular(&path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(Unusable::Bad("it is not a regular file".to_owned()));
            }
            Err(error) => return Err(Unusable::Io(error)),
        };
        let too_long = |length: u64| Unusable::Bad(format!("it has {length} bytes, at most {LONGEST} are read"));
        if length > LONGEST {
            return Err(too_long(length));
        }
        let mut json = Vec::new();
        handle.take(LONGEST + 1).read_to_end(&mut json).map_err(Unusable::Io)?;
        if json.len() as u64 > LONGEST {
            return Err(too_long(json.len() as u64));
        }
        let wire = read_wire(&json)?;
        if wire.package != package.to_string() || wire.file != file {
            let other = Untrusted::new(format!("{} {}", wire.package, wire.file)).excerpt(160);
            return Err(Unusable::Bad(format!("it is about {other}")));
        }
        Ok(digests.iter().any(|digest| digest == wire.digest).then_some(wire.documents))
    }
}

fn read_wire(json: &[u8]) -> Result<Wire, Unusable> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let bad = |error: serde_json::Error| Unusable::Bad(Untrusted::new(error.to_string()).excerpt(160));
    let head: Head = serde_json::from_slice(json).map_err(bad)?;
    if head.version > VERSION {
        return Err(Unusable::Newer(head.version));
    }
    serde_json::from_slice(json).map_err(bad)
}

impl Unusable {
    fn into_error(self, package: &PackageId, file: &str) -> StoreError {
        let reason = match self {
            Self::Newer(found) => format!("format {found} is newer than {VERSION}; use a newer mcpsec"),
            Self::Bad(reason) => reason,
            Self::Io(error) => error.to_string(),
        };
        StoreError::Evidence { package: package.clone(), file: shown(file), reason }
    }
}

impl Evidence<'_> {
    fn refuse(&self, reason: String) -> StoreError {
        StoreError::Evidence { package: self.package.clone(), file: shown(self.file), reason }
    }
}

fn shown(file: &str) -> String {
    Untrusted::new(file).excerpt(160)
}
