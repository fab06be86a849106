//! What is answered to calls that make, bind and open sockets.
use std::os::fd::AsFd;

use super::{
    Reach,
    address::{self, Target},
    network::{FAULT, Network, answer_of},
    sys::{self, Answer, Notice},
    unix,
};

/// Kind bits of `socket`; the rest are flags.
const KIND: u64 = 0xf;

/// Whether unix sockets of this kind have one partner only. A datagram names its receiver in memory, which is read again after
/// any look at it; raw ones are datagrams too.
fn connected(kind: u64) -> bool {
    [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].iter().any(|one| u64::from(one.cast_unsigned()) == kind)
}

impl Network {
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
            // Names that are no files belong to the network; `listen` looks again at what was bound in the end.
            Target::UnixAbstract(_) | Target::UnixUnnamed if self.reach == Reach::Shared => {
                self.shared.record().refused("bind");
                Answer::Error(libc::EACCES)
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
            // Once it has a name it keeps it, so what is seen now is what others will call.
            Ok(libc::AF_UNIX)
                if !matches!(
                    sys::own_address(socket.as_fd()).map(|own| address::decode(&own, false)),
                    Ok(Target::UnixPath(_))
                ) =>
            {
                self.shared.record().refused("listen");
                Answer::Error(libc::EACCES)
            }
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
            connected(kind)
        } else {
            // How programs list their network interfaces, which are nobody's business where they are this machine's.
            own && family == number(libc::AF_NETLINK) && protocol == number(libc::NETLINK_ROUTE)
        };
        if allowed {
            return Answer::Continue;
        }
        self.shared.record().refused("socket");
        let unix = family == number(libc::AF_UNIX);
        let raw = !unix && kind == number(libc::SOCK_RAW);
        Answer::Error(match (internet, raw) {
            (_, true) => libc::EPERM,
            _ if unix || kind == datagram && internet => libc::EACCES,
            (true, false) => libc::EPROTONOSUPPORT,
            (false, false) => libc::EAFNOSUPPORT,
        })
    }

    /// `socketpair`: see [`connected`].
    pub(super) fn socket_pair(&self, notice: &Notice) -> Answer {
        if connected(notice.args[1] & KIND) {
            return Answer::Continue;
        }
        self.shared.record().refused("socketpair");
        Answer::Error(libc::EACCES)
    }
}
