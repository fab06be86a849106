//! Does the locked graph follow from what the registry's record says about a package?
//!
//! Seals of mcp.lock are no signatures: somebody can change an edge and seal it again, and every digest still fits. So each
//! npm package's edges, platforms and default command are held to the record that `verify` asks for anyway.
use mcpsec_model::{
    candidate::EntryPoint,
    lock::LockedServer,
    package::{Package, PackageId},
    upstream::Shape,
};
use smol_str::SmolStr;

/// The first thing in the lock that the record contradicts, in words; `lock_packages` gives the lock's entry of a package.
pub(super) fn contradiction<'l>(
    package: &Package,
    shape: &Shape,
    servers: &[&LockedServer],
    lock_package: impl Fn(&PackageId) -> Option<&'l Package>,
) -> Option<String> {
    let listed = |words: &[SmolStr]| if words.is_empty() { "all".to_owned() } else { words.join(", ") };
    for (what, locked, said) in
        [("os", &package.os, &shape.os), ("cpu", &package.cpu, &shape.cpu), ("libc", &package.libc, &shape.libc)]
    {
        if locked != said {
            return Some(format!("mcp.lock has {what} {}, the registry's record {}", listed(locked), listed(said)));
        }
    }
    for server in servers {
        for (_, node) in server.closure.nodes().iter().filter(|(id, _)| *id.package() == package.id) {
            if let Some(missing) = shape.required.iter().find(|name| !node.edges.iter().any(|edge| edge.name == **name))
            {
                return Some(format!("mcp.lock leaves out its dependency {missing}"));
            }
            for edge in &node.edges {
                let to = edge.to.package();
                let bundled = lock_package(to).is_some_and(|entry| entry.bundled_in.is_some());
                let Some(named) = shape.known.get(&edge.name) else {
                    // What lies in the tarball is not in the record; its bytes are the tarball's.
                    if bundled {
                        continue;
                    }
                    return Some(format!(
                        "mcp.lock gives it the dependency {to}, which the registry's record does not have"
                    ));
                };
                if bundled && shape.required.contains(&edge.name) {
                    return Some(format!("mcp.lock calls {to} bundled, the registry's record does not"));
                }
                // An override may put another package in the place of the one that is named.
                if to.name().as_str() != named.as_str() && server.overrides.is_empty() {
                    return Some(format!("mcp.lock resolves its dependency {} to {to}", edge.name));
                }
            }
        }
        if let Some(words) = wrong_default(package, shape, server) {
            return Some(words);
        }
    }
    None
}

/// The command of a server whose mcp.toml names none: the only one, or the one of the package's own name.
fn wrong_default(package: &Package, shape: &Shape, server: &LockedServer) -> Option<String> {
    let EntryPoint::NpmBin(held) = &server.entry else { return None };
    if *server.closure.root().package() != package.id
        || server.command.is_some()
        || shape.commands.contains(held) && is_default(held, package, shape)
    {
        return None;
    }
    Some(format!("mcp.lock starts {held}, which is not the package's default command"))
}

fn is_default(held: &SmolStr, package: &Package, shape: &Shape) -> bool {
    shape.commands.len() == 1 || held == package.id.name().base()
}
