//! The processes that watch over the program: they start it, pass signals on, reap what nobody else reaps, and end everything
//! when the program ends or when whoever ordered it lets go of the socket.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
};

use libc::{c_int, pid_t};

use super::{
    super::wire::{self, FileName, Files, Raw},
    broke::{Broke, Step},
    confine::{self, Cell},
    sys::{self, Status},
};

/// Signals that are passed on to the program.
const PASSED_ON: [c_int; 8] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGCONT,
    libc::SIGWINCH,
];

/// Blocks the signals that a guard handles, and gives the file from which it reads them. Before the first fork, so that none
/// is lost.
pub(super) fn listen() -> Result<OwnedFd, Broke> {
    let all: Vec<c_int> = PASSED_ON.into_iter().chain([libc::SIGCHLD]).collect();
    sys::signals_as_file(&all).at("listen for signals")
}

/// Starts the program and reports on `control` that it runs. Gives its process number.
///
/// # Errors
/// It could not be started; not yet reported.
pub(super) fn start(cell: &Cell<'_>, control: &UnixStream, files: Vec<(FileName, OwnedFd)>) -> Result<pid_t, Broke> {
    let (ours, theirs) = UnixStream::pair().at("make a socket")?;
    // One table of descriptors for both: the program's process cannot send a descriptor once its calls are watched, so it
    // only tells the number.
    let Some(program) = sys::fork(true).at("start a process")? else { confine::become_program(cell, &theirs) };
    let mut files = files;
    match confine::next_tag(&ours).at("hear the program")? {
        Some(confine::READY) => {
            let payload = wire::payload(&ours).at("hear the program")?;
            let number = payload.try_into().map(RawFd::from_le_bytes).unwrap_or(-1);
            if number >= 0 {
                // SAFETY: the program's process made this descriptor in the table that both share, and leaves it to us.
                files.push((FileName::Notify, unsafe { OwnedFd::from_raw_fd(number) }));
            }
        }
        _ => return Err(relayed(&ours)),
    }
    let user = cell.outside_user;
    let home = Some(Raw::from(cell.home.as_path()));
    let names = Files { user, home, names: files.iter().map(|(name, _)| *name).collect() };
    let fds: Vec<RawFd> = files.iter().map(|(_, fd)| fd.as_raw_fd()).collect();
    sys::send_files(control, wire::FILES, &fds).at("send files")?;
    let names = serde_json::to_vec(&names).map_err(io::Error::other).at("send files")?;
    wire::send_rest(control, &names).at("send files")?;
    drop(files);
    sys::unshare(libc::CLONE_FILES).at("leave the program's files")?;
    drop(theirs);
    wire::send(&ours, confine::GO, &[]).at("start the program")?;
    match confine::next_tag(&ours).at("hear the program")? {
        // Its end of the socket closed when it executed.
        None => {}
        Some(_) => return Err(relayed(&ours)),
    }
    wire::send(control, wire::STARTED, &[]).at("report")?;
    Ok(program)
}

/// The failure that the program's process has said.
fn relayed(from: &UnixStream) -> Broke {
    let failure = wire::payload(from).and_then(|payload| serde_json::from_slice(&payload).map_err(io::Error::other));
    match failure {
        Ok(failure) => Broke::relayed(failure),
        Err(_) => Broke::program(io::ErrorKind::BrokenPipe.into()),
    }
}

/// What a guard saw last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Over {
    /// The child it watches has ended.
    Ended(Status),
    /// Whoever ordered it let go: everything shall end.
    LetGo,
}

/// Passes signals on to `child` and reaps whatever ends, until `child` ends or `control` is let go.
pub(super) fn watch(child: pid_t, signals: &OwnedFd, control: Option<&UnixStream>) -> io::Result<Over> {
    loop {
        let control = control.map_or(-1, AsRawFd::as_raw_fd);
        let [signalled, let_go] = sys::poll([signals.as_raw_fd(), control], -1)?;
        if let_go {
            return Ok(Over::LetGo);
        }
        if !signalled {
            continue;
        }
        while let Some(signal) = sys::next_signal(signals) {
            if signal != libc::SIGCHLD {
                // It may have ended meanwhile; then there is nobody to tell.
                let _gone = sys::kill(child, signal);
            }
        }
        while let Some((pid, status)) = sys::wait(-1, false)? {
            if pid == child {
                return Ok(Over::Ended(status));
            }
        }
    }
}

/// Ends this process the way another one ended.
pub(super) fn end_like(status: Status) -> ! {
    if let Some(signal) = status.signal() {
        // No image of this process shall be written for a crash that is not its own.
        let _kept = sys::prctl(libc::PR_SET_DUMPABLE, 0);
        let _ended = sys::fresh_signals().and_then(|()| sys::kill(std::process::id().cast_signed(), signal));
        sys::exit_now(128 + signal);
    }
    sys::exit_now(status.code().into())
}

/// Ends all descendants of this process, which adopts orphans (`PR_SET_CHILD_SUBREAPER`), and waits for them. `alone` is a
/// user number that only they have.
pub(super) fn end_descendants(alone: Option<u32>) {
    // Stop first: a stopped process starts no others, so that after some rounds nothing new appears.
    for round in 0..200 {
        if let Some(id) = alone {
            end_all_of(id);
        }
        let found = descendants(std::process::id().cast_signed());
        let signal = if round % 4 == 3 { libc::SIGKILL } else { libc::SIGSTOP };
        for pid in &found {
            let _gone = sys::kill(*pid, signal);
        }
        while let Ok(Some(_)) = sys::wait(-1, false) {}
        if found.is_empty() || (round % 4 == 3 && sys::wait(-1, false).is_err()) {
            // No children at all are left (ECHILD).
            if sys::wait(-1, false).is_err() {
                return;
            }
        }
        if round % 4 == 3 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

/// Ends all processes of a user at once, which no fork escapes.
fn end_all_of(id: u32) {
    match sys::fork(false) {
        Ok(Some(helper)) => {
            let _reaped = sys::wait(helper, true);
        }
        Ok(None) => {
            let ended = sys::become_user(id, id).and_then(|()| sys::kill(-1, libc::SIGKILL));
            sys::exit_now(ended.is_err().into())
        }
        Err(_) => {}
    }
}

/// All processes below this one, as `/proc` shows them.
fn descendants(top: pid_t) -> Vec<pid_t> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut parents = std::collections::BTreeMap::new();
    for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<pid_t>().ok()) {
        if let Some(parent) = parent_of(pid) {
            parents.insert(pid, parent);
        }
    }
    let is_below = |pid: pid_t| {
        let mut above = pid;
        // No chain is longer than the table; the bound is for a table that was read while it changed.
        for _ in 0..parents.len() {
            match parents.get(&above) {
                Some(parent) if *parent == top => return true,
                Some(parent) => above = *parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|pid| is_below(*pid)).collect()
}

/// The parent, from `/proc/PID/stat`; the name in it may hold anything, so what follows its last parenthesis counts.
fn parent_of(pid: pid_t) -> Option<pid_t> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after = &stat[stat.iter().rposition(|byte| *byte == b')')? + 1..];
    let mut fields = std::str::from_utf8(after).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    // Zombies wait for their parent and can do nothing any more.
    (state != "Z" && state != "X").then(|| fields.next()?.parse().ok()).flatten()
}
