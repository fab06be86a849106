//! Packages that travel inside another package's tarball (`bundleDependencies`, or just a `node_modules` folder in it).
//!
//! Node would load them, so they belong to the closure; the registry knows nothing of them, so only the tarball tells. Their
//! bytes are covered by the parent's digest. Parents that only some platforms fetch are left out: what they carry would make
//! the lock depend on the machine.
use std::collections::BTreeMap;

use mcpsec_model::{
    candidate::Candidate,
    closure::{Closure, Edge, Node, NodeId},
    finding::{Finding, Rule},
    name::{Ecosystem, PackageName},
    package::{Package, PackageId},
};

use super::inspect::Inspected;
use crate::error::CommandError;

/// Whether a path of a tarball is the package.json of a package inside it: `node_modules/name/package.json`, scoped or not,
/// nested or not.
pub(super) fn is_manifest(path: &str) -> bool {
    let Some(mut rest) = path.strip_suffix("/package.json") else { return false };
    loop {
        let Some(inner) = rest.strip_prefix("node_modules/") else { return false };
        let mut parts = inner.splitn(if inner.starts_with('@') { 3 } else { 2 }, '/');
        let scoped = inner.starts_with('@');
        if scoped && (parts.next().is_none() || parts.next().is_none()) || !scoped && parts.next().is_none() {
            return false;
        }
        match parts.next() {
            None => return true,
            Some(deeper) => rest = deeper,
        }
    }
}

/// The package that a bundled package.json describes, if it describes one properly.
pub(super) fn read(bytes: &[u8]) -> Option<PackageId> {
    let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let name = PackageName::npm(json.get("name")?.as_str()?).ok()?;
    PackageId::new(Ecosystem::Npm, name, json.get("version")?.as_str()?).ok()
}

/// Adds what the tarballs carry to the closure.
pub(super) fn add(candidate: &mut Candidate, inspected: &[Inspected]) -> Result<(), CommandError> {
    let mut nodes: BTreeMap<NodeId, Node> = candidate.closure.nodes().clone();
    let mut changed = false;
    for item in inspected {
        let parent = item.artifact.package();
        if !candidate.packages.get(parent).is_some_and(Package::is_portable) {
            continue;
        }
        for path in &item.nameless {
            let message = format!("carries `{path}`, which does not say what package it is");
            candidate.findings.push(Finding::new(Rule::ClosureIncomplete, parent.to_string(), message));
        }
        for inner in &item.bundled {
            let target = NodeId::of(inner.clone());
            let edge = Edge { name: inner.name().as_str().into(), to: target.clone(), optional: false, marker: None };
            for (_, node) in nodes.iter_mut().filter(|(id, _)| id.package() == parent) {
                node.edges.push(edge.clone());
            }
            // One that the registry provides as well is pinned already; the copy inside is covered by its parent.
            candidate
                .packages
                .entry(inner.clone())
                .or_insert_with(|| Package { bundled_in: Some(parent.clone()), ..Package::bare(inner.clone()) });
            nodes.entry(target).or_default();
            changed = true;
        }
    }
    if changed {
        let root = candidate.closure.root().clone();
        candidate.closure = Closure::new(root, nodes).map_err(CommandError::bug)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_bundled_packages_are_recognised() {
        for path in [
            "node_modules/a/package.json",
            "node_modules/@s/a/package.json",
            "node_modules/a/node_modules/b/package.json",
            "node_modules/@s/a/node_modules/@t/b/package.json",
        ] {
            assert!(is_manifest(path), "{path}");
        }
        for path in [
            "package.json",
            "lib/package.json",
            "node_modules/a/lib/package.json",
            "node_modules/package.json",
            "node_modules/@s/package.json",
            "x/node_modules/a/package.json",
        ] {
            assert!(!is_manifest(path), "{path}");
        }
    }
}
