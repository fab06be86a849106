//! Texts that were changed: only in their dots and blanks, or in their words.
use mcpsec_model::{drift::DriftLevel, manifest::Subject};

use super::sink::Sink;

/// Says how a text changed. Whether its new words are a risk is another question; see [`super::risk`].
pub(super) fn changed(sink: &mut Sink, at: &Subject, what: &str, before: Option<&str>, after: Option<&str>) {
    let what = mcpsec_model::text::Untrusted::new(what).excerpt(40);
    let (level, message) = match (before, after) {
        (before, after) if before == after => return,
        (Some(old), Some(new)) if bare(old) == bare(new) => {
            (DriftLevel::Cosmetic, format!("the {what} differs in punctuation or white space only"))
        }
        (Some(_), Some(_)) => (DriftLevel::Wording, format!("the {what} was reworded")),
        (None, _) => (DriftLevel::Wording, format!("a {what} was added")),
        (_, None) => (DriftLevel::Wording, format!("the {what} was removed")),
    };
    sink.add(level, at.clone(), message, before, after);
}

/// The text without what carries no meaning by itself. Signs that do (`/`, `~`, `@`, `$`, `<`, digits' points) stay.
fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let inside_word = |at: usize| {
        let side = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
        side(at.checked_sub(1)) && side(at.checked_add(1))
    };
    let kept = chars.iter().enumerate().filter(|(at, c)| match c {
        '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '`' | '(' | ')' | '*' | '-' | '–' | '—' | '‘' | '’' | '“'
        | '”' => inside_word(*at),
        '。' | '、' | '，' => false,
        c => !c.is_whitespace(),
    });
    // Words that were joined or split are other words: `not able` and `notable`.
    let mut out = String::new();
    let mut last = None;
    for (at, c) in kept {
        if last.is_some_and(|last: usize| last + 1 != at) && !out.is_empty() {
            out.push(' ');
        }
        out.push(*c);
        last = Some(at);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn only_dots_and_blanks_are_cosmetic() {
        assert_eq!(bare("Reads a file.\n\n"), bare(" Reads  a `file`"));
        assert_eq!(bare("Options are: \n- 'a'"), bare("Options are:\n- 'a'."));
        for (a, b) in
            [("not able", "notable"), ("1.5", "15"), ("a/b", "a b"), ("~x", "x"), ("3,000", "3000"), ("a@b", "a b")]
        {
            assert_ne!(bare(a), bare(b), "{a}");
        }
    }
}
