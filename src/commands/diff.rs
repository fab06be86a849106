//! `mcpsec diff`: what differs between two versions of a server, two locks, or two captured manifests. Writes nothing but
//! artifacts into the store.
use std::{collections::BTreeMap, path::Path, sync::Arc};

use mcpsec_audit::{content::compare::Detail, drift, poison};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    drift::Drift,
    finding::Finding,
    lock::{Lock, LockedServer},
    manifest::Manifest,
    name::ServerName,
    package::{Package, PackageId},
    report::{ClosureChange, Report, ServerReport},
    spec::Spec,
    text::escape,
    verdict::{Decision, Verdict},
};

use super::{
    artifacts, base,
    content::{self, Shelf},
    decide,
    locking::{self, Locking},
    render, scan,
    sources::Sources,
    told::{Accepting, Ears},
    verify,
    wish::Wish,
};
use crate::{
    cli::{Capturing, Consent, DiffArgs},
    error::CommandError,
    exit::Code,
    project::{self, Project},
    settings::Settings,
    ui::Ui,
};

/// Locks are text; larger ones are not read.
const LOCK_LIMIT: u64 = 64 << 20;

pub(super) async fn run(settings: &Settings, args: DiffArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config_or_starter()?;
    if let Some([before, after]) = args.manifests.as_deref() {
        return manifests(settings, &config, before, after);
    }
    if let Some(base) = &args.base {
        return base::run(settings, &config, &project, base);
    }
    let (mut name, mut detail) = (args.name, Detail::Decisions);
    match args.content.as_deref() {
        None => {}
        Some([]) => detail = Detail::Everything,
        Some([before, after]) if name.is_none() => return folders(settings, &config, before, after),
        // `diff --content NAME` means what `diff NAME --content` means.
        Some([one]) if name.is_none() => {
            detail = Detail::Everything;
            let text = one.to_string_lossy();
            name = Some(
                text.parse().map_err(|_| CommandError::usage(format!("`{}` is no name of a server", escape(&text))))?,
            );
        }
        Some(_) => {
            return Err(CommandError::usage(
                "--content goes with the name of a server, or with two folders or archives",
            ));
        }
    }
    let Some(name) = name else { return Err(CommandError::usage("name a server, or two --manifests")) };
    let lock = project.required_lock()?;
    let from = side(settings, &config, &lock, &name, args.from.as_deref()).await?;
    let to = match args.to.as_deref() {
        None => newest(settings, &config, &lock, &name).await?,
        Some(to) => side(settings, &config, &lock, &name, Some(to)).await?,
    };
    let content = code(settings, &config, &name, &from, &to, detail).await?;
    let report = servers(settings, &config, &name, &from.server, &to.server, Some(content));
    render::print(settings, &Report::new("diff", vec![report]))
}

/// One version of a server, with what its packages are pinned to.
struct Side {
    server: LockedServer,
    packages: BTreeMap<PackageId, Package>,
}

impl Side {
    fn locked(lock: &Lock, server: &LockedServer) -> Self {
        Self { server: server.clone(), packages: verify::packages_of(lock, server) }
    }
}

/// What the code of one version does that the code of the other does not.
async fn code(
    settings: &Settings,
    config: &Config,
    name: &ServerName,
    from: &Side,
    to: &Side,
    detail: Detail,
) -> Result<content::Said, CommandError> {
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, config, ui);
    let mut shelves = Vec::new();
    for side in [from, to] {
        let packages: Vec<&Package> = side.packages.values().collect();
        let mut shelf = Shelf::read(settings, &sources, &store, &packages, &side.server.targets);
        if !shelf.missing.is_empty() && !settings.offline {
            let missing: Vec<&Package> =
                packages.iter().filter(|package| shelf.missing.contains_key(&package.id)).copied().collect();
            let _told_by_the_second_look = artifacts::check(settings, &sources, &missing, &[&side.server]).await?;
            shelf = Shelf::read(settings, &sources, &store, &packages, &side.server.targets);
        }
        shelves.push(shelf);
    }
    let root = to.server.closure.root().package();
    let [before, after] = shelves.as_slice() else { return Err(CommandError::bug("two sides have two shelves")) };
    let said = content::of_versions(name, root, Some(before), after, detail);
    let nothing_new = Consent::default();
    let mut accepting = Accepting::new(&nothing_new, &to.server.accepted);
    Ok(content::judged(settings, config, said, &mut accepting))
}

/// The code of two folders or archives, without a project.
fn folders(settings: &Settings, config: &Config, before: &Path, after: &Path) -> Result<Code, CommandError> {
    let (old, new) = (content::open(before)?, content::open(after)?);
    let name: ServerName = "content".parse().map_err(CommandError::bug)?;
    let said = content::of_versions(&name, &new.root, Some(&old.shelf), &new.shelf, Detail::Everything);
    let nothing_new = Consent::default();
    let said = content::judged(settings, config, said, &mut Accepting::new(&nothing_new, &[]));
    let server = ServerReport {
        name,
        spec: format!("{} {}", old.root, new.root),
        version: None,
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: BTreeMap::new(),
        checks: vec![said.check],
        findings: scan::worst_first(said.findings),
        drift: Drift::default(),
        closure: ClosureChange::default(),
    };
    render::print(settings, &Report::new("diff", vec![decide::decided(&config.policy, settings.now, server)]))
}

/// Two captured manifests, from files.
fn manifests(settings: &Settings, config: &Config, before: &Path, after: &Path) -> Result<Code, CommandError> {
    let (before, after) = (scan::read(before)?, scan::read(after)?);
    let name = scan::name_of(&after)?;
    let drift = drift::compare(&before, &after);
    let findings = new_findings(&before, &after);
    let checks = vec![scan::check(settings, config, None, &findings)];
    let server = ServerReport {
        spec: "two manifests".to_owned(),
        version: None,
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: std::collections::BTreeMap::new(),
        checks,
        findings,
        drift,
        closure: ClosureChange::default(),
        name,
    };
    render::print(settings, &Report::new("diff", vec![decide::decided(&config.policy, settings.now, server)]))
}

/// What the rules say about the newer one and did not say about the older one.
pub(super) fn new_findings(before: &Manifest, after: &Manifest) -> Vec<Finding> {
    let known = poison::scan(before);
    let same = |a: &Finding, b: &Finding| a.rule == b.rule && a.subject == b.subject && a.evidence == b.evidence;
    let new = poison::scan(after).into_iter().filter(|finding| !known.iter().any(|old| same(old, finding)));
    scan::worst_first(new.collect())
}

/// One side: what is locked, what another lock holds, or a version that is resolved and captured now.
async fn side(
    settings: &Settings,
    config: &Config,
    lock: &Lock,
    name: &ServerName,
    text: Option<&str>,
) -> Result<Side, CommandError> {
    let locked = lock.servers.get(name);
    let missing = || CommandError::usage(format!("mcp.lock has no server `{name}`")).hint(format!("mcpsec add {name}"));
    let Some(text) = text else { return locked.map(|locked| Side::locked(lock, locked)).ok_or_else(missing) };
    if let Some(locked) = locked.filter(|locked| locked.version == text) {
        return Ok(Side::locked(lock, locked));
    }
    let file = settings.current_dir().join(text);
    if file.is_file() {
        let other = read_lock(&file)?.unwrap_or_else(Lock::empty);
        let known = || CommandError::usage(format!("{} has no server `{name}`", escape(text)));
        return other.servers.get(name).map(|server| Side::locked(&other, server)).ok_or_else(known);
    }
    let mut entry = config.servers.get(name).cloned().ok_or_else(missing)?;
    entry.source = at_version(&entry.source, text)?;
    resolve(settings, config, lock, name, entry).await
}

/// A lock file that is not the project's own, if there is one.
pub(super) fn read_lock(file: &Path) -> Result<Option<Lock>, CommandError> {
    let bytes = crate::files::read_bytes(file, LOCK_LIMIT).map_err(|error| crate::error::io("read", file, &error))?;
    let read = |bytes: Vec<u8>| {
        Lock::parse_bytes(&bytes, &escape(&file.display().to_string())).map_err(|error| project::lock_error(&error))
    };
    bytes.map(read).transpose()
}

/// The newest version that mcp.toml allows.
async fn newest(settings: &Settings, config: &Config, lock: &Lock, name: &ServerName) -> Result<Side, CommandError> {
    let entry = config.servers.get(name).cloned();
    let missing = || CommandError::usage(format!("mcp.toml has no server `{name}`"));
    resolve(settings, config, lock, name, entry.ok_or_else(missing)?).await
}

async fn resolve(
    settings: &Settings,
    config: &Config,
    lock: &Lock,
    name: &ServerName,
    entry: mcpsec_model::config::ServerConfig,
) -> Result<Side, CommandError> {
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, config, Arc::clone(&ui)).always_asking();
    let ears = Ears::new(settings, config, &store, &Capturing::default())?;
    let with = Locking {
        settings,
        config,
        sources: &sources,
        store: &store,
        ears: &ears,
        consent: &Consent::default(),
        lock,
        all_platforms: false,
    };
    ui.start(&entry.source.to_string());
    let outcome = locking::lock_one(&with, &Wish { name: name.clone(), config: entry }).await;
    ui.done();
    let outcome = outcome?;
    Ok(Side { server: outcome.server, packages: outcome.packages.into_iter().collect() })
}

/// The same package at exactly this version (for git, this tag, branch or commit).
fn at_version(spec: &Spec, version: &str) -> Result<Spec, CommandError> {
    let text = match spec {
        Spec::Npm(spec) => format!("npm:{}@{version}", spec.name),
        Spec::Pypi(spec) if spec.extras.is_empty() => format!("pypi:{}=={version}", spec.name),
        Spec::Pypi(spec) => {
            let extras: Vec<String> = spec.extras.iter().map(ToString::to_string).collect();
            format!("pypi:{}[{}]=={version}", spec.name, extras.join(","))
        }
        Spec::Git(spec) => {
            let whole = spec.package_name().to_string();
            match whole.split_once('#') {
                Some((url, fragment)) => format!("{url}@{version}#{fragment}"),
                None => format!("{whole}@{version}"),
            }
        }
    };
    text.parse().map_err(|_| {
        CommandError::usage(format!("`{}` is neither a version of {spec} nor a lock file", escape(version)))
    })
}

/// Two states of one server.
pub(super) fn servers(
    settings: &Settings,
    config: &Config,
    name: &ServerName,
    from: &LockedServer,
    to: &LockedServer,
    content: Option<content::Said>,
) -> ServerReport {
    let mut checks = Vec::new();
    let (mut drift, mut findings) = (Drift::default(), Vec::new());
    match (from.told.captured(), to.told.captured()) {
        (Some(before), Some(after)) => {
            drift = drift::compare(&before.manifest, &after.manifest);
            findings = new_findings(&before.manifest, &after.manifest);
            checks.push(scan::check(settings, config, Some(name), &findings));
        }
        (before, _) => {
            let which = if before.is_none() { from } else { to };
            let why = match &which.told {
                mcpsec_model::capture::Told::Unchecked(why) => why.clone(),
                _ => "nobody captured it".to_owned(),
            };
            let why = format!("what {} tells the model is not known: {why}", escape(&which.version));
            checks.push(CheckResult::new(Check::Manifest, name.as_str(), CheckStatus::Unchecked(why)));
        }
    }
    if let Some(content) = content {
        checks.push(content.check);
        findings.extend(content.findings);
    }
    let findings = scan::worst_first(findings);
    let report = ServerReport {
        name: name.clone(),
        spec: format!("{} {}", from.closure.root().package().name(), from.version),
        version: Some(to.version.clone()),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: std::collections::BTreeMap::new(),
        checks,
        findings,
        drift,
        closure: ClosureChange::between(from, to),
    };
    decide::decided(&config.policy, settings.now, report)
}
