//! What kind of project a folder of the repository holds.
use super::{
    error::GitError,
    tree::{LeafKind, Listing, Objects},
};

/// The project in the requested folder, as the files say that resolution reads.
///
/// When a folder is both, the project is [`GitProject::Both`] and the caller decides; the rule of the product is that
/// `package.json` with a `bin` entry wins, because a Python project often carries a `package.json` for its tooling, while a
/// Node project hardly ever carries a `pyproject.toml` with a `[project]` table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GitProject {
    /// A `package.json`, and nothing of Python.
    Npm {
        /// Its bytes, at most 4 MiB, not yet parsed.
        package_json: Vec<u8>,
    },
    /// A `pyproject.toml` or `setup.py`, and nothing of npm.
    Python(PythonProject),
    /// Both.
    Both {
        /// `package.json`.
        package_json: Vec<u8>,
        /// The Python side.
        python: PythonProject,
    },
    /// Neither.
    Unknown,
}

/// The Python side of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PythonProject {
    /// `pyproject.toml`, if there is one that is UTF-8.
    pub pyproject: Option<String>,
    /// There is a `setup.py`: without `[project]` in `pyproject`, dependencies are known only by running it.
    pub has_setup_py: bool,
}

/// Reads the files that decide.
pub(super) fn recognise(
    objects: &Objects<'_>,
    listing: &Listing,
    folder: Option<&str>,
) -> Result<GitProject, GitError> {
    let read = |name: &str| -> Result<Option<Vec<u8>>, GitError> {
        let path = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
        match listing.leaves.get(&path) {
            // A link is not followed: what it leads to is found where it is.
            Some(leaf) if leaf.kind != LeafKind::Link => {
                objects.read(leaf.id, gix::objs::Kind::Blob, name, objects.limits.max_project_file).map(Some)
            }
            _ => Ok(None),
        }
    };
    let package_json = read("package.json")?;
    let pyproject = read("pyproject.toml")?.and_then(|bytes| String::from_utf8(bytes).ok());
    let has_setup_py = read("setup.py")?.is_some();
    let python = (pyproject.is_some() || has_setup_py).then_some(PythonProject { pyproject, has_setup_py });
    Ok(match (package_json, python) {
        (Some(package_json), None) => GitProject::Npm { package_json },
        (None, Some(python)) => GitProject::Python(python),
        (Some(package_json), Some(python)) => GitProject::Both { package_json, python },
        (None, None) => GitProject::Unknown,
    })
}
