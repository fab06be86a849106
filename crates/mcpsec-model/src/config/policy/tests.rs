//! Policies over each other: what counts, where it is from, and what cannot be loosened.
use super::*;
use crate::config::Config;

const ORG: &str = include_str!("../../../../../testdata/policies/org.toml");
const TEAM: &str = include_str!("../../../../../testdata/policies/team.toml");
const PROJECT: &str = include_str!("../../../../../testdata/policies/project.toml");
const LOOSE: &str = include_str!("../../../../../testdata/policies/loose.toml");
const MACHINE: &str = include_str!("../../../../../testdata/policies/machine.toml");

fn file(file: &str, text: &str) -> PolicyText {
    PolicyText { file: file.to_owned(), text: text.to_owned() }
}

fn bases() -> Vec<PolicyText> {
    vec![file("org.toml", ORG), file("team.toml", TEAM)]
}

fn config(text: &str, bases: Vec<PolicyText>, machine: Vec<PolicyText>) -> Config {
    Config::layered(text, "mcp.toml", &Layers { bases, machine }).expect("valid")
}

fn problem(text: &str, bases: Vec<PolicyText>, machine: Vec<PolicyText>) -> String {
    Config::layered(text, "mcp.toml", &Layers { bases, machine }).expect_err("refused").to_string()
}

fn origin(config: &Config, key: &str) -> String {
    config.sources.origin(key).map_or_else(|| "starter".to_owned(), |at| format!("{}:{}", at.file, at.line))
}

#[test]
fn the_nearer_file_wins_and_every_value_knows_where_it_is_from() {
    let config = config(PROJECT, bases(), Vec::new());
    let policy = &config.policy;
    assert_eq!(policy.isolation, Isolation::Namespace);
    assert_eq!(policy.capture, CapturePolicy::Required);
    assert_eq!(policy.upstream, UpstreamPolicy::Required);
    assert_eq!(policy.approvals.required, 2);
    assert_eq!(policy.min_release_age, 5 * DAY);
    assert_eq!(policy.min_release_age_for(&"npm:@example/x@1.0.0".parse().expect("id"), None), Duration::ZERO);
    assert_eq!(policy.drift.wording, Level::Warn);
    for (key, from) in [
        ("isolation", "team.toml:4"),
        ("capture", "org.toml:7"),
        ("upstream", "mcp.toml:4"),
        ("min-release-age", "mcp.toml:3"),
        ("min-release-age.npm:@example/*", "org.toml:3"),
        ("provenance.npm:@example/*", "org.toml:4"),
        ("advisories.high", "org.toml:8"),
        ("advisories.low", "starter"),
        ("rules.new-host", "org.toml:9"),
        ("rules.vulnerable.npm:@example/*", "org.toml:9"),
        ("approvals.required", "team.toml:5"),
        ("drift.wording", "starter"),
    ] {
        assert_eq!(origin(&config, key), from, "{key}");
    }
    assert_eq!(config.sources.weakenings, [], "tightening is no contradiction");
    assert_eq!(config.sources.files, ["org.toml", "team.toml", "mcp.toml"]);
}

#[test]
fn locked_keys_cannot_be_loosened() {
    let config = config(LOOSE, bases(), Vec::new());
    let policy = &config.policy;
    assert_eq!(policy.isolation, Isolation::Landlock, "what is locked counts; what the team raised was not locked");
    assert_eq!(policy.capture, CapturePolicy::Required);
    assert_eq!(policy.trust_downgrade, Level::Deny);
    assert_eq!(policy.approvals.required, 2);
    assert_eq!(policy.advisories.high, Level::Deny);
    assert_eq!(policy.advisories.database, DatabasePolicy::Required);
    assert_eq!(policy.advisories.max_age, 14 * DAY);
    assert_eq!(policy.exempt, []);
    for (id, age, provenance) in [
        ("npm:x@1.0.0", 3 * DAY, ProvenanceRule::IfPublished),
        ("npm:@example/x@1.0.0", Duration::ZERO, ProvenanceRule::Required),
        ("pypi:x@1.0", 3 * DAY, ProvenanceRule::IfPublished),
    ] {
        let id: PackageId = id.parse().expect("id");
        assert_eq!(policy.min_release_age_for(&id, None), age, "{id}");
        assert_eq!(policy.provenance_for(&id, None), provenance, "{id}");
    }
    let said: Vec<(&str, String, bool)> = config
        .sources
        .weakenings
        .iter()
        .map(|weakening| {
            let place = weakening.place.as_ref().map(|at| format!("{}:{}", at.file, at.line)).unwrap_or_default();
            (weakening.key.as_str(), place, weakening.locked)
        })
        .collect();
    let place = |line: u32| format!("mcp.toml:{line}");
    assert_eq!(
        said,
        [
            ("isolation", place(6), true),
            ("capture", place(7), true),
            ("trust-downgrade", place(5), true),
            ("min-release-age", place(3), true),
            ("provenance.npm", place(4), true),
            ("advisories.high", place(11), true),
            ("advisories.database", place(12), true),
            ("advisories.max-age", place(13), true),
            ("rules.new-host", place(16), true),
            ("exempt", place(19), true),
            ("approvals.required", place(8), true),
        ]
    );
}

/// Exceptions are no way around a lock, and a locked list does not grow.
#[test]
fn locked_keys_are_not_loosened_for_some_packages() {
    for (key, held, own, weaker) in [
        ("min-release-age", "\"3d\"", "{ default = \"3d\", \"npm:x\" = \"0d\" }", "min-release-age"),
        ("provenance", "{ npm = \"required\" }", "{ \"npm:x\" = \"off\" }", "provenance.npm"),
        ("provenance", "{ pypi = \"required\" }", "{ \"server:files\" = \"off\" }", "provenance.pypi"),
        ("install-scripts", "[\"npm:a@1.0.0\"]", "[\"npm:a@1.0.0\", \"npm:b@1.0.0\"]", "install-scripts"),
    ] {
        let base = format!("[policy]\nlocked = [\"{key}\"]\n{key} = {held}\n");
        let text = format!("[policy]\nextends = \"org.toml\"\n{key} = {own}\n");
        let config = config(&text, vec![file("org.toml", &base)], vec![]);
        let said: Vec<&str> = config.sources.weakenings.iter().map(|it| it.key.as_str()).collect();
        assert!(said.contains(&weaker), "{key} = {own}: {said:?}");
        assert!(config.sources.weakenings.iter().all(|it| it.locked), "{key} = {own}");
        let grown = config.policy.install_scripts.iter().any(|id| id.starts_with("npm:b@"));
        assert!(!grown, "a locked list does not grow");
    }
}

#[test]
fn the_machine_holds_at_least() {
    let toml = "[policy]\nisolation = \"landlock\"\nupstream = \"off\"\ndrift = { additive = \"allow\", wording = \"deny\" }\n";
    let config = config(toml, Vec::new(), vec![file("/m/policy.toml", MACHINE)]);
    assert_eq!(config.policy.isolation, Isolation::Namespace);
    assert_eq!(config.policy.upstream, UpstreamPolicy::Required);
    assert_eq!((config.policy.drift.additive, config.policy.drift.wording), (Level::Deny, Level::Deny));
    assert_eq!(config.policy.drift.cosmetic, Level::Allow, "what the machine does not name is the project's");
    assert!(config.sources.weakenings.iter().all(|weakening| !weakening.locked));
    assert_eq!(config.sources.held("isolation").and_then(|held| held.by.as_ref()).expect("a place").line, 3);
    // Without an mcp.toml as well.
    let absent = Config::absent(&[file("/m/policy.toml", MACHINE)]).expect("valid");
    assert_eq!(absent.policy.isolation, Isolation::Namespace);
    assert_eq!(absent.sources.weakenings, [], "nobody asked for less");
    assert_eq!(Config::absent(&[]).expect("valid").policy, Policy::starter());
}

#[test]
fn no_sandbox_needs_the_machines_leave() {
    const NONE: &str = "[policy]\nisolation = \"none\"\n";
    let say = |allowed: bool| file("/m/policy.toml", &format!("[policy]\nallow-isolation-none = {allowed}\n"));
    let isolation =
        |bases: Vec<PolicyText>, text: &str, machine: Vec<PolicyText>| config(text, bases, machine).policy.isolation;
    assert_eq!(isolation(vec![], NONE, vec![]), Isolation::Landlock);
    assert_eq!(isolation(vec![], NONE, vec![say(false)]), Isolation::Landlock);
    assert_eq!(isolation(vec![], NONE, vec![say(true)]), Isolation::None);
    assert_eq!(isolation(vec![], NONE, vec![say(true), say(false)]), Isolation::Landlock, "the stricter of both");
    assert_eq!(
        isolation(vec![file("org.toml", NONE)], "[policy]\nextends = \"org.toml\"\n", vec![]),
        Isolation::Landlock
    );
    assert_eq!(isolation(vec![], "[policy]\nisolation = \"seatbelt\"\n", vec![]), Isolation::Seatbelt);
}

#[test]
fn exemptions_add_up_unless_they_are_locked() {
    let exempt = |subject: &str| {
        format!(
            "[[policy.exempt]]\nrule = \"yanked\"\nsubject = \"{subject}\"\nreason = \"read\"\nuntil = 2027-01-01\n"
        )
    };
    let subjects = |config: &Config| config.policy.exempt.iter().map(|it| it.subject.clone()).collect::<Vec<_>>();
    let toml = format!("[policy]\nextends = \"org.toml\"\n{}", exempt("b"));
    let open = config(&toml, vec![file("org.toml", &exempt("a"))], vec![]);
    assert_eq!(subjects(&open), ["a", "b"]);
    let locked =
        config(&toml, vec![file("org.toml", &format!("[policy]\nlocked = [\"exempt\"]\n{}", exempt("a")))], vec![]);
    assert_eq!(subjects(&locked), ["a"]);
}

#[test]
fn what_has_no_meaning_in_a_file_is_refused_there() {
    let extending = "[policy]\nextends = \"org.toml\"\n";
    for (text, bases, machine, said) in [
        (extending, vec![], vec![], "mcp.toml:2:11: policy.extends: the policy that it names was not read"),
        (
            extending,
            vec![file("org.toml", "[servers.x]\nsource = \"npm:x\"\n")],
            vec![],
            "org.toml:1:2: servers: unknown key; known here: policy",
        ),
        (extending, vec![file("org.toml", "")], vec![], "org.toml:1:1: has no [policy] table"),
        (
            extending,
            vec![file("org.toml", "[policy]\nlocked = [\"isolatoin\"]\n")],
            vec![],
            "`isolatoin` is no key that can be locked",
        ),
        (
            extending,
            vec![file("org.toml", "[policy]\nallow-isolation-none = true\n")],
            vec![],
            "only whose machine it is",
        ),
        (
            "",
            vec![],
            vec![file("/m.toml", "[policy]\nlocked = [\"isolation\"]\n")],
            "/m.toml:2:1: policy.locked: has no meaning for a machine",
        ),
        ("", vec![], vec![file("/m.toml", "[policy]\nextends = \"x.toml\"\n")], "has no meaning for a machine"),
        ("", vec![], vec![file("/m.toml", "[[policy.exempt]]\nrule = \"x\"\n")], "exemptions are for the project"),
        ("", vec![], vec![file("/m.toml", "[policy")], "/m.toml:1:"),
        ("", vec![], vec![file("/m.toml", "[policy]\nallow-isolation-none = 1\n")], "must be true or false"),
    ] {
        let shown = problem(text, bases, machine);
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn what_a_file_extends_is_known_before_it_is_read() {
    assert_eq!(extends(PROJECT).as_deref(), Some("team.toml"));
    assert_eq!(extends("[policy]\nextends = \"~/org.toml\"").as_deref(), Some("~/org.toml"));
    for text in [
        "",
        "[policy]",
        "policy = 3",
        "[policy]\nextends = 3",
        "[policy]\nextends = \"~bob/x.toml\"",
        "[policy]\nextends = \"/etc/shadow\"",
        "x = [",
    ] {
        assert_eq!(extends(text), None, "{text}");
    }
}
