//! `fixture-registry`: serves a folder of real packages on loopback as an npm registry or a Python package index.
//!
//! The first line on stdout is the address to configure; requests go to stderr with `--log`. It runs until it is killed.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    io::{Write as _, stderr, stdout},
    ops::Deref,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use mcpsec_testkit::{
    Auth, Loopback, NpmRegistryKey, NpmServer, PypiServer,
    folder::{Ecosystem, NpmOptions, detect, load_npm, load_pypi, registry_keys, stub_dependencies},
    loopback::{FAULT_KINDS, Injection, RangeSupport},
    pypi::CoreMetadata,
};

/// Serves *.tgz (npm) or *.whl and *.tar.gz (PyPI), with what was recorded beside them, on 127.0.0.1.
#[derive(Parser)]
#[command(name = "fixture-registry", version)]
struct Arguments {
    /// Files, or folders of files (one level).
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve the *.tgz as an npm registry.
    #[arg(long, conflicts_with = "pypi")]
    npm: bool,
    /// Serve the *.whl and *.tar.gz as a Python package index.
    #[arg(long)]
    pypi: bool,
    /// Answer 401 without this bearer token.
    #[arg(long, value_name = "TOKEN", conflicts_with = "basic")]
    bearer: Option<String>,
    /// Answer 401 without these basic credentials.
    #[arg(long, value_name = "USER:PASSWORD")]
    basic: Option<String>,
    /// Misbehave: KIND[:ARGUMENT][@PATTERN][#TIMES]; may be repeated.
    #[arg(long = "fault", value_name = "FAULT", long_help = format!("Misbehave: KIND[:ARGUMENT][@PATTERN][#TIMES]; may be repeated. `*` in the pattern stands for any characters of the path. Kinds: {FAULT_KINDS}"))]
    faults: Vec<Injection>,
    /// Serve no signatures, attestations, provenance or keys.
    #[arg(long)]
    strip_evidence: bool,
    /// npm: take what a recorded record lacks from the tarball's package.json.
    #[arg(long)]
    fill_records: bool,
    /// npm: publish an empty package for every dependency that is not served.
    #[arg(long)]
    stub_dependencies: bool,
    /// npm: sign what has no recorded signature with a new key, and serve that key.
    #[arg(long, conflicts_with_all = ["strip_evidence", "keys"])]
    sign: bool,
    /// npm: answer the attestations of a version with this file, such as those of another package; may be repeated.
    #[arg(long, value_name = "NAME@VERSION=FILE", conflicts_with = "strip_evidence")]
    attestations: Vec<String>,
    /// npm: the answer of /-/npm/v1/keys.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// npm: serve full packuments only.
    #[arg(long)]
    full_only: bool,
    /// PyPI: serve HTML only.
    #[arg(long)]
    html_only: bool,
    /// PyPI: offer metadata files (PEP 658).
    #[arg(long)]
    core_metadata: bool,
    /// PyPI: ignore byte ranges.
    #[arg(long)]
    no_ranges: bool,
    /// Compress metadata.
    #[arg(long)]
    gzip: bool,
    /// Print each request on stderr.
    #[arg(long)]
    log: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is closed.
            let _closed = writeln!(stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let ecosystem = match (arguments.npm, arguments.pypi) {
        (true, _) => Ecosystem::Npm,
        (_, true) => Ecosystem::Pypi,
        _ => detect(&arguments.paths)?,
    };
    match ecosystem {
        Ecosystem::Npm => {
            let server = NpmServer::start_on(arguments.port)?;
            let options = NpmOptions { fill_records: arguments.fill_records, strip_evidence: arguments.strip_evidence };
            let mut served = load_npm(&arguments.paths, options, &server)?;
            if arguments.stub_dependencies {
                served.extend(stub_dependencies(&server));
            }
            for text in &arguments.attestations {
                let (package, file) = text.split_once('=').ok_or("--attestations wants NAME@VERSION=FILE")?;
                let (name, version) = package.rsplit_once('@').ok_or("--attestations wants NAME@VERSION=FILE")?;
                server.set_attestations(name, version, read(file.as_ref())?);
            }
            if let Some(keys) = arguments.keys.as_ref().filter(|_| !arguments.strip_evidence) {
                server.set_keys(registry_keys(read(keys)?));
            }
            if arguments.sign {
                server.sign_all(&NpmRegistryKey::generate());
            }
            server.set_full_only(arguments.full_only);
            serve(&server, &server.url(), &served, arguments)
        }
        Ecosystem::Pypi => {
            let server = PypiServer::start_on(arguments.port)?;
            let served = load_pypi(&arguments.paths, arguments.strip_evidence, &server)?;
            server.serving(|serving| {
                serving.json = !arguments.html_only;
                serving.ranges = if arguments.no_ranges { RangeSupport::Off } else { RangeSupport::Full };
                serving.core_metadata = if arguments.core_metadata { CoreMetadata::Offered } else { CoreMetadata::Off };
            });
            serve(&server, &server.url(), &served, arguments)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("failed to read `{}`: {error}", path.display()))
}

fn serve(
    server: &impl Deref<Target = Loopback>,
    url: &str,
    served: &[String],
    arguments: &Arguments,
) -> Result<(), Box<dyn Error>> {
    if let Some(token) = &arguments.bearer {
        server.require_auth(Auth::bearer(token));
    }
    if let Some(credentials) = &arguments.basic {
        let (user, password) = credentials.split_once(':').ok_or("--basic wants USER:PASSWORD")?;
        server.require_auth(Auth::basic(user, password));
    }
    server.set_gzip(arguments.gzip);
    for fault in &arguments.faults {
        server.inject(fault.clone());
    }
    // The caller waits for the address: it must not sit in a buffer.
    writeln!(stdout(), "{url}")?;
    stdout().flush()?;
    for package in served {
        writeln!(stderr(), "serving {package}")?;
    }
    loop {
        std::thread::sleep(Duration::from_millis(100));
        // Taken also when nobody looks, so that the log does not grow for ever.
        for request in server.take_requests().iter().filter(|_| arguments.log) {
            let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            writeln!(stderr(), "{} {}{query}", request.method, request.path)?;
        }
    }
}
