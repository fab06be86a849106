//! The team's log: approvals that everybody sees, and a registry that lies, is gone, or is somebody else.
use std::{fs, path::PathBuf, sync::Arc};

use mcpsec_model::approval::head::Head;
use mcpsec_testkit::{Fault, Loopback, NpmServer, Output, SshSigner, TestEnv};

use crate::{
    team_log::{Lies, Log, ORIGIN, TOKEN, filler, from_now, signer},
    worlds::{files_below, flip_middle_byte, locked_npm},
};

const FILE: &str = "mcp-approvals.jsonl";

/// A project of a team with a registry; Ada may approve, Eve may take back.
pub(crate) struct Team {
    pub(crate) env: TestEnv,
    npm: NpmServer,
    pub(crate) log: Arc<Log>,
    pub(crate) site: Loopback,
    ada: SshSigner,
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn team() -> Option<Team> {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return None;
    }
    let (mut env, npm) = locked_npm();
    let (log, site) = Log::start();
    let ada = SshSigner::new();
    env.write("mcp-signers", format!("[[signer]]\nname = \"ada\"\nkey = \"{}\"\n", ada.public_key()));
    let toml = env.read("mcp.toml");
    let kept: Vec<&str> = toml.lines().filter(|line| !line.starts_with("approvals")).collect();
    let asked = "[policy]\napprovals = { required = 1, signers = \"mcp-signers\" }\n";
    let toml = format!("{}\n\n[team]\nregistry = \"{}\"\n", kept.join("\n").replace("[policy]\n", asked), site.base());
    env.write("mcp.toml", toml);
    env.set("MCPSEC_TEAM_TOKEN", TOKEN);
    env.set("MCPSEC_HTTP_RETRIES", "0");
    Some(Team { env, npm, log, site, ada })
}

impl Team {
    fn key(&self) -> String {
        self.ada.key_file().display().to_string()
    }

    pub(crate) fn approve(&self, more: &[&str]) -> Output {
        let key = self.key();
        let mut args = vec!["approve", "files", "--yes", "--key", &key];
        args.extend_from_slice(more);
        self.env.mcpsec(args)
    }

    pub(crate) fn revoke(&self, more: &[&str]) -> Output {
        let key = self.key();
        let mut args = vec!["revoke", "files", "--reason", "too quick", "--yes", "--key", &key];
        args.extend_from_slice(more);
        self.env.mcpsec(args)
    }

    pub(crate) fn verify(&self) -> Output {
        self.env.mcpsec(["verify"])
    }

    /// The same project on another machine, which has seen nothing.
    pub(crate) fn elsewhere(&self) -> TestEnv {
        let mut other = TestEnv::new();
        other.npm(&self.npm);
        other.set("MCPSEC_TEAM_TOKEN", TOKEN);
        other.set("MCPSEC_HTTP_RETRIES", "0");
        for file in ["mcp.toml", "mcp.lock", "mcp-signers"] {
            other.write(file, self.env.read(file));
        }
        other
    }

    /// Approved, with some other entries, and seen by everybody.
    pub(crate) fn approved(self) -> Self {
        self.log.add((0..5).map(filler));
        let _approved = self.approve(&[]).success();
        self.log.add((5..7).map(filler));
        let _pinned = self.env.mcpsec(["approvals", "--update"]).success();
        let _good = self.verify().success();
        self
    }

    pub(crate) fn lie(&self, lie: impl FnOnce(&mut Lies)) {
        self.log.change(|state| {
            state.lies = Lies::default();
            lie(&mut state.lies);
        });
    }

    /// What `verify` says of a lie, which must be a no, and must change nothing.
    fn refused(&self, words: &[&str]) {
        let lock = self.env.read("mcp.lock");
        for env in [&self.env, &self.elsewhere()] {
            let mut said = env.mcpsec(["verify"]).exits(1);
            for word in words {
                said = said.prints(word);
            }
            let key = self.key();
            let _unsigned = env.mcpsec(["approve", "files", "--yes", "--key", &key]).exits(1).says(words[0]);
            assert_eq!(env.read("mcp.lock"), lock);
        }
        assert!(!self.env.exists(FILE), "nothing was signed");
        // What was known before still stands where nobody asks.
        let _known = self.env.mcpsec(["verify", "--offline"]).success();
    }
}

/// Takes the pin of the log out of mcp.lock, as a person would.
pub(crate) fn unpin(env: &TestEnv) {
    let lock = env.read("mcp.lock");
    let start = lock.find("[team]").expect("pin");
    let end = lock[start..].find("\n\n").expect("end") + start + 2;
    env.write("mcp.lock", format!("{}{}", &lock[..start], &lock[end..]));
}

fn copy_of(env: &TestEnv, name: &str) -> PathBuf {
    let files = files_below(&env.store().join("team"));
    files.into_iter().find(|path| path.ends_with(name)).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn an_approval_goes_to_the_team_and_everybody_has_it() {
    let Some(team) = team() else { return };
    let _not_yet = team.verify().exits(1).prints("nobody approved this").says("first seen: the log of");
    assert!(!team.env.read("mcp.lock").contains("[team]"), "verify writes nothing");
    let approved = team.approve(&["--reason", "read it"]).success().prints("sent to http://127.0.0.1");
    assert_eq!(approved.stderr.matches("first seen").count(), 1, "{}", approved.stderr);
    assert!(!team.env.exists(FILE));
    assert_eq!(team.log.lines().len(), 1);
    let lock = team.env.read("mcp.lock");
    assert!(lock.contains("[team]\n") && lock.contains("size = 1\n") && lock.contains(&team.log.key()), "{lock}");
    let _verified = team.verify().success();
    let listed = team.env.mcpsec(["approvals", "--format", "json"]).success().json();
    assert_eq!(listed["servers"][0]["approvals"][0]["from"], "team", "{listed}");
    assert_eq!((&listed["log"]["state"], &listed["log"]["entries"]), (&"current".into(), &1.into()), "{listed}");
    let _listed =
        team.env.mcpsec(["approvals"]).success().prints("ada in the team's log").prints("1 entry, seen just now");
    let _once = team.approve(&[]).success().prints("already approved by ada");

    let other = team.elsewhere();
    let _verified = other.mcpsec(["verify"]).success();
    // The lock of a colleague is what makes the log of one the log of all.
    team.log.add((0..3).map(filler));
    let _pinned = team.env.mcpsec(["approvals", "--update"]).success().prints("pinned http").prints("4 entries");
    assert!(team.env.read("mcp.lock").contains("size = 4\n"));
    let before = team.env.read("mcp.lock");
    let _again = team.env.mcpsec(["approvals", "--update"]).success().prints("already pinned");
    let _verified = team.verify().success();
    assert_eq!(team.env.read("mcp.lock"), before);
    assert!(team.env.files_with(TOKEN).is_empty(), "{:?}", team.env.files_with(TOKEN));
}

#[test]
fn what_is_seen_for_the_first_time_is_said_once() {
    let Some(team) = team() else { return };
    let approved = team.approve(&[]).success();
    assert_eq!(approved.stderr.matches("first seen: the log of").count(), 1, "{}", approved.stderr);
    let pinned = team.verify().success();
    assert!(!pinned.stderr.contains("first seen"), "{}", pinned.stderr);
}

#[test]
fn doctor_says_how_it_stands_with_the_registry_and_never_the_token() {
    let Some(mut team) = team() else { return };
    let examined = |env: &TestEnv| {
        let output = env.mcpsec(["doctor", "--format", "json"]);
        assert!(!output.stdout.contains(TOKEN) && !output.stderr.contains(TOKEN), "{}", output.stdout);
        let findings = output.json()["findings"].as_array().expect("findings").clone();
        let team = findings.into_iter().filter(|finding| finding["area"] == "team");
        team.map(|finding| {
            let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            (word("state"), format!("{}: {} {}", word("subject"), word("detail"), word("remedy")))
        })
        .collect::<Vec<_>>()
    };
    let states = |found: &[(String, String)]| found.iter().map(|(state, _)| state.clone()).collect::<Vec<_>>();
    let copies = team.env.store().join("team");
    let before = files_below(&copies);
    let found = examined(&team.env);
    assert_eq!(states(&found), ["good", "unchecked", "unchecked", "weak"], "{found:?}");
    assert!(found[1].1.contains("nobody has said which log is meant"), "{found:?}");
    assert!(found[3].1.contains("it lacks files") && found[3].1.contains("mcpsec push"), "{found:?}");
    assert_eq!(files_below(&copies), before, "doctor changes nothing");

    team.env.set("MCPSEC_TEAM_TOKEN", "mcpsec_0123456789abcdef_hunter2");
    let found = examined(&team.env);
    assert!(found[0].1.contains("0123456789abcdef") && !found[0].1.contains("hunter2"), "{found:?}");
    team.env.set("MCPSEC_TEAM_REGISTRY", "https://other.example.test");
    let found = examined(&team.env);
    assert!(found[0].0 == "weak" && found[0].1.contains("MCPSEC_TEAM_REGISTRY="), "{found:?}");
    team.env.unset("MCPSEC_TEAM_REGISTRY");
    team.env.set("MCPSEC_TEAM_TOKEN", TOKEN);

    let team = team.approved();
    let found = examined(&team.env);
    assert_eq!(states(&found), ["good", "good", "good", "weak"], "{found:?}");
    assert!(found[1].1.contains("8 entries") && found[2].1.contains("8 entries verified here"), "{found:?}");
    let forged = signer(ORIGIN).sign(team.log.0.lock().expect("state").head_at(8).head).to_string();
    team.lie(|lies| lies.head = Some(forged));
    let found = examined(&team.env);
    assert!(found[1].0 == "weak" && found[1].1.contains("not signed by the key"), "{found:?}");
    assert_eq!(found[2].0, "good", "what was verified before still holds: {found:?}");
    let env = team.env;
    drop((team.site, team.log));
    let found = examined(&env);
    assert_eq!(states(&found), ["good", "missing", "good", "missing"], "{found:?}");
    let offline = env.mcpsec(["doctor", "--offline"]);
    assert!(offline.stdout.contains("unchecked http://127.0.0.1"), "{}", offline.stdout);
}

#[test]
fn what_was_known_holds_offline_until_its_head_expires() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let _old =
        team.env.mcpsec(["verify", "--offline"]).success().says("as of entry 8 of the team's log, seen 0 minutes ago");
    team.site.inject(Fault::Status(503));
    let _old = team.verify().success().says("warning: approvals as of entry 8").says("answered with status 503");
    let fresh = team.elsewhere();
    let _unseen = fresh.mcpsec(["verify"]).exits(3).prints("was not looked at");
    let _unseen = fresh.mcpsec(["verify", "--offline"]).exits(3).prints("this machine has no copy of it");
    // A server that nobody approved, as far as is known: there may be an approval by now.
    team.site.heal();
    let _revoked = team.revoke(&[]).success();
    team.site.inject(Fault::Reset);
    let _open = team.verify().exits(3).prints("ada revoked it: too quick").prints("as of entry 9");
    team.site.heal();
    let _gone = team.verify().exits(1).prints("ada revoked it: too quick");
}

#[test]
fn an_expired_head_is_not_enough_offline() {
    let Some(team) = team() else { return };
    team.log.change(|state| state.expires = from_now(3600));
    let _approved = team.approve(&[]).success();
    let state = copy_of(&team.env, "state");
    // The same copy, as it would be after the head's time.
    let past: Head = {
        let mut past = None;
        team.log.change(|state| {
            state.expires = "2026-01-01T00:00:00Z".parse().expect("instant");
            past = Some(state.head_at(1));
        });
        let note = past.expect("a head");
        let text = fs::read_to_string(&state).expect("state");
        let mut value: serde_json::Value = serde_json::from_str(&text).expect("json");
        value["head"] = note.to_string().into();
        crate::worlds::replace_file(&state, value.to_string().as_bytes());
        note.head
    };
    assert_eq!(past.size, 1);
    let _open = team
        .env
        .mcpsec(["verify", "--offline"])
        .exits(3)
        .prints("as many people as the policy asks for, if nobody took it back since")
        .prints("its head expired");
    // Asked, the registry says the same: that is a freeze, and a no.
    let _frozen = team.verify().exits(1).prints("the head expired at 2026-01-01T00:00:00Z");
}

#[test]
fn a_revocation_in_the_log_takes_back_an_approval_in_the_file_and_the_other_way_round() {
    let Some(team) = team() else { return };
    let _file = team.approve(&["--to", "file"]).success().prints(&format!("commit {FILE}"));
    let _verified = team.verify().success();
    let _revoked = team.revoke(&[]).success().prints("sent to http");
    let _closed = team.verify().exits(1).prints("ada revoked it: too quick");
    assert_eq!((team.env.read(FILE).lines().count(), team.log.lines().len()), (1, 1));
    // The same line in both is one line.
    let _sent = team.env.mcpsec(["approvals", "--import", FILE]).success().prints("1 added, 0 known already");
    let _again = team.env.mcpsec(["approvals", "--import", FILE]).success().prints("0 added, 1 known already");
    let listed = team.env.mcpsec(["approvals", "--format", "json"]).success().json();
    assert_eq!(listed["servers"][0]["approvals"].as_array().map(Vec::len), Some(1), "{listed}");
    // And a new one in the log, taken back in the file.
    let _approved = team.approve(&["--reason", "read again"]).success();
    let _verified = team.verify().success();
    let _revoked = team.revoke(&["--to", "file"]).success();
    let _closed = team.verify().exits(1).prints("ada revoked it: too quick");
}

#[test]
fn the_log_is_a_file_byte_for_byte() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let _written = team.env.mcpsec(["approvals", "--export", "out.jsonl"]).success().prints("wrote 8 entries");
    let text: String = team.log.lines().iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(team.env.read("out.jsonl"), text);
    let offline = team.env.mcpsec(["approvals", "--export", "again.jsonl", "--offline"]).success();
    assert_eq!((team.env.read("again.jsonl"), offline.stderr.contains("as of entry 8")), (text, true));
    team.log.change(|state| state.lines.clear());
    let other = team.elsewhere();
    other.write("all.jsonl", team.env.read("out.jsonl"));
    let _sent = other.mcpsec(["approvals", "--import", "all.jsonl"]).success().prints("8 added, 0 known already");
    let _good = other.mcpsec(["verify"]).success();
    other.write("bad.jsonl", "{}\n");
    let _bad = other.mcpsec(["approvals", "--import", "bad.jsonl"]).exits(2).says("not a DSSE envelope");
}

#[test]
fn what_was_signed_is_never_lost() {
    let Some(mut team) = team() else { return };
    team.log.change(|state| state.lies.refuses = true);
    let _refused = team
        .approve(&[])
        .exits(1)
        .says("what was signed is in mcp-approvals.jsonl, and was not sent")
        .says("the key is of nobody in mcp-signers")
        .says("ask an admin")
        .says("mcpsec approvals --import mcp-approvals.jsonl");
    assert_eq!(team.env.read(FILE).lines().count(), 1);
    team.log.change(|state| state.lies.refuses = false);
    let _sent = team.env.mcpsec(["approvals", "--import", FILE]).success();
    fs::remove_file(team.env.project().join(FILE)).expect("file");
    let _verified = team.verify().success();
    team.site.inject(Fault::Reset.on("/api/v1/approvals").method("POST"));
    let _reset = team.revoke(&[]).exits(3).says("what was signed is in mcp-approvals.jsonl");
    assert_eq!(team.env.read(FILE).lines().count(), 1);
    let _counts = team.verify().exits(1).prints("ada revoked it");
    // Nobody signs for nothing.
    fs::remove_file(team.env.project().join(FILE)).expect("file");
    let _offline = team.env.mcpsec(["revoke", "files", "--reason", "x", "--offline"]).exits(2).says("--to file");
    team.env.unset("MCPSEC_TEAM_TOKEN");
    let _nobody = team.revoke(&[]).exits(2).says("MCPSEC_TEAM_TOKEN is not set").says("--to file");
    assert!(!team.env.exists(FILE));
    team.site.heal();
    team.env.set("MCPSEC_TEAM_TOKEN", "another-token");
    let _stranger = team.revoke(&[]).exits(1).says("who speaks?").says("approve-submit").hides("another-token");
}

#[test]
fn rollback_is_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let head = team.log.0.lock().expect("log").head_at(7).to_string();
    team.lie(|lies| lies.head = Some(head));
    team.refused(&["rollback: the log has 7 entries, and mcp.lock pins 8"]);
    // Without a pin this machine remembers, also when its copy is broken.
    unpin(&team.env);
    let _seen = team.verify().exits(1).prints("rollback: the log has 7 entries, and this machine has seen 8");
    fs::remove_file(copy_of(&team.env, "lines")).expect("lines");
    let _seen = team.verify().exits(1).prints("rollback: the log has 7 entries, and this machine has seen 8");
}

#[test]
fn freeze_is_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let mut old = None;
    team.log.change(|state| {
        state.expires = "2026-01-01T00:00:00Z".parse().expect("instant");
        old = Some(state.head_at(8).to_string());
    });
    team.lie(|lies| lies.head = old);
    team.refused(&["the head expired at 2026-01-01T00:00:00Z", "ask who runs the registry why its log stands still"]);
}

#[test]
fn a_fork_is_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    // Another entry where there was one, and the log goes on: the same key signs it.
    for longer in [0, 4] {
        team.log.change(|state| {
            state.lines[2] = filler(100 + longer);
            state.lines.extend((0..longer).map(|number| filler(200 + number)));
        });
        team.refused(&["fork: the first 8 entries of the log are not the 8 that"]);
    }
    // The entries are shown to this machine as they were, under the head of the other log.
    let lines = fs::read_to_string(copy_of(&team.env, "lines")).expect("lines");
    let mut shown: Vec<String> = lines.lines().map(str::to_owned).collect();
    shown.extend(team.log.lines()[8..].iter().cloned());
    team.lie(|lies| lies.lines = Some(shown));
    team.refused(&["fork: the first 8 entries of the log are not the 8 that"]);
}

#[test]
fn replays_are_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let again = team.log.lines()[5].clone();
    team.log.change(|state| state.lines.extend([filler(50), again]));
    team.refused(&["replay: entry 9 of the log is entry 5 once more"]);
    // The head of another log, whoever signed it.
    let other = signer("other.example.test");
    let head = |origin: &str| Head {
        origin: origin.parse().expect("origin"),
        size: 8,
        root: [0; 32],
        expires: from_now(24 * 3600),
    };
    let note = other.sign(head("other.example.test")).to_string();
    team.lie(|lies| lies.head = Some(note));
    team.refused(&["the head is of the log `other.example.test`, not of `mcp.example.test`"]);
    let mut note = None;
    team.log.change(|state| note = Some(state.signer.sign(head("other.example.test")).to_string()));
    team.lie(|lies| lies.head = note);
    team.refused(&["the head is of the log `other.example.test`, not of `mcp.example.test`"]);
}

#[test]
fn a_foreign_key_is_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let (own, foreign) = (team.log.key(), signer(ORIGIN));
    let foreign_key = foreign.key().to_string();
    team.log.change(|state| state.signer = foreign);
    let words = "the head is not signed by the key mcp.example.test+";
    team.refused(&[words, "`key`"]);
    // Signed by the right key, and changed since.
    let mut note = None;
    team.log.change(|state| note = Some(state.head_at(8).to_string().replacen("\n8\n", "\n9\n", 1)));
    let toml = team.env.read("mcp.toml");
    let with_key = |key: &str| format!("{}key = \"{key}\"\n", toml.trim_end().to_owned() + "\n");
    team.env.write("mcp.toml", with_key(&foreign_key));
    // mcp.toml moved on, mcp.lock did not: somebody has to say so.
    let _moved = team.verify().exits(1).prints("mcp.toml names the log").prints("mcpsec approvals --update");
    let _pinned = team.env.mcpsec(["approvals", "--update"]).success().prints("pinned");
    let _good = team.verify().success();
    team.lie(|lies| lies.head = note);
    let _changed = team.verify().exits(1).prints("the signature of the key mcp.example.test+");
    team.lie(|_| {});
    team.env.write("mcp.toml", with_key(&own));
    let _old = team.verify().exits(1).prints("mcp.toml names the log");
    // A machine that saw the log once does not take another key for it, even without a pin.
    let fresh = team.elsewhere();
    fresh.write("mcp.toml", &toml);
    unpin(&fresh);
    let _first = fresh.mcpsec(["verify"]).success().says(&foreign_key);
    team.log.change(|state| state.signer = signer(ORIGIN));
    let _second = fresh.mcpsec(["verify"]).exits(1).prints(words);
}

#[test]
fn entries_that_are_not_those_of_the_head_are_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let more = filler(70);
    team.log.add([more]);
    let good = team.log.lines();
    let entries = "the entries that the registry sent do not make the tree that its own head names (9 entries)";
    let swapped = [&good[..8], &[filler(71)]].concat();
    team.lie(|lies| lies.lines = Some(swapped));
    team.refused(&[entries]);
    let no_entry = [&good[..8], &["{}".to_owned()]].concat();
    team.lie(|lies| lies.lines = Some(no_entry));
    team.refused(&["entry 8 of the log is no approval and no revocation: not a DSSE envelope"]);
    // Even when the log's own head says so.
    team.lie(|_| {});
    team.log.change(|state| state.lines[8] = good[8].replacen('{', "{ ", 1));
    team.refused(&["entry 8 of the log is no approval and no revocation: not in canonical form"]);
}

#[test]
fn an_answer_that_is_none_is_not_believed() {
    let Some(team) = team() else { return };
    let team = team.approved();
    team.log.add([filler(80)]);
    let plain = |body: &str| Fault::Replace { content_type: "text/plain".to_owned(), body: body.to_owned().into() };
    let jsonl =
        |body: &str| Fault::Replace { content_type: "application/jsonl".to_owned(), body: body.to_owned().into() };
    let html = Fault::Replace { content_type: "text/html".to_owned(), body: "<h1>log in</h1>".into() };
    let (head, entries) = ("/api/v1/approvals/head", "/api/v1/approvals");
    let long = "x".repeat(100_000);
    for (fault, path, words) in [
        (html.clone(), head, "answered with `text/html`, not with the head of a log"),
        (html, entries, "answered with `text/html`, not with entries of a log"),
        (Fault::Enormous { bytes: 1 << 40, declared: false }, head, "not with the head of a log"),
        (plain(&"x".repeat(5000)), head, "is larger than the limit of 4096 bytes"),
        (Fault::Garbage, entries, "not with entries of a log"),
        (jsonl(&long), entries, "entry 8 is longer than an entry can be"),
        (jsonl(&"{}\n".repeat(10)), entries, "sent more than the 1 entries that were asked for"),
        (jsonl("\n"), entries, "entry 8 is empty"),
        (jsonl("{}"), entries, "ended after 8 of 9 entries"),
        (jsonl(""), entries, "ended after 8 of 9 entries"),
        (Fault::Truncate { after: 20 }, entries, "could not be reached"),
        (Fault::ResetAfter { after: 20 }, entries, "could not be reached"),
        (Fault::Status(500), entries, "answered with status 500"),
        (Fault::Status(401), head, "refused access with status 401"),
        (Fault::Gone, head, "refused: Not found (status 404)"),
        (Fault::RedirectLoop, head, "a team's registry answers itself"),
    ] {
        team.site.heal();
        team.site.inject(fault.clone().on(path));
        let _known = team.verify().success().says("warning: approvals as of entry 8").says(words);
        let fresh = team.elsewhere();
        let unseen = fresh.mcpsec(["verify"]).exits(3);
        assert!(unseen.stdout.contains("was not looked at"), "{fault:?}: {}", unseen.snapshot());
        assert!(!fresh.store().join("team").exists() || fresh.files_with("\"head\"").is_empty(), "{fault:?}");
    }
    team.site.heal();
    // A note that is no note is the registry's own word, and a lie.
    team.site.inject(plain("hello\n").on(head));
    let _note = team.verify().exits(1).prints("the head of the log cannot be read: not a signed note");
    team.site.heal();
    let _good = team.verify().success();
}

#[test]
fn nobody_is_redirected_and_no_token_leaves() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let (other, elsewhere) = Log::start();
    other.add((0..9).map(filler));
    for status in [301, 302, 307, 308] {
        team.site.heal();
        team.site.inject(Fault::RedirectTo { status, origin: elsewhere.base().to_owned() });
        let _known = team.verify().success().says("a team's registry answers itself").hides(TOKEN);
        let _kept = team.revoke(&[]).exits(3).says("a team's registry answers itself").hides(TOKEN);
        fs::remove_file(team.env.project().join(FILE)).expect("what was signed");
    }
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
    let toml = team.env.read("mcp.toml");
    for (bad, words) in [
        ("http://mcp.example.test", "must be an https address"),
        ("https://ada:secret@mcp.example.test", "must not hold credentials"),
    ] {
        team.env.write("mcp.toml", toml.replace(team.site.base(), bad));
        let _refused = team.verify().exits(2).says(words).hides("secret");
    }
}

/// Plain http is for this machine because it does not leave it: a proxy of the environment would carry the token away in the clear.
#[test]
fn no_token_of_this_machine_goes_through_a_proxy() {
    let Some(mut team) = team() else { return };
    let (_other, proxy) = Log::start();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        team.env.set(name, proxy.base());
    }
    let _approved = team.approve(&["--reason", "read it"]);
    let _pushed = team.env.mcpsec(["push", "files", "--request", "--reason", "x"]);
    let carried: Vec<_> =
        proxy.requests().into_iter().filter(|request| request.header("authorization").is_some()).collect();
    assert!(carried.is_empty(), "{carried:?}");
    let asked = team.site.requests();
    assert!(asked.iter().any(|request| request.header("authorization").is_some()), "{asked:?}");
}

#[test]
fn a_copy_that_was_touched_is_not_believed() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let offline = || team.env.mcpsec(["verify", "--offline"]);
    let update = || team.env.mcpsec(["approvals", "--update"]).success();
    for name in ["index", "hashes", "lines", "state"] {
        let path = copy_of(&team.env, name);
        let good = fs::read(&path).expect("bytes");
        for cut in [0, good.len() / 2, good.len() - 1] {
            crate::worlds::replace_file(&path, &good[..cut]);
            let _none = offline().exits(3);
            let _again = team.verify().success();
            assert_eq!(fs::read(copy_of(&team.env, "lines")).expect("lines").len(), fs_len(&team), "{name} {cut}");
        }
        flip_middle_byte(&path);
        // Of hashes and lines only those are read that are asked for; what is wrong with the others shows with `--update`.
        if matches!(name, "index" | "state") {
            let _none = offline().exits(3);
            let _again = team.verify().success();
        }
        let _whole = update();
        let _good = offline().success();
    }
    // The one entry that matters, changed on the disk: nobody takes it for what it was.
    let path = copy_of(&team.env, "lines");
    let text = fs::read_to_string(&path).expect("lines");
    let changed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(number, line)| if number == 5 { line.replacen("\"sig\":\"", "\"sig\":\"A", 1) } else { line.to_owned() })
        .collect();
    let mut bytes = format!("{}\n", changed.join("\n")).into_bytes();
    bytes.truncate(text.len());
    crate::worlds::replace_file(&path, &bytes);
    let _changed = offline().exits(3).prints("is not the one that was verified").prints("mcpsec approvals --update");
    let _whole = update();
    let _good = offline().success();
}

/// How long the lines of the log are.
fn fs_len(team: &Team) -> usize {
    team.log.lines().iter().map(|line| line.len() + 1).sum()
}
