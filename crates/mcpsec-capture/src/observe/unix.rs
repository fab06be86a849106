//! Unix sockets: which one is meant, and reaching those of the sandbox itself where the file system is shared.
use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{
            ffi::{OsStrExt, OsStringExt},
            fs::MetadataExt,
        },
    },
    path::{Path, PathBuf},
};

use super::{sys, target::Reader};

/// A socket's path, made absolute.
pub(super) fn absolute(reader: Reader<'_>, path: &[u8]) -> Vec<u8> {
    reader.absolute(None, path).unwrap_or_else(|| path.to_vec())
}

/// What lies at a path in one of these folders, found again here, without following links: the path in the program's memory may
/// be another one by now.
pub(super) fn within(folders: &[PathBuf], path: &[u8]) -> io::Result<OwnedFd> {
    let path = Path::new(OsStr::from_bytes(path));
    let inner = folders.iter().find_map(|folder| Some((folder, path.strip_prefix(folder).ok()?)));
    let (folder, inner) = inner.ok_or_else(absent)?;
    let folder = std::fs::File::open(folder)?;
    sys::open_beneath(folder.as_fd(), inner)
}

/// What lies at a path as the program sees the file system, if it is on the device of its scratch folders.
pub(super) fn within_scratch(reader: Reader<'_>, device: Option<u64>, path: &[u8]) -> io::Result<OwnedFd> {
    let place = std::fs::File::from(sys::open_in_root(reader.root()?.as_fd(), path)?);
    if device.is_some_and(|device| place.metadata().is_ok_and(|found| found.dev() == device)) {
        Ok(place.into())
    } else {
        Err(io::Error::from_raw_os_error(libc::EACCES))
    }
}

/// Connects the program's socket to this one.
pub(super) fn connect_to(place: BorrowedFd<'_>, socket: OwnedFd) -> io::Result<()> {
    let family = u16::try_from(libc::AF_UNIX).unwrap_or_default().to_ne_bytes();
    let name = std::ffi::OsString::from(format!("/proc/self/fd/{}", place.as_raw_fd())).into_vec();
    if sys::socket_option(socket.as_fd(), libc::SO_DOMAIN)? != libc::AF_UNIX {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    sys::connect(socket.as_fd(), &[&family[..], &name, &[0]].concat())
}

fn absent() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOENT)
}
