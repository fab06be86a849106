//! The streams of a server, read and written by threads of their own, so that no wait is without a deadline.
//!
//! The threads end when the stream or the other end of their channel does. Nobody joins them: a grandchild of the server
//! may hold a stream open for ever where no sandbox ends it.
use std::{
    io::{Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

/// Lines that may wait to be looked at. With the bound on all output, a bound on memory.
const WAITING_LINES: usize = 64;
/// Messages that may wait to be written.
const WAITING_MESSAGES: usize = 256;
/// How much of stderr is kept, in bytes.
const TAIL: usize = 16 << 10;
/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// What came from the server.
#[derive(Debug)]
pub(super) enum Event {
    /// One line of stdout, without its end.
    Line(Vec<u8>),
    /// A line longer than allowed.
    LineTooLong,
    /// More output than allowed.
    TooMuch,
    /// Stdout ended.
    Closed,
}

/// The three streams.
#[derive(Debug)]
pub(super) struct Pipes {
    events: Receiver<Event>,
    // `None` once closed.
    writer: Option<SyncSender<Vec<u8>>>,
    tail: Arc<Mutex<Vec<u8>>>,
    stderr_ended: Receiver<()>,
}

impl Pipes {
    /// Starts the threads. `line` and `output` are bounds in bytes; see [`super::Bounds`].
    pub(super) fn new(
        stdin: impl Write + Send + 'static,
        stdout: impl Read + Send + 'static,
        stderr: impl Read + Send + 'static,
        line: usize,
        output: u64,
    ) -> Self {
        let (events_in, events) = sync_channel(WAITING_LINES);
        let (writer, messages) = sync_channel(WAITING_MESSAGES);
        let (ended, stderr_ended) = sync_channel(1);
        let tail = Arc::new(Mutex::new(Vec::new()));
        let budget = Arc::new(AtomicU64::new(output));
        let (kept, stderr_budget, stderr_events) = (Arc::clone(&tail), Arc::clone(&budget), events_in.clone());
        thread::spawn(move || lines(stdout, line, &budget, &events_in));
        thread::spawn(move || {
            keep_tail(stderr, &kept, &stderr_budget, &stderr_events);
            // Nobody may be waiting for it.
            let _unheard = ended.try_send(());
        });
        thread::spawn(move || write_all(stdin, &messages));
        Self { events, writer: Some(writer), tail, stderr_ended }
    }

    /// The next event within `patience`.
    pub(super) fn next(&self, patience: Duration) -> Option<Event> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match self.events.recv_timeout(patience) {
            Ok(event) => Some(event),
            Err(Timeout) => None,
            Err(Disconnected) => Some(Event::Closed),
        }
    }

    /// Queues a message. `false` if the server reads nothing, or closed its input; whether it still answers is another
    /// question.
    pub(super) fn send(&self, message: Vec<u8>) -> bool {
        match self.writer.as_ref().map(|writer| writer.try_send(message)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }

    /// Closes the server's input once everything queued is written.
    pub(super) fn close(&mut self) {
        self.writer = None;
    }

    /// The end of what it wrote to stderr. Waits at most `patience` for the stream to end.
    pub(super) fn stderr(&self, patience: Duration) -> Vec<u8> {
        // Either it ended, or what there is must do.
        let _ended = self.stderr_ended.recv_timeout(patience);
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes `read` from what is left of the bound.
fn spend(budget: &AtomicU64, read: usize) -> bool {
    budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(read as u64)).is_ok()
}

/// Reads until the end; an error of a pipe is its end.
fn chunks(mut stream: impl Read, mut each: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) if each(&buffer[..read]) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn lines(stdout: impl Read, max: usize, budget: &AtomicU64, events: &SyncSender<Event>) {
    let mut line: Vec<u8> = Vec::new();
    let mut last = Event::Closed;
    chunks(stdout, |mut chunk| {
        if !spend(budget, chunk.len()) {
            last = Event::TooMuch;
            return false;
        }
        loop {
            let (part, rest) = match chunk.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&chunk[..end], Some(&chunk[end + 1..])),
                None => (chunk, None),
            };
            if line.len() + part.len() > max {
                last = Event::LineTooLong;
                return false;
            }
            line.extend_from_slice(part);
            let Some(rest) = rest else { return true };
            if events.send(Event::Line(std::mem::take(&mut line))).is_err() {
                return false;
            }
            chunk = rest;
        }
    });
    if matches!(last, Event::Closed) && !line.is_empty() && events.send(Event::Line(line)).is_err() {
        return;
    }
    // The client may be gone.
    let _unheard = events.send(last);
}

fn keep_tail(stderr: impl Read, tail: &Mutex<Vec<u8>>, budget: &AtomicU64, events: &SyncSender<Event>) {
    chunks(stderr, |chunk| {
        let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(chunk);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
        drop(kept);
        let fits = spend(budget, chunk.len());
        if !fits {
            // Said before the pipe closes: a server that ends for that reason would else seem to have ended by itself. The client
            // may be gone.
            let _unheard = events.send(Event::TooMuch);
        }
        fits
    });
}

fn write_all(mut stdin: impl Write, messages: &Receiver<Vec<u8>>) {
    for message in messages {
        if stdin.write_all(&message).and_then(|()| stdin.flush()).is_err() {
            // It closed its input; it may still answer what it read.
            return;
        }
    }
}
