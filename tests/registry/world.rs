//! A team server of one test, and the `mcpsec` of its users.
use std::path::{Path, PathBuf};

use mcpsec_testkit::{program, program::Finished, service::Service};
use tempfile::TempDir;

use crate::backends::Backend;

/// The server program.
pub(crate) const REGISTRY: &str = env!("CARGO_BIN_EXE_mcpsec-registry");

/// `mcpsec`, which `cargo test --workspace` builds beside the server.
pub(crate) fn mcpsec() -> PathBuf {
    let path = Path::new(REGISTRY).with_file_name(format!("mcpsec{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built: `cargo build --workspace` builds it", path.display());
    path
}

/// A server with its state: a folder, and the database and bucket that the run of the tests is on ([`crate::backends`]).
pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) server: Service,
    pub(crate) backend: Backend,
    arguments: Vec<String>,
}

impl World {
    /// A new server that knows nothing and nobody.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A new server with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self::prepared(arguments, |_| {})
    }

    /// A new server whose folder is filled (signers, keys) before it starts.
    pub(crate) fn prepared(arguments: &[&str], fill: impl FnOnce(&Path)) -> Self {
        Self::on(Backend::new(), arguments, fill)
    }

    /// A new server on this state.
    pub(crate) fn on(backend: Backend, arguments: &[&str], fill: impl FnOnce(&Path)) -> Self {
        Self::attempt(backend, arguments, fill).unwrap_or_else(|said| panic!("it ended: {said}"))
    }

    /// A new server that may fail to start: what it said.
    pub(crate) fn try_on(backend: Backend, arguments: &[&str]) -> Result<Self, String> {
        Self::attempt(backend, arguments, |_| {})
    }

    fn attempt(backend: Backend, arguments: &[&str], fill: impl FnOnce(&Path)) -> Result<Self, String> {
        let data = tempfile::Builder::new().prefix("mcpsec-registry").tempdir().expect("a temporary folder");
        fill(data.path());
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let server = start(&backend, data.path(), &arguments)?;
        Ok(Self { data, server, backend, arguments })
    }

    /// Another server on the same state.
    pub(crate) fn replica(&self) -> Service {
        self.try_replica().unwrap_or_else(|said| panic!("it ended: {said}"))
    }

    /// [`World::replica`] that may fail to start: what it said.
    pub(crate) fn try_replica(&self) -> Result<Service, String> {
        start(&self.backend, self.data.path(), &self.arguments)
    }

    /// Ends the server as `kill -9` does, and starts one again on the same state.
    pub(crate) fn restart(&mut self) {
        self.server.kill();
        self.server = self.replica();
    }

    /// Runs another command of the server's program on the same state: `token create …`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Finished {
        let mut all: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        all.extend(["--data".to_owned(), self.data.path().display().to_string()]);
        all.extend(self.backend.arguments());
        all.extend(self.arguments.iter().cloned());
        program::run(Path::new(REGISTRY), &all, &self.backend.variables())
    }

    /// The address of something on the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address())
    }
}

/// Starts a server on this state; what it said when it does not.
pub(crate) fn start(backend: &Backend, data: &Path, arguments: &[String]) -> Result<Service, String> {
    let mut all = vec!["serve".to_owned(), "--data".to_owned(), data.display().to_string()];
    if arguments.iter().all(|argument| argument != "--listen") {
        all.extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
    }
    all.extend(backend.arguments());
    all.extend(arguments.iter().cloned());
    Service::try_start(Path::new(REGISTRY), &all, &backend.variables())
}

/// Writes a file of a test.
#[expect(clippy::disallowed_methods, reason = "a scratch folder of a test needs no atomic files")]
pub(crate) fn put(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a scratch folder");
}
