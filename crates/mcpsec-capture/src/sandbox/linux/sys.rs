//! The system calls that the standard library lacks, each as a safe function with an `io::Result`.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    ffi::{CStr, CString},
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::Path,
};

use libc::{c_int, c_long, pid_t};

/// Turns `-1` into the error that the system left behind.
fn checked(result: c_long) -> io::Result<c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A path as the system wants it.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Takes a descriptor that a call has just made.
fn owned(fd: c_long) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(fd).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the caller got this number from a call that made the descriptor for it alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// How a process that was waited for ended, as the system codes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Status(pub(super) c_int);

impl Status {
    /// The signal that ended it.
    pub(super) fn signal(self) -> Option<c_int> {
        libc::WIFSIGNALED(self.0).then(|| libc::WTERMSIG(self.0))
    }

    /// Its exit code; 255 if a signal ended it.
    pub(super) fn code(self) -> u8 {
        if libc::WIFEXITED(self.0) { u8::try_from(libc::WEXITSTATUS(self.0)).unwrap_or(255) } else { 255 }
    }
}

/// A new process with a copy of this one. Call only while this process has one thread.
///
/// `Ok(None)` in the child. With `share_files`, both use one table of descriptors until one of them leaves it
/// ([`unshare`]) or executes a program.
pub(super) fn fork(share_files: bool) -> io::Result<Option<pid_t>> {
    let flags = libc::SIGCHLD | if share_files { libc::CLONE_FILES } else { 0 };
    // SAFETY: without CLONE_VM and with a null stack this is fork(2): the child has its own copy of all memory. There is one
    // thread (stated above), so no lock is held by a thread that does not exist in the child.
    let pid =
        checked(unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags), 0_usize, 0_usize, 0_usize, 0_usize) })?;
    Ok(pid_t::try_from(pid).ok().filter(|pid| *pid != 0))
}

/// Ends this process at once, without destructors.
pub(super) fn exit_now(code: c_int) -> ! {
    // SAFETY: `_exit` takes any number and does not return.
    unsafe { libc::_exit(code) }
}

pub(super) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: takes no pointers.
    checked(unsafe { libc::unshare(flags) }.into()).map(drop)
}

/// Waits for a child (`-1`: any). `Ok(None)` if none has ended and `hang` is false.
pub(super) fn wait(pid: pid_t, hang: bool) -> io::Result<Option<(pid_t, Status)>> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a valid place for the answer.
        let got = unsafe { libc::waitpid(pid, &raw mut status, if hang { 0 } else { libc::WNOHANG }) };
        match checked(got.into()) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some((got, Status(status)))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(in crate::sandbox) fn kill(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: takes no pointers.
    checked(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

pub(super) fn prctl(option: c_int, value: usize) -> io::Result<()> {
    // SAFETY: only called with options whose argument is a number.
    checked(unsafe { libc::prctl(option, value, 0_usize, 0_usize, 0_usize) }.into()).map(drop)
}

/// A new session and process group without a terminal.
pub(super) fn new_session() -> io::Result<()> {
    // SAFETY: takes nothing.
    checked(unsafe { libc::setsid() }.into()).map(drop)
}

/// A process group of its own.
pub(super) fn new_group() -> io::Result<()> {
    // SAFETY: takes no pointers.
    checked(unsafe { libc::setpgid(0, 0) }.into()).map(drop)
}

pub(super) fn umask(mask: libc::mode_t) {
    // SAFETY: cannot fail.
    unsafe { libc::umask(mask) };
}

/// Effective user and group.
pub(super) fn identity() -> (u32, u32) {
    // SAFETY: cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

pub(super) fn drop_supplementary_groups() -> io::Result<()> {
    // SAFETY: no list is read when its length is 0.
    checked(unsafe { libc::setgroups(0, std::ptr::null()) }.into()).map(drop)
}

/// Drops the supplementary groups when the user changes; an ordinary user may not.
pub(super) fn drop_groups_if_allowed(user_changes: bool) -> io::Result<()> {
    if user_changes { drop_supplementary_groups() } else { Ok(()) }
}

/// Processes and threads that this user has on the machine, as far as `/proc` shows them.
pub(super) fn threads_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let (uid, _) = identity();
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0 };
    let own = entries.flatten().filter(|entry| {
        entry.file_name().as_bytes().iter().all(u8::is_ascii_digit)
            && entry.metadata().is_ok_and(|metadata| metadata.uid() == uid)
    });
    own.map(|entry| std::fs::read_dir(entry.path().join("task")).map_or(0, |tasks| tasks.count() as u64)).sum()
}

/// Becomes this user and group for good.
pub(super) fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: takes no pointers. The process has one thread, so the raw calls reach all of it.
    checked(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })?;
    // SAFETY: as above.
    checked(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// Sets both the soft and the hard limit. Never above the hard limit that is there.
pub(super) fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is a valid place for the answer.
    checked(unsafe { libc::getrlimit(resource, &raw mut now) }.into())?;
    let hard = hard.min(now.rlim_max);
    let new = libc::rlimit { rlim_cur: soft.min(hard), rlim_max: hard };
    // SAFETY: `new` is a valid value that is only read.
    checked(unsafe { libc::setrlimit(resource, &raw const new) }.into()).map(drop)
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3` of capset(2): two words of 32 capabilities.
const CAP_VERSION_3: u32 = 0x2008_0522;

/// Whether this process may look into processes of other users (CAP_SYS_PTRACE).
pub(super) fn may_trace_others() -> io::Result<bool> {
    Ok(capabilities()? & 1 << 19 != 0)
}

/// Does something in a thread that is another user, and so are the threads that it starts. For root without CAP_SYS_PTRACE,
/// who may look into no process of the user that its program runs as.
pub(super) fn as_user<T: Send>(user: u32, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let become_and_work = || {
        // What the program may keep, its observer must have too.
        let kept = capabilities()? & super::identity::CAP_DAC_OVERRIDE;
        prctl(libc::PR_SET_KEEPCAPS, 1)?;
        // The raw calls change this thread alone.
        become_user(user, user)?;
        set_capabilities(kept, 0)?;
        work()
    };
    std::thread::scope(|scope| {
        scope.spawn(become_and_work).join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

/// Keeps only these capabilities (bit n is capability n), effective and permitted; and these others inheritable.
pub(super) fn set_capabilities(kept: u64, inheritable: u64) -> io::Result<()> {
    let header = CapHeader { version: CAP_VERSION_3, pid: 0 };
    let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
    let word =
        |kept, inheritable| CapData { effective: half(kept), permitted: half(kept), inheritable: half(inheritable) };
    let data = [word(kept, inheritable), word(kept >> 32, inheritable >> 32)];
    // SAFETY: version 3 reads a header and two data words, which are what these are.
    checked(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) }).map(drop)
}

/// Lets a capability survive the execution of a program; it must be permitted and inheritable.
pub(super) fn raise_ambient(capability: usize) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let done = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0_usize, 0_usize) };
    checked(done.into()).map(drop)
}

/// The effective capabilities of this process.
pub(super) fn capabilities() -> io::Result<u64> {
    let mut header = CapHeader { version: CAP_VERSION_3, pid: 0 };
    let mut data = [CapData::default(); 2];
    // SAFETY: version 3 writes two data words, which is what `data` has room for.
    checked(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) })?;
    Ok(u64::from(data[0].effective) | u64::from(data[1].effective) << 32)
}

/// Empties the set that bounds what an executed file may bring. Needs CAP_SETPCAP; without it the kernel refuses, which
/// `no_new_privs` makes harmless.
pub(super) fn empty_bounding_set() {
    for capability in 0..64 {
        if prctl(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
}

/// Blocks these signals and gives a descriptor from which they are read.
pub(super) fn signals_as_file(signals: &[c_int]) -> io::Result<OwnedFd> {
    // SAFETY: a signal set is plain memory; sigemptyset makes it valid before it is used.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is valid for all calls, and the numbers are constants of libc.
    unsafe {
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        checked(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()).into())?;
        owned(checked(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into())?)
    }
}

/// The next blocked signal, if there is one.
pub(super) fn next_signal(from: &OwnedFd) -> Option<c_int> {
    // SAFETY: the structure is plain numbers.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: `info` has room for `size` bytes.
    let got = unsafe { libc::read(from.as_raw_fd(), (&raw mut info).cast(), size) };
    (usize::try_from(got) == Ok(size)).then(|| c_int::try_from(info.ssi_signo).ok()).flatten()
}

/// All signals as a fresh process has them: default actions, none blocked.
pub(super) fn fresh_signals() -> io::Result<()> {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is a valid action. KILL, STOP and the library's own signals refuse, and need not be reset.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: a signal set is plain memory; sigemptyset makes it valid before it is used.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is valid for both calls.
    unsafe {
        libc::sigemptyset(&raw mut none);
        checked(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()).into()).map(drop)
    }
}

/// Which of these descriptors can be read or has hung up; waits at most `timeout` milliseconds (`-1`: for ever).
pub(in crate::sandbox) fn poll<const N: usize>(files: [RawFd; N], timeout: c_int) -> io::Result<[bool; N]> {
    let mut polled = files.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    loop {
        // SAFETY: `polled` holds N entries.
        let got = unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, timeout) };
        match checked(got.into()) {
            Ok(_) => return Ok(polled.map(|entry| entry.revents != 0)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a descriptor is handed down when a program is executed.
pub(in crate::sandbox) fn set_inherited(fd: BorrowedFd<'_>, inherited: bool) -> io::Result<()> {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: takes no pointers.
    checked(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) }.into()).map(drop)
}

/// Closes (or, with `only_on_exec`, marks to be closed on execution) every descriptor from `first` to `last`.
pub(super) fn close_range(first: u32, last: u32, only_on_exec: bool) -> io::Result<()> {
    let flags = if only_on_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: takes no pointers. Callers close only what they do not use any more.
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// Puts `/dev/null` in the place of the three standard streams, so that this process keeps none of them open.
pub(super) fn silence(null: &OwnedFd) -> io::Result<()> {
    for target in 0..3 {
        // SAFETY: takes no pointers.
        checked(unsafe { libc::dup2(null.as_raw_fd(), target) }.into())?;
    }
    Ok(())
}

pub(super) fn mount(source: &CStr, target: &Path, kind: &CStr, flags: libc::c_ulong, data: &str) -> io::Result<()> {
    let target = c_path(target)?;
    let data = CString::new(data).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: all four texts end in NUL and live until the call returns.
    let done = unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) };
    checked(done.into()).map(drop)
}

pub(super) fn unmount(target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    // SAFETY: the text ends in NUL and lives until the call returns.
    checked(unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) }.into()).map(drop)
}

/// A detached copy of the mounts at and below a path.
pub(super) fn copy_tree(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE.cast_unsigned();
    // SAFETY: the text ends in NUL and lives until the call returns.
    owned(checked(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })?)
}

/// The mount that a path is on, not a copy.
pub(super) fn mount_of(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the text ends in NUL and lives until the call returns.
    owned(checked(unsafe {
        libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), libc::OPEN_TREE_CLOEXEC)
    })?)
}

/// Whether a descriptor is of a folder.
pub(super) fn is_folder(fd: &OwnedFd) -> io::Result<bool> {
    // SAFETY: the structure is plain numbers.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is a valid place for the answer.
    checked(unsafe { libc::fstat(fd.as_raw_fd(), &raw mut stat) }.into())?;
    Ok(stat.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// Sets attributes (`MOUNT_ATTR_*`) on a mount, and on those below it.
pub(super) fn set_mount(tree: &OwnedFd, attributes: u64, recursive: bool) -> io::Result<()> {
    let attr = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: libc::MS_PRIVATE, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    let (fd, size) = (tree.as_raw_fd(), size_of::<libc::mount_attr>());
    // SAFETY: the empty text ends in NUL; `attr` has the size that is told.
    let done = unsafe { libc::syscall(libc::SYS_mount_setattr, fd, c"".as_ptr(), flags, &raw const attr, size) };
    checked(done).map(drop)
}

/// Attaches a detached copy.
pub(super) fn attach(tree: &OwnedFd, target: &Path) -> io::Result<()> {
    let target = c_path(target)?;
    let (fd, flags) = (tree.as_raw_fd(), libc::MOVE_MOUNT_F_EMPTY_PATH);
    // SAFETY: both texts end in NUL and live until the call returns.
    let done = unsafe { libc::syscall(libc::SYS_move_mount, fd, c"".as_ptr(), libc::AT_FDCWD, target.as_ptr(), flags) };
    checked(done).map(drop)
}

/// Makes the current folder the root of this mount namespace and drops the old root.
pub(super) fn pivot_here() -> io::Result<()> {
    // SAFETY: both texts end in NUL.
    checked(unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) })?;
    // The old root is now on top of the new one, at the same place.
    unmount(Path::new("."))?;
    std::env::set_current_dir("/")
}

/// An `O_PATH` descriptor.
pub(super) fn open_path(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the text ends in NUL and lives until the call returns.
    owned(checked(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }.into())?)
}

pub(super) fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the length is the text's.
    checked(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }.into()).map(drop)
}

/// Switches the loopback interface of this network namespace on.
pub(super) fn loopback_up() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: the structure is plain numbers, for which zero is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = (*from).cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into()).map(drop)
}

/// Executes a program; returns only on failure. The texts are what `execve` takes; see [`Texts`].
pub(super) fn execute(program: &CStr, args: &Texts, env: &Texts) -> io::Error {
    // SAFETY: both lists end in a null pointer and point to texts that end in NUL and outlive the call.
    unsafe { libc::execve(program.as_ptr(), args.pointers.as_ptr(), env.pointers.as_ptr()) };
    io::Error::last_os_error()
}

/// A list of texts as `execve` takes it.
pub(super) struct Texts {
    pointers: Vec<*const libc::c_char>,
    _texts: Vec<CString>,
}

impl Texts {
    pub(super) fn new(texts: Vec<CString>) -> Self {
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { pointers, _texts: texts }
    }
}

/// Random bytes that nobody can foresee.
pub(in crate::sandbox) fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0_u8; 32];
    // SAFETY: `seed` has room for as many bytes as are asked for.
    let got = unsafe { libc::getrandom(seed.as_mut_ptr().cast(), seed.len(), 0) };
    if usize::try_from(got) == Ok(seed.len()) { Ok(seed) } else { Err(io::Error::last_os_error()) }
}

/// Free and total bytes of the file system a descriptor is on.
pub(in crate::sandbox) fn room(fd: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    // SAFETY: the structure is plain numbers.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is a valid place for the answer.
    checked(unsafe { libc::fstatvfs(fd.as_raw_fd(), &raw mut stat) }.into())?;
    Ok((stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize))
}

/// Room for a control message with up to eight descriptors, aligned as the kernel wants it.
type Control = [u64; 8];

/// Sends one byte together with open files.
pub(super) fn send_files(to: &UnixStream, byte: u8, files: &[RawFd]) -> io::Result<()> {
    let mut bytes = [byte];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: 1 };
    let mut control: Control = [0; 8];
    let length = u32::try_from(size_of_val(files)).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: the structure is plain numbers and pointers, for which zero is valid; CMSG_* only compute.
    let message = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if !files.is_empty() {
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(length) as _;
            if libc::CMSG_SPACE(length) as usize > size_of::<Control>() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as _;
            std::ptr::copy_nonoverlapping(files.as_ptr(), libc::CMSG_DATA(header).cast(), files.len());
        }
        message
    };
    // SAFETY: `message` points to `part` and `control`, which live until the call returns.
    let sent = unsafe { libc::sendmsg(to.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    checked(sent as c_long).map(drop)
}

/// Receives one byte and the open files that came with it; `None` at the end of the stream.
pub(in crate::sandbox) fn receive_files(from: &UnixStream) -> io::Result<Option<(u8, Vec<OwnedFd>)>> {
    let mut bytes = [0_u8];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: 1 };
    let mut control: Control = [0; 8];
    // SAFETY: the structure is plain numbers and pointers, for which zero is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: `message` points to `part` and `control`, which live until the call returns.
    let got = unsafe { libc::recvmsg(from.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    if checked(got as c_long)? == 0 {
        return Ok(None);
    }
    let mut files = Vec::new();
    // SAFETY: the kernel filled `control` and its length; CMSG_* walk it, and every descriptor in it is new and ours.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                let data: *const RawFd = libc::CMSG_DATA(header).cast();
                for index in 0..bytes / size_of::<RawFd>() {
                    files.push(OwnedFd::from_raw_fd(data.add(index).read_unaligned()));
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(Some((bytes[0], files)))
}
