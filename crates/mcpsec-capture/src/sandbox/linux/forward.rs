//! Passing on signals of this process to the guard of a program that has this process's streams: whoever started mcpsec talks
//! to the program through it, and so do their signals.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    io,
    sync::atomic::{AtomicI32, Ordering},
};

use libc::c_int;

/// The guard; 0 if there is none. One program at a time can have this process's streams.
static GUARD: AtomicI32 = AtomicI32::new(0);

/// Signals that are passed on. Those of a terminal come here, since the guard is in a process group of its own.
const PASSED_ON: [c_int; 7] =
    [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH];

/// While this lives, signals are passed on.
#[derive(Debug)]
pub(in crate::sandbox) struct Forward(());

impl Forward {
    /// Starts passing on. Signals that this process ignores stay ignored.
    ///
    /// # Errors
    /// Another program has this process's streams already.
    pub(in crate::sandbox) fn to(guard: u32) -> io::Result<Self> {
        let guard = guard.cast_signed();
        if GUARD.compare_exchange(0, guard, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let started = Self(());
        for signal in PASSED_ON {
            started.handle(signal)?;
        }
        Ok(started)
    }

    fn handle(&self, signal: c_int) -> io::Result<()> {
        // SAFETY: the structure is plain numbers and pointers, for which zero is valid.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: `now` is a valid place for the answer, and no new action is given.
        if unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut now) } != 0 {
            return Err(io::Error::last_os_error());
        }
        if now.sa_sigaction == libc::SIG_IGN {
            return Ok(());
        }
        now.sa_sigaction = pass_on as extern "C" fn(c_int) as libc::sighandler_t;
        now.sa_flags = libc::SA_RESTART;
        // SAFETY: `pass_on` calls nothing that a signal handler may not.
        let done = unsafe { libc::sigaction(signal, &raw const now, std::ptr::null_mut()) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // The handlers stay, and from now on do what the default does: see there.
        GUARD.store(0, Ordering::SeqCst);
    }
}

extern "C" fn pass_on(signal: c_int) {
    let guard = GUARD.load(Ordering::SeqCst);
    // SAFETY: kill(2), signal(2), raise(3) and _exit(2) may be called in handlers (signal-safety(7)); the error number that
    // they may change is put back, since the interrupted code may be about to read its own.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        if guard > 0 {
            libc::kill(guard, signal);
        } else if ![libc::SIGWINCH].contains(&signal) {
            // Nobody to pass it to: as if this handler had never been.
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        *errno = before;
    }
}
