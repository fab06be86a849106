"""Ways to reach the listeners that the test has outside. Each sends its own name; who hears it knows what leaked."""
import array
import ctypes
import os
import socket
import struct
import time

from calls import Refused, first_success, reaches

MSG_FASTOPEN = 0x20000000
IPPROTO_MPTCP = 262
IPPROTO_UDPLITE = 136
IP_RECVERR, IPV6_RECVERR = 11, 25


def answered(sock, word):
    """The listeners answer everything they hear; without an answer nobody heard."""
    sock.settimeout(0.3)
    answer = sock.recv(64)
    if answer != b"heard":
        raise Refused(f"silence ({answer!r})")
    return word


def stream(family, address, word, protocol=0):
    with socket.socket(family, socket.SOCK_STREAM, protocol) as sock:
        sock.settimeout(1)
        sock.connect(address)
        sock.sendall(word.encode())
        return answered(sock, word)


def datagram(family, send, word, protocol=0):
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as sock:
        # Otherwise a port that nobody listens on looks like patience.
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        elif family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        send(sock, word.encode())
        return answered(sock, word)


def tcp4(target):
    return stream(socket.AF_INET, ("127.0.0.1", target["tcp4"]), "tcp4")


def tcp6(target):
    return stream(socket.AF_INET6, ("::1", target["tcp6"]), "tcp6")


def tcp4_mapped(target):
    return stream(socket.AF_INET6, ("::ffff:127.0.0.1", target["tcp4"]), "tcp4_mapped")


def tcp4_any(target):
    """0.0.0.0 as a destination means this machine."""
    return stream(socket.AF_INET, ("0.0.0.0", target["tcp4"]), "tcp4_any")


def tcp4_nonblocking(target):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", target["tcp4"]))
        time.sleep(0.05)
        sock.send(b"tcp4_nonblocking")
        return answered(sock, "tcp4_nonblocking")


def tcp4_fast_open(target):
    """Connects without connect(2)."""
    def sendto(flags):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            sock.sendto(b"tcp4_fast_open", flags, ("127.0.0.1", target["tcp4"]))
            return answered(sock, "tcp4_fast_open")

    def sendmsg():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            sock.sendmsg([b"tcp4_fast_open"], [], MSG_FASTOPEN, ("127.0.0.1", target["tcp4"]))
            return answered(sock, "tcp4_fast_open")

    def option():
        """TCP_FASTOPEN_CONNECT: the connect is put off until the first write."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            sock.setsockopt(socket.IPPROTO_TCP, 30, 1)
            sock.connect(("127.0.0.1", target["tcp4"]))
            os.write(sock.fileno(), b"tcp4_fast_open")
            return answered(sock, "tcp4_fast_open")

    return first_success([("sendto", lambda: sendto(MSG_FASTOPEN)), ("sendmsg", sendmsg), ("option", option)])


def mptcp(target):
    """A TCP that is not called TCP."""
    return stream(socket.AF_INET, ("127.0.0.1", target["tcp4"]), "mptcp", IPPROTO_MPTCP)


def tcp4_disconnected_first(target):
    """AF_UNSPEC undoes a connect; a filter may forget what comes after."""
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        libc.connect(sock.fileno(), struct.pack("=H14x", socket.AF_UNSPEC), 16)
        sock.settimeout(1)
        sock.connect(("127.0.0.1", target["tcp4"]))
        sock.sendall(b"tcp4_disconnected_first")
        return answered(sock, "tcp4_disconnected_first")


def tcp4_high_bits(target):
    """Sockets whose family argument has high bits set: the kernel looks at 32 of them only."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long({"x86_64": 41, "aarch64": 198}[os.uname().machine])
    fd = libc.syscall(number, ctypes.c_long(socket.AF_INET | 1 << 32), ctypes.c_long(1 | 1 << 40), ctypes.c_long(0))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "socket")
    with socket.socket(fileno=fd) as sock:
        sock.settimeout(1)
        sock.connect(("127.0.0.1", target["tcp4"]))
        sock.sendall(b"tcp4_high_bits")
        return answered(sock, "tcp4_high_bits")


def udp4(target):
    address = ("127.0.0.1", target["udp4"])
    return datagram(socket.AF_INET, lambda sock, word: sock.sendto(word, address), "udp4")


def udp4_connected(target):
    def send(sock, word):
        sock.connect(("127.0.0.1", target["udp4"]))
        sock.send(word)
    return datagram(socket.AF_INET, send, "udp4_connected")


def udp4_write(target):
    def send(sock, word):
        sock.connect(("127.0.0.1", target["udp4"]))
        os.write(sock.fileno(), word)
    return datagram(socket.AF_INET, send, "udp4_write")


def udp4_sendmsg(target):
    address = ("127.0.0.1", target["udp4"])
    return datagram(socket.AF_INET, lambda sock, word: sock.sendmsg([word], [], 0, address), "udp4_sendmsg")


def udp4_sendmmsg(target):
    """Many messages, each with an address, in one call."""
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]

    class Message(ctypes.Structure):
        _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("parts", ctypes.POINTER(Part)),
                    ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                    ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]

    def send(sock, word):
        address = ctypes.create_string_buffer(
            struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", target["udp4"], socket.inet_aton("127.0.0.1")))
        part = Part(word, len(word))
        message = Message(ctypes.addressof(address), 16, ctypes.pointer(part), 1, None, 0, 0, 0)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.sendmmsg(sock.fileno(), ctypes.byref(message), 1, 0) != 1:
            raise OSError(ctypes.get_errno(), "sendmmsg")
    return datagram(socket.AF_INET, send, "udp4_sendmmsg")


def udp4_without_family(target):
    """UDP takes an address of family 0 for one of IPv4."""
    def send(sock, word):
        address = struct.pack("=H", socket.AF_UNSPEC) + struct.pack("!H4s8x", target["udp4"], socket.inet_aton("127.0.0.1"))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.sendto(sock.fileno(), word, len(word), 0, address, 16) < 0:
            raise OSError(ctypes.get_errno(), "sendto")
    return datagram(socket.AF_INET, send, "udp4_without_family")


def udp6(target):
    address = ("::1", target["udp6"])
    return datagram(socket.AF_INET6, lambda sock, word: sock.sendto(word, address), "udp6")


def udp4_mapped(target):
    address = ("::ffff:127.0.0.1", target["udp4"])
    return datagram(socket.AF_INET6, lambda sock, word: sock.sendto(word, address), "udp4_mapped")


def dns(target):
    """A question to a name server, whose name is the loot."""
    loot = b"\x0asecretword\x05exfil\x07invalid\x00"
    question = b"\x13\x37\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + loot + b"\x00\x10\x00\x01"
    address = ("127.0.0.1", target["udp4"])
    return datagram(socket.AF_INET, lambda sock, _: sock.sendto(question, address), "dns")


def unix_outside(target):
    return stream(socket.AF_UNIX, target["unix_outside"], "unix_outside")


def unix_readable(target):
    """A socket in a folder that may be read, as that of a container engine: read-only mounts do not stop connects."""
    return stream(socket.AF_UNIX, target["unix_readable"], "unix_readable")


def unix_writable(target):
    return stream(socket.AF_UNIX, target["unix_writable"], "unix_writable")


def unix_relative(target):
    """By way of the working folder, so that no filter sees a path."""
    os.chdir(os.path.dirname(target["unix_readable"]))
    return stream(socket.AF_UNIX, os.path.basename(target["unix_readable"]), "unix_relative")


def unix_link(target):
    """Through a symbolic link that was made inside."""
    link = os.path.join(target["writable"], "innocent")
    os.symlink(target["unix_outside"], link)
    return stream(socket.AF_UNIX, link, "unix_link")


def unix_packets(target):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(target["unix_packets"])
        sock.send(b"unix_packets")
        return answered(sock, "unix_packets")


def unix_datagram(target):
    def sendto(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"unix_datagram", path)
            return "sent"

    def connect(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(path)
            sock.send(b"unix_datagram")
            return "sent"
    return first_success([(f"{how.__name__} {which}", lambda how=how, which=which: how(target[which]))
                          for how in (sendto, connect) for which in ("datagram_outside", "datagram_readable")])


def abstract(target):
    return stream(socket.AF_UNIX, "\0" + target["abstract"], "abstract")


def abstract_datagram(target):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"abstract_datagram", "\0" + target["abstract_datagram"])
        return "sent"


def pipe_readable(target):
    """A FIFO in a folder that may be read: read-only mounts do not stop writes into it."""
    pipe = os.open(target["pipe_readable"], os.O_WRONLY | os.O_NONBLOCK)
    return os.write(pipe, b"pipe_readable\n")


def listen(target):
    """Waits to be called from outside."""
    def wait(family, kind, address):
        with socket.socket(family, kind) as sock:
            sock.bind(address)
            sock.settimeout(0.5)
            if kind == socket.SOCK_STREAM:
                sock.listen(1)
                peer, _ = sock.accept()
                return f"called: {peer.recv(64)!r}"
            return f"called: {sock.recv(64)!r}"
    return first_success([
        ("tcp", lambda: wait(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["listen"]))),
        ("unbound tcp", lambda: unbound_listener()),
        ("udp", lambda: wait(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", target["listen"]))),
        ("abstract", lambda: wait(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + target["listen_abstract"])),
    ])


def unbound_listener():
    """listen(2) without bind(2) takes a free port of its own; nobody calls it here, so only report whether it is let."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.listen(1)
        raise Refused(f"listens on {sock.getsockname()}, where nobody calls")


def odd_families(_target):
    """Every family of sockets but those of a normal program. Bluetooth, packets, VM sockets, kernel crypto, …"""
    made = []
    for family in [0, *range(3, 10), *range(11, 16), *range(17, 50)]:
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind, 0).close()
                made.append(f"{family}/{kind}")
            except OSError:
                pass
    if not made:
        raise Refused("none")
    return f"family/type {' '.join(made)}"


def odd_protocols(_target):
    """Raw sockets, pings, UDP-Lite, SCTP, DCCP, MPTCP over the families that are allowed."""
    made = []
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, protocol in [(3, 1), (3, 6), (3, 17), (3, 255), (2, 1), (2, 58), (2, IPPROTO_UDPLITE), (1, 132), (5, 132),
                               (6, 33), (1, IPPROTO_MPTCP), (10, 768)]:
            try:
                socket.socket(family, kind, protocol).close()
                made.append(f"{family}/{kind}/{protocol}")
            except OSError:
                pass
    if not made:
        raise Refused("none")
    return f"family/type/protocol {' '.join(made)}"


def netlink(target):
    """What the kernel tells: addresses of this machine, its sockets, its devices."""
    def addresses():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
            sock.settimeout(0.3)
            sock.send(struct.pack("=IHHIIB3x", 20, 18, 0x301, 1, 0, 0))  # RTM_GETLINK, dump
            heard = sock.recv(65536)
            # Each link has its name as a text; outside the sandbox there are more than the loopback.
            names = {name for name in target["links"] if name.encode() + b"\0" in heard}
            if not names:
                raise Refused("only a loopback")
            return f"links {sorted(names)}"

    def sockets(protocol):
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol).close()
        return "made"
    return first_success([("route", addresses)] + [(str(protocol), lambda protocol=protocol: sockets(protocol))
                                                   for protocol in (2, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 20, 21)])


def io_uring(_target):
    """Its requests pass every filter by: connects, sends, opens."""
    parameters = array.array("B", bytes(120))
    address, _ = parameters.buffer_info()
    return reaches("io_uring_setup", 8, ctypes.c_void_p(address))


def names(target):
    """A name lookup may answer, but only from inside: it must not come to the name servers of this machine."""
    found = {entry[4][0] for entry in socket.getaddrinfo(target["name"], 80)}
    return f"found {sorted(found)}"
