//! Runtimes that are there, that lie, and that are not there.
use std::{fs, path::Path};

use super::*;

fn program(dir: &Path, name: &str, script: &str) -> PathBuf {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};
    let path = dir.join(name);
    let mut file = fs::File::create(&path).expect("create");
    file.write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).expect("write");
    file.set_permissions(fs::Permissions::from_mode(0o755)).expect("chmod");
    path
}

fn answer(dir: &Path, version: &str) -> String {
    let real = dir.join("real");
    drop(fs::File::create(&real).expect("create"));
    format!("printf '{{\"name\":\"node\",\"version\":\"{version}\",\"program\":\"{}\"}}'", real.display())
}

fn node(path: &[PathBuf], memory: Option<&Path>) -> Result<FoundRuntime, RuntimeError> {
    let suits = |found: &FoundRuntime| {
        if found.version.starts_with("20.") { Ok(()) } else { Err("not 20".to_owned()) }
    };
    find(RuntimeKind::Node, Search { path, memory }, &BTreeSet::new(), "20", &suits)
}

#[test]
fn the_first_that_suits_is_taken_and_the_others_are_named() {
    let (old, new) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    let paths = [PathBuf::from("relative"), old.path().to_owned(), new.path().to_owned()];
    assert_eq!(node(&paths, None), Err(RuntimeError::Missing { kind: RuntimeKind::Node }));
    program(old.path(), "node", &answer(old.path(), "18.1.0"));
    let Err(RuntimeError::Unsuitable { found, .. }) = node(&paths, None) else { panic!("too old") };
    assert!(found.contains("18.1.0 (not 20)"), "{found}");
    program(new.path(), "node", &answer(new.path(), "20.1.0"));
    let found = node(&paths, None).expect("found");
    assert_eq!((found.version.as_str(), found.program), ("20.1.0", new.path().join("real")));
    assert!(found.read.contains(&new.path().join("real")));
}

#[test]
fn nonsense_is_no_runtime() {
    for script in ["exit 1", "echo hello", "printf '{\"name\":\"deno\",\"version\":\"1.0.0\",\"program\":\"/x\"}'"] {
        let dir = tempfile::tempdir().expect("dir");
        program(dir.path(), "node", script);
        assert!(matches!(node(&[dir.path().to_owned()], None), Err(RuntimeError::Unsuitable { .. })), "{script}");
    }
}

#[test]
fn an_answer_is_remembered_until_the_program_changes() {
    let dir = tempfile::tempdir().expect("dir");
    let memory = dir.path().join("cache/runtimes.json");
    let counted = format!("echo x >> {}/count; {}", dir.path().display(), answer(dir.path(), "20.1.0"));
    program(dir.path(), "node", &counted);
    let count = || fs::read_to_string(dir.path().join("count")).expect("count").lines().count();
    for _time in 0..3 {
        node(&[dir.path().to_owned()], Some(&memory)).expect("found");
    }
    assert_eq!(count(), 1);
    let mut real = fs::File::options().append(true).open(dir.path().join("real")).expect("open");
    std::io::Write::write_all(&mut real, b"new").expect("write");
    node(&[dir.path().to_owned()], Some(&memory)).expect("found");
    assert_eq!(count(), 2);
}

#[test]
fn this_machines_runtimes_say_who_they_are() {
    let path: Vec<PathBuf> = ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(PathBuf::from).collect();
    let search = Search { path: &path, memory: None };
    for (kind, name) in [(RuntimeKind::Node, "node"), (RuntimeKind::Python, "python3")] {
        if !path.iter().any(|folder| folder.join(name).exists()) {
            continue;
        }
        let found = find(kind, search, &BTreeSet::new(), "any", &|_| Ok(())).expect("found");
        assert!(found.program.is_absolute() && found.program.exists());
        assert_eq!(found.python.is_some(), kind == RuntimeKind::Python);
        assert!(!found.read.iter().any(|path| path == Path::new("/") || path == Path::new("/usr")), "{:?}", found.read);
    }
}
