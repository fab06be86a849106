//! `mcpsec add SPEC…`: resolve, fetch, check, judge, lock.
//!
//! What is already locked and still fits is not resolved again: an `add` that changes nothing asks no registry.
use std::{collections::BTreeMap, sync::Arc};

use mcpsec_model::{
    artifact::CheckedArtifact,
    capture::Told,
    check::{Check, CheckResult, CheckStatus},
    lock::Lock,
    package::{Package, PackageId},
    report::{ClosureChange, Report, ServerReport},
    verdict::{Decision, Verdict},
};

use super::{
    artifacts,
    commit::{self, Change},
    compare::differences,
    content, decide, evidence,
    failed::Failed,
    locking::{self, Locking, Outcome},
    render,
    sources::Sources,
    summary::Summary,
    team,
    told::{self, Ears},
    wish::{self, Wish},
};
use crate::{
    cli::{AddArgs, Format},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) async fn run(settings: &Settings, args: AddArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config_or_starter()?;
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let wishes = wish::plan(&args, &config, &lock)?;
    told::check_consent(&args.consent, wishes.len())?;
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui));
    let ears = Ears::new(settings, &config, &store, &args.capturing)?;
    let with = Locking {
        settings,
        config: &config,
        sources: &sources,
        store: &store,
        ears: &ears,
        consent: &args.consent,
        lock: &lock,
        all_platforms: args.all_platforms,
    };

    let mut servers = Vec::new();
    let mut changes = Vec::new();
    let mut summaries = Vec::new();
    let mut failed = Failed::default();
    let many = wishes.len() > 1;
    for wish in wishes {
        let kept = if args.fresh { None } else { keep(&with, &wish, &args).await? };
        let outcome = match kept {
            Some(outcome) => outcome,
            None => {
                ui.start(&wish.spec().to_string());
                let outcome = locking::lock_one(&with, &wish).await;
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
    if servers.is_empty() {
        ui.note("every server of mcp.toml is locked as it says; mcpsec update looks for newer versions");
    }
    let report = decide::about_policy(&config, settings.now, None, Report::new("add", servers));
    let denied = report.verdict() != Verdict::Pass;
    let changed = if denied {
        false
    } else {
        let pin = team::before_writing(settings, &project, &config).await?;
        let changed = commit::insert(settings, &project, changes)?;
        pin.map_or(Ok(false), |pin| commit::pin_team(settings, &project, pin, false))? || changed
    };
    match settings.format {
        Format::Json | Format::Sarif | Format::Markdown => {
            render::print(settings, &report)?;
        }
        Format::Human if denied => {
            render::print(settings, &report)?;
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
        Format::Json | Format::Sarif | Format::Markdown => {
            if let Some(reports) = failed.reports() {
                servers.extend(reports);
                render::print(settings, &Report::new("add", servers))?;
            }
        }
        Format::Human => {
            servers.retain(|server| server.verdict != Verdict::Pass);
            if !servers.is_empty() {
                render::print(settings, &Report::new("add", servers))?;
            }
        }
    }
    if many {
        ui.warn(NOTHING_WRITTEN);
    }
    failed.tell(many, denied)
}

/// What is locked already, if it is exactly what is wished and all its artifacts are here and whole. What it tells the model is
/// asked again only if that is not known, or is to be asked in another way.
async fn keep(with: &Locking<'_>, wish: &Wish, args: &AddArgs) -> Result<Option<Outcome>, CommandError> {
    let Locking { settings, config, sources, store, lock, .. } = *with;
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
    let asked_otherwise = args.capturing.env_file.is_some()
        || !args.capturing.allow_network.is_empty()
        || !args.consent.accept.is_empty();
    let content = content::of_lock(settings, config, sources, store, lock, server)?;
    let (server, heard, content) = match &server.told {
        Told::Manifest(_) if !asked_otherwise => {
            let (server, heard) = locking::known(with, wish, server)?;
            (server, heard, Some(content))
        }
        _ => locking::hear(with, wish, server.clone(), &owned.iter().cloned().collect(), Some(content))?,
    };
    checks.extend(heard.checks);
    findings.extend(heard.findings);
    if let Some(content) = content {
        checks.push(content.check);
        findings.extend(content.findings);
    }
    let summary = Summary::new(wish, &server, &owned, &checked, &findings).with_checks(&checks).already_locked();
    let report = ServerReport {
        name: wish.name.clone(),
        spec: server.spec.to_string(),
        version: Some(server.version.clone()),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: evidence::count(packages.iter().copied()),
        checks,
        findings,
        drift: heard.drift,
        closure: ClosureChange::default(),
    };
    let report = decide::decided(&config.policy, settings.now, report);
    Ok(Some(Outcome { server, packages: owned, report, summary }))
}
