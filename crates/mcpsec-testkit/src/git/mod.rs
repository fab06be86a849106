//! git: repositories made of exact bytes, signed where a test wants it, served over smart HTTP or read as `file://`.
mod repo;
mod server;
mod sign;

use std::path::Path;

pub use repo::{Change, GitRepo};
pub use server::GitServer;
pub use sign::{SshAgent, SshSigner};

use crate::program::{Finished, Running, command, find};

/// Runs git on a bare repository, blind to the configuration of machine and user.
fn git(repository: &Path, args: &[&str], input: Vec<u8>, protocol: Option<&str>) -> Finished {
    let program = find("git").expect("git is installed and on PATH");
    let mut command = command(program);
    command.arg("--git-dir").arg(repository).args(args);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", repository);
    command.env("LC_ALL", "C").env("TZ", "UTC").env("GIT_TERMINAL_PROMPT", "0");
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    Running::start(command, Some(input)).wait()
}
