//! Why a lock was refused, in words that name file, line, entry, both values and the remedy.
use crate::{
    closure::NodeId,
    digest::{ClosureId, Digests, ManifestId},
    name::ServerName,
    package::PackageId,
};

/// Why a text is not a lock that may be trusted. [`LockError::is_edit`] tells the two kinds apart: a lock that reads well
/// and does not hold together (the gate says no), and a file that cannot be read as a lock (usage).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// More bytes than [`super::MAX_BYTES`].
    #[error("{file}: {bytes} bytes, more than the {limit} that a lock may have")]
    TooLarge {
        /// The file as named by the caller.
        file: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("{file}:{line}: not UTF-8 text")]
    NotUtf8 {
        /// The file as named by the caller.
        file: String,
        /// Line of the first bad byte.
        line: usize,
    },
    /// A merge was left unfinished.
    #[error("{file}:{line}: unresolved merge conflict between `{ours}` and `{theirs}`{}", until(.end))]
    Conflict {
        /// The file as named by the caller.
        file: String,
        /// Line of the first marker.
        line: usize,
        /// Line of the closing marker, if there is one.
        end: Option<usize>,
        /// What git calls the one side, escaped.
        ours: String,
        /// What git calls the other side, escaped.
        theirs: String,
    },
    /// A format that this mcpsec does not know.
    #[error("{file}:{line}: lock format version {found}, this mcpsec reads version {known}")]
    NewerVersion {
        /// The file as named by the caller.
        file: String,
        /// Line of `version`.
        line: usize,
        /// The version in the file.
        found: u64,
        /// The version known here.
        known: u64,
    },
    /// No usable `version`.
    #[error("{file}: no `version = 1` before the first entry; this is not a lock")]
    NoVersion {
        /// The file as named by the caller.
        file: String,
    },
    /// The end is missing.
    #[error("{file}:{line}: the file is cut short{reason}")]
    Truncated {
        /// The file as named by the caller.
        file: String,
        /// The last line there is.
        line: usize,
        /// What the parser said about it, with leading `: `, or nothing.
        reason: String,
    },
    /// Not TOML.
    #[error("{file}:{line}:{column}: not valid TOML: {reason}")]
    NotToml {
        /// The file as named by the caller.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser said, escaped.
        reason: String,
    },
    /// An entry's seal is not that of its text.
    #[error("{file}:{line}: {entry} was edited: its seal is {found}, its text gives {expected}")]
    Edited {
        /// The file as named by the caller.
        file: String,
        /// First line of the entry.
        line: usize,
        /// `server NAME` or `package ID`.
        entry: String,
        /// What the seal should be.
        expected: String,
        /// What it is; `missing` when there is none.
        found: String,
    },
    /// A server's closure id is not that of its closure and packages.
    #[error("{file}:{line}: server {server} names closure {found}, its packages make {expected}")]
    ClosureMismatch {
        /// The file as named by the caller.
        file: String,
        /// First line of the entry.
        line: usize,
        /// The server.
        server: ServerName,
        /// The id computed from nodes, edges, targets and pinned digests.
        expected: ClosureId,
        /// The id in the file.
        found: ClosureId,
    },
    /// A manifest's id is not that of the manifest that stands there.
    #[error("{file}:{line}: server {server} names manifest {found}, what stands there makes {expected}")]
    ManifestMismatch {
        /// The file as named by the caller.
        file: String,
        /// Line of the id.
        line: usize,
        /// The server.
        server: ServerName,
        /// The id computed from every word of it.
        expected: ManifestId,
        /// The id in the file.
        found: ManifestId,
    },
    /// Something refers to an entry that is not there.
    #[error("{file}:{line}: {entry} refers to {missing}, which has no entry")]
    Dangling {
        /// The file as named by the caller.
        file: String,
        /// First line of the entry that refers.
        line: usize,
        /// `server NAME`, `package ID` or `the list of servers`.
        entry: String,
        /// What is missing.
        missing: String,
    },
    /// An entry that nothing refers to.
    #[error("{file}:{line}: nothing in this lock refers to {entry}")]
    Orphan {
        /// The file as named by the caller.
        file: String,
        /// First line of the entry.
        line: usize,
        /// `server NAME` or `package ID`.
        entry: String,
    },
    /// Two entries of one name.
    #[error("{file}:{line}: {entry} is there twice")]
    Duplicate {
        /// The file as named by the caller.
        file: String,
        /// First line of the second entry.
        line: usize,
        /// `server NAME` or `package ID`.
        entry: String,
    },
    /// A value, a key or a count that mcpsec never writes.
    #[error("{file}:{line}: {entry}: {reason}")]
    Invalid {
        /// The file as named by the caller.
        file: String,
        /// Line of the value.
        line: usize,
        /// The entry or `the head of the file`.
        entry: String,
        /// What is wrong with it, escaped.
        reason: String,
    },
    /// The text means a lock, and is not the text that mcpsec writes for it.
    #[error("{file}:{line}: not as mcpsec writes it: found `{found}`, expected `{expected}`")]
    NotCanonical {
        /// The file as named by the caller.
        file: String,
        /// The first line that differs.
        line: usize,
        /// The line in the file, escaped and shortened.
        found: String,
        /// The canonical line.
        expected: String,
    },
}

fn until(end: &Option<usize>) -> String {
    end.map(|end| format!(" (until line {end})")).unwrap_or_default()
}

impl LockError {
    /// Whether the file reads as a lock of this version but was changed by something other than mcpsec: the gate says no
    /// (exit code 1). Otherwise it cannot be read as a lock (exit code 2).
    pub fn is_edit(&self) -> bool {
        match self {
            Self::Edited { .. }
            | Self::ClosureMismatch { .. }
            | Self::ManifestMismatch { .. }
            | Self::Dangling { .. }
            | Self::Orphan { .. }
            | Self::Duplicate { .. }
            | Self::Invalid { .. }
            | Self::NotCanonical { .. } => true,
            Self::TooLarge { .. }
            | Self::NotUtf8 { .. }
            | Self::Conflict { .. }
            | Self::NewerVersion { .. }
            | Self::NoVersion { .. }
            | Self::Truncated { .. }
            | Self::NotToml { .. } => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NewerVersion { .. } => "upgrade mcpsec, or lock again with this version from mcp.toml".to_owned(),
            Self::Conflict { file, .. } => format!(
                "take either side whole (`git checkout --ours {file}` or `git checkout --theirs {file}`), \
                 `mcpsec add` what the other side added, then `mcpsec verify`"
            ),
            Self::ClosureMismatch { file, server, .. } | Self::ManifestMismatch { file, server, .. } => {
                format!("restore it with `git checkout {file}`, or lock {server} again with `mcpsec add`")
            }
            Self::NotCanonical { file, .. } => format!(
                "restore it with `git checkout {file}`; if a formatter rewrites it, exclude the file from that formatter"
            ),
            Self::Truncated { file, .. } | Self::NotUtf8 { file, .. } | Self::NotToml { file, .. } => {
                format!("restore it with `git checkout {file}`")
            }
            Self::TooLarge { file, .. } | Self::NoVersion { file } => {
                format!("see whether {file} is the right file; if so restore it with `git checkout {file}`")
            }
            Self::Edited { file, .. }
            | Self::Dangling { file, .. }
            | Self::Orphan { file, .. }
            | Self::Duplicate { file, .. }
            | Self::Invalid { file, .. } => format!(
                "restore it with `git checkout {file}`; to change what is locked use `mcpsec add`, `update` or `remove`"
            ),
        })
    }
}

/// Why parts do not make a locked server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// A node whose package was not handed in.
    #[error("the closure of {server} has {package}, which was not resolved to a package")]
    MissingPackage {
        /// The server.
        server: ServerName,
        /// The package without an entry.
        package: Box<PackageId>,
    },
    /// A node is said to be on a target that the server is not locked for.
    #[error("the closure of {server} has {node} on {target}, which the server is not locked for")]
    ForeignTarget {
        /// The server.
        server: ServerName,
        /// The node.
        node: Box<NodeId>,
        /// The target, as text.
        target: String,
    },
    /// Some targets name a Python version and some do not, or there are none.
    #[error("the targets of {server} must be at least one, and all with or all without a Python version")]
    Targets {
        /// The server.
        server: ServerName,
    },
    /// What it tells the model is longer than [`super::MAX_TOLD`].
    #[error(
        "what {server} tells the model takes more than the {} MiB that a lock may have of one server",
        super::MAX_TOLD >> 20
    )]
    TooLong {
        /// The server.
        server: ServerName,
    },
    /// A part that would not be read back as itself.
    #[error("{what} of {server} cannot be written to a lock")]
    Unwritable {
        /// The server.
        server: ServerName,
        /// The thing, escaped.
        what: String,
    },
}

/// Why a server may not enter a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// The same version of a package, with other bytes.
    #[error("{package}: {file} is locked as {locked} and now offered as {offered}", locked = list(.locked), offered = list(.offered))]
    Changed {
        /// The package.
        package: Box<PackageId>,
        /// The file whose digests differ.
        file: String,
        /// What the lock pins.
        locked: Box<Digests>,
        /// What was handed in.
        offered: Box<Digests>,
    },
    /// A package, or a file of it, without a digest.
    #[error("{package}: {what} has no sha256 or sha512, so it cannot be pinned")]
    Unpinned {
        /// The package.
        package: Box<PackageId>,
        /// `the package` or the file name, escaped.
        what: String,
    },
    /// A package with a text, file name or id that a lock may not hold.
    #[error("{package}: {what} cannot be written to a lock")]
    Unwritable {
        /// The package.
        package: Box<PackageId>,
        /// Which part of it, escaped.
        what: String,
    },
    /// What all servers tell the model together is longer than [`super::MAX_TOLD_OF_ALL`].
    #[error(
        "with {server}, what the servers tell the model takes more than the {} MiB that a lock may have",
        super::MAX_TOLD_OF_ALL >> 20
    )]
    TooMuchTold {
        /// The server that was to be added.
        server: ServerName,
    },
    /// A package that something refers to was not handed in and is not locked.
    #[error("{entry} refers to {missing}, which was not handed in")]
    Missing {
        /// `server NAME` or `package ID`.
        entry: String,
        /// The package.
        missing: Box<PackageId>,
    },
}

fn list(digests: &Digests) -> String {
    let shown: Vec<String> = digests.iter().map(|digest| digest.to_string()).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(" ") }
}

impl ServerError {
    /// Whether something outside mcpsec is to blame (a registry, a package, a spec), so that the server is refused; otherwise
    /// the parts do not fit together, which is a bug of whoever made them.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unwritable { .. } | Self::TooLong { .. })
    }
}

impl InsertError {
    /// Whether something outside mcpsec is to blame (a registry, a package), so that the server is refused: the gate says no
    /// (exit code 1). Otherwise the parts do not fit together, which is a bug of whoever made them.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Missing { .. })
    }

    /// What is wrong, for a message that names the package already.
    pub(super) fn without_package(&self) -> String {
        match self {
            Self::Unpinned { what, .. } => format!("{what} has no sha256 or sha512"),
            Self::Unwritable { what, .. } => format!("{what} is nothing that mcpsec writes"),
            Self::Changed { .. } | Self::TooMuchTold { .. } | Self::Missing { .. } => self.to_string(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Changed { .. } => Some(
                "a published version must not change: ask its publisher, or mirror; to trust the new bytes \
                 `mcpsec remove` the servers that use it and `mcpsec add` them again"
                    .to_owned(),
            ),
            Self::Unpinned { .. } | Self::TooMuchTold { .. } | Self::Unwritable { .. } | Self::Missing { .. } => None,
        }
    }
}
