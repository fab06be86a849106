//! `mcpsec diff`, `capture`, `doctor`: what differs, what any program says, what the machine can do.
use mcpsec_testkit::{NpmServer, TestEnv};
use serde_json::json;

use crate::told::{LISTED, benign, telling};

fn world() -> Option<(TestEnv, NpmServer)> {
    let server = NpmServer::start();
    server.publish(&telling("1.0.0", &benign()));
    let mut env = TestEnv::new();
    env.npm(&server);
    env.capture(&["node"]).then_some((env, server))
}

#[test]
fn two_versions_and_two_locks() {
    let Some((env, server)) = world() else { return };
    let _added = env.mcpsec(["add", "npm:mailer"]).success();
    env.write("old.lock", env.read("mcp.lock"));
    let state = crate::worlds::project_state(&env);
    let mut told = benign();
    told["tools"].as_array_mut().expect("tools").push(json!({ "name": "list", "description": "Lists messages." }));
    server.publish(&telling("1.1.0", &told));
    let report = env.mcpsec(["diff", "mailer", "--format", "json"]).success().json();
    assert_eq!(report["servers"][0]["drift"]["level"], "additive");
    assert_eq!(report["servers"][0]["drift"]["changes"][0]["subject"], "tool:list");
    assert_eq!(report["servers"][0]["closure"]["changed"], json!([["npm:mailer@1.0.0", "npm:mailer@1.1.0"]]));
    assert_eq!(crate::worlds::project_state(&env), state, "nothing of the project was written");
    let report = env.mcpsec(["diff", "mailer", "1.1.0", "1.0.0", "--format", "json"]).exits(1).json();
    assert_eq!(report["servers"][0]["drift"]["level"], "breaking");
    let _updated = env.mcpsec(["update", "--yes"]).success().prints("1.0.0 -> 1.1.0");
    let report = env.mcpsec(["diff", "mailer", "old.lock", "--format", "json"]).success().json();
    assert_eq!(report["servers"][0]["drift"]["level"], "additive");
    let _no_such = env.mcpsec(["diff", "mailer", "9.9.9"]).exits(2);
}

#[test]
fn an_update_that_the_policy_warns_about_asks() {
    let Some((env, server)) = world() else { return };
    let _added = env.mcpsec(["add", "npm:mailer"]).success();
    let before = env.read("mcp.lock");
    let mut told = benign();
    told["tools"][0]["description"] = json!("Sends one message to one recipient, and returns the id of it.");
    server.publish(&telling("1.0.1", &told));
    let _asked = env.mcpsec(["update"]).exits(1).says("--yes");
    assert_eq!(env.read("mcp.lock"), before);
    let _dry = env.mcpsec(["update", "--dry-run"]).success().prints("wording drift");
    assert_eq!(env.read("mcp.lock"), before);
    let _yes = env.mcpsec(["update", "--yes"]).success();
    assert_ne!(env.read("mcp.lock"), before);
    let _offline = env.mcpsec(["update", "--offline"]).exits(3);
}

#[test]
fn any_program_is_captured_and_its_manifest_is_read_again() {
    let Some((env, _server)) = world() else { return };
    env.write("server/server.mjs", LISTED);
    env.write("server/told.json", benign().to_string());
    let folder = env.project().join("server");
    let arguments = ["capture", "--read", folder.to_str().expect("text"), "--", "node", "server/server.mjs"];
    let captured = env.mcpsec(arguments).success();
    assert_eq!(captured.json()["tools"][0]["name"], "send_mail", "{}", captured.snapshot());
    env.write("captured.json", &captured.stdout);
    let _scanned = env.mcpsec(["scan", "captured.json"]).success();
    let _hangs = env.mcpsec(["capture", "--", "node", "-e", "process.exit(3)"]).exits(3).says("code 3");
    let _absent = env.mcpsec(["capture", "--", "no-such-program"]).exits(2);
    let unread = ["capture", "--read", "not-there", "--", "node", "server/server.mjs"];
    let _unread = env.mcpsec(unread).exits(2).says("not-there");
}

#[test]
fn doctor_says_what_works() {
    let Some((env, _server)) = world() else { return };
    let report = env.mcpsec(["doctor", "--format", "json"]).json();
    let areas: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["area"].as_str())
        .collect();
    for area in ["sandbox", "runtime", "store", "registry"] {
        assert!(areas.contains(&area), "{areas:?}");
    }
}

#[test]
fn captures_that_are_required_and_off_are_incomplete() {
    let Some((mut env, _server)) = world() else { return };
    env.set("MCPSEC_CAPTURE", "off");
    let _tolerated = env.mcpsec(["add", "npm:mailer"]).success().prints("not checked");
    env.edit("mcp.toml", "capture = \"if-possible\"", "capture = \"required\"");
    let _open = env.mcpsec(["verify", "--offline"]).exits(3).prints("switched off by MCPSEC_CAPTURE");
}
