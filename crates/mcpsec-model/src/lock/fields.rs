//! Walks over TOML values that remember where they stand, so that every refusal names line and entry.
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{LockError, wire::Text};
use crate::text::Untrusted;

/// The file being read: its name for messages, and where its lines start.
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Source<'t> {
    /// Prepares a text for finding lines.
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, starts }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Line and column, both from 1, the column in characters.
    pub(super) fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    /// The last line that has text.
    pub(super) fn last_line(&self) -> usize {
        self.line(self.text.len().saturating_sub(1))
    }

    /// A refusal of a value.
    pub(super) fn invalid(&self, offset: usize, entry: &str, reason: impl Into<String>) -> LockError {
        LockError::Invalid {
            file: self.file.to_owned(),
            line: self.line(offset),
            entry: entry.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A table whose keys are taken out one by one; what is left at the end is unknown.
pub(super) struct Fields<'s, 'i> {
    source: &'s Source<'s>,
    entry: String,
    at: usize,
    table: DeTable<'i>,
}

impl<'s, 'i> Fields<'s, 'i> {
    /// Starts on a table. `entry` is what messages call it.
    pub(super) fn new(source: &'s Source<'s>, entry: String, at: usize, table: DeTable<'i>) -> Self {
        Self { source, entry, at, table }
    }

    /// What messages call this table from now on.
    pub(super) fn rename(&mut self, entry: String) {
        self.entry = entry;
    }

    /// What messages call this table.
    pub(super) fn entry(&self) -> &str {
        &self.entry
    }

    /// A refusal of a value of this table.
    pub(super) fn invalid(&self, at: usize, reason: impl Into<String>) -> LockError {
        self.source.invalid(at, &self.entry, reason)
    }

    fn value(&mut self, key: &str) -> Option<Spanned<DeValue<'i>>> {
        self.table.remove(key)
    }

    fn wrong(&self, key: &str, at: usize, kind: &str) -> LockError {
        self.invalid(at, format!("`{key}` must be {kind}"))
    }

    fn missing(&self, key: &str) -> LockError {
        self.invalid(self.at, format!("`{key}` is missing"))
    }

    /// A text, if the key is there.
    pub(super) fn optional(&mut self, key: &str) -> Result<Option<Text<'i>>, LockError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::String(text) => Ok(Some(Text { text, at })),
            _ => Err(self.wrong(key, at, "a text")),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &str) -> Result<Text<'i>, LockError> {
        self.optional(key)?.ok_or_else(|| self.missing(key))
    }

    /// A number, if the key is there.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<u64>, LockError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Integer(n) if n.radix() == 10 => match n.as_str().parse() {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(self.wrong(key, at, "a whole number")),
            },
            _ => Err(self.wrong(key, at, "a whole number")),
        }
    }

    /// A flag; absent is `false`.
    pub(super) fn flag(&mut self, key: &str) -> Result<bool, LockError> {
        let Some(value) = self.value(key) else { return Ok(false) };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Boolean(flag) => Ok(flag),
            _ => Err(self.wrong(key, at, "true or false")),
        }
    }

    /// The values of a list; absent is empty.
    fn list(&mut self, key: &str) -> Result<Vec<Spanned<DeValue<'i>>>, LockError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Array(values) => Ok(values.into_iter().collect()),
            _ => Err(self.wrong(key, at, "a list")),
        }
    }

    /// A list of texts; absent is empty.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<Text<'i>>, LockError> {
        let values = self.list(key)?;
        values
            .into_iter()
            .map(|value| {
                let at = value.span().start;
                match value.into_inner() {
                    DeValue::String(text) => Ok(Text { text, at }),
                    _ => Err(self.wrong(key, at, "a list of texts")),
                }
            })
            .collect()
    }

    /// A list of tables, each with a name for messages; absent is empty.
    pub(super) fn tables(&mut self, key: &str, entry: &str) -> Result<Vec<Self>, LockError> {
        let values = self.list(key)?;
        values
            .into_iter()
            .map(|value| {
                let at = value.span().start;
                match value.into_inner() {
                    DeValue::Table(table) => Ok(Self::new(self.source, entry.to_owned(), at, table)),
                    _ => Err(self.wrong(key, at, "a list of tables")),
                }
            })
            .collect()
    }

    /// A text, or a list of its lines, if the key is there.
    pub(super) fn words(&mut self, key: &str) -> Result<Option<Text<'i>>, LockError> {
        match self.table.get(key).map(Spanned::get_ref) {
            Some(DeValue::Array(_)) => {}
            _ => return self.optional(key),
        }
        let at = self.table.get(key).map_or(self.at, |value| value.span().start);
        let lines = self.texts(key)?;
        if lines.is_empty() {
            return Err(self.wrong(key, at, "a text or a list of its lines"));
        }
        let text = lines.iter().map(|line| &*line.text).collect::<Vec<_>>().join("\n");
        Ok(Some(Text { text: text.into(), at }))
    }

    /// A table of this one, if the key is there.
    pub(super) fn table(&mut self, key: &str) -> Result<Option<Self>, LockError> {
        if self.table.contains_key(key) { self.map(key).map(Some) } else { Ok(None) }
    }

    /// A table whose keys are data; absent is empty.
    pub(super) fn map(&mut self, key: &str) -> Result<Self, LockError> {
        let Some(value) = self.value(key) else {
            return Ok(Self::new(self.source, self.entry.clone(), self.at, DeTable::new()));
        };
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Table(table) => Ok(Self::new(self.source, self.entry.clone(), at, table)),
            _ => Err(self.wrong(key, at, "a table")),
        }
    }

    /// The keys that are left, as data, in the order of the file.
    pub(super) fn keys(&self) -> Vec<Text<'i>> {
        let keys = self.table.keys().map(|key| Text { text: key.get_ref().clone(), at: key.span().start });
        let mut keys: Vec<Text<'i>> = keys.collect();
        keys.sort_by_key(|key| key.at);
        keys
    }

    /// Where the table starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Refuses keys that nobody took.
    pub(super) fn finish(self) -> Result<(), LockError> {
        match self.table.keys().min_by_key(|key| key.span().start) {
            Some(key) => {
                let shown = Untrusted::new(&**key.get_ref()).excerpt(80);
                Err(self.invalid(key.span().start, format!("unknown key `{shown}`")))
            }
            None => Ok(()),
        }
    }
}
