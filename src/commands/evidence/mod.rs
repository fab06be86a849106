//! Evidence: brought by `fetch`, kept in the store, verified by `verify`, judged by `audit`. This folder joins the arms.
//!
//! `tools` holds what signatures are verified with (keys, trust roots, files of signers), `assess` turns the documents of one file
//! into what is known about it, `collect` finds the documents: in the store first, else at the registry.
mod assess;
mod collect;
mod tools;

use std::collections::BTreeMap;

use mcpsec_audit::evidence::{self as judgement, Case, Said, trust};
use mcpsec_model::{
    config::Config,
    evidence::{Assessed, EvidenceState, Release},
    finding::Finding,
    lock::{Lock, LockedServer},
    name::ServerName,
    package::{Package, PackageId},
    time::Timestamp,
};

pub(super) use collect::{Offered, for_add, for_lock};
pub(super) use tools::Tools;

/// What is known about the files of each package.
pub(super) type Known = BTreeMap<PackageId, Vec<Assessed>>;

/// Judges every package of a closure. `packages` hold what mcp.lock pins, if anything does.
pub(super) fn judge<'a>(
    config: &Config,
    server: &ServerName,
    root: &PackageId,
    packages: impl IntoIterator<Item = &'a Package>,
    known: &Known,
) -> Said {
    let mut all = Said::default();
    for package in packages {
        let assessed = known.get(&package.id).map(Vec::as_slice).unwrap_or_default();
        let case = Case { server, package, is_root: package.id == *root, assessed };
        let said = judgement::judge(&config.policy, case);
        all.checks.extend(said.checks);
        all.findings.extend(said.findings);
    }
    all.checks.sort_by(|a, b| (a.check, &a.subject).cmp(&(b.check, &b.subject)));
    all
}

/// How many packages are in which state of evidence. Bundled packages are covered by their parents.
pub(super) fn count<'a>(packages: impl IntoIterator<Item = &'a Package>) -> BTreeMap<EvidenceState, usize> {
    let mut states = BTreeMap::new();
    for package in packages.into_iter().filter(|package| !package.artifacts.is_empty()) {
        *states.entry(package.evidence.state()).or_default() += 1;
    }
    states
}

/// What a version has less of than those before it, as the registry or the repository tells of them.
pub(super) fn held_to_history(
    packages: &BTreeMap<PackageId, Package>,
    histories: &BTreeMap<PackageId, History>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.values() {
        let trust = trust::of(&package.evidence);
        let Some(History { version, published, releases }) = histories.get(&package.id) else { continue };
        // The short form of a record tells no time; the long form, asked for where it matters, tells all.
        let listed = releases.iter().find(|release| release.version == *version).map(|release| release.published);
        if let Some(published) = published.or(listed) {
            findings.extend(trust::downgrade(&package.id, version, published, trust, releases));
        }
    }
    findings
}

/// What a package has less of than what is locked under the same server until now, or from somebody else. Not for the lock: the
/// next run would find nothing, and the lock must not depend on how it came about.
pub(super) fn held_to_lock(
    packages: &BTreeMap<PackageId, Package>,
    lock: &Lock,
    server: &LockedServer,
) -> Vec<Finding> {
    let before: Vec<&Package> = lock.packages_of(&[server]);
    // Several versions of one package may be locked; the one with the same evidence counts, if any has.
    let change = |package: &Package| {
        let earlier = before.iter().filter(|earlier| same_package(earlier, package));
        earlier.map(|earlier| trust::since_locked(earlier, package)).min_by_key(Vec::len)
    };
    packages.values().filter_map(change).flatten().collect()
}

fn same_package(a: &Package, b: &Package) -> bool {
    a.id.ecosystem() == b.id.ecosystem() && a.id.name() == b.id.name()
}

/// What the registry or repository tells about earlier versions of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// What it is called there: the version, for git the tag.
    pub(super) version: String,
    /// When it was published. Unsigned.
    pub(super) published: Option<Timestamp>,
    /// All releases that are known.
    pub(super) releases: Vec<Release>,
}
