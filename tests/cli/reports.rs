//! The forms of a report: one run, one verdict, one exit code, whatever is printed.
use std::collections::BTreeSet;

use mcpsec_testkit::{TestEnv, npm_package};
use serde_json::Value;

use crate::worlds::locked_npm;

/// Id and subject of everything denied, as the JSON report has it.
fn denied(report: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let servers = report["servers"].as_array().expect("servers").iter();
    let denied = servers.flat_map(|server| server["decision"]["denied"].as_array().expect("denied").clone());
    denied.map(|reason| (text(&reason["id"]), text(&reason["subject"]))).collect()
}

fn errors(log: &Value) -> BTreeSet<(String, String)> {
    let results = log["runs"][0]["results"].as_array().expect("results").iter();
    let denied = results.filter(|result| result["properties"]["standing"] == "denied");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    denied
        .inspect(|result| assert_eq!(result["level"], "error"))
        .map(|result| (text(&result["properties"]["id"]), text(&result["properties"]["subjects"][0])))
        .collect()
}

#[test]
fn all_forms_of_one_run_agree_and_have_its_code() {
    let (env, server) = locked_npm();
    server.publish(&npm_package("left", "1.0.3").file("package/other.js", b""));
    let report = env.mcpsec(["verify", "--format", "json"]).exits(1).json();
    let log = env.mcpsec(["verify", "--format", "sarif"]).exits(1).json();
    let page = env.mcpsec(["verify", "--format", "markdown"]).exits(1).stdout;
    let all = denied(&report);
    assert!(!all.is_empty());
    assert_eq!(errors(&log), all);
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 1);
    for (id, subject) in &all {
        assert!(page.contains(id.as_str()) && page.contains(subject.as_str()), "{page}");
    }
    assert!(page.starts_with("## mcpsec verify: deny\n"), "{page}");
    // The lines of the log are lines of the lock.
    let lock = env.read("mcp.lock");
    for result in log["runs"][0]["results"].as_array().expect("results") {
        let place = &result["locations"][0]["physicalLocation"];
        let file = env.read(place["artifactLocation"]["uri"].as_str().expect("uri"));
        let line = usize::try_from(place["region"]["startLine"].as_u64().expect("line")).expect("small");
        assert!(line <= file.lines().count(), "{result}");
        if result["ruleId"] == "upstream" {
            assert_eq!(lock.lines().nth(line - 1), Some("[[package]]"), "{result}");
            assert_eq!(lock.lines().nth(line), Some("id = \"npm:left@1.0.3\""), "{result}");
        }
    }
}

#[test]
fn one_run_prints_one_form_and_writes_others() {
    let (env, _server) = locked_npm();
    let output = env.mcpsec(["verify", "--report", "sarif=out.sarif", "--report", "markdown=out.md"]).success();
    assert!(output.stdout.contains("1 server: 1 pass"), "{}", output.stdout);
    let log: Value = serde_json::from_str(&env.read("out.sarif")).expect("JSON");
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 0);
    assert!(env.read("out.md").contains("**The gate says yes.**"));
}

#[test]
fn an_update_that_fails_for_one_server_is_in_the_log() {
    let (env, server) = locked_npm();
    server.publish(&npm_package("broken", "1.0.0").bin("broken", "x").tarball_bytes(*b"no tarball"));
    let toml = env.read("mcp.toml");
    env.write("mcp.toml", format!("[servers.broken]\nsource = \"npm:broken\"\n\n{toml}"));
    drop(env.mcpsec(["update", "--yes", "--report", "sarif=out.sarif"]).exits(1));
    let log: Value = serde_json::from_str(&env.read("out.sarif")).expect("JSON");
    assert!(errors(&log).iter().any(|(_, subject)| subject == "broken"), "{log}");
    assert_eq!(log["runs"][0]["invocations"][0]["exitCode"], 1);
}

#[test]
fn files_are_named_as_the_repository_around_knows_them() {
    let (env, _server) = locked_npm();
    std::fs::create_dir(env.root().join(".git")).expect("a folder");
    let log = env.mcpsec(["verify", "--offline", "--format", "sarif"]).success().json();
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert!(!results.is_empty());
    for result in results {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("uri");
        assert!(uri == "project/mcp.lock" || uri == "project/mcp.toml", "{uri}");
    }
}

#[test]
fn what_could_not_be_checked_is_an_error_of_the_run() {
    let env = TestEnv::new();
    env.write("mcp.lock", include_str!("../../testdata/locks/v1/npm.lock"));
    let lock: Vec<String> = env.read("mcp.lock").lines().map(str::to_owned).collect();
    let value =
        |key: &str| lock.iter().find_map(|line| line.strip_prefix(key)).expect("a line").trim_matches('"').to_owned();
    let (name, spec) = (value("name = "), value("spec = "));
    env.write("mcp.toml", format!("[servers.{name}]\nsource = \"{spec}\"\n"));
    let run = env.mcpsec(["verify", "--offline", "--format", "sarif"]);
    let code = run.code.expect("a code");
    let log = run.json();
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["exitCode"], code);
    assert_ne!(code, 0);
    let results = log["runs"][0]["results"].as_array().expect("results");
    let open: Vec<&Value> = results.iter().filter(|result| result["properties"]["standing"] == "unchecked").collect();
    assert!(!open.is_empty());
    for result in open {
        assert_eq!(result["level"], "error");
        assert!(result["message"]["text"].as_str().expect("text").contains("not checked: "), "{result}");
    }
}
