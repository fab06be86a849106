//! Where the attacks take place: folders, files, listeners and victims outside of the sandbox, and the program to attack with.
use std::{
    collections::BTreeMap,
    ffi::OsString,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::{OnceLock, mpsc},
    time::Duration,
};

use mcpsec_capture::sandbox::{Ended, Limits, Network, Plan, Running, Sandbox, Stdio};
use mcpsec_model::config::Isolation;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    listeners::Listeners,
    users,
    victims::{Victim, Victims},
};

/// The scripts, so that a user who cannot read the sources can run them.
const SCRIPTS: [(&str, &str); 10] = [
    ("attack.py", include_str!("../../../../testdata/servers/hostile/attack.py")),
    ("calls.py", include_str!("../../../../testdata/servers/hostile/calls.py")),
    ("network.py", include_str!("../../../../testdata/servers/hostile/network.py")),
    ("files.py", include_str!("../../../../testdata/servers/hostile/files.py")),
    ("processes.py", include_str!("../../../../testdata/servers/hostile/processes.py")),
    ("kernel.py", include_str!("../../../../testdata/servers/hostile/kernel.py")),
    ("limits.py", include_str!("../../../../testdata/servers/hostile/limits.py")),
    ("staying.py", include_str!("../../../../testdata/servers/hostile/staying.py")),
    ("neighbour.py", include_str!("../../../../testdata/servers/hostile/neighbour.py")),
    ("victim.py", include_str!("../../../../testdata/servers/hostile/victim.py")),
];

/// What is in the key file, in the victims' memory and in their environment. Whoever says it has got it.
pub(crate) const SECRET: &str = "PLANTED-9f1c7a52-not-a-key";

/// Longest wait for one attack. They take milliseconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A user number that is not root's and not that of any stranger's process: the victims', when the tests run as root.
const ORDINARY: u32 = 65534;

/// A python interpreter, and the folder it needs.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    pub(crate) program: PathBuf,
    prefix: PathBuf,
}

impl Python {
    /// The system's, else the first on the path. `None` if there is none: nothing can be tested then.
    pub(crate) fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<Python>> = OnceLock::new();
        FOUND.get_or_init(Self::look).clone()
    }

    fn look() -> Option<Self> {
        let candidates = [Some(PathBuf::from("/usr/bin/python3")), mcpsec_testkit::program::find("python3")];
        candidates.into_iter().flatten().find_map(|program| {
            let asks = "import os,sys;print(os.path.realpath(sys.executable));print(sys.base_prefix)";
            let plan = plan(&program, ["-I", "-c", asks].map(OsString::from).into());
            let ran = run(&Sandbox::dangerous_none(Path::new("/")), &plan, PATIENCE)?;
            let mut lines = ran.stdout.lines();
            let (program, prefix) = (lines.next()?.into(), lines.next()?.into());
            ran.ended.status.success().then_some(Self { program, prefix })
        })
    }
}

/// A plan that allows nothing.
pub(crate) fn plan(program: &Path, args: Vec<OsString>) -> Plan {
    Plan {
        program: program.to_owned(),
        args,
        env: BTreeMap::new(),
        cwd: None,
        read: Vec::new(),
        write: Vec::new(),
        canaries: false,
        network: Network::None,
        limits: Limits::capture(),
        observe: false,
        stdio: Stdio::Piped,
    }
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) ended: Ended,
}

/// Runs a program to its end. `None` if it could not be started, which is for the caller to judge.
pub(crate) fn run(sandbox: &Sandbox, plan: &Plan, patience: Duration) -> Option<Ran> {
    sandbox.spawn(plan).ok().map(|running| end(running, patience))
}

/// Waits for the end of a program and what it said.
pub(crate) fn end(mut running: Running, patience: Duration) -> Ran {
    let (stdout, stderr) = (drain(running.stdout.take()), drain(running.stderr.take()));
    let ended = running.finish(patience).expect("the end of the program is known");
    let hear = |pipe: mpsc::Receiver<Vec<u8>>| {
        // All of its descendants are gone, so nobody holds the pipe.
        let heard = pipe.recv_timeout(Duration::from_secs(5)).expect("the pipe is closed when the program has ended");
        String::from_utf8_lossy(&heard).into_owned()
    };
    Ran { stdout: hear(stdout), stderr: hear(stderr), ended }
}

/// Reads a pipe to its end, keeping at most a mebibyte.
fn drain(pipe: Option<impl std::io::Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut kept, mut part) = (Vec::new(), [0; 65536]);
        if let Some(mut pipe) = pipe {
            while let Ok(count @ 1..) = pipe.read(&mut part) {
                let room = (1_usize << 20).saturating_sub(kept.len());
                kept.extend_from_slice(&part[..count.min(room)]);
            }
        }
        // Whoever does not listen any more has failed already.
        let _heard = tell.send(kept);
    });
    heard
}

/// The sandbox of a tier. `None`, with words, if this machine cannot have it. That the sandbox says so is not enough: a
/// defect that makes it unavailable must not look like a machine without it.
pub(crate) fn sandbox(tier: Isolation, python: &Python) -> Option<Sandbox> {
    let error = match Sandbox::detect(&users::stage(), tier, Some(tier)) {
        Ok(sandbox) => return Some(sandbox),
        Err(error) => error,
    };
    let code = match tier {
        // CLONE_NEWUSER and CLONE_NEWNET.
        Isolation::Namespace => "r = libc.unshare(0x50000000)",
        _ => "r = libc.syscall(444, 0, 0, 1) - 1",
    };
    let code = format!("import ctypes,sys;libc = ctypes.CDLL(None);{code};sys.exit(r < 0)");
    let asks = plan(&python.program, ["-I", "-c", &code].map(OsString::from).into());
    let asked = run(&Sandbox::dangerous_none(Path::new("/")), &asks, PATIENCE).expect("python runs");
    assert!(!asked.ended.status.success(), "the kernel has what the tier needs, but: {error}");
    eprintln!("skipped: this machine has no {}: {error}", tier.as_str());
    None
}

/// Everything there is to attack.
pub(crate) struct Stand {
    pub(crate) python: Python,
    pub(crate) listeners: Listeners,
    pub(crate) victims: Victims,
    pub(crate) folder: TempDir,
    /// The target as the scripts get it.
    pub(crate) target: Value,
    /// Whether the observer is there.
    pub(crate) watched: bool,
    /// What may be reached.
    pub(crate) network: Network,
}

impl Stand {
    /// Sets everything up. `None`, with words, if there is no python.
    pub(crate) fn new() -> Option<Self> {
        let Some(python) = Python::find() else {
            eprintln!("skipped: no python3 to attack with");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("mcpsec-hostile-").tempdir_in("/tmp").expect("a folder");
        let root = folder.path().to_owned();
        // Everything is open to everyone, so that only the sandbox protects it.
        open(&root, 0o755);
        for name in ["attacks", "home", "home/.ssh", "movable", "outside", "outside/empty", "readable", "writable"] {
            std::fs::create_dir(root.join(name)).expect("folder");
            open(&root.join(name), if name == "attacks" || name == "readable" { 0o755 } else { 0o777 });
        }
        for (name, text) in SCRIPTS {
            file(&root.join("attacks").join(name), text, 0o644);
        }
        put(&root);
        file(&root.join("outside/program"), "#!/bin/sh\nexit 0\n", 0o755);
        symlink(root.join("home/.ssh/id_ed25519"), root.join("readable/planted-link")).expect("link");
        let listeners = Listeners::start(&root);
        let victims = Victims::start(&python, &root);
        let setuid = users::setuid_program(&root);
        let mut target = json!({
            "key": root.join("home/.ssh/id_ed25519"), "movable_key": root.join("movable/key"), "home": root.join("home"),
            "outside": root.join("outside"), "readable": root.join("readable"), "writable": root.join("writable"),
            "program_outside": root.join("outside/program"), "setuid": setuid, "links": links(),
            "mark": root.file_name().map(|name| name.to_string_lossy().into_owned()),
            "name": "exfil.invalid", "unix_packets": root.join("readable/packets"), "pipe_readable": root.join("readable/pipe"), "environment": ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
                "XDG_DATA_HOME", "XDG_STATE_HOME", "GIVEN", "LC_CTYPE"], "outer_name": users::OUTER_SECRET,
        });
        merge(&mut target, listeners.target());
        merge(&mut target, victims.target());
        Some(Self { python, listeners, victims, folder, target, watched: false, network: Network::None })
    }

    /// The plan of one attack.
    pub(crate) fn plan(&self, attack: &str, more: &Value) -> Plan {
        let mut target = self.target.clone();
        merge(&mut target, more.clone());
        let script = self.folder.path().join("attacks/attack.py");
        let args = ["-I".into(), "-S".into(), script.into_os_string(), attack.into(), target.to_string().into()];
        let mut plan = plan(&self.python.program, args.into());
        plan.env = [(OsString::from("GIVEN"), OsString::from("1"))].into();
        plan.read = ["attacks", "readable"].map(|name| self.folder.path().join(name)).into();
        if !self.python.prefix.starts_with("/usr") {
            plan.read.push(self.python.prefix.clone());
        }
        (plan.observe, plan.network) = (self.watched, self.network.clone());
        plan.write = vec![self.folder.path().join("writable")];
        plan
    }

    /// Makes one attack and says what it said.
    pub(crate) fn attack(&self, sandbox: &Sandbox, attack: &str, more: &Value) -> Ran {
        let running = sandbox.spawn(&self.plan(attack, more)).unwrap_or_else(|error| panic!("{attack}: {error}"));
        end(running, PATIENCE)
    }

    /// Closes what the plan names to everyone but root, which starts the tests.
    pub(crate) fn close(&self) {
        for name in ["attacks", "readable", "writable"] {
            let path = self.folder.path().join(name);
            open(&path, 0o700);
            chown(&path, Some(0), Some(0)).expect("owner");
        }
    }

    /// Puts back what an attack that succeeded took away or left.
    pub(crate) fn refresh(&self) {
        let root = self.folder.path();
        put(root);
        std::fs::create_dir_all(root.join("outside/empty")).expect("folder");
        open(&root.join("outside"), 0o777);
        open(&root.join("outside/empty"), 0o777);
    }

    /// What an attack may have changed, in words.
    pub(crate) fn harm(&mut self) -> Vec<String> {
        let mut harm = self.listeners.heard();
        harm.extend(self.victims.iter_mut().flat_map(Victim::harm));
        harm
    }

    /// Everything outside that may be seen to change: names, lengths, rights, owners, times, contents.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut seen = BTreeMap::new();
        let mut rest =
            ["attacks", "home", "movable", "outside", "readable"].map(|name| self.folder.path().join(name)).to_vec();
        while let Some(path) = rest.pop() {
            let metadata = path.symlink_metadata().expect("metadata");
            use std::os::unix::fs::MetadataExt as _;
            let about =
                (metadata.mode(), metadata.uid(), metadata.nlink(), metadata.mtime_nsec(), metadata.ctime_nsec());
            let content = if metadata.is_file() { std::fs::read(&path).ok() } else { None };
            if metadata.is_dir() {
                rest.extend(path.read_dir().expect("folder").map(|entry| entry.expect("entry").path()));
            }
            seen.insert(path, format!("{about:?} {content:?}"));
        }
        seen
    }
}

/// Lays out the files that attacks are after.
fn put(root: &Path) {
    for name in ["home/.ssh/id_ed25519", "movable/key"] {
        file(&root.join(name), SECRET, 0o666);
    }
    for name in ["outside/file", "outside/doomed", "outside/owned", "readable/package.json"] {
        file(&root.join(name), "untouched", 0o666);
    }
}

/// Network links of this machine besides the loopback.
fn links() -> Vec<String> {
    let entries = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name != "lo").collect()
}

pub(crate) fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("mode");
}

/// Writes a file that belongs to an ordinary user, so that an ordinary stranger would own it.
#[expect(clippy::disallowed_methods, reason = "a scratch folder of a test")]
pub(crate) fn file(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("written");
    open(path, mode);
    if users::is_root() {
        chown(path, Some(ORDINARY), Some(ORDINARY)).expect("owner");
    }
}
