//! Strangers' words as HTML. Every character that a reader would not see is shown as its escape, every place that a rule points
//! to is marked, and nothing of it can become markup: pieces are joined by type, never by hand.
use maud::{Markup, html};
use mcpsec_model::{
    finding::Severity,
    text::{Untrusted, escape, is_hidden},
};

/// A stretch of a text that a rule points to, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) severity: Severity,
}

/// How a text is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Setting {
    /// On one line: line breaks are hidden characters like others.
    Line,
    /// With its line breaks.
    Prose,
    /// Between the quotes of a JSON text.
    Json,
}

/// Escaped text for attributes and titles, where nothing can be marked.
pub(super) fn escaped(text: &str) -> String {
    Untrusted::new(text).excerpt(300)
}

/// A text on one line, cut after 1,000 characters.
pub(super) fn line(text: &str) -> Markup {
    short(text, 1_000)
}

/// A text on one line, cut after `max` characters.
pub(super) fn short(text: &str, max: usize) -> Markup {
    let (head, rest) = cut(text, max);
    html! { bdi { (set(head, &[], Setting::Line)) @if rest > 0 { "…" } } }
}

/// The first `max` characters of a text, and how many come after them.
pub(super) fn cut(text: &str, max: usize) -> (&str, usize) {
    match text.char_indices().nth(max) {
        Some((at, _)) => (&text[..at], text[at..].chars().count()),
        None => (text, 0),
    }
}

/// A text with its hidden characters shown and its marks drawn.
pub(super) fn set(text: &str, marks: &[Mark], setting: Setting) -> Markup {
    let marks = flat(marks, text);
    html! {
        @for (piece, severity) in pieces(text, &marks, setting) {
            @match severity {
                Some(severity) => mark class=(severity.as_str()) { (drawn(&piece)) },
                None => (drawn(&piece)),
            }
        }
    }
}

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece<'a> {
    Plain(&'a str),
    /// Characters of JSON that need an escape of JSON.
    Escape(&'static str),
    Hidden(char),
    Break,
}

fn drawn(piece: &Piece<'_>) -> Markup {
    match piece {
        Piece::Plain(text) => html! { (text) },
        Piece::Escape(text) => html! { (text) },
        Piece::Hidden(c) => html! { span class="hidden" title=(named(*c)) { (escape(c.encode_utf8(&mut [0; 4]))) } },
        Piece::Break => html! { span class="break" aria-hidden="true" { "↵" } "\n" },
    }
}

/// The number of a hidden character, with its name where people know one.
fn named(c: char) -> String {
    let name = match u32::from(c) {
        0x09 => "tab",
        0x0a => "line feed",
        0x0d => "carriage return",
        0x1b => "escape",
        0xad => "soft hyphen",
        0x200b => "zero width space",
        0x200c => "zero width non-joiner",
        0x200d => "zero width joiner",
        0x200e => "left-to-right mark",
        0x200f => "right-to-left mark",
        0x2028 => "line separator",
        0x2029 => "paragraph separator",
        0x202a..=0x202e => "changes the order of the text around it",
        0x2060 => "word joiner",
        0x2061..=0x2064 => "invisible operator",
        0x2066..=0x2069 => "isolates text of another direction",
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef => "variation selector",
        0xfeff => "byte order mark",
        0xe0000..=0xe007f => "tag character: text that no reader sees",
        0xe000..=0xf8ff | 0xf0000..=0x10ffff => "private use",
        0x00..=0x1f | 0x7f..=0x9f => "control character",
        _ => "not visible",
    };
    format!("U+{:04X}, {name}", u32::from(c))
}

/// The marks without overlaps, the gravest on top, on the boundaries of characters.
fn flat(marks: &[Mark], text: &str) -> Vec<Mark> {
    let inside = |at: usize| text.floor_char_boundary(at.min(text.len()));
    let mut edges: Vec<usize> = marks.iter().flat_map(|mark| [inside(mark.start), inside(mark.end)]).collect();
    edges.sort_unstable();
    edges.dedup();
    let stretch = |pair: &[usize]| {
        let (start, end) = (*pair.first()?, *pair.last()?);
        let over = marks.iter().filter(|mark| inside(mark.start) <= start && end <= inside(mark.end));
        Some(Mark { start, end, severity: over.map(|mark| mark.severity).max()? })
    };
    edges.windows(2).filter_map(stretch).collect()
}

fn pieces<'a>(text: &'a str, marks: &[Mark], setting: Setting) -> Vec<(Piece<'a>, Option<Severity>)> {
    let mut out = Vec::new();
    let mut marks = marks.iter().peekable();
    let mut from = 0;
    let mut current = None;
    let plain = |out: &mut Vec<_>, from: usize, to: usize, severity| {
        if from < to {
            out.push((Piece::Plain(&text[from..to]), severity));
        }
    };
    for (at, c) in text.char_indices() {
        while marks.peek().is_some_and(|mark| mark.end <= at) {
            let _over = marks.next();
        }
        let severity = marks.peek().filter(|mark| mark.start <= at).map(|mark| mark.severity);
        let special = match (setting, c) {
            (Setting::Prose, '\n') => Some(Piece::Break),
            (Setting::Json, '"') => Some(Piece::Escape("\\\"")),
            (Setting::Json, '\\') => Some(Piece::Escape("\\\\")),
            (_, c) if is_hidden(c) => Some(Piece::Hidden(c)),
            _ => None,
        };
        if severity != current || special.is_some() {
            plain(&mut out, from, at, current);
            (from, current) = (at, severity);
        }
        if let Some(special) = special {
            out.push((special, severity));
            from = at + c.len_utf8();
        }
    }
    plain(&mut out, from, text.len(), current);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: usize, end: usize, severity: Severity) -> Mark {
        Mark { start, end, severity }
    }

    #[test]
    fn markup_and_hidden_characters_are_text() {
        let html = set("<b>\u{202e}x\u{e0041}\"'&\n</b>", &[], Setting::Line).into_string();
        assert_eq!(
            html,
            "&lt;b&gt;<span class=\"hidden\" title=\"U+202E, changes the order of the text around it\">\\u{202e}</span>x\
             <span class=\"hidden\" title=\"U+E0041, tag character: text that no reader sees\">\\u{e0041}</span>&quot;'&amp;\
             <span class=\"hidden\" title=\"U+000A, line feed\">\\n</span>&lt;/b&gt;"
        );
    }

    #[test]
    fn lines_of_prose_stay_lines_and_json_stays_json() {
        let html = set("a\nb", &[], Setting::Prose).into_string();
        assert_eq!(html, "a<span class=\"break\" aria-hidden=\"true\">↵</span>\nb");
        assert_eq!(set("a\"\\b", &[], Setting::Json).into_string(), "a\\&quot;\\\\b");
    }

    #[test]
    fn marks_overlap_end_inside_characters_and_lie() {
        let html = |marks: &[Mark]| set("aéb<c", marks, Setting::Line).into_string();
        let one = [mark(0, 4, Severity::Medium), mark(1, 4, Severity::High)];
        assert_eq!(html(&one), "<mark class=\"medium\">a</mark><mark class=\"high\">éb</mark>&lt;c");
        // Ends in the middle of a character, starts behind its end, ends far outside.
        assert_eq!(html(&[mark(2, 2, Severity::High)]), "aéb&lt;c");
        assert_eq!(html(&[mark(9, 3, Severity::High)]), "aéb&lt;c");
        assert_eq!(html(&[mark(4, usize::MAX, Severity::Low)]), "aéb<mark class=\"low\">&lt;c</mark>");
    }

    #[test]
    fn cuts_count_characters() {
        assert_eq!(cut("äöü", 2), ("äö", 1));
        assert_eq!(cut("äöü", 3), ("äöü", 0));
        assert_eq!(short("<äöü>", 2).into_string(), "<bdi>&lt;ä…</bdi>");
    }
}
