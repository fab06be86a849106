"""System calls by number, and the words of an attack that was stopped."""
import ctypes
import errno
import os
import platform

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

# Name: (x86_64, aarch64). From the kernel's tables, which never change.
NUMBERS = {
    "ioctl": (16, 29), "shmget": (29, 194), "shmat": (30, 196), "clone": (56, 220), "msgget": (68, 186),
    "shmctl": (31, 195), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192), "mq_unlink": (241, 181), "ptrace": (101, 117), "rt_sigqueueinfo": (129, 138), "personality": (135, 92), "sched_setparam": (142, 118),
    "modify_ldt": (154, None), "pivot_root": (155, 41), "acct": (163, 89), "mount": (165, 40), "umount2": (166, 39),
    "swapon": (167, 224), "reboot": (169, 142), "sethostname": (170, 161), "iopl": (172, None), "ioperm": (173, None),
    "init_module": (175, 105), "delete_module": (176, 106), "quotactl": (179, 60), "tkill": (200, 130),
    "tgkill": (234, 131), "kexec_load": (246, 104), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "ioprio_set": (251, 30), "mq_open": (240, 180), "unshare": (272, 97), "chroot": (161, 51),
    "move_pages": (279, 239), "migrate_pages": (256, 238), "perf_event_open": (298, 241),
    "rt_tgsigqueueinfo": (297, 240), "fanotify_init": (300, 262), "prlimit64": (302, 261),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "setns": (308, 268),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "finit_module": (313, 273),
    "memfd_create": (319, 279), "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "pidfd_send_signal": (424, 424), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "pidfd_open": (434, 434), "clone3": (435, 435), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "mount_setattr": (442, 442), "memfd_secret": (447, 447), "process_mrelease": (448, 448), "syslog": (103, 116),
    "set_mempolicy": (238, 237), "fchmodat2": (452, 452), "setxattrat": (463, 463), "sched_setattr": (314, 274),
    "openat2": (437, 437), "socket": (41, 198), "kexec_file_load": (320, 294), "setpriority": (141, 140),
    "file_setattr": (469, 469), "sched_setscheduler": (144, 119),
}
ARCH = {"x86_64": 0, "aarch64": 1}.get(platform.machine())

# What a sandbox answers; every other error number comes from code of the kernel that the call should not have reached.
STOPPED = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EAFNOSUPPORT}


class Refused(Exception):
    """The attack did not get what it wanted."""


def raw(name, *args):
    """The answer and the error number (0 if none)."""
    number = NUMBERS[name][ARCH]
    if number is None:
        raise Refused("no such call on this processor")
    ctypes.set_errno(0)
    # Numbers as 64 bits, all else (buffers, structures) as ctypes passes it.
    args = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    answer = LIBC.syscall(ctypes.c_long(number), *args)
    return answer, ctypes.get_errno() if answer == -1 else 0


def call(name, *args):
    """The answer; OSError if the kernel says no for whatever reason."""
    answer, error = raw(name, *args)
    if error:
        raise OSError(error, os.strerror(error))
    return answer


def reaches(name, *args):
    """Succeeds if the call is let through, even when its (harmless, invalid) arguments are then refused."""
    answer, error = raw(name, *args)
    if error in STOPPED:
        raise OSError(error, os.strerror(error))
    return f"{name} reached the kernel: {errno.errorcode.get(error, answer)}"


def first_success(attempts):
    """Makes all attempts, each a function without arguments; succeeds if one does."""
    reasons = []
    won = []
    for label, attempt in attempts:
        try:
            won.append(f"{label}: {attempt()}")
        except Refused as refused:
            reasons.append(f"{label}: {refused}")
        except OSError as error:
            reasons.append(f"{label}: {errno.errorcode.get(error.errno, error)}")
    if won:
        return "; ".join(won)
    raise Refused("; ".join(reasons)[:1500])


def forked(action):
    """Runs an action in a child, so that what it does to itself stays there; its result or its OSError comes back."""
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = "+" + str(action())
        except Refused as refused:
            text = "-" + str(refused)
        except OSError as error:
            text = "-" + errno.errorcode.get(error.errno, str(error))
        except BaseException as broken:  # a mistake of ours, which must not look like a defence
            text = "!" + repr(broken)
        os.write(here, text.encode()[:4000])
        os._exit(0)
    os.close(here)
    with os.fdopen(there, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if text.startswith("+"):
        return text[1:]
    if text.startswith("-"):
        raise Refused(text[1:])
    if os.WIFSIGNALED(status):
        raise Refused(f"killed by signal {os.WTERMSIG(status)}")
    raise RuntimeError(text or f"child ended with {status}")
