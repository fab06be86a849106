"""Ways to reach other processes: the parent's, and victims of the same user that hold a secret."""
import ctypes
import fcntl
import os
import resource
import signal
import struct
import subprocess
import time

from calls import LIBC, Refused, call, first_success, forked

PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_DETACH = 0, 16, 0x4206, 17


def on_each(target, action):
    """The same on every victim and on the parent; none of what is done may harm, since it is done without a sandbox too."""
    return first_success([(str(pid), lambda pid=pid: action(pid)) for pid in target["pids"]])


def harmless(target, action):
    """The same on victims only: they are there to be harmed."""
    return first_success([(str(pid), lambda pid=pid: action(pid)) for pid in target["victims"]])


def done(answer):
    return f"done: {answer}"


def signalled(target):
    return on_each(target, lambda pid: done(os.kill(pid, 0)))


def signalled_by_group(target):
    return on_each(target, lambda pid: done(os.kill(-pid, 0)))


def ended(target):
    return harmless(target, lambda pid: done(os.kill(pid, signal.SIGUSR1)))


def continued(target):
    """SIGCONT is let through within a session, whoever the user is."""
    return harmless(target, lambda pid: done(os.kill(pid, signal.SIGCONT)))


def signalled_oddly(target):
    """Every other call that sends signals."""
    information = ctypes.create_string_buffer(struct.pack("=iii", signal.SIGUSR1, 0, -1) + bytes(116))

    def by_descriptor(pid):
        fd = call("pidfd_open", pid, 0)
        return call("pidfd_send_signal", fd, int(signal.SIGUSR1), None, 0)

    attempts = []
    for pid in target["victims"]:
        attempts += [
            ("tkill", lambda pid=pid: call("tkill", pid, int(signal.SIGUSR1))),
            ("tgkill", lambda pid=pid: call("tgkill", pid, pid, int(signal.SIGUSR1))),
            ("rt_sigqueueinfo", lambda pid=pid: call("rt_sigqueueinfo", pid, int(signal.SIGUSR1), information)),
            ("rt_tgsigqueueinfo", lambda pid=pid: call("rt_tgsigqueueinfo", pid, pid, int(signal.SIGUSR1), information)),
            ("pidfd", lambda pid=pid: by_descriptor(pid)),
        ]
    return first_success(attempts)


def signalled_by_owner(target):
    """The owner of a file is told when it is ready. That is always answered well; whether the signal came, the victims say."""
    for pid in target["victims"]:
        for arguments in ((fcntl.F_SETOWN, pid), (15, struct.pack("=ii", 1, pid)), (fcntl.F_SETOWN, -pid)):
            try:
                reader, writer = os.pipe()
                fcntl.fcntl(reader, *arguments)
                fcntl.fcntl(reader, 10, int(signal.SIGUSR1))  # F_SETSIG
                fcntl.fcntl(reader, fcntl.F_SETFL, fcntl.fcntl(reader, fcntl.F_GETFL) | os.O_ASYNC)
                os.write(writer, b"x")
            except OSError:
                continue
    raise Refused("the victims know")


def traced(target):
    def attach(pid):
        answer = call("ptrace", PTRACE_ATTACH, pid, 0, 0)
        os.waitpid(pid, 0)
        call("ptrace", PTRACE_DETACH, pid, 0, 0)
        return done(answer)

    def seize(pid):
        answer = call("ptrace", PTRACE_SEIZE, pid, 0, 0)
        return done(answer)
    return first_success([(f"{how.__name__} {pid}", lambda how=how, pid=pid: forked(lambda: how(pid)))
                          for pid in target["victims"] for how in (attach, seize)])


def traced_by_parent(_target):
    """Makes its parent its tracer."""
    return forked(lambda: done(call("ptrace", PTRACE_TRACEME, 0, 0, 0)))


def traced_child(_target):
    """Even its own child, since a tracer rewrites the calls of what it traces."""
    child = os.fork()
    if child == 0:
        time.sleep(5)
        os._exit(0)
    try:
        return done(call("ptrace", PTRACE_ATTACH, child, 0, 0))
    finally:
        os.kill(child, signal.SIGKILL)


def memory_read(target):
    """The secret in the memory of a victim."""
    def vector(pid, name):
        class Part(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        size = target["secret_length"]
        mine = ctypes.create_string_buffer(size)
        here = Part(ctypes.addressof(mine), size)
        there = Part(target["addresses"][str(pid)], size)
        call(name, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        return mine.raw.decode()

    def file(pid):
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(target["addresses"][str(pid)])
            return memory.read(target["secret_length"]).decode()
    return first_success([(f"{label} {pid}", lambda how=how, pid=pid: how(pid))
                          for pid in target["victims"]
                          for label, how in [("vector", lambda pid: vector(pid, "process_vm_readv")), ("file", file)]])


def memory_written(target):
    def vector(pid):
        class Part(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        mine = ctypes.create_string_buffer(b"X")
        call("process_vm_writev", pid, ctypes.byref(Part(ctypes.addressof(mine), 1)), 1,
             ctypes.byref(Part(target["addresses"][str(pid)], 1)), 1, 0)
        return "written"

    def file(pid):
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(target["addresses"][str(pid)])
            return memory.write(b"X")
    return first_success([(f"{how.__name__} {pid}", lambda how=how, pid=pid: how(pid))
                          for pid in target["victims"] for how in (vector, file)])


def files_stolen(target):
    """An open file of a victim, or what /proc shows of it."""
    def descriptor(pid):
        fd = call("pidfd_open", pid, 0)
        return done(call("pidfd_getfd", fd, 0, 0))

    def proc(pid, what):
        path = f"/proc/{pid}/{what}"
        if what in ("environ", "maps", "auxv", "stack", "syscall", "cmdline"):
            with open(path, "rb") as file:
                found = file.read(65536)
            if not found:
                raise Refused("empty")
            return found[:4000].decode("utf-8", "replace")
        if what == "fd":
            return [os.readlink(f"{path}/{name}") for name in os.listdir(path)]
        if what in ("cwd", "exe"):
            return os.readlink(path)
        return sorted(os.listdir(path))
    attempts = [(f"descriptor {pid}", lambda pid=pid: descriptor(pid)) for pid in target["victims"]]
    attempts += [(f"{what} {pid}", lambda pid=pid, what=what: proc(pid, what)) for pid in target["victims"]
                 for what in ("environ", "maps", "auxv", "cmdline", "fd", "cwd", "exe", "root", "task", "map_files", "ns")]
    return first_success(attempts)


def key_through_victim(target):
    """Its root and its working folder lead to its files."""
    def read(path):
        with open(path) as file:
            return file.read()
    return first_success([(way, lambda way=way: read(way)) for pid in target["pids"] for way in (
        f"/proc/{pid}/root{target['key']}", f"/proc/{pid}/cwd/{target['key']}",
        f"/proc/{pid}/task/{pid}/root{target['key']}")])


def key_through_first(target):
    """The same through the first process and through the parent, as they are called inside."""
    def read(path):
        with open(path) as file:
            return file.read()
    return first_success([(way, lambda way=way: read(way)) for way in (
        f"/proc/1/root{target['key']}", f"/proc/{os.getppid()}/root{target['key']}", f"/proc/self/root{target['key']}",
        f"/proc/1/cwd{target['key']}", f"/proc/thread-self/root{target['key']}")])


def listed(target):
    """Other processes by number."""
    found = sorted({int(name) for name in os.listdir("/proc") if name.isdigit()} & set(target["pids"]))
    if not found:
        raise Refused("none of them")
    return f"sees {found}"


def starved(target):
    """Limits, priorities and processors of other processes: takes them down without a signal."""
    mask = (ctypes.c_ulong * 16)(1)

    def limit(pid):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (17, 17))
        return "files"
    idle = ctypes.create_string_buffer(4)
    return first_success([(f"{label} {pid}", lambda how=how, pid=pid: how(pid)) for pid in target["victims"] for label, how in [
        ("prlimit", limit),
        ("nice", lambda pid: done(os.setpriority(os.PRIO_PROCESS, pid, 19))),
        ("nice of the group", lambda pid: done(os.setpriority(os.PRIO_PGRP, pid, 19))),
        ("affinity", lambda pid: done(os.sched_setaffinity(pid, {0}))),
        ("scheduler", lambda pid: done(call("sched_setscheduler", pid, 5, idle))),
        ("input and output", lambda pid: done(call("ioprio_set", 1, pid, 3 << 13))),
        ("numa", lambda pid: done(call("migrate_pages", pid, 64, mask, mask))),
        ("release", lambda pid: done(call("process_mrelease", call("pidfd_open", pid, 0), 0))),
    ]])


def parent_starved(target):
    """Reads the limits of the parent: the same call sets them."""
    return on_each(target, lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE))


def compared(target):
    """kcmp tells whether two processes share memory: an oracle over kernel addresses."""
    return harmless(target, lambda pid: done(call("kcmp", os.getpid(), pid, 1, 0, 0)))


def moved_to_group(target):
    """Takes over the group of the parent's process, to be signalled and to signal with it."""
    def join(pid):
        os.setpgid(0, os.getpgid(pid))
        return "joined"
    return on_each(target, lambda pid: forked(lambda: join(pid)))


def privileges_raised(target):
    """A program that is owned by root and set-user-id."""
    attempts = [("planted", [target["setuid"], "-u"])] if target.get("setuid") else []

    def run(command):
        ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
        if ended.stdout.strip() != b"0":
            raise Refused(f"{ended.stdout!r} {ended.stderr[:80]!r}")
        return "is root"
    return first_success([(label, lambda command=command: run(command)) for label, command in attempts])


def identity_changed(_target):
    """Another user or group, by asking."""
    def became(action):
        action()
        return f"now {os.getresuid()} {os.getresgid()} {os.getgroups()}"

    mine = os.getuid()
    other = 1 if mine != 1 else 2
    return first_success([(label, lambda action=action: forked(lambda: became(action))) for label, action in [
        ("root", lambda: os.setuid(0) if mine else refuse("calls itself root already")),
        ("other", lambda: os.setresuid(other, other, other)),
        ("effective", lambda: os.seteuid(other)),
        ("group", lambda: os.setresgid(other, other, other)),
        ("groups", lambda: os.setgroups([other])),
        ("file system user", lambda: refuse("kept") if LIBC.setfsuid(other) or LIBC.setfsuid(-1) != other else None),
    ]])


def refuse(why):
    raise Refused(why)


def privileges_held(_target):
    """Capabilities of any kind, a right to gain them, or no filter. These must be gone before the first instruction."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if LIBC.capget(header, sets) != 0:
        raise RuntimeError("capget")
    wrong = [f"{name} {sets[at] | sets[at + 3] << 32:x}" for at, name in enumerate(("effective", "permitted", "inheritable"))
             if sets[at] | sets[at + 3]]
    ambient, bounding = ([number for number in range(41) if LIBC.prctl(*first, number, 0, 0) == 1]
                         for first in ((47, 1), (23,)))  # PR_CAP_AMBIENT with PR_CAP_AMBIENT_IS_SET, PR_CAPBSET_READ
    if ambient:
        wrong.append(f"ambient {ambient}")
    gains = LIBC.prctl(39, 0, 0, 0, 0) != 1  # PR_GET_NO_NEW_PRIVS
    if gains:
        wrong.append("may gain privileges")
    # An ordinary user cannot give up the bounding set. Where nothing can be gained it gives nothing.
    if bounding and (gains or os.getuid() == 0):
        wrong.append(f"bounding {bounding}")
    if LIBC.prctl(21, 0, 0, 0, 0) != 2:  # PR_GET_SECCOMP; a filter may also refuse to tell, and then there is one
        wrong.append("is not filtered")
    if not wrong:
        raise Refused("none")
    return "; ".join(wrong)


def files_inherited(target):
    """Open files beyond the three standard streams, by asking for every number."""
    found = []
    for fd in range(3, 65536):
        try:
            fcntl.fcntl(fd, fcntl.F_GETFD)
        except OSError:
            continue
        try:
            kind = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            kind = "?"
        try:
            loot = os.pread(fd, 200, 0)
        except OSError:
            loot = b""
        found.append(f"{fd} ({kind}) {loot!r}")
    if not found:
        raise Refused("only the three")
    return "; ".join(found)


def environment(target):
    """Names that the plan did not give."""
    found = sorted(set(os.environ) - set(target["environment"]))
    loot = open("/proc/self/environ", "rb").read().decode("utf-8", "replace")
    if not found and target["outer_name"] not in loot:
        raise Refused("only what was given")
    return f"{found}: {loot[:2000]}"


def terminal(_target):
    """Types into the terminal of whoever started this."""
    def type_into(fd):
        if LIBC.ioctl(fd, 0x5412, ctypes.c_char_p(b"#")) != 0:
            raise OSError(ctypes.get_errno(), "TIOCSTI")
        return "typed"

    def opened():
        return type_into(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))

    def paste():
        """TIOCLINUX pastes the selection of a console."""
        if LIBC.ioctl(0, 0x541C, ctypes.c_char_p(b"\x03")) != 0:
            raise OSError(ctypes.get_errno(), "TIOCLINUX")
        return "pasted"

    def own():
        """On a terminal of its own this harms nobody; the call should not be there at all."""
        leader, follower = os.openpty()
        def in_session():
            os.setsid()
            LIBC.ioctl(follower, 0x540E, 0)
            return type_into(follower)
        return forked(in_session)
    return first_success([("tty", opened), ("0", lambda: type_into(0)), ("1", lambda: type_into(1)),
                          ("2", lambda: type_into(2)), ("paste", paste), ("own", own)])
