//! What must be refused, each with its exit code and its words: changed stores, locks, configurations, registries.
use std::path::PathBuf;

use mcpsec_testkit::{TestEnv, npm_package};

use crate::worlds::{
    files_below, flip_middle_byte, git_repository, linked_repository, locked_npm, locked_pypi, npm_registry,
    project_state, replace_file,
};

/// The stored object whose path ends in the digest that mcp.lock pins for a file.
fn object(env: &TestEnv, algorithm: &str, lock_entry: &str) -> PathBuf {
    let lock = env.read("mcp.lock");
    let line = lock.lines().find(|line| line.contains(lock_entry)).expect("an artifact of the lock");
    let (_, rest) = line.split_once(&format!("{algorithm} = \"")).expect("its digest");
    let (hex, _) = rest.split_once('"').expect("the end of the digest");
    let objects = files_below(&env.store().join("objects"));
    objects.into_iter().find(|path| path.ends_with(hex)).expect("the object in the store")
}

#[test]
fn one_flipped_byte_in_the_store() {
    let (env, _server) = locked_npm();
    flip_middle_byte(&object(&env, "sha512", "left-1.0.3.tgz"));
    insta::assert_snapshot!(env.mcpsec(["verify", "--offline"]).exits(1).snapshot());
    // The wrong file was moved away, so it is only missing now: offline that is a gap, online it heals.
    insta::assert_snapshot!(env.mcpsec(["verify", "--offline"]).exits(3).snapshot());
    let _healed = env.mcpsec(["verify"]).success();
    let _healed = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn one_flipped_byte_of_a_wheel_and_of_a_git_archive() {
    let (env, _server) = locked_pypi();
    flip_middle_byte(&object(&env, "sha256", "yarl_ish-1.5-py3-none-any.whl"));
    let _denied = env.mcpsec(["verify", "--offline"]).exits(1);
    let _healed = env.mcpsec(["verify"]).success();

    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let spec = linked_repository(&env, &repository, "v1.0.0");
    let _added = env.mcpsec(["add", &spec]).success();
    flip_middle_byte(&object(&env, "sha256", "gitty-"));
    let _denied = env.mcpsec(["verify", "--offline"]).exits(1);
    let _healed = env.mcpsec(["verify"]).success();
    let _healed = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn a_flipped_byte_is_not_locked_over() {
    let (env, server) = locked_npm();
    flip_middle_byte(&object(&env, "sha512", "left-1.0.3.tgz"));
    let before = project_state(&env);
    // `add` sees it, fetches the same version again and leaves the lock as it was.
    let _added = env.mcpsec(["add", "npm:files"]).success();
    assert_eq!(before, project_state(&env));
    assert!(server.count("*.tgz") > 2);
    let _verified = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn store_verify_finds_the_flipped_byte() {
    let (env, _server) = locked_npm();
    let _whole = env.mcpsec(["store", "verify"]).success();
    flip_middle_byte(&object(&env, "sha512", "left-1.0.3.tgz"));
    insta::assert_snapshot!(env.mcpsec(["store", "verify"]).exits(1).snapshot());
    let _healed = env.mcpsec(["verify"]).success();
    let _whole = env.mcpsec(["store", "verify"]).success();
}

#[test]
fn an_edited_hash_in_the_lock() {
    let (env, server) = locked_npm();
    let line = env.read("mcp.lock").lines().find(|line| line.contains("left-1.0.3.tgz")).expect("a line").to_owned();
    let digest = line.split_once("sha512 = \"").expect("a digest").1;
    let other = if digest.starts_with('0') { "1" } else { "0" };
    env.edit("mcp.lock", digest, &format!("{other}{}", &digest[1..]));
    server.clear_log();
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
    assert_eq!(server.requests().len(), 0, "nothing of an edited lock is acted upon");
    let json = env.mcpsec(["verify", "--format", "json"]).exits(1).json();
    assert_eq!((&json["verdict"], &json["exit"]), (&"deny".into(), &1.into()));
    // No other command believes it either, and none repairs it silently.
    let before = project_state(&env);
    for arguments in [&["show", "files"][..], &["tree", "files"], &["add", "npm:files"], &["remove", "files"]] {
        let _denied = env.mcpsec(arguments).exits(1).says("was edited");
    }
    assert_eq!(before, project_state(&env));
}

#[test]
fn an_edited_lock_with_a_recomputed_seal_still_meets_the_bytes() {
    // Whoever can compute seals can write any lock; then the stored bytes and the registry's record say no.
    let (env, server) = locked_npm();
    let mut other = TestEnv::new();
    let evil = npm_registry();
    evil.publish(&npm_package("left", "1.0.3").file("package/evil.js", b"steal()"));
    other.npm(&evil);
    let _added = other.mcpsec(["add", "npm:files"]).success();
    env.write("mcp.lock", other.read("mcp.lock"));
    assert!(server.count("*") > 0);
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
}

#[test]
fn mcp_toml_asks_for_another_version() {
    let (env, _server) = locked_npm();
    env.edit("mcp.toml", "\"npm:files\"", "\"npm:files@1.1.0\"");
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
}

#[test]
fn mcp_toml_and_mcp_lock_name_other_servers() {
    let (env, _server) = locked_npm();
    env.edit("mcp.toml", "[servers.files]", "[servers.renamed]");
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(1).snapshot());
}

#[test]
fn a_lock_of_a_newer_format() {
    let (env, _server) = locked_npm();
    env.edit("mcp.lock", "version = 1", "version = 2");
    let before = project_state(&env);
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(2).snapshot());
    let _refused = env.mcpsec(["add", "npm:files"]).exits(2);
    assert_eq!(before, project_state(&env));
}

#[test]
fn a_lock_with_conflict_markers() {
    let (env, _server) = locked_npm();
    let ours = "version = \"1.2.0\"\n";
    env.edit("mcp.lock", ours, &format!("<<<<<<< HEAD\n{ours}=======\nversion = \"1.3.0\"\n>>>>>>> feature\n"));
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(2).snapshot());
    let _refused = env.mcpsec(["add", "npm:files"]).exits(2).says("mcp.lock:").says("unresolved merge conflict");
}

#[test]
fn a_truncated_lock_at_any_byte() {
    let (env, _server) = locked_npm();
    let whole = env.read("mcp.lock");
    replace_file(&env.project().join("mcp.lock"), &whole.as_bytes()[..whole.len() / 2]);
    insta::assert_snapshot!(env.mcpsec(["verify"]).snapshot());
    // Every cut is refused with 1 or 2, also one at the end of an entry.
    for cut in (0..whole.len()).step_by(whole.len() / 60 + 1).chain([whole.len() - 1]) {
        replace_file(&env.project().join("mcp.lock"), &whole.as_bytes()[..cut]);
        let output = env.mcpsec(["verify", "--offline"]);
        assert!(matches!(output.code, Some(1 | 2)), "cut at {cut}\n{}", output.snapshot());
    }
    let before = whole.find("[[package]]").expect("a package entry");
    replace_file(&env.project().join("mcp.lock"), &whole.as_bytes()[..before]);
    insta::assert_snapshot!(env.mcpsec(["verify"]).snapshot());
}

#[test]
fn files_that_cannot_be_read() {
    let (env, _server) = locked_npm();
    let config = env.read("mcp.toml");
    env.write("mcp.toml", config.replace("source = ", "sourced = ") + "tools = 3\nenv = [\"A=b\"]\n");
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(2).snapshot());
    env.write("mcp.toml", config);
    env.write("mcp.lock", b"version = 1\n\xff\n");
    insta::assert_snapshot!(env.mcpsec(["verify"]).exits(2).snapshot());
    let empty = TestEnv::new();
    insta::assert_snapshot!(empty.mcpsec(["verify"]).exits(2).snapshot());
}
