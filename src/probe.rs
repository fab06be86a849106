//! The one place that starts programs on behalf of settings: it asks installed runtimes about themselves.
//!
//! Two questions: which CPython minor is installed (to choose wheels for this machine), and which default index the user's
//! own `uv` or `pip` declares (mcpsec has no host name built in). Answers are remembered beside the HTTP cache, keyed by the
//! program's path, size and modification time, so a warm run starts nothing.
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant, UNIX_EPOCH},
};

use mcpsec_model::{target::PythonMinor, url::SafeUrl};
use serde::{Deserialize, Serialize};

const TIMEOUT: Duration = Duration::from_secs(10);
const OUTPUT_LIMIT: u64 = 1 << 20;
const FILE_LIMIT: u64 = 1 << 20;

/// Asks programs and remembers their answers.
pub(crate) struct Probe {
    path: Vec<PathBuf>,
    memory_file: PathBuf,
    memory: Memory,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    answers: BTreeMap<String, String>,
}

impl Probe {
    /// `path` is the folders of `PATH`; `cache` is mcpsec's cache folder.
    pub(crate) fn new(path: Vec<PathBuf>, cache: &Path) -> Self {
        let memory_file = cache.join("probes.json");
        // A broken memory is an empty one: everything in it can be asked again.
        let memory = crate::files::read_text(&memory_file, FILE_LIMIT)
            .ok()
            .flatten()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Self { path, memory_file, memory }
    }

    /// The CPython minor that `python3` (or `python`) on the path is.
    pub(crate) fn python(&mut self) -> Option<PythonMinor> {
        let script = "import sys; print('%d.%d' % sys.version_info[:2])";
        for name in ["python3", "python"] {
            if let Some(answer) = self.ask("python", name, &["-I", "-c", script], |output| {
                output.trim().parse::<PythonMinor>().ok().map(|minor| minor.to_string())
            }) {
                return answer.parse().ok();
            }
        }
        None
    }

    /// The default index that the user's `uv` or `pip` declares in its help.
    pub(crate) fn default_index(&mut self) -> Option<SafeUrl> {
        let questions: [(&str, &[&str]); 4] = [
            ("uv", &["pip", "install", "--help"]),
            ("pip3", &["download", "--help"]),
            ("pip", &["download", "--help"]),
            ("python3", &["-I", "-m", "pip", "download", "--help"]),
        ];
        for (name, arguments) in questions {
            let answer = self.ask("index", name, arguments, |output| {
                mcpsec_fetch::pypi::default_index_from_help(output).map(|url| url.expose().to_string())
            });
            if let Some(answer) = answer {
                return answer.parse().ok();
            }
        }
        None
    }

    fn ask(
        &mut self,
        question: &str,
        program: &str,
        arguments: &[&str],
        read: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let program = self.find(program)?;
        let key = format!("{question} {}", identity(&program)?);
        if let Some(answer) = self.memory.answers.get(&key) {
            return Some(answer.clone());
        }
        let answer = read(&output_of(&program, arguments)?)?;
        self.memory.answers.insert(key, answer.clone());
        // Forgetting only costs a question next time, so a read-only cache is no error.
        if let Ok(text) = serde_json::to_string_pretty(&self.memory)
            && let Err(error) = crate::files::replace(&self.memory_file, &text)
        {
            tracing::debug!("cannot remember {question}: {error}");
        }
        Some(answer)
    }

    /// Finds a program on the path; never in the current folder, which may be the stranger's.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        let names: Vec<String> = if cfg!(windows) {
            ["exe", "cmd", "bat"].iter().map(|extension| format!("{program}.{extension}")).collect()
        } else {
            vec![program.to_owned()]
        };
        let folders = self.path.iter().filter(|folder| folder.is_absolute());
        folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).find(|file| is_program(file))
    }
}

fn is_program(file: &Path) -> bool {
    let Ok(meta) = fs::metadata(file) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        meta.is_file() && meta.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        meta.is_file()
    }
}

fn identity(program: &Path) -> Option<String> {
    let meta = fs::metadata(program).ok()?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", program.display(), meta.len(), modified.as_nanos()))
}

/// Runs a program with a time limit and gives its standard output, if it ended well.
fn output_of(program: &Path, arguments: &[&str]) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks runtimes about themselves")]
    let child = std::process::Command::new(program)
        .args(arguments)
        // Not in the current folder, which may be a stranger's: interpreters look there for modules, tools for settings.
        .current_dir(program.parent()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.ok()?;
    let mut stdout = child.stdout.take()?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.by_ref().take(OUTPUT_LIMIT).read_to_string(&mut text).map(|_| text)
    });
    let ended_well = wait(&mut child);
    let text = reader.join().ok()?.ok()?;
    ended_well.then_some(text)
}

fn wait(child: &mut Child) -> bool {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                // A child that is already gone needs no killing.
                let _gone = child.kill();
                let _reaped = child.wait();
                return false;
            }
        }
    }
}
