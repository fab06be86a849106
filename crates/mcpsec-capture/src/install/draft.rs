//! The draft of an installation: every path with what will be there, decided before anything is written.
//!
//! Packages cannot touch one another's files: a path is given once (or again with the same bytes), nothing lies below a
//! file or a link, and no two paths differ in letter case only.
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::PathBuf,
};

use mcpsec_model::digest::Digest;

use super::error::{InstallError, shown};

/// Everything that will be in the installation, by path relative to it, with `/`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    items: BTreeMap<String, Placed>,
    /// Paths and the folders they imply, in lower case: the spelling and the owner.
    folded: BTreeMap<String, (String, String)>,
    /// Folders that items imply.
    folders: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    pub(super) content: Content,
    pub(super) owner: String,
}

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// A file of an unpacked artifact.
    File {
        /// Where it lies.
        from: PathBuf,
        sha256: [u8; 32],
        executable: bool,
        /// It needs bytes or rights of its own: it is copied, never linked.
        own: bool,
    },
    /// A file that is made here.
    Made { bytes: Vec<u8>, executable: bool },
    /// A symbolic link.
    Link { target: PathBuf },
}

impl Content {
    pub(super) fn made(text: impl Into<Vec<u8>>) -> Self {
        Self::Made { bytes: text.into(), executable: false }
    }

    /// SHA-256 of a file's bytes; `None` for links.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        match self {
            Self::File { sha256, .. } => Some(*sha256),
            Self::Made { bytes, .. } => match Digest::sha256_of(bytes) {
                Digest::Sha256(sha256) => Some(sha256),
                Digest::Sha512(_) => None,
            },
            Self::Link { .. } => None,
        }
    }
}

impl Draft {
    pub(super) fn items(&self) -> &BTreeMap<String, Placed> {
        &self.items
    }

    /// What is at a path.
    pub(super) fn get(&self, path: &str) -> Option<&Content> {
        self.items.get(path).map(|placed| &placed.content)
    }

    /// Whether something is at a path or below it.
    pub(super) fn has(&self, path: &str) -> bool {
        self.items.contains_key(path) || self.folders.contains_key(path)
    }

    /// Keeps a path for its owner, who will put something there that is not drafted.
    pub(super) fn reserve(&mut self, path: &str, owner: &str) {
        self.folders.insert(path.to_owned(), owner.to_owned());
        self.folded.insert(path.to_lowercase(), (path.to_owned(), owner.to_owned()));
    }

    /// Makes every file at or below a path one of its own (copied, not linked).
    pub(super) fn make_own(&mut self, folder: &str) {
        let prefix = format!("{folder}/");
        for (path, placed) in &mut self.items {
            if (path == folder || path.starts_with(&prefix))
                && let Content::File { own, .. } = &mut placed.content
            {
                *own = true;
            }
        }
    }

    /// Makes a file executable, which it may not be in its artifact.
    pub(super) fn make_executable(&mut self, path: &str) {
        match self.items.get_mut(path).map(|placed| &mut placed.content) {
            Some(Content::File { executable, own, .. }) if !*executable => {
                *executable = true;
                // A change of rights would reach every other installation through a shared file.
                *own = true;
            }
            Some(Content::Made { executable, .. }) => *executable = true,
            _ => {}
        }
    }

    /// Places something.
    ///
    /// # Errors
    /// [`InstallError::Path`], [`InstallError::Clobber`], [`InstallError::Case`].
    pub(super) fn put(&mut self, path: &str, content: Content, owner: &str) -> Result<(), InstallError> {
        if !is_inside(path) {
            return Err(InstallError::Path { path: shown(path), owner: owner.to_owned() });
        }
        let clobber = |first: &str| InstallError::Clobber {
            path: shown(path),
            first: first.to_owned(),
            second: owner.to_owned(),
        };
        if let Some(first) = self.folders.get(path) {
            return Err(clobber(first));
        }
        let parents: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
        if let Some(above) = parents.iter().find_map(|parent| self.items.get(*parent)) {
            return Err(clobber(&above.owner));
        }
        if let Some(already) = self.items.get(path) {
            let same = already.content == content
                || matches!((already.content.sha256(), content.sha256()), (Some(a), Some(b)) if a == b);
            return if same { Ok(()) } else { Err(clobber(&already.owner)) };
        }
        for folder in &parents {
            // Folders may be shared between packages, in one spelling.
            self.fold(folder, owner)?;
        }
        self.fold(path, owner)?;
        for folder in parents {
            self.folders.entry(folder.to_owned()).or_insert_with(|| owner.to_owned());
        }
        self.items.insert(path.to_owned(), Placed { content, owner: owner.to_owned() });
        Ok(())
    }

    fn fold(&mut self, path: &str, owner: &str) -> Result<(), InstallError> {
        match self.folded.entry(path.to_lowercase()) {
            Entry::Vacant(entry) => {
                entry.insert((path.to_owned(), owner.to_owned()));
                Ok(())
            }
            Entry::Occupied(entry) if entry.get().0 == path => Ok(()),
            Entry::Occupied(entry) => Err(InstallError::Case {
                path: shown(path),
                other: shown(&entry.get().0),
                first: entry.get().1.clone(),
                second: owner.to_owned(),
            }),
        }
    }
}

/// Whether a path is relative, normal and stays inside.
pub(super) fn is_inside(path: &str) -> bool {
    path.len() <= 4096
        && path.split('/').all(|part| {
            !part.is_empty() && part != "." && part != ".." && part.len() <= 255 && !part.contains(['\\', '\0'])
        })
}

/// Follows a relative path of `/` from a folder without looking at the disk; `None` when it leaves the top.
pub(super) fn resolve(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', '\0']) || path.len() > 4096 {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The relative path from the folder of `from` to `to`, both relative to one top.
pub(super) fn relative(from: &str, to: &str) -> PathBuf {
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let folder = &from[..from.len() - 1];
    let shared = folder.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - shared);
    up.chain(to[shared..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(draft: &mut Draft, path: &str, text: &str, owner: &str) -> Result<(), InstallError> {
        draft.put(path, Content::made(text), owner)
    }

    #[test]
    fn paths_stay_inside() {
        for path in ["", "/a", "a//b", "../a", "a/../b", "a/.", "a\\b", "a\0"] {
            let error = put(&mut Draft::default(), path, "", "x").expect_err(path);
            assert!(matches!(error, InstallError::Path { .. }), "{path}");
        }
    }

    #[test]
    fn nobody_takes_another_ones_place() {
        let mut draft = Draft::default();
        put(&mut draft, "a/b", "1", "first").expect("new");
        put(&mut draft, "a/b", "1", "second").expect("same bytes");
        for path in ["a/b", "a", "a/b/c"] {
            let error = put(&mut draft, path, "2", "second").expect_err(path);
            let InstallError::Clobber { first, .. } = error else { panic!("{error}") };
            assert_eq!(first, "first");
        }
        draft.put("l", Content::Link { target: "a".into() }, "first").expect("link");
        let error = put(&mut draft, "l/b", "1", "second").expect_err("through a link");
        assert!(matches!(error, InstallError::Clobber { .. }), "{error}");
    }

    #[test]
    fn names_that_differ_in_case_only_are_refused() {
        let mut draft = Draft::default();
        put(&mut draft, "a/Readme", "", "first").expect("new");
        for path in ["a/README", "A/x"] {
            let error = put(&mut draft, path, "", "second").expect_err(path);
            assert!(matches!(error, InstallError::Case { .. }), "{path}");
        }
    }

    #[test]
    fn relative_paths() {
        assert_eq!(resolve("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(resolve("a", "../.."), None);
        assert_eq!(resolve("a", "/etc"), None);
        assert_eq!(relative("m/x", "m/y/z"), PathBuf::from("y/z"));
        assert_eq!(relative("m/@s/x", "m/y"), PathBuf::from("../y"));
    }
}
