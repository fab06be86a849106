//! RECORD: the wheel's own list of its files with hashes, checked against what was unpacked.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcpsec_model::{digest::Digest, tree::ItemKind};

use crate::install::{
    error::{InstallError, RecordProblem},
    source::Files,
};

const LONGEST: u64 = 64 << 20;
/// Files of other hashes than SHA-256 are read again, up to this length.
const LONGEST_OTHER: u64 = 512 << 20;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    hash: String,
    size: String,
}

/// Checks that RECORD names every file of the wheel, with its hash and size, and no other. RECORD itself and its
/// signatures have no hash.
pub(super) fn check(files: &Files<'_>, info: &str) -> Result<(), InstallError> {
    let package = files.package;
    let record = format!("{info}/RECORD");
    let text = files.read_text(&record, LONGEST)?.unwrap_or_default();
    let mut lines = parse(&text).map_err(|(path, problem)| InstallError::record(package, &path, problem))?;
    for own in [record.clone(), format!("{record}.jws"), format!("{record}.p7s")] {
        lines.remove(&own);
    }
    for (path, kind) in files.iter() {
        if [record.as_str(), &format!("{record}.jws"), &format!("{record}.p7s")].contains(&path) {
            continue;
        }
        let wrong = |problem| InstallError::record(package, path, problem);
        let ItemKind::File { sha256 } = kind else { return Err(wrong(RecordProblem::Unlisted)) };
        let line = lines.remove(path).ok_or_else(|| wrong(RecordProblem::Unlisted))?;
        let right = match line.hash.split_once('=') {
            Some(("sha256", hash)) => decoded(hash).is_some_and(|hash| hash == sha256),
            Some(("sha512", hash)) => {
                let bytes = files.read(path, LONGEST_OTHER)?.unwrap_or_default();
                decoded(hash).is_some_and(|hash| hash == Digest::sha512_of(&bytes).as_bytes())
            }
            _ => return Err(wrong(RecordProblem::Weak)),
        };
        if !right {
            return Err(wrong(RecordProblem::Hash));
        }
        let size = files.size(path);
        if !line.size.is_empty() && line.size.parse::<u64>().ok() != size {
            return Err(wrong(RecordProblem::Size));
        }
    }
    match lines.into_keys().find(|path| !path.ends_with('/')) {
        Some(path) => Err(InstallError::record(package, &path, RecordProblem::Missing)),
        None => Ok(()),
    }
}

fn decoded(hash: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(hash.trim_end_matches('=')).ok()
}

/// Lines of CSV with three fields: path, hash, size.
fn parse(text: &str) -> Result<BTreeMap<String, Line>, (String, RecordProblem)> {
    let mut lines = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (fields, after) = row(rest).ok_or_else(|| (first_line(rest), RecordProblem::Malformed))?;
        let whole = first_line(rest);
        rest = after;
        let mut fields = fields.into_iter();
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            // A line break at the end, or an empty line.
            (Some(path), None, None, None) if path.is_empty() => {}
            (Some(path), Some(hash), Some(size), None) => {
                let line = Line { hash, size };
                // Some tools write a line twice; with the same words that is harmless.
                if lines.get(&path).is_some_and(|known| *known != line) {
                    return Err((path, RecordProblem::Twice));
                }
                lines.insert(path, line);
            }
            _ => return Err((whole, RecordProblem::Malformed)),
        }
    }
    Ok(lines)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The fields of the first row, and what follows it. `None` for quotes that do not close or stand inside a word.
fn row(text: &str) -> Option<(Vec<String>, &str)> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (before, after) = quoted.split_once('"')?;
                field.push_str(before);
                match after.strip_prefix('"') {
                    Some(again) => {
                        field.push('"');
                        quoted = again;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
        } else {
            let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        fields.push(field);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if rest.is_empty() {
            return Some((fields, rest));
        } else {
            return Some((fields, rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_quotes() {
        let lines = parse("a.py,sha256=x,1\r\n\"b,\"\"c\"\".py\",sha256=y,\nd/RECORD,,\n\n").expect("record");
        assert_eq!(lines.keys().collect::<Vec<_>>(), ["a.py", "b,\"c\".py", "d/RECORD"]);
        assert_eq!(lines["a.py"], Line { hash: "sha256=x".to_owned(), size: "1".to_owned() });
        for text in ["a.py", "a.py,x", "a.py,x,1,2", "\"a.py,x,1", "\"a\"b,x,1"] {
            assert_eq!(parse(text).map_err(|(_, problem)| problem), Err(RecordProblem::Malformed), "{text}");
        }
        assert_eq!(parse("a,x,1\na,y,1").map_err(|(_, problem)| problem), Err(RecordProblem::Twice));
        assert!(parse("a,x,1\na,x,1").is_ok());
    }
}
