//! The command line end to end: the real binary in a scrubbed environment against registries on loopback.
//!
//! One module per verb or promise; `worlds` builds the packages that several of them lock.
mod add;
mod approvals;
mod audit;
mod ci;
mod content;
mod db;
mod diff;
mod docs;
mod evidence;
mod evidence_artifact;
mod export;
mod gate;
mod hostile;
mod init;
mod kill;
mod mirror;
mod mirror_world;
mod names;
mod offline;
mod online;
mod output;
mod policy;
mod push;
mod refusals;
mod reports;
mod reports_online;
mod rights;
mod secrets;
mod strangers;
mod tamper;
mod told;
mod told_hostile;
mod verify;
mod worlds;
mod wrap;
