//! Every combination of status, check, policy and rule; levels and their order; nothing is dropped, and more is never better.
mod levels;
mod lints;
mod properties;

use mcpsec_model::{
    config::Config,
    finding::{Confidence, Severity},
    manifest::{Kind, Subject},
};

use super::*;

const NOW: &str = "2026-06-15T12:00:00Z";

fn now(text: &str) -> Timestamp {
    text.parse().expect("instant")
}

fn policy(upstream: UpstreamPolicy) -> Policy {
    Policy { upstream, ..Policy::starter() }
}

fn check(check: Check, status: CheckStatus) -> CheckResult {
    CheckResult::new(check, "npm:x@1.0.0", status)
}

/// A policy as mcp.toml writes it.
fn written(text: &str) -> Config {
    Config::parse(&format!("[policy]\n{text}\n"), "mcp.toml").expect("a valid policy")
}

fn passed() -> Vec<CheckResult> {
    Check::ALL.iter().map(|id| check(*id, CheckStatus::Pass)).collect()
}

fn exemption(rule: &str, subject: &str, until: &str) -> Exemption {
    Exemption {
        rule: rule.into(),
        subject: subject.to_owned(),
        reason: "read it line by line".to_owned(),
        until: until.parse().expect("date"),
        place: None,
    }
}

#[test]
fn every_status_of_every_check_under_every_policy() {
    for upstream in [UpstreamPolicy::Off, UpstreamPolicy::Warn, UpstreamPolicy::Required] {
        for id in Check::ALL {
            let verdict = |status: CheckStatus| {
                let mut checks = passed();
                checks.push(check(*id, status));
                judge(&policy(upstream), now(NOW), &checks, &[])
            };
            assert_eq!(verdict(CheckStatus::Pass), Verdict::Pass);
            assert_eq!(verdict(CheckStatus::NotApplicable), Verdict::Pass);
            assert_eq!(verdict(CheckStatus::Fail("differs".into())), Verdict::Deny, "{id} {upstream:?}");
            let tolerated = *id == Check::Upstream && upstream != UpstreamPolicy::Required;
            let want = if tolerated { Verdict::Pass } else { Verdict::Incomplete };
            assert_eq!(verdict(CheckStatus::Unchecked("offline".into())), want, "{id} {upstream:?}");
        }
    }
}

#[test]
fn the_worst_wins_and_nothing_checked_is_not_a_pass() {
    let starter = Policy::starter();
    let judge = |checks: &[CheckResult], findings: &[Finding]| judge(&starter, now(NOW), checks, findings);
    assert_eq!(judge(&[], &[]), Verdict::Incomplete);
    let unchecked = check(Check::ArtifactHash, CheckStatus::Unchecked("offline".into()));
    let failed = check(Check::ArtifactHash, CheckStatus::Fail("differs".into()));
    assert_eq!(judge(&[unchecked.clone(), failed.clone()], &[]), Verdict::Deny);
    assert_eq!(judge(&[failed, unchecked.clone()], &[]), Verdict::Deny);
    let denying = Finding::new(Rule::ManifestConfusion, "npm:x@1.0.0", "differs");
    assert_eq!(judge(&[unchecked], std::slice::from_ref(&denying)), Verdict::Deny);
    assert_eq!(judge(&[], &[denying]), Verdict::Deny);
}

#[test]
fn every_rule_is_on_one_side_under_every_named_policy() {
    for (policy, strict) in [(Policy::starter(), false), (Policy::strict(), true)] {
        for rule in Rule::ALL {
            let finding = Finding::new(*rule, "npm:x@1.0.0", "found");
            let denies = match rule {
                Rule::TrustDowngrade | Rule::SignerChanged | Rule::PublisherChanged => strict,
                // Malware, what the registry says otherwise, and what was asked for and is not there.
                Rule::Malware | Rule::TooNew => true,
                Rule::ManifestConfusion | Rule::UnsupportedDependency | Rule::NoProvenance => true,
                // What goes past the lock.
                Rule::UnlockedLaunch | Rule::UnpinnedLaunch | Rule::OtherVersion | Rule::ShellLaunch => true,
                // What a model reads, what a server did while it was captured, what new code does: as grave as it is.
                Rule::HiddenInstruction
                | Rule::Secrecy
                | Rule::SecretAccess
                | Rule::Exfiltration
                | Rule::ToolShadowing
                | Rule::LookalikeName
                | Rule::HiddenText
                | Rule::ParameterSmuggling
                | Rule::SandboxAlarm => true,
                Rule::NewRecipient
                | Rule::NewSecretAccess
                | Rule::NewInstallScript
                | Rule::StartupHook
                | Rule::ObfuscatedCode
                | Rule::CredentialTheft
                | Rule::SelfSpreading
                | Rule::LookalikePackage
                | Rule::DependencyConfusion => true,
                _ => false,
            };
            let want = if denies { Weight::Denies } else { Weight::Warns };
            assert_eq!(weigh(&policy, now(NOW), None, &finding), want, "{rule:?}");
            let want = if denies { Verdict::Deny } else { Verdict::Pass };
            assert_eq!(judge(&policy, now(NOW), &passed(), &[finding]), want, "{rule:?}");
        }
    }
}

/// Words are judged by how grave and how sure they are, whatever the rule usually is, and consent lifts them.
#[test]
fn grave_words_deny_unless_they_are_doubtful_or_accepted() {
    let policy = Policy::starter();
    for rule in [Rule::PrecedenceClaim, Rule::EncodedText, Rule::HiddenInstruction] {
        let finding = Finding::new(rule, "tool:x/description", "found");
        let weight = |finding: &Finding| weigh(&policy, now(NOW), None, finding);
        assert_eq!(weight(&finding.clone().severe(Severity::High)), Weight::Denies, "{rule:?}");
        assert_eq!(weight(&finding.clone().severe(Severity::Medium)), Weight::Warns, "{rule:?}");
        let doubtful = finding.clone().severe(Severity::High).confidence(Confidence::Low);
        assert_eq!(weight(&doubtful), Weight::Warns, "{rule:?}");
        let mut accepted = finding.severe(Severity::High);
        accepted.accepted = Some("read by two of us".to_owned());
        assert_eq!(weight(&accepted), Weight::Exempt, "{rule:?}");
    }
}

#[test]
fn drift_denies_by_level_unless_it_is_accepted() {
    let policy = Policy::starter();
    for level in DriftLevel::ALL {
        let mut change = Change::new(level, Subject::entry(Kind::Tool, "x"), "changed");
        let denied = level >= DriftLevel::Breaking;
        let verdict = |change: &Change| {
            let drift = Drift { changes: vec![change.clone()] };
            decide(&policy, now(NOW), &Found { server: None, checks: &[], findings: &[], drift: &drift }).verdict()
        };
        assert_eq!(verdict(&change), if denied { Verdict::Deny } else { Verdict::Pass }, "{level}");
        change.accepted = Some("read".to_owned());
        assert_eq!(verdict(&change), Verdict::Pass, "{level}");
    }
}

#[test]
fn exemptions_lift_exactly_what_they_name_until_their_day_is_over() {
    let finding = Finding::new(Rule::ManifestConfusion, "npm:x@1.0.0", "differs");
    for (rule, subject, until, at, lifted) in [
        ("manifest-confusion", "npm:x@1.0.0", "2026-12-31", NOW, true),
        ("manifest-confusion", "npm:x@1.0.0", "2026-06-15", "2026-06-15T23:59:59Z", true),
        ("manifest-confusion", "npm:x@1.0.0", "2026-06-15", "2026-06-16T00:00:00Z", false),
        ("manifest-confusion", "npm:x@1.0.0", "2026-06-14", NOW, false),
        ("manifest-confusion", "npm:x@1.0.1", "2026-12-31", NOW, false),
        ("manifest-confusion", "*", "2026-12-31", NOW, false),
        ("unsupported-dependency", "npm:x@1.0.0", "2026-12-31", NOW, false),
    ] {
        let policy = Policy { exempt: vec![exemption(rule, subject, until)], ..Policy::starter() };
        let want = if lifted { Verdict::Pass } else { Verdict::Deny };
        let verdict = judge(&policy, now(at), &passed(), std::slice::from_ref(&finding));
        assert_eq!(verdict, want, "{rule} {subject} {until} {at}");
        let weight = if lifted { Weight::Exempt } else { Weight::Denies };
        assert_eq!(weigh(&policy, now(at), None, &finding), weight);
    }
}

#[test]
fn one_exemption_does_not_lift_another_finding() {
    let policy =
        Policy { exempt: vec![exemption("manifest-confusion", "npm:x@1.0.0", "2026-12-31")], ..Policy::starter() };
    let findings = ["npm:x@1.0.0", "npm:y@1.0.0"].map(|id| Finding::new(Rule::ManifestConfusion, id, "differs"));
    assert_eq!(judge(&policy, now(NOW), &passed(), &findings), Verdict::Deny);
}

#[test]
fn checks_cannot_be_exempted() {
    let policy = Policy { exempt: vec![exemption("artifact-hash", "npm:x@1.0.0", "2026-12-31")], ..Policy::starter() };
    let failed = [check(Check::ArtifactHash, CheckStatus::Fail("differs".into()))];
    assert_eq!(judge(&policy, now(NOW), &failed, &[]), Verdict::Deny);
}

#[test]
fn malware_is_lifted_by_nothing_but_its_own_exemption() {
    let subject = "npm:x@1.0.0#MAL-2026-1";
    let mut finding = Finding::new(Rule::Malware, subject, "malicious");
    for loose in [
        "rules = { malware = \"allow\" }",
        "rules = { malware = { level = \"warn\", \"npm:*\" = \"allow\", \"server:files\" = \"allow\" } }",
        "advisories = { malware = \"allow\" }",
        "[[policy.exempt]]\nrule = \"malware\"\nsubject = \"npm:x@1.0.0\"\nreason = \"all of it\"\nuntil = 2026-12-31",
        "[[policy.exempt]]\nrule = \"vulnerable\"\nsubject = \"npm:x@1.0.0#MAL-2026-1\"\nreason = \"no\"\nuntil = 2026-12-31",
    ] {
        let policy = written(loose).policy;
        let server = "files".parse().expect("a name");
        assert_eq!(weigh(&policy, now(NOW), Some(&server), &finding), Weight::Denies, "{loose}");
    }
    // Consent to words, as a lock may bring it along.
    finding.accepted = Some("fine".to_owned());
    assert_eq!(weigh(&Policy::starter(), now(NOW), None, &finding), Weight::Denies);
    let policy = Policy { exempt: vec![exemption("malware", subject, "2026-12-31")], ..Policy::starter() };
    assert_eq!(weigh(&policy, now(NOW), None, &finding), Weight::Exempt);
}

#[test]
fn what_an_expired_exemption_lifted_denies_again_and_the_day_is_known() {
    let finding = Finding::new(Rule::ManifestConfusion, "npm:x@1.0.0", "differs");
    let exempt = vec![
        exemption("manifest-confusion", "npm:x@1.0.0", "2026-05-01"),
        exemption("manifest-confusion", "npm:x@1.0.0", "2026-06-01"),
    ];
    let policy = Policy { exempt, ..Policy::starter() };
    let ended = |at: &str, finding: &Finding| super::ended(&policy, now(at), None, finding).map(|day| day.to_string());
    assert_eq!(weigh(&policy, now(NOW), None, &finding), Weight::Denies);
    assert_eq!(ended(NOW, &finding).as_deref(), Some("2026-06-01"));
    assert_eq!(ended("2026-06-01T23:59:59Z", &finding), None, "it still counts");
    let other = Finding::new(Rule::ManifestConfusion, "npm:y@1.0.0", "differs");
    assert_eq!(ended(NOW, &other), None);
}
