//! Prints the closure of one npm server as JSON lines (`name`, `version`, `integrity`), for comparison with other tools.
//!
//! `npm_closure SPEC CACHE_DIR [--as-of DATE] [--offline]`; timing and findings go to stderr. The registry is the built-in
//! default or `NPM_CONFIG_REGISTRY`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program: its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "an example is a program: it reads its own clock and environment")]
use std::{collections::BTreeMap, error::Error, path::PathBuf, time::Duration, time::Instant};

use mcpsec_fetch::{
    ResolveOptions,
    http::{HttpOptions, Metadata, Network},
    npm::{NpmConfig, NpmSource, NpmrcInput},
    progress::Silent,
};
use mcpsec_model::{spec::Spec, target::Targets, time::Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(spec), Some(cache)) = (arguments.next(), arguments.next()) else {
        return Err("usage: npm_closure SPEC CACHE_DIR [--as-of DATE] [--offline]".into());
    };
    let (mut as_of, mut offline) = (None, false);
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--as-of" => as_of = Some(arguments.next().ok_or("--as-of needs a date")?.parse()?),
            "--offline" => offline = true,
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().map_err(|_| "a crypto provider is already installed")?;
    let options = HttpOptions {
        user_agent: "mcpsec-example".to_owned(),
        retries: 3,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(30),
        metadata_concurrency: 64,
    };
    let network = if offline { None } else { Some(Network::new(options)?) };
    let metadata = Metadata::new(PathBuf::from(cache), network, Timestamp::now());
    let config = NpmConfig::load(NpmrcInput { env: std::env::vars().collect(), ..NpmrcInput::default() })?;
    let source = NpmSource::new(metadata, config);
    let options = ResolveOptions { targets: Targets::standard(), as_of };
    let started = Instant::now();
    let Spec::Npm(spec) = spec.parse()? else { return Err("not an npm spec".into()) };
    let resolved = source.resolve(&spec, None, &BTreeMap::new(), &options, &Silent).await?;
    let took = started.elapsed();
    let candidate = &resolved.resolved.candidate;
    for package in candidate.packages.values() {
        let digests = package.artifacts.first().and_then(|artifact| artifact.digests.strongest());
        let line = serde_json::json!({
            "name": package.id.name().as_str(),
            "version": package.id.version(),
            "integrity": digests.map(|digest| digest.to_sri()),
        });
        println!("{line}");
    }
    for finding in &candidate.findings {
        eprintln!("{} {}: {}", finding.rule.id(), finding.subject, finding.message);
    }
    let (packages, nodes) = (candidate.packages.len(), candidate.closure.nodes().len());
    eprintln!("{packages} packages, {nodes} nodes, {:?}, {} ms", candidate.entry, took.as_millis());
    Ok(())
}
