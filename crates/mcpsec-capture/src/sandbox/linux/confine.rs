//! The last steps of the process that becomes the stranger's program: limits, user, Landlock, seccomp, execution.
use std::{
    ffi::CString,
    io,
    os::{
        fd::{IntoRawFd as _, RawFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
};

use crate::observe;

use super::{
    super::wire::{self, Order, Raw, Tier},
    broke::{Broke, Step},
    calls::{self, Calls},
    identity::CAP_DAC_OVERRIDE,
    layout::Access,
    rules, sys,
};

/// The frame with which the program's process says that it is ready to execute; payload: the descriptor that tells of watched
/// calls, as four bytes, or -1.
pub(super) const READY: u8 = b'R';
/// The answer: go.
pub(super) const GO: u8 = b'G';

/// What a tier has decided for the program.
#[derive(Debug)]
pub(super) struct Cell<'a> {
    pub(super) order: &'a Order,
    /// User and group to become; `None`: stay.
    pub(super) user: Option<(u32, u32)>,
    /// The same user's number outside.
    pub(super) outside_user: Option<u32>,
    /// Whether CAP_DAC_OVERRIDE is kept.
    pub(super) override_modes: bool,
    /// Home folder and folder for temporary files, as the program sees them.
    pub(super) home: PathBuf,
    pub(super) temporary: PathBuf,
    /// What Landlock lets it touch.
    pub(super) paths: Vec<(PathBuf, Access)>,
    pub(super) landlock: u8,
    /// Processes that its user has already.
    pub(super) processes_before: u64,
}

/// Devices that may be read and written.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Becomes the program. Says [`READY`] on `talk`, waits for [`GO`], executes; what fails is said on `talk` too.
pub(super) fn become_program(cell: &Cell<'_>, talk: &UnixStream) -> ! {
    let error = match prepare(cell, talk) {
        Ok(_) if cell.order.probe => {
            let whole = cell.order.tier == Tier::Landlock || Path::new("/proc/self").exists();
            sys::exit_now(if whole { 0 } else { wire::WITHOUT_PROC.into() })
        }
        Ok((program, args, env)) => Broke::program(sys::execute(&program, &args, &env)),
        Err(broke) => broke,
    };
    say_failed(talk, &error);
    sys::exit_now(127)
}

/// Says what failed. If nobody listens any more, the exit code is all that is left to say.
pub(super) fn say_failed(to: &UnixStream, broke: &Broke) {
    if let Ok(failure) = serde_json::to_vec(&broke.failure()) {
        let _unheard = wire::send(to, wire::FAILED, &failure);
    }
}

type Execution = (CString, sys::Texts, sys::Texts);

fn prepare(cell: &Cell<'_>, talk: &UnixStream) -> Result<Execution, Broke> {
    let execution = execution(cell).at("read the arguments")?;
    sys::new_session().at("start a session")?;
    sys::umask(0o077);
    limits(cell).at("set the limits")?;
    let kept = if cell.override_modes { CAP_DAC_OVERRIDE } else { 0 };
    if cell.override_modes {
        // What becomes inheritable must be in the bounding set, so before that is emptied.
        sys::capabilities().and_then(|all| sys::set_capabilities(all, kept)).at("keep a capability")?;
    }
    sys::empty_bounding_set();
    if let Some((uid, gid)) = cell.user {
        if cell.override_modes {
            sys::prctl(libc::PR_SET_KEEPCAPS, 1).at("keep a capability")?;
        }
        sys::become_user(uid, gid).at("change the user")?;
    }
    sys::set_capabilities(kept, kept).at("drop the capabilities")?;
    if cell.override_modes {
        sys::raise_ambient(1).at("keep a capability")?;
    }
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).at("forbid new privileges")?;
    // After every change of user, which would reset it.
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL.cast_unsigned() as usize).at("bind to the guard")?;
    let folder = cell.order.cwd.as_ref().map_or(cell.home.as_path(), Raw::path);
    std::env::set_current_dir(folder).at("enter the working folder")?;
    rules::restrict(cell.order.tier, &cell.paths, DEVICES, cell.landlock).at("set the Landlock rules")?;
    sys::fresh_signals().at("reset the signals")?;
    // Everything but the standard streams ends with the execution.
    sys::close_range(3, u32::MAX, true).at("close files")?;
    calls::install(Calls {
        tier: cell.order.tier,
        watch: cell.order.watch(),
        landlock: cell.landlock,
        owns_files: cell.user.is_none() || cell.override_modes,
        program: std::process::id(),
    })
    .at("set the seccomp rules")?;
    // Last, since from here on watched calls wait for the observer. Its descriptor is left in the table, for the guard.
    let notify: RawFd = match cell.order.watch() {
        Some(watch) => observe::install(&watch).at("watch the calls")?.into_raw_fd(),
        None => -1,
    };
    wire::send(talk, READY, &notify.to_le_bytes()).at("say ready")?;
    match next_tag(talk).at("wait for the start")? {
        // Read to its end: what is left unread when a socket closes would reach the other side as an error.
        Some(GO) => wire::payload(talk).at("wait for the start").map(|_| execution),
        _ => Err(io::Error::from(io::ErrorKind::BrokenPipe)).at("wait for the start"),
    }
}

/// The tag of the next frame; `None` at the end of the stream.
pub(super) fn next_tag(mut from: &UnixStream) -> io::Result<Option<u8>> {
    let mut tag = [0];
    Ok((io::Read::read(&mut from, &mut tag)? == 1).then_some(tag[0]))
}

fn execution(cell: &Cell<'_>) -> io::Result<Execution> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let program = text(&cell.order.program.0)?;
    let mut args = vec![program.clone()];
    for arg in &cell.order.args {
        args.push(text(&arg.0)?);
    }
    let mut env: Vec<(Raw, Raw)> = cell.order.env.clone();
    for (name, value) in scratch_environment(&cell.home, &cell.temporary) {
        if !env.iter().any(|(named, _)| named.0 == name.as_bytes()) {
            env.push((Raw(name.as_bytes().to_vec()), Raw::from(value.as_path())));
        }
    }
    let (name, value) = observe::SHARED_NETWORK_ENV;
    if cell.order.observe
        && cell.order.tier == Tier::Landlock
        && !env.iter().any(|(named, _)| named.0 == name.as_bytes())
    {
        env.push((Raw(name.as_bytes().to_vec()), Raw(value.as_bytes().to_vec())));
    }
    env.sort();
    let mut pairs = Vec::new();
    for (name, value) in &env {
        if name.0.is_empty() || name.0.contains(&b'=') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        pairs.push(text(&[&name.0[..], b"=", &value.0[..]].concat())?);
    }
    Ok((program, sys::Texts::new(args), sys::Texts::new(pairs)))
}

/// What tells programs where their home is. Names that the plan gives a value are the plan's.
fn scratch_environment(home: &Path, temporary: &Path) -> [(&'static str, PathBuf); 6] {
    [
        ("HOME", home.to_owned()),
        ("TMPDIR", temporary.to_owned()),
        ("XDG_CACHE_HOME", home.join(".cache")),
        ("XDG_CONFIG_HOME", home.join(".config")),
        ("XDG_DATA_HOME", home.join(".local/share")),
        ("XDG_STATE_HOME", home.join(".local/state")),
    ]
}

fn limits(cell: &Cell<'_>) -> io::Result<()> {
    let order = cell.order;
    let set = |resource, value: Option<u64>| value.map_or(Ok(()), |value| sys::limit(resource, value, value));
    if let Some(seconds) = order.cpu {
        // The soft limit ends it with a signal of its own, which tells why; the hard one ends whoever ignores that.
        sys::limit(libc::RLIMIT_CPU, seconds, seconds + 2)?;
    }
    // Not the address space: JavaScript engines reserve far more of it than they use.
    set(libc::RLIMIT_DATA, order.memory)?;
    // The process that is being set up counts, and in the namespace tier its guard.
    set(libc::RLIMIT_NPROC, order.processes.map(|processes| processes + cell.processes_before + 2))?;
    set(libc::RLIMIT_FSIZE, order.file)?;
    set(libc::RLIMIT_NOFILE, order.files)?;
    for nothing in [libc::RLIMIT_CORE, libc::RLIMIT_RTPRIO, libc::RLIMIT_MSGQUEUE] {
        set(nothing, Some(0))?;
    }
    Ok(())
}
