//! Findings of the rules over whole manifests: those that are new.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    drift::DriftLevel,
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Manifest, Subject},
};

use super::{Before, Signals};
use crate::drift::sink::Sink;

/// Says every finding of weight that `after` has and `before` had not.
pub(super) fn compare(before: &Manifest, after: &Manifest, old: &Before<'_>, signals: Signals, sink: &mut Sink) {
    let known = (signals.scan)(before);
    let words = |finding: &Finding| finding.evidence.as_ref().map(|text| text.raw().to_owned());
    let same_words: BTreeSet<(Rule, Option<String>)> =
        known.iter().map(|finding| (finding.rule, words(finding))).collect();
    let mut had: BTreeMap<(Rule, String), usize> = BTreeMap::new();
    for finding in &known {
        *had.entry((finding.rule, finding.subject.clone())).or_default() += 1;
    }
    let places: BTreeMap<String, (Subject, &str)> =
        after.texts().into_iter().map(|text| (text.subject.to_string(), (text.subject, text.text))).collect();
    for finding in (signals.scan)(after) {
        let weighs = match finding.severity() {
            Severity::High => true,
            Severity::Medium => finding.confidence == Confidence::High,
            _ => false,
        };
        let evidence = words(&finding);
        if !weighs || evidence.is_some() && same_words.contains(&(finding.rule, evidence)) {
            continue;
        }
        // The place of the text, or of the entry that the finding is about.
        let (subject, text) = match places.get(&finding.subject) {
            Some((subject, text)) => (subject.clone(), Some(*text)),
            None => {
                let entry = places.values().map(|(subject, _)| subject).find(|subject| {
                    finding
                        .subject
                        .strip_prefix(subject.entry_of().as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                });
                (entry.map_or_else(Subject::server, Subject::entry_of), None)
            }
        };
        let place = old.place(&subject);
        let was = old.texts.get(&place).copied();
        let same_text = was.is_some() && was == text;
        let one_less = match had.get_mut(&(finding.rule, place.to_string())) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        };
        if same_text || one_less {
            continue;
        }
        let message = format!("{}: {}", finding.rule.id(), finding.message);
        sink.add(DriftLevel::Dangerous, subject, message, was, text);
    }
}
