//! The walls of the workspace, as tests: who may depend on whom, where `unsafe` may be, and the habits of every file.
//!
//! Expectations are written down here a second time on purpose: a change of the architecture is a change of this file too.
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use mcpsec_testkit::{program::find, shared::workspace};
use serde_json::Value;

/// Which of our crates each of our crates depends on, as the picture in docs/architecture.md shows it. Crates that do not
/// exist yet are left out of both sides.
const GRAPH: [(&str, &[&str]); 9] = [
    ("mcpsec-model", &[]),
    ("mcpsec-fetch", &["mcpsec-model"]),
    ("mcpsec-verify", &["mcpsec-model"]),
    ("mcpsec-capture", &["mcpsec-model"]),
    ("mcpsec-audit", &["mcpsec-model"]),
    ("mcpsec-report", &["mcpsec-model"]),
    ("mcpsec-testkit", &["mcpsec-model"]),
    (
        "mcpsec-cli",
        &["mcpsec-model", "mcpsec-fetch", "mcpsec-verify", "mcpsec-capture", "mcpsec-audit", "mcpsec-report"],
    ),
    ("mcpsec-registry", &["mcpsec-model", "mcpsec-verify", "mcpsec-audit", "mcpsec-report"]),
];

/// What a crate must never pull in, however indirectly, in its normal (not test, not build) dependencies.
const FORBIDDEN: [(&str, &[&str]); 2] =
    [("mcpsec-verify", &["reqwest", "hyper", "tokio"]), ("mcpsec-cli", &["sqlx", "axum"])];

/// The only crate whose root may lack `forbid(unsafe_code)`.
const MAY_BE_UNSAFE: &str = "crates/mcpsec-capture/src/lib.rs";

/// Longest Rust file, in lines.
const MAX_LINES: usize = 700;

#[expect(clippy::disallowed_methods, reason = "cargo and git know the workspace; nobody else does")]
fn output(program: &str, args: &[&str]) -> String {
    let path = find(program).unwrap_or_else(|| panic!("`{program}` is on PATH"));
    let done = Command::new(path).args(args).current_dir(workspace()).output().expect("it starts");
    assert!(done.status.success(), "{program} {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("UTF-8")
}

/// Our crates, by name, with all their dependencies.
fn members() -> BTreeMap<String, Value> {
    let text = output("cargo", &["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages.map(|package| (package["name"].as_str().expect("name").to_owned(), package.clone())).collect()
}

/// The names of our crates that `package` depends on, in one kind of dependency (`None` for the normal ones).
fn own_dependencies(package: &Value, kind: Option<&str>) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
    dependencies
        .filter(|dependency| dependency["kind"].as_str() == kind && !dependency["path"].is_null())
        .map(|dependency| dependency["name"].as_str().expect("name").to_owned())
        .collect()
}

/// Tracked files with this ending, relative to the workspace.
fn tracked(ending: &str) -> Vec<PathBuf> {
    let listed = output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let paths = listed.split('\0').filter(|path| !path.is_empty() && path.ends_with(ending));
    paths.map(PathBuf::from).filter(|path| workspace().join(path).is_file()).collect()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(workspace().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_text(path: &Path) -> String {
    String::from_utf8(read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_crates_depend_on_each_other_as_drawn() {
    let members = members();
    let drawn: BTreeSet<&str> = GRAPH.iter().map(|(name, _)| *name).collect();
    let unknown: Vec<&String> = members.keys().filter(|name| !drawn.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "not in the graph: {unknown:?}");
    for (name, expected) in GRAPH {
        let Some(package) = members.get(name) else { continue };
        let expected = expected.iter().filter(|name| members.contains_key(**name)).map(|name| (*name).to_owned());
        assert_eq!(own_dependencies(package, None), expected.collect(), "dependencies of {name}");
        assert!(own_dependencies(package, Some("build")).is_empty(), "build dependencies of {name}");
        let tests = own_dependencies(package, Some("dev"));
        assert!(tests.iter().all(|other| other == "mcpsec-testkit"), "{name} is tested with {tests:?}");
    }
}

#[test]
fn no_tree_holds_what_it_must_not() {
    let members = members();
    for (name, forbidden) in FORBIDDEN.into_iter().filter(|(name, _)| members.contains_key(*name)) {
        let flags =
            ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", name];
        let tree = output("cargo", &flags);
        let found: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(found.contains(name), "the tree of {name} was read");
        for crate_name in forbidden {
            assert!(
                !found.contains(crate_name),
                "{name} pulls in {crate_name}; `cargo tree -p {name} -i {crate_name}` says how"
            );
        }
    }
}

#[test]
fn only_capture_may_be_unsafe() {
    let roots = members().into_values().flat_map(|package| package["targets"].as_array().expect("targets").clone());
    for root in roots {
        let kind = root["kind"][0].as_str().expect("kind");
        let path = PathBuf::from(root["src_path"].as_str().expect("path"));
        let text = read_text(&path);
        let empty = text.lines().filter(|line| !line.starts_with("//!")).all(|line| line == "fn main() {}");
        // Tests and examples do not ship; for them the workspace's lint is enough.
        if !["lib", "bin"].contains(&kind) || empty || path.ends_with(MAY_BE_UNSAFE) {
            continue;
        }
        assert!(
            text.lines().any(|line| line == "#![forbid(unsafe_code)]"),
            "{} lacks forbid(unsafe_code)",
            path.display()
        );
    }
}

/// Whoever calls one of these claims that a signature was verified. Tests may, to have something to judge.
#[test]
fn only_verify_vouches_for_signatures() {
    let names = ["vouch_signature_was_verified(", "vouch_attestation_was_verified("];
    let mut callers = 0;
    for path in tracked(".rs") {
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        let is_here = path.starts_with("crates/mcpsec-verify") || path.ends_with("mcpsec-model/src/evidence/proof.rs");
        let text = read_text(&path);
        let calls = names.iter().any(|name| text.contains(name));
        assert!(!calls || is_test || is_here, "{} vouches for a signature", path.display());
        callers += usize::from(calls && path.starts_with("crates/mcpsec-verify"));
    }
    assert!(callers > 0, "verify vouches somewhere");
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    for path in tracked(".rs") {
        let text = read_text(&path);
        assert!(text.starts_with("//! "), "{} does not open with `//!`", path.display());
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", path.display());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "helpers", "common", "misc"].contains(&stem.as_str()),
            "{} says nothing",
            path.display()
        );
    }
}

/// Host names of public registries. Written in parts, so that this file does not hold them.
fn public_hosts() -> Vec<String> {
    [
        ["registry.npm", "js.org"],
        ["registry.npm", "js.com"],
        ["www.npm", "js.com"],
        ["registry.yarn", "pkg.com"],
        ["registry.npm", "mirror.com"],
        ["npm.pkg.git", "hub.com"],
        ["npm.", "jsr.io"],
        ["py", "pi.org"],
        ["test.py", "pi.org"],
        ["py", "pi.python.org"],
        ["files.python", "hosted.org"],
    ]
    .map(|parts| parts.concat())
    .to_vec()
}

/// Where `host` stands as a host name or the end of one (`docs.…`), not inside a longer word.
fn names_host(text: &[u8], host: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (0..text.len()).any(|at| {
        let starts = text[at..].len() >= host.len() && text[at..at + host.len()].eq_ignore_ascii_case(host.as_bytes());
        starts
            // A host below it (`docs.…`) names it too; a longer name that ends alike is another one.
            && !at.checked_sub(1).is_some_and(|before| inside(text[before]) && text[before] != b'.')
            && !text.get(at + host.len()).is_some_and(|after| after.is_ascii_alphanumeric() || *after == b'-')
    })
}

#[test]
fn no_file_names_a_public_registry() {
    let hosts = public_hosts();
    for path in tracked("") {
        let text = read(&path);
        for host in &hosts {
            assert!(!names_host(&text, host), "{} names the host {host}; use a `.invalid` one", path.display());
        }
    }
}

#[test]
fn hosts_are_found_where_they_stand_alone() {
    let host = public_hosts().swap_remove(7);
    for (text, named) in [
        (format!("https://{host}/simple"), true),
        (format!("user@{}", host.to_uppercase()), true),
        (format!("see {host}."), true),
        (format!("https://docs.{host}/attestations"), true),
        (format!("{host}anization"), false),
        ("index.invalid".to_owned(), false),
    ] {
        assert_eq!(names_host(text.as_bytes(), &host), named, "{text}");
    }
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifest = read_text(Path::new("Cargo.toml"));
    let (_, rest) = manifest.split_once("[workspace.dependencies]\n").expect("the table");
    let table = rest.lines().take_while(|line| !line.starts_with('['));
    let silent: Vec<&str> = table
        .filter(|line| line.contains('=') && !line.starts_with('#') && !line.contains("path = \"crates/"))
        .filter(|line| line.rsplit_once(" # ").is_none_or(|(_, why)| why.trim().len() < 5))
        .collect();
    assert!(silent.is_empty(), "dependencies without a `# why`:\n{}", silent.join("\n"));
}
