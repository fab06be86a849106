//! The sandbox: what may be done inside, which tier holds it, and the program that runs in it.
//!
//! ```text
//! Plan --Sandbox::spawn--> launcher (this program again, `stage_if_asked`) --exec--> the stranger's program
//!                          namespaces, mounts, limits, Landlock, seccomp              watched by the observer
//! ```
//!
//! What it does not do: memory in the queues of sockets and pipes is nobody's, so that the limit on memory does not see it;
//! room that is asked for in sockets is not given, which leaves the system's default for each socket, for as many as the limits
//! on open files and processes allow. Descriptors that lie in such a queue hide the files they stand for from the limit on disk
//! (level `landlock`). The level `landlock` hides neither that files exist nor when they are used, and a pipe with a name can be
//! written to if it lies in a folder that may be written. Without Landlock in the kernel, `namespace` stops all but writing to
//! pipes with a name in folders that may be read. If mcpsec is killed, its guards end what they guard and remove its scratch
//! folders; if a guard is killed at the same moment by whoever may, they stay.
//!
//! The tier is found by trying the whole sequence in a throw-away child ([`Sandbox::detect`]), never by guessing from
//! versions.
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod nameless;
mod plan;
mod probe;
mod running;
#[cfg(target_os = "linux")]
mod scratch;
mod seatbelt;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "linux")]
mod wire;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcpsec_model::config::Isolation;

#[cfg(target_os = "linux")]
use crate::observe::canaries;

pub use plan::{Limits, Network, Plan, Stdio};
pub use running::{Ended, Limit, Running};

/// A sandbox of one tier, tried and found working.
#[derive(Clone, Debug)]
pub struct Sandbox {
    tier: Isolation,
    launcher: PathBuf,
    landlock_at_most: Option<u8>,
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
    /// A step of setting the sandbox up failed.
    #[error("could not set up the sandbox ({step}): {source}")]
    Setup {
        /// The step, safe to print.
        step: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Sandbox {
    /// No sandbox at all: the program runs with the user's rights. Only for programs the user trusts, and never chosen unless
    /// the policy says `isolation = "none"`.
    pub fn dangerous_none(launcher: &Path) -> Self {
        Self { tier: Isolation::None, launcher: launcher.to_owned(), landlock_at_most: None }
    }

    /// The strongest sandbox that works here, found by setting each up and running nothing in it, strongest first. `only`
    /// tries that level alone. Costs some milliseconds.
    ///
    /// # Errors
    /// [`SandboxError::TooWeak`] if none that is at least `weakest` works.
    pub fn detect(launcher: &Path, weakest: Isolation, only: Option<Isolation>) -> Result<Self, SandboxError> {
        let mut reasons = Vec::new();
        for (_, tier) in Isolation::WORDS.iter().rev() {
            if *tier < weakest || only.is_some_and(|only| only != *tier) {
                continue;
            }
            let sandbox = Self { tier: *tier, launcher: launcher.to_owned(), landlock_at_most: None };
            match sandbox.probe() {
                Ok(_) => return Ok(sandbox),
                Err(reason) => reasons.push(format!("{}: {reason}", tier.as_str())),
            }
        }
        Err(SandboxError::TooWeak { wanted: only.unwrap_or(weakest), reasons: reasons.join("; ") })
    }

    /// A sandbox of the strongest level, [`Isolation::Namespace`], without trying it. If that does not work here,
    /// [`Sandbox::spawn`] says so and nothing runs.
    pub fn strongest_untried(launcher: &Path) -> Self {
        Self { tier: Isolation::Namespace, launcher: launcher.to_owned(), landlock_at_most: None }
    }

    /// What each level that is a sandbox says when it is tried, strongest first: if it works, what programs miss in it here, if
    /// anything; if not, why, safe to print.
    pub fn probe_all(launcher: &Path) -> Vec<(Isolation, Result<Option<&'static str>, String>)> {
        let levels = Isolation::WORDS.iter().rev().map(|(_, tier)| *tier).filter(|tier| *tier != Isolation::None);
        levels
            .map(|tier| (tier, Self { tier, launcher: launcher.to_owned(), landlock_at_most: None }.probe()))
            .collect()
    }

    /// Runs nothing in it. Gives what programs miss in it.
    fn probe(&self) -> Result<Option<&'static str>, String> {
        if self.tier == Isolation::None {
            return Ok(None);
        }
        probe::probe(self)
    }

    /// The same, as if the kernel had no newer version of Landlock than this. For tests: what older kernels leave open must be
    /// closed by other means.
    #[must_use]
    pub fn with_landlock_at_most(self, version: u8) -> Self {
        Self { landlock_at_most: Some(version), ..self }
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
    /// [`SandboxError::Start`], [`SandboxError::Setup`].
    pub fn spawn(&self, plan: &Plan) -> Result<Running, SandboxError> {
        match self.tier {
            Isolation::None => running::bare(plan),
            #[cfg(target_os = "linux")]
            Isolation::Namespace => self.start(wire::Tier::Namespace, plan, false),
            #[cfg(target_os = "linux")]
            Isolation::Landlock => self.start(wire::Tier::Landlock, plan, false),
            #[cfg(target_os = "macos")]
            Isolation::Seatbelt => running::seatbelt(plan),
            // Not made by `detect` here; a sandbox that is missing is never passed over.
            _ => Err(setup("choose a sandbox")(std::io::ErrorKind::Unsupported.into())),
        }
    }

    /// Starts a program in one of the tiers of Linux, or with `probe` only sets everything up.
    #[cfg(target_os = "linux")]
    fn start(&self, tier: wire::Tier, plan: &Plan, probe: bool) -> Result<Running, SandboxError> {
        let scratch = match tier {
            wire::Tier::Namespace => None,
            wire::Tier::Landlock => Some(scratch::Scratch::new().map_err(setup("make the scratch folder"))?),
        };
        let seed = plan.canaries.then(linux::seed).transpose().map_err(setup("draw the canaries"))?;
        let mut order = wire::Order::new(tier, plan, scratch.as_ref().map(scratch::Scratch::path), seed);
        order.probe = probe;
        order.landlock_at_most = self.landlock_at_most;
        let launched = linux::launch(&self.launcher, &order, plan)?;
        let canaries = seed.as_ref().map(canaries::planted).unwrap_or_default();
        Running::held(launched, plan, scratch, canaries)
    }
}

/// What decides which level works here, as a text to compare with an earlier one: the boot, the namespaces this process is in,
/// its rights, and the kernel's switches. `None` where that cannot be told.
pub fn circumstances() -> Option<String> {
    probe::circumstances()
}

/// The error of a step of the first half.
fn setup(step: &'static str) -> impl FnOnce(std::io::Error) -> SandboxError {
    move |source| SandboxError::Setup { step: step.to_owned(), source }
}

/// Call this first in `main`, before threads: if this process was started as the launcher's second half, it becomes the
/// sandboxed program and never returns, or gives the code to exit with.
pub fn stage_if_asked() -> Option<ExitCode> {
    #[cfg(target_os = "linux")]
    {
        let mut args = std::env::args_os().skip(1);
        if args.next()? == linux::STAGE {
            let socket = args.next().and_then(|number| number.to_str()?.parse().ok());
            linux::obey(socket.unwrap_or(-1));
            return Some(ExitCode::from(127));
        }
    }
    None
}
