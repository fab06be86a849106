//! The closure as a tree: why each package is there. A package's dependencies are listed once; later mentions end in `(*)`.
use std::collections::BTreeSet;

use mcpsec_model::{
    closure::{Closure, Edge, NodeId},
    lock::{Lock, LockedServer},
    text::escape,
};

use crate::{evidence::mark, style::Style};

/// Deeper levels are left out: a line's indentation grows with its level, and no real closure is this deep.
const MAX_LEVELS: usize = 60;

/// The dependency tree of a locked server, ending in a newline.
///
/// With `evidence`, each package carries a mark of who vouches for it.
pub fn tree(lock: &Lock, server: &LockedServer, evidence: bool, style: Style) -> String {
    let root = server.closure.root();
    let mut out = format!("{}  {}\n", style.bold(escape(server.name.as_str())), label(lock, root, evidence));
    let mut open = Vec::new();
    let mut expanded = BTreeSet::from([root]);
    push(&mut open, &server.closure, root, "");
    let (mut repeated, mut deep) = (false, false);
    while let Some(Line { edge, prefix, last }) = open.pop() {
        let node = &edge.to;
        let children = server.closure.nodes().get(node).is_some_and(|node| !node.edges.is_empty());
        let again = children && !expanded.insert(node);
        let branch = if last { "└── " } else { "├── " };
        out.push_str(&style.dim(format!("{prefix}{branch}")));
        out.push_str(&label(lock, node, evidence));
        out.push_str(&style.dim(notes(lock, edge, again)));
        out.push('\n');
        repeated |= again;
        if !children || again {
            continue;
        }
        let below = format!("{prefix}{}", if last { "    " } else { "│   " });
        if below.chars().count() / 4 < MAX_LEVELS {
            push(&mut open, &server.closure, node, &below);
        } else {
            deep = true;
        }
    }
    if repeated {
        out.push_str(&style.dim("(*) its dependencies are listed above"));
        out.push('\n');
    }
    if deep {
        out.push_str(&format!("levels below {MAX_LEVELS} are left out; --format json has all packages\n"));
    }
    crate::inert::inert(&out).into_owned()
}

/// One line that is still to be written.
struct Line<'a> {
    edge: &'a Edge,
    prefix: String,
    last: bool,
}

fn push<'a>(open: &mut Vec<Line<'a>>, closure: &'a Closure, node: &NodeId, prefix: &str) {
    let Some(node) = closure.nodes().get(node) else { return };
    // Python lists one package once for each marker; the tree names it once.
    let mut edges: Vec<&Edge> = node.edges.iter().collect();
    edges.dedup_by(|a, b| a.to == b.to && a.name == b.name);
    let last = edges.len().saturating_sub(1);
    let lines = edges.into_iter().enumerate().rev();
    open.extend(lines.map(|(i, edge)| Line { edge, prefix: prefix.to_owned(), last: i == last }));
}

fn label(lock: &Lock, node: &NodeId, evidence: bool) -> String {
    let mark = lock.packages.get(node.package()).filter(|_| evidence).map(mark).unwrap_or_default();
    let scripts = lock.packages.get(node.package()).is_some_and(|package| package.install_scripts);
    format!("{}{}{mark}", escape(&node.to_string()), if scripts { "  [install script]" } else { "" })
}

fn notes(lock: &Lock, edge: &Edge, again: bool) -> String {
    let package = edge.to.package();
    let mut notes = String::new();
    if edge.name != package.name().as_str() && edge.name != package.name().as_written() {
        notes.push_str(&format!("  as {}", escape(&edge.name)));
    }
    if edge.optional {
        notes.push_str("  optional");
    }
    if lock.packages.get(package).is_some_and(|package| package.bundled_in.is_some()) {
        notes.push_str("  bundled");
    }
    if let Some(marker) = &edge.marker {
        notes.push_str(&format!("  ; {}", escape(marker)));
    }
    if again {
        notes.push_str("  (*)");
    }
    notes
}
