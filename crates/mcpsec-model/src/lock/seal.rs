//! Seals: each entry carries a short hash of its own text, so that a change by hand is found and the entry named, and so
//! that git merges of different entries stay clean.
use std::ops::Range;

use crate::digest::Digest;

/// The line that opens the entry of the team's log.
pub(super) const TEAM: &str = "[team]";
/// The line that opens a server's entry.
pub(super) const SERVER: &str = "[[server]]";
/// The line that opens a package's entry.
pub(super) const PACKAGE: &str = "[[package]]";
/// How the line of a seal starts.
pub(super) const KEY: &str = "seal = \"";

/// The seal of an entry: the first 8 bytes, as 16 hexadecimal digits, of SHA-256 over its text. `parts` are the text before
/// the seal's line and the text after it; blank lines at the end do not count.
pub(super) fn of(before: &str, after: &str) -> String {
    let after = after.trim_end_matches('\n');
    let before = if after.is_empty() { before.trim_end_matches('\n') } else { before };
    let mut text = String::with_capacity(before.len() + after.len());
    text.push_str(before);
    text.push_str(after);
    Digest::sha256_of(text.as_bytes()).to_hex()[..16].to_owned()
}

/// One entry of a text, as its lines show it.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    /// The line it starts on, from 1.
    pub(super) line: usize,
    /// Its text, with the blank line after it.
    pub(super) text: &'t str,
    /// Where the line of the seal is in `text`, with its newline.
    seal: Option<Range<usize>>,
}

impl<'t> Entry<'t> {
    /// What the seal says, if there is one.
    pub(super) fn found(&self) -> Option<&'t str> {
        let line = self.text[self.seal.clone()?].trim_end_matches('\n');
        Some(line[KEY.len()..].trim_end_matches('"'))
    }

    /// What the seal should say.
    pub(super) fn expected(&self) -> String {
        match &self.seal {
            Some(seal) => of(&self.text[..seal.start], &self.text[seal.end..]),
            None => of(self.text, ""),
        }
    }

    /// What the entry calls itself: the text of its first `name` or `id` line. For messages only.
    pub(super) fn name(&self) -> String {
        if self.text.starts_with(TEAM) {
            return "the pin of the team's log".to_owned();
        }
        let (kind, key) = if self.text.starts_with(SERVER) { ("server", "name = ") } else { ("package", "id = ") };
        let name = self.text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("without a name");
        format!("{kind} {}", crate::text::Untrusted::new(name.trim_matches('"')).excerpt(160))
    }
}

/// The entries of a text, in order. Whatever stands before the first one is the head.
pub(super) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut seal = None;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let shown = line.trim_end_matches('\n');
        if shown == SERVER || shown == PACKAGE || shown == TEAM {
            if let Some((line, from)) = start {
                entries.push(Entry { line, text: &text[from..at], seal: seal.take() });
            }
            start = Some((index + 1, at));
        } else if let (Some((_, from)), None, true) = (start, &seal, line.starts_with(KEY)) {
            seal = Some(at - from..at - from + line.len());
        }
        at += line.len();
    }
    if let Some((line, from)) = start {
        entries.push(Entry { line, text: &text[from..], seal });
    }
    entries
}
