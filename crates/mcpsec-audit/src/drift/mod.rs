//! Drift: how what a server tells the model differs between two versions, graded.
//!
//! ```text
//! two manifests ─ pairs of entries (same name, or renamed) ─┬─ structure: schemas, hints, wording  ─┐
//!                                                           └─ risk: what the new words ask for     ┴─ Drift
//! ```
//!
//! The two looks are apart on purpose: the structural one forgives what libraries write differently, the one for risks
//! sees every text as it came, so nothing can hide in what was forgiven. Deterministic, offline, bounded.
mod entry;
mod hints;
mod pairs;
mod risk;
mod schema;
mod server;
mod sink;
mod wording;
mod words;

use mcpsec_model::{
    drift::{Drift, DriftLevel},
    finding::Finding,
    manifest::{Kind, Manifest},
    text::Untrusted,
};
pub use words::words;

use self::{pairs::Pairs, sink::Sink};

/// Where findings about texts come from.
#[derive(Clone, Copy, Debug)]
pub struct Signals {
    /// Looks at one manifest.
    pub scan: fn(&Manifest) -> Vec<Finding>,
}

/// Every difference between two manifests, graded.
pub fn compare(before: &Manifest, after: &Manifest) -> Drift {
    compare_with(before, after, Signals { scan: crate::poison::scan })
}

/// [`compare`] with another source of findings.
pub fn compare_with(before: &Manifest, after: &Manifest, signals: Signals) -> Drift {
    if before.id() == after.id() {
        return Drift::default();
    }
    let mut sink = Sink::default();
    let pairs = Pairs::of(before, after);
    server::compare(before, after, &mut sink);
    for (old, new) in &pairs.same {
        entry::compare(old, new, &mut sink);
    }
    for (old, new) in &pairs.renamed {
        renamed(old, new, &mut sink);
    }
    for old in &pairs.removed {
        let message = format!("the {} `{}` was removed", old.kind().as_str(), name(old.name()));
        sink.add(DriftLevel::Breaking, old.subject(), message, text_of(old).as_deref(), None);
    }
    for new in &pairs.added {
        let message = format!("the {} `{}` was added", new.kind().as_str(), name(new.name()));
        sink.add(DriftLevel::Additive, new.subject(), message, None, text_of(new).as_deref());
    }
    risk::compare(before, after, &pairs, signals, &mut sink);
    sink.finish()
}

/// A name that went and one that came, with nearly the same content.
fn renamed(old: &mcpsec_model::manifest::Entry, new: &mcpsec_model::manifest::Entry, sink: &mut Sink) {
    entry::compare(old, new, sink);
    let changed = sink.worst_below(&new.subject()) > DriftLevel::Cosmetic;
    let moved = new.kind() == Kind::Resource || new.kind() == Kind::Template;
    let (level, what) = match (changed, pairs::respelled(old.name(), new.name())) {
        (_, true) => (DriftLevel::Breaking, "is spelled differently"),
        (false, _) if moved => (DriftLevel::Breaking, "has another address"),
        (true, _) if moved => (DriftLevel::Dangerous, "has another address and was changed"),
        (false, false) => (DriftLevel::Breaking, "was renamed"),
        (true, false) => (DriftLevel::Dangerous, "was renamed and changed"),
    };
    let message = format!("the {} `{}` {what}: now `{}`", old.kind().as_str(), name(old.name()), name(new.name()));
    sink.add(level, new.subject(), message, Some(old.name()), Some(new.name()));
}

fn name(name: &str) -> String {
    Untrusted::new(name).excerpt(80)
}

/// What an entry says about itself, for a reader.
fn text_of(entry: &mcpsec_model::manifest::Entry) -> Option<String> {
    entry.get("description").and_then(|text| text.as_str()).map(str::to_owned)
}

/// The words a name is made of, in lower case: `deleteAll-files_2` is delete, all, files, 2.
fn name_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.chars().take(200) {
        let starts = c.is_uppercase() && (last.is_lowercase() || last.is_numeric());
        if !c.is_alphanumeric() {
            last = ' ';
            continue;
        }
        if starts || last == ' ' || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        last = c;
    }
    words
}

#[cfg(test)]
mod tests;
