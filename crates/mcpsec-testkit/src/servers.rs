//! MCP servers that behave in every good and bad way, as one script: `testdata/servers/fake.py MODE`.
//!
//! The script's own text says what each mode does. It needs a Python, which tests take from the developer's machine.
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// How a fake server is started: the interpreter and its arguments. Says on stderr that the test is skipped when there is
/// no Python.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn fake(mode: &str) -> Option<(PathBuf, Vec<String>)> {
    let Some(python) = python() else {
        eprintln!("skipped: there is no `python3` on PATH");
        return None;
    };
    // Isolated (`-I`) would hide PYTHONHASHSEED, which is one of the things to see; site packages are not needed.
    Some((python, vec!["-S".to_owned(), script().to_string_lossy().into_owned(), mode.to_owned()]))
}

/// The script.
pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers/fake.py")
}

/// A Python interpreter on the outer `PATH`: the first that is a program and not a script that looks for one, since such a
/// script needs an environment that tests do not have.
#[expect(clippy::disallowed_methods, reason = "tests look for runtimes where the developer has them")]
pub fn python() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && &start != b"#!"
}
