//! The servers as a client sees them: each protocol answer and each fault is really on the wire.
#![forbid(unsafe_code)]

mod client;
mod evidence;
mod faults;
mod fixtures;
mod git;
mod npm;
mod pypi;
