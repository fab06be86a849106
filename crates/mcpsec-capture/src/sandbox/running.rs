//! A started program, its streams, and how it ended.
use std::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio as Std},
    time::Duration,
};

use mcpsec_model::{capture::Observed, text::Untrusted};

use super::{Plan, SandboxError, Stdio};

/// A program that runs. Dropping it ends it and all its descendants.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Its standard input, when piped and not taken yet. Dropping it closes the pipe.
    pub stdin: Option<ChildStdin>,
    /// Its standard output, when piped and not taken yet.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, when piped and not taken yet.
    pub stderr: Option<ChildStderr>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// The limit that ended it, if one did.
    pub limit: Option<Limit>,
    /// What it tried, if it was watched.
    pub observed: Observed,
}

/// A limit that ended a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Time on the clock.
    Wall,
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Bytes of scratch folders.
    Disk,
}

impl Running {
    /// Waits until it ended by itself or by a limit, at most for `patience`; then ends it. All descendants are gone when
    /// this returns.
    ///
    /// # Errors
    /// The system lost track of the process.
    pub fn finish(mut self, patience: Duration) -> std::io::Result<Ended> {
        drop(self.stdin.take());
        let step = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if waited >= patience => {
                    self.child.kill()?;
                    break self.child.wait()?;
                }
                None => {
                    std::thread::sleep(step);
                    waited += step;
                }
            }
        };
        Ok(Ended { status, limit: None, observed: Observed::default() })
    }

    /// The process that was started, as this machine numbers it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Starts a program without any sandbox.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts strangers' programs")]
pub(super) fn bare(plan: &Plan) -> Result<Running, SandboxError> {
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).env_clear().envs(&plan.env);
    if let Some(cwd) = &plan.cwd {
        command.current_dir(cwd);
    }
    if plan.stdio == Stdio::Piped {
        command.stdin(Std::piped()).stdout(Std::piped()).stderr(Std::piped());
    }
    let failed =
        |source| SandboxError::Start { program: Untrusted::new(plan.program.to_string_lossy()).excerpt(200), source };
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    Ok(Running { child, stdin, stdout, stderr })
}
