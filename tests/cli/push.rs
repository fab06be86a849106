//! `mcpsec push`: what goes to the team's registry, what never does, and what is said when it will not take it.
use mcpsec_model::digest::Digest;
use mcpsec_testkit::{Fault, NpmServer, Output, TestEnv, npm_package};
use serde_json::json;

use crate::{
    mirror_world::{TOKEN, TeamServer},
    worlds::{empty_store, files, files_below, flip_middle_byte, left, locked_npm, npm_registry},
};

/// A project with `files` locked and a team registry, whose token is set.
fn joined() -> (TestEnv, NpmServer, TeamServer) {
    let (mut env, npm) = locked_npm();
    let team = TeamServer::start();
    team.join(&env, "");
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    (env, npm, team)
}

/// Without what changes from run to run: the port, and digests.
fn plain(team: &TeamServer, output: &Output) -> String {
    let text = output.snapshot().replace(team.base(), "http://[TEAM]");
    let words: Vec<String> = text
        .split_inclusive([' ', '\n'])
        .map(|word| match word.find("sha256:").or_else(|| word.find("sha512:")) {
            Some(at) => {
                let end = word[at + 7..].find(|c: char| !c.is_ascii_hexdigit()).map_or(word.len(), |end| at + 7 + end);
                format!("{}[HEX]{}", &word[..at + 7], &word[end..])
            }
            None => word.to_owned(),
        })
        .collect();
    words.concat()
}

#[test]
fn a_push_sends_what_is_missing_and_nothing_twice() {
    let (env, npm, team) = joined();
    npm.clear_log();
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push", "--dry-run"]).success()));
    assert_eq!(team.asked("PUT", "*"), 0, "a dry run sends nothing");
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push"]).success()));
    assert_eq!(team.kept().files.len(), 2);
    assert!(npm.requests().is_empty(), "everything was in the store");
    team.clear_log();
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push"]).success()));
    assert_eq!(team.asked("PUT", "/api/v1/artifacts/*"), 0);
    let json = env.mcpsec(["push", "--format", "json"]).success().json();
    assert_eq!(json["schema"], "mcpsec.push/v1");
    assert_eq!(json["servers"][0]["status"], "vetted", "{json}");
    // The lock that went there is the one that a lock of this server alone is.
    let lock = json["servers"][0]["lock"].as_str().expect("a digest");
    let text = team.kept().locks[lock].clone();
    assert_eq!(Digest::sha256_of(text.as_bytes()).to_string(), lock);
    let listed = env.mcpsec(["export", "registry"]).success().json();
    assert_eq!(listed["servers"][0]["_meta"]["mcpsec.registry/release"]["lock"], lock, "export names it the same");
}

#[test]
fn only_that_server_goes_which_is_named() {
    let (env, npm, team) = joined();
    npm.publish(&npm_package("other", "1.0.0").bin("other", "index.js"));
    let _added = env.mcpsec(["add", "npm:other"]).success();
    let _pushed = env.mcpsec(["push", "other"]).success();
    assert_eq!(team.kept().locks.len(), 1);
    let _unknown = env.mcpsec(["push", "nobody"]).exits(2).says("it has: files, other");
    // One that is refused does not keep the other back, and decides the exit code.
    team.kept().unapproved.insert("files".to_owned());
    let output = env.mcpsec(["push"]).exits(1).says("nobody approved exactly this").says("mcpsec approve files");
    assert!(output.stdout.contains("files 1.2.0: not pushed") && output.stdout.contains("other 1.0.0: vetted"));
}

#[test]
fn without_a_registry_or_a_token_nothing_starts() {
    let (mut env, npm) = locked_npm();
    let _no_team = env.mcpsec(["push"]).exits(2).says("mcp.toml names no team registry");
    let team = TeamServer::start();
    team.join(&env, "");
    let _no_token = env.mcpsec(["push"]).exits(2).says("MCPSEC_TEAM_TOKEN");
    let _offline = env.mcpsec(["push", "--offline"]).exits(3);
    assert!(team.requests().is_empty());
    env.set("MCPSEC_TEAM_TOKEN", "an old one");
    let _refused = env.mcpsec(["push"]).exits(2).says("no token that is known here").says("has not expired");
    env.set("MCPSEC_TEAM_TOKEN", "line\nbreak");
    let output = env.mcpsec(["push"]).exits(2).says("a header cannot carry");
    drop((output.hides("line\nbreak"), npm));
}

/// mcp.toml comes with a repository: whoever wrote it must not choose who gets the token of whoever cloned it.
#[test]
fn a_token_goes_to_the_registry_that_it_is_for_and_to_no_other() {
    let (mut env, npm, team) = joined();
    let foreign = "MCPSEC_TEAM_TOKEN is set, and nothing says that it is for";
    env.set("MCPSEC_TEAM_REGISTRY", "https://mcp.example.test");
    let _foreign = env.mcpsec(["push"]).exits(2).says(foreign).says("MCPSEC_TEAM_REGISTRY=").hides(TOKEN);
    let _asked = env.mcpsec(["push", "--dry-run"]);
    let sent: Vec<_> =
        team.requests().into_iter().filter(|request| request.header("authorization").is_some()).collect();
    assert!(sent.is_empty(), "{sent:?}");
    // Not below another path of the same host either, and not because the word that was said makes no sense.
    for (named, words) in [
        (format!("{}/another-team", team.base()), foreign),
        (team.base().trim_start_matches("http://").to_owned(), "MCPSEC_TEAM_REGISTRY beside it is no address"),
        ("http://mcp.example.test".to_owned(), "MCPSEC_TEAM_REGISTRY beside it is no address"),
    ] {
        env.set("MCPSEC_TEAM_REGISTRY", &named);
        let _nobodys = env.mcpsec(["push"]).exits(2).says(words).hides(TOKEN);
        let _asked = env.mcpsec(["push", "--dry-run"]);
    }
    let told: Vec<_> =
        team.requests().into_iter().filter(|request| request.header("authorization").is_some()).collect();
    assert!(told.is_empty(), "{told:?}");
    let before = team.requests().len();
    env.set("MCPSEC_TEAM_REGISTRY", team.base());
    let _pushed = env.mcpsec(["push"]).success();
    let after = team.requests().split_off(before);
    assert!(!after.is_empty() && after.iter().all(|request| request.header("authorization").is_some()), "{after:?}");
    // Another machine's, and nobody said that it is the one.
    env.unset("MCPSEC_TEAM_REGISTRY");
    env.edit("mcp.toml", team.base(), "https://mcp.example.test");
    let _stranger = env.mcpsec(["push"]).exits(2).says(foreign).hides(TOKEN);
    drop(npm);
}

#[test]
fn what_nobody_approved_goes_as_a_request_only() {
    let (env, _npm, team) = joined();
    team.kept().unapproved.insert("files".to_owned());
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push"]).exits(1)));
    assert!(team.kept().files.is_empty());
    let _reason = env.mcpsec(["push", "--request"]).exits(2).says("--reason");
    let reason = "for the docs & tests, 100 %";
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push", "--request", "--reason", reason]).success()));
    let asked = team.requests();
    let put = asked.iter().find(|request| request.query.is_some()).expect("the request");
    assert_eq!(put.query.as_deref(), Some("request=1&reason=for+the+docs+%26+tests%2C+100+%25"));
}

/// `files` with a package that only another platform has.
fn with_foreign_package() -> (TestEnv, NpmServer, TeamServer) {
    let npm = NpmServer::start();
    let foreign = npm_package("foreign", "1.0.0").os(&["win32"]);
    npm.publish_all(&[files().optional("foreign", "^1.0.0"), left(), foreign]);
    let mut env = TestEnv::new();
    env.npm(&npm);
    let _added = env.mcpsec(["add", "npm:files"]).success();
    assert_eq!(npm.count("/foreign/-/*"), 0, "this machine does not need it");
    let team = TeamServer::start();
    team.join(&env, "");
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    (env, npm, team)
}

#[test]
fn files_of_other_platforms_are_fetched_and_sent_too() {
    let (env, npm, team) = with_foreign_package();
    insta::assert_snapshot!(plain(&team, &env.mcpsec(["push", "--host-only"]).success()));
    assert_eq!((team.kept().files.len(), npm.count("/foreign/-/*")), (2, 0));
    let _all = env.mcpsec(["push"]).success().prints("vetted");
    assert_eq!((team.kept().files.len(), npm.count("/foreign/-/*")), (3, 1));
}

#[test]
fn a_file_that_cannot_be_had_leaves_the_rest_sent_and_is_told() {
    let (mut env, npm, team) = with_foreign_package();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    npm.inject(Fault::Status(503).on("/foreign*"));
    let output = env.mcpsec(["push"]).exits(3).says("npm:foreign@1.0.0").says("goes on where this stopped");
    assert!(output.stdout.contains("files 1.2.0: not whole"), "{}", output.stdout);
    assert_eq!(team.kept().files.len(), 2);
    npm.heal();
    // Wrong bytes of the upstream are refused here already.
    npm.inject(Fault::FlipByte { at: 40 }.on("/foreign/-/*"));
    let _refused = env.mcpsec(["push"]).exits(1).says("refused: expected");
    assert_eq!(team.kept().files.len(), 2);
    npm.heal();
    let _whole = env.mcpsec(["push"]).success();
}

/// Bytes that do not compress, the same on every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(length)
    .collect()
}

#[test]
fn a_long_file_goes_in_parts_and_goes_on_where_it_stopped() {
    let npm = NpmServer::start();
    npm.publish(&npm_package("long", "1.0.0").bin("long", "index.js").file("data.bin", &noise(20 << 20)));
    let mut env = TestEnv::new();
    env.npm(&npm);
    let _added = env.mcpsec(["add", "npm:long"]).success();
    let team = TeamServer::start();
    team.join(&env, "");
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    env.set("MCPSEC_HTTP_RETRIES", "0");
    team.inject(Fault::Status(503).on("*/parts/2"));
    let _stopped = env.mcpsec(["push"]).exits(3).says("status 503");
    assert_eq!(team.kept().parts.len(), 2);
    team.heal();
    team.clear_log();
    let resumed = env.mcpsec(["push"]).success().prints("16.8 MB were there from an interrupted push");
    assert_eq!((team.asked("PUT", "*/parts/0"), team.asked("PUT", "*/parts/2")), (0, 1), "{}", resumed.stdout);
    assert_eq!(team.kept().files.len(), 1);

    // What an earlier push left is not what it should be: the joined file is refused, and all of it goes anew, once.
    let digest = team.kept().files.keys().next().expect("a file").clone();
    team.kept().files.clear();
    team.kept().parts.insert((digest, 0), b"rubbish".to_vec());
    team.clear_log();
    let _anew = env.mcpsec(["push"]).success();
    assert_eq!((team.asked("PUT", "*/parts/0"), team.asked("POST", "*/parts")), (1, 2));
}

#[test]
fn a_tampered_store_is_never_pushed() {
    let (mut env, npm, team) = joined();
    let object = files_below(&env.store().join("objects")).pop().expect("an object");
    flip_middle_byte(&object);
    let _refused = env.mcpsec(["push"]).exits(1).says("is corrupt");
    assert_eq!(team.kept().files.len(), 1, "the good one went");
    // The bad one is in quarantine now; a good copy is fetched.
    let _whole = env.mcpsec(["push"]).success();
    empty_store(&env);
    team.kept().files.clear();
    drop(npm);
    env.set("MCPSEC_HTTP_RETRIES", "0");
    let _nothing = env.mcpsec(["push"]).exits(3).says("2 files could not be fetched");
}

#[test]
fn the_token_goes_to_the_registry_and_nowhere_else() {
    let (mut env, npm, team) = joined();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    let elsewhere = npm_registry();
    for pattern in ["/api/v1/locks/*", "/api/v1/artifacts/*"] {
        for status in [301, 302, 303, 307, 308] {
            team.inject(
                Fault::RedirectTo { status, origin: elsewhere.base().to_owned() }.on(pattern).method("PUT").times(1),
            );
            let output = env.mcpsec(["push", "-vvv"]).exits(3).says("redirects to a place that is not followed");
            drop(output.hides(TOKEN));
            team.heal();
        }
    }
    empty_store(&env);
    let output = env.mcpsec(["push", "-vvv"]).success();
    drop(output.hides(TOKEN));
    assert!(elsewhere.requests().is_empty(), "no body is sent on");
    assert!(npm.requests_with_secret(TOKEN).is_empty() && !team.requests_with_secret(TOKEN).is_empty());
    assert!(env.files_with(TOKEN).is_empty(), "nor is it kept");
}

#[test]
fn answers_of_a_hostile_registry() {
    let (mut env, _npm, team) = joined();
    env.set("MCPSEC_HTTP_RETRIES", "0");
    let page = |status: u16| Fault::Status(status).on("/api/v1/locks/*");
    // A proxy's page is not the registry's word, and is not shown as one.
    team.inject(page(403).times(1));
    let _told = env.mcpsec(["push"]).exits(1).says("refused with status 403").says("--request --reason");
    team.inject(page(502).times(1));
    let _told = env.mcpsec(["push"]).exits(3).says("answered with status 502");
    team.inject(
        Fault::Replace { content_type: "text/html".to_owned(), body: "<html>it works</html>".into() }
            .on("/api/v1/locks/*")
            .times(1),
    );
    let _told = env.mcpsec(["push"]).exits(3).says("sent an answer that cannot be used");
    team.inject(Fault::Enormous { bytes: 1 << 40, declared: false }.on("/api/v1/locks/*").times(1));
    let _told = env.mcpsec(["push"]).exits(3).says("is larger than the limit");
    team.inject(Fault::GzipBomb { bytes: 1 << 30 }.on("/api/v1/locks/*").times(1));
    let _told = env.mcpsec(["push"]).exits(3).says("is larger than the limit");

    let other = Digest::sha256_of(b"another lock").to_string();
    team.kept().lies.insert("lock", json!(other));
    let _told = env.mcpsec(["push"]).exits(3).says("it is about sha256:");
    team.kept().lies.clear();
    team.kept().lies.insert("status", json!("\u{1b}[2Jvetted"));
    let output = env.mcpsec(["push"]).exits(3).says("cannot be used");
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
    team.kept().lies.clear();

    // A file of this machine that the lock does not name is nothing that a registry could ask for.
    team.kept().lies.insert("missing", json!([Digest::sha512_of(b"id_ed25519").to_string()]));
    team.clear_log();
    let _told = env.mcpsec(["push"]).success().says("asks for 1 file that mcp.lock does not name");
    assert_eq!(team.asked("PUT", "/api/v1/artifacts/*"), 0);
}
