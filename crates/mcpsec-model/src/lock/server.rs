//! One server as the lock holds it.
use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{ServerError, id, plain, told};
use crate::{
    candidate::EntryPoint,
    capture::{Accepted, Told},
    closure::{Closure, Node, NodeId},
    digest::ClosureId,
    finding::{Finding, Rule},
    name::ServerName,
    package::{Package, PackageId},
    spec::Spec,
    target::Target,
    text::{Untrusted, escape},
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
    /// What it tells the model, as far as a lock keeps it; see [`LockedServer::with_told`].
    pub told: Told,
    /// What a person accepted of it, sorted.
    pub accepted: Vec<Accepted>,
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
    /// See [`LockedServer::findings`]; any order, any rules; hidden characters of subject and message become escaped.
    pub findings: Vec<Finding>,
    /// See [`LockedServer::told`].
    pub told: Told,
    /// See [`LockedServer::accepted`]; any order; hidden characters of subject and reason become escaped.
    pub accepted: Vec<Accepted>,
}

/// Whether findings of a rule are kept in the lock: those that say the closure itself is not whole, and that a version had less
/// evidence than earlier ones, which a reviewer should see. All others are found again from artifacts and registries.
pub fn persists(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::ClosureIncomplete
            | Rule::UnsupportedDependency
            | Rule::UnresolvableTarget
            | Rule::NoArtifactForTarget
            | Rule::TrustDowngrade
    )
}

impl LockedServer {
    /// Brings the parts into the form that the lock writes, checks that they can be read back as themselves, and computes
    /// the closure id from `packages`, which must have all packages of the closure (others are ignored).
    pub fn new(parts: ServerParts, packages: &BTreeMap<PackageId, Package>) -> Result<Self, ServerError> {
        if let Some(what) = unwritable_part(&parts) {
            return Err(ServerError::Unwritable { server: parts.name, what: Untrusted::new(what).excerpt(160) });
        }
        let ServerParts {
            name,
            spec,
            version,
            command,
            entry,
            as_of,
            overrides,
            targets,
            closure,
            findings,
            told,
            accepted,
        } = parts;
        let spec = without_credentials(&spec).unwrap_or(spec);
        let targets: BTreeSet<Target> = targets.into_iter().collect();
        let with_python = targets.iter().filter(|target| target.python.is_some()).count();
        if targets.is_empty() || (with_python != 0 && with_python != targets.len()) {
            return Err(ServerError::Targets { server: name });
        }
        let closure = with_plain_targets(&name, closure, &targets)?;
        if let Some(id) = closure.packages().into_iter().find(|id| !packages.contains_key(*id)) {
            return Err(ServerError::MissingPackage { server: name, package: Box::new(id.clone()) });
        }
        let kept = findings.into_iter().filter(|finding| persists(finding.rule));
        let mut findings: Vec<Finding> = kept.map(printable).collect();
        findings.sort();
        findings.dedup();
        let targets: Vec<Target> = targets.into_iter().collect();
        let closure_id = id::closure_id(&closure, &targets, |id| packages.get(id).map(id::package_hash));
        let server = Self {
            name,
            spec,
            version,
            command,
            entry,
            as_of,
            overrides,
            targets,
            closure,
            closure_id,
            findings,
            told: Told::Unknown,
            accepted: Vec::new(),
        };
        server.with_told(told, accepted)
    }

    /// The same server with what it tells the model, and with what a person accepted of that, in place of what it had. The
    /// closure id does not depend on them.
    ///
    /// A lock keeps what is the same on every machine: of what the server tried, files outside its home, the folders of
    /// programs, and how often a call was refused are dropped. Differences and acceptances are sorted, and hidden characters
    /// of reasons and subjects become escaped. The manifest is kept word for word.
    ///
    /// # Errors
    /// What would not be read back as itself, and what is longer than [`super::MAX_TOLD`].
    pub fn with_told(self, told: Told, accepted: Vec<Accepted>) -> Result<Self, ServerError> {
        let (told, accepted) = (told::kept(told), told::kept_accepted(accepted));
        told::check(&self.name, &told, &accepted)?;
        Ok(Self { told, accepted, ..self })
    }

    /// Computes the id again after packages of the closure gained pins.
    pub(super) fn renew_closure_id(&mut self, packages: &BTreeMap<PackageId, Package>) {
        self.closure_id = id::closure_id(&self.closure, &self.targets, |id| packages.get(id).map(id::package_hash));
    }
}

/// The spec as its text means it, if that is a spec and has the same text again.
fn without_credentials(spec: &Spec) -> Option<Spec> {
    let shown = spec.to_string();
    shown.parse::<Spec>().ok().filter(|again| again.to_string() == shown)
}

/// The first part that would not be read back as itself.
fn unwritable_part(parts: &ServerParts) -> Option<String> {
    if without_credentials(&parts.spec).is_none() {
        return Some(format!("the spec `{}`", parts.spec));
    }
    let nodes = parts.closure.nodes();
    if let Some(id) = nodes.keys().find(|id| NodeId::parse(&id.to_string()).as_ref() != Ok(*id)) {
        return Some(format!("the node `{id}`"));
    }
    if let EntryPoint::NpmBin(program) | EntryPoint::PythonScript(program) = &parts.entry
        && !plain::is_file_name(program)
    {
        return Some(format!("the program `{program}`"));
    }
    let edges = nodes.values().flat_map(|node| &node.edges);
    let words = [parts.version.as_str()].into_iter().chain(parts.command.as_deref());
    let words = words.chain(parts.overrides.iter().flat_map(|(name, requirement)| [name.as_str(), requirement]));
    let mut words = words.chain(edges.flat_map(|edge| [edge.name.as_str()].into_iter().chain(edge.marker.as_deref())));
    words.find(|word| !plain::is_visible(word)).map(|word| format!("the text `{word}`"))
}

/// A finding with what the lock keeps of it. Subject and message are printed as they are, so nothing in them may be hidden.
fn printable(finding: Finding) -> Finding {
    let visible = |text: String| if plain::is_visible(&text) { text } else { escape(&text) };
    let kept = Finding::new(finding.rule, visible(finding.subject), visible(finding.message));
    Finding { evidence: finding.evidence, ..kept }
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
