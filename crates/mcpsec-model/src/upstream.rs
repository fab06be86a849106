//! What a registry says today about a package that is locked.
use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::{
    digest::{Digests, Integrity},
    evidence::{Offer, Release},
    text::Untrusted,
};

/// The registry's answer for one locked package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UpstreamState {
    /// The registry has a record.
    Present(UpstreamRecord),
    /// The registry answers and no longer has this version (or this package).
    Gone,
    /// The registry could not be asked; the text says why.
    Unreachable(String),
}

/// What the record says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UpstreamRecord {
    /// The files with their digests.
    pub files: Vec<UpstreamFile>,
    /// npm: the deprecation note.
    pub deprecated: Option<Untrusted>,
    /// PyPI: yanked, with the reason if one is given (may be empty).
    pub yanked: Option<Untrusted>,
    /// git: the commit that the locked reference points to now.
    pub commit: Option<SmolStr>,
    /// git: the id of the annotated tag object that the locked reference names now. The same commit under another tag object
    /// is a tag that was made (and perhaps signed) again.
    pub tag: Option<SmolStr>,
    /// npm: what the record says about the package's place in a closure.
    pub shape: Option<Box<Shape>>,
    /// What evidence the registry says it has for this version. PyPI: of any of its files; see [`Self::offer_for`].
    pub offer: Option<Offer>,
    /// The versions of this package in the order in which they were published (by time, then version), where at least one of
    /// them is attested and the registry tells times. Else empty: then nothing was attested, or nobody can tell when.
    pub history: Vec<Release>,
}

impl UpstreamRecord {
    /// What evidence the registry says it has for one file.
    pub fn offer_for(&self, file: &str) -> Option<&Offer> {
        let own = self.files.iter().find(|known| known.file == file).and_then(|known| known.offer.as_ref());
        own.or(self.offer.as_ref())
    }
}

/// What an npm record says about a package's place in a closure: what a locked graph must follow from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// Names of `dependencies` that are neither optional nor bundled: each must have an edge.
    pub required: BTreeSet<SmolStr>,
    /// Every name that may have an edge (dependencies, optional ones, peers), with the package it names: another one for an
    /// alias (`npm:other@1`).
    pub known: BTreeMap<SmolStr, SmolStr>,
    /// Names of `bin`.
    pub commands: BTreeSet<SmolStr>,
    /// `os`, sorted.
    pub os: Vec<SmolStr>,
    /// `cpu`, sorted.
    pub cpu: Vec<SmolStr>,
    /// `libc`, sorted.
    pub libc: Vec<SmolStr>,
}

/// One file of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamFile {
    /// File name without a path.
    pub file: SmolStr,
    /// The digests that the record claims.
    pub digests: Digests,
    /// A legacy SHA-1, if that is all there is.
    pub sha1: Option<[u8; 20]>,
    /// What evidence there is for this file, where it is told per file (PyPI).
    pub offer: Option<Offer>,
}

impl UpstreamFile {
    /// From an npm `dist` record.
    pub fn from_integrity(file: impl Into<SmolStr>, integrity: &Integrity) -> Self {
        Self { file: file.into(), digests: integrity.digests, sha1: integrity.sha1, offer: None }
    }
}
