//! Report v1 as JSON: frozen. Fields are added, never renamed or removed; a golden test holds it.
use mcpsec_model::{check::CheckStatus, report::Report};
use serde::Serialize;

#[derive(Serialize)]
struct ReportV1<'a> {
    schema: &'static str,
    command: &'a str,
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
    drift: DriftV1,
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
}

#[derive(Serialize)]
struct DriftV1 {
    level: &'static str,
    changes: [(); 0],
}

/// The report as one JSON document with a final newline.
pub fn json(report: &Report) -> String {
    let servers = report.servers.iter().map(|server| ServerV1 {
        name: server.name.as_str(),
        spec: &server.spec,
        version: server.version.as_deref(),
        verdict: server.verdict.as_str(),
        checks: server
            .checks
            .iter()
            .map(|result| CheckV1 {
                check: result.check.id(),
                status: result.status.as_str(),
                subject: &result.subject,
                detail: CheckStatus::reason(&result.status),
            })
            .collect(),
        findings: server
            .findings
            .iter()
            .map(|finding| FindingV1 {
                rule: finding.rule.id(),
                severity: finding.rule.severity().as_str(),
                subject: &finding.subject,
                message: &finding.message,
                evidence: finding.evidence.as_ref().map(mcpsec_model::text::Untrusted::raw),
            })
            .collect(),
        drift: DriftV1 { level: "none", changes: [] },
    });
    let verdict = report.verdict();
    let wire = ReportV1 {
        schema: "mcpsec.report/v1",
        command: report.command,
        verdict: verdict.as_str(),
        exit: verdict.exit_code(),
        servers: servers.collect(),
    };
    // Strings and numbers always serialise.
    let mut text = serde_json::to_string_pretty(&wire).unwrap_or_default();
    text.push('\n');
    text
}
