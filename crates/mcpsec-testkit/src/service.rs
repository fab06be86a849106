//! A program that serves until it is told to stop, started on a port that the system chose.
use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::program::{command, find};

/// How long a service may take to say where it listens, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service. It is killed when this is dropped.
pub struct Service {
    child: Child,
    address: String,
    errors: Arc<Mutex<Vec<u8>>>,
}

impl Service {
    /// Starts `program` with exactly these arguments and variables (and the outer `PATH`), and waits for a line of its standard
    /// output that ends in its address (`… http://127.0.0.1:PORT`). Fails the test with what it said when it ends instead.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::try_start(program, arguments, variables)
            .unwrap_or_else(|said| panic!("{} ended: {said}", program.display()))
    }

    /// [`Service::start`] that gives back what a program that did not start said on standard error.
    ///
    /// # Errors
    /// It ended before it listened.
    pub fn try_start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut command = command(program);
        command.args(arguments).envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[expect(clippy::zombie_processes, reason = "a service that listens is waited for when it is dropped")]
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
        let errors = Arc::new(Mutex::new(Vec::new()));
        let mut stderr = child.stderr.take().expect("a pipe");
        let kept = Arc::clone(&errors);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(read @ 1..) = stderr.read(&mut chunk) {
                kept.lock().expect("no panic elsewhere").extend_from_slice(&chunk[..read]);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        loop {
            line.clear();
            if stdout.read_line(&mut line).expect("UTF-8") == 0 {
                let _ended = child.wait();
                let _read = reader.join();
                return Err(String::from_utf8_lossy(&errors.lock().expect("no panic elsewhere")).into_owned());
            }
            if let Some((_, address)) = line.trim_end().rsplit_once(' ')
                && (address.starts_with("http://") || address.starts_with("https://"))
            {
                let address = address.to_owned();
                std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
                return Ok(Self { child, address, errors });
            }
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said on standard error so far.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.errors.lock().expect("no panic elsewhere")).into_owned()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        let _already_ended = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Asks it to end (`SIGTERM`) and gives its exit code; `None` when a signal ended it. Fails the test when it stays.
    pub fn terminate(&mut self) -> Option<i32> {
        let kill = find("kill").expect("`kill` is on PATH");
        let asked = command(kill).arg(self.child.id().to_string()).status().expect("it starts");
        assert!(asked.success(), "the service is there to be asked");
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the service did not end within {} s", PATIENCE.as_secs());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}
