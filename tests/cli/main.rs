//! The command line end to end: the real binary in a scrubbed environment against registries on loopback.
//!
//! One module per verb or promise; `worlds` builds the packages that several of them lock.
mod add;
mod hostile;
mod kill;
mod online;
mod refusals;
mod strangers;
mod tamper;
mod verify;
mod worlds;
