"""A harmless process with a secret, for attackers to find.

    victim.py [NUMBER SOCKET PIPE]

It says where the secret lies in its memory, then answers each line of its input with its state: what an attacker might have
changed. Ends with its input, or after two minutes. With arguments it also keeps the secret in System V shared memory, listens
on a socket of packets and on a named pipe.
"""
import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading

secret = os.environ["SECRET"].encode()
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append("USR1"))
signal.signal(signal.SIGCONT, lambda *_: heard.append("CONT"))
signal.alarm(120)

page = mmap.mmap(-1, 4096)
page[: len(secret)] = secret
address = ctypes.addressof(ctypes.c_char.from_buffer(page))

libc = ctypes.CDLL(None, use_errno=True)
shared = -1


def packets(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    os.chmod(path, 0o777)
    listener.listen(8)

    def listen():
        while True:
            peer, _ = listener.accept()
            heard.append("packet " + peer.recv(512).decode("utf-8", "replace"))
            peer.send(b"heard")
    threading.Thread(target=listen, daemon=True).start()


def pipe(path):
    os.mkfifo(path)
    os.chmod(path, 0o666)
    fd = os.open(path, os.O_RDWR)

    def listen():
        while True:
            heard.append("pipe " + os.read(fd, 512).decode("utf-8", "replace"))
    threading.Thread(target=listen, daemon=True).start()


if len(sys.argv) > 1:
    # Any process of the machine may attach it by its number, until the last one that has it ends.
    shared = libc.shmget(int(sys.argv[1]), 4096, 0o1666)
    libc.shmat.restype = ctypes.c_void_p
    where = libc.shmat(shared, None, 0)
    ctypes.memmove(where, secret, len(secret))
    libc.shmctl(shared, 0, None)
    packets(sys.argv[2])
    pipe(sys.argv[3])


def state():
    return {
        "heard": heard,
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "processors": sorted(os.sched_getaffinity(0)),
        "scheduler": os.sched_getscheduler(0),
        "ioprio": libc.syscall(252 if os.uname().machine == "x86_64" else 31, 1, 0),
        "intact": page[: len(secret)] == secret,
    }


print(json.dumps({"pid": os.getpid(), "address": address, "length": len(secret), "shared": shared}), flush=True)
for _ in sys.stdin:
    print(json.dumps(state()), flush=True)
