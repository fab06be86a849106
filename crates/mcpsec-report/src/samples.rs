//! Reports and locks with everything in them, and how they look: human and JSON side by side.
use std::collections::BTreeMap;

use mcpsec_model::{
    candidate::EntryPoint,
    capture::Told,
    check::{Check, CheckResult, CheckStatus},
    closure::{Closure, Edge, Node, NodeId},
    digest::Digest,
    drift::Drift,
    evidence::EvidenceState,
    finding::{Finding, Rule, Severity},
    lock::{Lock, LockedServer, ServerParts},
    package::{Artifact, ArtifactKind, Package, PackageId},
    report::{ClosureChange, Report, ServerReport},
    target::Target,
    verdict::{Decision, Reason, Source, Unchecked, Verdict},
};

use crate::{Style, human, json, show, tree, tree_json};

fn result(check: Check, subject: &str, status: CheckStatus) -> CheckResult {
    CheckResult::new(check, subject, status)
}

fn server(name: &str, verdict: Verdict, checks: Vec<CheckResult>, findings: Vec<Finding>) -> ServerReport {
    ServerReport {
        name: name.parse().expect("name"),
        spec: format!("npm:@scope/{name}@^1"),
        version: Some("1.2.3".to_owned()),
        verdict,
        decision: decision(&checks, &findings),
        evidence: BTreeMap::from([(EvidenceState::Attested, 12), (EvidenceState::Signed, 95)]),
        checks,
        findings,
        drift: Drift::default(),
        closure: ClosureChange::default(),
    }
}

/// As a policy without exceptions has it: failures and high findings are denied.
fn decision(checks: &[CheckResult], findings: &[Finding]) -> Decision {
    let mut decision = Decision::default();
    for result in checks {
        let what = Reason { source: Source::Check(result.check), subject: result.subject.clone(), key: None };
        match result.status {
            CheckStatus::Fail(_) => decision.denied.push(what),
            CheckStatus::Unchecked(_) => decision.unchecked.push(Unchecked { what, tolerated: result.tolerated }),
            CheckStatus::Pass | CheckStatus::NotApplicable => {}
        }
    }
    for finding in findings {
        let what = Reason { source: Source::Rule(finding.rule), subject: finding.subject.clone(), key: None };
        let list = if finding.severity() == Severity::High { &mut decision.denied } else { &mut decision.warned };
        list.push(what);
    }
    decision
}

fn good() -> ServerReport {
    let mut checks = vec![
        result(Check::Config, "good", CheckStatus::Pass),
        result(Check::Lock, "good", CheckStatus::Pass),
        result(Check::Upstream, "npm:a@1.0.0", CheckStatus::NotApplicable),
    ];
    checks.extend((0..107).map(|i| result(Check::ArtifactHash, &format!("npm:p{i:03}@1.0.0"), CheckStatus::Pass)));
    server("good", Verdict::Pass, checks, vec![])
}

fn bad() -> ServerReport {
    let differs = "the stored file has sha512:aaaa but mcp.lock says sha512:bbbb; nothing was run";
    let mut checks = vec![
        result(Check::Config, "bad", CheckStatus::Pass),
        result(Check::Lock, "bad", CheckStatus::Pass),
        result(Check::ArtifactHash, "npm:left@1.0.0", CheckStatus::Pass),
        result(Check::ArtifactHash, "npm:zod@3.25.76", CheckStatus::Fail(differs.to_owned()))
            .hint("mcpsec verify without --offline fetches it again"),
    ];
    checks.extend((0..5).map(|i| {
        let why = CheckStatus::Unchecked("--offline: the registry was not asked".to_owned());
        result(Check::Upstream, &format!("npm:u{i}@1.0.0"), why).hint("mcpsec verify")
    }));
    let mut findings: Vec<Finding> = (0..4)
        .map(|i| {
            let message = "wants to run a script when it is installed";
            Finding::new(Rule::InstallScript, format!("npm:s{i}@1.0.0"), message).evidence("node install.js")
        })
        .collect();
    findings.push(
        Finding::new(
            Rule::ManifestConfusion,
            "npm:zod@3.25.76",
            "`dependencies` of package.json differ from the record",
        )
        .evidence("evil \u{1b}[2J\u{202e}txt.exe"),
    );
    server("bad", Verdict::Deny, checks, findings)
}

#[test]
fn a_report_reads_well_and_json_has_everything() {
    let mut absent = server("absent", Verdict::Incomplete, vec![], vec![]);
    absent.version = None;
    absent.checks = vec![
        result(Check::Lock, "absent", CheckStatus::Unchecked("mcp.toml has it and mcp.lock does not".to_owned()))
            .hint("mcpsec add absent"),
    ];
    absent.decision = decision(&absent.checks, &[]);
    let report = Report::new("verify", vec![good(), absent, bad()]);
    insta::assert_snapshot!("report_human", human(&report, Style::plain()));
    let mut short = report.clone();
    short.servers[0].checks.truncate(4);
    insta::assert_snapshot!("report_json", json(&short));
    let all: serde_json::Value = serde_json::from_str(&json(&report)).expect("JSON");
    assert_eq!(all["servers"][0]["checks"].as_array().map(Vec::len), Some(110));
    assert_eq!((&all["verdict"], &all["exit"]), (&"deny".into(), &1.into()));
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let evil = "x\u{1b}]0;pwned\u{7}\u{202e}\u{200b}\ny\u{e0041}";
    let fail = CheckStatus::Fail(evil.to_owned());
    let mut server = server(
        "s",
        Verdict::Deny,
        vec![result(Check::Upstream, evil, fail).hint(evil)],
        vec![Finding::new(Rule::Yanked, evil, evil).evidence(evil)],
    );
    server.spec = evil.to_owned();
    server.version = Some(evil.to_owned());
    let report = Report::new("verify", vec![server]);
    for text in [human(&report, Style::plain()), json(&report)] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}']), "{text:?}");
        assert!(text.contains("\\u{1b}") || text.contains("\\u001b"), "{text}");
    }
    // Escaped in the document, exact for a parser; astral characters as a pair.
    let all: serde_json::Value = serde_json::from_str(&json(&report)).expect("JSON");
    assert_eq!(all["servers"][0]["findings"][0]["evidence"], evil);
    assert_eq!(json(&report).matches("\\udb40\\udc41").count(), 10);
}

#[test]
fn lines_fit_and_colours_change_nothing_else() {
    let report = Report::new("verify", vec![good(), bad()]);
    let plain = human(&report, Style::plain());
    for width in [40, 80, 200] {
        let text = human(&report, Style::plain().with_width(width));
        assert!(text.lines().all(|line| line.chars().count() <= width.max(42)), "{width}: {text}");
    }
    let colored = human(&report, Style::colored());
    assert!(colored.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut escape = false;
    for c in colored.chars() {
        match c {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            c if !escape => stripped.push(c),
            _ => {}
        }
    }
    assert_eq!(stripped, plain);
}

#[test]
fn many_different_failures_are_cut_short_for_people_only() {
    let checks = (0..50)
        .map(|i| {
            result(Check::ArtifactHash, &format!("npm:p{i:02}@1.0.0"), CheckStatus::Fail(format!("differs {i:02}")))
        })
        .collect();
    let report = Report::new("verify", vec![server("s", Verdict::Deny, checks, vec![])]);
    let text = human(&report, Style::plain());
    assert!(text.contains("differs 07") && !text.contains("differs 08"), "{text}");
    assert!(text.contains("fail artifact-hash  and 42 more; --format json has them all"), "{text}");
    assert_eq!(json(&report).matches("\"fail\"").count(), 50);
}

#[test]
fn a_run_over_nothing_says_so() {
    let report = Report::new("remove", vec![]);
    assert_eq!(human(&report, Style::plain()), "no servers\n");
    assert!(json(&report).contains("\"servers\": []"));
}

fn id(text: &str) -> PackageId {
    text.parse().expect("id")
}

fn package(text: &str, size: u64) -> (PackageId, Package) {
    let mut package = Package::bare(id(text));
    let digests = [Digest::sha512_of(text.as_bytes())].into_iter().collect();
    let base = package.id.name().base();
    let file = format!("{base}-{}.tgz", package.id.version()).into();
    package.artifacts = vec![Artifact { kind: ArtifactKind::NpmTarball, file, size: Some(size), digests }];
    (package.id.clone(), package)
}

fn locked() -> Lock {
    let targets: Vec<Target> =
        ["linux-x86_64-gnu", "macos-aarch64"].iter().map(|target| target.parse().expect("target")).collect();
    let node = |text: &str| NodeId::parse(text).expect("node");
    let edge = |name: &str, to: &str, optional| Edge { name: name.into(), to: node(to), optional, marker: None };
    let nodes = BTreeMap::from([
        (
            node("npm:@scope/server@1.2.3"),
            vec![
                edge("a", "npm:a@1.0.0", false),
                edge("b", "npm:b@2.0.0(a@1.0.0)", false),
                edge("mac", "npm:fsevents@2.3.3", true),
            ],
        ),
        (node("npm:a@1.0.0"), vec![edge("c", "npm:c@1.0.0", false)]),
        (node("npm:b@2.0.0(a@1.0.0)"), vec![edge("a", "npm:a@1.0.0", false), edge("c", "npm:c@1.0.0", false)]),
        (node("npm:c@1.0.0"), vec![]),
        (node("npm:fsevents@2.3.3"), vec![]),
    ]);
    let nodes = nodes
        .into_iter()
        .map(|(id, edges)| {
            let only_mac = id.to_string().contains("fsevents");
            (id, Node { edges, targets: only_mac.then(|| [targets[1]].into()) })
        })
        .collect();
    let closure = Closure::new(node("npm:@scope/server@1.2.3"), nodes).expect("closure");
    let mut packages: BTreeMap<PackageId, Package> = BTreeMap::from([
        package("npm:@scope/server@1.2.3", 10_000),
        package("npm:a@1.0.0", 2_000_000),
        package("npm:b@2.0.0", 1),
        package("npm:c@1.0.0", 1),
        package("npm:fsevents@2.3.3", 1),
    ]);
    if let Some(package) = packages.get_mut(&id("npm:fsevents@2.3.3")) {
        package.install_scripts = true;
        package.os = vec!["darwin".into()];
    }
    let server = LockedServer::new(
        ServerParts {
            name: "files".parse().expect("name"),
            spec: "npm:@scope/server@^1".parse().expect("spec"),
            version: "1.2.3".to_owned(),
            command: None,
            entry: EntryPoint::NpmBin("server".into()),
            as_of: Some("2026-08-01".parse().expect("date")),
            overrides: BTreeMap::from([("c".to_owned(), "1.0.0".to_owned())]),
            targets,
            closure,
            findings: vec![Finding::new(
                Rule::ClosureIncomplete,
                "npm:b@2.0.0",
                "its dependencies are only known after running its build, so they are not in the lock",
            )],
            told: Told::Unknown,
            accepted: Vec::new(),
        },
        &packages,
    )
    .expect("server");
    let mut lock = Lock::empty();
    lock.insert(server, packages.into_iter().collect()).expect("insert");
    lock
}

#[test]
fn what_is_locked_reads_well() {
    let lock = locked();
    let server = lock.servers.values().next().expect("server");
    insta::assert_snapshot!("show_human", show(&lock, server, Style::plain()));
    insta::assert_snapshot!("tree_human", tree(&lock, server, false, Style::plain()));
    insta::assert_snapshot!("tree_json", tree_json(&lock, server));
}

#[test]
fn a_cycle_and_a_deep_chain_end() {
    let node = |i: usize| NodeId::parse(&format!("npm:n{i}@1.0.0")).expect("node");
    let edge = |i: usize| Edge { name: format!("n{i}").into(), to: node(i), optional: false, marker: None };
    let count = 2000;
    let nodes = (0..count).map(|i| (node(i), Node { edges: vec![edge((i + 1) % count)], targets: None })).collect();
    let packages: BTreeMap<PackageId, Package> = (0..count).map(|i| package(&format!("npm:n{i}@1.0.0"), 1)).collect();
    let server = LockedServer::new(
        ServerParts {
            name: "deep".parse().expect("name"),
            spec: "npm:n0".parse().expect("spec"),
            version: "1.0.0".to_owned(),
            command: None,
            entry: EntryPoint::Unknown,
            as_of: None,
            overrides: BTreeMap::new(),
            targets: vec!["linux-x86_64-gnu".parse().expect("target")],
            closure: Closure::new(node(0), nodes).expect("closure"),
            findings: vec![],
            told: Told::Unknown,
            accepted: Vec::new(),
        },
        &packages,
    )
    .expect("server");
    let mut lock = Lock::empty();
    lock.insert(server, packages.into_iter().collect()).expect("insert");
    let server = lock.servers.values().next().expect("server");
    let text = tree(&lock, server, false, Style::plain());
    assert!(text.ends_with("levels below 60 are left out; --format json has all packages\n"), "{text}");
    assert!(text.lines().count() < 70);
    let all: serde_json::Value = serde_json::from_str(&tree_json(&lock, server)).expect("JSON");
    assert_eq!(all["packages"].as_array().map(Vec::len), Some(count));
}
