//! Registries that are down, and `--offline`: what was vetted goes on working, what could not be asked is said.
use mcpsec_testkit::{Fault, TestEnv, npm_package};

use crate::worlds::{
    empty_store, git_repository, linked_repository, locked_npm, locked_pypi, npm_registry, project_state,
    request_count, statuses,
};

#[test]
fn a_registry_that_is_gone_leaves_upstream_unchecked() {
    let (mut env, server) = locked_npm();
    env.set("MCPSEC_HTTP_RETRIES", "1");
    drop(server);
    let report = env.mcpsec(["verify", "--format", "json"]).success();
    assert_eq!(statuses(&report, "upstream"), ["unchecked"]);
    assert_eq!((&report.json()["verdict"], &report.json()["exit"]), (&"pass".into(), &0.into()));

    env.edit("mcp.toml", "upstream = \"warn\"", "upstream = \"required\"");
    let json = env.mcpsec(["verify", "--format", "json"]).exits(3).json();
    assert_eq!((&json["verdict"], &json["exit"]), (&"incomplete".into(), &3.into()));
    let _offline_is_no_excuse = env.mcpsec(["verify", "--offline"]).exits(3);
}

#[test]
fn a_registry_that_answers_with_errors_is_down_too() {
    let (mut env, server) = locked_npm();
    env.set("MCPSEC_HTTP_RETRIES", "1");
    server.inject(Fault::Status(503));
    assert_eq!(statuses(&env.mcpsec(["verify", "--format", "json"]).success(), "upstream"), ["unchecked"]);
    server.heal();
    server.inject(Fault::Garbage);
    assert_eq!(statuses(&env.mcpsec(["verify", "--format", "json"]).success(), "upstream"), ["unchecked"]);
    // A failure still wins over what could not be asked.
    server.heal();
    server.publish(&npm_package("left", "1.0.3").file("package/other.js", b""));
    server.inject(Fault::Status(503).on("/files"));
    let _denied = env.mcpsec(["verify"]).exits(1);
}

#[test]
fn upstream_off_asks_nobody_and_says_so() {
    let (env, server) = locked_npm();
    env.edit("mcp.toml", "upstream = \"warn\"", "upstream = \"off\"");
    server.clear_log();
    let output = env.mcpsec(["verify"]).success();
    assert_eq!(request_count(&server), 0);
    assert!(output.stdout.contains("mcp.toml says upstream = \"off\""), "{}", output.snapshot());
}

#[test]
fn an_empty_store_offline_is_incomplete() {
    for (env, _server) in [locked_npm()] {
        empty_store(&env);
        insta::assert_snapshot!(env.mcpsec(["verify", "--offline"]).exits(3).snapshot());
    }
    let (env, _server) = locked_pypi();
    empty_store(&env);
    let _incomplete = env.mcpsec(["verify", "--offline"]).exits(3);

    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let _added = env.mcpsec(["add", &linked_repository(&env, &repository, "v1.0.0")]).success();
    empty_store(&env);
    let _incomplete = env.mcpsec(["verify", "--offline"]).exits(3);
}

#[test]
fn an_empty_store_is_filled_from_the_registry() {
    let (env, _server) = locked_npm();
    empty_store(&env);
    let _filled = env.mcpsec(["verify"]).success();
    let _offline = env.mcpsec(["verify", "--offline"]).success();

    let (env, _server) = locked_pypi();
    empty_store(&env);
    let _filled = env.mcpsec(["verify"]).success();
    let _offline = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn an_unpublished_package_with_an_empty_store_is_incomplete() {
    let (env, server) = locked_npm();
    empty_store(&env);
    server.unpublish("left", "1.0.3");
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(3).snapshot());
}

#[test]
fn adding_offline_works_from_cache_and_store_or_says_what_is_missing() {
    let (mut env, server) = locked_npm();
    drop(server);
    env.enter_project("second");
    let _cached = env.mcpsec(["add", "npm:files", "--offline"]).success();
    let _verified = env.mcpsec(["verify", "--offline"]).success();
    env.enter_project("third");
    insta::assert_snapshot!(env.mcpsec(["add", "npm:unseen", "--offline"]).exits(3).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "pypi:unseen", "--offline"]).exits(3).snapshot());
    empty_store(&env);
    let _missing = env.mcpsec(["add", "npm:files", "--offline"]).exits(3);
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"));
}

#[test]
fn adding_from_a_registry_that_is_down() {
    let mut env = TestEnv::new();
    env.set("MCPSEC_HTTP_RETRIES", "1");
    let server = npm_registry();
    env.npm(&server);
    drop(server);
    let output = env.mcpsec(["add", "npm:files"]).exits(3);
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"), "{}", output.snapshot());
    // Metadata comes, the tarball does not.
    let server = npm_registry();
    env.npm(&server);
    server.inject(Fault::Truncate { after: 20 }.on("*.tgz"));
    let _incomplete = env.mcpsec(["add", "npm:files"]).exits(3);
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"));
    server.heal();
    server.inject(Fault::Truncate { after: 20 }.on("*.tgz").times(1));
    let _retried = env.mcpsec(["add", "npm:files"]).success();
    let _verified = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn the_number_of_retries_is_a_number() {
    let (mut env, _server) = locked_npm();
    for wrong in ["many", "-1", "21"] {
        env.set("MCPSEC_HTTP_RETRIES", wrong);
        let _refused = env.mcpsec(["verify"]).exits(2).says("must be a number from 0 to 20");
    }
}

#[test]
fn verify_never_changes_the_project() {
    let (env, server) = locked_npm();
    let before = project_state(&env);
    let _online = env.mcpsec(["verify"]).success();
    let _offline = env.mcpsec(["verify", "--offline"]).success();
    server.deprecate("left", "1.0.3", "old");
    let _deprecated = env.mcpsec(["verify"]).success();
    assert_eq!(before, project_state(&env));
}

/// One registry that is down is one story, however many packages came from it.
#[test]
fn an_upstream_that_is_down_is_told_of_once() {
    let (mut env, server) = locked_npm();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    for (fault, words) in [(Fault::Status(503), "answered with status 503"), (Fault::Reset, "could not be reached")] {
        server.heal();
        server.inject(fault);
        let said = env.mcpsec(["verify"]);
        assert_eq!(said.stdout.matches("unchecked upstream").count(), 1, "{}", said.stdout);
        assert!(
            said.stdout.contains("unchecked upstream  2 packages") && said.stdout.contains(words),
            "{}",
            said.stdout
        );
    }
}
