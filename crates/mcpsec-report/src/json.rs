//! JSON report v1 (`mcpsec.report/v1`). Frozen: what is here keeps its name and meaning, and only new members may come.
//!
//! One object per check and subject, and per finding, in the order of the report: nothing is folded or left out. Texts are
//! exact, but every hidden character is written as `\\uXXXX` (RFC 8259 §7): a parser gets the same string, and a person who
//! looks at the document sees what is there.
use std::collections::BTreeMap;

use mcpsec_model::{
    check::CheckResult,
    drift::Change,
    finding::Finding,
    manifest::Manifest,
    report::{ProjectReport, Report, ServerReport},
    text::{Untrusted, is_hidden},
    verdict::{AllowedBy, Verdict},
};
use serde::Serialize;

use crate::{
    inert::inert_json,
    standing::{self, Item, Standing, What},
};

/// The report as JSON, ending in a newline.
pub fn json(report: &Report) -> String {
    let verdict = report.verdict();
    pretty(&ReportV1 {
        schema: "mcpsec.report/v1",
        command: report.command,
        verdict: verdict.as_str(),
        exit: verdict.exit_code(),
        servers: report.servers.iter().map(server).collect(),
        project: project(&report.project),
    })
}

/// A captured manifest (`mcpsec.manifest/v1`), ending in a newline; what [`Manifest::parse`] reads.
pub fn manifest_json(manifest: &Manifest) -> String {
    pretty(&manifest.to_json())
}

/// Indented JSON and a newline, with hidden characters as escapes.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // Strings, numbers, lists and structs cannot fail to serialise.
    let document = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = String::with_capacity(document.len() + 1);
    for c in document.chars() {
        // Outside strings the only hidden character is the newline; inside, the serialiser escaped it already.
        if c == '\n' || !is_hidden(c) {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text.push('\n');
    inert_json(text)
}

#[derive(Serialize)]
struct ReportV1<'a> {
    schema: &'static str,
    command: &'static str,
    verdict: &'static str,
    exit: u8,
    servers: Vec<ServerV1<'a>>,
    project: ProjectV1<'a>,
}

/// What is about no single server.
#[derive(Serialize)]
struct ProjectV1<'a> {
    verdict: &'static str,
    decision: DecisionV1<'a>,
    checks: Vec<CheckV1<'a>>,
    findings: Vec<FindingV1<'a>>,
}

/// What the policy makes of checks, findings and changes: each of them that is not simply good is in one of the lists.
#[derive(Serialize)]
struct DecisionV1<'a> {
    denied: Vec<ReasonV1<'a>>,
    warned: Vec<ReasonV1<'a>>,
    allowed_by: Vec<AllowedV1<'a>>,
    unchecked: Vec<UncheckedV1<'a>>,
}

#[derive(Serialize)]
struct ReasonV1<'a> {
    /// `check`, `rule` or `drift`.
    kind: &'static str,
    /// The id of the check or rule, or the level of drift.
    id: &'static str,
    subject: &'a str,
    /// The key of the policy that decides.
    key: Option<&'a str>,
}

#[derive(Serialize)]
struct AllowedV1<'a> {
    kind: &'static str,
    id: &'static str,
    subject: &'a str,
    key: Option<&'a str>,
    /// `exemption` or `consent`.
    by: &'static str,
    reason: &'a str,
    /// The last day of an exemption.
    until: Option<String>,
}

#[derive(Serialize)]
struct UncheckedV1<'a> {
    kind: &'static str,
    id: &'static str,
    subject: &'a str,
    key: Option<&'a str>,
    tolerated: bool,
}

#[derive(Serialize)]
struct ServerV1<'a> {
    name: &'a str,
    spec: &'a str,
    version: Option<&'a str>,
    verdict: &'static str,
    decision: DecisionV1<'a>,
    checks: Vec<CheckV1<'a>>,
    findings: Vec<FindingV1<'a>>,
    drift: DriftV1<'a>,
    closure: ClosureV1<'a>,
}

#[derive(Serialize)]
struct CheckV1<'a> {
    check: &'static str,
    status: &'static str,
    subject: &'a str,
    detail: Option<&'a str>,
    /// The next command or edit that helps.
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    rule: &'static str,
    severity: &'static str,
    subject: &'a str,
    message: &'a str,
    evidence: Option<&'a str>,
    confidence: &'static str,
    /// `denied`, `allowed` or `warned`.
    level: &'static str,
    place: Option<PlaceV1<'a>>,
    span: Option<[usize; 2]>,
    accepted: Option<&'a str>,
}

/// A line of a file: of the package that the subject starts with, or of the project.
#[derive(Serialize)]
struct PlaceV1<'a> {
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct ClosureV1<'a> {
    added: &'a [String],
    removed: &'a [String],
    changed: Vec<[&'a str; 2]>,
}

#[derive(Serialize)]
struct DriftV1<'a> {
    level: &'static str,
    changes: Vec<ChangeV1<'a>>,
}

#[derive(Serialize)]
struct ChangeV1<'a> {
    level: &'static str,
    subject: &'a str,
    message: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    accepted: Option<&'a str>,
}

fn server(server: &ServerReport) -> ServerV1<'_> {
    let items = standing::of_server(server);
    ServerV1 {
        name: server.name.as_str(),
        spec: &server.spec,
        version: server.version.as_deref(),
        verdict: server.verdict.as_str(),
        decision: decision(&items),
        checks: server.checks.iter().map(check).collect(),
        findings: findings(&server.findings, &items),
        drift: DriftV1 {
            level: server.drift.level().as_str(),
            changes: server.drift.changes.iter().map(change).collect(),
        },
        closure: ClosureV1 {
            added: &server.closure.added,
            removed: &server.closure.removed,
            changed: server.closure.changed.iter().map(|(before, after)| [before.as_str(), after]).collect(),
        },
    }
}

fn project(project: &ProjectReport) -> ProjectV1<'_> {
    let items = standing::of_project(project);
    ProjectV1 {
        verdict: items.iter().map(|item| item.standing.verdict()).max().unwrap_or(Verdict::Pass).as_str(),
        decision: decision(&items),
        checks: project.checks.iter().map(check).collect(),
        findings: findings(&project.findings, &items),
    }
}

fn decision<'a>(items: &[Item<'a>]) -> DecisionV1<'a> {
    let mut out = DecisionV1 { denied: Vec::new(), warned: Vec::new(), allowed_by: Vec::new(), unchecked: Vec::new() };
    for item in items {
        let (kind, id, subject, key) = (item.source.kind(), item.source.id(), item.subject, item.key);
        match item.standing {
            Standing::Denied => out.denied.push(ReasonV1 { kind, id, subject, key }),
            Standing::Warned => out.warned.push(ReasonV1 { kind, id, subject, key }),
            Standing::Allowed(AllowedBy::Exemption { reason, until }) => {
                let until = Some(until.to_string());
                out.allowed_by.push(AllowedV1 { kind, id, subject, key, by: "exemption", reason, until });
            }
            Standing::Allowed(AllowedBy::Consent { reason }) => {
                out.allowed_by.push(AllowedV1 { kind, id, subject, key, by: "consent", reason, until: None });
            }
            Standing::Required => out.unchecked.push(UncheckedV1 { kind, id, subject, key, tolerated: false }),
            Standing::Tolerated => out.unchecked.push(UncheckedV1 { kind, id, subject, key, tolerated: true }),
            Standing::Noted => {}
        }
    }
    out
}

fn change(change: &Change) -> ChangeV1<'_> {
    ChangeV1 {
        level: change.level.as_str(),
        subject: change.subject.as_str(),
        message: &change.message,
        before: change.before.as_ref().map(Untrusted::raw),
        after: change.after.as_ref().map(Untrusted::raw),
        accepted: change.accepted.as_deref(),
    }
}

fn check(result: &CheckResult) -> CheckV1<'_> {
    CheckV1 {
        check: result.check.id(),
        status: result.status.as_str(),
        subject: &result.subject,
        detail: result.status.reason(),
        hint: result.hint.as_deref(),
    }
}

/// The findings in the order of the report, each as it stands.
fn findings<'a>(findings: &'a [Finding], items: &[Item<'a>]) -> Vec<FindingV1<'a>> {
    let of_finding = |item: &Item<'a>| match item.what {
        What::Finding(finding) => Some((std::ptr::from_ref(finding), item.standing)),
        What::Check(_) | What::Change(_) | What::Nothing => None,
    };
    let standings: BTreeMap<*const Finding, Standing<'_>> = items.iter().filter_map(of_finding).collect();
    let level = |finding: &Finding| match standings.get(&std::ptr::from_ref(finding)) {
        Some(Standing::Denied) => "denied",
        Some(Standing::Allowed(_)) => "allowed",
        _ => "warned",
    };
    findings.iter().map(|of| finding(of, level(of))).collect()
}

fn finding<'a>(finding: &'a Finding, level: &'static str) -> FindingV1<'a> {
    FindingV1 {
        rule: finding.rule.id(),
        severity: finding.severity().as_str(),
        subject: &finding.subject,
        message: &finding.message,
        evidence: finding.evidence.as_ref().map(Untrusted::raw),
        confidence: finding.confidence.as_str(),
        level,
        place: finding.place.as_ref().map(|place| PlaceV1 { file: &place.file, line: place.line }),
        span: finding.span.map(|(start, end)| [start, end]),
        accepted: finding.accepted.as_deref(),
    }
}
