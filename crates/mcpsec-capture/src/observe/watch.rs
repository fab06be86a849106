//! What is watched and what is allowed: the two halves that the launcher and the supervisor agree on.
use std::{collections::BTreeSet, io, net::IpAddr, os::fd::OwnedFd, path::PathBuf, sync::Arc};

use super::{
    calls,
    canaries::Trap,
    filter,
    outside::{Outside, ThisMachine},
    sinkhole::Sinkhole,
    sys,
};

/// Whose network and file system the program has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Namespaces of its own: there is nothing but loopback, and no file but those it was given (tier `namespace`).
    Own,
    /// Those of this machine (tier `landlock`). There, nothing that reaches out is left to the kernel: UDP, unix datagrams,
    /// and listening on ports are refused altogether.
    Shared,
}

/// Environment for programs whose network is shared: names are asked over TCP, which can be led to the sinkhole. Understood
/// by glibc and c-ares; others find no names.
pub const SHARED_NETWORK_ENV: (&str, &str) = ("RES_OPTIONS", "use-vc");

/// What the filter brings to the supervisor. Both sides must be given the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watch {
    /// Whose network and file system the program has.
    pub reach: Reach,
    /// Whether opening files is watched too. Reading canaries is seen without.
    pub opens: bool,
    /// Whether nothing but `connect` is watched, and that only to hold it: unix sockets of this machine may lie in folders that
    /// are readable inside, and no mount keeps anybody from talking to them.
    pub connects_only: bool,
}

impl Watch {
    /// The numbers of the calls that the supervisor answers, so that no other filter decides them first.
    pub(crate) fn answered(&self) -> BTreeSet<i64> {
        calls::rows(self).into_iter().map(|(number, ..)| number).collect()
    }
}

/// What the program may do, and what it was given.
#[derive(Debug)]
pub struct Rules {
    /// Its scratch home, as it sees it.
    pub home: PathBuf,
    /// Files and folders it was given, as it sees them; using those is not told.
    pub own: Vec<PathBuf>,
    /// Folders in which it may connect to unix sockets where the file system is shared: its scratch folders. No links on
    /// the way, and not writable by others.
    pub sockets: Vec<PathBuf>,
    /// The device of its scratch folders, where the file system is its own: it may connect to unix sockets that lie there, which
    /// it made itself, and to no others. Sockets that others made may lie in folders that it was given.
    pub scratch: Option<u64>,
    /// Hosts it may reach over TCP, on any port: names, or addresses that are meant literally. A loopback address (or
    /// `localhost`) is this machine's then, and servers of the sandbox itself are out of reach there.
    pub hosts: BTreeSet<String>,
    /// Name servers of this machine's resolv.conf, where the network is shared.
    pub nameservers: Vec<IpAddr>,
    /// Where names are asked. Without it there are no names, and no allowed hosts.
    pub sinkhole: Option<Sinkhole>,
    /// Which canaries are watched.
    pub trap: Option<Trap>,
    /// The way to allowed hosts.
    pub outside: Arc<dyn Outside>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            home: PathBuf::new(),
            own: Vec::new(),
            sockets: Vec::new(),
            scratch: None,
            hosts: BTreeSet::new(),
            nameservers: Vec::new(),
            sinkhole: None,
            trap: None,
            outside: Arc::new(ThisMachine),
        }
    }
}

/// Installs the filter on the calling thread, for it and all it starts; gives the listener for
/// [`super::Supervisor::start`]. Called in the sandboxed process as the last thing before `exec`, after no_new_privs is set
/// and all other filters are in place. From here on watched calls wait for the supervisor; when the listener is closed they
/// fail with `ENOSYS`. Sending the listener away would wait too: [`super::handover::install_and_send`] does both.
///
/// A signal whose handler asks for no restart (`SA_RESTART`) and that comes in the microseconds before the supervisor has taken
/// a call makes it fail with `EINTR`, also calls that otherwise never do. The kernel offers no way around that.
///
/// # Errors
/// The kernel refused, or there is a listener already (`EBUSY`).
pub fn install(watch: &Watch) -> io::Result<OwnedFd> {
    sys::install(&mut filter::program(&calls::rows(watch)))
}
