//! Installing a locked server from the store: offline, from checked bytes, and only if it is not there already as it was laid
//! out.
use std::{collections::BTreeMap, path::PathBuf};

use mcpsec_capture::{
    install::{self, Blueprint, InstallError, InstalledServer, Terms, Unpacked, runtime::Search},
    sandbox::Sandbox,
};
use mcpsec_fetch::store::Store;
use mcpsec_model::{
    config::Config,
    lock::LockedServer,
    package::{Package, PackageId},
};

use crate::{error::CommandError, settings::Settings};

/// Why a server cannot be installed here, and what would help.
pub(crate) struct NotHere {
    pub(crate) why: String,
    pub(crate) remedy: Option<String>,
}

impl From<&InstallError> for NotHere {
    fn from(error: &InstallError) -> Self {
        Self { why: error.to_string(), remedy: error.remedy() }
    }
}

/// What would be installed here, by the lock and the runtimes of this machine. Reads no artifact.
pub(super) fn plan<'a>(
    settings: &Settings,
    config: &Config,
    packages: &'a BTreeMap<PackageId, Package>,
    server: &'a LockedServer,
) -> Result<Blueprint<'a>, NotHere> {
    let path = settings.search_path();
    let memory = settings.cache.join("runtimes.json");
    let terms = Terms {
        platform: settings.platform,
        search: Search { path: &path, memory: Some(&memory) },
        install_scripts: &config.policy.install_scripts,
    };
    install::plan(server, packages, terms).map_err(|error| NotHere::from(&error))
}

/// A server ready to be started; `sandbox` is asked for only if there is something to lay out. The inner error says that this
/// machine cannot (no runtime, no wheel that fits); the outer one that the store is damaged or cannot be read.
pub(crate) fn install(
    settings: &Settings,
    config: &Config,
    store: &Store,
    packages: &BTreeMap<PackageId, Package>,
    server: &LockedServer,
    sandbox: impl FnOnce() -> Result<Sandbox, CommandError>,
) -> Result<Result<InstalledServer, NotHere>, CommandError> {
    let plan = match plan(settings, config, packages, server) {
        Ok(plan) => plan,
        Err(not) => return Ok(Err(not)),
    };
    match plan.installed(&place(settings)) {
        Ok(Some(installed)) => Ok(Ok(installed)),
        Ok(None) => lay_out(settings, store, packages, server, &plan, Some(&sandbox()?)),
        Err(error) => Ok(Err(NotHere::from(&error))),
    }
}

/// What is laid out already as planned, or else is laid out now. Errors as those of [`install`].
pub(super) fn lay_out(
    settings: &Settings,
    store: &Store,
    packages: &BTreeMap<PackageId, Package>,
    server: &LockedServer,
    plan: &Blueprint<'_>,
    sandbox: Option<&Sandbox>,
) -> Result<Result<InstalledServer, NotHere>, CommandError> {
    let into = place(settings);
    match plan.installed(&into) {
        Ok(Some(installed)) => return Ok(Ok(installed)),
        Ok(None) => {}
        Err(error) => return Ok(Err(NotHere::from(&error))),
    }
    let mut unpacked = Unpacked::new();
    let failed = |error: &dyn std::fmt::Display| {
        CommandError::denied(format!("{} cannot be installed: {error}", server.name)).hint(format!(
            "mcpsec verify {} says what is wrong with the store, and fetches what is missing",
            server.name
        ))
    };
    for result in store.check_many(plan.artifacts()) {
        let artifact = result.map_err(|error| failed(&error))?;
        let kind = kind_of(packages, &artifact);
        let tree = store.unpacked(&artifact, kind).map_err(|error| failed(&error))?;
        unpacked.insert((artifact.package().clone(), artifact.file().to_owned()), tree);
    }
    Ok(plan.lay_out(&unpacked, &into, sandbox).map_err(|error| NotHere::from(&error)))
}

/// Installations lie in the store's folder, so that files can be shared with what is unpacked there; they can be made again.
fn place(settings: &Settings) -> PathBuf {
    settings.store.join("installed")
}

fn kind_of(
    packages: &BTreeMap<PackageId, Package>,
    artifact: &mcpsec_model::artifact::CheckedArtifact,
) -> mcpsec_model::package::ArtifactKind {
    let package = packages.get(artifact.package());
    let locked = package.and_then(|package| package.artifacts.iter().find(|locked| locked.file == artifact.file()));
    locked.map_or(mcpsec_model::package::ArtifactKind::NpmTarball, |locked| locked.kind)
}
