//! The closure: a server's dependency graph, every node of which is an exact package.
//!
//! npm can need one package several times with different peers, so a node is a package plus an optional peer suffix:
//! `npm:foo@1.0.0` or `npm:foo@1.0.0(zod@4.0.0)`. Python and git nodes have no suffix.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use smol_str::SmolStr;

use crate::{package::PackageId, target::Target, text::Untrusted};

/// A node of the graph.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    package: PackageId,
    peers: SmolStr,
}

impl NodeId {
    /// The node of a package that exists once.
    pub fn of(package: PackageId) -> Self {
        Self { package, peers: SmolStr::default() }
    }

    /// The node of a package resolved with these peers: printable text without spaces or parentheses around it, such as
    /// `zod@4.0.0_react@19.0.0`. Empty means none. Refused (`None`) when it has characters that the lock cannot hold.
    pub fn with_peers(package: PackageId, peers: &str) -> Option<Self> {
        let ok = peers.len() <= 2048 && peers.bytes().all(|b| b.is_ascii_graphic() && !b"()\"'\\;,=?".contains(&b));
        ok.then(|| Self { package, peers: peers.into() })
    }

    /// The package at this node.
    pub fn package(&self) -> &PackageId {
        &self.package
    }

    /// The peer suffix without parentheses; empty for most nodes.
    pub fn peers(&self) -> &str {
        &self.peers
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, crate::package::PackageIdError> {
        let form = || crate::package::PackageIdError::Form(Untrusted::new(text).excerpt(120));
        match text.strip_suffix(')') {
            Some(rest) => {
                // From the right: npm names may hold parentheses, peers may not.
                let (package, peers) = rest.rsplit_once('(').ok_or_else(form)?;
                if peers.is_empty() {
                    return Err(form());
                }
                Self::with_peers(package.parse()?, peers).ok_or_else(form)
            }
            None => Ok(Self::of(text.parse()?)),
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peers.is_empty() {
            write!(f, "{}", self.package)
        } else {
            write!(f, "{}({})", self.package, self.peers)
        }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One dependency.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Edge {
    /// The name by which the dependent asks for it: an npm alias, or the package's own name.
    pub name: SmolStr,
    /// What it resolved to.
    pub to: NodeId,
    /// npm: listed under `optionalDependencies`, so its absence is not an error.
    pub optional: bool,
    /// Python: the environment marker of the requirement, in its normal text, if any.
    pub marker: Option<String>,
}

/// A node's place in the graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// Its dependencies, sorted.
    pub edges: Vec<Edge>,
    /// The targets on which it is part of the closure. `None` means all that the lock covers.
    pub targets: Option<BTreeSet<Target>>,
}

/// The graph of one server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closure {
    root: NodeId,
    nodes: BTreeMap<NodeId, Node>,
}

/// Why nodes do not make a closure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClosureError {
    /// The root is not among the nodes.
    #[error("the closure has no node for its root {0}")]
    NoRoot(NodeId),
    /// An edge leads nowhere.
    #[error("{from} depends on {to}, which the closure does not have")]
    Dangling {
        /// The dependent.
        from: Box<NodeId>,
        /// The missing node.
        to: Box<NodeId>,
    },
    /// A node that nothing leads to.
    #[error("nothing in the closure depends on {0}")]
    Unreachable(NodeId),
}

impl Closure {
    /// Checks that every edge leads to a node and every node is reached from the root; sorts the edges.
    pub fn new(root: NodeId, mut nodes: BTreeMap<NodeId, Node>) -> Result<Self, ClosureError> {
        if !nodes.contains_key(&root) {
            return Err(ClosureError::NoRoot(root));
        }
        for node in nodes.values_mut() {
            node.edges.sort();
            node.edges.dedup();
        }
        let mut reached = BTreeSet::new();
        let mut open = vec![&root];
        while let Some(id) = open.pop() {
            if !reached.insert(id) {
                continue;
            }
            for edge in &nodes[id].edges {
                if !nodes.contains_key(&edge.to) {
                    return Err(ClosureError::Dangling { from: Box::new(id.clone()), to: Box::new(edge.to.clone()) });
                }
                open.push(&edge.to);
            }
        }
        if let Some(id) = nodes.keys().find(|id| !reached.contains(id)) {
            return Err(ClosureError::Unreachable(id.clone()));
        }
        Ok(Self { root, nodes })
    }

    /// The server itself.
    pub fn root(&self) -> &NodeId {
        &self.root
    }

    /// All nodes, sorted.
    pub fn nodes(&self) -> &BTreeMap<NodeId, Node> {
        &self.nodes
    }

    /// All packages, sorted, each once.
    pub fn packages(&self) -> BTreeSet<&PackageId> {
        self.nodes.keys().map(NodeId::package).collect()
    }

    /// The shortest path of packages from the root to a package, both included; for messages.
    pub fn path_to(&self, package: &PackageId) -> Option<Vec<&PackageId>> {
        let mut from: BTreeMap<&NodeId, Option<&NodeId>> = BTreeMap::from([(&self.root, None)]);
        let mut queue = std::collections::VecDeque::from([&self.root]);
        while let Some(id) = queue.pop_front() {
            if id.package() == package {
                let mut path = vec![id.package()];
                let mut at = id;
                while let Some(Some(parent)) = from.get(at) {
                    path.push(parent.package());
                    at = parent;
                }
                path.reverse();
                return Some(path);
            }
            for edge in &self.nodes[id].edges {
                if !from.contains_key(&edge.to) {
                    from.insert(&edge.to, Some(id));
                    queue.push_back(&edge.to);
                }
            }
        }
        None
    }

    /// Packages that every way from the root reaches only over optional edges.
    pub fn optional_packages(&self) -> BTreeSet<&PackageId> {
        let mut required = BTreeSet::new();
        let mut open = vec![&self.root];
        while let Some(id) = open.pop() {
            if required.insert(id) {
                open.extend(self.nodes[id].edges.iter().filter(|edge| !edge.optional).map(|edge| &edge.to));
            }
        }
        let required: BTreeSet<&PackageId> = required.into_iter().map(NodeId::package).collect();
        self.packages().into_iter().filter(|package| !required.contains(package)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> NodeId {
        NodeId::parse(text).expect("node id")
    }

    fn edge(to: &str, optional: bool) -> Edge {
        Edge { name: "x".into(), to: node(to), optional, marker: None }
    }

    fn graph(edges: &[(&str, &[(&str, bool)])]) -> Result<Closure, ClosureError> {
        let nodes = edges
            .iter()
            .map(|(from, to)| {
                let edges = to.iter().map(|(to, optional)| edge(to, *optional)).collect();
                (node(from), Node { edges, targets: None })
            })
            .collect();
        Closure::new(node(edges[0].0), nodes)
    }

    #[test]
    fn node_ids_round_trip() {
        for text in ["npm:a@1.0.0", "npm:@s/a@1.0.0(zod@4.0.0_react@19.0.0)", "npm:a(b)@1.0.0(zod@4.0.0)"] {
            assert_eq!(node(text).to_string(), text);
        }
        for text in ["npm:a@1.0.0()", "npm:a@1.0.0(x", "npm:a@1.0.0(x y)", "npm:a@1.0.0(x\")"] {
            assert!(NodeId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn holes_and_orphans_are_refused() {
        assert!(matches!(graph(&[("npm:a@1", &[("npm:b@1", false)])]), Err(ClosureError::Dangling { .. })));
        assert!(matches!(graph(&[("npm:a@1", &[]), ("npm:b@1", &[])]), Err(ClosureError::Unreachable(_))));
    }

    #[test]
    fn paths_and_optional_parts() {
        let closure = graph(&[
            ("npm:a@1", &[("npm:b@1", false), ("npm:c@1", true)]),
            ("npm:b@1", &[]),
            ("npm:c@1", &[("npm:d@1", false), ("npm:b@1", false)]),
            ("npm:d@1", &[("npm:a@1", false)]),
        ])
        .expect("closure");
        let shown: Vec<String> =
            closure.path_to(&"npm:d@1".parse().expect("id")).expect("path").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["npm:a@1", "npm:c@1", "npm:d@1"]);
        let optional: Vec<String> = closure.optional_packages().iter().map(ToString::to_string).collect();
        assert_eq!(optional, ["npm:c@1", "npm:d@1"]);
    }
}
