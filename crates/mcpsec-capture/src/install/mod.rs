//! Installing a locked server: from unpacked, checked artifacts to a read-only folder that a runtime of the user starts.
//!
//! ```text
//! LockedServer + Terms --plan--> Blueprint --artifacts()--> the caller checks and unpacks them
//!                                   |  installed(): laid out before and still the same? A `stat` a file.
//!                                   +- lay_out(unpacked): draft -> files and links -> (scripts, bytecode) -> index -> rename
//! ```
//!
//! Everything is decided on a [draft](draft) first: no package can write over another's files, leave the folder, or follow
//! a link. Nothing of a package runs, but for install scripts that the policy names by package and version, and those only
//! in the sandbox. What is laid out is hashed once more and compared with the draft before it is given its final name, so an
//! interrupted or raced installation is never found under it.
//!
//! Installations lie at `<into>/<closure id>-<hash of runtime, target, policy>/{tree/, index}` and can be removed at any time.
mod build;
mod cache;
mod draft;
mod error;
mod folder;
mod graph;
mod npm;
mod plan;
mod pypi;
pub mod runtime;
mod script;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use mcpsec_model::{
    artifact::UnpackedArtifact,
    capture::Runtime,
    lock::LockedServer,
    package::{Artifact, Package, PackageId},
    target::Platform,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use self::error::{InstallError, RecordProblem};
pub use self::plan::plan;
use self::{
    cache::Building,
    graph::Selection,
    runtime::{FoundRuntime, RuntimeKind, Search},
};
use crate::sandbox::Sandbox;

/// Unpacked artifacts by package and file name.
pub type Unpacked = BTreeMap<(PackageId, String), UnpackedArtifact>;

/// What an installation depends on besides the lock.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// This machine.
    pub platform: Platform,
    /// Where runtimes are.
    pub search: Search<'a>,
    /// Packages whose install scripts may run, as `npm:name@version`; see `mcpsec_model::config::Policy`.
    pub install_scripts: &'a [SmolStr],
}

/// What will be installed. Made by [`plan`].
#[derive(Debug)]
pub struct Blueprint<'a> {
    server: &'a LockedServer,
    packages: &'a BTreeMap<PackageId, Package>,
    selection: Selection<'a>,
    runtime: FoundRuntime,
    artifacts: Vec<(&'a PackageId, &'a Artifact)>,
    allowed_scripts: BTreeSet<PackageId>,
    key: String,
}

/// A server that can be started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstalledServer {
    /// Its folder; read-only.
    pub root: PathBuf,
    /// The program to start.
    pub program: PathBuf,
    /// The arguments that come before those of mcp.toml.
    pub args: Vec<OsString>,
    /// Variables that it needs: `PATH` with its own programs, its runtime and the system's.
    pub env: BTreeMap<OsString, OsString>,
    /// Everything that must be readable, sorted: the folder, the runtime, the system's libraries.
    pub read: Vec<PathBuf>,
    /// What runs it.
    pub runtime: Option<Runtime>,
    /// What a person should know, sorted.
    pub notes: Vec<Note>,
}

/// Something about an installation that a person should know. Every text is safe to print.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// A file of a package was left out, wholly or in part.
    NotInstalled {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
        /// Why.
        why: String,
    },
    /// An install script was not run. The server may or may not work without.
    ScriptNotRun {
        /// The package.
        package: String,
        /// `preinstall`, `install` or `postinstall`.
        script: String,
    },
    /// An install script was run in the sandbox.
    ScriptRun {
        /// The package.
        package: String,
        /// `preinstall`, `install` or `postinstall`.
        script: String,
        /// What it tried beyond its own folder: hosts, files, canaries, programs, refused calls.
        tried: Vec<String>,
    },
    /// Sources were not compiled ahead, so starts are slower.
    NotCompiled {
        /// Why.
        why: String,
    },
}

/// How a laid-out server is started, in words that do not depend on where it lies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    program: Word,
    args: Vec<Word>,
    notes: Vec<Note>,
}

/// A word of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// The runtime's program.
    Runtime,
    /// As it is.
    Text(String),
    /// A path in the installation.
    Tree(String),
}

/// The file in an installation that says how it is started.
const START: &str = ".mcpsec-start.json";

impl<'a> Blueprint<'a> {
    /// The artifacts that [`Blueprint::lay_out`] takes, sorted by package.
    pub fn artifacts(&self) -> &[(&'a PackageId, &'a Artifact)] {
        &self.artifacts
    }

    /// The runtime that will run it.
    pub fn runtime(&self) -> &FoundRuntime {
        &self.runtime
    }

    /// The installation that was laid out below `into` before, if it is still what it was.
    ///
    /// # Errors
    /// [`InstallError::Io`]; a damaged installation is no error, but `None`.
    pub fn installed(&self, into: &Path) -> Result<Option<InstalledServer>, InstallError> {
        let place = into.join(&self.key);
        let Some(tree) = cache::look(&place)? else { return Ok(None) };
        let path = place.join(cache::TREE).join(START);
        let text = std::fs::read(&path).map_err(|error| InstallError::io("read", &path, error))?;
        let start: Option<Start> = serde_json::from_slice(&text).ok();
        Ok(start
            .filter(|_| tree.items.contains_key(START))
            .map(|start| self.server_at(&place.join(cache::TREE), &start)))
    }

    /// Lays the server out below `into`, or finds it there. `sandbox` runs allowed install scripts and compiles Python sources ahead;
    /// without one, allowed scripts are an error and nothing is compiled.
    ///
    /// # Errors
    /// See [`InstallError`].
    pub fn lay_out(
        &self,
        unpacked: &Unpacked,
        into: &Path,
        sandbox: Option<&Sandbox>,
    ) -> Result<InstalledServer, InstallError> {
        if let Some(installed) = self.installed(into)? {
            return Ok(installed);
        }
        let building = Building::start(into, &self.key)?;
        let start = match self.runtime.kind {
            RuntimeKind::Node => self.build_node(unpacked, &building, sandbox)?,
            RuntimeKind::Python => self.build_python(unpacked, &building, sandbox)?,
        };
        let place = building.finish()?;
        Ok(self.server_at(&place, &start))
    }

    fn server_at(&self, tree: &Path, start: &Start) -> InstalledServer {
        let word = |word: &Word| match word {
            Word::Runtime => self.runtime.program.clone().into_os_string(),
            Word::Text(text) => OsString::from(text),
            Word::Tree(path) => tree.join(path).into_os_string(),
        };
        let programs = if self.runtime.kind == RuntimeKind::Node { "node_modules/.bin" } else { "bin" };
        let mut path = vec![tree.join(programs)];
        path.extend(self.runtime.program.parent().map(Path::to_owned));
        path.extend(["/usr/bin", "/bin"].map(PathBuf::from));
        path.dedup();
        // Folders with a separator in their name cannot be in a list; then the server's own programs are not found by name.
        let joined = std::env::join_paths(&path).unwrap_or_else(|_| OsString::from("/usr/bin:/bin"));
        let mut read = self.runtime.read.clone();
        read.push(tree.to_owned());
        read.sort();
        read.dedup();
        InstalledServer {
            root: tree.to_owned(),
            program: word(&start.program).into(),
            args: start.args.iter().map(word).collect(),
            env: BTreeMap::from([("PATH".into(), joined)]),
            read,
            runtime: Some(self.runtime.to_model()),
            notes: start.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
