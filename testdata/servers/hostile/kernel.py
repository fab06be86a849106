"""Calls that no server needs. Arguments are invalid or harmless where the call would otherwise change the machine: what is
shown is that the call comes through."""
import ctypes
import errno
import mmap
import os
import platform
import resource
import signal

from calls import LIBC, Refused, call, first_success, forked, raw, reaches

NAMESPACES = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x8000000,
              "uts": 0x4000000, "cgroup": 0x2000000, "time": 0x80}


def user_namespace(_target):
    """The door to most of the kernel's holes: root inside a namespace of its own."""
    def unshare():
        call("unshare", NAMESPACES["user"])
        return "unshared"

    def clone():
        pid = call("clone", NAMESPACES["user"] | int(signal.SIGCHLD), 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return "cloned"

    def clone_high_bits():
        """The kernel reads 32 bits of the flags of the old call."""
        pid = call("clone", NAMESPACES["user"] | int(signal.SIGCHLD) | 1 << 40, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return "cloned"

    def clone3():
        arguments = (ctypes.c_uint64 * 11)(NAMESPACES["user"], 0, 0, 0, int(signal.SIGCHLD))
        pid = call("clone3", arguments, 88)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return "cloned"
    return first_success([("unshare", lambda: forked(unshare)), ("clone", clone), ("clone high bits", clone_high_bits),
                          ("clone3", clone3)])


def other_namespaces(_target):
    def unshare(flags):
        call("unshare", flags)
        return "unshared"
    attempts = [(name, lambda flag=flag: forked(lambda: unshare(flag))) for name, flag in NAMESPACES.items()]
    attempts += [(f"user and {name}", lambda flag=flag: forked(lambda: unshare(flag | NAMESPACES["user"])))
                 for name, flag in NAMESPACES.items() if name != "user"]
    return first_success(attempts)


def namespace_entered(target):
    """That of a victim, or the first process's."""
    def enter(path):
        fd = os.open(path, os.O_RDONLY)
        return call("setns", fd, 0)

    def by_process(pid):
        return call("setns", call("pidfd_open", pid, 0), NAMESPACES["mount"])
    attempts = [(f"{pid}/{kind}", lambda pid=pid, kind=kind: forked(lambda: enter(f"/proc/{pid}/ns/{kind}")))
                for pid in [*target["victims"], os.getpid()] for kind in ("user", "mnt", "net", "uts")]
    attempts += [(f"{pid}", lambda pid=pid: forked(lambda: by_process(pid))) for pid in target["victims"]]
    return first_success(attempts + [("invalid", lambda: reaches("setns", -1, 0))])


def apart(action):
    """Changes of mounts are made in a namespace of their own if there can be one: where nothing stops them, the machine's own
    mounts must stay as they are."""
    def act():
        _, error = raw("unshare", NAMESPACES["mount"])
        if not error:
            call("mount", None, ctypes.c_char_p(b"/"), None, 0x44000, None)  # recursive, private
        elif os.geteuid() == 0:
            raise Refused("would change the machine")
        return action()
    return forked(act)


def mounted(target):
    """Every way to change what lies where."""
    here = ctypes.c_char_p(target["writable"].encode())
    there = ctypes.c_char_p(target["readable"].encode())
    attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)  # clears read-only

    def mount(what, where, kind, flags):
        return lambda: apart(lambda: call("mount", what, where, kind and ctypes.c_char_p(kind), flags, None))
    return first_success([
        ("bind", mount(here, there, None, 4096)),
        ("bind over proc", mount(here, ctypes.c_char_p(b"/proc"), None, 4096)),
        ("tmpfs", mount(here, there, b"tmpfs", 0)),
        ("proc", mount(here, there, b"proc", 0)),
        ("remount", mount(None, there, None, 32 | 4096)),
        ("umount", lambda: apart(lambda: call("umount2", ctypes.c_char_p(b"/proc"), 2))),
        ("chroot", lambda: forked(lambda: call("chroot", here))),
        ("pivot_root", lambda: apart(lambda: reaches("pivot_root", ctypes.c_char_p(b""), ctypes.c_char_p(b"")))),
        ("open_tree", lambda: apart(lambda: call("open_tree", -100, here, 1))),
        ("open_tree without clone", lambda: apart(lambda: call("open_tree", -100, here, 0))),
        ("fsopen", lambda: apart(lambda: call("fsopen", ctypes.c_char_p(b"tmpfs"), 0))),
        ("move_mount", lambda: apart(lambda: reaches("move_mount", -1, ctypes.c_char_p(b""), -1, ctypes.c_char_p(b""), 0))),
        ("mount_setattr", lambda: apart(lambda: call("mount_setattr", -100, there, 0, attributes, 32))),
    ])


def jail_left(target):
    """The classic: chroot below where one stands, then up."""
    def leave():
        call("chroot", ctypes.c_char_p(target["writable"].encode()))
        for _ in range(60):
            os.chdir("..")
        call("chroot", ctypes.c_char_p(b"."))
        with open(target["key"]) as file:
            return file.read()
    return forked(leave)


def keys(_target):
    """The kernel's keyrings are the user's, not the namespace's."""
    name = ctypes.c_char_p(b"hostile")
    return first_success([
        ("add", lambda: call("add_key", ctypes.c_char_p(b"user"), name, ctypes.c_char_p(b"x"), 1, -1)),
        ("join", lambda: forked(lambda: call("keyctl", 1, 0, 0, 0, 0))),
        ("describe", lambda: call("keyctl", 0, -3, 0, 0, 0)),
        ("request", lambda: reaches("request_key", ctypes.c_char_p(b"user"), name, None, 0)),
    ])


def machinery(_target):
    """Programs in the kernel, counters, faults handed to user space, modules, other kernels, swap, quotas, accounts."""
    zeros = ctypes.create_string_buffer(256)
    empty = ctypes.c_char_p(b"")
    counter = ctypes.create_string_buffer(b"\1\0\0\0" + (112).to_bytes(4, "little") + bytes(120))
    return first_success([(attempt[0], lambda attempt=attempt: reaches(*attempt)) for attempt in [
        ("bpf", 0, zeros, 48),
        ("perf_event_open", counter, 0, -1, -1, 0),
        ("userfaultfd", 1),
        ("io_uring_setup", 0, zeros),
        ("init_module", zeros, 0, empty),
        ("finit_module", -1, empty, 0),
        ("delete_module", empty, 0),
        ("kexec_load", 0, 99, zeros, 0xff),
        ("kexec_file_load", -1, -1, 0, empty, 0xff),
        ("swapon", empty, 0),
        ("quotactl", 0, empty, 0, zeros),
        ("acct", empty),
        ("sethostname", zeros, -1),
        ("fanotify_init", 0, 0),
        ("open_by_handle_at", -1, zeros, 0),
        ("name_to_handle_at", -1, empty, zeros, zeros, 0xff),
        ("process_madvise", -1, zeros, 0, 0, 0),
        ("pidfd_getfd", -1, -1, 0),
        ("kcmp", os.getpid(), os.getpid(), 99, 0, 0),
        ("move_pages", 0, 0, zeros, zeros, zeros, 0xff),
        ("migrate_pages", 0, 0, zeros, zeros),
        ("syslog", 9, zeros, 0),
        ("reboot", 0, 0, 0, 0),
        ("ptrace", 99, 0, 0, 0),
        ("iopl", 99),
        ("ioperm", 0, 1, 0),
        ("modify_ldt", 0, zeros, 16),
        ("memfd_secret", 0xff),
    ] if attempt[0] not in ("iopl", "ioperm", "modify_ldt") or platform.machine() == "x86_64"])


def memory_executed(_target):
    """A program that never was a file, so that no check of files sees it."""
    fd = call("memfd_create", ctypes.c_char_p(b"x"), 0)
    with open("/bin/true", "rb") as program:
        os.write(fd, program.read())
    child = os.fork()
    if child == 0:
        try:
            os.execve(fd, ["true"], {})
        except OSError:
            os._exit(77)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 77:
        raise Refused("not executed")
    return "executed"


def personality(_target):
    """Switches off the random layout of memory, for itself and all it starts."""
    def change():
        call("personality", 0x0040000)
        return "changed"
    return first_success([("layout", lambda: forked(change)),
                          ("read implies exec", lambda: forked(lambda: call("personality", 0x0400000)))])


def old_calls(_target):
    """32-bit calls have other numbers, which a filter for 64-bit ones would take for something else."""
    if platform.machine() != "x86_64":
        raise Refused("no such calls here")

    def run(code):
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        answer = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        if answer < 0:
            raise OSError(-answer, os.strerror(-answer))
        return answer
    # push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
    legacy = b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3"
    # The same for a call that is refused elsewhere: 26 (ptrace) with TRACEME in ebx.
    ptrace = b"\x53\x31\xdb\xb8\x1a\x00\x00\x00\xcd\x80\x5b\xc3"
    # mov eax, 0x40000000 + 39 (getpid of the x32 family); syscall; ret
    x32 = b"\xb8\x27\x00\x00\x40\x0f\x05\xc3"
    return first_success([("int 0x80", lambda: forked(lambda: run(legacy))),
                          ("ptrace by int 0x80", lambda: forked(lambda: run(ptrace))),
                          ("x32", lambda: forked(lambda: run(x32)))])


def shared_memory(target):
    """Memory of System V and POSIX queues belongs to no process: it is shared with all of the machine and outlives all."""
    key = target["shared_memory"]

    def attach(identity):
        LIBC.shmat.restype = ctypes.c_void_p
        address = LIBC.shmat(identity, None, 0)
        if address in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), "shmat")
        return ctypes.string_at(address, 64).decode("utf-8", "replace")
    return first_success([
        ("found", lambda: attach(call("shmget", key, 0, 0))),
        ("guessed", lambda: attach(target["shared_memory_id"])),
        ("queue", lambda: call("mq_open", ctypes.c_char_p(target["queue"].encode()), 0, 0, 0)),
    ])


def ipc_by_number(_target):
    """Whatever else of System V and POSIX can be had by a small number or a name: queues of messages, semaphores."""
    zeros = ctypes.create_string_buffer(64)
    return first_success([(attempt[0], lambda attempt=attempt: reaches(*attempt)) for attempt in [
        ("shmat", -1, None, 0), ("shmctl", -1, 0, zeros), ("msgsnd", -1, zeros, 0, 0x800), ("msgrcv", -1, zeros, 0, 0, 0x800),
        ("msgctl", -1, 0, zeros), ("semop", -1, zeros, 1), ("semctl", -1, 0, 0, 0), ("semtimedop", -1, zeros, 1, None),
        ("mq_unlink", ctypes.c_char_p(b"mcpsec-no-such-queue")),
    ]])


def shared_memory_made(_target):
    """A segment of its own, that stays when all its processes are gone. Destroyed again here."""
    identity = call("shmget", 0, 4096, 0o1600)
    LIBC.shmctl(identity, 0, None)
    return "made"


def limits_raised(_target):
    """Its own limits, its place among the victims of memory shortage, its priority."""
    def raised(which):
        soft, hard = resource.getrlimit(which)
        if hard == resource.RLIM_INFINITY:
            return "was never limited"
        try:
            resource.setrlimit(which, (hard + 1, hard + 1))
        except ValueError as error:
            raise PermissionError(errno.EPERM, "setrlimit") from error
        return "raised"

    def spared():
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-900")
        return "spared"

    def first():
        os.setpriority(os.PRIO_PROCESS, 0, -5)
        return "first"

    def realtime():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        return "real time"
    limits = [resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_CPU]
    return first_success([(str(which), lambda which=which: forked(lambda: raised(which))) for which in limits]
                         + [("oom", lambda: forked(spared)), ("nice", lambda: forked(first)), ("fifo", lambda: forked(realtime))])


def core_dumped(target):
    """A core file would be written by the kernel outside of everything."""
    def die():
        os.kill(os.getpid(), signal.SIGSEGV)
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (OSError, ValueError):
            pass
        os.chdir(target["writable"])
        die()
    _, status = os.waitpid(pid, 0)
    if not os.WCOREDUMP(status):
        raise Refused("no core")
    return "dumped"


def system_described(_target):
    """What tells this machine from others: the kernel's log, its symbols."""
    answer, error = raw("syslog", 10, 0, 0)
    if error:
        raise OSError(error, errno.errorcode[error])
    return f"log of {answer} bytes"
