//! `mcpsec push` and the mirror against the real server.
use mcpsec_testkit::Fault;

use crate::vetted::{Vetted, token};

#[test]
fn a_push_is_complete_and_repeatable() {
    let Some((mut vetted, npm)) = Vetted::prober() else { return };
    vetted.env.set("MCPSEC_TEAM_TOKEN", &vetted.token);
    let _again = vetted.env.mcpsec(["push"]).success().prints("2 files, all there already");
    let _nothing = vetted.env.mcpsec(["push", "--dry-run"]).success().prints("would send 0 of 2 files");
    let json = vetted.env.mcpsec(["push", "--format", "json"]).success().json();
    assert_eq!((&json["servers"][0]["status"], &json["servers"][0]["files"]), (&"vetted".into(), &2.into()));
    // Another reviewer's machine pushes the same lock: nothing moves.
    let mut colleague = vetted.colleague();
    colleague.set("MCPSEC_TEAM_TOKEN", &vetted.token);
    let _same = colleague.mcpsec(["push"]).success().prints("all there already");
    drop(npm);
}

#[test]
fn a_push_without_approval_is_a_request_and_serves_nobody() {
    let Some((mut vetted, npm)) = Vetted::prober() else { return };
    let other = mcpsec_testkit::npm_package("other", "1.0.0").bin("other", "index.js");
    npm.publish(&other);
    vetted.env.set("MCPSEC_CAPTURE", "off");
    let _added = vetted.env.mcpsec(["add", "npm:other"]);
    vetted.env.set("MCPSEC_TEAM_TOKEN", &vetted.token);
    let _refused = vetted.env.mcpsec(["push", "other"]).exits(1).says("mcpsec approve other");
    let asked = vetted.env.mcpsec(["push", "other", "--request", "--reason", "for the docs"]).success();
    assert!(asked.stdout.contains("pending"), "{}", asked.stdout);
    // Its bytes are there, and are handed to nobody.
    drop(npm);
    let laptop = vetted.colleague();
    let said = laptop.mcpsec(["verify", "other"]);
    assert_ne!(said.code, Some(0), "{}", said.snapshot());
    assert!(said.stdout.contains("artifact-hash"), "{}", said.stdout);
}

#[test]
fn tokens_without_the_scope_push_nothing() {
    let Some((mut vetted, _npm)) = Vetted::prober() else { return };
    for scopes in [["read"].as_slice(), &["approve-submit"]] {
        vetted.env.set("MCPSEC_TEAM_TOKEN", token(&vetted.world, scopes));
        let said = vetted.env.mcpsec(["push"]);
        assert!(matches!(said.code, Some(1 | 2)), "{}", said.snapshot());
    }
    vetted.env.set("MCPSEC_TEAM_TOKEN", "mcpsec_nonsense");
    let _unknown = vetted.env.mcpsec(["push"]).exits(2);
}

#[test]
fn the_mirror_saves_what_an_upstream_spoils() {
    let Some((vetted, npm)) = Vetted::prober() else { return };
    for fault in [Fault::Gone, Fault::Status(503), Fault::FlipByte { at: 60 }, Fault::Garbage] {
        npm.inject(fault.on("*.tgz"));
        let mut laptop = vetted.colleague();
        laptop.npm(&npm);
        let _verified = laptop.mcpsec(["verify"]).success().says("2 of 2 files from the team's mirror");
        npm.heal();
    }
}
