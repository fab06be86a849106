//! Prints the closure of a Python package as JSON lines, for comparing with other resolvers.
//!
//! Usage: `pypi_closure INDEX_URL CACHE_DIR SPEC [--target T,T] [--as-of DATE] [--offline]`. Each line is one package:
//! `{"name","version","targets","files":{file: sha256}}`; findings and times go to stderr.
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, time::Duration};

use mcpsec_fetch::{
    ResolveOptions,
    http::{HttpOptions, Metadata, Network},
    progress::Silent,
    pypi::{PypiConfig, PypiConfigInput, PypiSource},
};
use mcpsec_model::{
    spec::Spec,
    target::{Target, Targets},
    time::Timestamp,
};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut positional = Vec::new();
    let (mut targets, mut as_of, mut offline) = (Targets::standard(), None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--target" => {
                let list = arguments.next().ok_or("--target needs a value")?;
                let list: Vec<Target> = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
                let pythons: BTreeSet<_> = list.iter().filter_map(|target| target.python).collect();
                targets = Targets {
                    platforms: list.iter().map(|target| target.platform).collect(),
                    pythons: (!pythons.is_empty()).then_some(pythons),
                };
            }
            "--as-of" => as_of = Some(arguments.next().ok_or("--as-of needs a value")?.parse()?),
            "--offline" => offline = true,
            _ => positional.push(argument),
        }
    }
    let [index, cache, spec] = positional.as_slice() else { return Err("INDEX_URL CACHE_DIR SPEC".into()) };
    let Spec::Pypi(spec) = spec.parse()? else { return Err("only pypi: specs".into()) };
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| "a TLS provider is installed already")?;
    let network = Network::new(HttpOptions {
        user_agent: "mcpsec-example".to_owned(),
        retries: 3,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(60),
        metadata_concurrency: 50,
    })?;
    let started = std::time::Instant::now();
    let config =
        PypiConfig::load(PypiConfigInput { default_index: Some(index.parse()?), ..PypiConfigInput::default() })?;
    // A fixed instant would make every cached page stale or fresh for ever; the example may read the clock.
    #[expect(clippy::disallowed_methods, reason = "an example is its own root")]
    let now = Timestamp::now();
    let metadata = Metadata::new(PathBuf::from(cache), (!offline).then(|| network.clone()), now);
    let source = PypiSource::new(metadata, config);
    let resolved = source.resolve(&spec, None, &ResolveOptions { targets, as_of }, &Silent).await?;
    let elapsed = started.elapsed();
    let candidate = &resolved.candidate;
    for (node_id, node) in candidate.closure.nodes() {
        let Some(package) = candidate.packages.get(node_id.package()) else { continue };
        let files: serde_json::Map<String, serde_json::Value> = package
            .artifacts
            .iter()
            .filter_map(|a| Some((a.file.to_string(), a.digests.strongest()?.to_hex().into())))
            .collect();
        let targets: Option<Vec<String>> =
            node.targets.as_ref().map(|targets| targets.iter().map(ToString::to_string).collect());
        let line = serde_json::json!({"name": package.id.name().as_str(), "version": package.id.version(),
            "targets": targets, "files": files});
        print(&line.to_string());
    }
    for finding in &candidate.findings {
        report(&format!("{} {} {}: {}", finding.rule.severity(), finding.rule.id(), finding.subject, finding.message));
    }
    report(&format!(
        "{} packages, {} files, {} targets, {} requests, {} bytes, {} ms",
        candidate.packages.len(),
        resolved.downloads.len(),
        candidate.targets.len(),
        network.requests_sent(),
        network.bytes_received(),
        elapsed.as_millis()
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn print(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "an example prints")]
fn report(line: &str) {
    eprintln!("{line}");
}
