//! Facts about the code of locked packages: read out of the stored archives on every core, and kept in the cache folder under
//! the digest of the archive. Nothing is unpacked to disk, nothing is run.
use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use mcpsec_audit::content::{
    compare::Version,
    package::{self, PackageFacts},
};
use mcpsec_fetch::{
    store::Store,
    unpack::{self, EntryKind, Limits},
};
use mcpsec_model::{
    package::{Artifact, ArtifactKind, Package, PackageId},
    target::Target,
};
use rayon::prelude::*;

use crate::{commands::sources::Sources, files, settings::Settings};

/// The longest remembered answer that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// What is known of a closure.
#[derive(Default)]
pub(crate) struct Shelf {
    facts: BTreeMap<PackageId, PackageFacts>,
    /// Packages whose code is not known, and why.
    pub(crate) missing: BTreeMap<PackageId, String>,
}

impl Shelf {
    /// Reads the code of these packages, as far as this machine needs them.
    pub(crate) fn read(
        settings: &Settings,
        sources: &Sources<'_>,
        store: &Store,
        packages: &[&Package],
        targets: &[Target],
    ) -> Self {
        let needed: Vec<(&Package, &Artifact)> = packages
            .iter()
            .flat_map(|package| sources.needed(package, targets).into_iter().map(|artifact| (*package, artifact)))
            .collect();
        let read = |(package, artifact): &(&Package, &Artifact)| {
            (package.id.clone(), artifact_facts(settings, store, &package.id, artifact))
        };
        let all: Vec<_> = needed.par_iter().with_max_len(1).map(read).collect();
        let mut shelf = Self::default();
        for (id, facts) in all {
            match facts {
                Ok(facts) => shelf.facts.entry(id).or_default().merge(facts),
                Err(why) => {
                    shelf.missing.insert(id, why);
                }
            }
        }
        shelf
    }

    /// What was read otherwise.
    pub(super) fn of(facts: BTreeMap<PackageId, PackageFacts>) -> Self {
        Self { facts, missing: BTreeMap::new() }
    }

    /// As it is compared.
    pub(super) fn versions(&self) -> Vec<Version<'_>> {
        self.facts.iter().map(|(id, facts)| Version { id, facts }).collect()
    }

    pub(super) fn get(&self, id: &PackageId) -> Option<&PackageFacts> {
        self.facts.get(id)
    }
}

/// The facts of one archive: remembered, or read now from bytes that were hashed just before.
fn artifact_facts(
    settings: &Settings,
    store: &Store,
    id: &PackageId,
    artifact: &Artifact,
) -> Result<PackageFacts, String> {
    let file = artifact.digests.strongest().map(|digest| place(settings, &digest.to_hex()));
    if let Some(facts) = file.as_deref().and_then(recall) {
        return Ok(facts);
    }
    let checked = store.check(id, artifact).map_err(|error| error.to_string())?;
    let facts =
        archive_facts(artifact.kind, |visitor| unpack::visit(&checked, artifact.kind, &Limits::STANDARD, visitor))
            .map_err(|error| error.to_string())?;
    if let Some(file) = file {
        remember(&file, &facts);
    }
    Ok(facts)
}

/// Reads an archive that `visit` goes through.
pub(super) fn archive_facts<E>(
    kind: ArtifactKind,
    visit: impl FnOnce(&mut unpack::Visitor<'_>) -> Result<unpack::Summary, E>,
) -> Result<PackageFacts, E> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let (mut count, mut kept, mut pieces) = (0_usize, 0, Vec::new());
    let read = |files: &mut Vec<(String, Vec<u8>)>| -> Vec<package::Piece> {
        let read: Vec<_> =
            files.par_iter().with_max_len(8).filter_map(|(path, bytes)| package::read(path, bytes)).collect();
        files.clear();
        read
    };
    visit(&mut |mut entry| {
        if matches!(entry.kind, EntryKind::File { .. }) && package::matters(entry.path) && count < package::MOST {
            count += 1;
            let mut bytes = Vec::new();
            // One byte more than is read, so that what is longer is known to be.
            let most = package::LARGEST as u64 + 1;
            // A fault in the archive is found again, and told, when the rest is skipped.
            let _fault = entry.contents().take(most).read_to_end(&mut bytes);
            kept += bytes.len();
            files.push((inside(kind, entry.path).to_owned(), bytes));
            if kept > 64 << 20 {
                pieces.extend(read(&mut files));
                kept = 0;
            }
        }
        Ok(())
    })?;
    pieces.extend(read(&mut files));
    let mut facts = PackageFacts::collect(pieces);
    facts.read = count;
    if count >= package::MOST {
        facts.omitted = Some(format!("it has more than {} files", package::MOST));
    }
    Ok(facts)
}

/// A source distribution has one folder at its top, named by the version (PEP 625): no part of a path that is compared.
fn inside(kind: ArtifactKind, path: &str) -> &str {
    match kind {
        ArtifactKind::Sdist => path.split_once('/').map_or(path, |(_, inner)| inner),
        ArtifactKind::NpmTarball | ArtifactKind::Wheel | ArtifactKind::GitArchive => path,
    }
}

fn place(settings: &Settings, digest: &str) -> PathBuf {
    settings.cache.join("content").join(format!("v{}", package::VERSION)).join(format!("{digest}.json"))
}

/// An earlier answer. One that is damaged is none; then the archive is read again.
fn recall(file: &Path) -> Option<PackageFacts> {
    let bytes = files::read_bytes(file, LIMIT).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps an answer. Forgetting costs only time, so a cache that cannot be written is no error.
fn remember(file: &Path, facts: &PackageFacts) {
    let Ok(text) = serde_json::to_string(facts) else { return };
    if let Err(error) = files::keep(file, &text) {
        tracing::debug!("cannot remember what code does: {error}");
    }
}

/// What an archive on disk is, by its name.
pub(super) fn kind_of(name: &str) -> Option<ArtifactKind> {
    if name.ends_with(".whl") {
        Some(ArtifactKind::Wheel)
    } else if name.ends_with(".tgz") {
        Some(ArtifactKind::NpmTarball)
    } else if name.ends_with(".tar.gz") || name.ends_with(".zip") {
        Some(ArtifactKind::Sdist)
    } else {
        None
    }
}
