//! What a policy makes of checks, findings and changes: [`decide`] is the only way to a verdict.
//!
//! | what was found | where it ends |
//! |---|---|
//! | a check that failed | denied, whatever the policy says |
//! | a check that could not be made | unchecked, which makes the run incomplete unless it is tolerated: `upstream` under `upstream = "warn"` and `"off"`, evidence as `provenance` says |
//! | a finding or change that the policy denies | denied, unless an exemption for its rule and subject still counts, or a person accepted it: then allowed by that |
//! | one that the policy warns about | warned |
//! | one that the policy allows | nowhere: it stands in the report and counts for nothing |
//! | no check at all | incomplete: a server about which nothing was checked did not pass |
//!
//! The worst wins. An exemption lifts a finding, never a check: that bytes differ from their pin is not a matter of opinion. What
//! [`lint`] finds is about the policy itself.
mod level;
mod lint;

use jiff::tz::TimeZone;
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{Exemption, Level, Policy, UpstreamPolicy},
    drift::{Change, Drift, DriftLevel},
    finding::{Finding, Rule},
    name::ServerName,
    time::{Date, Timestamp},
    verdict::{Allowed, AllowedBy, Decision, Reason, Source, Unchecked, Verdict},
};

use level::ruling;
pub use lint::{Judged, lint};

/// What one finding or change does to the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// The gate says no.
    Denies,
    /// It is reported and nothing more.
    Warns,
    /// It counts for nothing.
    Allows,
    /// It would deny, but an exemption that still counts lifts it, or a person accepted exactly this.
    Exempt,
}

/// Everything found out about one server or about the project.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The server; none for the project.
    pub server: Option<&'a ServerName>,
    /// Its checks.
    pub checks: &'a [CheckResult],
    /// Its findings.
    pub findings: &'a [Finding],
    /// How what it tells the model changed.
    pub drift: &'a Drift,
}

/// What a policy makes of everything found out about one server or about the project.
///
/// `now` decides which exemptions still count: through the end of their last day, UTC.
pub fn decide(policy: &Policy, now: Timestamp, found: &Found<'_>) -> Decision {
    let mut decision = Decision::default();
    for result in found.checks {
        let source = Source::Check(result.check);
        let what = |key| Reason { source, subject: result.subject.clone(), key };
        match &result.status {
            CheckStatus::Pass | CheckStatus::NotApplicable => {}
            CheckStatus::Fail(_) => decision.denied.push(what(key_of_failure(result.check))),
            CheckStatus::Unchecked(_) => {
                let key = key_of_omission(result.check).map(ToOwned::to_owned);
                decision.unchecked.push(Unchecked { what: what(key), tolerated: tolerates(policy, result) });
            }
        }
    }
    for finding in found.findings {
        let key = ruling(policy, found.server, finding).key;
        let what = || Reason { source: Source::Rule(finding.rule), subject: finding.subject.clone(), key: Some(key) };
        match weigh(policy, now, found.server, finding) {
            Weight::Denies => decision.denied.push(what()),
            Weight::Warns => decision.warned.push(what()),
            Weight::Allows => {}
            Weight::Exempt => decision.allowed_by.push(Allowed { what: what(), by: allowed_by(policy, now, finding) }),
        }
    }
    for change in &found.drift.changes {
        let key = Some(format!("policy.drift.{}", change.level));
        let what = || Reason { source: Source::Drift(change.level), subject: change.subject.to_string(), key };
        match weigh_change(policy, change) {
            Weight::Denies => decision.denied.push(what()),
            Weight::Warns => decision.warned.push(what()),
            Weight::Allows => {}
            Weight::Exempt => {
                let reason = change.accepted.clone().unwrap_or_default();
                decision.allowed_by.push(Allowed { what: what(), by: AllowedBy::Consent { reason } });
            }
        }
    }
    decision
}

/// What a decision over checks comes to. Nothing checked is not a pass.
pub fn verdict(decision: &Decision, checks: &[CheckResult]) -> Verdict {
    let nothing = if checks.is_empty() { Verdict::Incomplete } else { Verdict::Pass };
    decision.verdict().max(nothing)
}

/// The verdict over one server, from [`decide`].
pub fn judge(policy: &Policy, now: Timestamp, checks: &[CheckResult], findings: &[Finding]) -> Verdict {
    let found = Found { server: None, checks, findings, drift: &Drift::default() };
    verdict(&decide(policy, now, &found), checks)
}

/// What one finding does under this policy. `server`: in whose report it stands.
pub fn weigh(policy: &Policy, now: Timestamp, server: Option<&ServerName>, finding: &Finding) -> Weight {
    match ruling(policy, server, finding).level {
        Level::Allow => Weight::Allows,
        Level::Warn => Weight::Warns,
        Level::Deny if consented(finding) || lifting(policy, now, finding).is_some() => Weight::Exempt,
        Level::Deny => Weight::Denies,
    }
}

/// What a policy does about one change of what a server tells the model. `Exempt`: a person accepted exactly this.
pub fn weigh_change(policy: &Policy, change: &Change) -> Weight {
    match level(policy, change.level) {
        Level::Deny if change.accepted.is_some() => Weight::Exempt,
        Level::Deny => Weight::Denies,
        Level::Warn => Weight::Warns,
        Level::Allow => Weight::Allows,
    }
}

/// What the policy says about a level of drift. Nothing at all needs no consent.
pub fn level(policy: &Policy, level: DriftLevel) -> Level {
    match level {
        DriftLevel::None => Level::Allow,
        DriftLevel::Cosmetic => policy.drift.cosmetic,
        DriftLevel::Wording => policy.drift.wording,
        DriftLevel::Additive => policy.drift.additive,
        DriftLevel::Breaking => policy.drift.breaking,
        DriftLevel::Dangerous => policy.drift.dangerous,
    }
}

/// The last day of the exemption that lifted a finding, where that day is over and nothing lifts it now.
pub fn ended(policy: &Policy, now: Timestamp, server: Option<&ServerName>, finding: &Finding) -> Option<Date> {
    if weigh(policy, now, server, finding) != Weight::Denies {
        return None;
    }
    policy.exempt.iter().filter(|exemption| matches(exemption, finding)).map(|exemption| exemption.until).max()
}

/// Consent to words is in mcp.lock, which comes with what it is about. It is none to malware.
fn consented(finding: &Finding) -> bool {
    finding.accepted.is_some() && finding.rule != Rule::Malware
}

fn allowed_by(policy: &Policy, now: Timestamp, finding: &Finding) -> AllowedBy {
    match (lifting(policy, now, finding), &finding.accepted) {
        (_, Some(reason)) if consented(finding) => AllowedBy::Consent { reason: reason.clone() },
        (Some(exemption), _) => AllowedBy::Exemption { reason: exemption.reason.clone(), until: exemption.until },
        (None, _) => AllowedBy::Consent { reason: String::new() },
    }
}

/// The exemption that lifts a finding today.
fn lifting<'p>(policy: &'p Policy, now: Timestamp, finding: &Finding) -> Option<&'p Exemption> {
    let today = day(now);
    policy.exempt.iter().find(|exemption| matches(exemption, finding) && !is_over(exemption, today))
}

fn tolerates(policy: &Policy, result: &CheckResult) -> bool {
    // A registry that is down must not stop people who hold a vetted copy, unless they said so.
    let upstream = result.check == Check::Upstream && policy.upstream != UpstreamPolicy::Required;
    result.tolerated || upstream
}

/// The key that decides whether a check may be left out.
fn key_of_omission(check: Check) -> Option<&'static str> {
    Some(match check {
        Check::Upstream => "policy.upstream",
        Check::RegistrySignature | Check::Provenance | Check::GitSignature => "policy.provenance",
        Check::Signer => "policy.signers",
        Check::Advisories => "policy.advisories.database",
        Check::Cooldown => "policy.min-release-age",
        Check::Capture | Check::Manifest | Check::Poison => "policy.capture",
        Check::Approval => "policy.approvals.required",
        Check::Config | Check::Lock | Check::ArtifactHash | Check::InstallScripts | Check::Content => return None,
    })
}

/// The key that a check holds something to, if it is one of the policy: other failures no policy can decide.
fn key_of_failure(check: Check) -> Option<String> {
    let key = match check {
        Check::Signer => "policy.signers",
        Check::Capture => "policy.isolation",
        Check::Approval => "policy.approvals.required",
        Check::InstallScripts => "policy.install-scripts",
        _ => return None,
    };
    Some(key.to_owned())
}

fn matches(exemption: &Exemption, finding: &Finding) -> bool {
    exemption.rule == finding.rule.id() && exemption.subject == finding.subject
}

fn is_over(exemption: &Exemption, today: Date) -> bool {
    today > exemption.until
}

fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
