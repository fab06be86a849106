//! Which system calls a sandboxed program may make.
//!
//! What runtimes probe for fails softly (an error number), so that `node` and `python` start as ever; only calls made as
//! another architecture end the program.
#![expect(unsafe_code, reason = "system calls")]

use std::{collections::BTreeSet, io, ptr};

use libc::{EACCES, EAFNOSUPPORT, ENETUNREACH, ENOSYS, EPERM, c_int, c_long};

use crate::observe::Watch;

use super::{
    super::wire::Tier,
    bpf::{Action, Is, Rule, Test, arg, assemble},
    rules::SCOPES,
};

/// What the rules depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sandbox) struct Calls {
    /// The tier: without a network of its own, nothing may be addressed.
    pub(in crate::sandbox) tier: Tier,
    /// What the observer watches; those calls must reach it.
    pub(in crate::sandbox) watch: Option<Watch>,
    /// The kernel's version of Landlock, for what older ones leave open.
    pub(in crate::sandbox) landlock: u8,
    /// Whether the program's user may change files of this machine that Landlock does not protect from it.
    pub(in crate::sandbox) owns_files: bool,
    /// The program's process.
    pub(in crate::sandbox) program: u32,
}

/// Never of use to a server, or too dangerous: the kernel's own affairs, other processes, other namespaces.
const NEVER: &[c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_lookup_dcookie,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // Memory that belongs to no process and so escapes the watch over memory.
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // What others made of it has small numbers, which are easily guessed, or names.
    libc::SYS_shmat,
    libc::SYS_shmdt,
    libc::SYS_shmctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_unlink,
    libc::SYS_mq_timedsend,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_notify,
    libc::SYS_mq_getsetattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
];

/// As if the kernel were older: libraries then take another way. `clone3` hides its flags from filters, io_uring its calls,
/// and memory of `memfd` belongs to no process.
const UNKNOWN: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
];

/// Flags of clone(2) that make namespaces. The last is CLONE_NEWTIME, which shares its bit with the exit signal.
const NEW_NAMESPACES: c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// The lower type bits of socket(2), without SOCK_NONBLOCK and SOCK_CLOEXEC.
const SOCKET_TYPE: u32 = 0xf;

/// Options of setsockopt(2) that make the kernel speak to the network without an address in any call: joining groups.
const JOINING: [(c_int, &[u32]); 2] = [
    // IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_MSFILTER, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_MSFILTER.
    (libc::IPPROTO_IP, &[35, 39, 41, 42, 46, 48]),
    // IPV6_JOIN_GROUP, IPV6_JOIN_ANYCAST, and the MCAST_* of above.
    (libc::IPPROTO_IPV6, &[20, 27, 42, 46, 48]),
];

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

fn errno(errno: c_int) -> Action {
    Action::Errno(u16::try_from(errno).unwrap_or(1))
}

fn bits(value: c_int) -> u32 {
    value.cast_unsigned()
}

/// Requests of ioctl(2) that change a file for good through a descriptor that was opened for reading: its flags (chattr(1),
/// FS_IOC_SETFLAGS and the 32-bit one, FS_IOC_FSSETXATTR), its generation, its encryption, and sealing it with fs-verity.
const MARKING: &[u32] = &[0x4008_6602, 0x4004_6602, 0x401c_5820, 0x4008_7602, 0x4004_7602, 0x800c_6613, 0x4080_6685];

/// All rules.
pub(in crate::sandbox) fn rules(calls: Calls) -> Vec<Rule> {
    let always = |list: &[c_long], action| {
        list.iter().map(move |call| Rule { call: number(*call), tests: Vec::new(), action }).collect::<Vec<_>>()
    };
    let mut rules = always(NEVER, errno(EPERM));
    rules.extend(always(UNKNOWN, errno(ENOSYS)));
    let mut when = |call: c_long, tests: Vec<Test>, error: c_int| {
        rules.push(Rule { call: number(call), tests, action: errno(error) });
    };
    when(libc::SYS_clone, vec![arg(0, Is::AnyOf(bits(NEW_NAMESPACES)))], EPERM);
    // Asking for the personality is what debuggers and runtimes do; changing it switches address randomisation off.
    when(libc::SYS_personality, vec![arg(0, Is::NotEqual(u32::MAX)), arg(0, Is::NotEqual(0))], EPERM);
    for request in [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD] {
        when(libc::SYS_ioctl, vec![arg(1, Is::Equal(u32::try_from(request).unwrap_or(0)))], EPERM);
    }
    for request in MARKING {
        when(libc::SYS_ioctl, vec![arg(1, Is::Equal(*request))], EPERM);
    }
    sockets(calls, &mut when);
    // A limit of zero ends a process as surely as a signal.
    when(libc::SYS_prlimit64, vec![arg(0, Is::NotEqual(0)), arg(0, Is::NotEqual(calls.program))], EPERM);
    if calls.tier == Tier::Landlock {
        if calls.landlock < SCOPES {
            signals(calls.program, &mut when);
        }
        scheduling(&mut when);
        files(calls, &mut when);
    }
    if let Some(watch) = calls.watch {
        let answered: BTreeSet<u32> = watch.answered().into_iter().map(number).collect();
        rules.retain(|rule| !answered.contains(&rule.call));
    }
    rules
}

fn sockets(calls: Calls, when: &mut impl FnMut(c_long, Vec<Test>, c_int)) {
    let not_family = |family: c_int| arg(0, Is::NotEqual(bits(family)));
    let mut families = vec![not_family(libc::AF_UNIX), not_family(libc::AF_INET), not_family(libc::AF_INET6)];
    if calls.tier == Tier::Namespace {
        // getifaddrs(3), which `os.networkInterfaces()` of node calls, asks over NETLINK_ROUTE; here it sees loopback alone.
        when(
            libc::SYS_socket,
            vec![arg(0, Is::Equal(bits(libc::AF_NETLINK))), arg(2, Is::NotEqual(bits(libc::NETLINK_ROUTE)))],
            EAFNOSUPPORT,
        );
        families.push(not_family(libc::AF_NETLINK));
    }
    when(libc::SYS_socket, families, EAFNOSUPPORT);
    when(libc::SYS_socketpair, vec![not_family(libc::AF_UNIX)], EAFNOSUPPORT);
    // A datagram names its receiver in memory, where no filter sees it, and a unix socket of this machine may lie in a folder
    // that is readable inside. Raw ones are datagrams too (unix(7)).
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let types = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET];
        let others = types.map(|kind| arg(1, Is::MaskedNot(SOCKET_TYPE, bits(kind))));
        when(call, [arg(0, Is::Equal(bits(libc::AF_UNIX)))].into_iter().chain(others).collect(), EACCES);
    }
    // Room that is asked for in a socket is memory of no process. As if it had been given.
    for option in [libc::SO_SNDBUF, libc::SO_RCVBUF, libc::SO_SNDBUFFORCE, libc::SO_RCVBUFFORCE] {
        when(libc::SYS_setsockopt, vec![arg(1, Is::Equal(bits(libc::SOL_SOCKET))), arg(2, Is::Equal(bits(option)))], 0);
    }
    for family in [libc::AF_INET, libc::AF_INET6] {
        let of_family = arg(0, Is::Equal(bits(family)));
        // Only streams and datagrams; raw sockets and SCTP (whose options connect) are not for servers.
        let types = [libc::SOCK_STREAM, libc::SOCK_DGRAM].map(|kind| arg(1, Is::MaskedNot(SOCKET_TYPE, bits(kind))));
        when(libc::SYS_socket, [of_family].into_iter().chain(types).collect(), EPERM);
        let protocols = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP].map(|is| arg(2, Is::NotEqual(bits(is))));
        when(libc::SYS_socket, [of_family].into_iter().chain(protocols).collect(), EPERM);
    }
    if calls.tier == Tier::Namespace {
        return;
    }
    // No network of its own: nothing may be addressed, in whatever way an address can be handed to the kernel.
    when(libc::SYS_connect, vec![], ENETUNREACH);
    for call in [libc::SYS_bind, libc::SYS_listen] {
        when(call, vec![], EACCES);
    }
    for upper in [false, true] {
        when(libc::SYS_sendto, vec![Test { arg: 4, upper, is: Is::NotEqual(0) }], ENETUNREACH);
    }
    for call in [libc::SYS_sendmsg, libc::SYS_sendmmsg] {
        when(call, vec![], ENETUNREACH);
    }
    for (level, options) in JOINING {
        for option in options {
            let tests = vec![arg(1, Is::Equal(bits(level))), arg(2, Is::Equal(*option))];
            when(libc::SYS_setsockopt, tests, EPERM);
        }
    }
}

/// Where nothing else keeps signals inside: a program may signal itself and its group (which is its session's), no others.
fn signals(only: u32, when: &mut impl FnMut(c_long, Vec<Test>, c_int)) {
    when(libc::SYS_kill, vec![arg(0, Is::NotEqual(only)), arg(0, Is::NotEqual(0))], EPERM);
    when(libc::SYS_tgkill, vec![arg(0, Is::NotEqual(only))], EPERM);
    for call in [
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_send_signal,
        libc::SYS_pidfd_open,
    ] {
        when(call, vec![], EPERM);
    }
    // A file's owner gets signals when it is ready; F_SETOWN (8) and F_SETOWN_EX (15) choose any process as owner.
    for command in [8, 15] {
        when(libc::SYS_fcntl, vec![arg(1, Is::Equal(command))], EPERM);
    }
    // FIOSETOWN and SIOCSPGRP do the same for sockets.
    for request in [0x8901, 0x8902] {
        when(libc::SYS_ioctl, vec![arg(1, Is::Equal(request))], EPERM);
    }
}

/// Processes of the same user can be slowed down or tied to a processor. Only one's own thread (0) may be.
fn scheduling(when: &mut impl FnMut(c_long, Vec<Test>, c_int)) {
    for call in
        [libc::SYS_sched_setaffinity, libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr]
    {
        when(call, vec![arg(0, Is::NotEqual(0))], EPERM);
    }
    for call in [libc::SYS_setpriority, libc::SYS_ioprio_set] {
        when(call, vec![arg(1, Is::NotEqual(0))], EPERM);
        // A group (2) or a user (3), where 0 is one's own: others belong to it too. PRIO_* count from 0, IOPRIO_* from 1.
        let process = if call == libc::SYS_setpriority { 0 } else { 1 };
        when(call, vec![arg(0, Is::NotEqual(process))], EPERM);
    }
}

/// What Landlock does not look at: modes, owners, times and attributes of files, however they are named. And what its older
/// versions do not: cutting files short.
fn files(calls: Calls, when: &mut impl FnMut(c_long, Vec<Test>, c_int)) {
    for call in METADATA {
        when(*call, vec![], EPERM);
    }
    if calls.owns_files {
        for call in OWNERS {
            when(*call, vec![], EPERM);
        }
    }
    // Whoever hides from its own user hides open files from the watch over the disk: PR_SET_DUMPABLE to anything but 1.
    let hides = vec![arg(0, Is::Equal(bits(libc::PR_SET_DUMPABLE))), arg(1, Is::NotEqual(1))];
    when(libc::SYS_prctl, hides, EPERM);
    if calls.landlock < TRUNCATES {
        when(libc::SYS_truncate, vec![], EPERM);
        // Its flags are in memory.
        when(libc::SYS_openat2, vec![], ENOSYS);
        let mask = bits(libc::O_ACCMODE | libc::O_TRUNC);
        let cuts = |flags| vec![arg(flags, Is::Masked(mask, bits(libc::O_RDONLY | libc::O_TRUNC)))];
        when(libc::SYS_openat, cuts(2), EPERM);
        #[cfg(target_arch = "x86_64")]
        when(libc::SYS_open, cuts(1), EPERM);
    }
}

/// First version of Landlock that keeps files from being cut short.
const TRUNCATES: u8 = 3;

/// Calls that change what is told about a file, and not its bytes, for everyone who may write it (and its attributes, for
/// some file systems, for everyone who may open it).
const METADATA: &[c_long] = &[
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// The same for a file's owner alone.
const OWNERS: &[c_long] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
];

// Newer than `libc` tells for every system; the numbers are the same on all architectures since Linux 5.1.
const SYS_FCHMODAT2: c_long = 452;
const SYS_SETXATTRAT: c_long = 463;
const SYS_REMOVEXATTRAT: c_long = 466;
const SYS_FILE_SETATTR: c_long = 469;

/// Puts the rules on this process. Needs `no_new_privs`.
///
/// # Errors
/// The kernel's.
pub(super) fn install(calls: Calls) -> io::Result<()> {
    let mut program = assemble(&rules(calls));
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: `program` points to as many instructions as it says, which live until the call returns.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, mode, 0_usize, ptr::from_ref(&program)) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::{super::bpf::interpret, *};

    const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
    const NEWEST: Calls = Calls { tier: Tier::Landlock, watch: None, landlock: 9, owns_files: true, program: 77 };

    fn refused(errno: c_int) -> u32 {
        libc::SECCOMP_RET_ERRNO | bits(errno)
    }

    fn decide(tier: Tier, call: c_long, args: [u64; 6]) -> u32 {
        let calls = Calls { tier, ..NEWEST };
        interpret(&assemble(&rules(calls)), super::super::bpf::ARCH, number(call), args)
    }

    fn args(first: c_int, second: c_int, third: c_int) -> [u64; 6] {
        [first, second, third, 0, 0, 0].map(|arg| u64::from(bits(arg)))
    }

    #[test]
    fn what_a_runtime_needs_is_allowed() {
        for tier in [Tier::Namespace, Tier::Landlock] {
            for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_execve, libc::SYS_futex, libc::SYS_kill] {
                assert_eq!(decide(tier, call, [0; 6]), ALLOWED, "{call}");
            }
            let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
            assert_eq!(decide(tier, libc::SYS_clone, args(thread, 0, 0)), ALLOWED);
            let stream = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
            assert_eq!(decide(tier, libc::SYS_socket, args(libc::AF_INET, stream, 6)), ALLOWED);
            assert_eq!(decide(tier, libc::SYS_socketpair, args(libc::AF_UNIX, stream, 0)), ALLOWED);
            assert_eq!(decide(tier, libc::SYS_sendto, [3, 4, 5, 0, 0, 0]), ALLOWED, "send without an address");
            assert_eq!(decide(tier, libc::SYS_personality, args(-1, 0, 0)), ALLOWED);
        }
        assert_eq!(decide(Tier::Namespace, libc::SYS_socket, args(libc::AF_NETLINK, 3, 0)), ALLOWED);
    }

    #[test]
    fn what_no_server_needs_is_refused() {
        for tier in [Tier::Namespace, Tier::Landlock] {
            for call in NEVER {
                assert_eq!(decide(tier, *call, [0; 6]), refused(EPERM), "{call}");
            }
            for call in UNKNOWN {
                assert_eq!(decide(tier, *call, [0; 6]), refused(ENOSYS), "{call}");
            }
            for flag in 0..32 {
                let refused_flag = NEW_NAMESPACES & (1 << flag) != 0;
                let args = [1_u64 << flag, 0, 0, 0, 0, 0];
                assert_eq!(decide(tier, libc::SYS_clone, args) == refused(EPERM), refused_flag, "flag {flag}");
            }
            assert_eq!(decide(tier, libc::SYS_personality, args(0x0004_0000, 0, 0)), refused(EPERM));
            assert_eq!(decide(tier, libc::SYS_ioctl, args(0, 0x5412, 0)), refused(EPERM), "TIOCSTI");
            assert_eq!(
                decide(tier, libc::SYS_ioctl, [0, 1 << 32 | 0x5412, 0, 0, 0, 0]),
                refused(EPERM),
                "the kernel reads 32 bits of it"
            );
            for family in [libc::AF_PACKET, libc::AF_VSOCK, libc::AF_ALG, libc::AF_BLUETOOTH, 44, 46] {
                assert_eq!(decide(tier, libc::SYS_socket, args(family, 1, 0)), refused(EAFNOSUPPORT), "{family}");
            }
            for (kind, protocol) in [(libc::SOCK_RAW, 1), (libc::SOCK_DGRAM, 1), (libc::SOCK_STREAM, 132), (5, 0)] {
                let socket = args(libc::AF_INET6, kind, protocol);
                assert_eq!(decide(tier, libc::SYS_socket, socket), refused(EPERM), "{kind} {protocol}");
            }
            assert_eq!(decide(tier, libc::SYS_socket, args(libc::AF_NETLINK, 3, 9)), refused(EAFNOSUPPORT));
            for call in [libc::SYS_socket, libc::SYS_socketpair] {
                for (kind, answer) in [(1, ALLOWED), (2, refused(EACCES)), (3, refused(EACCES)), (5, ALLOWED)] {
                    let kind = kind | libc::SOCK_CLOEXEC;
                    assert_eq!(decide(tier, call, args(libc::AF_UNIX, kind, 0)), answer, "{kind}");
                }
            }
            for request in MARKING {
                assert_eq!(decide(tier, libc::SYS_ioctl, [3, u64::from(*request), 0, 0, 0, 0]), refused(EPERM));
            }
            for option in [7, 8, 32, 33] {
                assert_eq!(decide(tier, libc::SYS_setsockopt, args(3, 1, option)), refused(0), "as if done");
            }
            assert_eq!(decide(tier, libc::SYS_setsockopt, args(3, 1, 9)), ALLOWED);
        }
    }

    #[test]
    fn without_a_network_of_its_own_nothing_is_addressed() {
        let decide = |call, args| decide(Tier::Landlock, call, args);
        assert_eq!(decide(libc::SYS_connect, [0; 6]), refused(ENETUNREACH));
        assert_eq!(decide(libc::SYS_bind, [0; 6]), refused(EACCES));
        assert_eq!(decide(libc::SYS_listen, [0; 6]), refused(EACCES));
        assert_eq!(decide(libc::SYS_sendmsg, [0; 6]), refused(ENETUNREACH));
        assert_eq!(decide(libc::SYS_sendmmsg, [0; 6]), refused(ENETUNREACH));
        assert_eq!(decide(libc::SYS_sendto, [0, 0, 0, 0, 1, 0]), refused(ENETUNREACH));
        assert_eq!(decide(libc::SYS_sendto, [0, 0, 0, 0, 1 << 32, 0]), refused(ENETUNREACH));
        assert_eq!(decide(libc::SYS_setsockopt, args(0, 0, 35)), refused(EPERM));
        assert_eq!(decide(libc::SYS_setsockopt, args(0, 41, 20)), refused(EPERM));
        assert_eq!(decide(libc::SYS_setsockopt, args(0, 6, 1)), ALLOWED);
        assert_eq!(decide(libc::SYS_socket, args(libc::AF_NETLINK, 3, 0)), refused(EAFNOSUPPORT));
    }

    #[test]
    fn what_the_observer_answers_reaches_it_and_nothing_else_is_lost() {
        for tier in [Tier::Namespace, Tier::Landlock] {
            let all = rules(Calls { tier, ..NEWEST });
            let watch = tier.watch(true).expect("watched");
            let left = rules(Calls { tier, watch: Some(watch), ..NEWEST });
            let answered = watch.answered();
            for rule in &all {
                assert_eq!(left.contains(rule), !answered.contains(&c_long::from(rule.call)), "{rule:?}");
            }
            assert!(left.len() < all.len() && !left.is_empty());
        }
    }

    #[test]
    fn where_nothing_scopes_signals_only_itself_is_signalled() {
        let calls = Calls { landlock: 5, ..NEWEST };
        let program = assemble(&rules(calls));
        let decide = |call: c_long, args: [u64; 6]| interpret(&program, super::super::bpf::ARCH, number(call), args);
        assert_eq!(decide(libc::SYS_kill, args(77, 9, 0)), ALLOWED);
        assert_eq!(decide(libc::SYS_kill, args(0, 15, 0)), ALLOWED);
        for pid in [1, 76, -1, -77] {
            assert_eq!(decide(libc::SYS_kill, args(pid, 9, 0)), refused(EPERM), "{pid}");
        }
        assert_eq!(decide(libc::SYS_tgkill, args(77, 78, 6)), ALLOWED);
        assert_eq!(decide(libc::SYS_tgkill, args(76, 76, 9)), refused(EPERM));
        assert_eq!(decide(libc::SYS_tkill, args(77, 9, 0)), refused(EPERM));
        assert_eq!(decide(libc::SYS_fcntl, args(3, 8, 1)), refused(EPERM));
        assert_eq!(decide(libc::SYS_fcntl, args(3, 2, 1)), ALLOWED);
    }

    #[test]
    fn what_landlock_leaves_open_is_closed() {
        let decide = |calls: Calls, call: c_long, args: [u64; 6]| {
            interpret(&assemble(&rules(calls)), super::super::bpf::ARCH, number(call), args)
        };
        for call in METADATA.iter().chain(OWNERS) {
            let foreign = if METADATA.contains(call) { refused(EPERM) } else { ALLOWED };
            assert_eq!(decide(NEWEST, *call, [0; 6]), refused(EPERM));
            assert_eq!(decide(Calls { owns_files: false, ..NEWEST }, *call, [0; 6]), foreign, "{call}");
            assert_eq!(decide(Calls { tier: Tier::Namespace, ..NEWEST }, *call, [0; 6]), ALLOWED);
        }
        assert_eq!(decide(NEWEST, libc::SYS_prctl, args(libc::PR_SET_DUMPABLE, 0, 0)), refused(EPERM));
        assert_eq!(decide(NEWEST, libc::SYS_prctl, args(libc::PR_SET_DUMPABLE, 1, 0)), ALLOWED);
        let old = Calls { landlock: 2, ..NEWEST };
        let cut = args(-100, 0, libc::O_TRUNC);
        assert_eq!(decide(old, libc::SYS_truncate, [0; 6]), refused(EPERM));
        assert_eq!(decide(old, libc::SYS_openat2, [0; 6]), refused(ENOSYS));
        assert_eq!(decide(old, libc::SYS_openat, cut), refused(EPERM));
        assert_eq!(decide(old, libc::SYS_openat, args(-100, 0, libc::O_TRUNC | libc::O_WRONLY)), ALLOWED);
        assert_eq!(decide(old, libc::SYS_openat, args(-100, 0, libc::O_CLOEXEC)), ALLOWED);
        assert_eq!(decide(NEWEST, libc::SYS_openat, cut), ALLOWED);
        for tier in [Tier::Namespace, Tier::Landlock] {
            let calls = Calls { tier, ..NEWEST };
            assert_eq!(decide(calls, libc::SYS_prlimit64, args(5, 0, 0)), refused(EPERM));
            assert_eq!(decide(calls, libc::SYS_prlimit64, args(0, 0, 0)), ALLOWED);
            assert_eq!(decide(calls, libc::SYS_prlimit64, args(77, 0, 0)), ALLOWED);
        }
        for (call, args_refused) in [
            (libc::SYS_sched_setaffinity, args(5, 0, 0)),
            (libc::SYS_setpriority, args(0, 5, 0)),
            (libc::SYS_setpriority, args(2, 0, 0)),
            (libc::SYS_ioprio_set, args(3, 0, 0)),
        ] {
            assert_eq!(decide(NEWEST, call, args_refused), refused(EPERM));
        }
        assert_eq!(decide(NEWEST, libc::SYS_setpriority, args(0, 0, 5)), ALLOWED);
        assert_eq!(decide(NEWEST, libc::SYS_ioprio_set, args(1, 0, 5)), ALLOWED);
    }
}
