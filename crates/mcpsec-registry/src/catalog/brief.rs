//! What lists and the search need of a lock, so that they need not read it again.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    evidence::EvidenceState,
    lock::{Lock, LockedServer},
    manifest::Kind,
    target::{Platform, PythonMinor},
};
use toml::{Table, Value};

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
    /// The mcp.toml that the lock is of: `[servers.NAME]`, and `[targets]` where they are not the usual ones.
    pub asked: String,
    /// What it calls itself, cut after 200 characters.
    pub title: Option<String>,
}

impl Brief {
    /// Of a lock and the server in it.
    pub(super) fn of(lock: &Lock, server: &LockedServer) -> Self {
        let mut brief = Self { asked: asked(server), ..Self::default() };
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

/// What somebody has to ask for in mcp.toml to have this lock fit it.
fn asked(server: &LockedServer) -> String {
    let text = |text: &dyn std::fmt::Display| Value::String(text.to_string());
    let mut entry = Table::new();
    entry.insert("source".to_owned(), text(&server.spec));
    entry.extend(server.command.iter().map(|command| ("command".to_owned(), text(command))));
    entry.extend(server.as_of.iter().map(|as_of| ("as-of".to_owned(), text(as_of))));
    if !server.overrides.is_empty() {
        let overrides: Table = server.overrides.iter().map(|(name, version)| (name.clone(), text(version))).collect();
        entry.insert("overrides".to_owned(), Value::Table(overrides));
    }
    let platforms: BTreeSet<Platform> = server.targets.iter().map(|target| target.platform).collect();
    let pythons: BTreeSet<PythonMinor> = server.targets.iter().filter_map(|target| target.python).collect();
    let mut targets = Table::new();
    if platforms != Platform::DEFAULT.into_iter().collect() {
        targets
            .insert("platforms".to_owned(), platforms.iter().map(|one| text(&one.as_str())).collect::<Vec<_>>().into());
    }
    if !pythons.is_empty() && pythons != PythonMinor::DEFAULT.into_iter().collect() {
        targets.insert("python".to_owned(), pythons.iter().map(|one| text(one)).collect::<Vec<_>>().into());
    }
    let mut all = Table::new();
    let named = Table::from_iter([(server.name.to_string(), Value::Table(entry))]);
    all.insert("servers".to_owned(), Value::Table(named));
    if !targets.is_empty() {
        all.insert("targets".to_owned(), Value::Table(targets));
    }
    // Texts in tables always have a TOML form.
    toml::to_string(&all).unwrap_or_default()
}
