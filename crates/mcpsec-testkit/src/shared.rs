//! Recorded material that is shared between repositories and may be absent: real packages, evidence and locks.
use std::path::{Path, PathBuf};

/// A file or folder of the shared material, such as `fixtures/npm-attestations`. `MCPSEC_SHARED` names the folder, else it
/// is `../shared` beside the workspace. When it is absent, says on stderr that the test is skipped, and why.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the recorded material is")]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn path(relative: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("MCPSEC_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => workspace().join("../shared"),
    };
    let path = folder.join(relative);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: there is no `{relative}` in the shared material (MCPSEC_SHARED says where it is)");
    None
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
