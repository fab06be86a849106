//! `[policy]`: what must hold, and what is tolerated. Two named policies; none is a silent default.
//!
//! Text to policy: [`read`] puts what one file says over what there is, [`layers`] puts several files over each other, and
//! [`keys`] knows of every key what it means, how it is shown, and which of two values is stricter.
mod keys;
mod layers;
mod read;
mod words;

use std::{collections::BTreeMap, time::Duration};

pub use keys::{Key, PolicyKeys};
pub(super) use layers::merge;
pub use layers::{Held, Layers, MAX_BASES, PolicySources, PolicyText, Weakening, extends};
#[cfg(test)]
pub(super) use read::{ADVISORY_KEYS, APPROVAL_KEYS, DRIFT_KEYS, EXEMPT_KEYS};
pub(super) use read::{KEYS, Kind, MAX_RULES, PROVENANCE_KEYS};
use smol_str::SmolStr;
pub use words::{CapturePolicy, ClientsPolicy, DatabasePolicy, Isolation, Level, ProvenanceRule, UpstreamPolicy};

use super::trust::{ExpectedSigner, Pattern, most_exact};
use crate::{
    finding::{Place, Rule},
    name::{Ecosystem, ServerName},
    package::PackageId,
    time::Date,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// A version must have been out for this long; see [`Policy::min_release_age_for`].
    pub min_release_age: Duration,
    /// The same for some packages, in the order of the file.
    pub release_ages: Vec<(Pattern, Duration)>,
    /// Who must have built it, per ecosystem.
    pub provenance: Provenance,
    /// Who must have signed some packages.
    pub signers: Vec<ExpectedSigner>,
    /// What it does when a version has less evidence than earlier ones, or another signer.
    pub trust_downgrade: Level,
    /// The file of SSH keys that may sign git tags and commits, in OpenSSH's allowed-signers format.
    pub git_signers: Option<SmolStr>,
    /// The file of armored OpenPGP keys that may sign git tags and commits.
    pub git_keys: Option<SmolStr>,
    /// Packages whose install scripts may run, as `npm:name@version`; all others never run. Empty is `"deny"`.
    pub install_scripts: Vec<SmolStr>,
    /// The weakest sandbox accepted.
    pub isolation: Isolation,
    /// Whether a server must be heard in the sandbox before it is locked.
    pub capture: CapturePolicy,
    /// What a manifest change of each level does.
    pub drift: DriftPolicy,
    /// Signed approvals.
    pub approvals: Approvals,
    /// Whether the registry must answer.
    pub upstream: UpstreamPolicy,
    /// What an advisory does, by its severity.
    pub advisories: Advisories,
    /// What client configurations do that start servers past the lock.
    pub clients: ClientsPolicy,
    /// What findings of some rules do, where that is not left to how grave they are.
    pub rules: BTreeMap<Rule, RuleLevel>,
    /// Exceptions with reason and end.
    pub exempt: Vec<Exemption>,
    /// What holds besides, whatever the keys above say: the locked keys of a policy that this one extends, and the machine's.
    pub floors: Vec<Floor>,
}

/// Keys of another policy that count at least. Keys with one plain value are raised where policies are merged; those that differ
/// by package or finding are asked of both policies, and the stricter answer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// Dotted paths without `policy.`, without children.
    pub keys: Vec<String>,
    /// The policy that has their values.
    pub policy: Policy,
}

impl Floor {
    /// Whether it says something about a key or one below it.
    pub fn covers(&self, key: &str) -> bool {
        let below = |path: &String| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.keys.iter().any(below)
    }
}

impl Policy {
    /// What a first `add` writes: an ordinary server just works, and what was not checked is said.
    pub fn starter() -> Self {
        Self {
            min_release_age: DAY,
            release_ages: Vec::new(),
            provenance: Provenance {
                npm: ProvenanceRule::IfPublished,
                pypi: ProvenanceRule::IfPublished,
                git: ProvenanceRule::IfPublished,
                rules: Vec::new(),
            },
            signers: Vec::new(),
            trust_downgrade: Level::Warn,
            git_signers: None,
            git_keys: None,
            install_scripts: Vec::new(),
            isolation: Isolation::Landlock,
            capture: CapturePolicy::IfPossible,
            drift: DriftPolicy {
                cosmetic: Level::Allow,
                wording: Level::Warn,
                additive: Level::Warn,
                breaking: Level::Deny,
                dangerous: Level::Deny,
            },
            approvals: Approvals { required: 0, signers: None },
            upstream: UpstreamPolicy::Warn,
            advisories: Advisories {
                malware: Level::Deny,
                critical: Level::Deny,
                high: Level::Warn,
                medium: Level::Warn,
                low: Level::Allow,
                database: DatabasePolicy::IfPresent,
                max_age: 14 * DAY,
            },
            clients: ClientsPolicy::Deny,
            rules: BTreeMap::new(),
            exempt: Vec::new(),
            floors: Vec::new(),
        }
    }

    /// For teams: approvals, provenance and the registry's answer are required.
    pub fn strict() -> Self {
        Self {
            min_release_age: 3 * DAY,
            provenance: Provenance {
                npm: ProvenanceRule::Required,
                pypi: ProvenanceRule::Required,
                git: ProvenanceRule::Signed,
                rules: Vec::new(),
            },
            trust_downgrade: Level::Deny,
            capture: CapturePolicy::Required,
            approvals: Approvals { required: 1, signers: Some("mcp-signers".into()) },
            upstream: UpstreamPolicy::Required,
            advisories: Advisories {
                malware: Level::Deny,
                critical: Level::Deny,
                high: Level::Deny,
                medium: Level::Warn,
                low: Level::Warn,
                database: DatabasePolicy::Required,
                max_age: 3 * DAY,
            },
            ..Self::starter()
        }
    }

    /// How long a version of this package must have been out; `root_of` is the server whose own package it is. The most exact
    /// pattern decides, as in [`Provenance::rule_for`], and no floor is undercut.
    pub fn min_release_age_for(&self, package: &PackageId, root_of: Option<&ServerName>) -> Duration {
        let own = most_exact(&self.release_ages, Some(package), root_of).map_or(self.min_release_age, |(_, age)| *age);
        let floors = self.floors.iter().filter(|floor| floor.covers("min-release-age"));
        floors.map(|floor| floor.policy.min_release_age_for(package, root_of)).max().map_or(own, |floor| own.max(floor))
    }

    /// Who must have built this package; see [`Provenance::rule_for`]. No floor is undercut.
    pub fn provenance_for(&self, package: &PackageId, root_of: Option<&ServerName>) -> ProvenanceRule {
        let own = self.provenance.rule_for(package, root_of);
        let key = match package.ecosystem() {
            Ecosystem::Npm => "provenance.npm",
            Ecosystem::Pypi => "provenance.pypi",
            Ecosystem::Git => "provenance.git",
        };
        let floors = self.floors.iter().filter(|floor| floor.covers(key));
        floors.map(|floor| floor.policy.provenance_for(package, root_of)).max().map_or(own, |floor| own.max(floor))
    }

    /// Whether the evidence of this package may be looked at: its own rule may say no, and that of a server yes.
    pub fn looks_at_provenance(&self, package: &PackageId) -> bool {
        self.provenance.rule_for(package, None) != ProvenanceRule::Off
            || self.provenance.rules.iter().any(|(pattern, _)| pattern.is_server())
            || self.floors.iter().any(|floor| floor.covers("provenance") && floor.policy.looks_at_provenance(package))
    }
}

/// What advisories do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advisories {
    /// What mcp.toml says about malicious versions. Nothing but `deny` counts: see `docs/policy.md`.
    pub malware: Level,
    /// Of severity critical.
    pub critical: Level,
    /// Of severity high.
    pub high: Level,
    /// Of severity medium, and those that give none.
    pub medium: Level,
    /// Of severity low.
    pub low: Level,
    /// Whether an offline database must be there.
    pub database: DatabasePolicy,
    /// An older database is as good as none.
    pub max_age: Duration,
}

/// What findings of one rule do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleLevel {
    /// All of them; `None` leaves it to how grave each one is.
    pub level: Option<Level>,
    /// Those about some packages and servers, in the order of the file.
    pub exceptions: Vec<(Pattern, Level)>,
}

/// A rule for each ecosystem, and exceptions by scope, package and server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// npm packages.
    pub npm: ProvenanceRule,
    /// Python packages.
    pub pypi: ProvenanceRule,
    /// git sources.
    pub git: ProvenanceRule,
    /// For some packages, in the order of the file.
    pub rules: Vec<(Pattern, ProvenanceRule)>,
}

impl Provenance {
    /// The rule for a package, which is the own package of `root_of` if given. A rule for the server wins over one for the
    /// package, an exact name over a pattern, the longer pattern over the shorter, and any of them over the ecosystem's.
    pub fn rule_for(&self, package: &PackageId, root_of: Option<&ServerName>) -> ProvenanceRule {
        let best = most_exact(&self.rules, Some(package), root_of).map(|(_, rule)| *rule);
        best.unwrap_or(match package.ecosystem() {
            Ecosystem::Npm => self.npm,
            Ecosystem::Pypi => self.pypi,
            Ecosystem::Git => self.git,
        })
    }
}

/// A level for each drift grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftPolicy {
    /// Semantically equal.
    pub cosmetic: Level,
    /// Text reworded.
    pub wording: Level,
    /// Something new.
    pub additive: Level,
    /// Something removed or narrowed.
    pub breaking: Level,
    /// A risk signal.
    pub dangerous: Level,
}

/// Signed approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// How many are needed.
    pub required: u32,
    /// The file of signers.
    pub signers: Option<SmolStr>,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// The rule or check that is lifted.
    pub rule: SmolStr,
    /// What it is lifted for, as the finding shows it.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The last day (UTC) on which it counts.
    pub until: Date,
    /// Where it is written.
    pub place: Option<Place>,
}

#[cfg(test)]
mod tests;
