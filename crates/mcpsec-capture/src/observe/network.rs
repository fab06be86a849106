//! What is answered to calls that reach out. A connection is never left to the kernel on the word of the program's memory,
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
/// Messages of one `sendmmsg` that are looked at.
const MAX_MESSAGES: usize = 64;
/// Kind bits of `socket`; the rest are flags.
const KIND: u64 = 0xf;

const UNREACHABLE: Answer = Answer::Error(libc::ENETUNREACH);
const REFUSED: Answer = Answer::Error(libc::ECONNREFUSED);
const FAULT: Answer = Answer::Error(libc::EFAULT);

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
    fn reader(&self, notice: &Notice) -> Reader<'_> {
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
                if own { Some(Answer::Continue) } else { self.connect_unix(notice, path) }
            }
            Target::UnixAbstract(name) => {
                self.shared.record().file(&[b"@", &name[..]].concat());
                Some(if own { Answer::Continue } else { REFUSED })
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
        if self.is_literally_allowed(to.ip()) {
            self.tell_address(to);
            return self.lead(notice, Destination::Literal(to));
        }
        match self.reach {
            Reach::Shared if to.port() == DNS && self.nameservers.contains(&to.ip()) && self.door.is_some() => {
                self.lead(notice, Destination::Names)
            }
            Reach::Own if is_here(to.ip()) => self.connect_here(notice, to),
            _ => {
                self.tell_address(to);
                Some(if is_here(to.ip()) { REFUSED } else { UNREACHABLE })
            }
        }
    }

    fn is_literally_allowed(&self, ip: IpAddr) -> bool {
        self.hosts.contains(&ip.to_string()) || (is_here(ip) && self.hosts.contains("localhost"))
    }

    fn tell_address(&self, to: SocketAddr) {
        // Programs "connect" datagram sockets to port 0 to learn which of their addresses would be used.
        if to.port() != 0 {
            self.shared.record().host(&to.to_string());
        }
    }

    fn tell_path(&self, path: &[u8]) {
        if let Some(told) = self.places.told(path, false) {
            self.shared.record().file(&told);
        }
    }

    /// Connects the very socket that is meant to the very address that was looked at; for those that reach nobody.
    fn connect_as_read(&self, notice: &Notice, raw: &[u8]) -> Answer {
        match self.reader(notice).duplicate(notice.args[0]) {
            Ok(socket) => answer_of(sys::connect(socket.as_fd(), raw)),
            Err(_) if self.reach == Reach::Own => Answer::Continue,
            Err(_) => Answer::Error(libc::EAFNOSUPPORT),
        }
    }

    /// To a server of the sandbox itself.
    fn connect_here(self: &Arc<Self>, notice: &Notice, to: SocketAddr) -> Option<Answer> {
        let Ok(socket) = self.reader(notice).duplicate(notice.args[0]) else {
            // Its namespace has no other loopback than its own.
            self.tell_address(to);
            return Some(Answer::Continue);
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
    fn is_inside(&self, socket: BorrowedFd<'_>) -> bool {
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
            answer_of(unix::connect_within(&network.sockets, &path, || {
                network.reader(&notice).duplicate(notice.args[0])
            }))
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

    /// `bind`.
    pub(super) fn bind(&self, notice: &Notice) -> Answer {
        let [_, at, length, ..] = notice.args;
        let Some(raw) = self.reader(notice).address(at, length) else { return FAULT };
        match address::decode(&raw, true) {
            // Its own network has its own ports.
            Target::Internet(_) if self.reach == Reach::Own => Answer::Continue,
            Target::Internet(_) => {
                self.shared.record().refused("bind");
                Answer::Error(libc::EACCES)
            }
            Target::UnixPath(path) => {
                let path = unix::absolute(self.reader(notice), &path);
                if let Some(told) = self.places.told(&path, true) {
                    self.shared.record().file(&told);
                }
                // Where files may be made is decided by the layer below.
                Answer::Continue
            }
            Target::UnixAbstract(_) | Target::UnixUnnamed | Target::Netlink => Answer::Continue,
            Target::Unspecified | Target::Malformed => Answer::Error(libc::EINVAL),
            Target::Other(_) => Answer::Error(libc::EAFNOSUPPORT),
        }
    }

    /// `listen`, watched only where the network is shared: a socket that was never bound would get a port of this machine.
    pub(super) fn listen(&self, notice: &Notice) -> Answer {
        let Ok(socket) = self.reader(notice).duplicate(notice.args[0]) else { return Answer::Error(libc::EACCES) };
        match sys::socket_option(socket.as_fd(), libc::SO_DOMAIN) {
            Ok(libc::AF_UNIX) => {
                let backlog = u32::try_from(notice.args[1] & 0xffff_ffff).unwrap_or_default().cast_signed();
                answer_of(sys::listen(socket.as_fd(), backlog))
            }
            Ok(_) => {
                self.shared.record().refused("listen");
                Answer::Error(libc::EACCES)
            }
            Err(error) => answer_of(Err(error)),
        }
    }

    /// `socket`. Everything that decides is in registers, so that what is allowed is what is made.
    pub(super) fn socket(&self, notice: &Notice) -> Answer {
        let [family, kind, protocol, ..] = notice.args.map(|argument| argument & 0xffff_ffff);
        let number = |value: i32| u64::from(value.cast_unsigned());
        let (stream, datagram) = (number(libc::SOCK_STREAM), number(libc::SOCK_DGRAM));
        let internet = family == number(libc::AF_INET) || family == number(libc::AF_INET6);
        let kind = kind & KIND;
        let own = self.reach == Reach::Own;
        let allowed = if internet {
            // Other protocols (SCTP, raw, MPTCP) reach out by calls of their own.
            (kind == stream && [0, number(libc::IPPROTO_TCP)].contains(&protocol))
                || (own && kind == datagram && [0, number(libc::IPPROTO_UDP)].contains(&protocol))
        } else if family == number(libc::AF_UNIX) {
            // A datagram names its receiver in memory, which is read again after any look at it.
            own || kind != datagram
        } else {
            // How programs list their network interfaces.
            family == number(libc::AF_NETLINK) && protocol == number(libc::NETLINK_ROUTE)
        };
        if allowed {
            return Answer::Continue;
        }
        self.shared.record().refused("socket");
        let raw = kind == number(libc::SOCK_RAW);
        Answer::Error(match (internet, raw) {
            (_, true) => libc::EPERM,
            (true, false) if kind == datagram => libc::EACCES,
            (true, false) => libc::EPROTONOSUPPORT,
            (false, false) => libc::EAFNOSUPPORT,
        })
    }

    /// `socketpair`, watched only where the file system is shared: see [`Self::socket`].
    pub(super) fn socket_pair(&self, notice: &Notice) -> Answer {
        if notice.args[1] & KIND != u64::from(libc::SOCK_DGRAM.cast_unsigned()) {
            return Answer::Continue;
        }
        self.shared.record().refused("socketpair");
        Answer::Error(libc::EACCES)
    }

    /// `sendto` with an address.
    pub(super) fn send_to(&self, notice: &Notice) -> Answer {
        let [_, _, _, flags, at, length] = notice.args;
        let Some(raw) = self.reader(notice).address(at, length) else { return FAULT };
        self.send(notice, &raw, flags)
    }

    /// `sendmsg`.
    pub(super) fn send_message(&self, notice: &Notice) -> Answer {
        let [_, message, flags, ..] = notice.args;
        let reader = self.reader(notice);
        let Some(head) = reader.bytes(message, 16) else { return FAULT };
        match named(reader, &head) {
            Ok(None) if flags & u64::from(libc::MSG_FASTOPEN.cast_unsigned()) == 0 => Answer::Continue,
            Ok(raw) => self.send(notice, &raw.unwrap_or_default(), flags),
            Err(answer) => answer,
        }
    }

    /// `sendmmsg`.
    pub(super) fn send_messages(&self, notice: &Notice) -> Answer {
        // `struct mmsghdr` of the 64-bit architectures.
        const STRIDE: u64 = 64;
        let [_, messages, count, flags, ..] = notice.args;
        let reader = self.reader(notice);
        let mut answer = Answer::Continue;
        for index in 0..(count & 0xffff_ffff).min(MAX_MESSAGES as u64) {
            let head = messages.checked_add(STRIDE * index).and_then(|at| reader.bytes(at, 16));
            let Some(head) = head else { return FAULT };
            match named(reader, &head) {
                Ok(None) => {}
                Ok(Some(raw)) => match self.send(notice, &raw, flags) {
                    Answer::Continue => {}
                    refused => answer = refused,
                },
                Err(wrong) => return wrong,
            }
        }
        if self.reach == Reach::Shared {
            // Every program can do with the calls for one message, and here nothing below would stop a receiver that is
            // exchanged after the look at it.
            self.shared.record().refused("sendmmsg");
            return Answer::Error(libc::EPERM);
        }
        answer
    }

    /// What becomes of bytes for this address.
    fn send(&self, notice: &Notice, raw: &[u8], flags: u64) -> Answer {
        let own = self.reach == Reach::Own;
        let target = address::decode(raw, true);
        let fast_open = flags & u64::from(libc::MSG_FASTOPEN.cast_unsigned()) != 0;
        match &target {
            Target::Internet(to) if own && is_here(to.ip()) => {}
            Target::Internet(to) => {
                let known = self.shared.names().name_of(to.ip()).is_some();
                if !known {
                    self.tell_address(*to);
                }
            }
            Target::UnixPath(path) => self.tell_path(&unix::absolute(self.reader(notice), path)),
            Target::UnixAbstract(name) => self.shared.record().file(&[b"@", &name[..]].concat()),
            _ => {}
        }
        if fast_open {
            // A connection in disguise.
            return Answer::Error(libc::EOPNOTSUPP);
        }
        match target {
            Target::Internet(to) if own && is_here(to.ip()) => {
                // One of this machine's network can only have been inherited; then its loopback is this machine's.
                let socket = self.reader(notice).duplicate(notice.args[0]);
                let inside = socket.map_or(true, |socket| self.is_inside(socket.as_fd()));
                if inside { Answer::Continue } else { UNREACHABLE }
            }
            Target::Internet(_) => UNREACHABLE,
            Target::UnixPath(_) | Target::UnixAbstract(_) if own => Answer::Continue,
            Target::UnixPath(_) | Target::UnixAbstract(_) => REFUSED,
            Target::Netlink => Answer::Continue,
            Target::Unspecified | Target::UnixUnnamed | Target::Malformed => Answer::Error(libc::EINVAL),
            Target::Other(_) => Answer::Error(libc::EAFNOSUPPORT),
        }
    }
}

/// The address in the first 16 bytes of a `struct msghdr`: a pointer and a length.
fn named(reader: Reader<'_>, head: &[u8]) -> Result<Option<Vec<u8>>, Answer> {
    let (Some(pointer), Some(length)) = (head.first_chunk::<8>(), head.get(8..12)) else { return Err(FAULT) };
    let pointer = u64::from_ne_bytes(*pointer);
    let length = length.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if pointer == 0 || length == 0 {
        return Ok(None);
    }
    // The kernel takes what is longer than any address for the longest.
    let length = length.min(address::MAX_ADDRESS as u64);
    reader.address(pointer, length).map(Some).ok_or(FAULT)
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

fn answer_of(done: io::Result<()>) -> Answer {
    match done {
        Ok(()) => Answer::Zero,
        Err(error) => Answer::Error(error.raw_os_error().unwrap_or(libc::EIO)),
    }
}
