//! What the policy makes of a report: the one place where commands turn checks, findings and drift into a verdict.
use mcpsec_audit::policy::{self, Found, Judged};
use mcpsec_model::{
    config::{Config, Policy},
    drift::Drift,
    finding::Finding,
    lock::Lock,
    report::{ProjectReport, Report, ServerReport},
    time::Timestamp,
};

/// The same report, decided. A server about which nothing was checked did not pass.
pub(super) fn decided(policy: &Policy, now: Timestamp, mut report: ServerReport) -> ServerReport {
    for finding in &mut report.findings {
        if let Some(ended) = policy::ended(policy, now, Some(&report.name), finding) {
            say_ended(finding, &ended.to_string());
        }
    }
    let found =
        Found { server: Some(&report.name), checks: &report.checks, findings: &report.findings, drift: &report.drift };
    report.decision = policy::decide(policy, now, &found);
    report.verdict = policy::verdict(&report.decision, &report.checks);
    report
}

/// The same for what is about no single server. A project without client configurations has nothing to check.
pub(super) fn decided_project(policy: &Policy, now: Timestamp, mut report: ProjectReport) -> ProjectReport {
    for finding in &mut report.findings {
        if let Some(ended) = policy::ended(policy, now, None, finding) {
            say_ended(finding, &ended.to_string());
        }
    }
    let found = Found { server: None, checks: &report.checks, findings: &report.findings, drift: &Drift::default() };
    report.decision = policy::decide(policy, now, &found);
    report
}

/// Why something that was lifted denies again. A report may be decided twice.
fn say_ended(finding: &mut Finding, ended: &str) {
    let said = format!("; the exemption ended on {ended}");
    if !finding.message.ends_with(&said) {
        finding.message.push_str(&said);
    }
}

/// Adds what is wrong with the policy itself to a decided report, and decides about the project. With the lock and whether all
/// servers were judged, it also says what of the policy is of no use.
pub(super) fn about_policy(
    config: &Config,
    now: Timestamp,
    judged: Option<(&Lock, bool)>,
    mut report: Report,
) -> Report {
    let judged = judged.map(|(lock, all)| Judged {
        all,
        findings: report.servers.iter().flat_map(|server| &server.findings).chain(&report.project.findings).collect(),
        checks: report.servers.iter().flat_map(|server| &server.checks).chain(&report.project.checks).collect(),
        packages: lock.packages.keys().collect(),
        servers: config.servers.keys().chain(lock.servers.keys()).collect(),
    });
    let said = policy::lint(config, now, judged.as_ref());
    report.project.findings.extend(said);
    report.project.findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    report.project = decided_project(&config.policy, now, std::mem::take(&mut report.project));
    report
}
