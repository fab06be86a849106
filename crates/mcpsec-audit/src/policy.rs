//! What a policy makes of checks and findings.
//!
//! | what was found | what it does to the verdict |
//! |---|---|
//! | a check that failed | deny, whatever the policy says |
//! | a check that could not be made | incomplete, unless it is tolerated: `upstream` under `upstream = "warn"` and `"off"`, evidence as `provenance` says |
//! | a finding that denies ([`Weight::Denies`]) | deny, unless an exemption for its rule and subject still counts |
//! | any other finding | nothing: it is reported |
//! | no check at all | incomplete: a server about which nothing was checked did not pass |
//!
//! The worst wins. An exemption lifts a finding, never a check: that bytes differ from their pin is not a matter of opinion.
use jiff::tz::TimeZone;
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{Exemption, Level, Policy, UpstreamPolicy},
    drift::{Change, Drift, DriftLevel},
    finding::{Confidence, Finding, Rule, Severity},
    time::{Date, Timestamp},
    verdict::{Allowed, AllowedBy, Decision, Reason, Source, Unchecked, Verdict},
};

/// What one finding does to the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// The gate says no.
    Denies,
    /// It is reported and nothing more.
    Warns,
    /// It would deny, but an exemption that still counts lifts it, or a person accepted exactly this.
    Exempt,
}

/// An exemption that lifts nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unused<'a> {
    /// The exemption.
    pub exemption: &'a Exemption,
    /// Why it lifts nothing.
    pub why: UnusedWhy,
}

/// Why an exemption lifts nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnusedWhy {
    /// Its last day is over.
    Expired,
    /// No finding has its rule and subject.
    Unmatched,
}

/// What a policy makes of everything found out about one server or about the project.
pub fn decide(policy: &Policy, now: Timestamp, found: &Found<'_>) -> Decision {
    let mut decision = Decision::default();
    for result in found.checks {
        let what = || Reason { source: Source::Check(result.check), subject: result.subject.clone(), key: None };
        match (&result.status, of_check(policy, result)) {
            (CheckStatus::Pass | CheckStatus::NotApplicable, _) => {}
            (CheckStatus::Fail(_), _) => decision.denied.push(what()),
            (CheckStatus::Unchecked(_), verdict) => {
                decision.unchecked.push(Unchecked { what: what(), tolerated: verdict == Verdict::Pass });
            }
        }
    }
    for finding in found.findings {
        let what = || Reason { source: Source::Rule(finding.rule), subject: finding.subject.clone(), key: None };
        match weigh(policy, now, finding) {
            Weight::Denies => decision.denied.push(what()),
            Weight::Warns => decision.warned.push(what()),
            Weight::Exempt => decision.allowed_by.push(Allowed { what: what(), by: allowed_by(policy, now, finding) }),
        }
    }
    for change in &found.drift.changes {
        let what = || Reason { source: Source::Drift(change.level), subject: change.subject.to_string(), key: None };
        match (weigh_change(policy, change), &change.accepted) {
            (Weight::Denies, _) => decision.denied.push(what()),
            (Weight::Exempt, Some(reason)) => {
                decision.allowed_by.push(Allowed { what: what(), by: AllowedBy::Consent { reason: reason.clone() } })
            }
            (Weight::Warns | Weight::Exempt, _) if level(policy, change.level) == Level::Allow => {}
            (Weight::Warns | Weight::Exempt, _) => decision.warned.push(what()),
        }
    }
    decision
}

/// Everything found out about one server or about the project.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its checks.
    pub checks: &'a [CheckResult],
    /// Its findings.
    pub findings: &'a [Finding],
    /// How what it tells the model changed.
    pub drift: &'a Drift,
}

fn allowed_by(policy: &Policy, now: Timestamp, finding: &Finding) -> AllowedBy {
    if let Some(reason) = &finding.accepted {
        return AllowedBy::Consent { reason: reason.clone() };
    }
    let today = day(now);
    let lifts = |exemption: &&Exemption| matches(exemption, finding) && !is_over(exemption, today);
    let exemption = policy.exempt.iter().find(lifts);
    let (reason, until) = exemption.map(|exemption| (exemption.reason.clone(), exemption.until)).unwrap_or_default();
    AllowedBy::Exemption { reason, until }
}

/// The verdict over one server.
///
/// `now` decides which exemptions still count: through the end of their last day, UTC.
pub fn judge(policy: &Policy, now: Timestamp, checks: &[CheckResult], findings: &[Finding]) -> Verdict {
    let nothing = if checks.is_empty() { Verdict::Incomplete } else { Verdict::Pass };
    let of_checks = checks.iter().map(|result| of_check(policy, result));
    let of_findings = findings.iter().map(|finding| match weigh(policy, now, finding) {
        Weight::Denies => Verdict::Deny,
        Weight::Warns | Weight::Exempt => Verdict::Pass,
    });
    of_checks.chain(of_findings).max().unwrap_or(nothing).max(nothing)
}

/// What one finding does under this policy.
pub fn weigh(policy: &Policy, now: Timestamp, finding: &Finding) -> Weight {
    if !denies(policy, finding) {
        return Weight::Warns;
    }
    if finding.accepted.is_some() {
        return Weight::Exempt;
    }
    let today = day(now);
    let lifts = |exemption: &Exemption| matches(exemption, finding) && !is_over(exemption, today);
    if policy.exempt.iter().any(lifts) { Weight::Exempt } else { Weight::Denies }
}

/// The exemptions of a policy that lift nothing, given the findings of all servers, in the order of the policy.
pub fn unused_exemptions<'a>(policy: &'a Policy, now: Timestamp, findings: &[Finding]) -> Vec<Unused<'a>> {
    let today = day(now);
    let judge = |exemption: &'a Exemption| {
        let why = if is_over(exemption, today) {
            UnusedWhy::Expired
        } else if findings.iter().any(|finding| matches(exemption, finding)) {
            return None;
        } else {
            UnusedWhy::Unmatched
        };
        Some(Unused { exemption, why })
    };
    policy.exempt.iter().filter_map(judge).collect()
}

/// What a policy does about one change of what a server tells the model. `Exempt`: a person accepted exactly this.
pub fn weigh_change(policy: &Policy, change: &Change) -> Weight {
    match level(policy, change.level) {
        Level::Deny if change.accepted.is_some() => Weight::Exempt,
        Level::Deny => Weight::Denies,
        Level::Allow | Level::Warn => Weight::Warns,
    }
}

/// The verdict over drift: deny if any change is denied.
pub fn judge_drift(policy: &Policy, drift: &Drift) -> Verdict {
    let denied = drift.changes.iter().any(|change| weigh_change(policy, change) == Weight::Denies);
    if denied { Verdict::Deny } else { Verdict::Pass }
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

fn of_check(policy: &Policy, result: &CheckResult) -> Verdict {
    match &result.status {
        CheckStatus::Pass | CheckStatus::NotApplicable => Verdict::Pass,
        CheckStatus::Fail(_) => Verdict::Deny,
        CheckStatus::Unchecked(_) if result.tolerated => Verdict::Pass,
        CheckStatus::Unchecked(_) => match (result.check, policy.upstream) {
            // A registry that is down must not stop people who hold a vetted copy, unless they said so.
            (Check::Upstream, UpstreamPolicy::Off | UpstreamPolicy::Warn) => Verdict::Pass,
            _ => Verdict::Incomplete,
        },
    }
}

/// Without a wildcard: a new rule must be put on one side.
fn denies(policy: &Policy, finding: &Finding) -> bool {
    match finding.rule {
        // Words that harm. What is doubtful or a mere smell is shown, and people decide.
        Rule::HiddenInstruction
        | Rule::Secrecy
        | Rule::SecretAccess
        | Rule::Exfiltration
        | Rule::ToolShadowing
        | Rule::PrecedenceClaim
        | Rule::NameCollision
        | Rule::LookalikeName
        | Rule::HiddenText
        | Rule::HiddenMarkup
        | Rule::EncodedText
        | Rule::ParameterSmuggling
        | Rule::CredentialRequest
        | Rule::ContradictoryHints
        | Rule::OversizedText
        | Rule::PayloadLink
        | Rule::SandboxAlarm => finding.severity() == Severity::High && finding.confidence > Confidence::Low,
        // What the code of a new version does. What is doubtful or usual is shown, and people decide.
        Rule::NewHost
        | Rule::NewRecipient
        | Rule::NewNetwork
        | Rule::NewProcess
        | Rule::NewDynamicCode
        | Rule::NewFileAccess
        | Rule::NewEnvironment
        | Rule::NewSecretAccess
        | Rule::NewNativeCode
        | Rule::NewInstallScript
        | Rule::StartupHook
        | Rule::ObfuscatedCode
        | Rule::PackedCode
        | Rule::EntryChanged
        | Rule::NewDependency
        | Rule::RepositoryMismatch
        | Rule::CredentialTheft
        | Rule::SelfSpreading
        | Rule::LookalikePackage
        | Rule::DependencyConfusion => finding.severity() == Severity::High && finding.confidence > Confidence::Low,
        Rule::UnreadableCode | Rule::NewerVersion | Rule::Vulnerable => false,
        Rule::Malware | Rule::TooNew => true,
        Rule::PublisherChanged => policy.trust_downgrade == Level::Deny,
        // What an expired exemption lifted denies by itself.
        Rule::ExpiredExemption | Rule::UnmatchedExemption | Rule::PolicyContradiction | Rule::PolicyNoOp => false,
        // The locked version, started by a launcher that resolves its dependencies anew, is a weakness and no more.
        Rule::UnlockedLaunch | Rule::UnpinnedLaunch | Rule::OtherVersion | Rule::ShellLaunch => {
            finding.severity() == Severity::High
        }
        Rule::RemoteServer | Rule::ContainerServer => false,
        // What varied is in the lock, word for word, and judged like the rest; hosts were not reached.
        Rule::UnstableManifest | Rule::NetworkAttempt => false,
        Rule::TrustDowngrade | Rule::SignerChanged => policy.trust_downgrade == Level::Deny,
        // Only found where the policy requires provenance.
        Rule::NoProvenance => true,
        // The artifact is not what the registry says it is; or part of it cannot be held to anything.
        Rule::ManifestConfusion | Rule::UnsupportedDependency => true,
        // Install scripts are never run unless the policy names the package, so wanting one harms nobody. A version that was
        // withdrawn is still here, as it was vetted. Holes in the closure are said, in the lock too.
        Rule::InstallScript
        | Rule::ClosureIncomplete
        | Rule::Yanked
        // The stored copy still proves it.
        | Rule::EvidenceWithdrawn
        | Rule::Unpublished
        | Rule::Deprecated
        | Rule::UnresolvableTarget
        | Rule::NoArtifactForTarget => false,
    }
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
