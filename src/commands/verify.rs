//! `mcpsec verify`: does everything still match mcp.lock? Read-only for the project; missing artifacts are fetched into the
//! store, against the locked digests, unless `--offline`.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mcpsec_fetch::store::Store;
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{Config, UpstreamPolicy},
    drift::Drift,
    lock::{Lock, LockedServer},
    name::ServerName,
    package::{Package, PackageId},
    report::{ClosureChange, ProjectReport, Report, ServerReport},
    verdict::{Decision, Verdict},
};

use super::{
    advisories,
    approval::{self, Approving},
    artifacts, clients,
    compare::differences,
    content, decide, evidence,
    sources::Sources,
    told::{self, Cannot, Ears, Heard, Hearing},
    upstream,
};
use crate::{
    cli::VerifyArgs,
    error::{CommandError, Kind},
    exit::Code,
    project::Project,
    settings::Settings,
    ui::Ui,
};

pub(super) async fn run(settings: &Settings, args: VerifyArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config()?;
    let lock = match project.lock() {
        Ok(lock) => lock,
        Err(error) if error.kind() == Kind::Denied => return edited(settings, config.as_ref(), &error),
        Err(error) => return Err(error),
    };
    if config.is_none() && lock.is_none() {
        return Err(CommandError::usage(format!("{} has neither mcp.toml nor mcp.lock", project.folder().display()))
            .hint("mcpsec add npm:NAME locks a first server"));
    }
    let config = match config {
        Some(config) => config,
        None => project.config_or_starter()?,
    };
    let lock = lock.unwrap_or_else(Lock::empty);
    let report = report(settings, &project, &args, &config, &lock).await?;
    print(settings, &report)
}

/// Checks the named servers, or all. Read-only for the project.
pub(super) async fn report(
    settings: &Settings,
    project: &Project,
    args: &VerifyArgs,
    config: &Config,
    lock: &Lock,
) -> Result<Report, CommandError> {
    let names = select(&args.names, config, lock)?;
    let approving = Approving::for_policy(settings, project, config, lock).await?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, config, Arc::clone(&ui));
    let wanted: Vec<&LockedServer> = names.iter().filter_map(|name| lock.servers.get(name)).collect();
    let packages = lock.packages_of(&wanted);
    if !settings.offline {
        ui.start("verify");
    }
    let artifacts = artifacts::check(settings, &sources, &packages, &wanted).await?;
    let upstream = match config.policy.upstream {
        UpstreamPolicy::Off => upstream::not_asked(&packages, &wanted),
        UpstreamPolicy::Warn | UpstreamPolicy::Required => upstream::check(&sources, &packages, &wanted).await?,
    };
    let store = artifacts::open_store(settings)?;
    let known = evidence::for_lock(settings, config, &sources, &store, &packages, &upstream.records).await?;
    let ears = Ears::new(settings, config, &store, &args.capturing)?;
    let known_bad = advisories::of_database(settings, config, &packages);
    let seen = Seen {
        artifacts: &artifacts,
        upstream: &upstream,
        known: &known,
        sources: &sources,
        store: &store,
        ears: &ears,
        anew: args.recapture,
        approving: approving.as_ref(),
        known_bad: &known_bad,
    };
    let mut servers = Vec::new();
    for name in names {
        servers.push(judge(&name, config, lock, &seen, settings)?);
    }
    ui.done();
    let mut report = Report::new("verify", servers);
    if args.names.is_empty() {
        report.project = of_clients(settings, config, lock);
    }
    Ok(decide::about_policy(config, settings.now, Some((lock, args.names.is_empty())), report))
}

/// Whether the project's client configurations start anything that is not locked.
fn of_clients(settings: &Settings, config: &Config, lock: &Lock) -> ProjectReport {
    let (checks, findings) = clients::check(settings, config, lock, &clients::Which::default());
    decide::decided_project(
        &config.policy,
        settings.now,
        ProjectReport { checks, findings, ..ProjectReport::default() },
    )
}

pub(super) use super::render::print;

/// The named servers, or all that mcp.toml or mcp.lock know, sorted.
pub(super) fn select(names: &[ServerName], config: &Config, lock: &Lock) -> Result<Vec<ServerName>, CommandError> {
    let mut known: Vec<ServerName> = config.servers.keys().chain(lock.servers.keys()).cloned().collect();
    known.sort();
    known.dedup();
    if names.is_empty() {
        return Ok(known);
    }
    for name in names {
        if !known.contains(name) {
            let known: Vec<&str> = known.iter().map(ServerName::as_str).collect();
            return Err(CommandError::usage(format!("there is no server `{name}` in mcp.toml or mcp.lock"))
                .hint(format!("known servers: {}", known.join(", "))));
        }
    }
    Ok(known.into_iter().filter(|name| names.contains(name)).collect())
}

/// What was found out about packages, whoever uses them.
struct Seen<'a> {
    artifacts: &'a BTreeMap<PackageId, CheckResult>,
    upstream: &'a upstream::Answers,
    known: &'a evidence::Known,
    known_bad: &'a advisories::Known,
    sources: &'a Sources<'a>,
    store: &'a Store,
    ears: &'a Ears<'a>,
    anew: bool,
    approving: Option<&'a Approving>,
}

fn judge(
    name: &ServerName,
    config: &Config,
    lock: &Lock,
    seen: &Seen<'_>,
    settings: &Settings,
) -> Result<ServerReport, CommandError> {
    let mut checks = vec![config_check(name, config, lock)];
    let mut findings = Vec::new();
    let mut states = BTreeMap::new();
    let mut drift = Drift::default();
    let locked = lock.servers.get(name);
    if let Some(locked) = locked {
        checks.push(CheckResult::new(Check::Lock, name.as_str(), CheckStatus::Pass));
        let packages = locked.closure.packages();
        checks.extend(packages.iter().filter_map(|package| seen.artifacts.get(package).cloned()));
        for package in &packages {
            if let Some((check, found)) = seen.upstream.get(name, package) {
                checks.push(check.clone());
                findings.extend(found.iter().cloned());
            }
            if let Some(entry) = lock.packages.get(package)
                && entry.install_scripts
            {
                findings.push(super::inspect::install_script(package));
            }
        }
        checks.push(scripts_check(name, lock, &packages));
        let entries: Vec<&Package> = packages.iter().filter_map(|package| lock.packages.get(*package)).collect();
        let root = locked.closure.root().package();
        let said = evidence::judge(config, name, root, entries.iter().copied(), seen.known);
        states = evidence::count(entries);
        checks.extend(said.checks);
        findings.extend(said.findings);
        let said = seen.known_bad.judge(settings, config, locked, advisories::Open::Told);
        checks.extend(said.checks);
        findings.extend(said.findings);
        findings.extend(locked.findings.iter().cloned());
        let content = content::of_lock(settings, config, seen.sources, seen.store, lock, locked)?;
        checks.push(content.check);
        findings.extend(content.findings);
        let said = told(name, config, lock, locked, seen, &checks, settings)?;
        checks.extend(said.checks);
        findings.extend(said.findings);
        drift = said.drift;
        checks.push(match seen.approving {
            Some(approving) => approving.check(lock, locked, settings.now),
            None => approval::not_asked(name.as_str()),
        });
    } else {
        checks.push(CheckResult::new(Check::Lock, name.as_str(), CheckStatus::NotApplicable));
    }
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    let spec = config.servers.get(name).map(|server| server.source.to_string());
    let spec = spec.or_else(|| locked.map(|locked| locked.spec.to_string())).unwrap_or_default();
    let report = ServerReport {
        name: name.clone(),
        spec,
        version: locked.map(|locked| locked.version.clone()),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: states,
        checks,
        findings,
        drift,
        closure: ClosureChange::default(),
    };
    Ok(decide::decided(&config.policy, settings.now, report))
}

/// Nothing runs an install script but the installation in the sandbox, and that only for packages that the policy names.
fn scripts_check(name: &ServerName, lock: &Lock, packages: &BTreeSet<&PackageId>) -> CheckResult {
    let wants = |id: &&&PackageId| lock.packages.get(**id).is_some_and(|package| package.install_scripts);
    let status = if packages.iter().any(|id| wants(&id)) { CheckStatus::Pass } else { CheckStatus::NotApplicable };
    CheckResult::new(Check::InstallScripts, name.as_str(), status)
}

/// What the server tells the model, if its artifacts are whole: nothing else is started.
fn told(
    name: &ServerName,
    config: &Config,
    lock: &Lock,
    locked: &LockedServer,
    seen: &Seen<'_>,
    checks: &[CheckResult],
    settings: &Settings,
) -> Result<told::Said, CommandError> {
    let whole = checks.iter().filter(|check| check.check == Check::ArtifactHash);
    let open = whole.filter(|check| !matches!(check.status, CheckStatus::Pass | CheckStatus::NotApplicable)).count();
    let hearing = match config.servers.get(name) {
        Some(_) if open > 0 => {
            let why = format!("{} not here as locked", crate::ui::count(open, "artifact"));
            Hearing::from(Heard::Cannot(Cannot::because(why, None)))
        }
        Some(entry) => seen.ears.listen(&packages_of(lock, locked), locked, entry, seen.anew)?,
        None => Heard::Cannot(Cannot::because("mcp.toml does not name this server", None)).into(),
    };
    told::of_lock(settings, config, name, lock, &hearing)
}

/// The packages of one server, by id.
pub(super) fn packages_of(lock: &Lock, server: &LockedServer) -> BTreeMap<PackageId, Package> {
    lock.packages_of(&[server]).into_iter().map(|package| (package.id.clone(), package.clone())).collect()
}

/// Whether mcp.toml asks for what mcp.lock holds.
fn config_check(name: &ServerName, config: &Config, lock: &Lock) -> CheckResult {
    let result = |status| CheckResult::new(Check::Config, name.as_str(), status);
    match (config.servers.get(name), lock.servers.get(name)) {
        (Some(server), Some(locked)) => {
            let differences = differences(locked, server, &config.targets);
            if differences.is_empty() {
                result(CheckStatus::Pass)
            } else {
                result(CheckStatus::Fail(differences.join("; ")))
                    .hint(format!("mcpsec add {name} locks what mcp.toml asks for"))
            }
        }
        (Some(_), None) => {
            result(CheckStatus::Fail("mcp.toml names this server and mcp.lock does not hold it".to_owned()))
                .hint(format!("mcpsec add {name}"))
        }
        (None, _) => result(CheckStatus::Fail("mcp.lock holds this server and mcp.toml does not name it".to_owned()))
            .hint(format!("mcpsec remove {name}, or put it back into mcp.toml")),
    }
}

/// mcp.lock was edited by hand: every server fails `lock`, and nothing else of it is believed.
fn edited(settings: &Settings, config: Option<&Config>, error: &CommandError) -> Result<Code, CommandError> {
    let Some(config) = config.filter(|config| !config.servers.is_empty()) else {
        return Err(CommandError::denied(error).maybe_hint(error.hints().first()));
    };
    let servers = config.servers.iter().map(|(name, server)| {
        let mut lock = CheckResult::new(Check::Lock, "mcp.lock", CheckStatus::Fail(error.to_string()));
        lock.hint = error.hints().first().cloned();
        let not_believed = || CheckStatus::Unchecked("mcp.lock is not believed".to_owned());
        let mut checks = vec![CheckResult::new(Check::Config, name.as_str(), not_believed()), lock];
        checks.extend(
            [Check::ArtifactHash, Check::Upstream].map(|check| CheckResult::new(check, name.as_str(), not_believed())),
        );
        let report = ServerReport {
            name: name.clone(),
            spec: server.source.to_string(),
            version: None,
            verdict: Verdict::Incomplete,
            decision: Decision::default(),
            evidence: BTreeMap::new(),
            checks,
            findings: Vec::new(),
            drift: Drift::default(),
            closure: ClosureChange::default(),
        };
        decide::decided(&config.policy, settings.now, report)
    });
    let report = Report::new("verify", servers.collect());
    print(settings, &decide::about_policy(config, settings.now, None, report))
}
