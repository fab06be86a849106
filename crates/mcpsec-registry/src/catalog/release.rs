//! One pushed server version, judged.
use std::{collections::BTreeSet, sync::Arc};

pub use mcpsec_model::team::Status;
use mcpsec_model::{
    approval::Approved,
    config::Isolation,
    digest::{Digest, Digests},
    name::ServerName,
    package::PackageId,
    time::Timestamp,
};
use mcpsec_verify::approval::Standing;
use smol_str::SmolStr;

use super::Brief;

/// A file of a closure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRef {
    /// The package it is of.
    pub package: Arc<PackageId>,
    /// Its name in the lock.
    pub file: SmolStr,
    /// What the lock pins.
    pub pinned: Digests,
    /// The name of its bytes in the blob store; `None` when they did not arrive.
    pub blob: Option<Digest>,
    /// SHA-512 as computed on arrival.
    pub sha512: Option<Digest>,
    /// Size in bytes, as the lock says or as it arrived.
    pub size: Option<u64>,
}

/// A pushed server version.
#[derive(Clone, Debug)]
pub struct Release {
    /// SHA-256 of its lock's text.
    pub lock: Digest,
    /// Its name.
    pub server: ServerName,
    /// What an approval of it is about.
    pub what: Approved,
    /// How it stands.
    pub status: Status,
    /// Who approved it, each approval weighed.
    pub standing: Arc<Standing>,
    /// The sandbox its words were captured in; `None` when nobody captured it.
    pub isolation: Option<Isolation>,
    /// How many tools it tells the model about.
    pub tools: usize,
    /// Its lock in a few words.
    pub brief: Arc<Brief>,
    /// All files of its closure.
    pub files: Vec<FileRef>,
    /// Its packages; how many install scripts they have is in the lock.
    pub packages: BTreeSet<Arc<PackageId>>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// By whom, as the server knows them.
    pub pushed_by: String,
    /// Whether it was pushed for review.
    pub requested: bool,
    /// Why it is asked for; untrusted.
    pub reason: String,
    /// How long its lock is, in bytes.
    pub bytes: usize,
}
