//! The launcher's first half: starts the second half, hands it the order, hears what became of it.
#![expect(unsafe_code, reason = "system calls")]

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::Path,
    process::{Child, Command, Stdio as Std},
    time::Duration,
};

use mcpsec_model::text::Untrusted;

use crate::observe::Supervisor;

use super::{
    super::{
        Plan, SandboxError, Stdio, setup,
        wire::{self, Failure, FileName, Files, Order},
    },
    forward::Forward,
    observer, sys,
};

/// First argument of the second half. Not a name that a person types.
pub(in crate::sandbox) const STAGE: &str = "--mcpsec-sandbox-stage";
/// Longest wait for one answer of the second half. Setting up takes milliseconds; a machine that swaps takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs, and what it takes to watch and end it.
#[derive(Debug)]
pub(in crate::sandbox) struct Launched {
    pub(in crate::sandbox) child: Child,
    /// Letting go of it ends everything.
    pub(in crate::sandbox) control: UnixStream,
    /// The file system of its scratch folders, if they have one.
    pub(in crate::sandbox) scratch: Option<OwnedFd>,
    pub(in crate::sandbox) observer: Option<Supervisor>,
    /// Whether what it sees was asked for.
    pub(in crate::sandbox) tells: bool,
    /// Passes signals on to a program that has this process's streams.
    pub(in crate::sandbox) forward: Option<Forward>,
}

/// Starts a program as ordered.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts strangers' programs")]
pub(in crate::sandbox) fn launch(launcher: &Path, order: &Order, plan: &Plan) -> Result<Launched, SandboxError> {
    let (ours, theirs) = UnixStream::pair().map_err(setup("make a socket"))?;
    ours.set_read_timeout(Some(PATIENCE)).map_err(setup("make a socket"))?;
    ours.set_write_timeout(Some(PATIENCE)).map_err(setup("make a socket"))?;
    let mut command = Command::new(launcher);
    command.args([OsString::from(STAGE), theirs.as_raw_fd().to_string().into()]).env_clear().current_dir("/");
    if plan.stdio == Stdio::Piped {
        command.stdin(Std::piped()).stdout(Std::piped()).stderr(Std::piped());
    }
    let handed = theirs.as_fd().try_clone_to_owned().map_err(setup("make a socket"))?;
    let number = theirs.as_raw_fd();
    // SAFETY: between fork and execution only fcntl(2) is called, which is allowed there. `theirs` is open until then.
    unsafe {
        command.pre_exec(move || {
            let _open = &handed;
            sys::set_inherited(std::os::fd::BorrowedFd::borrow_raw(number), true)
        });
    }
    let child = command.spawn().map_err(setup("start the launcher"))?;
    drop((command, theirs));
    let mut launched = Launched { child, control: ours, scratch: None, observer: None, tells: false, forward: None };
    if plan.stdio == Stdio::Inherited {
        // Before the program can say anything, so that whoever hears it can rely on it.
        match Forward::to(launched.child.id()) {
            Ok(forward) => launched.forward = Some(forward),
            Err(source) => {
                launched.end();
                return Err(setup("pass signals on")(source));
            }
        }
    }
    match launched.settle(order, plan) {
        Ok(None) => Ok(launched),
        Ok(Some(failure)) => {
            launched.end();
            let source = io::Error::from_raw_os_error(failure.errno);
            Err(if failure.program {
                SandboxError::Start { program: Untrusted::new(plan.program.to_string_lossy()).excerpt(200), source }
            } else {
                SandboxError::Setup { step: Untrusted::new(failure.step).excerpt(200), source }
            })
        }
        Err(source) => {
            launched.end();
            Err(SandboxError::Setup { step: "hear the launcher".to_owned(), source })
        }
    }
}

impl Launched {
    /// Hands the order over and hears answers until the program runs, or what went wrong.
    fn settle(&mut self, order: &Order, plan: &Plan) -> io::Result<Option<Failure>> {
        let ordered = serde_json::to_vec(order).map_err(io::Error::other)?;
        wire::send(&self.control, wire::ORDER, &ordered)?;
        loop {
            let Some((tag, files)) = sys::receive_files(&self.control)? else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let payload = wire::payload(&self.control)?;
            match tag {
                wire::STARTED => return Ok(None),
                wire::FAILED => return serde_json::from_slice(&payload).map(Some).map_err(io::Error::other),
                wire::FILES => {
                    let names: Files = serde_json::from_slice(&payload).map_err(io::Error::other)?;
                    if names.names.len() != files.len() {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    let mut files: Vec<(FileName, OwnedFd)> = names.names.iter().copied().zip(files).collect();
                    self.scratch = take(&mut files, FileName::Scratch);
                    // Before the program executes, which is a call that waits for the observer.
                    self.observer = observer::start(order, plan, &names, self.scratch.as_ref(), files)?;
                    self.tells = order.observe;
                }
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Lets go, and waits until everything has ended.
    pub(in crate::sandbox) fn end(&mut self) {
        let _gone = self.control.shutdown(std::net::Shutdown::Both);
        let _ended = wait_or_kill(&mut self.child);
    }
}

/// Takes the file of this name.
pub(super) fn take(files: &mut Vec<(FileName, OwnedFd)>, name: FileName) -> Option<OwnedFd> {
    let index = files.iter().position(|(named, _)| *named == name)?;
    Some(files.swap_remove(index).1)
}

/// Waits for the guard, which ends what it guards; a guard that does not end is killed.
pub(in crate::sandbox) fn wait_or_kill(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    for _ in 0..PATIENCE.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill()?;
    child.wait()
}
