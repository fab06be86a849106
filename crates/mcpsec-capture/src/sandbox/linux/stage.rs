//! The launcher's second half: this program again, started by the first half with a socket and nothing else.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::{TcpListener, UdpSocket},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::{fs::chown, net::UnixStream},
    },
    path::{Path, PathBuf},
};

use crate::observe::canaries::{self, Trap};

use super::{
    super::{
        scratch,
        wire::{self, FileName, Order, Raw, Tier},
    },
    broke::{Broke, Step},
    confine::{self, Cell},
    guard::{self, Over},
    identity::{INSIDE, Identity},
    layout::{Access, Layout},
    places::Places,
    root::{self, Resident},
    rules,
    sys::{self, Status},
};

/// Does what is ordered on the socket with this number. Returns only if that failed, after reporting it.
///
/// Call while the process has one thread.
pub(in crate::sandbox) fn obey(socket: RawFd) {
    if socket < 3 {
        return;
    }
    // SAFETY: the first half made this descriptor for us; a wrong number closes a file of a process that does nothing else.
    let control = unsafe { UnixStream::from_raw_fd(socket) };
    if let Err(broke) = run(&control) {
        confine::say_failed(&control, &broke);
    }
}

fn run(control: &UnixStream) -> Result<(), Broke> {
    sys::set_inherited(std::os::fd::AsFd::as_fd(control), false).at("take the socket")?;
    let socket = control.as_raw_fd().cast_unsigned();
    // Whatever else was handed down by mistake.
    if socket > 3 {
        sys::close_range(3, socket - 1, false).at("close files")?;
    }
    sys::close_range(socket + 1, u32::MAX, false).at("close files")?;
    let order = order(control).at("read the order")?;
    // Signals of a terminal reach the first half, which passes them on.
    sys::new_group().at("start a group")?;
    let null = OwnedFd::from(File::options().read(true).write(true).open("/dev/null").at("open /dev/null")?);
    match order.tier {
        Tier::Namespace => namespace(&order, control, &null),
        Tier::Landlock => landlock(&order, control, &null),
    }
}

fn order(control: &UnixStream) -> io::Result<Order> {
    match confine::next_tag(control)? {
        Some(wire::ORDER) => serde_json::from_slice(&wire::payload(control)?).map_err(io::Error::other),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The paths of a plan with their access.
fn paths(order: &Order) -> Vec<(PathBuf, Access)> {
    let read = order.read.iter().map(|path| (PathBuf::from(path.clone()), Access::Read));
    let write = order.write.iter().map(|path| (PathBuf::from(path.clone()), Access::Write));
    read.chain(write).collect()
}

/// The system's places and the plan's.
fn layout(paths: &[(PathBuf, Access)]) -> Result<Layout, Broke> {
    let mut layout = Layout::system().at("look at the system's folders")?;
    layout.add_all(paths).or_else(|(path, error)| {
        let shown = mcpsec_model::text::Untrusted::new(path.to_string_lossy()).excerpt(120);
        let why =
            if error.raw_os_error() == Some(libc::EXDEV) { ", which lies in a folder that may be written" } else { "" };
        Err(error).at(&format!("look at {shown}{why}"))
    })?;
    Ok(layout)
}

/// Everything in new namespaces: this process stays outside of the PID namespace, its child is the first process inside.
fn namespace(order: &Order, control: &UnixStream, null: &OwnedFd) -> Result<(), Broke> {
    let paths = paths(order);
    let layout = layout(&paths)?;
    let identity = Identity::choose(&paths, false).at("choose a user")?;
    let signals = guard::listen()?;
    enter(identity)?;
    let (mut heard, told) = io::pipe().at("make a pipe")?;
    let Some(first) = sys::fork(false).at("start the first process")? else {
        drop(heard);
        if let Err(broke) = inside(order, identity, &layout, control, &signals, null, told) {
            confine::say_failed(control, &broke);
            sys::exit_now(127)
        }
        sys::exit_now(0)
    };
    drop(told);
    sys::silence(null).at("let go of the streams")?;
    let status = match guard::watch(first, &signals, Some(control)).at("watch")? {
        Over::Ended(status) => status,
        Over::LetGo => {
            // The kernel ends all processes of a PID namespace with its first, before that one can be waited for.
            sys::kill(first, libc::SIGKILL).at("end everything")?;
            let ended = sys::wait(first, true).at("wait for the end")?;
            ended.map_or(Status(libc::SIGKILL), |(_, status)| status)
        }
    };
    let mut code = [0; 4];
    let told = heard.read_exact(&mut code).map(|()| Status(i32::from_le_bytes(code)));
    guard::end_like(told.unwrap_or(status))
}

/// New namespaces for this process and a new PID namespace for its children; users mapped.
fn enter(identity: Identity) -> Result<(), Broke> {
    let all = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    match identity {
        Identity::Own { uid, gid } => {
            sys::unshare(all).at("make namespaces")?;
            // Root of a container with one user shall not look like root inside.
            let inside = |id| if id == 0 { INSIDE } else { id };
            write_maps("self", &format!("{} {uid} 1\n", inside(uid)), &format!("{} {gid} 1\n", inside(gid)))
                .at("map the user")
        }
        Identity::Nobody { id, override_modes: _ } => {
            sys::drop_supplementary_groups().at("drop groups")?;
            // Only a process outside may map a user that is not the maker of the namespace.
            let (mut made, making) = io::pipe().at("make a pipe")?;
            let Some(mapper) = sys::fork(false).at("start the mapper")? else {
                drop(making);
                let map = format!("0 0 1\n{INSIDE} {id} 1\n");
                let parent = std::os::unix::process::parent_id().to_string();
                let mapped = made.read_exact(&mut [0]).and_then(|()| write_maps(&parent, &map, &map));
                sys::exit_now(mapped.map_or_else(|error| error.raw_os_error().unwrap_or(255), |()| 0))
            };
            drop(made);
            let unshared = sys::unshare(all).at("make namespaces");
            let mut making = making;
            if unshared.is_ok() {
                making.write_all(&[1]).at("map the users")?;
            }
            drop(making);
            let mapped = sys::wait(mapper, true).at("map the users")?.map_or(255, |(_, status)| status.code());
            unshared?;
            if mapped == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(mapped.into())).at("map the users") }
        }
    }
}

/// Maps users and groups of a process's namespace: lines of first number inside, first outside, how many.
fn write_maps(process: &str, users: &str, groups: &str) -> io::Result<()> {
    let write = |name: &str, text: &str| {
        File::options().write(true).open(format!("/proc/{process}/{name}"))?.write_all(text.as_bytes())
    };
    // Groups may refuse somebody access, so dropping them must stay forbidden.
    write("setgroups", "deny")?;
    write("uid_map", users)?;
    write("gid_map", groups)
}

/// The first process of the PID namespace.
fn inside(
    order: &Order,
    identity: Identity,
    layout: &Layout,
    control: &UnixStream,
    signals: &OwnedFd,
    null: &OwnedFd,
    mut told: io::PipeWriter,
) -> Result<(), Broke> {
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL.cast_unsigned() as usize).at("bind to the guard")?;
    sys::loopback_up().at("switch loopback on")?;
    let (user, override_modes) = match identity {
        Identity::Own { .. } => (None, false),
        Identity::Nobody { id: _, override_modes } => (Some((INSIDE, INSIDE)), override_modes),
    };
    let (uid, gid) = user.unwrap_or_else(sys::identity);
    let places = Places::choose(layout).at("find room for a home")?;
    let scratch = root::build(layout, &places, Resident { uid, gid, disk: order.disk })?;
    let mut files = vec![(FileName::Scratch, scratch)];
    if order.observe {
        // While this process may still bind such ports.
        let (udp, tcp) = (UdpSocket::bind(root::NAMES), TcpListener::bind(root::NAMES));
        files.push((FileName::NamesUdp, udp.at("take the name server's port")?.into()));
        files.push((FileName::NamesTcp, tcp.at("take the name server's port")?.into()));
    }
    files.extend(canaries(order, places.home, user)?);
    let mut paths: Vec<(PathBuf, Access)> = vec![("/".into(), Access::Read)];
    paths.extend(places.written.iter().map(|path| ((*path).into(), Access::Write)));
    paths.extend(layout.binds.iter().filter(|(_, access)| **access == Access::Write).map(|(p, a)| (p.clone(), *a)));
    let cell = Cell {
        order,
        user,
        outside_user: match identity {
            Identity::Own { .. } => None,
            Identity::Nobody { id, .. } => Some(id),
        },
        override_modes,
        home: places.home.into(),
        temporary: places.temporary.into(),
        paths,
        landlock: rules::version(order.landlock_at_most),
        processes_before: 0,
    };
    let program = guard::start(&cell, control, files)?;
    // Of what this process could do, it needs to signal the program, which may be another user.
    sys::set_capabilities(CAP_KILL, 0).at("drop the capabilities")?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0).at("close this process")?;
    sys::silence(null).at("let go of the streams")?;
    // The process outside holds the socket; this one must not keep it open.
    let over = guard::watch(program, signals, None).at("watch")?;
    if let Over::Ended(status) = over {
        told.write_all(&status.0.to_le_bytes()).at("report the end")?;
    }
    Ok(())
}

/// Lays canaries into the home, if they are wanted; gives the watch on them.
fn canaries(order: &Order, home: &Path, user: Option<(u32, u32)>) -> Result<Option<(FileName, OwnedFd)>, Broke> {
    let Some(seed) = &order.canaries else { return Ok(None) };
    let planted = canaries::plant(home, seed).at("lay canaries")?;
    if let Some((uid, gid)) = user {
        for canary in &planted {
            // The file and the folders that were made for it.
            for path in home.join(canary.path).ancestors().take_while(|path| *path != home) {
                chown(path, Some(uid), Some(gid)).at("lay canaries")?;
            }
        }
    }
    let trap = Trap::set(home, &planted).at("watch the canaries")?;
    Ok(Some((FileName::Trap, trap.into_fd())))
}

/// CAP_KILL.
const CAP_KILL: u64 = 1 << 5;

/// No namespaces: this process stays as the guard and adopts orphans; its child becomes the program.
fn landlock(order: &Order, control: &UnixStream, null: &OwnedFd) -> Result<(), Broke> {
    let paths = paths(order);
    let mut layout = layout(&paths)?;
    let identity = Identity::choose(&paths, true).at("choose a user")?;
    let Some(scratch_folder) = order.scratch.as_ref().map(Raw::path) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput)).at("find the scratch folder");
    };
    let (user, override_modes, alone) = match identity {
        Identity::Own { .. } => (None, false, None),
        Identity::Nobody { id, override_modes } => (Some((id, id)), override_modes, Some(id)),
    };
    let (home, temporary) = (scratch_folder.join("home"), scratch_folder.join("tmp"));
    chown(scratch_folder, user.map(|(uid, _)| uid), user.map(|(_, gid)| gid)).at("take the scratch folder")?;
    for folder in [&home, &temporary] {
        std::fs::create_dir(folder).at("make the scratch folders")?;
        chown(folder, user.map(|(uid, _)| uid), user.map(|(_, gid)| gid)).at("make the scratch folders")?;
        layout.add(folder, Access::Write).at("make the scratch folders")?;
    }
    let files: Vec<_> = canaries(order, &home, user)?.into_iter().collect();
    sys::drop_groups_if_allowed(user.is_some()).at("drop groups")?;
    sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).at("adopt orphans")?;
    let ordered_by = std::os::unix::process::parent_id();
    let signals = guard::listen()?;
    let mut allowed: Vec<(PathBuf, Access)> =
        layout.binds.iter().map(|(path, access)| (path.clone(), *access)).collect();
    allowed.extend(OPEN_FILES.iter().map(Path::new).filter(|path| path.exists()).map(|p| (p.into(), Access::Read)));
    let cell = Cell {
        order,
        user,
        outside_user: alone,
        override_modes,
        home,
        temporary,
        paths: allowed,
        landlock: rules::version(order.landlock_at_most),
        processes_before: if alone.is_some() { 0 } else { sys::threads_of_user() },
    };
    let over = guard::start(&cell, control, files).and_then(|program| {
        sys::silence(null).at("let go of the streams")?;
        guard::watch(program, &signals, Some(control)).at("watch")
    });
    guard::end_descendants(alone);
    if std::os::unix::process::parent_id() != ordered_by {
        // Whoever would have removed it is gone; nobody is left to tell if it cannot be done.
        let _left = scratch::remove(scratch_folder);
    }
    guard::end_like(match over? {
        Over::Ended(status) => status,
        Over::LetGo => Status(libc::SIGKILL),
    })
}

/// Files of the machine that runtimes read and that tell nothing secret.
const OPEN_FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
];
