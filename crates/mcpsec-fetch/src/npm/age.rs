//! What a packument tells of the age of versions, and what follows: young versions are held back, newer ones are named.
//!
//! A mirror that copies whole packages may tell when it copied a version in place of when it was published. That is told from the
//! times themselves, and only of registries that are not the public default: whoever publishes there could publish many
//! versions in a minute to look like a mirror.
use deno_semver::{Version, VersionReq};
use mcpsec_model::{publication::Publication, time::Timestamp};

use super::{packument::Packument, people::SlimPeople};
use crate::resolve::{Maturity, NewVersion, Newest, PassedOver, Published};

/// Fewest versions from which a mirror can be told.
const MIRRORED_VERSIONS: usize = 10;

/// Versions that were copied together are at most this far apart, in milliseconds.
const MIRRORED_GAP: i64 = 60_000;

impl Packument {
    fn time(&self, version: &str) -> Option<Timestamp> {
        self.published.get(version).and_then(|millis| Timestamp::from_millisecond(*millis).ok())
    }

    /// When anything of the record last changed, where the registry tells.
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.modified?).ok()
    }

    /// Whether the times look like those of a mirror that copied the package: at least half of many versions stand within a
    /// minute of another one.
    fn times_are_copied(&self) -> bool {
        let mut times: Vec<i64> = self.published.values().copied().collect();
        times.sort_unstable();
        let near = times.windows(2).filter(|pair| pair[1] - pair[0] < MIRRORED_GAP).count();
        times.len() >= MIRRORED_VERSIONS && near * 2 >= times.len()
    }

    /// What is told of a version's age. `may_copy`: the registry may be a mirror.
    pub(crate) fn age(&self, version: &str, may_copy: bool) -> Published {
        match (self.time(version), self.modified()) {
            (Some(time), _) if may_copy && self.times_are_copied() => Published::Copied(time),
            (Some(time), _) => Published::At(time),
            (None, Some(modified)) if self.versions.contains_key(version) => Published::By(modified),
            (None, _) => Published::Untold,
        }
    }

    /// Holds back versions that are young, and moves tags that point to them back to what is old enough, if anything is.
    pub(crate) fn hold_back(&mut self, maturity: &Maturity, may_copy: bool) {
        if may_copy && self.times_are_copied() {
            return;
        }
        let is_young =
            |version: &&String| self.time(version).is_some_and(|time| maturity.is_young(self.name(), version, time));
        self.young = self.versions.keys().filter(is_young).cloned().collect();
        if self.young.is_empty() {
            return;
        }
        self.told_tags = self.tags.clone();
        let moved = |(tag, version): (&String, &String)| {
            (tag.clone(), self.at_or_below(version).unwrap_or_else(|| version.clone()))
        };
        self.tags = self.told_tags.iter().map(moved).collect();
        self.info = std::sync::OnceLock::new();
    }

    /// Versions that are held back.
    pub(crate) fn young(&self) -> &std::collections::BTreeSet<String> {
        &self.young
    }

    /// The newest young version that a requirement would have selected in place of `chosen`.
    pub(crate) fn passed_over(&self, requirement: &VersionReq, chosen: &str) -> Option<PassedOver> {
        let chosen = Version::parse_from_npm(chosen).ok()?;
        let parsed = |version: &String| Some((Version::parse_from_npm(version).ok()?, version.clone()));
        let (newest, text) = match requirement.tag() {
            Some(tag) => parsed(self.told_tags.get(tag).filter(|version| self.young.contains(*version))?)?,
            None => {
                let fitting = self.young.iter().filter_map(parsed);
                let fitting =
                    fitting.filter(|(version, text)| requirement.matches(version) && !self.avoided().contains(text));
                fitting.max_by(|a, b| a.0.cmp(&b.0))?
            }
        };
        let published = self.time(&text)?;
        (newest > chosen).then_some(PassedOver { version: text, published })
    }

    /// What is newer than `current`: in the range of `requirement`, and beyond it. Prereleases and deprecated versions are
    /// nobody's next version; beyond the range, `latest` is what the publisher means.
    pub(crate) fn newer(&self, requirement: &VersionReq, current: &str) -> Newest {
        let Ok(current) = Version::parse_from_npm(current) else { return Newest::default() };
        let new = |text: &str| NewVersion { version: text.to_owned(), published: self.time(text) };
        let candidates =
            self.versions.keys().filter_map(|text| Some((Version::parse_from_npm(text).ok()?, text.as_str())));
        let better: Vec<(Version, &str)> = candidates
            .filter(|(version, text)| *version > current && version.pre.is_empty() && !self.is_deprecated(text))
            .collect();
        let in_range = match requirement.tag() {
            Some(tag) => better.iter().find(|(_, text)| self.tag(tag) == Some(*text)),
            None => better.iter().filter(|(version, _)| requirement.matches(version)).max_by(|a, b| a.0.cmp(&b.0)),
        };
        let latest = better.iter().find(|(_, text)| self.tag("latest") == Some(*text));
        let beyond = latest.filter(|(version, _)| in_range.is_none_or(|(best, _)| version > best));
        Newest { in_range: in_range.map(|(_, text)| new(text)), beyond: beyond.map(|(_, text)| new(text)) }
    }

    /// Who published which version and when; empty where the record does not tell.
    pub(crate) fn publications(&self) -> Vec<Publication> {
        let part = self.people.clone().and_then(|range| self.text.get(range));
        let Some(people) = part.and_then(|part| serde_json::from_slice::<SlimPeople<'_>>(part).ok()) else {
            return Vec::new();
        };
        let all = self.versions.keys().map(|version| {
            let (publisher, maintainers) = people.get(version);
            Publication { version: version.into(), published: self.time(version), publisher, maintainers }
        });
        all.collect()
    }
}
