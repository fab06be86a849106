//! What a sandboxed program is started with, and what it may do.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
    time::Duration,
};

/// Everything the launcher needs to know. Whatever is not named here does not exist inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The program; an absolute path that is readable inside.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub args: Vec<OsString>,
    /// Its whole environment. `HOME`, `TMPDIR` and `XDG_*` are set by the launcher when the home is its own.
    pub env: BTreeMap<OsString, OsString>,
    /// Folder it starts in; must be readable inside. `None`: its home.
    pub cwd: Option<PathBuf>,
    /// Files and folders of this machine that it may read, at the same paths.
    pub read: Vec<PathBuf>,
    /// Files and folders of this machine that it may write, at the same paths.
    pub write: Vec<PathBuf>,
    /// Whether canaries (files that look like keys and tokens) lie in its home, which is a scratch folder of its own.
    pub canaries: bool,
    /// What it may reach.
    pub network: Network,
    /// How much of everything it may use.
    pub limits: Limits,
    /// Whether what it tries is recorded. Costs a little for every watched call.
    pub observe: bool,
    /// What its standard streams are.
    pub stdio: Stdio,
}

/// What a program may reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Network {
    /// Nothing, not even this machine.
    None,
    /// These host names, on any port; nothing else, and no address without a name.
    Hosts(BTreeSet<String>),
}

/// What the standard streams are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stdio {
    /// Pipes that [`super::Running`] holds.
    Piped,
    /// Those of this process, untouched. While the program runs in a sandbox, this process passes TERM, INT, HUP, QUIT, USR1,
    /// USR2 and WINCH on to it (unless it ignores them); one program at a time can have its streams.
    Inherited,
}

/// How much a program may use before it is ended. `None` is no limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Time on the clock.
    pub wall: Option<Duration>,
    /// Processor time of each process.
    pub cpu: Option<Duration>,
    /// Memory of all its processes together, in bytes (proportional set size).
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Bytes on stdout and stderr together; counted by whoever reads the pipes.
    pub output: Option<u64>,
    /// Bytes of its scratch folders together.
    pub disk: Option<u64>,
    /// Length of one file it writes, in bytes.
    pub file: Option<u64>,
    /// Open files of each process.
    pub files: Option<u64>,
}

impl Limits {
    /// For a capture: what any server needs to start and list, and far from what hurts the machine.
    pub fn capture() -> Self {
        Self {
            wall: Some(Duration::from_secs(60)),
            cpu: Some(Duration::from_secs(60)),
            memory: Some(2 << 30),
            processes: Some(512),
            output: Some(64 << 20),
            disk: Some(256 << 20),
            file: Some(128 << 20),
            files: Some(1024),
        }
    }

    /// For a run: servers live as long as their client does, but cannot take the machine down.
    pub fn run() -> Self {
        Self {
            wall: None,
            cpu: None,
            memory: Some(8 << 30),
            processes: Some(4096),
            output: None,
            disk: None,
            file: None,
            files: None,
        }
    }
}
