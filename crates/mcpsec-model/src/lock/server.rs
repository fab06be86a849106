//! One server as the lock holds it.
use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{ServerError, id};
use crate::{
    candidate::EntryPoint,
    closure::{Closure, Node, NodeId},
    digest::ClosureId,
    finding::{Finding, Rule},
    name::ServerName,
    package::{Package, PackageId},
    spec::Spec,
    target::Target,
    text::Untrusted,
    time::AsOf,
};

/// A locked server: what was asked for, what it became, and what is known to be missing. Made by [`LockedServer::new`] only,
/// so that its id always fits its closure.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LockedServer {
    /// Its name in mcp.toml.
    pub name: ServerName,
    /// The spec it was resolved from, in canonical form and without credentials.
    pub spec: Spec,
    /// The exact version of its root; for git what people call it (a tag), else the commit.
    pub version: String,
    /// The program that mcp.toml asks for, where a package has several.
    pub command: Option<SmolStr>,
    /// How it is started.
    pub entry: EntryPoint,
    /// The date it was resolved as of, if one was asked for.
    pub as_of: Option<AsOf>,
    /// npm: version requirements that mcp.toml puts in place of what packages ask for.
    pub overrides: BTreeMap<String, String>,
    /// Everything it was locked for, sorted.
    pub targets: Vec<Target>,
    /// Its dependency graph. A node's targets are `None` when it is on all of them.
    pub closure: Closure,
    /// The hash over the closure and all that its packages pin.
    pub closure_id: ClosureId,
    /// What makes the closure less than whole, sorted; only findings that [`persists`] keeps.
    pub findings: Vec<Finding>,
}

/// The parts of a [`LockedServer`], as its fields of the same names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerParts {
    /// See [`LockedServer::name`].
    pub name: ServerName,
    /// See [`LockedServer::spec`]; credentials are dropped.
    pub spec: Spec,
    /// See [`LockedServer::version`].
    pub version: String,
    /// See [`LockedServer::command`].
    pub command: Option<SmolStr>,
    /// See [`LockedServer::entry`].
    pub entry: EntryPoint,
    /// See [`LockedServer::as_of`].
    pub as_of: Option<AsOf>,
    /// See [`LockedServer::overrides`].
    pub overrides: BTreeMap<String, String>,
    /// See [`LockedServer::targets`]; any order.
    pub targets: Vec<Target>,
    /// See [`LockedServer::closure`].
    pub closure: Closure,
    /// See [`LockedServer::findings`]; any order, any rules.
    pub findings: Vec<Finding>,
}

/// Whether findings of a rule are kept in the lock: those that say the closure itself is not whole. All others are found
/// again from artifacts and registries.
pub fn persists(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::ClosureIncomplete | Rule::UnsupportedDependency | Rule::UnresolvableTarget | Rule::NoArtifactForTarget
    )
}

impl LockedServer {
    /// Brings the parts into the form that the lock writes, checks that they can be read back as themselves, and computes
    /// the closure id from `packages`, which must have all packages of the closure (others are ignored).
    pub fn new(parts: ServerParts, packages: &BTreeMap<PackageId, Package>) -> Result<Self, ServerError> {
        let ServerParts { name, spec, version, command, entry, as_of, overrides, targets, closure, findings } = parts;
        let unwritable =
            |what: String| ServerError::Unwritable { server: name.clone(), what: Untrusted::new(what).excerpt(160) };
        let shown = spec.to_string();
        let spec: Spec = shown.parse().map_err(|_| unwritable(format!("the spec `{shown}`")))?;
        if spec.to_string() != shown {
            return Err(unwritable(format!("the spec `{shown}`")));
        }
        if let Some(id) = closure.nodes().keys().find(|id| NodeId::parse(&id.to_string()).as_ref() != Ok(*id)) {
            return Err(unwritable(format!("the node `{id}`")));
        }
        let targets: BTreeSet<Target> = targets.into_iter().collect();
        let with_python = targets.iter().filter(|target| target.python.is_some()).count();
        if targets.is_empty() || (with_python != 0 && with_python != targets.len()) {
            return Err(ServerError::Targets { server: name });
        }
        let closure = with_plain_targets(&name, closure, &targets)?;
        if let Some(id) = closure.packages().into_iter().find(|id| !packages.contains_key(*id)) {
            return Err(ServerError::MissingPackage { server: name, package: Box::new(id.clone()) });
        }
        let mut findings: Vec<Finding> = findings.into_iter().filter(|finding| persists(finding.rule)).collect();
        findings.sort();
        findings.dedup();
        let targets: Vec<Target> = targets.into_iter().collect();
        let closure_id = id::closure_id(&closure, &targets, |id| packages.get(id).map(id::package_hash));
        Ok(Self { name, spec, version, command, entry, as_of, overrides, targets, closure, closure_id, findings })
    }

    /// Computes the id again after packages of the closure gained pins.
    pub(super) fn renew_closure_id(&mut self, packages: &BTreeMap<PackageId, Package>) {
        self.closure_id = id::closure_id(&self.closure, &self.targets, |id| packages.get(id).map(id::package_hash));
    }
}

/// The same graph, with "on every target" written in the one way it has.
fn with_plain_targets(
    server: &ServerName,
    closure: Closure,
    targets: &BTreeSet<Target>,
) -> Result<Closure, ServerError> {
    for (id, node) in closure.nodes() {
        if let Some(target) = node.targets.iter().flatten().find(|target| !targets.contains(target)) {
            let (node, target) = (Box::new(id.clone()), target.to_string());
            return Err(ServerError::ForeignTarget { server: server.clone(), node, target });
        }
    }
    if !closure.nodes().values().any(|node| node.targets.as_ref() == Some(targets)) {
        return Ok(closure);
    }
    let plain = |node: &Node| Node {
        edges: node.edges.clone(),
        targets: node.targets.clone().filter(|subset| subset != targets),
    };
    let nodes = closure.nodes().iter().map(|(id, node)| (id.clone(), plain(node))).collect();
    // The graph is the same, so it is still a closure.
    Ok(Closure::new(closure.root().clone(), nodes).unwrap_or(closure))
}
