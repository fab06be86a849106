//! A team server of one test, and the `mcpsec` of its users.
use std::path::{Path, PathBuf};

use mcpsec_testkit::service::Service;
use tempfile::TempDir;

/// The server program.
pub(crate) const REGISTRY: &str = env!("CARGO_BIN_EXE_mcpsec-registry");

/// `mcpsec`, which `cargo test --workspace` builds beside the server.
pub(crate) fn mcpsec() -> PathBuf {
    let path = Path::new(REGISTRY).with_file_name(format!("mcpsec{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built: use `cargo test --workspace --test registry`", path.display());
    path
}

/// A server with its folder.
pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) server: Service,
}

impl World {
    /// A new server that knows nothing and nobody.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A new server with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let data = tempfile::Builder::new().prefix("mcpsec-registry").tempdir().expect("a temporary folder");
        let server = Self::serve(data.path(), arguments);
        Self { data, server }
    }

    /// Starts a server on a folder that may have been used before.
    pub(crate) fn serve(data: &Path, arguments: &[&str]) -> Service {
        let data = data.to_str().expect("UTF-8");
        let all = ["serve", "--data", data, "--listen", "127.0.0.1:0"].into_iter().chain(arguments.iter().copied());
        Service::start(Path::new(REGISTRY), all, &[])
    }

    /// The address of something on the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address())
    }
}
