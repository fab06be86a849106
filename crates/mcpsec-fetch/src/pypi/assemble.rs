//! From the versions of each target to one closure: nodes with their targets, edges with their markers, files with their
//! digests, and what a person should know.
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
    sync::Arc,
};

use mcpsec_model::{
    candidate::{Candidate, EntryPoint},
    closure::{Closure, Edge, Node, NodeId},
    digest::Digests,
    finding::{Finding, Rule},
    name::{Ecosystem, PackageName},
    package::{Artifact, Package, PackageId},
    target::Target,
    text::Untrusted,
    time::AsOf,
};
use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::ExtraName;

use super::{
    catalog::{Catalog, FileError},
    error::PypiError,
    evidence::{IndexRecord, PypiResolved},
    metadata::CoreMetadata,
    page::{Page, Release},
    provider::Pkg,
    requirement::Requirement,
    select,
    solve::{Answer, Solution},
};
use crate::{Resolved, download::Download, http::Freshness};

/// What stands at the root of the closure.
pub(super) enum Root {
    /// A project of the index.
    Project(PackageName),
    /// Something from elsewhere (a git repository) with its own requirements.
    Outside { package: Box<Package>, requirements: Arc<Vec<Requirement>> },
}

/// One chosen version with what is known of it.
struct Chosen {
    page: Arc<Page>,
    metadata: Arc<CoreMetadata>,
    id: PackageId,
}

impl Chosen {
    fn release(&self, version: &Version) -> Option<&Release> {
        self.page.get(version)
    }
}

type Versions = BTreeMap<(PackageName, Version), Chosen>;

/// Builds the candidate. Asks the catalog for nothing that resolution has not asked for already.
pub(super) async fn assemble(
    catalog: &Arc<Catalog>,
    root: Root,
    answer: Answer,
    as_of: Option<AsOf>,
    entry: EntryPoint,
) -> Result<PypiResolved, PypiError> {
    let mut chosen = Versions::new();
    for solution in &answer.solutions {
        for (package, version) in &solution.versions {
            if let Pkg::Base(name) = package
                && !chosen.contains_key(&(name.clone(), version.clone()))
            {
                let one = look_up(catalog, name, version, &answer, as_of).await?;
                chosen.insert((name.clone(), version.clone()), one);
            }
        }
    }
    let mut targets: Vec<Target> = answer.solutions.iter().map(|solution| solution.environment.target()).collect();
    targets.sort();

    let (nodes, root_id) = graph(&root, &answer.solutions, &chosen)?;
    let mut packages = BTreeMap::new();
    let mut downloads = Vec::new();
    let mut findings = Vec::new();
    let mut records = BTreeMap::new();
    for ((_, version), one) in &chosen {
        let id = &one.id;
        if !nodes.contains_key(&NodeId::of(id.clone())) {
            continue;
        }
        let Some(release) = one.release(version) else { continue };
        let package = pin(one, release, as_of, &mut downloads)?;
        packages.insert(id.clone(), package);
        records.insert(id.clone(), IndexRecord::of(&one.page, release, as_of));
        if one.metadata.incomplete {
            findings.push(Finding::new(
                Rule::ClosureIncomplete,
                id.to_string(),
                "there is only a source distribution, whose dependencies are not known without running its build",
            ));
        }
        if let Some(reason) = release.yanked(as_of) {
            let finding = Finding::new(Rule::Yanked, id.to_string(), "the publisher withdrew this version");
            findings.push(if reason.is_empty() { finding } else { finding.evidence(Untrusted::new(reason)) });
        }
        let without_wheel: Vec<String> = answer
            .solutions
            .iter()
            .filter(|solution| solution.versions.get(&Pkg::Base(one.page.name.clone())) == Some(version))
            .filter(|solution| !select::has_wheel(release, &solution.environment, as_of))
            .map(|solution| solution.environment.target().to_string())
            .collect();
        if !without_wheel.is_empty() {
            let message =
                format!("no wheel for {}; the source distribution must be built there", without_wheel.join(", "));
            findings.push(Finding::new(Rule::NoArtifactForTarget, id.to_string(), message));
        }
    }
    if let Root::Outside { package, .. } = root {
        packages.insert(package.id.clone(), *package);
    }
    for (target, report) in &answer.unsolved {
        let message = format!("no set of versions satisfies {target}");
        findings.push(
            Finding::new(Rule::UnresolvableTarget, root_id.package().to_string(), message)
                .evidence(Untrusted::new(report.clone())),
        );
    }
    findings.sort();
    let closure = Closure::new(root_id, nodes)?;
    let resolved =
        Resolved { candidate: Candidate { closure, packages, entry, targets, findings }, downloads, passed_over: None };
    Ok(PypiResolved { resolved, records })
}

async fn look_up(
    catalog: &Arc<Catalog>,
    name: &PackageName,
    version: &Version,
    answer: &Answer,
    as_of: Option<AsOf>,
) -> Result<Chosen, PypiError> {
    let page = catalog.page(name, Freshness::Cached).await?;
    let release = page.get(version).ok_or(PypiError::Interrupted)?;
    let metadata = match catalog.metadata(&page, release, &answer.metadata_tags, as_of).await {
        Ok(metadata) => metadata,
        Err(FileError::Http(error)) => return Err(error.into()),
        Err(FileError::Bad(_)) => return Err(PypiError::Interrupted),
    };
    let id = PackageId::new(Ecosystem::Pypi, name.clone(), &version.to_string())?;
    Ok(Chosen { page, metadata, id })
}

/// Nodes reached from the root, with their edges and targets.
fn graph(
    root: &Root,
    solutions: &[Solution],
    chosen: &Versions,
) -> Result<(BTreeMap<NodeId, Node>, NodeId), PypiError> {
    let mut edges: BTreeMap<NodeId, BTreeSet<Edge>> = BTreeMap::new();
    let mut targets: BTreeMap<NodeId, BTreeSet<Target>> = BTreeMap::new();
    let mut root_id = None;
    for solution in solutions {
        let target = solution.environment.target();
        let find = |name: &PackageName| -> Option<NodeId> {
            let version = solution.versions.get(&Pkg::Base(name.clone()))?;
            chosen.get(&(name.clone(), version.clone())).map(|one| NodeId::of(one.id.clone()))
        };
        let mut here: BTreeMap<NodeId, BTreeSet<Edge>> = BTreeMap::new();
        let mut link = |from: &NodeId, requirement: &Requirement, extra: Option<&ExtraName>| {
            if let Some(to) = find(&requirement.name).filter(|to| to != from) {
                let name = requirement.name.as_str().into();
                let marker = requirement.marker_text(extra);
                here.entry(from.clone()).or_default().insert(Edge { name, to, optional: false, marker });
            }
        };
        let start = match root {
            Root::Project(name) => find(name).ok_or(PypiError::Interrupted)?,
            Root::Outside { package, requirements } => {
                let id = NodeId::of(package.id.clone());
                for requirement in requirements.iter().filter(|r| r.applies(solution.environment.markers())) {
                    link(&id, requirement, None);
                }
                id
            }
        };
        for (package, version) in &solution.versions {
            let (name, extra) = match package {
                Pkg::Root => continue,
                Pkg::Base(name) => (name, None),
                Pkg::Extra(name, extra) => (name, ExtraName::from_str(extra.as_str()).ok()),
            };
            let Some(one) = chosen.get(&(name.clone(), version.clone())) else { continue };
            let from = NodeId::of(one.id.clone());
            let markers = solution.environment.markers();
            for requirement in &one.metadata.requirements {
                let takes = match &extra {
                    Some(extra) => requirement.applies_only_with(markers, extra),
                    None => matches!(package, Pkg::Base(_)) && requirement.applies(markers),
                };
                if takes {
                    link(&from, requirement, extra.as_ref());
                }
            }
        }
        let mut open = vec![start.clone()];
        while let Some(id) = open.pop() {
            if targets.entry(id.clone()).or_default().insert(target) {
                let out = here.remove(&id).unwrap_or_default();
                open.extend(out.iter().map(|edge| edge.to.clone()));
                edges.entry(id).or_default().extend(out);
            }
        }
        root_id = Some(start);
    }
    let root_id = root_id.ok_or(PypiError::Interrupted)?;
    let nodes = targets
        .into_iter()
        .map(|(id, on)| {
            let edges = edges.remove(&id).unwrap_or_default().into_iter().collect();
            let targets = (on.len() < solutions.len()).then_some(on);
            (id, Node { edges, targets })
        })
        .collect();
    Ok((nodes, root_id))
}

/// The package with all its files, each of which must have a digest.
fn pin(
    one: &Chosen,
    release: &Release,
    as_of: Option<AsOf>,
    downloads: &mut Vec<Download>,
) -> Result<Package, PypiError> {
    let mut package = Package::bare(one.id.clone());
    let mut files: Vec<_> = release.files().iter().filter(|file| file.existed(as_of)).collect();
    files.sort_by(|a, b| a.file.cmp(&b.file));
    for file in files {
        let digest = file.sha256.map_err(|reason| PypiError::NotPinnable {
            package: one.id.to_string(),
            file: file.file.to_string(),
            reason,
        })?;
        let digests: Digests = [digest].into_iter().collect();
        let kind = file.artifact_kind();
        package.artifacts.push(Artifact { kind, file: file.file.clone(), size: file.size, digests });
        downloads.push(Download {
            package: one.id.clone(),
            kind,
            file: file.file.to_string(),
            url: file.url.clone(),
            credentials: one.page.index.credentials_for(&file.url),
            expected: digests,
            sha1: None,
            size: file.size,
        });
    }
    let said = one.metadata.requires_python.clone();
    let said = said.or_else(|| release.files().iter().find_map(|file| file.requires_python.clone()));
    package.requires_python = said.as_ref().map(|need| normal_text(need).into());
    Ok(package)
}

/// Specifiers sorted and without spaces: `<4,>=3.10`.
pub(super) fn normal_text(specifiers: &VersionSpecifiers) -> String {
    let mut parts: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
    parts.sort();
    parts.join(",")
}
