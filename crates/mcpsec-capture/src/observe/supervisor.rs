//! The thread that hears of watched calls, writes them down and answers.
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    thread::JoinHandle,
};

use mcpsec_model::capture::Observed;

use super::{
    Reach, Rules, Watch,
    calls::{self, Call, Row},
    canaries::Trap,
    network::Network,
    places::Places,
    shared::{Expected, Shared},
    sinkhole::{self, Sinkhole},
    sys::{self, Answer, Notice},
    target::Reader,
};

/// Watches one sandboxed program and its descendants.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts watching. `listener` is what [`super::install`] gave in the sandboxed process with the same `watch`; its calls
    /// wait until they are answered here. Its threads have the ids of the thread that calls this: where the program runs as
    /// another user and this process has no `CAP_SYS_PTRACE` (root in a container), call it from a thread that took the
    /// program's ids, since the kernel shows a program's memory to its own user only. Where it is not shown, connections
    /// fail and [`Observed::incomplete`] is set.
    ///
    /// # Errors
    /// The system has no descriptors or threads left, or no such listener.
    pub fn start(listener: OwnedFd, watch: Watch, rules: Rules) -> io::Result<Self> {
        let (stop, words) = (Arc::new(sys::event()?), sys::notice_words()?);
        sys::wake_in_place(listener.as_fd());
        let shared = Arc::<Shared>::default();
        let listener = Arc::new(listener);
        let door = rules.sinkhole.as_ref().and_then(|sinkhole| sinkhole.tcp.as_ref());
        let cookie = door.and_then(|door| sys::network_of(door.as_fd()).ok());
        let network = Network {
            reach: watch.reach,
            hosts: rules.hosts.iter().map(|host| plain(host)).collect(),
            nameservers: rules.nameservers,
            sockets: rules.sockets,
            scratch: rules.scratch,
            door: door.map(std::net::TcpListener::local_addr).transpose()?,
            cookie,
            outside: rules.outside,
            listener: Arc::clone(&listener),
            places: Places::new(&rules.home, &rules.own),
            shared: Arc::clone(&shared),
        };
        let watcher = Watcher {
            rows: calls::rows(&watch),
            words,
            listener,
            stop: Arc::clone(&stop),
            network: Arc::new(network),
            sinkhole: rules.sinkhole,
            trap: rules.trap,
            started: false,
            looked: false,
        };
        let thread = std::thread::Builder::new().name("mcpsec-observer".to_owned());
        let thread = thread.spawn(move || watcher.run())?;
        Ok(Self { shared, stop, thread: Some(thread) })
    }

    /// Ends watching and gives what was seen. The program should have ended; calls of one that has not fail from now on.
    pub fn finish(mut self) -> Observed {
        self.end();
        self.shared.record().take()
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if sys::raise(self.stop.as_fd()).is_err() || thread.join().is_err() {
            self.shared.record().incomplete();
        }
        self.shared.end_all();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

/// A host as names are compared: lower case, without the last dot or the brackets of an IPv6 address.
fn plain(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.to_ascii_lowercase()
}

struct Watcher {
    rows: Vec<Row>,
    words: usize,
    listener: Arc<OwnedFd>,
    stop: Arc<OwnedFd>,
    network: Arc<Network>,
    sinkhole: Option<Sinkhole>,
    trap: Option<Trap>,
    /// Whether the program itself was started; what comes before is the launcher's.
    started: bool,
    /// Whether it was tried to look into it.
    looked: bool,
}

impl Watcher {
    fn run(mut self) {
        if self.watch().is_err() {
            self.network.shared.record().incomplete();
        }
        self.drain_trap();
        if let Some(trap) = self.trap.take() {
            // The kernel takes ten milliseconds to take down a watch on files, and nothing depends on when it is done. Where
            // there is no thread for it, it is done here.
            let _closed = std::thread::Builder::new().name("mcpsec-trap".to_owned()).spawn(move || drop(trap));
        }
    }

    fn watch(&mut self) -> io::Result<()> {
        loop {
            let udp = self.sinkhole.as_ref().and_then(|sinkhole| sinkhole.udp.as_ref());
            let tcp = self.sinkhole.as_ref().and_then(|sinkhole| sinkhole.tcp.as_ref());
            let mut fds = vec![self.stop.as_fd(), self.listener.as_fd()];
            fds.extend(udp.map(AsFd::as_fd));
            fds.extend(tcp.map(AsFd::as_fd));
            fds.extend(self.trap.as_ref().map(Trap::as_fd));
            let ready = sys::wait(&fds, -1)?;
            let mut ready = ready.into_iter();
            let mut next = || ready.next().unwrap_or_default();
            let (stopped, _) = next();
            let (asked, ended) = next();
            let (datagrams, connections) = (udp.is_some() && next().0, tcp.is_some() && next().0);
            let trapped = self.trap.is_some() && next().0;
            if asked {
                self.serve_call()?;
            }
            if datagrams && let Some(sinkhole) = &self.sinkhole {
                sinkhole.answer_datagrams(&self.network.shared);
            }
            if connections {
                self.accept();
            }
            if trapped {
                self.drain_trap();
            }
            // Calls of programs that still run when watching is stopped fail.
            if stopped || (ended && !asked) {
                return Ok(());
            }
        }
    }

    fn drain_trap(&mut self) {
        if let Some(trap) = &mut self.trap {
            let shared = Arc::clone(&self.network.shared);
            trap.drain(|path| shared.record().canary(path), || shared.record().incomplete());
        }
    }

    fn accept(&self) {
        let Some((stream, peer)) = self.sinkhole.as_ref().and_then(Sinkhole::accept) else { return };
        let shared = &self.network.shared;
        let expected = shared.take_expected(peer);
        let served = match expected {
            Some(Expected::Relay(outside)) => shared.relay(stream, outside),
            // In a network of its own nobody else can come; elsewhere anybody of this machine could.
            None if self.network.reach == Reach::Shared => Ok(()),
            Some(Expected::Names) | None => shared.in_background(move |shared| {
                // A connection that breaks is the program's own affair.
                let _broken = sinkhole::serve_stream(stream, shared);
            }),
        };
        if served.is_err() {
            shared.record().incomplete();
        }
    }

    fn serve_call(&mut self) -> io::Result<()> {
        let Some(notice) = sys::receive(self.listener.as_fd(), self.words)? else { return Ok(()) };
        match self.decide(&notice) {
            Some(answer) => sys::answer(self.listener.as_fd(), notice.id, answer),
            None => Ok(()),
        }
    }

    fn decide(&mut self, notice: &Notice) -> Option<Answer> {
        // The program alone, since the launcher has changed its ids and is closed to others until it is another program.
        if self.started
            && !std::mem::replace(&mut self.looked, true)
            && !Reader::of(self.listener.as_fd(), notice).may_look()
        {
            self.network.shared.record().incomplete();
        }
        let call = self.rows.iter().find(|(nr, ..)| *nr == notice.nr).map(|(_, call, _)| *call);
        match call {
            Some(Call::Connect) => self.network.connect(notice),
            Some(Call::Bind) => Some(self.network.bind(notice)),
            Some(Call::Listen) => Some(self.network.listen(notice)),
            Some(Call::Socket) => Some(self.network.socket(notice)),
            Some(Call::SocketPair) => Some(self.network.socket_pair(notice)),
            Some(Call::SendTo) => Some(self.network.send_to(notice)),
            Some(Call::SendMsg) => Some(self.network.send_message(notice)),
            Some(Call::SendMmsg) => Some(self.network.send_messages(notice)),
            Some(Call::Path { .. } | Call::Exec { .. }) => {
                self.note_files(notice, call);
                Some(Answer::Continue)
            }
            Some(Call::Refused(name, error)) => {
                self.network.shared.record().refused(name);
                Some(Answer::Error(error))
            }
            // The filter and this table are one, so this is a filter of someone else.
            None => Some(Answer::Error(libc::ENOSYS)),
        }
    }

    /// Writes down calls on files; the file rules of the sandbox decide about them.
    fn note_files(&mut self, notice: &Notice, call: Option<Call>) {
        let reader = Reader::of(self.listener.as_fd(), notice);
        let path_at = |folder: Option<usize>, path: usize| {
            let at = notice.args.get(path).copied()?;
            reader.path(folder.and_then(|index| notice.args.get(index).copied()), at)
        };
        match call {
            Some(Call::Path { folder, path, second, changes }) => {
                let changes = changes.holds(&notice.args);
                let paths = [path_at(folder, path), second.and_then(|(folder, path)| path_at(folder, path))];
                for path in paths.into_iter().flatten() {
                    if let Some(told) = self.network.places.told(&path, changes) {
                        self.network.shared.record().file(&told);
                    }
                }
            }
            Some(Call::Exec { folder, path }) => {
                if !std::mem::replace(&mut self.started, true) {
                    return;
                }
                let Some(file) = path_at(folder, path) else { return };
                let mut line = if reader.has_file(&file) {
                    file
                } else {
                    // A search along PATH tries one name in many folders.
                    file.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec()
                };
                let arguments = notice.args.get(path + 1).map(|argv| reader.arguments(*argv));
                for argument in arguments.unwrap_or_default() {
                    line.push(b' ');
                    line.extend(argument);
                }
                self.network.shared.record().program(&line);
            }
            _ => {}
        }
    }
}
