//! Edits of a list of texts that leave what stays: the last elements that are the same, and all spacing and comments that are
//! not between removed elements.
use std::ops::Range;

use toml_edit::Value;

use super::{
    RewriteError,
    table::Format,
    tree::{List, Node},
};

/// Bytes of a text and what comes in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) span: Range<usize>,
    pub(super) with: String,
}

impl Edit {
    pub(super) fn new(span: Range<usize>, with: impl Into<String>) -> Self {
        Self { span, with: with.into() }
    }

    pub(super) fn insert(at: usize, with: impl Into<String>) -> Self {
        Self::new(at..at, with)
    }
}

/// The text with all edits made. They may not overlap.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start)?);
        out.push_str(&edit.with);
        at = edit.span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// A value as the format writes it. `like` is what stood there: in YAML a plain value stays plain where it can.
pub(super) fn quoted(format: Format, value: &str, like: &str) -> String {
    let json = || serde_json::Value::from(value).to_string();
    match format {
        Format::Json => json(),
        Format::Toml => {
            // Of one line, whatever the value holds.
            let plain = !value.contains(|c: char| c.is_control() || c == '\\' || c == '"');
            if plain { Value::from(value).to_string() } else { json().replace('\u{7f}', "\\u007f") }
        }
        Format::Yaml => {
            let was_plain = !like.starts_with(['"', '\'']);
            if was_plain && is_plain(value) { value.to_owned() } else { json() }
        }
    }
}

/// Whether YAML reads it as this text without quotes, in brackets too, and under the rules of 1.1 as well.
fn is_plain(value: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !words.contains(&value.to_ascii_lowercase().as_str())
}

/// The edits that make a list of texts say `wanted`.
pub(super) fn rewrite(
    format: Format,
    text: &str,
    node: &Node,
    list: &List,
    wanted: &[String],
) -> Result<Vec<Edit>, RewriteError> {
    let raw = |node: &Node| text.get(node.span.clone()).unwrap_or_default();
    let old = &list.items;
    if old.iter().any(|item| raw(item).contains(['\n', '\r'])) {
        return Err(RewriteError::Form("a text in it runs over several lines"));
    }
    let same = |(a, b): &(&Node, &String)| a.text() == Some(b.as_str());
    // The first two are `run` and a name, whatever stood there.
    let most = old.len().min(wanted.len());
    let kept = old.iter().rev().zip(wanted.iter().rev()).take(most).take_while(same).count();
    let (old_lead, new_lead) = (&old[..old.len() - kept], &wanted[..wanted.len() - kept]);

    let mut edits = Vec::new();
    for (item, value) in old_lead.iter().zip(new_lead) {
        if item.text() != Some(value) {
            edits.push(Edit::new(item.span.clone(), quoted(format, value, raw(item))));
        }
    }
    let shared = old_lead.len().min(new_lead.len());
    if let Some(more) = new_lead.get(shared..).filter(|more| !more.is_empty()) {
        let like = old.first().map_or("\"", raw);
        let values: Vec<String> = more.iter().map(|value| quoted(format, value, like)).collect();
        edits.push(insertion(text, node, list, shared, &values)?);
    }
    if let Some(last) = old_lead.get(shared..).and_then(<[Node]>::last) {
        let span = match (shared.checked_sub(1).map(|at| &old[at]), old.get(old_lead.len())) {
            (Some(before), _) => before.span.end..last.span.end,
            (None, Some(after)) => old[0].span.start..after.span.start,
            // Nothing is left of it.
            (None, None) => return Err(RewriteError::Form("its list cannot be emptied")),
        };
        edits.push(Edit::new(span, ""));
    }
    Ok(edits)
}

/// Puts values before the element number `at`, with what stands between elements already.
fn insertion(text: &str, node: &Node, list: &List, at: usize, values: &[String]) -> Result<Edit, RewriteError> {
    let items = &list.items;
    let Some(first) = items.first() else {
        let inside = node.span.start + 1;
        if !list.flow {
            return Err(RewriteError::Form("its empty list is not written in brackets"));
        }
        return Ok(Edit::insert(inside, values.join(if is_tight(text, node) { "," } else { ", " })));
    };
    let indent = before_on_line(text, first.span.start);
    let between = items.get(1).and_then(|second| text.get(first.span.end..second.span.start)).unwrap_or_default();
    let separator = if !list.flow {
        // Lines with a dash: each on its own.
        if indent.trim() != "-" {
            return Err(RewriteError::Form("its list does not have a line for each text"));
        }
        format!("{}{indent}", line_end(text, first.span.start))
    } else if between.trim() == "," {
        between.to_owned()
    } else if indent.trim().is_empty() && node.span.start + indent.len() < first.span.start {
        format!(",{}{indent}", line_end(text, first.span.start))
    } else if is_tight(text, node) {
        ",".to_owned()
    } else {
        ", ".to_owned()
    };
    Ok(match at.checked_sub(1).and_then(|before| items.get(before)) {
        Some(before) => {
            let with: String = values.iter().map(|value| format!("{separator}{value}")).collect();
            Edit::insert(before.span.end, with)
        }
        None => {
            let with: String = values.iter().map(|value| format!("{value}{separator}")).collect();
            Edit::insert(first.span.start, with)
        }
    })
}

/// Whether the file leaves out what spaces it can.
fn is_tight(text: &str, node: &Node) -> bool {
    text.get(..node.span.start).is_some_and(|before| before.ends_with([':', '=']))
}

/// What stands before a byte on its line.
pub(super) fn before_on_line(text: &str, byte: usize) -> &str {
    let before = text.get(..byte).unwrap_or_default();
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    before[start..].trim_start_matches('\u{feff}')
}

/// The line end that is used after a byte, or else before it.
pub(super) fn line_end(text: &str, byte: usize) -> &'static str {
    let bytes = text.as_bytes();
    let is_end = |at: &usize| matches!(bytes[*at], b'\n' | b'\r');
    let at = (byte..bytes.len()).find(is_end).or_else(|| (0..byte.min(bytes.len())).find(is_end));
    match at.map(|at| (bytes[at], bytes.get(at + 1))) {
        Some((b'\r', Some(b'\n'))) => "\r\n",
        Some((b'\r', _)) => "\r",
        _ => "\n",
    }
}
