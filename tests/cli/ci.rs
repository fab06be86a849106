//! What runs in CI, run as a runner runs it: the scripts behind action.yml, the hook, and the words between them.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use mcpsec_testkit::{NpmServer, TestEnv};
use serde_json::json;

use crate::{
    told::{benign, telling},
    worlds::locked_npm,
};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ci").join(name)
}

/// A command in the test's world, with what scripts need of a system.
#[expect(clippy::disallowed_methods, reason = "scripts of CI are run by a shell and git")]
fn system(env: &TestEnv, program: &str, arguments: &[&str]) -> Command {
    for tool in ["bash", "git", "od", "tr", "mkdir", "cat", "rm", "grep", "sed", "head", "dirname", "install"] {
        let _there = env.allow_program(tool);
    }
    let template = env.command(["--version"]);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(env.project()).env_clear().stdin(Stdio::null());
    for (name, value) in template.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.env("MCPSEC", template.get_program());
    command
}

fn run_script(env: &TestEnv, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let script = script(name);
    let mut all = vec![script.to_str().expect("a path")];
    all.extend(arguments);
    let bash = env.root().join("bin").join("bash");
    let _there = env.allow_program("bash");
    system(env, bash.to_str().expect("a path"), &all).envs(variables.iter().copied()).output().expect("bash")
}

fn git(env: &TestEnv, arguments: &[&str]) {
    let mut all = vec!["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "protocol.file.allow=always"];
    all.extend(arguments);
    let _there = env.allow_program("git");
    let program = env.root().join("bin").join("git");
    let output = system(env, program.to_str().expect("a path"), &all).output().expect("git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn the_gate_passes_and_says_so_where_people_look() {
    let (env, _server) = locked_npm();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", "summary.md"),
        ("GITHUB_OUTPUT", "output"),
        ("MCPSEC_RUNS", "verify"),
    ];
    let output = run_script(&env, "gate.sh", &[], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(env.read("summary.md").contains("mcpsec verify: pass"), "{}", env.read("summary.md"));
    assert_eq!(env.read("output"), "exit-code=0\nreports=mcpsec-reports\n");
    for file in ["verify.sarif", "verify.json", "verify.md"] {
        assert!(env.exists(&format!("mcpsec-reports/{file}")), "{file}");
    }
    // Whatever mcpsec prints stands between two lines that switch the runner's commands off and on again.
    let log = text(&output.stdout);
    let first = log.lines().next().expect("a line");
    let token = first.strip_prefix("::stop-commands::").expect("commands are off");
    assert_eq!(token.len(), 32, "{token}");
    assert_eq!(log.lines().last(), Some(format!("::{token}::").as_str()));
    assert!(log.lines().count() > 3);
}

#[test]
fn the_gate_fails_with_the_worst_code_and_leaves_its_reports() {
    let (env, _server) = locked_npm();
    env.write(".mcp.json", r#"{ "mcpServers": { "x": { "command": "npx", "args": ["-y", "x@latest"] } } }"#);
    let variables = [("GITHUB_STEP_SUMMARY", "summary.md"), ("MCPSEC_RUNS", "verify"), ("MCPSEC_ARGS", "--offline -q")];
    let output = run_script(&env, "gate.sh", &[], &variables);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(env.read("summary.md").contains("unlocked-launch"), "{}", env.read("summary.md"));
    assert!(env.read("mcpsec-reports/verify.sarif").contains("unlocked-launch"));
    assert!(!text(&output.stdout).contains("::stop-commands"), "only a runner is told");
}

#[test]
fn an_incomplete_run_fails_unless_the_job_says_otherwise() {
    let (env, server) = locked_npm();
    env.edit("mcp.toml", "upstream = \"warn\"", "upstream = \"required\"");
    drop(server);
    let runs = ("MCPSEC_RUNS", "verify");
    let retries = ("MCPSEC_HTTP_RETRIES", "0");
    assert_eq!(run_script(&env, "gate.sh", &[], &[runs, retries]).status.code(), Some(3));
    let lenient = [runs, retries, ("MCPSEC_INCOMPLETE", "pass")];
    assert_eq!(run_script(&env, "gate.sh", &[], &lenient).status.code(), Some(0));
    assert!(env.read("mcpsec-reports/verify.json").contains("\"incomplete\""), "it is reported all the same");
}

#[test]
fn a_gate_that_is_set_up_wrong_is_no_pass() {
    let env = TestEnv::new();
    for (name, value) in [
        ("MCPSEC_RUNS", "verify; touch owned"),
        ("MCPSEC_RUNS", "run"),
        ("MCPSEC_INCOMPLETE", "maybe"),
        ("MCPSEC", "no-such-program"),
    ] {
        let output = run_script(&env, "gate.sh", &[], &[(name, value)]);
        assert_eq!(output.status.code(), Some(2), "{name}={value}: {}", text(&output.stderr));
    }
    assert!(!env.exists("owned"));
    // A folder without a project: mcpsec itself refuses, and that is the job's end too.
    let output = run_script(&env, "gate.sh", &[], &[("MCPSEC_RUNS", "verify")]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn a_pull_request_shows_what_it_changes() {
    let server = NpmServer::start();
    server.publish(&telling("1.0.0", &benign()));
    let mut env = TestEnv::new();
    env.npm(&server);
    if !env.capture(&["node"]) {
        return;
    }
    let origin = env.root().join("origin.git");
    git(&env, &["init", "-q", "-b", "main", "."]);
    git(&env, &["init", "-q", "--bare", "-b", "main", origin.to_str().expect("a path")]);
    git(&env, &["remote", "add", "origin", origin.to_str().expect("a path")]);
    let _added = env.mcpsec(["add", "npm:mailer"]).success();
    git(&env, &["add", "mcp.toml", "mcp.lock"]);
    git(&env, &["commit", "-q", "-m", "lock"]);
    git(&env, &["push", "-q", "origin", "main"]);
    let mut told = benign();
    told["tools"]
        .as_array_mut()
        .expect("tools")
        .push(json!({ "name": "list", "description": "Lists ::error::messages." }));
    server.publish(&telling("1.1.0", &told));
    let _updated = env.mcpsec(["update", "--yes"]).success();

    let base = env.root().join("base.lock");
    let base = base.to_str().expect("a path");
    let output = run_script(&env, "base.sh", &["main", ".", base], &[("GITHUB_OUTPUT", "output")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(env.read("output"), format!("base={base}\n"));
    let variables = [("MCPSEC_BASE", base), ("GITHUB_STEP_SUMMARY", "summary.md"), ("MCPSEC_RUNS", "verify")];
    let output = run_script(&env, "gate.sh", &[], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let summary = env.read("summary.md");
    let (changes, verdict) = summary.split_once("mcpsec verify").expect("both reports");
    assert!(changes.contains("tool:list") && changes.contains("Lists"), "{summary}");
    assert!(changes.contains("npm:mailer@1.1.0"), "{summary}");
    assert!(verdict.contains("pass"), "{summary}");

    for name in ["--upload-pack=touch owned", "../main", "a b", ""] {
        let output = run_script(&env, "base.sh", &[name, ".", base], &[]);
        assert_eq!(output.status.code(), Some(2), "{name}");
    }
    assert!(!env.exists("owned"));
}

#[test]
fn the_hook_stops_what_the_gate_would_refuse_and_nothing_else() {
    let (env, _server) = locked_npm();
    git(&env, &["init", "-q", "-b", "main", "."]);
    git(&env, &["add", "mcp.toml", "mcp.lock"]);
    assert_eq!(run_script(&env, "pre-commit.sh", &[], &[]).status.code(), Some(0));
    git(&env, &["commit", "-q", "--no-verify", "-m", "lock"]);
    env.write(".mcp.json", r#"{ "mcpServers": { "x": { "command": "npx", "args": ["-y", "x@latest"] } } }"#);
    env.write("notes.txt", "text");
    git(&env, &["add", "notes.txt"]);
    // Nothing that it judges is staged, so it does not even run mcpsec.
    assert_eq!(run_script(&env, "pre-commit.sh", &[], &[("MCPSEC", "no-such-program")]).status.code(), Some(0));
    git(&env, &["add", ".mcp.json"]);
    assert_eq!(run_script(&env, "pre-commit.sh", &[], &[]).status.code(), Some(1));
}

/// No runner is here, so at least the words between the files agree.
#[test]
fn the_action_and_the_scripts_speak_of_the_same_things() {
    let action = include_str!("../../action.yml");
    let gate = include_str!("../../ci/gate.sh");
    let named: Vec<&str> =
        action.split("$GITHUB_ACTION_PATH/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(named, ["ci/install.sh", "ci/base.sh", "ci/gate.sh"]);
    for file in named {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file(), "{file}");
    }
    let variables =
        action.split(|c: char| !(c.is_ascii_uppercase() || c == '_')).filter(|word| word.starts_with("MCPSEC_"));
    for variable in variables.filter(|name| *name != "MCPSEC_BIN") {
        assert!(gate.contains(&format!("#   {variable}")), "gate.sh does not read {variable}");
    }
    let inputs = action.split("${{ inputs.").skip(1).filter_map(|rest| rest.split(' ').next());
    let uses: Vec<&str> = inputs.collect();
    assert!(uses.len() >= 5);
    for input in uses.iter().chain(&["cache", "sarif"]) {
        assert!(action.contains(&format!("\n  {input}:\n")), "action.yml declares no input {input}");
    }
    let hooks = include_str!("../../.pre-commit-hooks.yaml");
    let judged = |text: &str| text.split("(^|/)(").nth(1).and_then(|rest| rest.split(")$").next()).map(str::to_owned);
    assert_eq!(judged(hooks), judged(include_str!("../../ci/pre-commit.sh")), "both hooks judge the same files");
    assert!(fs::metadata(script("gitlab.yml")).is_ok());
}

/// A gate that runs nothing would be green for ever, and YAML folds lists of commands over several lines.
#[test]
fn commands_may_stand_on_lines_of_their_own_and_none_is_a_mistake() {
    let (env, _server) = locked_npm();
    for runs in [" ", "\n", "\n \n"] {
        let output = run_script(&env, "gate.sh", &[], &[("MCPSEC_RUNS", runs)]);
        assert_eq!(output.status.code(), Some(2), "{runs:?}");
        assert!(text(&output.stderr).contains("names no command"), "{}", text(&output.stderr));
    }
    // Without a database `audit` is incomplete offline: whether it ran shows in the exit code.
    for (runs, code) in [("verify\naudit\n", 3), ("\nverify\n", 0)] {
        let variables = [("MCPSEC_RUNS", runs), ("MCPSEC_ARGS", "\n--offline\n")];
        assert_eq!(run_script(&env, "gate.sh", &[], &variables).status.code(), Some(code), "{runs:?}");
    }
}
