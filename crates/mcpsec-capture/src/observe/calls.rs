//! Which system calls are watched, and when: one table for the filter and for the supervisor.
use super::{Reach, Watch};

/// What a watched call is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// `connect(fd, address, length)`
    Connect,
    /// `bind(fd, address, length)`
    Bind,
    /// `listen(fd, backlog)`
    Listen,
    /// `socket(family, kind, protocol)`
    Socket,
    /// `socketpair(family, kind, protocol, pair)`
    SocketPair,
    /// `sendto(fd, bytes, length, flags, address, length)`
    SendTo,
    /// `sendmsg(fd, message, flags)`
    SendMsg,
    /// `sendmmsg(fd, messages, count, flags)`
    SendMmsg,
    /// A file is opened, removed or renamed: where folder descriptor and path stand among the arguments, twice for renames.
    Path {
        /// Index of the folder's descriptor; `None` where the call has none.
        folder: Option<usize>,
        /// Index of the path.
        path: usize,
        /// The same for the second path.
        second: Option<(Option<usize>, usize)>,
        /// Whether the file would be changed.
        changes: Changes,
    },
    /// `execve(path, argv, …)` or `execveat(folder, path, argv, …)`.
    Exec {
        /// Index of the folder's descriptor.
        folder: Option<usize>,
        /// Index of the path; the arguments follow it.
        path: usize,
    },
    /// Never allowed: its name, and the error it gives.
    Refused(&'static str, i32),
}

/// Whether a call on a path changes what is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Changes {
    /// Always.
    Yes,
    /// Not that this table could tell.
    Unknown,
    /// By the open flags that are this argument.
    Flags(usize),
}

impl Changes {
    /// Decides it for these arguments.
    pub(super) fn holds(self, args: &[u64; 6]) -> bool {
        let writing = libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC;
        match self {
            Self::Yes => true,
            Self::Unknown => false,
            Self::Flags(index) => args.get(index).is_some_and(|flags| flags & u64::from(writing.cast_unsigned()) != 0),
        }
    }
}

/// When a call is brought to the supervisor. Everything else of the same number passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    /// Every time.
    Always,
    /// When this argument is not null, or the other argument has one of these bits.
    NotNullOrBits(usize, usize, u32),
    /// When this argument has one of these bits.
    Bits(usize, u32),
}

/// One watched call: its number, what it is, when.
pub(super) type Row = (i64, Call, When);

/// `libc` does not name it for every architecture.
const SYS_RENAMEAT: i64 = if cfg!(target_arch = "x86_64") { 264 } else { 38 };

/// New namespaces: mount, cgroup, uts, ipc, user, pid, net.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
/// A new time namespace; among the bits of `clone` this one is part of a signal number.
const NEW_TIME: u32 = 0x80;

/// Calls that a sandboxed program never needs and that attack what holds it. Whether the launcher's own filter refuses them
/// too does not matter: its refusal is the stronger one, only then it is not recorded here.
const REFUSED: &[(i64, &str)] = &[
    (libc::SYS_ptrace, "ptrace"),
    (libc::SYS_process_vm_readv, "process_vm_readv"),
    (libc::SYS_process_vm_writev, "process_vm_writev"),
    (libc::SYS_pidfd_getfd, "pidfd_getfd"),
    (libc::SYS_kcmp, "kcmp"),
    (libc::SYS_mount, "mount"),
    (libc::SYS_umount2, "umount2"),
    (libc::SYS_pivot_root, "pivot_root"),
    (libc::SYS_chroot, "chroot"),
    (libc::SYS_move_mount, "move_mount"),
    (libc::SYS_open_tree, "open_tree"),
    (libc::SYS_mount_setattr, "mount_setattr"),
    (libc::SYS_fsopen, "fsopen"),
    (libc::SYS_fsmount, "fsmount"),
    (libc::SYS_fsconfig, "fsconfig"),
    (libc::SYS_fspick, "fspick"),
    (libc::SYS_setns, "setns"),
    (libc::SYS_bpf, "bpf"),
    (libc::SYS_perf_event_open, "perf_event_open"),
    (libc::SYS_userfaultfd, "userfaultfd"),
    (libc::SYS_open_by_handle_at, "open_by_handle_at"),
    (libc::SYS_keyctl, "keyctl"),
    (libc::SYS_add_key, "add_key"),
    (libc::SYS_request_key, "request_key"),
    (libc::SYS_kexec_load, "kexec_load"),
    (libc::SYS_init_module, "init_module"),
    (libc::SYS_finit_module, "finit_module"),
    (libc::SYS_delete_module, "delete_module"),
    (libc::SYS_swapon, "swapon"),
    (libc::SYS_reboot, "reboot"),
];

/// io_uring does what filters cannot see. Runtimes ask for it and do without, so they are told that there is none.
const ABSENT: &[(i64, &str)] = &[
    (libc::SYS_io_uring_setup, "io_uring_setup"),
    (libc::SYS_io_uring_enter, "io_uring_enter"),
    (libc::SYS_io_uring_register, "io_uring_register"),
];

/// The rows of one watch. Frequent calls first: each costs the ones after it a comparison.
pub(super) fn rows(watch: &Watch) -> Vec<Row> {
    if watch.connects_only {
        return vec![(libc::SYS_connect, Call::Connect, When::Always)];
    }
    let fast_open = libc::MSG_FASTOPEN.cast_unsigned();
    let mut rows: Vec<Row> = vec![
        (libc::SYS_connect, Call::Connect, When::Always),
        (libc::SYS_bind, Call::Bind, When::Always),
        (libc::SYS_socket, Call::Socket, When::Always),
        (libc::SYS_sendto, Call::SendTo, When::NotNullOrBits(4, 3, fast_open)),
        (libc::SYS_sendmsg, Call::SendMsg, When::Always),
        (libc::SYS_sendmmsg, Call::SendMmsg, When::Always),
        (libc::SYS_execve, Call::Exec { folder: None, path: 0 }, When::Always),
        (libc::SYS_execveat, Call::Exec { folder: Some(0), path: 1 }, When::Always),
    ];
    rows.push((libc::SYS_socketpair, Call::SocketPair, When::Always));
    if watch.reach == Reach::Shared {
        rows.push((libc::SYS_listen, Call::Listen, When::Always));
    }
    let at = |changes| Call::Path { folder: Some(0), path: 1, second: None, changes };
    let rename = Call::Path { folder: Some(0), path: 1, second: Some((Some(2), 3)), changes: Changes::Yes };
    if watch.opens {
        rows.push((libc::SYS_openat, at(Changes::Flags(2)), When::Always));
        rows.push((libc::SYS_openat2, at(Changes::Unknown), When::Always));
    }
    rows.push((libc::SYS_unlinkat, at(Changes::Yes), When::Always));
    rows.push((libc::SYS_renameat2, rename, When::Always));
    rows.push((SYS_RENAMEAT, rename, When::Always));
    #[cfg(target_arch = "x86_64")]
    {
        let plain = |changes| Call::Path { folder: None, path: 0, second: None, changes };
        let rename = Call::Path { folder: None, path: 0, second: Some((None, 1)), changes: Changes::Yes };
        if watch.opens {
            rows.push((libc::SYS_open, plain(Changes::Flags(1)), When::Always));
            rows.push((libc::SYS_creat, plain(Changes::Yes), When::Always));
        }
        rows.push((libc::SYS_unlink, plain(Changes::Yes), When::Always));
        rows.push((libc::SYS_rmdir, plain(Changes::Yes), When::Always));
        rows.push((libc::SYS_rename, rename, When::Always));
    }
    let refused = REFUSED.iter().map(|(nr, name)| (*nr, Call::Refused(name, libc::EPERM), When::Always));
    rows.extend(refused);
    rows.extend(ABSENT.iter().map(|(nr, name)| (*nr, Call::Refused(name, libc::ENOSYS), When::Always)));
    rows.push((libc::SYS_unshare, Call::Refused("unshare", libc::EPERM), When::Bits(0, NEW_NAMESPACES | NEW_TIME)));
    rows.push((libc::SYS_clone, Call::Refused("clone", libc::EPERM), When::Bits(0, NEW_NAMESPACES)));
    rows
}
