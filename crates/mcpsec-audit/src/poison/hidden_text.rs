//! Hidden text: characters that a reader does not see and a model reads.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::Alarm;

/// Looks for it in a piece of text; spans are bytes of the piece.
pub(super) fn check(piece: &str) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if piece.bytes().all(|b| (0x20..0x7f).contains(&b) || matches!(b, b'\n' | b'\r' | b'\t')) {
        return alarms;
    }
    let chars: Vec<(usize, char)> = piece.char_indices().collect();
    // Text from right to left needs isolates and marks.
    let rightward =
        chars.iter().any(|(_, c)| matches!(u32::from(*c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefc));
    let mut at = 0;
    while let Some((start, c)) = chars.get(at).copied() {
        let class = classify(c);
        if class == Class::Seen {
            at += 1;
            continue;
        }
        let from = at;
        while chars.get(at).is_some_and(|(_, c)| classify(*c) == class) {
            at += 1;
        }
        let end = chars.get(at).map_or(piece.len(), |(end, _)| *end);
        let before = from.checked_sub(1).and_then(|before| chars.get(before)).map(|(_, c)| *c);
        let after = chars.get(at).map(|(_, c)| *c);
        if class == Class::Isolate && rightward {
            continue;
        }
        if let Some((severity, message)) = judge(class, at - from, start, before, after) {
            alarms.push(Alarm::new(Rule::HiddenText, severity, Confidence::High, (start, end), message));
        }
    }
    // The same character between all letters is one finding, not thousands.
    if alarms.len() > 8 {
        let grave = alarms.iter().map(|alarm| alarm.severity).max().unwrap_or(Severity::High);
        let (first, last) = (alarms.first().map_or(0, |a| a.start), alarms.last().map_or(0, |a| a.end));
        let severity = if grave >= Severity::Medium { Severity::High } else { Severity::Low };
        return vec![Alarm::new(
            Rule::HiddenText,
            severity,
            Confidence::High,
            (first, last),
            "characters without width stand in many places",
        )];
    }
    alarms
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Seen,
    /// Letters of the tags block.
    Tag,
    /// Characters of no width.
    Width,
    /// Joiners that some scripts and emoji need.
    Joiner,
    /// Where a word may be broken at the end of a line.
    Hyphen,
    /// Selectors of glyph variants.
    Variant,
    /// Characters that reorder what is shown.
    Order,
    /// Characters that give a part of the text its own direction, as templates do around names.
    Isolate,
    /// Marks of direction.
    Mark,
    /// Control characters.
    Control,
    /// Private use and non-characters.
    Private,
    /// Letters that are blank.
    Blank,
}

fn classify(c: char) -> Class {
    match u32::from(c) {
        0x0a | 0x0d | 0x09 => Class::Seen,
        0xe0020..=0xe007f | 0xe0000..=0xe0001 => Class::Tag,
        0x200c | 0x200d => Class::Joiner,
        0x200b | 0x2060..=0x2064 | 0xfeff | 0x034f | 0x180e | 0x206a..=0x206f | 0xfff9..=0xfffb => Class::Width,
        0xad => Class::Hyphen,
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef => Class::Variant,
        0x202d | 0x202e => Class::Order,
        0x202a..=0x202c | 0x2066..=0x2069 => Class::Isolate,
        0x200e | 0x200f | 0x061c => Class::Mark,
        0x00..=0x1f | 0x7f..=0x9f => Class::Control,
        0xe000..=0xf8ff | 0xf0000..=0x10ffff | 0xfdd0..=0xfdef => Class::Private,
        0x115f | 0x1160 | 0x3164 | 0xffa0 | 0x17b4 | 0x17b5 | 0x2800 => Class::Blank,
        _ => Class::Seen,
    }
}

fn judge(
    class: Class,
    count: usize,
    start: usize,
    before: Option<char>,
    after: Option<char>,
) -> Option<(Severity, &'static str)> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let pictured = |c: Option<char>| {
        c.is_some_and(|c| matches!(u32::from(c), 0x203c..=0x3299 | 0xa9 | 0xae | 0x1f000..=0x1ffff | 0x23 | 0x2a | 0x30..=0x39 | 0xfe0f))
    };
    match class {
        Class::Seen => None,
        // Flags of regions are a black flag and three to seven tags.
        Class::Tag if before == Some('\u{1f3f4}') && count <= 8 => None,
        Class::Tag => Some((Severity::High, "letters of the tags block, which nobody sees, spell something")),
        Class::Width if start == 0 && count == 1 => None,
        Class::Width if count == 1 && !(letter(before) && letter(after)) => {
            Some((Severity::Low, "a character without width"))
        }
        Class::Width if count == 1 && !ascii(before) => Some((Severity::Low, "a character without width")),
        Class::Width if count < 4 => Some((Severity::Medium, "a character without width splits a word")),
        Class::Width => Some((Severity::High, "a run of characters without width may carry a text")),
        Class::Joiner if count > 1 => Some((Severity::High, "a run of joiners may carry a text")),
        Class::Joiner if ascii(before) && ascii(after) => Some((Severity::Medium, "a joiner splits a word")),
        Class::Joiner => None,
        Class::Variant if count == 1 && !ascii(before) => None,
        Class::Variant if count == 1 && pictured(before) => None,
        Class::Variant if count == 1 => Some((Severity::Low, "a variation selector stands where none belongs")),
        Class::Variant => Some((Severity::High, "a run of variation selectors may carry a text")),
        Class::Order => Some((Severity::High, "characters that reorder the text show something else than is there")),
        Class::Hyphen if count > 1 => Some((Severity::High, "a run of hyphens that nobody sees may carry a text")),
        Class::Hyphen => None,
        Class::Isolate if count > 3 => Some((Severity::High, "a run of direction marks may carry a text")),
        Class::Isolate => Some((Severity::Low, "characters that set a direction where all text runs one way")),
        Class::Mark if count > 2 => Some((Severity::Medium, "a run of direction marks may carry a text")),
        Class::Mark => None,
        Class::Control => Some((Severity::High, "control characters can change what a terminal shows")),
        Class::Private => {
            Some((if count > 3 { Severity::Medium } else { Severity::Low }, "characters without an agreed meaning"))
        }
        Class::Blank => Some((if count > 3 { Severity::Medium } else { Severity::Low }, "blank letters")),
    }
}
