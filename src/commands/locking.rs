//! Locking one server: resolve, fetch, check, listen, judge. What `add`, `update` and `diff` share.
use std::collections::BTreeMap;

use mcpsec_audit::evidence::pins;
use mcpsec_fetch::{ResolveOptions, download::Download, store::Store};
use mcpsec_model::{
    artifact::CheckedArtifact,
    candidate::Candidate,
    capture::Told,
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    finding::{Finding, Rule},
    lock::{Lock, LockedServer, ServerParts},
    package::{Package, PackageId},
    report::{ClosureChange, ServerReport},
    verdict::{Decision, Verdict},
};

use super::{
    bundled, content, cooldown, decide, evidence, inspect, mirror, names,
    sources::{Found, Sources, download_error, store_error},
    summary::Summary,
    told::{self, Accepting, Ears},
    wish::Wish,
};
use crate::{cli::Consent, error::CommandError, settings::Settings};

/// What every server of one command is locked with.
#[derive(Clone, Copy)]
pub(super) struct Locking<'a> {
    pub(super) settings: &'a Settings,
    pub(super) config: &'a Config,
    pub(super) sources: &'a Sources<'a>,
    pub(super) store: &'a Store,
    pub(super) ears: &'a Ears<'a>,
    pub(super) consent: &'a Consent,
    /// What is locked already.
    pub(super) lock: &'a Lock,
    pub(super) all_platforms: bool,
}

/// What came of one wish.
pub(super) struct Outcome {
    pub(super) server: LockedServer,
    pub(super) packages: Vec<(PackageId, Package)>,
    pub(super) report: ServerReport,
    pub(super) summary: Summary,
}

/// Resolves, fetches, checks, listens to and judges one server. Writes nothing but artifacts into the store.
pub(super) async fn lock_one(with: &Locking<'_>, wish: &Wish) -> Result<Outcome, CommandError> {
    let Locking { settings, config, sources, store, .. } = *with;
    let before = with.lock.servers.get(&wish.name).map(|server| (with.lock, server));
    let maturity = cooldown::maturity(settings, config, with.lock, before.map(|(_, server)| server));
    let options = ResolveOptions { targets: config.targets.clone(), as_of: wish.as_of(), maturity };
    let Found { resolved, records, mut offered, ages, publications } = sources.resolve(wish, &options, store).await?;
    let passed_over = resolved.passed_over;
    let hosts = names::hosts(&resolved.downloads);
    let mut candidate = resolved.candidate;

    let downloads = select(sources, &candidate.packages, &candidate.targets, resolved.downloads, with.all_platforms);
    let mut checked = Vec::new();
    for (download, result) in mirror::fetch_all(sources, store, downloads).await? {
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
    let dated = cooldown::Ages { npm: &ages, offers: &offered.offers, known: &known };
    let (cooldown, young) = cooldown::judge(settings, config, (&wish.name, &root), &candidate.packages, &dated);
    findings.extend(young);
    findings.extend(passed_over.iter().map(|newer| cooldown::passed_over(settings, config, &root, newer)));
    findings.extend(names::publishers(&publications, &candidate.packages, &root, before));
    let packages = candidate.packages.values().collect();
    let closure = names::Closure { server: &wish.name, root: &root, packages, downloads: &hosts };
    findings.extend(names::of_closure(settings, config, sources, with.lock, &closure).await?);
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    findings.dedup();

    let mut checks: Vec<CheckResult> = inspected
        .iter()
        .map(|item| CheckResult::new(Check::ArtifactHash, item.artifact.package().to_string(), CheckStatus::Pass))
        .collect();
    checks.dedup();
    checks.extend(said.checks);
    checks.push(cooldown);
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
    let closure = before.map(|(_, before)| ClosureChange::between(before, &server)).unwrap_or_default();
    let by_id: BTreeMap<PackageId, Package> = packages.iter().cloned().collect();
    let content = content::of_change(with, wish, &root, &by_id, &server.targets).await?;
    let (server, said, content) = hear(with, wish, server, &by_id, Some(content))?;
    checks.extend(said.checks);
    findings.extend(said.findings);
    if let Some(content) = content {
        checks.push(content.check);
        findings.extend(content.findings);
    }
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    let summary =
        Summary::new(wish, &server, &packages, &checked, &findings).built_by(known.get(&root)).with_checks(&checks);
    let report = ServerReport {
        name: wish.name.clone(),
        spec: wish.spec().to_string(),
        version: Some(server.version.clone()),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: evidence::count(packages.iter().map(|(_, package)| package)),
        checks,
        findings,
        drift: said.drift,
        closure,
    };
    let report = decide::decided(&config.policy, settings.now, report);
    Ok(Outcome { server, packages, report, summary })
}

/// Listens to a server and puts what it tells the model into its entry.
pub(super) fn hear(
    with: &Locking<'_>,
    wish: &Wish,
    server: LockedServer,
    packages: &BTreeMap<PackageId, Package>,
    content: Option<content::Said>,
) -> Result<(LockedServer, told::Said, Option<content::Said>), CommandError> {
    let Locking { settings, config, lock, .. } = *with;
    let before = lock.servers.get(&wish.name).map(|server| server.accepted.as_slice()).unwrap_or_default();
    let mut accepting = Accepting::new(with.consent, before);
    let hearing = with.ears.listen(packages, &server, &wish.config, false)?;
    let said = told::of_capture(settings, config, &wish.name, &hearing, lock, &mut accepting);
    let content = content.map(|content| content::judged(settings, config, content, &mut accepting));
    accepting.keep_content(|subject| {
        let of = |id: &PackageId| {
            subject.strip_prefix(&id.to_string()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        packages.keys().any(of)
    });
    let accepted = accepting.finish()?;
    let kept = server.with_told(hearing.heard.told(), accepted);
    // Too long, or otherwise nothing for a lock: a stranger's doing, not ours.
    Ok((
        kept.map_err(|error| if error.is_refusal() { CommandError::denied(error) } else { CommandError::bug(error) })?,
        said,
        content,
    ))
}

/// What the lock holds already of what a server tells the model, judged by today's rules.
pub(super) fn known(
    with: &Locking<'_>,
    wish: &Wish,
    server: &LockedServer,
) -> Result<(LockedServer, told::Said), CommandError> {
    let Locking { settings, config, lock, .. } = *with;
    let Some(captured) = server.told.captured() else { return Ok((server.clone(), told::Said::default())) };
    let mut accepting = Accepting::new(with.consent, &server.accepted);
    let said = told::of_known(settings, config, &wish.name, captured, lock, &mut accepting);
    accepting.finish()?;
    Ok((server.clone(), said))
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
