//! The chain of TUF metadata from a built-in root to the targets: the same walk over the network and over what is kept.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcpsec_model::time::Timestamp;
use sigstore_tuf::{MetadataStore, Repository, Updater, UpdaterConfig};

use super::{Anchor, TrustError, error::shown};

/// New roots followed in one refresh.
pub(super) const MAX_ROOTS: u32 = 32;
/// The target that is the trust root itself.
const TRUSTED_ROOT: &str = "trusted_root.json";
/// Old roots, by version: `root_history/17.root.json`.
pub(super) const ROOTS: &str = "root_history/";
/// Targets, by path: `targets/trusted_root.json`.
pub(super) const TARGETS: &str = "targets/";

/// Metadata and targets as text, by the names under which the TUF client stores them.
pub(super) type Files = BTreeMap<String, String>;

/// What a verified chain leads to.
#[derive(Debug)]
pub(super) struct Chain {
    /// Sigstore's `trusted_root.json`.
    pub(super) root: String,
    /// The target that was asked for besides, if there is one.
    pub(super) keys: Result<Option<String>, TrustError>,
    /// Everything that is needed to walk the chain again, and nothing else.
    pub(super) files: Files,
}

fn limits() -> UpdaterConfig {
    let mut limits = UpdaterConfig::default();
    limits.root_max_length = 512 << 10;
    limits.timestamp_max_length = 16 << 10;
    limits.snapshot_max_length = 2 << 20;
    limits.targets_max_length = 5 << 20;
    limits.target_max_length = 1 << 20;
    limits.max_root_rotations = MAX_ROOTS;
    limits.max_delegations = 8;
    limits
}

/// Whether a file is no longer than its kind may be. Files from before are not transferred again, so nothing else checks it.
fn fits(name: &str, text: &str) -> bool {
    let limits = limits();
    let limit = match name {
        "timestamp.json" => limits.timestamp_max_length,
        "snapshot.json" => limits.snapshot_max_length,
        _ if name.starts_with(ROOTS) => limits.root_max_length,
        _ if name.starts_with(TARGETS) => limits.target_max_length,
        _ => limits.targets_max_length,
    };
    text.len() as u64 <= limit
}

/// Walks the chain as of `at`: roots from the anchor on, timestamp, snapshot, targets; then fetches the targets themselves.
/// `known` are files from before: they set the versions below which nothing may fall, and spare transfers. Each is verified
/// again before it counts for anything.
pub(super) async fn walk(
    repository: impl Repository + 'static,
    known: Files,
    anchor: &Anchor,
    keys: Option<&str>,
    at: Timestamp,
) -> Result<Chain, TrustError> {
    let store = Arc::new(Memory::of(known));
    let bottom = anchor.root.as_bytes();
    let mut updater = Updater::new(repository, bottom)?.with_config(limits());
    let first = updater.trusted().root().version;
    updater = updater.with_store(Arc::clone(&store));
    updater.refresh(at).await?;
    let root = text(updater.get_target(TRUSTED_ROOT, at).await?, TRUSTED_ROOT)?;
    // What TUF says of it is that these are the bytes; it is used as JSON.
    let _json: serde_json::value::Map<String, serde_json::Value> =
        serde_json::from_str(&root).map_err(|error| TrustError::malformed(&format!("{TRUSTED_ROOT}: {error}")))?;
    let keys = match keys {
        Some(path) => optional(&mut updater, path, at).await,
        None => Ok(None),
    };
    let last = updater.trusted().root().version;
    let files = store.used(|name| match name.strip_prefix(ROOTS) {
        Some(root) => version_of(root).is_some_and(|(version, _)| first < version && version <= last),
        // Roots and snapshots are stored twice, under two names.
        None => name != "root.json" && version_of(name).is_none_or(|(_, rest)| rest != "snapshot.json"),
    })?;
    Ok(Chain { root, keys, files })
}

/// A target that a repository need not have.
async fn optional(updater: &mut Updater, path: &str, at: Timestamp) -> Result<Option<String>, TrustError> {
    match updater.get_target(path, at).await {
        Ok(bytes) => text(bytes, path).map(Some),
        Err(error) => match TrustError::from(error) {
            TrustError::Missing { .. } => Ok(None),
            other => Err(other),
        },
    }
}

fn text(bytes: Vec<u8>, name: &str) -> Result<String, TrustError> {
    String::from_utf8(bytes).map_err(|_| TrustError::malformed(&format!("{name} is not UTF-8")))
}

/// `17.root.json` as 17 and `root.json`.
pub(super) fn version_of(name: &str) -> Option<(u64, &str)> {
    let (version, rest) = name.split_once('.')?;
    Some((version.parse().ok()?, rest))
}

/// The files of one walk, in memory: nothing reaches the disk before the whole chain is verified, so what is kept always
/// belongs together.
#[derive(Debug, Default)]
struct Memory {
    files: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    files: BTreeMap<String, Vec<u8>>,
    /// What this walk read or wrote; the rest is left over from earlier ones.
    used: BTreeSet<String>,
}

impl Memory {
    fn of(files: Files) -> Self {
        let fitting = files.into_iter().filter(|(name, text)| fits(name, text));
        let files = fitting.map(|(name, text)| (name, text.into_bytes())).collect();
        Self { files: Mutex::new(Held { files, used: BTreeSet::new() }) }
    }

    /// A poisoned lock means that a walk panicked while it held plain data, which is whole all the same.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self, wanted: impl Fn(&str) -> bool) -> Result<Files, TrustError> {
        let held = self.held();
        let names = held.used.iter().filter(|name| wanted(name));
        let files = names.filter_map(|name| Some((name, held.files.get(name)?)));
        files.map(|(name, bytes)| Ok((name.clone(), text(bytes.clone(), &shown(name))?))).collect()
    }
}

impl MetadataStore for Memory {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let mut held = self.held();
        held.used.insert(name.to_owned());
        Ok(held.files.get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        let mut held = self.held();
        held.used.insert(name.to_owned());
        held.files.insert(name.to_owned(), bytes.to_owned());
        Ok(())
    }
}
