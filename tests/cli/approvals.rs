//! `mcpsec approve`, `revoke`, `approvals` and the check `approval`: from a key to a gate that opens, and all that closes it.
use std::sync::{Arc, Mutex};

use mcpsec_testkit::{
    Loopback, NpmServer, Output, Request, SshAgent, SshSigner, TestEnv,
    loopback::{Reply, Routes},
};

use crate::worlds::{flip_middle_byte, locked_npm, statuses};

const FILE: &str = "mcp-approvals.jsonl";

/// One document under every path.
struct Page(Mutex<String>);

impl Routes for Page {
    fn answer(&self, _request: &Request, _base: &str) -> Reply {
        Reply::new(200, "application/jsonl", self.0.lock().expect("page").clone().into_bytes())
    }
}

/// A project with `files` locked whose policy asks for this many approvals.
fn asking(required: u32) -> (TestEnv, NpmServer) {
    let (env, server) = locked_npm();
    ask(&env, required);
    (env, server)
}

fn ask(env: &TestEnv, required: u32) {
    let toml = env.read("mcp.toml");
    let line = format!("approvals = {{ required = {required}, signers = \"mcp-signers\" }}");
    let kept: Vec<&str> = toml.lines().filter(|line| !line.starts_with("approvals")).collect();
    env.write("mcp.toml", format!("{}\n", kept.join("\n")).replace("[policy]\n", &format!("[policy]\n{line}\n")));
    assert!(env.read("mcp.toml").contains(&line), "{}", env.read("mcp.toml"));
}

fn entry(name: &str, signer: &SshSigner, more: &str) -> String {
    format!("[[signer]]\nname = \"{name}\"\nkey = \"{}\"\n{more}\n", signer.public_key())
}

fn approve(env: &TestEnv, signer: &SshSigner, more: &[&str]) -> Output {
    let key = signer.key_file().display().to_string();
    let mut args = vec!["approve", "files", "--yes", "--key", &key];
    args.extend_from_slice(more);
    env.mcpsec(args)
}

/// Locks what the registry has now, and not what it had a minute ago.
fn add_anew(env: &TestEnv) {
    std::fs::remove_dir_all(env.cache()).expect("cache");
    let _fresh = env.mcpsec(["add", "npm:files", "--fresh", "--yes"]).success();
}

/// Hides what differs between runs: the temporary folder of a key, ids, fingerprints and times.
fn plain(output: &Output) -> String {
    let mut text = output.snapshot();
    for (start, shown) in [("SHA256:", "SHA256:[KEY]"), ("sha256:", "sha256:[HEX]")] {
        let mut parts = text.split(start);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str(shown);
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/');
            out.push_str(part.find(word).map_or("", |at| &part[at..]));
        }
        text = out;
    }
    let is_time = |word: &str| word.len() >= 20 && word.starts_with("20") && word.contains('T') && word.contains('Z');
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| match word.find('Z') {
                Some(end) if is_time(word) => format!("[TIME]{}", &word[end + 1..]),
                _ if word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit()) => "[ID]".to_owned(),
                _ if word.ends_with("/key") => "[KEY FILE]".to_owned(),
                _ => word.to_owned(),
            })
            .collect();
        lines.push(words.join(" "));
    }
    lines.join("\n")
}

#[test]
fn a_server_is_approved_and_the_gate_opens() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(1);
    let _no_file = env.mcpsec(["verify"]).exits(2).says("mcp-signers, whose approvals count, does not exist");
    let ada = SshSigner::new();
    env.write("mcp-signers", entry("ada", &ada, ""));
    insta::assert_snapshot!(plain(&env.mcpsec(["verify"]).exits(1)));
    insta::assert_snapshot!(plain(&approve(&env, &ada, &["--reason", "read it"]).success()));
    insta::assert_snapshot!(plain(&env.mcpsec(["verify"]).success()));
    insta::assert_snapshot!(plain(&env.mcpsec(["approvals"]).success()));
    let listed = env.mcpsec(["approvals", "--format", "json"]).success().json();
    assert_eq!(listed["servers"][0]["approved"], true, "{listed}");
    assert_eq!(listed["servers"][0]["approvals"][0]["signer"], "ada");
    // Once is enough, and the file does not grow.
    let before = env.read(FILE);
    let _again = approve(&env, &ada, &[]).success().prints("already approved by ada");
    assert_eq!(env.read(FILE), before);
}

#[test]
fn ssh_keygen_verifies_what_is_exported() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(1);
    let ada = SshSigner::of(&["-t", "ecdsa", "-b", "256"], "");
    env.write("mcp-signers", entry("ada", &ada, ""));
    let _approved = approve(&env, &ada, &[]).success();
    let listed = env.mcpsec(["approvals", "--format", "json"]).success().json();
    let id = listed["servers"][0]["approvals"][0]["id"].as_str().expect("id").to_owned();
    let hex = id.strip_prefix("sha256:").expect("hex");
    let _written =
        env.mcpsec(["approvals", "--export-signature", &hex[..12], "out"]).success().prints("ssh-keygen -Y verify");
    let payload = env.read(&format!("out/{}.payload", &hex[..12]));
    let signature = env.read(&format!("out/{}.payload.sig", &hex[..12]));
    assert!(payload.starts_with("DSSEv1 28 application/vnd.in-toto+json "), "{payload}");
    assert!(ada.accepts("ada", "mcpsec-approval", payload.as_bytes(), &signature));
    assert!(!ada.accepts("ada", "mcpsec-approval", payload.replace("1.2.0", "1.2.1").as_bytes(), &signature));
}

/// Acceptance: a changed lock without approval, and an approval replayed from another version.
#[test]
fn a_changed_lock_asks_again() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, server) = asking(1);
    let ada = SshSigner::new();
    env.write("mcp-signers", entry("ada", &ada, ""));
    let _approved = approve(&env, &ada, &[]).success();
    // Only a dependency moves: same server, same version.
    server.publish(&mcpsec_testkit::npm_package("left", "1.0.4"));
    add_anew(&env);
    insta::assert_snapshot!(plain(&env.mcpsec(["verify"]).exits(1)));
    insta::assert_snapshot!(plain(&env.mcpsec(["approvals"]).success()));
    // The review shows only what changed.
    insta::assert_snapshot!(plain(&approve(&env, &ada, &[]).success()));
    let _verified = env.mcpsec(["verify"]).success();
    // Another version of the server itself.
    server.publish(&mcpsec_testkit::npm_package("files", "1.3.0").dep("left", "^1.0.0").bin("files", "index.js"));
    add_anew(&env);
    let replayed = env.mcpsec(["verify"]).exits(1);
    insta::assert_snapshot!(plain(&replayed));
    assert_eq!(statuses(&env.mcpsec(["verify", "--format", "json"]).exits(1), "approval"), ["fail"]);
}

#[test]
fn two_of_three_people() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(2);
    let (ada, bob, eve) = (SshSigner::new(), SshSigner::new(), SshSigner::new());
    let second_of_ada = SshSigner::new();
    let people = [
        entry("ada", &ada, ""),
        entry("ada", &second_of_ada, ""),
        entry("bob", &bob, ""),
        entry("eve", &eve, "roles = [\"admin\"]"),
    ];
    env.write("mcp-signers", people.concat());
    let _one = approve(&env, &ada, &[]).success();
    let _still = env.mcpsec(["verify"]).exits(1).prints("only ada approved this, and the policy asks for 2");
    // A second key of the same person changes nothing.
    let _same = approve(&env, &second_of_ada, &[]).success().prints("already approved by ada");
    let _two = approve(&env, &bob, &[]).success();
    let _verified = env.mcpsec(["verify"]).success();
    // An admin takes one back; a third person makes up for it.
    let listed = env.mcpsec(["approvals", "--format", "json"]).success().json();
    let id = listed["servers"][0]["approvals"][0]["id"].as_str().expect("id").to_owned();
    let key = |signer: &SshSigner| signer.key_file().display().to_string();
    let of_ada = ["revoke", &id, "--reason", "too quick", "--yes", "--key"];
    let with = |signer: &SshSigner| of_ada.iter().map(ToString::to_string).chain([key(signer)]).collect::<Vec<_>>();
    let _not_bob = env.mcpsec(with(&bob)).exits(1).says("has no role `admin`");
    let _revoked = env.mcpsec(with(&eve)).success();
    let _again = env.mcpsec(["verify"]).exits(1).prints("eve revoked it: too quick");
    let _third = approve(&env, &eve, &[]).success();
    let _verified = env.mcpsec(["verify"]).success();
    let _own = env.mcpsec(["revoke", "files", "--reason", "mistake", "--yes", "--key", &key(&bob)]).success();
    let _open = env.mcpsec(["verify"]).exits(1);
}

#[test]
fn nothing_is_signed_that_does_not_hold_or_that_nobody_asked_for() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (mut env, server) = asking(1);
    let (ada, zoe) = (SshSigner::new(), SshSigner::new());
    env.write("mcp-signers", entry("ada", &ada, ""));
    let _stranger = approve(&env, &zoe, &[]).exits(2).says("is not in mcp-signers");
    let key = ada.key_file().display().to_string();
    let _nobody =
        env.mcpsec(["approve", "files", "--key", &key]).exits(2).says("nobody can be asked; nothing was signed");
    let _unnamed = env.mcpsec(["approve", "files", "--yes"]).exits(2).says("no key is named: nothing is signed");
    let locked_key = SshSigner::of(&["-t", "ed25519"], "secret");
    let _locked = approve(&env, &locked_key, &[]).exits(2).says("protected by a passphrase").says("ssh-add");
    let _unknown =
        env.mcpsec(["approve", "other", "--yes", "--key", &key]).exits(2).says("mcp.lock has no server `other`");
    let _never = approve(&env, &ada, &["--expires", "2020-01-01"]).exits(2);
    // The registry changed its mind: the gate says no, and so does approve.
    server.publish(&mcpsec_testkit::npm_package("left", "1.0.3").file("package/evil.js", b"1"));
    std::fs::remove_dir_all(env.cache()).expect("cache");
    let _denied = approve(&env, &ada, &[]).exits(1).says("does not hold (npm:left@1.0.3); nothing was signed");
    assert!(!env.exists(FILE));
    // An agent is asked only for a key that is named, or at a terminal.
    let Some(agent) = SshAgent::start(&[&ada]) else { return };
    env.set("SSH_AUTH_SOCK", agent.socket());
    let _unnamed = env.mcpsec(["approve", "files", "--yes"]).exits(2).says("no key is named: nothing is signed");
}

#[test]
fn an_agent_signs() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    for kind in [&["-t", "ed25519"][..], &["-t", "rsa", "-b", "2048"], &["-t", "ecdsa", "-b", "521"]] {
        let (mut env, _server) = asking(1);
        let ada = SshSigner::of(kind, "");
        let Some(agent) = SshAgent::start(&[&SshSigner::new(), &ada]) else {
            println!("skipped: no ssh-agent");
            return;
        };
        env.set("SSH_AUTH_SOCK", agent.socket());
        env.write("mcp-signers", entry("ada", &ada, ""));
        let fingerprint = mcpsec_model::approval::PublicKey::parse(&ada.public_key()).expect("key").fingerprint();
        let _approved = env.mcpsec(["approve", "files", "--yes", "--agent-key", &fingerprint]).success();
        let _verified = env.mcpsec(["verify"]).success();
        let _absent =
            env.mcpsec(["approve", "files", "--yes", "--agent-key", "SHA256:x"]).exits(2).says("holds no such key");
    }
}

#[test]
fn a_file_that_was_touched_is_refused_with_its_line() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(1);
    let ada = SshSigner::new();
    env.write("mcp-signers", entry("ada", &ada, ""));
    let _approved = approve(&env, &ada, &[]).success();
    let good = env.read(FILE);
    for (text, line, words) in [
        (good.trim_end().to_owned(), 1, "cut short"),
        (good.replace('\n', "\r\n"), 1, "ends in CR LF"),
        (format!("<<<<<<< HEAD\n{good}=======\n{good}>>>>>>> x\n"), 1, "a conflict marker"),
        (format!("{good}\n{good}"), 2, "an empty line"),
        (good.replacen('{', "{ ", 1), 1, "not in canonical form"),
        (good.replacen("\"payload\"", "\"x\":1,\"payload\"", 1), 1, "not a DSSE envelope"),
        (good.replacen("\"keyid\":", "\"keyid\":\"x\",\"keyid\":", 1), 1, "not a DSSE envelope"),
        (good.replacen("vnd.in-toto", "vnd.other", 1), 1, "its payload is `application/vnd.other+json`"),
    ] {
        env.write(FILE, &text);
        let refused = env.mcpsec(["verify"]).exits(1);
        let refused = refused.prints(&format!("{FILE}:{line}: "));
        let _words = refused.prints(words);
        let _unsigned = approve(&env, &ada, &[]).exits(2).says(words);
        assert_eq!(env.read(FILE), text, "nothing is appended to a file that is refused");
    }
    env.write("mcp-signers", "[[signer]]\nname = \"a/b\"\nkey = \"x\"\nrole = []\n");
    let _all = env.mcpsec(["verify"]).exits(2).says("has 3 problems");
}

#[test]
fn another_team_vouches_by_path_and_by_pinned_address() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(1);
    let grace = SshSigner::new();
    // Grace approves in a project of her own team, which has the same server locked.
    env.write("mcp-signers", entry("grace", &grace, ""));
    let _approved = approve(&env, &grace, &[]).success();
    let theirs = env.read(FILE);
    std::fs::remove_file(env.project().join(FILE)).expect("file");
    let import = |source: &str| {
        format!(
            "[[import]]\nname = \"platform\"\n{source}\ncriteria = {{ reviewed = \"reviewed\" }}\n{}",
            entry("grace", &grace, "").replace("[[signer]]", "[[import.signer]]")
        )
    };
    env.write("mcp-signers", import("path = \"platform.jsonl\""));
    let _absent = env.mcpsec(["verify"]).exits(3).prints("approvals of `platform` could not be looked at");
    env.write("platform.jsonl", &theirs);
    let _verified = env.mcpsec(["verify"]).success();

    let page = Arc::new(Page(Mutex::new(theirs)));
    let site = Loopback::start(Arc::clone(&page) as Arc<dyn Routes>);
    let address = format!("{}/approvals.jsonl", site.base());
    env.write("mcp-signers", import(&format!("url = \"{address}\"")));
    let _unpinned = env.mcpsec(["verify"]).exits(3).prints("mcp.lock does not pin it yet");
    let _pinned = env.mcpsec(["approvals", "--update-imports"]).success();
    assert!(env.read("mcp.lock").contains("imports = [\n  \"platform sha256:"), "{}", env.read("mcp.lock"));
    // From here on the address is never asked.
    site.clear_log();
    "gone\n".clone_into(&mut page.0.lock().expect("page"));
    let _verified = env.mcpsec(["verify"]).success();
    let _offline = env.mcpsec(["verify", "--offline"]).success();
    assert!(site.requests().is_empty(), "{:?}", site.requests());
    let broken = env.mcpsec(["approvals", "--update-imports"]).exits(1).says("import platform:1: not a DSSE envelope");
    assert!(broken.stdout.is_empty());
    let _kept = env.mcpsec(["verify", "--offline"]).success();
    // A copy that was tampered with is not believed.
    let copies = env.store().join("imports");
    let copy = std::fs::read_dir(&copies).expect("copies").flatten().next().expect("one").path();
    flip_middle_byte(&copy);
    let _tampered = env.mcpsec(["verify", "--offline"]).exits(3).prints("is pinned");
}

/// A criterion that asks for the same policy means all of it: a base that mcp.toml extends is a part.
#[test]
fn a_policy_that_is_extended_is_part_of_the_policy() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (env, _server) = asking(1);
    let ada = SshSigner::new();
    env.write("mcp-signers", format!("{}[criteria.reviewed]\nsame-policy = true\n", entry("ada", &ada, "")));
    env.write("base.toml", "[policy]\nupstream = \"warn\"\n");
    let toml = env.read("mcp.toml").replace("[policy]\n", "[policy]\nextends = \"base.toml\"\n");
    env.write("mcp.toml", toml);
    let _approved = approve(&env, &ada, &[]).success();
    let _good = env.mcpsec(["verify"]).success();
    env.write("base.toml", "[policy]\nupstream = \"warn\"\n[policy.rules]\ndeprecated = \"allow\"\n");
    let _asked_again = env.mcpsec(["verify"]).exits(1);
}
