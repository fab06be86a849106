//! The name server of the sandbox: every name exists and has an address of its own in 198.18.0.0/15 (set aside for
//! benchmarks, RFC 2544), so that a later connection to that address tells which name was meant.
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use super::{
    dns::{self, MAX_QUERY, Question, Reply},
    shared::Shared,
};

/// First address that is given out.
const FIRST: u32 = u32::from_be_bytes([198, 18, 0, 1]);
/// Names that get an address; after that none exists.
const MAX_NAMES: usize = 1000;
/// Questions on one TCP connection.
const MAX_QUESTIONS: usize = 100;
/// Datagrams answered before others get their turn.
const BATCH: usize = 32;
/// How long a TCP connection may stay silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sockets on which names are asked. They belong to the sandbox's network: in its own one, UDP and TCP port 53 of
/// 127.0.0.1 (or whatever its resolv.conf names); in a shared one, a TCP listener on any port of loopback.
///
/// The TCP socket is also where connections to allowed hosts come in, which the supervisor leads there.
#[derive(Debug)]
pub struct Sinkhole {
    pub(super) udp: Option<UdpSocket>,
    pub(super) tcp: Option<TcpListener>,
}

impl Sinkhole {
    /// Takes the sockets, which must be bound.
    ///
    /// # Errors
    /// They are no such sockets.
    pub fn new(udp: Option<UdpSocket>, tcp: Option<TcpListener>) -> io::Result<Self> {
        if let Some(udp) = &udp {
            udp.set_nonblocking(true)?;
        }
        if let Some(tcp) = &tcp {
            tcp.set_nonblocking(true)?;
        }
        Ok(Self { udp, tcp })
    }

    /// Answers the datagrams that wait.
    pub(super) fn answer_datagrams(&self, shared: &Shared) {
        let Some(udp) = &self.udp else { return };
        let mut buffer = [0_u8; MAX_QUERY + 1];
        for _ in 0..BATCH {
            let Ok((length, from)) = udp.recv_from(&mut buffer) else { return };
            let Some(answer) = buffer.get(..length).and_then(|message| answer(shared, message)) else { continue };
            // Whoever asked may be gone.
            let _gone = udp.send_to(&answer, from);
        }
    }

    /// A connection that waits, with its other end.
    pub(super) fn accept(&self) -> Option<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.tcp.as_ref()?.accept().ok()?;
        stream.set_nonblocking(false).ok()?;
        Some((stream, SocketAddr::new(peer.ip().to_canonical(), peer.port())))
    }
}

/// Answers questions over TCP (RFC 7766: each message behind its length) until the other end is done.
pub(super) fn serve_stream(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    for _ in 0..MAX_QUESTIONS {
        let mut length = [0_u8; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message)?;
        let Some(answer) = answer(shared, &message) else { return Ok(()) };
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
    }
    Ok(())
}

fn answer(shared: &Shared, message: &[u8]) -> Option<Vec<u8>> {
    let question = dns::question(message)?;
    let reply = reply(shared, &question);
    Some(dns::answer(message, &question, reply))
}

fn reply(shared: &Shared, question: &Question) -> Reply {
    // Names of addresses, and of this machine, are nobody's host.
    let name = question.name.as_str();
    if name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa") {
        return Reply::NoName;
    }
    shared.record().host(name);
    let address = shared.names().address_of(name);
    match address {
        Some(ip) if question.wants_v4 => Reply::Address(ip),
        Some(_) => Reply::Nothing,
        None => {
            shared.record().incomplete();
            Reply::NoName
        }
    }
}

/// The names that were asked for, and their addresses.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_name: BTreeMap<String, Ipv4Addr>,
    in_order: Vec<String>,
}

impl Names {
    /// The address of a name, a new one if it was not asked for before. `None`: there were too many.
    fn address_of(&mut self, name: &str) -> Option<Ipv4Addr> {
        if let Some(ip) = self.by_name.get(name) {
            return Some(*ip);
        }
        if self.in_order.len() >= MAX_NAMES {
            return None;
        }
        let ip = Ipv4Addr::from(FIRST + u32::try_from(self.in_order.len()).ok()?);
        self.by_name.insert(name.to_owned(), ip);
        self.in_order.push(name.to_owned());
        Some(ip)
    }

    /// The name that has this address.
    pub(super) fn name_of(&self, ip: IpAddr) -> Option<&str> {
        let IpAddr::V4(ip) = ip.to_canonical() else { return None };
        let index = u32::from(ip).checked_sub(FIRST)?;
        self.in_order.get(usize::try_from(index).ok()?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_addresses_of_their_own() {
        let mut names = Names::default();
        let first = names.address_of("a.invalid").unwrap();
        let second = names.address_of("b.invalid").unwrap();
        assert_eq!(names.address_of("a.invalid"), Some(first));
        assert_ne!(first, second);
        assert_eq!(names.name_of(second.into()), Some("b.invalid"));
        assert_eq!(names.name_of(second.to_ipv6_mapped().into()), Some("b.invalid"));
        assert_eq!(names.name_of("198.18.0.9".parse().unwrap()), None);
        assert_eq!(names.name_of("127.0.0.1".parse().unwrap()), None);
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        for n in 0..MAX_NAMES {
            assert!(names.address_of(&format!("h{n}.invalid")).is_some());
        }
        assert_eq!(names.address_of("more.invalid"), None);
        assert!(names.address_of("h0.invalid").is_some());
    }
}
