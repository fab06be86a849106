//! From the resolver's snapshot and the registry's records to a closure, its packages and what to download.
use std::collections::{BTreeMap, BTreeSet};

use deno_npm::{NpmPackageId, resolution::SerializedNpmResolutionSnapshotPackage};
use mcpsec_model::{
    candidate::{Candidate, EntryPoint},
    closure::{Closure, Edge, Node, NodeId},
    digest::{Digest, Digests, Integrity},
    evidence::{Offer, Release},
    finding::{Finding, Rule},
    name::{Ecosystem, PackageName},
    package::{Artifact, ArtifactKind, Package, PackageId},
    target::{Target, Targets},
    text::Untrusted,
};
use smol_str::SmolStr;
use url::Url;

use super::{
    NpmConfig, NpmError, NpmResolved, RegistryRecord,
    dependency::unsupported,
    platform::supports,
    record::{Dist, VersionRecord},
    resolve::{Absent, Solved, is_absent},
};
use crate::{Resolved, download::Download};

/// Where versions' records are looked up.
pub(crate) trait Records {
    /// The record that the resolver used.
    fn record(&self, name: &str, version: &str) -> Option<VersionRecord>;
    /// What evidence there is for it, and its history where it is known.
    fn evidence(&self, name: &str, version: &str) -> (Offer, Vec<Release>);
}

/// The server at the root of the graph.
pub(crate) struct Root<'a> {
    /// Its name in the resolver: the package, or the stand-in of a local project.
    pub(crate) name: &'a str,
    /// For a local project: the package it really is.
    pub(crate) local: Option<PackageId>,
    /// The command to run, if one was asked for.
    pub(crate) command: Option<&'a str>,
}

/// Builds everything that the resolution of one server answers.
pub(crate) fn build(
    solved: Solved,
    root: &Root<'_>,
    records: &dyn Records,
    config: &NpmConfig,
    targets: &Targets,
) -> Result<NpmResolved, NpmError> {
    let Solved { snapshot, absent } = solved;
    let by_id: BTreeMap<&NpmPackageId, &SerializedNpmResolutionSnapshotPackage> =
        snapshot.packages.iter().map(|package| (&package.id, package)).collect();
    let start = snapshot
        .root_packages
        .values()
        .next()
        .ok_or_else(|| NpmError::Resolver(format!("{} was not resolved", root.name)))?;
    let mut build = Build { root, records, config, out: NpmResolved::empty_parts(), absent: &absent };
    let mut nodes = BTreeMap::new();
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        let Some(package) = by_id.get(id) else {
            return Err(NpmError::Resolver("a package of the graph is missing from it".to_owned()));
        };
        let record = build.package(id)?;
        let mut edges = Vec::with_capacity(package.dependencies.len());
        for (key, child) in &package.dependencies {
            let optional = record.is_optional(key);
            edges.push(Edge { name: key.as_str().into(), to: build.node_id(child)?, optional, marker: None });
            if seen.insert(child) {
                open.push(child);
            }
        }
        nodes.insert(build.node_id(id)?, Node { edges, targets: None });
        build.unmet_peers(id, &record, |key| package.dependencies.contains_key(key));
    }
    let root_id = build.node_id(start)?;
    let closure_error = |source| NpmError::Closure { package: root_id.package().to_string(), source: Box::new(source) };
    let Parts { packages, downloads, mut findings, records: kept, unsupported: refused } = build.out;
    let closure = Closure::new(root_id.clone(), nodes.clone()).map_err(closure_error)?;
    if let Some((package, name, requirement)) = refused.into_iter().next() {
        let reason = unsupported(&name, &requirement).unwrap_or("not in a registry");
        return Err(NpmError::UnsupportedDependency {
            path: path(&closure, &package),
            name: Untrusted::new(name).excerpt(214),
            requirement: Untrusted::new(requirement).excerpt(120),
            reason,
        });
    }
    let targets: Vec<Target> =
        targets.platforms.iter().map(|platform| Target { platform: *platform, python: None }).collect();
    place_on_targets(&closure, &mut nodes, &packages, &targets, &mut findings);
    let closure = Closure::new(root_id.clone(), nodes).map_err(closure_error)?;
    let entry = entry_point(&root_id, kept.get(root_id.package()), root)?;
    findings.sort();
    findings.dedup();
    let candidate = Candidate { closure, packages, entry, targets, findings };
    Ok(NpmResolved {
        resolved: Resolved { candidate, downloads: downloads.into_values().collect(), passed_over: None },
        records: kept,
        ages: BTreeMap::new(),
        publications: BTreeMap::new(),
    })
}

/// What grows while the graph is walked.
pub(crate) struct Parts {
    packages: BTreeMap<PackageId, Package>,
    downloads: BTreeMap<PackageId, Download>,
    findings: Vec<Finding>,
    records: BTreeMap<PackageId, RegistryRecord>,
    /// Required dependencies that cannot be locked: whose, which, from where.
    unsupported: BTreeSet<(PackageId, String, String)>,
}

impl NpmResolved {
    fn empty_parts() -> Parts {
        Parts {
            packages: BTreeMap::new(),
            downloads: BTreeMap::new(),
            findings: Vec::new(),
            records: BTreeMap::new(),
            unsupported: BTreeSet::new(),
        }
    }
}

struct Build<'a> {
    root: &'a Root<'a>,
    records: &'a dyn Records,
    config: &'a NpmConfig,
    out: Parts,
    absent: &'a BTreeSet<Absent>,
}

impl Build<'_> {
    fn package_id(&self, id: &NpmPackageId) -> Result<PackageId, NpmError> {
        if let Some(local) = self.root.local.as_ref().filter(|_| id.nv.name.as_str() == self.root.name) {
            return Ok(local.clone());
        }
        let refuse = |reason: String| NpmError::Packument { package: safe(id.nv.name.as_str()), reason };
        let name = PackageName::npm(&id.nv.name).map_err(|error| refuse(error.to_string()))?;
        PackageId::new(Ecosystem::Npm, name, &id.nv.version.to_string()).map_err(|error| refuse(error.to_string()))
    }

    /// The node of a package with its peers. Peer lists that the lock could not hold are replaced by their digest.
    fn node_id(&self, id: &NpmPackageId) -> Result<NodeId, NpmError> {
        let package = self.package_id(id)?;
        let peers = id.peer_dependencies.as_serialized();
        let peers = peers.trim_start_matches('_');
        let short = if peers.len() <= MAX_PEER_TEXT { NodeId::with_peers(package.clone(), peers) } else { None };
        let digest = || format!("peers-{}", &Digest::sha256_of(peers.as_bytes()).to_hex()[..32]);
        short
            .or_else(|| NodeId::with_peers(package, &digest()))
            .ok_or_else(|| NpmError::Resolver("a peer list cannot be written down".to_owned()))
    }

    /// Records a package, once, and gives its record.
    fn package(&mut self, id: &NpmPackageId) -> Result<VersionRecord, NpmError> {
        let (name, version) = (id.nv.name.as_str(), id.nv.version.to_string());
        let record = self
            .records
            .record(name, &version)
            .ok_or_else(|| NpmError::Resolver(safe(&format!("no record of {name}@{version}"))))?;
        let package_id = self.package_id(id)?;
        if self.out.packages.contains_key(&package_id) {
            return Ok(record);
        }
        self.note_what_is_left_out(&package_id, &record);
        let local = self.root.local.as_ref() == Some(&package_id);
        let mut package = Package::bare(package_id.clone());
        (package.os, package.cpu, package.libc) = (words(&record.os), words(&record.cpu), words(&record.libc));
        package.install_scripts = record.install_scripts();
        if !local {
            let download = download(self.config, &package_id, record.dist.as_ref())?;
            package.artifacts = vec![Artifact {
                kind: ArtifactKind::NpmTarball,
                file: download.file.as_str().into(),
                size: None,
                digests: download.expected,
            }];
            self.out.downloads.insert(package_id.clone(), download);
            if let Some(note) = &record.deprecated {
                self.out.findings.push(
                    Finding::new(
                        Rule::Deprecated,
                        package_id.to_string(),
                        "the publisher advises against this version",
                    )
                    .evidence(note.as_str()),
                );
            }
        }
        if package.install_scripts {
            let finding =
                Finding::new(Rule::InstallScript, package_id.to_string(), "wants to run a script when it is installed");
            let scripts = record.scripts.iter().flatten().map(|(name, script)| format!("{name}: {script}"));
            let scripts: Vec<String> = scripts.collect();
            self.out.findings.push(if scripts.is_empty() { finding } else { finding.evidence(scripts.join("\n")) });
        }
        let mut kept = RegistryRecord::of(name, &record);
        if !local {
            (kept.offer, kept.history) = self.records.evidence(name, &version);
        }
        self.out.records.insert(package_id.clone(), kept);
        self.out.packages.insert(package_id, package);
        Ok(record)
    }

    fn note_what_is_left_out(&mut self, id: &PackageId, record: &VersionRecord) {
        for (name, requirement) in &record.removed.unsupported {
            self.out.unsupported.insert((id.clone(), name.clone(), requirement.clone()));
        }
        for (name, requirement) in &record.removed.unsupported_peers {
            let optional = record.peer_dependencies_meta.contains_key(name);
            if !optional {
                self.out.unsupported.insert((id.clone(), name.clone(), requirement.clone()));
            }
        }
        for (name, requirement) in &record.removed.unsupported_optional {
            let reason = unsupported(name, requirement).unwrap_or("not in a registry");
            let message = format!("optional dependency {} is {reason} and is left out", safe(name));
            self.out.findings.push(
                Finding::new(Rule::UnsupportedDependency, id.to_string(), message).evidence(requirement.as_str()),
            );
        }
        for (name, requirement) in &record.optional_dependencies {
            if is_absent(self.absent, name, requirement) {
                let message =
                    format!("optional dependency {} is not in the registry and is left out, as npm does", safe(name));
                self.out.findings.push(
                    Finding::new(Rule::NoArtifactForTarget, id.to_string(), message).evidence(requirement.as_str()),
                );
            }
        }
    }

    fn unmet_peers(&mut self, id: &NpmPackageId, record: &VersionRecord, met: impl Fn(&str) -> bool) {
        let Ok(package) = self.package_id(id) else { return };
        for (name, requirement) in &record.peer_dependencies {
            // A package that names itself as a peer is its own answer.
            if !record.is_optional(name) && !met(name) && name != id.nv.name.as_str() {
                let message = format!("required peer {} could not be satisfied", safe(name));
                self.out.findings.push(
                    Finding::new(Rule::ClosureIncomplete, package.to_string(), message).evidence(requirement.as_str()),
                );
            }
        }
    }
}

/// Longest peer text written out; longer ones become a digest, so that a lock stays readable.
const MAX_PEER_TEXT: usize = 256;

fn safe(text: &str) -> String {
    Untrusted::new(text).excerpt(214)
}

fn path(closure: &Closure, to: &PackageId) -> String {
    let packages = closure.path_to(to).unwrap_or_default();
    let packages: Vec<String> = packages.iter().map(|id| format!("{}@{}", id.name(), id.version())).collect();
    packages.join(" > ")
}

/// Marks nodes that only some targets need, and reports required packages that a target cannot install.
fn place_on_targets(
    closure: &Closure,
    nodes: &mut BTreeMap<NodeId, Node>,
    packages: &BTreeMap<PackageId, Package>,
    targets: &[Target],
    findings: &mut Vec<Finding>,
) {
    let mut needed: BTreeMap<NodeId, BTreeSet<Target>> = BTreeMap::new();
    for target in targets {
        let fits = |id: &NodeId| packages.get(id.package()).is_none_or(|package| supports(package, target.platform));
        let mut open = vec![closure.root()];
        let mut seen = BTreeSet::from([closure.root()]);
        while let Some(id) = open.pop() {
            needed.entry(id.clone()).or_default().insert(*target);
            for edge in &closure.nodes()[id].edges {
                let fits = fits(&edge.to);
                if !fits && !edge.optional {
                    let message = format!("required by {} and not made for {target}", id.package());
                    findings.push(Finding::new(Rule::UnresolvableTarget, edge.to.package().to_string(), message));
                }
                if (fits || !edge.optional) && seen.insert(&edge.to) {
                    open.push(&edge.to);
                }
            }
        }
    }
    for (id, node) in nodes {
        let on = needed.remove(id).unwrap_or_default();
        node.targets = (on.len() < targets.len()).then_some(on);
    }
}

/// npx's choice: the command asked for, else the only one, else the one named like the package.
fn entry_point(root: &NodeId, record: Option<&RegistryRecord>, wanted: &Root<'_>) -> Result<EntryPoint, NpmError> {
    let Some(record) = record else { return Ok(EntryPoint::Unknown) };
    let bin = record.bin();
    let base = record.name().rsplit('/').next().unwrap_or_default();
    let refuse = |command: &str| NpmError::NoSuchCommand {
        package: format!("{}@{}", root.package().name(), root.package().version()),
        command: safe(command),
        available: match bin.keys().map(|name| safe(name)).collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => "none".to_owned(),
            names => names,
        },
    };
    if let Some(command) = wanted.command {
        return match bin.get_key_value(command) {
            Some((name, _)) => Ok(EntryPoint::NpmBin(name.as_str().into())),
            None => Err(refuse(command)),
        };
    }
    let files: BTreeSet<&String> = bin.values().collect();
    match (bin.get_key_value(base), bin.keys().next()) {
        (Some((name, _)), _) => Ok(EntryPoint::NpmBin(name.as_str().into())),
        (None, Some(first)) if files.len() == 1 => Ok(EntryPoint::NpmBin(first.as_str().into())),
        (None, Some(_)) => Err(refuse(base)),
        (None, None) => Ok(EntryPoint::Unknown),
    }
}

/// The canonical file name of a package's tarball, whatever its address says.
pub(crate) fn file_name(id: &PackageId) -> String {
    format!("{}-{}.tgz", id.name().base(), id.version())
}

/// Reads `integrity` and `shasum`; something of both must be there.
pub(crate) fn integrity(id: &PackageId, dist: &Dist) -> Result<Integrity, NpmError> {
    let refuse = |reason: String| NpmError::Integrity { package: format!("{}@{}", id.name(), id.version()), reason };
    let mut integrity = match &dist.integrity {
        Some(text) => Integrity::parse(text).map_err(|error| refuse(error.to_string()))?,
        None => Integrity::default(),
    };
    if let Some(shasum) = &dist.shasum {
        integrity = integrity.with_shasum(shasum).map_err(|error| refuse(error.to_string()))?;
    }
    if integrity.digests.is_empty() && integrity.sha1.is_none() {
        return Err(refuse("it has neither `integrity` nor `shasum`".to_owned()));
    }
    Ok(integrity)
}

/// What to fetch for a package, from its record.
pub(crate) fn download(config: &NpmConfig, id: &PackageId, dist: Option<&Dist>) -> Result<Download, NpmError> {
    let none = Dist::default();
    let dist = dist.unwrap_or(&none);
    let integrity = integrity(id, dist)?;
    let bad = || NpmError::Tarball { package: format!("{}@{}", id.name(), id.version()) };
    let (registry, _) = config.registry_for(id.name());
    let address = registry.expose().join(&dist.tarball).ok().filter(|_| !dist.tarball.is_empty()).ok_or_else(bad)?;
    download_from(config, id, &address, integrity.digests, integrity.sha1).ok_or_else(bad)
}

/// What to fetch for a package from a given address; `None` if the address may not be used.
pub(crate) fn download_from(
    config: &NpmConfig,
    id: &PackageId,
    address: &Url,
    expected: Digests,
    sha1: Option<[u8; 20]>,
) -> Option<Download> {
    let (url, credentials) = config.tarball(id.name(), address)?;
    Some(Download {
        package: id.clone(),
        kind: ArtifactKind::NpmTarball,
        file: file_name(id),
        url,
        credentials,
        expected,
        sha1,
        size: None,
    })
}

/// Short strings of a record as the lock holds them.
pub(super) fn words(list: &[String]) -> Vec<SmolStr> {
    list.iter().map(|word| word.as_str().into()).collect()
}
