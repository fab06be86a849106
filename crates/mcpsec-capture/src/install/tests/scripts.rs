//! Install scripts: not run, unless the policy names them.
use super::*;
use crate::install::Note;

const ROOT: &str = r#"{"name":"srv","bin":{"srv":"cli.js"}}"#;

fn world(script: &str) -> World {
    let mut world = World::npm();
    let manifest = serde_json::json!({ "name": "dep", "scripts": { "postinstall": script } }).to_string();
    world
        .tarball("npm:srv@1.0.0", &[("package.json", ROOT), ("cli.js", "1")])
        .tarball("npm:dep@1.0.0", &[("package.json", &manifest), ("data", "shipped")])
        .tarball(
            "npm:tool@1.0.0",
            &[("package.json", r#"{"name":"tool","bin":"tool.sh"}"#), ("tool.sh", "#!/bin/sh\necho built > out\n")],
        )
        .edge("npm:srv@1.0.0", "dep", "npm:dep@1.0.0")
        .edge("npm:dep@1.0.0", "tool", "npm:tool@1.0.0");
    world.package("npm:dep@1.0.0").install_scripts = true;
    world
}

fn dep(installed: &InstalledServer, file: &str) -> PathBuf {
    installed.root.join("node_modules/.mcpsec/dep@1.0.0/node_modules/dep").join(file)
}

#[test]
fn they_are_not_run_and_that_is_said() {
    for allowed in [vec![], vec!["npm:dep@1.0.1".into()], vec!["npm:dep".into()], vec!["dep@1.0.0".into()]] {
        let mut world = world("echo ran > out");
        world.allowed = allowed;
        let installed = world.install_in(Some(&sandbox())).expect("installed");
        assert!(!dep(&installed, "out").exists());
        let note = Note::ScriptNotRun { package: "npm:dep@1.0.0".to_owned(), script: "postinstall".to_owned() };
        assert_eq!(installed.notes, [note]);
    }
}

#[test]
fn an_allowed_one_runs_in_its_own_folder_with_its_own_files() {
    let mut world = world("tool && chmod u+w data && echo changed > data");
    world.allowed = vec!["npm:dep@1.0.0".into()];
    let error = world.install().expect_err("no sandbox");
    assert!(matches!(error, InstallError::NoSandbox { .. }), "{error}");
    let installed = world.install_in(Some(&sandbox())).expect("installed");
    assert_eq!(fs::read_to_string(dep(&installed, "out")).expect("made"), "built\n");
    assert_eq!(fs::read_to_string(dep(&installed, "data")).expect("changed"), "changed\n");
    let shared = world.dir.path().join("unpacked/1/data");
    assert_eq!(fs::read_to_string(shared).expect("store"), "shipped", "the store's file is another");
    assert!(matches!(&installed.notes[..], [Note::ScriptRun { .. }]), "{:?}", installed.notes);
    assert_eq!(world.install().expect("found again"), installed);
}

#[test]
fn one_that_writes_elsewhere_spoils_the_installation() {
    // No sandbox holds it here, so that what the sandbox should have refused is found afterwards.
    for script in [
        "chmod u+w ../../../srv@1.0.0/node_modules/srv; echo x > ../../../srv@1.0.0/node_modules/srv/new.js",
        "rm -f ../tool; ln -s /tmp ../tool",
    ] {
        let mut world = world(script);
        world.allowed = vec!["npm:dep@1.0.0".into()];
        let error = world.install_in(Some(&sandbox())).expect_err(script);
        assert!(matches!(error, InstallError::Changed { .. }), "{script}: {error}");
    }
}

#[test]
fn one_that_fails_is_an_error_with_its_words() {
    let mut world = world("echo broken >&2; exit 3");
    world.allowed = vec!["npm:dep@1.0.0".into()];
    let error = world.install_in(Some(&sandbox())).expect_err("failed");
    let InstallError::Script { reason, .. } = error else { panic!("{error}") };
    assert!(reason.contains('3') && reason.contains("broken"), "{reason}");
}
