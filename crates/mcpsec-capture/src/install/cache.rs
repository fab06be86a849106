//! Where installations lie, how they are made under another name, and how an old one is believed.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::tree::{ItemKind, Seen, Tree};

use super::{
    draft::{Content, Draft},
    error::{InstallError, shown},
    folder::{self, Folder},
};

pub(super) const TREE: &str = "tree";
const INDEX: &str = "index";
/// Begins the names of unfinished installations.
const UNFINISHED: &str = ".new-";
/// Held by whoever makes an installation, for as long as it lives.
const OWNER: &str = "owner";
const LONGEST_INDEX: u64 = 512 << 20;
const MOST_ITEMS: usize = 1_000_000;
/// More than so many do not make `stat` faster.
const THREADS: usize = 4;

/// The index of the installation at a place if everything there is what it was. A changed one is removed.
pub(super) fn look(place: &Path) -> Result<Option<Tree>, InstallError> {
    let Some(index) = read_index(place)? else {
        if place.symlink_metadata().is_ok() {
            discard(place, "its index is missing or unreadable")?;
        }
        return Ok(None);
    };
    let tree = place.join(TREE);
    // Scripts and pyvenv.cfg name the place itself.
    if index.about != about(&tree) {
        discard(place, "it was made for another place")?;
        return Ok(None);
    }
    match index.look_again(&Folder(&tree), THREADS) {
        Seen::Same => Ok(Some(index)),
        Seen::SameBytes(again) => {
            // Not remembering it costs time later and nothing else.
            if let Err(error) = write_index(place, &again) {
                tracing::debug!(%error, "an index could not be renewed");
            }
            Ok(Some(again))
        }
        Seen::Changed(path) => {
            discard(place, &format!("`{}` was changed", shown(&path)))?;
            Ok(None)
        }
    }
}

fn about(tree: &Path) -> String {
    format!("installation {}", tree.display())
}

/// Takes an installation out of its place first, so that nobody finds it half removed.
fn discard(place: &Path, why: &str) -> Result<(), InstallError> {
    tracing::warn!(path = %place.display(), "an installation is made again: {why}");
    let parent = place.parent().unwrap_or(place);
    let fail = |error| InstallError::io("move away", place, error);
    let away = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent).map_err(fail)?.keep();
    match fs::rename(place, away.join("old")) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            folder::remove_tree(&away);
            return Err(fail(error));
        }
    }
    folder::remove_tree(&away);
    Ok(())
}

fn read_index(place: &Path) -> Result<Option<Tree>, InstallError> {
    let path = place.join(INDEX);
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(InstallError::io("read", &path, error)),
    };
    if !meta.is_file() || meta.len() > LONGEST_INDEX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| InstallError::io("read", &path, error))?;
    Ok(std::str::from_utf8(&bytes).ok().and_then(|text| Tree::parse(text).ok()))
}

fn write_index(place: &Path, tree: &Tree) -> Result<(), InstallError> {
    let path = place.join(INDEX);
    let fail = |error| InstallError::io("write", &path, error);
    let mut file = tempfile::Builder::new().prefix(".index-").tempfile_in(place).map_err(fail)?;
    file.write_all(tree.to_text().as_bytes()).map_err(fail)?;
    file.persist(&path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// An installation under way, in a folder of its own beside its place. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Building {
    dir: PathBuf,
    place: PathBuf,
    _owner: File,
}

impl Building {
    pub(super) fn start(into: &Path, key: &str) -> Result<Self, InstallError> {
        folder::create_dir(into)?;
        // Final paths stand in scripts, so they are whole.
        let into = fs::canonicalize(into).map_err(|error| InstallError::io("find", into, error))?;
        sweep(&into);
        let fail = |error| InstallError::io("create a folder in", &into, error);
        let dir = tempfile::Builder::new().prefix(UNFINISHED).rand_bytes(12).tempdir_in(&into).map_err(fail)?.keep();
        let owner = open_owner(&dir).map_err(fail)?;
        let _unlocked_where_unsupported = owner.try_lock();
        Ok(Self { place: into.join(key), dir, _owner: owner })
    }

    /// Where the files are for now.
    pub(super) fn tree(&self) -> PathBuf {
        self.dir.join("new").join(TREE)
    }

    /// Where they will be.
    pub(super) fn final_tree(&self) -> PathBuf {
        self.place.join(TREE)
    }

    pub(super) fn fill(&self, draft: &Draft) -> Result<(), InstallError> {
        folder::fill(draft, &self.tree())
    }

    /// Adds made files that were not in the draft.
    pub(super) fn add(&self, draft: &Draft) -> Result<(), InstallError> {
        for (path, placed) in draft.items() {
            if let Content::Made { bytes, executable } = &placed.content {
                folder::write_new(&self.tree().join(path), bytes, *executable)?;
            }
        }
        Ok(())
    }

    /// Makes everything read-only, hashes it, compares it with the draft and writes the index. `own` says of which paths the
    /// draft does not decide: what install scripts and compilers made.
    pub(super) fn check(&self, draft: &Draft, own: &dyn Fn(&str) -> bool) -> Result<(), InstallError> {
        let dir = self.tree();
        folder::seal(&dir)?;
        let tree = Tree::survey(about(&self.final_tree()), &Folder(&dir), MOST_ITEMS)
            .map_err(|(path, error)| InstallError::io("read", &dir.join(path), error))?;
        let changed = |path: &str| InstallError::Changed { path: shown(path) };
        for (path, placed) in draft.items().iter().filter(|(path, _)| !own(path)) {
            let same = match (tree.items.get(path).map(|item| &item.kind), &placed.content) {
                (Some(ItemKind::Link { target }), Content::Link { target: wanted }) => {
                    wanted.as_os_str() == target.as_str()
                }
                (Some(ItemKind::File { sha256 }), content) => content.sha256() == Some(*sha256),
                _ => false,
            };
            if !same {
                return Err(changed(path));
            }
        }
        let extra = tree.items.iter().filter(|(_, item)| item.kind != ItemKind::Folder);
        if let Some((path, _)) = extra.into_iter().find(|(path, _)| draft.get(path).is_none() && !own(path)) {
            return Err(changed(path));
        }
        write_index(&self.dir.join("new"), &tree)
    }

    /// Gives it its place. Another process may have been faster; then its installation is taken if it is good.
    pub(super) fn finish(self) -> Result<PathBuf, InstallError> {
        for _attempt in 0..3 {
            match fs::rename(self.dir.join("new"), &self.place) {
                Ok(()) => return Ok(self.final_tree()),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty) =>
                {
                    if look(&self.place)?.is_some() {
                        return Ok(self.final_tree());
                    }
                }
                Err(error) => return Err(InstallError::io("rename an installation to", &self.place, error)),
            }
        }
        Err(InstallError::io("keep an installation at", &self.place, io::Error::other("others keep changing it")))
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        folder::remove_tree(&self.dir);
    }
}

fn open_owner(dir: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(OWNER))
}

/// Removes unfinished installations of processes that are gone. One without an owner yet is left alone for now: its process
/// may be between two steps.
fn sweep(into: &Path) {
    for entry in fs::read_dir(into).into_iter().flatten().flatten() {
        let dir = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        let dead = OpenOptions::new().write(true).open(dir.join(OWNER)).is_ok_and(|owner| owner.try_lock().is_ok());
        if dead {
            folder::remove_tree(&dir);
        }
    }
}
