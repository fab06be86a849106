//! Every key of `[policy]` that has a value: what it means, how the value is written, and which of two values is stricter.
use std::fmt::Write as _;

use smol_str::SmolStr;

use super::{Policy, RuleLevel, read::show_age};
use crate::{config::trust::Pattern, finding::Rule};

/// A key with one value. Keys that name packages, servers or rules are below it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path, without `policy.`.
    pub path: &'static str,
    /// What it is for, in one line.
    pub meaning: &'static str,
    show: fn(&Policy) -> String,
    hold: fn(&mut Policy, &Policy) -> bool,
}

impl Key {
    /// Its value, as TOML writes it.
    pub fn value(&self, policy: &Policy) -> String {
        (self.show)(policy)
    }

    /// Raises it to another policy's value. Gives whether it was below that.
    pub(super) fn hold(&self, policy: &mut Policy, floor: &Policy) -> bool {
        (self.hold)(policy, floor)
    }
}

/// All keys, in the order of the documentation.
#[derive(Debug)]
pub struct PolicyKeys;

macro_rules! keys {
    ($($path:literal, $meaning:literal, $show:expr, $hold:expr;)+) => {
        impl PolicyKeys {
            /// All keys that have one value.
            pub const ALL: &'static [Key] = &[$(Key { path: $path, meaning: $meaning, show: $show, hold: $hold }),+];
        }
    };
}

keys! {
    "min-release-age", "how long a version must have been out", |p| show_text(&show_age(p.min_release_age)), hold_ages;
    "provenance.npm", "who must have built npm packages", |p| show_text(p.provenance.npm.as_str()),
        |p, floor| raise(&mut p.provenance.npm, floor.provenance.npm) | looser_provenance(p, floor, "npm:");
    "provenance.pypi", "who must have built Python packages", |p| show_text(p.provenance.pypi.as_str()),
        |p, floor| raise(&mut p.provenance.pypi, floor.provenance.pypi) | looser_provenance(p, floor, "pypi:");
    "provenance.git", "who must have signed git sources", |p| show_text(p.provenance.git.as_str()),
        |p, floor| raise(&mut p.provenance.git, floor.provenance.git) | looser_provenance(p, floor, "git+");
    "signers", "who must have signed some packages", |p| show_count(p.signers.len(), "signer"),
        |p, floor| same(&mut p.signers, &floor.signers);
    "trust-downgrade", "a version with less evidence than earlier ones, or from somebody else",
        |p| show_text(p.trust_downgrade.as_str()), |p, floor| raise(&mut p.trust_downgrade, floor.trust_downgrade);
    "git-signers", "the SSH keys that may sign git tags and commits", |p| show_file(&p.git_signers),
        |p, floor| same(&mut p.git_signers, &floor.git_signers);
    "git-keys", "the OpenPGP keys that may sign git tags and commits", |p| show_file(&p.git_keys),
        |p, floor| same(&mut p.git_keys, &floor.git_keys);
    "install-scripts", "the packages whose install scripts may run", show_scripts, hold_scripts;
    "isolation", "the weakest sandbox accepted", |p| show_text(p.isolation.as_str()),
        |p, floor| raise(&mut p.isolation, floor.isolation);
    "capture", "whether a server must be heard in the sandbox before it is locked", |p| show_text(p.capture.as_str()),
        |p, floor| raise(&mut p.capture, floor.capture);
    "drift.cosmetic", "a change that means the same", |p| show_text(p.drift.cosmetic.as_str()),
        |p, floor| raise(&mut p.drift.cosmetic, floor.drift.cosmetic);
    "drift.wording", "a text that was reworded", |p| show_text(p.drift.wording.as_str()),
        |p, floor| raise(&mut p.drift.wording, floor.drift.wording);
    "drift.additive", "a new tool, prompt or optional parameter", |p| show_text(p.drift.additive.as_str()),
        |p, floor| raise(&mut p.drift.additive, floor.drift.additive);
    "drift.breaking", "something removed or narrowed", |p| show_text(p.drift.breaking.as_str()),
        |p, floor| raise(&mut p.drift.breaking, floor.drift.breaking);
    "drift.dangerous", "a change with a sign of risk", |p| show_text(p.drift.dangerous.as_str()),
        |p, floor| raise(&mut p.drift.dangerous, floor.drift.dangerous);
    "approvals.required", "how many people must have approved exactly what is locked",
        |p| p.approvals.required.to_string(), |p, floor| raise(&mut p.approvals.required, floor.approvals.required);
    "approvals.signers", "the file that says who may approve", |p| show_file(&p.approvals.signers),
        |p, floor| same(&mut p.approvals.signers, &floor.approvals.signers);
    "upstream", "whether the registry must answer", |p| show_text(p.upstream.as_str()),
        |p, floor| raise(&mut p.upstream, floor.upstream);
    "advisories.malware", "a version that an advisory calls malicious; no level lifts it, only an exemption of that very advisory",
        |p| show_text(p.advisories.malware.as_str()),
        |p, floor| raise(&mut p.advisories.malware, floor.advisories.malware);
    "advisories.critical", "an advisory of severity critical", |p| show_text(p.advisories.critical.as_str()),
        |p, floor| raise(&mut p.advisories.critical, floor.advisories.critical);
    "advisories.high", "an advisory of severity high", |p| show_text(p.advisories.high.as_str()),
        |p, floor| raise(&mut p.advisories.high, floor.advisories.high);
    "advisories.medium", "an advisory of severity medium, or of none", |p| show_text(p.advisories.medium.as_str()),
        |p, floor| raise(&mut p.advisories.medium, floor.advisories.medium);
    "advisories.low", "an advisory of severity low", |p| show_text(p.advisories.low.as_str()),
        |p, floor| raise(&mut p.advisories.low, floor.advisories.low);
    "advisories.database", "whether an offline database of advisories must be there",
        |p| show_text(p.advisories.database.as_str()),
        |p, floor| raise(&mut p.advisories.database, floor.advisories.database);
    "advisories.max-age", "how old that database may be", |p| show_text(&show_age(p.advisories.max_age)), hold_max_age;
    "clients", "client configurations that start servers past the lock", |p| show_text(p.clients.as_str()),
        |p, floor| raise(&mut p.clients, floor.clients);
    "rules", "what findings of some rules do", |p| show_count(p.rules.len(), "rule"),
        |p, floor| Rule::ALL.iter().any(|rule| looser_rule(p, floor, *rule));
    "exempt", "findings that are lifted, with reason and end", |p| show_count(p.exempt.len(), "exemption"), hold_exempt;
}

impl PolicyKeys {
    /// The keys that are, or are below, a path. None for a path that names nothing.
    pub fn below(path: &str) -> impl Iterator<Item = &'static Key> {
        let below =
            move |key: &&Key| key.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        Self::ALL.iter().filter(move |_| !path.is_empty()).filter(below)
    }

    /// Every key with its value and meaning, those that name packages, servers and rules included.
    pub fn lines(policy: &Policy) -> Vec<(String, String, &'static str)> {
        let mut out = Vec::new();
        for key in Self::ALL {
            if key.path == "rules" {
                rule_lines(policy, key.meaning, &mut out);
                continue;
            }
            out.push((key.path.to_owned(), key.value(policy), key.meaning));
            if key.path == "min-release-age" {
                let ages = policy.release_ages.iter();
                out.extend(
                    ages.map(|(pattern, age)| (child(key.path, pattern), show_text(&show_age(*age)), key.meaning)),
                );
            }
            if key.path == "provenance.git" {
                let rules = policy.provenance.rules.iter();
                let meaning = "who must have built these packages";
                out.extend(
                    rules.map(|(pattern, rule)| (child("provenance", pattern), show_text(rule.as_str()), meaning)),
                );
            }
        }
        out
    }
}

fn rule_lines(policy: &Policy, meaning: &'static str, out: &mut Vec<(String, String, &'static str)>) {
    if policy.rules.is_empty() {
        out.push(("rules".to_owned(), "{}".to_owned(), meaning));
    }
    for (rule, level) in &policy.rules {
        let path = format!("rules.{}", rule.id());
        out.extend(level.level.map(|level| (path.clone(), show_text(level.as_str()), rule.meaning())));
        let exceptions = level.exceptions.iter();
        out.extend(
            exceptions.map(|(pattern, level)| (child(&path, pattern), show_text(level.as_str()), rule.meaning())),
        );
    }
}

/// The path of a pattern below a key. Origins are kept under the same text.
fn child(path: &str, pattern: &Pattern) -> String {
    format!("{path}.{}", pattern.as_str())
}

/// Whether one rule of a policy is stated more loosely than another policy has it. What is stated there counts all the same.
pub(super) fn looser_rule(policy: &Policy, floor: &Policy, rule: Rule) -> bool {
    let nothing = RuleLevel::default();
    let (Some(own), floor) = (policy.rules.get(&rule), floor.rules.get(&rule).unwrap_or(&nothing)) else {
        return false;
    };
    // Without a level it depends on how grave a finding is; nothing at all is surely less.
    let below = |own, floor: Option<_>| floor.map_or(own == super::Level::Allow, |floor| own < floor);
    let held = |pattern: &Pattern| over(&floor.exceptions, pattern).or(floor.level);
    own.level.is_some_and(|level| below(level, floor.level))
        || own.exceptions.iter().any(|(pattern, level)| below(*level, held(pattern)))
}

fn looser_provenance(policy: &Policy, floor: &Policy, start: &str) -> bool {
    let of_ecosystem = match start {
        "npm:" => floor.provenance.npm,
        "pypi:" => floor.provenance.pypi,
        _ => floor.provenance.git,
    };
    let about = |pattern: &Pattern| pattern.as_str().starts_with(start) || pattern.is_server();
    let held = |pattern: &Pattern| over(&floor.provenance.rules, pattern).unwrap_or(of_ecosystem);
    policy.provenance.rules.iter().any(|(pattern, rule)| about(pattern) && *rule < held(pattern))
}

fn hold_ages(policy: &mut Policy, floor: &Policy) -> bool {
    let held = |pattern: &Pattern| over(&floor.release_ages, pattern).unwrap_or(floor.min_release_age);
    let looser = policy.release_ages.iter().any(|(pattern, age)| *age < held(pattern));
    raise(&mut policy.min_release_age, floor.min_release_age) | looser
}

/// What rules say about everything that a pattern is about: those of the most exact pattern that includes it.
fn over<T: Copy>(rules: &[(Pattern, T)], pattern: &Pattern) -> Option<T> {
    let including = rules.iter().filter(|(known, _)| known.includes(pattern));
    including.max_by_key(|(known, _)| known.as_str().len()).map(|(_, value)| *value)
}

fn raise<T: Ord + Copy>(own: &mut T, floor: T) -> bool {
    let below = *own < floor;
    *own = (*own).max(floor);
    below
}

/// For values of which none is stricter than the other.
fn same<T: Clone + PartialEq>(own: &mut T, floor: &T) -> bool {
    let differs = own != floor;
    own.clone_from(floor);
    differs
}

fn hold_max_age(policy: &mut Policy, floor: &Policy) -> bool {
    let above = policy.advisories.max_age > floor.advisories.max_age;
    policy.advisories.max_age = policy.advisories.max_age.min(floor.advisories.max_age);
    above
}

fn hold_scripts(policy: &mut Policy, floor: &Policy) -> bool {
    let before = policy.install_scripts.len();
    policy.install_scripts.retain(|id| floor.install_scripts.contains(id));
    policy.install_scripts.len() < before
}

fn hold_exempt(policy: &mut Policy, floor: &Policy) -> bool {
    let before = policy.exempt.len();
    policy.exempt.retain(|exemption| floor.exempt.contains(exemption));
    policy.exempt.len() < before
}

fn show_text(text: &str) -> String {
    format!("\"{text}\"")
}

fn show_file(file: &Option<SmolStr>) -> String {
    file.as_deref().map_or_else(|| "none".to_owned(), show_text)
}

fn show_scripts(policy: &Policy) -> String {
    if policy.install_scripts.is_empty() {
        return show_text("deny");
    }
    let mut out = String::from("[");
    for (i, id) in policy.install_scripts.iter().enumerate() {
        let _written = write!(out, "{}\"{id}\"", if i > 0 { ", " } else { "" });
    }
    out + "]"
}

fn show_count(count: usize, what: &str) -> String {
    match count {
        0 => "none".to_owned(),
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}
