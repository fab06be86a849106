//! Where differences are collected: one change a place, the worst wins, and never more than a reader can be shown.
use std::collections::BTreeMap;

use mcpsec_model::{
    drift::{Change, Drift, DriftLevel},
    manifest::Subject,
    text::Untrusted,
};

/// The most changes that are kept one by one. Beyond it the mildest ones are counted and no longer listed.
const MAX_CHANGES: usize = 5_000;
/// The longest text of a change; a longer one is cut with `…`.
const MAX_TEXT: usize = 64 << 10;

/// The changes found so far.
#[derive(Default)]
pub(super) struct Sink {
    changes: BTreeMap<(Subject, String), Change>,
}

impl Sink {
    /// Adds a change. The same words at the same place are said once.
    pub(super) fn add(
        &mut self,
        level: DriftLevel,
        subject: Subject,
        message: impl Into<String>,
        before: Option<&str>,
        after: Option<&str>,
    ) {
        let mut change = Change::new(level, subject, message);
        change.before = before.map(cut);
        change.after = after.map(cut);
        let key = (change.subject.clone(), change.message.clone());
        match self.changes.get_mut(&key) {
            Some(known) if known.level >= level => {}
            _ => {
                self.changes.insert(key, change);
            }
        }
    }

    /// The worst level so far at a place or below it.
    pub(super) fn worst_below(&self, at: &Subject) -> DriftLevel {
        let from = (at.clone(), String::new());
        let levels = self
            .changes
            .range(from..)
            .take_while(|((subject, _), _)| subject.as_str().starts_with(at.as_str()))
            .filter(|((subject, _), _)| matches!(subject.as_str().as_bytes().get(at.as_str().len()), None | Some(b'/')))
            .map(|(_, change)| change.level);
        levels.max().unwrap_or(DriftLevel::None)
    }

    /// Everything, worst first, then by place.
    pub(super) fn finish(self) -> Drift {
        let mut changes: Vec<Change> = self.changes.into_values().collect();
        // A reworded text that is also dangerous is one thing to read, not two.
        let dangerous: std::collections::BTreeSet<(Subject, Option<String>)> = changes
            .iter()
            .filter(|change| change.level == DriftLevel::Dangerous)
            .map(|change| (change.subject.clone(), change.after.as_ref().map(|text| text.raw().to_owned())))
            .collect();
        changes.retain(|change| {
            change.level > DriftLevel::Wording
                || !dangerous
                    .contains(&(change.subject.clone(), change.after.as_ref().map(|text| text.raw().to_owned())))
        });
        changes.sort_by(|a, b| (b.level, &a.subject, &a.message).cmp(&(a.level, &b.subject, &b.message)));
        if changes.len() > MAX_CHANGES {
            let more = changes.split_off(MAX_CHANGES);
            if let Some(worst) = more.first() {
                let message = format!("{} further differences, none worse than {}", more.len(), worst.level);
                changes.push(Change::new(worst.level, Subject::server(), message));
            }
        }
        Drift { changes }
    }
}

fn cut(text: &str) -> Untrusted {
    if text.len() <= MAX_TEXT {
        return Untrusted::new(text);
    }
    let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Untrusted::new(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use mcpsec_model::manifest::Kind;

    use super::*;

    #[test]
    fn a_flood_of_mild_changes_never_pushes_out_a_dangerous_one() {
        let mut sink = Sink::default();
        for n in 0..MAX_CHANGES + 10 {
            sink.add(DriftLevel::Additive, Subject::entry(Kind::Tool, &format!("a{n}")), "new", None, None);
        }
        sink.add(DriftLevel::Dangerous, Subject::entry(Kind::Tool, "z"), "bad", None, Some("x"));
        let drift = sink.finish();
        assert_eq!(drift.level(), DriftLevel::Dangerous);
        assert_eq!(drift.changes.len(), MAX_CHANGES + 1);
        assert_eq!(drift.changes[0].subject.as_str(), "tool:z");
        assert_eq!(drift.changes[MAX_CHANGES].message, "11 further differences, none worse than additive");
    }
}
