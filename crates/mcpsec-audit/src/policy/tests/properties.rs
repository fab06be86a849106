//! Nothing is dropped, nothing is told twice, and more trouble or more strictness never makes a verdict better.
use mcpsec_model::config::RuleLevel;
use proptest::prelude::*;

use super::*;

const SUBJECTS: [&str; 4] = ["npm:x@1.0.0", "npm:@s/y@2.0.0#GHSA-1", "pypi:z@3.0", "tool:send/description"];

fn levels() -> impl Strategy<Value = Level> {
    prop::sample::select(vec![Level::Allow, Level::Warn, Level::Deny])
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let severity =
        prop::sample::select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
    let confidence = prop::sample::select(vec![Confidence::Low, Confidence::Medium, Confidence::High]);
    let one =
        (prop::sample::select(Rule::ALL), prop::sample::select(&SUBJECTS[..]), severity, confidence, any::<bool>());
    let one = one.prop_map(|(rule, subject, severity, confidence, accepted)| {
        let mut finding = Finding::new(rule, subject, "found").severe(severity).confidence(confidence);
        finding.accepted = accepted.then(|| "read".to_owned());
        finding
    });
    prop::collection::vec(one, 0..12)
}

fn checks() -> impl Strategy<Value = Vec<CheckResult>> {
    let status = prop::sample::select(vec![
        CheckStatus::Pass,
        CheckStatus::NotApplicable,
        CheckStatus::Fail("differs".to_owned()),
        CheckStatus::Unchecked("offline".to_owned()),
    ]);
    let one = (prop::sample::select(Check::ALL), status, any::<bool>());
    let one = one.prop_map(|(id, status, tolerated)| check(id, status).tolerated(tolerated));
    prop::collection::vec(one, 0..12)
}

fn drifts() -> impl Strategy<Value = Drift> {
    let one = (prop::sample::select(&DriftLevel::ALL[1..]), any::<bool>()).prop_map(|(level, accepted)| {
        let mut change = Change::new(level, Subject::entry(Kind::Tool, "x"), "changed");
        change.accepted = accepted.then(|| "read".to_owned());
        change
    });
    prop::collection::vec(one, 0..8).prop_map(|changes| Drift { changes })
}

fn policies() -> impl Strategy<Value = Policy> {
    let rules = prop::collection::vec((prop::sample::select(Rule::ALL), levels()), 0..6);
    let exempt = prop::collection::vec(
        (prop::sample::select(Rule::ALL), prop::sample::select(&SUBJECTS[..]), any::<bool>()),
        0..6,
    );
    let strict = any::<bool>();
    (strict, rules, exempt, levels(), levels()).prop_map(|(strict, rules, exempt, wording, high)| {
        let mut policy = if strict { Policy::strict() } else { Policy::starter() };
        policy.rules = rules
            .into_iter()
            .map(|(rule, level)| (rule, RuleLevel { level: Some(level), exceptions: Vec::new() }))
            .collect();
        let until = |over: bool| if over { "2026-01-01" } else { "2026-12-31" };
        policy.exempt =
            exempt.into_iter().map(|(rule, subject, over)| exemption(rule.id(), subject, until(over))).collect();
        (policy.drift.wording, policy.advisories.high) = (wording, high);
        policy
    })
}

/// What each thing comes to, said independently of [`decide`]: its kind and subject, as often as it is found.
fn expected(
    policy: &Policy,
    checks: &[CheckResult],
    findings: &[Finding],
    drift: &Drift,
) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for result in checks {
        if !matches!(result.status, CheckStatus::Pass | CheckStatus::NotApplicable) {
            all.push((result.check.id(), result.subject.clone()));
        }
    }
    for finding in findings {
        if weigh(policy, now(NOW), None, finding) != Weight::Allows {
            all.push((finding.rule.id(), finding.subject.clone()));
        }
    }
    for change in &drift.changes {
        if level(policy, change.level) != Level::Allow {
            all.push((change.level.as_str(), change.subject.to_string()));
        }
    }
    all.sort();
    all
}

fn decided(policy: &Policy, checks: &[CheckResult], findings: &[Finding], drift: &Drift) -> Decision {
    decide(policy, now(NOW), &Found { server: None, checks, findings, drift })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_that_is_not_good_is_in_one_list(policy in policies(), checks in checks(), findings in findings(), drift in drifts()) {
        let decision = decided(&policy, &checks, &findings, &drift);
        let reasons = decision.denied.iter().chain(&decision.warned);
        let reasons = reasons.chain(decision.allowed_by.iter().map(|allowed| &allowed.what));
        let reasons = reasons.chain(decision.unchecked.iter().map(|unchecked| &unchecked.what));
        let mut told: Vec<(&str, String)> = reasons.map(|reason| (reason.source.id(), reason.subject.clone())).collect();
        told.sort();
        prop_assert_eq!(told, expected(&policy, &checks, &findings, &drift));
        // Who allowed it is known, and what nobody can decide has no key.
        for allowed in &decision.allowed_by {
            let said = match &allowed.by { AllowedBy::Exemption { reason, .. } | AllowedBy::Consent { reason } => reason };
            prop_assert!(!said.is_empty());
        }
        for reason in decision.denied.iter().chain(&decision.warned) {
            let decidable = matches!(reason.source, Source::Rule(_) | Source::Drift(_));
            prop_assert!(!decidable || reason.key.as_ref().is_some_and(|key| key.starts_with("policy.")));
        }
    }

    #[test]
    fn more_trouble_is_never_better(policy in policies(), checks in checks(), findings in findings(), drift in drifts()) {
        let whole = verdict(&decided(&policy, &checks, &findings, &drift), &checks);
        for part in [
            verdict(&decided(&policy, &checks, &findings, &Drift::default()), &checks),
            verdict(&decided(&policy, &checks, &[], &drift), &checks),
            verdict(&decided(&policy, &checks, findings.get(1..).unwrap_or_default(), &drift), &checks),
        ] {
            prop_assert!(part <= whole);
        }
        let fewer = checks.get(1..).unwrap_or_default();
        prop_assert!(fewer.is_empty() || verdict(&decided(&policy, fewer, &findings, &drift), fewer) <= whole);
    }

    #[test]
    fn a_stricter_policy_is_never_better(policy in policies(), checks in checks(), findings in findings(), drift in drifts()) {
        let before = verdict(&decided(&policy, &checks, &findings, &drift), &checks);
        let mut stricter = vec![Policy { exempt: Vec::new(), ..policy.clone() }, Policy { upstream: UpstreamPolicy::Required, ..policy.clone() }];
        stricter.push(Policy { drift: mcpsec_model::config::DriftPolicy { wording: Level::Deny, ..policy.drift }, ..policy.clone() });
        let mut denying = policy.clone();
        for rule in Rule::ALL {
            denying.rules.insert(*rule, RuleLevel { level: Some(Level::Deny), exceptions: Vec::new() });
        }
        stricter.push(denying);
        for policy in stricter {
            prop_assert!(before <= verdict(&decided(&policy, &checks, &findings, &drift), &checks));
        }
    }
}
