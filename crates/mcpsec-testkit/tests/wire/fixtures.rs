//! Recorded packages from disk, and the `fixture-registry` binary. Skipped, audibly, where the recorded material is absent.
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use mcpsec_testkit::{
    NpmServer, PypiServer,
    folder::{Ecosystem, FolderError, NpmOptions, detect, load_npm, load_pypi},
    npm_package, shared, wheel,
};

use crate::client::get;

#[expect(clippy::disallowed_methods, reason = "a temporary folder of the test")]
fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn a_folder_of_tarballs_is_a_registry() {
    let folder = tempfile::tempdir().expect("folder");
    let package = npm_package("@scope/name", "1.0.0").dep("x", "^1");
    put(folder.path(), "scope-name-1.0.0.tgz", &package.tarball());
    put(folder.path(), "plain-2.0.0.tgz", &npm_package("plain", "2.0.0").tarball());
    put(folder.path(), "plain-2.0.0.tgz.packument.json", br#"{"name":"plain","dist-tags":{"latest":"2.0.0"},"time":{"2.0.0":"2024-05-06T00:00:00.000Z"},
        "versions":{"2.0.0":{"name":"plain","version":"2.0.0","dist":{"integrity":"sha512-recorded","tarball":"https://npm.registry.invalid/plain/-/plain-2.0.0.tgz"}}}}"#);
    put(folder.path(), "npm-keys.json", br#"{"keys":[]}"#);
    let paths = [folder.path().to_path_buf()];
    assert_eq!(detect(&paths).expect("decided"), Ecosystem::Npm);
    let server = NpmServer::start();
    assert_eq!(load_npm(&paths, NpmOptions::default(), &server).expect("loaded"), ["@scope/name@1.0.0", "plain@2.0.0"]);

    let scoped = get(&format!("{}@scope%2fname", server.url()), &[]).json();
    let dist = &scoped["versions"]["1.0.0"]["dist"];
    assert_eq!(dist["integrity"], package.integrity());
    assert_eq!(get(dist["tarball"].as_str().expect("url"), &[]).body, package.tarball());
    let plain = get(&format!("{}plain", server.url()), &[]).json();
    assert_eq!(plain["time"]["2.0.0"], "2024-05-06T00:00:00.000Z");
    let dist = &plain["versions"]["2.0.0"]["dist"];
    assert_eq!(dist["integrity"], "sha512-recorded", "what was recorded is served, right or wrong");
    assert_eq!(get(dist["tarball"].as_str().expect("rewritten to loopback"), &[]).status, 200);
    assert_eq!(get(&format!("{}-/npm/v1/keys", server.url()), &[]).status, 200);
}

#[test]
fn two_files_of_one_version_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    put(folder.path(), "a.tgz", &npm_package("x", "1.0.0").tarball());
    put(folder.path(), "b.tgz", &npm_package("x", "1.0.0").file("y", b"").tarball());
    let loaded = load_npm(&[folder.path().to_path_buf()], NpmOptions::default(), &NpmServer::start());
    assert!(matches!(loaded, Err(FolderError::Twice { .. })), "{loaded:?}");
}

#[test]
fn a_folder_of_wheels_is_an_index() {
    let folder = tempfile::tempdir().expect("folder");
    let wheel = wheel("a", "1.0").requires_python(">=3.10");
    put(folder.path(), &wheel.file_name(), &wheel.bytes());
    put(
        folder.path(),
        &format!("{}.json", wheel.file_name()),
        br#"{"upload-time":"2024-05-06T00:00:00Z","yanked":"no good"}"#,
    );
    put(folder.path(), &format!("{}.provenance", wheel.file_name()), br#"{"version":1}"#);
    let server = PypiServer::start();
    load_pypi(&[folder.path().to_path_buf()], false, &server).expect("loaded");
    let page = get(&format!("{}a/", server.url()), &[("accept", "application/vnd.pypi.simple.v1+json")]).json();
    let file = &page["files"][0];
    assert_eq!((&file["requires-python"], &file["yanked"]), (&">=3.10".into(), &"no good".into()));
    assert_eq!(file["upload-time"], "2024-05-06T00:00:00Z");
    assert_eq!(get(file["provenance"].as_str().expect("url"), &[]).text(), r#"{"version":1}"#);
}

/// Ends the process when the test does.
struct Registry(Child, String);

impl Drop for Registry {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the binary under test")]
fn registry(args: &[&str]) -> Registry {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fixture-registry"))
        .args(args)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("fixture-registry starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut first).expect("first line");
    Registry(child, first.trim().to_owned())
}

#[test]
fn the_binary_serves_recorded_evidence() {
    let Some(folder) = shared::path("fixtures/npm-attestations/server-filesystem") else { return };
    let registry = registry(&[&folder.display().to_string(), "--fault", "status:503@*.tgz#1"]);
    let packument = get(&format!("{}@modelcontextprotocol%2fserver-filesystem", registry.1), &[]).json();
    let dist = &packument["versions"]["2026.7.10"]["dist"];
    let tarball = dist["tarball"].as_str().expect("url");
    assert!(tarball.starts_with(&registry.1), "{tarball}");
    assert_eq!((get(tarball, &[]).status, get(tarball, &[]).status), (503, 200));
    let attestations = get(dist["attestations"]["url"].as_str().expect("announced"), &[]);
    let recorded = std::fs::read(folder.join("attestations.json")).expect("recorded");
    assert_eq!(attestations.body, recorded, "signed words are not touched");
}

#[test]
fn the_binary_serves_python_provenance() {
    let Some(folder) = shared::path("fixtures/pypi-attestations") else { return };
    let registry = registry(&[&folder.display().to_string()]);
    let json = ("accept", "application/vnd.pypi.simple.v1+json");
    let page = get(&format!("{}pypi-attestations/", registry.1), &[json]).json();
    let url = page["files"][0]["provenance"].as_str().expect("announced").to_owned();
    assert!(get(&url, &[]).json()["attestation_bundles"].is_array());
}

#[test]
fn three_variants_of_one_version_are_served_by_file() {
    let Some(folder) = shared::path("fixtures/npm-attestations") else { return };
    let file = folder.join("supreme-googles-cli-v02-tag-invalidsigprov.tgz");
    let server = NpmServer::start();
    let served = load_npm(&[file], NpmOptions::default(), &server).expect("loaded");
    assert_eq!(served.len(), 1);
    let (name, version) = served[0].rsplit_once('@').expect("name@version");
    let url = format!("{}-/npm/v1/attestations/{}@{version}", server.url(), name.replace('/', "%2f"));
    assert!(get(&url, &[]).json()["attestations"].is_array());
}
