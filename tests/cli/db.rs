//! `mcpsec db`: the advisory database, from files and from the network, and what it answers.
use mcpsec_testkit::{Fault, OsvServer, TestEnv, advisory, advisory_zip, npm_advisory};
use serde_json::{Value, json};

fn records() -> Vec<Value> {
    let range = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.0.4"}]}]});
    let mut ghsa = advisory("GHSA-xxxx-yyyy-zzzz", "npm", "@scope/left", &range);
    ghsa["aliases"] = json!(["CVE-2026-1"]);
    ghsa["database_specific"] = json!({"severity": "MODERATE"});
    ghsa["summary"] = json!("a \u{1b}[31mred\u{202e} summary");
    ghsa["references"] = json!([{"type": "WEB", "url": "https://example.test/left"}]);
    vec![
        ghsa,
        npm_advisory("MAL-2026-1", "@scope/left", &["1.0.3"]),
        advisory("PYSEC-2026-1", "PyPI", "Some.Name", &json!({"versions": ["1.0"]})),
        advisory("GHSA-odd", "npm", "odd", &json!({})),
    ]
}

fn ids(env: &TestEnv, purl: &str) -> Vec<String> {
    let answer = env.mcpsec(["db", "query", purl, "--format", "json"]).success().json();
    let advisories = answer["advisories"].as_array().expect("advisories").iter();
    advisories.map(|advisory| advisory["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_database_from_files_answers_queries() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.mcpsec(["db", "query", "pkg:npm/left@1.0.0"]).exits(3).snapshot());
    env.write("all.zip", advisory_zip(&records()));
    insta::assert_snapshot!(env.mcpsec(["db", "update", "--from", "all.zip"]).success().snapshot());
    insta::assert_snapshot!(env.mcpsec(["db", "query", "pkg:npm/%40scope/left@1.0.3"]).success().snapshot());
    insta::assert_snapshot!(
        env.mcpsec(["db", "query", "pkg:npm/%40scope/left@1.0.3", "--format", "json"]).success().snapshot()
    );
    assert_eq!(ids(&env, "pkg:npm/%40scope/left@1.0.0"), ["GHSA-xxxx-yyyy-zzzz"]);
    assert_eq!(ids(&env, "pkg:npm/%40scope/left@1.0.4"), [""; 0]);
    assert_eq!(ids(&env, "pkg:pypi/some-name@1.0.0"), ["PYSEC-2026-1"]);
    assert_eq!(ids(&env, "pkg:npm/nobody@1.0.0"), [""; 0]);
    let odd = env.mcpsec(["db", "query", "pkg:npm/odd@1.0.0", "--format", "json"]).success().json();
    assert_eq!(odd["unknown"][0]["id"], "GHSA-odd");
    for bad in ["pkg:npm/left", "left", "pkg:cargo/left@1.0.0"] {
        let _usage = env.mcpsec(["db", "query", bad]).exits(2);
    }
}

#[test]
fn an_update_needs_an_address_and_a_network() {
    let mut env = TestEnv::new();
    insta::assert_snapshot!(env.mcpsec(["db", "update"]).exits(2).snapshot());
    let server = OsvServer::start();
    records().iter().for_each(|record| server.publish(record));
    env.write("mcp.toml", format!("[registries]\nadvisories = \"{}\"\n", server.base()));
    let _offline = env.mcpsec(["db", "update", "--offline"]).exits(3);
    let first = env.mcpsec(["db", "update", "--format", "json"]).success().json();
    assert_eq!((&first["records"], &first["unchanged"]), (&json!(4), &json!(false)));
    let again = env.mcpsec(["db", "update", "--format", "json"]).success().json();
    assert_eq!((&again["records"], &again["unchanged"]), (&json!(4), &json!(true)));
    // The machine's own configuration comes before the repository's.
    let own = OsvServer::start();
    own.publish(&npm_advisory("MAL-own", "left", &["1.0.0"]));
    own.publish(&advisory("PYSEC-own", "PyPI", "x", &json!({"versions": ["1"]})));
    env.set("MCPSEC_ADVISORIES", own.base());
    server.clear_log();
    assert_eq!(env.mcpsec(["db", "update", "--format", "json"]).success().json()["records"], json!(2));
    assert_eq!(server.requests().len(), 0);
    assert_eq!(ids(&env, "pkg:npm/left@1.0.0"), ["MAL-own"]);
}

#[test]
fn what_is_no_archive_leaves_the_database_alone() {
    let mut env = TestEnv::new();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    env.write("all.zip", advisory_zip(&records()));
    let _updated = env.mcpsec(["db", "update", "--from", "all.zip"]).success();
    env.write("bad.zip", "no zip");
    insta::assert_snapshot!(env.mcpsec(["db", "update", "--from", "bad.zip"]).exits(2).snapshot());
    let _absent = env.mcpsec(["db", "update", "--from", "none.zip"]).exits(2);
    let server = OsvServer::start();
    env.set("MCPSEC_ADVISORIES", server.base());
    for fault in [Fault::Status(503), Fault::Reset, Fault::Gone] {
        server.inject(fault.on("*/all.zip"));
        let _incomplete = env.mcpsec(["db", "update"]).exits(3);
        server.heal();
    }
    server.set_archive(&b"garbage"[..]);
    let _refused = env.mcpsec(["db", "update"]).exits(2);
    assert_eq!(ids(&env, "pkg:npm/%40scope/left@1.0.3"), ["MAL-2026-1", "GHSA-xxxx-yyyy-zzzz"]);
}

#[test]
fn a_damaged_database_says_so_with_the_remedy() {
    let env = TestEnv::new();
    env.write("all.zip", advisory_zip(&records()));
    let _updated = env.mcpsec(["db", "update", "--from", "all.zip"]).success();
    let path = env.home().join(".local/share/mcpsec/advisories.db");
    let whole = std::fs::read(&path).expect("a database");
    crate::worlds::replace_file(&path, &whole[..whole.len() - 10]);
    insta::assert_snapshot!(env.mcpsec(["db", "query", "pkg:npm/left@1.0.0"]).exits(3).snapshot());
    let mut newer = whole;
    newer[8] = 7;
    crate::worlds::replace_file(&path, &newer);
    insta::assert_snapshot!(env.mcpsec(["db", "query", "pkg:npm/left@1.0.0"]).exits(3).snapshot());
}
