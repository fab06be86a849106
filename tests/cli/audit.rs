//! `mcpsec audit`, and the check `advisories` of `verify`: from a service, from the database, from neither.
use mcpsec_testkit::{Fault, OsvMood, OsvServer, TestEnv, advisory, npm_advisory};
use serde_json::{Value, json};

use crate::worlds::{git_repository, linked_repository, locked_npm, locked_pypi, npm_registry, statuses};

/// A service that has these records, and a user who asks it.
fn service(env: &mut TestEnv, records: &[Value]) -> OsvServer {
    let server = OsvServer::start();
    records.iter().for_each(|record| server.publish(record));
    env.set("MCPSEC_OSV_API", server.base());
    server
}

/// A database with these records.
fn database(env: &TestEnv, records: &[Value]) {
    for record in records {
        env.write(&format!("../records/{}.json", record["id"].as_str().expect("an id")), record.to_string());
    }
    let _updated = env.mcpsec(["db", "update", "--from", "../records"]).success();
}

fn malware() -> Value {
    let mut record = npm_advisory("MAL-2026-1", "left", &["1.0.3"]);
    record["aliases"] = json!(["GHSA-aaaa-bbbb-cccc"]);
    record
}

fn vulnerable() -> Value {
    let entry = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.4"}]}]});
    let mut record = advisory("GHSA-xxxx-yyyy-zzzz", "npm", "left", &entry);
    record["aliases"] = json!(["CVE-2026-1"]);
    record["severity"] = json!([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}]);
    record
}

#[test]
fn malware_deep_in_a_closure_is_known_bad() {
    let (mut env, _registry) = locked_npm();
    let server = service(&mut env, &[malware(), vulnerable(), npm_advisory("MAL-2026-9", "left", &["9.0.0"])]);
    insta::assert_snapshot!(env.mcpsec(["audit"]).exits(1).snapshot());
    let report = env.mcpsec(["audit", "--format", "json"]).exits(1).json();
    assert_eq!((&report["command"], &report["verdict"]), (&json!("audit"), &json!("deny")));
    let rules: Vec<&Value> =
        report["servers"][0]["findings"].as_array().expect("findings").iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(rules, ["malware", "vulnerable"]);
    // What the service names is judged here: it may name whatever it likes.
    server.set_mood(OsvMood::Blurting);
    assert_eq!(env.mcpsec(["audit", "--format", "json"]).exits(1).json()["servers"], report["servers"]);
}

/// The service says that a record is about the locked version, and the record says that it is not.
#[test]
fn an_answer_is_no_proof() {
    let (mut env, _registry) = locked_npm();
    let mut withdrawn = malware();
    withdrawn["withdrawn"] = json!("2026-02-01T00:00:00Z");
    let other_version = npm_advisory("MAL-2026-2", "left", &["1.0.2"]);
    let other_name = npm_advisory("MAL-2026-3", "leftish", &["1.0.3"]);
    let server = service(&mut env, &[withdrawn, other_version, other_name]);
    server.set_mood(OsvMood::Blurting);
    let report = env.mcpsec(["audit", "--format", "json"]).success();
    assert_eq!(report.json()["servers"][0]["findings"], json!([]));
    assert_eq!(statuses(&report, "advisories"), ["pass"]);
}

#[test]
fn offline_the_database_answers_and_verify_asks_it_too() {
    let (env, _registry) = locked_npm();
    insta::assert_snapshot!(env.mcpsec(["audit", "--offline"]).exits(3).snapshot());
    // Without a database `verify` says so, and passes.
    assert_eq!(
        statuses(&env.mcpsec(["verify", "--offline", "--format", "json"]).success(), "advisories"),
        ["unchecked"]
    );
    database(&env, &[vulnerable()]);
    insta::assert_snapshot!(env.mcpsec(["audit", "--offline"]).success().snapshot());
    database(&env, &[malware()]);
    let _denied = env.mcpsec(["audit", "--offline"]).exits(1);
    let report = env.mcpsec(["verify", "--offline", "--format", "json"]).exits(1);
    assert_eq!(statuses(&report, "advisories"), ["fail", "pass"]);
}

/// What an old database does not know may be known by now; what it does know stays true.
#[test]
fn an_old_database_is_no_pass_and_still_knows_what_it_knows() {
    let (env, _registry) = locked_npm();
    database(&env, &[vulnerable()]);
    let path = env.home().join(".local/share/mcpsec/advisories.db");
    let made = |records: &[Value], when: &str| {
        database(&env, records);
        let now = when.parse().expect("a time");
        mcpsec_fetch::osv::import(&path, &env.project().join("../records"), now).expect("imported");
    };
    made(&[vulnerable()], "2026-01-01T00:00:00Z");
    let report = env.mcpsec(["audit", "--offline", "--format", "json"]).exits(3);
    assert_eq!(statuses(&report, "advisories"), ["unchecked"]);
    assert!(report.stdout.contains("the advisory database is of 2026-01-01T00:00:00Z"), "{}", report.snapshot());
    // `verify` tolerates it where the policy does, and not where a database is required.
    let _tolerated = env.mcpsec(["verify", "--offline"]).success();
    let before = env.read("mcp.toml");
    let plain = before.replace("database = \"if-present\"", "database = \"required\"");
    let required =
        if plain == before { format!("{before}\n[policy.advisories]\ndatabase = \"required\"\n") } else { plain };
    env.write("mcp.toml", required);
    let _incomplete = env.mcpsec(["verify", "--offline"]).exits(3);
    env.write("mcp.toml", before);
    made(&[malware()], "2026-01-01T00:00:00Z");
    assert_eq!(
        statuses(&env.mcpsec(["audit", "--offline", "--format", "json"]).exits(1), "advisories"),
        ["fail", "unchecked"]
    );
}

/// The archive of the other ecosystem alone says nothing about this one.
#[test]
fn a_database_without_the_ecosystem_is_no_pass() {
    let (env, _registry) = locked_npm();
    database(&env, &[advisory("PYSEC-2026-1", "PyPI", "left", &json!({"versions": ["1.0.3"]}))]);
    let report = env.mcpsec(["audit", "--offline", "--format", "json"]).exits(3);
    assert_eq!(statuses(&report, "advisories"), ["unchecked"]);
}

/// A repository may name a service of its own in mcp.toml. What that one says about a record is not what others say about it.
#[test]
fn one_service_does_not_answer_for_another() {
    let (mut env, _registry) = locked_npm();
    let mut harmless = malware();
    harmless["withdrawn"] = json!("2026-02-01T00:00:00Z");
    harmless["modified"] = json!("2099-01-01T00:00:00Z");
    let hostile = service(&mut env, &[harmless]);
    hostile.set_mood(OsvMood::Blurting);
    let _asked = env.mcpsec(["audit"]).success();
    let _honest = service(&mut env, &[malware()]);
    let _denied = env.mcpsec(["audit"]).exits(1);
}

/// Nor can it keep quiet about what the user's own database knows.
#[test]
fn a_service_of_the_project_does_not_silence_the_database() {
    let (env, _registry) = locked_npm();
    database(&env, &[malware()]);
    let quiet = OsvServer::start();
    let address = quiet.base();
    let config = env.read("mcp.toml");
    env.write("mcp.toml", format!("{config}\n[registries]\nosv-api = \"{address}\"\n"));
    let report = env.mcpsec(["audit", "--format", "json"]).exits(1);
    assert_eq!(statuses(&report, "advisories"), ["fail", "pass"]);
    // Nor by calling the same record harmless.
    let mut harmless = malware();
    harmless["withdrawn"] = json!("2026-02-01T00:00:00Z");
    quiet.publish(&harmless);
    quiet.set_mood(OsvMood::Blurting);
    let _still = env.mcpsec(["audit"]).exits(1);
}

#[test]
fn a_damaged_database_is_never_a_pass() {
    let (env, _registry) = locked_npm();
    database(&env, &[malware()]);
    let path = env.home().join(".local/share/mcpsec/advisories.db");
    crate::worlds::flip_middle_byte(&path);
    insta::assert_snapshot!(env.mcpsec(["audit", "--offline"]).exits(3).snapshot());
    assert_eq!(
        statuses(&env.mcpsec(["verify", "--offline", "--format", "json"]).exits(3), "advisories"),
        ["unchecked"]
    );
    database(&env, &[malware()]);
    let _mended = env.mcpsec(["audit", "--offline"]).exits(1);
}

#[test]
fn a_service_that_fails_is_told_and_the_database_steps_in() {
    let (mut env, _registry) = locked_npm();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    let server = service(&mut env, &[malware()]);
    for (mood, fault) in [
        (OsvMood::Honest, Some(Fault::Status(500).on("/v1/querybatch"))),
        (OsvMood::Honest, Some(Fault::Status(404).on("/v1/vulns/*"))),
        (OsvMood::Endless, None),
        (OsvMood::Swapping, Some(Fault::Garbage.on("/v1/vulns/*"))),
    ] {
        server.set_mood(mood);
        fault.clone().into_iter().for_each(|fault| server.inject(fault));
        let report = env.mcpsec(["audit", "--format", "json"]).exits(3);
        assert!(statuses(&report, "advisories").contains(&"unchecked".to_owned()), "{mood:?} {fault:?}");
        server.heal();
    }
    database(&env, &[malware()]);
    server.inject(Fault::Status(500).on("/v1/querybatch"));
    assert_eq!(statuses(&env.mcpsec(["audit", "--format", "json"]).exits(1), "advisories"), ["fail", "pass"]);
}

#[test]
fn an_exemption_names_one_advisory_by_any_of_its_ids() {
    let (env, _registry) = locked_npm();
    let mut ghsa = npm_advisory("GHSA-aaaa-bbbb-cccc", "left", &["1.0.3"]);
    ghsa["aliases"] = json!(["MAL-2026-1"]);
    database(&env, &[malware(), ghsa]);
    let before = env.read("mcp.toml");
    let exempt = |rule: &str, id: &str| {
        let entry = format!(
            "\n[[policy.exempt]]\nrule = \"{rule}\"\nsubject = \"npm:left@1.0.3#{id}\"\nreason = \"looked at it\"\nuntil = 2099-12-31\n"
        );
        env.write("mcp.toml", format!("{before}{entry}"));
    };
    for id in ["MAL-2026-1", "GHSA-aaaa-bbbb-cccc"] {
        exempt("malware", id);
        let output = env.mcpsec(["audit", "--offline"]).success();
        assert!(output.stdout.contains("allowed") && output.stdout.contains("looked at it"), "{}", output.snapshot());
    }
    for (rule, id) in [("malware", "MAL-2026-2"), ("vulnerable", "MAL-2026-1"), ("malware", "mal-2026-1")] {
        exempt(rule, id);
        let _denied = env.mcpsec(["audit", "--offline"]).exits(1);
    }
    // Another record about malicious code in the same version is not covered, whatever it calls itself.
    exempt("malware", "MAL-2026-1");
    let mut second = npm_advisory("MAL-2026-7", "left", &["1.0.3"]);
    second["aliases"] = json!(["MAL-2026-1", "GHSA-aaaa-bbbb-cccc"]);
    database(&env, &[second]);
    let output = env.mcpsec(["audit", "--offline"]).exits(1);
    assert!(output.stdout.contains("npm:left@1.0.3#MAL-2026-7"), "{}", output.snapshot());
}

#[test]
fn a_record_that_cannot_be_compared_is_unchecked() {
    let (env, _registry) = locked_npm();
    let entry = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "soon"}]}]});
    database(&env, &[advisory("GHSA-odd", "npm", "left", &entry)]);
    insta::assert_snapshot!(env.mcpsec(["audit", "--offline"]).exits(3).snapshot());
    let _told = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn python_names_and_versions_are_normal_forms_and_the_registry_is_asked_as_well() {
    let (mut env, index) = locked_pypi();
    let server = service(&mut env, &[advisory("PYSEC-2026-1", "PyPI", "Yarl_Ish", &json!({"versions": ["1.5.0"]}))]);
    // The service is asked by the normal name; its records are matched by theirs.
    server.set_mood(OsvMood::Blurting);
    index.change("yarl_ish-1.5-py3-none-any.whl", |file| file.yanked = Some("broken release".to_owned()));
    insta::assert_snapshot!(env.mcpsec(["audit"]).success().snapshot());
}

#[test]
fn a_commit_is_told_as_not_looked_up() {
    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let _added = env.mcpsec(["add", &linked_repository(&env, &repository, "v1.0.0")]).success();
    let _server = service(&mut env, &[]);
    assert_eq!(statuses(&env.mcpsec(["audit", "--format", "json"]).success(), "advisories"), ["pass", "unchecked"]);
}

#[test]
fn nothing_to_audit_is_a_mistake() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.mcpsec(["audit"]).exits(2).snapshot());
    let (env, _registry) = locked_npm();
    let _unknown = env.mcpsec(["audit", "nobody"]).exits(2);
}
