//! The user's node and python: found on a list of folders, asked once about themselves, and what they must be able to read.
//!
//! What `PATH` names is often not the program itself but a shim or a virtual environment. So the program is asked for its own
//! real path, which is then used: nothing of the environment around it is seen by a server.
mod ask;
mod reads;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use mcpsec_model::{capture, target::PythonMinor};
use smol_str::SmolStr;

use self::ask::Memory;
use super::error::shown;

/// Which language.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RuntimeKind {
    /// `node`.
    Node,
    /// `python3`.
    Python,
}

impl RuntimeKind {
    /// `node` or `python`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
        }
    }
}

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The folders of `PATH`, in order. Relative ones are passed over: they may be a stranger's.
    pub path: &'a [PathBuf],
    /// A file that remembers answers between runs. Whoever can write it decides what runs, as with `PATH` itself.
    pub memory: Option<&'a Path>,
}

/// A runtime of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundRuntime {
    /// Which language.
    pub kind: RuntimeKind,
    /// The program itself, without links, shims and virtual environments.
    pub program: PathBuf,
    /// Its version: `20.20.2`.
    pub version: SmolStr,
    /// Files and folders that it must be able to read to start, sorted; folders of the system's libraries among them.
    pub read: Vec<PathBuf>,
    /// What wheels are chosen by; for Python only.
    pub python: Option<PythonDetails>,
}

/// What decides which wheels a Python takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PythonDetails {
    /// `3.12`.
    pub minor: PythonMinor,
    /// `cpython`, `pypy`.
    pub implementation: String,
    /// It has no global lock, which is another ABI.
    pub gil_disabled: bool,
    /// A debug build.
    pub debug: bool,
    /// glibc's version, if that is its C library.
    pub glibc: Option<(u16, u16)>,
    /// The version of macOS it believes in.
    pub macos: Option<(u16, u16)>,
}

/// Why there is no runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// None on the path.
    #[error("{} was not found on PATH", .kind.as_str())]
    Missing {
        /// Which language.
        kind: RuntimeKind,
    },
    /// Some are there and none suits.
    #[error("no {} on PATH suits: {found}", .kind.as_str())]
    Unsuitable {
        /// Which language.
        kind: RuntimeKind,
        /// Each program with what is wrong with it, safe to print.
        found: String,
        /// What would suit, such as `3.11, 3.12 or 3.13`; safe to print.
        wanted: String,
    },
}

impl RuntimeError {
    /// What to try.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing { kind: RuntimeKind::Node } => "install Node.js, so that `node` is on PATH".to_owned(),
            Self::Missing { kind: RuntimeKind::Python } => "install Python 3, so that `python3` is on PATH".to_owned(),
            Self::Unsuitable { kind, wanted, .. } => {
                format!(
                    "put a {} {wanted} on PATH, or add yours to [targets] in mcp.toml and run `mcpsec update`",
                    kind.as_str()
                )
            }
        }
    }
}

impl FoundRuntime {
    /// As the lock keeps it.
    pub fn to_model(&self) -> capture::Runtime {
        capture::Runtime { name: self.kind.as_str().into(), version: self.version.clone() }
    }
}

/// The first runtime on the path that `suits`; it answers why one does not. `wanted` says what would. For Python, programs
/// named after each of `minors` are tried after `python3` and `python`.
///
/// # Errors
/// See [`RuntimeError`].
pub fn find(
    kind: RuntimeKind,
    search: Search<'_>,
    minors: &BTreeSet<PythonMinor>,
    wanted: &str,
    suits: &dyn Fn(&FoundRuntime) -> Result<(), String>,
) -> Result<FoundRuntime, RuntimeError> {
    /// Each costs the start of a program.
    const MOST: usize = 24;
    let mut names: Vec<String> = match kind {
        RuntimeKind::Node => vec!["node".to_owned()],
        RuntimeKind::Python => vec!["python3".to_owned(), "python".to_owned()],
    };
    names.extend(minors.iter().rev().map(|minor| format!("python{minor}")));
    let mut memory = Memory::open(search.memory);
    let mut tried = BTreeSet::new();
    let mut refused = Vec::new();
    let folders: Vec<&PathBuf> = search.path.iter().filter(|folder| folder.is_absolute()).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(program_name(name))));
    for candidate in candidates.filter(|candidate| is_program(candidate)).take(MOST) {
        let Some(found) = memory.ask(kind, &candidate) else {
            refused.push(format!("{} does not answer as one", candidate.display()));
            continue;
        };
        if !tried.insert(found.program.clone()) {
            continue;
        }
        match suits(&found) {
            Ok(()) => return Ok(found),
            Err(why) => refused.push(format!("{} is {} ({why})", found.program.display(), found.version)),
        }
    }
    if refused.is_empty() {
        return Err(RuntimeError::Missing { kind });
    }
    Err(RuntimeError::Unsuitable { kind, found: shown(&refused.join("; ")), wanted: wanted.to_owned() })
}

fn program_name(name: &str) -> String {
    if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() }
}

fn is_program(file: &Path) -> bool {
    let Ok(meta) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        meta.is_file() && meta.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        meta.is_file()
    }
}

#[cfg(test)]
mod tests;

/// Files and folders of this system that any program may need to start, sorted; no secrets and no user's files.
pub fn system_reads() -> Vec<PathBuf> {
    reads::system()
}
