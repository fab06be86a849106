//! What the registry says today about packages that are locked, and where to download them again.
use std::sync::Arc;

use mcpsec_model::{
    package::{Package, PackageId},
    upstream::{Shape, UpstreamFile, UpstreamRecord, UpstreamState},
};
use smol_str::SmolStr;
use tokio::runtime::Handle;

use super::{
    NpmError, NpmSource,
    graph::{download, download_from, file_name, integrity, words},
    record::{Dist, VersionRecord},
    registry::Registry,
};
use crate::{download::Download, http::Freshness};

impl NpmSource {
    /// Asks the registry for its current record of a locked package: digests, deprecation, or that it is gone. The registry
    /// is asked once per name within the life of this source; many calls may run at once.
    pub async fn upstream(&self, package: &PackageId) -> UpstreamState {
        let packument = match self.revalidating().packument(package.name().as_str()).await {
            Ok(packument) => packument,
            Err(NpmError::NotFound { .. }) => return UpstreamState::Gone,
            Err(error) => return UpstreamState::Unreachable(error.of_known_package()),
        };
        let Some(record) = packument.version(package.version()) else { return UpstreamState::Gone };
        let history = if packument.lacks_history(package.version()) {
            match self.history(package.name()).await {
                Ok(history) => history,
                Err(error) => return UpstreamState::Unreachable(error.of_known_package()),
            }
        } else {
            packument.history()
        };
        let shape = shape(&record);
        let dist = record.dist.unwrap_or_default();
        let file = match integrity(package, &dist) {
            Ok(integrity) => UpstreamFile::from_integrity(file_name(package), &integrity),
            // A record that pins nothing any more cannot confirm anything: no digests, so nothing agrees with it.
            Err(_) => {
                UpstreamFile { file: file_name(package).into(), digests: Default::default(), sha1: None, offer: None }
            }
        };
        UpstreamState::Present(UpstreamRecord {
            files: vec![file],
            deprecated: record.deprecated.map(Into::into),
            shape: Some(Box::new(shape)),
            offer: Some(packument.offer(package.version())),
            history,
            ..UpstreamRecord::default()
        })
    }

    /// The registries, really asked: once per name within the life of this source.
    pub(super) fn revalidating(&self) -> &Arc<Registry> {
        self.revalidating.get_or_init(|| {
            let freshness = Freshness::Revalidate;
            Registry::new(self.metadata.clone(), self.config.clone(), None, freshness, Handle::current(), None)
        })
    }

    /// Where a locked package's tarball is by npm's convention, `<registry>/<name>/-/<base>-<version>.tgz`. Asks nobody: the
    /// bytes are held to the locked digests whatever the address. A registry that keeps tarballs elsewhere answers "not
    /// found" there; then [`Self::locate_by_record`] tells. Nothing is to be fetched for a bundled package.
    ///
    /// # Errors
    /// [`NpmError::Tarball`] if the configured registry gives no usable address.
    pub fn locate(&self, package: &Package) -> Result<Vec<Download>, NpmError> {
        let (registry, _) = self.config.registry_for(package.id.name());
        let mut downloads = Vec::new();
        for artifact in &package.artifacts {
            let bad = || NpmError::Tarball { package: package.id.to_string() };
            let path = format!("{}/-/{}", package.id.name(), artifact.file);
            let address = registry.expose().join(&path).map_err(|_| bad())?;
            let mut download =
                download_from(&self.config, &package.id, &address, artifact.digests, None).ok_or_else(bad)?;
            download.size = artifact.size;
            downloads.push(download);
        }
        Ok(downloads)
    }

    /// Where the registry's record says that a locked package's tarball is. The locked digests stay what the bytes must have.
    ///
    /// # Errors
    /// Whatever keeps the record from being read, and [`NpmError::NoVersion`] when the version is gone.
    pub async fn locate_by_record(&self, package: &Package) -> Result<Vec<Download>, NpmError> {
        let id = &package.id;
        if package.artifacts.is_empty() {
            return Ok(Vec::new());
        }
        let (metadata, config) = (self.metadata.clone(), self.config.clone());
        let registry = Registry::new(metadata, config, None, Freshness::Cached, Handle::current(), None);
        let packument = registry.packument(id.name().as_str()).await?;
        let gone = || NpmError::NoVersion {
            package: id.name().to_string(),
            requirement: id.version().to_owned(),
            as_of: None,
            wanted_by: None,
        };
        let dist: Option<Dist> = packument.version(id.version()).ok_or_else(gone)?.dist;
        let mut found = download(&self.config, id, dist.as_ref())?;
        if let Some(artifact) = package.artifacts.first() {
            found.expected = artifact.digests;
            found.sha1 = None;
            found.size = artifact.size;
        }
        Ok(vec![found])
    }
}

/// What a locked graph must follow from.
fn shape(record: &VersionRecord) -> Shape {
    let removed = &record.removed;
    let maps = [
        &record.dependencies,
        &record.optional_dependencies,
        &record.peer_dependencies,
        &removed.peers,
        &removed.unsupported,
        &removed.unsupported_optional,
        &removed.unsupported_peers,
    ];
    let known = maps.into_iter().flatten().map(|(name, requirement)| (name.into(), package_of(name, requirement)));
    let bundled = |name: &&String| record.bundle_dependencies.contains(name);
    Shape {
        required: record.dependencies.keys().filter(|name| !bundled(name)).map(Into::into).collect(),
        known: known.collect(),
        commands: record.bin.keys().map(Into::into).collect(),
        os: words(&record.os),
        cpu: words(&record.cpu),
        libc: words(&record.libc),
    }
}

/// The package that a dependency names: itself, or the one behind an alias.
fn package_of(name: &str, requirement: &str) -> SmolStr {
    let Some(alias) = requirement.trim().strip_prefix("npm:") else { return name.into() };
    match alias.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => alias[..at].into(),
        None => alias.into(),
    }
}
