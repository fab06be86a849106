//! Pushing a lock: approved, asked for, withdrawn; twice, on two replicas, and after a crash.
use mcpsec_model::digest::Digest;
use reqwest::Method;
use serde_json::json;

use crate::pushing::{Team, ask, files, left};

#[test]
fn an_approved_server_is_pushed_and_everybody_gets_its_files() {
    let Some(team) = Team::new(&[]) else { return };
    team.put_lock("").refuses(403, "files is not approved: nobody approved this");
    assert_eq!(team.get("/api/v1/releases").json(), json!({ "releases": [] }));
    team.approve();
    let taken = team.put_lock("").is(200).json();
    assert_eq!(taken["status"], "incomplete");
    assert_eq!(taken["server"], "files");
    let mut missing: Vec<String> = team.tarballs().into_keys().collect();
    missing.sort();
    assert_eq!(taken["missing"], json!(missing));
    assert_eq!(taken["evidence"], json!(["pkg:npm/files@1.2.0 files-1.2.0.tgz", "pkg:npm/left@1.0.3 left-1.0.3.tgz"]));
    for (digest, bytes) in team.tarballs() {
        assert_eq!(team.anonymous(&format!("/api/v1/artifacts/{digest}")).status, 404);
        let arrived = team.put(&format!("/api/v1/artifacts/{digest}"), bytes.clone()).is(200).json();
        assert_eq!(arrived["size"], bytes.len());
        assert_eq!(arrived["sha512"], digest);
        assert_eq!(arrived["sha256"], Digest::sha256_of(&bytes).to_string());
    }
    let again = team.put_lock("").is(200).json();
    assert_eq!((&again["status"], &again["missing"]), (&json!("vetted"), &json!([])));
    for (digest, bytes) in team.tarballs() {
        for name in [digest, Digest::sha256_of(&bytes).to_string()] {
            let got = team.anonymous(&format!("/api/v1/artifacts/{name}")).is(200);
            assert_eq!(got.body, bytes);
            assert_eq!(got.header("cache-control"), "public, no-cache");
        }
    }
    let lock = team.lock();
    let got = team.anonymous(&format!("/api/v1/locks/{}", Digest::sha256_of(lock.as_bytes()))).is(200);
    assert_eq!(String::from_utf8_lossy(&got.body), lock);
}

#[test]
fn a_request_waits_in_quarantine_until_it_is_approved() {
    let Some(team) = Team::new(&[]) else { return };
    let taken = team.put_lock("?request=1&reason=I%20need%20it").is(200).json();
    assert_eq!(taken["status"], "pending");
    team.push_all("?request=1");
    let release = team.get("/api/v1/releases").json()["releases"][0].clone();
    assert_eq!((&release["status"], &release["requested"]), (&json!("pending"), &json!(true)));
    assert_eq!((&release["reason"], &release["missing"]), (&json!("I need it"), &json!(0)));
    for (digest, bytes) in team.tarballs() {
        let path = format!("/api/v1/artifacts/{digest}");
        team.anonymous(&path).refuses(404, "no vetted server has a file");
        // Whoever pushes may look at what is not vetted; nobody may keep it.
        let got = team.get(&path).is(200);
        assert_eq!(got.body, bytes);
        assert_eq!(got.header("cache-control"), "no-store");
    }
    let digest = Digest::sha512_of(&left().tarball());
    let evidence = format!("/api/v1/evidence/{digest}?package=pkg%3Anpm%2Fleft%401.0.3&file=left-1.0.3.tgz");
    let _kept = team.put(&evidence, "{\"offered\":true}").is(200);
    team.anonymous(&evidence).refuses(404, "there is no evidence for");
    let _seen = team.get(&evidence).is(200);
    team.approve();
    assert_eq!(team.status(), "vetted");
    let _seen = team.anonymous(&evidence).is(200);
    team.revoke();
    assert_eq!(team.status(), "withdrawn");
    for digest in team.tarballs().into_keys() {
        assert_eq!(team.anonymous(&format!("/api/v1/artifacts/{digest}")).status, 404);
    }
}

#[test]
fn nothing_arrives_for_what_was_withdrawn() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    team.revoke();
    let (digest, bytes) = team.tarballs().pop_first().expect("a file");
    let path = format!("/api/v1/artifacts/{digest}");
    team.put(&path, bytes.clone()).refuses(403, "no approved server has the file");
    let digest = Digest::sha512_of(&left().tarball());
    let evidence = format!("/api/v1/evidence/{digest}?package=pkg%3Anpm%2Fleft%401.0.3&file=left-1.0.3.tgz");
    team.put(&evidence, "{\"offered\":true}").refuses(404, "no pushed lock has such a file");
    team.put_lock("").refuses(403, "files is not approved");
    // Asking for it again is a request like any other.
    let _asked = team.put_lock("?request=1&reason=again").is(200);
    let release = team.get("/api/v1/releases").json()["releases"][0].clone();
    assert_eq!((&release["requested"], &release["reason"]), (&json!(true), &json!("again")));
    let _arrived = team.put(&path, bytes).is(200);
    assert_eq!(team.anonymous(&path).status, 404);
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash_and_on_every_replica() {
    let Some(mut team) = Team::new(&[]) else { return };
    team.approve();
    let other = team.world.replica();
    let _taken = team.put_lock("").is(200);
    let tarballs: Vec<(String, Vec<u8>)> = team.tarballs().into_iter().collect();
    // The same file to both at once, again and again: one row, one blob, and both say so.
    let bearer = format!("Bearer {}", team.token);
    std::thread::scope(|scope| {
        for (round, server) in [team.world.server.address(), other.address()].into_iter().cycle().take(8).enumerate() {
            let (digest, bytes) = &tarballs[round / 2 % tarballs.len()];
            let url = format!("{server}/api/v1/artifacts/{digest}");
            let bearer = &bearer;
            scope.spawn(move || ask(Method::PUT, &url, &[("Authorization", bearer)], bytes.clone()).is(200));
        }
    });
    team.world.restart();
    for (digest, bytes) in &tarballs {
        assert_eq!(team.anonymous(&format!("/api/v1/artifacts/{digest}")).is(200).body, *bytes);
    }
    assert_eq!(team.status(), "vetted");
    assert_eq!(team.get("/api/v1/releases").json()["releases"][0]["missing"], 0);
    drop(other);
}

#[test]
fn evidence_is_completed_and_never_erased() {
    let Some(team) = Team::new(&[]) else { return };
    let digest = Digest::sha512_of(&left().tarball());
    let path = format!("/api/v1/evidence/{digest}?package=pkg%3Anpm%2Fleft%401.0.3&file=left-1.0.3.tgz");
    let full = json!({ "offered": true, "signatures": [{ "keyid": "k", "sig": "c2ln" }], "attestations": "{}" });
    team.put(&path, full.to_string()).refuses(404, "no pushed lock has such a file");
    team.approve();
    let _taken = team.put_lock("").is(200);
    team.anonymous(&path).refuses(404, "there is no evidence for");
    assert_eq!(team.put(&path, full.to_string()).is(200).json()["changed"], true);
    assert_eq!(team.put(&path, full.to_string()).is(200).json()["changed"], false);
    // A registry that stopped handing out evidence erases none.
    let stripped = json!({ "offered": true, "withheld": true });
    assert_eq!(team.put(&path, stripped.to_string()).is(200).json()["changed"], false);
    assert_eq!(team.anonymous(&path).is(200).json(), full);
    let again = team.put_lock("").is(200).json();
    assert_eq!(again["evidence"], json!(["pkg:npm/files@1.2.0 files-1.2.0.tgz"]));
    // The SHA-256 of the same bytes is another pin, which this lock may not have; the file under another name is none of ours.
    let other = path.replace("left-1.0.3.tgz", "left-1.0.4.tgz");
    team.put(&other, full.to_string()).refuses(404, "no pushed lock has such a file");
    team.put(&path, "{\"offered\":true,\"more\":1}").refuses(422, "is not evidence");
    assert_eq!(team.announce(&path, (16 << 20) + 1), "HTTP/1.1 413 Payload Too Large");
}

#[test]
fn two_versions_of_a_server_share_their_files() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    team.push_all("");
    team.npm.publish(&mcpsec_testkit::npm_package("files", "1.3.0").dep("left", "^1.0.0").bin("files", "index.js"));
    std::fs::remove_dir_all(team.env.cache()).expect("a cache");
    let _added = team.env.mcpsec(["add", "npm:files", "--fresh", "--yes"]).success();
    team.put_lock("").refuses(403, "files is not approved");
    let taken = team.put_lock("?request=1").is(200).json();
    assert_eq!(taken["missing"].as_array().map(Vec::len), Some(1), "{taken}");
    assert_eq!(taken["status"], "pending");
    assert_eq!(team.anonymous(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&files().tarball()))).status, 200);
}
