//! Files of the project: read with a bound, written whole or not at all.
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// What the names of our temporary files begin and end with.
const TEMPORARY: (&str, &str) = (".mcpsec-", ".tmp");

/// Reads a text file of at most `limit` bytes. `Ok(None)` when it does not exist.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let Some(bytes) = read_bytes(path, limit)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 (line {line})"))
    })
}

/// Reads a file of at most `limit` bytes. `Ok(None)` when it does not exist.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Replaces a file: temporary file beside it, fsync, rename, fsync of the folder. A crash leaves the old file or the new one.
/// Equal content is not written at all, so an unchanged file keeps its time. Returns whether something was written.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<bool> {
    replace_if(path, text, || Ok(()))
}

/// Replaces a file that still holds exactly `old`. Somebody else's edit since it was read is an error, and stays. The look is
/// the last thing before the rename: no system offers both in one step.
pub(crate) fn replace_unchanged(path: &Path, old: &str, text: &str) -> io::Result<bool> {
    replace_if(path, text, || match fs::read(path)? == old.as_bytes() {
        true => Ok(()),
        false => Err(io::Error::other("it was edited in the meantime")),
    })
}

fn replace_if(path: &Path, text: &str, last_look: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    // A symlink is followed, so that a linked configuration stays linked.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = target.parent().unwrap_or(folder);
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY.0).suffix(TEMPORARY.1).tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    set_mode(temporary.as_file(), &target)?;
    temporary.as_file().sync_all()?;
    last_look()?;
    temporary.persist(&target).map_err(|e| e.error)?;
    // Only Unix can open a folder; elsewhere the rename is as durable as the system makes it.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(true)
}

/// Removes what processes that were killed inside [`replace`] left in a folder. The caller holds the lock under which files
/// of this folder are replaced, so a temporary file that is there belongs to nobody. Best effort: what stays is only litter.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _litter = fs::remove_file(entry.path());
        }
    }
}

/// [`replace`] for what can be made again: nothing waits for the disk. A reader finds the old text, the new one, or after a crash
/// of the machine something torn, and must be able to tell.
pub(crate) fn keep(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY.0).suffix(TEMPORARY.1).tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &File, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Temporary files are private; a lock is to be read by the team. Keep what was there, else the usual 0644.
    let mode = fs::metadata(old).map_or(0o644, |meta| meta.permissions().mode() & 0o7777);
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _old: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_is_idempotent_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("mcp.lock");
        assert!(replace(&path, "a").expect("write"));
        assert!(!replace(&path, "a").expect("write"), "equal content is not rewritten");
        assert!(replace(&path, "b").expect("write"));
        assert_eq!(read_text(&path, 10).expect("read").as_deref(), Some("b"));
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1);
    }

    #[test]
    fn an_edit_since_it_was_read_is_not_written_over() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("mcp.json");
        replace(&path, "read").expect("write");
        assert!(replace_unchanged(&path, "read", "ours").expect("write"));
        replace(&path, "theirs").expect("write");
        let error = replace_unchanged(&path, "ours", "ours again").expect_err("refused");
        assert!(error.to_string().contains("edited in the meantime"), "{error}");
        assert_eq!(read_text(&path, 10).expect("read").as_deref(), Some("theirs"));
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1, "no temporary file stays");
    }

    #[test]
    fn only_our_temporary_files_are_swept() {
        let folder = tempfile::tempdir().expect("folder");
        for name in [".mcpsec-a1B2c3.tmp", ".mcpsec-notes", "x.tmp", "mcp.lock"] {
            assert!(replace(&folder.path().join(name), "text").expect("write"));
        }
        fs::create_dir(folder.path().join(".mcpsec-folder.tmp")).expect("folder");
        sweep(folder.path());
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).expect("list").map(|e| e.expect("entry").file_name()).collect();
        left.sort();
        assert_eq!(left, [".mcpsec-folder.tmp", ".mcpsec-notes", "mcp.lock", "x.tmp"]);
    }

    #[test]
    fn reading_is_bounded_and_names_the_bad_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x");
        assert_eq!(read_text(&path, 10).expect("read"), None);
        replace(&path, "12345678901").expect("write");
        assert!(read_text(&path, 10).is_err());
        let mut file = File::create(&path).expect("create");
        file.write_all(b"ok\n\xff").expect("write");
        assert!(read_text(&path, 10).expect_err("not text").to_string().contains("line 2"));
    }
}
