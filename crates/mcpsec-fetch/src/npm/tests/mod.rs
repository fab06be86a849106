//! Whole resolutions against registries on loopback.
use std::{collections::BTreeMap, time::Duration};

use mcpsec_model::{closure::Edge, package::PackageId, spec::NpmSpec, target::Targets, time::Timestamp};
use mcpsec_testkit::NpmServer;
use tempfile::TempDir;

use super::{NpmConfig, NpmError, NpmResolved, NpmSource, NpmrcInput};
use crate::{
    ResolveOptions,
    http::{HttpOptions, Metadata, Network},
    progress::Silent,
};

mod age;
mod evidence;
mod hostile;
mod resolving;
mod upstream;

/// A source with its own empty cache.
struct Fixture {
    source: NpmSource,
    cache: TempDir,
}

impl Fixture {
    fn new(npmrc: &str) -> Self {
        // Another test may have installed it already.
        let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let cache = tempfile::tempdir().expect("folder");
        let options = HttpOptions {
            user_agent: "test".to_owned(),
            retries: 0,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(20),
            metadata_concurrency: 16,
        };
        let network = Network::new(options).expect("client");
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("time");
        let metadata = Metadata::new(cache.path().to_owned(), Some(network), now);
        let files = vec![(".npmrc".to_owned(), npmrc.to_owned())];
        let config = NpmConfig::load(NpmrcInput { files, ..NpmrcInput::default() }).expect("configuration");
        Self { source: NpmSource::new(metadata, config), cache }
    }

    fn for_server(server: &NpmServer) -> Self {
        Self::new(&format!("registry={}", server.url()))
    }

    fn resolve(&self, spec: &str) -> Result<NpmResolved, NpmError> {
        self.resolve_with(spec, &[], None)
    }

    fn resolve_with(
        &self,
        spec: &str,
        overrides: &[(&str, &str)],
        as_of: Option<&str>,
    ) -> Result<NpmResolved, NpmError> {
        let spec: NpmSpec = spec.parse().expect("spec");
        let overrides: BTreeMap<String, String> =
            overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let options = options(as_of);
        block_on(self.source.resolve(&spec, None, &overrides, &options, &Silent))
    }
}

fn options(as_of: Option<&str>) -> ResolveOptions {
    ResolveOptions {
        targets: Targets::standard(),
        as_of: as_of.map(|date| date.parse().expect("date")),
        maturity: None,
    }
}

/// Two workers, as in the binary; the future must be one that can be sent.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(future)
}

fn id(text: &str) -> PackageId {
    text.parse().expect("package id")
}

/// `name@version` of every package.
fn names(resolved: &NpmResolved) -> Vec<String> {
    let packages = resolved.resolved.candidate.packages.keys();
    packages.map(|id| format!("{}@{}", id.name(), id.version())).collect()
}

/// `rule: message` of every finding.
fn findings(resolved: &NpmResolved) -> Vec<String> {
    let findings = &resolved.resolved.candidate.findings;
    findings.iter().map(|finding| format!("{} {}: {}", finding.rule.id(), finding.subject, finding.message)).collect()
}

fn edges<'a>(resolved: &'a NpmResolved, package: &str) -> Vec<&'a Edge> {
    let nodes = resolved.resolved.candidate.closure.nodes();
    nodes.iter().filter(|(node, _)| *node.package() == id(package)).flat_map(|(_, node)| &node.edges).collect()
}
