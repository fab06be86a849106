//! What this machine captured before: one file a capture in the cache folder, named by everything that could change it.
//!
//! A file that is missing, damaged or of another form is no answer; then the server is asked again.
use std::{collections::BTreeSet, path::PathBuf};

use mcpsec_model::{
    capture::{Between, Captured, Context, Observed, Runtime, Unstable},
    config::Isolation,
    digest::Digest,
    manifest::{Manifest, json},
    text::Untrusted,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{files, settings::Settings};

/// Raised when captures of the same bytes would come out otherwise than before.
const FORMAT: u32 = 2;
const LIMIT: u64 = 64 << 20;

/// Everything that decides what a capture says. Two captures with equal questions have equal answers, or the server is
/// unstable.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub(super) closure: String,
    pub(super) entry: String,
    pub(super) args: &'a [String],
    pub(super) placeholders: &'a BTreeSet<String>,
    pub(super) network: &'a BTreeSet<String>,
    pub(super) isolation: &'a str,
    pub(super) install_scripts: &'a BTreeSet<String>,
    pub(super) platform: String,
    pub(super) runtime: Option<String>,
}

impl Question<'_> {
    /// `None` for a question that has no text: two such must not share an answer.
    fn file(&self, settings: &Settings) -> Option<PathBuf> {
        let value = serde_json::to_value((FORMAT, self)).ok()?;
        let name = Digest::sha256_of(&json::canonical(&value)).to_hex();
        Some(settings.cache.join("captures").join(format!("{name}.json")))
    }

    /// The answer of an earlier run.
    pub(super) fn recall(&self, settings: &Settings) -> Option<Captured> {
        let bytes = files::read_bytes(&self.file(settings)?, LIMIT).ok()??;
        let stored: Stored = serde_json::from_slice(&bytes).ok()?;
        stored.into_captured()
    }

    /// Keeps an answer. Forgetting costs only time, so a cache that cannot be written is no error.
    pub(super) fn remember(&self, settings: &Settings, captured: &Captured) {
        let stored = Stored::from(captured);
        let (Ok(text), Some(file)) = (serde_json::to_string(&stored), self.file(settings)) else { return };
        if let Err(error) = files::replace(&file, &text) {
            tracing::debug!("cannot remember a capture: {error}");
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    isolation: String,
    runtime: Option<(String, String)>,
    protocol: String,
    placeholders: BTreeSet<String>,
    network: BTreeSet<String>,
    manifest: Value,
    unstable: Vec<(String, String, Value)>,
    hosts: BTreeSet<String>,
    files: BTreeSet<String>,
    canaries: BTreeSet<String>,
    programs: BTreeSet<String>,
    refused: std::collections::BTreeMap<String, u64>,
    incomplete: bool,
}

impl From<&Captured> for Stored {
    fn from(captured: &Captured) -> Self {
        let texts = |set: &BTreeSet<Untrusted>| set.iter().map(|text| text.raw().to_owned()).collect();
        let (context, observed) = (&captured.context, &captured.observed);
        Self {
            isolation: context.isolation.as_str().to_owned(),
            runtime: context.runtime.as_ref().map(|runtime| (runtime.name.to_string(), runtime.version.to_string())),
            protocol: context.protocol.to_string(),
            placeholders: context.placeholders.clone(),
            network: context.network.clone(),
            manifest: captured.manifest.to_json(),
            unstable: captured
                .unstable
                .iter()
                .map(|unstable| {
                    let place = unstable.subject.as_str().to_owned();
                    (unstable.between.as_str().to_owned(), place, unstable.other.clone())
                })
                .collect(),
            hosts: texts(&observed.hosts),
            files: texts(&observed.files),
            canaries: texts(&observed.canaries),
            programs: texts(&observed.programs),
            refused: observed.refused.iter().map(|(call, times)| (call.to_string(), *times)).collect(),
            incomplete: observed.incomplete,
        }
    }
}

impl Stored {
    fn into_captured(self) -> Option<Captured> {
        let word = |text: &str| Isolation::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let texts = |set: BTreeSet<String>| set.into_iter().map(Untrusted::new).collect();
        let unstable = self.unstable.into_iter().map(|(between, place, other)| {
            let between =
                [Between::Calls, Between::Processes, Between::Clients].into_iter().find(|b| b.as_str() == between)?;
            Some(Unstable { subject: place.parse().ok()?, between, other: json::sorted(other) })
        });
        Some(Captured {
            manifest: Manifest::from_value(self.manifest).ok()?,
            context: Context {
                isolation: word(&self.isolation)?,
                runtime: self.runtime.map(|(name, version)| Runtime { name: name.into(), version: version.into() }),
                protocol: self.protocol.into(),
                placeholders: self.placeholders,
                real_env: BTreeSet::new(),
                network: self.network,
            },
            unstable: unstable.collect::<Option<Vec<_>>>()?,
            observed: Observed {
                hosts: texts(self.hosts),
                files: texts(self.files),
                canaries: texts(self.canaries),
                programs: texts(self.programs),
                refused: self.refused.into_iter().map(|(call, times)| (call.into(), times)).collect(),
                incomplete: self.incomplete,
            },
        })
    }
}
