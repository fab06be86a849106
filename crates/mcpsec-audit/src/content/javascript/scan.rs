//! Pieces of source text without a syntax tree: for files that do not parse, and to measure how deep a file is nested.
//!
//! A parser that descends into what it reads needs stack for each level, and a stranger chooses the levels. So depth is measured
//! first, in one pass that needs no stack. Whether `/` divides or starts a regular expression is told by what stands before it.

/// A piece of source text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Piece<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// What stands between quotes, or a part of a template, as written.
    Text(&'a str),
    /// Any other character.
    Mark(u8),
    /// A regular expression.
    Pattern,
}

/// What [`scan`] found out on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shape {
    /// How deep a parser descends at most, about.
    pub(super) depth: usize,
    /// How many brackets and prefixes there are in all.
    pub(super) openers: usize,
    /// Whether some `/` can be read in two ways, so that `depth` may be wrong.
    pub(super) ambiguous: bool,
}

/// Words after which an expression starts.
const BEFORE_EXPRESSION: &[&str] = &[
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "new",
    "do",
    "else",
    "instanceof",
    "yield",
    "await",
    "extends",
    "default",
];
/// Words that nest what follows without a bracket.
const NESTS: &[&str] = &[
    "typeof", "void", "delete", "await", "new", "yield", "if", "else", "for", "while", "do", "with", "keyof",
    "extends", "infer", "readonly", "unique", "asserts", "async",
];

/// Hands each piece to `see`, with its offset.
pub(super) fn scan<'a>(text: &'a str, mut see: impl FnMut(usize, Piece<'a>)) -> Shape {
    let bytes = text.as_bytes();
    let mut shape = Shape::default();
    let mut levels: Vec<Level> = Vec::new();
    let mut chain = 0;
    let mut chains = 0;
    let mut last = Last::Operator;
    let mut at = if text.starts_with("#!") { line_end(bytes, 0) } else { 0 };
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = find(bytes, at + 2, b"*/").map_or(bytes.len(), |end| end + 2)
            }
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at + 1, quote);
                see(start, Piece::Text(inner(text, start + 1, at)));
                last = Last::Value;
            }
            b'`' => {
                at = template(text, at + 1, &mut levels, &mut see);
                if levels.last().is_some_and(|level| level.fresh) {
                    chains += chain + 1;
                    enter(&mut levels, &mut chain);
                    last = Last::Operator;
                } else {
                    last = Last::Value;
                }
            }
            b'/' if last == Last::Operator || last == Last::Brace => {
                shape.ambiguous |= last == Last::Brace;
                match pattern_end(bytes, at + 1) {
                    Some(end) => {
                        at = end;
                        see(start, Piece::Pattern);
                        last = Last::Value;
                    }
                    None => {
                        at += 1;
                        last = Last::Operator;
                    }
                }
            }
            b if b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b == b'#' || b == b'\\' || b >= 0x80 => {
                while at < bytes.len()
                    && (bytes[at].is_ascii_alphanumeric()
                        || matches!(bytes[at], b'_' | b'$' | b'#' | b'\\')
                        || bytes[at] >= 0x80)
                {
                    at += 1;
                }
                let word = &text[start..at];
                see(start, Piece::Word(word));
                if NESTS.contains(&word) {
                    chain += 1;
                }
                last = if matches!(word, "if" | "while" | "for" | "with") {
                    Last::Condition
                } else if BEFORE_EXPRESSION.contains(&word) {
                    Last::Operator
                } else {
                    Last::Value
                };
            }
            mark => {
                at += 1;
                see(start, Piece::Mark(mark));
                match mark {
                    b'(' | b'[' | b'{' => {
                        shape.openers += 1;
                        levels.push(Level { condition: last == Last::Condition, ..Level::default() });
                        chains += chain + 1;
                        enter(&mut levels, &mut chain);
                        last = Last::Operator;
                    }
                    b')' | b']' | b'}' => {
                        let level = levels.pop().unwrap_or_default();
                        chain = level.chain;
                        chains = chains.saturating_sub(chain + 1);
                        if mark == b'}' && level.template {
                            at = template(text, at, &mut levels, &mut see);
                            if levels.last().is_some_and(|level| level.fresh) {
                                chains += chain + 1;
                                enter(&mut levels, &mut chain);
                                last = Last::Operator;
                            } else {
                                last = Last::Value;
                            }
                        } else {
                            last = match mark {
                                b'}' => Last::Brace,
                                b')' if level.condition => Last::Operator,
                                _ => Last::Value,
                            };
                            // A block ends its statement; what else ends by `;` or `,` or not at all.
                            if mark == b'}' && chain > 64 && !followed_by_else(bytes, at) {
                                chain = 0;
                            }
                        }
                    }
                    b';' | b',' => {
                        chain = 0;
                        last = Last::Operator;
                    }
                    _ => {
                        let nests = matches!(mark, b'!' | b'~' | b'?' | b'<' | b'=' | b'+' | b'-' | b':' | b'@')
                            || mark == b'*' && bytes.get(at) == Some(&b'*');
                        let twice = matches!(mark, b'=' | b'?') && bytes.get(at) == Some(&mark);
                        if nests && !twice && (mark != b'+' && mark != b'-' || last == Last::Operator) {
                            chain += 1;
                            shape.openers += 1;
                        }
                        let postfix =
                            matches!(mark, b'+' | b'-') && bytes.get(at) == Some(&mark) && last == Last::Value;
                        if postfix {
                            at += 1;
                        } else {
                            last = Last::Operator;
                        }
                    }
                }
            }
        }
        shape.depth = shape.depth.max(chains + chain);
    }
    shape
}

/// What stands before a `/`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// An operator or the start of something: a regular expression follows.
    Operator,
    /// A value: it is divided.
    Value,
    /// The end of a block or object.
    Brace,
    /// `if` and its like: the bracket that follows is no value.
    Condition,
}

#[derive(Clone, Copy, Default)]
struct Level {
    /// What was pending outside.
    chain: usize,
    /// Whether this is `${` of a template.
    template: bool,
    /// Whether this level has just been pushed by a template.
    fresh: bool,
    /// Whether it is the condition of a statement.
    condition: bool,
}

fn enter(levels: &mut [Level], chain: &mut usize) {
    if let Some(level) = levels.last_mut() {
        level.chain = *chain;
        level.fresh = false;
    }
    *chain = 0;
}

/// Reads a template from `at` to its end or to its next `${`, for which a fresh level is pushed.
fn template<'a>(text: &'a str, at: usize, levels: &mut Vec<Level>, see: &mut impl FnMut(usize, Piece<'a>)) -> usize {
    let bytes = text.as_bytes();
    let mut end = at;
    while end < bytes.len() {
        match bytes[end] {
            b'\\' => end += 2,
            b'`' => {
                see(at, Piece::Text(&text[at..end]));
                return end + 1;
            }
            b'$' if bytes.get(end + 1) == Some(&b'{') => {
                see(at, Piece::Text(&text[at..end]));
                levels.push(Level { template: true, fresh: true, ..Level::default() });
                return end + 2;
            }
            _ => end += 1,
        }
    }
    bytes.len()
}

fn followed_by_else(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..bytes.len().min(at + 64)];
    rest.trim_ascii_start().starts_with(b"else")
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |length| at + length)
}

fn string_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return at,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn pattern_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut class = false;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return None,
            b'[' => {
                class = true;
                at += 1;
            }
            b']' => {
                class = false;
                at += 1;
            }
            b'/' if !class => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// The text between quotes, also when the closing one is missing.
fn inner(text: &str, start: usize, end: usize) -> &str {
    let end = end.min(text.len());
    let quote = text.as_bytes()[start - 1];
    let end = if end > start && text.as_bytes()[end - 1] == quote { end - 1 } else { end };
    text.get(start..end).unwrap_or_default()
}
