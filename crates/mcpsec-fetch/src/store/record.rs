//! Records: what an object is called. They name, they never prove: whether bytes are right is decided by their digest
//! and the pin in the lock alone, so a lost or edited record can mislead a listing and nothing else.
use std::{fs, path::Path};

use mcpsec_model::{
    digest::{Digest, Digests},
    package::{ArtifactKind, PackageId},
};
use serde::{Deserialize, Serialize};

use super::layout;

/// A record as JSON, format 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    package: String,
    file: String,
    kind: KindWire,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha512: Option<Digest>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindWire {
    NpmTarball,
    Wheel,
    Sdist,
    GitArchive,
}

/// One stored artifact by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Record {
    /// The package it belongs to.
    pub package: PackageId,
    /// Its file name.
    pub file: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// Its length in bytes.
    pub size: u64,
    /// What its bytes hashed to when they entered the store.
    pub digests: Digests,
}

impl Record {
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            version: 1,
            package: self.package.to_string(),
            file: self.file.clone(),
            kind: match self.kind {
                ArtifactKind::NpmTarball => KindWire::NpmTarball,
                ArtifactKind::Wheel => KindWire::Wheel,
                ArtifactKind::Sdist => KindWire::Sdist,
                ArtifactKind::GitArchive => KindWire::GitArchive,
            },
            size: self.size,
            sha256: self.digests.sha256.map(Digest::Sha256),
            sha512: self.digests.sha512.map(Digest::Sha512),
        };
        // A struct of strings and numbers always serialises; an empty record would be read as unreadable and rewritten.
        let mut json = serde_json::to_vec_pretty(&wire).unwrap_or_default();
        json.push(b'\n');
        json
    }

    fn from_json(json: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if wire.version != 1 {
            return Err(format!("record format {} is newer than 1", wire.version));
        }
        let kind = match wire.kind {
            KindWire::NpmTarball => ArtifactKind::NpmTarball,
            KindWire::Wheel => ArtifactKind::Wheel,
            KindWire::Sdist => ArtifactKind::Sdist,
            KindWire::GitArchive => ArtifactKind::GitArchive,
        };
        let package = wire.package.parse().map_err(|error: mcpsec_model::package::PackageIdError| error.to_string())?;
        let digests = wire.sha256.into_iter().chain(wire.sha512).collect();
        Ok(Self { package, file: wire.file, kind, size: wire.size, digests })
    }
}

/// The records that were read, sorted, and the files that could not be, with the reason.
#[derive(Debug, Default)]
pub struct Records {
    /// What is stored, sorted by package and file.
    pub records: Vec<Record>,
    /// Files among the records that are not records.
    pub unreadable: Vec<(std::path::PathBuf, String)>,
}

/// Reads every record below the root. Evidence files beside them are left alone.
pub(crate) fn read_all(root: &Path) -> Records {
    /// Far above any real record.
    const LONGEST: u64 = 64 * 1024;
    let mut out = Records::default();
    // ecosystem / name / version / file
    let mut dirs = vec![root.join(layout::RECORDS)];
    for _level in 0..3 {
        dirs = dirs
            .iter()
            .filter_map(|dir| fs::read_dir(dir).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
    }
    for entry in dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flat_map(|entries| entries.flatten()) {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().ends_with(layout::RECORD_SUFFIX) {
            continue;
        }
        let read = match entry.metadata() {
            Ok(metadata) if !metadata.is_file() => continue,
            Ok(metadata) if metadata.len() > LONGEST => Err("too long for a record".to_owned()),
            Ok(_) => fs::read(&path).map_err(|error| error.to_string()).and_then(|json| Record::from_json(&json)),
            Err(error) => Err(error.to_string()),
        };
        match read {
            Ok(record) => out.records.push(record),
            Err(reason) => out.unreadable.push((path, reason)),
        }
    }
    out.records.sort();
    out.unreadable.sort();
    out
}
