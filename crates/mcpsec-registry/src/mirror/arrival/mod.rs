//! What package managers ask before they ask for a file, read out of the file itself when it arrives.
//!
//! An npm registry and a Python index answer questions about packages from records of their own. This mirror has no records: it
//! reads the tarball's `package.json` and the wheel's `METADATA`, so that what it says about a file is what the file says, and
//! a file that passed the check of its hash has a description that passed it too. Archives are strangers' work: reading is
//! bounded in bytes, entries and ratio, and one on which two readers could disagree is refused.
mod core_metadata;
mod package_json;
mod tarball;
mod zip_entry;

use std::{fs::File, io, path::Path};

use mcpsec_model::{name::Ecosystem, package::PackageId, text::Untrusted};

use crate::error::ApiError;

pub(in crate::mirror) use core_metadata::requires_python;

/// What of a file's description is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `package.json`, cut down to what resolvers read; JSON.
    Npm,
    /// Core metadata of a wheel or source distribution, byte for byte (the hash of PEP 658 is over it).
    Pypi,
}

impl Kind {
    /// The word in the table `metadata`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
        }
    }
}

/// The description of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Which one.
    pub kind: Kind,
    /// The text: without NUL, so that every database keeps it.
    pub body: String,
}

/// Why a file is not taken. As words they continue "the file is refused: ".
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// The server cannot read its own copy.
    #[error("it cannot be read here ({0})")]
    Io(io::Error),
    /// Not an archive, cut off, or with wrong checksums.
    #[error("it is no readable {what}: {why}")]
    Damaged {
        /// `tar.gz` or `zip`.
        what: &'static str,
        /// What the reader says, escaped.
        why: String,
    },
    /// More than anything honest.
    #[error("it has more than {limit} {what}")]
    TooMuch {
        /// Of what: `unpacked bytes`, `entries`, …
        what: &'static str,
        /// How much is taken.
        limit: u64,
    },
    /// Unpacks to absurdly more than it is.
    #[error("it unpacks to more than {0} times its size")]
    Bomb(u64),
    /// Two readers may see two things.
    #[error("it can be read in two ways: {0}")]
    Ambiguous(&'static str),
    /// The description is not there or cannot be understood.
    #[error("its {file} {why}")]
    Description {
        /// `package.json`, `METADATA`, `PKG-INFO`.
        file: &'static str,
        /// A fragment, escaped.
        why: String,
    },
    /// It is of something else than the lock says.
    #[error("its {file} is of `{said}`, the lock has {locked}")]
    Other {
        /// `package.json`, `METADATA`, `PKG-INFO`.
        file: &'static str,
        /// Name and version as the file says them, escaped.
        said: String,
        /// The package of the lock.
        locked: PackageId,
    },
}

impl ArrivalError {
    fn other(file: &'static str, name: &str, version: &str, locked: &PackageId) -> Self {
        let said = Untrusted::new(format!("{name} {version}")).excerpt(160);
        Self::Other { file, said, locked: locked.clone() }
    }

    fn reading(what: &'static str, error: &io::Error) -> Self {
        Self::Damaged { what, why: Untrusted::new(error.to_string()).excerpt(120) }
    }
}

impl From<ArrivalError> for ApiError {
    fn from(error: ArrivalError) -> Self {
        match error {
            ArrivalError::Io(why) => Self::unavailable("the folder for arriving files", &why),
            refused => Self::refused(format!("the file is refused: {refused}")),
        }
    }
}

/// Reads the description of the file at `path`, which the lock calls `file` and has as one of `package`. `None`: a file of this
/// kind has none that anybody asks for (git archives, old source distributions). Blocks; a large tarball takes seconds.
///
/// # Errors
/// [`ArrivalError`]: the file is damaged, too much, ambiguous, or of another package or version than the lock says.
pub fn metadata(package: &PackageId, file: &str, path: &Path) -> Result<Option<Metadata>, ArrivalError> {
    let body = match package.ecosystem() {
        Ecosystem::Git => return Ok(None),
        Ecosystem::Npm => {
            let found = tarball::npm(open(path)?)?;
            let files = |folder: &str| tarball::files_below(open(path)?, folder);
            Some((Kind::Npm, package_json::cut_down(&found, package, &files)?))
        }
        Ecosystem::Pypi if file.ends_with(".whl") => {
            let text = zip_entry::only(open(path)?, "METADATA", |name| {
                name.strip_suffix(".dist-info/METADATA").is_some_and(|folder| !folder.contains('/'))
            })?;
            let text = text.ok_or_else(|| core_metadata::problem("METADATA", "is not there"))?;
            core_metadata::check(&text, "METADATA", package)?.map(|body| (Kind::Pypi, body))
        }
        Ecosystem::Pypi => {
            let text = if file.ends_with(".tar.gz") || file.ends_with(".tgz") {
                tarball::pkg_info(open(path)?)?
            } else if file.ends_with(".zip") {
                zip_entry::only(open(path)?, "PKG-INFO", is_pkg_info)?
            } else {
                None
            };
            let text = text.map(|text| core_metadata::check(&text, "PKG-INFO", package)).transpose()?.flatten();
            text.map(|body| (Kind::Pypi, body))
        }
    };
    Ok(body.map(|(kind, body)| Metadata { kind, body }))
}

fn open(path: &Path) -> Result<File, ArrivalError> {
    File::open(path).map_err(ArrivalError::Io)
}

/// Whether it is `<folder>/PKG-INFO`, one level deep.
fn is_pkg_info(path: &str) -> bool {
    path.strip_suffix("/PKG-INFO").is_some_and(|folder| !folder.is_empty() && !folder.contains('/') && folder != "..")
}

#[cfg(test)]
mod tests;
