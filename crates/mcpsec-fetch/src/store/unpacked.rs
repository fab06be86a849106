//! Unpacked artifacts: what a checked archive holds, as a read-only folder that many installations link from.
//!
//! A folder is made once, outside of its place, and renamed into it whole. Beside it lies an index of every file with its
//! SHA-256 and what the system said of it ([`mcpsec_model::tree`]), so that a later look is a `stat` a file. What has another
//! stamp is hashed again (a further link to a file changes its stamp, too); what has other bytes, is gone or is new makes the
//! folder worthless: it is removed and made again from the archive, whose bytes were just checked.
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use mcpsec_model::{
    artifact::{CheckedArtifact, UnpackedArtifact},
    package::ArtifactKind,
    tree::{Eye, Seen, Stamp, Tree},
};

use super::{
    Store, StoreError,
    hash::{self, Wanted},
    layout,
    stage::create_dir,
};
use crate::unpack::{self, Limits};

const TREE: &str = "tree";
const INDEX: &str = "index";
/// Room for the index of the largest archive that may be unpacked.
const LONGEST_INDEX: u64 = 512 << 20;

/// What [`Store::verify_unpacked`] found.
#[derive(Debug, Default)]
pub struct UnpackedReport {
    /// Folders that are what their index says, down to the last byte.
    pub good: usize,
    /// Folders that are not, with what differs. They are gone now, and made again when they are needed.
    pub dropped: Vec<(PathBuf, String)>,
}

impl Store {
    /// The contents of an artifact as a folder, unpacked now if it was not before or is not what it was.
    ///
    /// # Errors
    /// [`StoreError::Unpack`] when the archive is refused, [`StoreError::Io`].
    pub fn unpacked(&self, artifact: &CheckedArtifact, kind: ArtifactKind) -> Result<UnpackedArtifact, StoreError> {
        let Some(address) = layout::address(artifact.package().ecosystem(), artifact.digests()) else {
            let file = mcpsec_model::text::Untrusted::new(artifact.file()).excerpt(160);
            return Err(StoreError::Unpinned { package: artifact.package().clone(), file });
        };
        let place = layout::unpacked(self.root(), kind, &address);
        let vouched = |tree| {
            let (package, file) = (artifact.package().clone(), artifact.file());
            UnpackedArtifact::vouch_folder_is_the_artifact(package, file, kind, place.join(TREE), Arc::new(tree))
        };
        // Another process may replace a folder between our rename and our look; it does so for the same reason as we.
        for _attempt in 0..3 {
            match inspect(&place)? {
                Inspected::Good(tree) => return Ok(vouched(tree)),
                Inspected::Absent => {}
                Inspected::Bad(what) => {
                    tracing::warn!(path = %place.display(), "an unpacked artifact was changed ({what}); it is made again");
                    self.discard(&place)?;
                }
            }
            if let Some(tree) = self.unpack_into(artifact, kind, &place)? {
                return Ok(vouched(tree));
            }
        }
        Err(StoreError::io("keep an unpacked artifact at", &place, io::Error::other("others keep changing it")))
    }

    /// Reads every unpacked file again and drops the folders that are not what their index says.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn verify_unpacked(&self) -> Result<UnpackedReport, StoreError> {
        let mut report = UnpackedReport::default();
        for kind in super::list(&self.root().join(layout::UNPACKED))? {
            for fan in super::list(&kind)? {
                for place in super::list(&fan)? {
                    let survey = |tree: &Tree| Tree::survey(tree.about.as_str(), &Folder(place.join(TREE)), usize::MAX);
                    let differs = match read_index(&place)? {
                        None => Some("its index is missing or unreadable".to_owned()),
                        Some(index) if index.about != about(&place) => Some(ELSEWHERE.to_owned()),
                        Some(index) => match survey(&index) {
                            Err((path, error)) => Some(format!("{}: {error}", shown(&path))),
                            Ok(found) => difference(&index, &found).map(|path| format!("{} differs", shown(&path))),
                        },
                    };
                    match differs {
                        None => report.good += 1,
                        Some(reason) => {
                            self.discard(&place)?;
                            report.dropped.push((place, reason));
                        }
                    }
                }
            }
        }
        report.dropped.sort();
        Ok(report)
    }

    /// Unpacks beside and renames. `None` when another process was faster; then its folder is to be looked at.
    fn unpack_into(
        &self,
        artifact: &CheckedArtifact,
        kind: ArtifactKind,
        place: &Path,
    ) -> Result<Option<Tree>, StoreError> {
        let session = self.session()?;
        let temporary = session.fresh_path();
        create_dir(&temporary)?;
        let made = make(artifact, kind, &temporary, place).and_then(|tree| {
            let parent = place.parent().unwrap_or(place);
            create_dir(parent)?;
            match fs::rename(&temporary, place) {
                Ok(()) => Ok(Some(tree)),
                Err(error) if is_occupied(&error) => Ok(None),
                Err(error) => Err(StoreError::io("rename an unpacked artifact to", place, error)),
            }
        });
        if !matches!(made, Ok(Some(_))) {
            remove_tree(&temporary);
        }
        made
    }

    /// Takes a folder out of its place first, so that nobody finds it half removed.
    fn discard(&self, place: &Path) -> Result<(), StoreError> {
        let away = self.session()?.fresh_path();
        match fs::rename(place, &away) {
            Ok(()) => {
                remove_tree(&away);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("move away", place, error)),
        }
    }
}

enum Inspected {
    Good(Tree),
    Absent,
    Bad(String),
}

fn inspect(place: &Path) -> Result<Inspected, StoreError> {
    if matches!(place.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(Inspected::Absent);
    }
    let Some(index) = read_index(place)? else {
        return Ok(Inspected::Bad("its index is missing or unreadable".to_owned()));
    };
    if index.about != about(place) {
        return Ok(Inspected::Bad(ELSEWHERE.to_owned()));
    }
    Ok(match index.look_again(&Folder(place.join(TREE)), 4) {
        Seen::Same => Inspected::Good(index),
        Seen::SameBytes(again) => {
            // Not remembering it costs time later and nothing else, such as in a store that is read-only by now.
            if let Err(error) = write_index(place, &again) {
                tracing::debug!(%error, "an index could not be renewed");
            }
            Inspected::Good(again)
        }
        Seen::Changed(path) => Inspected::Bad(shown(&path)),
    })
}

/// What is wrong with a folder that was moved to where another belongs: it is whole, and it is another artifact.
const ELSEWHERE: &str = "it was made for another artifact";

/// The first line of an index: which artifact the folder is of. Its place ends in the kind and the digest.
fn about(place: &Path) -> String {
    let names: Vec<_> = place.iter().rev().take(3).map(|name| name.to_string_lossy()).collect();
    let names: Vec<&str> = names.iter().rev().map(AsRef::as_ref).collect();
    format!("artifact {}", names.join("/"))
}

fn make(artifact: &CheckedArtifact, kind: ArtifactKind, temporary: &Path, place: &Path) -> Result<Tree, StoreError> {
    let dir = temporary.join(TREE);
    unpack::extract_to(artifact, kind, &Limits::STANDARD, &dir)
        .map_err(|source| StoreError::Unpack { package: artifact.package().clone(), source })?;
    let failed = |path: &Path, error| StoreError::io("make read-only", path, error);
    seal(&dir, &failed)?;
    let tree = Tree::survey(about(place), &Folder(dir.clone()), Limits::STANDARD.entries + 1)
        .map_err(|(path, error)| StoreError::io("read", &dir.join(path), error))?;
    write_index(temporary, &tree)?;
    Ok(tree)
}

/// Takes the right to write from everybody, from the leaves up.
fn seal(path: &Path, failed: &dyn Fn(&Path, io::Error) -> StoreError) -> Result<(), StoreError> {
    let meta = path.symlink_metadata().map_err(|error| failed(path, error))?;
    if meta.is_symlink() {
        return Ok(());
    }
    if meta.is_dir() {
        for child in super::list(path)? {
            seal(&child, failed)?;
        }
    }
    let mut permissions = meta.permissions();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let executable = meta.is_dir() || permissions.mode() & 0o111 != 0;
        permissions.set_mode(if executable { 0o555 } else { 0o444 });
    }
    // Elsewhere a read-only folder could not be removed by its owner.
    #[cfg(not(unix))]
    permissions.set_readonly(!meta.is_dir());
    fs::set_permissions(path, permissions).map_err(|error| failed(path, error))
}

/// Removes a folder whose folders may be read-only. Failing costs space only.
pub(super) fn remove_tree(path: &Path) {
    fn open_up(path: &Path) {
        let Ok(meta) = path.symlink_metadata() else { return };
        if !meta.is_dir() {
            return;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let _found_out_below = fs::set_permissions(path, fs::Permissions::from_mode(0o755));
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            open_up(&entry.path());
        }
    }
    open_up(path);
    if let Err(error) = fs::remove_dir_all(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(path = %path.display(), %error, "a folder could not be removed");
    }
}

fn read_index(place: &Path) -> Result<Option<Tree>, StoreError> {
    let path = place.join(INDEX);
    let (mut file, length) = match super::open_regular(&path) {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => return Ok(None),
        Err(error) => return Err(StoreError::io("open", &path, error)),
    };
    if length > LONGEST_INDEX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| StoreError::io("read", &path, error))?;
    Ok(std::str::from_utf8(&bytes).ok().and_then(|text| Tree::parse(text).ok()))
}

fn write_index(place: &Path, tree: &Tree) -> Result<(), StoreError> {
    let path = place.join(INDEX);
    let fail = |error| StoreError::io("write", &path, error);
    let mut file = tempfile::Builder::new().prefix(".index-").tempfile_in(place).map_err(fail)?;
    file.write_all(tree.to_text().as_bytes()).map_err(fail)?;
    file.persist(&path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// The first path that is in one tree only, or is not the same in both.
fn difference(index: &Tree, found: &Tree) -> Option<String> {
    let paths: std::collections::BTreeSet<&String> = index.items.keys().chain(found.items.keys()).collect();
    let same = |path: &String| match (index.items.get(path), found.items.get(path)) {
        (Some(a), Some(b)) => a.kind == b.kind && a.stamp.mode == b.stamp.mode,
        _ => false,
    };
    paths.into_iter().find(|path| !same(path)).cloned()
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

fn shown(path: &str) -> String {
    match path {
        "" => "the folder itself".to_owned(),
        path => mcpsec_model::text::Untrusted::new(path).excerpt(200),
    }
}

/// A folder of this machine.
struct Folder(PathBuf);

impl Eye for Folder {
    fn stamp(&self, path: &str) -> io::Result<Stamp> {
        let meta = self.0.join(path).symlink_metadata()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let nanos = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
            Ok(Stamp {
                mode: meta.mode(),
                inode: meta.ino(),
                size: meta.len(),
                modified: nanos(meta.mtime(), meta.mtime_nsec()),
                changed: nanos(meta.ctime(), meta.ctime_nsec()),
            })
        }
        #[cfg(not(unix))]
        {
            let kind = if meta.is_dir() {
                0o040_000
            } else if meta.is_symlink() {
                0o120_000
            } else {
                0o100_000
            };
            let modified = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let modified = i128::try_from(modified).unwrap_or(i128::MAX);
            Ok(Stamp { mode: kind, inode: 0, size: meta.len(), modified, changed: modified })
        }
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| {
            entry?.file_name().into_string().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
        };
        fs::read_dir(self.0.join(folder))?.map(name).collect()
    }

    fn sha256(&self, file: &str) -> io::Result<[u8; 32]> {
        let mut file = File::open(self.0.join(file))?;
        let length = file.metadata()?.len();
        let (_, digests) = hash::of_file(&mut file, length, Wanted { sha256: true, sha512: false })?;
        digests.sha256.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn target(&self, link: &str) -> io::Result<String> {
        let target = fs::read_link(self.0.join(link))?;
        target.into_os_string().into_string().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
    }
}
