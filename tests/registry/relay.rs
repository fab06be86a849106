//! Something between a server and what it talks to: passes bytes on to the next of its targets, can be cut, and can say 503.
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What it does with connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Passes on; a target that does not answer is left out.
    Open,
    /// Closes them, old ones as well.
    Cut,
    /// Answers every request with 503, as an HTTP server that is overloaded.
    Busy,
}

struct State {
    targets: Vec<String>,
    next: AtomicUsize,
    mood: Mutex<Mood>,
    live: Mutex<Vec<TcpStream>>,
}

/// A relay on loopback; it lives as long as the test's process.
pub(crate) struct Relay {
    address: String,
    state: Arc<State>,
}

impl Relay {
    /// In front of these, `HOST:PORT` or `http://HOST:PORT`, in turn.
    pub(crate) fn new(targets: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State {
            targets: targets.iter().map(|target| target.trim_start_matches("http://").to_owned()).collect(),
            next: AtomicUsize::new(0),
            mood: Mutex::new(Mood::Open),
            live: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, state }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on, and for connections that are there.
    pub(crate) fn set(&self, mood: Mood) {
        *self.state.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
        if mood != Mood::Open {
            for stream in self.state.live.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                // It may have ended by itself.
                let _closed = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl State {
    fn serve(&self, client: TcpStream) {
        let mood = *self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        match mood {
            Mood::Cut => {}
            Mood::Busy => busy(client),
            Mood::Open => self.pass(client),
        }
    }

    fn pass(&self, client: TcpStream) {
        let Some(server) = self.targets.iter().find_map(|_| {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            TcpStream::connect(&self.targets[turn % self.targets.len()]).ok()
        }) else {
            return;
        };
        let copies = [client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone()]
            .map(|copy| copy.expect("a socket"));
        let [mut from_client, mut from_server, kept_client, kept_server] = copies;
        self.live.lock().unwrap_or_else(PoisonError::into_inner).extend([kept_client, kept_server]);
        let (mut to_server, mut to_client) = (server, client);
        let up = std::thread::spawn(move || {
            let _ended = std::io::copy(&mut from_client, &mut to_server);
            let _closed = to_server.shutdown(Shutdown::Write);
        });
        let _ended = std::io::copy(&mut from_server, &mut to_client);
        // When the server is gone, so is its client's connection.
        let _closed = to_client.shutdown(Shutdown::Both);
        let _joined = up.join();
    }
}

fn busy(mut client: TcpStream) {
    let mut head = Vec::new();
    let mut chunk = [0; 8192];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match client.read(&mut chunk) {
            Ok(read @ 1..) => head.extend_from_slice(&chunk[..read]),
            Ok(0) | Err(_) => return,
        }
    }
    let _sent = client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}
