//! From checks and findings to one verdict.
//!
//! A failed check denies. A check that could not be made leaves the run incomplete, unless it is `upstream` and the policy
//! tolerates that. A finding denies or warns by its rule. An exemption that has not expired lifts what a finding denies; it
//! never lifts a failed check.
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{Exemption, Policy, UpstreamPolicy},
    finding::{Finding, Rule},
    time::{Date, Timestamp},
    verdict::Verdict,
};

/// What everything comes to.
pub fn judge(policy: &Policy, now: Timestamp, checks: &[CheckResult], findings: &[Finding]) -> Verdict {
    let today = today(now);
    let of_checks = checks.iter().map(|result| of_check(policy, result));
    let of_findings = findings.iter().map(|finding| {
        let lifted = policy.exempt.iter().any(|exemption| lifts(exemption, finding, today));
        if denies(finding.rule) && !lifted { Verdict::Deny } else { Verdict::Pass }
    });
    of_checks.chain(of_findings).max().unwrap_or(Verdict::Pass)
}

/// Whether findings of a rule deny unless they are exempted.
pub fn denies(rule: Rule) -> bool {
    match rule {
        // The bytes are not what the record says, or some bytes cannot be pinned at all.
        Rule::ManifestConfusion | Rule::UnsupportedDependency => true,
        // Scripts never run; the vetted copy outlives its upstream; the rest is for a person to know.
        Rule::InstallScript
        | Rule::ClosureIncomplete
        | Rule::Yanked
        | Rule::Unpublished
        | Rule::Deprecated
        | Rule::UnresolvableTarget
        | Rule::NoArtifactForTarget => false,
    }
}

fn of_check(policy: &Policy, result: &CheckResult) -> Verdict {
    match (&result.status, result.check) {
        (CheckStatus::Pass | CheckStatus::NotApplicable, _) => Verdict::Pass,
        (CheckStatus::Fail(_), _) => Verdict::Deny,
        (CheckStatus::Unchecked(_), Check::Upstream) if policy.upstream != UpstreamPolicy::Required => Verdict::Pass,
        (CheckStatus::Unchecked(_), _) => Verdict::Incomplete,
    }
}

fn lifts(exemption: &Exemption, finding: &Finding, today: Date) -> bool {
    exemption.rule == finding.rule.id() && exemption.subject == finding.subject && today <= exemption.until
}

/// The date in UTC, so that an exemption ends at the same moment for everybody.
fn today(now: Timestamp) -> Date {
    mcpsec_model::time::day_of(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-06-15T23:59:59Z".parse().expect("instant")
    }

    fn check(check: Check, status: CheckStatus) -> CheckResult {
        CheckResult::new(check, "x", status)
    }

    #[test]
    fn every_status_of_every_check() {
        let starter = Policy::starter();
        let strict = Policy::strict();
        for kind in Check::ALL {
            let verdict = |policy: &Policy, status| judge(policy, now(), &[check(*kind, status)], &[]);
            assert_eq!(verdict(&starter, CheckStatus::Pass), Verdict::Pass);
            assert_eq!(verdict(&starter, CheckStatus::NotApplicable), Verdict::Pass);
            assert_eq!(verdict(&starter, CheckStatus::Fail("f".to_owned())), Verdict::Deny);
            let open = || CheckStatus::Unchecked("u".to_owned());
            let tolerated = if *kind == Check::Upstream { Verdict::Pass } else { Verdict::Incomplete };
            assert_eq!(verdict(&starter, open()), tolerated, "{kind}");
            assert_eq!(verdict(&strict, open()), Verdict::Incomplete, "{kind}");
        }
    }

    #[test]
    fn the_worst_counts() {
        let checks = [
            check(Check::Lock, CheckStatus::Pass),
            check(Check::ArtifactHash, CheckStatus::Unchecked("u".to_owned())),
            check(Check::Config, CheckStatus::Fail("f".to_owned())),
        ];
        assert_eq!(judge(&Policy::starter(), now(), &checks, &[]), Verdict::Deny);
        assert_eq!(judge(&Policy::starter(), now(), &checks[..2], &[]), Verdict::Incomplete);
    }

    #[test]
    fn findings_by_rule_and_exemptions_by_subject_and_day() {
        for rule in Rule::ALL {
            let finding = Finding::new(*rule, "npm:a@1", "m");
            let mut policy = Policy::starter();
            let verdict = judge(&policy, now(), &[], std::slice::from_ref(&finding));
            assert_eq!(verdict == Verdict::Deny, denies(*rule), "{}", rule.id());
            let exemption = |subject: &str, until: &str| Exemption {
                rule: rule.id().into(),
                subject: subject.to_owned(),
                reason: "known".to_owned(),
                until: until.parse().expect("date"),
            };
            policy.exempt = vec![exemption("npm:a@1", "2026-06-15")];
            assert_eq!(judge(&policy, now(), &[], std::slice::from_ref(&finding)), Verdict::Pass);
            policy.exempt = vec![exemption("npm:a@1", "2026-06-14"), exemption("npm:a@2", "2030-01-01")];
            let verdict = judge(&policy, now(), &[], std::slice::from_ref(&finding));
            assert_eq!(verdict == Verdict::Deny, denies(*rule), "expired or of something else");
        }
    }
}
