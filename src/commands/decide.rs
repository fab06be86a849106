//! What the policy makes of a report: the one place where commands turn checks, findings and drift into a verdict.
use mcpsec_audit::policy::{self, Found};
use mcpsec_model::{
    config::Policy,
    report::{ProjectReport, ServerReport},
    time::Timestamp,
    verdict::Verdict,
};

/// The same report, decided. A server about which nothing was checked did not pass.
pub(super) fn decided(policy: &Policy, now: Timestamp, mut report: ServerReport) -> ServerReport {
    let found = Found { checks: &report.checks, findings: &report.findings, drift: &report.drift };
    report.decision = policy::decide(policy, now, &found);
    let nothing = if report.checks.is_empty() { Verdict::Incomplete } else { Verdict::Pass };
    report.verdict = report.decision.verdict().max(nothing);
    report
}

/// The same for what is about no single server. A project without client configurations has nothing to check.
pub(super) fn decided_project(policy: &Policy, now: Timestamp, mut report: ProjectReport) -> ProjectReport {
    let drift = mcpsec_model::drift::Drift::default();
    let found = Found { checks: &report.checks, findings: &report.findings, drift: &drift };
    report.decision = policy::decide(policy, now, &found);
    report
}
