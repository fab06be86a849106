//! The team server end to end: the real program, real clients, loopback only.
mod allowlist;
mod backends;
mod config;
mod http;
mod limits;
mod log_kill;
mod people;
mod replicas;
mod start;
mod tokens;
mod world;
