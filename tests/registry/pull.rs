//! Fetching from upstreams: what the operator allowed, of the bytes that the lock pins, and nothing else.
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mcpsec_model::digest::Digest;
use mcpsec_testkit::{
    Fault, Loopback, Request,
    loopback::{Reply, Routes},
};
use serde_json::json;

use crate::pushing::{Team, left};

/// A host that must not be asked.
struct Trap(Mutex<Vec<u8>>);

impl Routes for Trap {
    fn answer(&self, _request: &Request, _base: &str) -> Reply {
        Reply::new(200, "application/octet-stream", self.0.lock().expect("bytes").clone())
    }
}

/// A team whose server may fetch from the npm registry of the test.
fn pulling() -> Option<Team> {
    pulling_with(&[])
}

fn pulling_with(more: &[&str]) -> Option<Team> {
    let npm = mcpsec_testkit::NpmServer::start();
    npm.publish_all(&[crate::pushing::files(), left()]);
    let (url, host) = (npm.url(), format!("127.0.0.1:{}", npm.port()));
    let own = ["--pull-through-npm", &url, "--pull-through-private-hosts", &host];
    Team::of(npm, &[&own, more].concat())
}

#[test]
fn a_file_that_is_longer_than_the_operator_allows_is_neither_fetched_nor_taken() {
    let Some(team) = pulling_with(&["--limits-artifact", "10"]) else { return };
    let _asked = team.put_lock("?request=1&fetch=1").is(200);
    refused(&team, "at most 10 are expected");
    settled(&team, 2);
    let tarball = left().tarball();
    team.put(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&tarball)), tarball).refuses(413, "more than 10 bytes");
}

/// Waits until the server fetched this many of the two files or gave up on the others: until the lock is not being fetched any more.
fn settled(team: &Team, missing: u64) {
    let start = Instant::now();
    loop {
        let taken = team.put_lock("?request=1").is(200).json();
        if taken["missing"].as_array().map(Vec::len) == Some(usize::try_from(missing).expect("small")) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{taken}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a refusal of a fetch is in the audit table, and gives its words.
fn refused(team: &Team, words: &str) {
    let start = Instant::now();
    while !team.world.server.errors().contains(words) {
        assert!(start.elapsed() < Duration::from_secs(60), "nobody said `{words}`: {}", team.world.server.errors());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_request_names_is_fetched_and_stays_in_quarantine() {
    let Some(team) = pulling() else { return };
    let asked = team.put_lock("?request=1&fetch=1").is(200).json();
    assert_eq!(asked["status"], "pending");
    settled(&team, 0);
    let path = format!("/api/v1/artifacts/{}", Digest::sha512_of(&left().tarball()));
    assert_eq!(team.anonymous(&path).status, 404, "nobody approved it");
    assert_eq!(team.get(&path).is(200).body, left().tarball());
    team.approve();
    assert_eq!(team.anonymous(&path).is(200).body, left().tarball());
}

#[test]
fn an_upstream_that_lies_or_leads_away_is_not_believed() {
    let Some(team) = pulling() else { return };
    let trap = Loopback::start(Arc::new(Trap(Mutex::new(left().tarball()))));
    let _asked = team.put_lock("?request=1").is(200);
    let faults = [
        (Fault::RedirectTo { status: 302, origin: trap.base().to_owned() }, "redirects are not followed"),
        (Fault::RedirectTo { status: 302, origin: "http://169.254.169.254".to_owned() }, "redirects are not followed"),
        (Fault::RedirectTo { status: 302, origin: "http://localhost".to_owned() }, "redirects are not followed"),
        (Fault::Status(503), "it answers 503"),
        (Fault::Gone, "404 Not Found"),
        (Fault::Truncate { after: 20 }, "broke off"),
        (Fault::Enormous { bytes: 64 << 20, declared: true }, "are expected"),
        (Fault::Enormous { bytes: 64 << 20, declared: false }, "more than"),
        (Fault::Reset, "it does not answer"),
    ];
    for (fault, words) in faults {
        team.npm.inject(fault.on("*left*"));
        let _asked = team.put_lock("?request=1&fetch=1").is(200);
        refused(&team, words);
        settled(&team, 1);
        team.npm.heal();
    }
    assert_eq!(trap.requests().len(), 0, "nobody went there");
    assert_eq!(team.get(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&left().tarball()))).status, 404);
    let _asked = team.put_lock("?request=1&fetch=1").is(200);
    settled(&team, 0);
}

#[test]
fn other_bytes_than_the_lock_pins_are_not_kept() {
    let Some(team) = pulling() else { return };
    let lock = team.lock();
    // The version was published anew with other bytes.
    team.npm.unpublish("left", "1.0.3");
    team.npm.publish(&left().file("evil.js", b"1"));
    let _asked =
        team.put(&format!("/api/v1/locks/{}?request=1&fetch=1", Digest::sha256_of(lock.as_bytes())), lock).is(200);
    refused(&team, "refused");
    settled(&team, 1);
}

#[test]
fn a_private_upstream_that_was_not_allowed_is_not_asked() {
    let npm = mcpsec_testkit::NpmServer::start();
    npm.publish_all(&[crate::pushing::files(), left()]);
    let url = npm.url();
    let Some(team) = Team::of(npm, &["--pull-through-npm", &url]) else { return };
    team.npm.clear_log();
    let _asked = team.put_lock("?request=1&fetch=1").is(200);
    refused(&team, "is not asked");
    settled(&team, 2);
    assert_eq!(team.npm.requests().len(), 0);
    assert_eq!(team.put_lock("?request=1").json()["missing"].as_array().map(Vec::len), Some(2));
    assert_ne!(team.get("/api/v1/releases").json(), json!({ "releases": [] }));
}
