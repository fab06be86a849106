//! A team that vetted a server: a registry with one reviewer, a project that was approved and pushed, and colleagues who only have its
//! files.
use std::io::Write as _;

use mcpsec_testkit::{NpmServer, SshSigner, TestEnv, npm_package};

use crate::world::{World, mcpsec};

const PROBER: &[u8] = include_bytes!("../../testdata/servers/prober.mjs");

/// Who vetted what.
pub(crate) struct Vetted {
    pub(crate) world: World,
    /// The project of whoever pushed.
    pub(crate) env: TestEnv,
    pub(crate) token: String,
    signers: String,
}

impl Vetted {
    /// `prober`, an MCP server with a dependency, locked, approved and pushed; the upstream goes with `npm`. `None`, with the reason
    /// printed, where a program of the machine is missing.
    pub(crate) fn prober() -> Option<(Self, NpmServer)> {
        if !SshSigner::available() {
            println!("skipped: no ssh-keygen");
            return None;
        }
        let npm = NpmServer::start();
        let prober = npm_package("prober", "1.0.0").dep("left", "^1.0.0").bin("prober", "p.mjs").file("p.mjs", PROBER);
        npm.publish_all(&[prober, npm_package("left", "1.0.3")]);
        let ada = SshSigner::new();
        let signers = format!("[[signer]]\nname = \"ada\"\nkey = \"{}\"\n", ada.public_key());
        let world = World::prepared(&[], |folder| {
            std::fs::File::create_new(folder.join("mcp-signers"))
                .and_then(|mut file| file.write_all(signers.as_bytes()))
                .expect("a file of the test's own folder");
        });
        let token = token(&world, &["push", "approve-submit"]);

        let mut env = TestEnv::new();
        env.set_binary(mcpsec());
        env.npm(&npm);
        if !env.capture(&["node"]) {
            println!("skipped: no node");
            return None;
        }
        env.set("MCPSEC_HTTP_RETRIES", "0");
        let _added = env.mcpsec(["add", "npm:prober"]).success();
        let vetted = Self { world, env, token, signers };
        vetted.join(&vetted.env, "");
        vetted.env.write("mcp-signers", &vetted.signers);
        let mut env = vetted.env;
        env.set("MCPSEC_TEAM_TOKEN", &vetted.token);
        let key = ada.key_file().display().to_string();
        let _unapproved = env.mcpsec(["push"]).exits(1).says("mcpsec approve prober");
        let _approved = env.mcpsec(["approve", "prober", "--yes", "--key", &key, "--reason", "read it"]).success();
        let _pushed = env.mcpsec(["push"]).success().prints("vetted");
        env.unset("MCPSEC_TEAM_TOKEN");
        Some((Self { env, ..vetted }, npm))
    }

    /// Puts `[team]` and the need of one approval into a project's mcp.toml.
    pub(crate) fn join(&self, env: &TestEnv, more: &str) {
        let toml = env.read("mcp.toml");
        let before = toml.split("\n[team]\n").next().unwrap_or_default();
        let before = match before.contains("approvals = {") {
            true => before.to_owned(),
            false => {
                before.replace("[policy]\n", "[policy]\napprovals = { required = 1, signers = \"mcp-signers\" }\n")
            }
        };
        env.write("mcp.toml", format!("{before}\n[team]\nregistry = \"{}\"\n{more}\n", self.world.server.address()));
    }

    /// A colleague with a new machine, the project's files, and no way to any upstream.
    pub(crate) fn colleague(&self) -> TestEnv {
        let mut env = TestEnv::new();
        env.set_binary(mcpsec());
        assert!(env.capture(&["node"]), "node was there a moment ago");
        env.set("MCPSEC_HTTP_RETRIES", "0");
        for file in ["mcp.toml", "mcp.lock", "mcp-signers"] {
            env.write(file, self.env.read(file));
        }
        env
    }
}

/// A secret of a registry, with these scopes.
pub(crate) fn token(world: &World, scopes: &[&str]) -> String {
    let mut arguments = vec!["token", "create", "--name", "tests", "--expires", "1d"];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let finished = world.command(&arguments);
    let text = String::from_utf8_lossy(&finished.stdout).into_owned();
    let secret = text.split_whitespace().find(|word| word.starts_with("mcpsec_"));
    secret.unwrap_or_else(|| panic!("no secret in: {text}{}", String::from_utf8_lossy(&finished.stderr))).to_owned()
}
