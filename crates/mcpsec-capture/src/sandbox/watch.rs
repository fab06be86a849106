//! The watch over time, memory, processes and scratch space: a thread beside the program that ends it when it uses too much.
use std::{
    collections::BTreeSet,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Limit, Limits, Plan, linux::sys, nameless, scratch::folder_size};

/// Between two looks while the program grows.
const SHORT: Duration = Duration::from_millis(40);
/// Between two looks at a program that has long stayed as it is.
const LONG: Duration = Duration::from_millis(500);

/// Between two looks at a folder of this machine, where a disk may take a gigabyte each second.
const QUICK: Duration = Duration::from_millis(120);

/// A running watch.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    scratch: Arc<Scratch>,
    disk: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    limit: Option<Limit>,
}

/// Where scratch space is measured.
#[derive(Debug)]
enum Scratch {
    /// A file system of its own with a cap.
    Capped(OwnedFd),
    /// A folder of this machine.
    Folder(PathBuf),
    None,
}

impl Watch {
    /// Watches over the program whose guard has this process number; ends it by letting `control` go.
    pub(super) fn start(
        guard: u32,
        control: &UnixStream,
        capped: Option<OwnedFd>,
        plan: &Plan,
        folder: Option<&Path>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let scratch = capped
            .map(Scratch::Capped)
            .or(folder.map(|folder| Scratch::Folder(folder.to_owned())))
            .unwrap_or(Scratch::None);
        let scratch = Arc::new(scratch);
        let Limits { wall, memory, processes, disk, .. } = plan.limits;
        let thread = if wall.is_some() || memory.is_some() || processes.is_some() || disk.is_some() {
            let (seen, control, limits) = (Arc::clone(&shared), control.try_clone()?, plan.limits.clone());
            let scratch = Arc::clone(&scratch);
            let work = move || {
                if let Some(limit) = watch(guard, &limits, &scratch, &seen) {
                    seen.lock().limit = Some(limit);
                    // If the guard is gone already, so is what it guards.
                    let _gone = control.shutdown(std::net::Shutdown::Both);
                }
            };
            Some(std::thread::Builder::new().name("sandbox-watch".to_owned()).spawn(work)?)
        } else {
            None
        };
        Ok(Self { shared, thread, scratch, disk })
    }

    /// Stops watching; the limit that ended the program, if one did. `failed`: it did not end well; then scratch folders
    /// that are full are the reason that is told, although it may have given up by itself.
    pub(super) fn finish(mut self, failed: bool) -> Option<Limit> {
        self.stop();
        let full = || failed && self.disk.is_some_and(|most| self.scratch.is_full(most, &BTreeSet::new()));
        self.shared.lock().limit.or_else(|| full().then_some(Limit::Disk))
    }

    fn stop(&mut self) {
        self.shared.lock().over = true;
        self.shared.over.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, the program has still ended.
            let _ended = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps; whether the watch is over.
    fn sleep(&self, time: Duration) -> bool {
        let over = self.over.wait_timeout_while(self.lock(), time, |state| !state.over);
        over.map_or(true, |(state, _)| state.over)
    }
}

/// Looks until the program has ended or a limit is passed.
fn watch(guard: u32, limits: &Limits, scratch: &Scratch, shared: &Shared) -> Option<Limit> {
    let start = Instant::now();
    let (mut pause, mut used_before) = (SHORT, 0);
    loop {
        let left = limits.wall.map(|wall| wall.saturating_sub(start.elapsed()));
        if left == Some(Duration::ZERO) {
            return Some(Limit::Wall);
        }
        if shared.sleep(left.map_or(pause, |left| pause.min(left))) {
            return None;
        }
        let mut processes = Processes { pids: BTreeSet::new(), threads: 0 };
        if limits.memory.is_some() || limits.processes.is_some() || limits.disk.is_some() {
            processes = Processes::below(guard);
            if limits.processes.is_some_and(|most| processes.threads > most.saturating_add(SLACK)) {
                return Some(Limit::Processes);
            }
            if let Some(most) = limits.memory {
                let used = processes.memory(most);
                if used > most || machine_is_out_of_memory(used) {
                    return Some(Limit::Memory);
                }
                // Quick looks while it grows by more than a sixteenth; then ever longer ones.
                let grew = used > used_before + used_before / 16;
                pause = if grew || used > most / 2 { SHORT } else { (pause * 5 / 4).min(LONG) };
                used_before = used;
            }
        }
        if let Some(most) = limits.disk {
            if scratch.is_full(most, &processes.pids) {
                return Some(Limit::Disk);
            }
            // Nothing else stops whoever writes to a disk of this machine.
            if matches!(scratch, Scratch::Folder(_)) {
                pause = pause.min(QUICK);
            }
        }
    }
}

/// Threads beyond the limit that are the guard's own or are about to be refused by the kernel.
const SLACK: u64 = 8;

/// The processes of a sandbox at one moment.
struct Processes {
    pids: BTreeSet<u32>,
    threads: u64,
}

impl Processes {
    /// All below the guard.
    fn below(guard: u32) -> Self {
        let mut found = Self { pids: BTreeSet::new(), threads: 0 };
        let mut rest = children(guard).1;
        while let Some(pid) = rest.pop() {
            if found.pids.insert(pid) {
                let (threads, children) = children(pid);
                found.threads += threads;
                rest.extend(children);
            }
        }
        found
    }

    /// Bytes that they use together. Pages that several share count once where the kernel tells; the exact but slower
    /// question is only asked when the simple one says that the limit may be near.
    fn memory(&self, most: u64) -> u64 {
        let simple = self.pids.iter().map(|pid| resident(*pid)).sum();
        if simple <= most {
            return simple;
        }
        self.pids.iter().map(|pid| proportional(*pid).unwrap_or_else(|| private(*pid))).sum()
    }
}

/// Number of threads of a process, and the processes that they started.
fn children(pid: u32) -> (u64, Vec<u32>) {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return (0, Vec::new()) };
    let (mut threads, mut found) = (0, Vec::new());
    for task in tasks.flatten() {
        threads += 1;
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    (threads, found)
}

/// Resident bytes, by `/proc/PID/statm`.
fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * PAGE
}

/// Bytes in a page as statm counts; larger pages only make the simple question stricter.
const PAGE: u64 = 4096;

/// Proportional bytes; `None` if this process may not ask.
fn proportional(pid: u32) -> Option<u64> {
    kilobytes(&std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}

/// Bytes that are no file's, which everybody may ask.
fn private(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    kilobytes(&text, "RssAnon:").unwrap_or(0) + kilobytes(&text, "RssShmem:").unwrap_or(0)
}

/// The value of a line such as `Pss:   12 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Memory can be used that is no process's (buffers of sockets, pages of unmapped shared memory). When the machine has almost
/// none left, a program that uses a good part of it is ended.
fn machine_is_out_of_memory(used: u64) -> bool {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let (Some(total), Some(available)) = (kilobytes(&text, "MemTotal:"), kilobytes(&text, "MemAvailable:")) else {
        return false;
    };
    available < total / 32 && used > total / 32
}

impl Scratch {
    /// Whether it holds more than `most` bytes, or as many files without a name that these processes hold.
    fn is_full(&self, most: u64, processes: &BTreeSet<u32>) -> bool {
        match self {
            Self::Capped(fd) => {
                use std::os::fd::AsFd as _;
                sys::room(fd.as_fd()).is_ok_and(|(free, total)| total > 0 && free == 0)
            }
            Self::Folder(folder) => {
                let named = folder_size(folder, most);
                named > most || nameless::size(processes, folder).saturating_add(named) > most
            }
            Self::None => false,
        }
    }
}
