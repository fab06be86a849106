//! The team server: what a team vetted, for everybody in it, also when the upstream is gone.
//!
//! Four faces over one set of facts: the allowlist (an append-only log of signed approvals, [`log`]), the mirror for npm, pip and uv
//! ([`mirror`]), the MCP Registry API for IDEs ([`mcp`]), and a web page ([`ui`]). Writes come in by [`api`]. All state is in a
//! database ([`db`]) and a blob store ([`blobs`]); a process holds only what it can make again, so any number of them may run.
//!
//! The server is never the root of trust: bytes are named by their hashes, approvals carry their own signatures, and the head of
//! the log lets clients see when the server forgets, forks or stands still.
#![forbid(unsafe_code)]

pub mod address;
pub mod advice;
pub mod api;
pub mod app;
pub mod arrive;
pub mod auth;
pub mod blobs;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod conditional;
pub mod config;
pub mod db;
pub mod error;
pub mod log;
pub mod mcp;
pub mod mirror;
pub mod ops;
pub mod pull;
pub mod serve;
pub mod trust;
pub mod ui;
mod worth;
