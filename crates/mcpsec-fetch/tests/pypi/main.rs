//! The PyPI source against a loopback index: closures, rules, hostile indexes, metadata in each of its forms.
mod closure;
mod evidence;
mod hostile;
mod upstream;

use std::{collections::BTreeMap, time::Duration};

use mcpsec_fetch::{
    ResolveOptions, Resolved,
    http::{HttpOptions, Metadata, Network},
    progress::Silent,
    pypi::{PypiConfig, PypiConfigInput, PypiError, PypiSource},
};
use mcpsec_model::{
    finding::Rule,
    spec::{PypiSpec, Spec},
    target::{Target, Targets},
    time::Timestamp,
};
use mcpsec_testkit::pypi::PypiServer;
use tempfile::TempDir;

/// A client with its own cache folder.
struct Client {
    cache: TempDir,
    env: BTreeMap<String, String>,
    network: Network,
}

impl Client {
    /// A client of one index.
    fn of(server: &PypiServer) -> Self {
        Self::with(&[("UV_DEFAULT_INDEX", &server.url())])
    }

    /// A client with these settings.
    fn with(env: &[(&str, &str)]) -> Self {
        let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let network = network(Duration::from_secs(5));
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { cache: tempfile::tempdir().expect("folder"), env, network }
    }

    /// Does not give up on a silent server by itself.
    fn wait_long(&mut self) {
        self.network = network(Duration::from_secs(3600));
    }

    /// A fresh source on the same cache.
    fn source(&self, online: bool) -> PypiSource {
        let config = PypiConfig::load(PypiConfigInput { env: self.env.clone(), ..PypiConfigInput::default() });
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("instant");
        let network = online.then(|| self.network.clone());
        PypiSource::new(Metadata::new(self.cache.path().to_owned(), network, now), config.expect("config"))
    }

    /// Resolves for the targets (none: the standard ones).
    async fn resolve(&self, spec: &str, targets: &[&str]) -> Result<Resolved, PypiError> {
        self.source(true).resolve(&pypi(spec), None, &options(targets, None), &Silent).await.map(|found| found.resolved)
    }
}

fn network(read_timeout: Duration) -> Network {
    Network::new(HttpOptions {
        user_agent: "mcpsec-test".to_owned(),
        retries: 0,
        connect_timeout: Duration::from_secs(5),
        read_timeout,
        metadata_concurrency: 8,
    })
    .expect("client")
}

fn pypi(text: &str) -> PypiSpec {
    match format!("pypi:{text}").parse().expect("spec") {
        Spec::Pypi(spec) => spec,
        other => panic!("not a PyPI spec: {other}"),
    }
}

fn options(targets: &[&str], as_of: Option<&str>) -> ResolveOptions {
    let parsed: Vec<Target> = targets.iter().map(|text| text.parse().expect("target")).collect();
    let targets = if parsed.is_empty() {
        Targets::standard()
    } else {
        Targets {
            platforms: parsed.iter().map(|target| target.platform).collect(),
            pythons: Some(parsed.iter().filter_map(|target| target.python).collect()),
        }
    };
    ResolveOptions { targets, as_of: as_of.map(|text| text.parse().expect("date")), maturity: None }
}

const LINUX: &[&str] = &["linux-x86_64-gnu/3.12"];

/// The packages as `name==version`, sorted.
fn pins(resolved: &Resolved) -> Vec<String> {
    resolved.candidate.packages.keys().map(|id| format!("{}=={}", id.name(), id.version())).collect()
}

/// The rules of the findings with their subjects.
fn findings(resolved: &Resolved) -> Vec<(Rule, String)> {
    resolved.candidate.findings.iter().map(|finding| (finding.rule, finding.subject.clone())).collect()
}
