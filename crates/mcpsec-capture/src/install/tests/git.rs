//! Projects of git repositories, run from their sources.
use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn archive(world: &mut World, folder: &str, files: &[(&str, &str)]) {
    let fragment = if folder.is_empty() { String::new() } else { format!("#subdirectory={folder}") };
    let id = format!("git+https://h.invalid/o/r@{COMMIT}{fragment}");
    world.add(&id, ArtifactKind::GitArchive, "r.tar", files);
}

#[test]
fn an_npm_project_in_a_folder_of_a_repository() {
    let mut world = World::npm();
    archive(
        &mut world,
        "pkgs/srv",
        &[
            ("LICENSE", "text"),
            ("pkgs/other/stranger.js", "no part of it"),
            ("pkgs/srv/package.json", r#"{"name":"@o/srv","bin":{"srv":"cli.js"}}"#),
            ("pkgs/srv/cli.js", "console.log(require('dep').v)"),
            ("pkgs/srv/LICENSE", "-> ../../LICENSE"),
            ("pkgs/srv/inside", "-> cli.js"),
            ("pkgs/srv/outside", "-> ../../../../etc/passwd"),
            ("pkgs/srv/dangling", "-> ../nothing"),
        ],
    );
    world.tarball("npm:dep@1.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 'dep'")]);
    let root = world.root.clone().expect("root").to_string();
    world.edge(&root, "dep", "npm:dep@1.0.0");
    let installed = world.install().expect("installed");
    let top = installed.root.join("node_modules/@o/srv");
    assert_eq!(fs::read_to_string(top.join("LICENSE")).expect("file"), "text");
    assert!(top.join("LICENSE").symlink_metadata().expect("metadata").is_file(), "a link out became its file");
    assert_eq!(fs::read_link(top.join("inside")).expect("link"), Path::new("cli.js"));
    assert!(top.join("outside").symlink_metadata().is_err() && top.join("dangling").symlink_metadata().is_err());
    assert!(!paths(&installed.root).iter().any(|path| path.ends_with("stranger.js")));
    if world.use_real("node") {
        assert_eq!(output(&world.install().expect("installed")), "dep\n");
    }
}

#[test]
fn a_program_that_only_a_build_makes_is_said_so() {
    let mut world = World::npm();
    archive(&mut world, "", &[("package.json", r#"{"name":"srv","bin":{"srv":"dist/cli.js"}}"#), ("src/cli.ts", "")]);
    let error = world.refused();
    assert!(matches!(error, InstallError::NeedsBuild { .. }), "{error}");
}

const PROJECT: &str = "[project]\nname = \"My.Srv\"\nversion = \"1.2\"\n[project.scripts]\nsrv = \"my_srv:run\"\n\
                       [build-system]\nbuild-backend = \"hatchling.build\"\n";

#[test]
fn a_plain_python_project_runs_from_its_sources() {
    let main = "import importlib.metadata as m\ndef run():\n    print(m.version('my-srv'), m.entry_points(group='console_scripts')['srv'].value)\n";
    for (folder, top) in [("", "src/my_srv"), ("", "my_srv"), ("py", "py/src/my_srv")] {
        let mut world = World::python();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let (toml, init) = (format!("{prefix}pyproject.toml"), format!("{top}/__init__.py"));
        archive(
            &mut world,
            folder,
            &[(&toml, PROJECT), (&init, main), ("tests/__init__.py", ""), ("docs/conf.py", "")],
        );
        let installed = world.install().expect("installed");
        let found = paths(&installed.root);
        assert!(found.contains("lib/python3.12/site-packages/my_srv/__init__.py"), "{found:#?}");
        assert!(found.contains("lib/python3.12/site-packages/my_srv-1.2.dist-info/METADATA"), "{found:#?}");
        assert!(!found.iter().any(|path| path.contains("tests") || path.contains("conf.py")), "{found:#?}");
        world.targets = vec![format!("{PLATFORM}/3.11").parse().expect("target")];
        if world.use_real("python3.11") {
            assert_eq!(output(&world.install().expect("installed")), "1.2 my_srv:run\n");
        }
    }
}

#[test]
fn what_a_build_could_change_is_not_run() {
    let with = |more: &str| format!("{PROJECT}{more}");
    let cases: [(&str, &str); 7] = [
        ("setup.py", ""),
        ("my_srv/fast.pyx", ""),
        ("native.rs", ""),
        ("pyproject.toml", &PROJECT.replace("hatchling.build", "maturin")),
        ("pyproject.toml", &with("[tool.hatch.build.hooks.custom]\n")),
        ("pyproject.toml", &with("[tool.setuptools.package-dir]\n\"\" = \"lib\"\n")),
        ("pyproject.toml", "[build-system]\nrequires = []\n"),
    ];
    for (path, text) in cases {
        let mut world = World::python();
        let mut files = vec![("my_srv/__init__.py", "def run(): pass\n"), (path, text)];
        if path != "pyproject.toml" {
            files.push(("pyproject.toml", PROJECT));
        }
        archive(&mut world, "", &files);
        let error = world.refused();
        assert!(matches!(error, InstallError::NeedsBuild { .. }), "{path} {text}: {error}");
    }
}

#[test]
fn scripts_of_a_project_are_names_only() {
    let mut world = World::python();
    let toml = PROJECT.replace("my_srv:run", "my_srv:run(); import os");
    archive(&mut world, "", &[("pyproject.toml", &toml), ("my_srv/__init__.py", "")]);
    assert!(matches!(world.refused(), InstallError::EntryPoint { .. }));
}
