//! The day the upstream is gone: a new laptop runs a vetted server from the team's registry alone.
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use mcpsec_testkit::TestEnv;

use crate::vetted::Vetted;

/// What `mcpsec run` answers to a handshake and a list of tools.
fn run(env: &TestEnv) -> String {
    let mut child = env
        .command(["run", "prober"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mcpsec starts");
    let mut input = child.stdin.take().expect("a pipe");
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
    writeln!(input, "{hello}\n{list}").expect("a pipe");
    drop(input);
    let output = child.wait_with_output().expect("it ends with its input");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The files of a registry's blob store, largest first.
fn blobs(data: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![data.join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort_by_key(|path| std::cmp::Reverse(path.metadata().map_or(0, |meta| meta.len())));
    found
}

#[test]
fn a_new_laptop_runs_what_was_vetted_when_the_upstream_is_gone() {
    let Some((vetted, npm)) = Vetted::prober() else { return };
    drop(npm);
    let laptop = vetted.colleague();
    let before = run(&laptop);
    assert!(!before.contains("\"tools\""), "nothing is here yet: {before}");
    let _verified = laptop.mcpsec(["verify"]).success().says("2 of 2 files from the team's mirror");
    let answer = run(&laptop);
    assert!(answer.contains("\"tools\"") && answer.contains("probe"), "{answer}");

    // Without the mirror the check says what is missing.
    let off = vetted.colleague();
    vetted.join(&off, "mirror = \"off\"");
    let said = off.mcpsec(["verify"]).exits(3);
    assert!(said.stdout.contains("artifact-hash") && said.stdout.contains("prober@1.0.0"), "{}", said.stdout);

    // And where it is the only place, it is all that is needed.
    let only = vetted.colleague();
    vetted.join(&only, "mirror = \"only\"");
    let _verified = only.mcpsec(["verify"]).success();
    assert!(run(&only).contains("\"tools\""));
}

#[test]
fn a_registry_whose_files_were_tampered_with_is_refused() {
    let Some((vetted, npm)) = Vetted::prober() else { return };
    drop(npm);
    if !vetted.world.backend.is_folder() {
        eprintln!("skipped: this changes files in the folder of blobs");
        return;
    }
    let mut changed = 0;
    for blob in blobs(vetted.world.data.path()) {
        let mut bytes = std::fs::read(&blob).expect("a blob");
        let middle = bytes.len() / 2;
        let Some(byte) = bytes.get_mut(middle) else { continue };
        *byte ^= 1;
        std::fs::remove_file(&blob).expect("ours");
        std::fs::File::create_new(&blob).and_then(|mut file| file.write_all(&bytes)).expect("ours");
        changed += 1;
    }
    assert!(changed >= 2, "both tarballs are in the folder");
    let laptop = vetted.colleague();
    let said = laptop.mcpsec(["verify"]);
    // A registry that notices gives nothing (3); one that does not is refused by whoever asked (1). Never 0.
    assert!(matches!(said.code, Some(1 | 3)), "{}", said.snapshot());
    assert!(!run(&laptop).contains("\"tools\""), "nothing of it runs");
}
