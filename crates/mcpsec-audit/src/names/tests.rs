//! Every way to imitate a name, real squats of the past, and thousands of honest names that must not be accused.
use std::collections::BTreeMap;

use mcpsec_model::{
    finding::Severity,
    publication::{Publication, Publisher},
};
use mcpsec_testkit::shared::path as shared;

use super::*;

/// Names under which malicious packages were published, as advisories and reports of 2017 to 2025 name them.
const SQUATS: &str = include_str!("data/squats.txt");

fn id(text: &str) -> PackageId {
    text.parse().expect(text)
}

fn judged(text: &str, is_root: bool, own: &Own) -> Option<(Confidence, String)> {
    let finding = lookalike(&id(&format!("{text}@1.0.0")), is_root, own)?;
    assert_eq!(finding.rule, Rule::LookalikePackage);
    Some((finding.confidence, finding.evidence.expect("the other name").raw().to_owned()))
}

fn server(text: &str) -> Option<(Confidence, String)> {
    judged(text, true, &Own::default())
}

fn sure(of: &str) -> Option<(Confidence, String)> {
    Some((Confidence::High, of.to_owned()))
}

fn doubtful(of: &str) -> Option<(Confidence, String)> {
    Some((Confidence::Low, of.to_owned()))
}

#[test]
fn each_kind_of_lookalike_of_a_server_is_seen() {
    let memory = "@modelcontextprotocol/server-memory";
    for (name, want) in [
        // A slip of the finger.
        ("pypi:mcp-server-fecth", sure("mcp-server-fetch")),
        ("pypi:mcp-sever-fetch", sure("mcp-server-fetch")),
        ("npm:mcp-remotte", sure("mcp-remote")),
        ("npm:chrome-devtols-mcp", sure("chrome-devtools-mcp")),
        // Characters.
        ("npm:mcp-rem0te", sure("mcp-remote")),
        ("npm:chrorne-devtools-mcp", sure("chrome-devtools-mcp")),
        ("pypi:mcp-server-t1me", sure("mcp-server-time")),
        // Separators.
        ("npm:mcpremote", sure("mcp-remote")),
        ("npm:mcp_remote", sure("mcp-remote")),
        ("pypi:mcpserverfetch", sure("mcp-server-fetch")),
        // Scopes.
        ("npm:modelcontextprotocol-server-memory", sure(memory)),
        ("npm:@modelcontext-protocol/server-memory", sure(memory)),
        ("npm:@modelcontextprotocl/server-memory", sure(memory)),
        ("npm:@modelcontextprotocolhq/server-memory", sure(memory)),
        ("npm:@modelcontextprotocols/server-brand-new", sure("modelcontextprotocol")),
        ("npm:server-memory", sure(memory)),
        ("npm:mcp-server-mysql", doubtful("@benborla29/mcp-server-mysql")),
        // Words that ask for trust, and words of a language.
        ("npm:mcp-remote-official", sure("mcp-remote")),
        ("npm:real-mcp-remote", sure("mcp-remote")),
        ("npm:mcp-remote-js", doubtful("mcp-remote")),
        ("npm:jquery.js", doubtful("jquery")),
        // Anybody may publish a fork in a scope of their own, or call a server for something so.
        ("npm:@somebody/mcp-remote", doubtful("mcp-remote")),
        ("npm:azure-mcp", doubtful("@azure/mcp")),
        // Its number.
        ("npm:mcp-remotes", doubtful("mcp-remote")),
    ] {
        assert_eq!(server(name), want, "{name}");
    }
}

#[test]
fn neighbours_are_not_lookalikes() {
    for name in [
        "npm:mcp-remote",
        "npm:@modelcontextprotocol/server-weather",
        "npm:@acme/server-billing",
        "npm:mcp-remote-ssh",
        "pypi:mcp-server-timeseries",
        "pypi:mcp-server-tide",
        "pypi:amcp",
        "npm:mcpc",
        "npm:firecrawl",
        "npm:sqlite4",
    ] {
        assert!(server(name).is_none_or(|(confidence, _)| confidence == Confidence::Low), "{name}: {:?}", server(name));
    }
}

/// Another number is another thing.
#[test]
fn numbers_are_not_slips() {
    for name in ["npm:lodash4", "npm:lodas4", "npm:mysql3"] {
        assert_eq!(server(name), None, "{name}");
    }
}

#[test]
fn what_came_along_is_accused_of_what_is_clear_only() {
    let dependency = |name| judged(name, false, &Own::default());
    for (name, of) in [
        ("npm:crossenv", "cross-env"),
        ("npm:mongose", "mongoose"),
        ("npm:loddash", "lodash"),
        ("npm:l0dash", "lodash"),
        ("npm:types-node", "@types/node"),
        ("npm:core-tracing", "@azure/core-tracing"),
        ("pypi:jeIlyfish", "jellyfish"),
        ("pypi:reqeusts", "requests"),
    ] {
        assert_eq!(dependency(name), sure(of), "{name}");
    }
    for name in [
        "npm:jquery.js",
        "npm:lodashs",
        "npm:lodash-official",
        "npm:d-3",
        "npm:node-sqlite",
        "pypi:tqmd-bar",
        "npm:@somebody/lodash",
        "npm:mcp-remote-js",
    ] {
        assert_eq!(dependency(name), None, "{name}");
    }
}

/// A forgotten hyphen is a squat at the top of a list, and an everyday name deep in a closure.
#[test]
fn a_dependency_without_its_hyphen_is_said_and_not_denied() {
    let (root, along) = (id("npm:crossenv@1.0.0"), id("npm:isnumber@1.0.0"));
    let severities = |all: Vec<Finding>| all.into_iter().map(|one| one.severity()).collect::<Vec<_>>();
    assert_eq!(severities(lookalikes(&root, [&root], &Own::default())), [Severity::High]);
    assert_eq!(severities(lookalikes(&id("npm:mine@1.0.0"), [&along], &Own::default())), [Severity::Medium]);
    let changed = id("npm:l0dash@1.0.0");
    assert_eq!(severities(lookalikes(&id("npm:mine@1.0.0"), [&changed], &Own::default())), [Severity::High]);
}

#[test]
fn own_scopes_and_servers_are_imitated_too_and_never_accused() {
    let own = Own {
        scopes: BTreeSet::from(["@acme-labs".to_owned()]),
        servers: BTreeSet::from([(Ecosystem::Npm, PackageName::npm("@acme-labs/billing-server").expect("name"))]),
    };
    let look = |name| judged(name, true, &own);
    assert_eq!(look("npm:@acmelabs/anything"), sure("acme-labs"));
    assert_eq!(look("npm:@acme-lab5/anything"), sure("acme-labs"));
    assert_eq!(look("npm:acme-labs-billing-server"), sure("@acme-labs/billing-server"));
    assert_eq!(look("npm:@acme-labs/mcp-remotte"), None, "nobody else publishes into an own scope");
    assert_eq!(look("npm:@acmelabs/anything").is_some(), server("npm:@acmelabs/anything").is_none(), "own names only");
    assert_eq!(look("pypi:acme-labs-billing-server"), None, "another ecosystem");
}

#[test]
fn real_squats_are_seen_and_how_many() {
    let (mut all, mut certain, mut doubted) = (0, 0, 0);
    for name in SQUATS.lines().filter(|line| !line.starts_with('#')) {
        all += 1;
        match server(name) {
            Some((Confidence::Low, _)) => doubted += 1,
            Some(_) => certain += 1,
            None => {}
        }
    }
    println!("{all} squats: {certain} certain, {doubted} doubtful");
    assert!(all >= 80 && certain >= 28 && certain + doubted >= 60, "{all}: {certain} certain, {doubted} doubtful");
}

#[test]
fn honest_closures_and_servers_are_not_accused() {
    let Some(folder) = shared("fixtures/locks") else { return };
    let servers = shared("servers/servers.json").expect("beside the fixtures");
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            match path.file_name().and_then(|name| name.to_str()) {
                _ if path.is_dir() => open.push(path),
                Some("package-lock.json") => names.extend(of_npm_lock(&std::fs::read(&path).expect("file"))),
                Some("pylock.toml" | "uv.lock") => {
                    let text = std::fs::read_to_string(&path).expect("file");
                    let found = text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
                    names.extend(found.map(|name| format!("pypi:{name}")));
                }
                _ => {}
            }
        }
    }
    let listed: serde_json::Value = serde_json::from_slice(&std::fs::read(servers).expect("file")).expect("json");
    for one in listed["servers"].as_array().expect("list") {
        let text = |key: &str| one[key].as_str().expect("text").to_owned();
        names.insert(format!("{}:{}", text("ecosystem"), text("name")));
    }
    let mut accused = Vec::new();
    for name in &names {
        accused.extend(judged(name, false, &Own::default()).map(|found| (name, found)));
        let as_server = judged(name, true, &Own::default());
        accused.extend(as_server.filter(|(confidence, _)| *confidence > Confidence::Low).map(|found| (name, found)));
    }
    println!("{} names, {} accused", names.len(), accused.len());
    assert!(names.len() >= 400 && accused.is_empty(), "{} names: {accused:?}", names.len());
}

fn of_npm_lock(bytes: &[u8]) -> Vec<String> {
    let lock: serde_json::Value = serde_json::from_slice(bytes).expect("json");
    let packages = lock["packages"].as_object().cloned().unwrap_or_default();
    let names = packages.keys().filter_map(|path| path.rsplit_once("node_modules/").map(|(_, name)| name));
    names.map(|name| format!("npm:{name}")).collect()
}

fn answered(package: &str, private: bool) -> Answered {
    let registry = if private { "https://private.invalid/" } else { "https://public.invalid/" };
    Answered { package: id(package), registry: registry.to_owned(), private, elsewhere: None }
}

fn confusion(packages: &[Answered], scopes: &[&str]) -> Vec<(String, Severity, Confidence)> {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let found = confused(packages, &scopes);
    assert!(found.iter().all(|finding| finding.rule == Rule::DependencyConfusion));
    found.iter().map(|one| (one.subject.clone(), one.severity(), one.confidence)).collect()
}

#[test]
fn a_name_that_is_nearly_private_is_confused() {
    let private = answered("npm:@acme/utils@1.0.0", true);
    for (name, want) in [
        ("npm:acme-utils@9.9.9", (Severity::High, Confidence::High)),
        ("npm:acme.utils@9.9.9", (Severity::High, Confidence::High)),
        ("npm:@Acme/utils@9.9.9", (Severity::High, Confidence::High)),
        ("npm:@acm3/utils@9.9.9", (Severity::High, Confidence::High)),
        ("npm:acme-other@9.9.9", (Severity::Medium, Confidence::Low)),
    ] {
        let found = confusion(&[private.clone(), answered(name, false)], &["@acme"]);
        assert_eq!(found, [(name.to_owned(), want.0, want.1)], "{name}");
        assert_eq!(confusion(&[private.clone(), answered(name, false)], &[]), [], "{name}: nothing is private");
    }
    for name in ["npm:acmeutilities@1.0.0", "npm:lodash@4.0.0", "npm:@other/utils@1.0.0"] {
        assert_eq!(confusion(&[private.clone(), answered(name, false)], &["@acme"]), [], "{name}");
    }
    let other_letters = "npm:@AB/utils@9.9.9";
    let found = confusion(&[answered(other_letters, false)], &["@ab"]);
    assert_eq!(found, [(other_letters.to_owned(), Severity::High, Confidence::High)], "however short");
    assert_eq!(confusion(&[answered("npm:team-utils@1.0.0", false)], &["@team"]), [], "a common word");
}

#[test]
fn a_sibling_that_only_the_public_index_has_is_confused() {
    let house = [answered("pypi:acme-billing@1.0", true), answered("pypi:acme-auth@1.0", true)];
    let with = |house: &[Answered], name| {
        let mut all = house.to_vec();
        all.push(answered(name, false));
        confusion(&all, &[])
    };
    let stranger = "pypi:acme-utils@99.0";
    assert_eq!(with(&house, stranger), [(stranger.to_owned(), Severity::High, Confidence::Medium)]);
    assert_eq!(with(&house[..1], stranger), [(stranger.to_owned(), Severity::Medium, Confidence::Low)]);
    assert_eq!(with(&house, "pypi:requests@2.0"), []);
    assert_eq!(with(&[answered("pypi:python-acme@1.0", true)], "pypi:python-dateutil@2.0"), [], "a common word");
}

#[test]
fn a_private_package_whose_file_lies_elsewhere_is_said() {
    let mut one = answered("npm:@acme/utils@1.0.0", true);
    one.elsewhere = Some("files.invalid".to_owned());
    assert_eq!(
        confusion(&[one], &["@acme"]),
        [("npm:@acme/utils@1.0.0".to_owned(), Severity::Medium, Confidence::Medium)]
    );
}

/// `version day publisher maintainer,…`; a publisher `~kind` is a workflow.
fn published(lines: &[&str]) -> Vec<Publication> {
    let read = |line: &&str| {
        let parts: Vec<&str> = line.split(' ').collect();
        Publication {
            version: parts[0].into(),
            published: format!("2026-01-{}T00:00:00Z", parts[1]).parse().ok(),
            publisher: Some(match parts[2].strip_prefix('~') {
                Some(kind) => Publisher::Workflow(kind.into()),
                None => Publisher::Account(parts[2].into()),
            }),
            maintainers: parts[3].split(',').filter(|name| !name.is_empty()).map(Into::into).collect(),
        }
    };
    lines.iter().map(read).collect()
}

#[test]
fn another_publisher_is_said_as_strongly_as_it_is_strange() {
    let before = ["1.0.0 01 ann ann,bob", "1.1.0 02 ann ann,bob"];
    let changed = |last: &str, same_signer| {
        let told = published(&[before[0], before[1], last]);
        changed_publisher(&id("npm:a@2.0.0"), &told, same_signer)
            .map(|finding| (finding.severity(), finding.confidence))
    };
    assert_eq!(changed("2.0.0 03 ann ann,bob", false), None);
    assert_eq!(changed("2.0.0 03 eve ann,bob,eve", false), Some((Severity::Medium, Confidence::Medium)));
    assert_eq!(changed("2.0.0 03 eve eve", false), Some((Severity::Medium, Confidence::High)), "nobody is left");
    assert_eq!(changed("2.0.0 03 bob ann,bob", false), Some((Severity::Info, Confidence::Low)), "a known colleague");
    assert_eq!(
        changed("2.0.0 03 eve eve", true),
        Some((Severity::Info, Confidence::Low)),
        "the same workflow built it"
    );
    assert_eq!(changed("2.0.0 03 ~github ann,bob", false), None, "a workflow is not a person");
    // A hand where a workflow published before.
    let told = published(&["1.0.0 01 ~github ann", "1.1.0 02 ~github ann", "2.0.0 03 eve ann,eve"]);
    let finding = changed_publisher(&id("npm:a@2.0.0"), &told, false).expect("finding");
    assert_eq!(finding.confidence, Confidence::High);
    assert!(finding.message.contains("a trusted workflow (github)"), "{}", finding.message);
}

#[test]
fn nothing_is_said_where_nobody_can_know() {
    let id = id("npm:a@2.0.0");
    assert_eq!(changed_publisher(&id, &[], false), None);
    assert_eq!(
        changed_publisher(&id, &published(&["1.0.0 01 ann ann", "2.0.0 02 eve eve"]), false),
        None,
        "no habit yet"
    );
    // Versions that came later are no history.
    let told = published(&["2.0.0 01 eve eve", "2.1.0 02 ann ann", "2.2.0 03 ann ann"]);
    assert_eq!(changed_publisher(&id, &told, false), None);
    let mut untold = published(&["1.0.0 01 ann ann", "1.1.0 02 ann ann", "2.0.0 03 eve eve"]);
    untold.iter_mut().for_each(|one| one.published = None);
    assert_eq!(changed_publisher(&id, &untold, false), None);
}

#[test]
fn one_finding_for_a_name_and_the_same_ones_in_any_order() {
    let (root, other) = (id("npm:mcp-rem0te@1.0.0"), id("npm:crossenv@1.0.0"));
    let own = Own::default();
    let forward = lookalikes(&root, [&root, &other, &root], &own);
    assert_eq!(forward, lookalikes(&root, [&other, &root], &own));
    let by: BTreeMap<&str, usize> = forward.iter().map(|one| (one.subject.as_str(), 1)).collect();
    assert_eq!((forward.len(), by.len()), (2, 2));
}
