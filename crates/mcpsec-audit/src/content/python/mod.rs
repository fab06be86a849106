//! What one Python file does.
//!
//! The text is bounded ([`LARGEST`], [`depth`]), read as a tree (with recovery, so that a mistake in one place hides no other),
//! and walked twice: once to learn what its functions give back and what they do with their parameters, once for the facts.
mod calls;
mod deeds;
mod depth;
mod reader;
mod value;

use std::sync::LazyLock;

use regex::Regex;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use self::reader::Reader;
use super::facts::{FileFacts, SignKind};

/// The largest file that is read as a tree, in bytes.
pub const LARGEST: usize = 8 << 20;
/// Room for trees that are as deep as [`depth::DEEPEST`]; only what is touched is used.
const STACK: usize = 256 << 20;
/// So far to the right no editor shows it.
const FAR: usize = 200;

static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        // Without counts: each would be written out once for every class of Unicode, and the pattern would be too large.
        r#"(?x) ^\s*(?:import|from)\s+(?P<module>[A-Za-z_][A-Za-z0-9_.]*)
        | '(?P<single>[^'\\\n]{3,})' | "(?P<double>[^"\\\n]{3,})"
        | (?P<called>[A-Za-z_][A-Za-z0-9_.]*)\s{0,3}\("#,
    )
    .unwrap_or_else(|error| unreachable!("a pattern of this file: {error}"))
});

/// Reads a file. `path` is its path in the package, with `/`.
pub fn facts(path: &str, text: &str) -> FileFacts {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LARGEST {
        let mut end = LARGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        return by_words(path, &text[..end], format!("longer than {} MiB", LARGEST >> 20));
    }
    if !depth::is_bearable(text) {
        return by_words(path, text, "nested too deeply to be read as a tree".to_owned());
    }
    let read = |text: &str| {
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        let mistake = parsed.errors().first().map(|error| (error.location.start(), parsed.errors().len()));
        let ruff_python_ast::Mod::Module(module) = parsed.into_syntax() else { return FileFacts::default() };
        let mut first = Reader::new(path, text);
        first.module(&module);
        let mut second = Reader::new(path, text).knowing(first);
        second.module(&module);
        let line = |offset| second.line(offset);
        let unread = mistake.map(|(at, count)| match count {
            1 => format!("line {} is not Python 3", line(at)),
            count => format!("line {} and {} other places are not Python 3", line(at), count - 1),
        });
        let mut facts = second.finish();
        facts.unread = unread;
        facts
    };
    let mut facts = with_stack(|| read(text)).unwrap_or_else(|| by_words(path, text, "could not be read".to_owned()));
    pushed_aside(text, &mut facts);
    facts.signs.sort();
    facts.signs.dedup();
    facts
}

/// Runs something with enough stack for it.
fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// What can be told without a tree: literals, and what is imported or called. For files that no tree can be made of.
fn by_words(path: &str, text: &str, unread: String) -> FileFacts {
    let mut reader = Reader::new(path, text);
    for (number, line) in text.lines().enumerate() {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        for found in WORDS.captures_iter(line) {
            if let Some(module) = found.name("module") {
                reader.imports(module.as_str(), number);
            } else if let Some(called) = found.name("called") {
                reader.calls(called.as_str(), number);
            } else if let Some(text) = found.name("single").or(found.name("double")) {
                reader.literal(text.as_str(), number);
            }
        }
    }
    let mut facts = reader.finish();
    pushed_aside(text, &mut facts);
    facts.unread = Some(unread);
    facts
}

/// Code behind so much white space that nobody who reads the line sees it.
fn pushed_aside(text: &str, facts: &mut FileFacts) {
    for (number, line) in text.lines().enumerate() {
        if line.len() <= FAR {
            continue;
        }
        let Some(at) = line.find(&" ".repeat(FAR)).filter(|at| *at > 0) else { continue };
        let (before, after) = (line[..at].trim(), line[at..].trim());
        if before.is_empty() || !after.starts_with(';') {
            continue;
        }
        let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
        facts.signs.push(reader::sign(SignKind::Obfuscated, line, "code behind white space", after, false));
        return;
    }
}

#[cfg(test)]
mod tests;
