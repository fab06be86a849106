//! Scratch folders on this machine, for the tier that cannot mount its own. What lies in them was laid out by strangers:
//! folders without permissions, trees deeper than any path is long.
use std::{
    fs::{self, DirEntry, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Where they are made. Fixed, so that no variable moves it.
const PLACE: &str = "/tmp";
/// Files and folders that are counted. More are as good as a full folder, since empty ones take up the disk as well.
const MOST_FILES: usize = 100_000;
/// Bytes that one file or folder counts for at least, as many as a file system of memory allows for each; a small limit still
/// leaves room for the fewest.
const FILE: u64 = 4096;
const FEWEST_FILES: u64 = 1024;
/// Longest path that is followed when counting, in bytes; the kernel takes 4096.
const LONGEST: usize = 3000;

/// A folder that is removed with everything in it when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().prefix("mcpsec-").permissions(private).tempdir_in(PLACE)?;
        Ok(Self(made.keep()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a scratch folder is left over");
        }
    }
}

/// Removes a tree without ever being deeper in it than two levels: what lies deeper is moved up first.
pub(super) fn remove(top: &Path) -> io::Result<()> {
    let mut moved = 0_u64;
    while let Some(entry) = open(top)?.next() {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
            continue;
        }
        for inner in open(&entry.path())? {
            let inner = inner?;
            if inner.file_type()?.is_dir() {
                // Moving a folder changes what is above it, which is written in itself.
                permit(&inner.path())?;
                // No name of a stranger's is like this one by chance; if it is, that folder is moved to another.
                moved += 1;
                let to = top.join(format!(".mcpsec-removed-{moved}"));
                if fs::symlink_metadata(&to).is_err() {
                    fs::rename(inner.path(), to)?;
                }
            } else {
                fs::remove_file(inner.path())?;
            }
        }
        match fs::remove_dir(entry.path()) {
            // A name was taken; the next round takes another.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            done => done?,
        }
    }
    fs::remove_dir(top)
}

/// Lists a folder, whatever permissions its maker gave it.
fn open(folder: &Path) -> io::Result<fs::ReadDir> {
    permit(folder)?;
    fs::read_dir(folder)
}

fn permit(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Bytes on disk below a folder. Some number above `most` as soon as it is more than that, or when it cannot be told: too
/// many files, too deep, or not to be read.
pub(super) fn folder_size(folder: &Path, most: u64) -> u64 {
    let most_files = usize::try_from((most / FILE).max(FEWEST_FILES)).unwrap_or(MOST_FILES).min(MOST_FILES);
    let (mut bytes, mut files, mut rest) = (0_u64, 0, vec![folder.to_owned()]);
    while let Some(folder) = rest.pop() {
        if folder.as_os_str().len() > LONGEST {
            return u64::MAX;
        }
        // Permissions are not changed here: what is a folder now may be a link a moment later.
        let entries: Vec<DirEntry> = match fs::read_dir(&folder) {
            Ok(entries) => entries.take(MOST_FILES).flatten().collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => return u64::MAX,
        };
        for entry in entries {
            let Ok(metadata) = entry.metadata() else { continue };
            files += 1;
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if bytes > most || files >= most_files {
                return u64::MAX;
            }
            if metadata.is_dir() {
                rest.push(entry.path());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn whatever_was_made_is_removed() {
        let scratch = Scratch::new().expect("scratch");
        let path = scratch.path().to_owned();
        assert_eq!(path.metadata().expect("made").permissions().mode() & 0o777, 0o700);
        fs::create_dir_all(path.join("closed/inner")).expect("folders");
        fs::create_dir(path.join(".mcpsec-removed-1")).expect("folder");
        fs::create_dir(path.join(".mcpsec-removed-1/deeper")).expect("folder");
        std::os::unix::fs::symlink("/usr", path.join("closed/inner/link")).expect("link");
        fs::set_permissions(path.join("closed/inner"), Permissions::from_mode(0o000)).expect("closed");
        fs::set_permissions(path.join("closed"), Permissions::from_mode(0o000)).expect("closed");
        // Deeper than a path can be: made by wrapping a tree into ever more folders.
        let (mut inner, long) = (path.join("deep"), "x".repeat(200));
        fs::create_dir(&inner).expect("folder");
        for round in 0..40 {
            let outer = path.join(format!("round{round}"));
            fs::create_dir(&outer).expect("folder");
            fs::rename(&inner, outer.join(&long)).expect("moved");
            inner = outer;
        }
        assert_eq!(folder_size(&path, 1 << 30), u64::MAX, "too deep to be told");
        drop(scratch);
        assert!(!path.exists());
        assert!(Path::new("/usr").exists());
    }

    #[test]
    fn sizes_are_told() {
        let scratch = Scratch::new().expect("scratch");
        let folder = scratch.path().join("folder");
        fs::create_dir(&folder).expect("folder");
        fs::File::create(folder.join("file")).and_then(|mut file| file.write_all(&[1; 100_000])).expect("written");
        let size = folder_size(scratch.path(), 1 << 30);
        assert!((100_000..200_000).contains(&size), "{size}");
        assert_eq!(folder_size(scratch.path(), 50_000), u64::MAX);
        for number in 0..2000 {
            fs::File::create(folder.join(number.to_string())).expect("file");
        }
        assert!(folder_size(scratch.path(), 1 << 30) < 200_000 + 2000 * 4096);
        assert_eq!(folder_size(scratch.path(), 4 << 20), u64::MAX, "too many files for so little");
    }
}
