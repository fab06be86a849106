//! What a waiting thread handed to the kernel: its memory, paths and arguments, all bounded.
use std::os::unix::ffi::OsStringExt;

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
/// read here decides nothing that the kernel will read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    tid: u32,
}

impl Reader {
    /// For the thread that waits.
    pub(super) fn of(notice: &Notice) -> Self {
        Self { tid: notice.tid }
    }

    /// Exactly `length` bytes.
    pub(super) fn bytes(self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = sys::read_memory(self.tid, address, &mut bytes).ok()?;
        (read == length).then_some(bytes)
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
                return Some(text);
            }
            text.extend_from_slice(chunk);
        }
        Some(text)
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
        Some(normal(&[&base[..], b"/", path].concat()))
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
        sys::exists_for(self.tid, path)
    }

    /// Whether its descriptor has the close-on-exec and non-blocking flags.
    pub(super) fn descriptor_flags(self, fd: u64) -> Option<(bool, bool)> {
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{}", self.tid, fd & 0xffff_ffff)).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
        Some((flags & libc::O_CLOEXEC != 0, flags & libc::O_NONBLOCK != 0))
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

    fn own() -> Reader {
        Reader { tid: std::process::id() }
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
