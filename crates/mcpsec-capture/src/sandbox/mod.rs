//! The sandbox: what may be done inside, which tier holds it, and the program that runs in it.
//!
//! ```text
//! Plan --Sandbox::spawn--> launcher (this program again, `stage_if_asked`) --exec--> the stranger's program
//!                          namespaces, mounts, limits, Landlock, seccomp              watched by the observer
//! ```
//!
//! The tier is found by trying the whole sequence in a throw-away child ([`Sandbox::detect`]), never by guessing from
//! versions.
mod plan;
mod running;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcpsec_model::config::Isolation;
pub use plan::{Limits, Network, Plan, Stdio};
pub use running::{Ended, Limit, Running};

/// A sandbox of one tier, tried and found working.
#[derive(Clone, Debug)]
pub struct Sandbox {
    tier: Isolation,
    launcher: PathBuf,
}

/// Why there is no sandbox, or a program could not be started in it.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No tier that is strong enough works here.
    #[error("no sandbox of level `{wanted}` or better works here: {reasons}", wanted = wanted.as_str())]
    TooWeak {
        /// The weakest level that is accepted.
        wanted: Isolation,
        /// Each tier with what stopped it, safe to print.
        reasons: String,
    },
    /// The program could not be started.
    #[error("could not start {program}: {source}")]
    Start {
        /// The program, safe to print.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Sandbox {
    /// No sandbox at all: the program runs with the user's rights. Only for programs the user trusts, and never chosen unless
    /// the policy says `isolation = "none"`.
    pub fn dangerous_none(launcher: &Path) -> Self {
        Self { tier: Isolation::None, launcher: launcher.to_owned() }
    }

    /// The level it gives.
    pub fn tier(&self) -> Isolation {
        self.tier
    }

    /// The program whose `main` begins with [`stage_if_asked`].
    pub fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// Starts a program.
    ///
    /// # Errors
    /// [`SandboxError::Start`].
    pub fn spawn(&self, plan: &Plan) -> Result<Running, SandboxError> {
        running::bare(plan)
    }
}

/// Call this first in `main`, before threads: if this process was started as the launcher's second half, it becomes the
/// sandboxed program and never returns, or gives the code to exit with.
pub fn stage_if_asked() -> Option<ExitCode> {
    None
}
