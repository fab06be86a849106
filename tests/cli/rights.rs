//! What a server may do when it runs: what mcp.toml declares, and nothing else.
use std::{fs, net::TcpListener};

use mcpsec_testkit::{NpmServer, TestEnv, npm_package};
use serde_json::{Value, json};

use crate::told::{ask, hello, speak};

const PROBER: &[u8] = include_bytes!("../../testdata/servers/prober.mjs");

/// A world in which `prober` is locked.
fn world() -> Option<TestEnv> {
    let server = NpmServer::start();
    server.publish(&npm_package("prober", "1.0.0").bin("prober", "p.mjs").file("p.mjs", PROBER));
    let mut env = TestEnv::new();
    env.npm(&server);
    if !env.capture(&["node"]) {
        return None;
    }
    let _added = env.mcpsec(["add", "npm:prober"]).success().prints("1 tool");
    Some(env)
}

/// What a running `prober` says to each question.
fn probe(env: &TestEnv, questions: &[Value]) -> Vec<String> {
    let calls = questions
        .iter()
        .zip(2..)
        .map(|(question, id)| ask(id, "tools/call", json!({ "name": "probe", "arguments": question })));
    let requests: Vec<Value> = [hello(1)].into_iter().chain(calls).collect();
    let answers = speak(env, "prober", &requests);
    let text = |answer: &Value| answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    answers.iter().skip(1).map(text).collect()
}

#[test]
fn nothing_of_the_home_and_no_network_unless_declared() {
    let Some(env) = world() else { return };
    let secret = env.home().join("secret.txt");
    crate::worlds::replace_file(&secret, b"the secret");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let answers = probe(
        &env,
        &[
            json!({ "what": "read", "path": secret }),
            json!({ "what": "write", "path": env.project().join("mcp.toml") }),
            json!({ "what": "connect", "host": "127.0.0.1", "port": port }),
            json!({ "what": "env" }),
            json!({ "what": "read", "path": env.project().join("mcp.lock") }),
        ],
    );
    for (index, answer) in answers.iter().enumerate().filter(|(index, _)| *index != 3) {
        assert!(answer.starts_with("refused"), "{index}: {answer}");
    }
    for name in ["MCPSEC_STORE", "XDG_DATA_HOME=", "MCPSEC_TRUST_REFRESH"] {
        assert!(!answers[3].contains(name), "{}", answers[3]);
    }
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "nobody reached the listener");
}

#[test]
fn what_is_declared_is_there() {
    let Some(mut env) = world() else { return };
    env.set("TOKEN_OF_TEST", "a value");
    fs::create_dir_all(env.project().join("in")).expect("a folder");
    fs::create_dir_all(env.project().join("out")).expect("a folder");
    env.write("in/file.txt", "readable");
    let text = env.read("mcp.toml");
    let needs = "\nenv = [\"TOKEN_OF_TEST\"]\n[servers.prober.sandbox]\nread = [\"in\"]\nwrite = [\"out\"]\n";
    let source = text.lines().find(|line| line.starts_with("source")).expect("the source").to_owned();
    env.write("mcp.toml", text.replacen(&source, &format!("{source}{needs}"), 1));
    let answers = probe(
        &env,
        &[
            json!({ "what": "read", "path": env.project().join("in/file.txt") }),
            json!({ "what": "write", "path": env.project().join("in/file.txt") }),
            json!({ "what": "write", "path": env.project().join("out/file.txt") }),
            json!({ "what": "value", "path": "TOKEN_OF_TEST" }),
        ],
    );
    assert_eq!(answers[0], "read readable");
    assert!(answers[1].starts_with("refused"), "{}", answers[1]);
    assert!(answers[2].starts_with("wrote"), "{}", answers[2]);
    assert_eq!(answers[3], "value a value");
    assert_eq!(env.read("out/file.txt"), "written");
}

#[test]
fn what_cannot_be_opened_is_said_before_anything_starts() {
    let Some(mut env) = world() else { return };
    let text = env.read("mcp.toml");
    let source = text.lines().find(|line| line.starts_with("source")).expect("the source").to_owned();
    // The team's token is nobody's but mcpsec's, wherever a stranger's mcp.toml would like to have it sent.
    env.set("MCPSEC_TEAM_TOKEN", "mcpsec_a-token");
    for wish in [
        "env = [\"MCPSEC_TEAM_TOKEN\"]\n",
        "\n[servers.prober.sandbox]\nenv = [\"MCPSEC_TEAM_TOKEN\"]\nhosts = [\"example.test\"]\n",
    ] {
        env.write("mcp.toml", text.replacen(&source, &format!("{source}\n{wish}"), 1));
        let said = env.mcpsec(["run", "prober"]).exits(1).says("mcp.toml hands MCPSEC_TEAM_TOKEN to the server");
        drop(said.hides("mcpsec_a-token"));
    }
    let needs = "\n[servers.prober.sandbox]\nread = [\"not-there\"]\n";
    env.write("mcp.toml", text.replacen(&source, &format!("{source}{needs}"), 1));
    let _said = env.mcpsec(["run", "prober"]).exits(2).says("not-there");
    let _unknown = env.mcpsec(["run", "nobody"]).exits(2).says("prober");
    // What is locked is not what mcp.toml asks for any more: nothing is started.
    env.write("mcp.toml", text.replacen(&source, "source = \"npm:prober@^2\"", 1));
    let _other = env.mcpsec(["run", "prober"]).exits(1).says("mcp.toml asks for something else");
}

/// Files that were changed after they were laid out do not run: they are laid out again from the stored artifact.
#[test]
fn installed_files_that_were_changed_are_not_run() {
    let Some(env) = world() else { return };
    let installed = env.store().join("installed");
    let mut changed = 0;
    for path in crate::worlds::files_below(&installed) {
        if path.file_name().is_some_and(|name| name == "p.mjs") {
            crate::worlds::replace_file(&path, b"process.exit(66)");
            changed += 1;
        }
    }
    assert!(changed > 0, "the program is laid out below {}", installed.display());
    let answers = probe(&env, &[json!({ "what": "cwd" })]);
    assert!(answers[0].starts_with("cwd "), "{}", answers[0]);
}
