//! What configurations said before `wrap`: copies beside them, written once and never again.
//!
//! The first is `FILE.mcpsec-backup`; a wrap of servers that were added later makes `FILE.mcpsec-backup-2`, and so on. `unwrap`
//! needs nothing else: it takes the bytes of each entry from the newest copy that has it unwrapped.
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::client::MAX_BYTES;

use crate::{error::CommandError, files};

/// More copies of one file than anybody makes.
const MOST: usize = 99;

/// The copies of one file, newest first.
pub(in crate::commands) struct Backups(Vec<(PathBuf, String)>);

fn path_of(file: &Path, number: usize) -> PathBuf {
    let mut name = OsString::from(file.as_os_str());
    name.push(".mcpsec-backup");
    if number > 1 {
        name.push(format!("-{number}"));
    }
    PathBuf::from(name)
}

impl Backups {
    /// Those that are there. Links and what is no text are no copies.
    pub(in crate::commands) fn of(file: &Path) -> Self {
        let mut found = Vec::new();
        for number in 1..=MOST {
            let path = path_of(file, number);
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_file()
                && let Ok(Some(text)) = files::read_text(&path, MAX_BYTES as u64)
            {
                found.push((path, text));
            }
        }
        found.reverse();
        Self(found)
    }

    pub(in crate::commands) fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Removes those that say what the file says again. Best effort: one that stays is only litter.
    pub(in crate::commands) fn remove_equal(&self, text: &str) {
        for (path, _) in self.0.iter().filter(|(_, copy)| copy == text) {
            let _litter = fs::remove_file(path);
        }
    }
}

/// Keeps a copy of a file's text beside it, with the file's permissions. Gives its path, and whether it is new: an equal copy
/// that is there already is enough. What is there is never written over.
pub(in crate::commands) fn keep(file: &Path, text: &str) -> Result<(PathBuf, bool), CommandError> {
    let known = Backups::of(file);
    if let Some((path, _)) = known.0.iter().find(|(_, copy)| copy == text) {
        return Ok((path.clone(), false));
    }
    for number in 1..=MOST {
        let path = path_of(file, number);
        // Fails if anything has that name, a link included: nobody else decides where the copy goes.
        match File::create_new(&path) {
            Ok(copy) => {
                let write = || -> io::Result<()> {
                    copy.set_permissions(fs::metadata(file)?.permissions())?;
                    (&copy).write_all(text.as_bytes())?;
                    copy.sync_all()
                };
                return match write() {
                    Ok(()) => Ok((path, true)),
                    Err(error) => {
                        let _half = fs::remove_file(&path);
                        Err(crate::error::io("write", &path, &error))
                    }
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(crate::error::io("create", &path, &error)),
        }
    }
    Err(CommandError::usage(format!("{} has {MOST} backups already", file.display()))
        .hint("remove those that are not needed any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mcp.json");
        let _written = files::replace(&file, "now").expect("written");
        let (first, _) = keep(&file, "one").expect("kept");
        assert!(first.ends_with("mcp.json.mcpsec-backup"));
        assert_eq!(keep(&file, "one").expect("kept"), (first.clone(), false), "an equal copy is enough");
        let (second, _) = keep(&file, "two").expect("kept");
        assert!(second.ends_with("mcp.json.mcpsec-backup-2"));
        assert_eq!(fs::read_to_string(&first).expect("there"), "one");
        let backups = Backups::of(&file);
        assert_eq!(backups.texts(), ["two", "one"]);
        backups.remove_equal("two");
        assert!(first.exists() && !second.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_no_copies_and_nothing_is_written_through_them() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mcp.json");
        let _written = files::replace(&file, "secret").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("private");
        let victim = folder.path().join("victim");
        let _written = files::replace(&victim, "victim").expect("written");
        symlink(&victim, path_of(&file, 1)).expect("a link");
        symlink(folder.path().join("nowhere"), path_of(&file, 2)).expect("a link");
        let (copy, _) = keep(&file, "secret").expect("kept");
        assert_eq!(copy, path_of(&file, 3));
        assert_eq!(fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&victim).expect("there"), "victim");
        assert!(!folder.path().join("nowhere").exists());
        assert_eq!(Backups::of(&file).texts(), ["secret"]);
    }
}
