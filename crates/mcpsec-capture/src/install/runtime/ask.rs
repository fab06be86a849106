//! Asking a runtime about itself, and remembering the answer.
//!
//! The question is a fixed program of our own, started with nothing of the user's start-up files. An answer is kept for as
//! long as the file on the path and the program it named are the same by size and time.
use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, UNIX_EPOCH},
};

use mcpsec_model::target::PythonMinor;
use serde::{Deserialize, Serialize};

use super::{FoundRuntime, PythonDetails, RuntimeKind, reads};

const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST: u64 = 1 << 20;

const NODE: &str = r"
const report = process.report && process.platform !== 'win32' ? process.report : null;
if (report) report.excludeNetwork = true;
process.stdout.write(JSON.stringify({
  name: process.release.name, version: process.versions.node, program: process.execPath,
  libraries: report ? report.getReport().sharedObjects : [],
}));";

const PYTHON: &str = r"
import json, os, sys, sysconfig
def libc():
    try:
        name, version = os.confstr('CS_GNU_LIBC_VERSION').split()
        return [int(part) for part in version.split('.')[:2]] if name == 'glibc' else None
    except (AttributeError, ValueError, OSError, TypeError):
        return None
def macos():
    if sys.platform != 'darwin': return None
    import platform
    return [int(part) for part in (platform.mac_ver()[0] + '.0').split('.')[:2]]
def libraries():
    try:
        with open('/proc/self/maps') as maps:
            return sorted({line.split(None, 5)[5].strip() for line in maps if line.count('/')})
    except OSError:
        return []
for module in ('hashlib', 'ssl', 'ctypes', 'sqlite3', 'lzma', 'bz2'):
    try: __import__(module)
    except Exception: pass
program = os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable)
print(json.dumps({
  'name': sys.implementation.name, 'version': '%d.%d.%d' % sys.version_info[:3], 'program': program,
  'libraries': libraries(), 'prefix': sys.base_prefix,
  'folders': [sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib')] + [p for p in sys.path if p],
  'gil_disabled': bool(sysconfig.get_config_var('Py_GIL_DISABLED')), 'debug': hasattr(sys, 'gettotalrefcount'),
  'glibc': libc(), 'macos': macos(),
}))";

/// What a runtime says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) program: PathBuf,
    #[serde(default)]
    pub(super) libraries: Vec<PathBuf>,
    #[serde(default)]
    pub(super) prefix: Option<PathBuf>,
    #[serde(default)]
    pub(super) folders: Vec<PathBuf>,
    #[serde(default)]
    gil_disabled: bool,
    #[serde(default)]
    debug: bool,
    #[serde(default)]
    glibc: Option<(u16, u16)>,
    #[serde(default)]
    macos: Option<(u16, u16)>,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// By kind and identity of the file on the path: the identity of the program then, and its answer.
    answers: BTreeMap<String, (String, Answer)>,
}

/// Answers of earlier runs.
pub(super) struct Memory<'a> {
    file: Option<&'a Path>,
    kept: Kept,
}

impl<'a> Memory<'a> {
    /// A broken memory is an empty one: everything in it can be asked again.
    pub(super) fn open(file: Option<&'a Path>) -> Self {
        let read = |file: &Path| {
            let mut text = String::new();
            fs::File::open(file).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
            serde_json::from_str(&text).ok()
        };
        Self { file, kept: file.and_then(read).unwrap_or_default() }
    }

    pub(super) fn ask(&mut self, kind: RuntimeKind, program: &Path) -> Option<FoundRuntime> {
        let key = format!("{} {}", kind.as_str(), identity(program)?);
        if let Some((then, answer)) = self.kept.answers.get(&key)
            && identity(&answer.program).as_ref() == Some(then)
        {
            return understood(kind, answer);
        }
        let arguments: &[&str] = match kind {
            RuntimeKind::Node => &["-e", NODE],
            RuntimeKind::Python => &["-I", "-S", "-c", PYTHON],
        };
        let output = output_of(program, arguments)?;
        let answer: Answer = serde_json::from_str(output.trim()).ok()?;
        let found = understood(kind, &answer)?;
        self.kept.answers.insert(key, (identity(&answer.program)?, answer));
        self.remember();
        Some(found)
    }

    /// Forgetting only costs a question next time, so a read-only cache is no error.
    fn remember(&self) {
        let Some((file, folder)) = self.file.and_then(|file| Some((file, file.parent()?))) else { return };
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut new = tempfile::NamedTempFile::new_in(folder)?;
            new.write_all(&serde_json::to_vec(&self.kept)?)?;
            new.persist(file).map_err(|error| error.error)?;
            Ok(())
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "cannot remember what a runtime said");
        }
    }
}

fn understood(kind: RuntimeKind, answer: &Answer) -> Option<FoundRuntime> {
    let plain = |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic());
    if !answer.program.is_absolute() || !plain(&answer.version) || !plain(&answer.name) {
        return None;
    }
    let python = match kind {
        RuntimeKind::Node if answer.name != "node" => return None,
        RuntimeKind::Node => None,
        RuntimeKind::Python => {
            let (minor, _) = answer.version.rsplit_once('.')?;
            Some(PythonDetails {
                minor: minor.parse::<PythonMinor>().ok()?,
                implementation: answer.name.clone(),
                gil_disabled: answer.gil_disabled,
                debug: answer.debug,
                glibc: answer.glibc,
                macos: answer.macos,
            })
        }
    };
    let (program, version) = (answer.program.clone(), answer.version.as_str().into());
    Some(FoundRuntime { kind, program, version, read: reads::of(answer), python })
}

fn identity(program: &Path) -> Option<String> {
    let meta = fs::metadata(program).ok()?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", program.display(), meta.len(), modified.as_nanos()))
}

/// Runs a runtime of the user with a question of ours and gives its standard output, if it ended well and in time.
fn output_of(program: &Path, arguments: &[&str]) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "asks the user's own runtime about itself; no stranger's code runs")]
    let mut command = Command::new(program);
    // What would make a runtime load something before our question.
    for name in ["NODE_OPTIONS", "NODE_PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"] {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        // Not in the current folder, which may be a stranger's.
        .current_dir(program.parent()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.by_ref().take(LONGEST).read_to_string(&mut text).map(|_| text)
    });
    if !ended_well(&mut child) {
        return None;
    }
    reader.join().ok()?.ok()
}

fn ended_well(child: &mut Child) -> bool {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                let _ended_already = child.kill();
                let _status = child.wait();
                return false;
            }
        }
    }
}
