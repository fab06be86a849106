//! What a new version does that the old one did not: findings, each with file and line.
//!
//! Versions are compared package by package, not file by file: what moved to another file is not new, and neither is what
//! another package of the old closure did already (bundling). A package that is new in the closure has nothing to be compared
//! with; of it only what is seldom innocent counts, and the rest is told in one finding.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    package::PackageId,
};

use super::{
    domain,
    facts::{Deed, FileFacts, Name, NameKind, Sign, SignKind},
    grade::{self, Grade},
    package::{self, PackageFacts},
};

/// A sign, and the file that shows it.
type Seen<'a> = (&'a String, &'a Sign);

/// Raised when the same facts would be judged otherwise than before.
pub const VERSION: u32 = 1;
/// The most findings of one rule about one package; what is more is counted.
const MOST: usize = 20;

/// One package version of a closure.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// Which one.
    pub id: &'a PackageId,
    /// What it does.
    pub facts: &'a PackageFacts,
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// What somebody should know before the new version is used.
    Decisions,
    /// Also every module, variable, link and e-mail address that is new.
    Everything,
}

/// What the packages of one closure do that those of an earlier one did not. With nothing in `before`, what is seldom innocent
/// in `after`. Findings come worst first.
pub fn compare(before: &[Version<'_>], after: &[Version<'_>], detail: Detail) -> Vec<Finding> {
    let first = before.is_empty();
    let known = Known::of(before);
    let mut findings = Vec::new();
    for version in after {
        if before.iter().any(|old| old.id == version.id && old.facts == version.facts) {
            continue;
        }
        let same =
            |old: &&Version<'_>| old.id.name() == version.id.name() && old.id.ecosystem() == version.id.ecosystem();
        let old: Vec<&PackageFacts> = before.iter().filter(same).map(|old| old.facts).collect();
        let looking = Looking { version: *version, old: &old, known: &known, first, detail };
        findings.extend(looking.findings());
    }
    findings.sort_by(|a, b| {
        b.severity().cmp(&a.severity()).then_with(|| b.confidence.cmp(&a.confidence)).then_with(|| a.cmp(b))
    });
    findings.dedup();
    findings
}

/// What all packages of the earlier closure name and show together.
struct Known {
    names: BTreeSet<Name>,
    signs: BTreeSet<(SignKind, String)>,
}

impl Known {
    fn of(before: &[Version<'_>]) -> Self {
        let files = || before.iter().flat_map(|version| version.facts.files.values());
        let names = files().flat_map(|facts| facts.names.keys().cloned()).collect();
        let signs = files().flat_map(|facts| &facts.signs).map(|sign| (sign.kind, sign.shown.clone())).collect();
        Self { names, signs }
    }
}

/// One package that is looked at.
struct Looking<'a> {
    version: Version<'a>,
    /// Its earlier versions; none if it is new in the closure.
    old: &'a [&'a PackageFacts],
    known: &'a Known,
    /// Whether there is no earlier closure at all.
    first: bool,
    detail: Detail,
}

impl<'a> Looking<'a> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.signs();
        findings.extend(self.scripts());
        findings.extend(self.hooks());
        findings.extend(self.unread());
        if self.old.is_empty() {
            if !self.first {
                findings.extend(self.newcomer());
            }
            return findings;
        }
        findings.extend(self.names());
        findings.extend(self.deeds());
        findings.extend(self.natives());
        findings.extend(self.metadata());
        findings
    }

    fn facts(&self) -> &'a PackageFacts {
        self.version.facts
    }

    /// Files that count: not tests, examples or documentation.
    fn files(&self) -> impl Iterator<Item = (&'a String, &'a FileFacts)> {
        let facts = self.facts();
        facts.files.iter().filter(move |(path, _)| !facts.is_aside(path))
    }

    fn finding(&self, rule: Rule, file: &str, line: u32, message: String) -> Finding {
        Finding::new(rule, format!("{}/{file}", self.version.id), message).place(file, line)
    }

    /// A finding about the package as a whole.
    fn about(&self, rule: Rule, message: String) -> Finding {
        Finding::new(rule, self.version.id.to_string(), message)
    }

    /// What is seldom innocent. One finding for each kind and words, at its first place.
    fn signs(&self) -> Vec<Finding> {
        let mut seen: BTreeMap<(SignKind, &str), (Vec<Seen<'_>>, bool)> = BTreeMap::new();
        for (path, facts) in &self.facts().files {
            let aside = self.facts().is_aside(path);
            for sign in &facts.signs {
                let (places, main) = seen.entry((sign.kind, sign.shown.as_str())).or_default();
                if aside {
                    places.push((path, sign));
                } else {
                    let at = usize::from(*main) * places.len();
                    places.insert(at, (path, sign));
                    *main = true;
                }
            }
        }
        let old_signs: BTreeSet<(SignKind, &str)> = self
            .old
            .iter()
            .flat_map(|old| old.files.values().flat_map(|facts| &facts.signs))
            .map(|sign| (sign.kind, sign.shown.as_str()))
            .collect();
        let at_install = self.facts().run_at_install();
        let mut findings = Vec::new();
        let mut count: BTreeMap<SignKind, usize> = BTreeMap::new();
        for ((kind, shown), (places, main)) in seen {
            let Some((path, sign)) = places.first() else { continue };
            if old_signs.contains(&(kind, shown)) || self.known.signs.contains(&(kind, shown.to_owned())) {
                continue;
            }
            // The kind itself is not new where the earlier version showed it as well: other words may be the same thing.
            let usual = kind != SignKind::Recipient && self.old.iter().any(|old| old.strong(kind) > 0);
            // A script for a shell that lies in the package is run by nobody, unless an install script does.
            let lies = package::is_shell(path) && !at_install.contains(path.as_str());
            let weak = sign.weak || !main || lies;
            if self.old.is_empty() && weak {
                continue;
            }
            let shown_so_far = count.entry(kind).or_default();
            *shown_so_far += 1;
            if *shown_so_far > MOST {
                continue;
            }
            let Grade { rule, severity, confidence, means } =
                grade::of_sign(kind, weak, usual, at_install.contains(path.as_str()));
            let more = match places.len() - 1 {
                0 => String::new(),
                1 => ", and so does another file".to_owned(),
                more => format!(", and so do {more} other files"),
            };
            let newly = if self.old.is_empty() { "" } else { ", which the earlier version did not" };
            let finding = self.finding(rule, path, sign.line, format!("{means}{newly}{more}"));
            findings.push(finding.severe(severity).confidence(confidence).evidence(shown.to_owned()));
        }
        findings
    }

    /// What runs when it is installed.
    fn scripts(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (event, script) in &self.facts().scripts {
            let same = |old: &&PackageFacts| old.scripts.get(event).is_some_and(|old| old.command == script.command);
            if self.old.iter().any(same) {
                continue;
            }
            let had = self.old.iter().any(|old| old.scripts.values().any(|script| !script.is_usual()));
            let grave = script.signs.iter().find(|sign| !sign.weak);
            if let Some(sign) = grave {
                let Grade { rule, severity, confidence, means } = grade::of_sign(sign.kind, false, false, true);
                let finding = self.finding(
                    rule,
                    &script.file,
                    script.line,
                    format!("the script `{event}` {}", means.trim_start_matches("the code ")),
                );
                findings.push(finding.severe(severity).confidence(confidence).evidence(sign.shown.clone()));
            }
            // Of a package that is new itself, the finding `install-script` says it already.
            if self.old.is_empty() {
                continue;
            }
            let what = if had { "the script" } else { "a new script" };
            let (severity, confidence) = match (had, script.is_usual()) {
                (_, true) => (Severity::Low, Confidence::Low),
                (true, false) => (Severity::Medium, Confidence::Medium),
                (false, false) => (Severity::High, Confidence::High),
            };
            let message = format!("{what} `{event}` is to be run when it is installed");
            let finding = self.finding(Rule::NewInstallScript, &script.file, script.line, message);
            findings.push(finding.severe(severity).confidence(confidence).evidence(script.command.clone()));
        }
        findings
    }

    /// What runs whenever an interpreter starts, or while a package is built.
    fn hooks(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, line) in &self.facts().hooks {
            let empty = FileFacts::default();
            let facts = self.facts().files.get(path).unwrap_or(&empty);
            let building = path.ends_with("setup.py");
            let old: Vec<&FileFacts> = self.old.iter().filter_map(|old| old.files.get(path)).collect();
            let knew = |deed: &Deed| old.iter().any(|old| old.deeds.contains_key(deed));
            let grave: Vec<Deed> =
                [Deed::Network, Deed::Process, Deed::DynamicCode, Deed::WholeEnvironment, Deed::Native]
                    .into_iter()
                    .filter(|deed| facts.deeds.contains_key(deed) && !knew(deed))
                    .collect();
            // Every source distribution has one.
            if building
                && (grave.is_empty()
                    || self.old.iter().any(|old| old.hooks.contains_key(path)) && !grave.contains(&Deed::Network))
            {
                continue;
            }
            if !building && grave.is_empty() && self.old.iter().any(|old| old.hooks.contains_key(path)) {
                continue;
            }
            let network = grave.contains(&Deed::Network);
            let (severity, confidence) = match (building, self.old.is_empty()) {
                (true, false) if network => (Severity::High, Confidence::Medium),
                (true, _) => (Severity::Medium, Confidence::Low),
                (false, _) if grave.is_empty() => (Severity::Medium, Confidence::Medium),
                (false, _) => (Severity::High, Confidence::Medium),
            };
            let when = if building { "while it is built" } else { "whenever Python starts" };
            let what = grade::list(grave.iter().map(|deed| grade::does(*deed)));
            let message = if what.is_empty() {
                format!("it runs code {when}")
            } else {
                format!("it runs code {when}, which {what}")
            };
            let line = grave.first().and_then(|deed| facts.deeds.get(deed)?.first().copied()).unwrap_or(*line);
            findings.push(self.finding(Rule::StartupHook, path, line, message).severe(severity).confidence(confidence));
        }
        findings
    }

    /// Code that nobody can read.
    fn unread(&self) -> Vec<Finding> {
        let before =
            |path: &str| self.old.iter().any(|old| old.files.get(path).is_some_and(|facts| facts.unread.is_some()));
        let new: Vec<(&String, &FileFacts)> =
            self.files().filter(|(path, facts)| facts.unread.is_some() && !before(path)).collect();
        let Some((path, facts)) = new.first() else { return Vec::new() };
        let more = if new.len() > 1 { format!(", and so are {} other files", new.len() - 1) } else { String::new() };
        let why = facts.unread.clone().unwrap_or_default();
        vec![
            self.finding(Rule::UnreadableCode, path, 1, format!("this code could not be read in full{more}"))
                .evidence(why),
        ]
    }

    /// A package that is new in the closure: what it does, in one finding.
    fn newcomer(&self) -> Option<Finding> {
        let deeds = self.facts().deeds();
        let told: Vec<Deed> = deeds.keys().copied().filter(|deed| grade::is_telling(*deed)).collect();
        let native = !self.facts().natives.is_empty();
        if told.is_empty() && !native {
            return None;
        }
        let mut words: Vec<&str> = told.iter().map(|deed| grade::does(*deed)).collect();
        if native {
            words.push("holds native code");
        }
        let place = told.first().and_then(|deed| deeds.get(deed));
        let message = format!("this package is new in the closure; it {}", grade::list(words));
        let finding = self.about(Rule::NewDependency, message);
        Some(match place {
            Some((file, line)) => finding.place(*file, *line),
            None => finding,
        })
    }

    /// Names that it did not have before.
    fn names(&self) -> Vec<Finding> {
        let old: BTreeSet<&Name> =
            self.old.iter().flat_map(|old| old.files.values().flat_map(|facts| facts.names.keys())).collect();
        let hosts = |kind: NameKind| old.iter().filter(move |name| name.kind == kind).map(|name| name.text.as_str());
        let mut own: BTreeSet<&str> =
            hosts(NameKind::Host).chain(hosts(NameKind::Link)).map(domain::registrable).collect();
        for facts in self.old {
            own.extend(facts.homepage.as_deref().map(domain::registrable));
        }
        let knew_network = self.old.iter().any(|old| old.deeds().contains_key(&Deed::Network));
        let mut seen = BTreeSet::new();
        let mut count: BTreeMap<NameKind, usize> = BTreeMap::new();
        let mut findings = Vec::new();
        for (path, facts) in self.files() {
            for (name, line) in &facts.names {
                if old.contains(name) || !seen.insert(name) {
                    continue;
                }
                let related = matches!(name.kind, NameKind::Host | NameKind::Link)
                    && (own.contains(domain::registrable(&name.text))
                        || domain::is_named_like(&name.text, self.version.id.name().base()));
                let about = grade::About { facts, known: self.known.names.contains(name), related, knew_network };
                let Some(Grade { rule, severity, confidence, means }) = grade::of_name(name, &about) else {
                    if self.detail == Detail::Everything {
                        findings.extend(self.mention(name, path, *line));
                    }
                    continue;
                };
                let shown = count.entry(name.kind).or_default();
                *shown += 1;
                if *shown > MOST && severity < Severity::High && self.detail == Detail::Decisions {
                    continue;
                }
                let finding = self.finding(rule, path, *line, means);
                findings.push(finding.severe(severity).confidence(confidence).evidence(name.text.clone()));
            }
        }
        for (kind, shown) in count.into_iter().filter(|(_, shown)| *shown > MOST && self.detail == Detail::Decisions) {
            let message = format!("{} more {} are new", shown - MOST, grade::plural(kind));
            findings.push(self.about(Rule::NewHost, message).severe(Severity::Info));
        }
        findings
    }

    /// A new name that is of no weight, for those who want to see all.
    fn mention(&self, name: &Name, path: &str, line: u32) -> Option<Finding> {
        let rule = match name.kind {
            NameKind::Variable | NameKind::SecretVariable => Rule::NewEnvironment,
            NameKind::Module => Rule::NewDependency,
            NameKind::Email | NameKind::Webhook => Rule::NewRecipient,
            NameKind::Host | NameKind::Link | NameKind::Address => Rule::NewHost,
            NameKind::SecretPath => Rule::NewSecretAccess,
        };
        let finding = self.finding(
            rule,
            path,
            line,
            format!("the code names {} that it did not name before", grade::singular(name.kind)),
        );
        Some(finding.severe(Severity::Info).confidence(Confidence::Low).evidence(name.text.clone()))
    }

    /// Deeds that it did not do before, in any file.
    fn deeds(&self) -> Vec<Finding> {
        let old: BTreeSet<Deed> = self.old.iter().flat_map(|old| old.deeds().into_keys()).collect();
        let new = self.facts().deeds().into_iter().filter(|(deed, _)| !old.contains(deed));
        new.filter_map(|(deed, (file, line))| {
            let (rule, severity) = grade::of_deed(deed)?;
            let message = format!("the code {}, which the earlier version did not", grade::does(deed));
            Some(self.finding(rule, file, line, message).severe(severity))
        })
        .collect()
    }

    fn natives(&self) -> Vec<Finding> {
        let had = |path: &str| self.old.iter().any(|old| old.natives.contains_key(path));
        let any = self.old.iter().any(|old| !old.natives.is_empty());
        let new = self.facts().natives.iter().filter(|(path, _)| !had(path));
        new.take(MOST)
            .map(|(path, native)| {
                let severity = if any { Severity::Low } else { Severity::Medium };
                let message = format!("{} is new in the package", native.as_str());
                self.finding(Rule::NewNativeCode, path, 1, message).severe(severity)
            })
            .collect()
    }

    /// What it says of itself: entries, dependencies, repository.
    fn metadata(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let manifest =
            if self.facts().files.keys().any(|path| path.ends_with(".py")) { "METADATA" } else { "package.json" };
        for (name, file) in &self.facts().entries {
            let old: BTreeSet<&String> = self.old.iter().filter_map(|old| old.entries.get(name)).collect();
            if !old.is_empty() && !old.contains(file) {
                let old: Vec<&str> = old.into_iter().map(String::as_str).collect();
                let finding = self
                    .about(Rule::EntryChanged, format!("its entry `{name}` starts another file"))
                    .place(manifest, 1);
                findings.push(finding.evidence(format!("{} -> {file}", old.join(", "))));
            }
        }
        let had = |name: &String| self.old.iter().any(|old| old.dependencies.contains(name));
        let new: Vec<&str> = self.facts().dependencies.iter().filter(|name| !had(name)).map(String::as_str).collect();
        if !new.is_empty() {
            let message = "it needs packages that it did not need before".to_owned();
            findings.push(self.about(Rule::NewDependency, message).place(manifest, 1).evidence(new.join(", ")));
        }
        let old = self.old.iter().filter_map(|old| old.repository.as_deref()).collect::<BTreeSet<_>>();
        if let Some(new) = &self.facts().repository
            && !old.is_empty()
            && !old.contains(new.as_str())
        {
            let old: Vec<&str> = old.into_iter().collect();
            // Projects move between owners and names; a repository elsewhere altogether is another thing.
            let same_name = old.iter().any(|old| old.rsplit('/').next() == new.rsplit('/').next());
            let severity = if same_name { Severity::Low } else { Severity::Medium };
            let finding = self.about(Rule::RepositoryMismatch, "it names another repository than before".to_owned());
            findings.push(finding.place(manifest, 1).severe(severity).evidence(format!("{} -> {new}", old.join(", "))));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
