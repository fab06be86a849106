//! Archives that nobody should unpack, offered through `mcpsec add`: refused by name, nothing locked, nothing unpacked.
use std::time::{Duration, Instant};

use mcpsec_testkit::{
    NpmServer, Output, PypiServer, TestEnv,
    archives::{Hostile, hostile_npm_tarballs, hostile_wheels, tar_bomb},
    npm_package, wheel,
};

use crate::worlds::files_below;

/// Far more than refusing takes; unpacking ten gigabytes on a busy machine would take longer.
const QUICK: Duration = Duration::from_secs(60);

/// The project is as empty as before, and nothing was written outside the store and the cache.
fn assert_untouched(env: &TestEnv, case: &str) {
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"), "{case}: something was locked");
    let escaped: Vec<_> = files_below(env.root())
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("escape")))
        .collect();
    assert!(escaped.is_empty(), "{case}: {escaped:?}");
}

/// Adds each case in an own project; gives the names of those that were accepted, with the first line of each refusal.
fn refuse_all(cases: &[Hostile], add: impl Fn(&Hostile) -> (TestEnv, Output)) -> (Vec<&'static str>, String) {
    let (mut accepted, mut words) = (Vec::new(), String::new());
    for case in cases {
        let start = Instant::now();
        let (env, output) = add(case);
        assert!(start.elapsed() < QUICK, "{}: took {:?}", case.name, start.elapsed());
        match output.code {
            Some(0) => accepted.push(case.name),
            Some(1) => {
                assert_untouched(&env, case.name);
                let shown = output.snapshot();
                let line = shown.lines().find(|line| line.starts_with("error: ")).expect("an error");
                words.push_str(&format!("{}: {}\n", case.name, line.trim_start_matches("error: ")));
            }
            _ => panic!("{}\n{}", case.name, output.snapshot()),
        }
    }
    (accepted, words)
}

#[test]
fn npm_tarballs() {
    let package = npm_package("evil", "1.0.0").bin("evil", "index.js");
    let cases = hostile_npm_tarballs(&package);
    let (accepted, words) = refuse_all(&cases, |case| {
        let server = NpmServer::start();
        server.publish(&package.clone().tarball_bytes(case.bytes.clone()));
        let mut env = TestEnv::new();
        env.npm(&server);
        let output = env.mcpsec(["add", "npm:evil"]);
        (env, output)
    });
    insta::assert_snapshot!(words);
    assert_eq!(accepted, [""; 0]);
}

#[test]
fn wheels() {
    let package = wheel("evil", "1.0").entry_point("evil", "evil:main");
    let cases = hostile_wheels(&package);
    let (accepted, words) = refuse_all(&cases, |case| {
        let server = PypiServer::start();
        server.publish(package.clone().archive_bytes(case.bytes.clone()));
        let mut env = TestEnv::new();
        env.pypi(&server);
        let output = env.mcpsec(["add", "pypi:evil"]);
        (env, output)
    });
    insta::assert_snapshot!(words);
    assert_eq!(accepted, [""; 0]);
}

#[test]
fn a_hostile_dependency_is_as_bad_as_a_hostile_server() {
    let server = NpmServer::start();
    let evil = npm_package("evil", "1.0.0");
    let tarball = evil.tar().file("package/../../escape.js", b"x").gz();
    server.publish(&evil.tarball_bytes(tarball));
    server.publish(&npm_package("nice", "1.0.0").bin("nice", "index.js").dep("evil", "1"));
    let mut env = TestEnv::new();
    env.npm(&server);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:nice"]).exits(1).snapshot());
    assert_untouched(&env, "dependency");
}

#[test]
fn a_bomb_of_ten_gigabytes() {
    let server = NpmServer::start();
    let package = npm_package("bomb", "1.0.0").bin("bomb", "index.js");
    let tarball = tar_bomb(&package, 10 << 30);
    server.publish(&package.tarball_bytes(tarball));
    let mut env = TestEnv::new();
    env.npm(&server);
    let start = Instant::now();
    insta::assert_snapshot!(env.mcpsec(["add", "npm:bomb"]).exits(1).snapshot());
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
    assert_untouched(&env, "bomb");
}
