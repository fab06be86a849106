//! The part of a closure that one machine installs.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mcpsec_model::{
    closure::{Closure, Edge, NodeId},
    name::Ecosystem,
    package::{Package, PackageId},
    target::{Platform, Target},
};
use smol_str::SmolStr;

use super::error::InstallError;

/// The nodes that are installed on a target, in the order in which they are reached from the root, each with its edges to
/// other such nodes.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub(super) order: Vec<&'a NodeId>,
    pub(super) edges: BTreeMap<&'a NodeId, Vec<&'a Edge>>,
}

impl<'a> Selection<'a> {
    pub(super) fn of(
        closure: &'a Closure,
        packages: &'a BTreeMap<PackageId, Package>,
        target: &Target,
    ) -> Result<Self, InstallError> {
        let mut edges: BTreeMap<&NodeId, Vec<&Edge>> = BTreeMap::new();
        let mut order = Vec::new();
        let mut queue = VecDeque::from([closure.root()]);
        let mut reached = BTreeSet::from([closure.root()]);
        while let Some(id) = queue.pop_front() {
            order.push(id);
            let mut own = Vec::new();
            for edge in closure.nodes().get(id).into_iter().flat_map(|node| &node.edges) {
                let node = closure.nodes().get(&edge.to);
                if node.is_none_or(|node| node.targets.as_ref().is_some_and(|targets| !targets.contains(target))) {
                    continue;
                }
                match packages.get(edge.to.package()) {
                    Some(package) if !supports(package, target.platform) => {
                        if edge.optional {
                            continue;
                        }
                        return Err(InstallError::Platform {
                            package: Box::new(package.id.clone()),
                            platform: target.platform.to_string(),
                            names: names(package),
                        });
                    }
                    _ => {}
                }
                own.push(edge);
                if reached.insert(&edge.to) {
                    queue.push_back(&edge.to);
                }
            }
            edges.insert(id, own);
        }
        Ok(Self { order, edges })
    }

    pub(super) fn edges_of(&self, id: &NodeId) -> impl Iterator<Item = &'a Edge> {
        self.edges.get(id).into_iter().flatten().copied()
    }
}

fn names(package: &Package) -> String {
    let fields = [("os", &package.os), ("cpu", &package.cpu), ("libc", &package.libc)];
    let named = fields.iter().filter(|(_, words)| !words.is_empty());
    let text: Vec<String> = named
        .map(|(field, words)| format!("{field} {}", words.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(",")))
        .collect();
    super::error::shown(&text.join("; "))
}

/// npm's `os`, `cpu` and `libc`: `!word` excludes; if any plain word is listed, one of them must be this machine's.
fn supports(package: &Package, platform: Platform) -> bool {
    if package.id.ecosystem() != Ecosystem::Npm {
        return true;
    }
    let allows = |words: &[SmolStr], this: &str| {
        let excluded = words.iter().any(|word| word.strip_prefix('!') == Some(this));
        let mut plain = words.iter().filter(|word| !word.starts_with('!')).peekable();
        !excluded && (plain.peek().is_none() || plain.any(|word| word == this))
    };
    let libc = match platform.npm_libc() {
        None => package.libc.is_empty(),
        Some(libc) => allows(&package.libc, libc),
    };
    allows(&package.os, platform.npm_os()) && allows(&package.cpu, platform.npm_cpu()) && libc
}
