//! From a commit to the list of files it holds, reading every object with its hash checked, and refusing what is unsafe.
//!
//! A tree is written by a stranger. Git's own checks (`fsck`) are not run by every server, so each entry is judged here:
//!
//! - names: no empty name, `.`, `..`, `/`, `\`, NUL or control character; nothing that a file system could read as `.git`
//!   (letter case, NTFS short names and streams, HFS+ ignorable characters); text must be UTF-8;
//! - no two paths that a file system without letter case would merge, no name twice, no path that is both file and folder;
//! - links stay inside: relative, `..` only at the start and never above the root (so that, whatever other links a target
//!   passes, each step stays inside);
//! - gitlinks (submodules) are left out and reported; devices and unknown modes are refused;
//! - bounded: entries, levels, bytes of one object.
//!
//! `.gitattributes` is a file like any other: neither `export-ignore` nor filters nor line endings change what is archived.
use std::collections::BTreeMap;

use gix::{
    ObjectId,
    objs::{Kind, tree::EntryKind},
};
use mcpsec_model::url::SafeUrl;

use super::{
    GitLimits,
    error::{GitError, causes, shown},
};

/// One file or link of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Leaf {
    /// The blob.
    pub(super) id: ObjectId,
    /// What it becomes.
    pub(super) kind: LeafKind,
}

/// What a blob is in the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LeafKind {
    File,
    Executable,
    Link,
}

/// All of a tree, sorted by path.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Files and links; `BTreeMap<String, _>` sorts bytewise.
    pub(super) leaves: BTreeMap<String, Leaf>,
    /// Paths of submodules.
    pub(super) submodules: Vec<String>,
}

impl Listing {
    /// Whether the path is a folder that holds something.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.leaves.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }
}

/// Reads objects of one repository and believes none of them.
pub(super) struct Objects<'a> {
    pub(super) repo: &'a gix::Repository,
    pub(super) url: &'a SafeUrl,
    pub(super) limits: &'a GitLimits,
}

impl Objects<'_> {
    /// An object of the given kind, at most `max` bytes, whose bytes hash to its name.
    pub(super) fn read(&self, id: ObjectId, kind: Kind, what: &str, max: u64) -> Result<Vec<u8>, GitError> {
        let (found, bytes) = self.read_any(id, what, max)?;
        if found == kind {
            return Ok(bytes);
        }
        Err(self.damaged(id, format!("it is a {found}, but {what} must be a {kind}")))
    }

    /// An object of any kind, at most `max` bytes, whose bytes hash to its name.
    pub(super) fn read_any(&self, id: ObjectId, what: &str, max: u64) -> Result<(Kind, Vec<u8>), GitError> {
        // The header is cheap and says the size before anything is inflated.
        let header = self.repo.find_header(id).map_err(|error| self.damaged(id, causes(&error)))?;
        if header.size() > max {
            return Err(GitError::OverLimit {
                url: self.url.to_string(),
                what: format!("size of {what}"),
                limit: max,
                unit: "bytes",
            });
        }
        let object = self.repo.find_object(id).map_err(|error| self.damaged(id, causes(&error)))?;
        let object = object.detach();
        // A database trusts its own index. The name is recomputed so that a damaged or doctored cache cannot lie.
        gix::objs::Data::new(&object.data, object.kind, id.kind())
            .verify_checksum(&id)
            .map_err(|error| self.damaged(id, causes(&error)))?;
        Ok((object.kind, object.data))
    }

    /// The whole tree below `root`.
    pub(super) fn list(&self, root: ObjectId) -> Result<Listing, GitError> {
        let mut listing = Listing::default();
        // Letter case folded, for every file and every folder on the way to it; the value is the path as first seen.
        let mut folded: BTreeMap<String, String> = BTreeMap::new();
        let mut pending = vec![(String::new(), root, 0_usize)];
        let mut entries = 0_u64;
        while let Some((prefix, id, depth)) = pending.pop() {
            let bytes = self.read(id, Kind::Tree, "a tree", self.limits.max_metadata)?;
            for entry in gix::objs::TreeRefIter::from_bytes(&bytes, id.kind()) {
                let entry = entry.map_err(|error| self.damaged(id, causes(&error)))?;
                entries += 1;
                if entries > self.limits.max_entries {
                    return Err(self.over("its number of entries", self.limits.max_entries, "entries"));
                }
                let mode = entry.mode.kind();
                let name = self.name(&prefix, entry.filename, mode == EntryKind::Link)?;
                let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                if path.len() > self.limits.max_path {
                    return Err(self.over("the length of a path", self.limits.max_path as u64, "bytes"));
                }
                if let Some(first) = folded.insert(fold(&path), path.clone()) {
                    let reason = if first == path {
                        "the tree has it twice".to_owned()
                    } else {
                        format!("it differs from `{}` in letter case only", shown(first.as_bytes()))
                    };
                    return Err(self.refuse(path.as_bytes(), reason));
                }
                // Ancient 0664 counts as 0644, as git itself reads it. The library reads every unknown mode as a gitlink.
                if mode == EntryKind::Commit && entry.mode.value() != 0o160_000 {
                    return Err(self.refuse(path.as_bytes(), format!("its mode is {:o}", entry.mode.value())));
                }
                let kind = match mode {
                    EntryKind::Tree => {
                        if depth + 1 >= self.limits.max_depth {
                            return Err(self.over("the depth of its folders", self.limits.max_depth as u64, "levels"));
                        }
                        pending.push((path, entry.oid.to_owned(), depth + 1));
                        continue;
                    }
                    EntryKind::Commit => {
                        listing.submodules.push(path);
                        continue;
                    }
                    EntryKind::Blob => LeafKind::File,
                    EntryKind::BlobExecutable => LeafKind::Executable,
                    EntryKind::Link => LeafKind::Link,
                };
                listing.leaves.insert(path, Leaf { id: entry.oid.to_owned(), kind });
            }
        }
        listing.submodules.sort();
        Ok(listing)
    }

    /// The target of a link, if it stays inside the tree.
    pub(super) fn link_target(&self, path: &str, bytes: Vec<u8>) -> Result<String, GitError> {
        let refuse = |reason: &str| self.refuse(path.as_bytes(), format!("symbolic link: {reason}"));
        let target = String::from_utf8(bytes).map_err(|_| refuse("its target is not UTF-8"))?;
        if target.is_empty() || target.len() > self.limits.max_path {
            return Err(refuse("its target is empty or too long"));
        }
        if target.starts_with('/') || target.contains('\\') || target.as_bytes().get(1) == Some(&b':') {
            return Err(refuse("its target is absolute"));
        }
        if target.chars().any(char::is_control) {
            return Err(refuse("its target holds control characters"));
        }
        let mut level = path.split('/').count() - 1;
        let mut inside = false;
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." if inside => return Err(refuse("its target goes up after it went down")),
                ".." if level == 0 => return Err(refuse("its target leaves the repository")),
                ".." => level -= 1,
                _ => inside = true,
            }
        }
        Ok(target)
    }

    fn name<'n>(&self, prefix: &str, name: &'n [u8], link: bool) -> Result<&'n str, GitError> {
        let refuse = |reason: &str| {
            let mut path = prefix.as_bytes().to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            self.refuse(&path, reason.to_owned())
        };
        // `protect_windows` would also forbid `:` and `aux.c`, which repositories without Windows users do have.
        let options =
            gix::validate::path::component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
        let mode = link.then_some(gix::validate::path::component::Mode::Symlink);
        if let Err(error) = gix::validate::path::component(name.into(), mode, options) {
            return Err(refuse(&error.to_string().to_lowercase()));
        }
        let text = std::str::from_utf8(name).map_err(|_| refuse("its name is not UTF-8"))?;
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err(refuse("its name holds a backslash or a control character"));
        }
        Ok(text)
    }

    fn refuse(&self, path: &[u8], reason: String) -> GitError {
        GitError::Entry { url: self.url.to_string(), path: shown(path), reason }
    }

    pub(super) fn over(&self, what: &str, limit: u64, unit: &'static str) -> GitError {
        GitError::OverLimit { url: self.url.to_string(), what: what.to_owned(), limit, unit }
    }

    pub(super) fn damaged(&self, id: ObjectId, reason: String) -> GitError {
        GitError::Object { url: self.url.to_string(), id: id.to_string(), reason }
    }
}

/// What a file system that ignores letter case and composition (APFS, NTFS) compares. Upper case first, so that `ſ` folds too.
fn fold(path: &str) -> String {
    gix::utils::str::precompose(path.into()).chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
