//! Consent: `--accept SUBJECT --reason TEXT`, written to mcp.lock, and what was accepted before and still is what it was.
use std::collections::BTreeSet;

use mcpsec_model::{
    capture::{Accepted, Captured},
    digest::EntryId,
    drift::Drift,
    finding::Finding,
    manifest::{Entry, Kind, Subject, json},
};
use serde_json::{Value, json};

use crate::{cli::Consent, commands::content, error::CommandError};

/// Refuses consent that nobody could mean: one subject may stand in several servers, and was read in one.
pub(crate) fn check_consent(consent: &Consent, servers: usize) -> Result<(), CommandError> {
    if consent.accept.is_empty() {
        return Ok(());
    }
    if servers != 1 {
        return Err(
            CommandError::usage("--accept goes with one server only").hint("name the server that you have read")
        );
    }
    if consent.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(CommandError::usage("--reason is empty").hint("it is what others will read in mcp.lock"));
    }
    Ok(())
}

/// What a person accepts in this run, and what was accepted in earlier ones.
pub(crate) struct Accepting<'a> {
    consent: &'a Consent,
    before: &'a [Accepted],
    used: BTreeSet<String>,
    kept: BTreeSet<Accepted>,
}

impl<'a> Accepting<'a> {
    pub(crate) fn new(consent: &'a Consent, before: &'a [Accepted]) -> Self {
        Self { consent, before, used: BTreeSet::new(), kept: BTreeSet::new() }
    }

    /// Marks findings that are accepted. `denies` says which ones need that.
    pub(crate) fn findings(
        &mut self,
        captured: &Captured,
        findings: &mut [Finding],
        denies: impl Fn(&Finding) -> bool,
    ) {
        for finding in findings.iter_mut().filter(|finding| denies(finding)) {
            let shown = finding.evidence.as_ref().map_or(finding.message.as_str(), |words| words.raw());
            let entry = entry_of(captured, &finding.subject, Some(shown));
            finding.accepted = self.reason(entry, &finding.subject, Some(finding.rule));
        }
    }

    /// Marks findings about code that are accepted. `denies` says which ones need that.
    pub(crate) fn content(&mut self, findings: &mut [Finding], denies: impl Fn(&Finding) -> bool) {
        for finding in findings.iter_mut().filter(|finding| denies(finding)) {
            let entry = content::entry_of(finding);
            finding.accepted = self.reason(entry, &finding.subject, Some(finding.rule));
        }
    }

    /// Keeps what was accepted about the code of packages that stay as they are: it is new only once.
    pub(crate) fn keep_content(&mut self, stays: impl Fn(&str) -> bool) {
        let same = |old: &&Accepted| content::is_content(old.rule) && stays(&old.subject);
        self.kept.extend(self.before.iter().filter(same).cloned());
    }

    /// Marks changes that are accepted. `denies` says which ones need that.
    pub(crate) fn drift(
        &mut self,
        captured: &Captured,
        drift: &mut Drift,
        denies: impl Fn(&mcpsec_model::drift::Change) -> bool,
    ) {
        for change in drift.changes.iter_mut().filter(|change| denies(change)) {
            let entry = entry_of(captured, change.subject.as_str(), None);
            change.accepted = self.reason(entry, change.subject.as_str(), None);
        }
    }

    fn reason(&mut self, entry: EntryId, subject: &str, rule: Option<mcpsec_model::finding::Rule>) -> Option<String> {
        if let Some(reason) = &self.consent.reason
            && self.consent.accept.iter().any(|accepted| accepted == subject)
        {
            self.used.insert(subject.to_owned());
            self.kept.insert(Accepted { subject: subject.to_owned(), rule, entry, reason: reason.clone() });
            return Some(reason.clone());
        }
        let same = |old: &&Accepted| old.subject == subject && old.rule == rule && old.entry == entry;
        let old = self.before.iter().find(same)?;
        self.kept.insert(old.clone());
        Some(old.reason.clone())
    }

    /// What is to be written to the lock. An `--accept` that nothing needed is a mistake of the person who typed it.
    pub(crate) fn finish(self) -> Result<Vec<Accepted>, CommandError> {
        if let Some(unused) = self.consent.accept.iter().find(|subject| !self.used.contains(*subject)) {
            return Err(CommandError::usage(format!("--accept {unused}: nothing that needs consent has this subject"))
                .hint("run it without --accept, and copy the subject as it is printed"));
        }
        Ok(self.kept.into_iter().collect())
    }
}

/// The hash of all that was to be read when somebody accepted something: the entry with this subject, every other one that has
/// the same (names may come twice), and what other runs said in its place. Where no entry has it, the text at the place itself,
/// with the words of the finding: many findings are about `server`, and who accepted one accepted no other.
fn entry_of(captured: &Captured, subject: &str, words: Option<&str>) -> EntryId {
    let manifest = &captured.manifest;
    let Ok(place) = subject.parse::<Subject>() else { return EntryId::of(subject.as_bytes()) };
    let whole = place.entry_of();
    let of = |value: &Value| EntryId::of(&json::canonical(value));
    let all = Kind::ALL.into_iter().flat_map(|kind| manifest.entries(kind));
    let entries: Vec<&Entry> = all.filter(|entry| entry.subject() == whole).collect();
    let varying = captured.unstable.iter().filter(|unstable| unstable.subject.entry_of() == whole);
    let mut others: Vec<Value> = varying.map(|unstable| json!([unstable.subject.as_str(), unstable.other])).collect();
    others.sort_by_cached_key(json::canonical);
    others.dedup();
    match (entries.as_slice(), others.as_slice()) {
        ([entry], []) => entry.id(),
        ([], []) if words.is_none() => of(&manifest.at(&place).unwrap_or_default()),
        ([], others) => of(&json!([manifest.at(&place), words, others])),
        (entries, others) => {
            let entries: Vec<&Value> = entries.iter().map(|entry| entry.json()).collect();
            of(&json!([entries, others]))
        }
    }
}
