//! The way out for allowed hosts: how a name becomes addresses, and an address a connection. A trait, so that tests can lead
//! names of their own to loopback.
use std::{
    fmt::Debug,
    io,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::address::is_public;

/// Resolves names and connects, outside of the sandbox.
pub trait Outside: Send + Sync + Debug {
    /// The addresses of an allowed name, in the order in which they are to be tried.
    ///
    /// # Errors
    /// The name has none, or nobody could be asked.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Connects.
    ///
    /// # Errors
    /// What the network said.
    fn connect(&self, address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&address, patience)
    }

    /// Whether a name (not an address that was allowed literally) may lead there. Only the public internet, so that an
    /// allowed name whose owner lets it point inside (DNS rebinding) reaches nothing.
    fn may_lead_to(&self, ip: IpAddr) -> bool {
        is_public(ip)
    }
}

/// This machine's resolver and network.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Outside for ThisMachine {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}
