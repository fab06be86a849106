//! A place to run `mcpsec` in that knows nothing of the machine: own home, own folders, own environment, no way out.
//!
//! Until a test says otherwise, both registries point to a closed loopback port, so that a forgotten server shows as a
//! refused connection and never as a request to the outside.
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    npm::NpmServer,
    output::Output,
    program::{Running, command, find},
    pypi::PypiServer,
};

/// Port 9 (discard) is closed on loopback wherever tests run; connections are refused at once.
const NOWHERE: &str = "http://127.0.0.1:9/";

/// A temporary world with one project folder. It goes when this is dropped.
pub struct TestEnv {
    root: TempDir,
    project: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    binary: Option<PathBuf>,
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEnv {
    /// An empty world.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("mcpsec-test").tempdir().expect("a temporary folder");
        let project = root.path().join("project");
        let mut this = Self { root, project, variables: BTreeMap::new(), binary: None };
        for (name, folder) in [
            ("HOME", "home"),
            ("USERPROFILE", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_DIRS", "etc/xdg"),
            ("MCPSEC_STORE", "store"),
            ("TMPDIR", "tmp"),
            ("PATH", "bin"),
        ] {
            let folder = this.root.path().join(folder);
            make_folder(&folder);
            this.set(name, folder);
        }
        make_folder(&this.project);
        for (name, value) in [
            ("NO_COLOR", "1"),
            ("TZ", "UTC"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C.UTF-8"),
            ("COLUMNS", "100"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("RUST_BACKTRACE", "0"),
            // Trust roots are those built in: tests talk to loopback only.
            ("MCPSEC_TRUST_REFRESH", "off"),
            // Most packages of tests are no servers; those that are say so with `capture`.
            ("MCPSEC_CAPTURE", "off"),
        ] {
            this.set(name, value);
        }
        this.npmrc(&format!("registry={NOWHERE}\n"));
        this.set("UV_DEFAULT_INDEX", format!("{NOWHERE}simple/"));
        this
    }

    /// The folder that holds everything; `[ROOT]` in snapshots.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The project folder, in which commands run.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The store, `MCPSEC_STORE`.
    pub fn store(&self) -> PathBuf {
        self.root.path().join("store")
    }

    /// The user's cache folder.
    pub fn cache(&self) -> PathBuf {
        self.home().join(".cache")
    }

    /// The user's configuration folder.
    pub fn config(&self) -> PathBuf {
        self.home().join(".config")
    }

    /// Runs the following commands in another project folder of the same user.
    pub fn enter_project(&mut self, name: &str) {
        self.project = self.root.path().join(name);
        make_folder(&self.project);
    }

    /// Runs this program instead of the `mcpsec` that cargo built for the test.
    pub fn set_binary(&mut self, path: impl Into<PathBuf>) {
        self.binary = Some(path.into());
    }

    /// Sets an environment variable of the runs.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.variables.insert(name.into(), value.as_ref().into());
    }

    /// Removes an environment variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(OsStr::new(name));
    }

    /// Uses this npm registry, through the user's `.npmrc`.
    pub fn npm(&mut self, server: &NpmServer) {
        self.npmrc(&format!("registry={}\n", server.url()));
    }

    /// Uses this npm registry with a bearer token.
    pub fn npm_with_token(&mut self, server: &NpmServer, token: &str) {
        self.npmrc(&format!("registry={0}\n//127.0.0.1:{1}/:_authToken={token}\n", server.url(), server.port()));
    }

    /// Replaces the user's `.npmrc`.
    pub fn npmrc(&self, text: &str) {
        put(&self.home().join(".npmrc"), text.as_bytes());
    }

    /// Uses this index, through `UV_DEFAULT_INDEX`.
    pub fn pypi(&mut self, server: &PypiServer) {
        self.set("UV_DEFAULT_INDEX", server.url());
    }

    /// Configures the index through the user's `pip.conf` alone.
    pub fn pip_conf(&mut self, text: &str) {
        self.unset("UV_DEFAULT_INDEX");
        put(&self.config().join("pip/pip.conf"), text.as_bytes());
    }

    /// Configures the index through the user's `uv.toml` alone.
    pub fn uv_toml(&mut self, text: &str) {
        self.unset("UV_DEFAULT_INDEX");
        put(&self.config().join("uv/uv.toml"), text.as_bytes());
    }

    /// Makes a program of the outer machine reachable; `false` if it is not installed.
    #[must_use]
    pub fn allow_program(&self, name: &str) -> bool {
        let Some(real) = find(name).and_then(|program| interpreter(name, program)) else { return false };
        let link = self.root.path().join("bin").join(name);
        #[cfg(unix)]
        let linked = std::os::unix::fs::symlink(real, link);
        #[cfg(not(unix))]
        let linked = fs::copy(real, link).map(drop);
        linked.is_ok()
    }

    /// Lets servers be started and captured, with the runtimes of the outer machine; `false` if one of them is missing.
    #[must_use]
    pub fn capture(&mut self, runtimes: &[&str]) -> bool {
        self.unset("MCPSEC_CAPTURE");
        runtimes.iter().all(|name| self.allow_program(name))
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        put(&self.project.join(path), text.as_ref());
    }

    /// Reads a file of the project.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.project.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()))
    }

    /// Whether the project has this file.
    pub fn exists(&self, path: &str) -> bool {
        self.project.join(path).exists()
    }

    /// Replaces `from` in a file of the project, where it must stand.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let before = self.read(path);
        assert!(before.contains(from), "`{from}` is not in `{path}`:\n{before}");
        self.write(path, before.replacen(from, to, 1));
    }

    /// Runs `mcpsec` in the project folder.
    #[track_caller]
    pub fn mcpsec<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let shown: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let shown = shown.join(" ");
        let running = self.start(&arguments);
        Output::new(&running.wait(), shown, self.redactions())
    }

    /// Starts `mcpsec` and does not wait: for runs at the same time, and for runs that are killed.
    #[track_caller]
    pub fn start<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Running {
        Running::start(self.command(arguments), None)
    }

    /// The command that [`TestEnv::mcpsec`] runs, to be changed first.
    #[track_caller]
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let binary = self.binary.clone().unwrap_or_else(|| assert_cmd::cargo::cargo_bin("mcpsec"));
        let mut command = command(binary);
        command.args(arguments).envs(&self.variables).current_dir(&self.project);
        command
    }

    /// Every file below the root that contains this text, as paths relative to it, sorted; links are not followed. Files
    /// that were told the secret (`.npmrc`, `pip.conf`, `uv.toml`) are left out.
    #[must_use]
    pub fn files_with(&self, secret: &str) -> Vec<String> {
        let told = [self.home().join(".npmrc"), self.config().join("pip/pip.conf"), self.config().join("uv/uv.toml")];
        let mut found = Vec::new();
        let mut folders = vec![self.root.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && !told.contains(&path) {
                    let bytes = fs::read(&path).unwrap_or_default();
                    if bytes.windows(secret.len().max(1)).any(|window| window == secret.as_bytes()) {
                        let relative = path.strip_prefix(self.root.path()).unwrap_or(&path);
                        found.push(relative.to_string_lossy().into_owned());
                    }
                }
            }
        }
        found.sort();
        found
    }

    fn redactions(&self) -> Vec<(String, &'static str)> {
        let as_made = self.root.path().to_path_buf();
        // On some systems the temporary folder is behind a link; a program that asks for its folder sees the real one.
        let real = fs::canonicalize(&as_made).unwrap_or_else(|_| as_made.clone());
        let mut texts: Vec<String> = [real, as_made].iter().map(|path| path.display().to_string()).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.into_iter().map(|text| (text, "[ROOT]")).collect()
    }
}

fn make_folder(folder: &Path) {
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("failed to make `{}`: {error}", folder.display()));
}

#[expect(clippy::disallowed_methods, reason = "files of a test's own temporary folder need not be written atomically")]
fn put(path: &Path, bytes: &[u8]) {
    if let Some(folder) = path.parent() {
        make_folder(folder);
    }
    fs::write(path, bytes).unwrap_or_else(|error| panic!("failed to write `{}`: {error}", path.display()));
}

/// What `PATH` calls `python3` may be a shim that needs the rest of its world; the interpreter knows its own place.
fn interpreter(name: &str, program: PathBuf) -> Option<PathBuf> {
    if !name.starts_with("python") {
        return Some(program);
    }
    let script = "import os, sys; print(os.path.realpath(sys.executable))";
    let asked = command(program).args(["-I", "-c", script]).output().ok()?;
    let answer = String::from_utf8(asked.stdout).ok()?;
    Some(PathBuf::from(answer.trim())).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_see_only_what_they_are_given() {
        let mut env = TestEnv::new();
        env.set("MINE", "yes");
        env.set_binary(find("env").expect("a POSIX system has env"));
        let output = env.mcpsec([""; 0]).success();
        let seen = &output.stdout;
        let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert!(names.contains(&"MINE") && names.contains(&"MCPSEC_STORE"), "{seen}");
        let home = env.home().display().to_string();
        assert!(seen.lines().any(|line| line == format!("HOME={home}")), "{seen}");
        assert!(!names.iter().any(|name| name.starts_with("CARGO") || name.contains("PROXY")), "{seen}");
        assert!(output.snapshot().contains("\nHOME=[ROOT]/home\n"), "{}", output.snapshot());
    }

    #[test]
    fn secrets_on_disk_are_found() {
        let env = TestEnv::new();
        env.npmrc("//127.0.0.1:1/:_authToken=hunter2\n");
        assert!(env.files_with("hunter2").is_empty());
        env.write("mcp.lock", "url = \"http://bob:hunter2@127.0.0.1\"");
        assert_eq!(env.files_with("hunter2"), ["project/mcp.lock"]);
    }

    #[test]
    fn runs_can_be_killed() {
        let mut env = TestEnv::new();
        env.set_binary(find("sleep").expect("a POSIX system has sleep"));
        let mut running = env.start(["60"]);
        running.kill();
        assert_eq!(running.wait().code, None);
    }
}
