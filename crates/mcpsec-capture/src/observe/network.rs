//! What is answered to connections. A connection is never left to the kernel on the word of the program's memory,
//! except where the sandbox's own network namespace has nowhere to go.
use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use super::{
    Reach,
    address::{self, Target, is_here},
    outside::Outside,
    places::Places,
    shared::{Expected, Shared},
    sys::{self, Answer, Notice},
    target::Reader,
    unix,
};

/// How long a connection to an allowed host may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Port of name servers.
const DNS: u16 = 53;

pub(super) const UNREACHABLE: Answer = Answer::Error(libc::ENETUNREACH);
pub(super) const REFUSED: Answer = Answer::Error(libc::ECONNREFUSED);
pub(super) const FAULT: Answer = Answer::Error(libc::EFAULT);

/// Rules and means of the network, shared with the threads that connect.
#[derive(Debug)]
pub(super) struct Network {
    /// Whether the sandbox has a network of its own.
    pub reach: Reach,
    /// Allowed host names, in lower case.
    pub hosts: BTreeSet<String>,
    /// Name servers that the program will ask, where the network is shared.
    pub nameservers: Vec<IpAddr>,
    /// Folders in which it may talk to unix sockets, where the file system is shared.
    pub sockets: Vec<PathBuf>,
    /// The device of the scratch folders, where the file system is the sandbox's own.
    pub scratch: Option<u64>,
    /// The sinkhole's TCP address.
    pub door: Option<SocketAddr>,
    /// The sandbox's network namespace.
    pub cookie: Option<u64>,
    /// The way out.
    pub outside: Arc<dyn Outside>,
    /// Where answers go.
    pub listener: Arc<OwnedFd>,
    /// What is told of paths.
    pub places: Places,
    /// Everything threads share.
    pub shared: Arc<Shared>,
}

/// Where an allowed connection goes.
#[derive(Clone, Debug)]
enum Destination {
    /// An allowed name.
    Name(String, u16),
    /// An address that was allowed literally.
    Literal(SocketAddr),
    /// The sinkhole.
    Names,
}

impl Network {
    pub(super) fn reader(&self, notice: &Notice) -> Reader<'_> {
        Reader::of(self.listener.as_fd(), notice)
    }

    /// `connect`. `None`: a thread will answer.
    pub(super) fn connect(self: &Arc<Self>, notice: &Notice) -> Option<Answer> {
        let [_, at, length, ..] = notice.args;
        let Some(raw) = self.reader(notice).address(at, length) else { return Some(FAULT) };
        let own = self.reach == Reach::Own;
        match address::decode(&raw, false) {
            Target::Internet(to) => self.connect_internet(notice, to),
            Target::Unspecified => Some(self.connect_as_read(notice, &raw)),
            Target::UnixPath(path) => {
                let path = unix::absolute(self.reader(notice), &path);
                self.tell_path(&path);
                self.connect_unix(notice, path)
            }
            Target::UnixAbstract(name) => {
                self.shared.record().file(&[b"@", &name[..]].concat());
                if own { self.connect_abstract(notice, raw) } else { Some(REFUSED) }
            }
            // The kernel is no host, and which of its services there are is decided when the socket is made.
            Target::Netlink => Some(self.connect_as_read(notice, &raw)),
            Target::UnixUnnamed | Target::Malformed => Some(Answer::Error(libc::EINVAL)),
            Target::Other(_) => Some(Answer::Error(libc::EAFNOSUPPORT)),
        }
    }

    fn connect_internet(self: &Arc<Self>, notice: &Notice, to: SocketAddr) -> Option<Answer> {
        let name = self.shared.names().name_of(to.ip()).map(str::to_owned);
        if let Some(name) = name {
            // It was told when the name was asked for.
            return if self.hosts.contains(&name) {
                self.lead(notice, Destination::Name(name, to.port()))
            } else {
                Some(UNREACHABLE)
            };
        }
        // Before what is allowed literally: this machine's loopback may be, and its name server is not meant.
        if to.port() == DNS && self.is_name_server(to.ip()) {
            return match self.reach {
                Reach::Own => self.connect_here(notice, to),
                Reach::Shared => self.lead(notice, Destination::Names),
            };
        }
        if self.is_literally_allowed(to.ip()) {
            self.tell_address(to);
            return self.lead(notice, Destination::Literal(to));
        }
        if self.reach == Reach::Own && is_here(to.ip()) {
            return self.connect_here(notice, to);
        }
        self.tell_address(to);
        Some(if is_here(to.ip()) { REFUSED } else { UNREACHABLE })
    }

    /// Whether names are asked there.
    fn is_name_server(&self, ip: IpAddr) -> bool {
        self.door.is_some_and(|door| match self.reach {
            Reach::Own => door.ip() == ip,
            Reach::Shared => self.nameservers.contains(&ip),
        })
    }

    fn is_literally_allowed(&self, ip: IpAddr) -> bool {
        self.hosts.contains(&ip.to_string()) || (is_here(ip) && self.hosts.contains("localhost"))
    }

    pub(super) fn tell_address(&self, to: SocketAddr) {
        // Programs "connect" datagram sockets to port 0 to learn which of their addresses would be used.
        if to.port() != 0 {
            self.shared.record().host(&to.to_string());
        }
    }

    pub(super) fn tell_path(&self, path: &[u8]) {
        if let Some(told) = self.places.told(path, false) {
            self.shared.record().file(&told);
        }
    }

    /// Connects the very socket that is meant to the very address that was looked at; for those that reach nobody.
    fn connect_as_read(&self, notice: &Notice, raw: &[u8]) -> Answer {
        match self.reader(notice).duplicate(notice.args[0]) {
            Ok(socket) => answer_of(sys::connect(socket.as_fd(), raw)),
            Err(_) => Answer::Error(libc::EAFNOSUPPORT),
        }
    }

    /// To an abstract name of the sandbox's own network. Whatever is in the program's memory by now, this is what is called.
    fn connect_abstract(self: &Arc<Self>, notice: &Notice, raw: Vec<u8>) -> Option<Answer> {
        let (network, notice) = (Arc::clone(self), *notice);
        self.later(&notice, move || {
            let connected = network.reader(&notice).duplicate(notice.args[0]).and_then(|socket| {
                if !network.is_inside(socket.as_fd()) {
                    return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
                }
                sys::connect(socket.as_fd(), &raw)
            });
            answer_of(connected)
        })
    }

    /// To a server of the sandbox itself.
    fn connect_here(self: &Arc<Self>, notice: &Notice, to: SocketAddr) -> Option<Answer> {
        let Ok(socket) = self.reader(notice).duplicate(notice.args[0]) else {
            // It may be a unix socket, and the address one of those when the kernel reads it.
            self.tell_address(to);
            return Some(UNREACHABLE);
        };
        if !self.is_inside(socket.as_fd()) {
            self.tell_address(to);
            return Some(UNREACHABLE);
        }
        let network = Arc::clone(self);
        let stream = sys::socket_option(socket.as_fd(), libc::SO_TYPE).is_ok_and(|kind| kind == libc::SOCK_STREAM);
        let work = move || {
            let Some(raw) = raw_for(socket.as_fd(), to) else { return Answer::Error(libc::EAFNOSUPPORT) };
            let done = sys::connect(socket.as_fd(), &raw);
            // It talks to a server of its own; everything else is a look for one of this machine.
            let own = !stream || sys::is_established(socket.as_fd());
            if !own && to.port() != DNS {
                network.tell_address(to);
            }
            answer_of(done)
        };
        // Only streams may have to wait.
        if stream { self.later(notice, work) } else { Some(work()) }
    }

    /// Whether a socket belongs to the sandbox's network. One that came from elsewhere (an inherited stream) would reach
    /// further.
    pub(super) fn is_inside(&self, socket: BorrowedFd<'_>) -> bool {
        match (self.cookie, sys::network_of(socket)) {
            (Some(expected), Ok(found)) => expected == found,
            // Before Linux 5.14 nobody can tell.
            (None, _) | (_, Err(_)) => self.cookie.is_none(),
        }
    }

    /// To an allowed host or the sinkhole, by leading the program's own socket to the sinkhole's door.
    fn lead(self: &Arc<Self>, notice: &Notice, to: Destination) -> Option<Answer> {
        let (network, notice) = (Arc::clone(self), *notice);
        self.later(&notice, move || match network.open_way(&notice, &to) {
            Ok(()) => Answer::Zero,
            Err(error) => Answer::Error(error.raw_os_error().unwrap_or(match error.kind() {
                io::ErrorKind::TimedOut => libc::ETIMEDOUT,
                _ => libc::EHOSTUNREACH,
            })),
        })
    }

    fn open_way(&self, notice: &Notice, to: &Destination) -> io::Result<()> {
        let fail = |number: i32| Err(io::Error::from_raw_os_error(number));
        let door = self.door.ok_or_else(|| io::Error::from_raw_os_error(libc::ENETUNREACH))?;
        let socket = match self.reader(notice).duplicate(notice.args[0]) {
            Ok(socket) => socket,
            // Containers may forbid this one call. A new socket of this network may only go where the network is shared.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) && self.reach == Reach::Shared => {
                return self.inject(notice, to, door);
            }
            Err(error) => return Err(error),
        };
        let socket = socket.as_fd();
        if sys::socket_option(socket, libc::SO_TYPE)? != libc::SOCK_STREAM {
            return fail(libc::ENETUNREACH);
        }
        if self.reach == Reach::Own && !self.is_inside(socket) {
            return fail(libc::ENETUNREACH);
        }
        if sys::is_established(socket) {
            return fail(libc::EISCONN);
        }
        let expected = self.far_end(to)?;
        let from = bound_to_loopback(socket)?;
        let Some(raw) = raw_for(socket, door) else { return fail(libc::EAFNOSUPPORT) };
        self.shared.expect(from, expected);
        let done = sys::connect(socket, &raw);
        if done.as_ref().is_err_and(|error| error.raw_os_error() != Some(libc::EINPROGRESS)) {
            drop(self.shared.take_expected(from));
        }
        done
    }

    /// A new connection in the place of the program's socket.
    fn inject(&self, notice: &Notice, to: &Destination, door: SocketAddr) -> io::Result<()> {
        let (close_on_exec, nonblocking) = self
            .reader(notice)
            .descriptor_flags(notice.args[0])
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ENETUNREACH))?;
        let stream = match self.far_end(to)? {
            Expected::Relay(stream) => stream,
            Expected::Names => {
                let local = (Ipv4Addr::LOCALHOST, 0).into();
                let Some(raw) = address::encode(local, libc::AF_INET) else { return Err(io::ErrorKind::Other.into()) };
                let socket = sys::stream_socket()?;
                sys::bind(socket.as_fd(), &raw)?;
                self.shared.expect(bound_to_loopback(socket.as_fd())?, Expected::Names);
                let Some(raw) = address::encode(door, libc::AF_INET) else { return Err(io::ErrorKind::Other.into()) };
                sys::connect(socket.as_fd(), &raw)?;
                TcpStream::from(socket)
            }
        };
        stream.set_nonblocking(nonblocking)?;
        let number = u32::try_from(notice.args[0] & 0xffff_ffff).unwrap_or(u32::MAX);
        sys::inject(self.listener.as_fd(), notice.id, stream.as_fd(), number, close_on_exec)
    }

    fn far_end(&self, to: &Destination) -> io::Result<Expected> {
        match to {
            Destination::Names => Ok(Expected::Names),
            Destination::Literal(to) => self.outside.connect(*to, PATIENCE).map(Expected::Relay),
            Destination::Name(name, port) => {
                let mut last = io::Error::from_raw_os_error(libc::EHOSTUNREACH);
                for address in self.outside.resolve(name, *port)? {
                    if !self.outside.may_lead_to(address.ip()) {
                        // The name points inside: worth telling, and no way.
                        self.shared.record().host(&address.to_string());
                        continue;
                    }
                    match self.outside.connect(address, PATIENCE) {
                        Ok(stream) => return Ok(Expected::Relay(stream)),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    fn connect_unix(self: &Arc<Self>, notice: &Notice, path: Vec<u8>) -> Option<Answer> {
        let (network, notice) = (Arc::clone(self), *notice);
        self.later(&notice, move || {
            let reader = network.reader(&notice);
            let place = match network.reach {
                Reach::Own => unix::within_scratch(reader, network.scratch, &path),
                Reach::Shared => unix::within(&network.sockets, &path),
            };
            let connected = place.and_then(|place| unix::connect_to(place.as_fd(), reader.duplicate(notice.args[0])?));
            answer_of(connected)
        })
    }

    /// Answers from a thread.
    fn later(self: &Arc<Self>, notice: &Notice, work: impl FnOnce() -> Answer + Send + 'static) -> Option<Answer> {
        let (listener, id) = (Arc::clone(&self.listener), notice.id);
        let started = self.shared.in_background(move |shared| {
            let answer = work();
            if sys::answer(listener.as_fd(), id, answer).is_err() {
                shared.record().incomplete();
            }
        });
        started.is_err().then_some(Answer::Error(libc::EAGAIN))
    }
}

/// The address for this very socket's family.
fn raw_for(socket: BorrowedFd<'_>, to: SocketAddr) -> Option<Vec<u8>> {
    address::encode(to, sys::socket_option(socket, libc::SO_DOMAIN).ok()?)
}

/// Binds a socket to a port of loopback if it has none yet; gives where it will come from.
fn bound_to_loopback(socket: BorrowedFd<'_>) -> io::Result<SocketAddr> {
    let own = || match address::decode(&sys::own_address(socket)?, false) {
        Target::Internet(own) => Ok(own),
        _ => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
    };
    let mut from = own()?;
    if from.port() == 0 {
        let raw = raw_for(socket, (Ipv4Addr::LOCALHOST, 0).into());
        sys::bind(socket, &raw.ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?)?;
        from = own()?;
    }
    if from.ip().is_unspecified() {
        from.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    Ok(from)
}

pub(super) fn answer_of(done: io::Result<()>) -> Answer {
    match done {
        Ok(()) => Answer::Zero,
        Err(error) => Answer::Error(error.raw_os_error().unwrap_or(libc::EIO)),
    }
}
