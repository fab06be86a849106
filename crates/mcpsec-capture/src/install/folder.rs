//! Folders of this machine: how they are seen, filled, sealed and removed.
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use mcpsec_model::tree::{Eye, Stamp};

use super::{
    draft::{Content, Draft},
    error::InstallError,
};

/// A folder to look at.
pub(super) struct Folder<'a>(pub(super) &'a Path);

impl Eye for Folder<'_> {
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
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => context.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        context.finish().as_ref().try_into().map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn target(&self, link: &str) -> io::Result<String> {
        let target = fs::read_link(self.0.join(link))?;
        target.into_os_string().into_string().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
    }
}

/// Writes a draft into a folder that does not exist yet. Files of artifacts are linked where the file system can, else
/// copied.
pub(super) fn fill(draft: &Draft, dir: &Path) -> Result<(), InstallError> {
    create_dir(dir)?;
    let mut made: BTreeSet<PathBuf> = BTreeSet::new();
    for (path, placed) in draft.items() {
        let at = dir.join(path);
        if let Some(parent) = at.parent()
            && !made.contains(parent)
        {
            create_dir(parent)?;
            made.insert(parent.to_owned());
        }
        match &placed.content {
            Content::File { from, executable, own, .. } => {
                // Linking fails across file systems, beyond the most links of a file, and for files of other users.
                if *own || fs::hard_link(from, &at).is_err() {
                    copy(from, &at, *executable)?;
                }
            }
            Content::Made { bytes, executable } => write_new(&at, bytes, *executable)?,
            Content::Link { target } => {
                symlink(target, &at).map_err(|error| InstallError::io("create the link", &at, error))?;
            }
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, executable: bool) -> Result<(), InstallError> {
    // The system's own copy shares blocks where the file system can.
    fs::copy(from, to).map_err(|error| InstallError::io("copy to", to, error))?;
    set_mode(to, executable)
}

pub(super) fn write_new(path: &Path, bytes: &[u8], executable: bool) -> Result<(), InstallError> {
    let fail = |error| InstallError::io("write", path, error);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    set_mode(path, executable)
}

/// 0444 or 0555: nobody writes here again.
fn set_mode(path: &Path, executable: bool) -> Result<(), InstallError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if executable { 0o555 } else { 0o444 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|error| InstallError::io("make read-only", path, error))
    }
    #[cfg(not(unix))]
    {
        let _without_modes = (path, executable);
        Ok(())
    }
}

/// Takes the right to write to folders, and to files that are not sealed yet, from everybody.
pub(super) fn seal(path: &Path) -> Result<(), InstallError> {
    let fail = |error| InstallError::io("make read-only", path, error);
    let meta = path.symlink_metadata().map_err(fail)?;
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(fail)? {
            seal(&entry.map_err(fail)?.path())?;
        }
        set_mode(path, true)?;
    } else if meta.is_file() && !meta.permissions().readonly() {
        #[cfg(unix)]
        let executable = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
        #[cfg(not(unix))]
        let executable = false;
        set_mode(path, executable)?;
    }
    Ok(())
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

pub(super) fn create_dir(path: &Path) -> Result<(), InstallError> {
    fs::create_dir_all(path).map_err(|error| InstallError::io("create the folder", path, error))
}

#[cfg(unix)]
fn symlink(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _at: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are not created on this system"))
}
