//! Where the scratch folders of the namespace tier are.
//!
//! Landlock says what may be written by folder, and a folder's rule holds for whatever is attached beneath it as well. Files
//! there are kept by their mount, which is read-only, but pipes with a name are not. So nothing may be written above a path
//! that the plan lets be read: where such a path lies in `/tmp`, `/tmp` is read-only, and `TMPDIR` is another folder.
use std::{io, path::Path};

use super::layout::{Access, Layout};

/// Where the home may be; the first that is free is taken.
pub(super) const HOMES: [&str; 2] = ["/home/user", "/home/sandbox"];
/// Where temporary files may be; the first that is free is in `TMPDIR`.
const TEMPORARY: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// The folders that a layout leaves room for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Places {
    pub(super) home: &'static Path,
    /// Folder for temporary files.
    pub(super) temporary: &'static Path,
    /// All that may be written, with the two above.
    pub(super) written: Vec<&'static Path>,
}

impl Places {
    /// Chooses.
    ///
    /// # Errors
    /// The plan lets something be read in all of them (`EADDRINUSE`).
    pub(super) fn choose(layout: &Layout) -> io::Result<Self> {
        let is_free = |place: &&Path| {
            !layout.binds.iter().any(|(path, access)| *access == Access::Read && path.starts_with(place))
        };
        let taken = || io::Error::from_raw_os_error(libc::EADDRINUSE);
        let home = HOMES.into_iter().map(Path::new).find(is_free).ok_or_else(taken)?;
        let mut written: Vec<&Path> = TEMPORARY.into_iter().map(Path::new).filter(is_free).collect();
        let temporary = *written.first().ok_or_else(taken)?;
        written.push(home);
        Ok(Self { home, temporary, written })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn chosen(binds: &[(&str, Access)]) -> io::Result<Places> {
        let mut layout = Layout::default();
        layout.binds = binds.iter().map(|(path, access)| (PathBuf::from(path), *access)).collect();
        Places::choose(&layout)
    }

    #[test]
    fn nothing_is_written_above_what_is_read() {
        let usual = chosen(&[("/usr", Access::Read), ("/tmp/written", Access::Write)]).expect("room");
        assert_eq!((usual.home, usual.temporary), (Path::new("/home/user"), Path::new("/tmp")));
        assert_eq!(usual.written.len(), 4);
        let moved = chosen(&[("/tmp/server", Access::Read), ("/home/user/server", Access::Read)]).expect("room");
        assert_eq!((moved.home, moved.temporary), (Path::new("/home/sandbox"), Path::new("/var/tmp")));
        assert!(!moved.written.contains(&Path::new("/tmp")) && moved.written.len() == 3);
        let all = ["/tmp/a", "/var/tmp/a", "/dev/shm/a"].map(|path| (path, Access::Read));
        assert_eq!(chosen(&all).expect_err("no room").raw_os_error(), Some(libc::EADDRINUSE));
    }
}
