//! Reading and writing at a place of a file, and replacing a small one: what a copy of a log is made of.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use super::TeamError;

/// Fills a buffer from a place of a file.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
    }
    #[cfg(windows)]
    {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + filled as u64;
            match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[filled..], at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(())
    }
}

/// Opens a file for reading, which must have at least so many bytes.
pub(super) fn open_long(path: &Path, bytes: u64) -> io::Result<File> {
    let file = File::open(path)?;
    let found = file.metadata()?.len();
    if found < bytes {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{found} bytes of {bytes}")));
    }
    Ok(file)
}

/// Opens a file for appending behind its first `bytes`; whatever stood there is cut off.
pub(super) fn open_tail(path: &Path, bytes: u64) -> Result<File, TeamError> {
    use std::io::Seek as _;
    let open = || {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        file.set_len(bytes)?;
        file.seek(io::SeekFrom::Start(bytes))?;
        Ok(file)
    };
    open().map_err(|error| TeamError::io("open", path, error))
}

/// Replaces a small file, so that a reader sees the old one or the new one, also after a power failure.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TeamError> {
    let path = folder.join(name);
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(|error| TeamError::io("write", &path, error))
}

/// Makes a rename survive a power failure, where folders can be synced.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Makes a folder and its parents.
pub(super) fn create_dir(path: &Path) -> Result<(), TeamError> {
    fs::create_dir_all(path).map_err(|error| TeamError::io("create the folder", path, error))
}

/// A small file as text; `None` if it is not there.
pub(super) fn read_small(path: &Path, limit: u64) -> io::Result<Option<String>> {
    use std::io::Read as _;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text)?;
    Ok(Some(text))
}
