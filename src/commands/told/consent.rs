//! Consent: `--accept SUBJECT --reason TEXT`, written to mcp.lock, and what was accepted before and still is what it was.
use std::collections::BTreeSet;

use mcpsec_model::{
    capture::Accepted,
    digest::EntryId,
    drift::Drift,
    finding::Finding,
    manifest::{Kind, Manifest, Subject, json},
};

use crate::{cli::Consent, error::CommandError};

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
        manifest: &Manifest,
        findings: &mut [Finding],
        denies: impl Fn(&Finding) -> bool,
    ) {
        for finding in findings.iter_mut().filter(|finding| denies(finding)) {
            finding.accepted = self.reason(manifest, &finding.subject, Some(finding.rule));
        }
    }

    /// Marks changes that are accepted. `denies` says which ones need that.
    pub(crate) fn drift(
        &mut self,
        manifest: &Manifest,
        drift: &mut Drift,
        denies: impl Fn(&mcpsec_model::drift::Change) -> bool,
    ) {
        for change in drift.changes.iter_mut().filter(|change| denies(change)) {
            change.accepted = self.reason(manifest, change.subject.as_str(), None);
        }
    }

    fn reason(
        &mut self,
        manifest: &Manifest,
        subject: &str,
        rule: Option<mcpsec_model::finding::Rule>,
    ) -> Option<String> {
        let entry = entry_of(manifest, subject);
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

/// The entry a subject is in, as it is now; for the server as a whole, and for what is gone, the text at the place itself.
fn entry_of(manifest: &Manifest, subject: &str) -> EntryId {
    let place = subject.parse::<Subject>().ok();
    let entry = place.as_ref().and_then(|place| {
        let all = Kind::ALL.into_iter().flat_map(|kind| manifest.entries(kind));
        all.into_iter().find(|entry| entry.subject() == place.entry_of())
    });
    match (entry, place) {
        (Some(entry), _) => entry.id(),
        (None, Some(place)) => EntryId::of(&json::canonical(&manifest.at(&place).unwrap_or_default())),
        (None, None) => EntryId::of(subject.as_bytes()),
    }
}
