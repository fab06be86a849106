//! What programs and people read: report v1 and tree v1 as golden files, and the human forms of what is locked.
use mcpsec_testkit::{TestEnv, npm_package, sdist, wheel};
use serde_json::Value;

use crate::worlds::{git_repository, git_spec, linked_repository, locked_npm, npm_registry, project_state, pypi_index};

/// A project with one server of each ecosystem and something to say about each.
fn project() -> (TestEnv, Vec<Box<dyn std::any::Any>>) {
    let (npm, pypi, repository) = (npm_registry(), pypi_index(), git_repository());
    npm.publish(
        &npm_package("files", "1.3.0")
            .dep("left", "^1.0.0")
            .optional("native-linux", "1.0.0")
            .optional("native-windows", "1.0.0")
            .script("postinstall", "node build.js")
            .bin("files", "index.js"),
    );
    npm.publish(&npm_package("native-linux", "1.0.0").os(&["linux"]).cpu(&["x64", "arm64"]));
    npm.publish(&npm_package("native-windows", "1.0.0").os(&["win32"]).cpu(&["x64"]));
    npm.deprecate("left", "1.0.3", "use right instead");
    pypi.publish(sdist("yarl-ish", "1.5"));
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    env.write(
        "mcp.toml",
        "[targets]\nplatforms = [\"linux-x86_64-gnu\", \"windows-x86_64\"]\npython = [\"3.12\", \"3.13\"]\n",
    );
    let git = linked_repository(&env, &repository, "v1.0.0");
    let _added = env.mcpsec(["add", "npm:files", "pypi:fetcher", &git]).success();
    (env, vec![Box::new(npm), Box::new(pypi), Box::new(repository)])
}

/// Indented JSON without what differs between runs.
fn golden(env: &TestEnv, value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    let root = env.root().display().to_string();
    text.replace(&root, "[ROOT]").replace(&root.replace('/', "%2F"), "[ROOT]")
}

/// The closure of the git server is made of an address in the test's own folder, so its id differs between runs.
fn without_closure_id(text: &str, name: &str) -> String {
    let line_of_id = |line: &&str| line.contains("closure") && line.contains("sha256:");
    let Some(line) = text.lines().find(line_of_id).filter(|_| name == "gitty") else { return text.to_owned() };
    let (before, after) = line.split_once("sha256:").expect("the id");
    text.replacen(line, &format!("{before}sha256:[ID]{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit())), 1)
}

#[test]
fn report_v1_of_add() {
    let (env, _servers) = project();
    insta::assert_snapshot!(golden(
        &env,
        &env.mcpsec(["add", "npm:files", "--fresh", "--format", "json"]).success().json()
    ));
}

#[test]
fn report_v1_of_verify() {
    let (env, _servers) = project();
    let report = env.mcpsec(["verify", "--format", "json"]).success().json();
    insta::assert_snapshot!(golden(&env, &report));
    // The frozen part, in words: a rename of any of these breaks programs.
    assert_eq!(report["schema"], "mcpsec.report/v1");
    for key in ["schema", "command", "verdict", "exit", "servers"] {
        assert!(report.get(key).is_some(), "{key}");
    }
    for server in report["servers"].as_array().expect("servers") {
        for key in ["name", "spec", "version", "verdict", "checks", "findings", "drift"] {
            assert!(server.get(key).is_some(), "{key}");
        }
        assert_eq!(server["drift"]["level"], "none");
        for check in server["checks"].as_array().expect("checks") {
            for key in ["check", "status", "subject", "detail"] {
                assert!(check.get(key).is_some(), "{key}");
            }
        }
    }
}

#[test]
fn report_v1_of_a_refusal() {
    let (env, server) = locked_npm();
    server.publish(&npm_package("left", "1.0.3").file("package/other.js", b""));
    insta::assert_snapshot!(golden(&env, &env.mcpsec(["verify", "--format", "json"]).exits(1).json()));
    // A server that cannot be added is in the report too, not only in words on standard error.
    server.publish(&npm_package("broken", "1.0.0").bin("broken", "x").tarball_bytes(*b"no tarball"));
    let refused = env.mcpsec(["add", "npm:broken", "--format", "json"]).exits(1);
    insta::assert_snapshot!(golden(&env, &refused.json()));
    let _said = refused.says("the archive is damaged");
}

#[test]
fn tree_v1() {
    let (env, _servers) = project();
    for name in ["files", "fetcher", "gitty"] {
        let tree = env.mcpsec(["tree", name, "--format", "json"]).success().json();
        assert_eq!(tree["schema"], "mcpsec.tree/v1");
        insta::assert_snapshot!(format!("tree_v1_{name}"), without_closure_id(&golden(&env, &tree), name));
        // `show` says the same, and what the server tells the model; nobody captured that here.
        let mut show = env.mcpsec(["show", name, "--format", "json"]).success().json();
        let manifest = show.as_object_mut().expect("an object").remove("manifest");
        assert_eq!(manifest, Some(serde_json::Value::Null));
        assert_eq!(tree, show);
    }
}

#[test]
fn show_and_tree_for_people() {
    let (env, _servers) = project();
    for name in ["files", "fetcher", "gitty"] {
        for command in ["show", "tree"] {
            let output = env.mcpsec([command, name]).success();
            insta::assert_snapshot!(format!("{command}_{name}"), without_closure_id(&output.snapshot(), name));
        }
    }
    insta::assert_snapshot!(env.mcpsec(["show", "nobody"]).exits(2).snapshot());
    let empty = TestEnv::new();
    insta::assert_snapshot!(empty.mcpsec(["tree", "nobody"]).exits(2).snapshot());
}

#[test]
fn verify_for_people() {
    let (env, _servers) = project();
    insta::assert_snapshot!(env.mcpsec(["verify"]).success().snapshot());
}

#[test]
fn removing() {
    let (env, _servers) = project();
    let lock = env.read("mcp.lock");
    insta::assert_snapshot!(env.mcpsec(["remove", "files"]).success().snapshot());
    assert!(!env.read("mcp.toml").contains("[servers.files]"));
    let left = env.read("mcp.lock");
    assert!(!left.contains("npm:files@") && !left.contains("native-"), "{left}");
    assert!(left.contains("npm:left@1.0.3"), "the git server still needs it\n{left}");
    let _verified = env.mcpsec(["verify"]).success();
    let before = project_state(&env);
    insta::assert_snapshot!(env.mcpsec(["remove", "files"]).exits(2).snapshot());
    let _one_of_two = env.mcpsec(["remove", "fetcher", "files"]).exits(2);
    assert_eq!(before, project_state(&env), "a refused removal changes nothing");
    // Adding it again gives the lock that was there.
    let _added = env.mcpsec(["add", "npm:files"]).success();
    assert_eq!(lock, env.read("mcp.lock"));
}

#[test]
fn comments_and_order_of_mcp_toml_are_kept() {
    let (env, _server) = locked_npm();
    let text = "# ours\n[servers.files] # keep me\nsource = \"npm:files\"\nenv = [ \"TOKEN\" ] # a name\n\n[policy]\nupstream = \"warn\"\n";
    env.write("mcp.toml", text);
    let repository = git_repository();
    let _added = env.mcpsec(["add", &git_spec(&repository, "main"), "--name", "second"]).success();
    let edited = env.read("mcp.toml");
    let kept: Vec<&str> = edited.lines().filter(|line| text.lines().any(|own| own == *line)).collect();
    assert!(text.lines().all(|line| kept.contains(&line)), "{edited}");
    let _removed = env.mcpsec(["remove", "second"]).success();
    assert_eq!(env.read("mcp.toml").trim_end(), text.trim_end());
}

#[test]
fn the_store_lists_verifies_and_says_where_it_is() {
    let (env, _servers) = project();
    insta::assert_snapshot!(env.mcpsec(["store", "ls"]).success().snapshot());
    insta::assert_snapshot!(env.mcpsec(["store", "verify"]).success().snapshot());
    insta::assert_snapshot!(env.mcpsec(["store", "path"]).success().snapshot());
    insta::assert_snapshot!(golden(&env, &env.mcpsec(["store", "verify", "--format", "json"]).success().json()));
    let listed = env.mcpsec(["store", "ls", "--format", "json"]).success().json();
    assert_eq!(listed["schema"], "mcpsec.store/v1");
    let files: Vec<&str> =
        listed["artifacts"].as_array().expect("a list").iter().filter_map(|a| a["file"].as_str()).collect();
    assert!(files.contains(&"files-1.3.0.tgz") && files.contains(&"fetcher-2.0-py3-none-any.whl"), "{files:?}");
    // What other platforms need is pinned and not fetched.
    assert!(!files.contains(&"native-windows-1.0.0.tgz"), "{files:?}");
}

#[test]
fn other_platforms_are_fetched_on_request() {
    let (env, _servers) = project();
    let _all = env.mcpsec(["add", "npm:files", "--all-platforms"]).success();
    let listed = env.mcpsec(["store", "ls"]).success().stdout;
    assert!(listed.contains("native-windows-1.0.0.tgz"), "{listed}");
}

#[test]
fn completions_for_every_shell() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = env.mcpsec(["completions", shell]).success();
        assert!(output.stdout.contains("mcpsec") && output.stdout.contains("verify"), "{shell}");
    }
    let _unknown = env.mcpsec(["completions", "tcsh"]).exits(2);
}

#[test]
fn standard_output_is_data() {
    let (env, _server) = locked_npm();
    let _quiet = env.mcpsec(["verify", "-q"]).success();
    let silent = env.mcpsec(["verify", "-qq"]).success();
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    let plain = env.mcpsec(["verify", "--color", "never"]).success();
    assert!(!plain.stdout.contains('\u{1b}'));
    let json = env.mcpsec(["verify", "--format", "json", "--color", "always", "-vv"]).success();
    assert_eq!(json.json()["exit"], 0);
}

#[test]
fn usage_mistakes_exit_2() {
    let env = TestEnv::new();
    let _none = env.mcpsec([""; 0]).exits(2);
    let _unknown = env.mcpsec(["frobnicate"]).exits(2);
    let _missing = env.mcpsec(["add"]).exits(2);
    let _both = env.mcpsec(["verify", "-q", "-v"]).exits(2);
    insta::assert_snapshot!(env.mcpsec(["add", "left-pad"]).exits(2).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "npm:../evil"]).exits(2).snapshot());
    insta::assert_snapshot!(env.mcpsec(["add", "docker run x"]).exits(2).snapshot());
    let _folder = env.mcpsec(["verify", "--project", "nowhere"]).exits(2);
    let _date = env.mcpsec(["add", "npm:a", "--as-of", "yesterday"]).exits(2);
    let _help = env.mcpsec(["--help"]).success();
    let _version = env.mcpsec(["--version"]).success();
}

#[test]
fn hostile_names_and_texts_are_shown_escaped() {
    let npm = npm_registry();
    npm.publish(&npm_package("files", "1.2.1").dep("left", "^1.0.0").bin("files", "index.js"));
    npm.deprecate("files", "1.2.1", "\u{1b}]0;owned\u{7}\u{202e}txt\u{200b}");
    let pypi = pypi_index();
    pypi.publish(wheel("fetcher", "2.1").entry_point("fetcher", "fetcher:main").yanked("\u{1b}[2J\u{202e}gone"));
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    let outputs = [
        env.mcpsec(["add", "npm:files", "pypi:fetcher==2.1"]).success(),
        env.mcpsec(["verify"]).success(),
        env.mcpsec(["add", "npm:\u{202e}evil"]).exits(2),
        env.mcpsec(["add", "pypi:\u{1b}[2Jevil"]).exits(2),
    ];
    for output in outputs {
        let printed = format!("{}{}", output.stdout, output.stderr);
        let hidden = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!printed.contains(hidden), "{printed:?}");
    }
}
