"""Ways to read what lies outside, and to write there."""
import ctypes
import errno
import fcntl
import os
import stat
import threading
import time

from calls import LIBC, Refused, call, first_success


def text(path, flags=os.O_RDONLY, **how):
    fd = os.open(path, flags, **how)
    try:
        found = os.read(fd, 4096)
    finally:
        os.close(fd)
    if not found:
        raise Refused("nothing in it")
    return found.decode("utf-8", "replace")


# Reading

def key(target):
    return text(target["key"])


def key_by_dots(target):
    """From the folder that may be read, up and down again."""
    up = "/".join([".."] * 40)
    return first_success([
        (base, lambda base=base: text(os.path.join(base, up) + target["key"]))
        for base in (target["readable"], target["writable"], ".", "/proc/self/cwd", "/proc/self/root")])


def key_by_link(target):
    """A symbolic link made inside, in a folder that may be written."""
    link = os.path.join(target["writable"], "link-to-key")
    os.symlink(target["key"], link)
    return text(link)


def key_by_planted_link(target):
    """A symbolic link that lay in the readable folder from the start, as a package may bring one."""
    return text(os.path.join(target["readable"], "planted-link"))


def key_by_hard_link(target):
    """A second name, in a folder that may be written."""
    name = os.path.join(target["writable"], "second-name")
    os.link(target["key"], name)
    return text(name)


def key_by_rename(target):
    moved = os.path.join(target["writable"], "moved")
    os.rename(target["movable_key"], moved)
    return text(moved)


def key_by_folder(target):
    """A file descriptor of a folder first, then the rest of the path."""
    folder = os.open(os.path.dirname(target["key"]), os.O_PATH)
    return text(os.path.basename(target["key"]), dir_fd=folder)


def key_by_path_descriptor(target):
    """O_PATH asks nobody; reopening through /proc is a magic link."""
    fd = os.open(target["key"], os.O_PATH)
    return first_success([
        ("reopen", lambda: text(f"/proc/self/fd/{fd}")),
        ("dev", lambda: text(f"/dev/fd/{fd}")),
        ("exec", lambda: f"exec {os.execve(fd, ['x'], {})}"),
    ])


def key_by_chdir(target):
    os.chdir(os.path.dirname(target["key"]))
    return text(os.path.basename(target["key"]))


def key_by_openat2(target):
    how = (ctypes.c_uint64 * 3)(os.O_RDONLY, 0, 0)
    fd = call("openat2", -100, ctypes.c_char_p(target["key"].encode()), how, 24)
    return os.read(fd, 4096).decode()


def key_by_handle(target):
    """A file handle opens a file without a path."""
    handle = ctypes.create_string_buffer(8 + 128)
    ctypes.memmove(handle, (128).to_bytes(4, "little"), 4)
    mount = ctypes.c_int()
    base = os.open(target["writable"], os.O_RDONLY)
    call("name_to_handle_at", -100, ctypes.c_char_p(target["key"].encode()), handle, ctypes.byref(mount), 0)
    fd = call("open_by_handle_at", base, handle, os.O_RDONLY)
    return os.read(fd, 4096).decode()


def key_by_race(target):
    """A name that is a file of its own when looked at, and a link to the key when opened."""
    mine = os.path.join(target["writable"], "mine")
    with open(mine, "w") as file:
        file.write("mine")
    name = os.path.join(target["writable"], "flickers")
    ends = time.monotonic() + 0.2
    swaps = [0]

    def flicker():
        while time.monotonic() < ends:
            for where in (mine, target["key"]):
                temporary = name + ".new"
                os.symlink(where, temporary)
                os.rename(temporary, name)
                swaps[0] += 1

    thread = threading.Thread(target=flicker, daemon=True)
    thread.start()
    tries = 0
    while time.monotonic() < ends:
        try:
            found = text(name)
            if found != "mine":
                return found
        except OSError:
            pass
        tries += 1
    thread.join()
    if not swaps[0]:
        raise RuntimeError("nothing flickered")
    raise Refused(f"{tries} tries, {swaps[0]} swaps")


def key_by_flickering_argument(target):
    """The path itself changes in memory while the call is on its way: who only looked at it is wrong."""
    mine = os.path.join(target["writable"], "mine-too")
    with open(mine, "w") as file:
        file.write("mine")
    paths = [path.encode() + b"\0" for path in (mine, target["key"])]
    shared = ctypes.create_string_buffer(max(map(len, paths)))
    ends = time.monotonic() + 0.2

    def flicker():
        while time.monotonic() < ends:
            for path in paths:
                ctypes.memmove(shared, path, len(path))

    thread = threading.Thread(target=flicker, daemon=True)
    thread.start()
    while time.monotonic() < ends:
        fd = LIBC.open(shared, os.O_RDONLY)
        if fd >= 0:
            found = os.read(fd, 4096)
            os.close(fd)
            if found != b"mine":
                return found.decode("utf-8", "replace")
    raise Refused("never")


def home_listed(target):
    """The names in a home tell much already."""
    return first_success([("list", lambda: sorted(os.listdir(target["home"]))),
                          ("walk", lambda: walk_names(target["home"]))])


def walk_names(path):
    """A list of everything below, for kernels that let folders be opened but not read."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    return sorted(os.listdir(fd))


def key_known(target):
    """Whether there is such a file and how long it is (tells less; Landlock alone does not hide it)."""
    return os.stat(target["key"]).st_size


def other_homes(_target):
    """Whatever is in homes of this machine, apart from the home it was given."""
    mine = os.path.realpath(os.environ.get("HOME", "/nonexistent"))
    homes = ["/root", "/home", "/Users", "/var/lib"]
    try:
        homes += [os.path.join("/home", name) for name in os.listdir("/home")]
    except OSError:
        pass
    seen = []
    for home in homes:
        real = os.path.realpath(home)
        if real == mine or mine.startswith(real + "/"):
            continue
        try:
            seen += [f"{home}: {len(os.listdir(home))} names"] if os.listdir(home) else []
        except OSError:
            continue
    if not seen:
        raise Refused("no other home to be seen")
    return "; ".join(seen)


def system_secrets(_target):
    """Files that only the administrator, or only users of this machine, should read. Says which opened, never what is in."""
    def opened(path):
        os.close(os.open(path, os.O_RDONLY))
        return "opened"
    return first_success([(path, lambda path=path: opened(path)) for path in [
        "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh/ssh_host_ed25519_key", "/etc/machine-id",
        "/var/lib/dbus/machine-id", "/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/keys", "/proc/config.gz",
        "/proc/iomem", "/proc/net/tcp_not_here", "/sys/kernel/security", "/sys/class/dmi/id/product_uuid", "/boot",
        "/var/log", "/run/docker.sock", "/run/systemd", "/lost+found"]])


# Writing

def outside_written(target):
    """Every way to change a file or folder outside. All are writable by anyone, so that only the sandbox protects them."""
    folder, file = target["outside"], os.path.join(target["outside"], "file")

    def opened(flags):
        fd = os.open(file, flags)
        return os.write(fd, b"changed")

    def made(action):
        action()
        return "made"

    temporary = getattr(os, "O_TMPFILE", 0)
    return first_success([
        ("append", lambda: opened(os.O_WRONLY | os.O_APPEND)),
        ("overwrite", lambda: opened(os.O_RDWR)),
        ("open truncating", lambda: opened(os.O_WRONLY | os.O_TRUNC)),
        ("truncate", lambda: made(lambda: os.truncate(file, 1))),
        ("create", lambda: made(lambda: os.open(os.path.join(folder, "new"), os.O_WRONLY | os.O_CREAT))),
        ("unnamed", lambda: made(lambda: os.open(folder, os.O_WRONLY | temporary))),
        ("mkdir", lambda: made(lambda: os.mkdir(os.path.join(folder, "new-folder")))),
        ("symlink", lambda: made(lambda: os.symlink("/", os.path.join(folder, "new-link")))),
        ("fifo", lambda: made(lambda: os.mkfifo(os.path.join(folder, "new-pipe")))),
        ("rmdir", lambda: made(lambda: os.rmdir(os.path.join(folder, "empty")))),
        ("rename within", lambda: made(lambda: os.rename(file, file + ".moved"))),
        ("unlink", lambda: made(lambda: os.unlink(os.path.join(folder, "doomed")))),
    ])


def outside_marked(target):
    """Changes that need no open file, which Landlock alone does not stop: rights, owners, times, attributes."""
    file = os.path.join(target["outside"], "owned")

    def done(action):
        action()
        return "done"

    def descriptor(action):
        fd = os.open(file, os.O_PATH)
        return done(lambda: action(f"/proc/self/fd/{fd}"))
    attributes = ctypes.create_string_buffer(24)
    path = ctypes.c_char_p(file.encode())
    return first_success([
        ("chmod", lambda: done(lambda: os.chmod(file, 0o600))),
        ("fchmodat2", lambda: done(lambda: call("fchmodat2", -100, path, 0o600, 0))),
        ("chmod by descriptor", lambda: descriptor(lambda way: os.chmod(way, 0o600))),
        ("chown", lambda: done(lambda: os.chown(file, os.getuid(), os.getgid()))),
        ("lchown", lambda: done(lambda: os.lchown(file, -1, os.getgid()))),
        ("utime", lambda: done(lambda: os.utime(file, (1, 1)))),
        ("utime by descriptor", lambda: descriptor(lambda way: os.utime(way, (1, 1)))),
        ("setxattr", lambda: done(lambda: os.setxattr(file, "user.mark", b"1"))),
        ("removexattr", lambda: done(lambda: os.removexattr(file, "user.planted"))),
        ("flags", lambda: flags_changed(file)),
        ("file_setattr", lambda: done(lambda: call("file_setattr", -100, path, attributes, 24, 0))),
        ("chmod of the folder", lambda: done(lambda: os.chmod(target["outside"], 0o700))),
    ])


def flags_changed(path):
    """As chattr does: by a descriptor that was opened for reading."""
    fd = os.open(path, os.O_RDONLY)
    value = ctypes.c_int(0x40)  # no dump
    if LIBC.ioctl(fd, 0x40086602, ctypes.byref(value)) != 0:
        raise OSError(ctypes.get_errno(), "ioctl")
    return "changed"


def readable_written(target):
    """The folder that may be read only."""
    folder, file = target["readable"], os.path.join(target["readable"], "package.json")

    def made(action):
        action()
        return "made"
    return first_success([
        ("write", lambda: made(lambda: os.open(file, os.O_WRONLY))),
        ("truncate", lambda: made(lambda: os.truncate(file, 0))),
        ("create", lambda: made(lambda: os.open(os.path.join(folder, "new"), os.O_CREAT | os.O_WRONLY))),
        ("mkdir", lambda: made(lambda: os.mkdir(os.path.join(folder, "new-folder")))),
        ("unlink", lambda: made(lambda: os.unlink(file))),
        ("rename", lambda: made(lambda: os.rename(file, file + "2"))),
        ("rename onto", lambda: made(lambda: rename_onto(target, file))),
        ("chmod", lambda: made(lambda: os.chmod(file, 0o600))),
        ("utime", lambda: made(lambda: os.utime(file, (1, 1)))),
        ("setxattr", lambda: made(lambda: os.setxattr(file, "user.mark", b"1"))),
        ("flags", lambda: flags_changed(file)),
        ("hard link", lambda: second_name_written(target, file)),
    ])


def rename_onto(target, file):
    mine = os.path.join(target["writable"], "mine-to-move")
    with open(mine, "w") as made:
        made.write("changed")
    os.rename(mine, file)


def second_name_written(target, file):
    """A file that may only be read, under a second name in a folder that may be written."""
    name = os.path.join(target["writable"], "second-name-of-readable")
    os.link(file, name)
    fd = os.open(name, os.O_WRONLY)
    return os.write(fd, b"changed")


def outside_by_link(target):
    """Writes through a link made inside, and links and moves out of the folder that may be written."""
    link = os.path.join(target["writable"], "way-out")
    os.symlink(target["outside"], link)
    mine = os.path.join(target["writable"], "mine-for-outside")
    with open(mine, "w") as made:
        made.write("changed")

    def made(action):
        action()
        return "made"
    return first_success([
        ("create", lambda: made(lambda: os.open(os.path.join(link, "through"), os.O_CREAT | os.O_WRONLY))),
        ("append", lambda: os.write(os.open(os.path.join(link, "file"), os.O_WRONLY), b"changed")),
        ("link", lambda: made(lambda: os.link(mine, os.path.join(target["outside"], "linked")))),
        ("rename", lambda: made(lambda: os.rename(mine, os.path.join(target["outside"], "renamed")))),
    ])


def shared_folders(target):
    """Places that all programs of a machine share. The test looks for the mark there."""
    made = []
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/user/0", "/var/cache", "/run/lock", "/dev/mqueue",
                   "/mnt", "/srv", "/opt", "/"):
        try:
            path = os.path.join(folder, target["mark"])
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            made.append(folder)
            if target.get("tidy"):
                os.unlink(path)
        except OSError:
            continue
    return f"made in {made}" if made else refuse("nowhere")


def refuse(why):
    raise Refused(why)


def system_opened_for_writing(_target):
    """Only opens; never writes, since the same attack is made without a sandbox."""
    def opened(path):
        os.close(os.open(path, os.O_WRONLY))
        return "opened"
    return first_success([(path, lambda path=path: opened(path)) for path in [
        "/etc/passwd", "/etc/hosts", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/profile",
        "/usr/bin/env", "/bin/true", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/user/max_user_namespaces",
        "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/unified/cgroup.procs", "/proc/self/attr/current_not_here"]])


def devices(_target):
    """Opens only."""
    def opened(path):
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        return "opened"
    paths = ["/dev/mem", "/dev/kmem", "/dev/port", "/dev/kmsg", "/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/loop0",
             "/dev/net/tun", "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/console", "/dev/tty0", "/dev/uinput", "/dev/userfaultfd",
             "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vsock", "/dev/btrfs-control", "/dev/snapshot", "/dev/autofs", "/dev/cuse",
             "/dev/hwrng", "/dev/input/event0", "/dev/dri/card0"]
    return first_success([(path, lambda path=path: opened(path)) for path in paths])


def device_made(target):
    """A device file of its own is as good as one of the machine."""
    def made(mode, major, minor):
        path = os.path.join(target["writable"], f"device-{major}-{minor}")
        os.mknod(path, mode | 0o666, os.makedev(major, minor))
        os.close(os.open(path, os.O_RDONLY))
        return "made and opened"
    return first_success([
        ("memory", lambda: made(stat.S_IFCHR, 1, 1)),
        ("messages", lambda: made(stat.S_IFCHR, 1, 11)),
        ("loop", lambda: made(stat.S_IFBLK, 7, 0)),
    ])


def cgroup_made(_target):
    """A control group of its own: out of limits, and release agents run as root outside."""
    def made(folder):
        path = os.path.join(folder, "hostile-group")
        os.mkdir(path)
        os.rmdir(path)
        return "made"
    return first_success([(folder, lambda folder=folder: made(folder)) for folder in (
        "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/freezer",
        "/sys/fs/cgroup/pids")])


def watched(target):
    """Notices when files outside are used. (Needs the right to read the folder, which no file system layer of Landlock
    asks about.)"""
    fd = LIBC.inotify_init1(os.O_NONBLOCK)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    if LIBC.inotify_add_watch(fd, ctypes.c_char_p(target["home"].encode()), 0xfff) < 0:
        raise OSError(ctypes.get_errno(), "watch")
    return "watching"


def locked(target):
    """A lock on a file outside stops whoever waits for it."""
    fd = os.open(os.path.join(target["outside"], "file"), os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return "locked"


def executed(target):
    """A program outside, and one that may be read but says another user's id."""
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(target["program_outside"], ["program", "outside"])
        except OSError as error:
            os._exit(100 if error.errno in (errno.EACCES, errno.ENOENT, errno.EPERM) else 101)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code in (100, 101):
        raise Refused(f"exec refused ({code})")
    return f"ran, exit code {code}"


def streams_reopened(_target):
    """Its standard streams are files of whoever started it; by their names in /proc they might be opened in other ways."""
    def reopened(fd, flags):
        again = os.open(f"/proc/self/fd/{fd}", flags)
        return os.pread(again, 4096, 0).decode("utf-8", "replace") or "nothing in it"
    return first_success([(f"{fd} {flags:o}", lambda fd=fd, flags=flags: reopened(fd, flags))
                          for fd in (0, 1, 2) for flags in (os.O_RDONLY, os.O_RDWR)])


def persisted(_target):
    """Something left in the home for the next start."""
    left = os.path.join(os.environ["HOME"], ".left-for-next-time")
    if os.path.exists(left):
        return "found what the last one left"
    with open(left, "w") as file:
        file.write("here")
    raise Refused("left something; nothing was there")
