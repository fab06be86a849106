"""Ways to use more than one's share. Every one of them stops by itself at a bound (`most`), since a sandbox under test may
not hold."""
import ctypes
import json
import mmap
import os
import signal
import socket
import threading
import time

from calls import LIBC, Refused

MIB = 1 << 20


def said(word):
    """Lines for the test besides the verdict, so that it knows what happened before the end came."""
    print(json.dumps({"reached": word}), flush=True)


def processes(target):
    """Forks children that wait. Succeeds if all could be had."""
    children = []
    try:
        for _ in range(target["most"]):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        raise Refused(f"{len(children)} processes, then errno {error.errno}")
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
    return f"{len(children)} processes"


def threads(target):
    started = []
    stop = threading.Event()
    threading.stack_size(64 << 10)
    try:
        for _ in range(target["most"]):
            thread = threading.Thread(target=stop.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        raise Refused(f"{len(started)} threads")
    finally:
        stop.set()
    return f"{len(started)} threads"


def bomb(target):
    """Every child forks on, for some time, and never more than `most` in all: they count in shared memory."""
    count = mmap.mmap(-1, 8)
    ends = time.monotonic() + target["seconds"]
    said("starting")
    while time.monotonic() < ends:
        number = int.from_bytes(count[:8], "little")
        if number >= target["most"]:
            break
        try:
            if os.fork() == 0:
                # Not exact between processes, and it need not be: it is a brake.
                count[:8] = (int.from_bytes(count[:8], "little") + 1).to_bytes(8, "little")
        except OSError:
            time.sleep(0.001)
    time.sleep(max(0, ends - time.monotonic()))
    os._exit(0)


def hold(block):
    for at in range(0, len(block), 4096):
        block[at] = 1
    return block


def memory(target):
    """Private memory, bit by bit."""
    held = []
    for step in range(target["most"] // (8 * MIB)):
        try:
            held.append(hold(mmap.mmap(-1, 8 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))
        except OSError as error:
            raise Refused(f"{step * 8} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{len(held) * 8} MiB for {target['hold']} s"


def memory_shared(target):
    """Shared memory, which limits on private data do not count."""
    held = []
    for step in range(target["most"] // (8 * MIB)):
        try:
            held.append(hold(mmap.mmap(-1, 8 * MIB)))
        except OSError as error:
            raise Refused(f"{step * 8} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{len(held) * 8} MiB for {target['hold']} s"


def memory_at_once(target):
    """All of it in one call, faster than any watch."""
    populate = 0x8000
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | populate
    try:
        block = mmap.mmap(-1, target["most"], flags=flags)
    except OSError as error:
        raise Refused(f"errno {error.errno}")
    time.sleep(target["hold"])
    return f"{len(block) // MIB} MiB for {target['hold']} s"


def memory_of_many(target):
    """Each process a little, all together much."""
    share = target["most"] // 8
    for _ in range(8):
        if os.fork() == 0:
            held = hold(mmap.mmap(-1, share, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            time.sleep(target["hold"] + 1)
            os._exit(len(held) & 1)
    time.sleep(target["hold"] + 0.5)
    return f"{target['most'] // MIB} MiB for {target['hold']} s"


def memory_in_daemons(target):
    """The same where the one who started them is gone."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            held = [hold(mmap.mmap(-1, 8 * MIB)) for _ in range(target["most"] // (8 * MIB))]
            time.sleep(target["hold"])
            print(json.dumps({"attack": "limits.memory_in_daemons", "succeeded": True, "detail": f"{len(held) * 8} MiB"}),
                  flush=True)
        os._exit(0)
    time.sleep(target["hold"] + 3)
    raise Refused("not told")


def memory_in_pipes(target):
    """Memory of the kernel that no process is charged for."""
    held = 0
    pipes = []
    try:
        while held < target["most"]:
            reader, writer = os.pipe()
            pipes.append((reader, writer))
            try:
                LIBC.fcntl(writer, 1031, ctypes.c_int(MIB))  # F_SETPIPE_SZ
            except OSError:
                pass
            os.set_blocking(writer, False)
            try:
                while held < target["most"]:
                    held += os.write(writer, bytes(65536))
            except BlockingIOError:
                continue
    except OSError as error:
        raise Refused(f"{held // MIB} MiB, then errno {error.errno}")
    return f"{held // MIB} MiB in {len(pipes)} pipes"


def memory_in_sockets(target):
    """The same in the queues of sockets."""
    held = 0
    pairs = []
    try:
        while held < target["most"]:
            pair = socket.socketpair()
            pairs.append(pair)
            for one in pair:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * MIB)
                one.setblocking(False)
                try:
                    while held < target["most"]:
                        held += one.send(bytes(65536))
                except BlockingIOError:
                    continue
    except OSError as error:
        raise Refused(f"{held // MIB} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{held // MIB} MiB in {len(pairs)} pairs"


def folders(target):
    return {"home": os.environ["HOME"], "tmp": os.environ.get("TMPDIR", "/tmp")}[target["folder"]]


def disk_one_file(target):
    """One file without end."""
    written = 0
    block = bytes(MIB)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open(os.path.join(folders(target), "huge"), "wb", buffering=0) as file:
            while written < target["most"]:
                written += file.write(block)
    except OSError as error:
        raise Refused(f"{written // MIB} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{written // MIB} MiB"


def disk_many_files(target):
    """Small files without end."""
    block = bytes(4096)
    count = 0
    try:
        for count in range(target["most"] // 4096):
            with open(os.path.join(folders(target), f"file-{count}"), "wb", buffering=0) as file:
                if file.write(block) < 4096:
                    raise Refused(f"{count} files, then a short one")
    except OSError as error:
        raise Refused(f"{count} files, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{count + 1} files"


def disk_empty_files(target):
    """Files without a byte are not free either: each takes some hundred bytes of memory, or an entry of a disk."""
    count = 0
    try:
        for count in range(target["most"]):
            os.close(os.open(os.path.join(folders(target), f"empty-{count}"), os.O_CREAT | os.O_WRONLY))
    except OSError as error:
        raise Refused(f"{count} files, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{count + 1} files"


def disk_unseen_files(target):
    """Files that have no name any more, but are open: whoever walks the folders does not see them."""
    held = []
    written = 0
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        while written < target["most"]:
            path = os.path.join(folders(target), "unseen")
            file = open(path, "w+b", buffering=0)
            held.append(file)
            os.unlink(path)
            for _ in range(2):
                written += file.write(bytes(MIB))
    except OSError as error:
        raise Refused(f"{written // MIB} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{written // MIB} MiB in {len(held)} files"


def deeper(levels):
    """Goes down in a tree that is deeper than any path is long."""
    for level in range(levels):
        name = "d" * 200
        os.mkdir(name)
        os.chdir(name)


def disk_deep_files(target):
    """Files so deep that no path leads to them."""
    os.chdir(folders(target))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    written = 0
    try:
        deeper(60)
        while written < target["most"]:
            with open(f"deep-{written}", "wb", buffering=0) as file:
                written += file.write(bytes(MIB))
    except OSError as error:
        raise Refused(f"{written // MIB} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{written // MIB} MiB"


def leftovers(_target):
    """A home that resists being tidied up, and links that lead whoever tidies up elsewhere."""
    said(os.environ["HOME"])
    home = os.environ["HOME"]
    os.chdir(home)
    for name in (b"line\nbreak", b"\xff\xfe", b"-rf", b" ", b"~", b"$(id)"):
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    os.symlink(_target["outside"], "to-outside")
    os.symlink("/", "to-root")
    os.mkdir("closed")
    os.symlink(_target["outside"], "closed/to-outside")
    os.close(os.open("closed/file", os.O_CREAT | os.O_WRONLY, 0))
    os.mkdir("deep")
    os.chdir("deep")
    deeper(60)
    os.chdir(home)
    try:
        os.chmod("closed", 0)
    except OSError:
        # Not every sandbox lets it change rights of paths; a folder can be made without any.
        os.mkdir("closed-from-the-start", 0)
    raise Refused("left")


def disk_reserved(target):
    """Space taken without a write."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    count = 0
    try:
        for count in range(target["most"] // (2 * MIB)):
            fd = os.open(os.path.join(folders(target), f"reserved-{count}"), os.O_CREAT | os.O_RDWR)
            os.posix_fallocate(fd, 0, 2 * MIB)
    except OSError as error:
        raise Refused(f"{count * 2} MiB, then errno {error.errno}")
    time.sleep(target["hold"])
    return f"{(count + 1) * 2} MiB"


def disk_elsewhere(target):
    """A folder outside its scratch folders that takes files: nobody counts there."""
    known = [os.path.realpath(path) for path in (os.environ["HOME"], os.environ.get("TMPDIR", "/tmp"), target["writable"])]
    # Places on the file system of the scratch folders share their cap, if that is one of their own.
    capped = {os.stat(path).st_dev for path in known[:2]} - {os.stat("/").st_dev, os.stat("/usr").st_dev}
    taken = []
    ends = time.monotonic() + 3

    def look(folder, depth):
        if time.monotonic() > ends or os.path.realpath(folder) in known or folder == "/proc":
            return
        probe = os.path.join(folder, target["mark"])
        try:
            os.close(os.open(probe, os.O_CREAT | os.O_WRONLY))
            shared = os.stat(probe).st_dev in capped
            os.unlink(probe)
            if shared:
                return
            taken.append(folder)
        except OSError:
            pass
        if depth < 2:
            try:
                entries = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                return
            for path in entries:
                look(path, depth + 1)

    look("/", 0)
    if not taken:
        raise Refused("nowhere")
    return f"in {taken}"


def output(target):
    """Says more and more."""
    line = b"x" * 65536 if target.get("line") else b"{}\n" * 20000
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        os.write(target.get("stream", 1), line)


def hang(_target):
    """Does nothing, and does not end when asked."""
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    said("hanging")
    while True:
        time.sleep(20)


def stop(_target):
    """Stops itself."""
    said("stopping")
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(20)


def spin(_target):
    ends = time.monotonic() + 20
    said("spinning")
    while time.monotonic() < ends:
        pass
