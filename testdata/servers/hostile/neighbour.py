"""A stranger next door: keeps a secret in its home and its memory, listens where it can, and says whether it was touched."""
import ctypes
import json
import mmap
import os
import socket
import sys
import threading

secret = os.environ["SECRET"].encode()
key = os.path.join(os.environ["HOME"], "neighbours-key")
with open(key, "wb") as file:
    file.write(secret)
try:
    os.chmod(key, 0o644)
    os.chmod(os.environ["HOME"], 0o755)
except OSError:
    pass  # not every sandbox lets it change rights

page = mmap.mmap(-1, 4096)
page[: len(secret)] = secret
address = ctypes.addressof(ctypes.c_char.from_buffer(page))


def serve(listener):
    while True:
        peer, _ = listener.accept()
        peer.recv(64)
        peer.send(b"heard")


port = 9
for family, where in ((socket.AF_UNIX, "\0mcpsec-neighbour"), (socket.AF_INET, ("127.0.0.1", 0))):
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(where)
        listener.listen(4)
        if family == socket.AF_INET:
            port = listener.getsockname()[1]
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    except OSError:
        pass  # not every sandbox lets it listen

print(json.dumps({"pid": os.getpid(), "address": address, "home": os.environ["HOME"], "port": port}), flush=True)
for _ in sys.stdin:
    with open(key, "rb") as file:
        kept = file.read() == secret and page[: len(secret)] == secret and os.getpriority(os.PRIO_PROCESS, 0) < 19
    print(json.dumps("untouched" if kept else "touched"), flush=True)
