//! Source distributions (PEP 625, PEP 643): a tar.gz with PKG-INFO and pyproject.toml, whose build nobody may run.
use std::collections::BTreeMap;

use super::{
    Distribution,
    distribution::UPLOADED,
    metadata::{Metadata, escaped_name},
};
use crate::archives::tar::RawTar;

/// What the build backend of every sdist does when somebody runs it: leave a trace, then fail.
const BACKEND: &[u8] = b"raise SystemExit('the build of a stranger was run')\n";

/// Starts a source distribution whose metadata is static (version 2.2).
pub fn sdist(name: &str, version: &str) -> Sdist {
    Sdist {
        metadata: Metadata::new(name, version),
        files: BTreeMap::from([("setup.py".to_owned(), BACKEND.to_vec())]),
        uploaded: UPLOADED.to_owned(),
        yanked: None,
        bytes: None,
    }
}

/// A source distribution under construction.
#[derive(Clone, Debug)]
pub struct Sdist {
    metadata: Metadata,
    files: BTreeMap<String, Vec<u8>>,
    uploaded: String,
    yanked: Option<String>,
    bytes: Option<Vec<u8>>,
}

impl Sdist {
    /// A requirement (PEP 508).
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// An extra.
    #[must_use]
    pub fn extra(mut self, name: &str) -> Self {
        self.metadata.extras.push(name.to_owned());
        self
    }

    /// The Python versions it supports.
    #[must_use]
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// A field that only a build would tell (PEP 643), such as `Requires-Dist`.
    #[must_use]
    pub fn dynamic(mut self, field: &str) -> Self {
        self.metadata.dynamic.push(field.to_owned());
        self
    }

    /// The metadata version; below 2.2 nothing in PKG-INFO can be relied on.
    #[must_use]
    pub fn metadata_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.metadata.metadata_version);
        self
    }

    /// A file below the top folder; `PKG-INFO` and `pyproject.toml` replace the generated ones.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// When it was uploaded, RFC 3339.
    #[must_use]
    pub fn uploaded(mut self, time: &str) -> Self {
        self.uploaded = time.to_owned();
        self
    }

    /// Yanked, with a reason.
    #[must_use]
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }

    /// These bytes are the archive.
    #[must_use]
    pub fn archive_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.bytes = Some(bytes.into());
        self
    }

    /// The file name.
    pub fn file_name(&self) -> String {
        format!("{}.tar.gz", self.stem())
    }

    /// The archive.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| self.tar().gz())
    }

    /// The archive's entries before compression, so that more can be added.
    pub fn tar(&self) -> RawTar {
        let stem = self.stem();
        let project = format!(
            "[build-system]\nrequires = []\nbuild-backend = \"setup\"\nbackend-path = [\".\"]\n\n[project]\nname = \"{}\"\nversion = \"{}\"\n",
            self.metadata.name, self.metadata.version
        );
        let mut files = self.files.clone();
        files.entry("PKG-INFO".to_owned()).or_insert_with(|| self.metadata.render().into_bytes());
        files.entry("pyproject.toml".to_owned()).or_insert_with(|| project.into_bytes());
        files.iter().fold(RawTar::new(), |tar, (path, bytes)| tar.file(&format!("{stem}/{path}"), bytes))
    }

    /// The archive with its index entry.
    pub fn distribution(&self) -> Distribution {
        let mut distribution =
            Distribution::new(&self.metadata.name, &self.metadata.version, &self.file_name(), self.bytes());
        distribution.requires_python.clone_from(&self.metadata.requires_python);
        distribution.yanked.clone_from(&self.yanked);
        distribution.uploaded = Some(self.uploaded.clone());
        distribution
    }

    fn stem(&self) -> String {
        format!("{}-{}", escaped_name(&self.metadata.name), self.metadata.version)
    }
}

impl From<&Sdist> for Distribution {
    fn from(sdist: &Sdist) -> Self {
        sdist.distribution()
    }
}

impl From<Sdist> for Distribution {
    fn from(sdist: Sdist) -> Self {
        sdist.distribution()
    }
}
