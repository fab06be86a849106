//! What is seldom innocent in the code of one locked server, remembered: one small file a closure, so that `verify` need not
//! look at every package again. A file that is damaged, or written by other rules, is no answer.
use std::path::PathBuf;

use mcpsec_audit::content::{compare, package};
use mcpsec_model::{
    digest::Digest,
    finding::{Confidence, Finding, Rule, Severity},
    lock::LockedServer,
    package::Package,
};
use serde::{Deserialize, Serialize};

use crate::commands::sources::Sources;
use crate::{files, settings::Settings};

const LIMIT: u64 = 4 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    rule: String,
    severity: u8,
    confidence: u8,
    subject: String,
    message: String,
    evidence: Option<String>,
    place: Option<(String, u32)>,
}

const SEVERITIES: [Severity; 4] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High];
const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];

/// Everything that decides about the answer: the bytes, and the rules that look at them.
pub(super) fn key(sources: &Sources<'_>, packages: &[&Package], server: &LockedServer) -> String {
    let mut lines =
        vec![format!("facts {} rules {} root {}", package::VERSION, compare::VERSION, server.closure.root().package())];
    for package in packages {
        let needed = sources.needed(package, &server.targets);
        lines.extend(
            needed.into_iter().filter_map(|artifact| Some(format!("{} {}", package.id, artifact.digests.strongest()?))),
        );
    }
    Digest::sha256_of(lines.join("\n").as_bytes()).to_hex()
}

fn place(settings: &Settings, key: &str) -> PathBuf {
    settings.cache.join("content").join("closures").join(format!("{key}.json"))
}

/// The answer of an earlier run.
pub(super) fn recall(settings: &Settings, key: &str) -> Option<Vec<Finding>> {
    let bytes = files::read_bytes(&place(settings, key), LIMIT).ok()??;
    let stored: Vec<Stored> = serde_json::from_slice(&bytes).ok()?;
    let finding = |stored: Stored| {
        let rule = Rule::ALL.iter().find(|rule| rule.id() == stored.rule)?;
        let severity = SEVERITIES.get(usize::from(stored.severity))?;
        let confidence = CONFIDENCES.get(usize::from(stored.confidence))?;
        let mut finding = Finding::new(*rule, stored.subject, stored.message).severe(*severity).confidence(*confidence);
        if let Some(evidence) = stored.evidence {
            finding = finding.evidence(evidence);
        }
        if let Some((file, line)) = stored.place {
            finding = finding.place(file, line);
        }
        Some(finding)
    };
    stored.into_iter().map(finding).collect()
}

/// Keeps an answer. Forgetting costs only time, so a cache that cannot be written is no error.
pub(super) fn remember(settings: &Settings, key: &str, findings: &[Finding]) {
    let at = |position: Option<usize>| u8::try_from(position.unwrap_or_default()).unwrap_or_default();
    let stored: Vec<Stored> = findings
        .iter()
        .map(|finding| Stored {
            rule: finding.rule.id().to_owned(),
            severity: at(SEVERITIES.iter().position(|severity| *severity == finding.severity())),
            confidence: at(CONFIDENCES.iter().position(|confidence| *confidence == finding.confidence)),
            subject: finding.subject.clone(),
            message: finding.message.clone(),
            evidence: finding.evidence.as_ref().map(|words| words.raw().to_owned()),
            place: finding.place.as_ref().map(|place| (place.file.clone(), place.line)),
        })
        .collect();
    let Ok(text) = serde_json::to_string(&stored) else { return };
    if let Err(error) = files::keep(&place(settings, key), &text) {
        tracing::debug!("cannot remember what code does: {error}");
    }
}
