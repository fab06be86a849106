//! Evidence for people: counts, marks and signers. The words are the same in `add`, `verify`, `show` and `tree`.
use std::collections::BTreeMap;

use mcpsec_model::{
    evidence::{EvidenceState, Pin, SignerPin},
    lock::{Lock, LockedServer},
    name::Ecosystem,
    package::Package,
    text::escape,
};

use crate::{style::Style, wrap::indented};

/// `12 attested, 92 signed by registry`; packages that nobody vouches for are named as what they are.
pub fn counts(states: &BTreeMap<EvidenceState, usize>) -> String {
    let words = |state: EvidenceState| match state {
        EvidenceState::Attested => "attested",
        EvidenceState::Signed => "signed",
        EvidenceState::Nothing => "without evidence",
        EvidenceState::Stripped => "stripped (registry offers no evidence)",
        EvidenceState::NotLooked => "not looked at",
    };
    let parts: Vec<String> =
        states.iter().filter(|(_, n)| **n > 0).map(|(state, n)| format!("{n} {}", words(*state))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// The mark of a package in a tree: `[attested]`, …; empty for a bundled package, which its parent's evidence covers.
pub(crate) fn mark(package: &Package) -> String {
    if package.artifacts.is_empty() {
        return String::new();
    }
    format!("  [{}]", package.evidence.state())
}

/// Every package with who vouches for it, the server first; ends in a newline.
pub fn evidence(lock: &Lock, server: &LockedServer, style: Style) -> String {
    let root = server.closure.root().package();
    let packages = lock.packages_of(&[server]);
    let mut states: BTreeMap<EvidenceState, usize> = BTreeMap::new();
    for package in packages.iter().filter(|package| !package.artifacts.is_empty()) {
        *states.entry(package.evidence.state()).or_default() += 1;
    }
    let mut out = format!("{}  {}\n", style.bold(escape(server.name.as_str())), counts(&states));
    let first = packages.iter().filter(|package| package.id == *root);
    for package in first.chain(packages.iter().filter(|package| package.id != *root)) {
        one(&mut out, package, style);
    }
    crate::inert::inert(&out).into_owned()
}

fn one(out: &mut String, package: &Package, style: Style) {
    out.push_str(&format!("  {}{}\n", escape(&package.id.to_string()), style.dim(mark(package))));
    if let Some(parent) = &package.bundled_in {
        out.push_str(&indented(&escape(&format!("inside {parent}, whose evidence covers it")), 6, style.width()));
    }
    for pin in package.evidence.pins() {
        out.push_str(&indented(&escape(&line(pin, package.id.ecosystem())), 6, style.width()));
    }
}

/// One statement: what it is, by whom, from which commit, how its time is known.
fn line(pin: &Pin, ecosystem: Ecosystem) -> String {
    let what = pin.kind.done(ecosystem);
    let mut text = format!("{what}: {}", pin.signer);
    if let SignerPin::Workload { issuer, .. } = &pin.signer {
        text.push_str(&format!("; issuer {issuer}"));
    }
    if let Some(commit) = &pin.commit {
        text.push_str(&format!("; commit {commit}"));
    }
    if let Some(log) = pin.log {
        text.push_str(&format!("; log {log}"));
    }
    if let Some(file) = &pin.file {
        text.push_str(&format!("; only {file}"));
    }
    text
}
