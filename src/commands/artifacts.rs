//! The check `artifact-hash`: every artifact that this machine needs is in the store and hashes to what is locked.
use std::collections::BTreeMap;

use mcpsec_fetch::{
    download,
    mirror::TeamMirror,
    store::{Store, StoreError},
};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    lock::LockedServer,
    name::Ecosystem,
    package::{Artifact, Package, PackageId},
    target::Target,
};

use super::{
    mirror::{self, Place, Tally},
    sources::Sources,
};
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
        for brought in fetch(sources, &store, missing).await? {
            merge(&mut outcome, &brought.package.id, brought.status);
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

/// A file that was to be fetched, and what came of it.
pub(super) struct Brought<'p> {
    pub(super) package: &'p Package,
    pub(super) artifact: &'p Artifact,
    /// Pass: it is in the store, as locked.
    pub(super) status: CheckStatus,
}

type Wanted<'p> = (&'p Package, &'p Artifact);

/// Fetches what is missing, each file held to the locked digests, from wherever the project allows.
pub(super) async fn fetch<'p>(
    sources: &Sources<'_>,
    store: &Store,
    missing: Vec<Wanted<'p>>,
) -> Result<Vec<Brought<'p>>, CommandError> {
    let mut tally = Tally::default();
    let mut done = Vec::new();
    let mut open: Vec<(Wanted<'p>, Option<CheckStatus>)> = missing.into_iter().map(|wanted| (wanted, None)).collect();
    for place in mirror::places(sources)? {
        let (wanted, earlier): (Vec<Wanted<'p>>, Vec<_>) = std::mem::take(&mut open).into_iter().unzip();
        let answers = match &place {
            Place::Upstream => from_upstream(sources, store, &wanted).await?,
            Place::Team(mirror) => from_team(sources, store, mirror, &wanted).await?,
        };
        for ((wanted, earlier), status) in wanted.into_iter().zip(earlier).zip(answers) {
            if status == CheckStatus::Pass {
                tally.count(&place);
                done.push(Brought { package: wanted.0, artifact: wanted.1, status });
            } else {
                open.push((wanted, Some(mirror::both(earlier, status))));
            }
        }
        if open.is_empty() {
            break;
        }
    }
    tally.tell(sources.ui());
    let nobody = || CheckStatus::Unchecked("nobody was asked".to_owned());
    done.extend(open.into_iter().map(|((package, artifact), status)| Brought {
        package,
        artifact,
        status: status.unwrap_or_else(nobody),
    }));
    Ok(done)
}

/// Asks the team's mirror, which knows files by their digests. One status for each file, in their order.
async fn from_team(
    sources: &Sources<'_>,
    store: &Store,
    mirror: &TeamMirror,
    wanted: &[Wanted<'_>],
) -> Result<Vec<CheckStatus>, CommandError> {
    let downloads = wanted.iter().filter_map(|(package, artifact)| mirror.download(&package.id, artifact)).collect();
    let ui: &Ui = sources.ui();
    let fetched = download::fetch_all(sources.network()?, store, downloads, CONCURRENCY, ui).await;
    let answers: BTreeMap<(PackageId, String), CheckStatus> = fetched
        .into_iter()
        .map(|(download, result)| ((download.package, download.file), mirror::status_of(&result)))
        .collect();
    let unnamed =
        || CheckStatus::Unchecked("the team's mirror knows files by digests, and this one has none".to_owned());
    let answer =
        |(package, artifact): &Wanted<'_>| answers.get(&(package.id.clone(), artifact.file.to_string())).cloned();
    Ok(wanted.iter().map(|one| answer(one).unwrap_or_else(unnamed)).collect())
}

/// Asks registries and repositories. npm tarballs are asked for at their conventional address first, which costs no question; those that
/// are not there are looked up in the registry's record. One status for each file, in their order.
async fn from_upstream(
    sources: &Sources<'_>,
    store: &Store,
    wanted: &[Wanted<'_>],
) -> Result<Vec<CheckStatus>, CommandError> {
    let mut answers: Vec<Option<CheckStatus>> = vec![None; wanted.len()];
    for ((package, _), answer) in wanted.iter().zip(&mut answers) {
        if package.id.ecosystem() == Ecosystem::Git {
            *answer = Some(status_of_command(sources.restore(package, store).await));
        }
    }
    for second_try in [false, true] {
        let mut downloads = Vec::new();
        for ((package, artifact), answer) in wanted.iter().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            match sources.locate(package, second_try).await {
                Ok(found) => match found.into_iter().find(|download| download.file == artifact.file.as_str()) {
                    Some(download) => downloads.push(download),
                    None => {
                        let why = format!("the registry no longer lists {}", artifact.file);
                        *answer = Some(CheckStatus::Unchecked(why));
                    }
                },
                Err(error) => *answer = Some(status_of_command(Err(error))),
            }
        }
        let ui: &Ui = sources.ui();
        for (download, result) in download::fetch_all(sources.network()?, store, downloads, CONCURRENCY, ui).await {
            let status = match result {
                Ok(_) => CheckStatus::Pass,
                Err(error) if error.is_refusal() => {
                    CheckStatus::Fail(without_subject(&download.package, &error.to_string()))
                }
                Err(_) if !second_try && download.package.ecosystem() == Ecosystem::Npm => continue,
                Err(error) => CheckStatus::Unchecked(error.to_string()),
            };
            let same = |(package, artifact): &Wanted<'_>| {
                package.id == download.package && artifact.file == download.file.as_str()
            };
            for (_, answer) in wanted.iter().zip(&mut answers).filter(|(one, _)| same(one)) {
                *answer = Some(status.clone());
            }
        }
    }
    let nothing = || CheckStatus::Unchecked("nobody answered".to_owned());
    Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(nothing)).collect())
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
