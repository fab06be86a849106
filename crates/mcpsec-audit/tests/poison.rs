//! Poison rules on labelled manifests: how many attacks are seen, and how often innocent tools are accused.
use std::{fmt::Write as _, path::Path};

use mcpsec_audit::poison;
use mcpsec_model::{
    finding::{Finding, Severity},
    manifest::{Manifest, json},
};
use mcpsec_testkit::shared;
use serde_json::{Value, json};

/// A labelled case.
struct Case {
    id: String,
    malicious: bool,
    manifest: Manifest,
}

fn read(path: &Path) -> Value {
    json::parse(&std::fs::read(path).expect("a file")).expect("JSON")
}

/// A case as the corpora write it: members of a tool beside members about it.
fn case(value: &Value) -> Option<Case> {
    let label = value.get("label")?.as_str()?;
    let id = value.get("id")?.as_str()?.to_owned();
    let manifest = match value.get("manifest") {
        Some(manifest) => Manifest::from_value(manifest.clone()).expect("a manifest"),
        None => {
            let mut tool = value.clone();
            for member in ["id", "label", "label_scope", "category", "source", "server", "kind", "note"] {
                tool.as_object_mut()?.remove(member);
            }
            Manifest::from_value(json!({ "tools": [tool] })).expect("a tool")
        }
    };
    Some(Case { id, malicious: label == "malicious", manifest })
}

fn corpus(name: &str) -> Option<Vec<Case>> {
    let path = shared::path(&format!("corpora/{name}"))?;
    Some(read(&path)["cases"].as_array()?.iter().filter_map(case).collect())
}

fn high(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity() == Severity::High).collect()
}

/// Malicious cases with a finding of severity high and how many there are; the same for the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Score {
    seen: usize,
    malicious: usize,
    accused: usize,
    innocent: usize,
}

fn score(cases: &[Case], report: &mut String) -> Score {
    let mut score = Score::default();
    for case in cases {
        let findings = poison::scan(&case.manifest);
        let alarms = high(&findings);
        if case.malicious {
            score.malicious += 1;
            score.seen += usize::from(!alarms.is_empty());
            if alarms.is_empty() {
                let _infallible = writeln!(
                    report,
                    "  missed  {} {:?}",
                    case.id,
                    findings.iter().map(|finding| finding.rule.id()).collect::<Vec<_>>()
                );
            }
        } else {
            score.innocent += 1;
            score.accused += usize::from(!alarms.is_empty());
            for finding in alarms {
                let words = finding.evidence.as_ref().map(|words| words.excerpt(160)).unwrap_or_default();
                let _infallible = writeln!(
                    report,
                    "  accused {} {} {} ({}): {words}",
                    case.id,
                    finding.rule.id(),
                    finding.subject,
                    finding.message
                );
            }
        }
    }
    score
}

#[expect(clippy::print_stdout, reason = "the table is what a person runs this for")]
fn show(name: &str, score: Score, report: &str) {
    println!(
        "{name:<34} seen {:>3}/{:<3}  accused {:>3}/{:<3}",
        score.seen, score.malicious, score.accused, score.innocent
    );
    print!("{report}");
}

#[test]
fn the_labelled_corpora() {
    let corpora = [
        "invariant-experiments",
        "dvmcp",
        "mcp-scanner-benchmark-pairs",
        "docker-mcp-registry-benign",
        "github-toolsnaps-benign",
    ];
    let mut scores = Vec::new();
    for name in corpora {
        let Some(cases) = corpus(&format!("{name}.json")) else { return };
        let mut report = String::new();
        let score = score(&cases, &mut report);
        show(name, score, &report);
        scores.push(score);
    }
    let [invariant, dvmcp, twins, docker, github] = scores[..] else { panic!("five corpora") };
    assert_eq!((invariant.seen, invariant.malicious), (3, 3));
    assert_eq!((dvmcp.seen, dvmcp.malicious), (6, 6));
    assert_eq!(twins, Score { seen: 3, malicious: 3, accused: 0, innocent: 3 });
    assert!(docker.accused * 200 <= docker.innocent && docker.innocent >= 247, "{docker:?}");
    assert_eq!((github.accused, github.innocent), (0, 117));
}

/// These say openly what they do; a description that hides nothing gives no orders. Reported, not asserted.
#[test]
fn overt_manifests() {
    let Some(path) = shared::path("corpora/cisco-evals.json") else { return };
    let all = read(&path);
    let cases: Vec<Case> = all["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .filter(|case| case["label_scope"] == "manifest")
        .filter_map(case)
        .collect();
    let score = score(&cases, &mut String::new());
    show("cisco remote (overt)", score, "");
    assert_eq!(score.accused, 0, "{score:?}");
}

#[test]
fn manifests_of_real_servers() {
    let Some(folder) = shared::path("servers/manifests") else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let id = file.file_stem().expect("a name").to_string_lossy().into_owned();
        cases.push(Case { id, malicious: false, manifest: Manifest::from_value(read(&file)).expect("a manifest") });
    }
    let mut report = String::new();
    let score = score(&cases, &mut report);
    show("real servers", score, &report);
    assert_eq!(score.accused, 0, "{report}");
}

fn cases(kind: &str) -> Vec<Case> {
    let path = shared::workspace().join(format!("testdata/poison/{kind}.json"));
    let all = read(&path);
    all["cases"].as_array().or(all.as_array()).expect("cases").iter().filter_map(case).collect()
}

/// Cases that the rules may be tuned on.
#[test]
fn cases_for_development() {
    let mut all = cases("malicious-dev");
    all.extend(cases("benign-dev"));
    let mut report = String::new();
    let score = score(&all, &mut report);
    show("development", score, &report);
    assert!(score.seen * 100 >= score.malicious * 85, "{score:?}");
    assert!(score.accused * 100 <= score.innocent * 3, "{score:?}");
}

/// Cases that were held out in the first round and are read since.
#[test]
fn cases_for_development_too() {
    let mut all = cases("malicious-holdout");
    all.extend(cases("benign-holdout"));
    let mut report = String::new();
    let score = score(&all, &mut report);
    show("second development set", score, &report);
    assert!(score.seen * 100 >= score.malicious * 85, "{score:?}");
    assert!(score.accused * 100 <= score.innocent * 3, "{score:?}");
}

/// Cases that nobody looks at while writing rules: only the numbers are printed.
#[test]
fn cases_held_out() {
    let mut all = cases("malicious-holdout2");
    all.extend(cases("benign-holdout2"));
    let score = score(&all, &mut String::new());
    show("held out", score, "");
    // A floor, not an aim: it keeps what there is from being lost.
    assert!(score.seen * 100 >= score.malicious * 55, "{score:?}");
    assert!(score.accused * 100 <= score.innocent * 14, "{score:?}");
}

/// Cases written beside the rules: kind (`m` or `b`), name, description, parameters.
#[test]
fn probes() {
    let all = read(&shared::workspace().join("testdata/poison/probes.json"));
    let mut cases = Vec::new();
    for probe in all["cases"].as_array().expect("cases") {
        let properties: serde_json::Map<String, Value> = probe[3]
            .as_object()
            .expect("parameters")
            .iter()
            .map(|(name, description)| (name.clone(), json!({ "type": "string", "description": description })))
            .collect();
        let kind = probe.get(4).and_then(Value::as_str);
        let tool = json!({ "name": probe[1], "description": probe[2], "inputSchema": { "type": "object", "properties": properties } });
        let manifest = match kind {
            Some("prompt") => json!({ "prompts": [{ "name": probe[1], "description": probe[2] }] }),
            Some("instructions") => {
                json!({ "serverInfo": { "name": probe[1] }, "instructions": probe[2], "tools": [] })
            }
            Some("resource") => {
                json!({ "resources": [{ "uri": "doc://x", "name": probe[1], "description": probe[2] }] })
            }
            _ => json!({ "tools": [tool] }),
        };
        let id = probe[1].as_str().expect("a name").to_owned();
        cases.push(Case {
            id,
            malicious: probe[0] == "m",
            manifest: Manifest::from_value(manifest).expect("a manifest"),
        });
    }
    let mut report = String::new();
    let score = score(&cases, &mut report);
    show("probes", score, &report);
    assert!(score.seen * 100 >= score.malicious * 85, "{score:?}");
    assert_eq!(score.accused, 0, "{report}");
}

/// How long a thousand tools take; printed, since machines differ.
#[test]
fn a_thousand_tools() {
    let Some(path) = shared::path("corpora/github-toolsnaps-benign.json") else { return };
    let all = read(&path);
    let tools: Vec<Value> = all["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .cycle()
        .take(1_000)
        .enumerate()
        .map(|(index, case)| {
            let description = format!("{} Number {index}.", case["description"].as_str().unwrap_or_default());
            json!({ "name": format!("tool_{index}"), "description": description, "inputSchema": case["inputSchema"] })
        })
        .collect();
    let manifest = Manifest::from_value(json!({ "tools": tools })).expect("tools");
    poison::scan(&manifest);
    let started = std::time::Instant::now();
    let findings = poison::scan(&manifest);
    time(manifest.tools().len(), started.elapsed());
    assert_eq!(high(&findings).len(), 0, "{:?}", high(&findings));
}

#[expect(clippy::print_stdout, reason = "a person runs this for the number")]
fn time(tools: usize, taken: std::time::Duration) {
    println!("scan of {tools} tools: {taken:?}");
}
