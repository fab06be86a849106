//! Folders of real packages, with what was recorded beside them: what `fixture-registry` serves.
//!
//! | beside `<file>` | what it is |
//! |---|---|
//! | `<file>.packument.json`, `packument.json` | an npm packument; served as recorded, `*.invalid` hosts rewritten |
//! | `<file>.json` | npm: the attestation response; PyPI: fields of the file's PEP 691 entry |
//! | `attestations.json` | the attestation response of a folder with one `*.tgz` |
//! | `npm-keys.json` | the answer of `/-/npm/v1/keys` |
//! | `<file>.provenance` | the PEP 740 provenance object |
mod npm;
mod pypi;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use npm::{NpmOptions, load_npm, registry_keys, stub_dependencies};
pub use pypi::load_pypi;

/// Longest text read out of an archive (package.json, METADATA), in bytes.
const MAX_TEXT: u64 = 16 << 20;

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what its name says.
    #[error("`{path}` is not usable: {reason}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two files are the same version.
    #[error("`{first}` and `{second}` are both {package}; name the files to serve instead of their folder")]
    Twice {
        /// Name and version.
        package: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// There is nothing to serve, or two kinds of things.
    #[error("{0}; say --npm or --pypi")]
    Undecided(&'static str),
}

/// The registry a set of files is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ecosystem {
    /// `*.tgz`.
    Npm,
    /// `*.whl` and `*.tar.gz`.
    Pypi,
}

/// Which registry the given files and folders are for.
pub fn detect(paths: &[PathBuf]) -> Result<Ecosystem, FolderError> {
    let npm = !files(paths, Ecosystem::Npm)?.is_empty();
    let pypi = !files(paths, Ecosystem::Pypi)?.is_empty();
    match (npm, pypi) {
        (true, false) => Ok(Ecosystem::Npm),
        (false, true) => Ok(Ecosystem::Pypi),
        (true, true) => Err(FolderError::Undecided("there are both npm tarballs and Python files")),
        (false, false) => Err(FolderError::Undecided("there is no .tgz, .whl or .tar.gz")),
    }
}

/// The packages among files and, one level deep, in folders; sorted.
fn files(paths: &[PathBuf], ecosystem: Ecosystem) -> Result<Vec<PathBuf>, FolderError> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            for entry in fs::read_dir(path).map_err(read_error(path))? {
                found.push(entry.map_err(read_error(path))?.path());
            }
        } else {
            found.push(path.clone());
        }
    }
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match ecosystem {
            Ecosystem::Npm => name.ends_with(".tgz"),
            Ecosystem::Pypi => name.ends_with(".whl") || name.ends_with(".tar.gz"),
        }
    });
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    fs::read(path).map_err(read_error(path))
}

/// The file, or `None` if there is none.
fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Read { path: path.to_path_buf(), source }),
    }
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |source| FolderError::Read { path, source }
}

fn unusable(path: &Path, reason: impl std::fmt::Display) -> FolderError {
    FolderError::Unusable { path: path.to_path_buf(), reason: reason.to_string() }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `<path><suffix>`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
