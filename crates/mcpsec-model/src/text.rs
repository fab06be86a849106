//! Text that strangers wrote, and the one way it may reach a terminal or a lock: escaped.
//!
//! Package names, version strings, deprecation notes, error bodies and (later) tool descriptions are chosen by people we do
//! not trust. [`Untrusted`] carries such text; its `Display` escapes every control, bidirectional, zero-width, tag and
//! private-use character as `\u{…}`, so that a reader sees what is there and a terminal cannot be driven by it.
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// Text from outside, shown only escaped. The raw text is reached by the deliberately long [`Untrusted::raw`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps text of unknown origin.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came; for hashing, comparing and JSON strings, never for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The escaped text, cut to at most `max` characters with `…` where something was cut.
    pub fn excerpt(&self, max: usize) -> String {
        let mut chars = self.0.chars();
        let head: String = chars.by_ref().take(max).collect();
        let mut shown = escape(&head);
        if chars.next().is_some() {
            shown.push('…');
        }
        shown
    }
}

impl<T: Into<String>> From<T> for Untrusted {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", escape(&self.0))
    }
}

/// Escapes every character that a reader would not see as itself. Plain text comes back unchanged.
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_hidden(c) => {
                // Writing to a String cannot fail.
                let _infallible = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Whether a character is invisible, moves the cursor, reorders text or has no agreed glyph.
///
/// The set: Unicode general category Cc; the format characters that reorder or hide (bidirectional controls of UAX #9,
/// zero-width characters, soft hyphen, word joiner, invisible operators, interlinear annotation, the tags block); variation
/// selectors; blank letters that render as nothing; private use; non-characters.
pub fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0x00..=0x1f | 0x7f..=0x9f
        | 0xad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5
        | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0xfffe | 0xffff
        | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff | 0xf0000..=0x10ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_itself() {
        assert_eq!(escape("Größe: 3 µm — 日本語"), "Größe: 3 µm — 日本語");
    }

    #[test]
    fn terminal_and_hidden_characters_are_escaped() {
        assert_eq!(escape("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escape("x\u{202e}y\u{200b}z"), "x\\u{202e}y\\u{200b}z");
        assert_eq!(escape("\u{e0041}"), "\\u{e0041}");
        assert_eq!(format!("{:?}", Untrusted::new("\u{9b}31m")), "\"\\u{9b}31m\"");
    }

    #[test]
    fn excerpts_say_that_they_were_cut() {
        assert_eq!(Untrusted::new("abcdef").excerpt(3), "abc…");
        assert_eq!(Untrusted::new("abc").excerpt(3), "abc");
    }
}
