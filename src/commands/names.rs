//! Judgement over names, registries and publishers of a closure: gathers what `mcpsec_audit::names` needs.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_audit::names::{self, Answered, Own};
use mcpsec_fetch::{Newest, download::Download};
use mcpsec_model::{
    check::CheckResult,
    config::Config,
    evidence::SignerPin,
    finding::{Confidence, Finding, Rule, Severity},
    lock::{Lock, LockedServer},
    name::{Ecosystem, PackageName, ServerName},
    package::{Package, PackageId},
    publication::Publication,
    spec::Spec,
    text::escape,
};

use super::sources::Sources;
use crate::{error::CommandError, settings::Settings};

/// A closure whose names are looked at.
pub(super) struct Closure<'a> {
    /// What the server is called.
    pub(super) server: &'a ServerName,
    /// Its own package.
    pub(super) root: &'a PackageId,
    /// All packages.
    pub(super) packages: Vec<&'a Package>,
    /// Where files are, as records say; empty where nobody asked.
    pub(super) downloads: &'a [(PackageId, Option<String>)],
}

/// Lookalikes and confused registries of a closure. Python indexes are asked about names that nobody asked about yet, unless
/// the run is offline.
pub(super) async fn of_closure(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    lock: &Lock,
    closure: &Closure<'_>,
) -> Result<Vec<Finding>, CommandError> {
    let has = |ecosystem| closure.packages.iter().any(|package| package.id.ecosystem() == ecosystem);
    let private = if has(Ecosystem::Npm) { sources.npm()?.config().private_scopes() } else { BTreeSet::new() };
    let own = own(config, lock, closure.server, &private);
    let mut findings = names::lookalikes(closure.root, closure.packages.iter().map(|package| &package.id), &own);
    let mut answered = Vec::new();
    for package in closure.packages.iter().filter(|package| package.bundled_in.is_none()) {
        let (id, name) = (package.id.clone(), package.id.name());
        match id.ecosystem() {
            Ecosystem::Npm if !private.is_empty() => {
                let (registry, _) = sources.npm()?.config().registry_for(name);
                let is_private = name.scope().is_some_and(|scope| private.contains(scope));
                let host = registry.expose().host_str();
                let told = closure.downloads.iter().find(|(of, _)| *of == id).and_then(|(_, host)| host.clone());
                let elsewhere = told.filter(|told| Some(told.as_str()) != host);
                answered.push(Answered { package: id, registry: registry.to_string(), private: is_private, elsewhere });
            }
            Ecosystem::Pypi if !settings.offline && sources.pypi()?.has_further_indexes() => {
                match sources.pypi()?.index_of(name).await {
                    Ok((index, private)) => {
                        answered.push(Answered { package: id, registry: index.to_string(), private, elsewhere: None });
                    }
                    Err(error) => {
                        let message =
                            format!("not looked at: no index told whose it is: {}", escape(&error.to_string()));
                        let unknown = Finding::new(Rule::DependencyConfusion, id.to_string(), message);
                        findings.push(unknown.severe(Severity::Low).confidence(Confidence::Low));
                    }
                }
            }
            Ecosystem::Npm | Ecosystem::Pypi | Ecosystem::Git => {}
        }
    }
    findings.extend(names::confused(&answered, &private));
    Ok(findings)
}

/// The host of every file, as records say.
pub(super) fn hosts(downloads: &[Download]) -> Vec<(PackageId, Option<String>)> {
    let host = |download: &Download| download.url.expose().host_str().map(str::to_owned);
    downloads.iter().map(|download| (download.package.clone(), host(download))).collect()
}

/// What the project calls its own, without the server that is looked at.
fn own(config: &Config, lock: &Lock, server: &ServerName, private: &BTreeSet<String>) -> Own {
    let mut own = Own { scopes: private.clone(), servers: BTreeSet::new() };
    let mut add = |ecosystem: Ecosystem, name: &PackageName| {
        own.scopes.extend(name.scope().map(str::to_owned));
        own.servers.insert((ecosystem, name.clone()));
    };
    for (_, other) in config.servers.iter().filter(|(name, _)| *name != server) {
        match &other.source {
            Spec::Npm(spec) => add(Ecosystem::Npm, &spec.name),
            Spec::Pypi(spec) => add(Ecosystem::Pypi, &spec.name),
            Spec::Git(_) => {}
        }
    }
    for other in lock.servers.values().filter(|other| other.name != *server) {
        let root = other.closure.root().package();
        if root.ecosystem() != Ecosystem::Git {
            add(root.ecosystem(), root.name());
        }
    }
    own
}

/// Versions that somebody else published: the server's own package, and of the others those that are not locked yet.
pub(super) fn publishers(
    told: &BTreeMap<PackageId, Vec<Publication>>,
    packages: &BTreeMap<PackageId, Package>,
    root: &PackageId,
    before: Option<(&Lock, &LockedServer)>,
) -> Vec<Finding> {
    let earlier: Vec<&Package> = before.map(|(lock, server)| lock.packages_of(&[server])).unwrap_or_default();
    let is_known = |id: &PackageId| earlier.iter().any(|package| package.id == *id);
    let changed = told.iter().filter(|(id, _)| *id == root || !is_known(id)).filter_map(|(id, told)| {
        let package = packages.get(id)?;
        let same_name = |other: &&&Package| other.id.ecosystem() == id.ecosystem() && other.id.name() == id.name();
        let same_signer = earlier.iter().filter(same_name).any(|other| shares_a_workload(other, package));
        names::changed_publisher(id, told, same_signer)
    });
    changed.collect()
}

/// Whether one workflow built both, as their verified evidence says.
fn shares_a_workload(a: &Package, b: &Package) -> bool {
    let is_workload = |signer: &SignerPin| !matches!(signer, SignerPin::Key { .. });
    let of_b: BTreeSet<&SignerPin> = b.evidence.pins().iter().map(|pin| &pin.signer).collect();
    a.evidence.pins().iter().any(|pin| is_workload(&pin.signer) && of_b.contains(&pin.signer))
}

/// What `audit` says about the names of locked servers, and about versions that are out since. Lookalikes need nobody; the rest asks
/// registries and is left out offline.
pub(super) async fn look(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    lock: &Lock,
    names: &[ServerName],
) -> Result<Vec<(ServerName, Vec<CheckResult>, Vec<Finding>)>, CommandError> {
    let mut out = Vec::new();
    for name in names {
        let Some(server) = lock.servers.get(name) else { continue };
        let packages = lock.packages_of(&[server]);
        let closure = Closure { server: name, root: server.closure.root().package(), packages, downloads: &[] };
        let mut findings = of_closure(settings, config, sources, lock, &closure).await?;
        if !settings.offline
            && let Some(newest) = sources.newer(server).await?
        {
            findings.extend(newer(server, &newest));
        }
        out.push((name.clone(), Vec::new(), findings));
    }
    Ok(out)
}

/// What is out since a server was locked.
fn newer(server: &LockedServer, newest: &Newest) -> Option<Finding> {
    let root = server.closure.root().package();
    let name = &server.name;
    let message = match (&newest.in_range, &newest.beyond) {
        (None, None) => return None,
        (Some(new), None) => {
            format!("{} is out; `mcpsec update {name} --dry-run` shows what it changes", escape(&new.version))
        }
        (Some(new), Some(beyond)) => format!(
            "{} is out, and {} beyond what mcp.toml allows; `mcpsec update {name} --dry-run` shows what the first changes",
            escape(&new.version),
            escape(&beyond.version)
        ),
        (None, Some(beyond)) => format!(
            "{} is out, beyond what mcp.toml allows ({}); widen `servers.{name}.source` to take it",
            escape(&beyond.version),
            server.spec
        ),
    };
    Some(Finding::new(Rule::NewerVersion, root.to_string(), message))
}
