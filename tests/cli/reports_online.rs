//! What we write, read by the validators of the formats' own communities, which bring the official schemas. Each is also given
//! a broken document: a validator that takes everything proves nothing. Run with `cargo test -- --ignored online`; CI does.
use std::path::{Path, PathBuf};

use mcpsec_testkit::{TestEnv, program::find};
use serde_json::Value;

/// Runs a program of this machine with its own configuration of registries and proxies.
#[expect(clippy::disallowed_methods, reason = "validators are other people's programs")]
fn run(folder: &Path, program: &Path, arguments: &[&str]) -> (bool, String) {
    let done = std::process::Command::new(program).args(arguments).current_dir(folder).output().expect("it starts");
    (
        done.status.success(),
        format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
    )
}

fn must(folder: &Path, program: &Path, arguments: &[&str]) -> String {
    let (fine, said) = run(folder, program, arguments);
    assert!(fine, "{} {}\n{said}", program.display(), arguments.join(" "));
    said
}

/// A Python of its own with these packages.
fn python(folder: &Path, packages: &[&str]) -> PathBuf {
    let machine = find("python3").expect("python3 is on PATH");
    let _said = must(folder, &machine, &["-m", "venv", "venv"]);
    let own = folder.join("venv/bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let _said = must(folder, &own, &[install.as_slice(), packages].concat());
    own
}

/// A project with a golden lock, and an exemption of an advisory.
fn project(lock: &str, servers: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("mcp.lock", lock);
    let exempt = "[[policy.exempt]]\nrule = \"vulnerable\"\nsubject = \"npm:zod@3.25.76#GHSA-aaaa-bbbb-cccc\"\n\
                  reason = \"not reached\"\nuntil = 2099-01-31\n";
    env.write("mcp.toml", format!("{servers}\n{exempt}"));
    env
}

fn mixed() -> TestEnv {
    let servers = "[servers.fetch]\nsource = \"pypi:server-fetch[html]<1,>=0.6\"\n\n\
                   [servers.files]\nsource = \"npm:@scope/server-files@^2026\"\n";
    project(include_str!("../../testdata/locks/v1/mixed.lock"), servers)
}

/// What a validator says of a document: nothing, or why it is refused.
const VALIDATE: &str = r#"
import sys
kind, path = sys.argv[1], sys.argv[2]
text = open(path, encoding="utf-8").read()
if kind == "cyclonedx":
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
elif kind == "spdx":
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    try:
        problem = [message.validation_message for message in validate_full_spdx_document(parse_file(path), "SPDX-2.3")]
    except SPDXParsingError as error:
        problem = error.get_messages()
else:
    from vexipy import Document
    try:
        Document.from_json(text)
        problem = None
    except ValueError as error:
        problem = error
sys.exit(str(problem)[:2000] if problem else 0)
"#;

#[test]
#[ignore = "online: installs validators of CycloneDX, SPDX and OpenVEX from the Python index"]
fn online_bills_and_vex_are_valid() {
    let env = mixed();
    let folder = env.project().to_path_buf();
    let packages = ["cyclonedx-python-lib[json-validation]==11.12.0", "spdx-tools==0.8.5", "vexipy==0.3.0"];
    let python = python(&folder, &packages);
    env.write("validate.py", VALIDATE);
    for (kind, form, good, bad) in [
        ("cyclonedx", "cyclonedx", "\"type\": \"library\"", "\"type\": \"thing\""),
        ("spdx", "spdx", "\"algorithm\": \"SHA512\"", "\"algorithm\": \"SHA9\""),
        ("vex", "vex", "\"status\": \"affected\"", "\"status\": \"fine\""),
    ] {
        let names: &[Option<&str>] =
            if form == "vex" { &[None] } else { &[None, Some("files"), Some("fetch"), Some("notes")] };
        for name in names {
            let arguments: Vec<&str> = ["export", form].into_iter().chain(*name).collect();
            let text = env.mcpsec(arguments).success().stdout;
            let file = format!("{}.{kind}.json", name.unwrap_or("all"));
            env.write(&file, &text);
            let said = must(&folder, &python, &["validate.py", kind, &file]);
            println!("{file}: valid{said}");
        }
        env.edit(&format!("all.{kind}.json"), good, bad);
        let (taken, said) = run(&folder, &python, &["validate.py", kind, &format!("all.{kind}.json")]);
        assert!(!taken, "a broken {kind} is refused: {said}");
    }
}

/// The rules that a log breaks at level `error`, by the multitool that brings the schema of SARIF 2.1.0.
fn broken(folder: &Path, log: &str) -> Vec<String> {
    let tool = folder.join("node_modules/.bin/sarif-multitool");
    let out = format!("{log}.validated");
    let arguments = ["validate", log, "-o", &out, "--log", "ForceOverwrite"];
    let said = must(folder, &tool, &arguments);
    assert!(said.contains("1 files scanned"), "{said}");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join(&out)).expect("the report")).expect("JSON");
    let results = report["runs"][0]["results"].as_array().cloned().unwrap_or_default();
    let errors = results.iter().filter(|result| result["level"] == "error");
    errors.map(|result| format!("{} {}", result["ruleId"], result["message"])).collect()
}

#[test]
#[ignore = "online: installs the SARIF multitool from the npm registry"]
fn online_logs_are_valid() {
    let odd = project(include_str!("../../testdata/locks/v1/odd.lock"), "[servers.other]\nsource = \"npm:other\"\n");
    for env in [mixed(), odd] {
        let folder = env.project().to_path_buf();
        let npm = find("npm").expect("npm is on PATH");
        env.write("package.json", "{\"private\":true}");
        let _said = must(&folder, &npm, &["install", "--no-audit", "--no-fund", "@microsoft/sarif-multitool@5.7.0"]);
        let run = env.mcpsec(["verify", "--offline", "--format", "sarif"]);
        assert!(matches!(run.code, Some(1 | 3)), "{}", run.snapshot());
        env.write("out.sarif", &run.stdout);
        assert_eq!(broken(&folder, "out.sarif"), Vec::<String>::new());
        println!("out.sarif: {} bytes, valid", run.stdout.len());
        env.edit("out.sarif", "\"startLine\": ", "\"startLine\": -");
        assert!(
            broken(&folder, "out.sarif").iter().any(|error| error.contains("startLine")),
            "a broken log is refused"
        );
    }
}
