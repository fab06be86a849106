//! Notices that canaries are read: inotify on each file. It sees every way of opening (links, descriptors, other threads) and
//! works on scratch folders of any file system; listing a folder or asking for a file's size is not seen, as it should be.
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use super::{super::sys, Canary};

/// Length of `struct inotify_event` without a name; events on files have none.
const EVENT: usize = 16;
/// Bytes read at once.
const BUFFER: usize = EVENT * 256;
/// Reads before others get their turn.
const BATCH: usize = 64;

/// A watch on the canaries of one home.
#[derive(Debug)]
pub struct Trap {
    watcher: OwnedFd,
    names: Vec<String>,
}

impl Trap {
    /// Watches canaries that [`super::plant`] wrote into `home`, from now on. Whoever plants them has finished with them.
    ///
    /// # Errors
    /// A file is gone, or the system has no watches left.
    pub fn set(home: &Path, canaries: &[Canary]) -> io::Result<Self> {
        let watcher = sys::watcher()?;
        for (index, canary) in canaries.iter().enumerate() {
            let watch = sys::watch_reads(watcher.as_fd(), &home.join(canary.path))?;
            // The kernel counts up from one, which is how the other side knows which file a number means.
            if usize::try_from(watch) != Ok(index + 1) {
                return Err(io::Error::other("inotify does not count from one"));
            }
        }
        Ok(Self { watcher, names: canaries.iter().map(Canary::name).collect() })
    }

    /// The watch alone, to be handed to another process.
    pub fn into_fd(self) -> OwnedFd {
        self.watcher
    }

    /// A watch that another process set on the same canaries, in the same order.
    pub fn from_fd(watcher: OwnedFd, canaries: &[Canary]) -> Self {
        Self { watcher, names: canaries.iter().map(Canary::name).collect() }
    }

    /// Where to wait for it.
    pub(in super::super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.watcher.as_fd()
    }

    /// Tells which canaries were read since the last time, and whether events were lost.
    pub(in super::super) fn drain(&mut self, mut read: impl FnMut(&str), mut lost: impl FnMut()) {
        let mut buffer = [0_u8; BUFFER];
        for _ in 0..BATCH {
            let length = match sys::read(self.watcher.as_fd(), &mut buffer) {
                Ok(0) => return,
                Ok(length) => length,
                Err(_) => return lost(),
            };
            for event in buffer.get(..length).unwrap_or_default().chunks_exact(EVENT) {
                let word = |at: usize| event.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
                let (Some(watch), Some(mask)) = (word(0).map(i32::from_ne_bytes), word(4).map(u32::from_ne_bytes))
                else {
                    continue;
                };
                if mask & libc::IN_Q_OVERFLOW != 0 {
                    lost();
                } else if mask & (libc::IN_OPEN | libc::IN_ACCESS) != 0 {
                    let name = usize::try_from(watch).ok().and_then(|watch| self.names.get(watch.checked_sub(1)?));
                    if let Some(name) = name {
                        read(name);
                    }
                }
            }
        }
    }
}
