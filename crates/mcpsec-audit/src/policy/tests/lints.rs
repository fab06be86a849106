//! What the policy says about itself, with the line that says it.
use mcpsec_model::{
    config::{Layers, PolicyText},
    name::ServerName,
    package::PackageId,
};

use super::*;

/// `rule line message` of each finding.
fn shown(findings: &[Finding]) -> Vec<String> {
    let place = |finding: &Finding| {
        finding.place.as_ref().map_or_else(|| "-".to_owned(), |at| format!("{}:{}", at.file, at.line))
    };
    findings.iter().map(|finding| format!("{} {} {}", finding.rule.id(), place(finding), finding.message)).collect()
}

fn exempt(rule: &str, subject: &str, until: &str) -> String {
    format!("[[policy.exempt]]\nrule = \"{rule}\"\nsubject = \"{subject}\"\nreason = \"read\"\nuntil = {until}\n")
}

struct Scene {
    findings: Vec<Finding>,
    checks: Vec<CheckResult>,
    packages: Vec<PackageId>,
    servers: Vec<ServerName>,
}

impl Scene {
    fn new() -> Self {
        Self {
            findings: vec![Finding::new(Rule::Yanked, "npm:x@1.0.0", "withdrawn")],
            checks: passed(),
            packages: vec!["npm:x@1.0.0".parse().expect("an id"), "pypi:some-name@2.0".parse().expect("an id")],
            servers: vec!["files".parse().expect("a name")],
        }
    }

    fn lint(&self, config: &Config) -> Vec<String> {
        let judged = Judged {
            all: true,
            findings: self.findings.iter().collect(),
            checks: self.checks.iter().collect(),
            packages: self.packages.iter().collect(),
            servers: self.servers.iter().collect(),
        };
        shown(&lint(config, now(NOW), Some(&judged)))
    }
}

#[test]
fn the_named_policies_are_flawless() {
    use mcpsec_model::config::{ConfigEditor, NamedPolicy};
    for policy in [NamedPolicy::Starter, NamedPolicy::Strict] {
        let config = Config::parse(&ConfigEditor::with_policy(policy).to_string(), "mcp.toml").expect("valid");
        assert_eq!(Scene::new().lint(&config), [""; 0]);
    }
}

#[test]
fn exemptions_that_are_over_unmatched_endless_or_twice() {
    let text = [
        exempt("yanked", "npm:x@1.0.0", "2026-12-31"),
        exempt("yanked", "npm:x@1.0.0", "2026-06-14"),
        exempt("deprecated", "npm:x@1.0.0", "2026-12-31"),
        exempt("manifest-confusion", "npm:gone@1.0.0", "2026-12-31"),
        exempt("manifest-confusion", "npm:x@1.0.0", "2026-12-31"),
        exempt("no-such-rule", "npm:x@1.0.0", "2026-12-31"),
        exempt("yanked", "npm:x@1.0.0", "2026-10-01"),
        exempt("artifact-hash", "npm:x@1.0.0", "2026-12-31"),
        exempt("vulnerable", "npm:x@1.0.0#GHSA-1", "2027-06-16"),
    ];
    let config = written(&text.concat());
    let mut scene = Scene::new();
    let all = scene.lint(&config);
    assert_eq!(
        all,
        [
            "expired-exemption mcp.toml:8 the exemption of `yanked` for `npm:x@1.0.0` ended on 2026-06-14",
            "unmatched-exemption mcp.toml:13 the exemption of `deprecated` for `npm:x@1.0.0` lifts nothing: nothing of this rule and subject was found",
            "unmatched-exemption mcp.toml:18 the exemption of `manifest-confusion` for `npm:gone@1.0.0` lifts nothing: mcp.lock holds no such package",
            "unmatched-exemption mcp.toml:28 the exemption of `no-such-rule` for `npm:x@1.0.0` lifts nothing: this version of mcpsec has no such rule",
            "unmatched-exemption mcp.toml:43 the exemption of `vulnerable` for `npm:x@1.0.0#GHSA-1` lifts nothing: nothing of this rule and subject was found",
            "policy-no-op mcp.toml:38 `artifact-hash` is a check, and no exemption lifts a check",
            "policy-no-op mcp.toml:33 the exemption of `yanked` for `npm:x@1.0.0` is there already at mcp.toml:3",
            "long-exemption mcp.toml:43 the exemption of `vulnerable` for `npm:x@1.0.0#GHSA-1` lasts until 2027-06-16",
        ]
    );
    // What could not be checked may be there, unseen.
    scene.checks.push(check(Check::Upstream, CheckStatus::Unchecked("offline".into())));
    let offline = scene.lint(&config);
    assert!(!offline.iter().any(|line| line.contains("`deprecated`")), "{offline:?}");
    assert_eq!(offline.len() + 1, all.len());
    // Some servers only: what the others need is not known.
    let some = Judged::default();
    let some = shown(&lint(&config, now(NOW), Some(&some)));
    assert!(!some.iter().any(|line| line.starts_with("unmatched")), "{some:?}");
    assert_eq!(some.len(), 4);
}

#[test]
fn keys_that_say_the_opposite() {
    for (text, said) in [
        (
            "advisories = { malware = \"warn\" }",
            "policy-contradiction mcp.toml:2 \"warn\" does not count: malware is denied unless an exemption names the advisory and the version",
        ),
        (
            "rules = { malware = \"allow\" }",
            "policy-contradiction mcp.toml:2 does not count: malware is denied unless an exemption names the advisory and the version",
        ),
        (
            "rules = { malware = { \"npm:*\" = \"allow\" } }",
            "policy-contradiction mcp.toml:2 does not count: malware is denied unless an exemption names the advisory and the version",
        ),
        (
            "capture = \"off\"",
            "policy-contradiction mcp.toml:2 with \"off\" nothing is heard, so drift.breaking = \"deny\" can never be seen to be broken",
        ),
        (
            "trust-downgrade = \"deny\"\nrules = { trust-downgrade = \"allow\" }",
            "policy-contradiction mcp.toml:3 \"allow\" counts, and trust-downgrade says \"deny\"",
        ),
        (
            "advisories = { low = \"warn\" }\nrules = { vulnerable = \"allow\" }",
            "policy-contradiction mcp.toml:3 \"allow\" does not count: [policy.advisories] is stricter for every severity",
        ),
        (
            "isolation = \"none\"",
            "policy-no-op mcp.toml:2 no file of this machine allows it (allow-isolation-none = true in policy.toml), and \"landlock\" counts",
        ),
    ] {
        assert_eq!(Scene::new().lint(&written(text)), [said], "{text}");
    }
    let allowed =
        PolicyText { file: "policy.toml".to_owned(), text: "[policy]\nallow-isolation-none = true\n".to_owned() };
    let layers = Layers { machine: vec![allowed], bases: Vec::new() };
    let text = "[policy]\nisolation = \"none\"\ncapture = \"required\"\n";
    let config = Config::layered(text, "mcp.toml", &layers).expect("valid");
    assert_eq!(
        Scene::new().lint(&config),
        [
            "policy-contradiction mcp.toml:2 \"none\" lets a server that is captured do what it likes, and capture = \"required\" starts all of them"
        ]
    );
}

#[test]
fn keys_that_change_nothing() {
    let config = written(
        "min-release-age = { default = \"1d\", \"npm:y\" = \"0d\", \"npm:x\" = \"0d\", \"npm:*\" = \"2d\" }\n\
         provenance = { \"pypi:Some.Name\" = \"off\", \"server:gone\" = \"required\" }\n\
         install-scripts = [\"npm:x@1.0.1\"]\n\
         rules = { new-host = { \"server:files\" = \"allow\", \"npm:@none/*\" = \"deny\" } }\n\
         [[policy.signers]]\nfor = \"npm:z\"\nkey = \"K\"\n",
    );
    assert_eq!(
        Scene::new().lint(&config),
        [
            "policy-no-op mcp.toml:4 mcp.lock does not hold npm:x@1.0.1",
            "policy-no-op mcp.toml:2 mcp.lock holds no such package",
            "policy-no-op mcp.toml:3 mcp.toml names no such server",
            "policy-no-op mcp.toml:5 mcp.lock holds no such package",
            "policy-no-op mcp.toml:7 mcp.lock holds no such package",
        ]
    );
}

#[test]
fn a_locked_key_that_is_loosened_denies_and_a_policy_of_many_projects_is_left_alone() {
    let base = "[policy]\nisolation = \"namespace\"\nlocked = [\"isolation\"]\nprovenance = { \"npm:elsewhere\" = \"required\" }\n";
    let base = format!("{base}{}", exempt("yanked", "npm:elsewhere@1.0.0", "2026-01-01"));
    let layers = Layers { bases: vec![PolicyText { file: "org.toml".to_owned(), text: base }], machine: Vec::new() };
    let text = "[policy]\nextends = \"org.toml\"\nisolation = \"landlock\"\n";
    let config = Config::layered(text, "mcp.toml", &layers).expect("valid");
    assert_eq!(config.policy.isolation, mcpsec_model::config::Isolation::Namespace);
    let found = lint(&config, now(NOW), None);
    assert_eq!(
        shown(&found),
        [
            "policy-contradiction mcp.toml:3 org.toml:3 locks this key, and \"namespace\" counts: a file that extends it cannot loosen it"
        ]
    );
    assert_eq!(weigh(&config.policy, now(NOW), None, &found[0]), Weight::Denies);
    assert_eq!(Scene::new().lint(&config).len(), 1);
}
