//! What was seen, bounded: a program that tries a million things fills neither memory nor a lock.
use std::collections::BTreeSet;

use mcpsec_model::{capture::Observed, text::Untrusted};
use smol_str::SmolStr;

/// Distinct entries that are kept of each kind.
const MAX_ENTRIES: usize = 1000;
/// Longest entry in bytes; longer ones are cut and count as left out.
const MAX_LENGTH: usize = 512;

/// Collects what a program tried.
#[derive(Debug, Default)]
pub(super) struct Record {
    seen: Observed,
}

impl Record {
    /// A host name, or an address with its port.
    pub(super) fn host(&mut self, name: &str) {
        insert(&mut self.seen.hosts, &mut self.seen.incomplete, name.as_bytes());
    }

    /// A file.
    pub(super) fn file(&mut self, path: &[u8]) {
        insert(&mut self.seen.files, &mut self.seen.incomplete, path);
    }

    /// A canary that was read.
    pub(super) fn canary(&mut self, path: &str) {
        insert(&mut self.seen.canaries, &mut self.seen.incomplete, path.as_bytes());
    }

    /// A program with its first arguments.
    pub(super) fn program(&mut self, line: &[u8]) {
        insert(&mut self.seen.programs, &mut self.seen.incomplete, line);
    }

    /// A call that was refused whatever its arguments. The names are ours, so there are few.
    pub(super) fn refused(&mut self, call: &'static str) {
        let times = self.seen.refused.entry(SmolStr::new_static(call)).or_default();
        *times = times.saturating_add(1);
    }

    /// Something could not be seen.
    pub(super) fn incomplete(&mut self) {
        self.seen.incomplete = true;
    }

    /// All of it.
    pub(super) fn take(&mut self) -> Observed {
        std::mem::take(&mut self.seen)
    }
}

fn insert(into: &mut BTreeSet<Untrusted>, incomplete: &mut bool, text: &[u8]) {
    let kept = text.get(..MAX_LENGTH).unwrap_or(text);
    *incomplete |= kept.len() < text.len();
    let text = Untrusted::new(String::from_utf8_lossy(kept));
    if into.len() < MAX_ENTRIES {
        into.insert(text);
    } else if !into.contains(&text) {
        *incomplete = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_said_to_be() {
        let mut record = Record::default();
        for n in 0..MAX_ENTRIES {
            record.host(&format!("h{n}.invalid"));
            record.host("h0.invalid");
        }
        assert!(!record.seen.incomplete);
        record.host("one-more.invalid");
        let seen = record.take();
        assert_eq!((seen.hosts.len(), seen.incomplete), (MAX_ENTRIES, true));
    }

    #[test]
    fn long_entries_are_cut_and_said_to_be() {
        let mut record = Record::default();
        record.file(&[b'a'; MAX_LENGTH]);
        assert!(!record.seen.incomplete);
        record.file(&[b'b'; MAX_LENGTH + 1]);
        assert!(record.seen.incomplete);
        assert!(record.seen.files.iter().all(|path| path.raw().len() == MAX_LENGTH));
    }
}
