//! What a waiting thread handed to the kernel: its memory, paths and arguments, all bounded.
use std::{
    io,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
};

use super::{
    address::MAX_ADDRESS,
    sys::{self, Notice},
};

/// Longest path the kernel takes.
const MAX_PATH: usize = 4096;
/// Arguments of a started program that are kept, with its name.
const MAX_ARGS: usize = 4;
/// Longest argument that is kept, in bytes.
const MAX_ARG: usize = 120;
/// Every page of memory starts at a multiple of this.
const PAGE: usize = 4096;
/// "The current folder", as an unsigned 32-bit descriptor.
const CURRENT_FOLDER: u64 = 0xffff_ff9c;

/// Reads what one notification points at. The thread is stopped meanwhile, its memory may still be changed by others: what is
/// read here decides nothing that the kernel will read again. Whatever is given out was taken while the thread waited; when it
/// died, its number may have become a stranger's, and nothing is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    tid: u32,
    /// Where to ask whether the thread still waits, with the notification's number. `None` in tests that read themselves.
    waits: Option<(BorrowedFd<'a>, u64)>,
}

impl<'a> Reader<'a> {
    /// For the thread that waits.
    pub(super) fn of(listener: BorrowedFd<'a>, notice: &Notice) -> Self {
        Self { tid: notice.tid, waits: Some((listener, notice.id)) }
    }

    /// What was taken, if it was taken from this very thread.
    fn sure<T>(self, taken: T) -> Option<T> {
        self.waits.is_none_or(|(listener, id)| sys::still_waits(listener, id)).then_some(taken)
    }

    /// Whether the kernel shows anything of the thread to this process.
    pub(super) fn may_look(self) -> bool {
        let seen = std::fs::read_link(format!("/proc/{}/cwd", self.tid));
        seen.is_ok() || self.sure(()).is_none()
    }

    /// The root of the thread's file system.
    pub(super) fn root(self) -> io::Result<std::fs::File> {
        let root = std::fs::File::open(format!("/proc/{}/root", self.tid))?;
        self.sure(root).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
    }

    /// A second descriptor of the open file that the thread has at `number`.
    pub(super) fn duplicate(self, number: u64) -> io::Result<OwnedFd> {
        let file = sys::duplicate_of(self.tid, number)?;
        self.sure(file).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
    }

    /// Exactly `length` bytes.
    pub(super) fn bytes(self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = sys::read_memory(self.tid, address, &mut bytes).ok()?;
        (read == length).then_some(bytes).and_then(|bytes| self.sure(bytes))
    }

    /// A socket address with the length that came along.
    pub(super) fn address(self, at: u64, length: u64) -> Option<Vec<u8>> {
        let length = usize::try_from(length & 0xffff_ffff).ok()?;
        if at == 0 || length > MAX_ADDRESS { None } else { self.bytes(at, length) }
    }

    /// Bytes up to a zero byte, at most `max`.
    pub(super) fn string(self, address: u64, max: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut buffer = [0_u8; PAGE];
        while text.len() < max {
            let at = address.checked_add(u64::try_from(text.len()).ok()?)?;
            // The next page may not be there, and then nothing of the read would come back.
            let in_page = PAGE - usize::try_from(at % PAGE as u64).ok()?;
            let chunk = buffer.get_mut(..in_page.min(max - text.len()))?;
            let read = sys::read_memory(self.tid, at, chunk).ok()?;
            let chunk = chunk.get(..read).filter(|chunk| !chunk.is_empty())?;
            if let Some(end) = chunk.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&chunk[..end]);
                return self.sure(text);
            }
            text.extend_from_slice(chunk);
        }
        self.sure(text)
    }

    /// A path, made absolute (by the folder's descriptor or the thread's current folder) and without `.` and `..`. Links
    /// are not followed.
    pub(super) fn path(self, folder: Option<u64>, address: u64) -> Option<Vec<u8>> {
        self.absolute(folder, &self.string(address, MAX_PATH)?)
    }

    /// The same for a path that was read already.
    pub(super) fn absolute(self, folder: Option<u64>, path: &[u8]) -> Option<Vec<u8>> {
        if path.first() == Some(&b'/') {
            return Some(normal(path));
        }
        let link = match folder.map(|fd| fd & 0xffff_ffff) {
            None | Some(CURRENT_FOLDER) => format!("/proc/{}/cwd", self.tid),
            Some(fd) => format!("/proc/{}/fd/{fd}", self.tid),
        };
        let base = std::fs::read_link(link).ok()?.into_os_string().into_vec();
        self.sure(normal(&[&base[..], b"/", path].concat()))
    }

    /// The first arguments of a program, without its own name.
    pub(super) fn arguments(self, argv: u64) -> Vec<Vec<u8>> {
        let pointer = |index: u64| {
            let raw = self.bytes(argv.checked_add(8 * index)?, 8)?;
            let address = u64::from_ne_bytes(raw.try_into().ok()?);
            (address != 0).then_some(address)
        };
        if argv == 0 || pointer(0).is_none() {
            return Vec::new();
        }
        (1..MAX_ARGS as u64).map_while(|index| self.string(pointer(index)?, MAX_ARG)).collect()
    }

    /// Whether there is a file at this absolute path, as the thread sees the file system.
    pub(super) fn has_file(self, path: &[u8]) -> bool {
        self.sure(sys::exists_for(self.tid, path)).unwrap_or(false)
    }

    /// Whether its descriptor has the close-on-exec and non-blocking flags.
    pub(super) fn descriptor_flags(self, fd: u64) -> Option<(bool, bool)> {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{}", self.tid, fd & 0xffff_ffff)).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
        self.sure((flags & libc::O_CLOEXEC != 0, flags & libc::O_NONBLOCK != 0))
    }
}

/// An absolute path without empty parts, `.` and `..`.
fn normal(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return b"/".to_vec();
    }
    parts.iter().flat_map(|part| [&b"/"[..], part]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Reader<'static> {
        Reader { tid: std::process::id(), waits: None }
    }

    #[test]
    fn paths_are_normal() {
        assert_eq!(normal(b"/a/./b/../../../c//d/"), b"/c/d");
        assert_eq!(normal(b"/.."), b"/");
    }

    #[test]
    fn memory_is_read_and_bounded() {
        let text = b"some text\0more".to_vec();
        let at = text.as_ptr().addr() as u64;
        assert_eq!(own().string(at, 100).unwrap(), b"some text");
        assert_eq!(own().string(at, 4).unwrap(), b"some");
        assert_eq!(own().bytes(at, 4).unwrap(), b"some");
        assert_eq!(own().string(16, 100), None);
        assert_eq!(own().bytes(u64::MAX - 2, 8), None);
        assert_eq!(own().address(at, 129), None);
        assert_eq!(own().address(0, 16), None);
    }

    #[test]
    fn relative_paths_start_at_the_current_folder() {
        let text = b"x/../y\0".to_vec();
        let at = text.as_ptr().addr() as u64;
        let here = std::env::current_dir().unwrap().into_os_string().into_vec();
        assert_eq!(own().path(None, at).unwrap(), [&here[..], b"/y"].concat());
        assert_eq!(own().path(Some(CURRENT_FOLDER), at).unwrap(), [&here[..], b"/y"].concat());
    }
}
