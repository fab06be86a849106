//! Unix sockets: which one is meant, and reaching those of the sandbox itself where the file system is shared.
use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use super::{sys, target::Reader};

/// A socket's path, made absolute.
pub(super) fn absolute(reader: Reader<'_>, path: &[u8]) -> Vec<u8> {
    reader.absolute(None, path).unwrap_or_else(|| path.to_vec())
}

/// Connects the program's socket to one that lies in `folders`, found again here, without following links: the path in the
/// program's memory may be another one by now.
pub(super) fn connect_within(
    folders: &[PathBuf],
    path: &[u8],
    socket: impl FnOnce() -> io::Result<OwnedFd>,
) -> io::Result<()> {
    let absent = || io::Error::from_raw_os_error(libc::ENOENT);
    let path = Path::new(OsStr::from_bytes(path));
    let inner = folders.iter().find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
    let (folder, inner) = inner.ok_or_else(absent)?;
    let folder = std::fs::File::open(folder)?;
    let place = sys::open_beneath(folder.as_fd(), inner)?;
    let socket = socket()?;
    let family = u16::try_from(libc::AF_UNIX).unwrap_or_default().to_ne_bytes();
    let name = std::ffi::OsString::from(format!("/proc/self/fd/{}", place.as_raw_fd())).into_vec();
    if sys::socket_option(socket.as_fd(), libc::SO_DOMAIN)? != libc::AF_UNIX {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    sys::connect(socket.as_fd(), &[&family[..], &name, &[0]].concat())
}
