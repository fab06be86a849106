//! `mcpsec verify` against a registry or repository that changed after the lock was written.
use mcpsec_testkit::{Fault, NpmServer, TestEnv, npm_package, sdist, wheel};

use crate::worlds::{
    empty_store, files_below, git_repository, linked_repository, locked_npm, locked_pypi, npm_registry, project_state,
    statuses,
};

/// `left` with the version that is locked, and other bytes.
fn other_left() -> mcpsec_testkit::NpmPackage {
    npm_package("left", "1.0.3").file("package/evil.js", b"require('http').get('http://collect.invalid')")
}

#[test]
fn another_tarball_for_a_locked_version() {
    let (env, server) = locked_npm();
    let before = project_state(&env);
    server.publish(&other_left());
    // The store is full: what runs is what was vetted, and the registry's change is told.
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    let _vetted = env.mcpsec(["verify", "--offline"]).success();
    // The store is empty: the other bytes are refused and never enter it.
    empty_store(&env);
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    let stored = files_below(&env.store().join("objects"));
    assert_eq!(stored.len(), 1, "only `files` itself: {stored:?}");
    assert!(env.files_with("collect.invalid").is_empty());
    let _whole = env.mcpsec(["store", "verify"]).success();
    assert_eq!(before, project_state(&env), "verify never changes the project");
}

#[test]
fn another_tarball_behind_the_same_record() {
    let (env, server) = locked_npm();
    empty_store(&env);
    server.inject(Fault::FlipByte { at: 40 }.on("/left/-/*"));
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    assert_eq!(files_below(&env.store().join("objects")).len(), 1);
    server.heal();
    let _healed = env.mcpsec(["verify"]).success();
}

#[test]
fn a_record_that_changed_is_no_reason_to_lock_it() {
    let (env, server) = locked_npm();
    server.publish(&other_left());
    let before = project_state(&env);
    // Asking for another server with the same dependency must not replace what is locked.
    server.publish(&npm_package("second", "1.0.0").dep("left", "^1.0.0").bin("second", "index.js"));
    std::fs::remove_dir_all(env.cache()).expect("a cache that still has the old record");
    insta::assert_snapshot!(env.mcpsec(["add", "npm:second"]).exits(1).snapshot());
    let _denied = env.mcpsec(["add", "npm:files", "--fresh"]).exits(1);
    assert_eq!(before, project_state(&env));
}

#[test]
fn another_wheel_for_a_locked_version() {
    let (env, server) = locked_pypi();
    server.publish(wheel("yarl-ish", "1.5").file("yarl_ish/evil.py", b"import os"));
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    empty_store(&env);
    assert_eq!(statuses(&env.mcpsec(["verify", "--format", "json"]).exits(1), "artifact-hash"), ["fail", "pass"]);
    assert_eq!(files_below(&env.store().join("objects")).len(), 1);
}

#[test]
fn a_tag_that_was_moved_and_a_branch_that_moves() {
    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let tagged = linked_repository(&env, &repository, "v1.0.0");
    let branch = linked_repository(&env, &repository, "main");
    let _added = env.mcpsec(["add", &tagged]).success();
    let _added = env.mcpsec(["add", &branch, "--name", "head"]).success();
    let _verified = env.mcpsec(["verify"]).success();

    let evil = repository.commit(&[("index.js", b"steal()")]);
    let _still = env.mcpsec(["verify"]).success();
    repository.tag("v1.0.0", &evil);
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    let _branch_alone = env.mcpsec(["verify", "head"]).success();
    // What is locked can still be restored from the repository's history.
    empty_store(&env);
    let report = env.mcpsec(["verify", "gitty", "--format", "json"]).exits(1);
    assert_eq!(statuses(&report, "artifact-hash"), ["pass"]);
}

#[test]
fn a_locked_commit_that_is_gone() {
    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let _added = env.mcpsec(["add", &linked_repository(&env, &repository, "v1.0.0")]).success();
    repository.delete_ref("refs/tags/v1.0.0");
    repository.delete_ref("refs/heads/main");
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());
}

#[test]
fn deprecated_yanked_and_unpublished_are_told_and_pass() {
    let (env, server) = locked_npm();
    server.deprecate("left", "1.0.3", "use \u{1b}[31mright\u{202e} instead");
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());
    server.unpublish("left", "1.0.3");
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());

    let (env, server) = locked_pypi();
    server.change("yarl_ish-1.5-py3-none-any.whl", |file| file.yanked = Some("broken release".to_owned()));
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());
    server.remove("yarl_ish-1.5-py3-none-any.whl");
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());
}

#[test]
fn a_file_added_later_to_a_locked_python_version_is_no_drift() {
    let (env, server) = locked_pypi();
    server.publish(sdist("yarl-ish", "1.5"));
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn a_manifest_that_is_not_the_record() {
    let server = NpmServer::start();
    // The tarball depends on nothing and has no script; its record says otherwise, and the other way round.
    let honest = npm_package("confused", "1.0.0").bin("confused", "index.js");
    let package = honest.clone().script("postinstall", "node steal.js").dep("hidden", "^1.0.0").tarball();
    server.publish(&honest.tarball_bytes(package));
    let mut env = TestEnv::new();
    env.npm(&server);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:confused"]).exits(1).snapshot());
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"));
    let json = env.mcpsec(["add", "npm:confused", "--format", "json"]).exits(1).json();
    assert_eq!(json["servers"][0]["findings"][0]["rule"], "manifest-confusion");

    let exempt = "[[policy.exempt]]\nrule = \"manifest-confusion\"\nsubject = \"npm:confused@1.0.0\"\n\
                  reason = \"reviewed\"\nuntil = 2099-12-31\n";
    env.write("mcp.toml", exempt);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:confused"]).success().snapshot());
    let _verified = env.mcpsec(["verify"]).success();

    let mut expired = TestEnv::new();
    expired.npm(&server);
    expired.write("mcp.toml", exempt.replace("2099-12-31", "2020-01-01"));
    let _denied = expired.mcpsec(["add", "npm:confused"]).exits(1);
    let mut other = TestEnv::new();
    other.npm(&server);
    other.write("mcp.toml", exempt.replace("confused@1.0.0", "confused@1.0.1"));
    let _denied = other.mcpsec(["add", "npm:confused"]).exits(1);
}

#[test]
fn install_scripts_are_told_and_never_run() {
    let server = NpmServer::start();
    server.publish(
        &npm_package("scripted", "1.0.0").bin("scripted", "index.js").script("postinstall", "touch ran-by-install"),
    );
    let mut env = TestEnv::new();
    env.npm(&server);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:scripted"]).success().snapshot());
    assert!(env.read("mcp.lock").contains("install-scripts = true"), "{}", env.read("mcp.lock"));
    let output = env.mcpsec(["verify"]).success();
    assert!(output.stdout.contains("install-script"), "{}", output.snapshot());
    assert!(files_below(env.root()).iter().all(|path| !path.ends_with("ran-by-install")));
}
