//! npm servers: the isolated layout, and packages that want out of it.
use super::*;

const ROOT: &str = r#"{"name":"srv","version":"1.0.0","bin":{"srv":"./cli.js"}}"#;

fn simple(manifest: &str) -> World {
    let mut world = World::npm();
    world.tarball("npm:srv@1.0.0", &[("package.json", manifest), ("cli.js", "#!/usr/bin/env node\nconsole.log(1)\n")]);
    world
}

#[test]
fn every_node_sees_what_was_locked_for_it() {
    let mut world = World::npm();
    let cli =
        "const b = require('b'); console.log([b.zod, require('zod').v, require('alias').v, b.phantom].join(' '));";
    world
        .tarball("npm:srv@1.0.0", &[("package.json", ROOT), ("cli.js", cli)])
        .tarball(
            "npm:@s/b@2.0.0(zod@4.0.0)",
            &[
                ("package.json", r#"{"name":"@s/b","main":"i.js"}"#),
                ("i.js", "exports.zod = require('zod').v; exports.phantom = require('only-hoisted').v;"),
            ],
        )
        .tarball("npm:zod@3.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 3")])
        .tarball("npm:zod@4.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 4")])
        .tarball("npm:only-hoisted@1.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 'phantom'")])
        .edge("npm:srv@1.0.0", "b", "npm:@s/b@2.0.0(zod@4.0.0)")
        .edge("npm:srv@1.0.0", "zod", "npm:zod@3.0.0")
        .edge("npm:srv@1.0.0", "alias", "npm:zod@4.0.0")
        .edge("npm:@s/b@2.0.0(zod@4.0.0)", "zod", "npm:zod@4.0.0")
        .edge("npm:zod@4.0.0", "only-hoisted", "npm:only-hoisted@1.0.0");
    let installed = world.install().expect("installed");
    let found = paths(&installed.root);
    for path in [
        "node_modules/srv",
        "node_modules/.bin/srv",
        "node_modules/.mcpsec/node_modules/only-hoisted",
        "node_modules/.mcpsec/srv@1.0.0/node_modules/alias",
        "node_modules/.mcpsec/zod@3.0.0/node_modules/zod/index.js",
    ] {
        assert!(found.contains(path), "{path} of {found:#?}");
    }
    let link = |path: &str| fs::read_link(installed.root.join(path)).expect(path);
    assert_eq!(link("node_modules/srv"), Path::new(".mcpsec/srv@1.0.0/node_modules/srv"));
    assert_eq!(link("node_modules/.bin/srv"), Path::new("../srv/cli.js"));
    assert_eq!(installed.args, [installed.root.join("node_modules/.mcpsec/srv@1.0.0/node_modules/srv/cli.js")]);
    assert_eq!(installed.runtime.as_ref().expect("runtime").version, "20.11.0");
    assert!(installed.read.contains(&installed.root));
    if world.use_real("node") {
        assert_eq!(output(&world.install().expect("installed")), "4 3 4 phantom\n");
    }
}

#[test]
fn files_are_shared_and_read_only() {
    use std::os::unix::fs::MetadataExt as _;
    let world = simple(ROOT);
    let installed = world.install().expect("installed");
    let folder = installed.root.join("node_modules/srv");
    let manifest = fs::metadata(folder.join("package.json")).expect("metadata");
    assert_eq!((manifest.nlink(), manifest.mode() & 0o777), (2, 0o444), "linked");
    // The program's file is executable here and not in the store, so it is a file of its own.
    let program = fs::metadata(folder.join("cli.js")).expect("metadata");
    assert_eq!((program.nlink(), program.mode() & 0o777), (1, 0o555));
    assert_eq!(fs::metadata(&folder).expect("metadata").mode() & 0o777, 0o555);
}

#[test]
fn a_program_stays_in_its_package() {
    for path in ["../../../../../../../bin/sh", "/bin/sh", "..", "../zod/index.js", "a/../../x", "."] {
        let world = simple(&format!(r#"{{"name":"srv","bin":{{"srv":"{path}"}}}}"#));
        let error = world.refused();
        assert!(matches!(error, InstallError::Escape { .. }), "{path}: {error}");
    }
    // Not through a link either: archives of npm cannot hold one, so the file is not there.
    let mut world = World::npm();
    let linked = [("package.json", ROOT), ("cli.js", "-> /bin/sh")];
    world.tarball("npm:srv@1.0.0", &linked);
    let error = world.refused();
    assert!(matches!(error, InstallError::NoEntryPoint { .. }), "{error}");
}

#[test]
fn programs_are_named_when_the_wanted_one_is_missing() {
    let world = simple(r#"{"name":"srv","bin":{"other":"cli.js"}}"#);
    let error = world.refused();
    let InstallError::NoEntryPoint { offered, wanted, .. } = error else { panic!("{error}") };
    assert_eq!((wanted.as_str(), offered.as_str()), ("srv", "other"));
}

#[test]
fn only_node_and_native_programs_are_started() {
    let mut world = World::npm();
    world.tarball("npm:srv@1.0.0", &[("package.json", ROOT), ("cli.js", "#!/bin/sh\nexec node x\n")]);
    assert!(matches!(world.refused(), InstallError::Interpreter { .. }));
    let mut world = World::npm();
    world.tarball("npm:srv@1.0.0", &[("package.json", ROOT), ("cli.js", "\u{7f}ELF\u{2}")]);
    let installed = world.install().expect("installed");
    assert!(installed.program.ends_with("node_modules/srv/cli.js") && installed.args.is_empty());
    assert_eq!(fs::metadata(&installed.program).expect("metadata").permissions().mode() & 0o777, 0o555);
}

#[test]
fn what_is_not_for_this_machine_is_left_out_or_refused() {
    let mut world = simple(ROOT);
    world
        .tarball("npm:win@1.0.0", &[("package.json", "{}")])
        .tarball("npm:lin@1.0.0", &[("package.json", "{}")])
        .edge_with("npm:srv@1.0.0", "win", "npm:win@1.0.0", true)
        .edge_with("npm:srv@1.0.0", "lin", "npm:lin@1.0.0", true);
    world.package("npm:win@1.0.0").os = vec!["win32".into()];
    world.package("npm:lin@1.0.0").os = vec!["!win32".into()];
    let found = paths(&world.install().expect("installed").root);
    assert!(found.contains("node_modules/.mcpsec/srv@1.0.0/node_modules/lin"));
    assert!(!found.iter().any(|path| path.contains("win")), "{found:#?}");
    let mut world = simple(ROOT);
    world.tarball("npm:win@1.0.0", &[("package.json", "{}")]).edge("npm:srv@1.0.0", "win", "npm:win@1.0.0");
    world.package("npm:win@1.0.0").cpu = vec!["arm64".into()];
    let error = world.refused();
    assert!(matches!(error, InstallError::Platform { .. }), "{error}");
}

#[test]
fn the_lock_must_cover_this_machine() {
    let mut world = simple(ROOT);
    world.targets = vec!["macos-aarch64".parse().expect("target")];
    let error = world.refused();
    assert!(matches!(error, InstallError::Target { .. }) && error.remedy().is_some(), "{error}");
}

#[test]
fn engines_of_the_server_count() {
    let manifest = r#"{"name":"srv","bin":{"srv":"cli.js"},"engines":{"node":">=22"}}"#;
    let error = simple(manifest).refused();
    let InstallError::RuntimeVersion { found, needs, .. } = error else { panic!("{error}") };
    assert_eq!((found.as_str(), needs.as_str()), ("20.11.0", ">=22"));
    simple(&manifest.replace(">=22", "^18 || >=20.10")).install().expect("installed");
}

#[test]
fn an_artifact_that_was_not_unpacked_is_missed() {
    let mut world = simple(ROOT);
    world.tarball("npm:zod@3.0.0", &[("package.json", "{}")]).edge("npm:srv@1.0.0", "zod", "npm:zod@3.0.0");
    let taken = world.unpacked.pop_last().expect("one");
    assert!(matches!(world.refused(), InstallError::NotUnpacked { .. }));
    // Nor does another package's folder do under its name.
    let other = world.unpacked.values().next().expect("one").clone();
    world.unpacked.insert(taken.0, other);
    assert!(matches!(world.refused(), InstallError::NotUnpacked { .. }));
}

#[test]
fn names_that_differ_in_case_only_live_apart() {
    let mut world = simple(ROOT);
    world
        .tarball("npm:JSONStream@1.0.0", &[("package.json", "{}")])
        .tarball("npm:jsonstream@1.0.0", &[("package.json", "{}")])
        .tarball("npm:mid@1.0.0", &[("package.json", "{}")])
        .edge("npm:srv@1.0.0", "JSONStream", "npm:JSONStream@1.0.0")
        .edge("npm:srv@1.0.0", "mid", "npm:mid@1.0.0")
        .edge("npm:mid@1.0.0", "jsonstream", "npm:jsonstream@1.0.0");
    let found = paths(&world.install().expect("installed").root);
    let lower: BTreeSet<String> = found.iter().map(|path| path.to_lowercase()).collect();
    assert_eq!(lower.len(), found.len());
    // Side by side they cannot be.
    world.edge("npm:srv@1.0.0", "jsonstream", "npm:jsonstream@1.0.0");
    assert!(matches!(world.install(), Err(InstallError::Case { .. })));
}

#[test]
fn bundled_packages_stay_in_their_parents_artifact() {
    let mut world = World::npm();
    let cli = "console.log(require('inner').v, require('inner').deep)";
    world
        .tarball(
            "npm:srv@1.0.0",
            &[
                ("package.json", ROOT),
                ("cli.js", cli),
                ("node_modules/inner/index.js", "exports.v = 'bundled'; exports.deep = require('outer').v"),
                ("node_modules/inner/package.json", "{}"),
            ],
        )
        .tarball("npm:inner@1.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 'registry'")])
        .tarball("npm:outer@1.0.0", &[("package.json", "{}"), ("index.js", "exports.v = 'outer'")])
        .edge("npm:srv@1.0.0", "inner", "npm:inner@1.0.0")
        .edge("npm:inner@1.0.0", "outer", "npm:outer@1.0.0");
    let parent: PackageId = "npm:srv@1.0.0".parse().expect("id");
    let inner = world.package("npm:inner@1.0.0");
    inner.bundled_in = Some(parent);
    inner.artifacts.clear();
    let installed = world.install().expect("installed");
    assert!(!paths(&installed.root).iter().any(|path| path.contains(".mcpsec/inner@")));
    if world.use_real("node") {
        assert_eq!(output(&world.install().expect("installed")), "bundled outer\n");
    }
}
