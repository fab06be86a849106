//! `mcpsec add`: what it locks, from where, and that doing it again changes nothing.
use mcpsec_testkit::{NpmServer, PypiServer, TestEnv, npm_package, wheel};

use crate::worlds::{
    git_repository, git_spec, locked_npm, locked_pypi, npm_registry, project_state, pypi_index, request_count,
};

#[test]
fn npm_pypi_and_git_are_locked_and_verified() {
    let (npm, pypi, repository) = (npm_registry(), pypi_index(), git_repository());
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    for spec in ["npm:files", "pypi:fetcher", &git_spec(&repository, "v1.0.0")] {
        let _added = env.mcpsec(["add", spec]).success();
    }
    let lock = env.read("mcp.lock");
    for package in ["npm:files@1.2.0", "npm:left@1.0.3", "pypi:fetcher@2.0", "pypi:yarl-ish@1.5"] {
        assert!(lock.contains(&format!("id = \"{package}\"")), "{package} is not in\n{lock}");
    }
    let online = env.mcpsec(["verify"]).success();
    // These registries hand out no evidence, there is no advisory database, and no server is started here, which is said; everything
    // else is checked.
    let known = ["registry-signature", "provenance", "advisories", "capture"];
    let open = |line: &&str| line.contains("unchecked") && !known.iter().any(|check| line.contains(check));
    assert_eq!(online.stdout.lines().find(open), None, "{}", online.snapshot());
    let before = (request_count(&npm), request_count(&pypi));
    let offline = env.mcpsec(["verify", "--offline"]).success();
    assert!(offline.stdout.contains("unchecked"), "what was not asked is said\n{}", offline.snapshot());
    assert_eq!(before, (request_count(&npm), request_count(&pypi)), "--offline asks nobody");
}

#[test]
fn the_first_add_of_each_ecosystem_prints_a_summary() {
    let (env, _server) = locked_npm();
    let again = env.mcpsec(["add", "npm:files"]).success();
    insta::assert_snapshot!(again.snapshot());
    let (env, _server) = locked_pypi();
    let fresh = env.mcpsec(["add", "pypi:fetcher", "--fresh"]).success();
    insta::assert_snapshot!(fresh.snapshot());
}

#[test]
fn the_first_mcp_toml_spells_out_the_starter_policy() {
    let (env, _server) = locked_npm();
    insta::assert_snapshot!(env.read("mcp.toml"));
    insta::assert_snapshot!(env.read("mcp.lock"));
}

#[test]
fn adding_again_changes_nothing_and_asks_nobody() {
    let (npm, pypi, repository) = (npm_registry(), pypi_index(), git_repository());
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let git = git_spec(&repository, "v1.0.0");
    let specs = ["npm:files", "pypi:fetcher", &git];
    for spec in specs {
        let _added = env.mcpsec(["add", spec]).success();
    }
    let before = project_state(&env);
    npm.clear_log();
    pypi.clear_log();
    for spec in specs {
        let _again = env.mcpsec(["add", spec]).success();
    }
    let together = env.mcpsec(["add", specs[0], specs[1], specs[2]]).success();
    assert!(together.stdout.contains("already locked"), "{}", together.snapshot());
    assert_eq!(before, project_state(&env), "neither bytes nor times of the files change");
    assert_eq!((request_count(&npm), request_count(&pypi)), (0, 0), "no registry is asked");
}

#[test]
fn resolving_anew_with_the_same_outcome_rewrites_nothing() {
    let (env, _server) = locked_npm();
    let before = project_state(&env);
    let _fresh = env.mcpsec(["add", "npm:files", "--fresh"]).success();
    assert_eq!(before, project_state(&env));
}

#[test]
fn the_same_inputs_give_the_same_lock_everywhere() {
    let repository = git_repository();
    let git = git_spec(&repository, "v1.0.0");
    let mut texts = Vec::new();
    for order in [["npm:files", "pypi:fetcher", &git], [&git, "pypi:fetcher", "npm:files"]] {
        // Other ports, other folders, other stores, other order.
        let (npm, pypi) = (npm_registry(), pypi_index());
        let mut env = TestEnv::new();
        env.enter_project("elsewhere");
        env.npm(&npm);
        env.pypi(&pypi);
        for spec in order {
            let _added = env.mcpsec(["add", spec]).success();
        }
        texts.push(env.read("mcp.lock"));
    }
    assert_eq!(texts[0], texts[1]);
    assert!(!texts[0].contains("127.0.0.1") && !texts[0].contains("http"), "no address of a registry\n{}", texts[0]);
}

#[test]
fn one_commit_by_tag_and_by_branch_gives_one_lock_in_any_order() {
    let (npm, repository) = (npm_registry(), git_repository());
    let (tag, branch) = (git_spec(&repository, "v1.0.0"), git_spec(&repository, "main"));
    let mut texts = Vec::new();
    for order in [[("a", &tag), ("b", &branch)], [("b", &branch), ("a", &tag)]] {
        let mut env = TestEnv::new();
        env.npm(&npm);
        for (name, spec) in order {
            let _added = env.mcpsec(["add", spec, "--name", name]).success();
        }
        texts.push(env.read("mcp.lock"));
    }
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn a_range_a_tag_and_a_purl_choose_the_version() {
    let server = npm_registry();
    server.publish(&npm_package("files", "2.0.0").bin("files", "index.js"));
    server.publish(&npm_package("files", "3.0.0-beta.1").bin("files", "index.js").tag("next"));
    let mut env = TestEnv::new();
    env.npm(&server);
    for (spec, name, version) in [
        ("npm:files", "plain", "2.0.0"),
        ("npm:files@^1", "range", "1.2.0"),
        ("npm:files@next", "tag", "3.0.0-beta.1"),
        ("pkg:npm/files@1.2.0", "purl", "1.2.0"),
    ] {
        let report = env.mcpsec(["add", spec, "--name", name, "--format", "json"]).success().json();
        assert_eq!(report["servers"][0]["version"], version, "{spec}");
    }
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn a_launch_line_is_locked_with_its_command_and_arguments() {
    let npm = npm_registry();
    npm.publish(&npm_package("@tools/many", "1.0.0").bin("one", "index.js").bin("two", "index.js"));
    let pypi = pypi_index();
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let _added = env.mcpsec(["add", "npx -y -p @tools/many@1 two --root ."]).success();
    let _added = env.mcpsec(["add", "uvx fetcher==2.0", "--", "--quick"]).success();
    let config = env.read("mcp.toml");
    for line in [
        "source = \"npm:@tools/many@1\"",
        "command = \"two\"",
        "args = [\"--root\", \".\"]",
        "source = \"pypi:fetcher==2.0\"",
        "args = [\"--quick\"]",
    ] {
        assert!(config.contains(line), "`{line}` is not in\n{config}");
    }
    assert!(env.read("mcp.lock").contains("entry = \"npm-bin:two\""));
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn a_package_with_several_commands_needs_one_named() {
    let server = NpmServer::start();
    server.publish(&npm_package("many", "1.0.0").bin("one", "index.js").bin("two", "index.js"));
    server.publish(&npm_package("library", "1.0.0"));
    let mut env = TestEnv::new();
    env.npm(&server);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:many"]).exits(2).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "npm:library"]).exits(2).snapshot());
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"));
}

#[test]
fn names_must_not_collide() {
    let (env, server) = locked_npm();
    server.publish(&npm_package("@other/files", "1.0.0").bin("files", "index.js"));
    let before = project_state(&env);
    insta::assert_snapshot!(env.mcpsec(["add", "npm:@other/files"]).exits(2).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "npm:files", "npm:@other/files"]).exits(2).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "npm:a", "npm:b", "--name", "c"]).exits(2).snapshot());
    assert_eq!(before, project_state(&env));
    let _added = env.mcpsec(["add", "npm:@other/files", "--name", "others"]).success();
    assert!(env.read("mcp.toml").contains("[servers.others]"));
}

#[test]
fn npm_closures_as_of_a_date() {
    let server = NpmServer::start();
    server.publish(
        &npm_package("old", "1.0.0").dep("dep", "^1.0.0").bin("old", "index.js").published("2025-01-10T00:00:00.000Z"),
    );
    server.publish(
        &npm_package("old", "1.1.0").dep("dep", "^1.0.0").bin("old", "index.js").published("2025-09-01T00:00:00.000Z"),
    );
    server.publish(&npm_package("dep", "1.0.0").published("2025-01-05T00:00:00.000Z"));
    server.publish(&npm_package("dep", "1.9.0").published("2025-08-02T00:00:01.000Z"));
    let mut env = TestEnv::new();
    env.npm(&server);
    let _added = env.mcpsec(["add", "npm:old", "--as-of", "2025-08-01"]).success();
    let lock = env.read("mcp.lock");
    assert!(lock.contains("npm:old@1.0.0") && lock.contains("npm:dep@1.0.0"), "{lock}");
    assert!(!lock.contains("1.1.0") && !lock.contains("1.9.0"), "{lock}");
    assert!(env.read("mcp.toml").contains("as-of = "), "{}", env.read("mcp.toml"));
    let _verified = env.mcpsec(["verify"]).success();
    // Without the date it is another wish: today's versions.
    let _added = env.mcpsec(["add", "npm:old"]).success();
    let lock = env.read("mcp.lock");
    assert!(lock.contains("npm:old@1.1.0") && lock.contains("npm:dep@1.9.0"), "{lock}");
}

#[test]
fn pypi_closures_as_of_a_date() {
    let server = PypiServer::start();
    server.publish(wheel("old", "1.0").requires("dep").entry_point("old", "old:main").uploaded("2025-01-10T00:00:00Z"));
    server.publish(wheel("old", "2.0").requires("dep").entry_point("old", "old:main").uploaded("2025-09-01T00:00:00Z"));
    server.publish(wheel("dep", "1.0").uploaded("2025-01-05T00:00:00Z"));
    server.publish(wheel("dep", "9.0").uploaded("2025-08-02T00:00:01Z"));
    let mut env = TestEnv::new();
    env.pypi(&server);
    let _added = env.mcpsec(["add", "pypi:old", "--as-of", "2025-08-01"]).success();
    let lock = env.read("mcp.lock");
    assert!(lock.contains("pypi:old@1.0") && lock.contains("pypi:dep@1.0"), "{lock}");
    assert!(!lock.contains("@2.0") && !lock.contains("@9.0"), "{lock}");
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn git_has_no_history_of_dates() {
    let repository = git_repository();
    let env = TestEnv::new();
    let output = env.mcpsec(["add", &git_spec(&repository, "v1.0.0"), "--as-of", "2025-08-01"]).exits(2);
    let _output = output.says("has no meaning for a git source").says("name a tag or commit of that time");
}

#[test]
fn overrides_of_mcp_toml_decide() {
    let (env, server) = locked_npm();
    server.publish(&npm_package("left", "1.0.4"));
    let config = env.read("mcp.toml") + "overrides = { left = \"1.0.4\" }\n";
    env.write("mcp.toml", config);
    let _denied = env.mcpsec(["verify"]).exits(1);
    let _added = env.mcpsec(["add", "files"]).success();
    let lock = env.read("mcp.lock");
    assert!(lock.contains("npm:left@1.0.4") && !lock.contains("npm:left@1.0.3"), "{lock}");
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn several_servers_in_one_add() {
    let (npm, pypi) = (npm_registry(), pypi_index());
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let report = env.mcpsec(["add", "npm:files", "pypi:fetcher", "--format", "json"]).success().json();
    let names: Vec<&str> =
        report["servers"].as_array().expect("a list").iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["files", "fetcher"]);
    let _verified = env.mcpsec(["verify"]).success();
}

#[test]
fn one_failing_server_hides_no_other_and_nothing_is_written() {
    let (npm, pypi) = (npm_registry(), pypi_index());
    npm.publish(&npm_package("evil", "1.0.0").bin("evil", "index.js").tarball_bytes(*b"no tarball"));
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let specs = ["npm:missing", "npm:evil", "pypi:absent", "npm:files"];
    let output = env.mcpsec(["add"].into_iter().chain(specs)).exits(1);
    insta::assert_snapshot!(output.snapshot());
    assert!(!env.exists("mcp.toml") && !env.exists("mcp.lock"));
    assert!(npm.count("/files") > 0, "the last server was looked at as well");
}

#[test]
fn every_server_of_a_project_is_verified_and_the_worst_code_wins() {
    let (npm, pypi) = (npm_registry(), pypi_index());
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let _added = env.mcpsec(["add", "npm:files", "pypi:fetcher"]).success();
    env.edit("mcp.toml", "\"npm:files\"", "\"npm:files@^2\"");
    let report = env.mcpsec(["verify", "--format", "json"]).exits(1).json();
    let verdicts: Vec<_> =
        report["servers"].as_array().expect("a list").iter().map(|s| (&s["name"], &s["verdict"])).collect();
    assert_eq!(verdicts, [(&"fetcher".into(), &"pass".into()), (&"files".into(), &"deny".into())]);
    let _only = env.mcpsec(["verify", "fetcher"]).success();
    let _only = env.mcpsec(["verify", "files"]).exits(1);
    insta::assert_snapshot!(env.mcpsec(["verify", "nobody"]).exits(2).snapshot());
}

#[test]
fn packages_inside_a_tarball_belong_to_the_closure() {
    let server = NpmServer::start();
    let inner = br#"{"name":"inner","version":"3.0.0"}"#;
    let scoped = br#"{"name":"@scope/deep","version":"4.0.0"}"#;
    server.publish(
        &npm_package("carrier", "1.0.0")
            .bin("carrier", "index.js")
            .file("node_modules/inner/package.json", inner)
            .file("node_modules/inner/node_modules/@scope/deep/package.json", scoped)
            .file("node_modules/hidden/package.json", br#"{"name":"../hidden"}"#)
            .file("node_modules/inner/fixtures/package.json", br#"{"name":"fixture","version":"9.9.9"}"#),
    );
    let mut env = TestEnv::new();
    env.npm(&server);
    let added = env.mcpsec(["add", "npm:carrier"]).success();
    // Node would load it whatever it calls itself, so it may not go unsaid.
    let said = "carries `node_modules/hidden/package.json`, which does not say what package it is";
    assert!(added.stdout.contains(said), "{}", added.snapshot());
    let lock = env.read("mcp.lock");
    assert!(lock.contains("npm:inner@3.0.0") && lock.contains("npm:@scope/deep@4.0.0"), "{lock}");
    assert!(lock.contains("bundled-in"), "{lock}");
    assert!(!lock.contains("fixture@9.9.9"), "{lock}");
    assert!(lock.contains("node_modules/hidden/package.json"), "the finding persists: {lock}");
    let _verified = env.mcpsec(["verify"]).success();
}
