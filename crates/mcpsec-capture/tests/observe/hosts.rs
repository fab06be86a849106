//! Allowed hosts: reached by name over TCP, everything else refused.
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcpsec_capture::observe::{Outside, Reach, is_public};
use mcpsec_model::text::Untrusted;

use crate::stage::{Outcome, Stage, Weak, node};

const BOTH: [Reach; 2] = [Reach::Own, Reach::Shared];

/// Leads names to addresses of the test.
#[derive(Debug)]
struct Fixed {
    names: BTreeMap<&'static str, SocketAddr>,
    loopback_counts_as_public: bool,
}

impl Outside for Fixed {
    fn resolve(&self, host: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.names.get(host).map(|address| vec![*address]).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn may_lead_to(&self, ip: IpAddr) -> bool {
        is_public(ip) || (self.loopback_counts_as_public && ip.is_loopback())
    }
}

/// A host that answers every request with `hello` and counts them.
fn host() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let address = listener.local_addr().expect("loopback works");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            counter.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                let mut buffer = [0; 4096];
                while !seen.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(count) if count > 0 => seen.extend_from_slice(&buffer[..count]),
                        _ => return,
                    }
                }
                let body = "hello".repeat(50_000);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            });
        }
    });
    (address, count)
}

fn stage(reach: Reach, address: SocketAddr) -> Stage {
    let mut stage = Stage::new(reach);
    stage.rules.hosts = ["API.invalid.".to_owned(), "gone.invalid".to_owned(), "closed.invalid".to_owned()].into();
    let closed = TcpListener::bind("127.0.0.1:0").expect("loopback works").local_addr().expect("loopback works");
    let names = [("api.invalid", address), ("other.invalid", address), ("closed.invalid", closed)].into();
    stage.rules.outside = Arc::new(Fixed { names, loopback_counts_as_public: true });
    stage
}

fn hosts(outcome: &Outcome) -> Vec<&str> {
    outcome.observed.hosts.iter().map(Untrusted::raw).collect()
}

#[test]
fn python_fetches_from_an_allowed_host() {
    for reach in BOTH {
        let (address, count) = host();
        let script = "
import urllib.request, asyncio, socket, errno
print(len(urllib.request.urlopen('http://api.invalid/x', timeout=20).read()))
async def main():
    r, w = await asyncio.open_connection('api.invalid', 80)
    w.write(b'GET / HTTP/1.1\\r\\n\\r\\n'); await w.drain()
    print(len((await r.read()).split(b'\\r\\n\\r\\n', 1)[1])); w.close()
asyncio.run(main())
for host in ('other.invalid', 'gone.invalid', 'closed.invalid', '127.0.0.1'):
    try: socket.create_connection((host, PORT), 20); print('connected')
    except OSError as error: print(errno.errorcode[error.errno])
"
        .replace("PORT", &address.port().to_string());
        let Some(outcome) = stage(reach, address).python(&script) else { return };
        let expected = "250000\n250000\nENETUNREACH\nEHOSTUNREACH\nECONNREFUSED\nECONNREFUSED\n";
        assert_eq!(outcome.said, expected, "{reach:?}");
        assert_eq!(count.load(Ordering::Relaxed), 2, "{reach:?}");
        let here = format!("127.0.0.1:{}", address.port());
        assert_eq!(hosts(&outcome), [&here[..], "api.invalid", "closed.invalid", "gone.invalid", "other.invalid"]);
        assert!(!outcome.observed.incomplete);
    }
}

#[test]
fn node_fetches_from_an_allowed_host() {
    let Some(node) = node() else {
        println!("skipped: no node");
        return;
    };
    for reach in BOTH {
        let (address, count) = host();
        let script = "
(async () => {
  const all = await Promise.all([1, 2, 3].map(async () => (await (await fetch('http://api.invalid/x')).text()).length))
  console.log(all.join(' '))
  for (const host of ['other.invalid', 'gone.invalid'])
    await fetch('http://' + host + '/').then(() => console.log('fetched'), e => console.log(e.cause.code))
})()
";
        let outcome = stage(reach, address).run(&node, &["-e", script]);
        assert_eq!(outcome.said, "250000 250000 250000\nENETUNREACH\nEHOSTUNREACH\n", "{reach:?}");
        assert_eq!(count.load(Ordering::Relaxed), 3, "{reach:?}");
        assert_eq!(hosts(&outcome), ["api.invalid", "gone.invalid", "other.invalid"], "{reach:?}");
    }
}

#[test]
fn an_allowed_name_does_not_lead_inside() {
    for reach in BOTH {
        let (address, count) = host();
        let mut stage = stage(reach, address);
        stage.rules.outside =
            Arc::new(Fixed { names: [("api.invalid", address)].into(), loopback_counts_as_public: false });
        let script = "
import socket, errno
try: socket.create_connection(('api.invalid', 80), 20); print('connected')
except OSError as error: print(errno.errorcode[error.errno])
";
        let Some(outcome) = stage.python(script) else { return };
        assert_eq!(outcome.said, "EHOSTUNREACH\n", "{reach:?}");
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert_eq!(hosts(&outcome), [&address.to_string()[..], "api.invalid"], "{reach:?}");
    }
}

#[test]
fn an_address_that_is_allowed_literally_is_reached() {
    for reach in BOTH {
        let (address, count) = host();
        let mut stage = Stage::new(reach);
        stage.rules.hosts = ["127.0.0.1".to_owned()].into();
        let script = format!(
            "import socket; socket.gethostbyname('still.invalid'); import urllib.request; print(len(urllib.request.urlopen('http://{address}/', timeout=20).read()))"
        );
        let Some(outcome) = stage.python(&script) else { return };
        assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("250000\n", 1), "{reach:?}");
    }
}

/// A socket that was led to an allowed host cannot be turned elsewhere.
#[test]
fn a_connection_cannot_be_taken_elsewhere() {
    for reach in BOTH {
        let (address, led) = host();
        let (other, count) = host();
        let script = format!(
            "
import socket, errno, ctypes
libc = ctypes.CDLL(None, use_errno=True)
s = socket.create_connection(('api.invalid', 80), 20)
s.settimeout(None)
print(errno.errorcode[s.connect_ex((socket.gethostbyname('api.invalid'), 80))])
print(libc.connect(s.fileno(), bytes(16), 16))
for way in (lambda: s.connect(('127.0.0.1', {port})), lambda: s.sendto(b'x', 0x20000000, ('127.0.0.1', {port}))):
    try: way(); print('done')
    except OSError as error: print(errno.errorcode[error.errno])
",
            port = other.port()
        );
        let Some(outcome) = stage(reach, address).python(&script) else { return };
        assert_eq!(outcome.said, "EISCONN\n0\nECONNREFUSED\nENOTSUP\n", "{reach:?}");
        assert_eq!(led.load(Ordering::Relaxed), 1, "{reach:?}");
        assert_eq!(count.load(Ordering::Relaxed), 0, "{reach:?}");
    }
}

const FETCH: &str = "
import urllib.request, asyncio
print(len(urllib.request.urlopen('http://api.invalid/x', timeout=20).read()))
async def main():
    r, w = await asyncio.open_connection('api.invalid', 80)
    w.write(b'GET / HTTP/1.1\\r\\n\\r\\n'); await w.drain()
    print(len((await r.read()).split(b'\\r\\n\\r\\n', 1)[1])); w.close()
asyncio.run(main())
";

/// Containers forbid `pidfd_getfd`: then a new socket takes the place of the program's.
#[test]
fn a_container_still_reaches_allowed_hosts() {
    let (address, count) = host();
    let mut stage = stage(Reach::Shared, address);
    stage.weak = Weak::Duplicate;
    let Some(outcome) = stage.python(FETCH) else { return };
    assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("250000\n250000\n", 2));
    let Some(node) = node() else { return };
    let mut stage = self::stage(Reach::Shared, address);
    stage.weak = Weak::Duplicate;
    let script = "fetch('http://api.invalid/').then(async r => console.log((await r.text()).length))";
    assert_eq!(stage.run(&node, &["-e", script]).said, "250000\n");
}

/// In its own network nothing of this machine's network may be put, so there is no way without `pidfd_getfd`.
#[test]
fn no_socket_of_this_machine_enters_another_network() {
    let (address, count) = host();
    let mut stage = stage(Reach::Own, address);
    stage.weak = Weak::Duplicate;
    let script = "
import socket, errno
try: socket.create_connection(('api.invalid', 80), 20); print('connected')
except OSError as error: print('no way')
";
    let Some(outcome) = stage.python(script) else { return };
    assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("no way\n", 0));
}

/// Root of a container that runs the program as nobody: with its ids the supervisor sees it, without them it says so.
#[test]
fn another_user_is_watched_with_its_ids() {
    // SAFETY: no memory is passed.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    for weak in [Weak::LookAs(65534), Weak::Look] {
        let (address, count) = host();
        let mut stage = stage(Reach::Shared, address);
        stage.user = Some(65534);
        stage.weak = weak;
        let script =
            format!("import socket\ntry: socket.create_connection(('192.0.2.1', 9), 5)\nexcept OSError: pass\n{FETCH}");
        // The rights are taken from a thread for good.
        let outcome = std::thread::spawn(move || stage.python(&script)).join().unwrap();
        let Some(outcome) = outcome else { return };
        if weak == Weak::LookAs(65534) {
            assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("250000\n250000\n", 2));
            assert_eq!(hosts(&outcome), ["192.0.2.1:9", "api.invalid"]);
            assert!(!outcome.observed.incomplete);
        } else {
            assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("", 0));
            assert!(outcome.observed.incomplete);
        }
    }
}

/// Runtimes signal their own threads all the time (Go); a call that waits for its answer must not start over for ever.
#[test]
fn signals_do_not_disturb() {
    for reach in BOTH {
        let (address, count) = host();
        let script = "
import signal, socket
beats = 0
def beat(*_):
    global beats
    beats += 1
signal.signal(signal.SIGALRM, beat)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
for _ in range(60):
    c = socket.create_connection(('api.invalid', 80), 20); c.close()
print('done', beats > 20)
";
        let Some(outcome) = stage(reach, address).python(script) else { return };
        assert_eq!((outcome.said.as_str(), count.load(Ordering::Relaxed)), ("done True\n", 60), "{reach:?}");
    }
}

#[test]
fn many_connections_at_once_are_served_or_refused() {
    for reach in BOTH {
        let (address, _) = host();
        let script = "
import socket, threading, collections
said = collections.Counter()
def go():
    try:
        c = socket.create_connection(('api.invalid', 80), 30)
        c.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n'); n = 0
        while d := c.recv(65536): n += len(d)
        said[n > 250000] += 1
    except OSError as e: said[type(e).__name__] += 1
threads = [threading.Thread(target=go) for _ in range(100)]
[t.start() for t in threads]; [t.join() for t in threads]
print(dict(said))
";
        let Some(outcome) = stage(reach, address).python(script) else { return };
        assert_eq!(outcome.said, "{True: 100}\n", "{reach:?}");
        assert!(!outcome.observed.incomplete);
    }
}
