//! Downloads every tarball of an npm server's closure and compares its `package.json` with the registry's record.
//!
//! `npm_confusion SPEC CACHE_DIR`; prints each difference, then how many packages were compared. On honest packages it must
//! print no difference: this is how false alarms are measured.
#![expect(clippy::print_stdout, reason = "an example is a program: its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "an example is a program: it reads its own clock and environment")]
use std::{collections::BTreeMap, error::Error, io::Read as _, path::PathBuf, time::Duration};

use futures::StreamExt as _;
use mcpsec_fetch::{
    ResolveOptions,
    download::Download,
    http::{HttpOptions, Metadata, Network},
    npm::{NpmConfig, NpmSource, NpmrcInput, compare_manifest},
    progress::Silent,
};
use mcpsec_model::{digest::Digest, spec::Spec, target::Targets, time::Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [spec, cache] = arguments.as_slice() else { return Err("usage: npm_confusion SPEC CACHE_DIR".into()) };
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().map_err(|_| "a crypto provider is already installed")?;
    let network = Network::new(HttpOptions {
        user_agent: "mcpsec-example".to_owned(),
        retries: 3,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(30),
        metadata_concurrency: 64,
    })?;
    let metadata = Metadata::new(PathBuf::from(cache), Some(network.clone()), Timestamp::now());
    let config = NpmConfig::load(NpmrcInput { env: std::env::vars().collect(), ..NpmrcInput::default() })?;
    let source = NpmSource::new(metadata, config);
    let Spec::Npm(spec) = spec.parse()? else { return Err("not an npm spec".into()) };
    let options = ResolveOptions { targets: Targets::standard(), as_of: None };
    let found = source.resolve(&spec, None, &BTreeMap::new(), &options, &Silent).await?;
    let fetches = found.resolved.downloads.iter().map(|download| fetch(network.client(), download));
    let mut fetched = futures::stream::iter(fetches).buffer_unordered(16);
    let (mut compared, mut different) = (0, 0);
    while let Some(answer) = fetched.next().await {
        let (download, package_json) = answer?;
        compared += 1;
        for finding in compare_manifest(&found.records[&download.package], &package_json) {
            different += 1;
            println!("{}: {}", finding.subject, finding.message);
            if let Some(evidence) = finding.evidence {
                println!("    {}", evidence.excerpt(500));
            }
        }
    }
    println!("{spec}: {compared} packages compared, {different} differences");
    Ok(())
}

/// The download and the `package.json` in it. The first entry so named, one folder deep, is the one npm reads.
async fn fetch<'a>(
    client: &reqwest::Client,
    download: &'a Download,
) -> Result<(&'a Download, Vec<u8>), Box<dyn Error>> {
    let bytes = client.get(download.url.expose().clone()).send().await?.error_for_status()?.bytes().await?;
    let sha512 = [Digest::sha512_of(&bytes)].into_iter().collect();
    if !download.expected.is_empty() && !download.expected.agrees(&sha512) {
        return Err(format!("{} has another digest than its record", download.package).into());
    }
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.components().count() == 2 && path.ends_with("package.json") {
            let mut text = Vec::new();
            entry.read_to_end(&mut text)?;
            return Ok((download, text));
        }
    }
    Err(format!("{} has no package.json", download.package).into())
}
