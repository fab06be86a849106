//! Configurations of MCP clients on this machine: found, read, judged, rewritten. What `init`, `wrap`, `unwrap` and the check
//! `config` share.
mod backup;
mod find;
mod judge;
mod matching;
mod told;

pub(super) use backup::{Backups, keep};
pub(super) use find::{File, State, Which, find};
pub(super) use judge::check;
pub(super) use matching::{Skip, cannot, needs_project, same_package, wrapping};
pub(super) use told::{Entry, FileTold, Told};
