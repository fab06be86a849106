//! Listeners outside of the sandbox: what they hear has leaked.
use std::{
    io::Write as _,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::PermissionsExt,
            net::{SocketAddr, UnixDatagram, UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Said by the test itself; what came before it has been heard.
const MARK: &[u8] = b"mark of the test";

/// What was heard, with where.
type Heard = Arc<Mutex<Vec<(&'static str, Vec<u8>)>>>;

/// Listeners that answer `heard` to everything.
pub(crate) struct Listeners {
    heard: Heard,
    marks: Vec<(&'static str, Mark)>,
    target: Value,
    /// A port and an abstract name that a stranger may listen on, to be called from here.
    calls: (u16, String),
}

/// How the test makes itself heard on a listener.
enum Mark {
    Tcp(std::net::SocketAddr),
    Udp(std::net::SocketAddr),
    Stream(SocketAddr),
    Datagram(SocketAddr),
}

impl Listeners {
    pub(crate) fn start(root: &Path) -> Self {
        let heard = Heard::default();
        let mut marks = Vec::new();
        let tag = root.file_name().expect("a name").to_string_lossy().into_owned();
        let tcp4 = tcp("tcp4", "127.0.0.1:0", &heard, &mut marks);
        let tcp6 = tcp("tcp6", "[::1]:0", &heard, &mut marks);
        let udp4 = udp("udp4", "127.0.0.1:0", &heard, &mut marks);
        let udp6 = udp("udp6", "[::1]:0", &heard, &mut marks);
        let path = |name: &str| root.join(name);
        let place = |path: &PathBuf| SocketAddr::from_pathname(path).expect("a short path");
        let secret = |name: &str| SocketAddr::from_abstract_name(format!("{tag}-{name}")).expect("a short name");
        let streams = [
            ("unix_outside", path("outside/socket")),
            ("unix_readable", path("readable/socket")),
            ("unix_writable", path("writable/socket")),
        ];
        for (name, path) in &streams {
            stream(name, place(path), &heard, &mut marks);
            everyone(path);
        }
        let datagrams =
            [("datagram_outside", path("outside/datagrams")), ("datagram_readable", path("readable/datagrams"))];
        for (name, path) in &datagrams {
            datagram(name, place(path), &heard, &mut marks);
            everyone(path);
        }
        stream("abstract", secret("stream"), &heard, &mut marks);
        datagram("abstract_datagram", secret("datagrams"), &heard, &mut marks);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let calls = (free, format!("{tag}-calls"));
        let mut target = json!({
            "tcp4": tcp4, "tcp6": tcp6, "udp4": udp4, "udp6": udp6, "abstract": format!("{tag}-stream"),
            "abstract_datagram": format!("{tag}-datagrams"), "listen": calls.0, "listen_abstract": calls.1,
        });
        for (name, path) in streams.iter().chain(&datagrams) {
            target[name] = json!(path);
        }
        Self { heard, marks, target, calls }
    }

    pub(crate) fn target(&self) -> Value {
        self.target.clone()
    }

    /// Calls whatever a stranger may listen on; true if somebody was there.
    pub(crate) fn call(&self) -> bool {
        let abstract_name = SocketAddr::from_abstract_name(&self.calls.1).expect("a short name");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        // UDP: nobody answers, but a stranger that hears says so. On loopback nothing gets lost on the way.
        let _sent = socket.send_to(b"called", ("127.0.0.1", self.calls.0));
        std::net::TcpStream::connect(("127.0.0.1", self.calls.0)).is_ok()
            || UnixStream::connect_addr(&abstract_name).is_ok()
    }

    /// All that was heard since the last time, in words.
    pub(crate) fn heard(&self) -> Vec<String> {
        for (name, mark) in &self.marks {
            let before = self.marks_of(name);
            mark.send();
            let start = Instant::now();
            while self.marks_of(name) == before {
                assert!(start.elapsed() < Duration::from_secs(20), "the listener {name} is deaf");
                std::thread::sleep(Duration::from_micros(300));
            }
        }
        let mut heard = self.heard.lock().expect("not poisoned");
        let all = std::mem::take(&mut *heard);
        all.into_iter()
            .filter(|(_, bytes)| bytes != MARK)
            .map(|(name, bytes)| format!("{name} heard {:?}", String::from_utf8_lossy(&bytes)))
            .collect()
    }

    fn marks_of(&self, listener: &str) -> usize {
        let heard = self.heard.lock().expect("not poisoned");
        heard.iter().filter(|(name, bytes)| *name == listener && bytes == MARK).count()
    }
}

impl Mark {
    fn send(&self) {
        match self {
            Self::Tcp(address) => {
                std::net::TcpStream::connect(address).expect("a listener").write_all(MARK).expect("written");
            }
            Self::Udp(address) => {
                let here = if address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
                UdpSocket::bind(here).expect("a port").send_to(MARK, address).expect("sent");
            }
            Self::Stream(address) => {
                UnixStream::connect_addr(address).expect("listener").write_all(MARK).expect("written")
            }
            Self::Datagram(address) => {
                UnixDatagram::unbound().expect("a socket").send_to_addr(MARK, address).expect("sent");
            }
        }
    }
}

/// Everyone may connect.
fn everyone(path: &Path) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).expect("mode");
}

fn note(heard: &Heard, name: &'static str, bytes: &[u8]) {
    heard.lock().expect("not poisoned").push((name, bytes.to_vec()));
}

/// Hears one connection; also one on which nothing is said.
fn hear(mut from: impl std::io::Read + std::io::Write, name: &'static str, heard: &Heard) {
    let mut bytes = [0; 512];
    let count = from.read(&mut bytes).unwrap_or(0);
    note(heard, name, &bytes[..count]);
    // The attacker may be gone.
    let _answered = from.write_all(b"heard");
}

fn tcp(name: &'static str, address: &str, heard: &Heard, marks: &mut Vec<(&'static str, Mark)>) -> u16 {
    let listener = TcpListener::bind(address).expect("loopback");
    let address = listener.local_addr().expect("an address");
    marks.push((name, Mark::Tcp(address)));
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            connection.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
            hear(connection, name, &heard);
        }
    });
    address.port()
}

fn udp(name: &'static str, address: &str, heard: &Heard, marks: &mut Vec<(&'static str, Mark)>) -> u16 {
    let socket = UdpSocket::bind(address).expect("loopback");
    let address = socket.local_addr().expect("an address");
    marks.push((name, Mark::Udp(address)));
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok((count, from)) = socket.recv_from(&mut bytes) {
            note(&heard, name, &bytes[..count]);
            let _answered = socket.send_to(b"heard", from);
        }
    });
    address.port()
}

fn stream(name: &'static str, address: SocketAddr, heard: &Heard, marks: &mut Vec<(&'static str, Mark)>) {
    let listener = UnixListener::bind_addr(&address).expect("a socket");
    marks.push((name, Mark::Stream(address)));
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            connection.set_read_timeout(Some(Duration::from_millis(200))).expect("a time-out");
            hear(connection, name, &heard);
        }
    });
}

fn datagram(name: &'static str, address: SocketAddr, heard: &Heard, marks: &mut Vec<(&'static str, Mark)>) {
    let socket = UnixDatagram::bind_addr(&address).expect("a socket");
    marks.push((name, Mark::Datagram(address)));
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        let mut bytes = [0; 512];
        while let Ok(count) = socket.recv(&mut bytes) {
            note(&heard, name, &bytes[..count]);
        }
    });
}
