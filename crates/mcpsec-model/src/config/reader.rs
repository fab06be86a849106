//! Walks a TOML document and collects every problem with line and column, instead of stopping at the first.
use std::ops::Range;

use toml_edit::{Item, Table, TableLike};

use super::error::Problem;
use crate::text::Untrusted;

/// Problems beyond this number are counted only. Finding a line takes time in proportion to the file, so a file of a hundred
/// thousand mistakes would otherwise take minutes; nobody reads that many.
const LISTED: usize = 100;

/// The text being read, and what is wrong with it so far.
pub(crate) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    unlisted: usize,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, problems: Vec::new(), unlisted: 0 }
    }

    /// Everything that was wrong, in the order of the file.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        if self.unlisted > 0 {
            let (line, column) = self.problems.last().map_or((1, 1), |last| (last.line, last.column));
            let message = format!("{} more problems are not listed", self.unlisted);
            self.problems.push(Problem { line, column, path: String::new(), message, hint: None });
        }
        self.problems
    }

    /// Notes a problem of a value.
    pub(crate) fn problem(
        &mut self,
        at: Option<Range<usize>>,
        path: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.problems.len() >= LISTED {
            self.unlisted += 1;
            return;
        }
        let (line, column) = position(self.text, at.map_or(0, |span| span.start));
        self.problems.push(Problem { line, column, path: path.to_owned(), message: message.into(), hint });
    }

    /// A table, or a problem.
    pub(crate) fn table<'i>(&mut self, item: &'i Item, path: &str) -> Option<&'i dyn TableLike> {
        let table = item.as_table_like();
        if table.is_none() {
            self.wrong_type(item, path, "a table");
        }
        table
    }

    /// A string, or a problem.
    pub(crate) fn string<'i>(&mut self, item: &'i Item, path: &str) -> Option<&'i str> {
        let text = item.as_str();
        if text.is_none() {
            self.wrong_type(item, path, "a string");
        }
        text
    }

    /// A string that parses, or a problem with the parser's words.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        item: &Item,
        path: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.string(item, path)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(item.span(), path, error.to_string(), None);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(&mut self, item: &Item, path: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(item, path)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{}` is none of: {}", Untrusted::new(text).excerpt(40), known.join(", "));
            self.problem(item.span(), path, message, suggestion(text, &known));
        }
        found
    }

    /// A list of strings without control characters.
    pub(crate) fn strings(&mut self, item: &Item, path: &str) -> Option<Vec<String>> {
        let Some(array) = item.as_array() else {
            self.wrong_type(item, path, "an array of strings");
            return None;
        };
        let mut out = Vec::new();
        for value in array {
            match value.as_str() {
                Some(text) if !text.contains('\0') => out.push(text.to_owned()),
                _ => {
                    self.problem(
                        value.span().or(item.span()),
                        path,
                        "every element must be a string without NUL",
                        None,
                    );
                    return None;
                }
            }
        }
        Some(out)
    }

    /// Notes every key that is not one of `known`.
    pub(crate) fn only(&mut self, table: &dyn TableLike, path: &str, known: &[&str]) {
        for (key, item) in table.iter() {
            if !known.contains(&key) {
                let span = table.key(key).and_then(toml_edit::Key::span).or(item.span());
                let full = join(path, key);
                let message = format!("unknown key; known here: {}", known.join(", "));
                self.problem(span, &full, message, suggestion(key, known));
            }
        }
    }

    fn wrong_type(&mut self, item: &Item, path: &str, wanted: &str) {
        self.problem(item.span(), path, format!("must be {wanted}, not {}", article(item.type_name())), None);
    }
}

fn article(type_name: &str) -> String {
    if type_name.starts_with(['a', 'i']) { format!("an {type_name}") } else { format!("a {type_name}") }
}

/// A dotted key path, escaped.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = Untrusted::new(key).excerpt(60);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The items of an array of tables, however it is written.
pub(crate) fn tables(item: &Item) -> Option<Vec<&dyn TableLike>> {
    if let Some(array) = item.as_array_of_tables() {
        return Some(array.iter().map(|table: &Table| table as &dyn TableLike).collect());
    }
    item.as_array()?.iter().map(|value| value.as_inline_table().map(|table| table as &dyn TableLike)).collect()
}

/// Line and column, both from 1.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

/// "did you mean", when one known word is near.
fn suggestion(text: &str, known: &[&str]) -> Option<String> {
    let near = known.iter().map(|word| (distance(text, word), word)).min()?;
    (near.0 <= 2 && near.0 < text.chars().count()).then(|| format!("did you mean `{}`?", near.1))
}

/// Levenshtein distance, for short words only.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
