//! What was approved, in so few words that an approval stays small and a later review can show what changed since.
//!
//! Packages and texts are named with eight bytes of a hash each. They decide nothing: whether an approval still counts is decided
//! by whole digests. They are signed, so that a summary cannot be swapped to hide a change from a reviewer.
use std::collections::BTreeMap;

use crate::{
    digest::{Digest, EntryId},
    lock::{Lock, LockedServer, package_hash},
    manifest::{Kind, Subject, json},
    package::PackageId,
    report::ClosureChange,
};

/// The most bytes that each half may take in a statement; what is longer is left out.
const MAX_HALF: usize = 20 << 10;
/// Hexadecimal digits of a short hash.
const SHORT: usize = 16;

/// Short hashes of packages and of what is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// By package id; `None` when there were too many to list.
    pub packages: Option<BTreeMap<String, String>>,
    /// By subject (`tool:NAME`, `server/instructions`); `None` when there were too many to list, or nobody captured them.
    pub told: Option<BTreeMap<String, String>>,
}

/// What is different from what was approved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Packages; `None` when the approval does not list them.
    pub packages: Option<ClosureChange>,
    /// Packages of the same version whose pins changed.
    pub repinned: Vec<String>,
    /// Subjects that are told and were not; `None` when the approval does not list them.
    pub told_new: Option<Vec<String>>,
    /// Subjects with other words.
    pub told_changed: Vec<String>,
    /// Subjects that are gone.
    pub told_gone: Vec<String>,
}

impl Changes {
    /// Whether nothing is known to have changed.
    pub fn is_empty(&self) -> bool {
        self.packages.as_ref().is_none_or(ClosureChange::is_empty)
            && self.repinned.is_empty()
            && self.told_new.as_ref().is_none_or(Vec::is_empty)
            && self.told_changed.is_empty()
            && self.told_gone.is_empty()
    }
}

impl Summary {
    /// The summary of a locked server.
    pub fn of(lock: &Lock, server: &LockedServer) -> Self {
        let packages = server.closure.packages().into_iter().filter_map(|id| {
            let hash = package_hash(lock.packages.get(id)?);
            Some((id.to_string(), short(hash.to_hex())))
        });
        let told = server.told.captured().map(|captured| {
            let manifest = &captured.manifest;
            let mut told = BTreeMap::new();
            let place = |member: &str| Subject::server().at(member).to_string();
            for (name, value) in [("serverInfo", manifest.server_info()), ("capabilities", manifest.capabilities())] {
                told.insert(place(name), vec![EntryId::of(&json::canonical(value))]);
            }
            if let Some(text) = manifest.instructions() {
                told.insert(place("instructions"), vec![EntryId::of(text.as_bytes())]);
            }
            for entry in Kind::ALL.iter().flat_map(|kind| manifest.entries(*kind)) {
                // A server may have two entries of one name.
                told.entry(entry.subject().to_string()).or_default().push(entry.id());
            }
            told.into_iter().map(|(subject, ids)| (subject, joined(&ids))).collect()
        });
        Self { packages: within(packages.collect()), told: told.and_then(within) }
    }

    /// What changed from this summary to a later one.
    pub fn changes(&self, now: &Self) -> Changes {
        let mut changes = Changes::default();
        if let (Some(before), Some(after)) = (&self.packages, &now.packages) {
            changes.packages = Some(moved(before, after));
            let other =
                |(id, hash): (&String, &String)| after.get(id).is_some_and(|now| now != hash).then(|| id.clone());
            changes.repinned = before.iter().filter_map(other).collect();
        }
        if let (Some(before), Some(after)) = (&self.told, &now.told) {
            let new = after.keys().filter(|subject| !before.contains_key(*subject));
            changes.told_new = Some(new.cloned().collect());
            for (subject, hash) in before {
                match after.get(subject) {
                    None => changes.told_gone.push(subject.clone()),
                    Some(now) if now != hash => changes.told_changed.push(subject.clone()),
                    Some(_) => {}
                }
            }
        }
        changes
    }
}

fn short(mut hex: String) -> String {
    hex.truncate(SHORT);
    hex
}

fn joined(ids: &[EntryId]) -> String {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
    short(Digest::sha256_of(&bytes).to_hex())
}

/// The map, unless it is too long: key, value, quotes, colon and comma count.
fn within(map: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let bytes: usize = map.iter().map(|(key, value)| key.len() + value.len() + 6).sum();
    (bytes <= MAX_HALF).then_some(map)
}

/// Packages that came, went and moved, as a report tells them.
fn moved(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> ClosureChange {
    let name_of = |id: &str| match id.parse::<PackageId>() {
        Ok(package) => format!("{}:{}", package.ecosystem(), package.name()),
        Err(_) => id.to_owned(),
    };
    let mut names: BTreeMap<String, (Vec<&String>, Vec<&String>)> = BTreeMap::new();
    for id in before.keys().filter(|id| !after.contains_key(*id)) {
        names.entry(name_of(id)).or_default().0.push(id);
    }
    for id in after.keys().filter(|id| !before.contains_key(*id)) {
        names.entry(name_of(id)).or_default().1.push(id);
    }
    let mut change = ClosureChange::default();
    for (gone, come) in names.into_values() {
        match (gone.as_slice(), come.as_slice()) {
            ([old], [new]) => change.changed.push(((*old).clone(), (*new).clone())),
            (gone, come) => {
                change.removed.extend(gone.iter().copied().cloned());
                change.added.extend(come.iter().copied().cloned());
            }
        }
    }
    change
}
