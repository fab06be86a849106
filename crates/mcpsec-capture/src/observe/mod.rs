//! The observer: what a sandboxed program tries to reach, open and start, and the answers it gets.
//!
//! ```text
//! sandboxed process: install(Watch) -> listener --handover--> launcher's parent: Supervisor::start(listener, Watch, Rules)
//!   connect, bind, send*, socket, open*, exec*, unlink*, rename*, ptrace …     -> written down, answered
//!   names (UDP, TCP port 53)                                                   -> Sinkhole: every name has an address
//!   files that look like keys                                                  -> canaries::Trap
//! ```
//!
//! A watched call is left to the kernel only where another layer (mounts, Landlock, a network namespace of its own) holds
//! whatever the program makes of it after it was looked at; seccomp_unotify(2) says why.
#[cfg(target_os = "linux")]
mod address;
#[cfg(target_os = "linux")]
mod calls;
pub mod canaries;
#[cfg(target_os = "linux")]
mod dns;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
pub mod handover;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod shared;
#[cfg(target_os = "linux")]
mod sinkhole;
#[cfg(target_os = "linux")]
mod supervisor;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod target;
#[cfg(target_os = "linux")]
mod unix;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
pub use self::{
    address::is_public,
    outside::{Outside, ThisMachine},
    sinkhole::Sinkhole,
    supervisor::Supervisor,
    watch::{Reach, Rules, SHARED_NETWORK_ENV, Watch, install},
};
