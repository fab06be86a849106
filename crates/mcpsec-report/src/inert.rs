//! Text that does nothing to whoever reads it: the log of a CI job takes some lines as commands.
//!
//! A line that starts with `::`, spaces before it or not, is a workflow command; `##[` and `##vso[` are commands wherever they
//! stand. None of our own texts has them, so whatever has is a stranger's, and one of its characters is shown escaped.
use std::borrow::Cow;

/// Words that are commands anywhere in a line.
const ANYWHERE: [&str; 2] = ["##[", "##vso["];

/// The same text, without a line that a CI job would obey. Doing it twice changes nothing.
pub fn inert(text: &str) -> Cow<'_, str> {
    let harmless = |line: &str| !starts_command(line) && !ANYWHERE.iter().any(|word| holds(line, word));
    if text.lines().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    for line in text.split_inclusive('\n') {
        let start = line.len() - visible_start(line).len();
        if starts_command(line) {
            out.push_str(&line[..start]);
            out.push_str("\\u{3a}");
            hash_marks(&line[start + 1..], "\\u{23}", &mut out);
        } else {
            hash_marks(line, "\\u{23}", &mut out);
        }
    }
    Cow::Owned(out)
}

/// The same for JSON, whose lines start with brackets and quotation marks: a parser reads the same strings.
pub(crate) fn inert_json(text: String) -> String {
    if !ANYWHERE.iter().any(|word| holds(&text, word)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 32);
    hash_marks(&text, "\\u0023", &mut out);
    out
}

/// A line from its first character that is not white space. Colours are no white space, but a log may strip them first.
fn visible_start(mut line: &str) -> &str {
    loop {
        line = line.trim_start();
        let Some(rest) = line.strip_prefix("\u{1b}[") else { return line };
        match rest.find(|c: char| !c.is_ascii_digit() && c != ';') {
            Some(end) => line = &rest[end + rest[end..].chars().next().map_or(0, char::len_utf8)..],
            None => return line,
        }
    }
}

fn starts_command(line: &str) -> bool {
    visible_start(line).starts_with("::")
}

fn holds(line: &str, word: &str) -> bool {
    line.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn hash_marks(line: &str, shown: &str, out: &mut String) {
    for (at, c) in line.char_indices() {
        let rest = line.as_bytes().get(at..).unwrap_or_default();
        let starts =
            |word: &&str| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
        if c == '#' && ANYWHERE.iter().any(starts) {
            out.push_str(shown);
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_ci_jobs_are_shown_and_not_obeyed() {
        for (text, want) in [
            ("plain :: text\n  a::b\n", "plain :: text\n  a::b\n"),
            ("::error::x\n", "\\u{3a}:error::x\n"),
            ("a\n \t ::set-env name=X::y", "a\n \t \\u{3a}:set-env name=X::y"),
            ("\u{1b}[31m::error::x", "\u{1b}[31m\\u{3a}:error::x"),
            ("see ##[error]x and ##VSO[task]", "see \\u{23}#[error]x and \\u{23}#VSO[task]"),
            ("###[x", "#\\u{23}#[x"),
            ("# heading\n## [x]", "# heading\n## [x]"),
        ] {
            assert_eq!(inert(text), want);
            assert_eq!(inert(want), want, "doing it twice changes nothing");
        }
        assert_eq!(inert_json("[\"##[x\"]".to_owned()), "[\"\\u0023#[x\"]");
    }
}
