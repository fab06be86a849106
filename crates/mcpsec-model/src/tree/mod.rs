//! Trees: what a folder that mcpsec made holds, with the marks by which a later look at it is a `stat` and not a hash.
//!
//! Pure text and types; who looks at the folder is the arm that made it. The text form, one line an item, sorted by path:
//!
//! ```text
//! mcpsec-tree 1 <free words of the maker>
//! d <mode> <inode> <size> <modified> <changed> <path>
//! f <mode> <inode> <size> <modified> <changed> <sha256> <path>
//! l <mode> <inode> <size> <modified> <changed> <path> <target>
//! end <sha256 of all lines before>
//! ```
//!
//! Paths are relative, with `/`; everything that is not a plain visible character is percent-encoded. The last line finds
//! torn and truncated files, not forgers: who can write the tree can write its index.
mod look;

use std::{collections::BTreeMap, fmt::Write as _, str::SplitAsciiWhitespace};

pub use look::{Eye, Seen};

use crate::digest::Digest;

/// What the system says of a file, a folder or a link without opening it. Two equal stamps of one path are the same bytes,
/// as far as the system can be believed: contents do not change without the time of change, which no program can set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Kind and permission bits, as `st_mode`.
    pub mode: u32,
    /// Inode number; 0 where the system has none.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Nanoseconds since 1970 of the last change of the contents.
    pub modified: i128,
    /// The same of contents, name or permissions (`st_ctime`).
    pub changed: i128,
}

/// One thing in a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// What the system said when it was known to be right.
    pub stamp: Stamp,
}

/// What a thing in a tree is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemKind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// SHA-256 of its contents.
        sha256: [u8; 32],
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as written in it.
        target: String,
    },
}

/// A whole tree. The top folder is the item with the empty path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    /// Words of the maker, such as what the tree depends on; printable ASCII.
    pub about: String,
    /// Everything in it by path.
    pub items: BTreeMap<String, Item>,
}

/// Why a text is not a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The first line is of another format.
    #[error("not a tree index of format 1")]
    Format,
    /// The last line is missing or does not fit: torn, truncated or edited.
    #[error("the tree index is torn: its last line does not fit the others")]
    Torn,
    /// A line that cannot be read.
    #[error("line {0} of the tree index is malformed")]
    Line(usize),
}

const FIRST: &str = "mcpsec-tree 1 ";

impl Stamp {
    /// Whether anybody may execute it.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

impl Tree {
    /// The text form.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(96 + self.items.len() * 160);
        text.push_str(FIRST);
        encode(&self.about, &mut text);
        text.push('\n');
        for (path, item) in &self.items {
            let letter = match item.kind {
                ItemKind::Folder => 'd',
                ItemKind::File { .. } => 'f',
                ItemKind::Link { .. } => 'l',
            };
            let Stamp { mode, inode, size, modified, changed } = item.stamp;
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{letter} {mode:o} {inode} {size} {modified} {changed} ");
            if let ItemKind::File { sha256 } = &item.kind {
                text.push_str(&hex::encode(sha256));
                text.push(' ');
            }
            encode(path, &mut text);
            if let ItemKind::Link { target } = &item.kind {
                text.push(' ');
                encode(target, &mut text);
            }
            text.push('\n');
        }
        let sum = Digest::sha256_of(text.as_bytes()).to_hex();
        let _infallible = writeln!(text, "end {sum}");
        text
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// See [`TreeError`].
    pub fn parse(text: &str) -> Result<Self, TreeError> {
        let first = text.strip_prefix(FIRST).ok_or(TreeError::Format)?;
        let at = text.trim_end_matches('\n').rfind('\n').ok_or(TreeError::Torn)?;
        let (body, last) = text.split_at(at + 1);
        if last != format!("end {}\n", Digest::sha256_of(body.as_bytes()).to_hex()) {
            return Err(TreeError::Torn);
        }
        let about = first.lines().next().and_then(decode).ok_or(TreeError::Line(1))?;
        let mut items = BTreeMap::new();
        for (number, line) in body.lines().enumerate().skip(1) {
            let (path, item) = read_line(line).ok_or(TreeError::Line(number + 1))?;
            items.insert(path, item);
        }
        Ok(Self { about, items })
    }
}

fn read_line(line: &str) -> Option<(String, Item)> {
    let mut words = line.split_ascii_whitespace();
    let letter = words.next()?;
    let stamp = Stamp {
        mode: u32::from_str_radix(words.next()?, 8).ok()?,
        inode: number(&mut words)?,
        size: number(&mut words)?,
        modified: number(&mut words)?,
        changed: number(&mut words)?,
    };
    let mut text = || decode(words.next()?);
    let (path, kind) = match letter {
        "d" => (text()?, ItemKind::Folder),
        "f" => {
            let mut sha256 = [0; 32];
            hex::decode_to_slice(text()?, &mut sha256).ok()?;
            (text()?, ItemKind::File { sha256 })
        }
        "l" => {
            let path = text()?;
            (path, ItemKind::Link { target: text()? })
        }
        _ => return None,
    };
    words.next().is_none().then_some((path, Item { kind, stamp }))
}

fn number<T: std::str::FromStr>(words: &mut SplitAsciiWhitespace<'_>) -> Option<T> {
    words.next()?.parse().ok()
}

fn encode(text: &str, out: &mut String) {
    if text.is_empty() {
        // A lone `%` is never the start of an encoded byte.
        out.push('%');
    }
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02x}");
        }
    }
}

fn decode(text: &str) -> Option<String> {
    if text == "%" {
        return Some(String::new());
    }
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let mut byte = [0];
            hex::decode_to_slice(after.get(..2)?, &mut byte).ok()?;
            bytes.push(byte[0]);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let stamp = |mode| Stamp { mode, inode: 7, size: 3, modified: -1, changed: 1_700_000_000_123_456_789 };
        let items = [
            ("", ItemKind::Folder, 0o40555),
            ("a b/ü%\n", ItemKind::File { sha256: [9; 32] }, 0o100_555),
            ("c", ItemKind::Link { target: "../x y".to_owned() }, 0o120_777),
        ];
        let items = items.into_iter().map(|(path, kind, mode)| (path.to_owned(), Item { kind, stamp: stamp(mode) }));
        Tree { about: "node 20 at /x y".to_owned(), items: items.collect() }
    }

    #[test]
    fn trees_read_back() {
        for tree in [sample(), Tree::default()] {
            assert_eq!(Tree::parse(&tree.to_text()), Ok(tree));
        }
    }

    #[test]
    fn torn_and_edited_texts_are_refused() {
        let text = sample().to_text();
        for cut in 0..text.len() {
            if text.is_char_boundary(cut) {
                assert!(Tree::parse(&text[..cut]).is_err(), "{cut}");
            }
        }
        assert_eq!(Tree::parse(&text.replacen("f 100555", "f 100444", 1)), Err(TreeError::Torn));
        assert_eq!(Tree::parse(&text.replacen("tree 1", "tree 2", 1)), Err(TreeError::Format));
        let lines = format!("{FIRST}%\nf 1 2 3\n");
        let sealed = format!("{lines}end {}\n", Digest::sha256_of(lines.as_bytes()).to_hex());
        assert_eq!(Tree::parse(&sealed), Err(TreeError::Line(2)));
    }
}
