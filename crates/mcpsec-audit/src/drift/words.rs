//! The difference of two texts, word by word, in bounded time.
use mcpsec_model::drift::Piece;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The most words of each text that are compared word by word. The cost is at most their product.
const MAX_WORDS: usize = 3_000;
/// The most lines of each text that are compared line by line, when there are more words.
const MAX_LINES: usize = 3_000;

/// What was removed and added between two texts. Joining [`Piece::Same`] and [`Piece::Removed`] gives `before`, joining
/// [`Piece::Same`] and [`Piece::Added`] gives `after`, to the byte.
///
/// Words are compared; where the texts are too long for that their lines are, and beyond that the whole middle.
pub fn words(before: &str, after: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let (old, new) = (split(before, Unit::Word), split(after, Unit::Word));
    // Shared ends are cheap to find and are most of the text of a long description.
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];
    pieces.same(&old[..head]);
    if old_middle.len() <= MAX_WORDS && new_middle.len() <= MAX_WORDS {
        pieces.compared(old_middle, new_middle);
    } else {
        let (old_text, new_text) = (old_middle.concat(), new_middle.concat());
        let (old_lines, new_lines) = (split(&old_text, Unit::Line), split(&new_text, Unit::Line));
        if old_lines.len() <= MAX_LINES && new_lines.len() <= MAX_LINES {
            pieces.compared(&old_lines, &new_lines);
        } else {
            pieces.removed(old_middle);
            pieces.added(new_middle);
        }
    }
    pieces.same(&old_rest[old_rest.len() - tail..]);
    pieces.done
}

#[derive(Clone, Copy)]
enum Unit {
    Word,
    Line,
}

/// Splits without losing a byte: runs of letters and digits, runs of white space, and single other characters; or lines.
fn split(text: &str, unit: Unit) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 3,
    };
    let mut parts = Vec::new();
    match unit {
        Unit::Line => parts.extend(text.split_inclusive('\n')),
        Unit::Word => {
            let (mut start, mut last) = (0, 0);
            for (at, c) in text.char_indices() {
                let kind = class(c);
                if at > start && (kind != last || kind == 3) {
                    parts.push(&text[start..at]);
                    start = at;
                }
                last = kind;
            }
            if start < text.len() {
                parts.push(&text[start..]);
            }
        }
    }
    parts
}

#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
}

impl Pieces {
    fn compared(&mut self, old: &[&str], new: &[&str]) {
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => self.same(&old[old_index..old_index + len]),
                DiffOp::Delete { old_index, old_len, .. } => self.removed(&old[old_index..old_index + old_len]),
                DiffOp::Insert { new_index, new_len, .. } => self.added(&new[new_index..new_index + new_len]),
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    self.removed(&old[old_index..old_index + old_len]);
                    self.added(&new[new_index..new_index + new_len]);
                }
            }
        }
    }

    fn same(&mut self, words: &[&str]) {
        self.push(words, |text| Piece::Same(text.into()));
    }

    fn removed(&mut self, words: &[&str]) {
        self.push(words, |text| Piece::Removed(text.into()));
    }

    fn added(&mut self, words: &[&str]) {
        self.push(words, |text| Piece::Added(text.into()));
    }

    fn push(&mut self, words: &[&str], piece: impl Fn(String) -> Piece) {
        if words.is_empty() {
            return;
        }
        let text = words.concat();
        let joined = match (self.done.last(), piece(String::new())) {
            (Some(Piece::Same(last)), Piece::Same(_))
            | (Some(Piece::Removed(last)), Piece::Removed(_))
            | (Some(Piece::Added(last)), Piece::Added(_)) => Some(format!("{}{text}", last.raw())),
            _ => None,
        };
        if joined.is_some() {
            self.done.pop();
        }
        self.done.push(piece(joined.unwrap_or(text)));
    }
}

/// How much two texts have in common: shared words by all words, in thousandths. Two empty texts have everything.
pub(super) fn alike(before: &str, after: &str) -> u32 {
    let set = |text: &str| -> std::collections::BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.take(MAX_WORDS).map(str::to_lowercase).collect()
    };
    let (old, new) = (set(before), set(after));
    let all = old.union(&new).count();
    if all == 0 {
        return 1_000;
    }
    u32::try_from(old.intersection(&new).count() * 1_000 / all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn joined(pieces: &[Piece]) -> (String, String) {
        let (mut before, mut after) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Same(text) => {
                    before.push_str(text.raw());
                    after.push_str(text.raw());
                }
                Piece::Removed(text) => before.push_str(text.raw()),
                Piece::Added(text) => after.push_str(text.raw()),
            }
        }
        (before, after)
    }

    #[test]
    fn words_that_differ_and_nothing_else() {
        assert_eq!(
            words("Reads a file, quickly.", "Reads a text file, slowly."),
            vec![
                Piece::Same("Reads a ".into()),
                Piece::Added("text ".into()),
                Piece::Same("file, ".into()),
                Piece::Removed("quickly".into()),
                Piece::Added("slowly".into()),
                Piece::Same(".".into()),
            ]
        );
        assert_eq!(words("", ""), vec![]);
        assert_eq!(words("", "a"), vec![Piece::Added("a".into())]);
    }

    #[test]
    fn both_texts_come_back_to_the_byte_whatever_they_hold() {
        let long = "x y\n".repeat(5_000);
        for (before, after) in [
            ("a\u{202e}b c", "a b\u{200b} c"),
            ("日本語 です", "日本 です。"),
            (&*long, "x z\n"),
            ("\r\n\t", " "),
            ("a", "b"),
        ] {
            assert_eq!(joined(&words(before, after)), (before.to_owned(), after.to_owned()));
        }
    }

    /// Two long texts without a common word are the worst case of every algorithm.
    #[test]
    fn hostile_texts_take_bounded_time() {
        let text =
            |word: char, end: char| -> String { (0..300_000).map(|n| format!("{word}{}{end}", n % 7)).collect() };
        let begun = Instant::now();
        for end in [' ', '\n'] {
            let (before, after) = (text('a', end), text('b', end));
            assert_eq!(joined(&words(&before, &after)), (before, after));
        }
        let random = |seed: u64| -> String {
            let mut state = seed;
            (0..MAX_WORDS / 2 - 1)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    format!("w{} ", state >> 60)
                })
                .collect()
        };
        let _pieces = words(&random(1), &random(2));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
