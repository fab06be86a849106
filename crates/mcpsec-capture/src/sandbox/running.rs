//! A started program, its streams, and how it ended.
use std::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio as Std},
    time::{Duration, Instant},
};

use mcpsec_model::{capture::Observed, text::Untrusted};

use super::{Plan, SandboxError, Stdio};
#[cfg(target_os = "linux")]
use super::{
    linux::{self, Forward, Launched},
    scratch::Scratch,
    watch::Watch,
};
#[cfg(target_os = "linux")]
use crate::observe::Supervisor;
use crate::observe::canaries::Canary;

/// A program that runs. Dropping it ends it and all its descendants.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// The guard's hold and the watch over the limits; `None` without a sandbox.
    #[cfg(target_os = "linux")]
    held: Option<Held>,
    /// Scratch folder on this machine; removed with this.
    #[cfg(target_os = "macos")]
    home: Option<tempfile::TempDir>,
    status: Option<ExitStatus>,
    /// The canaries in its home, with the words that nobody may repeat.
    pub canaries: Vec<Canary>,
    /// Its standard input, when piped and not taken yet. Dropping it closes the pipe.
    pub stdin: Option<ChildStdin>,
    /// Its standard output, when piped and not taken yet.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, when piped and not taken yet.
    pub stderr: Option<ChildStderr>,
}

/// What a sandboxed program is held with.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Held {
    control: std::os::unix::net::UnixStream,
    watch: Watch,
    observer: Option<Supervisor>,
    /// Whether what it sees was asked for.
    tells: bool,
    /// Passes signals on to a program that has this process's streams.
    _forward: Option<Forward>,
    /// Scratch folder on this machine; removed with this.
    _scratch: Option<Scratch>,
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
    /// Processes and threads.
    Processes,
    /// Bytes of scratch folders.
    Disk,
}

impl Limit {
    /// What it used too much of, as it fits after "too much".
    pub fn what(self) -> &'static str {
        match self {
            Self::Wall => "time",
            Self::Cpu => "processor time",
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk space",
        }
    }
}

impl Running {
    fn of(mut child: Child) -> Self {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self {
            child,
            #[cfg(target_os = "linux")]
            held: None,
            #[cfg(target_os = "macos")]
            home: None,
            status: None,
            canaries: Vec::new(),
            stdin,
            stdout,
            stderr,
        }
    }

    /// Takes over a program that the launcher started.
    #[cfg(target_os = "linux")]
    pub(super) fn held(
        launched: Launched,
        plan: &Plan,
        scratch: Option<Scratch>,
        canaries: Vec<Canary>,
    ) -> Result<Self, SandboxError> {
        let Launched { child, control, scratch: capped, observer, tells, forward } = launched;
        let watch = Watch::start(child.id(), &control, capped, plan, scratch.as_ref().map(Scratch::path));
        let mut running = Self::of(child);
        running.canaries = canaries;
        match watch {
            Ok(watch) => {
                running.held = Some(Held { control, watch, observer, tells, _forward: forward, _scratch: scratch });
            }
            Err(source) => {
                let _gone = control.shutdown(std::net::Shutdown::Both);
                return Err(SandboxError::Setup { step: "watch the program".to_owned(), source });
            }
        }
        Ok(running)
    }

    /// Waits until it ended by itself or by a limit, at most for `patience`; then ends it. All descendants are gone when
    /// this returns. Its standard input is closed first, if it is still held here.
    ///
    /// # Errors
    /// The system lost track of the process.
    pub fn finish(mut self, patience: Duration) -> std::io::Result<Ended> {
        drop(self.stdin.take());
        let status = match self.wait_for(patience)? {
            Some(status) => status,
            None => self.end()?,
        };
        Ok(self.ended(status))
    }

    /// Waits until it ended by itself or by a limit, at most for `patience`. `None`: it still runs.
    ///
    /// # Errors
    /// The system lost track of the process.
    pub fn wait_for(&mut self, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        while self.status.is_none() {
            self.status = self.child.try_wait()?;
            let left = patience.saturating_sub(start.elapsed());
            if self.status.is_some() || left.is_zero() {
                break;
            }
            self.pause(left.min(Duration::from_millis(500)))?;
        }
        Ok(self.status)
    }

    /// Waits a little, at most until it ended.
    fn pause(&self, at_most: Duration) -> std::io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(held) = &self.held {
            use std::os::fd::AsRawFd as _;
            // The guard's end of the socket closes when the guard ends.
            let milliseconds = i32::try_from(at_most.as_millis()).unwrap_or(i32::MAX).max(1);
            let [closed] = linux::sys::poll([held.control.as_raw_fd()], milliseconds)?;
            if closed {
                std::thread::sleep(Duration::from_micros(200));
            }
            return Ok(());
        }
        std::thread::sleep(at_most.min(Duration::from_millis(5)));
        Ok(())
    }

    /// Sends it a signal, as the system numbers it. In a sandbox the guard passes on TERM, INT, HUP, QUIT, USR1, USR2, CONT
    /// and WINCH; others end the guard and with it everything.
    ///
    /// # Errors
    /// It is gone.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: i32) -> std::io::Result<()> {
        if self.status.is_some() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        // Not waited for yet, so the number is still its own.
        linux::sys::kill(self.child.id().cast_signed(), signal)
    }

    /// The process that was started, as this machine numbers it. In a sandbox it is the program's guard.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it and all its descendants.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        #[cfg(target_os = "linux")]
        if let Some(held) = &self.held {
            let _gone = held.control.shutdown(std::net::Shutdown::Both);
            let status = linux::wait_or_kill(&mut self.child)?;
            self.status = Some(status);
            return Ok(status);
        }
        self.child.kill()?;
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }

    #[cfg(target_os = "linux")]
    fn ended(&mut self, status: ExitStatus) -> Ended {
        use std::os::unix::process::ExitStatusExt as _;
        let Some(held) = self.held.take() else {
            return Ended { status, limit: None, observed: Observed::default() };
        };
        let limit = held.watch.finish(!status.success());
        let limit = limit.or_else(|| (status.signal() == Some(libc::SIGXCPU)).then_some(Limit::Cpu));
        let observed = held.observer.map(Supervisor::finish).filter(|_| held.tells).unwrap_or_default();
        Ended { status, limit, observed }
    }

    #[cfg(not(target_os = "linux"))]
    fn ended(&mut self, status: ExitStatus) -> Ended {
        Ended { status, limit: None, observed: Observed::default() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.end();
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
    command.spawn().map_err(failed).map(Running::of)
}

/// Starts a program under a profile of macOS, with a scratch home that is removed when it has ended.
#[cfg(target_os = "macos")]
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts strangers' programs")]
pub(super) fn seatbelt(plan: &Plan) -> Result<Running, SandboxError> {
    let failed = |step: &'static str| move |source| SandboxError::Setup { step: step.to_owned(), source };
    if plan.network != super::Network::None || plan.observe || plan.canaries {
        // Nothing here can lead a program to some hosts and not to others, or watch it.
        return Err(failed("watch the program")(std::io::ErrorKind::Unsupported.into()));
    }
    let made = tempfile::Builder::new().prefix("mcpsec-").tempdir_in("/private/tmp");
    let home = made.map_err(failed("make the scratch folder"))?;
    let mut write = plan.write.clone();
    write.push(home.path().to_owned());
    let profile = super::seatbelt::profile(&plan.read, &write)
        .ok_or_else(|| failed("write the profile")(std::io::ErrorKind::InvalidInput.into()))?;
    let mut command = Command::new("/usr/bin/sandbox-exec");
    command.args(["-p", &profile, "--"]).arg(&plan.program).args(&plan.args);
    command.env_clear().env("HOME", home.path()).env("TMPDIR", home.path()).envs(&plan.env);
    command.current_dir(plan.cwd.as_deref().unwrap_or(home.path()));
    if plan.stdio == Stdio::Piped {
        command.stdin(Std::piped()).stdout(Std::piped()).stderr(Std::piped());
    }
    let mut running = command.spawn().map(Running::of).map_err(failed("start sandbox-exec"))?;
    running.home = Some(home);
    Ok(running)
}
