//! Looking at a tree: the first time everything is hashed, later only what has another stamp than it had.
use std::{collections::BTreeMap, io};

use super::{Item, ItemKind, Stamp, Tree};

/// How somebody sees a folder; paths are relative to it, with `/`, and the folder itself is the empty path. Nothing here
/// may follow a symbolic link.
pub trait Eye: Sync {
    /// What the system says of a path.
    fn stamp(&self, path: &str) -> io::Result<Stamp>;
    /// The names in a folder, in any order.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;
    /// The SHA-256 of a regular file.
    fn sha256(&self, file: &str) -> io::Result<[u8; 32]>;
    /// Where a symbolic link leads.
    fn target(&self, link: &str) -> io::Result<String>;
}

/// What a later look found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Every stamp is as it was.
    Same,
    /// Some stamps are others, but names, bytes, links and permissions are as they were (a file was linked once more, the tree
    /// was restored from a backup). The tree has the new stamps.
    SameBytes(Tree),
    /// This path is not what it was, is gone, or is new.
    Changed(String),
}

const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

impl Tree {
    /// Looks at everything in a folder and hashes it.
    ///
    /// # Errors
    /// What the system says, with the path; also when there is something that is no file, folder or link, or more than
    /// `most` items.
    pub fn survey(about: impl Into<String>, eye: &impl Eye, most: usize) -> Result<Self, (String, io::Error)> {
        let mut items = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(path) = open.pop() {
            let item = item(eye, &path).map_err(|error| (path.clone(), error))?;
            if item.kind == ItemKind::Folder {
                let names = eye.names(&path).map_err(|error| (path.clone(), error))?;
                open.extend(names.iter().map(|name| join(&path, name)));
            }
            items.insert(path, item);
            if items.len() + open.len() > most {
                return Err((String::new(), io::Error::other("too many files in one folder")));
            }
        }
        Ok(Self { about: about.into(), items })
    }

    /// Looks again, on up to `threads` threads.
    pub fn look_again(&self, eye: &impl Eye, threads: usize) -> Seen {
        let items: Vec<(&String, &Item)> = self.items.iter().collect();
        let differ = |part: &[(&String, &Item)]| -> Vec<String> {
            let others = part.iter().filter(|(path, item)| !eye.stamp(path).is_ok_and(|stamp| same(&stamp, item)));
            others.map(|(path, _)| (*path).clone()).collect()
        };
        // Below this many items, starting a thread costs more than it saves.
        let part = items.len().div_ceil(threads.max(1)).max(256);
        let differing: Vec<String> = std::thread::scope(|scope| {
            let mut parts = items.chunks(part);
            let first = parts.next();
            let handles: Vec<_> = parts.map(|part| scope.spawn(move || differ(part))).collect();
            let mut found = first.map(differ).unwrap_or_default();
            for handle in handles {
                found.extend(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            found
        });
        if differing.is_empty() {
            return Seen::Same;
        }
        let mut again = self.clone();
        for path in differing {
            match self.unchanged(eye, &path) {
                Ok(Some(item)) => again.items.insert(path, item),
                Ok(None) | Err(_) => return Seen::Changed(path),
            };
        }
        Seen::SameBytes(again)
    }

    /// The item at a path if it is what it was but for its stamp.
    fn unchanged(&self, eye: &impl Eye, path: &str) -> io::Result<Option<Item>> {
        let found = item(eye, path)?;
        let Some(known) = self.items.get(path) else { return Ok(None) };
        if found.kind != known.kind || found.stamp.mode != known.stamp.mode {
            return Ok(None);
        }
        if found.kind == ItemKind::Folder {
            let mut names: Vec<String> = eye.names(path)?.iter().map(|name| join(path, name)).collect();
            names.sort();
            let mut expected: Vec<&String> = self.children(path).collect();
            expected.sort();
            if !names.iter().eq(expected) {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    fn children<'t>(&'t self, folder: &'t str) -> impl Iterator<Item = &'t String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let length = prefix.len();
        let within = self.items.range(prefix.clone()..).take_while(move |(path, _)| path.starts_with(&prefix));
        within.map(|(path, _)| path).filter(move |path| path.len() > length && !path[length..].contains('/'))
    }
}

/// The size of a folder is the file system's own affair.
fn same(stamp: &Stamp, item: &Item) -> bool {
    match item.kind {
        ItemKind::Folder => Stamp { size: item.stamp.size, ..*stamp } == item.stamp,
        _ => *stamp == item.stamp,
    }
}

fn item(eye: &impl Eye, path: &str) -> io::Result<Item> {
    let stamp = eye.stamp(path)?;
    let kind = match stamp.mode & KIND {
        FOLDER => ItemKind::Folder,
        FILE => ItemKind::File { sha256: eye.sha256(path)? },
        LINK => ItemKind::Link { target: eye.target(path)? },
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "neither a file nor a folder nor a link")),
    };
    Ok(Item { kind, stamp })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder in memory: path to stamp and contents (of files) or target (of links).
    #[derive(Clone, Default)]
    struct Drawn(BTreeMap<String, (Stamp, String)>);

    impl Drawn {
        fn put(&mut self, path: &str, mode: u32, changed: i128, contents: &str) {
            let stamp = Stamp { mode, inode: 1, size: contents.len() as u64, modified: 0, changed };
            self.0.insert(path.to_owned(), (stamp, contents.to_owned()));
        }

        fn sample() -> Self {
            let mut drawn = Self::default();
            drawn.put("", FOLDER, 1, "");
            drawn.put("a", FOLDER, 1, "");
            drawn.put("a/b", FILE | 0o444, 1, "text");
            drawn.put("a.x", FILE | 0o444, 1, "text");
            drawn.put("l", LINK, 1, "a/b");
            drawn
        }
    }

    impl Eye for Drawn {
        fn stamp(&self, path: &str) -> io::Result<Stamp> {
            self.0.get(path).map(|(stamp, _)| *stamp).ok_or_else(|| io::ErrorKind::NotFound.into())
        }

        fn names(&self, folder: &str) -> io::Result<Vec<String>> {
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let below = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
            Ok(below.filter(|rest| !rest.is_empty() && !rest.contains('/')).map(str::to_owned).collect())
        }

        fn sha256(&self, file: &str) -> io::Result<[u8; 32]> {
            let digest = crate::digest::Digest::sha256_of(self.0[file].1.as_bytes());
            Ok(digest.as_bytes().try_into().expect("32 bytes"))
        }

        fn target(&self, link: &str) -> io::Result<String> {
            Ok(self.0[link].1.clone())
        }
    }

    #[test]
    fn an_untouched_tree_is_the_same() {
        let drawn = Drawn::sample();
        let tree = Tree::survey("x", &drawn, 10).expect("survey");
        assert_eq!(tree.items.len(), 5);
        assert_eq!(tree.look_again(&drawn, 2), Seen::Same);
        assert!(Tree::survey("x", &drawn, 4).is_err(), "bounded");
    }

    #[test]
    fn new_stamps_of_old_bytes_are_learned() {
        let mut drawn = Drawn::sample();
        let tree = Tree::survey("x", &drawn, 10).expect("survey");
        drawn.put("a/b", FILE | 0o444, 2, "text");
        drawn.put("a", FOLDER, 2, "");
        let Seen::SameBytes(again) = tree.look_again(&drawn, 1) else { panic!("same bytes") };
        assert_eq!(again.look_again(&drawn, 1), Seen::Same);
    }

    #[test]
    fn every_change_is_seen() {
        type Change = fn(&mut Drawn);
        let changes: [(&str, Change); 7] = [
            ("a/b", |drawn| drawn.put("a/b", FILE | 0o444, 2, "texs")),
            ("a/b", |drawn| drawn.put("a/b", FILE | 0o555, 2, "text")),
            ("a/b", |drawn| drawn.put("a/b", LINK, 2, "text")),
            ("l", |drawn| drawn.put("l", LINK, 2, "a.x")),
            ("a/b", |drawn| drop(drawn.0.remove("a/b"))),
            ("a", |drawn| {
                drawn.put("a/new", FILE | 0o444, 2, "x");
                drawn.put("a", FOLDER, 2, "");
            }),
            ("a.x", |drawn| drawn.put("a.x", 0o010_000, 2, "text")),
        ];
        for (path, change) in changes {
            let mut drawn = Drawn::sample();
            let tree = Tree::survey("x", &drawn, 10).expect("survey");
            change(&mut drawn);
            assert_eq!(tree.look_again(&drawn, 1), Seen::Changed(path.to_owned()));
        }
    }

    #[test]
    fn pipes_are_no_part_of_a_tree() {
        let mut drawn = Drawn::sample();
        drawn.put("p", 0o010_000, 1, "");
        assert_eq!(Tree::survey("x", &drawn, 10).map_err(|(path, _)| path), Err("p".to_owned()));
    }
}
