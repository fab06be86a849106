//! Breaking text into lines at spaces, with a hanging indent. Widths are counted in characters.

/// `text` in lines of at most `width` characters, each starting with `indent` spaces, each ending in a newline. A word that
/// is longer than a line stands alone on one: digests and addresses must stay whole to be copied.
pub(crate) fn indented(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column == 0 {
            out.push_str(&" ".repeat(indent));
        } else if column + 1 + length > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = 0;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    if column > 0 {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_whole() {
        assert_eq!(indented("", 2, 80), "");
        assert_eq!(indented("aaaaaaaaaa bbbbbbbbb c", 2, 22), "  aaaaaaaaaa bbbbbbbbb\n  c\n");
        let long = "x".repeat(60);
        assert_eq!(indented(&format!("a {long} b"), 4, 44), format!("    a\n    {long}\n    b\n"));
    }
}
