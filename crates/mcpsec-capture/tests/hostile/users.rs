//! Tests as root are repeated as an ordinary user, in a process of that user.
use std::{
    ffi::OsString,
    os::unix::fs::{MetadataExt as _, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use mcpsec_testkit::program;

/// Becomes the ordinary user, without groups and without any privilege.
pub(crate) const AS_ORDINARY_USER: [&str; 6] =
    ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];

/// Name of an environment variable of the test's own process, whose value no stranger may see.
pub(crate) const OUTER_SECRET: &str = "MCPSEC_HOSTILE_OUTER_SECRET";
/// Set in the process of the ordinary user: the folder with what it may not be able to reach otherwise.
const HANDED: &str = "MCPSEC_HOSTILE_HANDED";
/// Set to the process for which a test is repeated in another environment.
const VARIANT: &str = "MCPSEC_HOSTILE_VARIANT";

#[expect(clippy::disallowed_methods, reason = "how a test is told what it is repeated for")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// In which way this test is repeated, if it is.
pub(crate) fn variant() -> Option<String> {
    variable(VARIANT).and_then(|variant| variant.into_string().ok())
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

/// The sandbox's launcher.
pub(crate) fn stage() -> PathBuf {
    variable(HANDED)
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_mcpsec-stage")), |folder| Path::new(&folder).join("stage"))
}

/// A program that belongs to root and starts as root, if there can be one: only root makes them.
pub(crate) fn setuid_program(root: &Path) -> Option<PathBuf> {
    if let Some(folder) = variable(HANDED) {
        return Some(Path::new(&folder).join("setuid-id"));
    }
    is_root().then(|| plant_setuid(&root.join("readable")))
}

/// A copy of id(1) is as harmless as can be: it says who it is.
fn plant_setuid(folder: &Path) -> PathBuf {
    let planted = folder.join("setuid-id");
    std::fs::copy("/usr/bin/id", &planted).expect("id(1)");
    std::fs::set_permissions(&planted, PermissionsExt::from_mode(0o4755)).expect("mode");
    planted
}

/// Repeats a test in a process of an ordinary user. Skipped, with words, where that is what this is anyway or cannot be.
pub(crate) fn again(test: &str) {
    if !is_root() {
        eprintln!("skipped: the tests run as an ordinary user already");
        return;
    }
    if !Path::new(AS_ORDINARY_USER[0]).exists() {
        eprintln!("skipped: no setpriv(1) to become an ordinary user with");
        return;
    }
    let folder = tempfile::Builder::new().prefix("mcpsec-handed-").tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("mode");
    let this = std::env::current_exe().expect("the test's own file");
    for (from, to) in [(this.as_path(), "tests"), (&stage(), "stage")] {
        let to = folder.path().join(to);
        let open = from.metadata().is_ok_and(|metadata| metadata.mode() & 0o5 == 0o5);
        if !open || std::fs::hard_link(from, &to).is_err() {
            std::fs::copy(from, &to).expect("copied");
            std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755)).expect("mode");
        }
    }
    plant_setuid(folder.path());
    let mut command = command(AS_ORDINARY_USER[0]);
    command.args(&AS_ORDINARY_USER[1..]).arg(folder.path().join("tests")).args([test, "--exact", "--nocapture"]);
    command.env(HANDED, folder.path());
    judge(command, test);
}

/// Repeats a test in a process of the same user that is started by a shell, for what only a shell sets up: `script` gets the
/// test's command as `"$@"`.
pub(crate) fn again_from_shell(test: &str, variant: &str, script: &str) {
    let mut command = command("/bin/sh");
    let this = std::env::current_exe().expect("the test's own file");
    command.args(["-c", script, "sh"]).arg(this).args([test, "--exact", "--nocapture"]);
    vary(&mut command, variant);
    judge(command, test);
}

/// The command that repeats a test in a process of the same user.
pub(crate) fn repeated(test: &str, variant: &str) -> Command {
    let this = std::env::current_exe().expect("the test's own file");
    let mut command = command(this.to_str().expect("a name"));
    command.args([test, "--exact", "--nocapture"]);
    vary(&mut command, variant);
    command
}

fn vary(command: &mut Command, variant: &str) {
    command.env(VARIANT, variant).env(OUTER_SECRET, crate::stand::SECRET);
    if let Some(folder) = variable(HANDED) {
        command.env(HANDED, folder);
    }
}

#[expect(clippy::disallowed_methods, reason = "starts this test again")]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    if let Some(python) = program::find("python3").filter(|_| !Path::new("/usr/bin/python3").exists()) {
        command.env("PATH", python.parent().expect("a folder"));
    }
    command
}

fn judge(mut command: Command, test: &str) {
    let done = command.current_dir("/").output().expect("the test starts");
    let said = format!("{}\n{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    eprintln!("{said}");
    assert!(done.status.success() && said.contains("1 passed"), "{test} failed when it was repeated");
}
