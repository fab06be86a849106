//! The observer against real programs: each runs under the real filter, in namespaces of its own or in those of this machine.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "children are prepared between fork and exec")]
mod files;
mod hosts;
mod network;
mod stage;
