//! The one place of this crate that starts programs, and always with an environment that was emptied first.
use std::{
    ffi::OsStr,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long a program may take before the test fails: far more than any should need on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command with an empty environment and no input.
#[expect(clippy::disallowed_methods, reason = "testkit starts git and the binary under test, and only here")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command
}

/// Where a program is on the outer `PATH`.
#[expect(clippy::disallowed_methods, reason = "tests look for git and runtimes where the developer has them")]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|candidate| candidate.is_file())
}

/// What a program left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

/// Runs a program with exactly these arguments and variables to its end.
#[must_use]
pub fn run<S: AsRef<OsStr>>(program: &Path, arguments: &[S], variables: &[(&str, &str)]) -> Finished {
    run_within(PATIENCE, program, arguments, variables)
}

/// [`run`] that fails the test later than two minutes: after this time.
#[must_use]
pub fn run_within<S: AsRef<OsStr>>(
    patience: Duration,
    program: &Path,
    arguments: &[S],
    variables: &[(&str, &str)],
) -> Finished {
    let mut command = command(program);
    command.args(arguments).envs(variables.iter().copied());
    Running::start(command, None).wait_within(patience)
}

/// A program that is running.
pub struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    shown: String,
}

impl Running {
    /// Starts a command, feeding it `input`.
    pub(crate) fn start(mut command: Command, input: Option<Vec<u8>>) -> Self {
        let shown = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("failed to start `{shown}`: {error}"));
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
            // A program may close its input early; what it says then is in its exit code.
            std::thread::spawn(move || drop(pipe.write_all(&input)));
        }
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        Self { child, stdout, stderr, shown }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does; it may have ended already.
    pub fn kill(&mut self) {
        let _already_ended = self.child.kill();
    }

    /// Whether it has ended, in whatever way.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the end. Fails the test after two minutes.
    #[must_use]
    pub fn wait(self) -> Finished {
        self.wait_within(PATIENCE)
    }

    /// Waits for the end. Fails the test after this time.
    fn wait_within(mut self, patience: Duration) -> Finished {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if start.elapsed() > patience => {
                    self.kill();
                    panic!("`{}` did not end within {} s", self.shown, patience.as_secs());
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => panic!("failed to wait for `{}`: {error}", self.shown),
            }
        };
        let text = |reader: JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
        Finished { stdout: text(self.stdout), stderr: text(self.stderr), code: status.code() }
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is what there is.
            let _partial = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
