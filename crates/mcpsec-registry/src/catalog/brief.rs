//! What lists and the search need of a lock, so that they need not read it again.
use std::collections::BTreeMap;

use mcpsec_model::{
    evidence::EvidenceState,
    lock::{Lock, LockedServer},
    manifest::Kind,
};

/// The most names of one kind that are kept, and the longest.
const MAX_NAMES: usize = 2_000;
const MAX_NAME: usize = 200;

/// A lock in a few words. The words are strangers'.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Brief {
    /// How many packages are in which state of evidence.
    pub evidence: BTreeMap<EvidenceState, usize>,
    /// How many packages want to run a script when they are installed.
    pub install_scripts: usize,
    /// Names of tools, prompts and resources, in the order of the manifest; each cut after 200 characters.
    pub names: Vec<(Kind, String)>,
    /// Whether there are more names than are kept.
    pub more_names: bool,
    /// What it calls itself, cut after 200 characters.
    pub title: Option<String>,
}

impl Brief {
    /// Of a lock and the server in it.
    pub(super) fn of(lock: &Lock, server: &LockedServer) -> Self {
        let mut brief = Self::default();
        for package in lock.packages_of(&[server]) {
            if !package.artifacts.is_empty() {
                *brief.evidence.entry(package.evidence.state()).or_default() += 1;
            }
            brief.install_scripts += usize::from(package.install_scripts);
        }
        let Some(captured) = server.told.captured() else { return brief };
        let short = |text: &str| text.chars().take(MAX_NAME).collect::<String>();
        for kind in Kind::ALL {
            let entries = captured.manifest.entries(kind);
            brief.names.extend(entries.iter().take(MAX_NAMES).map(|entry| (kind, short(entry.name()))));
            brief.more_names |= entries.len() > MAX_NAMES;
        }
        let said = |member: &str| captured.manifest.server_info().get(member)?.as_str().map(short);
        brief.title = said("title").or_else(|| said("name"));
        brief
    }
}
