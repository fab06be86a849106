//! Starts the observer beside a program, with what the launcher knows of it.
use std::{
    io,
    net::{IpAddr, TcpListener, UdpSocket},
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use super::{
    super::{
        Network, Plan,
        wire::{FileName, Files, Order, Raw, Tier},
    },
    launch::take,
    sys,
};
use crate::observe::{
    Rules, Sinkhole, Supervisor,
    canaries::{self, Trap},
};

/// Longest resolv.conf that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Starts it, if the program is watched. `names` came with the files; `device` is a folder on
/// the file system of its scratch folders, where that is its own.
pub(super) fn start(
    order: &Order,
    plan: &Plan,
    names: &Files,
    device: Option<&OwnedFd>,
    mut files: Vec<(FileName, OwnedFd)>,
) -> io::Result<Option<Supervisor>> {
    let Some(listener) = take(&mut files, FileName::Notify) else {
        return if order.watch().is_some() { Err(io::ErrorKind::NotFound.into()) } else { Ok(None) };
    };
    let scratch = order.scratch.as_ref().map(Raw::path);
    let (home, sockets, nameservers, sinkhole) = match (order.tier, scratch) {
        (Tier::Landlock, Some(scratch)) => {
            let folders = vec![scratch.join("home"), scratch.join("tmp")];
            // It belongs to this machine's network; only the observer leads anybody to it.
            let door = TcpListener::bind("127.0.0.1:0")?;
            (scratch.join("home"), folders, nameservers(), Sinkhole::new(None, Some(door))?)
        }
        _ => {
            let udp = take(&mut files, FileName::NamesUdp).map(UdpSocket::from);
            let tcp = take(&mut files, FileName::NamesTcp).map(TcpListener::from);
            let home = names.home.clone().map(PathBuf::from).unwrap_or_default();
            (home, Vec::new(), Vec::new(), Sinkhole::new(udp, tcp)?)
        }
    };
    let trap = take(&mut files, FileName::Trap).zip(order.canaries.as_ref());
    let mut own: Vec<PathBuf> = [&plan.read[..], &plan.write].concat();
    own.extend(["/tmp", "/var/tmp"].map(PathBuf::from).into_iter().filter(|_| order.tier == Tier::Namespace));
    own.extend(scratch.map(|scratch| scratch.join("tmp")));
    let rules = Rules {
        home,
        own,
        sockets,
        scratch: match device {
            Some(folder) => Some(std::fs::File::from(folder.try_clone()?).metadata()?.dev()),
            None => None,
        },
        hosts: match &plan.network {
            Network::None => [].into(),
            Network::Hosts(hosts) => hosts.clone(),
        },
        nameservers,
        sinkhole: Some(sinkhole),
        trap: trap.map(|(fd, seed)| Trap::from_fd(fd, &canaries::planted(seed))),
        ..Rules::default()
    };
    let Some(watch) = order.watch() else { return Err(io::ErrorKind::InvalidData.into()) };
    match names.user {
        // Whoever made a user namespace may look into all that is in it; only without one does the user matter.
        Some(user) if order.tier == Tier::Landlock && !sys::may_trace_others()? => {
            sys::as_user(user, move || Supervisor::start(listener, watch, rules))
        }
        _ => Supervisor::start(listener, watch, rules),
    }
    .map(Some)
}

/// The name servers of this machine (resolv.conf(5)).
fn nameservers() -> Vec<IpAddr> {
    let text = read(Path::new("/etc/resolv.conf")).unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok());
    let found: Vec<IpAddr> = servers.collect();
    // What the resolver asks when nothing is named.
    if found.is_empty() { vec![IpAddr::from([127, 0, 0, 1])] } else { found }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(std::fs::File::open(path)?, LONGEST), &mut text)?;
    Ok(text)
}
