//! The policy of a project: where it comes from, what the machine holds, and what it says about itself.
use mcpsec_testkit::{NpmServer, TestEnv, npm_package};
use serde_json::Value;

const ORG: &str = include_str!("../../testdata/policies/org.toml");
const TEAM: &str = include_str!("../../testdata/policies/team.toml");
const PROJECT: &str = include_str!("../../testdata/policies/project.toml");
const LOOSE: &str = include_str!("../../testdata/policies/loose.toml");
const MACHINE: &str = include_str!("../../testdata/policies/machine.toml");

/// A world with one server to add, and one deprecated package of it.
fn world() -> (TestEnv, NpmServer) {
    let server = NpmServer::start();
    server.publish(&npm_package("left", "1.0.0").bin("left", "index.js"));
    let mut env = TestEnv::new();
    env.npm(&server);
    (env, server)
}

/// Writes the policy of the machine's user.
fn of_machine(env: &TestEnv, text: &str) {
    let folder = env.config().join("mcpsec");
    std::fs::create_dir_all(&folder).expect("a folder");
    crate::worlds::replace_file(&folder.join("policy.toml"), text.as_bytes());
}

fn explained(env: &TestEnv, key: &str) -> Value {
    let document = env.mcpsec(["explain", "policy", "--format", "json"]).success().json();
    let keys = document["keys"].as_array().expect("keys").clone();
    keys.into_iter().find(|entry| entry["key"] == key).unwrap_or_default()
}

#[test]
fn explain_shows_every_key_with_its_place() {
    let (env, _server) = world();
    insta::assert_snapshot!(env.mcpsec(["explain", "policy"]).success().snapshot());
    env.write("policies/org.toml", ORG);
    env.write("policies/team.toml", TEAM);
    env.write("mcp.toml", PROJECT.replace("team.toml", "policies/team.toml"));
    of_machine(&env, MACHINE);
    insta::assert_snapshot!(env.mcpsec(["explain", "policy"]).success().snapshot());
    let isolation = explained(&env, "policy.isolation");
    assert_eq!((&isolation["value"], &isolation["from"]["line"]), (&"\"namespace\"".into(), &4.into()));
    assert_eq!(isolation["from"]["file"], "policies/team.toml");
    assert_eq!(explained(&env, "policy.drift.additive")["held"], true);
}

#[test]
fn what_cannot_be_read_over_is_refused_before_anything_is_done() {
    let (env, _server) = world();
    let refused = |text: &str, says: &str| {
        env.write("mcp.toml", text);
        let _refused = env.mcpsec(["verify"]).exits(2).says(says);
    };
    refused("[policy]\nextends = \"gone.toml\"\n", "mcp.toml extends gone.toml, which does not exist");
    env.write("a.toml", "[policy]\nextends = \"b.toml\"\n");
    env.write("b.toml", "[policy]\nextends = \"sub/../a.toml\"\n");
    std::fs::create_dir_all(env.project().join("sub")).expect("a folder");
    refused("[policy]\nextends = \"a.toml\"\n", "b.toml extends sub/../a.toml, which extends it in turn");
    refused("[policy]\nextends = \"sub/../mcp.toml\"\n", "which extends it in turn");
    refused("[policy]\nextends = \"sub\"\n", "must be the path of a .toml file");
    std::fs::create_dir_all(env.project().join("folder.toml")).expect("a folder");
    refused("[policy]\nextends = \"folder.toml\"\n", "not a regular file");
    for (name, next) in [("1", "2"), ("2", "3"), ("3", "4"), ("4", "5")] {
        env.write(&format!("{name}.toml"), format!("[policy]\nextends = \"{next}.toml\"\n"));
    }
    env.write("5.toml", "[policy]\n");
    refused("[policy]\nextends = \"1.toml\"\n", "4.toml extends 5.toml, which is the policy number 5");
    env.write("org.toml", "[policy]\nisolation = \"landlok\"\n");
    refused("[policy]\nextends = \"org.toml\"\n", "org.toml:2:13: policy.isolation: `landlok` is none of");
    of_machine(&env, "[policy]\nexempt = []\n");
    refused("[policy]\n", "policy.toml:2:1: policy.exempt: exemptions are for the project");
}

#[test]
fn a_project_that_loosens_what_is_locked_does_not_pass() {
    let (env, _server) = world();
    env.write("org.toml", "[policy]\ntrust-downgrade = \"deny\"\nlocked = [\"trust-downgrade\"]\n");
    env.write("mcp.toml", "[policy]\nextends = \"org.toml\"\n");
    let _added = env.mcpsec(["add", "npm:left"]).success();
    let _verified = env.mcpsec(["verify"]).success();
    env.edit("mcp.toml", "extends = \"org.toml\"", "extends = \"org.toml\"\ntrust-downgrade = \"allow\"");
    let _denied = env.mcpsec(["verify"]).exits(1);
    let _denied = env.mcpsec(["add", "npm:left"]).exits(1);
    assert_eq!(explained(&env, "policy.trust-downgrade")["value"], "\"deny\"");
    // The whole file of attempts: nothing of it gets through.
    env.write("team.toml", TEAM);
    env.write("org.toml", ORG);
    env.write("mcp.toml", LOOSE);
    for (key, value) in [
        ("policy.isolation", "\"landlock\""),
        ("policy.capture", "\"required\""),
        ("policy.advisories.high", "\"deny\""),
        ("policy.approvals.required", "2"),
        ("policy.exempt", "none"),
    ] {
        assert_eq!(explained(&env, key)["value"], value, "{key}");
    }
}

/// mcp.toml comes with a repository: what it says about the sandbox counts only where the machine's owner agrees.
#[test]
fn a_cloned_project_cannot_take_the_sandbox_away() {
    let (env, _server) = world();
    env.write("mcp.toml", "[policy]\nisolation = \"none\"\n");
    let isolation = || explained(&env, "policy.isolation")["value"].clone();
    assert_eq!(isolation(), "\"landlock\"");
    let doctor = env.mcpsec(["doctor"]);
    assert!(doctor.stdout.contains("isolation = \"landlock\""), "{}", doctor.snapshot());
    env.write("mcp.toml", "[policy]\nisolation = \"none\"\nallow-isolation-none = true\n");
    let _refused = env.mcpsec(["verify"]).exits(2).says("only whose machine it is");
    env.write("mcp.toml", "[policy]\nisolation = \"none\"\n");
    of_machine(&env, "[policy]\nallow-isolation-none = true\n");
    assert_eq!(isolation(), "\"none\"");
    of_machine(&env, "[policy]\nallow-isolation-none = false\n");
    assert_eq!(isolation(), "\"landlock\"");
}

#[test]
fn the_policy_of_the_machine_holds_without_an_mcp_toml() {
    let (env, server) = world();
    server.publish(&npm_package("scripted", "1.0.0").bin("scripted", "index.js").script("postinstall", "touch x"));
    of_machine(&env, "[policy]\nrules = { install-script = \"deny\" }\n");
    let _denied = env.mcpsec(["add", "npm:scripted"]).exits(1);
    assert!(!env.exists("mcp.toml"));
    // Nor with one that says otherwise.
    env.write("mcp.toml", "[policy]\nrules = { install-script = \"allow\" }\n");
    let _denied = env.mcpsec(["add", "npm:scripted"]).exits(1);
    of_machine(&env, "[policy]\n");
    let _added = env.mcpsec(["add", "npm:scripted"]).success();
}

#[test]
fn a_finding_denies_again_when_its_exemption_is_over() {
    let (env, server) = world();
    server.publish(&npm_package("scripted", "1.0.0").bin("scripted", "index.js").script("postinstall", "touch x"));
    let policy = |until: &str| {
        format!(
            "[policy]\nrules = {{ install-script = \"deny\" }}\n[[policy.exempt]]\nrule = \"install-script\"\n\
             subject = \"npm:scripted@1.0.0\"\nreason = \"read line by line\"\nuntil = {until}\n"
        )
    };
    env.write("mcp.toml", policy("2099-12-31"));
    let _added = env.mcpsec(["add", "npm:scripted"]).success();
    let _verified = env.mcpsec(["verify"]).success();
    env.edit("mcp.toml", "2099-12-31", "2020-11-01");
    let denied = env.mcpsec(["verify"]).exits(1);
    let told = denied.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("the exemption ended on 2020-11-01"), "{}", denied.snapshot());
    // Another subject is lifted by none of it.
    env.edit("mcp.toml", "2020-11-01", "2099-12-31");
    env.edit("mcp.toml", "scripted@1.0.0", "scripted@1.0.1");
    let _denied = env.mcpsec(["verify"]).exits(1);
}
