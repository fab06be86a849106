//! A text as rules read it: folded, lower-case, without emphasis, white space collapsed, with a map back to the bytes it
//! came from.
use super::fold;

/// A text made plain. Positions in it are turned into spans of the original by [`Normal::span`].
#[derive(Debug, Default)]
pub(super) struct Normal {
    /// The plain text.
    pub(super) text: String,
    /// For every byte of the plain text, the original character it came from: first byte and the byte after it.
    map: Vec<(u32, u32)>,
    /// Positions in the plain text where a sentence cannot go on: blank lines, list items, tags.
    pub(super) breaks: Vec<usize>,
}

impl Normal {
    /// Makes a text plain. The text is at most some 256 KiB long: see `CHUNK`.
    pub(super) fn new(text: &str) -> Self {
        let mut out =
            Self { text: String::with_capacity(text.len()), map: Vec::with_capacity(text.len()), breaks: vec![] };
        let mut lines = 0_u32;
        let mut gap: Option<usize> = None;
        for (at, c) in text.char_indices() {
            let whole = (at, at + c.len_utf8());
            if c == '\n' || c == '\u{2028}' || c == '\u{2029}' || c == '\u{b}' || c == '\u{c}' {
                lines += 1;
                gap = Some(at);
                continue;
            }
            if c.is_whitespace() {
                gap = Some(at);
                continue;
            }
            // Emphasis says nothing and splits words: `do **not** tell`.
            if matches!(c, '*' | '`') && !(c == '*' && lines > 0) {
                continue;
            }
            if let Some(space) = gap
                && !fold::is_joiner(c)
            {
                if lines > 1 || (lines == 1 && starts_item(c, &text[at..])) {
                    out.breaks.push(out.text.len());
                }
                if !out.text.is_empty() {
                    out.push(" ", (space, at));
                }
                (gap, lines) = (None, 0);
            }
            if c == '*' {
                continue;
            }
            let before = out.text.len();
            fold::fold(c, &mut out.text);
            let added = out.text.len() - before;
            out.map.extend(std::iter::repeat_n(short(whole), added));
        }
        out
    }

    /// The bytes of the original that became this part of the plain text.
    pub(super) fn span(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.map.get(start).or(self.map.last()).map_or(0, |(from, _)| *from as usize);
        let to = end.checked_sub(1).and_then(|last| self.map.get(last)).map_or(from, |(_, to)| *to as usize);
        (from, to.max(from))
    }

    /// The first byte of the plain text that came from this byte of the original or a later one.
    pub(super) fn plain_at(&self, byte: usize) -> usize {
        self.map.partition_point(|(from, _)| (*from as usize) < byte)
    }

    fn push(&mut self, text: &str, from: (usize, usize)) {
        self.text.push_str(text);
        self.map.extend(std::iter::repeat_n(short(from), text.len()));
    }
}

/// Texts are cut into pieces far shorter than 4 GiB before they get here.
fn short((from, to): (usize, usize)) -> (u32, u32) {
    (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX))
}

/// Whether a line that begins like this is no continuation of the line above.
fn starts_item(c: char, rest: &str) -> bool {
    let mut next = rest.chars().skip(1);
    match c {
        '-' | '*' | '•' | '+' | '◦' | '–' => next.next().is_none_or(|c| c == ' '),
        '#' | '<' | '[' | '|' | '>' | '=' => true,
        '0'..='9' => next.find(|c| !c.is_ascii_digit()).is_some_and(|c| matches!(c, '.' | ')' | ':')),
        _ => rest.split('\n').next().is_some_and(|line| line.trim_end().ends_with(':')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lead_back_to_the_original_bytes() {
        let text = "Füge  **nicht**\n  `~/.ssh`\u{200b}/id_rsa hinzu";
        let normal = Normal::new(text);
        assert_eq!(normal.text, "fuge nicht ~/.ssh/id_rsa hinzu");
        for (word, written) in [("nicht", "nicht"), ("~/.ssh/id_rsa", "~/.ssh`\u{200b}/id_rsa"), ("fuge", "Füge")] {
            let at = normal.text.find(word).expect("there");
            let (from, to) = normal.span(at, at + word.len());
            assert_eq!(&text[from..to], written);
        }
    }

    #[test]
    fn lists_and_blank_lines_end_sentences_and_wrapped_lines_do_not() {
        assert_eq!(Normal::new("one\ntwo").breaks, [0_usize; 0]);
        assert_eq!(Normal::new("one\n\ntwo").breaks, [3]);
        assert_eq!(Normal::new("one\n- two\n- three").breaks, [3, 9]);
    }
}
