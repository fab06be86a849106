//! Small registries and repositories that several tests lock, and questions that several tests ask about a project.
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use mcpsec_testkit::{GitRepo, Loopback, NpmPackage, NpmServer, Output, PypiServer, TestEnv, npm_package, wheel};

/// An npm server named `files` with one dependency.
pub(crate) fn files() -> NpmPackage {
    npm_package("files", "1.2.0").dep("left", "^1.0.0").bin("files", "index.js")
}

/// What `files` depends on.
pub(crate) fn left() -> NpmPackage {
    npm_package("left", "1.0.3")
}

/// A registry with `files` and `left`.
pub(crate) fn npm_registry() -> NpmServer {
    let server = NpmServer::start();
    server.publish_all(&[files(), left()]);
    server
}

/// An index with the server `fetcher`, which needs `yarl-ish`.
pub(crate) fn pypi_index() -> PypiServer {
    let server = PypiServer::start();
    server.publish(
        wheel("fetcher", "2.0")
            .requires("yarl-ish>=1")
            .requires_python(">=3.10")
            .entry_point("fetcher", "fetcher:main"),
    );
    server.publish(wheel("yarl-ish", "1.5"));
    server
}

/// A repository with an npm server of its own that needs `left`; tag `v1.0.0` on `main`.
pub(crate) fn git_repository() -> GitRepo {
    let repository = GitRepo::new();
    let package_json =
        br#"{"name":"gitty","version":"1.0.0","bin":{"gitty":"index.js"},"dependencies":{"left":"^1.0.0"}}"#;
    let commit = repository.commit(&[("package.json", package_json), ("index.js", b"#!/usr/bin/env node\n")]);
    repository.tag("v1.0.0", &commit);
    repository
}

/// The spec of a repository at a reference.
pub(crate) fn git_spec(repository: &GitRepo, reference: &str) -> String {
    format!("git+{}@{reference}", repository.file_url())
}

/// A project with `files` of npm locked, and the registry it came from.
pub(crate) fn locked_npm() -> (TestEnv, NpmServer) {
    let server = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&server);
    let _added = env.mcpsec(["add", "npm:files"]).success();
    (env, server)
}

/// A project with `fetcher` of PyPI locked, and its index.
pub(crate) fn locked_pypi() -> (TestEnv, PypiServer) {
    let server = pypi_index();
    let mut env = TestEnv::new();
    env.pypi(&server);
    let _added = env.mcpsec(["add", "pypi:fetcher"]).success();
    (env, server)
}

/// Content and time of the two files of a project.
pub(crate) fn project_state(env: &TestEnv) -> [(Vec<u8>, SystemTime); 2] {
    ["mcp.toml", "mcp.lock"].map(|name| {
        let path = env.project().join(name);
        let modified = fs::metadata(&path).and_then(|meta| meta.modified());
        (fs::read(&path).expect("a project file"), modified.expect("its time"))
    })
}

/// Every regular file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// How many requests a server has seen since its log was cleared.
pub(crate) fn request_count(server: &Loopback) -> usize {
    server.requests().len()
}

/// Puts bytes in place of a file.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) {
    // Stored objects are read-only; whoever tampers with them makes them writable first.
    let _was_absent = fs::remove_file(path);
    fs::File::create_new(path).and_then(|mut file| file.write_all(bytes)).expect("a file of the test's own folder");
}

/// Flips one bit in the middle of a file.
pub(crate) fn flip_middle_byte(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    replace_file(path, &bytes);
}

/// A spec of a repository that is reached by a path inside the test's own folder, which snapshots can hide.
pub(crate) fn linked_repository(env: &TestEnv, repository: &GitRepo, reference: &str) -> String {
    let link = env.root().join("gitty.git");
    if !link.exists() {
        std::os::unix::fs::symlink(repository.path(), &link).expect("a link");
    }
    format!("git+file://{}@{reference}", link.display())
}

/// Removes the store, as another machine would find it.
pub(crate) fn empty_store(env: &TestEnv) {
    fs::remove_dir_all(env.store()).expect("a store");
}

/// How a check ended for each subject of all servers in a report v1, such as `pass`, sorted and each once.
pub(crate) fn statuses(report: &Output, check: &str) -> Vec<String> {
    let report = report.json();
    let servers = report["servers"].as_array().expect("servers").iter();
    let checks = servers.flat_map(|server| server["checks"].as_array().expect("checks"));
    let wanted = checks.filter(|result| result["check"] == check);
    let mut found: Vec<String> = wanted.filter_map(|result| Some(result["status"].as_str()?.to_owned())).collect();
    found.sort();
    found.dedup();
    found
}
