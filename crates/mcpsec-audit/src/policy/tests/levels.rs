//! Which key decides about a finding, and that floors are never undercut.
use mcpsec_model::config::{ClientsPolicy, Layers, PolicyText};

use super::*;

fn level_and_key(policy: &Policy, server: &str, finding: &Finding) -> (Level, String) {
    let server = server.parse().expect("a name");
    let said = ruling(policy, Some(&server), finding);
    (said.level, said.key)
}

fn vulnerable(subject: &str, severity: Severity) -> Finding {
    Finding::new(Rule::Vulnerable, subject, "known").severe(severity)
}

#[test]
fn the_most_exact_key_decides() {
    let policy = written(
        // The most exact ones first: their place in the file decides nothing.
        "[policy.rules]\nnew-host = \"deny\"\n[policy.rules.vulnerable]\nlevel = \"warn\"\n\"server:files\" = \"warn\"\n\
         \"npm:@scope/x\" = \"allow\"\n\"npm:@scope/*\" = \"deny\"\n\"pypi:Some_Name\" = \"deny\"",
    )
    .policy;
    for (subject, server, severity, level, key) in [
        ("npm:a@1.0.0#GHSA-1", "other", Severity::Low, Level::Warn, "policy.rules.vulnerable"),
        ("npm:a@1.0.0#GHSA-1", "other", Severity::Critical, Level::Deny, "policy.advisories.critical"),
        ("npm:@scope/y@1.0.0#GHSA-1", "other", Severity::Low, Level::Deny, "policy.rules.vulnerable.\"npm:@scope/*\""),
        (
            "npm:@scope/x@1.0.0#GHSA-1",
            "other",
            Severity::Critical,
            Level::Allow,
            "policy.rules.vulnerable.\"npm:@scope/x\"",
        ),
        (
            "pypi:some-name@1!2.0#PYSEC-1",
            "other",
            Severity::Low,
            Level::Deny,
            "policy.rules.vulnerable.\"pypi:Some_Name\"",
        ),
        ("npm:@scope/y@1.0.0#GHSA-1", "files", Severity::Low, Level::Warn, "policy.rules.vulnerable.\"server:files\""),
    ] {
        let said = level_and_key(&policy, server, &vulnerable(subject, severity));
        assert_eq!(said, (level, key.to_owned()), "{subject} {server} {severity}");
    }
    let host = Finding::new(Rule::NewHost, "npm:a@1.0.0/dist/index.js", "names a host").severe(Severity::Low);
    assert_eq!(level_and_key(&policy, "other", &host), (Level::Deny, "policy.rules.new-host".to_owned()));
}

#[test]
fn severities_of_advisories_have_their_own_levels() {
    for (policy, levels) in [
        (Policy::starter(), [Level::Allow, Level::Warn, Level::Warn, Level::Deny]),
        (Policy::strict(), [Level::Warn, Level::Warn, Level::Deny, Level::Deny]),
    ] {
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        for (severity, level) in severities.into_iter().zip(levels) {
            let said = level_and_key(&policy, "files", &vulnerable("npm:a@1.0.0#X", severity));
            assert_eq!(said, (level, format!("policy.advisories.{severity}")));
        }
    }
}

#[test]
fn keys_that_are_about_rules_without_naming_them() {
    let mut policy = Policy::starter();
    policy.clients = ClientsPolicy::Warn;
    let launch = Finding::new(Rule::UnlockedLaunch, ".mcp.json", "starts something else");
    assert_eq!(level_and_key(&policy, "a", &launch), (Level::Warn, "policy.clients".to_owned()));
    policy.clients = ClientsPolicy::Deny;
    assert_eq!(level_and_key(&policy, "a", &launch.clone().severe(Severity::Medium)).0, Level::Warn);
    policy.clients = ClientsPolicy::Off;
    assert_eq!(level_and_key(&policy, "a", &launch).0, Level::Allow);
    policy.trust_downgrade = Level::Deny;
    let publisher = Finding::new(Rule::PublisherChanged, "npm:a@1.0.0", "somebody else");
    assert_eq!(level_and_key(&policy, "a", &publisher), (Level::Deny, "policy.trust-downgrade".to_owned()));
    assert_eq!(level_and_key(&policy, "a", &publisher.confidence(Confidence::Low)).0, Level::Warn);
    let new = Finding::new(Rule::TooNew, "npm:a@1.0.0", "an hour");
    assert_eq!(level_and_key(&policy, "a", &new), (Level::Deny, "policy.min-release-age".to_owned()));
}

/// Whatever key is used to get around a locked one or the machine's, the stricter answer counts.
#[test]
fn floors_are_not_undercut_by_other_keys() {
    let finding = |rule| Finding::new(rule, "npm:a@1.0.0", "found");
    for (floor, around, finding) in [
        ("trust-downgrade = \"deny\"", "rules = { signer-changed = \"allow\" }", finding(Rule::SignerChanged)),
        (
            "trust-downgrade = \"deny\"",
            "rules = { trust-downgrade = { \"npm:*\" = \"warn\" } }",
            finding(Rule::TrustDowngrade),
        ),
        ("clients = \"deny\"", "rules = { shell-launch = \"allow\" }", finding(Rule::ShellLaunch)),
        ("min-release-age = \"3d\"", "rules = { too-new = \"allow\" }", finding(Rule::TooNew)),
        ("provenance = { npm = \"required\" }", "rules = { no-provenance = \"allow\" }", finding(Rule::NoProvenance)),
        (
            "advisories = { high = \"deny\" }",
            "rules = { vulnerable = { \"npm:a\" = \"allow\" } }",
            vulnerable("npm:a@1.0.0#X", Severity::High),
        ),
        (
            "advisories = { high = \"deny\" }",
            "advisories = { high = \"allow\" }",
            vulnerable("npm:a@1.0.0#X", Severity::High),
        ),
        (
            "rules = { new-host = \"deny\" }",
            "rules = { new-host = { \"server:files\" = \"allow\" } }",
            finding(Rule::NewHost),
        ),
        ("rules = { new-host = { \"npm:*\" = \"deny\" } }", "rules = { new-host = \"allow\" }", finding(Rule::NewHost)),
    ] {
        let file = |text: String| vec![PolicyText { file: "policy.toml".to_owned(), text }];
        let machine = Layers { machine: file(format!("[policy]\n{floor}\n")), bases: Vec::new() };
        let locked = floor.split(' ').next().expect("a key");
        let bases = file(format!("[policy]\nlocked = [\"{locked}\"]\n{floor}\n"));
        let base = Layers { machine: Vec::new(), bases };
        for (layers, extends) in [(machine, ""), (base, "extends = \"policy.toml\"\n")] {
            let text = format!("[policy]\n{extends}{around}\n");
            let config = Config::layered(&text, "mcp.toml", &layers).expect("valid");
            assert_eq!(level_and_key(&config.policy, "files", &finding).0, Level::Deny, "{floor} / {around}");
            let alone = written(around).policy;
            assert!(level_and_key(&alone, "files", &finding).0 < Level::Deny, "{around} alone is looser");
        }
    }
}

#[test]
fn packages_are_found_in_subjects() {
    for (subject, package) in [
        ("npm:zod@3.25.76", Some("npm:zod@3.25.76")),
        ("npm:@a/b@1.0.0-rc.1+x#GHSA-1", Some("npm:@a/b@1.0.0-rc.1+x")),
        ("npm:@a/b@1.0.0/dist/index.js", Some("npm:@a/b@1.0.0")),
        ("npm:@a/b@1.0.0 dist/index.js:3", Some("npm:@a/b@1.0.0")),
        ("npm:@a/b@1.0.0:3", Some("npm:@a/b@1.0.0")),
        ("tool:send/description", None),
        ("npm:", None),
        ("npm:@", None),
        ("é:é@é", None),
        ("", None),
    ] {
        let found = level::package_of(subject).map(|package| package.to_string());
        assert_eq!(found.as_deref(), package, "{subject}");
    }
}
