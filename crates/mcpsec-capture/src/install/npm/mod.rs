//! `node_modules` from npm packages: every node in a folder of its own, its dependencies beside it as links.
//!
//! ```text
//! node_modules/.mcpsec/zod@4.0.0/node_modules/zod/…               files of the package, linked from the store
//! node_modules/.mcpsec/server@1.0.0/node_modules/server/…
//! node_modules/.mcpsec/server@1.0.0/node_modules/zod              -> ../../zod@4.0.0/node_modules/zod
//! node_modules/.mcpsec/node_modules/zod                           -> … for packages that import what they do not declare
//! node_modules/server                                             -> .mcpsec/server@1.0.0/node_modules/server
//! node_modules/.bin/server                                        -> ../server/cli.js
//! ```
//!
//! A package sees exactly the versions that were locked for it, peers included: one package with two sets of peers is two
//! nodes. What a tarball itself holds under `node_modules` (bundled packages) stays where it is and is found first, as with
//! npm.
pub(super) mod manifest;
pub(super) mod start;

use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    closure::NodeId,
    digest::Digest,
    name::PackageName,
    package::{Package, PackageId},
};

use self::manifest::Manifest;
use super::{
    Unpacked,
    draft::{Content, Draft, relative, resolve},
    error::{InstallError, shown},
    graph::Selection,
    source,
};

/// Where nodes are.
const NODES: &str = "node_modules/.mcpsec";

/// A drafted `node_modules`.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) draft: Draft,
    /// Folder of the root package.
    pub(super) root: String,
    pub(super) manifest: Manifest,
    /// Folder of every node, for install scripts; dependencies come after their dependents.
    pub(super) folders: Vec<(PackageId, String)>,
}

pub(super) fn draft(
    root: &NodeId,
    selection: &Selection<'_>,
    packages: &BTreeMap<PackageId, Package>,
    unpacked: &Unpacked,
) -> Result<Modules, InstallError> {
    let mut draft = Draft::default();
    let mut places: BTreeMap<&NodeId, Place> = BTreeMap::new();
    let mut root_manifest = None;
    for id in &selection.order {
        let package = id.package();
        if packages.get(package).is_some_and(|package| package.bundled_in.is_some()) {
            continue;
        }
        let files = source::files(package, packages, unpacked)?;
        let name = if *id == root {
            let manifest = Manifest::of(&files)?;
            let name = name_of_root(package, &manifest)?;
            root_manifest = Some(manifest);
            name
        } else {
            package.name().clone()
        };
        let place = Place::of(id, &name);
        files.put_into(&mut draft, &place.folder, &package.to_string())?;
        places.insert(id, place);
    }
    let (Some(manifest), Some(top)) = (root_manifest, places.get(root)) else {
        return Err(InstallError::metadata(root.package(), "package.json", "the root package is bundled in another"));
    };
    link_dependencies(&mut draft, selection, packages, &places)?;
    hoist(&mut draft, selection, &places)?;
    let name = format!("node_modules/{}", top.name);
    draft.put(&name, Content::Link { target: relative(&name, &top.folder) }, &root.package().to_string())?;
    for (bin, path) in &manifest.bins {
        let Some(file) = resolve(&top.folder, path).filter(|file| file.starts_with(&format!("{}/", top.folder))) else {
            return Err(escape(root.package(), bin, path));
        };
        if matches!(draft.get(&file), Some(Content::File { .. })) {
            draft.make_executable(&file);
            let link = format!("node_modules/.bin/{bin}");
            let target = relative(&link, &format!("{name}/{}", &file[top.folder.len() + 1..]));
            draft.put(&link, Content::Link { target }, &root.package().to_string())?;
        }
    }
    let folders = places.iter().map(|(id, place)| (id.package().clone(), place.folder.clone())).collect();
    Ok(Modules { root: top.folder.clone(), manifest, folders, draft })
}

pub(super) fn escape(package: &PackageId, name: &str, target: &str) -> InstallError {
    InstallError::Escape { package: Box::new(package.clone()), name: shown(name), target: shown(target) }
}

/// The folder of one node.
#[derive(Debug)]
struct Place {
    name: String,
    /// `node_modules/.mcpsec/<node>/node_modules/<name>`.
    folder: String,
    /// `node_modules/.mcpsec/<node>/node_modules`, where its dependencies are, too.
    beside: String,
}

impl Place {
    fn of(id: &NodeId, name: &PackageName) -> Self {
        let beside = format!("{NODES}/{}/node_modules", folder_name(id, name));
        Self { name: name.as_str().to_owned(), folder: format!("{beside}/{}", name.as_str()), beside }
    }
}

/// A folder name for a node: readable, different for different nodes, also where case does not count.
fn folder_name(id: &NodeId, name: &PackageName) -> String {
    let version: String = id.package().version().chars().take(40).collect();
    let readable = format!("{}@{version}", name.as_str().replace('/', "+"));
    let plain = readable.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"@.-_+".contains(&b));
    let whole = id.package().name().as_str() == name.as_str() && version.len() == id.package().version().len();
    // A name cannot hold `+`, so `@a/b` as `@a+b` stays its own.
    if plain && whole && id.peers().is_empty() && !name.as_str().contains('+') {
        return readable;
    }
    let hash = Digest::sha256_of(id.to_string().as_bytes()).to_hex();
    let safe: String =
        readable.chars().map(|c| if c.is_ascii_alphanumeric() || "@.-_+".contains(c) { c } else { '_' }).collect();
    format!("{safe}_{}", &hash[..20])
}

/// The name by which the root is installed. A git project's own, if it has a proper one.
fn name_of_root(package: &PackageId, manifest: &Manifest) -> Result<PackageName, InstallError> {
    if package.ecosystem() == mcpsec_model::name::Ecosystem::Npm {
        return Ok(package.name().clone());
    }
    match &manifest.name {
        Some(name) => {
            PackageName::npm(name).map_err(|error| InstallError::metadata(package, "package.json", error.to_string()))
        }
        None => PackageName::npm("server")
            .map_err(|error| InstallError::metadata(package, "package.json", error.to_string())),
    }
}

fn link_dependencies(
    draft: &mut Draft,
    selection: &Selection<'_>,
    packages: &BTreeMap<PackageId, Package>,
    places: &BTreeMap<&NodeId, Place>,
) -> Result<(), InstallError> {
    for id in &selection.order {
        // A bundled package looks for what it does not bring in the place of the package that brings it.
        let holders: Vec<&Place> = match packages.get(id.package()).and_then(|package| package.bundled_in.as_ref()) {
            None => places.get(*id).into_iter().collect(),
            Some(parent) => {
                places.iter().filter(|(node, _)| node.package() == parent).map(|(_, place)| place).collect()
            }
        };
        for edge in selection.edges_of(id) {
            let Some(target) = places.get(&edge.to) else { continue };
            // The name by which it is asked for becomes a path.
            let name = PackageName::npm(&edge.name)
                .map_err(|error| InstallError::metadata(id.package(), "package.json", error.to_string()))?;
            for place in &holders {
                let link = format!("{}/{}", place.beside, name.as_str());
                if link == place.folder || draft.has(&link) {
                    // It asks for itself, or a bundled neighbour was served already.
                    continue;
                }
                let content = Content::Link { target: relative(&link, &target.folder) };
                draft.put(&link, content, &id.package().to_string())?;
            }
        }
    }
    Ok(())
}

/// One version of everything for imports that are not declared: the one nearest to the root.
fn hoist(draft: &mut Draft, selection: &Selection<'_>, places: &BTreeMap<&NodeId, Place>) -> Result<(), InstallError> {
    let mut hoisted = BTreeSet::new();
    for id in selection.order.iter().skip(1) {
        let Some(place) = places.get(id) else { continue };
        // By lower case: two names of one spelling cannot both lie in a folder on every system.
        if hoisted.insert(place.name.to_lowercase()) {
            let link = format!("{NODES}/node_modules/{}", place.name);
            draft.put(&link, Content::Link { target: relative(&link, &place.folder) }, &id.package().to_string())?;
        }
    }
    Ok(())
}
