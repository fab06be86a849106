//! Git sources against real repositories: on disk and over loopback HTTP, good ones and hostile ones.
mod attestations;
mod evidence;
mod history;
mod hostile;
mod local;
mod remote;

use std::{
    io::{Read, Write},
    path::Path,
    sync::Once,
};

use mcpsec_model::spec::GitSpec;
use mcpsec_testkit::GitRepo;

use super::{GitError, GitLimits, GitOptions, GitSource, GitTree};
use crate::progress::Silent;

/// What main does once; a second test of this process finds it installed.
fn provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
}

fn source_with(cache: &Path, network: bool, limits: GitLimits) -> GitSource {
    provider();
    GitSource::new(GitOptions { cache_dir: cache.to_owned(), network, user_config: false, limits })
}

fn source(cache: &Path, network: bool) -> GitSource {
    source_with(cache, network, GitLimits::standard())
}

fn spec(text: &str) -> GitSpec {
    text.parse().expect("spec")
}

fn local_spec(repo: &GitRepo, rest: &str) -> GitSpec {
    spec(&format!("git+{}{rest}", repo.file_url()))
}

fn fetch(source: &GitSource, spec: &GitSpec) -> Result<GitTree, GitError> {
    source.fetch(spec, &Silent)
}

/// Fetches a local repository into a cache of its own.
fn fetch_local(repo: &GitRepo, rest: &str) -> Result<GitTree, GitError> {
    let cache = tempfile::tempdir().expect("cache");
    fetch(&source(cache.path(), false), &local_spec(repo, rest)).map(|mut tree| {
        // The archive must outlive the cache folder.
        let (_, kept) = tempfile::NamedTempFile::new().expect("file").into_parts();
        std::fs::copy(&tree.archive, &kept).expect("copy");
        tree.archive = kept;
        tree
    })
}

fn refused(repo: &GitRepo, rest: &str) -> String {
    let error = fetch_local(repo, rest).expect_err("refused").to_string();
    error.replace(&repo.file_url(), "REPO")
}

/// Path, mode, link target and content of every entry.
fn entries(tree: &GitTree) -> Vec<(String, u32, Option<String>, String)> {
    let bytes = std::fs::read(&tree.archive).expect("archive");
    assert_eq!(bytes.len() as u64, tree.size);
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut all = Vec::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("entry");
        let mut content = String::new();
        let path = entry.path().expect("path").to_string_lossy().into_owned();
        let link = entry.link_name().expect("link").map(|link| link.to_string_lossy().into_owned());
        let mode = entry.header().mode().expect("mode");
        entry.read_to_string(&mut content).expect("content");
        all.push((path, mode, link, content));
    }
    all
}

/// Writes a whole file of a repository or cache that a test spoils.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::File::create(path).and_then(|mut file| file.write_all(bytes)).expect("file");
}
