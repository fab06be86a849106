"""Ways to live on when the one who was started is gone. Everything stops by itself after twenty seconds."""
import os
import signal
import subprocess
import sys
import time

from calls import Refused, call
from limits import said


def beat(path, seconds):
    """Shows that it lives: a file grows."""
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    ends = time.monotonic() + seconds
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
    while time.monotonic() < ends:
        os.write(file, b".")
        time.sleep(0.005)
    os._exit(0)


def beating(path):
    for _ in range(600):
        if os.path.exists(path) and os.path.getsize(path) > 2:
            return
        time.sleep(0.005)
    raise RuntimeError("the child never lived")


def quiet():
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)


def daemon(target):
    """Out of the session, the group, the terminal and the parent's sight, deaf to signals."""
    path = os.path.join(target["writable"], "daemon")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            quiet()
            os.chdir("/")
            beat(path, 20)
        os._exit(0)
    beating(path)
    return ends_or_stays(target)


def daemon_holding_pipes(target):
    """The same, and keeps the streams open, so that whoever reads them waits."""
    path = os.path.join(target["writable"], "holder")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            beat(path, 20)
        os._exit(0)
    beating(path)
    return ends_or_stays(target)


def sibling(target):
    """A child that is a child of its parent instead (CLONE_PARENT)."""
    path = os.path.join(target["writable"], "sibling")
    try:
        pid = call("clone", 0x8000 | int(signal.SIGCHLD), 0, 0, 0, 0)
    except OSError:
        # The first process of a namespace must not have siblings; then there is no attack.
        raise Refused("no siblings")
    if pid == 0:
        quiet()
        beat(path, 20)
    beating(path)
    return ends_or_stays(target)


def runner(target):
    """Forks on and on, each living but milliseconds: whoever kills by list is too late."""
    path = os.path.join(target["writable"], "runner")
    if os.fork() == 0:
        quiet()
        os.setsid()
        ends = time.monotonic() + 20
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
        while time.monotonic() < ends:
            os.write(file, b".")
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                continue
            os.setsid()
        os._exit(0)
    beating(path)
    return ends_or_stays(target)


def runners(target):
    """Eight of them at once, each with a twin that restarts it."""
    for _ in range(8):
        if os.fork() == 0:
            runner_twins(os.path.join(target["writable"], "runners"))
    beating(os.path.join(target["writable"], "runners"))
    return ends_or_stays(target)


def runner_twins(path):
    quiet()
    ends = time.monotonic() + 20
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
    while time.monotonic() < ends:
        os.write(file, b".")
        try:
            if os.fork():
                # One step behind the child, so that there are always two generations.
                time.sleep(0.002)
                os._exit(0)
        except OSError:
            time.sleep(0.001)
    os._exit(0)


def stopped_children(target):
    """Stopped processes do not hear signals but one."""
    path = os.path.join(target["writable"], "stopped")
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            quiet()
            with open(path, "a") as file:
                file.write("...")
            os.kill(os.getpid(), signal.SIGSTOP)
            beat(path, 20)
    beating(path)
    return ends_or_stays(target)


def zombies(target):
    """Dead children that nobody buries."""
    for _ in range(target.get("most", 40)):
        if os.fork() == 0:
            os._exit(0)
    path = os.path.join(target["writable"], "zombies")
    if os.fork() == 0:
        quiet()
        beat(path, 20)
    beating(path)
    return ends_or_stays(target)


def vfork_program(target):
    """A child that is another program, with nothing of this one's name."""
    path = os.path.join(target["writable"], "program")
    code = "import time,os,sys\nends=time.monotonic()+20\nf=os.open(sys.argv[1],1|64|1024,0o666)\n" \
           "while time.monotonic()<ends:\n os.write(f,b'.');time.sleep(0.005)\n"
    subprocess.Popen([sys.executable, "-I", "-S", "-c", code, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True, env={})
    beating(path)
    return ends_or_stays(target)


def ends_or_stays(target):
    said("left someone behind")
    if target["stays"]:
        time.sleep(20)
    raise Refused("goes, and leaves it")
