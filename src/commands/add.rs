//! `mcpsec add SPEC…`: resolve, fetch, check, judge, lock.
//!
//! What is already locked and still fits is not resolved again: an `add` that changes nothing asks no registry.
use std::{collections::BTreeMap, sync::Arc};

use mcpsec_audit::{evidence::pins, policy};
use mcpsec_fetch::{
    ResolveOptions,
    download::{self, Download},
    store::Store,
};
use mcpsec_model::{
    artifact::CheckedArtifact,
    candidate::Candidate,
    capture::Told,
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    drift::Drift,
    finding::{Finding, Rule},
    lock::{Lock, LockedServer, ServerParts},
    package::{Package, PackageId},
    report::{ClosureChange, Report, ServerReport},
    verdict::Verdict,
};

use super::{
    artifacts, bundled,
    commit::{self, Change},
    compare::differences,
    evidence,
    failed::Failed,
    inspect,
    sources::{Found, Sources, download_error, store_error},
    summary::Summary,
    verify,
    wish::{self, Wish},
};
use crate::{
    cli::{AddArgs, Format},
    error::CommandError,
    exit::Code,
    project::{self, Project},
    settings::Settings,
    ui::{self, Ui},
};

pub(super) async fn run(settings: &Settings, args: AddArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = match project.config()? {
        Some(config) => config,
        None => project::starter_config()?,
    };
    let lock = project.lock()?;
    let wishes = wish::plan(&args, &config)?;
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui));

    let mut servers = Vec::new();
    let mut changes = Vec::new();
    let mut summaries = Vec::new();
    let mut failed = Failed::default();
    let many = wishes.len() > 1;
    for wish in wishes {
        let kept = match lock.as_ref().filter(|_| !args.fresh) {
            Some(lock) => keep(&wish, &config, lock, &store, &sources, &args, settings).await?,
            None => None,
        };
        let outcome = match kept {
            Some(outcome) => outcome,
            None => {
                ui.start(&wish.spec().to_string());
                let outcome = lock_one(settings, &config, &sources, &store, &wish, &args, lock.as_ref()).await;
                ui.done();
                match outcome {
                    Ok(outcome) => outcome,
                    Err(error) => {
                        failed.push(&wish, error)?;
                        continue;
                    }
                }
            }
        };
        summaries.push(outcome.summary);
        servers.push(outcome.report);
        changes.push(Change { wish, server: outcome.server, packages: outcome.packages });
    }
    if !failed.is_empty() {
        return refuse(settings, &ui, servers, failed, many);
    }
    let report = Report { command: "add", servers };
    let denied = report.verdict() != Verdict::Pass;
    let changed = if denied { false } else { commit::insert(settings, &project, changes)? };
    match settings.format {
        Format::Json => {
            verify::print(settings, &report)?;
        }
        Format::Human if denied => {
            verify::print(settings, &report)?;
            ui.warn(NOTHING_WRITTEN);
        }
        Format::Human => {
            if settings.verbosity > -2 {
                let text: String = summaries.iter().map(|summary| summary.render(settings, changed)).collect();
                ui::print_data(&text)?;
            }
        }
    }
    Ok(crate::exit::of_verdict(report.verdict()))
}

const NOTHING_WRITTEN: &str = "nothing was written to mcp.toml and mcp.lock";

/// Some servers could not be locked: all are told, nothing is written.
fn refuse(
    settings: &Settings,
    ui: &Ui,
    mut servers: Vec<ServerReport>,
    failed: Failed,
    many: bool,
) -> Result<Code, CommandError> {
    let denied = servers.iter().any(|server| server.verdict == Verdict::Deny);
    match settings.format {
        Format::Json => {
            if let Some(reports) = failed.reports() {
                servers.extend(reports);
                verify::print(settings, &Report { command: "add", servers })?;
            }
        }
        Format::Human => {
            servers.retain(|server| server.verdict != Verdict::Pass);
            if !servers.is_empty() {
                verify::print(settings, &Report { command: "add", servers })?;
            }
        }
    }
    if many {
        ui.warn(NOTHING_WRITTEN);
    }
    failed.tell(many, denied)
}

/// What came of one wish.
struct Outcome {
    server: LockedServer,
    packages: Vec<(PackageId, Package)>,
    report: ServerReport,
    summary: Summary,
}

/// What is locked already, if it is exactly what is wished and all its artifacts are here and whole.
async fn keep(
    wish: &Wish,
    config: &Config,
    lock: &Lock,
    store: &Store,
    sources: &Sources<'_>,
    args: &AddArgs,
    settings: &Settings,
) -> Result<Option<Outcome>, CommandError> {
    let Some(server) = lock.servers.get(&wish.name) else { return Ok(None) };
    if !differences(server, &wish.config, &config.targets).is_empty() {
        return Ok(None);
    }
    let packages = lock.packages_of(&[server]);
    let mut wanted = Vec::new();
    for package in &packages {
        let artifacts = if args.all_platforms {
            package.artifacts.iter().collect()
        } else {
            sources.needed(package, &server.targets)
        };
        wanted.extend(artifacts.into_iter().map(|artifact| (&package.id, artifact)));
    }
    let checked: Result<Vec<CheckedArtifact>, _> = store.check_many(&wanted).into_iter().collect();
    let Ok(checked) = checked else { return Ok(None) };
    let mut checks: Vec<CheckResult> = checked
        .iter()
        .map(|artifact| CheckResult::new(Check::ArtifactHash, artifact.package().to_string(), CheckStatus::Pass))
        .collect();
    let mut findings = server.findings.clone();
    // Its evidence as the store has it, under today's policy. What the store lacks, a resolution brings.
    let known = evidence::for_lock(settings, config, sources, store, &packages, &BTreeMap::new()).await?;
    let root = server.closure.root().package();
    let said = evidence::judge(config, &wish.name, root, packages.iter().copied(), &known);
    let open = |check: &CheckResult| matches!(check.status, CheckStatus::Unchecked(_)) && !check.tolerated;
    if said.checks.iter().any(open) {
        return Ok(None);
    }
    checks.extend(said.checks);
    findings.extend(said.findings);
    let owned: Vec<(PackageId, Package)> =
        packages.iter().map(|package| (package.id.clone(), (*package).clone())).collect();
    let summary = Summary::new(wish, server, &owned, &checked, &findings).already_locked();
    let report = ServerReport {
        name: wish.name.clone(),
        spec: server.spec.to_string(),
        version: Some(server.version.clone()),
        verdict: policy::judge(&config.policy, settings.now, &checks, &findings),
        evidence: evidence::count(packages.iter().copied()),
        checks,
        findings,
        drift: Drift::default(),
        closure: ClosureChange::default(),
    };
    Ok(Some(Outcome { server: server.clone(), packages: owned, report, summary }))
}

async fn lock_one(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    store: &Store,
    wish: &Wish,
    args: &AddArgs,
    lock: Option<&Lock>,
) -> Result<Outcome, CommandError> {
    let options = ResolveOptions { targets: config.targets.clone(), as_of: wish.as_of() };
    let Found { resolved, records, mut offered } = sources.resolve(wish, &options, store).await?;
    let mut candidate = resolved.candidate;

    let downloads = select(sources, &candidate.packages, &candidate.targets, resolved.downloads, args.all_platforms);
    let ui: &Ui = sources.ui();
    let fetched = download::fetch_all(sources.network()?, store, downloads, artifacts::CONCURRENCY, ui).await;
    let mut checked = Vec::new();
    for (download, result) in fetched {
        match result {
            Ok(artifact) => checked.push(artifact),
            Err(error) => return Err(download_error(&download, &error)),
        }
    }
    checked.extend(git_archive(store, &candidate)?);
    let inspected = inspect::all(checked, &records, &candidate)?;
    inspect::complete(&mut candidate.packages, &inspected)?;
    bundled::add(&mut candidate, &inspected)?;
    let entry = inspect::entry_point(wish, &candidate, &inspected)?;

    let known = evidence::for_add(settings, config, sources, store, &candidate.packages, &mut offered).await?;
    let root = candidate.closure.root().package().clone();
    let said = evidence::judge(config, &wish.name, &root, candidate.packages.values(), &known);
    for package in candidate.packages.values_mut() {
        let assessed = known.get(&package.id).map(Vec::as_slice).unwrap_or_default();
        package.evidence = pins(package, assessed);
    }
    let lost = evidence::held_to_history(&candidate.packages, &offered.histories);
    let before = lock.and_then(|lock| Some((lock, lock.servers.get(&wish.name)?)));
    let mut changed = match before {
        Some((lock, server)) => evidence::held_to_lock(&candidate.packages, lock, server),
        None => Vec::new(),
    };
    // One story of a package is enough, and the history's has a date.
    changed
        .retain(|change| change.rule != Rule::TrustDowngrade || lost.iter().all(|told| told.subject != change.subject));

    // A record may keep quiet about install scripts; what the tarball says was merged into the packages above.
    let of_record = candidate.findings.iter().filter(|finding| finding.rule != Rule::InstallScript);
    let mut findings: Vec<Finding> = of_record.cloned().collect();
    findings.extend(inspected.iter().flat_map(|item| item.findings.iter().cloned()));
    findings.extend(
        candidate
            .packages
            .values()
            .filter(|package| package.install_scripts)
            .map(|package| inspect::install_script(&package.id)),
    );
    findings.extend(said.findings);
    findings.extend(lost.iter().cloned());
    findings.extend(changed);
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    findings.dedup();

    let mut checks: Vec<CheckResult> = inspected
        .iter()
        .map(|item| CheckResult::new(Check::ArtifactHash, item.artifact.package().to_string(), CheckStatus::Pass))
        .collect();
    checks.dedup();
    checks.extend(said.checks);
    candidate.findings.extend(lost);
    let checked: Vec<CheckedArtifact> = inspected.into_iter().map(|item| item.artifact).collect();
    let parts = ServerParts {
        name: wish.name.clone(),
        spec: wish.spec().clone(),
        version: version_of(&candidate),
        command: wish.command().cloned(),
        entry,
        as_of: wish.as_of(),
        overrides: wish.overrides().clone(),
        targets: candidate.targets,
        closure: candidate.closure,
        findings: candidate.findings,
        told: Told::Unknown,
        accepted: Vec::new(),
    };
    let server = LockedServer::new(parts, &candidate.packages)
        .map_err(|error| if error.is_refusal() { CommandError::denied(error) } else { CommandError::bug(error) })?;
    let packages: Vec<(PackageId, Package)> = candidate.packages.into_iter().collect();
    let summary = Summary::new(wish, &server, &packages, &checked, &findings).built_by(known.get(&root));
    let report = ServerReport {
        name: wish.name.clone(),
        spec: wish.spec().to_string(),
        version: Some(server.version.clone()),
        verdict: policy::judge(&config.policy, settings.now, &checks, &findings),
        evidence: evidence::count(packages.iter().map(|(_, package)| package)),
        checks,
        findings,
        drift: Drift::default(),
        closure: ClosureChange::default(),
    };
    Ok(Outcome { server, packages, report, summary })
}

/// The downloads that this machine needs, plus those without which nothing strong could be pinned.
fn select(
    sources: &Sources<'_>,
    packages: &BTreeMap<PackageId, Package>,
    targets: &[mcpsec_model::target::Target],
    downloads: Vec<Download>,
    all: bool,
) -> Vec<Download> {
    downloads
        .into_iter()
        .filter(|download| {
            let Some(package) = packages.get(&download.package) else { return false };
            all || download.expected.is_empty()
                || sources.needed(package, targets).iter().any(|artifact| artifact.file == download.file)
        })
        .collect()
}

/// The archive of a git server: resolution has put it into the store already.
fn git_archive(store: &Store, candidate: &Candidate) -> Result<Vec<CheckedArtifact>, CommandError> {
    let mut archives = Vec::new();
    for package in candidate.packages.values().filter(|package| package.git.is_some()) {
        for artifact in &package.artifacts {
            archives.push(store.check(&package.id, artifact).map_err(|error| store_error(&error))?);
        }
    }
    Ok(archives)
}

/// The root's version; for git the tag that was asked for, else the commit.
fn version_of(candidate: &Candidate) -> String {
    let root = candidate.closure.root().package();
    let reference = candidate.packages.get(root).and_then(|package| package.git.as_ref()?.reference.as_deref());
    match reference.and_then(|reference| reference.strip_prefix("refs/tags/")) {
        Some(tag) => tag.to_owned(),
        None => root.version().to_owned(),
    }
}
