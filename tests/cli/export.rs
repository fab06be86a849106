//! `export`: bills of materials, OpenVEX, settings for clients. From the lock alone, the same on every run.
use mcpsec_testkit::TestEnv;

use crate::worlds::locked_npm;

/// A project that has the golden lock of the model's own tests, and an mcp.toml that names two of its three servers.
fn golden() -> TestEnv {
    let env = TestEnv::new();
    env.write("mcp.lock", include_str!("../../testdata/locks/v1/mixed.lock"));
    env.write(
        "mcp.toml",
        "[servers.fetch]\nsource = \"pypi:server-fetch[html]<1,>=0.6\"\n\n[servers.files]\nsource = \"npm:@scope/server-files@^2026\"\n\n\
         [servers.unlocked]\nsource = \"npm:unlocked\"\n\n\
         [[policy.exempt]]\nrule = \"vulnerable\"\nsubject = \"npm:zod@3.25.76#GHSA-aaaa-bbbb-cccc\"\nreason = \"not reached\"\nuntil = 2099-01-31\n\n\
         [[policy.exempt]]\nrule = \"malware\"\nsubject = \"npm:zod@4.0.0#MAL-2020-1\"\nreason = \"a false alarm\"\nuntil = 2020-01-31\n",
    );
    env
}

#[test]
fn bills_are_the_same_on_every_run_and_know_one_server_or_all() {
    let env = golden();
    for form in ["cyclonedx", "spdx"] {
        let one = env.mcpsec(["export", form, "files"]).success().stdout;
        assert_eq!(env.mcpsec(["export", form, "files"]).success().stdout, one);
        assert!(one.contains("pkg:npm/zod@4.0.0") && !one.contains("pkg:pypi/"), "{one}");
        let all = env.mcpsec(["export", form]).success().stdout;
        assert!(all.contains("pkg:npm/zod@4.0.0") && all.contains("pkg:pypi/anyio@4.16.0"), "{all}");
        drop(env.mcpsec(["export", form, "nobody"]).exits(2).says("it has: fetch, files, notes"));
    }
    // The day that a server was resolved as of is the time of its bill; no clock is in it.
    let bill = env.mcpsec(["export", "cyclonedx", "fetch"]).success().json();
    assert_eq!(bill["metadata"]["timestamp"], "2025-08-01T23:59:59Z");
    let bill = env.mcpsec(["export", "cyclonedx", "files"]).success().json();
    assert!(bill["metadata"]["timestamp"].is_null());
}

#[test]
fn a_time_that_builds_agreed_on_is_taken() {
    let mut env = golden();
    env.set("SOURCE_DATE_EPOCH", "1700000000");
    let bill = env.mcpsec(["export", "spdx", "fetch"]).success().json();
    assert_eq!(bill["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    let vex = env.mcpsec(["export", "vex"]).success().json();
    assert_eq!(vex["timestamp"], "2023-11-14T22:13:20Z");
    env.set("SOURCE_DATE_EPOCH", "yesterday");
    drop(env.mcpsec(["export", "spdx", "fetch"]).exits(2).says("must be a number of seconds"));
}

#[test]
fn exemptions_of_advisories_become_openvex() {
    let output = golden().mcpsec(["export", "vex", "--author", "the team"]).success();
    let vex = output.json();
    let statements = vex["statements"].as_array().expect("statements");
    assert_eq!(statements.len(), 1, "{vex}");
    assert_eq!(statements[0]["vulnerability"]["name"], "GHSA-aaaa-bbbb-cccc");
    assert_eq!(statements[0]["status"], "affected");
    assert_eq!(vex["author"], "the team");
    drop(output.says("left out: the exemption of malware for npm:zod@4.0.0#MAL-2020-1 ended on 2020-01-31"));
}

#[test]
fn clients_get_the_servers_that_are_named_and_locked() {
    let env = golden();
    let output = env.mcpsec(["export", "managed-settings"]).success();
    insta::assert_snapshot!("managed_claude_code", output.snapshot());
    drop(output.says("left out: notes is not in both").says("left out: unlocked is not in both"));
    let fixed = ["export", "managed-settings", "--fixed", "--program", "/opt/mcpsec", "--at", "/srv/mcp"];
    insta::assert_snapshot!("managed_fixed", env.mcpsec(fixed).success().stdout);
    let copilot = env.mcpsec(["export", "managed-settings", "--client", "copilot"]).success().json();
    assert_eq!(copilot["allowedMcpServers"][1]["serverCommand"], serde_json::json!(["mcpsec", "run", "files"]));
    let vscode = env.mcpsec(["export", "managed-settings", "--client", "vscode"]).success().json();
    assert_eq!(vscode["chat.mcp.allowedServers"], copilot["allowedMcpServers"]);
    drop(env.mcpsec(["export", "managed-settings", "--client", "vscode", "--fixed"]).exits(2));
}

#[test]
fn servers_are_listed_as_the_registry_api_lists_them() {
    let env = golden();
    let listed = env.mcpsec(["export", "registry"]).success().json();
    assert_eq!(listed["metadata"]["count"], 3);
    let first = &listed["servers"][0]["server"];
    assert_eq!(first["name"], "localhost/fetch");
    assert!(first["packages"][0]["registryBaseUrl"].is_null(), "{first}");
    // With a team's registry, names and addresses are the team's.
    env.write("mcp.toml", format!("{}\n[team]\nregistry = \"https://mcp.example.test/sub/\"\n", env.read("mcp.toml")));
    let one = env.mcpsec(["export", "registry", "files"]).success().json();
    assert_eq!(one["servers"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["servers"][0]["server"]["name"], "test.example.mcp/files");
    let one = env.mcpsec(["export", "registry", "fetch"]).success().json();
    let package = &one["servers"][0]["server"]["packages"][0];
    assert_eq!(package["registryBaseUrl"], "https://mcp.example.test/sub/pypi/simple/");
    assert_eq!((&package["identifier"], &package["version"]), (&"server-fetch".into(), &"0.6.2".into()));
    let named = env.mcpsec(["export", "registry", "notes", "--namespace", "test.team"]).success().json();
    assert_eq!(named["servers"][0]["server"]["name"], "test.team/notes");
    drop(env.mcpsec(["export", "registry", "--namespace", "a/b"]).exits(2).says("--namespace must be"));
}

#[test]
fn without_a_lock_there_is_nothing_to_export() {
    let env = TestEnv::new();
    for form in ["cyclonedx", "spdx", "managed-settings", "registry"] {
        drop(env.mcpsec(["export", form]).exits(2).says("has no mcp.lock"));
    }
    drop(env.mcpsec(["export", "vex"]).exits(2).says("has no mcp.toml"));
    let (env, _server) = locked_npm();
    assert!(env.mcpsec(["export", "cyclonedx"]).success().stdout.contains("CycloneDX"));
}
