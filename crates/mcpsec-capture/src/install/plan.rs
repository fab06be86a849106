//! What will be installed: the target, the runtime, one artifact of each package, and the name of the installation.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    digest::Digest,
    lock::LockedServer,
    package::{Artifact, Package, PackageId},
    target::{PythonMinor, Target},
};

use super::{
    Blueprint, InstallError, Terms,
    error::shown,
    graph::Selection,
    pypi,
    runtime::{self, FoundRuntime, RuntimeKind},
};

/// Finds out what a server needs on this machine, without reading or writing any artifact.
///
/// # Errors
/// The lock does not cover this machine, no runtime suits, or a package has no file for it.
pub fn plan<'a>(
    server: &'a LockedServer,
    packages: &'a BTreeMap<PackageId, Package>,
    terms: Terms<'_>,
) -> Result<Blueprint<'a>, InstallError> {
    let here: Vec<Target> = server.targets.iter().copied().filter(|target| target.platform == terms.platform).collect();
    if here.is_empty() {
        let locked: BTreeSet<String> = server.targets.iter().map(|target| target.platform.to_string()).collect();
        let locked = locked.into_iter().collect::<Vec<_>>().join(", ");
        return Err(InstallError::Target { here: terms.platform.to_string(), locked });
    }
    let is_python = here.iter().any(|target| target.python.is_some());
    let (runtime, target) = if is_python {
        find_python(server, packages, &here, terms)?
    } else {
        let any = |_: &FoundRuntime| Ok(());
        let runtime = runtime::find(RuntimeKind::Node, terms.search, &BTreeSet::new(), "", &any)?;
        (runtime, Target { platform: terms.platform, python: None })
    };
    let selection = Selection::of(&server.closure, packages, &target)?;
    let artifacts = artifacts(&selection, packages, &runtime, target)?;
    let allowed = |package: &PackageId| terms.install_scripts.iter().any(|id| id.as_str() == package.to_string());
    let allowed_scripts: BTreeSet<PackageId> =
        selection.order.iter().map(|id| id.package()).filter(|package| allowed(package)).cloned().collect();
    let key = key(server, &target, &runtime, &artifacts, &allowed_scripts);
    Ok(Blueprint { server, packages, selection, runtime, artifacts, allowed_scripts, key })
}

/// The first python on the path that the lock covers and every package supports.
fn find_python(
    server: &LockedServer,
    packages: &BTreeMap<PackageId, Package>,
    here: &[Target],
    terms: Terms<'_>,
) -> Result<(FoundRuntime, Target), InstallError> {
    let minors: BTreeSet<PythonMinor> = here.iter().filter_map(|target| target.python).collect();
    let wanted = minors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let target_of = |found: &FoundRuntime| {
        let python = found.python.as_ref().map(|python| python.minor);
        Target { platform: terms.platform, python }
    };
    let suits = |found: &FoundRuntime| {
        let target = target_of(found);
        if found.python.as_ref().is_some_and(|python| python.implementation != "cpython") {
            return Err("only CPython is locked for".to_owned());
        }
        if !here.contains(&target) {
            return Err("not a version that the lock covers".to_owned());
        }
        let selection = Selection::of(&server.closure, packages, &target).map_err(|error| error.to_string())?;
        let version: pep440_rs::Version = found.version.parse().map_err(|_| "its version is no version".to_owned())?;
        for id in &selection.order {
            let Some(needs) = packages.get(id.package()).and_then(|package| package.requires_python.as_ref()) else {
                continue;
            };
            let range: pep440_rs::VersionSpecifiers =
                needs.parse().map_err(|_| format!("{} asks for {}", id.package(), shown(needs)))?;
            if !range.contains(&version) {
                return Err(format!("{} needs {}", id.package(), shown(needs)));
            }
        }
        Ok(())
    };
    let found = runtime::find(RuntimeKind::Python, terms.search, &minors, &wanted, &suits)?;
    let target = target_of(&found);
    Ok((found, target))
}

/// The one artifact of every package that is installed.
fn artifacts<'a>(
    selection: &Selection<'a>,
    packages: &'a BTreeMap<PackageId, Package>,
    runtime: &FoundRuntime,
    target: Target,
) -> Result<Vec<(&'a PackageId, &'a Artifact)>, InstallError> {
    let accepted = runtime.python.as_ref().map(|python| pypi::tags::Accepted::of(target.platform, python));
    let mut chosen: BTreeMap<&PackageId, &Artifact> = BTreeMap::new();
    for id in selection.order.iter().map(|id| id.package()) {
        let missing = |file: &str| InstallError::NotUnpacked { package: Box::new(id.clone()), file: file.to_owned() };
        let package = packages.get(id).ok_or_else(|| missing("(the lock does not have the package)"))?;
        if package.bundled_in.is_some() {
            continue;
        }
        let artifact = match &accepted {
            None => package.artifacts.first().ok_or_else(|| missing("(none is locked)"))?,
            Some(accepted) => accepted.choose(package).ok_or_else(|| {
                let why =
                    "no wheel fits this python, and the lock holds no build requirements for its source distribution";
                InstallError::needs_build(id, why)
            })?,
        };
        chosen.insert(&package.id, artifact);
    }
    Ok(chosen.into_iter().collect())
}

fn key(
    server: &LockedServer,
    target: &Target,
    runtime: &FoundRuntime,
    artifacts: &[(&PackageId, &Artifact)],
    allowed_scripts: &BTreeSet<PackageId>,
) -> String {
    // The first word is the format of installations: another layout is another folder.
    let mut text = format!(
        "install 1\n{target}\n{} {} {}\n{:?}\n",
        runtime.kind.as_str(),
        runtime.version,
        runtime.program.display(),
        server.entry
    );
    for (package, artifact) in artifacts {
        text.push_str(&format!("{package} {}\n", artifact.file));
    }
    for package in allowed_scripts {
        text.push_str(&format!("script {package}\n"));
    }
    let closure = server.closure_id.to_string();
    let closure: String = closure.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{}-{}", &closure[closure.len().saturating_sub(40)..], &Digest::sha256_of(text.as_bytes()).to_hex()[..24])
}
