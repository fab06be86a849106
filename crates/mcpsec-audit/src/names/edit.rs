//! How one name becomes another: the single slip of a finger between two texts, and forms in which lookalikes are the same.

/// The one edit between two texts that differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edit {
    /// Two neighbours changed places.
    Swapped,
    /// A character stands twice that stood once, or the other way round.
    Doubled,
    /// A character is missing or one too many.
    Extra {
        /// Which.
        char: char,
        /// Whether it is the last of the longer text.
        last: bool,
        /// Whether it is the first of the longer text.
        first: bool,
    },
    /// One character stands for another one.
    Replaced {
        /// One of the two.
        a: char,
        /// The other.
        b: char,
        /// Whether it is the first character.
        first: bool,
    },
}

/// The edit that turns `a` into `b`, if a single one does. Both are short: names have at most 214 bytes.
pub(super) fn single(a: &str, b: &str) -> Option<Edit> {
    if a == b || a.len().abs_diff(b.len()) > 1 || !a.is_ascii() || !b.is_ascii() {
        return None;
    }
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let start = x.iter().zip(y).take_while(|(x, y)| x == y).count();
    let room = x.len().min(y.len()) - start;
    let end = x.iter().rev().zip(y.iter().rev()).take(room).take_while(|(x, y)| x == y).count();
    let (x, y) = (&x[start..x.len() - end], &y[start..y.len() - end]);
    match (x, y) {
        ([c], []) | ([], [c]) => {
            let longer = if a.len() > b.len() { a.as_bytes() } else { b.as_bytes() };
            // The common start swallows the first of two equal characters.
            let doubled = start > 0 && longer[start - 1] == *c || longer.get(start + 1) == Some(c);
            if doubled {
                return Some(Edit::Doubled);
            }
            Some(Edit::Extra { char: char::from(*c), last: start + 1 == longer.len(), first: start == 0 })
        }
        ([c], [d]) => Some(Edit::Replaced { a: char::from(*c), b: char::from(*d), first: start == 0 }),
        ([c, d], [e, f]) if c == f && d == e => Some(Edit::Swapped),
        _ => None,
    }
}

/// A name without the characters that people mix up: separators, case.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// A name as a quick eye sees it: digits for letters, `rn` for `m`, `vv` for `w`, `I`, `j` and `l`. Separators stay.
pub(super) fn skeleton(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace("rn", "m").replace("vv", "w");
    let seen = |c| match c {
        '0' => 'o',
        '1' | 'i' | 'j' => 'l',
        '3' => 'e',
        '5' => 's',
        '_' | '.' => '-',
        c => c,
    };
    lower.chars().map(seen).collect()
}

/// The words of a name.
pub(super) fn words(name: &str) -> Vec<&str> {
    name.split(['-', '_', '.', '/', '@']).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_slip_is_told_from_two() {
        assert_eq!(single("lodahs", "lodash"), Some(Edit::Swapped));
        assert_eq!(single("expresss", "express"), Some(Edit::Doubled));
        assert_eq!(single("expres", "express"), Some(Edit::Doubled));
        assert_eq!(single("mongose", "mongoose"), Some(Edit::Doubled));
        assert_eq!(single("shadowsock", "shadowsocks"), Some(Edit::Extra { char: 's', last: true, first: false }));
        assert_eq!(single("tensorfow", "tensorflow"), Some(Edit::Extra { char: 'l', last: false, first: false }));
        assert_eq!(single("selemium", "selenium"), Some(Edit::Replaced { a: 'm', b: 'n', first: false }));
        for (a, b) in [("a", "a"), ("abc", "cba"), ("lodash", "ldoahs"), ("", "ab"), ("é", "e")] {
            assert_eq!(single(a, b), None, "{a} {b}");
        }
        assert_eq!(single("", "a"), Some(Edit::Extra { char: 'a', last: true, first: true }));
    }

    #[test]
    fn lookalike_characters_fall_together() {
        for (a, b) in
            [("l0dash", "lodash"), ("jeIlyfish", "jellyfish"), ("rnongoose", "mongoose"), ("vvebpack", "webpack")]
        {
            assert_eq!(skeleton(a), skeleton(b), "{a}");
        }
        assert_eq!(bare("@Cross_env.JS"), "crossenvjs");
        assert_eq!(words("@a/b-c.d"), ["a", "b", "c", "d"]);
    }
}
