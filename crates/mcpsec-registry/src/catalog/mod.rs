//! What is vetted now: the facts of the database, judged once per change and read by every face of the server.
//!
//! A [`Catalog`] is a snapshot that never changes. [`Catalogs`] makes a new one when the generation of the database moved, or when
//! the passing of time alone changes something (an approval expires). Readers hold an `Arc` and never wait for the database.
mod brief;
mod build;
mod cell;
mod release;
mod variants;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use mcpsec_model::{
    approval::Approved,
    digest::Digest,
    name::{Ecosystem, ServerName},
    package::PackageId,
    time::Timestamp,
};

pub use brief::Brief;
pub use build::{Builder, ended};
pub use cell::Catalogs;
pub use release::{FileRef, Release, Status};

/// One state of everything.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The generation of the database that it was made from.
    pub generation: i64,
    /// Counts the catalogs of this process: what was made from one is not asked for under another.
    pub edition: u64,
    /// When time alone makes it wrong: the next expiry of an approval that counts.
    pub until: Option<Timestamp>,
    releases: Vec<Arc<Release>>,
    by_lock: HashMap<Digest, usize>,
    packages: BTreeMap<PackageId, Vec<FileRef>>,
    npm: BTreeMap<String, BTreeSet<PackageId>>,
    pypi: BTreeMap<String, BTreeSet<PackageId>>,
    by_digest: HashMap<Digest, FileRef>,
    /// The same bytes under more names; few have any.
    also: HashMap<Digest, Vec<FileRef>>,
    /// For each lock that stands for what was approved, how many others say the same.
    variants: HashMap<Digest, usize>,
}

impl Catalog {
    /// Every server version that somebody pushed: by server, the latest push first.
    pub fn releases(&self) -> &[Arc<Release>] {
        &self.releases
    }

    /// The versions of one server, the latest push first.
    pub fn of_server<'a>(&'a self, server: &'a ServerName) -> impl Iterator<Item = &'a Arc<Release>> {
        self.releases.iter().filter(move |release| release.server == *server)
    }

    /// The release of a lock.
    pub fn release(&self, lock: &Digest) -> Option<&Arc<Release>> {
        self.by_lock.get(lock).and_then(|index| self.releases.get(*index))
    }

    /// The versions of an npm package, or files of a PyPI project, that vetted closures have and whose bytes are here.
    pub fn versions(&self, ecosystem: Ecosystem, name: &str) -> impl Iterator<Item = (&PackageId, &[FileRef])> {
        let ids = match ecosystem {
            Ecosystem::Npm => self.npm.get(name),
            Ecosystem::Pypi => self.pypi.get(name),
            Ecosystem::Git => None,
        };
        ids.into_iter().flatten().filter_map(|id| Some((id, self.packages.get(id)?.as_slice())))
    }

    /// The names of all vetted packages of an ecosystem, sorted.
    pub fn names(&self, ecosystem: Ecosystem) -> impl Iterator<Item = &str> {
        let map = match ecosystem {
            Ecosystem::Npm => Some(&self.npm),
            Ecosystem::Pypi => Some(&self.pypi),
            Ecosystem::Git => None,
        };
        map.into_iter().flat_map(|map| map.keys().map(String::as_str))
    }

    /// A vetted file whose bytes are here, by any digest that a lock pins or that was computed on arrival.
    pub fn file(&self, digest: &Digest) -> Option<&FileRef> {
        self.by_digest.get(digest)
    }

    /// All names of [`Catalog::file`]: locks may call the same bytes by several, as files of several packages.
    pub fn names_of(&self, digest: &Digest) -> impl Iterator<Item = &FileRef> {
        self.by_digest.get(digest).into_iter().chain(self.also.get(digest).into_iter().flatten())
    }

    /// How many locks are there of exactly what this one is of, in other words (evidence, findings, dates: what no approval covers).
    /// They are not among the releases.
    pub fn variants(&self, what: &Approved) -> usize {
        let met = self.releases.iter().find(|release| release.standing.is_met() && release.what == *what);
        met.and_then(|release| self.variants.get(&release.lock)).copied().unwrap_or_default()
    }

    /// The vetted files of one package version.
    pub fn files(&self, package: &PackageId) -> &[FileRef] {
        self.packages.get(package).map(Vec::as_slice).unwrap_or_default()
    }
}
