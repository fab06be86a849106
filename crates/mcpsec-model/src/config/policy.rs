//! `[policy]`: what must hold, and what is tolerated. Two named policies; none is a silent default.
use std::time::Duration;

use smol_str::SmolStr;
use toml_edit::{Item, TableLike};

use super::{
    reader::{Reader, join, tables},
    trust::{self, ExpectedSigner, Pattern},
};
use crate::{
    finding::Rule,
    name::{Ecosystem, ServerName},
    package::PackageId,
    time::Date,
};

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// A version must have been out for this long.
    pub min_release_age: Duration,
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
    /// Exceptions with reason and end.
    pub exempt: Vec<Exemption>,
}

impl Policy {
    /// What a first `add` writes: an ordinary server just works, and what was not checked is said.
    pub fn starter() -> Self {
        Self {
            min_release_age: Duration::from_secs(24 * 3600),
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
            exempt: Vec::new(),
        }
    }

    /// For teams: approvals, provenance and the registry's answer are required.
    pub fn strict() -> Self {
        Self {
            min_release_age: Duration::from_secs(3 * 24 * 3600),
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
            ..Self::starter()
        }
    }
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
        let matching =
            self.rules.iter().filter_map(|(pattern, rule)| Some((pattern.matches(package, root_of)?, *rule)));
        let best = matching.max_by_key(|(exactness, _)| *exactness).map(|(_, rule)| rule);
        best.unwrap_or(match package.ecosystem() {
            Ecosystem::Npm => self.npm,
            Ecosystem::Pypi => self.pypi,
            Ecosystem::Git => self.git,
        })
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every word with its meaning, as mcp.toml writes it.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// The word in mcp.toml.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// Who must have built a package.
    ProvenanceRule {
        /// Not looked at.
        Off = "off",
        /// Checked where the publisher provides it.
        IfPublished = "if-published",
        /// git: the tag or commit must be signed.
        Signed = "signed",
        /// Must be there and hold.
        Required = "required",
    }
}

words! {
    /// Sandbox tiers, weakest first.
    Isolation {
        /// No sandbox at all.
        None = "none",
        /// macOS sandbox profile.
        Seatbelt = "seatbelt",
        /// Landlock and seccomp.
        Landlock = "landlock",
        /// Namespaces as well.
        Namespace = "namespace",
    }
}

words! {
    /// Whether a server's words must be heard in the sandbox.
    CapturePolicy {
        /// Nothing is run, and nobody knows what it tells the model.
        Off = "off",
        /// A server that cannot list its tools without a network or credentials is said and tolerated. A machine without a
        /// sandbox of the level of [`Policy::isolation`] is not.
        IfPossible = "if-possible",
        /// What could not be captured leaves the run incomplete.
        Required = "required",
    }
}

words! {
    /// What a change of some level does.
    Level {
        /// Nothing.
        Allow = "allow",
        /// It is shown.
        Warn = "warn",
        /// The gate says no.
        Deny = "deny",
    }
}

words! {
    /// What happens when the registry cannot be asked.
    UpstreamPolicy {
        /// It is not asked.
        Off = "off",
        /// It is said, and tolerated.
        Warn = "warn",
        /// The run is incomplete.
        Required = "required",
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
}

pub(super) const KEYS: &[&str] = &[
    "min-release-age",
    "provenance",
    "signers",
    "trust-downgrade",
    "git-signers",
    "git-keys",
    "install-scripts",
    "isolation",
    "capture",
    "drift",
    "approvals",
    "upstream",
    "exempt",
];
pub(super) const PROVENANCE_KEYS: &[&str] = &["npm", "pypi", "git"];
pub(super) const APPROVAL_KEYS: &[&str] = &["required", "signers"];
pub(super) const EXEMPT_KEYS: &[&str] = &["rule", "subject", "reason", "until"];
pub(super) const DRIFT_KEYS: &[&str] = &["cosmetic", "wording", "additive", "breaking", "dangerous"];

/// Reads `[policy]`. Keys that are absent have the starter policy's value.
pub(super) fn read(reader: &mut Reader<'_>, item: &Item) -> Policy {
    let mut policy = Policy::starter();
    let Some(table) = reader.table(item, "policy") else { return policy };
    reader.only(table, "policy", KEYS);
    for (key, item) in table.iter() {
        let path = join("policy", key);
        match key {
            "min-release-age" => {
                if let Some(age) = reader.parsed(item, &path, parse_age) {
                    policy.min_release_age = age;
                }
            }
            "provenance" => trust::read_provenance(reader, item, &path, &mut policy.provenance),
            "signers" => policy.signers = trust::read_signers(reader, item, &path),
            "trust-downgrade" => set(&mut policy.trust_downgrade, reader.word(item, &path, Level::WORDS)),
            "git-signers" => policy.git_signers = reader.parsed(item, &path, trust::file_beside),
            "git-keys" => policy.git_keys = reader.parsed(item, &path, trust::file_beside),
            "install-scripts" => {
                if item.as_str() == Some("deny") {
                    policy.install_scripts.clear();
                } else if item.is_array() {
                    let ids = reader.strings(item, &path).unwrap_or_default();
                    for id in &ids {
                        if let Err(error) = id.parse::<crate::package::PackageId>() {
                            reader.problem(item.span(), &path, error.to_string(), None);
                        }
                    }
                    policy.install_scripts = ids.into_iter().map(Into::into).collect();
                } else {
                    reader.problem(
                        item.span(),
                        &path,
                        "must be \"deny\" or a list of package ids such as \"npm:name@1.0.0\"",
                        None,
                    );
                }
            }
            "isolation" => set(&mut policy.isolation, reader.word(item, &path, Isolation::WORDS)),
            "capture" => set(&mut policy.capture, reader.word(item, &path, CapturePolicy::WORDS)),
            "upstream" => set(&mut policy.upstream, reader.word(item, &path, UpstreamPolicy::WORDS)),
            "drift" => read_drift(reader, item, &path, &mut policy.drift),
            "approvals" => read_approvals(reader, item, &path, &mut policy.approvals),
            "exempt" => policy.exempt = read_exemptions(reader, item, &path),
            _ => {}
        }
    }
    policy
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn read_drift(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut DriftPolicy) {
    let Some(table) = reader.table(item, path) else { return };
    reader.only(table, path, DRIFT_KEYS);
    for (key, item) in table.iter() {
        let path = join(path, key);
        let place = match key {
            "cosmetic" => &mut out.cosmetic,
            "wording" => &mut out.wording,
            "additive" => &mut out.additive,
            "breaking" => &mut out.breaking,
            "dangerous" => &mut out.dangerous,
            _ => continue,
        };
        set(place, reader.word(item, &path, Level::WORDS));
    }
}

fn read_approvals(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut Approvals) {
    let Some(table) = reader.table(item, path) else { return };
    reader.only(table, path, APPROVAL_KEYS);
    if let Some(item) = table.get("required") {
        match item.as_integer().and_then(|number| u32::try_from(number).ok()) {
            Some(required) => out.required = required,
            None => reader.problem(item.span(), &join(path, "required"), "must be a number from 0 upwards", None),
        }
    }
    if let Some(item) = table.get("signers") {
        let path = join(path, "signers");
        out.signers = reader.parsed(item, &path, trust::file_beside);
    } else if out.required > 0 {
        let hint = "add signers = \"mcp-signers\"".to_owned();
        reader.problem(item.span(), path, "requires approvals, and names no file of signers", Some(hint));
    }
}

fn read_exemptions(reader: &mut Reader<'_>, item: &Item, path: &str) -> Vec<Exemption> {
    let Some(entries) = tables(item) else {
        reader.problem(item.span(), path, "must be an array of tables: [[policy.exempt]]", None);
        return Vec::new();
    };
    entries.into_iter().filter_map(|table| read_exemption(reader, item, table, path)).collect()
}

fn read_exemption(reader: &mut Reader<'_>, whole: &Item, table: &dyn TableLike, path: &str) -> Option<Exemption> {
    reader.only(table, path, EXEMPT_KEYS);
    for key in EXEMPT_KEYS {
        if table.get(key).is_none() {
            let at = table.iter().next().and_then(|(_, item)| item.span()).or(whole.span());
            reader.problem(
                at,
                path,
                format!("needs `{key}`: an exemption has a rule, a subject, a reason and an end"),
                None,
            );
            return None;
        }
    }
    let rule = reader.string(table.get("rule")?, &join(path, "rule"))?;
    // Rules of later versions may be named, since a team shares one file; they are reported as unmatched, not refused.
    let rule = Rule::ALL.iter().find(|known| known.id() == rule).map_or(rule, |known| known.id());
    let subject = reader.string(table.get("subject")?, &join(path, "subject"))?.to_owned();
    if subject.trim().is_empty() {
        let message = "must say what is exempt, as the finding shows it";
        reader.problem(table.get("subject")?.span(), &join(path, "subject"), message, None);
        return None;
    }
    let reason_item = table.get("reason")?;
    let reason = reader.string(reason_item, &join(path, "reason"))?.trim().to_owned();
    if reason.is_empty() {
        reader.problem(reason_item.span(), &join(path, "reason"), "must say why", None);
        return None;
    }
    let until_item = table.get("until")?;
    let until = until_item.as_datetime().map(ToString::to_string).or_else(|| until_item.as_str().map(str::to_owned));
    let Some(until) = until.and_then(|text| text.parse::<Date>().ok()) else {
        reader.problem(until_item.span(), &join(path, "until"), "must be a date such as 2027-01-31", None);
        return None;
    };
    Some(Exemption { rule: rule.into(), subject, reason, until })
}

/// `3d`, `12h`, `0d`, `2w`.
fn parse_age(text: &str) -> Result<Duration, String> {
    let refuse = || {
        format!("`{}` is not an age such as \"3d\", \"12h\" or \"2w\"", crate::text::Untrusted::new(text).excerpt(20))
    };
    let unit = text.chars().last().ok_or_else(refuse)?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| refuse())?;
    let seconds = match unit {
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(refuse()),
    };
    number.checked_mul(seconds).filter(|total| *total <= 3660 * 24 * 3600).map(Duration::from_secs).ok_or_else(refuse)
}
