//! What can be told of a file that does not parse: its strings, and words that stand where calls stand.
use super::{
    super::{
        facts::{Deed, FileFacts, NameKind, Sign, SignKind},
        literals,
    },
    calls,
    lines::Lines,
    scan::{Piece, scan},
};

/// Reads the pieces of a text. Escapes in strings are resolved.
pub(super) fn read(text: &str, lines: &Lines) -> FileFacts {
    let mut facts = FileFacts::default();
    let mut before: [&str; 4] = [""; 4];
    scan(text, |at, piece| {
        let line = lines.of(u32::try_from(at).unwrap_or(u32::MAX));
        let shown = match piece {
            Piece::Word(word) => {
                variable(word, &before, line, &mut facts);
                word
            }
            Piece::Text(raw) => {
                let value = unescaped(raw);
                for name in literals::names(&value) {
                    facts.names(name.kind, name.text, line);
                }
                let loaded = before[3] == "(" && matches!(before[2], "require" | "import")
                    || matches!(before[3], "from" | "import");
                if loaded {
                    loads(&value, line, &mut facts);
                }
                for order in literals::orders(&value).into_iter().filter(|_| before[3] == "(") {
                    facts.signs.push(Sign { kind: order.kind, line, shown: order.shown.to_owned(), weak: true });
                }
                if before[3] == ":" && literals::recipient(before[2]).is_some() {
                    for email in literals::emails(&value).into_iter().filter(|email| !literals::is_sample(email)) {
                        let shown = format!("{}: {email}", before[2]);
                        facts.signs.push(Sign { kind: SignKind::Recipient, line, shown, weak: false });
                    }
                }
                "\""
            }
            Piece::Mark(b'(') => {
                if before[2] != "."
                    && let Some(deed) = calls::deed_of_call(before[3]).filter(|_| before[3] != "\"")
                {
                    facts.does(deed, line);
                }
                "("
            }
            Piece::Mark(b'.') => ".",
            Piece::Mark(b':') => ":",
            Piece::Mark(_) | Piece::Pattern => "",
        };
        before.rotate_left(1);
        before[3] = shown;
    });
    facts
}

fn variable(word: &str, before: &[&str; 4], line: u32, facts: &mut FileFacts) {
    if before[3] == "." && before[2] == "env" && before[1] == "." && before[0] == "process" {
        facts.does(Deed::Environment, line);
        let name = literals::variable(word);
        facts.names(name.kind, name.text, line);
    }
}

fn loads(specifier: &str, line: u32, facts: &mut FileFacts) {
    let module = calls::module(specifier);
    if let Some(package) = calls::package(specifier) {
        facts.names(NameKind::Module, package, line);
    }
    for deed in calls::deeds_of_broad(module).iter().copied().chain(calls::deed_of_module(module)) {
        facts.does(deed, line);
    }
}

/// A string as it is when the program runs; what is no escape stays.
fn unescaped(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { break };
        let code = match c {
            'x' => rest.get(1..3).map(|hex| (hex, 3)),
            'u' if rest.starts_with("u{") => rest.find('}').and_then(|end| rest.get(2..end).map(|hex| (hex, end + 1))),
            'u' => rest.get(1..5).map(|hex| (hex, 5)),
            _ => None,
        };
        match code.and_then(|(hex, length)| Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, length))) {
            Some((c, length)) => {
                plain.push(c);
                rest = &rest[length..];
            }
            None => {
                plain.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    c => c,
                });
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    plain.push_str(rest);
    plain
}
