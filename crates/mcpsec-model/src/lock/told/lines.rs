//! The quick reader's part: the tables of what a server tells the model, line by line.
use std::borrow::Cow;

use super::{
    REST, TEXTS, VALUES,
    wire::{Accepted, Capture, Entry, Manifest, Told, Unstable},
};
use crate::{
    lock::{
        lines::{Lines, string},
        wire::Text,
    },
    manifest::Kind,
};

/// Reads a text that is nothing but these tables.
pub(super) fn alone(text: &str) -> Option<Told<'_>> {
    let mut lines = Lines::new(text);
    let told = lines.told()?;
    lines.is_at_end().then_some(told)
}

impl<'t> Lines<'t> {
    /// All tables, each where the writer puts it.
    pub(in crate::lock) fn told(&mut self) -> Option<Told<'t>> {
        let mut told = Told::default();
        while self.opens("[[server.accepted]]") {
            told.accepted.push(Accepted {
                subject: self.required("subject")?,
                rule: self.optional("rule")?,
                entry: self.required("entry")?,
                reason: self.required("reason")?,
            });
        }
        if self.opens("[server.capture]") {
            told.capture = Some(self.capture()?);
        }
        while self.opens("[[server.unstable]]") {
            told.unstable.push(Unstable {
                subject: self.required("subject")?,
                between: self.required("between")?,
                other: self.json("other")??,
            });
        }
        if self.opens("[server.manifest]") {
            told.manifest = Some(self.manifest()?);
        }
        Some(told)
    }

    fn capture(&mut self) -> Option<Capture<'t>> {
        Some(Capture {
            at: self.at(),
            unchecked: self.optional("unchecked")?,
            isolation: self.optional("isolation")?,
            runtime: self.optional("runtime")?,
            protocol: self.optional("protocol")?,
            placeholders: self.on_one_line("placeholders")?,
            real_env: self.on_one_line("real-env")?,
            network: self.on_one_line("network")?,
            tried_hosts: self.some_lines("tried-hosts")?,
            tried_files: self.some_lines("tried-files")?,
            tried_canaries: self.some_lines("tried-canaries")?,
            tried_programs: self.some_lines("tried-programs")?,
            tried_calls: self.some_lines("tried-calls")?,
            tried_more: self.exactly("tried-more = true").is_some(),
        })
    }

    /// A list with one value a line, if the key is there.
    fn some_lines(&mut self, key: &str) -> Option<Vec<Text<'t>>> {
        if self.has(key) { self.on_lines(key) } else { Some(Vec::new()) }
    }

    fn manifest(&mut self) -> Option<Manifest<'t>> {
        let mut manifest = Manifest {
            at: self.at(),
            id: self.required("id")?,
            instructions: self.words("instructions")?,
            server_info: self.json("server-info")?,
            capabilities: self.json("capabilities")?,
            entries: Vec::new(),
        };
        for kind in Kind::ALL {
            let header = format!("[[server.manifest.{kind}]]");
            while self.opens(&header) {
                manifest.entries.push(self.entry(kind)?);
            }
        }
        Some(manifest)
    }

    fn entry(&mut self, kind: Kind) -> Option<Entry<'t>> {
        let (at, mut texts, mut values) = (self.at(), Vec::new(), Vec::new());
        for (member, key) in TEXTS {
            texts.extend(self.words(key)?.map(|text| (member, text)));
        }
        for (member, key) in VALUES {
            values.extend(self.json(key)?.map(|text| (member, text)));
        }
        Some(Entry { at, kind, texts, values, rest: self.json(REST)? })
    }

    /// Takes a blank line and a table's header, if they are next.
    fn opens(&mut self, header: &str) -> bool {
        let line = self.after_blank().filter(|line| *line == header);
        if let Some(line) = line {
            self.advance("");
            self.advance(line);
        }
        line.is_some()
    }

    /// A text on one line or as a list of lines, if the key is there. The outer option is for one that is malformed.
    fn words(&mut self, key: &str) -> Option<Option<Text<'t>>> {
        let Some((line, value)) = self.value(key) else { return Some(None) };
        let at = self.at() + line.len() - value.len();
        if value != "[" {
            let (text, rest) = either_string(value)?;
            self.advance(line);
            return rest.is_empty().then_some(Some(Text { text, at }));
        }
        self.advance(line);
        let mut text = String::new();
        let mut first = true;
        while self.exactly("]").is_none() {
            let line = self.line()?;
            let (words, rest) = either_string(line.strip_prefix("  ")?)?;
            if rest != "," {
                return None;
            }
            if !std::mem::take(&mut first) {
                text.push('\n');
            }
            text.push_str(&words);
            self.advance(line);
        }
        // An empty list would be an empty text, which is written otherwise.
        (!first).then_some(Some(Text { text: Cow::Owned(text), at }))
    }

    /// The lines between `'''` and `'''`, if the key is there.
    fn json(&mut self, key: &str) -> Option<Option<Text<'t>>> {
        let Some((line, value)) = self.value(key) else { return Some(None) };
        let at = self.at() + line.len() - value.len();
        if value != "'''" {
            return None;
        }
        self.advance(line);
        let rest = self.rest();
        let end = rest.find("'''")?;
        let text = rest.get(..end).filter(|text| text.ends_with('\n') && has_open_objects(text))?;
        self.skip(text);
        self.exactly("'''")?;
        Some(Some(Text { text: Cow::Borrowed(text), at }))
    }
}

/// Whether every object that is not empty opens at the end of its line, as the writer has it. Small objects in a row take a
/// hundred times their text in memory; written with their lines, they take no more than other text does.
fn has_open_objects(json: &str) -> bool {
    let mut rest = json.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, b'"' | b'{')) {
        let (found, mut after) = (rest[at], &rest[at + 1..]);
        if found == b'{' && !matches!(after.first(), Some(b'\n' | b'}')) {
            return false;
        }
        // A quote opens a string, which is left behind; one after a backslash does not close it.
        while found == b'"'
            && let Some(at) = after.iter().position(|b| matches!(b, b'"' | b'\\'))
        {
            let escaped = after[at] == b'\\';
            after = after.get(at + 1 + usize::from(escaped)..).unwrap_or_default();
            if !escaped {
                break;
            }
        }
        rest = after;
    }
    true
}

/// A string in quotes or in apostrophes at the start of a text, and what follows it.
fn either_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    match text.strip_prefix('\'') {
        Some(inner) => inner.split_once('\'').map(|(text, rest)| (Cow::Borrowed(text), rest)),
        None => string(text),
    }
}
