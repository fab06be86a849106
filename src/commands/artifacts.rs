//! The check `artifact-hash`: every artifact that this machine needs is in the store and hashes to what is locked.
use std::collections::BTreeMap;

use mcpsec_fetch::{
    download,
    progress::Progress,
    store::{Store, StoreError},
};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    lock::LockedServer,
    package::{Artifact, Package, PackageId},
    target::Target,
};

use super::sources::Sources;
use crate::{error::CommandError, settings::Settings};

/// How many files are fetched at once.
pub(super) const CONCURRENCY: usize = 32;

/// Hashes what is in the store; fetches what is missing unless offline. One result for each package.
pub(super) async fn check(
    settings: &Settings,
    sources: &Sources<'_>,
    packages: &[&Package],
    servers: &[&LockedServer],
    progress: &dyn Progress,
) -> Result<BTreeMap<PackageId, CheckResult>, CommandError> {
    let store = open_store(settings)?;
    let mut outcome: BTreeMap<PackageId, CheckStatus> = BTreeMap::new();
    let mut wanted: Vec<(&Package, &Artifact)> = Vec::new();
    for package in packages {
        let needed = needed(sources, package, &targets_of(servers));
        if needed.is_empty() {
            outcome.insert(package.id.clone(), CheckStatus::NotApplicable);
        }
        wanted.extend(needed.into_iter().map(|artifact| (*package, artifact)));
    }
    let checked = store.check_many(&wanted.iter().map(|(package, artifact)| (&package.id, *artifact)).collect::<Vec<_>>());
    let mut missing = Vec::new();
    for ((package, artifact), result) in wanted.iter().zip(checked) {
        let status = match result {
            Ok(_) => CheckStatus::Pass,
            Err(StoreError::Missing { .. }) if !settings.offline => {
                missing.push((*package, *artifact));
                continue;
            }
            Err(StoreError::Missing { .. }) => {
                CheckStatus::Unchecked(format!("{} is not in the store, and --offline forbids fetching it", artifact.file))
            }
            Err(error) => CheckStatus::Fail(error.to_string()),
        };
        merge(&mut outcome, &package.id, status);
    }
    if !missing.is_empty() {
        for (package, status) in fetch_missing(sources, &store, &missing, progress).await? {
            merge(&mut outcome, &package, status);
        }
    }
    Ok(outcome
        .into_iter()
        .map(|(package, status)| {
            let hint = match &status {
                CheckStatus::Fail(_) => Some("mcpsec verify, once more, fetches a good copy; if it fails again, the source has changed"),
                CheckStatus::Unchecked(_) if settings.offline => Some("mcpsec verify, without --offline, fetches it"),
                _ => None,
            };
            let mut result = CheckResult::new(Check::ArtifactHash, package.to_string(), status);
            result.hint = hint.map(str::to_owned);
            (package, result)
        })
        .collect())
}

/// The store of this user, made if it is not there yet.
pub(super) fn open_store(settings: &Settings) -> Result<Store, CommandError> {
    Store::create(&settings.store).map_err(|error| {
        CommandError::usage(format!("the store at {} cannot be used: {error}", settings.store.display()))
            .hint("set MCPSEC_STORE to a folder that you can write to")
    })
}

/// The artifacts of a package that this machine needs.
pub(super) fn needed<'p>(sources: &Sources<'_>, package: &'p Package, targets: &[Target]) -> Vec<&'p Artifact> {
    sources.host_artifacts(package, targets)
}

/// All targets of some servers.
pub(super) fn targets_of(servers: &[&LockedServer]) -> Vec<Target> {
    let mut targets: Vec<Target> = servers.iter().flat_map(|server| server.targets.iter().copied()).collect();
    targets.sort();
    targets.dedup();
    targets
}

fn merge(outcome: &mut BTreeMap<PackageId, CheckStatus>, package: &PackageId, status: CheckStatus) {
    let rank = |status: &CheckStatus| match status {
        CheckStatus::Fail(_) => 3,
        CheckStatus::Unchecked(_) => 2,
        CheckStatus::Pass => 1,
        CheckStatus::NotApplicable => 0,
    };
    let worse = outcome.get(package).is_none_or(|old| rank(&status) > rank(old));
    if worse {
        outcome.insert(package.clone(), status);
    }
}

async fn fetch_missing(
    sources: &Sources<'_>,
    store: &Store,
    missing: &[(&Package, &Artifact)],
    progress: &dyn Progress,
) -> Result<Vec<(PackageId, CheckStatus)>, CommandError> {
    let mut results = Vec::new();
    let mut downloads = Vec::new();
    for (package, artifact) in missing {
        match sources.locate(package, artifact, store, progress).await {
            Ok(Some(download)) => downloads.push(download),
            Ok(None) => results.push((package.id.clone(), CheckStatus::Pass)),
            Err(status) => results.push((package.id.clone(), status)),
        }
    }
    let fetched = download::fetch_all(sources.network(), store, downloads, CONCURRENCY, progress).await;
    for (download, result) in fetched {
        let status = match result {
            Ok(_) => CheckStatus::Pass,
            Err(error) if error.is_refusal() => CheckStatus::Fail(error.to_string()),
            Err(error) => CheckStatus::Unchecked(error.to_string()),
        };
        results.push((download.package, status));
    }
    Ok(results)
}
