//! Lookalike names: a name that reads like another one and is made of other characters.
use std::collections::BTreeMap;

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Kind, Manifest, Subject},
    name::ServerName,
};

use super::fold;

/// Names of one manifest that look alike, and names that mix scripts.
pub(super) fn within(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in [Kind::Tool, Kind::Prompt] {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for entry in manifest.entries(kind) {
            if mixes(entry.name()) {
                let finding = Finding::new(
                    Rule::LookalikeName,
                    entry.subject(),
                    "its name mixes letters of scripts that look alike",
                );
                findings.push(finding.evidence(entry.name()));
            }
            let other = *seen.entry(skeleton(entry.name())).or_insert(entry.name());
            if other != entry.name() {
                findings.push(looks_like(entry.subject(), entry.name(), other));
            }
        }
    }
    findings
}

/// Names that look like another server's.
pub(super) fn across(servers: &[(ServerName, &Manifest)]) -> Vec<(ServerName, Finding)> {
    let mut names: BTreeMap<String, Vec<(&ServerName, &str)>> = BTreeMap::new();
    for (server, manifest) in servers {
        for tool in manifest.tools() {
            names.entry(skeleton(tool.name())).or_default().push((server, tool.name()));
        }
    }
    let mut findings = Vec::new();
    for alike in names.values().filter(|alike| alike.len() > 1) {
        for (server, name) in alike {
            let other =
                alike.iter().find(|(other, other_name)| other != server && !other_name.eq_ignore_ascii_case(name));
            if let Some((_, other)) = other {
                findings.push(((*server).clone(), looks_like(Subject::entry(Kind::Tool, name), name, other)));
            }
        }
    }
    findings
}

fn looks_like(subject: Subject, name: &str, other: &str) -> Finding {
    // Names that differ in separators or case are careless more often than they are an attack.
    let bare = |name: &str| name.to_lowercase().replace(['_', '-', '.'], "");
    let severity = if bare(name) == bare(other) { Severity::Medium } else { Severity::High };
    let message = format!("its name looks like `{}`", mcpsec_model::text::escape(other));
    Finding::new(Rule::LookalikeName, subject, message).severe(severity).confidence(Confidence::High).evidence(name)
}

/// What a name looks like at a glance: plain letters, without separators, with digits and pairs of letters that look like
/// others replaced.
fn skeleton(name: &str) -> String {
    let plain = fold::folded(name).replace("rn", "m").replace("vv", "w").replace("cl", "d");
    let glance = |c: char| match c {
        '0' => Some('o'),
        '1' | '|' | 'i' => Some('l'),
        '5' => Some('s'),
        '_' | '-' | '.' | ' ' => None,
        c => Some(c),
    };
    plain.chars().filter_map(glance).collect()
}

/// Latin letters beside letters of another alphabet that fold to Latin ones, or characters nobody sees.
fn mixes(name: &str) -> bool {
    let alike = |c: char| {
        let mut plain = String::new();
        fold::fold(c, &mut plain);
        !c.is_ascii()
            && c.is_alphabetic()
            && !matches!(u32::from(c), 0xc0..=0x24f)
            && plain.bytes().all(|b| b.is_ascii_alphabetic())
    };
    // A word of one alphabet beside a word of another is a name in two languages.
    let mixed = |word: &str| word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(alike);
    let hidden = |c: char| mcpsec_model::text::is_hidden(c) && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}');
    name.chars().any(hidden) || name.split(|c: char| !c.is_alphabetic()).any(mixed)
}
