//! Python servers: environments from wheels, and wheels that want more than their place.
use super::*;
use crate::install::{Note, RecordProblem};

const SCRIPTS: &str = "[console_scripts]\nsrv = srv.main:run\n";

fn simple(files: &[(&str, &str)]) -> World {
    let mut world = World::python();
    let mut all =
        vec![("srv-1.0.dist-info/entry_points.txt", SCRIPTS), ("srv/main.py", "def run():\n    print('hi')\n")];
    all.extend(files);
    world.wheel("pypi:srv@1.0", &all);
    world
}

const SITE: &str = "lib/python3.12/site-packages";

#[test]
fn wheels_go_where_the_specification_says() {
    let world = simple(&[
        ("srv-1.0.data/purelib/pure.py", ""),
        ("srv-1.0.data/platlib/plat.py", ""),
        ("srv-1.0.data/scripts/tool", "#!python -x\nprint(1)\n"),
        ("srv-1.0.data/scripts/sh", "#!/bin/sh\n"),
        ("srv-1.0.data/headers/a.h", ""),
        ("srv-1.0.data/data/share/man/x.1", ""),
        ("srv/__pycache__/main.cpython-312.pyc", "other code"),
    ]);
    let installed = world.install().expect("installed");
    let found = paths(&installed.root);
    for path in [
        "pyvenv.cfg",
        "bin/python",
        "bin/srv",
        "bin/tool",
        "include/site/python3.12/srv/a.h",
        "share/man/x.1",
        &format!("{SITE}/pure.py"),
        &format!("{SITE}/plat.py"),
        &format!("{SITE}/srv/main.py"),
        &format!("{SITE}/srv-1.0.dist-info/INSTALLER"),
        &format!("{SITE}/srv-1.0.dist-info/RECORD"),
    ] {
        assert!(found.contains(path), "{path} of {found:#?}");
    }
    assert!(!found.iter().any(|path| path.contains("__pycache__")), "compiled files are not believed");
    let tool = fs::read_to_string(installed.root.join("bin/tool")).expect("tool");
    let head = tool.lines().next().expect("line");
    assert!(head.ends_with("/bin/python") || head == "#!/bin/sh", "{tool}");
    assert!(tool.ends_with("print(1)\n") && !tool.contains("-x"), "{tool}");
    assert_eq!(fs::read_to_string(installed.root.join("bin/sh")).expect("sh"), "#!/bin/sh\n");
    assert_eq!(installed.program, installed.root.join("bin/python"));
    assert_eq!(args(&installed)[..2], ["-I", "-B"]);
}

#[test]
fn record_must_be_right_about_every_file() {
    let hash = |text: &str| URL_SAFE_NO_PAD.encode(Digest::sha256_of(text.as_bytes()).as_bytes());
    let fine = |path: &str, text: &str| format!("{path},sha256={},{}\n", hash(text), text.len());
    let (meta, wheel) = ("Metadata-Version: 2.1\nName: srv\nVersion: 1.0\n", "Wheel-Version: 1.0\n");
    let whole = [
        fine("srv-1.0.dist-info/METADATA", meta),
        fine("srv-1.0.dist-info/WHEEL", wheel),
        fine("srv-1.0.dist-info/entry_points.txt", SCRIPTS),
        "srv-1.0.dist-info/RECORD,,\n".to_owned(),
    ]
    .concat();
    let code = "def run(): pass\n";
    let cases = [
        (String::new(), Some(RecordProblem::Unlisted)),
        (fine("srv/main.py", code), None),
        (fine("srv/main.py", "other"), Some(RecordProblem::Hash)),
        (format!("srv/main.py,sha256={},3\n", hash(code)), Some(RecordProblem::Size)),
        ("srv/main.py,,\n".to_owned(), Some(RecordProblem::Weak)),
        ("srv/main.py,md5=AAAA,\n".to_owned(), Some(RecordProblem::Weak)),
        (fine("srv/main.py", code) + &fine("gone.py", code), Some(RecordProblem::Missing)),
        (fine("srv/main.py", code) + "srv/main.py,sha256=x,\n", Some(RecordProblem::Twice)),
        ("srv/main.py\n".to_owned(), Some(RecordProblem::Malformed)),
        (
            format!("srv/main.py,sha512={},\n", URL_SAFE_NO_PAD.encode(Digest::sha512_of(code.as_bytes()).as_bytes())),
            None,
        ),
    ];
    for (lines, expected) in cases {
        let mut world = World::python();
        world.wheel(
            "pypi:srv@1.0",
            &[
                ("srv-1.0.dist-info/METADATA", meta),
                ("srv-1.0.dist-info/WHEEL", wheel),
                ("srv-1.0.dist-info/entry_points.txt", SCRIPTS),
                ("srv-1.0.dist-info/RECORD", &format!("{whole}{lines}")),
                ("srv/main.py", code),
            ],
        );
        match (world.install(), expected) {
            (Ok(_), None) => {}
            (Err(InstallError::Record { problem, .. }), Some(expected)) => assert_eq!(problem, expected, "{lines}"),
            (other, expected) => panic!("{lines}: {expected:?}, {other:?}"),
        }
    }
}

#[test]
fn wheels_that_are_none_are_refused() {
    let cases: [&[(&str, &str)]; 6] = [
        &[("srv-1.0.dist-info/WHEEL", "Wheel-Version: 2.0\n")],
        &[("srv-1.0.dist-info/WHEEL", "Root-Is-Purelib: true\n")],
        &[("srv-1.0.data/elsewhere/x", "")],
        &[("srv-1.0.data/scripts/a/b", "")],
        &[("other-1.0.data/purelib/x.py", "")],
        &[("srv-1.0.data/data/lib/python3.11/site-packages/x.py", "")],
    ];
    for files in cases {
        let error = simple(files).refused();
        assert!(matches!(error, InstallError::Wheel { .. }), "{files:?}: {error}");
    }
    let mut world = World::python();
    world.wheel("pypi:srv@1.0", &[("other-1.0.dist-info/METADATA", "")]);
    assert!(matches!(world.refused(), InstallError::Wheel { .. }), "two dist-info folders");
    let error = simple(&[("srv/link.py", "-> main.py")]).refused();
    assert!(matches!(error, InstallError::Record { .. } | InstallError::Wheel { .. }), "{error}");
}

#[test]
fn the_environments_own_files_are_not_for_packages() {
    for path in ["pyvenv.cfg", "bin/python", "bin/python3", "bin/python/x", ".mcpsec-start.json", "bin"] {
        let error = simple(&[(&format!("srv-1.0.data/data/{path}"), "evil")]).refused();
        assert!(matches!(error, InstallError::Clobber { .. }), "{path}: {error}");
    }
    let error = simple(&[("srv-1.0.data/data/BIN/x", "")]).refused();
    assert!(matches!(error, InstallError::Case { .. }), "{error}");
}

#[test]
fn two_wheels_do_not_share_a_file_unless_it_is_the_same() {
    let mut world = simple(&[("shared/__init__.py", "")]);
    world.wheel("pypi:dep@1.0", &[("shared/__init__.py", ""), ("shared/dep.py", "")]).edge(
        "pypi:srv@1.0",
        "dep",
        "pypi:dep@1.0",
    );
    world.install().expect("equal files");
    for (path, case) in [("srv/main.py", false), ("srv/MAIN.py", true)] {
        let mut world = simple(&[]);
        world.wheel("pypi:dep@1.0", &[(path, "evil")]).edge("pypi:srv@1.0", "dep", "pypi:dep@1.0");
        let error = world.refused();
        assert!(
            matches!((&error, case), (InstallError::Clobber { .. }, false) | (InstallError::Case { .. }, true)),
            "{error}"
        );
    }
}

#[test]
fn nothing_runs_merely_because_it_is_installed() {
    let mut world = simple(&[
        ("evil.pth", "import os; os.system('id')\nextra\n../../outside\n/abs\n# comment\n"),
        ("sitecustomize.py", "raise SystemExit(9)"),
        ("usercustomize/__init__.py", "raise SystemExit(9)"),
        ("srv-1.0.data/purelib/EVIL2.PTH", "import os"),
        ("extra/found.py", "v = 'found'\n"),
    ]);
    world.wheel("pypi:dep@1.0", &[("main2.py", "import found\n")]).edge("pypi:srv@1.0", "dep", "pypi:dep@1.0");
    let installed = world.install().expect("installed");
    let found = paths(&installed.root);
    let pth: Vec<&String> = found.iter().filter(|path| path.to_lowercase().ends_with(".pth")).collect();
    assert_eq!(pth, [&format!("{SITE}/_mcpsec_paths.pth")]);
    assert_eq!(fs::read_to_string(installed.root.join(pth[0])).expect("pth"), "extra\n");
    assert!(!found.iter().any(|path| path.contains("customize")), "{found:#?}");
    let told: Vec<&str> = installed
        .notes
        .iter()
        .filter_map(|note| if let Note::NotInstalled { file, .. } = note { Some(file.as_str()) } else { None })
        .collect();
    assert_eq!(told, ["EVIL2.PTH", "evil.pth", "sitecustomize.py", "usercustomize/__init__.py"]);
}

#[test]
fn the_interpreter_must_suit() {
    let world = simple(&[]);
    world.fake("python3", "3.10.1", "");
    let error = world.refused();
    assert!(matches!(error, InstallError::Runtime(_)) && error.remedy().is_some(), "{error}");
    let mut world = simple(&[]);
    world.package("pypi:srv@1.0").requires_python = Some(">=3.12.5".into());
    assert!(matches!(world.refused(), InstallError::Runtime(_)), "3.12.4 is too old");
    // A later one on the path is found by its own name.
    world.fake("python3.12", "3.12.9", "");
    world.install().expect("installed");
    let mut world = simple(&[]);
    world.package("pypi:srv@1.0").artifacts[0].file = "srv-1.0-cp312-cp312-win_amd64.whl".into();
    assert!(matches!(world.refused(), InstallError::NeedsBuild { .. }));
    let mut world = World::python();
    world.add("pypi:srv@1.0", ArtifactKind::Sdist, "srv-1.0.tar.gz", &[("setup.py", "")]);
    let error = world.refused();
    assert!(matches!(error, InstallError::NeedsBuild { .. }) && error.remedy().is_some(), "{error}");
}

#[test]
fn scripts_are_chosen_by_name() {
    let mut world = simple(&[]);
    world.entry = EntryPoint::PythonScript("other".into());
    let error = world.refused();
    let InstallError::NoEntryPoint { offered, .. } = error else { panic!("{error}") };
    assert_eq!(offered, "srv");
    world.entry = EntryPoint::Unknown;
    world.install().expect("the only one");
}

#[test]
fn a_real_python_sees_only_this() {
    let main = "import sys, importlib.metadata as m, json\ndef run():\n    import found, dep\n    print(json.dumps([m.version('srv'), found.v, dep.v, dep.__spec__.cached is not None, sys.flags.isolated, [p for p in sys.path if 'site-packages' in p or 'dist-packages' in p], sys.prefix, sys.argv[0], __import__('os').path.exists(__spec__.cached)]))\n";
    let mut world = World::python();
    world
        .wheel(
            "pypi:srv@1.0",
            &[
                ("srv-1.0.dist-info/entry_points.txt", SCRIPTS),
                ("srv/main.py", main),
                ("x.pth", "extra\nimport sys; sys.exit(9)\n"),
                ("extra/found.py", "v = 'found'\n"),
            ],
        )
        .wheel("pypi:dep@1.0", &[("dep.py", "v = 'dep'\n"), ("not_python.py", "this is no python(")])
        .edge("pypi:srv@1.0", "dep", "pypi:dep@1.0");
    world.targets = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
        .iter()
        .map(|minor| format!("{PLATFORM}/{minor}").parse().expect("target"))
        .collect();
    if !world.use_real("python3") {
        return;
    }
    let installed = world.install_in(Some(&sandbox())).expect("installed");
    let answer: serde_json::Value = serde_json::from_str(&output(&installed)).expect("JSON");
    let root = installed.root.to_string_lossy();
    assert_eq!(answer[0], "1.0");
    assert_eq!((&answer[1], &answer[2]), (&"found".into(), &"dep".into()));
    assert_eq!(answer[4], 1, "isolated");
    assert_eq!(answer[6], root.as_ref());
    let seen = answer[5].as_array().expect("list");
    assert!(
        !seen.is_empty() && seen.iter().all(|path| path.as_str().is_some_and(|path| path.starts_with(root.as_ref())))
    );
    assert_eq!(answer[8], true, "compiled ahead");
    assert!(!installed.notes.iter().any(|note| matches!(note, Note::NotCompiled { .. })), "{:?}", installed.notes);
    let again = world.install().expect("found again");
    assert_eq!(again, installed);
}
