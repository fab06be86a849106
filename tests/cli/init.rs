//! `init`: the servers of client configurations become mcp.toml; and `add` without a spec locks them all.
use std::fs;

use mcpsec_testkit::{TestEnv, npm_package};

use crate::worlds::{npm_registry, replace_file};

const SECRET: &str = "hunter2-s3cret";

const CLAUDE: &str = r#"{
  "mcpServers": {
    "files": { "command": "npx", "args": ["-y", "files@latest", "."], "env": { "FILES_TOKEN": "hunter2-s3cret" } },
    "keyed": { "command": "npx", "args": ["-y", "keyed@1.0.0", "--token", "hunter2-s3cret"] },
    "box": { "command": "docker", "args": ["run", "-e", "K=hunter2-s3cret", "example/server"] },
    "far": { "url": "https://mcp.example.test/hunter2-s3cret" },
    "mine": { "command": "python3", "args": ["server.py"] }
  }
}
"#;

fn world() -> TestEnv {
    let registry = npm_registry();
    registry.publish(&npm_package("keyed", "1.0.0").bin("keyed", "index.js"));
    let mut env = TestEnv::new();
    env.npm(&registry);
    // The registry lives as long as the process.
    std::mem::forget(registry);
    env.write(".mcp.json", CLAUDE);
    env.write(".cursor/mcp.json", r#"{"mcpServers": {"files": {"command": "npx", "args": ["files", "."]}}}"#);
    env
}

#[test]
fn from_nothing_to_a_gate_that_passes() {
    let env = world();
    let dry = env.mcpsec(["init", "--dry-run"]).success().hides(SECRET);
    assert!(!env.exists("mcp.toml"));
    let said = env.mcpsec(["init"]).success().hides(SECRET);
    let text = env.read("mcp.toml");
    assert!(!text.contains(SECRET), "{text}");
    insta::assert_snapshot!(format!("{}\n{}\n{text}", dry.snapshot(), said.snapshot()));
    assert_eq!(env.read(".mcp.json"), CLAUDE, "nothing else is changed");
    assert!(!env.exists("mcp.lock"));

    let _locked = env.mcpsec(["add"]).success().hides(SECRET);
    let again = env.mcpsec(["add"]).success();
    assert!(again.stderr.contains("locked as it says"), "{}", again.snapshot());
    let _wrapped = env.mcpsec(["wrap"]).success().hides(SECRET);
    assert!(env.read(".mcp.json").contains(r#"["run", "keyed", "--", "--token", "hunter2-s3cret"]"#));
    assert!(env.read(".cursor/mcp.json").contains(r#"["run", "files"]"#));
    // What cannot be locked stays a decision: here, to go without it.
    let denied = env.mcpsec(["verify"]).exits(1).hides(SECRET);
    assert!(!denied.stdout.is_empty());
    let without = r#",
    "mine": { "command": "python3", "args": ["server.py"] }"#;
    env.edit(".mcp.json", without, "");
    let _verified = env.mcpsec(["verify"]).success().hides(SECRET);
}

#[test]
fn what_is_there_is_not_written_over() {
    let env = world();
    env.write("mcp.toml", "# ours\n[servers.files]\nsource = \"npm:files@^1\"\n");
    let before = env.read("mcp.toml");
    let _refused = env.mcpsec(["init"]).exits(2).says("init --yes");
    assert_eq!(env.read("mcp.toml"), before);
    let _added = env.mcpsec(["init", "--yes"]).success();
    let after = env.read("mcp.toml");
    assert!(after.starts_with(&before) && after.contains("[servers.keyed]"), "{after}");
    let _again = env.mcpsec(["init"]).success();
    assert_eq!(env.read("mcp.toml"), after);
}

#[test]
fn the_users_own_are_looked_at_only_when_asked() {
    let env = TestEnv::new();
    fs::create_dir_all(env.config().join("goose")).expect("a folder");
    let goose =
        "extensions:\n  time:\n    type: stdio\n    cmd: uvx\n    args: [mcp-server-time@latest, \"--local\"]\n";
    replace_file(&env.config().join("goose/config.yaml"), goose.as_bytes());
    let none = env.mcpsec(["init", "--dry-run"]).success();
    assert!(none.stderr.contains("--user"), "{}", none.snapshot());
    let _found = env.mcpsec(["init", "--user", "--client", "goose"]).success();
    let text = env.read("mcp.toml");
    assert!(text.ends_with("[servers.time]\nsource = \"pypi:mcp-server-time\"\nargs = [\"--local\"]\n"), "{text}");
    let _unknown = env.mcpsec(["init", "--client", "nobody"]).exits(2).says("claude-code");
}

#[test]
fn files_that_cannot_be_read_are_told_and_hide_no_others() {
    let env = world();
    env.write(".vscode/mcp.json", "{\"servers\": {\"a\": 1, \"a\": 2}}");
    let _told = env.mcpsec(["init"]).exits(2).prints("`a` stands in line 1 already");
    assert!(env.read("mcp.toml").contains("[servers.files]"));
}

#[test]
fn there_is_nothing_to_add() {
    let env = TestEnv::new();
    let _nothing = env.mcpsec(["add"]).exits(2).says("mcpsec init");
    env.write("mcp.toml", "[servers.x]\nsource = \"npm:x\"\n");
    let _alone = env.mcpsec(["add", "--name", "y"]).exits(2).says("SPEC");
}
