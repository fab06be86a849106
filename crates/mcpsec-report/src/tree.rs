//! `show` and `tree`: what the lock holds for one server, for people and as `mcpsec.tree/v1`.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    candidate::EntryPoint,
    closure::NodeId,
    lock::{Lock, LockedServer},
    name::Ecosystem,
    package::{Package, PackageId},
    target::Target,
    text::escape,
};
use serde::Serialize;

use crate::Style;

#[derive(Serialize)]
struct TreeV1<'a> {
    schema: &'static str,
    server: ServerV1<'a>,
    packages: Vec<PackageV1<'a>>,
}

#[derive(Serialize)]
struct ServerV1<'a> {
    name: &'a str,
    spec: String,
    version: &'a str,
    closure: String,
    root: String,
    entry: Option<&'a str>,
    as_of: Option<String>,
    targets: Vec<String>,
}

#[derive(Serialize)]
struct PackageV1<'a> {
    purl: String,
    digests: Vec<String>,
    direct: bool,
    optional: bool,
    targets: Vec<String>,
    install_scripts: bool,
    files: Vec<FileV1<'a>>,
    dependencies: Vec<String>,
    evidence: Option<()>,
}

#[derive(Serialize)]
struct FileV1<'a> {
    file: &'a str,
    size: Option<u64>,
    digests: Vec<String>,
}

/// `mcpsec.tree/v1`: the packages of a server's closure, sorted.
pub fn tree_json(lock: &Lock, server: &LockedServer) -> String {
    let closure = &server.closure;
    let optional = closure.optional_packages();
    let direct: BTreeSet<&PackageId> =
        closure.nodes()[closure.root()].edges.iter().map(|edge| edge.to.package()).collect();
    let packages = closure.packages().into_iter().filter_map(|id| lock.packages.get(id)).map(|package| PackageV1 {
        purl: package.id.purl(),
        digests: package
            .artifacts
            .iter()
            .flat_map(|artifact| artifact.digests.iter())
            .map(|digest| digest.to_string())
            .collect(),
        direct: direct.contains(&package.id),
        optional: optional.contains(&package.id),
        targets: targets_of(server, &package.id).iter().map(ToString::to_string).collect(),
        install_scripts: package.install_scripts,
        files: package
            .artifacts
            .iter()
            .map(|artifact| FileV1 {
                file: &artifact.file,
                size: artifact.size,
                digests: artifact.digests.iter().map(|digest| digest.to_string()).collect(),
            })
            .collect(),
        dependencies: dependencies_of(server, &package.id).iter().map(|id| id.purl()).collect(),
        evidence: None,
    });
    let wire = TreeV1 {
        schema: "mcpsec.tree/v1",
        server: ServerV1 {
            name: server.name.as_str(),
            spec: server.spec.to_string(),
            version: &server.version,
            closure: server.closure_id.to_string(),
            root: closure.root().package().purl(),
            entry: entry_of(&server.entry),
            as_of: server.as_of.map(|as_of| as_of.to_string()),
            targets: server.targets.iter().map(ToString::to_string).collect(),
        },
        packages: packages.collect(),
    };
    // Strings and numbers always serialise.
    let mut text = serde_json::to_string_pretty(&wire).unwrap_or_default();
    text.push('\n');
    text
}

fn entry_of(entry: &EntryPoint) -> Option<&str> {
    match entry {
        EntryPoint::NpmBin(name) | EntryPoint::PythonScript(name) => Some(name),
        EntryPoint::Unknown => None,
    }
}

/// The targets on which a package is part of the closure: all of the server's, or those of its nodes.
fn targets_of(server: &LockedServer, package: &PackageId) -> BTreeSet<Target> {
    let mut targets = BTreeSet::new();
    for (id, node) in server.closure.nodes() {
        if id.package() == package {
            match &node.targets {
                Some(some) => targets.extend(some.iter().copied()),
                None => targets.extend(server.targets.iter().copied()),
            }
        }
    }
    targets
}

fn dependencies_of<'l>(server: &'l LockedServer, package: &PackageId) -> BTreeSet<&'l PackageId> {
    let nodes = server.closure.nodes().iter().filter(|(id, _)| id.package() == package);
    nodes.flat_map(|(_, node)| node.edges.iter().map(|edge| edge.to.package())).collect()
}

/// What is locked for a server.
pub fn show(lock: &Lock, server: &LockedServer, style: Style) -> String {
    let (bold, dim, warn) = (style.bold, style.dim, style.warn);
    let closure = &server.closure;
    let packages: Vec<&Package> = closure.packages().into_iter().filter_map(|id| lock.packages.get(id)).collect();
    let mut text = format!("{bold}{}{bold:#} {}\n", server.name, escape(&server.version));
    let mut row = |label: &str, value: &str| text.push_str(&format!("  {dim}{label:<14}{dim:#} {value}\n"));
    row("from", &server.spec.to_string());
    row("package", &closure.root().package().to_string());
    if let Some(as_of) = server.as_of {
        row("as of", &as_of.to_string());
    }
    row("starts with", entry_of(&server.entry).unwrap_or("not known before it is built"));
    row("closure", &format!("{} packages, {}", packages.len(), server.closure_id));
    let known: u64 = packages.iter().flat_map(|package| &package.artifacts).filter_map(|artifact| artifact.size).sum();
    let files = packages.iter().map(|package| package.artifacts.len()).sum::<usize>();
    row("pinned", &format!("{files} files, {known} bytes where sizes are known"));
    row("targets", &fold_targets(&server.targets));
    for package in packages.iter().filter(|package| package.id == *closure.root().package()) {
        if let Some(git) = &package.git {
            row("reference", git.reference.as_deref().unwrap_or("a commit by its id"));
            row("tree", &git.tree);
        }
        for artifact in &package.artifacts {
            for digest in artifact.digests.iter() {
                row(&artifact.file, &digest.to_string());
            }
        }
    }
    let scripts: Vec<String> =
        packages.iter().filter(|package| package.install_scripts).map(|package| package.id.to_string()).collect();
    if scripts.is_empty() {
        row("scripts", "no package runs one when it is installed");
    } else {
        row("scripts", &format!("{warn}{}{warn:#} (never run)", scripts.join(", ")));
    }
    let optional = closure.optional_packages();
    if !optional.is_empty() {
        row("optional", &format!("{} packages", optional.len()));
    }
    for finding in &server.findings {
        text.push_str(&format!(
            "  {warn}{}{warn:#}: {} ({})\n",
            finding.rule.id(),
            escape(&finding.message),
            escape(&finding.subject)
        ));
    }
    text.push_str(&format!("  {dim}mcpsec tree {} shows what leads to what{dim:#}\n", server.name));
    text
}

fn fold_targets(targets: &[Target]) -> String {
    let mut by_platform: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for target in targets {
        let pythons = by_platform.entry(target.platform.to_string()).or_default();
        pythons.extend(target.python.map(|python| python.to_string()));
    }
    let pythons: BTreeSet<Vec<String>> = by_platform.values().cloned().collect();
    let platforms: Vec<&str> = by_platform.keys().map(String::as_str).collect();
    match pythons.first() {
        Some(same) if pythons.len() == 1 && !same.is_empty() => {
            format!("{} with Python {}", platforms.join(", "), same.join(", "))
        }
        _ => platforms.join(", "),
    }
}

/// A server's closure as a tree. A package that was shown before is marked and not unfolded again.
pub fn tree(lock: &Lock, server: &LockedServer, style: Style) -> String {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    let mut lines = Lines { lock, server, style, text: &mut text, seen: &mut seen };
    lines.walk();
    text
}

struct Lines<'a> {
    lock: &'a Lock,
    server: &'a LockedServer,
    style: Style,
    text: &'a mut String,
    seen: &'a mut BTreeSet<NodeId>,
}

/// One line that waits to be printed.
struct Pending<'a> {
    node: &'a NodeId,
    alias: Option<&'a str>,
    optional: bool,
    marker: Option<&'a str>,
    lead: String,
    branch: &'static str,
    below: &'static str,
}

impl Lines<'_> {
    /// Without recursion: a hostile lock may be deep.
    fn walk(&mut self) {
        let server = self.server;
        let root = Pending {
            node: server.closure.root(),
            alias: None,
            optional: false,
            marker: None,
            lead: String::new(),
            branch: "",
            below: "",
        };
        let mut stack = vec![root];
        while let Some(item) = stack.pop() {
            let first_time = self.seen.insert(item.node.clone());
            self.line(&item, first_time);
            if !first_time {
                continue;
            }
            let edges = &server.closure.nodes()[item.node].edges;
            for (i, edge) in edges.iter().enumerate().rev() {
                let last = i + 1 == edges.len();
                let alias = (edge.name != edge.to.package().name().as_str()).then_some(edge.name.as_str());
                stack.push(Pending {
                    node: &edge.to,
                    alias,
                    optional: edge.optional,
                    marker: edge.marker.as_deref(),
                    lead: format!("{}{}", item.lead, item.below),
                    branch: if last { "└── " } else { "├── " },
                    below: if last { "    " } else { "│   " },
                });
            }
        }
    }

    fn line(&mut self, item: &Pending<'_>, first_time: bool) {
        let (dim, bold, warn) = (self.style.dim, self.style.bold, self.style.warn);
        let package = item.node.package();
        let shown = match package.ecosystem() {
            Ecosystem::Git => package.to_string(),
            _ => format!("{bold}{}{bold:#} {}", package.name(), package.version()),
        };
        self.text.push_str(&format!("{dim}{}{}{dim:#}{shown}", item.lead, item.branch));
        if let Some(alias) = item.alias {
            self.text.push_str(&format!(" {dim}as {}{dim:#}", escape(alias)));
        }
        if item.optional {
            self.text.push_str(&format!(" {dim}optional{dim:#}"));
        }
        if let Some(marker) = item.marker {
            self.text.push_str(&format!(" {dim}; {}{dim:#}", escape(marker)));
        }
        if self.lock.packages.get(package).is_some_and(|package| package.install_scripts) {
            self.text.push_str(&format!(" {warn}install script{warn:#}"));
        }
        if !first_time && !self.server.closure.nodes()[item.node].edges.is_empty() {
            self.text.push_str(&format!(" {dim}(above){dim:#}"));
        }
        self.text.push('\n');
    }
}
