//! The check `artifact-hash`: every artifact that this machine needs is in the store and hashes to what is locked.
use std::collections::BTreeMap;

use mcpsec_fetch::{
    download,
    store::{Store, StoreError},
};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    lock::LockedServer,
    name::Ecosystem,
    package::{Artifact, Package, PackageId},
    target::Target,
};

use super::sources::Sources;
use crate::{
    error::{CommandError, Kind},
    settings::Settings,
    ui::Ui,
};

/// How many files are fetched at once.
pub(super) const CONCURRENCY: usize = 32;

/// Hashes what is in the store; fetches what is missing unless offline. One result for each package.
pub(super) async fn check(
    settings: &Settings,
    sources: &Sources<'_>,
    packages: &[&Package],
    servers: &[&LockedServer],
) -> Result<BTreeMap<PackageId, CheckResult>, CommandError> {
    let store = open_store(settings)?;
    let mut outcome: BTreeMap<PackageId, CheckStatus> = BTreeMap::new();
    let mut wanted: Vec<(&Package, &Artifact)> = Vec::new();
    let targets = targets_of(servers);
    for package in packages {
        let needed = sources.needed(package, &targets);
        if needed.is_empty() {
            outcome.insert(package.id.clone(), CheckStatus::NotApplicable);
        }
        wanted.extend(needed.into_iter().map(|artifact| (*package, artifact)));
    }
    let checked =
        store.check_many(&wanted.iter().map(|(package, artifact)| (&package.id, *artifact)).collect::<Vec<_>>());
    let mut missing = Vec::new();
    for ((package, artifact), result) in wanted.iter().zip(checked) {
        let status = match result {
            Ok(_) => CheckStatus::Pass,
            Err(StoreError::Missing { .. }) if !settings.offline => {
                missing.push((*package, *artifact));
                continue;
            }
            Err(StoreError::Missing { .. }) => CheckStatus::Unchecked(format!(
                "{} is not in the store, and --offline forbids fetching it",
                artifact.file
            )),
            Err(error) => CheckStatus::Fail(without_subject(&package.id, &error.to_string())),
        };
        merge(&mut outcome, &package.id, status);
    }
    if !missing.is_empty() {
        for (package, status) in fetch_missing(sources, &store, &missing).await? {
            merge(&mut outcome, &package, status);
        }
    }
    Ok(outcome
        .into_iter()
        .map(|(package, status)| {
            let hint = match &status {
                CheckStatus::Fail(_) => {
                    Some("mcpsec verify, once more, fetches a good copy; if it fails again, the source has changed")
                }
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

/// All targets of some servers.
fn targets_of(servers: &[&LockedServer]) -> Vec<Target> {
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

/// Fetches what is missing, each file held to the locked digests. npm tarballs are asked for at their conventional address
/// first, which costs no question; those that are not there are looked up in the registry's record.
async fn fetch_missing(
    sources: &Sources<'_>,
    store: &Store,
    missing: &[(&Package, &Artifact)],
) -> Result<Vec<(PackageId, CheckStatus)>, CommandError> {
    let mut results = Vec::new();
    let mut open: Vec<(&Package, &Artifact)> = Vec::new();
    for (package, artifact) in missing {
        if package.id.ecosystem() == Ecosystem::Git {
            results.push((package.id.clone(), status_of_command(sources.restore(package, store).await)));
        } else {
            open.push((*package, *artifact));
        }
    }
    for second_try in [false, true] {
        let mut downloads = Vec::new();
        for (package, artifact) in &open {
            match sources.locate(package, second_try).await {
                Ok(found) => match found.into_iter().find(|download| download.file == artifact.file.as_str()) {
                    Some(download) => downloads.push(download),
                    None => results.push((
                        package.id.clone(),
                        CheckStatus::Unchecked(format!("the registry no longer lists {}", artifact.file)),
                    )),
                },
                Err(error) => results.push((package.id.clone(), status_of_command(Err(error)))),
            }
        }
        let ui: &Ui = sources.ui();
        let mut again = Vec::new();
        for (download, result) in download::fetch_all(sources.network()?, store, downloads, CONCURRENCY, ui).await {
            let status = match result {
                Ok(_) => CheckStatus::Pass,
                Err(error) if error.is_refusal() => {
                    CheckStatus::Fail(without_subject(&download.package, &error.to_string()))
                }
                Err(_) if !second_try && download.package.ecosystem() == Ecosystem::Npm => {
                    again.extend(open.iter().filter(|(package, _)| package.id == download.package).copied());
                    continue;
                }
                Err(error) => CheckStatus::Unchecked(error.to_string()),
            };
            results.push((download.package, status));
        }
        open = again;
        if open.is_empty() {
            break;
        }
    }
    Ok(results)
}

/// A message of the store without the package it starts with, which is the subject of the check already.
fn without_subject(package: &PackageId, message: &str) -> String {
    message.strip_prefix(&format!("{package}: ")).unwrap_or(message).to_owned()
}

/// A step that failed is a failure when it was refused, and open otherwise.
fn status_of_command(outcome: Result<(), CommandError>) -> CheckStatus {
    match outcome {
        Ok(()) => CheckStatus::Pass,
        Err(error) if error.kind() == Kind::Denied => CheckStatus::Fail(error.to_string()),
        Err(error) => CheckStatus::Unchecked(error.to_string()),
    }
}
