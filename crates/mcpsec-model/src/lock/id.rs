//! What a closure id is the hash of. The text is described in docs/lock-format.md; changing it changes every id.
use std::fmt::Write as _;

use super::write::quoted;
use crate::{
    closure::Closure,
    digest::{ClosureId, Digest},
    package::{Package, PackageId},
    target::Target,
};

/// The id of a closure: SHA-256 over its root, targets, nodes, edges, and the hash of each package.
pub(super) fn closure_id(
    closure: &Closure,
    targets: &[Target],
    hash_of: impl Fn(&PackageId) -> Option<Digest>,
) -> ClosureId {
    ClosureId::of(closure_text(closure, targets, hash_of).as_bytes())
}

/// The text that is hashed.
pub(super) fn closure_text(
    closure: &Closure,
    targets: &[Target],
    hash_of: impl Fn(&PackageId) -> Option<Digest>,
) -> String {
    let mut text = String::with_capacity(256 * closure.nodes().len() + 256);
    // Writing to a String cannot fail, here and below.
    let _infallible = writeln!(text, "mcpsec closure 1\nroot {}", id_text(closure.root()));
    for target in targets {
        let _infallible = writeln!(text, "target {target}");
    }
    for (id, node) in closure.nodes() {
        let _infallible = write!(text, "node {}", id_text(id));
        for target in node.targets.iter().flatten() {
            let _infallible = write!(text, " {target}");
        }
        text.push_str(if node.targets.is_some() { " only\n" } else { "\n" });
        for edge in &node.edges {
            let _infallible = write!(text, "edge {} {}", quoted(&edge.name), id_text(&edge.to));
            text.push_str(if edge.optional { " optional" } else { "" });
            if let Some(marker) = &edge.marker {
                let _infallible = write!(text, " {}", quoted(marker));
            }
            text.push('\n');
        }
    }
    for id in closure.packages() {
        match hash_of(id) {
            Some(hash) => {
                let _infallible = writeln!(text, "package {} {hash}", id_text(id));
            }
            // Reached only for a lock that is refused for the missing entry.
            None => {
                let _infallible = writeln!(text, "package {} missing", id_text(id));
            }
        }
    }
    text
}

/// Ids are quoted too: the folder of a git source may have spaces.
fn id_text(id: &impl std::fmt::Display) -> String {
    quoted(&id.to_string())
}

/// SHA-256 over what decides which bytes of a package are used, and where. Sizes and the git reference are left out: they
/// follow from the digests and the commit, or may become known later.
pub(crate) fn package_hash(package: &Package) -> Digest {
    Digest::sha256_of(package_text(package).as_bytes())
}

/// The text that is hashed.
pub(super) fn package_text(package: &Package) -> String {
    // Ids must not depend on the order in which a source lists files.
    let package = package.clone().normalized();
    let mut text = String::with_capacity(512);
    let _infallible = writeln!(text, "mcpsec package 1\nid {}", id_text(&package.id));
    for (key, list) in [("os", &package.os), ("cpu", &package.cpu), ("libc", &package.libc)] {
        for value in list {
            let _infallible = writeln!(text, "{key} {}", quoted(value));
        }
    }
    if let Some(requirement) = &package.requires_python {
        let _infallible = writeln!(text, "requires-python {}", quoted(requirement));
    }
    if package.install_scripts {
        text.push_str("install-scripts\n");
    }
    if let Some(parent) = &package.bundled_in {
        let _infallible = writeln!(text, "bundled-in {}", id_text(parent));
    }
    if let Some(git) = &package.git {
        let _infallible = writeln!(text, "git-tree {}", quoted(&git.tree));
    }
    for artifact in &package.artifacts {
        let _infallible = write!(text, "{} {}", super::write::kind_word(artifact.kind), quoted(&artifact.file));
        for digest in artifact.digests.iter() {
            let _infallible = write!(text, " {digest}");
        }
        text.push('\n');
    }
    text
}
