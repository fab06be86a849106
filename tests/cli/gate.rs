//! The gate end to end: a repository as people have them becomes one that fails on anything unpinned, changed, unapproved or
//! known to be bad; one clear line each, the same in every form of the report.
use std::{collections::BTreeSet, process::Command};

use mcpsec_testkit::{NpmRegistryKey, NpmServer, Output, PypiServer, TestEnv, npm_package, wheel};
use serde_json::{Value, json};

use crate::{
    told::{LISTED, LISTED_PY, benign, telling},
    worlds::project_state,
};

const CLIENT: &str = r#"{
  // started by the editor
  "mcpServers": {
    "mailer": { "command": "npx", "args": ["-y", "mailer@latest"] },
    "notes": { "command": "npx", "args": ["-y", "notes@latest", "."], },
    "clock": { "command": "uvx", "args": ["clock-server"] }
  }
}
"#;

/// What people edit, and what says who decided.
const FILES: &[&str] = &[".mcp.json", "mcp.toml", "mcp.lock", "mcp-signers", "mcp-approvals.jsonl"];

struct Demo {
    env: TestEnv,
    npm: NpmServer,
    pypi: PypiServer,
    before: Vec<(&'static str, String)>,
}

fn demo() -> Option<Demo> {
    let (npm, pypi) = (NpmServer::start(), PypiServer::start());
    npm.publish_all(&[
        telling("1.0.0", &benign()).dep("left", "^1.0.0"),
        npm_package("notes", "2.1.0")
            .bin("notes", "server.mjs")
            .file("server.mjs", LISTED)
            .file("told.json", json!({ "tools": [] }).to_string().as_bytes()),
        npm_package("left", "1.0.3"),
    ]);
    pypi.publish(
        wheel("clock-server", "0.3")
            .requires_python(">=3.10")
            .entry_point("clock-server", "clock_main:main")
            .file("clock_main.py", LISTED_PY),
    );
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    if !env.capture(&["node", "python3"]) {
        return None;
    }
    env.write(".mcp.json", CLIENT);
    let _found = env.mcpsec(["init"]).success();
    let _locked = env.mcpsec(["add"]).success();
    let _wrapped = env.mcpsec(["wrap"]).success();
    let _good = env.mcpsec(["verify"]).success();

    // Two people review; one of them is enough.
    let keys = env.root().join("keys");
    std::fs::create_dir_all(&keys).expect("a folder for keys");
    let mut signers = String::new();
    for name in ["first", "second"] {
        let key = keys.join(name);
        keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key.to_str().expect("a path")]);
        let public = std::fs::read_to_string(key.with_extension("pub")).expect("a public key");
        signers.push_str(&format!("[[signer]]\nname = \"{name}\"\nkey = \"{}\"\n\n", public.trim()));
    }
    env.write("mcp-signers", signers);
    env.edit("mcp.toml", "approvals = { required = 0 }", "approvals = { required = 1, signers = \"mcp-signers\" }");
    let _nobody = env.mcpsec(["verify"]).exits(1).prints("approval");
    let _approved = approve(&env, &["mailer", "notes", "clock"]).success();
    let _good = env.mcpsec(["verify"]).success();
    let before = FILES.iter().map(|file| (*file, env.read(file))).collect();
    Some(Demo { env, npm, pypi, before })
}

#[expect(clippy::disallowed_methods, reason = "keys of reviewers are made by the tool that they use")]
fn keygen(arguments: &[&str]) {
    let status = Command::new("ssh-keygen").args(arguments).status().expect("ssh-keygen");
    assert!(status.success(), "ssh-keygen {arguments:?}");
}

fn approve(env: &TestEnv, names: &[&str]) -> Output {
    let key = env.root().join("keys/first");
    let mut arguments = vec!["approve", "--yes", "--reason", "read every word", "--key", key.to_str().expect("a path")];
    arguments.extend(names);
    env.mcpsec(arguments)
}

impl Demo {
    /// Puts everything back.
    fn restore(&self) {
        for (file, text) in &self.before {
            self.env.write(file, text);
        }
    }

    /// Runs one command; it must deny exactly one thing, in all forms alike. Gives the whole line of it for people.
    fn denies(&self, command: &str, id: &str, subject: &str) -> String {
        let output = self
            .env
            .mcpsec([command, "--report", "json=r.json", "--report", "sarif=r.sarif", "--report", "markdown=r.md"])
            .exits(1);
        let report: Value = serde_json::from_str(&self.env.read("r.json")).expect("JSON");
        assert_eq!(report["exit"], 1, "{report}");
        // The check that a finding fails is in the decision as well; for people it is one story.
        let mut denied = denied(&report);
        denied.retain(|(of, _)| of != "advisories");
        let expected = BTreeSet::from([(id.to_owned(), subject.to_owned())]);
        assert_eq!(denied, expected, "{}", output.snapshot());

        let sarif: Value = serde_json::from_str(&self.env.read("r.sarif")).expect("JSON");
        let run = &sarif["runs"][0];
        assert_eq!(run["invocations"][0]["exitCode"], 1, "{run}");
        let errors = run["results"].as_array().expect("results").iter().filter(|result| result["level"] == "error");
        let errors: Vec<&Value> = errors.collect();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert_eq!(errors[0]["properties"]["id"], id);
        assert_eq!(errors[0]["properties"]["subjects"], json!([subject]));
        let place = &errors[0]["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() >= Some(1), "{place}");
        let file = place["artifactLocation"]["uri"].as_str().expect("a file");
        assert!(self.env.exists(file), "{file}");

        let markdown = self.env.read("r.md");
        assert_eq!(markdown.matches("**Denied**").count(), 1, "{markdown}");
        assert!(markdown.contains(id) && markdown.contains(subject), "{markdown}");
        for file in ["r.json", "r.sarif", "r.md"] {
            std::fs::remove_file(self.env.project().join(file)).expect("a report");
        }
        let lines: Vec<&str> = output.stdout.lines().collect();
        let at = lines.iter().position(|line| line.contains(id) && line.contains(subject)).expect("a line for people");
        lines[at..].iter().take(6).copied().collect::<Vec<_>>().join("\n")
    }
}

fn denied(report: &Value) -> BTreeSet<(String, String)> {
    let servers = report["servers"].as_array().expect("servers").iter();
    let decisions = servers.chain([&report["project"]]).map(|part| &part["decision"]["denied"]);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let items = decisions.filter_map(Value::as_array).flatten();
    items.map(|item| (text(&item["id"]), text(&item["subject"]))).collect()
}

#[test]
fn a_repository_becomes_one_that_fails_on_whatever_nobody_decided() {
    let Some(demo) = demo() else { return };
    let env = &demo.env;

    // A server that nobody locked.
    env.edit(
        ".mcp.json",
        "    \"clock\":",
        "    \"shiny\": { \"command\": \"npx\", \"args\": [\"-y\", \"shiny@latest\"] },\n    \"clock\":",
    );
    let line = demo.denies("verify", "unlocked-launch", ".mcp.json:shiny");
    assert!(line.contains(".mcp.json:6") && line.contains("shiny@latest"), "{line}");
    let _check = env.mcpsec(["wrap", "--check"]).exits(1).prints("shiny");
    demo.restore();

    // A configuration that was pointed past the lock again.
    env.edit(".mcp.json", r#""args": ["run", "mailer"]"#, r#""args": ["-y", "mailer@latest"]"#);
    env.edit(".mcp.json", r#""mailer": { "command": "mcpsec""#, r#""mailer": { "command": "npx""#);
    let line = demo.denies("verify", "unpinned-launch", ".mcp.json:mailer");
    assert!(line.contains(".mcp.json:4"), "{line}");
    demo.restore();

    // A new version: whoever approved the old one did not approve this.
    demo.npm.publish(&telling("1.0.1", &benign()).dep("left", "^1.0.0"));
    let _moved = env.mcpsec(["update", "mailer", "--yes"]).success().prints("1.0.0 -> 1.0.1");
    let line = demo.denies("verify", "approval", "mailer");
    assert!(line.contains("mcpsec approve mailer"), "{line}");
    let updated = env.read("mcp.lock");

    // The old approval, made to look like one of the new version.
    let old = env.read("mcp-approvals.jsonl");
    let first = old.lines().next().expect("an approval");
    env.write("mcp-approvals.jsonl", format!("{old}{}\n", replayed(first)));
    let line = demo.denies("verify", "approval", "mailer");
    assert!(line.contains("mailer"), "{line}");
    env.write("mcp-approvals.jsonl", &old);
    assert_eq!(env.read("mcp.lock"), updated);
    let _again = approve(env, &["mailer"]).success();
    let _good = env.mcpsec(["verify"]).success();
    demo.restore();

    // Withdrawn by its publisher, where the policy minds. `audit` needs a database; this one knows of another version.
    env.write("osv/MAL-2026-1.json", malware("left", "1.0.2").to_string());
    let _database = env.mcpsec(["db", "update", "--from", "osv"]).success();
    env.edit("mcp.toml", "rules = {}", "rules = { yanked = \"deny\" }");
    demo.pypi.change("clock_server-0.3-py3-none-any.whl", |file| *file = file.clone().yanked("a mistake"));
    let line = demo.denies("audit", "yanked", "pypi:clock-server@0.3");
    assert!(line.contains("withdr") || line.contains("yank"), "{line}");
    demo.pypi.change("clock_server-0.3-py3-none-any.whl", |file| *file = file.clone().not_yanked());
    demo.restore();

    // Known to be malicious, deep in the closure.
    env.write("osv/MAL-2026-1.json", malware("left", "1.0.3").to_string());
    let _database = env.mcpsec(["db", "update", "--from", "osv"]).success();
    for command in ["verify", "audit"] {
        let line = demo.denies(command, "malware", "npm:left@1.0.3#MAL-2026-1");
        assert!(line.contains("mailer > left") || line.contains("left"), "{line}");
    }

    // Somebody looked and says why it does no harm, until a day.
    let exempt = |until: &str| {
        format!(
            "\n[[policy.exempt]]\nrule = \"malware\"\nsubject = \"npm:left@1.0.3#MAL-2026-1\"\nreason = \"a false alarm, reported\"\nuntil = {until}\n"
        )
    };
    let config = env.read("mcp.toml");
    env.write("mcp.toml", format!("{config}{}", exempt("2999-01-01")));
    let _lifted = env.mcpsec(["verify"]).success().prints("a false alarm, reported");
    env.write("mcp.toml", format!("{config}{}", exempt("2026-01-31")));
    let line = demo.denies("verify", "malware", "npm:left@1.0.3#MAL-2026-1");
    let _told = env.mcpsec(["verify"]).exits(1).prints("2026-01-31");
    assert!(!line.is_empty());
    demo.restore();
}

/// Another statement under the signature of an old one.
fn replayed(envelope: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut value: Value = serde_json::from_str(envelope).expect("JSON");
    let payload = STANDARD.decode(value["payload"].as_str().expect("a payload")).expect("base64");
    let text = String::from_utf8(payload).expect("text").replace("1.0.0", "1.0.1");
    value["payload"] = json!(STANDARD.encode(text));
    value.to_string()
}

fn malware(name: &str, version: &str) -> Value {
    json!({
        "schema_version": "1.7.3",
        "id": "MAL-2026-1",
        "modified": "2026-11-01T00:00:00Z",
        "published": "2026-11-01T00:00:00Z",
        "summary": "Malicious code",
        "affected": [{ "package": { "ecosystem": "npm", "name": name }, "versions": [version] }],
    })
}

#[test]
fn unwrapping_gives_the_configuration_back() {
    let Some(demo) = demo() else { return };
    let state = project_state(&demo.env);
    let _back = demo.env.mcpsec(["unwrap"]).success();
    assert_eq!(demo.env.read(".mcp.json"), CLIENT);
    assert_eq!(project_state(&demo.env), state, "neither mcp.toml nor mcp.lock was touched");
    let refused = demo.env.mcpsec(["verify"]).exits(1);
    assert!(refused.stdout.contains("unpinned-launch"), "{}", refused.snapshot());
}

#[test]
fn an_attestation_that_was_stripped_is_one_line() {
    let key = NpmRegistryKey::generate().named("SHA256:a-key-of-the-registry");
    let Some(server) = crate::evidence::filesystem_of(&key) else { return };
    let mut env = TestEnv::new();
    env.npm(&server);
    let _added = env.mcpsec(["add", crate::evidence::SPEC]).success();
    let _good = env.mcpsec(["verify"]).success();
    // Another machine, and a registry that kept everything but the attestation.
    let Some(stripped) = crate::evidence::without_attestations(&key) else { return };
    let mut other = TestEnv::new();
    other.npm(&stripped);
    for file in ["mcp.toml", "mcp.lock"] {
        other.write(file, env.read(file));
    }
    let output = other.mcpsec(["verify", "--report", "json=r.json"]).exits(1);
    let report: Value = serde_json::from_str(&other.read("r.json")).expect("JSON");
    let subject = format!("npm:{}@{}", crate::evidence::NAME, crate::evidence::VERSION);
    assert_eq!(denied(&report), BTreeSet::from([("signer".to_owned(), subject)]), "{}", output.snapshot());
}
