//! `mcpsec` and the real registry: approvals through its log, from a key to a gate on another machine.
use mcpsec_testkit::{NpmServer, SshSigner, TestEnv, npm_package};

use crate::world::{World, mcpsec};

pub(crate) struct Team {
    pub(crate) env: TestEnv,
    npm: NpmServer,
    pub(crate) world: World,
    ada: SshSigner,
}

pub(crate) fn team() -> Option<Team> {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return None;
    }
    let npm = NpmServer::start();
    npm.publish_all(&[
        npm_package("files", "1.2.0").dep("left", "^1.0.0").bin("files", "index.js"),
        npm_package("left", "1.0.3"),
    ]);
    let ada = SshSigner::new();
    let signers = format!("[[signer]]\nname = \"ada\"\nkey = \"{}\"\n", ada.public_key());
    let world = World::prepared(&[], |data| {
        use std::io::Write as _;
        let file = std::fs::File::create_new(data.join("mcp-signers"));
        file.and_then(|mut file| file.write_all(signers.as_bytes())).expect("signers");
    });
    let made = world.command(&["token", "create", "--name", "ada", "--scope", "approve-submit"]);
    let said = String::from_utf8_lossy(&made.stdout);
    let token = said.split_whitespace().find(|word| word.starts_with("mcpsec_")).expect("a token").to_owned();
    let mut env = TestEnv::new();
    env.set_binary(mcpsec());
    env.npm(&npm);
    env.set("MCPSEC_HTTP_RETRIES", "0");
    let _added = env.mcpsec(["add", "npm:files"]).success();
    env.set("MCPSEC_TEAM_TOKEN", &token);
    env.write("mcp-signers", signers);
    let toml = env.read("mcp.toml");
    let kept: Vec<&str> = toml.lines().filter(|line| !line.starts_with("approvals")).collect();
    let asked = "[policy]\napprovals = { required = 1, signers = \"mcp-signers\" }\n";
    let team = format!("\n[team]\nregistry = \"{}\"\n", world.server.address());
    env.write("mcp.toml", format!("{}\n{team}", kept.join("\n").replace("[policy]\n", asked)));
    Some(Team { env, npm, world, ada })
}

impl Team {
    fn signing<'a>(&self, words: &[&'a str]) -> Vec<std::borrow::Cow<'a, str>> {
        let key = self.ada.key_file().display().to_string();
        let words = words.iter().map(|word| (*word).into());
        words.chain(["--yes".into(), "--key".into(), key.into()]).collect()
    }

    pub(crate) fn run(&self, words: &[&str]) -> mcpsec_testkit::Output {
        let words: Vec<String> = self.signing(words).into_iter().map(std::borrow::Cow::into_owned).collect();
        self.env.mcpsec(words)
    }
}

#[test]
fn an_approval_is_given_seen_elsewhere_and_taken_back() {
    let Some(mut team) = team() else { return };
    let _not_yet = team.env.mcpsec(["verify"]).exits(1).prints("nobody approved this");
    let _approved = team.run(&["approve", "files"]).success().prints("sent to http://127.0.0.1");
    let lock = team.env.read("mcp.lock");
    assert!(lock.contains("[team]\n") && lock.contains("size = 1\n"), "{lock}");
    let _verified = team.env.mcpsec(["verify"]).success();

    let mut other = TestEnv::new();
    other.set_binary(mcpsec());
    other.npm(&team.npm);
    for file in ["mcp.toml", "mcp.lock", "mcp-signers"] {
        other.write(file, team.env.read(file));
    }
    // Reading needs no token; a lock that was written is what its colleagues compare with.
    let _verified = other.mcpsec(["verify"]).success();
    let address = team.world.server.address().to_owned();
    team.world.restart();
    let moved = |env: &TestEnv| env.edit("mcp.toml", &address, team.world.server.address());
    moved(&team.env);
    moved(&other);
    // Another address, the same log.
    let _verified = other.mcpsec(["verify"]).success();
    let _revoked = team.run(&["revoke", "files", "--reason", "too quick"]).success();
    let _closed = other.mcpsec(["verify"]).exits(1).prints("ada revoked it: too quick");
    team.world.server.kill();
    let _known = other.mcpsec(["verify"]).exits(3).prints("as of entry 2 of the team's log");
}

#[test]
fn the_log_and_git_hold_the_same_bytes() {
    let Some(team) = team() else { return };
    let _file = team.run(&["approve", "files", "--to", "file"]).success();
    let text = team.env.read("mcp-approvals.jsonl");
    let _sent = team.env.mcpsec(["approvals", "--import", "mcp-approvals.jsonl"]).success().prints("1 added");
    let _again = team.env.mcpsec(["approvals", "--import", "mcp-approvals.jsonl"]).success().prints("0 added, 1 known");
    let _written = team.env.mcpsec(["approvals", "--export", "out.jsonl"]).success();
    assert_eq!(team.env.read("out.jsonl"), text);
}

/// A log that is another one: a server that was set up anew, with the same address and signers, and knows nothing.
#[test]
fn a_registry_that_forgot_is_not_believed() {
    let Some(mut team) = team() else { return };
    let _approved = team.run(&["approve", "files"]).success();
    let stranger = World::new();
    team.env.edit("mcp.toml", team.world.server.address(), stranger.server.address());
    // It would answer 401 to a token that it did not make, which is no answer about the log.
    team.env.unset("MCPSEC_TEAM_TOKEN");
    let refused = team.env.mcpsec(["verify"]).exits(1);
    assert!(refused.stdout.contains("is not signed by the key") || refused.stdout.contains("the head is of the log"));
}

#[test]
fn what_the_registry_refuses_is_kept_and_said() {
    let Some(team) = team() else { return };
    let zoe = SshSigner::new();
    // Zoe is a signer here, and nobody to the registry.
    let own = team.env.read("mcp-signers");
    team.env.write("mcp-signers", format!("{own}\n[[signer]]\nname = \"zoe\"\nkey = \"{}\"\n", zoe.public_key()));
    let key = zoe.key_file().display().to_string();
    let _refused = team
        .env
        .mcpsec(["approve", "files", "--yes", "--key", &key])
        .exits(1)
        .says("what was signed is in mcp-approvals.jsonl");
    assert_eq!(team.env.read("mcp-approvals.jsonl").lines().count(), 1);
}
