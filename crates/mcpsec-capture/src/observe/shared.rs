//! What the supervisor's threads hold together: the record, the names, and the connections that are led outside.
use std::{
    collections::BTreeMap,
    io,
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{record::Record, sinkhole::Names};

/// Calls and connections that are served at once; each has a thread or two. More are refused for the moment.
const MAX_WORKERS: usize = 128;
/// Threads do little here; the default of 2 MiB would be wasted.
const STACK: usize = 128 << 10;

/// What a connection that will come in is for.
#[derive(Debug)]
pub(super) enum Expected {
    /// Names will be asked.
    Names,
    /// Everything goes to and from this connection.
    Relay(TcpStream),
}

/// Shared by all threads of one supervisor.
#[derive(Debug, Default)]
pub(super) struct Shared {
    record: Mutex<Record>,
    names: Mutex<Names>,
    expected: Mutex<BTreeMap<SocketAddr, Expected>>,
    relays: Mutex<BTreeMap<u64, [TcpStream; 2]>>,
    next_relay: Mutex<u64>,
    workers: AtomicUsize,
}

impl Shared {
    /// What was seen.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// What names were asked for.
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        lock(&self.names)
    }

    /// A connection from `from` will come in.
    pub(super) fn expect(&self, from: SocketAddr, what: Expected) {
        lock(&self.expected).insert(from, what);
    }

    /// What the connection from `from` is for; once.
    pub(super) fn take_expected(&self, from: SocketAddr) -> Option<Expected> {
        lock(&self.expected).remove(&from)
    }

    /// Runs something in a thread of its own, unless there are too many.
    ///
    /// # Errors
    /// There are too many, or the system has no more.
    pub(super) fn in_background(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>) + Send + 'static) -> io::Result<()> {
        if self.workers.fetch_add(1, Ordering::Relaxed) >= MAX_WORKERS {
            self.workers.fetch_sub(1, Ordering::Relaxed);
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("mcpsec-observer".to_owned()).stack_size(STACK);
        let started = thread.spawn(move || {
            work(&shared);
            shared.workers.fetch_sub(1, Ordering::Relaxed);
        });
        if started.is_err() {
            self.workers.fetch_sub(1, Ordering::Relaxed);
        }
        started.map(drop)
    }

    /// Carries bytes between two connections until both directions are done.
    pub(super) fn relay(self: &Arc<Self>, inside: TcpStream, outside: TcpStream) -> io::Result<()> {
        let number = {
            let mut next = lock(&self.next_relay);
            *next += 1;
            *next
        };
        lock(&self.relays).insert(number, [inside.try_clone()?, outside.try_clone()?]);
        let entry = Arc::new(Entry { shared: Arc::clone(self), number });
        let (mut inside_in, mut outside_out) = (inside.try_clone()?, outside.try_clone()?);
        let (mut outside_in, mut inside_out) = (outside, inside);
        let other = Arc::clone(&entry);
        self.in_background(move |_| other.carry(&mut inside_in, &mut outside_out))?;
        self.in_background(move |_| entry.carry(&mut outside_in, &mut inside_out))
    }

    fn end_relay(&self, number: u64) {
        let streams = lock(&self.relays).remove(&number);
        for stream in streams.iter().flatten() {
            // It may be closed already.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends all connections.
    pub(super) fn end_all(&self) {
        lock(&self.expected).clear();
        let numbers: Vec<u64> = lock(&self.relays).keys().copied().collect();
        for number in numbers {
            self.end_relay(number);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is whole after every statement, so a thread that panicked leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One relay's entry; removed, and its connections closed, when both directions are done or could not be started.
#[derive(Debug)]
struct Entry {
    shared: Arc<Shared>,
    number: u64,
}

impl Entry {
    /// Copies one direction. Its end is passed on; when it breaks, so does the other one.
    fn carry(&self, from: &mut TcpStream, to: &mut TcpStream) {
        if io::copy(from, to).is_ok() {
            // The other end may be gone.
            let _closed = to.shutdown(Shutdown::Write);
        } else {
            self.shared.end_relay(self.number);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.end_relay(self.number);
    }
}
