//! The words of the domain: specs, names, versions, digests, the closure, the lock and the verdict.
//!
//! Everything here is pure and synchronous: text in, types out, types in, text out. No file, socket, clock or environment
//! variable is touched, so every rule of this crate can be tested with plain values. The arms (`fetch`, `verify`,
//! `capture`, `audit`, `report`) never import one another; what passes between them is a type of this crate.
#![forbid(unsafe_code)]

pub mod advisory;
pub mod approval;
pub mod artifact;
pub mod candidate;
pub mod capture;
pub mod check;
pub mod client;
pub mod closure;
pub mod config;
pub mod digest;
pub mod drift;
pub mod evidence;
pub mod finding;
#[cfg(test)]
mod hostile;
pub mod launch;
pub mod lock;
pub mod manifest;
pub mod name;
pub mod package;
pub mod publication;
pub mod report;
pub mod spec;
pub mod target;
pub mod team;
pub mod text;
pub mod time;
pub mod tree;
pub mod upstream;
pub mod url;
pub mod verdict;
