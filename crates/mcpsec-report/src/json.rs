//! JSON report v1 (`mcpsec.report/v1`). Frozen: what is here keeps its name and meaning, and only new members may come.
//!
//! One object per check and subject, and per finding, in the order of the report: nothing is folded or left out. Texts are
//! exact, but every hidden character is written as `\\uXXXX` (RFC 8259 §7): a parser gets the same string, and a person who
//! looks at the document sees what is there.
use mcpsec_model::{
    check::CheckResult,
    drift::Change,
    finding::Finding,
    manifest::Manifest,
    report::{Report, ServerReport},
    text::{Untrusted, is_hidden},
};
use serde::Serialize;

/// The report as JSON, ending in a newline.
pub fn json(report: &Report) -> String {
    let verdict = report.verdict();
    pretty(&ReportV1 {
        schema: "mcpsec.report/v1",
        command: report.command,
        verdict: verdict.as_str(),
        exit: verdict.exit_code(),
        servers: report.servers.iter().map(server).collect(),
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
    text
}

#[derive(Serialize)]
struct ReportV1<'a> {
    schema: &'static str,
    command: &'static str,
    verdict: &'static str,
    exit: u8,
    servers: Vec<ServerV1<'a>>,
}

#[derive(Serialize)]
struct ServerV1<'a> {
    name: &'a str,
    spec: &'a str,
    version: Option<&'a str>,
    verdict: &'static str,
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
}

#[derive(Serialize)]
struct FindingV1<'a> {
    rule: &'static str,
    severity: &'static str,
    subject: &'a str,
    message: &'a str,
    evidence: Option<&'a str>,
    confidence: &'static str,
    span: Option<[usize; 2]>,
    accepted: Option<&'a str>,
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
    ServerV1 {
        name: server.name.as_str(),
        spec: &server.spec,
        version: server.version.as_deref(),
        verdict: server.verdict.as_str(),
        checks: server.checks.iter().map(check).collect(),
        findings: server.findings.iter().map(finding).collect(),
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
    }
}

fn finding(finding: &Finding) -> FindingV1<'_> {
    FindingV1 {
        rule: finding.rule.id(),
        severity: finding.severity().as_str(),
        subject: &finding.subject,
        message: &finding.message,
        evidence: finding.evidence.as_ref().map(Untrusted::raw),
        confidence: finding.confidence.as_str(),
        span: finding.span.map(|(start, end)| [start, end]),
        accepted: finding.accepted.as_deref(),
    }
}
