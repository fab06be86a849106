//! What can go wrong with a git source. Every message names the repository without its credentials.
use std::path::PathBuf;

use mcpsec_model::{
    digest::Digest,
    package::PackageIdError,
    text::{Untrusted, escape},
};

/// Why a git source could not be fetched, or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The address cannot be used safely.
    #[error("git source {url}: {reason}")]
    Address {
        /// The repository, without credentials.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The lock's package is not a git package, or lacks what is needed to fetch it again.
    #[error("`{package}` cannot be restored from git: {reason}")]
    NotRestorable {
        /// The package as the lock names it.
        package: String,
        /// What is missing.
        reason: &'static str,
    },
    /// Only cached data may be used, and it is not there.
    #[error("{what} of {url} is not in the cache, and the network is switched off; run once without --offline")]
    Offline {
        /// The repository, without credentials.
        url: String,
        /// The reference or commit, safe to print.
        what: String,
    },
    /// The remote could not be talked to, or broke the protocol.
    #[error("cannot fetch from {url}: {reason}")]
    Remote {
        /// The repository, without credentials.
        url: String,
        /// What the transport said, escaped.
        reason: String,
    },
    /// A local repository cannot be opened.
    #[error("cannot open the repository {url}: {reason}")]
    Open {
        /// The repository, without credentials.
        url: String,
        /// What the file system or git said, escaped.
        reason: String,
    },
    /// The remote sends nothing any more.
    #[error("{url} sent nothing for {seconds} s; try again later")]
    Stalled {
        /// The repository, without credentials.
        url: String,
        /// How long nothing came.
        seconds: u64,
    },
    /// The remote sends more, or for longer, than is accepted.
    #[error("{url} is refused: {what} is over the limit of {limit} {unit}")]
    OverLimit {
        /// The repository, without credentials.
        url: String,
        /// What was counted, safe to print.
        what: String,
        /// The limit.
        limit: u64,
        /// Bytes, entries, levels or seconds.
        unit: &'static str,
    },
    /// The tag, branch or commit does not exist.
    #[error("{url} has no tag, branch or commit `{reference}`")]
    NoReference {
        /// The repository, without credentials.
        url: String,
        /// As asked for, escaped.
        reference: String,
    },
    /// An abbreviated commit id stands for several commits.
    #[error("`{reference}` is ambiguous in {url}: it could be {first} or {second}; write the full commit id")]
    Ambiguous {
        /// The repository, without credentials.
        url: String,
        /// As asked for.
        reference: String,
        /// One commit.
        first: String,
        /// Another commit.
        second: String,
    },
    /// The reference leads to something that is not a commit.
    #[error("`{reference}` of {url} is a {kind}, not a commit")]
    NotACommit {
        /// The repository, without credentials.
        url: String,
        /// The reference or object id, escaped.
        reference: String,
        /// `tree` or `blob`.
        kind: String,
    },
    /// The remote says that a tag leads to one commit, and the tag object leads to another.
    #[error("{url} says that `{reference}` leads to commit {told}, but its tag object leads to {actual}")]
    Peeled {
        /// The repository, without credentials.
        url: String,
        /// The reference, escaped.
        reference: String,
        /// What the remote says.
        told: String,
        /// What the tag objects say.
        actual: String,
    },
    /// An object is absent, or its bytes are not what its name says.
    #[error("{url}: object {id} is missing or corrupt: {reason}")]
    Object {
        /// The repository, without credentials.
        url: String,
        /// The object's name.
        id: String,
        /// What was found, escaped.
        reason: String,
    },
    /// The repository borrows objects from another folder.
    #[error(
        "{url} borrows objects from other folders (objects/info/alternates), which is not followed; use a full clone: git clone --dissociate"
    )]
    Alternates {
        /// The repository, without credentials.
        url: String,
    },
    /// The tree has an entry that no safe archive can hold.
    #[error("{url}: entry `{path}` is refused: {reason}")]
    Entry {
        /// The repository, without credentials.
        url: String,
        /// Its path in the tree, escaped.
        path: String,
        /// Why.
        reason: String,
    },
    /// The requested folder does not exist.
    #[error("{url} has no folder `{folder}` at commit {commit}")]
    NoSubdirectory {
        /// The repository, without credentials.
        url: String,
        /// As asked for.
        folder: String,
        /// Where it was looked for.
        commit: String,
    },
    /// The requested folder belongs to another repository.
    #[error(
        "{url}: folder `{folder}` lies in the submodule `{submodule}`, which is not fetched; add that repository itself"
    )]
    Submodule {
        /// The repository, without credentials.
        url: String,
        /// As asked for.
        folder: String,
        /// Path of the gitlink, escaped.
        submodule: String,
    },
    /// The commit was fetched again and is not what the lock says.
    #[error("{package}: {what} is {actual}, but mcp.lock says {expected}")]
    Mismatch {
        /// The package.
        package: String,
        /// `tree` or `canonical archive`.
        what: &'static str,
        /// What the lock says.
        expected: String,
        /// What was found.
        actual: String,
    },
    /// A file of the cache could not be read or written.
    #[error("cache of {url}, {}: {source}", path.display())]
    Cache {
        /// The repository, without credentials.
        url: String,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The repository and commit do not form a package id.
    #[error(transparent)]
    Id(#[from] PackageIdError),
}

impl GitError {
    /// Whether the remote could not be asked (as opposed to: it answered, and the answer is no).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Remote { .. } | Self::Stalled { .. } | Self::Offline { .. })
    }

    /// Whether fetching the same commit into a fresh folder may help.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Object { .. } | Self::Open { .. } | Self::Alternates { .. })
    }

    /// A difference between a locked digest and a computed one.
    pub(super) fn archive_mismatch(package: &str, expected: Digest, actual: Digest) -> Self {
        Self::Mismatch {
            package: package.to_owned(),
            what: "canonical archive",
            expected: expected.to_string(),
            actual: actual.to_string(),
        }
    }
}

/// The whole chain of causes in one line, escaped and cut: transports repeat what servers said.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = cause.source();
    }
    Untrusted::new(text).excerpt(400)
}

/// A path of a tree as it is shown: lossy for bytes that are no text, everything hidden escaped.
pub(super) fn shown(path: &[u8]) -> String {
    let text = escape(&String::from_utf8_lossy(path));
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
