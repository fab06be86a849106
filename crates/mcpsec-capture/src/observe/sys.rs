//! The system calls of the observer, each wrapped once, so that everything else here is safe code.
#![expect(unsafe_code, reason = "system calls that neither std nor a crate of the tree offers")]
use std::{
    ffi::CString,
    io,
    mem::{size_of, size_of_val},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use libc::{c_int, c_uint, c_void, sock_filter};

/// One notification: which thread asks for which call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    /// The kernel's cookie; valid while the thread waits.
    pub id: u64,
    /// The thread, as this process numbers it. 0 when it cannot be seen from here.
    pub tid: u32,
    /// Number of the call.
    pub nr: i64,
    /// Its six arguments.
    pub args: [u64; 6],
}

/// What the waiting thread is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// The kernel runs the call as it stands now. Only where another layer enforces: memory may have changed since.
    Continue,
    /// The call gave 0.
    Zero,
    /// The call failed with this error number.
    Error(i32),
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = c_int::try_from(checked(result)?).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Installs a filter on this thread and gives its listener. The caller has set no_new_privs.
pub(super) fn install(program: &mut [sock_filter]) -> io::Result<OwnedFd> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let prog = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let load = |flags: libc::c_ulong| {
        // SAFETY: `prog` describes `program`, which outlives the call; the kernel copies it.
        owned(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const prog) })
    };
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Without it a runtime that signals its own threads (Go) restarts a watched call for ever; since Linux 5.19.
    match load(listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => load(listener),
        done => done,
    }
}

/// Asks for hand-overs on one processor, which are faster. Older kernels (before 6.6) do not know it.
pub(super) fn wake_in_place(listener: BorrowedFd<'_>) {
    // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
    let flags: u64 = 1;
    // SAFETY: this ioctl takes its flags as the argument itself and touches no memory.
    let _unknown_before_6_6 =
        unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS as _, flags) };
}

/// How long the kernel's notification is, in 8-byte words; it may grow.
pub(super) fn notice_words() -> io::Result<usize> {
    let mut sizes = libc::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    // SAFETY: the kernel writes one `seccomp_notif_sizes` at the given place.
    checked(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_NOTIF_SIZES, 0, &raw mut sizes) })?;
    if usize::from(sizes.seccomp_notif_resp) > size_of::<libc::seccomp_notif_resp>() {
        return Err(io::Error::from_raw_os_error(libc::EOVERFLOW));
    }
    Ok(usize::from(sizes.seccomp_notif).max(size_of::<libc::seccomp_notif>()).div_ceil(8))
}

/// Takes the next notification. `Ok(None)`: its thread died first.
pub(super) fn receive(listener: BorrowedFd<'_>, words: usize) -> io::Result<Option<Notice>> {
    // The kernel insists on zeroes.
    let mut buffer = vec![0_u64; words];
    // SAFETY: the buffer is aligned to 8 and at least as long as the kernel said its notification is.
    let got = unsafe {
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV as _, buffer.as_mut_ptr().cast::<c_void>())
    };
    if got < 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ENOENT | libc::EINTR | libc::EAGAIN) => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: the buffer is aligned, long enough (see `notice_words`), and every bit pattern is a `seccomp_notif`.
    let notice = unsafe { buffer.as_ptr().cast::<libc::seccomp_notif>().read() };
    Ok(Some(Notice { id: notice.id, tid: notice.pid, nr: i64::from(notice.data.nr), args: notice.data.args }))
}

/// Answers. It is no error that the thread has died meanwhile.
pub(super) fn answer(listener: BorrowedFd<'_>, id: u64, answer: Answer) -> io::Result<()> {
    let (error, flags) = match answer {
        Answer::Continue => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Answer::Zero => (0, 0),
        Answer::Error(number) => (-number, 0),
    };
    let mut response = libc::seccomp_notif_resp { id, val: 0, error, flags };
    // SAFETY: the kernel reads one `seccomp_notif_resp` at the given place.
    let sent = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND as _, &raw mut response) };
    if sent < 0 {
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ENOENT) {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether the thread of this notification still waits; then its number was not given to another one meanwhile.
pub(super) fn still_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads one u64 at the given place.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID as _, &raw const id) == 0 }
}

/// Puts `source` at the number `number` of the waiting thread's descriptors.
pub(super) fn inject(
    listener: BorrowedFd<'_>,
    id: u64,
    source: BorrowedFd<'_>,
    number: u32,
    close_on_exec: bool,
) -> io::Result<()> {
    let mut request = libc::seccomp_notif_addfd {
        id,
        flags: libc::SECCOMP_ADDFD_FLAG_SETFD as u32,
        srcfd: source.as_raw_fd().cast_unsigned(),
        newfd: number,
        newfd_flags: if close_on_exec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
    };
    // SAFETY: the kernel reads one `seccomp_notif_addfd` at the given place.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD as _, &raw mut request) };
    checked(done.into()).map(drop)
}

/// Copies memory of another process; gives how many bytes were there.
pub(super) fn read_memory(tid: u32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec {
        iov_base: std::ptr::without_provenance_mut(usize::try_from(address).unwrap_or(usize::MAX)),
        iov_len: into.len(),
    };
    // SAFETY: `local` describes `into`; the remote address is only looked up in the other process.
    let read = unsafe { libc::process_vm_readv(tid.cast_signed(), &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// A second descriptor of the same open file that `tid` has at `number`.
pub(super) fn duplicate_of(tid: u32, number: u64) -> io::Result<OwnedFd> {
    // PIDFD_THREAD, since Linux 6.9: threads may have tables of their own.
    const THREAD: c_uint = libc::O_EXCL.cast_unsigned();
    let number = c_int::try_from(number & 0xffff_ffff).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: no memory is passed.
    let open = |id: u32, flags: c_uint| owned(unsafe { libc::syscall(libc::SYS_pidfd_open, id, flags) });
    let process = match open(tid, THREAD) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => open(leader_of(tid)?, 0),
        done => done,
    }?;
    // SAFETY: no memory is passed.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })
}

fn leader_of(tid: u32) -> io::Result<u32> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|id| id.trim().parse().ok()).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

/// `connect` with a raw socket address.
pub(super) fn connect(socket: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: the kernel reads `length` bytes, which is how long the slice is, and asks for no alignment.
    let done = unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), length) };
    checked(done.into()).map(drop)
}

/// `bind` with a raw socket address.
pub(super) fn bind(socket: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: the kernel reads `length` bytes, which is how long the slice is, and asks for no alignment.
    let done = unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), length) };
    checked(done.into()).map(drop)
}

/// `listen`.
pub(super) fn listen(socket: BorrowedFd<'_>, backlog: c_int) -> io::Result<()> {
    // SAFETY: no memory is passed.
    checked(unsafe { libc::listen(socket.as_raw_fd(), backlog) }.into()).map(drop)
}

/// The socket's own address, raw.
pub(super) fn own_address(socket: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut raw = [0_u64; 16];
    let mut length = libc::socklen_t::try_from(size_of_val(&raw)).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes, which is how long the buffer is.
    let done = unsafe { libc::getsockname(socket.as_raw_fd(), raw.as_mut_ptr().cast(), &raw mut length) };
    checked(done.into())?;
    let bytes = raw.iter().flat_map(|word| word.to_ne_bytes());
    Ok(bytes.take(usize::try_from(length).unwrap_or(0)).collect())
}

/// An option of `SOL_SOCKET` that is an int: `SO_TYPE`, `SO_DOMAIN`.
pub(super) fn socket_option(socket: BorrowedFd<'_>, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut length = libc::socklen_t::try_from(size_of::<c_int>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes, the size of `value`.
    let done = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut length)
    };
    checked(done.into())?;
    Ok(value)
}

/// The network namespace of a socket, as a number that is never given twice (since Linux 5.14).
pub(super) fn network_of(socket: BorrowedFd<'_>) -> io::Result<u64> {
    const SO_NETNS_COOKIE: c_int = 71;
    let mut value: u64 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes, the size of `value`.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_NETNS_COOKIE,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    checked(done.into())?;
    Ok(value)
}

/// Whether a TCP socket is connected, without taking its pending error away.
pub(super) fn is_established(socket: BorrowedFd<'_>) -> bool {
    let mut state = 0_u8;
    let mut length: libc::socklen_t = 1;
    // SAFETY: the kernel writes at most one byte, the first of `tcp_info`, which is the state.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut state).cast(),
            &raw mut length,
        )
    };
    // TCP_ESTABLISHED
    done == 0 && state == 1
}

/// A counter that wakes a poll.
pub(super) fn event() -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }.into())
}

/// Wakes whoever polls this event.
pub(super) fn raise(event: BorrowedFd<'_>) -> io::Result<()> {
    let one: u64 = 1;
    // SAFETY: the kernel reads the eight bytes of `one`.
    let done = unsafe { libc::write(event.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until one of these can be read or has ended: for each `(readable, ended)`.
pub(super) fn wait(fds: &[BorrowedFd<'_>], milliseconds: c_int) -> io::Result<Vec<(bool, bool)>> {
    let mut polls: Vec<libc::pollfd> =
        fds.iter().map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }).collect();
    let count = libc::nfds_t::try_from(polls.len()).unwrap_or(0);
    // SAFETY: the pointer and the count describe `polls`.
    let done = unsafe { libc::poll(polls.as_mut_ptr(), count, milliseconds) };
    if done < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
        return Ok(vec![(false, false); fds.len()]);
    }
    let ends = libc::POLLHUP | libc::POLLERR | libc::POLLNVAL;
    Ok(polls.iter().map(|poll| (poll.revents & libc::POLLIN != 0, poll.revents & ends != 0)).collect())
}

/// An inotify instance that does not block.
pub(super) fn watcher() -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    owned(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) }.into())
}

/// Watches a file for being opened or read; gives the watch's number.
pub(super) fn watch_reads(watcher: BorrowedFd<'_>, path: &Path) -> io::Result<i32> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mask = libc::IN_OPEN | libc::IN_ACCESS | libc::IN_DONT_FOLLOW;
    // SAFETY: the path is a C string that outlives the call.
    let watch = unsafe { libc::inotify_add_watch(watcher.as_raw_fd(), path.as_ptr(), mask) };
    if watch < 0 { Err(io::Error::last_os_error()) } else { Ok(watch) }
}

/// Reads into `buffer`; `Ok(0)` when there is nothing now.
pub(super) fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length describe `buffer`.
    let got = unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
    match usize::try_from(got) {
        Ok(count) => Ok(count),
        Err(_) => {
            let error = io::Error::last_os_error();
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
                Ok(0)
            } else {
                Err(error)
            }
        }
    }
}

/// A TCP socket over IPv4.
pub(super) fn stream_socket() -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) }.into())
}

// linux/openat2.h
const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
const RESOLVE_NO_SYMLINKS: u64 = 0x04;
const RESOLVE_BENEATH: u64 = 0x08;
const RESOLVE_IN_ROOT: u64 = 0x10;

/// A handle on a place of the file system, by rules that the kernel holds.
fn place(folder: BorrowedFd<'_>, path: &[u8], resolve: u64) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct How {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let path = CString::new(path)?;
    let flags = (libc::O_PATH | libc::O_CLOEXEC).cast_unsigned();
    let how = How { flags: flags.into(), mode: 0, resolve };
    // SAFETY: the path is a C string, `how` has the size that is passed along; both outlive the call.
    owned(unsafe {
        libc::syscall(libc::SYS_openat2, folder.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<How>())
    })
}

/// A handle on what lies at `path` in this folder, without following links.
pub(super) fn open_beneath(folder: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    place(folder, path.as_os_str().as_bytes(), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
}

/// A handle on what lies at `path` (absolute) where this folder is the root.
pub(super) fn open_in_root(root: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    place(root, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
}

/// Whether there is a file at `path` (absolute) as the thread `tid` sees the file system.
pub(super) fn exists_for(tid: u32, path: &[u8]) -> bool {
    let Ok(root) = std::fs::File::open(format!("/proc/{tid}/root")) else { return false };
    open_in_root(root.as_fd(), path).is_ok()
}

/// Room for the control message of `handover::MAX_DESCRIPTORS` descriptors, aligned as the kernel wants it.
type Control = [u64; 8];

/// Sends descriptors with one zero byte.
pub(super) fn send_descriptors(channel: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let (mut byte, mut control): (u8, Control) = (0, [0; 8]);
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let numbers: Vec<c_int> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let bytes = u32::try_from(size_of_val(&numbers[..])).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    // SAFETY: these compute sizes only.
    let (space, length) = unsafe { (libc::CMSG_SPACE(bytes), libc::CMSG_LEN(bytes)) };
    if usize::try_from(space).unwrap_or(usize::MAX) > size_of::<Control>() {
        return Err(io::Error::from_raw_os_error(libc::E2BIG));
    }
    // SAFETY: a message header of zeroes is an empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = space as _;
    // SAFETY: `message` describes `control`, which is long enough for one header and `numbers` (checked above).
    unsafe {
        let head = libc::CMSG_FIRSTHDR(&raw const message);
        (*head).cmsg_level = libc::SOL_SOCKET;
        (*head).cmsg_type = libc::SCM_RIGHTS;
        (*head).cmsg_len = length as _;
        std::ptr::copy_nonoverlapping(numbers.as_ptr().cast::<u8>(), libc::CMSG_DATA(head), size_of_val(&numbers[..]));
    }
    // SAFETY: everything that `message` points at is alive.
    let sent = unsafe { libc::sendmsg(channel.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Receives the descriptors of one message; none at the channel's end.
pub(super) fn receive_descriptors(channel: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let (mut byte, mut control): (u8, Control) = (0, [0; 8]);
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: a message header of zeroes is an empty one.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: everything that `message` points at is alive and as long as it says.
    let got = unsafe { libc::recvmsg(channel.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    if got < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut received = Vec::new();
    // SAFETY: the kernel filled `control` and says in `message` how far; the macros stay within that.
    unsafe {
        let mut head = libc::CMSG_FIRSTHDR(&raw const message);
        while !head.is_null() {
            if (*head).cmsg_level == libc::SOL_SOCKET && (*head).cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(head).cast::<c_int>();
                let bytes = ((*head).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                for index in 0..bytes / size_of::<c_int>() {
                    // The kernel made each of these for us, and nobody else owns them.
                    received.push(OwnedFd::from_raw_fd(data.add(index).read_unaligned()));
                }
            }
            head = libc::CMSG_NXTHDR(&raw const message, head);
        }
    }
    if message.msg_flags & libc::MSG_CTRUNC != 0 {
        return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
    }
    Ok(received)
}
