//! Signs in how source text is written: packed, scrambled, or with something that nobody sees.
use super::{
    super::{
        facts::{FileFacts, Sign, SignKind},
        literals::{hidden_run, shown},
    },
    lines::Lines,
};

/// Blanks before code that push it out of sight.
const PADDING: usize = 200;
/// A line that nobody writes by hand.
const LONG_LINE: usize = 1_000;
/// How far apart things stand that belong to one loop, in bytes.
const NEAR: u32 = 1_500;

/// Reads the text as it is written.
pub(super) fn of_text(text: &str, lines: &Lines, facts: &mut FileFacts) {
    let mut sign = |kind, at: usize, shown: String, weak| {
        let line = lines.of(u32::try_from(at).unwrap_or(u32::MAX));
        facts.signs.push(Sign { kind, line, shown, weak });
    };
    let mut at = 0;
    let mut long = 0;
    let mut packed = None;
    for line in text.split_inclusive('\n') {
        if line.len() > LONG_LINE {
            long += line.len();
            packed = packed.or(Some(at));
        }
        if !line.is_ascii() && hidden_run(line) >= 16 {
            let start =
                line.char_indices().find(|(_, c)| mcpsec_model::text::is_hidden(*c)).map_or(0, |(start, _)| start);
            sign(SignKind::Obfuscated, at + start, "invisible characters that carry data".to_owned(), false);
        }
        at += line.len();
    }
    if let Some(start) = packed
        && long * 2 > text.len()
    {
        sign(SignKind::Packed, start, format!("lines of more than {LONG_LINE} characters"), true);
    }
    if let Some(start) = brackets_only(text) {
        sign(SignKind::Obfuscated, start, "code of nothing but brackets".to_owned(), false);
    }
}

/// A run of `[]()!+` alone, which is code in disguise.
fn brackets_only(text: &str) -> Option<usize> {
    let mut run = 0;
    for (at, b) in text.bytes().enumerate() {
        if matches!(b, b'[' | b']' | b'(' | b')' | b'!' | b'+') {
            run += 1;
            if run == 400 {
                // Brackets alone are deep arrays; the disguise needs all of them.
                let window = &text.as_bytes()[at + 1 - run..=at];
                let kinds = b"[]()!+".iter().filter(|kind| window.iter().filter(|b| b == kind).count() >= 8).count();
                if kinds == 6 {
                    return Some(at + 1 - run);
                }
                run = 0;
            }
        } else {
            run = 0;
        }
    }
    None
}

/// Whether code stands after so many blanks that an editor does not show it.
pub(super) fn is_pushed_out_of_sight(text: &str, start: u32, lines: &Lines) -> bool {
    let line = lines.start(start) as usize;
    let Some(before) = text.get(line..start as usize) else { return false };
    let kept = before.trim_end_matches([' ', '\t']);
    !kept.trim().is_empty() && before.len() - kept.len() >= PADDING
}

/// Counts what scramblers leave in a syntax tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Scrambling {
    /// Names such as `_0x3f2a`, and the line of the first.
    pub(super) numbered: usize,
    pub(super) numbered_at: u32,
    /// Strings of which each printable character is escaped.
    pub(super) escaped: usize,
    pub(super) escaped_at: u32,
    /// A list of strings is turned around while it is compared: `push(shift())` beside `parseInt`.
    /// Offsets, and for the first the line as well.
    pub(super) rotated: Vec<(u32, u32)>,
    pub(super) parsed: Vec<u32>,
    /// An order of steps in a string: `"3|0|2|1".split("|")`.
    pub(super) flattened_at: Option<u32>,
    /// Code that stops debuggers.
    pub(super) trapped_at: Option<u32>,
}

impl Scrambling {
    /// The line where a list is turned until sums of numbers out of it fit: the numbers are read close by.
    fn rotated_at(&self) -> Option<u32> {
        let close = |offset: u32| self.parsed.iter().filter(|at| at.abs_diff(offset) <= NEAR).count();
        self.rotated.iter().find(|(offset, _)| close(*offset) >= 3).map(|(_, line)| *line)
    }

    /// A name was used.
    pub(super) fn name(&mut self, name: &str, line: u32) {
        let numbered =
            name.strip_prefix("_0x").is_some_and(|rest| rest.len() >= 3 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
        if numbered {
            if self.numbered == 0 {
                self.numbered_at = line;
            }
            self.numbered += 1;
        }
    }

    /// A string stands in the file, with its quotes.
    pub(super) fn literal(&mut self, raw: &str, value: &str, line: u32) {
        if raw.len() < 18 || raw.len() > 4096 || !raw.contains('\\') {
            return;
        }
        let printable = value.bytes().filter(u8::is_ascii_alphanumeric).count();
        let escapes = raw.matches("\\x").count() + raw.matches("\\u").count();
        if printable >= 4 && printable * 2 >= value.len() && escapes * 10 >= value.chars().count() * 9 {
            if self.escaped == 0 {
                self.escaped_at = line;
            }
            self.escaped += 1;
        }
    }

    /// A string is split.
    pub(super) fn split(&mut self, text: &str, by: &str, line: u32) {
        let steps = text.split('|').count();
        if by == "|" && steps >= 4 && text.split('|').all(|step| step.parse::<u8>().is_ok()) {
            self.flattened_at.get_or_insert(line);
        }
    }

    /// What it comes to.
    pub(super) fn report(self, facts: &mut FileFacts) {
        let rotated = self.rotated_at();
        let mut sign = |kind, line, words: &str, weak| {
            facts.signs.push(Sign { kind, line, shown: shown(words), weak });
        };
        if self.numbered >= 20 {
            sign(SignKind::Obfuscated, self.numbered_at, "names made of numbers", self.numbered < 40);
        }
        if let Some(line) = rotated {
            sign(SignKind::Obfuscated, line, "a table of strings that is turned before it is used", false);
        }
        if self.escaped >= 6 {
            let weak = self.escaped < 12 && self.numbered == 0 && rotated.is_none();
            sign(SignKind::Obfuscated, self.escaped_at, "words written as numbers of characters", weak);
        }
        if let Some(line) = self.flattened_at {
            sign(SignKind::Obfuscated, line, "the order of statements is hidden in a string", false);
        }
        if let Some(line) = self.trapped_at {
            sign(SignKind::Evasion, line, "stops debuggers", false);
        }
    }
}
