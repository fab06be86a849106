//! The team's mirror beside the upstream: what it saves when the upstream fails, and that nothing it says is believed.
use mcpsec_testkit::{Fault, NpmRegistryKey, NpmServer, Output, TestEnv};

use crate::{
    evidence::{NAME, SPEC, filesystem_of},
    mirror_world::{TOKEN, TeamServer},
    worlds::{empty_store, files, git_repository, git_spec, locked_npm, locked_pypi, npm_registry, statuses},
};

/// A project with `files` locked and pushed, on a machine that has nothing of it any more.
fn pushed() -> (TestEnv, NpmServer, TeamServer) {
    let (mut env, npm) = locked_npm();
    let team = TeamServer::start();
    push(&mut env, &team);
    forget(&env);
    (env, npm, team)
}

fn push(env: &mut TestEnv, team: &TeamServer) {
    team.join(env, "");
    env.set("MCPSEC_HTTP_RETRIES", "0");
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    let _pushed = env.mcpsec(["push"]).success();
    env.unset("MCPSEC_TEAM_TOKEN");
    team.clear_log();
}

/// What a report says, without its line breaks.
fn flat(report: &Output) -> String {
    report.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Another machine: no store, no cache.
fn forget(env: &TestEnv) {
    empty_store(env);
    let _was_absent = std::fs::remove_dir_all(env.cache());
}

fn whole(report: &Output) -> bool {
    statuses(report, "artifact-hash") == ["pass"]
}

#[test]
fn left_pad_is_gone_and_the_team_has_it() {
    let (env, npm, team) = pushed();
    drop(npm);
    let output = env.mcpsec(["verify"]).success().says("2 of 2 files from the team's mirror");
    assert!(flat(&output).contains("the team's mirror has it"), "{}", output.stdout);
    let again = env.mcpsec(["verify", "--format", "json"]).success();
    assert!(whole(&again) && !again.stderr.contains("from the team's mirror"), "{}", again.stderr);
    assert_eq!(statuses(&again, "upstream"), ["unchecked"], "what nobody checked is no pass");
    let _offline = env.mcpsec(["verify", "--offline"]).success();

    // The same lock, and nobody to ask.
    forget(&env);
    team.join(&env, "mirror = \"off\"");
    team.clear_log();
    let missing = env.mcpsec(["verify"]).exits(3);
    // Once for each of the checks `artifact-hash` and `upstream`, however many packages there are.
    assert_eq!(flat(&missing).matches("could not be reached").count(), 2, "{}", missing.stdout);
    assert_eq!(team.count("/api/v1/artifacts/*"), 0);
    // And a mirror that is down as well: both are told.
    team.join(&env, "");
    drop(team);
    let both = env.mcpsec(["verify"]).exits(3);
    assert!(flat(&both).contains("; the team's mirror: http"), "{}", both.stdout);
}

#[test]
fn python_servers_come_from_the_mirror_too() {
    let (mut env, index) = locked_pypi();
    let team = TeamServer::start();
    push(&mut env, &team);
    forget(&env);
    drop(index);
    let _verified = env.mcpsec(["verify"]).success().says("from the team's mirror");
    // Nor does a machine that knows no index at all need one.
    forget(&env);
    env.unset("UV_DEFAULT_INDEX");
    let said = env.mcpsec(["verify"]).success().says("from the team's mirror");
    assert!(flat(&said).contains("no Python package index is known"), "{}", said.stdout);
}

#[test]
fn a_server_from_a_repository_that_is_gone_comes_from_the_mirror() {
    let (npm, repository) = (npm_registry(), git_repository());
    let mut env = TestEnv::new();
    env.npm(&npm);
    let _added = env.mcpsec(["add", &git_spec(&repository, "v1.0.0")]).success();
    let team = TeamServer::start();
    push(&mut env, &team);
    forget(&env);
    // Nobody but the mirror is asked, though the repository is still there.
    team.join(&env, "mirror = \"only\"");
    let only = env.mcpsec(["verify", "--format", "json"]).success().says("2 of 2 files from the team's mirror");
    assert!(statuses(&only, "upstream").contains(&"unchecked".to_owned()), "{}", only.stdout);
    let _no_git =
        env.mcpsec(["add", &git_spec(&repository, "v1.0.0"), "--fresh"]).exits(3).says("mirror = \"fallback\"");
    forget(&env);
    team.join(&env, "");
    drop((npm, repository));
    let report = env.mcpsec(["verify", "--format", "json"]).success().says("2 of 2 files from the team's mirror");
    assert!(whole(&report), "{}", report.stdout);
}

#[test]
fn every_way_in_which_an_upstream_fails_leads_to_the_mirror() {
    let faults = [
        Fault::Gone,
        Fault::Status(410),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Reset,
        Fault::Truncate { after: 60 },
        Fault::FlipByte { at: 60 },
        Fault::Shorten { by: 1 },
        Fault::Lengthen { by: 1 },
        Fault::Garbage,
    ];
    let (env, npm, team) = pushed();
    for fault in faults {
        npm.inject(fault.clone().on("*.tgz"));
        let report = env.mcpsec(["verify", "--format", "json"]).success().says("2 of 2 files from the team's mirror");
        assert!(whole(&report), "{fault:?}: {}", report.stdout);
        npm.heal();
        forget(&env);
    }
    // A registry that works is asked, and the mirror is not.
    let _verified = env.mcpsec(["verify"]).success();
    assert_eq!(team.asked("GET", "/api/v1/artifacts/*"), 20);
}

#[test]
fn the_order_is_what_mcp_toml_says() {
    let (env, npm, team) = pushed();
    npm.clear_log();
    team.join(&env, "mirror = \"first\"");
    let _first = env.mcpsec(["verify"]).success().says("2 of 2 files from the team's mirror");
    assert_eq!((npm.count("*.tgz"), team.asked("GET", "/api/v1/artifacts/*")), (0, 2));
    // What it does not have comes from the upstream.
    forget(&env);
    let lost = team.kept().files.pop_first().expect("a file");
    let _one = env.mcpsec(["verify"]).success().says("1 of 2 files from the team's mirror");
    assert_eq!(npm.count("*.tgz"), 1);
    // Where it is the only place, nobody else is asked for anything.
    forget(&env);
    npm.clear_log();
    team.join(&env, "mirror = \"only\"");
    let only = env.mcpsec(["verify"]).exits(3);
    assert!(flat(&only).contains("the team's mirror: http") && npm.requests().is_empty(), "{}", only.stdout);
    team.kept().files.insert(lost.0, lost.1);
    let _only = env.mcpsec(["verify"]).success();
    assert!(npm.requests().is_empty());
}

#[test]
fn a_server_is_added_although_its_tarballs_are_down() {
    let (env, npm, _team) = pushed();
    npm.inject(Fault::Status(503).on("*.tgz"));
    let _added = env.mcpsec(["add", "npm:files", "--fresh"]).success().says("2 of 2 files from the team's mirror");
    forget(&env);
    npm.inject(Fault::Status(503));
    let _nothing = env.mcpsec(["add", "npm:files", "--fresh"]).exits(3);
}

#[test]
fn wrong_bytes_of_a_mirror_are_refused() {
    let (env, npm, team) = pushed();
    drop(npm);
    let faults = [
        Fault::FlipByte { at: 60 },
        Fault::Shorten { by: 1 },
        Fault::Lengthen { by: 1 },
        Fault::Garbage,
        Fault::Replace { content_type: "text/html".to_owned(), body: "<html>sign in</html>".into() },
        Fault::Enormous { bytes: 1 << 40, declared: false },
        Fault::Enormous { bytes: 1 << 40, declared: true },
    ];
    for fault in faults {
        team.inject(fault.clone().on("/api/v1/artifacts/*").method("GET"));
        let report = env.mcpsec(["verify", "--format", "json"]).exits(1);
        assert_eq!(statuses(&report, "artifact-hash"), ["fail"], "{fault:?}");
        let _nothing_kept = env.mcpsec(["verify", "--offline"]).exits(3);
        team.heal();
    }
    // A mirror that gives nothing is no denial, only a gap.
    for fault in [Fault::Gone, Fault::Status(503), Fault::Reset, Fault::RedirectLoop, Fault::Truncate { after: 60 }] {
        team.inject(fault.on("/api/v1/artifacts/*"));
        let report = env.mcpsec(["verify", "--format", "json"]).exits(3);
        assert_eq!(statuses(&report, "artifact-hash"), ["unchecked"]);
        team.heal();
    }
    let _good = env.mcpsec(["verify"]).success();
}

#[test]
fn the_token_follows_no_redirect_and_no_upstream_sees_it() {
    let (mut env, npm, team) = pushed();
    let elsewhere = TeamServer::start();
    elsewhere.kept().files.clone_from(&team.kept().files);
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    npm.inject(Fault::Gone.on("*.tgz"));
    // Files may be kept elsewhere: they are what their digests say or nothing. The token stays.
    for status in [301, 302, 307, 308] {
        team.inject(Fault::RedirectTo { status, origin: elsewhere.base().to_owned() }.on("/api/v1/artifacts/*"));
        drop(env.mcpsec(["verify", "-vvv"]).success().hides(TOKEN));
        team.heal();
        forget(&env);
    }
    assert_eq!(elsewhere.asked("GET", "/api/v1/artifacts/*"), 8);
    assert!(elsewhere.requests_with_secret(TOKEN).is_empty() && npm.requests_with_secret(TOKEN).is_empty());
    assert!(!team.requests_with_secret(TOKEN).is_empty() && env.files_with(TOKEN).is_empty());
    // Where the mirror is the only registry, the configuration made for npm and Python has the token: it goes nowhere else either.
    team.join(&env, "mirror = \"only\"");
    npm.heal();
    drop(env.mcpsec(["add", "npm:files", "--fresh", "-vvv"]).hides(TOKEN));
    drop(env.mcpsec(["add", "pypi:fetcher", "-vvv"]).hides(TOKEN));
    assert!(team.count("/npm/*") > 0 && team.count("/pypi/simple/*") > 0, "the mirror was asked");
    assert!(npm.requests_with_secret(TOKEN).is_empty() && env.files_with(TOKEN).is_empty());
}

/// A project with the recorded server, whose evidence the team has.
fn pushed_with_evidence() -> Option<(TestEnv, NpmServer, TeamServer)> {
    let npm = filesystem_of(&NpmRegistryKey::generate().named("SHA256:a-key-of-the-registry"))?;
    let mut env = TestEnv::new();
    env.npm(&npm);
    let _added = env.mcpsec(["add", SPEC]).success();
    let team = TeamServer::start();
    push(&mut env, &team);
    forget(&env);
    Some((env, npm, team))
}

#[test]
fn what_was_proven_once_is_proven_from_the_mirror() {
    let Some((env, npm, team)) = pushed_with_evidence() else { return };
    assert!(!team.kept().evidence.is_empty());
    drop(npm);
    let report = env.mcpsec(["verify", "--format", "json"]).success();
    for check in ["registry-signature", "provenance"] {
        let found = statuses(&report, check);
        assert!(found.contains(&"pass".to_owned()) && !found.contains(&"unchecked".to_owned()), "{check}: {found:?}");
    }
    // It is in the store from then on.
    drop(team);
    let _offline = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn attestations_that_a_registry_no_longer_gives_come_from_the_mirror() {
    let Some((env, npm, _team)) = pushed_with_evidence() else { return };
    npm.clear_log();
    npm.inject(Fault::Status(503).on("/-/npm/v1/attestations/*"));
    let report = env.mcpsec(["verify", "--format", "json"]).success();
    assert!(!statuses(&report, "provenance").contains(&"unchecked".to_owned()), "{}", report.stdout);
    assert_eq!(npm.count("/-/npm/v1/attestations/*"), 1);
}

#[test]
fn evidence_of_a_hostile_mirror_proves_nothing() {
    let Some((env, npm, team)) = pushed_with_evidence() else { return };
    drop(npm);
    let all = team.kept().evidence.clone();
    let own: Vec<String> = all.keys().filter(|key| key.contains("server-filesystem")).cloned().collect();
    let [own] = own.as_slice() else { panic!("one file of {NAME}: {own:?}") };
    let good = String::from_utf8(all[own].clone()).expect("UTF-8");
    let other = all.iter().find(|(key, _)| *key != own).map(|(_, json)| json.clone()).expect("of another package");
    // Of another package, or changed in one place: refused, and the gate says no.
    let changed = good.replacen("MEQCIE1wqEP0WWc1", "MEQCIE1wqEP0WWd1", 1).into_bytes();
    assert_ne!(changed, good.as_bytes());
    for documents in [other, changed] {
        team.kept().evidence.insert(own.clone(), documents);
        let report = env.mcpsec(["verify", "--format", "json"]).exits(1);
        let failed = [statuses(&report, "registry-signature"), statuses(&report, "provenance")].concat();
        assert!(failed.contains(&"fail".to_owned()), "{}", report.stdout);
        forget(&env);
    }
    // What is no evidence at all is as good as none: not checked.
    team.kept().evidence = all;
    let page = Fault::Replace { content_type: "text/html".to_owned(), body: "<html>sign in</html>".into() };
    let deep = "[".repeat(100_000);
    let deep = Fault::Replace { content_type: "application/json".to_owned(), body: deep.into() };
    let bomb = Fault::GzipBomb { bytes: 1 << 30 };
    let endless = Fault::Enormous { bytes: 1 << 40, declared: false };
    for fault in [page, deep, bomb, endless, Fault::Garbage, Fault::Status(500), Fault::RedirectLoop] {
        team.inject(fault.clone().on("/api/v1/evidence/*"));
        let report = env.mcpsec(["verify", "--format", "json"]);
        let provenance = statuses(&report, "provenance");
        assert!(provenance.contains(&"unchecked".to_owned()), "{fault:?}: {provenance:?} {}", report.stderr);
        team.heal();
        forget(&env);
    }
}

#[test]
fn headers_without_end_are_an_error_and_no_more() {
    let (env, npm, team) = pushed();
    drop(npm);
    let port = long_headers();
    let toml = env.read("mcp.toml").replace(team.base(), &format!("http://127.0.0.1:{port}"));
    env.write("mcp.toml", toml);
    let report = env.mcpsec(["verify", "--format", "json"]).exits(3);
    assert_eq!(statuses(&report, "artifact-hash"), ["unchecked"]);
}

/// A server that answers every connection with headers and nothing else.
fn long_headers() -> u16 {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _request = stream.read(&mut [0; 4096]);
                let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\n");
                let line = format!("X-Filler: {}\r\n", "a".repeat(8000));
                // Until the client has enough.
                while stream.write_all(line.as_bytes()).is_ok() {}
            });
        }
    });
    port
}

#[test]
fn a_registry_of_only_the_mirror_ignores_what_the_machine_says() {
    let (env, _npm, team) = pushed();
    let other = npm_registry();
    other.publish(&files());
    env.npmrc(&format!("registry={0}\n@scope:registry={0}\n", other.url()));
    team.join(&env, "mirror = \"only\"");
    let _not_there = env.mcpsec(["add", "npm:@scope/thing"]);
    assert!(other.requests().is_empty() && team.count("/npm/*") > 0);
}
